//! Field errors of a form.

mod refused;
#[cfg(feature = "garde")]
mod validation;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub(crate) use refused::{RefusedInput, RefusedValue, SAVED_REFUSALS};

use super::{ActionError, Result};

/// What is wrong with which field: `{"email": ["is no address"]}` on the wire, `{}` when nothing is.
///
/// A component shows them with a field marked `#[live(errors)]`. That field keeps what a handler refused with
/// [`ActionError::invalid`], although everything else that the handler changed is undone.
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
    /// Which of the messages are about values that did not fit their types.
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
    /// One error of one field.
    #[must_use]
    pub fn of(field: impl Into<String>, message: impl Into<String>) -> Self {
        let mut errors = Self::default();
        errors.add(field, message);
        errors
    }

    /// Says what is wrong with a field, beside what was said before.
    pub fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.messages.entry(field.into()).or_default().push(message.into());
    }

    /// Replaces what was said about a field; no messages means that nothing is wrong with it.
    pub fn set(&mut self, field: impl Into<String>, messages: Vec<String>) {
        let field = field.into();
        self.disown(&field);
        if messages.is_empty() {
            self.messages.remove(&field);
        } else {
            self.messages.insert(field, messages);
        }
    }

    /// Nothing is wrong with that field any more.
    pub fn clear_field(&mut self, field: &str) {
        self.disown(field);
        self.messages.remove(field);
    }

    /// Nothing is wrong any more.
    pub fn clear(&mut self) {
        self.messages.clear();
        self.refused.clear();
    }

    /// What is wrong with that field.
    #[must_use]
    pub fn get(&self, field: &str) -> &[String] {
        self.messages.get(field).map_or(&[], Vec::as_slice)
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// The fields with their messages, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.messages.iter().map(|(field, messages)| (field.as_str(), messages.as_slice()))
    }

    /// `Ok` when nothing is wrong, else the refusal that says so.
    ///
    /// # Errors
    /// [`ActionError::invalid`] with these errors.
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
