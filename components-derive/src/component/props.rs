//! Writes the struct of a component's props.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::Ident;
use syn::spanned::Spanned;

use crate::attr::Fallback;
use crate::model::Model;

/// Returns the struct's name, for example `ChatProps`.
pub(crate) fn ident(model: &Model) -> Ident {
    format_ident!("{}Props", model.ident)
}

/// Writes the struct. It has the component's visibility, because applications create it.
pub(super) fn expand(model: &Model, p: &TokenStream) -> TokenStream {
    let (ident, vis) = (ident(model), &model.vis);
    let props: Vec<_> = model.fields.iter().filter(|field| field.is_prop()).collect();
    let doc = format!("The props of a [`{}`].", model.ident);
    let serde_path = format!("{p}::serde").replace(' ', "");
    let fields = props.iter().map(|field| {
        let (member, ty, docs) = (&field.ident, &field.ty, &field.docs);
        let docs = if docs.is_empty() {
            let doc = format!("The prop `{}`.", field.name);
            quote!(#[doc = #doc])
        } else {
            quote!(#(#docs)*)
        };
        let default = match &field.attrs.default {
            Some(Fallback::OfType) => quote!(#[serde(default)]),
            Some(Fallback::Expr(_)) => {
                let path = format!("{ident}::{}", default_fn(&field.ident));
                quote!(#[serde(default = #path)])
            }
            None => quote!(),
        };
        quote!(#docs #default pub #member: #ty)
    });
    let defaults = props.iter().filter_map(|field| {
        let Some(Fallback::Expr(expr)) = &field.attrs.default else { return None };
        let (name, ty) = (default_fn(&field.ident), &field.ty);
        Some(quote_spanned! {expr.span()=>
            #[doc(hidden)]
            fn #name() -> #ty {
                #expr
            }
        })
    });
    let default_impl = props.iter().all(|field| field.attrs.default.is_some()).then(|| {
        let members = props.iter().map(|field| {
            let member = &field.ident;
            match &field.attrs.default {
                Some(Fallback::Expr(_)) => {
                    let name = default_fn(member);
                    quote!(#member: Self::#name())
                }
                Some(Fallback::OfType) | None => quote!(#member: ::core::default::Default::default()),
            }
        });
        quote! {
            impl ::core::default::Default for #ident {
                fn default() -> Self {
                    Self { #(#members),* }
                }
            }
        }
    });
    quote! {
        #[doc = #doc]
        #[derive(#p::serde::Serialize, #p::serde::Deserialize)]
        #[serde(crate = #serde_path, deny_unknown_fields)]
        #vis struct #ident {
            #(#fields),*
        }
        impl #ident {
            #(#defaults)*
        }
        #default_impl
    }
}

fn default_fn(member: &Ident) -> Ident {
    format_ident!("__default_{}", member)
}
