//! The path of a property that a page has written.

use std::fmt;
use std::ops::Deref;

use crate::list::Key;

/// The property that a page has written: a field of the component, or a property inside of one.
///
/// All names are those of the types. The text form is also the key of errors about the property:
/// `items.3.text`. The path dereferences to that text.
///
/// ```
/// use vivaz_components::{FieldPath, FieldStep::{Field, Key}};
///
/// fn updated(path: &FieldPath) -> String {
///     match (path.field(), path.steps()) {
///         ("draft", []) => "the draft".to_owned(),
///         ("items", [Key(id), Field("text")]) => format!("the text of item {id}"),
///         _ => path.to_string(),
///     }
/// }
/// assert_eq!(updated(&FieldPath::of("draft")), "the draft");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldPath {
    field: &'static str,
    steps: Vec<FieldStep>,
    text: String,
}

/// One step of a [`FieldPath`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldStep {
    /// To a struct's field, by its serialised name.
    Field(&'static str),
    /// To the item of a [`List`](crate::List) that has this key.
    Key(Key),
}

impl FieldPath {
    /// Returns the path of a component's field.
    #[must_use]
    pub fn of(field: &'static str) -> Self {
        Self { field, steps: Vec::new(), text: field.to_owned() }
    }

    /// Returns the name of the component's field.
    #[must_use]
    pub fn field(&self) -> &'static str {
        self.field
    }

    /// Returns the further steps; none if the field itself was written.
    #[must_use]
    pub fn steps(&self) -> &[FieldStep] {
        &self.steps
    }

    pub(super) fn push(&mut self, step: FieldStep) {
        self.text.push('.');
        self.text.push_str(&step.to_string());
        self.steps.push(step);
    }
}

impl Deref for FieldPath {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for FieldStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => f.write_str(name),
            Self::Key(key) => fmt::Display::fmt(key, f),
        }
    }
}
