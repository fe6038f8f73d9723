//! What the derive makes of an application's struct.

use std::any::Any;
use std::fmt;
use std::future::Future;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::args::Args;
use crate::context::FlushSlot;
use crate::edit::{EditCursor, EditResult, FieldPath};
use crate::event::{ServerEvent, UnmountReason};
use crate::future::BoxFuture;
use crate::saved::Saved;
use crate::shared::AnyShared;
use crate::spec::Spec;
use crate::tracking::{JsonResult, StateWriter, TrackedFields};
use crate::{ActionError, Context, Errors, MountContext, Result};

/// A live component. Derived: `#[derive(LiveComponent)]` on the struct, and `#[actions]` on an `impl` block of it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a live component",
    note = "add `#[derive(LiveComponent, Clone)]` to it"
)]
pub trait LiveComponent: AnyComponent + Sized {
    /// What it is given at mount: the fields marked `prop`.
    type Props: Serialize + DeserializeOwned + Send + 'static;

    /// What is known of its type.
    const SPEC: &'static Spec;

    /// Makes one. Shared fields are bound afterwards.
    fn mount(props: Self::Props, cx: &mut MountContext) -> impl Future<Output = Result<Self>> + Send;

    /// Makes one of what [`Instance::save`](crate::instance::Instance::save) wrote.
    ///
    /// # Errors
    /// When the fields were saved by a type that is not this one any more.
    fn restore(saved: &Saved<'_>) -> Result<Self>;

    /// Makes one of what another version of its type wrote: fields, or types in them, were added, removed or changed
    /// since.
    ///
    /// # Errors
    /// When that cannot be done.
    fn migrate(saved: &Saved<'_>) -> Result<Self>;
}

/// A component, its type forgotten. Implemented by the derive, driven by the [`Instance`](crate::instance::Instance)
/// around it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a live component",
    note = "only a page's component is called and mounted: a type of state has #[live(computed)] methods in its #[actions] block"
)]
pub trait AnyComponent: TrackedFields + Send + 'static {
    /// What is known of its type.
    fn spec(&self) -> &'static Spec;

    /// The copy that a handler works on, so that failing means dropping it.
    fn duplicate(&self) -> Box<dyn AnyComponent>;

    /// Sets a field marked `prop` to what the parent gives, by its name on the wire. Whether it may be set was asked
    /// before.
    ///
    /// # Errors
    /// When the value is not of the field's type; the field is as it was.
    fn assign(&mut self, field: &str, value: &RawValue) -> JsonResult;

    /// Writes a property that a page names, which begins at a field marked `model`.
    ///
    /// # Errors
    /// When the edit does not lead to a property that the page may write, or the value does not fit.
    fn edit(&mut self, edit: &mut EditCursor<'_>) -> EditResult;

    /// Reads a field from what was saved of it, and adds it to an object as it would be saved
    /// again. For the check that what is saved can be restored.
    ///
    /// # Errors
    /// When it cannot be read or written.
    fn reread(&self, field: &str, saved: &RawValue, out: &mut StateWriter) -> JsonResult;

    /// Calls `visit` with each shared field: its name, the name of the topic that it names now, and
    /// the field.
    fn shared(&mut self, visit: &mut VisitShared<'_>) {
        let _ = visit;
    }

    /// The field marked `errors`.
    fn errors(&mut self) -> Option<&mut Errors> {
        None
    }

    /// Calls a method. The component comes back in [`MethodOutcome`] whatever happens.
    fn call(self: Box<Self>, cx: Context, call: MethodCall<'_>) -> Called;
}

/// What is done with each shared field of a component.
pub type VisitShared<'a> = dyn FnMut(&'static str, fmt::Arguments<'_>, &mut dyn AnyShared) + 'a;

/// Which method to call.
#[derive(Clone, Copy, Debug)]
pub enum MethodCall<'a> {
    /// One marked `#[action]`, by name.
    Action(&'a str, &'a Args<'a>),
    /// One marked `#[event]`, by the event's name.
    Event(&'a ServerEvent),
    /// `connected`
    Connected,
    /// `updated`, with the property that the page wrote.
    Updated(&'a FieldPath),
    /// `disconnected`
    Disconnected,
    /// `resumed`
    Resumed,
    /// `unmount`
    Unmount(UnmountReason),
}

/// A call that is done, one that has to wait, or one that is for the store's thread.
#[expect(
    clippy::large_enum_variant,
    reason = "most calls are done at once, and a box would be one more for each"
)]
pub enum Called {
    /// Done.
    Now(MethodOutcome),
    /// To be polled, with where it leaves what it flushes.
    Later(BoxFuture<MethodOutcome>, FlushSlot),
    /// To be called inside of a transaction.
    InTransaction(InTransaction),
}

/// A call that is done inside of the transaction that keeps what it comes to: with the store's own connection, its type
/// forgotten, or with none where there is no transaction to be had, which refuses it.
pub type InTransaction = Box<dyn FnOnce(Option<&dyn Any>) -> MethodOutcome + Send>;

/// A call that is done.
pub struct MethodOutcome {
    /// The component as the method left it.
    pub component: Box<dyn AnyComponent>,
    /// The context with what was asked of it.
    pub cx: Context,
    /// The return value (`None` for `()`), or what went wrong.
    pub result: Return,
}

/// A method's return value in JSON, or what went wrong.
pub type Return = Result<Option<Box<RawValue>>, ActionError>;
