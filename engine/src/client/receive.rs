//! Handles messages from the server.

use vivaz_protocol::words;

use super::component::{Component, ComponentPhase};
use super::failure::{NOT_MOUNTED, SESSION_LOST, failure};
use super::output::Output;
use super::request::{Reply, Request, RequestKind};
use super::{Client, Slot, Topic, connection_state};
use crate::list::{retain, shift};
use crate::store::{Outcome, Stream, Tag, UpdateEnd};
use crate::value::{Key, Val, parse, write_count};

/// The envelope of a frame.
pub(super) struct Message<'a> {
    frame: &'a Val,
    pub(super) reference: Option<u64>,
    /// The component that the message concerns, or `None` if it concerns `topic`.
    pub(super) slot: Option<Slot>,
    topic: Key,
}

impl Message<'_> {
    fn rev(&self) -> u64 {
        self.frame.int_of(words::field::REV).unwrap_or(0)
    }
}

impl Client {
    /// Handles a frame from the socket.
    pub(crate) fn frame(&mut self, socket: u32, text: &str) {
        if socket != self.link.socket {
            return;
        }
        self.link.heard = true;
        // The client ignores frames that are not JSON or have an unknown type.
        let Some(mut frame) = parse(text) else { return };
        let payload = frame.take(words::field::PAYLOAD);
        let kind = frame.text_of(words::field::TYPE);
        if self.link.phase != connection_state::ConnectionPhase::Open {
            if kind == words::kind::WELCOME && self.link.phase == connection_state::ConnectionPhase::Opening {
                self.welcome(&payload);
            }
            return;
        }
        let id = frame.key_of(words::field::COMPONENT_ID);
        let is = |component: &Component| component.id == id && component.phase != ComponentPhase::Gone;
        let of = self.components.iter().find(|(_, component)| is(component));
        let message = Message {
            frame: &frame,
            reference: frame.int_of(words::field::REF),
            slot: of.map(|(slot, _)| *slot),
            topic: frame.key_of(words::field::TOPIC),
        };
        match kind {
            words::kind::STATE_UPDATE => self.update(&message, payload),
            words::kind::ACK => self.answer(&message, Reply::Success, payload),
            words::kind::ERROR => self.error(&message, payload),
            words::kind::COMPONENT_MOUNTED => self.mounted(&message, payload),
            words::kind::STATE_SNAPSHOT => self.snapshot(&message, payload),
            words::kind::EVENT => {
                for (slot, component) in self.components.iter() {
                    if message.slot == Some(*slot) || component.shows(message.topic) {
                        self.out.push(Output::Event { slot: *slot, event: payload.clone() });
                    }
                }
            }
            words::kind::COMPONENT_UNMOUNTED => self.taken_away(&message, &payload),
            words::kind::TEMPLATE => {
                let hash = payload.key_of(words::payload::HASH);
                retain(&mut self.templates, &mut |template| *template != hash);
                let mut payload = payload;
                self.out.push(Output::Template { hash, template: payload.take(words::payload::TEMPLATE) });
            }
            words::kind::DRAIN => {
                self.link.drain =
                    Some(payload.int_of(words::payload::RECONNECT_AFTER_MS).unwrap_or(0).min(60_000) as u32);
            }
            _ => {}
        }
    }

    fn welcome(&mut self, payload: &Val) {
        let resumed = payload.named(words::payload::RESUMED) == Some(&Val::Bool(true));
        let known = !self.session.is_empty();
        if let Some(ms) = payload.int_of(words::payload::HEARTBEAT_MS) {
            self.heartbeat = ms.clamp(100, 3_600_000) as u32;
        }
        let limit = |name| payload.named(words::payload::LIMITS).and_then(|limits| limits.int_of(name));
        self.in_flight = limit(words::payload::IN_FLIGHT).map_or(64, |n| n.max(1) as usize);
        self.message_bytes = limit(words::payload::MESSAGE_BYTES).map_or(65_536, |n| n as usize);
        if !resumed || self.requests.is_empty() {
            self.connections.clear();
        }
        self.connections.push(payload.text_of(words::payload::CONNECTION).into());
        self.session = payload.text_of(words::payload::SESSION).into();
        self.secret = payload.text_of(words::payload::RESUME).into();
        self.out.push(Output::Build(payload.text_of(words::payload::BUILD).into()));
        self.link.phase = connection_state::ConnectionPhase::Open;
        self.link.attempt = 0;
        self.link.code = 0;
        self.link.timer = self.after(self.heartbeat);
        self.unacknowledged = 0;
        if resumed {
            let done = payload.named(words::payload::DONE).and_then(Val::list).unwrap_or_default();
            for request in &mut self.requests {
                // The server sends the reply without a second request.
                request.sent = done.iter().any(|r| r.int() == Some(request.reference));
            }
        } else if known {
            self.lose_session();
        }
        for (_, component) in self.components.iter_mut() {
            component.stream.stale = false;
        }
        for topic in &mut self.topics {
            topic.stream.stale = false;
        }
        self.send_waiting();
        for at in 0..self.templates.len() {
            if let Some(hash) = self.templates.get(at) {
                self.ask_template(*hash);
            }
        }
    }

    /// Handles the loss of the session on the server. Components are mounted again from their
    /// payloads, and their edits are restored. Unanswered requests fail, except actions that may
    /// run twice, which are sent again.
    pub(super) fn lose_session(&mut self) {
        let mut requests = std::mem::take(&mut self.requests);
        requests.append(&mut self.retries);
        let lost = failure(SESSION_LOST, "the session is lost");
        let mut again = Vec::new();
        let mut kept: Vec<Tag> = Vec::new();
        while let Some(mut request) = shift(&mut requests) {
            if request.kind == RequestKind::Action
                && !self.is_pending(&mut request)
                && self.component(request.slot).is_some_and(|component| component.retries(request.name))
            {
                // Edits are restored below. The remaining tags are optimistic updates.
                self.take_back(&mut request);
                request.tries = 0;
                request.timer = 0;
                kept.extend_from_slice(&request.tags);
                again.push(request);
            } else if request.kind == RequestKind::Unmount {
                self.forget(request.slot);
            } else if request.kind == RequestKind::Action || request.ticket != 0 {
                if let Some(component) = self.component_mut(request.slot) {
                    retain(&mut component.edits, &mut |edit| !request.then.contains(&edit.tag));
                }
                self.report(&request, &lost);
            }
        }
        self.topics.clear();
        for slot in self.slots() {
            let Some(component) = self.component_mut(slot) else { continue };
            while let Some(edit) = shift(&mut component.edits) {
                component.typed.set(edit.field, edit.value);
            }
            let typed = std::mem::replace(&mut component.typed, Val::Obj(Vec::new()));
            component.stream.retain_optimistic(&kept);
            component.topics.clear();
            component.stream.epoch.clear();
            component.phase = ComponentPhase::Mounting;
            let request = Request::new(slot, RequestKind::Mount, &component.source);
            self.ask(request);
            for (field, value) in typed.into_fields() {
                self.edit(slot, field, value);
                self.commit(slot, field, 0);
            }
        }
        self.retries.append(&mut again);
        self.ask_waiting();
    }

    fn mounted(&mut self, message: &Message<'_>, mut payload: Val) {
        if let Some(slot) = message.slot
            && let Some(component) = self.component_mut(slot)
        {
            let (epoch, rev) = (message.frame.text_of(words::field::EPOCH), message.rev());
            let state = payload.take(words::payload::STATE);
            if state == Val::Null {
                // The state is the one that the page was painted with.
                component.stream.begin(epoch, rev);
            } else {
                component.stream.replace(state, epoch, rev);
            }
            component.template = payload.key_of(words::payload::TEMPLATE);
            component.retry = payload.take(words::payload::RETRY);
            component.phase = ComponentPhase::Live;
            component.topics = topics_of(payload.named(words::payload::TOPICS));
            self.drop_topics();
            self.out.push(Output::Mounted { slot });
        }
        self.answer(message, Reply::Success, Val::Null);
    }

    fn snapshot(&mut self, message: &Message<'_>, state: Val) {
        if message.slot.is_none()
            && message.topic != Key::NONE
            && !self.topics.iter().any(|topic| topic.name == message.topic)
        {
            self.topics.push(Topic { name: message.topic, stream: Stream::default() });
        }
        if let Some(stream) = self.stream_of(message) {
            stream.replace(state, message.frame.text_of(words::field::EPOCH), message.rev());
            for (slot, component) in self.components.iter() {
                if message.slot == Some(*slot) || message.slot.is_none() && component.shows(message.topic) {
                    self.out.push(Output::Replaced { slot: *slot });
                }
            }
        }
        self.answer(message, Reply::Success, Val::Null);
    }

    /// Returns the stream of the component or topic that a message concerns.
    fn stream_of(&mut self, message: &Message<'_>) -> Option<&mut Stream> {
        match message.slot {
            Some(slot) => self.stream(slot, Key::NONE),
            None if message.topic == Key::NONE => None,
            None => self.stream(0, message.topic),
        }
    }

    fn update(&mut self, message: &Message<'_>, patch: Val) {
        let (tags, is_merged) = self.tags_by(message);
        if let Some(stream) = self.stream_of(message) {
            let mut outcome = Outcome { before: stream.held(), is_merged, ending: UpdateEnd::Included };
            let changes = stream.patch(message.rev(), patch);
            match changes {
                Some(changes) => {
                    let slot = message.slot.unwrap_or_default();
                    // Typed values that the server has overwritten are not restored.
                    if message.slot.is_some()
                        && let Some(component) = self.component_mut(slot)
                        && let Val::Obj(typed) = &mut component.typed
                    {
                        let stream = &mut component.stream;
                        retain(typed, &mut |(property, value)| stream.confirmed(*property) == Some(value));
                    }
                    self.changed(slot, message.topic, changes);
                    for tag in &tags {
                        self.release_in(slot, message.topic, *tag, &mut outcome);
                    }
                }
                None if message.slot.is_some() => {
                    self.tell(
                        words::kind::RESYNC,
                        ",\"componentId\":",
                        message.frame.key_of(words::field::COMPONENT_ID),
                        "}",
                    );
                }
                None => self.tell(words::kind::RESYNC, ",\"topic\":", message.topic, "}"),
            }
        }
        if let Some(slot) = message.slot
            && let Some(topics) = message.frame.named(words::field::TOPICS)
            && let Some(component) = self.component_mut(slot)
        {
            component.topics = topics_of(Some(topics));
            self.drop_topics();
            self.out.push(Output::Replaced { slot });
        }
        self.answer(
            message,
            Reply::Success,
            message.frame.named(words::field::RESULT).cloned().unwrap_or_default(),
        );
    }

    /// Returns the tags of the requests that caused a patch, and whether it has several causes. The
    /// causes are the request that the patch answers and the requests that a topic's patch names,
    /// as one name or a list.
    fn tags_by(&self, message: &Message<'_>) -> (Vec<Tag>, bool) {
        let by = message.frame.named(words::field::BY).unwrap_or(&Val::Null);
        let names = by.list().unwrap_or(std::slice::from_ref(by));
        let mut tags = Vec::new();
        for request in &self.requests {
            let mut is_cause = Some(request.reference) == message.reference;
            for connection in &self.connections {
                let mut name = connection.clone();
                name.push(':');
                write_count(request.reference, &mut name);
                is_cause |= names.iter().any(|by| by.str() == Some(&name));
            }
            if is_cause {
                tags.extend_from_slice(&request.tags);
            }
        }
        (tags, names.len() > 1)
    }

    fn taken_away(&mut self, message: &Message<'_>, payload: &Val) {
        let Some(slot) = message.slot else { return };
        let reason =
            payload.named(words::payload::REASON).and_then(Val::str).unwrap_or("the component was unmounted");
        self.drop_waiting(slot);
        if let Some(component) = self.component_mut(slot) {
            component.stream.epoch.clear();
            component.topics.clear();
        }
        self.fail(slot, failure(NOT_MOUNTED, reason));
        self.drop_topics();
    }
}

fn topics_of(topics: Option<&Val>) -> Vec<(Key, Key)> {
    let mut named = Vec::new();
    if let Some(Val::Obj(topics)) = topics {
        for (field, topic) in topics {
            if let Some(topic) = topic.str() {
                named.push((*field, Key::of(topic)));
            }
        }
    }
    named
}
