//! The saved state of a component.

use std::collections::HashMap;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::{ActionError, Result};

/// The saved fields of a component, possibly of an earlier version of its type.
///
/// If the fields of a component or their nested types have changed, or the state does not decode,
/// the component's own `fn migrate(saved: &Saved<'_>) -> Result<Self>` in the `#[actions]` block
/// restores it. Without one, removed fields are ignored and new ones get their `#[live(default)]`.
/// If that fails, the component is mounted anew, and its saved state is kept aside for a program of
/// the earlier schema.
///
/// ```
/// # use vivaz_components::{Result, Saved};
/// fn full_name(saved: &Saved<'_>) -> Result<String> {
///     if saved.has("name") {
///         return saved.take("name");
///     }
///     Ok(format!("{} {}", saved.take::<String>("first")?, saved.take::<String>("last")?))
/// }
/// let saved = Saved::read(br#"{"first":"Ada","last":"Lovelace"}"#).unwrap();
/// assert_eq!(full_name(&saved).unwrap(), "Ada Lovelace");
/// ```
#[derive(Debug)]
pub struct Saved<'a>(HashMap<&'a str, &'a RawValue>);

impl<'a> Saved<'a> {
    /// Reads saved fields.
    ///
    /// # Errors
    /// Returns an error if the bytes are not saved state.
    pub fn read(bytes: &'a [u8]) -> Result<Self> {
        Ok(Self(serde_json::from_slice(bytes)?))
    }

    /// Decodes one field.
    ///
    /// # Errors
    /// Returns an error if the field was not saved, or is of another type.
    pub fn take<T: DeserializeOwned>(&self, field: &str) -> Result<T> {
        match self.0.get(field) {
            Some(raw) => Ok(serde_json::from_str(raw.get())?),
            None => Err(ActionError::internal(format!("no field `{field}` was saved"))),
        }
    }

    /// Decodes one field, or calls `missing` if the field was not saved.
    ///
    /// # Errors
    /// Returns an error if the field was saved and is of another type.
    pub fn take_or<T: DeserializeOwned>(&self, field: &str, missing: impl FnOnce() -> T) -> Result<T> {
        if self.has(field) { self.take(field) } else { Ok(missing()) }
    }

    /// Returns the JSON of one field.
    pub(crate) fn get(&self, field: &str) -> Option<&'a RawValue> {
        self.0.get(field).copied()
    }

    /// Returns whether the field was saved.
    #[must_use]
    pub fn has(&self, field: &str) -> bool {
        self.0.contains_key(field)
    }
}
