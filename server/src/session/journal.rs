//! Where the changes of durable components go before anybody is told.

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
use crate::persist::store::{self, Commit, CommitRecord, ComponentState, SessionStore};
use crate::session::port::Port;

/// Where the changes of one job go.
struct Entry {
    store: Arc<dyn SessionStore>,
    /// The process that holds the session.
    by: Arc<str>,
    port: Arc<Port>,
    session: SessionId,
    received: u64,
    place: Place,
}

/// What is known of a change before it is made.
#[derive(Clone)]
struct Place {
    component: ComponentId,
    epoch: String,
    rev: u64,
    version: u64,
    /// The props that it has if the job succeeds.
    given: String,
    /// Those that it has if the job fails.
    before: String,
    /// Whether its `connected` has finished when the job has.
    connected: bool,
    /// The rooms that the component is in.
    joined: Joined,
    reference: Option<Ref>,
    /// The topics that it shows: what its handler returns may be their data.
    topics: Box<[TopicName]>,
}

impl Session {
    /// Where the next change of a component is committed, if its changes are.
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
    /// What is kept of a change.
    fn written(self, change: Change) -> CommitRecord {
        let props = if change.done.is_some() { self.given } else { self.before };
        let done = self.reference.zip(change.done);
        let reply = done.map(|(reference, result)| {
            let result = result.map(|value| value.get().into());
            Kept::Done { component: self.component.clone(), result, topics: self.topics }.store(reference)
        });
        let mut joined = self.joined;
        change.memberships.iter().for_each(|membership| joined.apply(membership));
        let state = ComponentState {
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
        CommitRecord { change: store::ComponentChange::Changed { state, settled }, reply }
    }
}
