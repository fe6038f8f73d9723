//! The sessions that subscribe to topics and join rooms, and what they receive.

use std::sync::Arc;

use bytes::Bytes;
use vivaz_protocol::{Author, ComponentId, Epoch, Rev, SessionId, TopicName};

use crate::broadcast::Broadcast;
use crate::event::ServerEvent;

/// A session, as topics and rooms know it.
///
/// Its methods are called while a topic or a room is locked, so that all subscribers get everything
/// in the same order. They put what they get into a queue and return: they never wait, and never
/// call a topic or the hub.
pub trait Subscriber: Send + Sync {
    /// Returns the id of the session.
    fn session(&self) -> &SessionId;
    /// Receives the patch that leads a topic to `rev`: a `STATE_UPDATE`.
    fn deliver_patch(&self, topic: &TopicName, rev: Rev, patch: &Broadcast<TopicPatch>);
    /// Receives the state of a topic that does not continue the one before: a `STATE_SNAPSHOT`, at
    /// once or later with the state of that time. Happens only to topics that several nodes share.
    fn deliver_snapshot(&self, topic: &TopicName, snapshot: &TopicSnapshot);
    /// Receives an event of a topic: an `EVENT`.
    fn deliver_topic_event(&self, topic: &TopicName, event: &Broadcast<ServerEvent>);
    /// Receives an event of a room that the component joined, for its `#[event]` method and its
    /// page.
    fn deliver_room_event(&self, component: &ComponentId, event: &ServerEvent);
}

/// A change of a topic's state.
#[derive(Debug, Default)]
pub struct TopicPatch {
    /// The messages that caused the change.
    pub by: Vec<Author>,
    /// The patch object, in JSON.
    pub json: String,
}

/// The whole state of a topic. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TopicSnapshot {
    /// The epoch in which the revision counts.
    pub epoch: Epoch,
    /// The revision of the state.
    pub rev: Rev,
    pub(super) state: Arc<Broadcast<Box<str>>>,
}

impl TopicSnapshot {
    /// Returns the state, in JSON.
    #[must_use]
    pub fn json(&self) -> &str {
        self.state.content()
    }

    /// Returns the frame. Encodes it with `encode` if no subscriber has asked for it before.
    #[must_use]
    pub fn frame(&self, encode: impl FnOnce(&Self) -> Bytes) -> Bytes {
        self.state.frame(|_| encode(self))
    }
}

/// What a new subscriber lacks of a topic's state.
#[derive(Debug)]
pub enum CatchUp<'a> {
    /// Nothing: it has the current revision.
    Current,
    /// Patches, in order, each with the revision to which it leads.
    Patches(Vec<(Rev, &'a Broadcast<TopicPatch>)>),
    /// The whole state.
    Snapshot(TopicSnapshot),
}
