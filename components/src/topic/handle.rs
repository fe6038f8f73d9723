//! Topics of a known type, for code outside of components.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use vivaz_protocol::log::Quoted;
use vivaz_protocol::{ErrorCode, TopicName};

use super::cell::Cell;
use super::context::TopicContext;
use super::hub::Hub;
use super::reference::TopicRef;
use super::{Topic, parse_key};
use crate::error::{ActionError, Result};
use crate::event::ServerEvent;
use crate::fault::guard;
use crate::states::States;

/// A topic for code outside of components: an HTTP route, a timer, another topic.
#[derive(Clone)]
pub struct TopicHandle<T: Topic> {
    topic: TopicRef,
    cell: Arc<Cell<T>>,
    hub: Hub,
}

impl<T: Topic> TopicHandle<T> {
    fn new(topic: &TopicRef, hub: &Hub) -> Result<Self> {
        Ok(Self { topic: topic.clone(), cell: Cell::of(topic)?, hub: hub.clone() })
    }

    /// Returns the current state.
    #[must_use]
    pub fn value(&self) -> Arc<T> {
        self.cell.value()
    }

    /// Changes the state, sends the patch to all subscribers, and returns the result of the
    /// closure. The closure gets a draft and may be run again on a newer one, so it does nothing
    /// but change it.
    ///
    /// # Errors
    /// Returns `panicked` if the closure panics, `too_large` if the topic would exceed its limit,
    /// and an error if its state has no JSON form. The state is then unchanged.
    pub async fn update<R: Send>(&self, change: impl Fn(&mut T) -> R + Send + Sync) -> Result<R> {
        Ok(self.cell.apply_now(None, || None, change).await?.result)
    }

    /// Sends an event to all subscribers, on all nodes.
    ///
    /// # Errors
    /// Returns an error if `data` has no JSON form.
    pub fn emit(&self, name: &str, data: impl Serialize) -> Result {
        self.hub.emit_to_topic(self.topic.name().as_str(), &ServerEvent::new(name, &data)?, None);
        Ok(())
    }

    /// Returns the topic without its type.
    #[must_use]
    pub fn topic(&self) -> &TopicRef {
        &self.topic
    }
}

impl<T: Topic> fmt::Debug for TopicHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TopicHandle").field(self.topic.name()).finish()
    }
}

impl Hub {
    /// Returns the topic of that name, and loads it if it is not loaded yet. Does not check whether
    /// a user may see it: [`TopicRef::authorize`] does.
    ///
    /// # Errors
    /// Returns `bad_props` if the name is not a name of such a topic, and the error of the topic's
    /// `load`.
    pub async fn open<T: Topic>(&self, name: &str, states: &States) -> Result<TopicHandle<T>> {
        let refused = |error: &dyn fmt::Display| {
            ActionError::new(ErrorCode::BadProps, format!("`{name}` is not a valid topic name: {error}"))
        };
        let name = TopicName::new(name).map_err(|error| refused(&error))?;
        let entry = self.entry(&name);
        let topic = entry.topic.get_or_try_init(|| async {
            let key = parse_key::<T>(name.as_str())?;
            let cx = TopicContext::new(states.clone(), self.clone());
            let load = guard("loading a topic", None, async { T::load(&key, &cx).await });
            let cell = match self.log_of(&name) {
                Some(log) => {
                    Box::pin(Cell::open(log, name.clone(), self.topic_limit(), load, self.observer())).await?
                }
                None => Cell::new(name.clone(), load.await?, self.topic_limit(), self.observer())?,
            };
            tracing::debug!(topic = %Quoted(&name), "topic loaded");
            Ok::<_, ActionError>(TopicRef::new(cell))
        });
        let topic = topic.await?;
        self.listen_to_topic(&entry, &name);
        TopicHandle::new(topic, self)
    }
}
