//! Properties of field types that generated code needs: whether serde writes and reads the type,
//! whether it is a list whose items have keys, whether it shows a topic.
//!
//! Each property is defined for every type, so that an unsuitable type is one error, reported by a
//! constant of the derive, and not one for each place of the generated code. The negative value
//! comes from a trait, which rustc selects where the inherent item does not apply (as in
//! [`Fill`](crate::__private::Fill)).

use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use vivaz_protocol::PatchWriter;

use crate::error::Result;
use crate::list::{Keyed, List};
use crate::loading::Async;
use crate::saved::Saved;
use crate::schema;
use crate::shared::{AnyShared, Shared};
use crate::shown::ShownValue;
use crate::topic::Topic;
use crate::tracking::{JsonResult, Pick, Seen, StateWriter, TrackedField};

/// Whether serde reads the type: `ReadableField::<T>::IS`.
#[derive(Debug)]
pub struct ReadableField<T>(PhantomData<T>);

impl<T: DeserializeOwned> ReadableField<T> {
    /// The type is readable.
    pub const IS: bool = true;

    /// Assigns a value of the parent.
    ///
    /// # Errors
    /// Returns an error if the value is of another type. The field is unchanged then.
    pub fn assign(field: &mut T, value: &RawValue) -> JsonResult {
        *field = serde_json::from_str(value.get())?;
        Ok(())
    }

    /// Reads a saved value.
    ///
    /// # Errors
    /// Returns an error if the value is of another type.
    pub fn reread(saved: &RawValue) -> serde_json::Result<T> {
        serde_json::from_str(saved.get())
    }

    /// Decodes one saved field.
    ///
    /// # Errors
    /// Returns the errors of [`Saved::take`].
    pub fn take(saved: &Saved<'_>, field: &str) -> Result<T> {
        saved.take(field)
    }

    /// Decodes one saved field, or calls `missing` if it was not saved.
    ///
    /// # Errors
    /// Returns the errors of [`Saved::take_or`].
    pub fn take_or(saved: &Saved<'_>, field: &str, missing: impl FnOnce() -> T) -> Result<T> {
        saved.take_or(field, missing)
    }

    /// Returns a description of the JSON from which the type is read.
    #[must_use]
    pub fn describe() -> String {
        schema::describe::<T>()
    }
}

/// A type that serde does not read. A constant of the derive refuses it, so nothing here is ever
/// called.
#[expect(missing_docs, clippy::missing_errors_doc, reason = "as in `Readable`")]
pub trait UnreadableField<T> {
    const IS: bool = false;

    fn assign(_: &mut T, _: &RawValue) -> JsonResult {
        refused()
    }

    fn reread(_: &RawValue) -> serde_json::Result<T> {
        refused()
    }

    fn take(_: &Saved<'_>, _: &str) -> Result<T> {
        refused()
    }

    fn take_or(_: &Saved<'_>, _: &str, _: impl FnOnce() -> T) -> Result<T> {
        refused()
    }

    #[must_use]
    fn describe() -> String {
        refused()
    }
}

impl<T> UnreadableField<T> for ReadableField<T> {}

/// Whether serde writes the type: `WritableField::<T>::IS`.
#[derive(Debug)]
pub struct WritableField<T>(PhantomData<T>);

impl<T: Serialize> WritableField<T> {
    /// The type is writable.
    pub const IS: bool = true;
}

/// `Async` is not `Serialize` itself, but its field knows how to write the value.
impl<T: Serialize> WritableField<Async<T>> {
    /// The type is writable.
    pub const IS: bool = true;
}

/// A type that serde does not write.
pub trait UnwrittenField {
    /// The type is not writable.
    const IS: bool = false;
}

impl<T> UnwrittenField for WritableField<T> {}

/// The field that [`Pick`] returns for a type that serde does not write. The derive's constant
/// fails the build of such a field, so the code is compiled and never run.
pub trait PickUnwritten {
    /// Returns the field.
    fn field(self) -> NeverVisited;
}

impl<T> PickUnwritten for &Pick<'_, T> {
    fn field(self) -> NeverVisited {
        NeverVisited
    }
}

/// Represents such a field.
#[derive(Debug)]
pub struct NeverVisited;

impl TrackedField for NeverVisited {
    fn write(&self, _: &str, _: &mut StateWriter) -> JsonResult {
        refused()
    }

    fn shown(&self) -> JsonResult<ShownValue> {
        refused()
    }

    fn baseline(&mut self) -> JsonResult<Seen> {
        refused()
    }

    fn change(&mut self, _: &str, _: Seen, _: &mut PatchWriter) -> JsonResult<Option<Seen>> {
        refused()
    }
}

/// Whether the type is a [`List`], and one whose items have keys.
#[derive(Debug)]
pub struct Listed<T>(PhantomData<T>);

impl<T> Listed<List<T>> {
    /// The type is a list.
    pub const IS_LIST: bool = true;
}

impl<T: Keyed> Listed<List<T>> {
    /// The items have keys.
    pub const IS_KEYED: bool = true;
}

/// A type that is not a list.
pub trait NoList {
    /// The type is not a list.
    const IS_LIST: bool = false;
}

impl<T> NoList for Listed<T> {}

/// A type that is not a list of items with keys.
pub trait ListsNothing {
    /// There are no items with keys.
    const IS_KEYED: bool = false;
}

impl<T> ListsNothing for Listed<T> {}

/// Whether a field that is marked as shared shows a topic: `Shows::<T>::A_TOPIC`.
#[derive(Debug)]
pub struct Shows<T>(PhantomData<T>);

impl<T> Shows<Shared<T>> {
    /// The type is `Shared`.
    pub const IS_SHARED: bool = true;
}

/// A type that is not `Shared`.
pub trait NotShared {
    /// The type is not `Shared`.
    const IS_SHARED: bool = false;
}

impl<T> NotShared for Shows<T> {}

impl<T: Topic> Shows<Shared<T>> {
    /// The type shows a topic.
    pub const A_TOPIC: bool = true;

    /// Returns the field.
    pub fn field(field: &mut Shared<T>) -> &mut dyn AnyShared {
        field
    }
}

/// A type that does not show a topic.
pub trait ShowsNone<T> {
    /// The type does not show a topic.
    const A_TOPIC: bool = false;

    /// Never called: a constant of the derive refuses the type.
    fn field(_: &mut T) -> &mut dyn AnyShared {
        refused()
    }
}

impl<T> ShowsNone<T> for Shows<T> {}

#[cold]
fn refused() -> ! {
    #[expect(clippy::panic, reason = "a constant of the derive keeps all such types from getting here")]
    {
        panic!("a field of a type that the derive has refused")
    }
}
