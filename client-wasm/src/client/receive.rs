//! What the server says.

use super::component::{FieldEdit, Phase, Progress};
use super::link;
use super::output::{Failure, Output, Slot};
use super::request::{Kind, Request};
use super::{Client, Session, TRIES, Topic};
use crate::store::{Patched, Stream, Tag};
use crate::value::{Key, Val, parse};

impl Client {
    /// A frame came over the socket.
    pub(crate) fn frame(&mut self, socket: u32, text: &str) {
        if socket != self.link.socket {
            return;
        }
        self.link.heard = true;
        // What is not JSON, or of a type that this version does not know, is not for us.
        let Some(mut frame) = parse(text) else { return };
        let payload = frame.take("payload");
        let Some(kind) = frame.named("type").and_then(Val::str) else { return };
        if self.link.phase != link::Phase::Open {
            if kind == "WELCOME" && self.link.phase == link::Phase::Opening {
                self.welcome(&payload.unwrap_or_default());
            }
            return;
        }
        let message = Message::of(&frame);
        match kind {
            "STATE_UPDATE" => self.update(&message, payload.unwrap_or_default()),
            "ACK" => self.answer(&message, Ok(payload.unwrap_or_default())),
            "ERROR" => self.error(&message, &payload.unwrap_or_default()),
            "COMPONENT_MOUNTED" => self.mounted(&message, payload.unwrap_or_default()),
            "STATE_SNAPSHOT" => self.snapshot(&message, payload.unwrap_or_default()),
            "EVENT" => self.event(&message, payload.unwrap_or_default()),
            "COMPONENT_UNMOUNTED" => self.taken_away(&message, &payload.unwrap_or_default()),
            "TEMPLATE" => self.template(payload.unwrap_or_default()),
            "DRAIN" => {
                let after = payload.as_ref().and_then(|p| p.named("reconnectAfterMs")).and_then(Val::int);
                self.link.drain = Some(after.unwrap_or(0).min(60_000) as u32);
            }
            _ => {}
        }
    }

    fn welcome(&mut self, payload: &Val) {
        let text = |name| payload.named(name).and_then(Val::str).unwrap_or_default();
        let number = |name| payload.named("limits").and_then(|limits| limits.named(name)).and_then(Val::int);
        let resumed = payload.named("resumed") == Some(&Val::Bool(true));
        let known = self.session.is_some();
        if let Some(ms) = payload.named("heartbeatMs").and_then(Val::int) {
            self.heartbeat = ms.clamp(100, 3_600_000) as u32;
        }
        self.in_flight = number("inFlight").map_or(64, |n| n.max(1) as usize);
        self.message_bytes = number("messageBytes").map_or(65_536, |n| n as usize);
        let mut connections = match (&mut self.session, resumed) {
            (Some(session), true) => std::mem::take(&mut session.connections),
            _ => Vec::new(),
        };
        connections.push(text("connection").into());
        self.session =
            Some(Session { id: text("session").into(), secret: text("resume").into(), connections });
        self.link.phase = link::Phase::Open;
        self.link.attempt = 0;
        self.link.code = 0;
        self.link.timer = self.after(self.heartbeat);
        self.unacknowledged = 0;
        if resumed {
            let done = payload.named("done").and_then(Val::list).unwrap_or_default();
            for request in &mut self.requests {
                // Its reply follows by itself.
                request.sent = done.iter().any(|r| r.int() == Some(request.reference));
            }
        } else if known {
            self.lose_session();
        }
        for stream in self.streams_mut() {
            stream.stale = false;
        }
        self.send_waiting();
        let wanted = std::mem::take(&mut self.wanted);
        for hash in &wanted {
            self.ask_template(hash);
        }
        self.wanted = wanted;
    }

    /// The server does not know the session any more: everything is mounted again from where it came, what was typed
    /// is put back, and what was unanswered fails, but for actions that may be run twice: those are sent again.
    pub(super) fn lose_session(&mut self) {
        let lost = Failure::new("session_lost", "the server no longer has this session");
        let mut requests = std::mem::take(&mut self.requests);
        for (_, retried) in std::mem::take(&mut self.retries) {
            requests.extend(retried);
        }
        self.topics.clear();
        let mut kept: Vec<Tag> = Vec::new();
        for request in &mut requests {
            if let (Kind::Action { name, .. }, Some(Some(component))) =
                (&request.kind, self.components.get(request.slot as usize))
                && component.retries(name)
            {
                request.again();
                // Edits are put back by themselves; what is left are guesses.
                let mut at = 0;
                while let Some(tag) = request.tags.get(at) {
                    if component.edits.iter().any(|edit| edit.tag == *tag) {
                        request.tags.swap_remove(at);
                    } else {
                        kept.push(*tag);
                        at += 1;
                    }
                }
            }
        }
        let mut put_back: Vec<(Slot, Vec<(Key, Val)>)> = Vec::new();
        for slot in 0..self.components.len() as Slot {
            let Some(component) = self.component_mut(slot) else { continue };
            let mut typed = std::mem::take(&mut component.typed);
            for edit in std::mem::take(&mut component.edits) {
                typed.retain(|(field, _)| *field != edit.field);
                typed.push((edit.field, edit.value));
            }
            component.stream.forget_guesses(&kept);
            component.topics.clear();
            component.stream.epoch = "".into();
            component.phase = Phase::Mounting;
            let request = Request::mount(slot, component);
            let props = component.props.clone();
            self.ask(request);
            if let Some(props) = props {
                self.ask(Request::props(slot, &props));
            }
            put_back.push((slot, typed));
        }
        for (slot, typed) in put_back {
            for (field, value) in typed {
                self.edit(slot, field, value, false);
                self.commit(slot, field, None);
            }
        }
        for request in requests {
            match request.kind {
                Kind::Action { .. } if request.again => self.ask(request),
                Kind::Unmount => self.forget(request.slot),
                Kind::Mount | Kind::Props | Kind::Property { ticket: None, .. } => {}
                Kind::Action { .. } | Kind::Property { .. } => self.report(&request, &lost),
            }
        }
    }

    fn mounted(&mut self, message: &Message<'_>, mut payload: Val) {
        let Some(slot) = self.slot_of(message.component) else {
            return self.answer(message, Ok(Val::Null));
        };
        let state = payload.take("state").unwrap_or_default();
        let topics = payload.take("topics").map(topics_of).unwrap_or_default();
        let Some(component) = self.component_mut(slot) else { return };
        component.stream.replace(state, message.epoch, message.rev);
        component.template = payload.named("template").and_then(Val::str).unwrap_or_default().into();
        component.retry = payload.take("retry").unwrap_or_default();
        component.phase = Phase::Live;
        component.topics = topics;
        self.drop_topics();
        self.out.push(Output::Mounted { slot });
        self.answer(message, Ok(Val::Null));
    }

    fn snapshot(&mut self, message: &Message<'_>, state: Val) {
        if let Some(slot) = self.slot_of(message.component) {
            if let Some(component) = self.component_mut(slot) {
                component.stream.replace(state, message.epoch, message.rev);
                self.out.push(Output::Replaced { slot });
            }
        } else if let Some(name) = message.topic {
            let at = self.topics.iter().position(|topic| *topic.name == *name).unwrap_or_else(|| {
                self.topics.push(Topic { name: name.into(), stream: Stream::default() });
                self.topics.len() - 1
            });
            if let Some(topic) = self.topics.get_mut(at) {
                topic.stream.replace(state, message.epoch, message.rev);
            }
            for (slot, component) in self.components.iter().enumerate() {
                if component.as_ref().is_some_and(|c| c.topics.iter().any(|(_, topic)| **topic == *name)) {
                    self.out.push(Output::Replaced { slot: slot as Slot });
                }
            }
        }
        self.answer(message, Ok(Val::Null));
    }

    fn update(&mut self, message: &Message<'_>, patch: Val) {
        if let Some(slot) = self.slot_of(message.component) {
            let Some(component) = self.component_mut(slot) else { return };
            let mut fields: Vec<(Key, Val)> = Vec::new();
            if let Val::Obj(patch) = &patch
                && !(component.typed.is_empty() && component.edits.is_empty())
            {
                fields.clone_from(patch);
            }
            match component.stream.patch(message.rev, patch) {
                Patched::Changed(mut changes) => {
                    for (field, value) in fields {
                        // What the server sets to something else is no longer what the user typed.
                        component.typed.retain(|(key, typed)| *key != field || *typed == value);
                        for edit in component.edits.iter().filter(|edit| edit.force && edit.field == field) {
                            changes.extend(component.stream.release(edit.tag));
                        }
                    }
                    self.changed(slot, None, changes);
                }
                Patched::Old => {}
                Patched::Lost => {
                    component.stream.stale = true;
                    let id = component.id.clone();
                    self.resync("componentId", &id);
                }
            }
            if let Some(topics) = message.topics
                && let Some(component) = self.component_mut(slot)
            {
                component.topics = topics_of(topics.clone());
                self.drop_topics();
                self.out.push(Output::Replaced { slot });
            }
        } else if let Some(name) = message.topic
            && let Some(at) = self.topics.iter().position(|topic| *topic.name == *name)
            && let Some(topic) = self.topics.get_mut(at)
        {
            match topic.stream.patch(message.rev, patch) {
                Patched::Changed(mut changes) => {
                    if let Some(tags) = message.by.and_then(|by| self.tags_by(by))
                        && let Some(topic) = self.topics.get_mut(at)
                    {
                        for tag in tags {
                            changes.extend(topic.stream.release(tag));
                        }
                    }
                    self.topic_changed(at, &changes);
                }
                Patched::Old => {}
                Patched::Lost => {
                    topic.stream.stale = true;
                    self.resync("topic", name);
                }
            }
        }
        self.answer(message, Ok(message.result.cloned().unwrap_or_default()));
    }

    /// The guesses of the request of ours that a topic's patch names as its cause.
    fn tags_by(&self, by: &str) -> Option<Vec<u64>> {
        let colon = by.bytes().rposition(|byte| byte == b':')?;
        let (connection, reference) = (by.get(..colon)?, by.get(colon + 1..)?);
        let ours = self.session.as_ref()?.connections.iter().any(|known| **known == *connection);
        let reference: i64 = reference.parse().ok()?;
        let request = self.requests.iter().find(|request| ours && request.reference as i64 == reference)?;
        Some(request.tags.clone())
    }

    fn error(&mut self, message: &Message<'_>, payload: &Val) {
        let failure = Failure::of(payload);
        // What was sent behind a mount that has to be tried again is tried again after it.
        let early = &*failure.code == "not_mounted"
            && self
                .slot_of(message.component)
                .and_then(|slot| self.component(slot))
                .is_some_and(|component| component.phase == Phase::Mounting);
        if (early || matches!(&*failure.code, "rate_limited" | "overloaded"))
            && let Some(at) = self.requests.iter().position(|r| Some(r.reference) == message.reference)
            && self.requests.get(at).is_some_and(|request| request.tries < TRIES)
        {
            let mut request = self.requests.remove(at);
            request.tries += 1;
            request.sent = false;
            self.unacknowledged += 1;
            self.take_back(&mut request);
            let asked = payload.named("retryMs").and_then(Val::int).unwrap_or(500).min(30_000) as u32;
            let timer = self.after(asked + 50 * u32::from(request.tries));
            self.retries.push((timer, vec![request]));
            return self.send_waiting();
        }
        self.answer(message, Err(failure));
    }

    /// The edits that a message carried were not taken: they wait again, but for those of which there are newer ones.
    fn take_back(&mut self, request: &mut Request) {
        let slot = request.slot;
        request.carries_nothing();
        let Some(component) = self.component_mut(slot) else { return };
        let mut guesses: Vec<Tag> = Vec::new();
        let mut old: Vec<Tag> = Vec::new();
        for tag in std::mem::take(&mut request.tags) {
            let Some(at) = component.edits.iter().position(|edit| edit.tag == tag) else {
                guesses.push(tag);
                continue;
            };
            if component.edits.get(at).is_some_and(|edit| component.has_newer(edit)) {
                component.edits.remove(at);
                old.push(tag);
            } else if let Some(edit) = component.edits.get_mut(at) {
                edit.progress = Progress::Due;
            }
        }
        request.tags = guesses;
        for tag in old {
            self.release(slot, tag);
        }
    }

    /// A reply makes an end of its request.
    fn answer(&mut self, message: &Message<'_>, outcome: Result<Val, Failure>) {
        let Some(at) = self.requests.iter().position(|r| Some(r.reference) == message.reference) else {
            return;
        };
        let request = self.requests.remove(at);
        self.unacknowledged += 1;
        match outcome {
            Ok(value) => {
                self.done(&request, true, None);
                if let Some(ticket) = request.kind.ticket() {
                    self.out.push(Output::Settled { ticket, outcome: Ok(value) });
                }
            }
            Err(failure) => self.refuse(&request, &failure),
        }
        self.send_waiting();
    }

    /// The request came to nothing.
    pub(super) fn refuse(&mut self, request: &Request, failure: &Failure) {
        // Edits that went along with an action are refused when one of them is; otherwise they stay.
        let edits = matches!(&*failure.code, "bad_value" | "unknown_property" | "read_only_property");
        let property = matches!(request.kind, Kind::Property { .. });
        self.done(request, !(edits || property), Some(failure));
        match request.kind {
            Kind::Mount => {
                if let Some(component) = self.component_mut(request.slot) {
                    component.phase = Phase::Failed(failure.clone());
                    self.out.push(Output::Failed { slot: request.slot, failure: failure.clone() });
                }
            }
            Kind::Unmount => {}
            Kind::Action { .. } | Kind::Property { .. } | Kind::Props => self.report(request, failure),
        }
    }

    /// Tells whoever waits for the request that it failed, or else the page.
    fn report(&mut self, request: &Request, failure: &Failure) {
        let slot = request.slot;
        match (&request.kind, request.kind.ticket()) {
            (_, Some(ticket)) => self.out.push(Output::Settled { ticket, outcome: Err(failure.clone()) }),
            (Kind::Action { name, .. }, None) => {
                self.out.push(Output::ActionFailed { slot, action: name.clone(), failure: failure.clone() });
            }
            (Kind::Mount | Kind::Property { .. } | Kind::Props | Kind::Unmount, None) => {
                self.out.push(Output::ActionFailed { slot, action: "".into(), failure: failure.clone() });
            }
        }
    }

    /// Makes an end of what the request showed and held.
    fn done(&mut self, request: &Request, accepted: bool, failure: Option<&Failure>) {
        let slot = request.slot;
        if matches!(request.kind, Kind::Unmount) {
            return self.forget(slot);
        }
        let mut due = Vec::new();
        // Guesses that go: those of the request, those of older edits; but not of edits that wait again.
        let mut gone = request.tags.clone();
        let alone = matches!(request.kind, Kind::Property { .. });
        if let Some(component) = self.component_mut(slot) {
            let mut kept: Vec<FieldEdit> = Vec::new();
            let mut answered: Vec<FieldEdit> = Vec::new();
            for edit in std::mem::take(&mut component.edits) {
                if request.tags.contains(&edit.tag) { answered.push(edit) } else { kept.push(edit) }
            }
            component.edits = kept;
            for mut edit in answered {
                // An action may have done with the value what it was typed for, as a chat clears its draft.
                let confirmed = component.stream.confirmed(edit.field).cloned();
                if accepted {
                    let newest = edit.tag;
                    let mut at = 0;
                    while let Some(older) = component.edits.get(at) {
                        if older.field == edit.field && older.tag < newest {
                            gone.push(component.edits.remove(at).tag);
                        } else {
                            at += 1;
                        }
                    }
                    // The action failed, perhaps before what went along with it was taken.
                    if failure.is_some()
                        && confirmed.as_ref() != Some(&edit.value)
                        && !component.has_newer(&edit)
                    {
                        gone.retain(|tag| *tag != newest);
                        edit.progress = Progress::Waiting;
                        component.edits.push(edit);
                        continue;
                    }
                }
                let kept = confirmed.filter(|value| alone || *value == edit.value);
                component.note_typed(edit.field, kept.filter(|_| accepted));
            }
            let fields = request.kind.fields();
            for edit in &component.edits {
                if edit.progress == Progress::Due && fields.contains(&edit.field) {
                    due.push(edit.field);
                }
            }
        }
        if !accepted && let Some(failure) = failure {
            for field in request.kind.fields() {
                self.out.push(Output::Refused { slot, field: *field, failure: failure.clone() });
            }
        }
        for tag in gone {
            self.release(slot, tag);
        }
        for field in due {
            self.commit(slot, field, None);
        }
        if let Kind::Action { origin: Some(origin), .. } = request.kind {
            self.out.push(Output::Answered { slot, origin });
        }
        self.out.push(Output::Wire { slot });
    }

    fn event(&mut self, message: &Message<'_>, mut payload: Val) {
        let name: Box<str> = payload.named("name").and_then(Val::str).unwrap_or_default().into();
        let data = payload.take("data").unwrap_or_default();
        for (slot, component) in self.components.iter().enumerate() {
            let Some(component) = component else { continue };
            let meant = message.component.is_some_and(|id| *component.id == *id)
                || message
                    .topic
                    .is_some_and(|name| component.topics.iter().any(|(_, topic)| **topic == *name));
            if meant {
                self.out.push(Output::Event { slot: slot as Slot, name: name.clone(), data: data.clone() });
            }
        }
    }

    fn taken_away(&mut self, message: &Message<'_>, payload: &Val) {
        let Some(slot) = self.slot_of(message.component) else { return };
        let reason =
            payload.named("reason").and_then(Val::str).unwrap_or("the server unmounted the component");
        let failure = Failure::new("not_mounted", reason);
        self.drop_waiting(slot);
        if let Some(component) = self.component_mut(slot) {
            component.phase = Phase::Failed(failure.clone());
            component.stream.epoch = "".into();
            component.topics.clear();
            self.out.push(Output::Failed { slot, failure });
        }
        self.drop_topics();
    }

    fn template(&mut self, mut payload: Val) {
        let hash: Box<str> = payload.named("hash").and_then(Val::str).unwrap_or_default().into();
        self.wanted.retain(|wanted| *wanted != hash);
        let template = payload.take("template").unwrap_or_default();
        self.out.push(Output::Template { hash, template });
    }

    fn slot_of(&self, id: Option<&str>) -> Option<Slot> {
        let id = id?;
        // The newest: an id is used again when an element with it comes back.
        let at = self.components.iter().rposition(|c| c.as_ref().is_some_and(|c| *c.id == *id))?;
        Some(at as Slot)
    }

    fn streams_mut(&mut self) -> impl Iterator<Item = &mut Stream> {
        let components = self.components.iter_mut().flatten().map(|component| &mut component.stream);
        components.chain(self.topics.iter_mut().map(|topic| &mut topic.stream))
    }
}

/// The envelope of a frame.
struct Message<'a> {
    reference: Option<u64>,
    component: Option<&'a str>,
    topic: Option<&'a str>,
    topics: Option<&'a Val>,
    rev: u64,
    epoch: &'a str,
    by: Option<&'a str>,
    result: Option<&'a Val>,
}

impl<'a> Message<'a> {
    fn of(frame: &'a Val) -> Self {
        let text = |name| frame.named(name).and_then(Val::str);
        Self {
            reference: frame.named("ref").and_then(Val::int),
            component: text("componentId"),
            topic: text("topic"),
            topics: frame.named("topics"),
            rev: frame.named("rev").and_then(Val::int).unwrap_or(0),
            epoch: text("epoch").unwrap_or_default(),
            by: text("by"),
            result: frame.named("result"),
        }
    }
}

fn topics_of(topics: Val) -> Vec<(Key, Box<str>)> {
    let mut named = Vec::new();
    for (field, topic) in topics.into_fields() {
        if let Val::Str(topic) = topic {
            named.push((field, topic));
        }
    }
    named
}
