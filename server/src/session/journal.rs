//! Where the changes of durable components go before anybody is told.

use std::sync::Arc;

use vivaz_components::instance::BoxFuture;
use vivaz_components::{ActionError, Change, Journal, Result};
use vivaz_protocol::{ComponentId, Ref, SessionId};

use super::Session;
use super::component::Origin;
use super::replies::Kept;
use crate::store::{self, Commit, CommitError, SessionStore, State};

/// What is known of a change before it is made.
struct Entry {
    store: Arc<dyn SessionStore>,
    session: SessionId,
    component: ComponentId,
    epoch: String,
    rev: u64,
    version: u64,
    reference: Option<Ref>,
    received: u64,
}

impl Session {
    /// Where the next change of a component is committed, if its changes are.
    pub(super) fn journal(&self, id: &ComponentId, origin: Origin) -> Option<Box<dyn Journal>> {
        let core = self.runtime.core();
        let component = self.components.get(id)?;
        let keeper = core.commits(component.spec)?;
        Some(Box::new(Entry {
            store: Arc::clone(&keeper.store),
            session: self.id().clone(),
            component: id.clone(),
            epoch: core.epoch(&component.history).to_string(),
            rev: component.rev.0,
            version: component.version,
            reference: match origin {
                Origin::Page { reference, .. } => Some(reference),
                Origin::Server | Origin::End { .. } => None,
            },
            received: self.replies.received_up_to(),
        }))
    }
}

impl Journal for Entry {
    fn commit(self: Box<Self>, change: Change) -> BoxFuture<Result> {
        let done = self.reference.zip(change.done);
        let reply = done.map(|(reference, result)| {
            let result = result.map(|value| value.get().into());
            Kept::Done { component: self.component.clone(), result }.store(reference)
        });
        let state = State {
            id: self.component,
            state: change.state,
            epoch: self.epoch,
            rev: self.rev + u64::from(change.moved),
        };
        let settled = done_ref(reply.as_ref());
        let commit = Commit {
            session: self.session,
            change: store::Change::Changed { state, from: self.version, settled },
            reply,
            received: self.received,
            work: change.work,
        };
        let committed = self.store.commit(commit);
        Box::pin(async move { committed.await.map_err(failed) })
    }
}

fn done_ref(reply: Option<&store::StoredReply>) -> u64 {
    reply.map_or(0, |reply| reply.reference)
}

/// What the page is told when a change could not be committed.
pub(super) fn failed(error: CommitError) -> ActionError {
    match error {
        CommitError::Work(error) => error,
        CommitError::Conflict => {
            ActionError::internal("another process has the session: the change was not committed")
        }
        CommitError::Store(error) => ActionError::internal(error),
    }
}
