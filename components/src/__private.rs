//! Items that generated code uses. Functions are generic only where they must be, because each
//! component instantiates them.

use std::time::Duration;

use serde::Serialize;
use serde_json::value::RawValue;

pub use inventory;
pub use serde;
pub use serde_json;
pub use serde_json::value::RawValue as Raw;
pub use vivaz_template::route::url as route_url;

pub use crate::apply_patch::{
    ApplyPatch, ApplyReadable, ApplySlot, ApplyUnreadable, FieldPatch, apply_unreadable,
    deserialize_unreadable, read_value,
};
pub use crate::args::Args;
pub use crate::check::{
    Argument, Check, CheckKind, Comparison, Edits, GivenProp, PathStep, Subject, Want, not_written, verify,
};
pub use crate::component::{
    AnyComponent, Called, InTransaction, MethodCall, MethodOutcome, ParamsFuture, Return, VisitShared,
};
pub use crate::edit::{
    EditCursor, EditError, EditResult, EditSlot, Editable, FieldPath, Parts, SlotWhole, WrittenWhole,
};
use crate::error::NotSerializable;
pub use crate::error::{ActionValue, HandlerError, Settled};
pub use crate::future::BoxFuture;
pub use crate::host::NO_FLUSH;
pub use crate::list::{Key, Keyed};
pub use crate::page::{LivePage, PageRegistration, PageSpec, page_value};
pub use crate::registry::Registration;
pub use crate::route::{LiveRoute, RouteRegistration, route_value};
pub use crate::saved::Saved;
pub use crate::schema::{SavedField, schema};
pub use crate::shape::{
    Access, LiveShape, Shape, ShapeField, ShapeProbe, ShapeRef, Unshaped, hash, joined, may_be_key,
};
pub use crate::shared::AnyShared;
pub use crate::spec::{
    ActionSpec, ArgSpec, FieldKind, FieldSpec, HistoryEntry, Hook, PartialSource, RouteSpec, Spec,
    TemplateSource, UrlParam,
};
pub use crate::storable::{
    Listed, ListsNothing, NoList, NotShared, PickUnwritten, ReadableField, Shows, ShowsNone, UnreadableField,
    UnwrittenField, WritableField,
};
pub use crate::topic::{HasPresence, Presence, Topic, TopicState};
pub use crate::tracking::{
    JsonResult, Pick, PickPlain, Print, StateWriter, TrackedField, TrackedFields, Tracker, Visitor,
};

pub use crate::url::{QUERY, UrlParams, UrlQuery, not_bound, read_param};

use crate::fault;
use crate::{ActionError, ErrorCode};
pub use crate::{Context, Errors, LiveComponent, MountContext, Result};
use vivaz_databases::{DatabaseError, Tx};

/// Calls a synchronous method.
pub fn call_now<C: AnyComponent>(
    mut component: Box<C>,
    mut cx: Context,
    what: &'static str,
    run: impl FnOnce(&mut C, &mut Context) -> Return,
) -> Called {
    let result = fault::guard_now(what, || run(&mut component, &mut cx));
    Called::Now(MethodOutcome { component, cx, result })
}

/// Calls a method that works inside a transaction.
pub fn call_in_transaction<C: AnyComponent>(
    mut component: Box<C>,
    mut cx: Context,
    what: &'static str,
    run: impl FnOnce(&mut C, &mut Context, &mut Tx) -> Return + Send + 'static,
) -> Called {
    Called::InTransaction(Box::new(move |tx| {
        let result = tx
            .ok_or_else(|| ActionError::internal("a transaction needs a component that is #[live(durable)]"))
            .and_then(|tx| if tx.has_database() { Ok(tx) } else { Err(DatabaseError::NoDatabase.into()) })
            .and_then(|tx| {
                fault::guard_now(what, || {
                    component.shared(&mut |_, _, field| field.refresh());
                    run(&mut component, &mut cx, tx)
                })
            });
        MethodOutcome { component, cx, result }
    }))
}

/// Returns a call that was refused before it began.
#[cold]
pub fn refuse(component: Box<dyn AnyComponent>, cx: Context, error: ActionError) -> Called {
    Called::Now(MethodOutcome { component, cx, result: Err(error) })
}

/// Ends the call for an event whose data cannot be read. Logs it once, and the component continues;
/// a panic is reported like one of any handler.
#[cold]
pub fn misfit(component: Box<dyn AnyComponent>, cx: Context, event: &str, error: ActionError) -> Called {
    if error.code() == ErrorCode::Panicked {
        return refuse(component, cx, error);
    }
    crate::event::warn_misfit(component.spec().name, event, &error);
    Called::Now(MethodOutcome { component, cx, result: Ok(None) })
}

/// Refuses an action that the component does not have.
#[cold]
pub fn unknown(component: Box<dyn AnyComponent>, cx: Context, call: MethodCall<'_>) -> Called {
    let result = match call {
        MethodCall::Action(name, _) => {
            let component = component.spec().name;
            Err(ActionError::new(ErrorCode::UnknownAction, format!("`{component}` has no action `{name}`")))
        }
        MethodCall::Event(_)
        | MethodCall::Connected
        | MethodCall::Updated(_)
        | MethodCall::Disconnected
        | MethodCall::Resumed
        | MethodCall::Unmount(_) => Ok(None),
    };
    Called::Now(MethodOutcome { component, cx, result })
}

/// Returns how long the handler may wait.
#[must_use]
pub fn limit(cx: &Context) -> Option<Duration> {
    cx.limit()
}

/// Returns the slot where a handler that waits leaves its flushes.
#[must_use]
pub fn outbox(cx: &mut Context) -> crate::context::FlushSlot {
    cx.outbox()
}

/// Polls a method; a panic and a time-out become errors.
pub async fn guard(
    what: &'static str,
    limit: Option<Duration>,
    run: impl Future<Output = Return> + Send,
) -> Return {
    fault::guard(what, limit, run).await
}

/// Checks whether the user has a permission.
///
/// # Errors
/// Returns `forbidden` without the permission, and `unauthenticated` without a user.
pub fn allow(cx: &Context, permission: &str) -> Result {
    cx.allow(permission)
}

/// Checks the result of a guard. The parameter is a `bool` because guards return one.
///
/// # Errors
/// Returns `unauthenticated` without a user, else `forbidden`, if the guard returned `false`.
pub fn guarded(cx: &Context, is_permitted: bool) -> Result {
    if is_permitted {
        return Ok(());
    }
    cx.user()?;
    Err(ActionError::forbidden("permission denied"))
}

/// Decodes the data of an event.
///
/// # Errors
/// Returns an error if the data is of another type.
pub fn event_data<T: serde::de::DeserializeOwned>(data: &RawValue) -> Result<T> {
    Ok(serde_json::from_str(data.get())?)
}

/// A method's return value: `()`, `T`, `Result<(), E>` or `Result<T, E>`.
#[derive(Debug)]
pub struct Ret<T>(pub T);

// The bounds are on the method and not on the block: for every `Result` rustc selects this method
// and not the one of `RetPlain`, and reports a bound that does not hold.
impl<T, E> Ret<std::result::Result<T, E>> {
    /// Encodes the value as JSON.
    ///
    /// # Errors
    /// Returns the method's own error, and an error if its value has no JSON form.
    pub fn encode(self) -> Return
    where
        T: ActionValue,
        E: HandlerError,
    {
        match self.0 {
            Ok(value) => encode(&value),
            Err(error) => Err(error.into_action_error()),
        }
    }
}

/// Checks that a return value contains no `Result`, whose error would be ignored.
#[derive(Debug)]
pub struct Within<'a, T>(pub &'a T);

impl<T, E, F> Within<'_, std::result::Result<std::result::Result<T, E>, F>> {
    /// Fails the build.
    pub fn holds_no_result(self)
    where
        std::result::Result<std::result::Result<T, E>, F>: Settled,
    {
    }
}

impl<T, E, F> Within<'_, std::result::Result<Option<std::result::Result<T, E>>, F>> {
    /// Fails the build.
    pub fn holds_no_result(self)
    where
        std::result::Result<Option<std::result::Result<T, E>>, F>: Settled,
    {
    }
}

impl<T, E> Within<'_, Option<std::result::Result<T, E>>> {
    /// Fails the build.
    pub fn holds_no_result(self)
    where
        Option<std::result::Result<T, E>>: Settled,
    {
    }
}

/// Accepts all other return values.
pub trait WithinPlain {
    /// Does nothing.
    fn holds_no_result(self);
}

impl<T> WithinPlain for Within<'_, T> {
    fn holds_no_result(self) {}
}

/// Encodes a return value that is not a `Result`.
pub trait RetPlain<T> {
    /// Encodes the value as JSON.
    ///
    /// # Errors
    /// Returns an error if the value has no JSON form.
    fn encode(self) -> Return
    where
        T: ActionValue;
}

impl<T> RetPlain<T> for Ret<T> {
    fn encode(self) -> Return
    where
        T: ActionValue,
    {
        encode(&self.0)
    }
}

fn encode<T: Serialize>(value: &T) -> Return {
    // `()` counts as no value.
    if size_of::<T>() == 0 {
        return Ok(None);
    }
    let json = vivaz_protocol::json::to_raw_json(value)
        .map_err(|error| NotSerializable::of("the value that the method returned".to_owned(), error))?;
    Ok(Some(json))
}

/// Refuses to assign a field.
///
/// # Errors
/// Always returns an error.
#[cold]
pub fn no_such_field(name: &str) -> serde_json::Result<()> {
    Err(serde::de::Error::custom(format_args!("`{name}` cannot be set")))
}

/// Runs an application's decoding; a panic becomes an error.
///
/// # Errors
/// Returns the error of `run`.
pub fn decode<T>(what: &'static str, run: impl FnOnce() -> Result<T>) -> Result<T> {
    fault::guard_now(what, run)
}

/// The return value of `mount`: `Self` or a `Result` of it.
#[derive(Debug)]
pub struct Made<T>(pub T);

impl<T, E> Made<std::result::Result<T, E>> {
    /// Returns the component.
    ///
    /// # Errors
    /// Returns the application's own error.
    pub fn made(self) -> Result<T>
    where
        E: HandlerError,
    {
        self.0.map_err(HandlerError::into_action_error)
    }
}

/// Handles a `mount` that cannot fail.
pub trait MadePlain<T> {
    /// Returns the component.
    ///
    /// # Errors
    /// Never returns an error.
    fn made(self) -> Result<T>;
}

impl<T> MadePlain<T> for Made<T> {
    fn made(self) -> Result<T> {
        Ok(self.0)
    }
}

/// Defaults for a type of state without an `#[actions]` block. The inherent items of such a block
/// take precedence.
#[allow(missing_docs)]
pub trait StateDefaults {
    const __LIVE_COMPUTED_SHAPES: &'static [ShapeField] = &[];

    fn __live_computed(&mut self, visitor: &mut dyn Visitor) {
        let _ = visitor;
    }
}

/// Defaults for a component without an `#[actions]` block. The inherent items of such a block take
/// precedence.
#[allow(missing_docs, non_upper_case_globals)]
pub trait Defaults: Sized {
    type Props;
    const __LIVE_ACTIONS: &'static [ActionSpec] = &[];
    const __LIVE_EVENTS: &'static [&'static str] = &[];
    const __LIVE_METHODS: &'static [&'static str] = &[];
    const __LIVE_WORDS: &'static [&'static str] = &[];
    const __LIVE_HOOKS: &'static [Hook] = &[];
    const __LIVE_COMPUTED_SHAPES: &'static [ShapeField] = &[];
    const __LIVE_HAS_MOUNT: bool = false;

    /// Creates a component from its props and from defaults.
    fn __live_mount(props: Self::Props, cx: &mut MountContext) -> std::future::Ready<Result<Self>>;

    fn __live_computed(&mut self, visitor: &mut dyn Visitor) {
        let _ = visitor;
    }

    fn __live_migrate(saved: &Saved<'_>) -> Result<Self>
    where
        Self: LiveComponent,
    {
        Self::restore(saved)
    }

    fn __live_params(self: Box<Self>, params: UrlParams, cx: MountContext) -> ParamsFuture
    where
        Self: AnyComponent,
    {
        let _ = (params, cx);
        Box::pin(std::future::ready((self as Box<dyn AnyComponent>, Ok(()))))
    }

    fn __live_call(self: Box<Self>, cx: Context, call: MethodCall<'_>) -> Called
    where
        Self: AnyComponent,
    {
        unknown(self, cx, call)
    }
}

/// Returns the default value of a type, if it has one. A component with `mount` may have fields
/// without a default; for one without `mount` the derive checks `HAS_DEFAULT` at compile time.
#[derive(Debug)]
pub struct Fill<T>(std::marker::PhantomData<T>);

impl<T: Default> Fill<T> {
    /// The type has a default value.
    pub const HAS_DEFAULT: bool = true;

    /// Returns the default value.
    #[must_use]
    pub fn fill() -> T {
        T::default()
    }
}

/// Handles a type without a default.
pub trait Missing<T> {
    /// The type has no default value.
    const HAS_DEFAULT: bool = false;

    /// Panics. Not called for fields that need a default: a constant refuses them at compile time.
    ///
    /// # Panics
    /// Always panics; reached by a skipped field of a component that is restored from a snapshot.
    #[must_use]
    fn fill() -> T {
        #[expect(
            clippy::panic,
            reason = "the derive's check keeps all but a restored `skip` field from getting here"
        )]
        {
            panic!("a field of the type {} has no default", std::any::type_name::<T>())
        }
    }
}

impl<T> Missing<T> for Fill<T> {}
