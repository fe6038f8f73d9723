//! The page's side of the protocol, as a state machine: it knows neither sockets nor clocks nor the DOM.
//!
//! In come what the user wants, frames, timers and what became of a socket; out come [`Output`]s, in the order in
//! which they have to be done. What is not answered is kept, sent again over the next connection, and shown as a
//! guess until then.

mod component;
mod link;
mod output;
mod receive;
mod request;

pub(crate) use component::{Component, Phase};
pub(crate) use output::{Origin, Output, Slot, Status};
pub(crate) use request::{Kind, Request};

use std::rc::Rc;

use component::{FieldEdit, Progress};
use link::Link;
use output::failure;

use crate::patch::Change;
use crate::store::{Edit, Stream, Tag};
use crate::value::{Key, Val, write_count, write_string};

/// How many messages may wait while there is no connection; beyond that a call fails at once.
const QUEUE: usize = 500;
/// How many replies may come before one of our messages says so.
const ACK_EVERY: u32 = 16;
/// How often a message is tried again when the server says that it is busy.
const TRIES: u32 = 8;

/// A topic's state and its name.
#[derive(Debug)]
struct Topic {
    name: Key,
    stream: Stream,
}

#[derive(Debug)]
pub(crate) struct Client {
    link: Link,
    /// The session, and the secret to resume it with; no names as long as there is none.
    session: Key,
    secret: Key,
    /// The connections that this session had here: a topic's patch names one as its author.
    connections: Vec<Key>,
    components: Vec<Component>,
    topics: Vec<Topic>,
    /// Unanswered, in the order of their refs.
    requests: Vec<Request>,
    /// Messages to try again, when their timer says so.
    retries: Vec<Request>,
    last_reference: u64,
    last_tag: Tag,
    last_timer: u32,
    /// Replies since the last acknowledgement.
    unacknowledged: u32,
    heartbeat: u32,
    in_flight: usize,
    message_bytes: usize,
    /// Templates asked for over the socket.
    wanted: Vec<Key>,
    status: Option<(Status, u32, u32)>,
    out: Vec<Output>,
}

impl Client {
    /// `seed` makes the pauses between tries differ from those of other pages.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            link: Link::new(seed),
            session: Key::NONE,
            secret: Key::NONE,
            connections: Vec::new(),
            components: Vec::new(),
            topics: Vec::new(),
            requests: Vec::new(),
            retries: Vec::new(),
            last_reference: 0,
            last_tag: 0,
            last_timer: 0,
            unacknowledged: 0,
            heartbeat: 30_000,
            in_flight: 64,
            message_bytes: 65_536,
            wanted: Vec::new(),
            status: None,
            out: Vec::new(),
        }
    }

    /// What is to be done now.
    pub(crate) fn take(&mut self) -> Vec<Output> {
        let now = (self.link.status(), self.link.attempt, self.queued());
        if self.status != Some(now) && self.link.phase != link::Phase::Idle {
            let before = self.status.replace(now).map(|(status, ..)| status);
            let (status, attempt, queued) = now;
            self.out.push(Output::Status { status, attempt, code: self.link.code, queued });
            if (before == Some(Status::Connected)) != (status == Status::Connected) {
                for slot in 0..self.components.len() as Slot {
                    if self.component(slot).is_some() {
                        self.out.push(Output::Wire { slot });
                    }
                }
            }
        }
        std::mem::take(&mut self.out)
    }

    // What the page wants.

    /// Mounts a component from the payload of its message. `id` is its name on the wire, unique in this page.
    pub(crate) fn mount(&mut self, id: &str, source: String) -> Slot {
        let slot = self.components.len() as Slot;
        let request = Request::new(slot, Kind::Mount, &source);
        let id = Key::of(id);
        let typed = Val::Obj(Vec::new());
        self.components.push(Component { id, source, phase: Phase::Mounting, typed, ..Component::default() });
        self.ask(request);
        if self.link.phase == link::Phase::Idle {
            self.connect();
        }
        slot
    }

    /// Unmounts it; nobody hears of it again.
    pub(crate) fn unmount(&mut self, slot: Slot) {
        let Some(component) = self.component(slot) else { return };
        let failed = component.phase == Phase::Failed;
        self.drop_waiting(slot);
        if self.session != Key::NONE && !failed {
            self.ask(Request::new(slot, Kind::Unmount, ""));
        } else {
            self.forget(slot);
        }
    }

    /// Calls an action. `arguments` is a JSON array, or empty; `guesses` show its effect until the answer. A `ticket`
    /// that is not 0 is settled with the outcome.
    pub(crate) fn action(
        &mut self,
        slot: Slot,
        name: Key,
        arguments: &str,
        origin: Origin,
        ticket: u32,
        guesses: Vec<(Key, Edit)>,
    ) {
        if self.component(slot).is_none() {
            return;
        }
        let mut request = Request::action(slot, name, arguments);
        request.origin = origin;
        request.ticket = ticket;
        if !guesses.is_empty() {
            request.tags.push(self.guess(slot, guesses));
        }
        self.ask_with_edits(request);
    }

    /// Sends an action, and with it the edits that have not gone out.
    fn ask_with_edits(&mut self, mut request: Request) {
        let mut set = Vec::new();
        if let Some(component) = self.component_mut(request.slot) {
            for edit in &mut component.edits {
                if edit.progress != Progress::Sent {
                    edit.progress = Progress::Sent;
                    request.tags.push(edit.tag);
                    set.push((edit.field, edit.value.clone()));
                }
            }
        }
        if !set.is_empty() {
            request.carry(Val::Obj(set));
        }
        self.ask(request);
    }

    /// A guess of the page's own code; it stays until [`Client::release`]. Each edit comes with the shared field whose
    /// topic it is about, or none.
    pub(crate) fn guess(&mut self, slot: Slot, guesses: Vec<(Key, Edit)>) -> Tag {
        self.last_tag += 1;
        let tag = self.last_tag;
        let (mut changes, mut last) = (Vec::new(), Key::NONE);
        for (shared, edit) in guesses {
            let topic =
                self.component(slot).and_then(|component| component.topic(shared)).unwrap_or_default();
            if topic != last {
                self.changed(slot, last, std::mem::take(&mut changes));
                last = topic;
            }
            if let Some(stream) = self.stream(slot, topic) {
                stream.guess(tag, edit, &mut changes);
            }
        }
        self.changed(slot, last, changes);
        tag
    }

    /// Takes a guess back, or makes an end of it: the state says it itself by now.
    pub(crate) fn release(&mut self, slot: Slot, tag: Tag) {
        let mut topic = Key::NONE;
        let mut at = 0;
        loop {
            if let Some(stream) = self.stream(slot, topic) {
                let mut changes = Vec::new();
                stream.release(tag, &mut changes);
                self.changed(slot, topic, changes);
            }
            let Some(next) = self.topics.get(at) else { return };
            topic = next.name;
            at += 1;
        }
    }

    /// A `model` field was edited: it shows at once. It goes out when its moment comes, at the latest with an action.
    /// With `force` whatever the server says of the field meanwhile shows at once.
    pub(crate) fn edit(&mut self, slot: Slot, field: Key, value: Val, force: bool) {
        self.last_tag += 1;
        let tag = self.last_tag;
        let Some(component) = self.component_mut(slot) else { return };
        let mut changes = Vec::new();
        component.stream.guess(tag, Edit::set(field, value.clone()), &mut changes);
        match component.edits.iter_mut().find(|e| e.field == field && e.progress != Progress::Sent) {
            Some(waiting) => {
                component.stream.release(waiting.tag, &mut changes);
                waiting.value = value;
                waiting.tag = tag;
            }
            None => component.edits.push(FieldEdit { field, value, tag, progress: Progress::Waiting, force }),
        }
        self.changed(slot, Key::NONE, changes);
        self.out.push(Output::Wire { slot });
    }

    /// The moment of an edit has come. While one of the field is unanswered it waits for the answer, so that a fast
    /// typist on a slow line sends what stands there and not each letter.
    ///
    /// `false` if nothing of the field waits.
    pub(crate) fn commit(&mut self, slot: Slot, field: Key, ticket: u32) -> bool {
        let Some(component) = self.component_mut(slot) else { return false };
        let (mut busy, mut waiting) = (false, None);
        for edit in &mut component.edits {
            if edit.field == field {
                if edit.progress == Progress::Sent { busy = true } else { waiting = Some(edit) }
            }
        }
        let Some(edit) = waiting else { return false };
        if busy && ticket == 0 {
            edit.progress = Progress::Due;
            return true;
        }
        edit.progress = Progress::Sent;
        let mut request = Request::property(slot, field, &edit.value);
        request.ticket = ticket;
        request.tags.push(edit.tag);
        self.ask(request);
        true
    }

    /// A parent gives its child other props.
    pub(crate) fn props(&mut self, slot: Slot, props: &str) {
        let Some(component) = self.component_mut(slot) else { return };
        component.props = props.into();
        self.ask(Request::props(slot, props));
    }

    /// Asks for a template over the socket, where HTTP did not give it.
    pub(crate) fn want_template(&mut self, hash: Key) {
        if !self.wanted.contains(&hash) {
            self.wanted.push(hash);
            self.ask_template(hash);
        }
    }

    // What becomes of the connection.

    /// The socket is open: say who we are.
    pub(crate) fn opened(&mut self, socket: u32) {
        if socket == self.link.socket && self.link.phase == link::Phase::Opening {
            let hello = self.hello();
            self.out.push(Output::Send(hello));
        }
    }

    /// The socket is gone. Code 1006 where there is none.
    pub(crate) fn closed(&mut self, socket: u32, code: u16) {
        if socket == self.link.socket
            && !matches!(self.link.phase, link::Phase::Pausing | link::Phase::Stopped)
        {
            self.ended(code);
        }
    }

    fn ended(&mut self, code: u16) {
        for request in &mut self.requests {
            request.sent = false;
        }
        self.link.code = code;
        self.link.phase = link::Phase::Stopped;
        match code {
            // Not the user of this page, or not its version.
            4401 | 4426 => return self.out.push(Output::Reload),
            // Taken over, until the user does something; or it would go wrong again.
            4409 | 1009 | 4400 => return,
            // A server that is full or flooded.
            4429 | 4503 => self.link.attempt = self.link.attempt.max(link::SLOWLY),
            _ => {}
        }
        self.link.phase = link::Phase::Pausing;
        let pause = self.link.pause();
        self.link.timer = self.after(pause);
        if code == 4410 {
            // Only now: nothing goes out over a socket that is gone.
            self.session = Key::NONE;
            self.lose_session();
        }
    }

    /// Time is up for one of the [`Output::Timer`]s.
    pub(crate) fn timer(&mut self, token: u32) {
        if let Some(at) = self.retries.iter().position(|request| request.timer == token) {
            let request = self.retries.remove(at);
            match request.kind {
                Kind::Action => self.ask_with_edits(request),
                // What stands there now, if it did not go out with something else.
                Kind::Property => {
                    if !self.commit(request.slot, request.name, request.ticket) {
                        self.settle(&request, true, Val::Null);
                    }
                }
                Kind::Mount | Kind::Props | Kind::Unmount => self.ask(request),
            }
            return;
        }
        if token != self.link.timer {
            return;
        }
        match self.link.phase {
            link::Phase::Pausing => self.connect(),
            link::Phase::Open if self.link.heard => self.beat(self.heartbeat),
            link::Phase::Opening | link::Phase::Open => {
                // The socket says nothing any more; a close frame would wait for an answer just as long.
                self.out.push(Output::Close { code: 1000 });
                self.link.socket += 1;
                self.ended(1006);
            }
            link::Phase::Idle | link::Phase::Stopped => {}
        }
    }

    /// The browser is online again, or the page is looked at again, or the user asks for it: no pause.
    pub(crate) fn wake(&mut self) {
        match self.link.phase {
            link::Phase::Pausing | link::Phase::Stopped => self.connect(),
            link::Phase::Open => self.beat(link::PROBE),
            link::Phase::Idle | link::Phase::Opening => {}
        }
    }

    /// The page goes away: for good (the session ends), or into the browser's back-forward cache.
    pub(crate) fn leave(&mut self, for_good: bool) {
        if matches!(self.link.phase, link::Phase::Opening | link::Phase::Open) {
            self.out.push(Output::Close { code: if for_good { 4000 } else { 1000 } });
            self.ended(1000);
        }
        self.link.phase = link::Phase::Stopped;
    }

    /// What is unanswered, as JSON, for the page that a reload makes: `hello` goes on with this session, `frames` went
    /// out and may have been handled, `calls` never left. Empty if there is nothing.
    pub(crate) fn keep(&self) -> String {
        let (mut frames, mut calls) = (String::new(), String::new());
        for request in &self.requests {
            let Some(component) = self.component(request.slot) else { continue };
            let list = if request.left { &mut frames } else { &mut calls };
            if request.kind == Kind::Action || request.kind == Kind::Property && request.left {
                list.push_str(if list.is_empty() { "" } else { "," });
                if request.left {
                    list.push_str(&request.frame(component.id, 0));
                } else {
                    request.call(list);
                }
            }
        }
        let mut kept = String::new();
        if !(frames.is_empty() && calls.is_empty()) {
            for part in
                ["{\"hello\":", &self.hello(), ",\"frames\":[", &frames, "],\"calls\":[", &calls, "]}"]
            {
                kept.push_str(part);
            }
        }
        kept
    }

    fn connect(&mut self) {
        self.link.phase = link::Phase::Opening;
        self.link.socket += 1;
        self.link.attempt += 1;
        self.out.push(Output::Connect { socket: self.link.socket });
        self.link.timer = self.after(link::OPENING);
    }

    /// Asks for a sign of life within that time.
    fn beat(&mut self, ms: u32) {
        self.link.heard = false;
        self.unacknowledged = 0;
        let mut frame = String::from("{\"v\":1,\"type\":\"PING\",\"ack\":");
        write_count(self.acknowledged(), &mut frame);
        frame.push('}');
        self.out.push(Output::Send(frame));
        self.link.timer = self.after(ms);
    }

    fn after(&mut self, ms: u32) -> u32 {
        self.last_timer += 1;
        self.out.push(Output::Timer { token: self.last_timer, ms });
        self.last_timer
    }

    // Messages.

    fn hello(&self) -> String {
        let mut hello = String::from("{\"v\":1,\"type\":\"HELLO\",\"payload\":{");
        if self.session != Key::NONE {
            hello.push_str("\"session\":");
            write_string(self.session.name(), &mut hello);
            hello.push_str(",\"resume\":");
            write_string(self.secret.name(), &mut hello);
            hello.push_str(",\"acked\":");
            write_count(self.acknowledged(), &mut hello);
            hello.push_str(",\"streams\":");
            let mut comma = '{';
            let mut position = |prefix: &str, name: Key, stream: &Stream| {
                if stream.epoch != Key::NONE {
                    hello.push(comma);
                    comma = ',';
                    let mut key = String::from(prefix);
                    key.push_str(name.name());
                    write_string(&key, &mut hello);
                    hello.push_str(":[");
                    write_string(stream.epoch.name(), &mut hello);
                    hello.push(',');
                    write_count(stream.rev, &mut hello);
                    hello.push(']');
                }
            };
            for component in &self.components {
                position("c:", component.id, &component.stream);
            }
            for topic in &self.topics {
                position("t:", topic.name, &topic.stream);
            }
            hello.push_str(if comma == '{' { "{}" } else { "}" });
        }
        hello.push_str("}}");
        hello
    }

    /// Every reply up to this ref is here.
    fn acknowledged(&self) -> u64 {
        self.requests.first().map_or(self.last_reference, |request| request.reference - 1)
    }

    /// Puts a message in line and sends what can go.
    fn ask(&mut self, mut request: Request) {
        let slot = request.slot;
        if self.requests.len() >= QUEUE && !matches!(request.kind, Kind::Mount | Kind::Unmount) {
            return self.refuse(&request, &failure("overloaded", "too much is waiting for the connection"));
        }
        self.last_reference += 1;
        request.reference = self.last_reference;
        self.requests.push(request);
        self.send_waiting();
        self.out.push(Output::Wire { slot });
    }

    /// Sends, in order, what has not gone over this connection, as far as the server takes it.
    fn send_waiting(&mut self) {
        if self.link.phase != link::Phase::Open {
            return;
        }
        let mut room = self.in_flight.saturating_sub(self.requests.iter().filter(|r| r.sent).count());
        let mut at = 0;
        while room > 0 {
            let ack = if self.unacknowledged >= ACK_EVERY { self.acknowledged() } else { 0 };
            let Some(request) = self.requests.get_mut(at) else { break };
            at += 1;
            if request.sent {
                continue;
            }
            let Some(component) = self.components.get(request.slot as usize) else { continue };
            let frame = request.frame(component.id, ack);
            if frame.len() > self.message_bytes {
                at -= 1;
                let request = self.requests.remove(at);
                self.refuse(&request, &failure("too_large", "the message is larger than the server takes"));
                continue;
            }
            if ack != 0 {
                self.unacknowledged = 0;
            }
            request.sent = true;
            request.left = true;
            room -= 1;
            self.out.push(Output::Send(frame));
        }
    }

    /// How many actions and edits wait for a connection.
    fn queued(&self) -> u32 {
        let mut queued = 0;
        if self.link.phase != link::Phase::Open {
            for request in &self.requests {
                queued += u32::from(matches!(request.kind, Kind::Action | Kind::Property));
            }
        }
        queued
    }

    fn ask_template(&mut self, hash: Key) {
        if self.link.phase == link::Phase::Open {
            self.tell("TEMPLATE\",\"payload\":{\"hash\":", hash, "}}");
        }
    }

    /// Sends a message that has nothing but a name in it.
    fn tell(&mut self, what: &str, name: Key, end: &str) {
        let mut frame = String::from("{\"v\":1,\"type\":\"");
        frame.push_str(what);
        write_string(name.name(), &mut frame);
        frame.push_str(end);
        self.out.push(Output::Send(frame));
    }

    // What views ask for.

    pub(crate) fn component(&self, slot: Slot) -> Option<&Component> {
        self.components.get(slot as usize).filter(|component| component.phase != Phase::Gone)
    }

    fn component_mut(&mut self, slot: Slot) -> Option<&mut Component> {
        self.components.get_mut(slot as usize).filter(|component| component.phase != Phase::Gone)
    }

    /// The state of a component, or of a topic if there is a name.
    fn stream(&mut self, slot: Slot, topic: Key) -> Option<&mut Stream> {
        if topic == Key::NONE {
            return Some(&mut self.component_mut(slot)?.stream);
        }
        self.topics.iter_mut().find(|known| known.name == topic).map(|topic| &mut topic.stream)
    }

    /// A field as a template sees it: the component's own, or the state of the topic under it.
    pub(crate) fn root(&self, slot: Slot, field: Key) -> Option<&Val> {
        let component = self.component(slot)?;
        let topic = component.topic(field);
        match self.topics.iter().find(|known| Some(known.name) == topic) {
            Some(topic) => Some(topic.stream.state()),
            None => component.stream.state().at(field),
        }
    }

    /// Everything that a component shows, shared fields included.
    pub(crate) fn whole(&self, slot: Slot) -> Val {
        let Some(component) = self.component(slot) else { return Val::Null };
        let mut state = component.stream.state().clone();
        for (field, _) in &component.topics {
            if let Some(value) = self.root(slot, *field) {
                state.set(*field, value.clone());
            }
        }
        state
    }

    /// The confirmed value of an own field.
    pub(crate) fn confirmed(&self, slot: Slot, field: Key) -> Option<&Val> {
        self.component(slot)?.stream.confirmed(field)
    }

    /// Whether something of the component is unanswered that is as asked.
    pub(crate) fn waits(&self, slot: Slot, is: &dyn Fn(&Request) -> bool) -> bool {
        let any = |list: &[Request]| list.iter().any(|request| request.slot == slot && is(request));
        any(&self.requests) || any(&self.retries)
    }

    /// Whether an edit of the field, or of any, is not acknowledged.
    pub(crate) fn is_dirty(&self, slot: Slot, field: Option<&str>) -> bool {
        self.component(slot).is_some_and(|component| {
            component.edits.iter().any(|edit| field.is_none_or(|field| edit.field.name() == field))
        })
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.link.phase == link::Phase::Open
    }

    // Telling.

    /// Tells what changed in the component, or in the topic: everybody who shows that.
    fn changed(&mut self, slot: Slot, topic: Key, changes: Vec<Change>) {
        if changes.is_empty() {
            return;
        }
        let changes = Rc::new(changes);
        if topic == Key::NONE {
            return self.out.push(Output::Changed { slot, shared: None, changes });
        }
        for (slot, component) in self.components.iter().enumerate() {
            for (field, name) in &component.topics {
                if *name == topic {
                    let (shared, changes) = (Some(*field), Rc::clone(&changes));
                    self.out.push(Output::Changed { slot: slot as Slot, shared, changes });
                }
            }
        }
    }

    /// Tells whoever waits for the request what it came to, if somebody does.
    fn settle(&mut self, request: &Request, ok: bool, value: Val) {
        if request.ticket != 0 {
            self.out.push(Output::Settled { ticket: request.ticket, ok, value });
        }
    }

    /// Drops what waits for a component that goes away.
    fn drop_waiting(&mut self, slot: Slot) {
        for request in std::mem::take(&mut self.requests) {
            if request.slot == slot {
                self.settle(&request, false, failure("not_mounted", "the component was unmounted"));
            } else {
                self.requests.push(request);
            }
        }
    }

    /// Lets go of a component and of the topics that nobody else shows.
    fn forget(&mut self, slot: Slot) {
        if let Some(place) = self.components.get_mut(slot as usize) {
            *place = Component::default();
        }
        self.drop_topics();
    }

    fn drop_topics(&mut self) {
        let components = &self.components;
        self.topics.retain(|topic| components.iter().any(|component| component.shows(topic.name)));
    }
}

#[cfg(test)]
mod tests;
