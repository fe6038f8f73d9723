//! One error for a field whose type cannot do what the field is for. What else is generated compiles
//! with any type.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned;

use crate::model::{Field, Kind, Model};

/// Constants that fail the build for the fields of a component.
pub(crate) fn checks(model: &Model) -> TokenStream {
    let owner = model.ident.to_string();
    model.fields.iter().filter(|field| field.kind != Kind::Skip).map(|field| check(&owner, field)).collect()
}

fn check(owner: &str, field: &Field) -> TokenStream {
    let (name, ty) = (&field.name, &field.ty);
    if field.kind == Kind::Shared {
        let message = format!(
            "`{name}` of `{owner}` is `shared`, and `{}` shows no topic: it is a `Shared` of a type with `impl Topic`, \
             whose `load` returns the state and whose `authorize` decides who may see it",
            written(ty)
        );
        return quote_spanned!(ty.span()=> const _: () = ::core::assert!(p::Shows::<#ty>::A_TOPIC, "{}", #message););
    }
    let unmarked =
        format!("`{name}` of `{owner}` shows no topic: mark it #[live(shared = \"kind/{{key}}\")]");
    let unwritten = check_written(owner, name, ty);
    let unread = field.kind.is_saved().then(|| {
        let message = message(owner, name);
        // What is said already is not said twice.
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

/// A constant that fails the build for a field that serde does not write.
pub(crate) fn check_written(owner: &str, name: &str, ty: &Type) -> TokenStream {
    let keyless = format!(
        "the items of `{name}` of `{owner}`, a `{}`, have no key: give their type a field `id` (a number or a text), or mark \
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
        "`{name}` of `{owner}` is saved and sent as JSON, and serde cannot write and read its type: add \
         #[derive(Serialize, Deserialize)] to that type, or #[live(skip)] to the field (#[serde(skip)] in a type of state) if \
         it is neither kept nor shown"
    )
}

/// The type as it is written.
fn written(ty: &Type) -> String {
    quote!(#ty).to_string().replace(' ', "")
}
