//! Writes the code for fields that are bound to parameters of the page's URL.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::default;
use crate::attr::UrlAttrs;
use crate::model::{ComponentField, Model};

fn bound(model: &Model) -> impl Iterator<Item = (&ComponentField, &UrlAttrs, String)> {
    model.fields.iter().filter_map(|field| Some((field, field.attrs.url.as_ref()?, field.param()?)))
}

/// Writes the entries of `Spec::url`.
pub(super) fn specs(model: &Model) -> impl Iterator<Item = TokenStream> {
    bound(model).map(|(field, url, param)| {
        let name = &field.name;
        let history = if url.replace { quote!(Replace) } else { quote!(Push) };
        let debounce = url.debounce_ms.as_ref().map_or_else(|| quote!(0), |ms| quote!(#ms));
        quote! {
            p::UrlParam {
                name: #param,
                field: #name,
                history: p::HistoryEntry::#history,
                debounce_ms: #debounce,
            }
        }
    })
}

/// Writes the constants that fail the build if a field has no default or no form in a URL.
pub(super) fn checks(model: &Model) -> impl Iterator<Item = TokenStream> {
    let owner = model.ident.to_string();
    bound(model).map(move |(field, ..)| {
        let (name, ty) = (&field.name, &field.ty);
        let has_default = field.attrs.default.is_none().then(|| {
            let message = format!(
                "`{name}` of `{owner}` has no default value, which it has without its parameter: give it \
                 #[live(default = …)]"
            );
            quote_spanned!(ty.span()=> const _: () = ::core::assert!(p::Fill::<#ty>::HAS_DEFAULT, #message);)
        });
        quote_spanned! {ty.span()=>
            #has_default
            const _: () = if let ::core::option::Option::Some(message) =
                p::not_bound(#owner, #name, p::ShapeProbe::<#ty>::SHAPE)
            {
                ::core::panic!("{}", message.as_str())
            };
        }
    })
}

/// Writes the method that reads the bound fields from the URL.
pub(super) fn follow_method(model: &Model) -> Option<TokenStream> {
    let reads: Vec<_> = bound(model)
        .map(|(field, _, param)| {
            let (name, member, ty, default) = (&field.name, &field.ident, &field.ty, default(field));
            quote_spanned! {ty.span()=>
                p::read_param::<#ty>(
                    (#name, &mut self.#member),
                    (#param, p::ShapeProbe::<#ty>::SHAPE),
                    params,
                    || #default,
                    changed,
                )?;
            }
        })
        .collect();
    (!reads.is_empty()).then(|| {
        quote! {
            #[allow(clippy::redundant_closure, clippy::redundant_closure_for_method_calls)]
            fn follow_url(
                &mut self,
                params: &p::UrlParams,
                changed: &mut ::std::vec::Vec<&'static str>,
            ) -> p::JsonResult {
                #(#reads)*
                ::core::result::Result::Ok(())
            }
        }
    })
}

/// Writes the visit of the parameters that the fields require.
pub(super) fn query(model: &Model) -> Option<TokenStream> {
    let adds: Vec<_> = bound(model)
        .map(|(field, _, param)| {
            let (member, ty, default) = (&field.ident, &field.ty, default(field));
            quote_spanned!(ty.span()=> query.add::<#ty>(#param, &self.#member, || #default);)
        })
        .collect();
    (!adds.is_empty()).then(|| {
        quote! {
            #[allow(clippy::redundant_closure, clippy::redundant_closure_for_method_calls)]
            {
                let mut query = p::UrlQuery::default();
                #(#adds)*
                visitor.field(p::QUERY, p::FieldKind::Computed, &mut p::Pick(&mut query).field());
            }
        }
    })
}
