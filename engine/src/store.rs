//! A stream of state as the page holds it: what the server confirmed, and over it the guesses not
//! answered yet.
//!
//! The state that views read is kept whole, guesses included, so that reading costs nothing. Of the
//! few fields that a guess touches the confirmed value is held beside it; an answer puts it back
//! and lays what guesses are left over it again, in their order.

mod guess;

pub(crate) use guess::{Edit, TEMPORARY};

use crate::patch::{self, Change, What};
use crate::value::{Key, Val};

/// Identifies a guess: a number that the client gives out.
pub type Tag = u64;

/// One component's or one topic's state.
#[derive(Debug)]
pub(crate) struct Stream {
    /// Which history `rev` counts in.
    pub(crate) epoch: String,
    pub(crate) rev: u64,
    /// A snapshot was asked for: patches are of no use until it is there.
    pub(crate) stale: bool,
    /// What is shown: an object, once something has come.
    state: Val,
    /// The confirmed value of each field that is guessed at.
    held: Val,
    pub(crate) guesses: Vec<(Tag, Edit)>,
}

/// Why a guess is dropped.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// For a patch that names the guess's request as its cause: what was confirmed of the fields
    /// that are guessed at before that patch. Otherwise null.
    pub(crate) before: Val,
    /// The patch has other causes too: others may have added items in it.
    pub(crate) is_merged: bool,
    /// The request was refused.
    pub(crate) is_refused: bool,
}

impl Default for Stream {
    fn default() -> Self {
        let held = Val::Obj(Vec::new());
        Self { epoch: String::new(), rev: 0, stale: false, state: Val::Null, held, guesses: Vec::new() }
    }
}

impl Stream {
    /// What views show.
    pub(crate) fn state(&self) -> &Val {
        &self.state
    }

    /// Returns the confirmed values of the fields that are guessed at.
    pub(crate) fn held(&self) -> Val {
        self.held.clone()
    }

    /// What the server confirmed of a property.
    pub(crate) fn confirmed(&mut self, property: Key) -> Option<&mut Val> {
        let edit = Edit::set(property, Val::Null);
        let held = self.held.at(edit.field).is_some();
        let of = if held { &mut self.held } else { &mut self.state };
        edit.find(of.at_mut(edit.field)?)
    }

    /// Replaces everything by a snapshot; guesses stay over it.
    pub(crate) fn replace(&mut self, state: Val, epoch: &str, rev: u64) {
        self.state = if matches!(state, Val::Obj(_)) { state } else { Val::Obj(Vec::new()) };
        self.epoch = epoch.into();
        self.rev = rev;
        self.stale = false;
        self.held = Val::Obj(Vec::new());
        let mut at = 0;
        while let Some((_, edit)) = self.guesses.get(at) {
            let field = edit.field;
            if self.held.at(field).is_none() {
                self.lay(field);
            }
            at += 1;
        }
    }

    /// Applies the patch that makes revision `rev`. `None` if one is missing before it, or it does
    /// not fit: only a snapshot helps.
    pub(crate) fn patch(&mut self, rev: u64, patch: Val) -> Option<Vec<Change>> {
        if self.stale || rev <= self.rev {
            return Some(Vec::new());
        }
        self.stale = true;
        if rev != self.rev + 1 {
            return None;
        }
        self.rev = rev;
        let mut changes = Vec::new();
        for (field, value) in patch.into_fields() {
            let held = self.held.at(field).is_some();
            let of = if held { &mut self.held } else { &mut self.state };
            let what = patch::apply(of.slot(field)?, value)?;
            if held {
                self.relay(field, &mut changes);
            } else {
                changes.push(Change { field, what });
            }
        }
        self.stale = false;
        Some(changes)
    }

    /// Lays a guess over the state, and tells what changed.
    pub(crate) fn guess(&mut self, tag: Tag, edit: Edit, changes: &mut Vec<Change>) {
        if let Some(what) = lay(&edit, &mut self.state, &mut self.held) {
            changes.push(Change { field: edit.field, what });
        }
        self.guesses.push((tag, edit));
    }

    /// Drops a guess. If it added an item under a temporary id and the outcome says which item that
    /// is, the item's id takes the place of the temporary one in the other guesses. Returns the
    /// temporary id and the one to use from now on: the temporary one itself if the item is not
    /// known.
    pub(crate) fn release(
        &mut self,
        tag: Tag,
        outcome: &mut Outcome,
        changes: &mut Vec<Change>,
    ) -> Option<(Val, Val)> {
        let mut named = None;
        while let Some(at) = self.guesses.iter().position(|(known, _)| *known == tag) {
            let (_, edit) = self.guesses.remove(at);
            if let Some(temporary) = edit.temporary() {
                let id = edit.real(outcome, &mut self.held).unwrap_or(temporary);
                for (_, other) in &mut self.guesses {
                    other.patch.rename(temporary, id);
                    for (_, step) in &mut other.path {
                        step.rename(temporary, id);
                    }
                }
                named = Some((temporary.clone(), id.clone()));
            }
            self.relay(edit.field, changes);
        }
        named
    }

    /// Drops every guess but those kept, without a word to the views: a new session follows.
    pub(crate) fn forget_guesses(&mut self, kept: &[Tag]) {
        let mut at = 0;
        while let Some((tag, _)) = self.guesses.get(at) {
            if kept.contains(tag) {
                at += 1;
            } else {
                self.release(*tag, &mut Outcome::default(), &mut Vec::new());
            }
        }
    }

    /// Makes the shown value of a field anew from the confirmed one; a change, if it shows another
    /// one now.
    fn relay(&mut self, field: Key, changes: &mut Vec<Change>) {
        if let Some(confirmed) = self.held.remove(field)
            && let Some(place) = self.state.slot(field)
        {
            let shown = std::mem::replace(place, confirmed);
            self.lay(field);
            if self.state.at(field) != Some(&shown) {
                changes.push(Change { field, what: What::Value });
            }
        }
    }

    /// Lays all guesses at a field over its confirmed value, which is in the state now.
    fn lay(&mut self, field: Key) {
        for (_, edit) in &self.guesses {
            if edit.field == field {
                // A guess that no longer fits shows nothing; its answer is on the way.
                lay(edit, &mut self.state, &mut self.held);
            }
        }
    }
}

/// Lays one over a state, and sees to it that the confirmed value is held.
fn lay(edit: &Edit, state: &mut Val, held: &mut Val) -> Option<What> {
    let shown = state.slot(edit.field)?;
    if held.at(edit.field).is_none() {
        held.set(edit.field, shown.clone());
    }
    edit.apply(shown)
}

#[cfg(test)]
mod tests;
