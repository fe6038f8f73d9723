//! The topics that a session's components show: each is held as long as one of them names it.

use std::sync::Arc;

use vivaz_components::{Broadcast, CatchUp, ServerEvent, Subscriber, Subscription, TopicPatch, TopicRef};
use vivaz_protocol::{ComponentId, Epoch, Rev, SessionId, StreamId, TopicName};

use super::component::Component;
use super::{Session, encode};
use crate::session::port::Port;
use crate::telemetry::log::{Escaped, Quoted};

/// A topic that is held.
pub(super) struct Held {
    pub(super) topic: TopicRef,
    /// None while there is no connection.
    subscription: Option<Subscription>,
    /// How many shared fields name it.
    holders: usize,
    /// How many of these belong to components that the page shows. The topic is followed for them alone.
    viewers: usize,
    /// The revision of the last snapshot that was sent on this connection: patches up to it are not sent any more.
    pub(super) floor: Rev,
}

impl Session {
    /// Takes note of what a component's shared fields show now: subscribes to what is new to the session, gives up what
    /// no component shows any more. A component that the user may not see any more shows none.
    pub(super) fn show_topics(&mut self, id: &ComponentId, now: Vec<(&'static str, TopicRef)>) {
        let names = now.iter().map(|(field, topic)| (*field, topic.name().clone())).collect();
        let Some(component) = self.components.get_mut(id).filter(|one| !one.withdrawn) else { return };
        let (before, is_shown) = (std::mem::replace(&mut component.topics, names), component.is_shown());
        let template =
            self.supervisor.core().templates.of(component.spec.name).map(|one| Arc::clone(&one.compiled));
        for (field, topic) in now {
            let name = topic.name().clone();
            self.hold(topic);
            if template.as_ref().is_some_and(|template| template.gives_children(&|one| one == field)) {
                self.port.watch(&name);
            }
            if is_shown {
                self.view(&name);
            }
        }
        if let Some(component) = self.components.get_mut(id) {
            component.left.extend(before.iter().map(|(_, name)| name.clone()));
        }
        self.release_topics(before, is_shown);
    }

    /// A topic has changed that children's props are computed of: compares them.
    pub(crate) fn topic_changed(&mut self, name: &TopicName) {
        let shows = |one: &Component| one.topics.iter().any(|(_, topic)| topic == name);
        let parents: Vec<ComponentId> =
            self.components.iter().filter(|(_, one)| shows(one)).map(|(id, _)| id.clone()).collect();
        for parent in parents {
            self.refresh_children(&parent);
        }
    }

    /// Returns the topics whose data a job of a component may return when it is done.
    pub(super) fn topics_of(&self, id: &ComponentId) -> Box<[TopicName]> {
        let Some(component) = self.components.get(id) else { return Box::default() };
        let shown = component.topics.iter().map(|(_, name)| name);
        let mut names: Vec<TopicName> = shown.chain(&component.left).cloned().collect();
        names.sort_unstable();
        names.dedup();
        names.into()
    }

    /// Returns whether the user may not see, as recognised now, what a job of a component may return:
    /// data of these topics.
    pub(super) fn withholds(&self, id: &ComponentId, topics: &[TopicName]) -> bool {
        let is_held = |name| self.topics.contains_key(name);
        self.components.get(id).is_some_and(|component| {
            component.withdrawn || component.resumes != self.resumes && !topics.iter().all(is_held)
        })
    }

    /// Gives up what a component that goes away shows.
    pub(super) fn release_topics(&mut self, topics: Vec<(&'static str, TopicName)>, is_shown: bool) {
        for (_, name) in topics {
            if is_shown {
                self.unview(&name);
            }
            self.release(&name);
        }
    }

    /// A component that shows the topic is shown by the page.
    pub(super) fn view(&mut self, name: &TopicName) {
        let Some(held) = self.topics.get_mut(name) else { return };
        held.viewers += 1;
        if held.viewers == 1 && self.port.is_connected() {
            held.floor = Rev::ZERO;
            held.subscribe(&self.port, None);
        }
    }

    /// The page does not show a component any more that shows the topic.
    pub(super) fn unview(&mut self, name: &TopicName) {
        let Some(held) = self.topics.get_mut(name) else { return };
        held.viewers -= 1;
        if held.viewers == 0 {
            held.subscription = None;
        }
    }

    fn hold(&mut self, topic: TopicRef) {
        if let Some(held) = self.topics.get_mut(topic.name()) {
            held.holders += 1;
            return;
        }
        let held = Held { topic, subscription: None, holders: 1, viewers: 0, floor: Rev::ZERO };
        self.topics.insert(held.topic.name().clone(), held);
    }

    fn release(&mut self, name: &TopicName) {
        let Some(held) = self.topics.get_mut(name) else { return };
        held.holders -= 1;
        if held.holders == 0 {
            self.topics.remove(name);
            self.port.unwatch(name);
        }
    }

    /// Nobody looks: what is held is not followed, so that updates do not cost anything for those who are away.
    pub(super) fn unfollow_topics(&mut self) {
        for held in self.topics.values_mut() {
            held.subscription = None;
        }
    }

    /// Somebody looks again, and was where `known` says.
    pub(super) fn follow_topics(&mut self, known: &[(StreamId, Epoch, Rev)]) {
        for (name, held) in self.topics.iter_mut().filter(|(_, held)| held.is_viewed()) {
            let position = known.iter().find_map(|(stream, epoch, rev)| match stream {
                StreamId::Topic(topic) if topic == name => Some((epoch, *rev)),
                StreamId::Topic(_) | StreamId::Component(_) => None,
            });
            held.floor = Rev::ZERO;
            held.subscribe(&self.port, position);
        }
    }
}

impl Held {
    /// Returns whether the page shows a component that shows the topic.
    pub(super) fn is_viewed(&self) -> bool {
        self.viewers > 0
    }

    /// From now on patches are delivered; what leads there from `known` goes into the outbox before any of them.
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
            // Made when its turn comes: it may as well contain what happens until then.
            CatchUp::Snapshot(_) => port.send_snapshot(stream.clone()),
        });
        match subscribed {
            Ok(subscription) => self.subscription = Some(subscription),
            Err(error) => {
                tracing::error!(topic = %Quoted(self.topic.name()), error = %Escaped(&error), "a topic's state cannot be written");
            }
        }
    }
}

impl Subscriber for Port {
    fn session(&self) -> &SessionId {
        Self::session(self)
    }

    fn deliver_patch(&self, topic: &TopicName, rev: Rev, patch: &Broadcast<TopicPatch>) {
        self.send_topic(topic, rev, || encode::topic_patch(topic, rev, patch));
    }

    fn deliver_topic_event(&self, topic: &TopicName, event: &Broadcast<ServerEvent>) {
        self.send_if_room(|| encode::topic_event(topic, event));
    }

    fn deliver_room_event(&self, component: &ComponentId, event: &ServerEvent) {
        self.post_event(Some(component.clone()), event.clone());
    }
}
