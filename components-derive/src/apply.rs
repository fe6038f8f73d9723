//! Writes how a state takes the patches of other nodes.

use proc_macro2::{TokenStream, TokenTree};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Ident, Path, Type};

use crate::attr::ReadWith;
use crate::state_field::StateField;

/// Writes how the state takes another node's patch.
pub(crate) fn apply_impl(ident: &Ident, fields: &[StateField<'_>]) -> TokenStream {
    let kept = || fields.iter().filter(|field| !field.skip);
    let readable = kept().filter(|field| field.read_with.is_none()).map(|field| {
        let (name, ty) = (&field.name, field.ty);
        if is_borrowed(ty) {
            return quote!(return ::core::option::Option::Some(#name););
        }
        quote_spanned! {ty.span()=>
            if !p::ReadableField::<#ty>::IS {
                return ::core::option::Option::Some(#name);
            }
        }
    });
    let arms = kept().map(|field| {
        let (name, member, ty) = (&field.name, field.ident, field.ty);
        let Some(read_with) = &field.read_with else {
            if is_borrowed(ty) {
                return quote!(#name => p::apply_unreadable(),);
            }
            return quote_spanned!(ty.span()=> #name => (&mut p::ApplySlot(&mut self.#member)).apply(change),);
        };
        let read = match read_with {
            ReadWith::Function(path) => quote!(#path(deserializer)),
            // A type that only serde's `Serialize` is derived for may have no `deserialize` there.
            ReadWith::Module(path) if is_module(path) => quote!({
                use #path::*;
                deserialize(deserializer)
            }),
            ReadWith::Module(path) => quote!(#path::deserialize(deserializer)),
        };
        quote_spanned! {ty.span()=>
            #name => {
                #[allow(unused_imports)]
                use p::deserialize_unreadable as deserialize;
                struct With(#ty);
                impl<'de> p::serde::Deserialize<'de> for With {
                    fn deserialize<D: p::serde::Deserializer<'de>>(
                        deserializer: D,
                    ) -> ::core::result::Result<Self, D::Error> {
                        #read.map(With)
                    }
                }
                p::read_value(change).map(|With(value)| self.#member = value)
            }
        }
    });
    quote! {
        impl p::ApplyPatch for #ident {
            #[allow(unreachable_code)]
            fn unreadable_field() -> ::core::option::Option<&'static str> {
                #[allow(unused_imports)]
                use p::UnreadableField as _;
                #(#readable)*
                ::core::option::Option::None
            }
            fn apply_field(&mut self, field: &str, change: p::FieldPatch<'_>) -> p::JsonResult {
                #[allow(unused_imports)]
                use p::{ApplyReadable as _, ApplyUnreadable as _};
                match field {
                    #(#arms)*
                    _ => ::core::result::Result::Ok(()),
                }
            }
        }
    }
}

/// Returns whether a path names a module, and not a type with functions.
fn is_module(path: &Path) -> bool {
    path.segments.last().is_some_and(|last| {
        last.arguments.is_empty() && last.ident.to_string().starts_with(|first: char| !first.is_uppercase())
    })
}

/// Returns whether a type has references. rustc refuses to ask whether serde reads it from any
/// text.
fn is_borrowed(ty: &Type) -> bool {
    fn has_reference(tokens: TokenStream) -> bool {
        tokens.into_iter().any(|token| match token {
            TokenTree::Punct(punct) => punct.as_char() == '&',
            TokenTree::Group(group) => has_reference(group.stream()),
            TokenTree::Ident(_) | TokenTree::Literal(_) => false,
        })
    }
    has_reference(quote!(#ty))
}
