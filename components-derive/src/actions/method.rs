//! One method of the block: what it is for, what it takes, how it is called.

mod kinds;

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{
    Expr, FnArg, GenericParam, Ident, ImplItemFn, LitStr, Meta, Pat, ReceiverKind, Signature, Token, Type,
};

use crate::errors::Errors;
use crate::names::{last_name, plain};
use kinds::{action, computed, migrate, mount};

/// The code that the methods come to.
#[derive(Default)]
pub(super) struct Written {
    pub(super) specs: Vec<TokenStream>,
    pub(super) events: Vec<String>,
    /// Those whose data is no `Result`.
    pub(super) plain_events: Vec<String>,
    /// The names of the methods that are no actions.
    pub(super) others: Vec<String>,
    /// The calls of `flush` for the component, which a durable one cannot do.
    pub(super) flushes: Vec<Span>,
    /// Literal texts that can be names.
    pub(super) words: Vec<String>,
    pub(super) hooks: Vec<Ident>,
    pub(super) computed: Vec<String>,
    pub(super) computed_shapes: Vec<TokenStream>,
    pub(super) visits: Vec<TokenStream>,
    pub(super) mount: Option<TokenStream>,
    pub(super) migrate: Option<TokenStream>,
    /// The names of the actions that only a durable component can have.
    pub(super) transactions: Vec<Ident>,
    pub(super) arms: Vec<TokenStream>,
}

/// What a method is for.
pub(super) enum Role {
    Action(ActionOptions),
    Event(String),
    Computed,
    Mount,
    Migrate,
    Connected,
    Updated,
    Disconnected,
    Resumed,
    Unmount,
}

/// What `#[action(…)]` says.
#[derive(Default)]
pub(super) struct ActionOptions {
    allow: Option<LitStr>,
    guard: Option<Expr>,
    retry: bool,
    transaction: bool,
    defaults: Vec<(Ident, Expr)>,
}

impl Role {
    /// What the method's attributes and its name say, the attributes taken away. `None` for an ordinary method.
    pub(super) fn take(function: &mut ImplItemFn, errors: &mut Errors) -> Option<Self> {
        let mut role = None;
        function.attrs.retain(|attr| {
            let path = attr.path();
            let found = if path.is_ident("action") {
                errors.keep(action_options(attr)).map(Self::Action)
            } else if path.is_ident("event") {
                let name = match &attr.meta {
                    Meta::Path(_) => Some(plain(&function.sig.ident)),
                    Meta::List(_) | Meta::NameValue(_) => {
                        errors.keep(attr.parse_args::<LitStr>()).map(|name| name.value())
                    }
                };
                name.map(Self::Event)
            } else if path.is_ident("live") {
                let mut computed = false;
                errors.keep(attr.parse_nested_meta(|meta| {
                    computed = meta.path.is_ident("computed");
                    if computed {
                        Ok(())
                    } else {
                        Err(meta.error("a method has #[live(computed)] and nothing else"))
                    }
                }));
                computed.then_some(Self::Computed)
            } else {
                return true;
            };
            if let Some(found) = found {
                if role.is_some() {
                    errors.at(
                        path,
                        "a method is for one thing: `#[action]`, `#[event]` or `#[live(computed)]`",
                    );
                }
                role = Some(found);
            }
            false
        });
        role.or_else(|| {
            Some(match function.sig.ident.to_string().as_str() {
                "mount" => Self::Mount,
                "migrate" => Self::Migrate,
                "connected" => Self::Connected,
                "updated" => Self::Updated,
                "disconnected" => Self::Disconnected,
                "resumed" => Self::Resumed,
                "unmount" => Self::Unmount,
                _ => return None,
            })
        })
    }
}

fn action_options(attr: &syn::Attribute) -> syn::Result<ActionOptions> {
    let mut options = ActionOptions::default();
    if let Meta::Path(_) = &attr.meta {
        return Ok(options);
    }
    attr.parse_nested_meta(|meta| {
        let name = meta.path.require_ident()?.clone();
        if !meta.input.peek(Token![=]) {
            match name.to_string().as_str() {
                "retry" => options.retry = true,
                "transaction" => options.transaction = true,
                _ => {
                    return Err(meta.error(
                        "expected `argument = default`, `allow = \"permission\"`, `guard = function`, `retry` or \
                         `transaction`",
                    ));
                }
            }
            return Ok(());
        }
        let value = meta.value()?;
        match name.to_string().as_str() {
            "allow" => options.allow = Some(value.parse()?),
            "guard" => options.guard = Some(value.parse()?),
            _ => options.defaults.push((name, value.parse()?)),
        }
        Ok(())
    })?;
    Ok(options)
}

/// An argument as a call passes it.
enum Passed {
    Context,
    /// The transaction, in an action that runs inside of one.
    Transaction,
    Text(Span),
    Value(Ident, Box<Type>),
}

/// Writes what calls the method.
pub(super) fn write(sig: &Signature, role: Role, written: &mut Written, errors: &mut Errors) {
    if let Some(param) = sig.generics.params.iter().find(|param| !matches!(param, GenericParam::Lifetime(_)))
    {
        errors.at(param, format!("`{}` is called by name and with JSON, so it is not generic", sig.ident));
        return;
    }
    if let Role::Mount = role {
        written.mount = mount(sig, errors);
        return;
    }
    if let Role::Migrate = role {
        written.migrate = migrate(sig, errors);
        return;
    }
    let mut inputs = sig.inputs.iter();
    match inputs.next() {
        Some(FnArg::Receiver(receiver)) if matches!(receiver.kind, ReceiverKind::Reference(..)) => {}
        Some(other) => {
            return errors.at(other, format!("`{}` takes `&mut self` or `&self` first", sig.ident));
        }
        None => return errors.at(&sig.ident, format!("`{}` takes `&mut self` or `&self` first", sig.ident)),
    }
    let transaction = matches!(&role, Role::Action(options) if options.transaction);
    let mut passed = Vec::new();
    for input in inputs {
        let is_first = !passed.iter().any(|one| matches!(one, Passed::Transaction));
        let argument = if transaction && is_first && is_transaction(input) {
            Ok(Passed::Transaction)
        } else {
            passed_as(input, sig)
        };
        match argument {
            Ok(argument) => passed.push(argument),
            Err(error) => return errors.push(error),
        }
    }
    if transaction && let Err(error) = check_transaction(sig, &passed) {
        return errors.push(error);
    }
    let values: Vec<(&Ident, &Type)> = passed
        .iter()
        .filter_map(|argument| match argument {
            Passed::Value(ident, ty) => Some((ident, &**ty)),
            Passed::Context | Passed::Transaction | Passed::Text(_) => None,
        })
        .collect();
    let takes_text = matches!(role, Role::Updated);
    if let (false, Some(span)) = (
        takes_text,
        passed.iter().find_map(|argument| match argument {
            Passed::Text(span) => Some(*span),
            Passed::Context | Passed::Transaction | Passed::Value(..) => None,
        }),
    ) {
        let message = "arguments come out of a message, so they are owned: `String`, not `&str`";
        return errors.push(syn::Error::new(span, message));
    }
    let most = match &role {
        Role::Action(_) => usize::MAX,
        Role::Event(_) | Role::Unmount => 1,
        Role::Computed
        | Role::Mount
        | Role::Migrate
        | Role::Connected
        | Role::Updated
        | Role::Disconnected
        | Role::Resumed => 0,
    };
    if let Some((extra, _)) = values.get(most) {
        let takes = match role {
            Role::Computed => "nothing but `&self`",
            Role::Event(_) => "the event's data and the context",
            Role::Updated => "`path: &FieldPath` and the context",
            Role::Unmount => "the reason and the context",
            Role::Action(_)
            | Role::Mount
            | Role::Migrate
            | Role::Connected
            | Role::Disconnected
            | Role::Resumed => "the context",
        };
        return errors.at(extra, format!("`{}` takes {takes}, and nothing gives it `{extra}`", sig.ident));
    }
    match role {
        Role::Action(options) => action(sig, &options, &passed, &values, written, errors),
        Role::Computed => computed(sig, written, errors),
        Role::Event(name) => {
            if written.events.contains(&name) {
                return errors.at(
                    &sig.ident,
                    format!("another #[event] method takes `{name}`: it would be the only one called"),
                );
            }
            if let Some((_, ty)) = values.first()
                && !is_result(ty)
            {
                written.plain_events.push(name.clone());
            }
            let pattern = quote!(p::MethodCall::Event(event) if &*event.name == #name);
            let decode = values.first().map(|(ident, ty)| {
                let what = format!("the data of the event `{name}`");
                quote_spanned! {ty.span()=>
                    let #ident = match p::decode(#what, || p::event_data::<#ty>(&event.data)) {
                        ::core::result::Result::Ok(data) => data,
                        ::core::result::Result::Err(error) => return p::misfit(self, cx, #name, error),
                    };
                }
            });
            let run = run(sig, &passed);
            written.arms.push(quote!(#pattern => { #decode #run }));
            written.events.push(name);
        }
        Role::Updated => {
            let run = run(sig, &passed);
            let arm = quote!(p::MethodCall::Updated(property) => { let __path = ::core::clone::Clone::clone(property); #run });
            hook("Updated", arm, written);
        }
        Role::Unmount => {
            let reason = values.first().map(|(ident, _)| quote!(let #ident = __reason;));
            let run = run(sig, &passed);
            hook("Unmount", quote!(p::MethodCall::Unmount(__reason) => { #reason #run }), written);
        }
        Role::Connected => plain_hook("Connected", sig, &passed, written),
        Role::Disconnected => plain_hook("Disconnected", sig, &passed, written),
        Role::Resumed => plain_hook("Resumed", sig, &passed, written),
        Role::Mount | Role::Migrate => {}
    }
}

/// A hook that is told nothing.
fn plain_hook(name: &str, sig: &Signature, passed: &[Passed], written: &mut Written) {
    let (variant, run) = (Ident::new(name, sig.ident.span()), run(sig, passed));
    hook(name, quote!(p::MethodCall::#variant => { #run }), written);
}

fn hook(name: &str, arm: TokenStream, written: &mut Written) {
    written.hooks.push(Ident::new(name, Span::call_site()));
    written.arms.push(arm);
}

/// Checks whether an argument is `tx: &mut Tx`.
fn is_transaction(input: &FnArg) -> bool {
    let FnArg::Typed(typed) = input else { return false };
    let Type::Reference(reference) = &*typed.ty else { return false };
    reference.mutability.is_some() && last_name(&reference.elem).is_some_and(|name| name == "Tx")
}

fn check_transaction(sig: &Signature, passed: &[Passed]) -> syn::Result<()> {
    if let Some(asyncness) = &sig.asyncness {
        let message = "a transaction waits for nothing: it runs on the store's thread, and everybody else's writes wait for it";
        return Err(syn::Error::new(asyncness.span(), message));
    }
    if !passed.iter().any(|one| matches!(one, Passed::Transaction)) {
        let message = format!("`{}` is a transaction: it takes `tx: &mut Tx`", sig.ident);
        return Err(syn::Error::new(sig.ident.span(), message));
    }
    Ok(())
}

fn passed_as(input: &FnArg, sig: &Signature) -> syn::Result<Passed> {
    let FnArg::Typed(typed) = input else {
        return Err(syn::Error::new(input.span(), "`self` comes first"));
    };
    if let Type::Reference(reference) = &*typed.ty {
        let last = last_name(&reference.elem).map(ToString::to_string);
        return match last.as_deref() {
            Some("Context" | "MountContext") => {
                let wanted = if sig.ident == "mount" { "MountContext" } else { "Context" };
                let is_other = last.as_deref() != Some(wanted);
                if is_other || sig.asyncness.is_some() && reference.mutability.is_none() {
                    let message = format!("write `cx: &mut {wanted}`");
                    return Err(syn::Error::new(reference.span(), message));
                }
                Ok(Passed::Context)
            }
            Some("str" | "FieldPath") => Ok(Passed::Text(reference.span())),
            Some("Tx" | "Connection") => Err(syn::Error::new(
                reference.span(),
                "a transaction is `tx: &mut Tx`, once, in an `#[action(transaction)]`; the connection of the \
                 database's own driver is `tx.native::<Connection>()`",
            )),
            _ => Err(syn::Error::new(
                reference.span(),
                format!(
                    "arguments of `{}` come out of a message, so they are owned, not borrowed",
                    sig.ident
                ),
            )),
        };
    }
    let Pat::Ident(pattern) = &*typed.pat else {
        let message = "an argument has a plain name: messages and errors refer to it";
        return Err(syn::Error::new(typed.pat.span(), message));
    };
    Ok(Passed::Value(pattern.ident.clone(), typed.ty.clone()))
}

/// Whether a type is written as a `Result`, whatever it is called in full.
fn is_result(ty: &Type) -> bool {
    last_name(ty).is_some_and(|name| name.to_string().ends_with("Result"))
}

/// Encodes what the method returns. Spanned at its return type, so that an error about that points
/// there.
fn encode(sig: &Signature, call: &TokenStream) -> TokenStream {
    let span = match &sig.output {
        syn::ReturnType::Default => sig.ident.span(),
        syn::ReturnType::Type(_, ty) => ty.span(),
    };
    let check = quote_spanned!(span=> p::Within(&__returned).holds_no_result(););
    let encode = quote_spanned!(span=> p::Ret(__returned).encode());
    quote!({
        let __returned = #call;
        #check
        #encode
    })
}

/// The call itself. Spanned at the method's name, so that "future cannot be sent between threads" points there.
fn run(sig: &Signature, passed: &[Passed]) -> TokenStream {
    let name = &sig.ident;
    let what = format!("`{}`", plain(name));
    let arguments = passed.iter().map(|argument| match argument {
        Passed::Context => quote!(cx),
        Passed::Transaction => quote!(__tx),
        Passed::Text(_) => quote!(&__path),
        Passed::Value(ident, _) => quote!(#ident),
    });
    let arguments = quote!(#(#arguments),*);
    if passed.iter().any(|argument| matches!(argument, Passed::Transaction)) {
        let encode = encode(sig, &quote_spanned!(name.span()=> this.#name(#arguments)));
        return quote_spanned! {name.span()=>
            p::call_in_transaction::<Self>(self, cx, #what, move |this, cx, __tx| #encode)
        };
    }
    if sig.asyncness.is_none() {
        let encode = encode(sig, &quote_spanned!(name.span()=> this.#name(#arguments)));
        return quote_spanned!(name.span()=> p::call_now(self, cx, #what, move |this, cx| #encode));
    }
    let encode = encode(sig, &quote_spanned!(name.span()=> this.#name(#arguments).await));
    quote_spanned! {name.span()=>
        let __limit = p::limit(&cx);
        let (mut this, mut cx) = (self, cx);
        let __outbox = p::outbox(&mut cx);
        p::Called::Later(::std::boxed::Box::pin(async move {
            let result = {
                let (this, cx) = (&mut *this, &mut cx);
                p::guard(#what, __limit, async move { #encode }).await
            };
            p::MethodOutcome { component: this, cx, result }
        }), __outbox)
    }
}
