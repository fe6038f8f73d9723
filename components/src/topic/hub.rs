//! The topics and rooms of a process.

mod rooms;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::OnceCell;
use vivaz_protocol::TopicName;
use vivaz_protocol::log::Quoted;

use rooms::Members;
pub use rooms::Rooms;

use super::observer::FanOutObserver;
use super::reference::TopicRef;
use crate::fault::discard;

/// Finds topics by name, and loads each of them once, however many callers ask at the same time.
/// Cheap to clone.
///
/// A hub belongs to one tenant: topics and rooms of other tenants are separate, even with the same
/// names.
#[derive(Clone)]
pub struct Hub {
    inner: Arc<HubParts>,
    tenant: Option<Arc<str>>,
    /// The limit of a topic's state, in bytes.
    topic_bytes: usize,
    observer: Option<Arc<dyn FanOutObserver>>,
}

impl Default for Hub {
    fn default() -> Self {
        Self { inner: Arc::default(), tenant: None, topic_bytes: usize::MAX, observer: None }
    }
}

#[derive(Default)]
struct HubParts {
    topics: Mutex<TopicMap>,
    rooms: Mutex<Members>,
}

type TopicMap = HashMap<(Option<Arc<str>>, TopicName), Arc<LoadedTopic>>;

#[derive(Default)]
pub(super) struct LoadedTopic {
    /// Empty while the topic is being loaded, and after a failed load.
    pub(super) topic: OnceCell<TopicRef>,
    /// The time since which the topic has been unused.
    idle_since: Mutex<Option<Instant>>,
}

impl Hub {
    /// Creates a hub without topics.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the limit of each topic's state, in bytes of JSON without computed fields. A change
    /// that would exceed it is refused as `too_large`.
    #[must_use]
    pub fn with_topic_limit(mut self, bytes: usize) -> Self {
        self.topic_bytes = bytes;
        self
    }

    /// Reports the patches of all topics that are loaded through this hub to `observer`.
    #[must_use]
    pub fn with_observer(mut self, observer: Arc<dyn FanOutObserver>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Returns the topics and rooms of a tenant; `None` is for users without a tenant.
    #[must_use]
    pub fn of_tenant(&self, tenant: Option<&str>) -> Self {
        Self { tenant: tenant.map(Arc::from), ..self.clone() }
    }

    /// Returns the tenant.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    /// Returns the topic of that name, if it is loaded.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<TopicRef> {
        let name = TopicName::new(name).ok()?;
        self.topics().get(&self.key(&name))?.topic.get().cloned()
    }

    /// Unloads topics of all tenants that have been unused for `grace`. Called periodically.
    /// Returns the number of unloaded topics.
    pub fn sweep(&self, now: Instant, grace: Duration) -> usize {
        let is_over = |(_, name): &(_, TopicName), entry: &mut Arc<LoadedTopic>| {
            // A caller is opening it (holds the entry), or uses it (holds the topic).
            let in_use = Arc::strong_count(entry) > 1 || entry.topic.get().is_some_and(TopicRef::is_held);
            let mut idle_since = entry.idle_since.lock().unwrap_or_else(PoisonError::into_inner);
            if in_use {
                *idle_since = None;
                return false;
            }
            let since = *idle_since.get_or_insert(now);
            let is_over = now.saturating_duration_since(since) >= grace;
            if is_over {
                tracing::debug!(topic = %Quoted(name), "topic unloaded");
            }
            is_over
        };
        let over: Vec<_> =
            self.topics().extract_if(|key, entry| is_over(key, entry)).map(|(_, entry)| entry).collect();
        let count = over.len();
        // Dropped one by one and without a lock: dropping a state runs application code.
        over.into_iter().for_each(|entry| discard("dropping a topic", entry));
        count
    }

    /// Returns the number of topics of all tenants.
    #[must_use]
    pub fn len(&self) -> usize {
        self.topics().len()
    }

    /// Returns whether there are no topics.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.topics().is_empty()
    }

    /// Returns the rooms.
    #[must_use]
    pub fn rooms(&self) -> Rooms<'_> {
        Rooms::new(&self.inner.rooms, self.tenant.as_ref())
    }

    /// Returns the entry of a topic, which may not be loaded yet.
    pub(super) fn entry(&self, name: &TopicName) -> Arc<LoadedTopic> {
        self.topics().entry(self.key(name)).or_default().clone()
    }

    /// Returns the limit of a topic's state, in bytes.
    pub(super) fn topic_limit(&self) -> usize {
        self.topic_bytes
    }

    /// Returns the observer of the topics' patches.
    pub(super) fn observer(&self) -> Option<Arc<dyn FanOutObserver>> {
        self.observer.clone()
    }

    fn key(&self, name: &TopicName) -> (Option<Arc<str>>, TopicName) {
        (self.tenant.clone(), name.clone())
    }

    fn topics(&self) -> MutexGuard<'_, TopicMap> {
        self.inner.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("topics", &self.len()).finish()
    }
}
