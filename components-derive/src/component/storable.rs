//! One error for a field whose type cannot do what the field is for.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned;

use crate::keys::{arguments, is_named};
use crate::model::{Field, Kind, Model};

/// Constants and functions that fail the build. What else is generated compiles with any type.
pub(super) fn checks(model: &Model) -> TokenStream {
    let owner = model.ident.to_string();
    model.fields.iter().filter(|field| field.kind != Kind::Skip).map(|field| check(&owner, field)).collect()
}

fn check(owner: &str, field: &Field) -> TokenStream {
    let (name, ty) = (&field.name, &field.ty);
    if field.kind == Kind::Shared {
        if let Some(topic) = argument_of("Shared", ty) {
            return quote_spanned! {topic.span()=>
                const _: fn() = || {
                    fn the_state_of_a_shared_field<T: p::Topic>() {}
                    the_state_of_a_shared_field::<#topic>();
                };
            };
        }
        let message =
            format!("`{name}` of `{owner}` is marked `shared`, and its type is no `Shared<…>` of a topic");
        return quote_spanned!(ty.span()=> const _: () = ::core::assert!(p::Shows::<#ty>::A_TOPIC, #message););
    }
    let message = format!(
        "`{name}` of `{owner}` is saved and sent as JSON, and serde cannot write and read its type: add \
         #[derive(Serialize, Deserialize)] to that type, or #[live(skip)] to the field if it is neither kept nor shown"
    );
    let (keyed, is_keyed) = match argument_of("List", ty) {
        Some(item) => (
            quote_spanned! {item.span()=>
                const _: fn() = || {
                    fn an_item_of_a_list<T: p::Keyed>() {}
                    an_item_of_a_list::<#item>();
                };
            },
            quote!(p::Item::<#item>::IS_KEYED),
        ),
        None => (TokenStream::new(), quote!(true)),
    };
    // Not a value that serde writes, but one that knows how its value is shown.
    let written = argument_of("Async", ty).unwrap_or(ty);
    let readable = if field.kind.is_saved() { quote!(p::Readable::<#ty>::IS) } else { quote!(true) };
    quote_spanned! {ty.span()=>
        #keyed
        const _: () = ::core::assert!(!#is_keyed || p::Writable::<#written>::IS && #readable, #message);
    }
}

/// The type between the angle brackets, if that is how the type is written.
fn argument_of<'a>(name: &str, ty: &'a Type) -> Option<&'a Type> {
    let Type::Path(path) = ty else { return None };
    if is_named(path, &[name]) { arguments(path).next() } else { None }
}
