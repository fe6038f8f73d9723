//! What a component was when it was saved.

use std::collections::HashMap;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::{ActionError, Result};

/// The fields that [`Instance::save`](crate::instance::Instance::save) wrote.
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
        let raw = self
            .0
            .get(field)
            .ok_or_else(|| ActionError::internal(format!("no field `{field}` was saved")))?;
        Ok(serde_json::from_str(raw.get())?)
    }
}
