//! A component's struct with its attributes, checked in combination.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Fields, Ident, Type, Visibility};

use crate::attr::{self, ComponentAttrs, FieldAttrs};
use crate::diagnostics::Diagnostics;
use crate::keys;
use crate::names::{last_name, nearest, plain, snake};

/// A component's struct.
pub(crate) struct Model {
    pub(crate) ident: Ident,
    pub(crate) vis: Visibility,
    pub(crate) attrs: ComponentAttrs,
    /// The name on the wire.
    pub(crate) name: String,
    pub(crate) fields: Vec<ComponentField>,
}

/// A field of the component.
pub(crate) struct ComponentField {
    pub(crate) ident: Ident,
    /// The name on the wire.
    pub(crate) name: String,
    pub(crate) ty: Type,
    pub(crate) attrs: FieldAttrs,
    pub(crate) kind: FieldRole,
    /// Doc comments and `cfg`s, copied to the field of the props.
    pub(crate) docs: Vec<syn::Attribute>,
}

/// The role of a field.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldRole {
    Public,
    Errors,
    Shared,
    Private,
    Skip,
}

impl FieldRole {
    /// Returns the variant of `FieldKind`.
    pub(crate) fn ident(self) -> Ident {
        let name = match self {
            Self::Public => "Public",
            Self::Errors => "Errors",
            Self::Shared => "Shared",
            Self::Private => "Private",
            Self::Skip => "Skip",
        };
        Ident::new(name, Span::call_site())
    }

    pub(crate) fn is_saved(self) -> bool {
        matches!(self, Self::Public | Self::Errors | Self::Private)
    }
}

impl Model {
    /// Reads the struct; errors are added to `errors`.
    pub(crate) fn read(input: DeriveInput, errors: &mut Diagnostics) -> Option<Self> {
        let attrs = attr::component(&input.attrs, errors);
        let ident = input.ident;
        if let Some(param) = input.generics.params.first() {
            errors.at(
                param,
                format!(
                    "a live component cannot be generic: pages mount it by one name, so `{ident}` is one type. \
                     Make the type inside it concrete, or share behaviour through a trait"
                ),
            );
            return None;
        }
        let fields = match input.data {
            Data::Struct(data) => match data.fields {
                Fields::Named(named) => named.named,
                Fields::Unit => syn::punctuated::Punctuated::new(),
                Fields::Unnamed(fields) => {
                    errors.at(
                        fields,
                        "a live component needs named fields, because templates refer to them by name",
                    );
                    return None;
                }
            },
            Data::Enum(_) | Data::Union(_) => {
                errors.at(&ident, "a live component must be a struct, because the page shows its fields");
                return None;
            }
        };
        let name = attrs.name.as_ref().map_or_else(|| snake(&plain(&ident)), syn::LitStr::value);
        if name.is_empty()
            || name.len() > 64
            || !name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        {
            errors.at(
                attrs.name.as_ref(),
                "the name of a component must have 1 to 64 letters, digits, `-`, `_` and `.`, because HTML and messages contain it",
            );
        }
        if matches!(name.as_str(), "fill" | "head" | "params" | "slot") {
            let span = attrs.name.as_ref().map_or_else(|| ident.span(), syn::LitStr::span);
            let message = format!("`<live:{name}>` belongs to the template language: choose another name");
            errors.push(syn::Error::new(span, message));
        }
        if let (Some(template), Some(_)) = (&attrs.template, &attrs.inline) {
            errors.at(template, "a component has one template: use either `template` (a file) or `inline`");
        }
        let fields: Vec<ComponentField> =
            fields.into_iter().filter_map(|field| ComponentField::read(field, errors)).collect();
        let model = Self { ident, vis: input.vis, attrs, name, fields };
        model.check_together(errors);
        Some(model)
    }

    fn check_together(&self, errors: &mut Diagnostics) {
        let mut seen = None::<&ComponentField>;
        for field in self.fields.iter().filter(|field| field.kind == FieldRole::Errors) {
            if let Some(first) = seen {
                errors.at(&field.ident, format!("`{}` is already the `errors` field", first.name));
            }
            seen = Some(field);
        }
        let mut bound = Vec::new();
        for field in &self.fields {
            let (Some(url), Some(param)) = (&field.attrs.url, field.param()) else { continue };
            let at = url.name.as_ref().map_or(url.span, syn::LitStr::span);
            if param.is_empty()
                || param.len() > 64
                || !param.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
            {
                errors.push(syn::Error::new(
                    at,
                    "the name of a parameter must have 1 to 64 letters, digits, `-`, `_` and `.`",
                ));
            }
            if let Some((_, first)) = bound.iter().find(|(known, _)| *known == param) {
                let message = format!(
                    "the parameter `{param}` is already bound to `{first}`: give one of the fields another name, \
                     #[live(url = \"…\")]"
                );
                errors.push(syn::Error::new(at, message));
            }
            bound.push((param, &field.name));
        }
        for field in &self.fields {
            if let Some(pattern) = &field.attrs.shared {
                errors.keep(self.topic(pattern));
            }
        }
    }

    /// Returns the `format_args!` of a shared field's topic: `"chat/{room}"`, with the component's
    /// fields for the names.
    pub(crate) fn topic(&self, pattern: &syn::LitStr) -> syn::Result<TokenStream> {
        let text = pattern.value();
        let (mut format, mut args) = (String::new(), Vec::new());
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let Some((name, tail)) = after.split_once('}') else {
                return Err(syn::Error::new(pattern.span(), "unmatched `{`"));
            };
            format.push_str(before);
            format.push_str("{}");
            let known = || self.fields.iter().filter(|field| field.kind != FieldRole::Shared);
            let Some(named) = known().find(|field| field.name == name) else {
                let hint = nearest(name, known().map(|field| field.name.as_str()));
                let hint = hint.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                let message = format!("`{{{name}}}` is not a field of `{}`{hint}", self.ident);
                return Err(syn::Error::new(pattern.span(), message));
            };
            let ident = &named.ident;
            args.push(quote_spanned!(pattern.span()=> self.#ident));
            rest = tail;
        }
        if rest.contains('}') {
            return Err(syn::Error::new(pattern.span(), "unmatched `}`"));
        }
        if text.is_empty() {
            return Err(syn::Error::new(pattern.span(), "a topic needs a name: `kind/{key}`"));
        }
        format.push_str(rest);
        Ok(quote!(::core::format_args!(#format #(, #args)*)))
    }
}

/// Returns whether a field is loaded while the page is shown.
pub(crate) fn is_async(ty: &Type) -> bool {
    last_name(ty).is_some_and(|name| name == "Async")
}

/// Returns whether a field contains the present users.
pub(crate) fn is_presence(ty: &Type) -> bool {
    last_name(ty).is_some_and(|name| name == "Presence")
}

impl ComponentField {
    fn read(field: syn::Field, errors: &mut Diagnostics) -> Option<Self> {
        let mut attrs = attr::field(&field.attrs, errors);
        let docs =
            field.attrs.into_iter().filter(|attr| attr.path().is_ident("doc") || attr.path().is_ident("cfg"));
        let docs = docs.collect();
        let ident = field.ident?;
        let kinds = [
            (attrs.shared.as_ref().map(Spanned::span), FieldRole::Shared, "shared"),
            (attrs.private, FieldRole::Private, "private"),
            (attrs.skip, FieldRole::Skip, "skip"),
            (attrs.errors, FieldRole::Errors, "errors"),
        ];
        let mut given = kinds.iter().filter_map(|(span, kind, word)| span.map(|span| (span, *kind, *word)));
        let first = given.next();
        if let (Some((_, _, one)), Some((span, _, other))) = (first, given.next()) {
            errors.push(syn::Error::new(span, format!("a field cannot be both `{one}` and `{other}`")));
        }
        let mut kind = first.map_or(FieldRole::Public, |(_, kind, _)| kind);
        if let (Some(span), Some((_, kind, word))) = (attrs.model, first) {
            let why = match kind {
                FieldRole::Private | FieldRole::Skip => {
                    "the page does not have the field, so it cannot write it"
                }
                FieldRole::Shared => "an action changes shared state, with `update`",
                FieldRole::Errors | FieldRole::Public => "only the server sets the errors of a form",
            };
            errors.push(syn::Error::new(span, format!("a field cannot be both `{word}` and `model`: {why}")));
        }
        if let (Some(span), FieldRole::Shared | FieldRole::Skip | FieldRole::Errors) = (attrs.prop, kind) {
            let word = first.map_or("", |(_, _, word)| word);
            errors.push(syn::Error::new(span, format!("a field cannot be both `{word}` and `prop`")));
            // Each mistake is reported once.
            (attrs.prop, attrs.page) = (None, None);
        }
        if let Some(url) = &attrs.url {
            let why = match (kind, attrs.prop) {
                (FieldRole::Public, None) if is_async(&field.ty) => {
                    Some(("an `Async` field", "the server loads it"))
                }
                (FieldRole::Public, None) => None,
                (FieldRole::Public | FieldRole::Errors, Some(_)) => {
                    Some(("a `prop`", "the parent sets it; bind the parent's field instead"))
                }
                (FieldRole::Errors, None) => {
                    Some(("an `errors` field", "only the server sets the errors of a form"))
                }
                (FieldRole::Shared, _) => {
                    Some(("a `shared` field", "bind a field that names the topic instead: `\"chat/{room}\"`"))
                }
                (FieldRole::Private | FieldRole::Skip, _) => {
                    Some(("a hidden field", "the URL would show it to the page"))
                }
            };
            if let Some((what, why)) = why {
                errors.push(syn::Error::new(url.span, format!("{what} cannot be bound to the URL: {why}")));
                attrs.url = None;
            }
        }
        if let (Some(span), None) = (attrs.page, attrs.prop) {
            errors.push(syn::Error::new(
                span,
                "`page` requires `prop`: it marks a prop that the page sets, from page-local state",
            ));
        }
        if kind == FieldRole::Errors && last_name(&field.ty).is_none_or(|name| name != "Errors") {
            errors.at(&field.ty, "an `errors` field must have the type `Errors`");
            kind = FieldRole::Public;
        }
        if matches!(kind, FieldRole::Public | FieldRole::Private) {
            keys::check(&field.ty, errors);
        }
        if is_async(&field.ty) {
            for (given, word, why) in [
                (attrs.prop, "prop", "the component loads it, so a parent cannot set it"),
                (attrs.model, "model", "the server loads it, so a page cannot write it"),
                (attrs.skip, "skip", "its value would not be sent; use `private` to hide it from the page"),
            ] {
                if let Some(span) = given {
                    errors.push(syn::Error::new(span, format!("an `Async` field cannot be `{word}`: {why}")));
                }
            }
            // Each mistake is reported once.
            (attrs.prop, attrs.page, attrs.model) = (None, None, None);
        }
        if let Some(span) = attrs.presence.or_else(|| is_presence(&field.ty).then(|| field.ty.span())) {
            errors.push(syn::Error::new(
                span,
                "presence belongs into the state of a topic: `#[live(presence)] users: Presence` in a struct with \
                 #[derive(LiveState)] that the component shows by a `Shared`",
            ));
        }
        if let Some(span) = attrs.key {
            errors.push(syn::Error::new(
                span,
                "`key` belongs on a field of a list's item, with #[derive(LiveState)]",
            ));
        }
        Some(Self { name: plain(&ident), ident, ty: field.ty, attrs, kind, docs })
    }

    pub(crate) fn is_prop(&self) -> bool {
        self.attrs.prop.is_some()
    }

    /// Returns whether the page may set the prop.
    pub(crate) fn is_page(&self) -> bool {
        self.attrs.page.is_some()
    }

    /// Returns the name of the parameter that the field is bound to.
    pub(crate) fn param(&self) -> Option<String> {
        let url = self.attrs.url.as_ref()?;
        Some(url.name.as_ref().map_or_else(|| self.name.clone(), syn::LitStr::value))
    }

    pub(crate) fn is_model(&self) -> bool {
        self.attrs.model.is_some()
    }
}
