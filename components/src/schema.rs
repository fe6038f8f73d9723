//! The schema of a component: the JSON format of its saved fields.
//!
//! Field types have only serde's derives. A derived `Deserialize` asks its deserializer for the
//! parts of the type, so [`tracer`] is a deserializer that records these calls and never returns
//! the value. [`graph`] stores the results and writes them as text. Properties that do not affect
//! the JSON are not part of the text: the names of types, the order of fields and variants, the
//! kind of map or set, its hasher.
//!
//! Some types do not reveal their format: `#[serde(untagged)]`, `#[serde(flatten)]`, internally
//! tagged enums, `serde_json::Value`, a manual `Deserialize` that accepts any value. Then the name
//! of the type represents its content.

mod access;
mod graph;
mod tracer;

use std::any::type_name;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::de::DeserializeOwned;

use crate::shape::hash;
use graph::Graph;
use tracer::Tracer;

/// The name of a saved field, and [`describe`] of its type.
pub type SavedField = (&'static str, fn() -> String);

/// Returns the hash of the JSON format of saved fields. It is the same in every process and on
/// every platform.
#[must_use]
pub fn schema(fields: &[SavedField]) -> u64 {
    let mut lines: Vec<String> =
        fields.iter().map(|(name, describe)| format!("{name}:{}", describe())).collect();
    lines.sort_unstable();
    hash(&lines.join("\n"))
}

/// Returns a description of the JSON from which a type is read.
///
/// # Panics
/// Never panics: if the type's `Deserialize` fails or panics, the description contains the type's
/// name.
#[must_use]
pub(crate) fn describe<T: DeserializeOwned>() -> String {
    let mut graph = Graph::new(type_name::<T>());
    // Each round finds one leaf of the type. Every round makes progress, or gives a node up.
    while let Some(round) = graph.begin() {
        // A manual `Deserialize` may panic on an unexpected value.
        let _ = catch_unwind(AssertUnwindSafe(|| T::deserialize(Tracer::root(&mut graph)).is_ok()));
        graph.end(round);
    }
    graph.to_text()
}

#[cfg(test)]
mod tests;
