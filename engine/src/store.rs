//! A stream of state in the page: the confirmed state and the pending optimistic updates.
//!
//! The state that views read includes the optimistic updates, so reading has no extra cost. The
//! confirmed value of each field with an optimistic update is stored separately. A reply restores
//! that value and applies the remaining optimistic updates again, in their order.

mod optimistic;

pub(crate) use optimistic::{Edit, TEMPORARY};

use crate::patch::{self, Change, What};
use crate::value::{Key, Val};

/// Identifies an optimistic update; the client assigns the numbers.
pub type Tag = u64;

/// The state of one component or topic.
#[derive(Debug)]
pub(crate) struct Stream {
    /// The history that `rev` belongs to.
    pub(crate) epoch: String,
    pub(crate) rev: u64,
    /// Whether a snapshot was requested: patches are ignored until it arrives.
    pub(crate) stale: bool,
    /// The state that views show: an object, once a snapshot was received.
    state: Val,
    /// The confirmed value of each field with an optimistic update.
    held: Val,
    pub(crate) optimistic: Vec<(Tag, Edit)>,
}

/// The way in which an optimistic update ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum UpdateEnd {
    /// The confirmed state includes the update, or the page's own code withdraws it.
    #[default]
    Included,
    /// The server refused the update's request.
    Refused,
}

/// The reason for the removal of an optimistic update.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// If a patch names the update's request as its cause: the confirmed values, before that patch,
    /// of the fields with optimistic updates. Otherwise null.
    pub(crate) before: Val,
    /// The patch has other causes too, which may also have added items.
    pub(crate) is_merged: bool,
    pub(crate) ending: UpdateEnd,
}

impl Default for Stream {
    fn default() -> Self {
        let held = Val::Obj(Vec::new());
        Self { epoch: String::new(), rev: 0, stale: false, state: Val::Null, held, optimistic: Vec::new() }
    }
}

impl Stream {
    /// Returns the state that views show.
    pub(crate) fn state(&self) -> &Val {
        &self.state
    }

    /// Returns the confirmed values of the fields with optimistic updates.
    pub(crate) fn held(&self) -> Val {
        self.held.clone()
    }

    /// Returns the confirmed value of a property.
    pub(crate) fn confirmed(&mut self, property: Key) -> Option<&mut Val> {
        let edit = Edit::set(property, Val::Null);
        let held = self.held.at(edit.field).is_some();
        let of = if held { &mut self.held } else { &mut self.state };
        edit.find(of.at_mut(edit.field)?)
    }

    /// Makes the confirmed state that of a revision.
    pub(crate) fn begin(&mut self, epoch: &str, rev: u64) {
        self.epoch = epoch.into();
        self.rev = rev;
        self.stale = false;
    }

    /// Replaces the state by a snapshot and applies the optimistic updates to it.
    pub(crate) fn replace(&mut self, state: Val, epoch: &str, rev: u64) {
        self.state = if matches!(state, Val::Obj(_)) { state } else { Val::Obj(Vec::new()) };
        self.begin(epoch, rev);
        self.held = Val::Obj(Vec::new());
        let mut at = 0;
        while let Some((_, edit)) = self.optimistic.get(at) {
            let field = edit.field;
            if self.held.at(field).is_none() {
                self.lay(field);
            }
            at += 1;
        }
    }

    /// Applies the patch that makes revision `rev`. Returns `None` if a revision before it is
    /// missing or the patch does not fit: a snapshot is required then.
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

    /// Applies an optimistic update and appends its change to `changes`.
    pub(crate) fn add_optimistic(&mut self, tag: Tag, edit: Edit, changes: &mut Vec<Change>) {
        if let Some(what) = lay(&edit, &mut self.state, &mut self.held) {
            changes.push(Change { field: edit.field, what });
        }
        self.optimistic.push((tag, edit));
    }

    /// Removes an optimistic update. If it added an item under a temporary id and the outcome
    /// identifies that item, the item's id replaces the temporary one in the other optimistic
    /// updates. Returns the temporary id and the id to use from now on: the temporary id itself if
    /// the item is unknown.
    pub(crate) fn release(
        &mut self,
        tag: Tag,
        outcome: &mut Outcome,
        changes: &mut Vec<Change>,
    ) -> Option<(Val, Val)> {
        let mut named = None;
        while let Some(at) = self.optimistic.iter().position(|(known, _)| *known == tag) {
            let (_, edit) = self.optimistic.remove(at);
            if let Some(temporary) = edit.temporary() {
                let id = edit.real(outcome, &mut self.held).unwrap_or(temporary);
                for (_, other) in &mut self.optimistic {
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

    /// Removes every optimistic update except `kept`, without a change for the views: a new session
    /// follows.
    pub(crate) fn retain_optimistic(&mut self, kept: &[Tag]) {
        let mut at = 0;
        while let Some((tag, _)) = self.optimistic.get(at) {
            if kept.contains(tag) {
                at += 1;
            } else {
                self.release(*tag, &mut Outcome::default(), &mut Vec::new());
            }
        }
    }

    /// Recomputes the shown value of a field from the confirmed one. Appends a change if it
    /// differs.
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

    /// Applies all optimistic updates of a field to its confirmed value, which is in the state now.
    fn lay(&mut self, field: Key) {
        for (_, edit) in &self.optimistic {
            if edit.field == field {
                // An update that no longer fits has no effect; its reply is pending.
                lay(edit, &mut self.state, &mut self.held);
            }
        }
    }
}

/// Applies one edit to a state and stores the confirmed value of its field in `held`.
fn lay(edit: &Edit, state: &mut Val, held: &mut Val) -> Option<What> {
    let shown = state.slot(edit.field)?;
    if held.at(edit.field).is_none() {
        held.set(edit.field, shown.clone());
    }
    edit.apply(shown)
}

#[cfg(test)]
mod tests;
