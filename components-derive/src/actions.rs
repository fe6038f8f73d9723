//! Implements `#[actions]`.

mod duplicate;
mod literals;
mod method;

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{ImplItem, ItemImpl, LitStr, Path};

use crate::diagnostics::Diagnostics;
use crate::names::{plain, private};
use method::{Generated, MethodRole};

pub(crate) fn expand(options: TokenStream, mut block: ItemImpl) -> TokenStream {
    let mut errors = Diagnostics::default();
    let p = private(krate(options, &mut errors).as_ref());
    let mut written = Generated::default();
    let is_duplicate = duplicate::is_duplicate(&block);
    if is_duplicate {
        let ty = &block.self_ty;
        let name = quote!(#ty).to_string();
        let message = format!(
            "`{name}` already has an #[actions] block, and a type can have only one: move these methods there. A plain \
             `impl {name}` holds methods that neither a page nor the runtime calls"
        );
        errors.at(ty, message);
    }
    if let Some((path, _)) = &block.trait_ {
        errors.at(path, "#[actions] belongs on an inherent `impl` block of the component, not on a trait's");
    } else {
        for item in &mut block.items {
            let ImplItem::Fn(function) = item else { continue };
            let role = MethodRole::take(function, &mut errors);
            if !matches!(role, Some(MethodRole::Action(_))) {
                written.others.push(plain(&function.sig.ident));
            }
            if let Some(role) = role {
                method::write(&function.sig, role, &mut written, &mut errors);
            }
        }
        literals::read(&block, &mut written, &mut errors);
    }
    if is_duplicate {
        // The first block already defines the generated items.
        let errors = errors.into_tokens();
        return quote!(#block #errors);
    }
    let ty = &block.self_ty;
    let durable = written.transactions.iter().map(|name| {
        let message = format!("`{}` is a transaction: its component must be #[live(durable)]", plain(name));
        quote_spanned! {name.span()=>
            const _: () = ::core::assert!(<#ty as p::LiveComponent>::SPEC.durable, #message);
        }
    });
    // `flush` checks this itself too, but only in code generation, which `cargo check` omits.
    let flushes = written.flushes.iter().map(|span| {
        quote_spanned! {*span=>
            const _: () = ::core::assert!(!<#ty as p::LiveComponent>::SPEC.durable, "{}", p::NO_FLUSH);
        }
    });
    let (computed, called) = (computed_items(&written), called_items(&written));
    let errors = errors.into_tokens();
    quote! {
        // Arguments are decoded from a message, so they are owned, even if a method only reads
        // them.
        #[allow(clippy::needless_pass_by_value)]
        #block
        const _: () = {
            use #p as p;
            #[allow(unused_imports)]
            use p::{MadePlain as _, PickPlain as _, RetPlain as _, Unshaped as _, WithinPlain as _};
            #(#durable)*
            #(#flushes)*
            #[doc(hidden)]
            #[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, clippy::restriction)]
            impl #ty {
                #computed
                #called
            }
        };
        #errors
    }
}

/// Writes the items for computed fields, of a component or of a topic's state, and the names for
/// error messages.
fn computed_items(written: &Generated) -> TokenStream {
    let Generated { computed_shapes, visits, others, words, .. } = written;
    quote! {
        pub const __LIVE_METHODS: &'static [&'static str] = &[#(#others),*];
        pub const __LIVE_WORDS: &'static [&'static str] = &[#(#words),*];
        pub const __LIVE_COMPUTED_SHAPES: &'static [p::ShapeField] = &[#(#computed_shapes),*];
        #[allow(unused_variables)]
        pub fn __live_computed(&mut self, visitor: &mut dyn p::Visitor) {
            #(#visits)*
        }
    }
}

/// Writes the items that only a component has. They are omitted if empty, because the type may be a
/// state type.
fn called_items(written: &Generated) -> TokenStream {
    let Generated { specs, events, hooks, mount, migrate, params, arms, .. } = written;
    if arms.is_empty() && mount.is_none() && migrate.is_none() && params.is_none() {
        return TokenStream::new();
    }
    let has_mount = mount.is_some();
    quote! {
        pub const __LIVE_ACTIONS: &'static [p::ActionSpec] = &[#(#specs),*];
        pub const __LIVE_EVENTS: &'static [&'static str] = &[#(#events),*];
        pub const __LIVE_HOOKS: &'static [p::Hook] = &[#(p::Hook::#hooks),*];
        pub const __LIVE_HAS_MOUNT: bool = #has_mount;
        #mount
        #migrate
        #params
        #[allow(unused_variables)]
        pub fn __live_call(
            self: ::std::boxed::Box<Self>,
            cx: p::Context,
            call: p::MethodCall<'_>,
        ) -> p::Called {
            match call {
                #(#arms)*
                _ => p::unknown(self, cx, call),
            }
        }
    }
}

/// Parses `#[actions(crate = "vivaz_components")]`.
fn krate(options: TokenStream, errors: &mut Diagnostics) -> Option<Path> {
    let mut path = None;
    let parser = syn::meta::parser(|meta| {
        if !meta.path.is_ident("crate") {
            return Err(meta.error("#[actions] takes no option except `crate`"));
        }
        path = Some(meta.value()?.parse::<LitStr>()?.parse()?);
        Ok(())
    });
    errors.keep(syn::parse::Parser::parse2(parser, options));
    path
}
