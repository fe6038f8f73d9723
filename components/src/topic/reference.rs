//! Topics without the type of their state, and the subscriptions to them.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use vivaz_protocol::{Epoch, Rev, SessionId, TopicName};

use super::subscriber::{CatchUp, Subscriber, TopicSnapshot};
use super::turn::AnyTurn;
use crate::cluster::TopicId;
use crate::error::Result;
use crate::event::ServerEvent;
use crate::future::BoxFuture;
use crate::identity::{Identity, User};
use crate::shown::ShownValue;

/// A topic without the type of its state. Cheap to clone.
#[derive(Clone)]
pub struct TopicRef(Arc<dyn AnyTopic>);

impl TopicRef {
    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &TopicName {
        self.0.name()
    }

    /// Returns the epoch in which its revisions count.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.0.epoch()
    }

    /// Returns the current revision.
    #[must_use]
    pub fn rev(&self) -> Rev {
        self.0.rev()
    }

    /// Returns the whole state, which is written once for each revision.
    ///
    /// # Errors
    /// Returns an error if the state has no JSON form.
    pub fn snapshot(&self) -> Result<TopicSnapshot> {
        self.0.snapshot()
    }

    /// Returns the whole state as templates read it, which is converted once for each revision.
    ///
    /// # Errors
    /// Returns an error if the state has no JSON form.
    pub fn shown(&self) -> Result<Arc<ShownValue>> {
        self.0.shown()
    }

    /// Subscribes to the topic. Calls `first` with the changes since `from` while the topic is
    /// locked: what it queues precedes every later patch, and no patch is lost in between.
    ///
    /// # Errors
    /// Returns an error if the state has no JSON form.
    pub fn subscribe(
        &self,
        subscriber: Arc<dyn Subscriber>,
        from: Option<(&Epoch, Rev)>,
        first: &mut dyn FnMut(CatchUp<'_>),
    ) -> Result<Subscription> {
        let id = self.0.subscribe(subscriber, from, first)?;
        Ok(Subscription { topic: self.clone(), id })
    }

    /// Checks whether `who` may subscribe.
    ///
    /// # Errors
    /// Returns the error of the topic's `authorize`.
    #[must_use = "a future does nothing until it is awaited"]
    pub fn authorize(&self, who: &Identity) -> BoxFuture<Result> {
        self.0.clone().authorize(who.clone())
    }

    /// Sends an event to all subscribers on this node except the session `except`.
    /// [`Hub::emit_to_topic`](crate::Hub::emit_to_topic) reaches all nodes.
    pub fn emit(&self, event: &ServerEvent, except: Option<&SessionId>) {
        self.0.emit(event, except);
    }

    /// Returns the number of subscribers.
    #[must_use]
    pub fn audience(&self) -> usize {
        self.0.audience()
    }

    pub(super) fn new(topic: Arc<dyn AnyTopic>) -> Self {
        Self(topic)
    }

    /// Returns whether anything except the hub holds it.
    pub(super) fn is_held(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    /// Returns the id of the topic's log, if nodes share it.
    pub(super) fn log_id(&self) -> Option<&TopicId> {
        self.0.log_id()
    }

    /// Returns the address of the topic's cell, which identifies it.
    pub(super) fn address(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }

    pub(super) fn inner(&self) -> &Arc<dyn AnyTopic> {
        &self.0
    }
}

impl fmt::Debug for TopicRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TopicRef").field(self.name()).finish()
    }
}

/// A subscription to a topic, which ends when this is dropped.
#[derive(Debug)]
#[must_use = "dropping it ends the subscription"]
pub struct Subscription {
    topic: TopicRef,
    id: u64,
}

impl Subscription {
    /// Returns the topic.
    #[must_use]
    pub fn topic(&self) -> &TopicRef {
        &self.topic
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.topic.0.unsubscribe(self.id);
    }
}

/// A topic's cell, without its type.
pub(super) trait AnyTopic: Send + Sync {
    fn name(&self) -> &TopicName;
    fn epoch(&self) -> Epoch;
    fn rev(&self) -> Rev;
    fn snapshot(&self) -> Result<TopicSnapshot>;
    fn shown(&self) -> Result<Arc<ShownValue>>;
    fn subscribe(
        &self,
        subscriber: Arc<dyn Subscriber>,
        from: Option<(&Epoch, Rev)>,
        first: &mut dyn FnMut(CatchUp<'_>),
    ) -> Result<u64>;
    fn unsubscribe(&self, id: u64);
    fn authorize(self: Arc<Self>, who: Identity) -> BoxFuture<Result>;
    fn emit(&self, event: &ServerEvent, except: Option<&SessionId>);
    fn audience(&self) -> usize;
    fn enter(&self, claim: u64, user: &User) -> Result;
    fn leave(&self, claim: u64);
    fn leave_after(&self, claim: u64, time: Duration);
    /// Returns the id of the topic's log, if nodes share it.
    fn log_id(&self) -> Option<&TopicId>;
    /// Waits for the topic's turn, if nodes share it.
    fn take_turn(self: Arc<Self>) -> BoxFuture<Option<Box<dyn AnyTurn>>>;
    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}
