//! Applying a patch that another node made to a typed state.
//!
//! The field chooses how by its type, as in [`Pick`](crate::tracking::Pick): a list takes
//! operations, all other types are read whole.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserializer;
use serde::de::{DeserializeOwned, Error as _};
use serde_json::value::RawValue;
use vivaz_protocol::words::patch;

use crate::tracking::JsonResult;

/// The change of one field, as a patch has it.
#[derive(Clone, Copy, Debug)]
pub enum FieldPatch<'a> {
    /// The new value.
    Value(&'a RawValue),
    /// An array of list operations.
    Operations(&'a RawValue),
}

/// A state to which patches of other nodes are applied. Derived with `LiveState`.
///
/// Computed fields are not applied, because each node computes them from the others. Fields with
/// `#[serde(skip)]` are each node's own. Fields that this version of the type does not have are
/// ignored.
pub trait ApplyPatch {
    /// Returns the first field that serde cannot read, which makes the state unfit for a topic that
    /// several nodes share.
    fn unreadable_field() -> Option<&'static str>
    where
        Self: Sized;

    /// Applies the change of one field.
    ///
    /// # Errors
    /// Returns an error if the change does not fit. The state is then partly changed and must be
    /// discarded.
    fn apply_field(&mut self, field: &str, change: FieldPatch<'_>) -> JsonResult;
}

type RawMembers<'a> = BTreeMap<Cow<'a, str>, &'a RawValue>;

/// Applies a patch object.
///
/// # Errors
/// Returns an error if the text is not a patch, or does not fit. The state must then be discarded.
pub(crate) fn apply_patch(state: &mut impl ApplyPatch, patch: &str) -> JsonResult {
    let fields: RawMembers<'_> = serde_json::from_str(patch)?;
    fields.into_iter().try_for_each(|(name, change)| state.apply_field(&name, FieldPatch::read(change)?))
}

/// Sets fields to the values of an object.
///
/// # Errors
/// Returns an error if the text is not an object, or a value does not fit. The state must then be
/// discarded.
pub(crate) fn apply_state(state: &mut impl ApplyPatch, object: &str) -> JsonResult {
    let fields: RawMembers<'_> = serde_json::from_str(object)?;
    fields.into_iter().try_for_each(|(name, value)| state.apply_field(&name, FieldPatch::Value(value)))
}

impl<'a> FieldPatch<'a> {
    fn read(change: &'a RawValue) -> JsonResult<Self> {
        if !change.get().starts_with("{\"$") {
            return Ok(Self::Value(change));
        }
        let members: RawMembers<'a> = serde_json::from_str(change.get())?;
        let mut members = members.into_iter();
        match (members.next(), members.next()) {
            (Some((word, value)), None) => match &*word {
                patch::VALUE => Ok(Self::Value(value)),
                patch::LIST => Ok(Self::Operations(value)),
                _ => Err(serde_json::Error::custom(format_args!("unknown change `{word}`"))),
            },
            _ => Ok(Self::Value(change)),
        }
    }
}

/// Reads the new value of a field that is not a list.
///
/// # Errors
/// Returns an error if the change has operations, or a value of another type.
pub fn read_value<T: DeserializeOwned>(change: FieldPatch<'_>) -> JsonResult<T> {
    match change {
        FieldPatch::Value(value) => serde_json::from_str(value.get()),
        FieldPatch::Operations(_) => Err(serde_json::Error::custom("the field is not a list")),
    }
}

/// A field that takes a change: `(&mut ApplySlot(&mut field)).apply(change)` finds the inherent
/// method of types that take operations, else the one of [`ApplyReadable`] or [`ApplyUnreadable`].
#[derive(Debug)]
pub struct ApplySlot<'a, T>(pub &'a mut T);

/// Fields of types that serde reads.
pub trait ApplyReadable {
    /// Applies a change.
    ///
    /// # Errors
    /// Returns an error if the change does not fit.
    fn apply(&mut self, change: FieldPatch<'_>) -> JsonResult;
}

impl<T: DeserializeOwned> ApplyReadable for ApplySlot<'_, T> {
    fn apply(&mut self, change: FieldPatch<'_>) -> JsonResult {
        *self.0 = read_value(change)?;
        Ok(())
    }
}

/// Fields of other types.
pub trait ApplyUnreadable {
    /// Refuses the change.
    ///
    /// # Errors
    /// Always returns an error.
    fn apply(&mut self, change: FieldPatch<'_>) -> JsonResult;
}

impl<T> ApplyUnreadable for &mut ApplySlot<'_, T> {
    fn apply(&mut self, _: FieldPatch<'_>) -> JsonResult {
        apply_unreadable()
    }
}

/// Refuses the change of a field that serde cannot read.
///
/// # Errors
/// Always returns an error.
pub fn apply_unreadable() -> JsonResult {
    Err(serde_json::Error::custom("the type of the field has no `Deserialize`"))
}

/// Refuses to read a field whose module of functions only writes it.
///
/// # Errors
/// Always returns an error.
pub fn deserialize_unreadable<'de, T, D: Deserializer<'de>>(_: D) -> Result<T, D::Error> {
    Err(D::Error::custom("the field has no function that reads it"))
}
