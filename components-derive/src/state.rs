//! `#[derive(LiveState)]`

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Data, DataEnum, DeriveInput, Field, Fields, Generics, Ident, Path, Type};

use crate::attr::{self, SerdeAttrs};
use crate::errors::Errors;
use crate::names::{hash, plain, private, rename_field, rename_variant};

pub(crate) fn expand(input: &DeriveInput) -> TokenStream {
    let mut errors = Errors::default();
    let krate = attr::krate(&input.attrs, &mut errors);
    let serde = attr::serde(&input.attrs);
    let p = private(krate.as_ref());
    let (ident, generics) = (&input.ident, &input.generics);
    let body = match &input.data {
        _ if serde.opaque => opaque(ident, generics),
        Data::Struct(data) => match &data.fields {
            Fields::Named(named) => {
                let fields: Vec<_> = named
                    .named
                    .iter()
                    .filter_map(|field| StateField::read(field, &serde, &mut errors))
                    .collect();
                let (shape, state, keyed) = (
                    shape_impl(ident, generics, &fields),
                    topic_impl(ident, generics, &fields),
                    keyed_impl(ident, generics, &fields),
                );
                quote!(#shape #state #keyed)
            }
            Fields::Unnamed(fields) => newtype(ident, generics, &fields.unnamed.iter().collect::<Vec<_>>()),
            Fields::Unit => opaque(ident, generics),
        },
        Data::Enum(data) => enumeration(ident, generics, data, &serde, &mut errors),
        Data::Union(data) => {
            errors.at(data.union_token, "a union has no serialised form");
            TokenStream::new()
        }
    };
    let errors = errors.into_tokens();
    quote! {
        const _: () = {
            use #p as p;
            #[allow(unused_imports)]
            use p::{PickPlain as _, StateDefaults as _, Unshaped as _};
            #body
        };
        #errors
    }
}

/// A field of a struct of state.
struct StateField<'a> {
    ident: &'a Ident,
    ty: &'a Type,
    /// The serialised name.
    name: String,
    skip: bool,
    opaque: bool,
    key: bool,
    /// Serialises it.
    with: Option<Path>,
}

impl<'a> StateField<'a> {
    fn read(field: &'a Field, of: &SerdeAttrs, errors: &mut Errors) -> Option<Self> {
        let (live, serde) = (attr::field(&field.attrs, errors), attr::serde(&field.attrs));
        let ident = field.ident.as_ref()?;
        if let Some(span) = serde.flatten {
            let message =
                "`flatten` hides from templates which fields there are: write them out, or nest them";
            errors.push(syn::Error::new(span, message));
        }
        if crate::model::is_async(&field.ty) {
            let message =
                "an `Async` is a field of the component itself, which fetches it: here nobody would";
            errors.at(&field.ty, message);
        }
        if !serde.skip && !serde.opaque && serde.with.is_none() {
            crate::keys::check(&field.ty, errors);
        }
        for (given, word) in [
            (live.prop, "prop"),
            (live.model, "model"),
            (live.shared.as_ref().map(Spanned::span), "shared"),
            (live.private, "private"),
            (live.errors, "errors"),
            (live.skip, "skip"),
        ] {
            if let Some(span) = given {
                let message =
                    format!("`{word}` stands on a component's field; a type of state has `opaque` and `key`");
                errors.push(syn::Error::new(span, message));
            }
        }
        let rule = of.rename_all.as_deref().unwrap_or_default();
        let name = serde.rename.unwrap_or_else(|| rename_field(rule, &plain(ident)));
        Some(Self {
            ident,
            ty: &field.ty,
            key: live.key.is_some() || name == "id",
            name,
            skip: serde.skip,
            opaque: live.opaque.is_some() || serde.opaque,
            with: serde.with,
        })
    }
}

/// One entry of a `Shape::Struct`.
pub(crate) fn shape_field(name: &str, ty: &Type, hidden: Option<&str>, opaque: bool) -> TokenStream {
    let hash = hash(name);
    let shape = if hidden.is_some() {
        quote!(p::Ref::new(&p::Shape::Unknown))
    } else if opaque {
        quote!(p::Ref::new(&p::Shape::Any))
    } else {
        quote_spanned!(ty.span()=> p::Probe::<#ty>::SHAPE)
    };
    let hidden = match hidden {
        Some(why) => quote!(::core::option::Option::Some(#why)),
        None => quote!(::core::option::Option::None),
    };
    quote!(p::ShapeField { hash: #hash, name: #name, shape: #shape, hidden: #hidden })
}

fn shape_fields(fields: &[StateField<'_>]) -> TokenStream {
    let fields = fields.iter().map(|field| {
        shape_field(&field.name, field.ty, field.skip.then_some("it is #[serde(skip)]"), field.opaque)
    });
    quote!(&[#(#fields),*])
}

fn shape_impl(ident: &Ident, generics: &Generics, fields: &[StateField<'_>]) -> TokenStream {
    let (name, fields) = (ident.to_string(), shape_fields(fields));
    shape_of(ident, generics, &quote!(p::Shape::Struct(#name, #fields)))
}

fn shape_of(ident: &Ident, generics: &Generics, shape: &TokenStream) -> TokenStream {
    let (impls, types, wheres) = generics.split_for_impl();
    // Where it can, it refers to a static: a type that contains itself (a comment with its answers) would else be a
    // constant that needs its own value. A static cannot have parameters.
    if generics.params.is_empty() {
        return quote! {
            static SHAPE: p::Shape = #shape;
            impl p::LiveShape for #ident {
                const SHAPE: p::Ref = p::Ref::new(&SHAPE);
            }
        };
    }
    quote! {
        impl #impls p::LiveShape for #ident #types #wheres {
            const SHAPE: p::Ref = p::Ref::new(&#shape);
        }
    }
}

/// For topics, whose state is compared field by field and has computed fields.
fn topic_impl(ident: &Ident, generics: &Generics, fields: &[StateField<'_>]) -> TokenStream {
    // With parameters it would need bounds that only serde's derive knows; such a type is no topic, but may be in one.
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
    quote! {
        impl p::StateDefaults for #ident {}
        impl p::Fields for #ident {
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
            const SHOWN: p::Ref = p::Ref::new(&SHOWN);
        }
    }
}

fn keyed_impl(ident: &Ident, generics: &Generics, fields: &[StateField<'_>]) -> TokenStream {
    let Some(key) = fields.iter().find(|field| field.key && !field.skip) else { return TokenStream::new() };
    if !generics.params.is_empty() {
        return TokenStream::new();
    }
    let member = key.ident;
    quote_spanned! {key.ty.span()=>
        impl p::Keyed for #ident {
            fn key(&self) -> p::Key {
                p::Key::of(&self.#member)
            }
        }
    }
}

fn opaque(ident: &Ident, generics: &Generics) -> TokenStream {
    shape_of(ident, generics, &quote!(p::Shape::Any))
}

/// A newtype is serialised as what is in it.
fn newtype(ident: &Ident, generics: &Generics, fields: &[&Field]) -> TokenStream {
    let [field] = fields else { return opaque(ident, generics) };
    let ty = &field.ty;
    let (impls, types, wheres) = generics.split_for_impl();
    quote! {
        impl #impls p::LiveShape for #ident #types #wheres {
            const SHAPE: p::Ref = p::Probe::<#ty>::SHAPE;
        }
    }
}

fn enumeration(
    ident: &Ident,
    generics: &Generics,
    data: &DataEnum,
    serde: &SerdeAttrs,
    errors: &mut Errors,
) -> TokenStream {
    if let Some(span) = serde.untagged {
        let message = "an `untagged` enum is of no one shape: give it a `tag`, or mark fields of this type #[live(opaque)]";
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
