//! A field of a state struct, as the derive reads it.

use syn::spanned::Spanned;
use syn::{Field, Ident, Path, Type};

use crate::attr::{self, ReadWith, SerdeAttrs};
use crate::diagnostics::Diagnostics;
use crate::names::{plain, rename_field};

/// A field of a state struct.
pub(crate) struct StateField<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) ty: &'a Type,
    /// The serialised name.
    pub(crate) name: String,
    pub(crate) skip: bool,
    pub(crate) opaque: bool,
    pub(crate) key: bool,
    /// Whether it contains the present users.
    pub(crate) presence: bool,
    /// Whether a page may write it.
    pub(crate) model: bool,
    /// The function that serialises it.
    pub(crate) with: Option<Path>,
    /// The function that reads it.
    pub(crate) read_with: Option<ReadWith>,
}

impl<'a> StateField<'a> {
    pub(crate) fn read(field: &'a Field, of: &SerdeAttrs, errors: &mut Diagnostics) -> Option<Self> {
        let (live, serde) = (attr::field(&field.attrs, errors), attr::serde(&field.attrs));
        let ident = field.ident.as_ref()?;
        if let Some(span) = serde.flatten {
            let message =
                "`flatten` hides the names of the fields from templates: write the fields out, or nest them";
            errors.push(syn::Error::new(span, message));
        }
        if crate::model::is_async(&field.ty) {
            let message =
                "an `Async` must be a field of the component itself, because only a component loads it";
            errors.at(&field.ty, message);
        }
        if !serde.skip && !serde.opaque && serde.with.is_none() {
            crate::keys::check(&field.ty, errors);
        }
        for (given, word) in [
            (live.prop, "prop"),
            (live.shared.as_ref().map(Spanned::span), "shared"),
            (live.private, "private"),
            (live.errors, "errors"),
            (live.skip, "skip"),
        ] {
            if let Some(span) = given {
                let message = format!(
                    "`{word}` belongs on a component's field; a state type has `model`, `opaque` and `key`"
                );
                errors.push(syn::Error::new(span, message));
            }
        }
        let rule = of.rename_all.as_deref().unwrap_or_default();
        let name = serde.rename.unwrap_or_else(|| rename_field(rule, &plain(ident)));
        let key = live.key.is_some() || name == "id";
        if live.presence.is_none() && crate::model::is_presence(&field.ty) && !serde.skip {
            errors.at(&field.ty, format!("`{name}` would never change: mark it #[live(presence)]"));
        }
        if let (Some(span), true) = (live.presence, serde.skip) {
            errors.push(syn::Error::new(
                span,
                format!("`{name}` is #[serde(skip)], so the presence would not be sent"),
            ));
        }
        if let Some(span) = live.model {
            let why = if serde.skip {
                Some("it is #[serde(skip)], so the page does not have the field")
            } else if key {
                Some("the key identifies the item")
            } else if serde.opaque || serde.with.is_some() || serde.read_with.is_some() {
                Some("serde reads it with a custom function, which an edit would bypass")
            } else {
                None
            };
            if let Some(why) = why {
                errors.push(syn::Error::new(span, format!("`{name}` cannot be `model`: {why}")));
            }
        }
        Some(Self {
            ident,
            ty: &field.ty,
            key,
            presence: live.presence.is_some(),
            model: live.model.is_some(),
            name,
            skip: serde.skip,
            opaque: live.opaque.is_some() || serde.opaque || serde.with.is_some(),
            with: serde.with,
            read_with: serde.read_with,
        })
    }
}
