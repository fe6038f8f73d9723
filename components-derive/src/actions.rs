//! `#[actions]`

mod method;
mod second;
mod words;

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{ImplItem, ItemImpl, LitStr, Path};

use crate::errors::Errors;
use crate::names::{plain, private};
use method::{Role, Written};

pub(crate) fn expand(options: TokenStream, mut block: ItemImpl) -> TokenStream {
    let mut errors = Errors::default();
    let p = private(krate(options, &mut errors).as_ref());
    let mut written = Written::default();
    let is_second = second::is_second(&block);
    if is_second {
        let ty = &block.self_ty;
        let name = quote!(#ty).to_string();
        let message = format!(
            "`{name}` has an #[actions] block already, and a type has one: move these methods there. A plain \
             `impl {name}` holds methods that neither a page nor the runtime calls"
        );
        errors.at(ty, message);
    }
    if let Some((path, _)) = &block.trait_ {
        errors.at(path, "#[actions] stands on an `impl` block of the component itself, not of a trait");
    } else {
        for item in &mut block.items {
            let ImplItem::Fn(function) = item else { continue };
            let role = Role::take(function, &mut errors);
            if !matches!(role, Some(Role::Action(_))) {
                written.others.push(plain(&function.sig.ident));
            }
            if let Some(role) = role {
                method::write(&function.sig, role, &mut written, &mut errors);
            }
        }
        words::read(&block, &mut written, &mut errors);
    }
    if is_second {
        // What it would define is defined already.
        let errors = errors.into_tokens();
        return quote!(#block #errors);
    }
    let ty = &block.self_ty;
    let durable = written.transactions.iter().map(|name| {
        let message = format!("`{}` is a transaction: its component has to be #[live(durable)]", plain(name));
        quote_spanned! {name.span()=>
            const _: () = ::core::assert!(<#ty as p::LiveComponent>::SPEC.durable, #message);
        }
    });
    // `flush` itself checks this too, but only when it is compiled to code: not in `cargo check`.
    let flushes = written.flushes.iter().map(|span| {
        quote_spanned! {*span=>
            const _: () = ::core::assert!(!<#ty as p::LiveComponent>::SPEC.durable, "{}", p::NO_FLUSH);
        }
    });
    let (computed, called) = (computed_items(&written), called_items(&written));
    let errors = errors.into_tokens();
    quote! {
        // Arguments come out of a message, so they are owned, whatever is done with them.
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

/// Fields that are computed, of a component or of a topic's state, and names for messages.
fn computed_items(written: &Written) -> TokenStream {
    let Written { computed, computed_shapes, visits, others, words, .. } = written;
    quote! {
        pub const __LIVE_METHODS: &'static [&'static str] = &[#(#others),*];
        pub const __LIVE_WORDS: &'static [&'static str] = &[#(#words),*];
        pub const __LIVE_COMPUTED: &'static [&'static str] = &[#(#computed),*];
        pub const __LIVE_COMPUTED_SHAPES: &'static [p::ShapeField] = &[#(#computed_shapes),*];
        #[allow(unused_variables)]
        pub fn __live_computed(&mut self, visitor: &mut dyn p::Visitor) {
            #(#visits)*
        }
    }
}

/// What only a component has. Left out where there is nothing of it, because the type may be one of state.
fn called_items(written: &Written) -> TokenStream {
    let Written { specs, events, hooks, mount, migrate, arms, .. } = written;
    if arms.is_empty() && mount.is_none() && migrate.is_none() {
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

/// `#[actions(crate = "vivaz_components")]`
fn krate(options: TokenStream, errors: &mut Errors) -> Option<Path> {
    let mut path = None;
    let parser = syn::meta::parser(|meta| {
        if !meta.path.is_ident("crate") {
            return Err(meta.error("#[actions] takes no options but `crate`"));
        }
        path = Some(meta.value()?.parse::<LitStr>()?.parse()?);
        Ok(())
    });
    errors.keep(syn::parse::Parser::parse2(parser, options));
    path
}
