//! Implements `#[derive(LiveRoute)]`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Fields, Ident, LitStr, Type};

use crate::attr;
use crate::diagnostics::Diagnostics;
use crate::names::{last_name, nearest, plain, private};

pub(crate) fn expand(input: &DeriveInput) -> TokenStream {
    let mut errors = Diagnostics::default();
    let attrs = attr::route(&input.attrs, &mut errors);
    let p = private(attrs.krate.as_ref());
    let Some(fields) = read_fields(input, &mut errors) else { return errors.into_tokens() };
    let ident = &input.ident;
    let path = match &attrs.path {
        Some(path) => path.clone(),
        None => {
            errors.at(ident, format!("`{ident}` has no path: add #[live(path = \"/…\")]"));
            return errors.into_tokens();
        }
    };
    check_path(&path, &fields, &mut errors);
    let name = ident.to_string();
    let pattern = path.value();
    let parameters = fields.iter().map(|field| {
        let (name, ty) = (&field.name, &field.ty);
        let shown = quote!(#ty).to_string().replace(' ', "");
        let optional = field.in_query && last_name(ty).is_some_and(|name| name == "Option");
        quote_spanned! {ty.span()=>
            p::ArgSpec { name: #name, ty: #shown, shape: p::ShapeProbe::<#ty>::SHAPE, optional: #optional }
        }
    });
    let values = fields.iter().map(|field| {
        let (name, member) = (&field.name, &field.ident);
        quote_spanned!(field.ty.span()=> (#name, p::route_value(&self.#member)))
    });
    let errors = errors.into_tokens();
    quote! {
        const _: () = {
            use #p as p;
            #[allow(unused_imports)]
            use p::Unshaped as _;
            impl p::LiveRoute for #ident {
                const SPEC: &'static p::RouteSpec = &p::RouteSpec {
                    type_name: ::core::concat!(::core::module_path!(), "::", #name),
                    path: #pattern,
                    parameters: &[#(#parameters),*],
                };
                fn url(&self) -> ::std::string::String {
                    p::route_url(#pattern, &[#(#values),*])
                }
            }
            p::inventory::submit! { p::RouteRegistration(<#ident as p::LiveRoute>::SPEC) }
        };
        #errors
    }
}

/// A parameter of the route.
struct RouteField {
    ident: Ident,
    name: String,
    ty: Type,
    in_query: bool,
}

fn read_fields(input: &DeriveInput, errors: &mut Diagnostics) -> Option<Vec<RouteField>> {
    if let Some(parameter) = input.generics.params.first() {
        errors.at(parameter, "a route cannot be generic: its path is that of one type");
        return None;
    }
    let named = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(named) => named.named.clone(),
            Fields::Unit => syn::punctuated::Punctuated::new(),
            Fields::Unnamed(fields) => {
                errors.at(fields, "a route needs named fields, because its path refers to them by name");
                return None;
            }
        },
        Data::Enum(_) | Data::Union(_) => {
            errors.at(&input.ident, "a route must be a struct: one type for each path");
            return None;
        }
    };
    let fields = named.into_iter().filter_map(|field| {
        let in_query = attr::is_query(&field.attrs, errors);
        let ident = field.ident?;
        Some(RouteField { name: plain(&ident), ident, ty: field.ty, in_query })
    });
    Some(fields.collect())
}

/// Checks that the path contains exactly the fields that are not query parameters.
fn check_path(path: &LitStr, fields: &[RouteField], errors: &mut Diagnostics) {
    let text = path.value();
    let mut wrong = |message: String| errors.push(syn::Error::new(path.span(), message));
    if !text.starts_with('/') || text.contains(['?', '#']) {
        wrong("a path starts with `/` and has no query and no fragment".to_owned());
        return;
    }
    let mut seen: Vec<&str> = Vec::new();
    for segment in text.split('/').skip(1) {
        let Some(parameter) = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
            if segment.contains(['{', '}']) {
                wrong(format!("a parameter is a whole segment: `/{{name}}/`, not `{segment}`"));
            }
            continue;
        };
        let name = parameter.strip_prefix('*').unwrap_or(parameter);
        if seen.contains(&name) {
            wrong(format!("`{{{name}}}` is twice in the path"));
        }
        seen.push(name);
        match fields.iter().find(|field| field.name == name) {
            Some(field) if field.in_query => {
                wrong(format!("`{name}` is in the path, so it cannot be #[live(query)]"));
            }
            Some(_) => {}
            None => {
                let hint = nearest(name, fields.iter().map(|field| field.name.as_str()));
                let hint = hint.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                wrong(format!("`{{{name}}}` is not a field{hint}"));
            }
        }
    }
    for field in fields.iter().filter(|field| !field.in_query && !seen.contains(&field.name.as_str())) {
        let name = &field.name;
        let message =
            format!("`{name}` is not in the path: write `{{{name}}}` there, or mark it #[live(query)]");
        errors.at(&field.ident, message);
    }
}
