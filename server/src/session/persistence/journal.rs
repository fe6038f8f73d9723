//! The journal of a durable component: commits its changes before any page receives them.

use std::sync::Arc;

use vivaz_components::instance::BoxFuture;
use vivaz_components::{ComponentChange, Journal, MessageId, Result, Transaction};
use vivaz_protocol::{ComponentId, Ref, SessionId, TopicName};

use crate::persist::store::{Commit, CommitRecord, ComponentState, SessionStore, StoredChange};
use crate::session::Session;
use crate::session::component::ConnectedHook;
use crate::session::joined_rooms::JoinedRooms;
use crate::session::page_effects::EffectEncoder;
use crate::session::persistence::commit_outcome::await_commit;
use crate::session::persistence::save::state_hash;
use crate::session::port::Port;
use crate::session::reply::cache::CachedReply;
use crate::session::task::TaskOrigin;

/// Commits the changes of one job.
struct ComponentJournal {
    store: Arc<dyn SessionStore>,
    /// The process that owns the session.
    by: Arc<str>,
    port: Arc<Port>,
    session: SessionId,
    received: u64,
    pending: PendingChange,
}

/// What is known about a change before it happens.
#[derive(Clone)]
struct PendingChange {
    component: ComponentId,
    epoch: String,
    rev: u64,
    version: u64,
    /// The component's props if the job succeeds.
    props_on_success: String,
    /// The component's props if the job fails.
    props_on_failure: String,
    /// Whether the `connected` hook has finished at the end of the job.
    connected: bool,
    /// The rooms of the component before the job.
    joined: JoinedRooms,
    reference: Option<Ref>,
    effects: EffectEncoder,
    /// The topics that the component shows. The handler's return value may have data of them.
    topics: Box<[TopicName]>,
}

impl Session {
    /// Returns the journal for a component's next job, if its changes are committed one by one.
    pub(in crate::session) fn job_journal(
        &self,
        id: &ComponentId,
        origin: TaskOrigin,
    ) -> Option<Arc<dyn Journal>> {
        let core = self.supervisor.core();
        let component = self.components.get(id)?;
        let keeper = core.commit_keeper(component.spec)?;
        let pending = PendingChange {
            component: id.clone(),
            epoch: core.epochs.text(component.stream.epoch()).to_string(),
            rev: component.stream.rev().0,
            version: component.version,
            props_on_success: component.pending_props(),
            props_on_failure: component.confirmed_props(),
            connected: component.connected_hook != ConnectedHook::Due,
            joined: component.joined.clone(),
            topics: self.result_topics(id),
            effects: self.effect_encoder(),
            reference: match origin {
                TaskOrigin::Page { reference, .. } => Some(reference),
                TaskOrigin::Unanswered { .. } | TaskOrigin::Server | TaskOrigin::Unmount { .. } => None,
            },
        };
        Some(Arc::new(ComponentJournal {
            store: Arc::clone(&keeper.store),
            by: Arc::clone(&keeper.process),
            port: Arc::clone(&self.port),
            session: self.id().clone(),
            received: self.replies.acknowledged_up_to(),
            pending,
        }))
    }
}

impl Journal for ComponentJournal {
    fn commit(&self, transaction: Transaction) -> BoxFuture<Result> {
        let Transaction { write, publish } = transaction;
        let pending = self.pending.clone();
        let expects = Some((pending.component.clone(), pending.version));
        let committed = self.store.commit(Commit {
            session: self.session.clone(),
            by: Arc::clone(&self.by),
            fence: self.port.fence(),
            creates: None,
            expects,
            received: self.received,
            write: Box::new(move |tx| Ok(pending.into_written(write(tx)?))),
            publish,
        });
        Box::pin(await_commit(Arc::clone(&self.store), Arc::clone(&self.port), committed))
    }

    fn message(&self) -> Option<MessageId> {
        let reference = self.pending.reference?;
        Some(MessageId { session: self.session.clone(), reference })
    }
}

impl PendingChange {
    /// Returns the rows that the store writes for a change.
    fn into_written(self, change: ComponentChange) -> CommitRecord {
        let props = if change.done.is_some() { self.props_on_success } else { self.props_on_failure };
        let done = self.reference.zip(change.done);
        let reply = done.map(|(reference, result)| {
            let result = result.map(|value| value.get().into());
            CachedReply::Done {
                component: self.component.clone(),
                result,
                topics: self.topics,
                page_effects: self.effects.encode(change.page_effects, Some(reference)),
            }
            .to_stored(reference)
        });
        let mut joined = self.joined;
        change.memberships.iter().for_each(|membership| joined.apply(membership));
        let state = ComponentState {
            id: self.component,
            state: change.state,
            shown: change.shown.as_deref().map(state_hash),
            props,
            epoch: self.epoch,
            rev: self.rev + u64::from(change.moved),
            rooms: joined.to_stored(),
            connected: self.connected,
        };
        let settled = reply.as_ref().map_or(0, |reply| reply.reference);
        CommitRecord { change: StoredChange::Changed { state, settled }, reply }
    }
}
