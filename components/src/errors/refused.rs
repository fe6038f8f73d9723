//! Messages about values that did not fit their types, and what takes them back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vivaz_protocol::PatchWriter;
use vivaz_protocol::json::json_len;

use super::Errors;
use crate::tracking::{Field, JsonResult, ObjectWriter, Pick, Print, Seen};

/// What a page sent a value for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Target {
    /// The arguments of an action, by its name.
    Action(String),
    /// A property: the field, then names of fields and keys of items.
    Property(Vec<Value>),
}

/// The messages about one refused value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Refusal {
    of: Target,
    /// Hash of the value that a property had when the new one was refused; 0 for an action.
    value: u64,
    messages: BTreeMap<String, Vec<String>>,
}

impl Errors {
    /// Shows why a value was refused, in place of the messages that its names had.
    pub(crate) fn refuse(&mut self, of: Target, value: u64, said: &Self) {
        self.withdraw(&of);
        for (name, messages) in &said.messages {
            self.set(name, messages.clone());
        }
        self.refused.push(Refusal { of, value, messages: said.messages.clone() });
    }

    /// Takes the messages about a refused value back. Other messages stay.
    pub(crate) fn withdraw(&mut self, of: &Target) {
        self.retain_refusals(|target, _| target != of);
    }

    /// Takes the messages back for which `is_current` returns `false`. It gets the target and the
    /// hash of the value that it had.
    pub(crate) fn retain_refusals(&mut self, mut is_current: impl FnMut(&Target, u64) -> bool) {
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

    /// Returns the values that were refused and are not replaced yet.
    pub(crate) fn refusals(&self) -> impl Iterator<Item = &Target> {
        self.refused.iter().map(|refusal| &refusal.of)
    }

    /// Puts back which of the messages are about refused values.
    pub(crate) fn recall(&mut self, refused: Vec<Refusal>) {
        self.refused = refused;
    }

    /// The application decides itself about the messages of that name.
    pub(super) fn disown(&mut self, name: &str) {
        self.refused.retain_mut(|refusal| {
            refusal.messages.remove(name);
            !refusal.messages.is_empty()
        });
    }
}

/// The saved member that has the refusals. No field has such a name.
pub(crate) const SAVED: &str = ".refused";

struct ErrorsField<'a>(&'a mut Errors);

impl<'a> Pick<'a, Errors> {
    /// The field, which is saved with its refusals.
    pub fn field(self) -> impl Field + 'a {
        ErrorsField(self.0)
    }
}

impl ErrorsField<'_> {
    /// Returns how many bytes the refusals add to what is saved.
    fn refused_len(&self) -> JsonResult<usize> {
        if self.0.refused.is_empty() {
            return Ok(0);
        }
        // The comma, the name in quotes, and the colon.
        Ok(json_len(&self.0.refused)? + SAVED.len() + 4)
    }

    fn print(&self) -> JsonResult<Print> {
        match self.0.refused.is_empty() {
            true => Print::of(&*self.0),
            false => Print::of(&(&*self.0, &self.0.refused)),
        }
    }
}

impl Field for ErrorsField<'_> {
    fn write(&self, name: &str, out: &mut ObjectWriter) -> JsonResult {
        out.member(name, &*self.0)
    }

    fn baseline(&mut self) -> JsonResult<Seen> {
        Ok(Seen::new(self.print()?, json_len(&*self.0)? + self.refused_len()?))
    }

    fn change(&mut self, name: &str, seen: Seen, patch: &mut PatchWriter) -> JsonResult<Option<Seen>> {
        let print = self.print()?;
        if print == seen.print {
            return Ok(None);
        }
        let bytes = patch.set_serialized(name, &*self.0)? + self.refused_len()?;
        Ok(Some(Seen::new(print, bytes)))
    }

    fn save(&self, name: &str, out: &mut ObjectWriter) -> JsonResult {
        self.write(name, out)?;
        if self.0.refused.is_empty() {
            return Ok(());
        }
        out.member(SAVED, &self.0.refused)
    }
}
