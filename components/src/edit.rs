//! Writing a property that a page edits: a field of the component, or a property inside one.
//!
//! The types define what a page may write. A struct of state that marks fields `#[live(model)]` is
//! [`Editable`]: those fields are written one by one, the struct as a whole is not. In a
//! [`List`](crate::List) of such structs the items are found by their keys; the list is not
//! replaced. Every other type is written as a whole, and no path leads through it.

mod list;
mod path;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use vivaz_protocol::{Key as RawKey, PropertyPath};

pub use path::{FieldPath, FieldStep};

use crate::form::{self, FormError};
use crate::list::Key;
use crate::shape::Access;
use crate::{ActionError, ErrorCode, Tracked};

/// A type whose parts a page may write. Implemented by `#[derive(LiveState)]` on a struct with
/// fields that are `#[live(model)]`.
pub trait Editable {
    /// Writes the property to which the cursor leads.
    ///
    /// # Errors
    /// Returns an error if the path does not lead to a property that the page may write, or the
    /// value does not fit. Earlier changes are not reverted.
    fn edit(&mut self, edit: &mut EditCursor<'_>) -> EditResult;
}

/// The result of an edit.
pub type EditResult = Result<(), EditError>;

/// The reason why a property was not written.
#[derive(Debug)]
pub enum EditError {
    /// The value is not of the property's type.
    Value(FormError),
    /// A step names a field that does not exist, or that pages do not see.
    Unknown,
    /// Pages may not write the property.
    ReadOnly,
    /// The list has no item with that key.
    NoItem,
}

/// The remaining path of an edit, and its value.
#[derive(Debug)]
pub struct EditCursor<'a> {
    /// The steps that remain.
    steps: std::slice::Iter<'a, RawKey>,
    value: &'a RawValue,
    /// The path so far, with the names of the types.
    path: FieldPath,
}

impl<'a> EditCursor<'a> {
    pub(crate) fn new(field: &'static str, path: &'a PropertyPath<'_>, value: &'a RawValue) -> Self {
        Self { steps: path.steps.iter(), value, path: FieldPath::of(field) }
    }

    /// Returns the component's field.
    #[must_use]
    pub fn root(&self) -> &'static str {
        self.path.field()
    }

    /// Returns the path so far.
    pub(crate) fn into_path(self) -> FieldPath {
        self.path
    }

    /// Follows a step to a field of a struct. `shown` lists the fields that the page sees and may
    /// not write.
    ///
    /// # Errors
    /// Returns an error if the path ends here, or names another field.
    pub fn field(
        &mut self,
        marked: &[&'static str],
        shown: &[&'static str],
    ) -> Result<&'static str, EditError> {
        let Some(step) = self.steps.next() else { return Err(EditError::ReadOnly) };
        let RawKey::Text(asked) = step else { return Err(EditError::Unknown) };
        if let Some(name) = marked.iter().copied().find(|name| *name == &**asked) {
            self.path.push(FieldStep::Field(name));
            return Ok(name);
        }
        Err(if shown.contains(&&**asked) { EditError::ReadOnly } else { EditError::Unknown })
    }

    /// Follows a step to an item of a list.
    pub(crate) fn key(&mut self) -> Result<Key, EditError> {
        let key = self.steps.next().map(Key::from).ok_or(EditError::ReadOnly)?;
        self.path.push(FieldStep::Key(key.clone()));
        Ok(key)
    }

    /// Decodes the value of a field that is written as a whole.
    fn read<T: DeserializeOwned>(&self) -> Result<T, EditError> {
        if !self.steps.as_slice().is_empty() {
            return Err(EditError::Unknown);
        }
        form::decode(self.value.get()).map_err(EditError::Value)
    }

    /// Refuses a field that the component does not have.
    ///
    /// # Errors
    /// Always returns an error.
    pub fn unknown(&self) -> EditResult {
        Err(EditError::Unknown)
    }
}

impl EditError {
    /// Returns the error for an edit of the property `asked`. It reports values that do not fit
    /// under that name.
    pub(crate) fn answer(self, asked: &str) -> ActionError {
        match self {
            Self::Value(error) => ActionError::new(ErrorCode::BadValue, format!("`{asked}`: {error}"))
                .with_errors(error.of_field(asked)),
            Self::Unknown => {
                ActionError::new(ErrorCode::UnknownProperty, format!("unknown property `{asked}`"))
            }
            Self::ReadOnly => {
                ActionError::new(ErrorCode::ReadOnlyProperty, format!("`{asked}` is read-only"))
            }
            Self::NoItem => {
                ActionError::new(ErrorCode::UnknownItem, format!("`{asked}` names an item that was removed"))
            }
        }
    }
}

impl<T: Editable> Editable for Tracked<T> {
    fn edit(&mut self, edit: &mut EditCursor<'_>) -> EditResult {
        (**self).edit(edit)
    }
}

impl<T: Editable> Editable for Box<T> {
    fn edit(&mut self, edit: &mut EditCursor<'_>) -> EditResult {
        (**self).edit(edit)
    }
}

/// A field to write. For an [`Editable`] type the path continues, because the inherent method takes
/// precedence over that of [`SlotWhole`].
#[derive(Debug)]
pub struct EditSlot<'a, T>(pub &'a mut T);

impl<T: Editable> EditSlot<'_, T> {
    /// Writes a part of the field.
    ///
    /// # Errors
    /// Returns the errors of [`Editable::edit`].
    pub fn edit(self, edit: &mut EditCursor<'_>) -> EditResult {
        self.0.edit(edit)
    }
}

/// A field of any other type.
pub trait SlotWhole<T> {
    /// Writes the field as a whole.
    ///
    /// # Errors
    /// Returns an error if the path continues, or the value does not fit. The field is unchanged
    /// then.
    fn edit(self, edit: &mut EditCursor<'_>) -> EditResult
    where
        T: DeserializeOwned;
}

impl<T> SlotWhole<T> for EditSlot<'_, T> {
    fn edit(self, edit: &mut EditCursor<'_>) -> EditResult
    where
        T: DeserializeOwned,
    {
        *self.0 = edit.read()?;
        Ok(())
    }
}

/// `Parts::<T>::ACCESS` is how a page writes a field of that type that is marked `model`: an
/// inherent constant takes precedence over a trait's.
#[derive(Debug)]
pub struct Parts<T: ?Sized>(std::marker::PhantomData<T>);

impl<T: Editable + ?Sized> Parts<T> {
    /// One by one: the fields that the type marks.
    pub const ACCESS: Access = Access::Parts;
}

/// A type that is written as a whole.
pub trait WrittenWhole {
    /// As a whole.
    const ACCESS: Access = Access::Whole;
}

impl<T: ?Sized> WrittenWhole for Parts<T> {}
