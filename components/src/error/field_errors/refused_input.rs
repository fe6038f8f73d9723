//! Messages about values that did not fit their types, and their withdrawal.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Errors;

/// The saved member that has the refusals. No field has such a name.
pub(crate) const SAVED_REFUSALS: &str = ".refused";

/// The input for which a page sent a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RefusedInput {
    /// The arguments of an action, by its name.
    Action(String),
    /// A property: the field, then names of fields and keys of items.
    Property(Vec<Value>),
}

/// The messages about one refused value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RefusedValue {
    of: RefusedInput,
    /// Hash of the value that a property had when the new one was refused; 0 for an action.
    value: u64,
    messages: BTreeMap<String, Vec<String>>,
}

impl Errors {
    /// Sets the messages about a refused value. They replace those of the same names.
    pub(crate) fn refuse(&mut self, of: RefusedInput, value: u64, said: &Self) {
        self.withdraw(&of);
        for (name, messages) in &said.messages {
            self.set(name, messages.clone());
        }
        self.refused.push(RefusedValue { of, value, messages: said.messages.clone() });
    }

    /// Withdraws the messages about a refused value. Other messages stay.
    pub(crate) fn withdraw(&mut self, of: &RefusedInput) {
        self.retain_refusals(|target, _| target != of);
    }

    /// Withdraws the messages for which `is_current` returns `false`. It gets the input and the
    /// hash of the value that it had.
    pub(crate) fn retain_refusals(&mut self, mut is_current: impl FnMut(&RefusedInput, u64) -> bool) {
        for outdated in self.refused.extract_if(.., |refusal| !is_current(&refusal.of, refusal.value)) {
            for (name, said) in outdated.messages {
                if let Some(messages) = self.messages.get_mut(&name) {
                    messages.retain(|message| !said.contains(message));
                    if messages.is_empty() {
                        self.messages.remove(&name);
                    }
                }
            }
        }
    }

    /// Returns the inputs whose values were refused and not replaced yet.
    pub(crate) fn refusals(&self) -> impl Iterator<Item = &RefusedInput> {
        self.refused.iter().map(|refusal| &refusal.of)
    }

    /// Returns the refusals, as they are saved.
    pub(crate) fn saved_refusals(&self) -> &[RefusedValue] {
        &self.refused
    }

    /// Restores which of the messages are about refused values.
    pub(crate) fn recall(&mut self, refused: Vec<RefusedValue>) {
        self.refused = refused;
    }

    /// Leaves the messages of that name to the application.
    pub(super) fn disown(&mut self, name: &str) {
        self.refused.retain_mut(|refusal| {
            refusal.messages.remove(name);
            !refusal.messages.is_empty()
        });
    }
}
