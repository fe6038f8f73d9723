//! Field errors of a form.

mod refused_input;
#[cfg(feature = "garde")]
mod validation;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub(crate) use refused_input::{RefusedInput, RefusedValue, SAVED_REFUSALS};

use super::{ActionError, Result};

/// The errors of a form, by field: `{"email": ["is no address"]}` on the wire, `{}` without errors.
///
/// A component shows them with a field marked `#[live(errors)]`. That field keeps the errors of
/// [`ActionError::invalid`], although the other changes of the handler are undone.
///
/// ```
/// use vivaz_components::Errors;
///
/// let mut errors = Errors::default();
/// errors.add("email", "is no address");
/// assert_eq!(errors.get("email"), ["is no address"]);
/// assert!(errors.into_result().is_err());
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Errors {
    messages: BTreeMap<String, Vec<String>>,
    /// The messages about values that did not fit their types.
    #[serde(skip)]
    refused: Vec<RefusedValue>,
}

impl PartialEq for Errors {
    fn eq(&self, other: &Self) -> bool {
        self.messages == other.messages
    }
}

impl Eq for Errors {}

impl Errors {
    /// Creates one error of one field.
    #[must_use]
    pub fn of(field: impl Into<String>, message: impl Into<String>) -> Self {
        let mut errors = Self::default();
        errors.add(field, message);
        errors
    }

    /// Adds a message about a field.
    pub fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.messages.entry(field.into()).or_default().push(message.into());
    }

    /// Replaces the messages about a field; without messages the field has no error.
    pub fn set(&mut self, field: impl Into<String>, messages: Vec<String>) {
        let field = field.into();
        self.disown(&field);
        if messages.is_empty() {
            self.messages.remove(&field);
        } else {
            self.messages.insert(field, messages);
        }
    }

    /// Removes all messages.
    pub fn clear(&mut self) {
        self.messages.clear();
        self.refused.clear();
    }

    /// Returns the messages about a field.
    #[must_use]
    pub fn get(&self, field: &str) -> &[String] {
        self.messages.get(field).map_or(&[], Vec::as_slice)
    }

    /// Returns whether there are no errors.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Returns the fields with their messages, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.messages.iter().map(|(field, messages)| (field.as_str(), messages.as_slice()))
    }

    /// Returns `Ok` if there are no errors.
    ///
    /// # Errors
    /// Returns [`ActionError::invalid`] with these errors.
    pub fn into_result(self) -> Result {
        if self.is_empty() { Ok(()) } else { Err(ActionError::invalid(self)) }
    }
}

impl<F: Into<String>, M: Into<String>> FromIterator<(F, M)> for Errors {
    fn from_iter<I: IntoIterator<Item = (F, M)>>(pairs: I) -> Self {
        let mut errors = Self::default();
        for (field, message) in pairs {
            errors.add(field, message);
        }
        errors
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_form_is_an_object_of_lists() {
        let mut errors = Errors::of("name", "is blank");
        errors.add("name", "is short");
        assert_eq!(serde_json::to_string(&errors).unwrap(), r#"{"name":["is blank","is short"]}"#);
        errors.set("name", vec![]);
        assert_eq!(serde_json::to_string(&errors).unwrap(), "{}");
        assert!(errors.into_result().is_ok());
    }
}
