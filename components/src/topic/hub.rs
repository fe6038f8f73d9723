//! The topics and rooms of a node.

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

use super::reference::TopicRef;
use crate::fault::discard;

/// Finds topics by name; loads them once, however many ask at the same time. Cheap to clone.
///
/// A hub is one tenant's: topics and rooms of another one are others, also where they have the same names.
#[derive(Clone)]
pub struct Hub {
    inner: Arc<HubParts>,
    tenant: Option<Arc<str>>,
    /// How many bytes of state a topic may have.
    topic_bytes: usize,
}

impl Default for Hub {
    fn default() -> Self {
        Self { inner: Arc::default(), tenant: None, topic_bytes: usize::MAX }
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
    /// Empty while the topic is being loaded, and after that failed.
    pub(super) topic: OnceCell<TopicRef>,
    /// Since when nobody has looked at it.
    idle_since: Mutex<Option<Instant>>,
}

impl Hub {
    /// A hub without topics.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with a bound on the state of each topic, in bytes of JSON without computed fields.
    /// A change that would make it larger is refused as `too_large`.
    #[must_use]
    pub fn with_topic_limit(mut self, bytes: usize) -> Self {
        self.topic_bytes = bytes;
        self
    }

    /// The same topics and rooms as a tenant sees them; `None` is who has no tenant.
    #[must_use]
    pub fn of_tenant(&self, tenant: Option<&str>) -> Self {
        Self { tenant: tenant.map(Arc::from), ..self.clone() }
    }

    /// Whose topics and rooms these are.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    /// The topic of that name, if somebody has it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<TopicRef> {
        let name = TopicName::new(name).ok()?;
        self.topics().get(&self.key(&name))?.topic.get().cloned()
    }

    /// Forgets topics, of whatever tenant, that nobody has held for as long as `grace`. To be called now and then; says how many went.
    pub fn sweep(&self, now: Instant, grace: Duration) -> usize {
        let is_over = |(_, name): &(_, TopicName), entry: &mut Arc<LoadedTopic>| {
            // Somebody is opening it (holds the entry), or has it (holds the topic).
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
        // One by one, and when nothing is locked: a state is the application's.
        over.into_iter().for_each(|entry| discard("dropping a topic", entry));
        count
    }

    /// How many topics there are, of all tenants.
    #[must_use]
    pub fn len(&self) -> usize {
        self.topics().len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.topics().is_empty()
    }

    /// The rooms.
    #[must_use]
    pub fn rooms(&self) -> Rooms<'_> {
        Rooms::new(&self.inner.rooms, self.tenant.as_ref())
    }

    /// Returns the entry of a topic, which may not be loaded yet.
    pub(super) fn entry(&self, name: &TopicName) -> Arc<LoadedTopic> {
        self.topics().entry(self.key(name)).or_default().clone()
    }

    /// Returns how many bytes of state a topic may have.
    pub(super) fn topic_limit(&self) -> usize {
        self.topic_bytes
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
