//! The journal of a durable component: commits its changes before any page receives them.

use std::sync::Arc;

use vivaz_components::instance::BoxFuture;
use vivaz_components::{Change, Journal, Message, Result, Transaction};
use vivaz_protocol::{ComponentId, Ref, SessionId, TopicName};

use super::Session;
use super::committed::settle;
use super::component::Connecting;
use super::joined::Joined;
use super::keep::shown_as;
use super::replies::Kept;
use super::task::Origin;
use crate::persist::store::{self, Commit, SessionStore, State, Written};
use crate::session::port::Port;

/// Commits the changes of one job.
struct Entry {
    store: Arc<dyn SessionStore>,
    /// The process that owns the session.
    by: Arc<str>,
    port: Arc<Port>,
    session: SessionId,
    received: u64,
    place: Place,
}

/// What is known about a change before it happens.
#[derive(Clone)]
struct Place {
    component: ComponentId,
    epoch: String,
    rev: u64,
    version: u64,
    /// The component's props if the job succeeds.
    given: String,
    /// The component's props if the job fails.
    before: String,
    /// Whether the `connected` hook has finished at the end of the job.
    connected: bool,
    /// The rooms of the component before the job.
    joined: Joined,
    reference: Option<Ref>,
    /// The topics that the component shows. The handler's return value may have data of them.
    topics: Box<[TopicName]>,
}

impl Session {
    /// Returns the journal for a component's next job, if its changes are committed one by one.
    pub(super) fn journal(&self, id: &ComponentId, origin: Origin) -> Option<Arc<dyn Journal>> {
        let core = self.supervisor.core();
        let component = self.components.get(id)?;
        let keeper = core.commits(component.spec)?;
        let place = Place {
            component: id.clone(),
            epoch: core.epochs.text(&component.epoch).to_string(),
            rev: component.rev.0,
            version: component.version,
            given: component.given_props(),
            before: component.kept_props(),
            connected: component.connecting != Connecting::Due,
            joined: component.joined.clone(),
            topics: self.topics_of(id),
            reference: match origin {
                Origin::Page { reference, .. } => Some(reference),
                Origin::Unanswered { .. } | Origin::Server | Origin::End { .. } => None,
            },
        };
        Some(Arc::new(Entry {
            store: Arc::clone(&keeper.store),
            by: Arc::clone(&keeper.process),
            port: Arc::clone(&self.port),
            session: self.id().clone(),
            received: self.replies.received_up_to(),
            place,
        }))
    }
}

impl Journal for Entry {
    fn commit(&self, transaction: Transaction) -> BoxFuture<Result> {
        let Transaction { write, publish } = transaction;
        let place = self.place.clone();
        let expects = Some((place.component.clone(), place.version));
        let committed = self.store.commit(Commit {
            session: self.session.clone(),
            by: Arc::clone(&self.by),
            enters: None,
            expects,
            received: self.received,
            write: Box::new(move |connection| Ok(place.written(write(connection)?))),
            publish,
        });
        Box::pin(settle(Arc::clone(&self.store), Arc::clone(&self.port), committed))
    }

    fn message(&self) -> Option<Message> {
        let reference = self.place.reference?;
        Some(Message { session: self.session.clone(), reference })
    }
}

impl Place {
    /// Returns what the store writes for a change.
    fn written(self, change: Change) -> Written {
        let props = if change.done.is_some() { self.given } else { self.before };
        let done = self.reference.zip(change.done);
        let reply = done.map(|(reference, result)| {
            let result = result.map(|value| value.get().into());
            Kept::Done { component: self.component.clone(), result, topics: self.topics }.store(reference)
        });
        let mut joined = self.joined;
        change.memberships.iter().for_each(|membership| joined.apply(membership));
        let state = State {
            id: self.component,
            state: change.state,
            shown: change.shown.as_deref().map(shown_as),
            props,
            epoch: self.epoch,
            rev: self.rev + u64::from(change.moved),
            rooms: joined.store(),
            connected: self.connected,
        };
        let settled = reply.as_ref().map_or(0, |reply| reply.reference);
        Written { change: store::Change::Changed { state, settled }, reply }
    }
}
