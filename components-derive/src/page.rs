//! Implements `#[derive(LivePage)]`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Fields, GenericParam, Generics, Ident};
use vivaz_template::TemplateKind;

use crate::attr::{self, FieldAttrs};
use crate::diagnostics::Diagnostics;
use crate::names::{plain, private};
use crate::state::shape_field;
use crate::template::TemplateFile;

pub(crate) fn expand(input: &DeriveInput) -> TokenStream {
    let mut errors = Diagnostics::default();
    let attrs = attr::page(&input.attrs, &mut errors);
    let Some(fields) = PageField::read_all(input, &mut errors) else { return errors.into_tokens() };
    let ident = &input.ident;
    if let (Some(template), Some(_)) = (&attrs.template, &attrs.inline) {
        errors.at(template, "a page has one template: use either `template` (a file) or `inline`");
    }
    let mut template = TemplateFile::find(ident, &attrs, &mut errors);
    let compiled = template.compile(TemplateKind::Page, &mut errors);
    let p = private(attrs.krate.as_ref());
    let fixed = with_static(ident, &input.generics);
    let subject = quote! {
        fields: &[],
        shape: <#fixed as p::LiveShape>::SHAPE,
        computed: &[],
        actions: &[],
        methods: &[],
        words: &[],
    };
    let checks = template.checks(ident, &attrs, &subject, compiled.as_ref());
    let shape = shape_impl(ident, &input.generics, &fields);
    let page = page_impl(ident, &input.generics, &fields, &template.source());
    let errors = errors.into_tokens();
    quote! {
        const _: () = {
            use #p as p;
            #[allow(unused_imports)]
            use p::Unshaped as _;
            #shape
            #page
            #checks
            p::inventory::submit! { p::PageRegistration(<#fixed as p::LivePage>::SPEC) }
        };
        #errors
    }
}

/// A field of a page.
struct PageField {
    ident: Ident,
    name: String,
    ty: syn::Type,
    attrs: FieldAttrs,
}

impl PageField {
    /// Reads the fields of a page's struct; errors are added to `errors`.
    fn read_all(input: &DeriveInput, errors: &mut Diagnostics) -> Option<Vec<Self>> {
        let parameter =
            input.generics.params.iter().find(|param| !matches!(param, GenericParam::Lifetime(_)));
        if let Some(parameter) = parameter {
            errors.at(
                parameter,
                "a page can have lifetimes, but no type parameters: its template is checked for one type",
            );
            return None;
        }
        let fields = match &input.data {
            Data::Struct(data) => match &data.fields {
                Fields::Named(named) => named.named.clone(),
                Fields::Unit => syn::punctuated::Punctuated::new(),
                Fields::Unnamed(fields) => {
                    errors
                        .at(fields, "a page needs named fields, because its template refers to them by name");
                    return None;
                }
            },
            Data::Enum(_) | Data::Union(_) => {
                errors.at(&input.ident, "a page must be a struct, because its template shows its fields");
                return None;
            }
        };
        Some(fields.into_iter().filter_map(|field| Self::read(field, errors)).collect())
    }

    fn read(field: syn::Field, errors: &mut Diagnostics) -> Option<Self> {
        let attrs = attr::field(&field.attrs, errors);
        let others = [
            (attrs.prop, "prop"),
            (attrs.page, "page"),
            (attrs.model, "model"),
            (attrs.shared.as_ref().map(Spanned::span), "shared"),
            (attrs.private, "private"),
            (attrs.errors, "errors"),
            (attrs.key, "key"),
            (attrs.presence, "presence"),
        ];
        for (span, word) in others.iter().filter_map(|(span, word)| span.map(|span| (span, word))) {
            let message =
                format!("`{word}` belongs on a component's field; a page's field has `opaque` and `skip`");
            errors.push(syn::Error::new(span, message));
        }
        let ident = field.ident?;
        Some(Self { name: plain(&ident), ident, ty: field.ty, attrs })
    }
}

/// Writes the type with `'static` for each lifetime.
fn with_static(ident: &Ident, generics: &Generics) -> TokenStream {
    let lifetimes = generics.lifetimes().map(|_| quote!('static));
    quote!(#ident<#(#lifetimes),*>)
}

fn shape_impl(ident: &Ident, generics: &Generics, fields: &[PageField]) -> TokenStream {
    let name = ident.to_string();
    let (impl_generics, ty_generics, bounds) = generics.split_for_impl();
    let fields = fields.iter().map(|field| {
        let hidden = field.attrs.skip.map(|_| "it is #[live(skip)]");
        shape_field(&field.name, &field.ty, hidden, field.attrs.opaque.is_some(), false)
    });
    quote! {
        impl #impl_generics p::LiveShape for #ident #ty_generics #bounds {
            const SHAPE: p::ShapeRef = p::ShapeRef::new(&p::Shape::Struct(#name, &[#(#fields),*]));
        }
    }
}

fn page_impl(
    ident: &Ident,
    generics: &Generics,
    fields: &[PageField],
    template: &TokenStream,
) -> TokenStream {
    let name = ident.to_string();
    let (impl_generics, ty_generics, bounds) = generics.split_for_impl();
    let values = fields.iter().filter(|field| field.attrs.skip.is_none()).map(|field| {
        let (name, member) = (&field.name, &field.ident);
        quote_spanned! {field.ty.span()=>
            values.insert(::std::string::String::from(#name), p::page_value(&self.#member)?);
        }
    });
    quote! {
        impl #impl_generics p::LivePage for #ident #ty_generics #bounds {
            const SPEC: &'static p::PageSpec = &p::PageSpec {
                type_name: ::core::concat!(::core::module_path!(), "::", #name),
                template: #template,
                shape: <Self as p::LiveShape>::SHAPE,
            };
            fn values(
                &self,
            ) -> ::core::result::Result<p::serde_json::Map<::std::string::String, p::serde_json::Value>, p::serde_json::Error> {
                #[allow(unused_mut)]
                let mut values = p::serde_json::Map::new();
                #(#values)*
                ::core::result::Result::Ok(values)
            }
        }
    }
}
