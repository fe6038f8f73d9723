//! What generated code calls. Nothing in it is generic that need not be: each component instantiates it.

use std::any::Any;
use std::time::Duration;

use serde::Serialize;
use serde_json::value::RawValue;

pub use inventory;
pub use serde;
pub use serde_json;
pub use serde_json::value::RawValue as Raw;

pub use crate::args::Args;
pub use crate::component::{Call, Called, Component, InTransaction, Return, Returned};
pub use crate::edit::{Edit, EditError, Editable, Edited, FieldPath, Parts, Slot, SlotWhole, Whole};
use crate::error::Unwritable;
pub use crate::error::{Answer, HandlerError, Settled};
pub use crate::host::NO_FLUSH;
pub use crate::instance::BoxFuture;
pub use crate::list::{Key, Keyed};
pub use crate::presence::{HasPresence, Presence};
pub use crate::registry::Registration;
pub use crate::saved::Saved;
pub use crate::schema::{SavedField, schema};
pub use crate::shape::check::{
    Argument, Check, CheckKind, Comparison, Edits, GivenProp, PathStep, Subject, Want, not_written, verify,
};
pub use crate::shape::{
    Access, Field as ShapeField, LiveShape, Probe, Ref, Shape, Unshaped, hash, joined, may_be_key,
};
pub use crate::spec::{ActionSpec, ArgSpec, FieldKind, FieldSpec, Hook, Spec, TemplateSource};
pub use crate::storable::{
    Listed, ListsNothing, NoList, NotShared, PickUnwritten, Readable, Shows, ShowsNone, Unreadable,
    Unwritten, Writable,
};
pub use crate::topic::{AnyShared, Topic, TopicState};
pub use crate::tracking::{
    Field, Fields, JsonResult, ObjectWriter, Pick, PickPlain, Print, Tracker, Visitor,
};

use crate::{ActionError, ErrorCode};
pub use crate::{Context, Errors, LiveComponent, MountContext, Result};
use crate::{fault, journal};

/// Calls a method that waits for nothing.
pub fn call_now<C: Component>(
    mut component: Box<C>,
    mut cx: Context,
    what: &'static str,
    run: impl FnOnce(&mut C, &mut Context) -> Return,
) -> Called {
    let result = fault::guard_now(what, || run(&mut component, &mut cx));
    Called::Now(Returned { component, cx, result })
}

/// Calls a method that does its work inside of a transaction.
pub fn call_in_transaction<C: Component, D: Any>(
    mut component: Box<C>,
    mut cx: Context,
    what: &'static str,
    run: impl FnOnce(&mut C, &mut Context, &D) -> Return + Send + 'static,
) -> Called {
    Called::InTransaction(Box::new(move |connection| {
        let result = connection
            .ok_or_else(|| ActionError::internal("a transaction needs a component that is #[live(durable)]"))
            .and_then(journal::connection::<D>)
            .and_then(|connection| fault::guard_now(what, || run(&mut component, &mut cx, connection)));
        Returned { component, cx, result }
    }))
}

/// A call that was refused before it began.
#[cold]
pub fn refuse(component: Box<dyn Component>, cx: Context, error: ActionError) -> Called {
    Called::Now(Returned { component, cx, result: Err(error) })
}

/// An event whose data cannot be read. It is logged once, and the component goes on; a panic is
/// reported as that of any handler.
#[cold]
pub fn misfit(component: Box<dyn Component>, cx: Context, event: &str, error: ActionError) -> Called {
    if error.code() == ErrorCode::Panicked {
        return refuse(component, cx, error);
    }
    crate::event::misfit(component.spec().name, event, &error);
    Called::Now(Returned { component, cx, result: Ok(None) })
}

/// An action that the component does not have.
#[cold]
pub fn unknown(component: Box<dyn Component>, cx: Context, call: Call<'_>) -> Called {
    let result = match call {
        Call::Action(name, _) => {
            let component = component.spec().name;
            Err(ActionError::new(ErrorCode::UnknownAction, format!("`{component}` has no action `{name}`")))
        }
        Call::Event(_)
        | Call::Connected
        | Call::Updated(_)
        | Call::Disconnected
        | Call::Resumed
        | Call::Unmount(_) => Ok(None),
    };
    Called::Now(Returned { component, cx, result })
}

/// How long the handler may wait.
#[must_use]
pub fn limit(cx: &Context) -> Option<Duration> {
    cx.limit()
}

/// Where a handler that waits leaves what it flushes.
#[must_use]
pub fn outbox(cx: &mut Context) -> crate::host::Outbox {
    cx.outbox()
}

/// Polls a method; a panic and a wait beyond the limit become errors.
pub async fn guard(
    what: &'static str,
    limit: Option<Duration>,
    run: impl Future<Output = Return> + Send,
) -> Return {
    fault::guard(what, limit, run).await
}

/// Whether the user may.
///
/// # Errors
/// `unauthenticated`, `forbidden`
pub fn allow(cx: &Context, permission: &str) -> Result {
    cx.allow(permission)
}

/// The answer of a guard.
///
/// # Errors
/// `unauthenticated` without a user, else `forbidden`; nothing when the guard said yes.
pub fn guarded(cx: &Context, yes: bool) -> Result {
    if yes {
        return Ok(());
    }
    cx.user()?;
    Err(ActionError::forbidden("permission denied"))
}

/// Decodes what an event carries.
///
/// # Errors
/// When it is of another type.
pub fn event_data<T: serde::de::DeserializeOwned>(data: &RawValue) -> Result<T> {
    Ok(serde_json::from_str(data.get())?)
}

/// A method's return value: `()`, `T`, `Result<(), E>` or `Result<T, E>`.
#[derive(Debug)]
pub struct Ret<T>(pub T);

// The bounds are the method's and not the block's: a `Result` of any kind finds this method and not
// the one of `RetPlain`, and what does not meet them is an error.
impl<T, E> Ret<std::result::Result<T, E>> {
    /// Encodes the value as JSON.
    ///
    /// # Errors
    /// Returns the method's own error, and one when its value has no JSON form.
    pub fn encode(self) -> Return
    where
        T: Answer,
        E: HandlerError,
    {
        match self.0 {
            Ok(value) => encode(&value),
            Err(error) => Err(error.into_action_error()),
        }
    }
}

/// Looks into a return value for a `Result` that nothing would look at.
#[derive(Debug)]
pub struct Within<'a, T>(pub &'a T);

impl<T, E, F> Within<'_, std::result::Result<std::result::Result<T, E>, F>> {
    /// Refuses it at compile time.
    pub fn holds_no_result(self)
    where
        std::result::Result<std::result::Result<T, E>, F>: Settled,
    {
    }
}

impl<T, E, F> Within<'_, std::result::Result<Option<std::result::Result<T, E>>, F>> {
    /// Refuses it at compile time.
    pub fn holds_no_result(self)
    where
        std::result::Result<Option<std::result::Result<T, E>>, F>: Settled,
    {
    }
}

impl<T, E> Within<'_, Option<std::result::Result<T, E>>> {
    /// Refuses it at compile time.
    pub fn holds_no_result(self)
    where
        Option<std::result::Result<T, E>>: Settled,
    {
    }
}

/// The way of every other return value.
pub trait WithinPlain {
    /// Accepts it.
    fn holds_no_result(self);
}

impl<T> WithinPlain for Within<'_, T> {
    fn holds_no_result(self) {}
}

/// The way of a return value that is no `Result`.
pub trait RetPlain<T> {
    /// The value in JSON.
    ///
    /// # Errors
    /// When it has no JSON form.
    fn encode(self) -> Return
    where
        T: Answer;
}

impl<T> RetPlain<T> for Ret<T> {
    fn encode(self) -> Return
    where
        T: Answer,
    {
        encode(&self.0)
    }
}

fn encode<T: Serialize>(value: &T) -> Return {
    // `()` is no value.
    if size_of::<T>() == 0 {
        return Ok(None);
    }
    let json = vivaz_protocol::json::to_raw_json(value)
        .map_err(|error| Unwritable::of("the value that the method returned".to_owned(), error))?;
    Ok(Some(json))
}

/// A field that may not be assigned.
///
/// # Errors
/// Always.
#[cold]
pub fn no_such_field(name: &str) -> serde_json::Result<()> {
    Err(serde::de::Error::custom(format_args!("`{name}` cannot be set")))
}

/// Runs an application's decoding; a panic becomes an error.
///
/// # Errors
/// What the decoding says.
pub fn decode<T>(what: &'static str, run: impl FnOnce() -> Result<T>) -> Result<T> {
    fault::guard_now(what, run)
}

/// What `mount` returned: `Self` or a `Result` of it.
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

/// The way of a `mount` that cannot fail.
pub trait MadePlain<T> {
    /// The component.
    ///
    /// # Errors
    /// None.
    fn made(self) -> Result<T>;
}

impl<T> MadePlain<T> for Made<T> {
    fn made(self) -> Result<T> {
        Ok(self.0)
    }
}

/// What a type of state has that has no `#[actions]` block: that block's inherent items win over these.
#[allow(missing_docs)]
pub trait StateDefaults {
    const __LIVE_COMPUTED_SHAPES: &'static [ShapeField] = &[];

    fn __live_computed(&mut self, visitor: &mut dyn Visitor) {
        let _ = visitor;
    }
}

/// What a component has that has no `#[actions]` block: that block's inherent items win over these.
#[allow(missing_docs, non_upper_case_globals)]
pub trait Defaults: Sized {
    type Props;
    const __LIVE_ACTIONS: &'static [ActionSpec] = &[];
    const __LIVE_EVENTS: &'static [&'static str] = &[];
    const __LIVE_METHODS: &'static [&'static str] = &[];
    const __LIVE_WORDS: &'static [&'static str] = &[];
    const __LIVE_HOOKS: &'static [Hook] = &[];
    const __LIVE_COMPUTED: &'static [&'static str] = &[];
    const __LIVE_COMPUTED_SHAPES: &'static [ShapeField] = &[];
    const __LIVE_HAS_MOUNT: bool = false;

    /// Makes one of its props and of defaults.
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

    fn __live_call(self: Box<Self>, cx: Context, call: Call<'_>) -> Called
    where
        Self: Component,
    {
        unknown(self, cx, call)
    }
}

/// `Fill::<T>::fill()` is the type's default if it has one. A component with `mount` may have fields without one; for
/// one without `mount` the derive checks `HAS_DEFAULT` at compile time.
#[derive(Debug)]
pub struct Fill<T>(std::marker::PhantomData<T>);

impl<T: Default> Fill<T> {
    /// Yes.
    pub const HAS_DEFAULT: bool = true;

    /// The default.
    #[must_use]
    pub fn fill() -> T {
        T::default()
    }
}

/// A type without a default.
pub trait Missing<T> {
    /// No.
    const HAS_DEFAULT: bool = false;

    /// Never called where it matters: a constant refuses such a field before.
    ///
    /// # Panics
    /// Always; for a skipped field that a component restored from a snapshot would need.
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
