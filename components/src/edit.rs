//! Writing a property that a page names: a field of the component, or a property inside of one.
//!
//! The types decide what a page may write. A struct of state that marks fields `#[live(model)]` is [`Editable`]: those
//! fields are written one by one, the struct as a whole is not. A [`List`](crate::List) of such structs leads to its
//! items by their keys, and is not replaced. Every other type is written as a whole, and nothing leads through it.

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

/// A type whose parts a page may write. Derived: `#[derive(LiveState)]` on a struct with fields that are
/// `#[live(model)]`.
pub trait Editable {
    /// Writes the property that the edit names.
    ///
    /// # Errors
    /// When the edit does not lead to a property that the page may write, or the value does not fit. What was changed
    /// before is not taken back.
    fn edit(&mut self, edit: &mut EditCursor<'_>) -> EditResult;
}

/// What becomes of an edit.
pub type EditResult = Result<(), EditError>;

/// Why a property was not written.
#[derive(Debug)]
pub enum EditError {
    /// The value is not of the property's type.
    Value(FormError),
    /// A step names nothing, or nothing that the page knows.
    Unknown,
    /// The property is not the page's to write.
    ReadOnly,
    /// The list has no item of that key.
    NoItem,
}

/// An edit on its way to its property.
#[derive(Debug)]
pub struct EditCursor<'a> {
    /// What is left of the way.
    steps: std::slice::Iter<'a, RawKey>,
    value: &'a RawValue,
    /// The way so far, in the names of the types.
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

    /// Returns the way that was gone.
    pub(crate) fn into_path(self) -> FieldPath {
        self.path
    }

    /// Takes a step to one of a struct's fields. `shown` are those that the page sees and may not write.
    ///
    /// # Errors
    /// When the edit ends here, or names another field.
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

    /// Takes a step to an item of a list.
    pub(crate) fn key(&mut self) -> Result<Key, EditError> {
        let key = self.steps.next().map(Key::from).ok_or(EditError::ReadOnly)?;
        self.path.push(FieldStep::Key(key.clone()));
        Ok(key)
    }

    /// Reads the value for a field that is written as a whole.
    fn read<T: DeserializeOwned>(&self) -> Result<T, EditError> {
        if !self.steps.as_slice().is_empty() {
            return Err(EditError::Unknown);
        }
        form::decode(self.value.get()).map_err(EditError::Value)
    }

    /// Refuses a field that the component does not have.
    ///
    /// # Errors
    /// Always.
    pub fn unknown(&self) -> EditResult {
        Err(EditError::Unknown)
    }
}

impl EditError {
    /// Returns the answer to an edit of the property `asked`. It shows values that do not fit under that name.
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

/// A field that is written. An [`Editable`] one leads on to its parts, because the inherent method wins over that of
/// [`SlotWhole`].
#[derive(Debug)]
pub struct EditSlot<'a, T>(pub &'a mut T);

impl<T: Editable> EditSlot<'_, T> {
    /// Writes a part of the field.
    ///
    /// # Errors
    /// As [`Editable::edit`].
    pub fn edit(self, edit: &mut EditCursor<'_>) -> EditResult {
        self.0.edit(edit)
    }
}

/// A field of any other type.
pub trait SlotWhole<T> {
    /// Writes the field as a whole.
    ///
    /// # Errors
    /// When the edit leads on, or the value does not fit; the field is as it was.
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

/// `Parts::<T>::ACCESS` is how a page writes a field of that type that is marked `model`: an inherent
/// constant takes precedence over a trait's.
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
