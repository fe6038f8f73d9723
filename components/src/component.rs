//! The traits that the derive implements for an application's struct.

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
use crate::url::UrlParams;
use crate::{ActionError, Context, Errors, MountContext, Result};
use vivaz_databases::Tx;

/// A live component. Implemented by `#[derive(LiveComponent)]` on the struct, and `#[actions]` on
/// an `impl` block of it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a live component",
    note = "add `#[derive(LiveComponent, Clone)]` to it"
)]
pub trait LiveComponent: AnyComponent + Sized {
    /// The props: the fields marked `prop`.
    type Props: Serialize + DeserializeOwned + Send + 'static;

    /// The description of the type.
    const SPEC: &'static Spec;

    /// Creates a component. Shared fields are bound afterwards.
    fn mount(props: Self::Props, cx: &mut MountContext) -> impl Future<Output = Result<Self>> + Send;

    /// Creates a component from the state that [`Instance::save`](crate::instance::Instance::save)
    /// wrote.
    ///
    /// # Errors
    /// Returns an error if the fields do not decode.
    fn restore(saved: &Saved<'_>) -> Result<Self>;

    /// Creates a component from the state that another version of its type wrote: fields or their
    /// types were added, removed or changed since.
    ///
    /// # Errors
    /// Returns an error if the state cannot be converted.
    fn migrate(saved: &Saved<'_>) -> Result<Self>;
}

/// A component without its type. Implemented by the derive, driven by the
/// [`Instance`](crate::instance::Instance) around it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a live component",
    note = "only a page's component is called and mounted: a type of state has #[live(computed)] methods in its #[actions] block"
)]
pub trait AnyComponent: TrackedFields + Send + 'static {
    /// Returns the description of the type.
    fn spec(&self) -> &'static Spec;

    /// Copies the component for a handler, so that a failure is undone by dropping the copy.
    fn duplicate(&self) -> Box<dyn AnyComponent>;

    /// Sets a field marked `prop` to the parent's value, by its name on the wire. The caller has
    /// checked that the field is a prop.
    ///
    /// # Errors
    /// Returns an error if the value is not of the field's type. The field is unchanged then.
    fn assign(&mut self, field: &str, value: &RawValue) -> JsonResult;

    /// Writes a property that a page edits, which begins at a field marked `model`.
    ///
    /// # Errors
    /// Returns an error if the path does not lead to a property that the page may write, or if the
    /// value does not fit.
    fn edit(&mut self, edit: &mut EditCursor<'_>) -> EditResult;

    /// Reads the fields that are bound to parameters of the page's URL, and adds the names of those
    /// that changed to `changed`.
    ///
    /// # Errors
    /// Returns an error if a field has no JSON form.
    fn follow_url(&mut self, params: &UrlParams, changed: &mut Vec<&'static str>) -> JsonResult {
        let _ = (params, changed);
        Ok(())
    }

    /// Calls the method `params`.
    fn call_params(self: Box<Self>, params: UrlParams, cx: MountContext) -> ParamsFuture;

    /// Reads a field from its saved value, and writes it into an object as it would be saved again.
    /// For the check that saved state can be restored.
    ///
    /// # Errors
    /// Returns an error if the field cannot be read or written.
    fn reread(&self, field: &str, saved: &RawValue, out: &mut StateWriter) -> JsonResult;

    /// Calls `visit` with each shared field: its name, the name of the topic that it names now, and
    /// the field.
    fn shared(&mut self, visit: &mut VisitShared<'_>) {
        let _ = visit;
    }

    /// Returns the field marked `errors`.
    fn errors(&mut self) -> Option<&mut Errors> {
        None
    }

    /// Calls a method. The component comes back in [`MethodOutcome`], also after an error or a
    /// panic.
    fn call(self: Box<Self>, cx: Context, call: MethodCall<'_>) -> Called;
}

/// A future of `params`, with the component as the method left it.
pub type ParamsFuture = BoxFuture<(Box<dyn AnyComponent>, Result)>;

/// A function that visits the shared fields of a component.
pub type VisitShared<'a> = dyn FnMut(&'static str, fmt::Arguments<'_>, &mut dyn AnyShared) + 'a;

/// A method to call.
#[derive(Clone, Copy, Debug)]
pub enum MethodCall<'a> {
    /// A method marked `#[action]`, by its name.
    Action(&'a str, &'a Args<'a>),
    /// A method marked `#[event]`, by the event's name.
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

/// A call that is done, one that has to be awaited, or one that runs on the store's thread.
#[expect(
    clippy::large_enum_variant,
    reason = "most calls are done at once, and a box would be one more for each"
)]
pub enum Called {
    /// The call is done.
    Now(MethodOutcome),
    /// The call is polled. Its flushes are in the slot.
    Later(BoxFuture<MethodOutcome>, FlushSlot),
    /// The call runs inside a transaction.
    InTransaction(InTransaction),
}

/// A call that runs inside the transaction that commits its outcome. Without a transaction
/// it is refused.
pub type InTransaction = Box<dyn FnOnce(Option<&mut Tx>) -> MethodOutcome + Send>;

/// The outcome of a call that is done.
pub struct MethodOutcome {
    /// The component as the method left it.
    pub component: Box<dyn AnyComponent>,
    /// The context with the requests of the method.
    pub cx: Context,
    /// The return value (`None` for `()`), or the error.
    pub result: Return,
}

/// A method's return value in JSON, or its error.
pub type Return = Result<Option<Box<RawValue>>, ActionError>;
