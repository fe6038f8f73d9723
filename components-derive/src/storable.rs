//! Writes the checks of field types, so that a field of a wrong type causes one error. The other
//! generated code compiles with any type.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned;

use crate::model::{ComponentField, FieldRole, Model};

/// Writes constants that fail the build for the fields of a component.
pub(crate) fn checks(model: &Model) -> TokenStream {
    let owner = model.ident.to_string();
    model
        .fields
        .iter()
        .filter(|field| field.kind != FieldRole::Skip)
        .map(|field| check(&owner, field))
        .collect()
}

fn check(owner: &str, field: &ComponentField) -> TokenStream {
    let (name, ty) = (&field.name, &field.ty);
    if field.kind == FieldRole::Shared {
        let message = format!(
            "`{name}` of `{owner}` is `shared`, but `{}` is not a topic: it must be a `Shared` of a type with `impl Topic`, \
             whose `load` returns the state and whose `authorize` decides who may see it",
            written(ty)
        );
        return quote_spanned!(ty.span()=> const _: () = ::core::assert!(p::Shows::<#ty>::A_TOPIC, "{}", #message););
    }
    let unmarked =
        format!("`{name}` of `{owner}` names no topic: mark it #[live(shared = \"kind/{{key}}\")]");
    let unwritten = check_written(owner, name, ty);
    let unread = field.kind.is_saved().then(|| {
        let message = message(owner, name);
        // Each mistake is reported once.
        quote_spanned! {ty.span()=>
            const _: () = ::core::assert!(
                p::Listed::<#ty>::IS_LIST && !p::Listed::<#ty>::IS_KEYED
                    || p::Shows::<#ty>::IS_SHARED
                    || !p::WritableField::<#ty>::IS
                    || p::ReadableField::<#ty>::IS,
                "{}",
                #message
            );
        }
    });
    quote_spanned! {ty.span()=>
        const _: () = ::core::assert!(!p::Shows::<#ty>::IS_SHARED, "{}", #unmarked);
        #unwritten
        #unread
    }
}

/// Writes a constant that fails the build for a field that serde cannot write.
pub(crate) fn check_written(owner: &str, name: &str, ty: &Type) -> TokenStream {
    let keyless = format!(
        "the items of `{name}` of `{owner}`, a `{}`, have no key: add a field `id` (a number or a text) to their type, or mark \
         another one #[live(key)], and add #[derive(LiveState, Clone, Serialize, Deserialize)]",
        written(ty)
    );
    let message = message(owner, name);
    quote_spanned! {ty.span()=>
        const _: () = ::core::assert!(!p::Listed::<#ty>::IS_LIST || p::Listed::<#ty>::IS_KEYED, "{}", #keyless);
        const _: () = ::core::assert!(
            p::Listed::<#ty>::IS_LIST || p::Shows::<#ty>::IS_SHARED || p::WritableField::<#ty>::IS, "{}", #message
        );
    }
}

fn message(owner: &str, name: &str) -> String {
    format!(
        "`{name}` of `{owner}` is saved and sent as JSON, but serde cannot write and read its type: add \
         #[derive(Serialize, Deserialize)] to that type, or #[live(skip)] to the field (#[serde(skip)] in a state type) if \
         it is neither saved nor sent"
    )
}

/// Returns the type's source text.
fn written(ty: &Type) -> String {
    quote!(#ty).to_string().replace(' ', "")
}
