//! What a page keeps of a component beside its state: what stands in its controls, and the page's own state.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Map, Value};
use vivaz_protocol::Ref;

use super::guess::Laid;

/// What a page keeps of one component.
#[derive(Clone, Debug, Default)]
pub(in crate::testing) struct Memory {
    /// `live:local`, where it is not what it began with: by place and slot.
    pub(super) locals: HashMap<(String, usize), Value>,
    /// What was typed into controls, or chosen.
    pub(super) typed: HashMap<String, Typed>,
    /// Edits of `live:model` fields that wait for their moment.
    pub(super) edits: Vec<(String, Value)>,
    /// Handlers marked `.once` that have run.
    pub(super) once: HashSet<(String, usize)>,
    /// The last messages of handlers marked `.drop`.
    pub(super) running: HashMap<(String, usize), Vec<Ref>>,
    /// What is shown of actions that have no answer yet, in the order in which they were called.
    pub(super) guesses: Vec<Laid>,
    /// Its child components: by place, their ids and the props that they have.
    pub(in crate::testing) children: BTreeMap<String, (String, Map<String, Value>)>,
}

/// What stands in a control, as long as the server has said nothing else.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Typed {
    /// Text, a list of chosen values, or whether it is checked.
    pub(super) now: Value,
    /// What the rendering says of the control for as long as nobody else changes it; `None` where that is to be seen yet.
    pub(super) rendered: Option<Value>,
    /// The field that it is an edit of, if it is one.
    pub(super) field: Option<String>,
}

impl Memory {
    /// Whether anything stands in a control that the server has not said.
    pub(super) fn has_typed(&self) -> bool {
        !self.typed.is_empty()
    }

    /// Keeps an edit of what stands in a control, in place of an earlier one of the same field.
    pub(super) fn edit(&mut self, key: &str, field: &str, value: Value) {
        self.edits.retain(|(of, _)| of != field);
        self.edits.push((field.to_owned(), value));
        if let Some(typed) = self.typed.get_mut(key) {
            // The field shows what was typed from now on, here as elsewhere.
            typed.rendered = None;
            typed.field = Some(field.to_owned());
        }
    }

    /// An edit of a field was refused: the field is what it was, and what was typed stays where it stands.
    pub(super) fn refused(&mut self, field: &str) {
        for typed in self.typed.values_mut().filter(|typed| typed.field.as_deref() == Some(field)) {
            typed.rendered = None;
        }
    }
}
