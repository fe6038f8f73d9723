//! What a component was when it was saved.

use std::collections::HashMap;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::{ActionError, Result};

/// The fields of a component as they were saved, perhaps by an earlier version of its type.
///
/// A component whose fields or their nested types have changed, or whose state does not decode, is made of what was saved
/// by its own `fn migrate(saved: &Saved<'_>) -> Result<Self>` in the `#[actions]` block. Without one, fields that are gone
/// are left out, new ones get their `#[live(default)]`, and if that does not do, the component is mounted anew
/// and its saved state is kept aside for a program of the earlier schema.
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
    /// Reads them.
    ///
    /// # Errors
    /// When that is not what was written.
    pub fn read(bytes: &'a [u8]) -> Result<Self> {
        Ok(Self(serde_json::from_slice(bytes)?))
    }

    /// One field.
    ///
    /// # Errors
    /// When it is not there, or of another type.
    pub fn take<T: DeserializeOwned>(&self, field: &str) -> Result<T> {
        match self.0.get(field) {
            Some(raw) => Ok(serde_json::from_str(raw.get())?),
            None => Err(ActionError::internal(format!("no field `{field}` was saved"))),
        }
    }

    /// One field; if it was not saved, because there was no such field then, a value in its place.
    ///
    /// # Errors
    /// When it is there and of another type.
    pub fn take_or<T: DeserializeOwned>(&self, field: &str, missing: impl FnOnce() -> T) -> Result<T> {
        if self.has(field) { self.take(field) } else { Ok(missing()) }
    }

    /// The text of one field.
    pub(crate) fn get(&self, field: &str) -> Option<&'a RawValue> {
        self.0.get(field).copied()
    }

    /// Whether the field was saved.
    #[must_use]
    pub fn has(&self, field: &str) -> bool {
        self.0.contains_key(field)
    }
}
