//! A field that marks itself as changed.

use std::ops::{Deref, DerefMut};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use vivaz_protocol::PatchWriter;
use vivaz_protocol::json::json_len;

use crate::shape::{LiveShape, ShapeRef};
use crate::shown::ShownValue;
use crate::tracking::{JsonResult, Pick, Print, Seen, StateWriter, TrackedField, next_version};

/// A value that counts as changed whenever it was borrowed mutably; its content is not compared.
///
/// Ordinary fields are compared by a print after every handler, which reads all of them. For a
/// large value that rarely changes this type is cheaper: it is compared in constant time. For long
/// keyed data, a [`List`](crate::List) also sends less.
///
/// ```
/// use vivaz_components::Tracked;
///
/// let mut grid = Tracked::new(vec![0u8; 10_000]);
/// grid[17] = 1; // marks it
/// assert_eq!(grid.iter().filter(|cell| **cell == 1).count(), 1);
/// ```
#[derive(Clone, Debug)]
pub struct Tracked<T> {
    value: T,
    version: u64,
}

impl<T> Tracked<T> {
    /// Creates a tracked value.
    pub fn new(value: T) -> Self {
        Self { value, version: next_version() }
    }

    /// Returns the value.
    pub fn into_inner(self) -> T {
        self.value
    }
}

impl<T> Deref for Tracked<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Tracked<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.version = next_version();
        &mut self.value
    }
}

impl<T: Default> Default for Tracked<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> From<T> for Tracked<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: PartialEq> PartialEq for Tracked<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for Tracked<T> {}

impl<T: Serialize> Serialize for Tracked<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Tracked<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::new)
    }
}

impl<T: LiveShape> LiveShape for Tracked<T> {
    const SHAPE: ShapeRef = T::SHAPE;
}

struct VersionedField<'a, T>(&'a Tracked<T>);

impl<T: Serialize> TrackedField for VersionedField<'_, T> {
    fn write(&self, name: &str, out: &mut StateWriter) -> JsonResult {
        out.member(name, &self.0.value)
    }

    fn shown(&self) -> JsonResult<ShownValue> {
        ShownValue::of(&self.0.value)
    }

    fn baseline(&mut self) -> JsonResult<Seen> {
        Ok(Seen::new(Print::of_version(self.0.version), json_len(&self.0.value)?))
    }

    fn change(&mut self, name: &str, seen: Seen, patch: &mut PatchWriter) -> JsonResult<Option<Seen>> {
        let print = Print::of_version(self.0.version);
        if print == seen.print {
            return Ok(None);
        }
        Ok(Some(Seen::new(print, patch.set_serialized(name, &self.0.value)?)))
    }
}

impl<'a, T: Serialize> Pick<'a, Tracked<T>> {
    /// Returns the field, compared by its version.
    pub fn field(self) -> impl TrackedField + 'a {
        VersionedField(self.0)
    }
}
