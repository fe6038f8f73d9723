//! Implements `#[derive(LiveState)]`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Data, DataEnum, DeriveInput, Field, Fields, Generics, Ident, Type};

use crate::apply::apply_impl;
use crate::attr::{self, SerdeAttrs};
use crate::diagnostics::Diagnostics;
use crate::names::{hash, plain, private, rename_variant};
use crate::state_field::StateField;
use crate::storable;

pub(crate) fn expand(input: &DeriveInput) -> TokenStream {
    let mut errors = Diagnostics::default();
    let krate = attr::krate(&input.attrs, &mut errors);
    let serde = attr::serde(&input.attrs);
    let p = private(krate.as_ref());
    let (ident, generics) = (&input.ident, &input.generics);
    let body = match &input.data {
        Data::Struct(data) if serde.opaque => {
            check_unmarked(&data.fields, &mut errors);
            opaque(ident, generics)
        }
        _ if serde.opaque => opaque(ident, generics),
        Data::Struct(data) => match &data.fields {
            Fields::Named(named) => {
                let fields: Vec<_> = named
                    .named
                    .iter()
                    .filter_map(|field| StateField::read(field, &serde, &mut errors))
                    .collect();
                if let Some(second) = fields.iter().filter(|field| field.presence).nth(1) {
                    errors.at(second.ident, "a state can have only one `presence` field");
                }
                let (shape, state, keyed, editable) = (
                    shape_impl(ident, generics, &fields),
                    topic_impl(ident, generics, &fields),
                    keyed_impl(ident, generics, &fields),
                    editable_impl(ident, generics, &fields, &mut errors),
                );
                quote!(#shape #state #keyed #editable)
            }
            Fields::Unnamed(fields) => {
                check_unmarked(&fields.unnamed, &mut errors);
                newtype(ident, generics, &fields.unnamed.iter().collect::<Vec<_>>())
            }
            Fields::Unit => opaque(ident, generics),
        },
        Data::Enum(data) => {
            check_unmarked(data.variants.iter().flat_map(|variant| &variant.fields), &mut errors);
            enumeration(ident, generics, data, &serde, &mut errors)
        }
        Data::Union(data) => {
            errors.at(data.union_token, "a union cannot be serialised");
            TokenStream::new()
        }
    };
    let errors = errors.into_tokens();
    quote! {
        const _: () = {
            use #p as p;
            #[allow(unused_imports)]
            use p::{
                ListsNothing as _, NoList as _, NotShared as _, PickPlain as _, PickUnwritten as _,
                SlotWhole as _, StateDefaults as _, Unshaped as _, UnwrittenField as _, WrittenWhole as _,
            };
            #body
        };
        #errors
    }
}

/// Writes one entry of a `Shape::Struct`.
pub(crate) fn shape_field(
    name: &str,
    ty: &Type,
    hidden: Option<&str>,
    opaque: bool,
    model: bool,
) -> TokenStream {
    let hash = hash(name);
    let shape = if hidden.is_some() {
        quote!(p::ShapeRef::new(&p::Shape::Unknown))
    } else if opaque {
        quote!(p::ShapeRef::new(&p::Shape::Any))
    } else {
        quote_spanned!(ty.span()=> p::ShapeProbe::<#ty>::SHAPE)
    };
    let hidden = match hidden {
        Some(why) => quote!(::core::option::Option::Some(#why)),
        None => quote!(::core::option::Option::None),
    };
    let access =
        if model { quote_spanned!(ty.span()=> p::Parts::<#ty>::ACCESS) } else { quote!(p::Access::Read) };
    let shown = shown(ty);
    quote!(p::ShapeField {
        hash: #hash,
        name: #name,
        shape: #shape,
        hidden: #hidden,
        access: #access,
        shown: #shown
    })
}

/// Returns code that checks whether a type, or the content of an option or box, can be displayed.
fn shown(ty: &Type) -> TokenStream {
    if let Type::Path(path) = ty
        && let Some(last) = path.path.segments.last()
        && ["Option", "Box", "Arc", "Rc"].iter().any(|name| last.ident == name)
        && let syn::PathArguments::AngleBracketed(arguments) = &last.arguments
        && let Some(syn::GenericArgument::Type(inner)) = arguments.args.first()
    {
        return shown(inner);
    }
    quote_spanned!(ty.span()=> p::ShapeProbe::<#ty>::SHOWN)
}

/// Writes a constant that fails the build if a field cannot be marked `model` because of its type.
pub(crate) fn check_written(owner: &str, name: &str, ty: &Type) -> TokenStream {
    quote_spanned! {ty.span()=>
        const _: () = if let ::core::option::Option::Some(message) =
            p::not_written(#owner, #name, p::ShapeProbe::<#ty>::SHAPE, p::Parts::<#ty>::ACCESS)
        {
            ::core::panic!("{}", message.as_str())
        };
    }
}

fn shape_fields(fields: &[StateField<'_>]) -> TokenStream {
    let fields = fields.iter().map(|field| {
        let hidden = field.skip.then_some("it is #[serde(skip)]");
        shape_field(&field.name, field.ty, hidden, field.opaque, field.model)
    });
    quote!(&[#(#fields),*])
}

fn shape_impl(ident: &Ident, generics: &Generics, fields: &[StateField<'_>]) -> TokenStream {
    let (name, fields) = (ident.to_string(), shape_fields(fields));
    shape_of(ident, generics, &quote!(p::Shape::Struct(#name, #fields)))
}

fn shape_of(ident: &Ident, generics: &Generics, shape: &TokenStream) -> TokenStream {
    let (impls, types, wheres) = generics.split_for_impl();
    // A static is used if possible: a type that contains itself (a comment with its replies) would
    // otherwise be a constant that needs its own value. A static cannot have parameters.
    if generics.params.is_empty() {
        return quote! {
            static SHAPE: p::Shape = #shape;
            impl p::LiveShape for #ident {
                const SHAPE: p::ShapeRef = p::ShapeRef::new(&SHAPE);
            }
        };
    }
    quote! {
        impl #impls p::LiveShape for #ident #types #wheres {
            const SHAPE: p::ShapeRef = p::ShapeRef::new(&#shape);
        }
    }
}

/// Writes the traits of a topic, whose state is compared field by field and has computed fields.
fn topic_impl(ident: &Ident, generics: &Generics, fields: &[StateField<'_>]) -> TokenStream {
    // A generic type would need bounds that only serde's derive knows. It cannot be a topic, but a
    // topic may contain it.
    if !generics.params.is_empty() {
        return TokenStream::new();
    }
    let (name, count, shapes) = (ident.to_string(), fields.len(), shape_fields(fields));
    let visits = fields.iter().filter(|field| !field.skip).map(|field| {
        let (name, member, ty) = (&field.name, field.ident, field.ty);
        let Some(with) = &field.with else {
            return quote_spanned! {ty.span()=>
                visitor.field(#name, p::FieldKind::Public, &mut p::Pick(&mut self.#member).field());
            };
        };
        quote_spanned! {ty.span()=>
            {
                struct With<'a>(&'a #ty);
                impl p::serde::Serialize for With<'_> {
                    fn serialize<S: p::serde::Serializer>(
                        &self,
                        serializer: S,
                    ) -> ::core::result::Result<S::Ok, S::Error> {
                        #with(self.0, serializer)
                    }
                }
                visitor.field(#name, p::FieldKind::Public, &mut p::Pick(&mut With(&self.#member)).field());
            }
        }
    });
    let apply = apply_impl(ident, fields);
    let (presence, has_presence) = presence_items(ident, fields);
    let storable = fields.iter().filter(|field| !field.skip && field.with.is_none());
    let storable = storable.map(|field| storable::check_written(&name, &field.name, field.ty));
    quote! {
        #(#storable)*
        #has_presence
        #apply
        impl p::StateDefaults for #ident {}
        impl p::TrackedFields for #ident {
            fn visit(&mut self, visitor: &mut dyn p::Visitor) {
                #(#visits)*
                if visitor.computed() {
                    self.__live_computed(visitor);
                }
            }
        }
        static SHOWN_FIELDS: [p::ShapeField; #count + #ident::__LIVE_COMPUTED_SHAPES.len()] =
            p::joined(#shapes, #ident::__LIVE_COMPUTED_SHAPES);
        static SHOWN: p::Shape = p::Shape::Struct(#name, &SHOWN_FIELDS);
        impl p::TopicState for #ident {
            const SHOWN: p::ShapeRef = p::ShapeRef::new(&SHOWN);
            #presence
        }
    }
}

/// Writes the access to the presence field, and the trait of a type that has one.
fn presence_items(ident: &Ident, fields: &[StateField<'_>]) -> (TokenStream, TokenStream) {
    let Some(field) = fields.iter().find(|field| field.presence) else {
        return (TokenStream::new(), TokenStream::new());
    };
    let member = field.ident;
    let found = quote_spanned! {field.ty.span()=>
        fn presence(&self) -> ::core::option::Option<&p::Presence> {
            ::core::option::Option::Some(&self.#member)
        }
        fn presence_mut(&mut self) -> ::core::option::Option<&mut p::Presence> {
            ::core::option::Option::Some(&mut self.#member)
        }
    };
    (found, quote!(impl p::HasPresence for #ident {}))
}

fn keyed_impl(ident: &Ident, generics: &Generics, fields: &[StateField<'_>]) -> TokenStream {
    let Some(key) = fields.iter().find(|field| field.key && !field.skip) else { return TokenStream::new() };
    if !generics.params.is_empty() {
        return TokenStream::new();
    }
    let (member, ty) = (key.ident, key.ty);
    let message =
        format!("`{}` of `{ident}` is the key of list items: it must be an integer or a text", key.name);
    quote_spanned! {key.ty.span()=>
        const _: () = ::core::assert!(p::may_be_key(p::ShapeProbe::<#ty>::SHAPE), "{}", #message);
        impl p::Keyed for #ident {
            fn key(&self) -> p::Key {
                p::Key::of(&self.#member)
            }
        }
    }
}

/// Writes the edit of a struct with marked fields: a page writes those one by one.
fn editable_impl(
    ident: &Ident,
    generics: &Generics,
    fields: &[StateField<'_>],
    errors: &mut Diagnostics,
) -> TokenStream {
    let (marked, others): (Vec<_>, Vec<_>) = fields.iter().partition(|field| field.model);
    let Some(first) = marked.first() else { return TokenStream::new() };
    if let Some(param) = generics.params.first() {
        errors
            .at(param, format!("`{ident}` is generic, so its fields cannot be `model`: use a concrete type"));
        return TokenStream::new();
    }
    let owner = ident.to_string();
    let names = marked.iter().map(|field| &field.name);
    let shown = others.iter().filter(|field| !field.skip).map(|field| &field.name);
    let arms = marked.iter().map(|field| {
        let (name, member) = (&field.name, field.ident);
        quote_spanned!(field.ty.span()=> #name => p::EditSlot(&mut self.#member).edit(edit),)
    });
    let written = marked.iter().map(|field| check_written(&owner, &field.name, field.ty));
    quote_spanned! {first.ty.span()=>
        impl p::Editable for #ident {
            fn edit(&mut self, edit: &mut p::EditCursor<'_>) -> p::EditResult {
                match edit.field(&[#(#names),*], &[#(#shown),*])? {
                    #(#arms)*
                    _ => edit.unknown(),
                }
            }
        }
        #(#written)*
    }
}

/// Reports `model` on fields of a type that is not written as a struct of these fields.
fn check_unmarked<'a>(fields: impl IntoIterator<Item = &'a Field>, errors: &mut Diagnostics) {
    for field in fields {
        if let Some(span) = attr::field(&field.attrs, errors).model {
            let message = "`model` requires a struct with named fields, serialised as serde derives it";
            errors.push(syn::Error::new(span, message));
        }
    }
}

fn opaque(ident: &Ident, generics: &Generics) -> TokenStream {
    shape_of(ident, generics, &quote!(p::Shape::Any))
}

/// Writes the shape of a newtype, which is serialised as its content.
fn newtype(ident: &Ident, generics: &Generics, fields: &[&Field]) -> TokenStream {
    let [field] = fields else { return opaque(ident, generics) };
    let ty = &field.ty;
    let (impls, types, wheres) = generics.split_for_impl();
    quote! {
        impl #impls p::LiveShape for #ident #types #wheres {
            const SHAPE: p::ShapeRef = p::ShapeProbe::<#ty>::SHAPE;
        }
    }
}

fn enumeration(
    ident: &Ident,
    generics: &Generics,
    data: &DataEnum,
    serde: &SerdeAttrs,
    errors: &mut Diagnostics,
) -> TokenStream {
    if let Some(span) = serde.untagged {
        let message = "an `untagged` enum has no single shape: give it a `tag`, or mark fields of this type #[live(opaque)]";
        errors.push(syn::Error::new(span, message));
    }
    if data.variants.iter().any(|variant| !variant.fields.is_empty()) {
        return opaque(ident, generics);
    }
    let rule = serde.rename_all.as_deref().unwrap_or_default();
    let variants = data.variants.iter().map(|variant| {
        attr::serde(&variant.attrs).rename.unwrap_or_else(|| rename_variant(rule, &plain(&variant.ident)))
    });
    let name = ident.to_string();
    shape_of(ident, generics, &quote!(p::Shape::Enum(#name, &[#(#variants),*])))
}
