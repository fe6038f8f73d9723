//! A stream of state as the page holds it: what the server confirmed, and over it the guesses not answered yet.
//!
//! The state that views read is kept whole, guesses included, so that reading costs nothing. Of the few fields that
//! a guess touches the confirmed value is held beside it; an answer puts it back and lays what guesses are left
//! over it again, in their order.

mod guess;

pub(crate) use guess::{Edit, Operation, Segment};

use crate::patch::{self, Change, Misfit, What};
use crate::value::{Key, Val};

/// Says which guess is meant: a number the client gives out.
pub(crate) type Tag = u64;

/// One component's or one topic's state.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    /// Which history `rev` counts in.
    pub(crate) epoch: Box<str>,
    pub(crate) rev: u64,
    /// A snapshot was asked for: patches are of no use until it is there.
    pub(crate) stale: bool,
    /// What is shown: always an object.
    state: Val,
    /// The confirmed value of each field that is guessed at.
    held: Vec<(Key, Val)>,
    guesses: Vec<(Tag, Vec<Edit>)>,
}

/// What became of a patch.
#[derive(Debug, PartialEq)]
pub(crate) enum Patched {
    /// It is laid over the state.
    Changed(Vec<Change>),
    /// It was there already.
    Old,
    /// One is missing before it, or it does not fit: only a snapshot helps.
    Lost,
}

impl Stream {
    /// What views show.
    pub(crate) fn state(&self) -> &Val {
        &self.state
    }

    /// What the server confirmed of a field.
    pub(crate) fn confirmed(&self, field: Key) -> Option<&Val> {
        self.held
            .iter()
            .find(|(key, _)| *key == field)
            .map(|(_, value)| value)
            .or_else(|| self.state.at(field))
    }

    /// Replaces everything by a snapshot; guesses stay over it.
    pub(crate) fn replace(&mut self, state: Val, epoch: &str, rev: u64) {
        self.state = if matches!(state, Val::Obj(_)) { state } else { Val::Obj(Vec::new()) };
        self.epoch = epoch.into();
        self.rev = rev;
        self.stale = false;
        self.held.clear();
        for field in self.guessed() {
            self.lay(field);
        }
    }

    /// Applies the patch that makes revision `rev`.
    pub(crate) fn patch(&mut self, rev: u64, patch: Val) -> Patched {
        if self.stale || rev <= self.rev {
            return Patched::Old;
        }
        if rev != self.rev + 1 {
            return Patched::Lost;
        }
        self.rev = rev;
        let mut changes = Vec::new();
        for (field, value) in patch.into_fields() {
            match self.field(field, value) {
                Ok(Some(change)) => changes.push(change),
                Ok(None) => {}
                Err(Misfit) => return Patched::Lost,
            }
        }
        Patched::Changed(changes)
    }

    /// One field of a patch; `None` if nothing of it shows.
    fn field(&mut self, field: Key, value: Val) -> Result<Option<Change>, Misfit> {
        if let Some((_, confirmed)) = self.held.iter_mut().find(|(key, _)| *key == field) {
            patch::apply(confirmed, value)?;
            return Ok(self.relay(field));
        }
        if self.state.at(field).is_none() {
            self.state.set(field, Val::Null);
        }
        let old = self.state.at_mut(field).ok_or(Misfit)?;
        Ok(Some(Change { field, what: patch::apply(old, value)? }))
    }

    /// Lays a guess over the state.
    pub(crate) fn guess(&mut self, tag: Tag, edits: Vec<Edit>) -> Vec<Change> {
        let mut changes = Vec::new();
        for edit in &edits {
            let field = edit.field;
            let shown = self.state.at(field).cloned().unwrap_or_default();
            if !self.held.iter().any(|(key, _)| *key == field) {
                self.held.push((field, shown.clone()));
            }
            let mut shown = shown;
            if let Some(what) = edit.apply(&mut shown) {
                if what != What::Value || self.state.at(field) != Some(&shown) {
                    changes.push(Change { field, what });
                }
                self.state.set(field, shown);
            }
        }
        self.guesses.push((tag, edits));
        changes
    }

    /// Drops a guess: it was answered, or taken back.
    pub(crate) fn release(&mut self, tag: Tag) -> Vec<Change> {
        let mut changes = Vec::new();
        while let Some(at) = self.guesses.iter().position(|(known, _)| *known == tag) {
            let (_, edits) = self.guesses.remove(at);
            for field in fields_of(&edits, Vec::new()) {
                changes.extend(self.relay(field));
            }
        }
        changes
    }

    /// Drops every guess but those kept, without a word to the views: a new session follows.
    pub(crate) fn forget_guesses(&mut self, kept: &[Tag]) {
        let mut at = 0;
        while let Some((tag, _)) = self.guesses.get(at) {
            if kept.contains(tag) {
                at += 1;
            } else {
                self.release(*tag);
            }
        }
    }

    /// The fields that some guess touches.
    fn guessed(&self) -> Vec<Key> {
        let mut fields = Vec::new();
        for (_, edits) in &self.guesses {
            fields = fields_of(edits, fields);
        }
        fields
    }

    /// Makes the shown value of a field anew from the confirmed one; the change, if it shows another one now.
    fn relay(&mut self, field: Key) -> Option<Change> {
        let at = self.held.iter().position(|(key, _)| *key == field)?;
        let (_, confirmed) = self.held.swap_remove(at);
        let shown = self.state.at(field).cloned();
        self.state.set(field, confirmed);
        self.lay(field);
        (self.state.at(field) != shown.as_ref()).then_some(Change { field, what: What::Value })
    }

    /// Lays all guesses at a field over its confirmed value, which is in the state now.
    fn lay(&mut self, field: Key) {
        let mut held = false;
        for (_, edits) in &self.guesses {
            for edit in edits {
                if edit.field != field {
                    continue;
                }
                if self.state.at(field).is_none() {
                    self.state.set(field, Val::Null);
                }
                let Some(shown) = self.state.at_mut(field) else { return };
                if !held {
                    held = true;
                    self.held.push((field, shown.clone()));
                }
                // A guess that no longer fits shows nothing; its answer is on the way.
                let _ = edit.apply(shown);
            }
        }
    }
}

/// Adds the fields of edits to some, each once.
fn fields_of(edits: &[Edit], mut fields: Vec<Key>) -> Vec<Key> {
    for edit in edits {
        if !fields.contains(&edit.field) {
            fields.push(edit.field);
        }
    }
    fields
}

#[cfg(test)]
mod tests;
