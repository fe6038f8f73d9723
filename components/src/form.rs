//! Decoding of values that may come from a form.
//!
//! An HTML form sends texts, so the decoded type defines the meaning of a text. [`decode`] reads
//! the JSON of an argument or of a `model` field like `serde_json`. In addition it reads
//!
//! - a text as the number, the truth value or the character that the type asks for (`text.rs` has
//!   the rules),
//! - an empty text as `None`,
//! - a single text as a list of one, null as an empty list and as `false`,
//! - in an object that contains only texts and lists of texts, as a page sends a form: an omitted
//!   field as an empty list or `false`, `tags[]` as the field `tags`, `address.city` as the field
//!   `city` of `address`.
//!
//! Every other value is refused. No digit is lost and no space is trimmed.
//!
//! The type is known only by its `Deserialize`. Some types ask for any value and report later what
//! they expected (`#[serde(flatten)]`, internally tagged enums), and some miss a field. Their
//! errors contain this; `amend.rs` changes the tree accordingly, and the value is decoded again.

mod access;
mod amend;
mod error;
mod node;
mod reader;
mod text;

use std::cell::RefCell;
use std::fmt;

use serde::de::DeserializeOwned;

use crate::Errors;
use error::ReadError;
use node::FormTree;
use reader::FormReader;

/// The most nodes that are visited: a value is decoded again for each field whose type is found.
const WORK: usize = 100_000;
/// The most rounds of decoding, for a large and for a small value.
const ROUNDS: std::ops::RangeInclusive<usize> = 4..=500;

/// The reasons why a value does not fit its type, field by field.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct FormError(Vec<FieldError>);

#[derive(Debug, PartialEq, Eq)]
struct FieldError {
    /// The field's name as the form has it; empty for the value as a whole.
    field: String,
    message: String,
}

/// A text that does not have the expected form. Decoding continues with a placeholder, to find
/// further errors.
struct Unread {
    node: usize,
    message: String,
}

/// Decodes a value that may come from a form.
///
/// # Errors
/// Returns an error if the value does not fit the type.
pub(crate) fn decode<T: DeserializeOwned>(json: &str) -> Result<T, FormError> {
    let mut tree = FormTree::parse(json).map_err(FormError::whole)?;
    let rounds = (WORK / tree.len()).clamp(*ROUNDS.start(), *ROUNDS.end());
    for round in 1.. {
        let unread = RefCell::new(Vec::new());
        let result =
            T::deserialize(FormReader::new(&tree.root, &unread)).map_err(|error| error.at(tree.root.id));
        let is_amended = match &result {
            // A running attempt is ended also in the last round.
            Err(error) if round < rounds || error.ends_try() => tree.amend(error),
            Ok(_) | Err(_) => false,
        };
        if is_amended || tree.settle() {
            continue;
        }
        let unread: Vec<Unread> = tree.unread.drain(..).chain(unread.into_inner()).collect();
        return match result {
            Ok(value) if unread.is_empty() => Ok(value),
            Ok(_) => Err(FormError::of(&tree, unread, None)),
            Err(error) => Err(FormError::of(&tree, unread, Some(error))),
        };
    }
    Err(FormError::default())
}

impl FormError {
    /// Creates an error of the value as a whole.
    pub(crate) fn whole(message: String) -> Self {
        Self(vec![FieldError { field: String::new(), message }])
    }

    fn of(tree: &FormTree<'_>, unread: Vec<Unread>, error: Option<ReadError>) -> Self {
        let has_unread = !unread.is_empty();
        let texts = unread
            .into_iter()
            .map(|Unread { node, message }| FieldError { field: tree.name_of(node), message });
        // A placeholder may cause any error except a missing field.
        let error = error.map(|error| tree.error_of(&error));
        let error = error.filter(|error| !has_unread || error.message == text::MISSING);
        let mut all: Vec<FieldError> = Vec::new();
        for one in texts.chain(error) {
            if !all.contains(&one) {
                all.push(one);
            }
        }
        Self(all)
    }

    /// Returns the messages of an argument: those of its fields have the names of the fields.
    #[must_use]
    pub fn of_argument(&self, argument: &str) -> Errors {
        let name = |field: &str| if field.is_empty() { argument.to_owned() } else { field.to_owned() };
        self.0.iter().map(|one| (name(&one.field), one.message.clone())).collect()
    }

    /// Returns the messages of a component's field.
    #[must_use]
    pub fn of_field(&self, name: &str) -> Errors {
        let name = |field: &str| if field.is_empty() { name.to_owned() } else { format!("{name}.{field}") };
        self.0.iter().map(|one| (name(&one.field), one.message.clone())).collect()
    }
}

impl From<serde_json::Error> for FormError {
    fn from(error: serde_json::Error) -> Self {
        Self::whole(crate::error::without_place(&error))
    }
}

impl fmt::Display for FormError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, FieldError { field, message }) in self.0.iter().enumerate() {
            let separator = if at > 0 { "; " } else { "" };
            if field.is_empty() {
                write!(f, "{separator}{message}")?;
            } else {
                write!(f, "{separator}`{field}` {message}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
