//! Changes of a topic whose transaction is not committed yet.
//!
//! They are made on drafts, each upon the one before it, and what is published is the draft: so a
//! change that was accepted before the commit is shown after it, whatever its closure would do if
//! it were run again. A change that comes in between is made upon what everybody sees, and the
//! drafts are made again upon that. If one of them cannot be, the change that came in between is
//! refused, because theirs may be on disk already.

use vivaz_protocol::log::{Escaped, Quoted};
use vivaz_protocol::{Author, ErrorCode};

use super::draft::{Base, Draft, Sending};
use super::{Cell, CellState};
use crate::error::{ActionError, Result};
use crate::fault::discard;
use crate::journal::OperationId;
use crate::topic::Topic;
use crate::topic::interval::Unsent;
use crate::topic::mutation::{Mutation, run};
use crate::tracking::next_version;

/// A change that is reserved.
pub(in crate::topic) struct Pending<T> {
    id: u64,
    changes: Vec<Mutation<T>>,
    /// None if it could not be made again when one before it was given up.
    draft: Option<Draft<T>>,
}

impl<T: Topic> Cell<T> {
    /// Makes a change upon those that are reserved already. Returns its number; nothing if the
    /// operation was done already.
    pub(in crate::topic) fn reserve(
        &self,
        changes: Vec<Mutation<T>>,
        operation: Option<&OperationId>,
    ) -> Result<Option<u64>> {
        let mut state = self.lock();
        if operation.is_some_and(|operation| self.is_done(&state, operation)) {
            return Ok(None);
        }
        let value = self.value();
        let base = self.base(&state, &value);
        let last = state.pending.iter().rev().find_map(|one| one.draft.as_ref());
        let base = last.map_or(base, |draft| self.upon(draft, base));
        let ((), draft) = self.draft(base, self.sending_reserved(), |value| run(&changes, value))?;
        let id = next_version();
        state.pending.push_back(Pending { id, changes, draft: Some(draft) });
        Ok(Some(id))
    }

    /// Shows a change that was reserved.
    pub(in crate::topic) fn publish_reserved(
        &self,
        id: u64,
        operation: Option<OperationId>,
        by: Option<&Author>,
    ) -> Option<Unsent> {
        let mut state = self.lock();
        let at = state.pending.iter().position(|one| one.id == id)?;
        let Pending { changes, draft, .. } = state.pending.remove(at)?;
        let value = self.value();
        // The draft of the first one is made upon what everybody sees, and those behind it upon it.
        let draft = draft.filter(|_| at == 0);
        let fits = draft.is_some();
        let draft = draft.map_or_else(
            || {
                let base = self.base(&state, &value);
                self.draft(base, self.sending_reserved(), |value| run(&changes, value))
                    .map(|((), draft)| draft)
            },
            Ok,
        );
        discard("a change of a topic", changes);
        let draft = match draft {
            Ok(draft) => draft,
            Err(error) => {
                let (topic, error) = (Quoted(&self.name), Escaped(&error));
                tracing::error!(%topic, %error, "a topic does not show what was committed until it is loaded again");
                return None;
            }
        };
        if let Some(operation) = operation {
            state.remember(operation);
        }
        let unsent = self.accept_reserved(&mut state, draft, by);
        if !fits {
            self.rebase(&mut state);
        }
        unsent
    }

    /// Forgets a change that was reserved. Those behind it are made again without it.
    pub(in crate::topic) fn give_up(&self, id: u64) {
        let mut state = self.lock();
        let Some(at) = state.pending.iter().position(|one| one.id == id) else { return };
        let given_up = state.pending.remove(at);
        self.rebase(&mut state);
        drop(state);
        discard("a change of a topic", given_up);
    }

    /// The drafts of the reserved changes upon another state than the one that they were made upon.
    ///
    /// # Errors
    /// When one of them cannot be made upon it.
    pub(in crate::topic) fn reserved_upon(
        &self,
        state: &CellState<T>,
        base: Base<'_, T>,
    ) -> Result<Vec<Draft<T>>> {
        self.redraft(state, base).into_iter().collect::<Result<_>>().map_err(|error| {
            if error.code() == ErrorCode::TooLarge {
                return error;
            }
            ActionError::user("conflicts with a change that is being stored; nothing was changed")
        })
    }

    /// Takes over such drafts.
    pub(in crate::topic) fn replace_reserved(state: &mut CellState<T>, drafts: Vec<Draft<T>>) {
        for (one, draft) in state.pending.iter_mut().zip(drafts) {
            discard("a topic's draft", one.draft.replace(draft));
        }
    }

    /// Makes the drafts of the reserved changes again, upon what everybody sees now.
    pub(in crate::topic) fn rebase(&self, state: &mut CellState<T>) {
        if state.pending.is_empty() {
            return;
        }
        let value = self.value();
        let drafts = self.redraft(state, self.base(state, &value));
        for (one, draft) in state.pending.iter_mut().zip(drafts) {
            discard("a topic's draft", std::mem::replace(&mut one.draft, draft.ok()));
        }
    }

    fn redraft(&self, state: &CellState<T>, base: Base<'_, T>) -> Vec<Result<Draft<T>>> {
        let mut drafts: Vec<Result<Draft<T>>> = Vec::new();
        for one in &state.pending {
            let last = drafts.iter().rev().find_map(|draft| draft.as_ref().ok());
            let base = last.map_or(base, |draft| self.upon(draft, base));
            let made = self.draft(base, self.sending_reserved(), |value| run(&one.changes, value));
            drafts.push(made.map(|((), draft)| draft));
        }
        drafts
    }

    /// What the change after a draft is made upon.
    fn upon<'a>(&self, draft: &'a Draft<T>, base: Base<'a, T>) -> Base<'a, T> {
        let shown = match self.sending_reserved() {
            Sending::Now => &draft.tracker,
            Sending::Later => base.shown,
        };
        Base { value: &draft.value, shown, bytes: draft.tracker.bytes() }
    }

    /// With an interval, when a patch is due is known when the change is shown.
    fn sending_reserved(&self) -> Sending {
        if self.has_intervals() { Sending::Later } else { Sending::Now }
    }
}
