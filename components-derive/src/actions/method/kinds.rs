//! Code that is specific to actions, computed fields, `mount` and `migrate`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{FnArg, Ident, ReceiverKind, Signature, Type};

use super::{ActionOptions, Generated, Parameter, encode, parameter, run};
use crate::diagnostics::Diagnostics;
use crate::names::{last_name, nearest, plain};

pub(super) fn action(
    sig: &Signature,
    options: &ActionOptions,
    passed: &[Parameter],
    values: &[(&Ident, &Type)],
    written: &mut Generated,
    errors: &mut Diagnostics,
) {
    let name = plain(&sig.ident);
    for (given, _) in &options.defaults {
        if !values.iter().any(|(ident, _)| *ident == given) {
            let word = given.to_string();
            let names: Vec<String> = values.iter().map(|(ident, _)| plain(ident)).collect();
            let known = names.iter().map(String::as_str).chain(["allow", "guard", "retry", "transaction"]);
            let hint =
                nearest(&word, known).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            errors.at(given, format!("`{name}` has no argument `{word}`{hint}"));
        }
    }
    let default_of =
        |ident: &Ident| options.defaults.iter().find(|(name, _)| name == ident).map(|(_, value)| value);
    let (mut least, mut specs, mut takes) = (0, Vec::new(), Vec::new());
    for (position, (ident, ty)) in values.iter().enumerate() {
        let (argument, shown) = (plain(ident), quote!(#ty).to_string().replace(' ', ""));
        let default = default_of(ident);
        let optional = default.is_some() || is_option(ty);
        takes.push(match (default, optional) {
            (Some(value), _) => {
                quote_spanned!(ty.span()=> args.take_or::<#ty>(#position, #name, #argument, || #value)?)
            }
            (None, true) => quote_spanned!(ty.span()=>
                args.take_or::<#ty>(#position, #name, #argument, || ::core::option::Option::None)?),
            (None, false) => {
                least = position + 1;
                quote_spanned!(ty.span()=> args.take::<#ty>(#position, #name, #argument)?)
            }
        });
        specs.push(quote! {
            p::ArgSpec { name: #argument, ty: #shown, shape: p::ShapeProbe::<#ty>::SHAPE, optional: #optional }
        });
    }
    let most = values.len();
    let idents: Vec<_> = values.iter().map(|(ident, _)| ident).collect();
    let allow = options.allow.as_ref().map(|permission| quote!(p::allow(&cx, #permission)?;));
    let guard = options.guard.as_ref().map(|guard| {
        let guard = quote_spanned!(guard.span()=> (#guard)(&self, &cx));
        quote!(p::guarded(&cx, #guard)?;)
    });
    let what = format!("the arguments of `{name}`");
    let run = run(sig, passed);
    let decoded = format_ident!("decoded");
    let retry = options.retry;
    if options.transaction {
        written.transactions.push(sig.ident.clone());
    }
    written.specs.push(quote!(p::ActionSpec { name: #name, args: &[#(#specs),*], retry: #retry }));
    written.arms.push(quote! {
        p::MethodCall::Action(#name, args) => {
            let #decoded = p::decode(#what, || {
                #allow
                #guard
                args.count(#name, #least, #most)?;
                ::core::result::Result::Ok((#(#takes,)*))
            });
            let (#(#idents,)*) = match #decoded {
                ::core::result::Result::Ok(values) => values,
                ::core::result::Result::Err(error) => return p::refuse(self, cx, error),
            };
            #run
        }
    });
}

fn is_option(ty: &Type) -> bool {
    last_name(ty).is_some_and(|name| name == "Option")
}

pub(super) fn computed(sig: &Signature, written: &mut Generated, errors: &mut Diagnostics) {
    let name = &sig.ident;
    if let Some(asyncness) = &sig.asyncness {
        return errors.at(asyncness, "a computed field cannot be async: it reads the component's own fields");
    }
    if let Some(FnArg::Receiver(receiver)) = sig.inputs.first()
        && let ReceiverKind::Reference(_, _, Some(mutable)) = &receiver.kind
    {
        return errors.at(mutable, "a computed field only reads: it must take `&self`");
    }
    let syn::ReturnType::Type(_, ty) = &sig.output else {
        return errors.at(name, "a computed field must return a value");
    };
    let text = plain(name);
    written.computed_shapes.push(crate::state::shape_field(&text, ty, None, false, false));
    written.visits.push(quote_spanned! {name.span()=>
        visitor.field(#text, p::FieldKind::Computed, &mut p::Pick(&mut self.#name()).field());
    });
}

/// Writes `mount`: `async fn mount(props: ChatProps, cx: &mut MountContext) -> Result<Self>`, with
/// either, both or none of the arguments, async or not, returning `Self` or a `Result` of it.
pub(super) fn mount(sig: &Signature, errors: &mut Diagnostics) -> Option<TokenStream> {
    let (mut arguments, mut props) = (Vec::new(), quote!(<Self as p::Defaults>::Props));
    let mut is_wrong = false;
    for input in &sig.inputs {
        if let FnArg::Receiver(receiver) = input {
            errors.at(receiver, "`mount` creates the component, so there is no `self` yet");
            return None;
        }
        match parameter(input, sig) {
            Ok(Parameter::Context) => arguments.push(quote!(cx)),
            Ok(Parameter::Value(_, ty)) => {
                arguments.push(quote!(props));
                props = quote!(#ty);
            }
            Ok(Parameter::Text(span)) => {
                errors.push(syn::Error::new(span, "`mount` takes only the props and the context"));
            }
            Ok(Parameter::Transaction) => {}
            Err(error) => {
                errors.push(error);
                is_wrong = true;
            }
        }
    }
    let name = &sig.ident;
    let wait = sig.asyncness.map(|_| quote!(.await));
    let made = if is_wrong {
        // The build has already failed; this adds no further errors.
        quote!(::core::unreachable!())
    } else {
        made(sig, &quote_spanned!(name.span()=> Self::#name(#(#arguments),*) #wait))
    };
    Some(quote_spanned! {name.span()=>
        #[allow(unused_variables, unreachable_pub, clippy::unused_async)]
        pub async fn __live_mount(props: #props, cx: &mut p::MountContext) -> p::Result<Self> {
            #made
        }
    })
}

/// Takes the component out of the result of `mount` or `migrate`. Its span is the return type, so
/// that errors about the type point there.
fn made(sig: &Signature, call: &TokenStream) -> TokenStream {
    let span = match &sig.output {
        syn::ReturnType::Default => sig.ident.span(),
        syn::ReturnType::Type(_, ty) => ty.span(),
    };
    let take = quote_spanned!(span=> p::Made(__made).made());
    quote!({
        let __made = #call;
        #take
    })
}

/// Writes `migrate`: `fn migrate(saved: &Saved<'_>) -> Result<Self>`.
pub(super) fn migrate(sig: &Signature, errors: &mut Diagnostics) -> Option<TokenStream> {
    let is_form = sig.inputs.len() == 1 && sig.asyncness.is_none() && sig.receiver().is_none();
    let name = &sig.ident;
    if !is_form {
        errors.at(name, "`migrate` creates the component from its saved state: `fn migrate(saved: &Saved<'_>) -> Result<Self>`");
        return None;
    }
    let made = made(sig, &quote_spanned!(name.span()=> Self::#name(saved)));
    Some(quote_spanned! {name.span()=>
        pub fn __live_migrate(saved: &p::Saved<'_>) -> p::Result<Self> {
            #made
        }
    })
}

/// Writes `params`: `async fn params(&mut self, params: &UrlParams, cx: &mut MountContext) ->
/// Result`, with either, both or none of the arguments, async or not.
pub(super) fn params(sig: &Signature, passed: &[Parameter]) -> TokenStream {
    let name = &sig.ident;
    let arguments = passed.iter().map(|argument| match argument {
        Parameter::Text(_) => quote!(&params),
        Parameter::Context | Parameter::Transaction | Parameter::Value(..) => quote!(&mut cx),
    });
    let wait = sig.asyncness.map(|_| quote!(.await));
    let encode = encode(sig, &quote_spanned!(name.span()=> this.#name(#(#arguments),*) #wait));
    quote_spanned! {name.span()=>
        #[allow(unused_variables, unused_mut, unreachable_pub)]
        pub fn __live_params(
            self: ::std::boxed::Box<Self>,
            params: p::UrlParams,
            mut cx: p::MountContext,
        ) -> p::ParamsFuture {
            let mut this = self;
            ::std::boxed::Box::pin(async move {
                let result: p::Return = #encode;
                (this as ::std::boxed::Box<dyn p::AnyComponent>, result.map(|_| ()))
            })
        }
    }
}
