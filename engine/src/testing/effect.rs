//! The tasks of a document for its caller.

use crate::dom::Op;
use crate::slots::Slot;

/// A task for the caller: an operation that concerns no node, or a consequence of the others.
#[derive(Debug, PartialEq)]
pub enum EventEffect {
    /// An operation of the engine that concerns no node, with its words and strings.
    Told(Op, Vec<u32>, Vec<String>),
    /// Rebuild the view of this component.
    Anew(Slot),
    /// Pass an edit to the engine: the component, the property, and the value as JSON.
    Edit(Slot, String, String),
    /// Let the engine send the edit of this property.
    Commit(Slot, String),
    /// The server refused an edit of this property. The next [`Op::Fault`] contains the reason.
    Refused(Slot, String),
}
