//! Changes of a topic whose transaction is not committed yet.
//!
//! Each is made on a draft, on top of the one before it, and the draft itself is published: so a
//! change that was accepted before the commit is visible after it, whatever its closure would do in
//! another run. A change that comes in between is made on the published state, and the drafts are
//! made again on top of it. If one of them cannot be, the change in between is refused, because the
//! others may be committed already.

use tokio::time::Instant;
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

/// A reserved change.
pub(in crate::topic) struct Pending<T> {
    id: u64,
    changes: Vec<Mutation<T>>,
    /// None if the change could not be made again when an earlier one was dropped.
    draft: Option<Draft<T>>,
}

impl<T: Topic> Cell<T> {
    /// Makes a change on top of the reserved ones. Returns its number, or `None` if the operation
    /// was done already.
    pub(in crate::topic) fn reserve(
        &self,
        changes: Vec<Mutation<T>>,
        operation: Option<&OperationId>,
    ) -> Result<Option<u64>> {
        let mut state = self.lock();
        if operation.map(|operation| self.is_done(&state, operation)).transpose()? == Some(true) {
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

    /// Publishes a reserved change.
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
        // The draft of the first change is based on the published state, and later ones on the one
        // before.
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
                tracing::error!(%topic, %error, "a committed change of a topic is not visible until the topic is loaded again");
                return None;
            }
        };
        if let Some(operation) = operation {
            state.operations.remember(operation, Instant::now());
        }
        let unsent = self.accept_reserved(&mut state, draft, by);
        if !fits {
            self.rebase(&mut state);
        }
        unsent
    }

    /// Drops a reserved change. Later ones are made again without it.
    pub(in crate::topic) fn give_up(&self, id: u64) {
        let mut state = self.lock();
        let Some(at) = state.pending.iter().position(|one| one.id == id) else { return };
        let given_up = state.pending.remove(at);
        self.rebase(&mut state);
        drop(state);
        discard("a change of a topic", given_up);
    }

    /// Returns the drafts of the reserved changes on top of another state.
    ///
    /// # Errors
    /// Returns an error if one of them cannot be made.
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

    /// Stores such drafts.
    pub(in crate::topic) fn replace_reserved(state: &mut CellState<T>, drafts: Vec<Draft<T>>) {
        for (one, draft) in state.pending.iter_mut().zip(drafts) {
            discard("a topic's draft", one.draft.replace(draft));
        }
    }

    /// Makes the drafts of the reserved changes again, on top of the published state.
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

    /// Returns the base of the change after a draft.
    fn upon<'a>(&self, draft: &'a Draft<T>, base: Base<'a, T>) -> Base<'a, T> {
        let shown = match self.sending_reserved() {
            Sending::Now => &draft.tracker,
            Sending::Later => base.shown,
        };
        Base { value: &draft.value, shown, bytes: draft.tracker.bytes() }
    }

    /// With an interval, the time of a patch is known when the change is published.
    fn sending_reserved(&self) -> Sending {
        if self.has_intervals() { Sending::Later } else { Sending::Now }
    }
}
