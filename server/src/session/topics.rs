//! The topics of a session. A topic is retained while a shared field of a component shows it.

pub(super) mod presence;

use std::sync::Arc;

use vivaz_components::{
    Broadcast, CatchUp, ServerEvent, Subscriber, Subscription, TopicPatch, TopicRef, TopicSnapshot,
};
use vivaz_protocol::{ComponentId, Epoch, Rev, SessionId, StreamId, TopicName};

use super::child::Visibility;
use super::component::SessionComponent;
use super::{Session, encode};
use crate::session::port::Port;
use crate::telemetry::log::{Escaped, Quoted};

/// A topic that the session retains.
pub(super) struct SessionTopic {
    pub(super) topic: TopicRef,
    /// `None` while there is no connection, or no visible component shows the topic.
    subscription: Option<Subscription>,
    /// The number of shared fields that show the topic.
    fields: usize,
    /// How many of these belong to visible components. The session subscribes for them alone.
    viewers: usize,
    /// The revision of the last snapshot on this connection. Patches up to it are not sent.
    pub(super) snapshot_rev: Rev,
}

impl Session {
    /// Records the topics of a component's shared fields: subscribes to new ones, and releases
    /// those that no component shows any more. Does nothing for a component that its user may not
    /// see.
    pub(super) fn set_topics(&mut self, id: &ComponentId, now: Vec<(&'static str, TopicRef)>) {
        let names = now.iter().map(|(field, topic)| (*field, topic.name().clone())).collect();
        let Some(component) = self.components.get_mut(id).filter(|one| !one.is_withdrawn) else { return };
        let (before, visibility) = (std::mem::replace(&mut component.topics, names), component.visibility());
        let template =
            self.supervisor.core().templates.of(component.spec.name).map(|one| Arc::clone(&one.compiled));
        for (field, topic) in now {
            let name = topic.name().clone();
            self.retain_topic(topic);
            if template.as_ref().is_some_and(|template| template.gives_children(&|one| one == field)) {
                self.port.watch(&name);
            }
            if visibility == Visibility::Shown {
                self.add_viewer(&name);
            }
        }
        if let Some(component) = self.components.get_mut(id) {
            component.left_topics.extend(before.iter().map(|(_, name)| name.clone()));
        }
        self.release_topics(before, visibility);
    }

    /// Compares the props of all children whose parents show a topic, because the topic has
    /// changed.
    pub(crate) fn handle_topic_change(&mut self, name: &TopicName) {
        let shows = |one: &SessionComponent| one.topics.iter().any(|(_, topic)| topic == name);
        let parents: Vec<ComponentId> =
            self.components.iter().filter(|(_, one)| shows(one)).map(|(id, _)| id.clone()).collect();
        for parent in parents {
            self.refresh_children(&parent);
        }
    }

    /// Returns the topics whose data the result of a component's job may have.
    pub(super) fn result_topics(&self, id: &ComponentId) -> Box<[TopicName]> {
        let Some(component) = self.components.get(id) else { return Box::default() };
        let shown = component.topics.iter().map(|(_, name)| name);
        let mut names: Vec<TopicName> = shown.chain(&component.left_topics).cloned().collect();
        names.sort_unstable();
        names.dedup();
        names.into()
    }

    /// Checks whether the user may not see the result of a component's job, which may have data of
    /// these topics.
    pub(super) fn must_withhold(&self, id: &ComponentId, topics: &[TopicName]) -> bool {
        let is_held = |name| self.topics.contains_key(name);
        self.components.get(id).is_some_and(|component| {
            component.is_withdrawn || component.resumes != self.resumes && !topics.iter().all(is_held)
        })
    }

    /// Releases the topics of a component.
    pub(super) fn release_topics(&mut self, topics: Vec<(&'static str, TopicName)>, visibility: Visibility) {
        for (_, name) in topics {
            if visibility == Visibility::Shown {
                self.remove_viewer(&name);
            }
            self.release_topic(&name);
        }
    }

    /// Counts a visible component that shows a topic. Subscribes to the topic for the first one.
    pub(super) fn add_viewer(&mut self, name: &TopicName) {
        let Some(held) = self.topics.get_mut(name) else { return };
        held.viewers += 1;
        if held.viewers == 1 && self.port.is_connected() {
            held.snapshot_rev = Rev::ZERO;
            held.subscribe(&self.port, None);
        }
    }

    /// Discounts a visible component that shows a topic. Unsubscribes after the last one.
    pub(super) fn remove_viewer(&mut self, name: &TopicName) {
        let Some(held) = self.topics.get_mut(name) else { return };
        held.viewers -= 1;
        if held.viewers == 0 {
            held.subscription = None;
        }
    }

    /// Retains a topic for one more shared field.
    fn retain_topic(&mut self, topic: TopicRef) {
        if let Some(held) = self.topics.get_mut(topic.name()) {
            held.fields += 1;
            return;
        }
        let held = SessionTopic { topic, subscription: None, fields: 1, viewers: 0, snapshot_rev: Rev::ZERO };
        self.topics.insert(held.topic.name().clone(), held);
    }

    /// Releases a topic from one shared field.
    fn release_topic(&mut self, name: &TopicName) {
        let Some(held) = self.topics.get_mut(name) else { return };
        held.fields -= 1;
        if held.fields == 0 {
            self.topics.remove(name);
            self.port.unwatch(name);
        }
    }

    /// Ends all subscriptions, so that topics do no work for sessions without a connection.
    pub(super) fn unsubscribe_all(&mut self) {
        for held in self.topics.values_mut() {
            held.subscription = None;
        }
    }

    /// Subscribes to the topics of visible components. `known` has the positions of the page's
    /// streams.
    pub(super) fn subscribe_all(&mut self, known: &[(StreamId, Epoch, Rev)]) {
        for (name, held) in self.topics.iter_mut().filter(|(_, held)| held.is_viewed()) {
            let position = known.iter().find_map(|(stream, epoch, rev)| match stream {
                StreamId::Topic(topic) if topic == name => Some((epoch, *rev)),
                StreamId::Topic(_) | StreamId::Component(_) => None,
            });
            held.snapshot_rev = Rev::ZERO;
            held.subscribe(&self.port, position);
        }
    }
}

impl SessionTopic {
    /// Checks whether a visible component shows the topic.
    pub(super) fn is_viewed(&self) -> bool {
        self.viewers > 0
    }

    /// Subscribes to the topic. Queues the patches after `known`, or a snapshot, before any later
    /// patch.
    fn subscribe(&mut self, port: &Arc<Port>, known: Option<(&Epoch, Rev)>) {
        let stream = StreamId::Topic(self.topic.name().clone());
        let subscriber = Arc::clone(port) as Arc<dyn Subscriber>;
        let subscribed = self.topic.subscribe(subscriber, known, &mut |catch_up| match catch_up {
            CatchUp::Current => {}
            CatchUp::Patches(patches) => {
                for (rev, patch) in patches {
                    let frame = encode::topic_patch(self.topic.name(), rev, patch);
                    port.send_patch(stream.clone(), rev, frame, None);
                }
            }
            // Encoded when it is sent, so that it has the latest state.
            CatchUp::Snapshot(_) => port.send_snapshot(stream.clone()),
        });
        match subscribed {
            Ok(subscription) => self.subscription = Some(subscription),
            Err(error) => {
                tracing::error!(session = %port.session(), topic = %Quoted(self.topic.name()), error = %Escaped(&error), "cannot encode the state of a topic");
            }
        }
    }
}

impl Subscriber for Port {
    fn session(&self) -> &SessionId {
        Self::session(self)
    }

    fn deliver_patch(&self, topic: &TopicName, rev: Rev, patch: &Broadcast<TopicPatch>) {
        self.send_topic_patch(topic, rev, || encode::topic_patch(topic, rev, patch));
    }

    fn deliver_snapshot(&self, topic: &TopicName, _: &TopicSnapshot) {
        // Encoded when it is sent, so that it has the latest state.
        self.send_snapshot(StreamId::Topic(topic.clone()));
    }

    fn deliver_topic_event(&self, topic: &TopicName, event: &Broadcast<ServerEvent>) {
        self.send_or_drop(|| encode::topic_event(topic, event));
    }

    fn deliver_room_event(&self, component: &ComponentId, event: &ServerEvent) {
        self.post_event(Some(component.clone()), event.clone());
    }
}
