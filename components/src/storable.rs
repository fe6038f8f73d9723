//! What generated code asks of a field's type: whether serde writes and reads it, whether it is a list
//! and its items have keys, whether it shows a topic.
//!
//! Each question has an answer for every type, so that a type that cannot do it is one error, which
//! a constant of the derive gives, and not one for each place of the generated code. The answer
//! "no" is a trait's, which rustc takes where the inherent one does not apply (as in [`Fill`](crate::__private::Fill)).

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
use crate::topic::Topic;
use crate::tracking::{JsonResult, Pick, Seen, StateWriter, TrackedField};

/// A field's type, for what is read of it: `ReadableField::<T>::IS`.
#[derive(Debug)]
pub struct ReadableField<T>(PhantomData<T>);

impl<T: DeserializeOwned> ReadableField<T> {
    /// Yes.
    pub const IS: bool = true;

    /// Assigns a value that the parent gives.
    ///
    /// # Errors
    /// When it is of another type; the field is as it was.
    pub fn assign(field: &mut T, value: &RawValue) -> JsonResult {
        *field = serde_json::from_str(value.get())?;
        Ok(())
    }

    /// Reads a saved value.
    ///
    /// # Errors
    /// When it is of another type.
    pub fn reread(saved: &RawValue) -> serde_json::Result<T> {
        serde_json::from_str(saved.get())
    }

    /// One saved field.
    ///
    /// # Errors
    /// As [`Saved::take`].
    pub fn take(saved: &Saved<'_>, field: &str) -> Result<T> {
        saved.take(field)
    }

    /// One saved field, or a value in its place.
    ///
    /// # Errors
    /// As [`Saved::take_or`].
    pub fn take_or(saved: &Saved<'_>, field: &str, missing: impl FnOnce() -> T) -> Result<T> {
        saved.take_or(field, missing)
    }

    /// Returns a description of what it is read from.
    #[must_use]
    pub fn describe() -> String {
        schema::describe::<T>()
    }
}

/// A type that serde does not read. A constant of the derive has refused it, so nothing here is
/// ever called.
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

/// A field's type, for whether it is written: `WritableField::<T>::IS`.
#[derive(Debug)]
pub struct WritableField<T>(PhantomData<T>);

impl<T: Serialize> WritableField<T> {
    /// Yes.
    pub const IS: bool = true;
}

/// Not a value that serde writes, but one that knows how its value is shown.
impl<T: Serialize> WritableField<Async<T>> {
    /// Yes.
    pub const IS: bool = true;
}

/// A type that serde does not write.
pub trait UnwrittenField {
    /// No.
    const IS: bool = false;
}

impl<T> UnwrittenField for WritableField<T> {}

/// What [`Pick`] makes of a field that serde does not write. The derive's constant fails the build of
/// such a field, so the code is compiled and never run.
pub trait PickUnwritten {
    /// The field.
    fn field(self) -> NeverVisited;
}

impl<T> PickUnwritten for &Pick<'_, T> {
    fn field(self) -> NeverVisited {
        NeverVisited
    }
}

/// Stands for such a field.
#[derive(Debug)]
pub struct NeverVisited;

impl TrackedField for NeverVisited {
    fn write(&self, _: &str, _: &mut StateWriter) -> JsonResult {
        refused()
    }

    fn baseline(&mut self) -> JsonResult<Seen> {
        refused()
    }

    fn change(&mut self, _: &str, _: Seen, _: &mut PatchWriter) -> JsonResult<Option<Seen>> {
        refused()
    }
}

/// A field's type, for whether it is a [`List`], and one whose items have keys.
#[derive(Debug)]
pub struct Listed<T>(PhantomData<T>);

impl<T> Listed<List<T>> {
    /// Yes.
    pub const IS_LIST: bool = true;
}

impl<T: Keyed> Listed<List<T>> {
    /// Yes.
    pub const IS_KEYED: bool = true;
}

/// A type that is no list.
pub trait NoList {
    /// No.
    const IS_LIST: bool = false;
}

impl<T> NoList for Listed<T> {}

/// A type that is no list of items with keys.
pub trait ListsNothing {
    /// No.
    const IS_KEYED: bool = false;
}

impl<T> ListsNothing for Listed<T> {}

/// The type of a field that is marked as shared: `Shows::<T>::A_TOPIC`.
#[derive(Debug)]
pub struct Shows<T>(PhantomData<T>);

impl<T> Shows<Shared<T>> {
    /// Yes.
    pub const IS_SHARED: bool = true;
}

/// A type that is no `Shared`.
pub trait NotShared {
    /// No.
    const IS_SHARED: bool = false;
}

impl<T> NotShared for Shows<T> {}

impl<T: Topic> Shows<Shared<T>> {
    /// Yes.
    pub const A_TOPIC: bool = true;

    /// The field.
    pub fn field(field: &mut Shared<T>) -> &mut dyn AnyShared {
        field
    }
}

/// A type that shows no topic.
pub trait ShowsNone<T> {
    /// No.
    const A_TOPIC: bool = false;

    /// Never called: a constant of the derive has refused it.
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
