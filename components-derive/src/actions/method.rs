//! A method of the block: its role, its parameters and the code that calls it.

mod kinds;

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{
    Expr, FnArg, GenericParam, Ident, ImplItemFn, LitStr, Meta, Pat, ReceiverKind, Signature, Token, Type,
};

use crate::diagnostics::Diagnostics;
use crate::names::{last_name, plain};
use kinds::{action, computed, migrate, mount, params};

/// The generated code of the methods.
#[derive(Default)]
pub(super) struct Generated {
    pub(super) specs: Vec<TokenStream>,
    pub(super) events: Vec<String>,
    /// Event methods whose data is not a `Result`.
    pub(super) plain_events: Vec<String>,
    /// The names of the methods that are not actions.
    pub(super) others: Vec<String>,
    /// The calls of `flush` on the component, which a durable one cannot make.
    pub(super) flushes: Vec<Span>,
    /// Literal texts that can be names.
    pub(super) words: Vec<String>,
    pub(super) hooks: Vec<Ident>,
    pub(super) computed_shapes: Vec<TokenStream>,
    pub(super) visits: Vec<TokenStream>,
    pub(super) mount: Option<TokenStream>,
    pub(super) migrate: Option<TokenStream>,
    pub(super) params: Option<TokenStream>,
    /// The names of the actions that require a durable component.
    pub(super) transactions: Vec<Ident>,
    pub(super) arms: Vec<TokenStream>,
}

/// The role of a method.
pub(super) enum MethodRole {
    Action(ActionOptions),
    Event(String),
    Computed,
    Mount,
    Migrate,
    Params,
    Connected,
    Updated,
    Disconnected,
    Resumed,
    Unmount,
}

/// The options of `#[action(…)]`.
#[derive(Default)]
pub(super) struct ActionOptions {
    allow: Option<LitStr>,
    guard: Option<Expr>,
    retry: bool,
    transaction: bool,
    defaults: Vec<(Ident, Expr)>,
}

impl MethodRole {
    /// Determines a method's role from its attributes and its name, and removes the attributes.
    /// `None` for an ordinary method.
    pub(super) fn take(function: &mut ImplItemFn, errors: &mut Diagnostics) -> Option<Self> {
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
                        Err(meta.error("the only option of a method is #[live(computed)]"))
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
                        "a method can have only one of `#[action]`, `#[event]` and `#[live(computed)]`",
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
                "params" => Self::Params,
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

/// An argument of a generated call.
enum Parameter {
    Context,
    /// The transaction, in an action that runs inside one.
    Transaction,
    Text(Span),
    Value(Ident, Box<Type>),
}

/// Writes the code that calls the method.
pub(super) fn write(sig: &Signature, role: MethodRole, written: &mut Generated, errors: &mut Diagnostics) {
    if let Some(param) = sig.generics.params.iter().find(|param| !matches!(param, GenericParam::Lifetime(_)))
    {
        errors.at(param, format!("`{}` is called by name and with JSON, so it cannot be generic", sig.ident));
        return;
    }
    if let MethodRole::Mount = role {
        written.mount = mount(sig, errors);
        return;
    }
    if let MethodRole::Migrate = role {
        written.migrate = migrate(sig, errors);
        return;
    }
    let mut inputs = sig.inputs.iter();
    match inputs.next() {
        Some(FnArg::Receiver(receiver)) if matches!(receiver.kind, ReceiverKind::Reference(..)) => {}
        Some(other) => {
            return errors.at(other, format!("`{}` must take `&mut self` or `&self` first", sig.ident));
        }
        None => {
            return errors.at(&sig.ident, format!("`{}` must take `&mut self` or `&self` first", sig.ident));
        }
    }
    let transaction = matches!(&role, MethodRole::Action(options) if options.transaction);
    let mut passed = Vec::new();
    for input in inputs {
        let is_first = !passed.iter().any(|one| matches!(one, Parameter::Transaction));
        let argument = if transaction && is_first && is_transaction(input) {
            Ok(Parameter::Transaction)
        } else {
            parameter(input, sig)
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
            Parameter::Value(ident, ty) => Some((ident, &**ty)),
            Parameter::Context | Parameter::Transaction | Parameter::Text(_) => None,
        })
        .collect();
    let takes_text = matches!(role, MethodRole::Updated | MethodRole::Params);
    if let (false, Some(span)) = (
        takes_text,
        passed.iter().find_map(|argument| match argument {
            Parameter::Text(span) => Some(*span),
            Parameter::Context | Parameter::Transaction | Parameter::Value(..) => None,
        }),
    ) {
        let message = "arguments are decoded from a message, so they must be owned: `String`, not `&str`";
        return errors.push(syn::Error::new(span, message));
    }
    if let Err(error) = check_values(sig, &role, &values) {
        return errors.push(error);
    }
    match role {
        MethodRole::Action(options) => action(sig, &options, &passed, &values, written, errors),
        MethodRole::Computed => computed(sig, written, errors),
        MethodRole::Event(name) => event(sig, name, &passed, &values, written, errors),
        MethodRole::Updated => {
            let run = run(sig, &passed);
            let arm = quote!(p::MethodCall::Updated(property) => { let __path = ::core::clone::Clone::clone(property); #run });
            hook("Updated", arm, written);
        }
        MethodRole::Params => {
            written.hooks.push(Ident::new("Params", Span::call_site()));
            written.params = Some(params(sig, &passed));
        }
        MethodRole::Unmount => {
            let reason = values.first().map(|(ident, _)| quote!(let #ident = __reason;));
            let run = run(sig, &passed);
            hook("Unmount", quote!(p::MethodCall::Unmount(__reason) => { #reason #run }), written);
        }
        MethodRole::Connected => plain_hook("Connected", sig, &passed, written),
        MethodRole::Disconnected => plain_hook("Disconnected", sig, &passed, written),
        MethodRole::Resumed => plain_hook("Resumed", sig, &passed, written),
        MethodRole::Mount | MethodRole::Migrate => {}
    }
}

/// Checks that a method takes no more values than its role provides.
///
/// # Errors
/// Returns an error at the first value too many.
fn check_values(sig: &Signature, role: &MethodRole, values: &[(&Ident, &Type)]) -> syn::Result<()> {
    let most = match role {
        MethodRole::Action(_) => usize::MAX,
        MethodRole::Event(_) | MethodRole::Unmount => 1,
        MethodRole::Computed
        | MethodRole::Mount
        | MethodRole::Migrate
        | MethodRole::Params
        | MethodRole::Connected
        | MethodRole::Updated
        | MethodRole::Disconnected
        | MethodRole::Resumed => 0,
    };
    if let Some((extra, _)) = values.get(most) {
        let takes = match role {
            MethodRole::Computed => "only `&self`",
            MethodRole::Event(_) => "the event's data and the context",
            MethodRole::Updated => "`path: &FieldPath` and the context",
            MethodRole::Params => "`params: &UrlParams` and `cx: &mut MountContext`",
            MethodRole::Unmount => "the reason and the context",
            MethodRole::Action(_)
            | MethodRole::Mount
            | MethodRole::Migrate
            | MethodRole::Connected
            | MethodRole::Disconnected
            | MethodRole::Resumed => "the context",
        };
        let message = format!("`{}` takes {takes}; there is no value for `{extra}`", sig.ident);
        return Err(syn::Error::new_spanned(extra, message));
    }
    Ok(())
}

/// Writes the method of an `#[event]`.
fn event(
    sig: &Signature,
    name: String,
    passed: &[Parameter],
    values: &[(&Ident, &Type)],
    written: &mut Generated,
    errors: &mut Diagnostics,
) {
    if written.events.contains(&name) {
        return errors.at(&sig.ident, format!("another #[event] method already receives `{name}`"));
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
    let run = run(sig, passed);
    written.arms.push(quote!(#pattern => { #decode #run }));
    written.events.push(name);
}

/// Writes a hook without arguments.
fn plain_hook(name: &str, sig: &Signature, passed: &[Parameter], written: &mut Generated) {
    let (variant, run) = (Ident::new(name, sig.ident.span()), run(sig, passed));
    hook(name, quote!(p::MethodCall::#variant => { #run }), written);
}

fn hook(name: &str, arm: TokenStream, written: &mut Generated) {
    written.hooks.push(Ident::new(name, Span::call_site()));
    written.arms.push(arm);
}

/// Checks whether an argument is `tx: &mut Tx`.
fn is_transaction(input: &FnArg) -> bool {
    let FnArg::Typed(typed) = input else { return false };
    let Type::Reference(reference) = &*typed.ty else { return false };
    reference.mutability.is_some() && last_name(&reference.elem).is_some_and(|name| name == "Tx")
}

fn check_transaction(sig: &Signature, passed: &[Parameter]) -> syn::Result<()> {
    if let Some(asyncness) = &sig.asyncness {
        let message =
            "a transaction cannot be async: it runs on the store's thread, and all other writes wait for it";
        return Err(syn::Error::new(asyncness.span(), message));
    }
    if !passed.iter().any(|one| matches!(one, Parameter::Transaction)) {
        let message = format!("`{}` is a transaction: it takes `tx: &mut Tx`", sig.ident);
        return Err(syn::Error::new(sig.ident.span(), message));
    }
    Ok(())
}

fn parameter(input: &FnArg, sig: &Signature) -> syn::Result<Parameter> {
    let FnArg::Typed(typed) = input else {
        return Err(syn::Error::new(input.span(), "`self` must be the first parameter"));
    };
    if let Type::Reference(reference) = &*typed.ty {
        let last = last_name(&reference.elem).map(ToString::to_string);
        return match last.as_deref() {
            Some("Context" | "MountContext") => {
                let is_mount = sig.ident == "mount" || sig.ident == "params";
                let wanted = if is_mount { "MountContext" } else { "Context" };
                let is_other = last.as_deref() != Some(wanted);
                if is_other || sig.asyncness.is_some() && reference.mutability.is_none() {
                    let message = format!("write `cx: &mut {wanted}`");
                    return Err(syn::Error::new(reference.span(), message));
                }
                Ok(Parameter::Context)
            }
            Some("str" | "FieldPath" | "UrlParams") => Ok(Parameter::Text(reference.span())),
            Some("Tx" | "Connection") => Err(syn::Error::new(
                reference.span(),
                "a transaction is `tx: &mut Tx`, once, in an `#[action(transaction)]`; the connection of the \
                 database's own driver is `tx.native::<Connection>()`",
            )),
            _ => Err(syn::Error::new(
                reference.span(),
                format!(
                    "arguments of `{}` are decoded from a message, so they must be owned, not borrowed",
                    sig.ident
                ),
            )),
        };
    }
    let Pat::Ident(pattern) = &*typed.pat else {
        let message = "an argument needs a plain name, because messages and errors refer to it";
        return Err(syn::Error::new(typed.pat.span(), message));
    };
    Ok(Parameter::Value(pattern.ident.clone(), typed.ty.clone()))
}

/// Returns whether a type's last name is `Result`.
fn is_result(ty: &Type) -> bool {
    last_name(ty).is_some_and(|name| name.to_string().ends_with("Result"))
}

/// Writes the encoding of the method's result. Its span is the return type, so that errors about
/// the type point there.
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

/// Writes the call. Its span is the method's name, so that "future cannot be sent between threads"
/// points there.
fn run(sig: &Signature, passed: &[Parameter]) -> TokenStream {
    let name = &sig.ident;
    let what = format!("`{}`", plain(name));
    let arguments = passed.iter().map(|argument| match argument {
        Parameter::Context => quote!(cx),
        Parameter::Transaction => quote!(__tx),
        Parameter::Text(_) => quote!(&__path),
        Parameter::Value(ident, _) => quote!(#ident),
    });
    let arguments = quote!(#(#arguments),*);
    if passed.iter().any(|argument| matches!(argument, Parameter::Transaction)) {
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
