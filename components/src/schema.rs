//! The schema of a component: which JSON its saved fields are read from.
//!
//! Field types have nothing but serde's derives. A derived `Deserialize` asks its deserializer for what the type is
//! made of, so [`tracer`] is a deserializer that records what it is asked for and never yields the value. [`graph`] holds
//! what is known so far and writes it as text. What does not depend on the type's JSON is not part of the text: the
//! names of types, the order of fields and variants, the kind of map or set, its hasher.
//!
//! Some types do not say what they read: `#[serde(untagged)]`, `#[serde(flatten)]`, internally tagged enums,
//! `serde_json::Value`, a `Deserialize` by hand that takes anything. The name of the type stands for its content then.

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

/// Returns the hash of what saved fields are read from. It is the same in every process and on every
/// platform.
#[must_use]
pub fn schema(fields: &[SavedField]) -> u64 {
    let mut lines: Vec<String> =
        fields.iter().map(|(name, describe)| format!("{name}:{}", describe())).collect();
    lines.sort_unstable();
    hash(&lines.join("\n"))
}

/// Returns a description of the JSON that a type is read from.
///
/// # Panics
/// Never: where the type's `Deserialize` fails or panics, the description has the type's name.
#[must_use]
pub(crate) fn describe<T: DeserializeOwned>() -> String {
    let mut graph = Graph::new(type_name::<T>());
    // One leaf of the type is found in each round. Every round makes progress, or gives something up.
    while let Some(round) = graph.begin() {
        // A `Deserialize` by hand may panic when it does not get what it expects.
        let _ = catch_unwind(AssertUnwindSafe(|| T::deserialize(Tracer::root(&mut graph)).is_ok()));
        graph.end(round);
    }
    graph.to_text()
}

#[cfg(test)]
mod tests;
