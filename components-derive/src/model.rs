//! A component's struct with its attributes, checked together.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Fields, Ident, Type, Visibility};

use crate::attr::{self, ComponentAttrs, FieldAttrs};
use crate::errors::Errors;
use crate::keys;
use crate::names::{last_name, nearest, plain, snake};

/// A component's struct.
pub(crate) struct Model {
    pub(crate) ident: Ident,
    pub(crate) vis: Visibility,
    pub(crate) attrs: ComponentAttrs,
    /// The name on the wire.
    pub(crate) name: String,
    pub(crate) fields: Vec<Field>,
}

/// One of its fields.
pub(crate) struct Field {
    pub(crate) ident: Ident,
    /// The name on the wire.
    pub(crate) name: String,
    pub(crate) ty: Type,
    pub(crate) attrs: FieldAttrs,
    pub(crate) kind: Kind,
    /// Doc comments and `cfg`s, for the field of the props.
    pub(crate) docs: Vec<syn::Attribute>,
}

/// What a field is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Public,
    Errors,
    Shared,
    Private,
    Skip,
}

impl Kind {
    /// The variant of `FieldKind`.
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
    /// Reads the struct; what is wrong with it goes to `errors`.
    pub(crate) fn read(input: DeriveInput, errors: &mut Errors) -> Option<Self> {
        let attrs = attr::component(&input.attrs, errors);
        let ident = input.ident;
        if let Some(param) = input.generics.params.first() {
            errors.at(
                param,
                format!(
                    "a live component is not generic: pages mount it by one name, so `{ident}` is one type. \
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
                    errors.at(fields, "a live component has named fields: templates refer to them by name");
                    return None;
                }
            },
            Data::Enum(_) | Data::Union(_) => {
                errors.at(&ident, "a live component is a struct: its fields are what the page shows");
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
                "the name of a component is 1 to 64 of letters, digits, `-`, `_` and `.`: it stands in HTML and in messages",
            );
        }
        if let (Some(template), Some(_)) = (&attrs.template, &attrs.inline) {
            errors.at(template, "a component has one template: either `template` (a file) or `inline`");
        }
        let fields: Vec<Field> = fields.into_iter().filter_map(|field| Field::read(field, errors)).collect();
        let model = Self { ident, vis: input.vis, attrs, name, fields };
        model.check_together(errors);
        Some(model)
    }

    fn check_together(&self, errors: &mut Errors) {
        let mut seen = None::<&Field>;
        for field in self.fields.iter().filter(|field| field.kind == Kind::Errors) {
            if let Some(first) = seen {
                errors
                    .at(&field.ident, format!("`{}` is the field of the form's errors already", first.name));
            }
            seen = Some(field);
        }
        for field in &self.fields {
            if let Some(pattern) = &field.attrs.shared {
                errors.keep(self.topic(pattern));
            }
        }
    }

    /// `format_args!` of a shared field's topic: `"chat/{room}"`, with the fields of the component for the names.
    pub(crate) fn topic(&self, pattern: &syn::LitStr) -> syn::Result<TokenStream> {
        let text = pattern.value();
        let (mut format, mut args) = (String::new(), Vec::new());
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let Some((name, tail)) = after.split_once('}') else {
                return Err(syn::Error::new(pattern.span(), "`{` is never closed"));
            };
            format.push_str(before);
            format.push_str("{}");
            let known = || self.fields.iter().filter(|field| field.kind != Kind::Shared);
            let Some(named) = known().find(|field| field.name == name) else {
                let guess = nearest(name, known().map(|field| field.name.as_str()));
                let guess = guess.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                let message = format!("`{{{name}}}` names no field of `{}`{guess}", self.ident);
                return Err(syn::Error::new(pattern.span(), message));
            };
            let ident = &named.ident;
            args.push(quote_spanned!(pattern.span()=> self.#ident));
            rest = tail;
        }
        if rest.contains('}') {
            return Err(syn::Error::new(pattern.span(), "`}` closes nothing"));
        }
        if text.is_empty() {
            return Err(syn::Error::new(pattern.span(), "a topic has a name: `kind/{key}`"));
        }
        format.push_str(rest);
        Ok(quote!(::core::format_args!(#format #(, #args)*)))
    }
}

/// Whether a field is fetched while the page is there.
pub(crate) fn is_async(ty: &Type) -> bool {
    last_name(ty).is_some_and(|name| name == "Async")
}

/// Whether a field says who is present.
pub(crate) fn is_presence(ty: &Type) -> bool {
    last_name(ty).is_some_and(|name| name == "Presence")
}

impl Field {
    fn read(field: syn::Field, errors: &mut Errors) -> Option<Self> {
        let mut attrs = attr::field(&field.attrs, errors);
        let docs =
            field.attrs.into_iter().filter(|attr| attr.path().is_ident("doc") || attr.path().is_ident("cfg"));
        let docs = docs.collect();
        let ident = field.ident?;
        let kinds = [
            (attrs.shared.as_ref().map(Spanned::span), Kind::Shared, "shared"),
            (attrs.private, Kind::Private, "private"),
            (attrs.skip, Kind::Skip, "skip"),
            (attrs.errors, Kind::Errors, "errors"),
        ];
        let mut given = kinds.iter().filter_map(|(span, kind, word)| span.map(|span| (span, *kind, *word)));
        let first = given.next();
        if let (Some((_, _, one)), Some((span, _, other))) = (first, given.next()) {
            errors.push(syn::Error::new(span, format!("a field is either `{one}` or `{other}`")));
        }
        let mut kind = first.map_or(Kind::Public, |(_, kind, _)| kind);
        if let (Some(span), Some((_, kind, word))) = (attrs.model, first) {
            let why = match kind {
                Kind::Private | Kind::Skip => "a page does not know the field, so it cannot write it",
                Kind::Shared => "shared state is changed by an action, with `update`",
                Kind::Errors | Kind::Public => "what is wrong with a form is the server's to say",
            };
            errors.push(syn::Error::new(span, format!("a field is either `{word}` or `model`: {why}")));
        }
        if let (Some(span), Kind::Shared | Kind::Skip | Kind::Errors) = (attrs.prop, kind) {
            let word = first.map_or("", |(_, _, word)| word);
            errors.push(syn::Error::new(span, format!("a field is either `{word}` or `prop`")));
            // Nothing is said twice.
            (attrs.prop, attrs.page) = (None, None);
        }
        if let (Some(span), None) = (attrs.page, attrs.prop) {
            errors.push(syn::Error::new(
                span,
                "`page` goes with `prop`: a prop that the page gives, from its own state",
            ));
        }
        if kind == Kind::Errors && last_name(&field.ty).is_none_or(|name| name != "Errors") {
            errors.at(&field.ty, "a field that is `errors` is an `Errors`");
            kind = Kind::Public;
        }
        if matches!(kind, Kind::Public | Kind::Private) {
            keys::check(&field.ty, errors);
        }
        if is_async(&field.ty) {
            for (given, word, why) in [
                (attrs.prop, "prop", "it is fetched by the component and not given"),
                (attrs.model, "model", "a page does not write what the server fetches"),
                (attrs.skip, "skip", "what was fetched would reach nobody; `private` hides it from the page"),
            ] {
                if let Some(span) = given {
                    errors.push(syn::Error::new(
                        span,
                        format!("a field that is an `Async` is not `{word}`: {why}"),
                    ));
                }
            }
            // Nothing is said twice.
            (attrs.prop, attrs.page, attrs.model) = (None, None, None);
        }
        if let Some(span) = attrs.presence.or_else(|| is_presence(&field.ty).then(|| field.ty.span())) {
            errors.push(syn::Error::new(
                span,
                "who is present stands in the state of a topic: `#[live(presence)] users: Presence` in a struct with \
                 #[derive(LiveState)] that the component shows by a `Shared`",
            ));
        }
        if let Some(span) = attrs.key {
            errors.push(syn::Error::new(
                span,
                "`key` stands on a field of a list's item, with #[derive(LiveState)]",
            ));
        }
        Some(Self { name: plain(&ident), ident, ty: field.ty, attrs, kind, docs })
    }

    pub(crate) fn is_prop(&self) -> bool {
        self.attrs.prop.is_some()
    }

    /// Whether the page gives it.
    pub(crate) fn is_page(&self) -> bool {
        self.attrs.page.is_some()
    }

    pub(crate) fn is_model(&self) -> bool {
        self.attrs.model.is_some()
    }
}
