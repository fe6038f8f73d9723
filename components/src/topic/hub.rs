//! The topics and rooms of a process.

mod nodes;
mod rooms;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::OnceCell;
use vivaz_protocol::log::Quoted;
use vivaz_protocol::{SessionId, TopicName};

use rooms::Members;
pub use rooms::Rooms;

use super::observer::FanOutObserver;
use super::reference::TopicRef;
use super::replica::TopicLogRef;
use crate::cluster::{Address, Bus, TopicId, TopicLog};
use crate::event::ServerEvent;
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
    /// The log through which nodes share topics; `None` if this process is the only node.
    log: Option<Arc<dyn TopicLog>>,
    /// Carries events to other nodes; `None` if this process is the only node.
    bus: Option<Arc<dyn Bus>>,
    /// The durable components whose topics may be changed after the commit.
    late: Arc<[Box<str>]>,
}

impl Default for Hub {
    fn default() -> Self {
        Self {
            inner: Arc::default(),
            tenant: None,
            topic_bytes: usize::MAX,
            log: None,
            bus: None,
            late: Arc::default(),
            observer: None,
        }
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
    /// Set while the topic is loaded, if there are other nodes.
    listening: OnceLock<nodes::ListenGuard>,
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

    /// Sets the log through which the nodes of the application share their topics.
    #[must_use]
    pub fn with_log(mut self, log: Arc<dyn TopicLog>) -> Self {
        self.log = Some(log);
        self
    }

    /// Sets the bus that carries the events of rooms and topics to the other nodes.
    #[must_use]
    pub fn with_bus(mut self, bus: Arc<dyn Bus>) -> Self {
        self.bus = Some(bus);
        self
    }

    /// Allows durable components, by their names, to change topics after the commit, although the
    /// log of the topics is not in the database of their transactions. An update is lost if the
    /// process ends between the commit and the update. Other durable components are refused then.
    #[must_use]
    pub fn with_updates_after_commit(mut self, components: &[&str]) -> Self {
        self.late = components.iter().map(|name| Box::from(*name)).collect();
        self
    }

    /// Returns whether the durable component of that name may change topics after the commit.
    #[must_use]
    pub fn updates_after_commit(&self, component: &str) -> bool {
        self.late.iter().any(|name| &**name == component)
    }

    /// Returns the log through which nodes share topics.
    #[must_use]
    pub fn log(&self) -> Option<&Arc<dyn TopicLog>> {
        self.log.as_ref()
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

    /// Sends an event to all subscribers of a topic, on all nodes, except the session `except`. On
    /// another node it may arrive before a patch that was sent earlier, and is lost if the bus
    /// loses it.
    pub fn emit_to_topic(&self, name: &str, event: &ServerEvent, except: Option<&SessionId>) {
        if let Some(topic) = self.get(name) {
            topic.emit(event, except);
        }
        if let (Some(bus), Ok(name)) = (&self.bus, TopicName::new(name)) {
            nodes::send(&**bus, &Address::Topic(self.id_of(&name)), event);
        }
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
        Rooms::new(self)
    }

    /// Returns the entry of a topic, which may not be loaded yet.
    pub(super) fn entry(&self, name: &TopicName) -> Arc<LoadedTopic> {
        self.topics().entry(self.key(name)).or_default().clone()
    }

    /// Returns the log of a topic, if nodes share it.
    pub(super) fn log_of(&self, name: &TopicName) -> Option<TopicLogRef> {
        self.log.clone().map(|log| TopicLogRef { log, id: self.id_of(name) })
    }

    /// Receives the events of other nodes for a topic that was loaded.
    pub(super) fn listen_to_topic(&self, entry: &LoadedTopic, name: &TopicName) {
        let Some(bus) = &self.bus else { return };
        entry.listening.get_or_init(|| {
            let (parts, key) = (Arc::downgrade(&self.inner), self.key(name));
            nodes::listen(&**bus, &Address::Topic(self.id_of(name)), move |event| {
                let Some(parts) = parts.upgrade() else { return };
                let entry = parts.lock_topics().get(&key).cloned();
                if let Some(topic) = entry.as_ref().and_then(|entry| entry.topic.get()) {
                    topic.emit(event, None);
                }
            })
        });
    }

    fn id_of(&self, name: &TopicName) -> TopicId {
        TopicId { tenant: self.tenant.clone(), name: name.clone() }
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
        self.inner.lock_topics()
    }
}

impl HubParts {
    fn lock_topics(&self) -> MutexGuard<'_, TopicMap> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("topics", &self.len()).finish()
    }
}
