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

pub(crate) use component::{Component, Phase, Source};
pub(crate) use output::{Failure, Origin, Output, Slot, Status};
pub(crate) use request::{Kind, Request};

use component::{FieldEdit, Progress};
use link::{Link, Then};

use crate::patch::Change;
use crate::store::{Edit, Stream, Tag};
use crate::value::{Key, Val, write_count, write_string};

/// How many messages may wait while there is no connection; beyond that a call fails at once.
const QUEUE: usize = 500;
/// How many replies may come before one of our messages says so.
const ACK_EVERY: u32 = 16;
/// How often a message is tried again when the server says that it is busy.
const TRIES: u8 = 8;

/// What the server told at the welcome.
#[derive(Debug)]
struct Session {
    id: Box<str>,
    secret: Box<str>,
    /// The connections that this session had here: a topic's patch names one as its author.
    connections: Vec<Box<str>>,
}

/// A topic's state and its name.
#[derive(Debug)]
struct Topic {
    name: Box<str>,
    stream: Stream,
}

#[derive(Debug)]
pub(crate) struct Client {
    link: Link,
    session: Option<Session>,
    components: Vec<Option<Component>>,
    topics: Vec<Topic>,
    /// Unanswered, in the order of their refs.
    requests: Vec<Request>,
    last_reference: u64,
    last_tag: Tag,
    last_timer: u32,
    /// Messages to try again, by the timer that says when.
    retries: Vec<(u32, Vec<Request>)>,
    /// Replies since the last acknowledgement.
    unacknowledged: u32,
    heartbeat: u32,
    in_flight: usize,
    message_bytes: usize,
    /// Templates asked for over the socket.
    wanted: Vec<Box<str>>,
    status: Option<(Status, u32, u32)>,
    out: Vec<Output>,
}

impl Client {
    /// `seed` makes the pauses between tries differ from those of other pages.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            link: Link::new(seed),
            session: None,
            components: Vec::new(),
            topics: Vec::new(),
            requests: Vec::new(),
            last_reference: 0,
            last_tag: 0,
            last_timer: 0,
            retries: Vec::new(),
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
            let crossed = (before == Some(Status::Connected)) != (now.0 == Status::Connected);
            if crossed {
                self.every_wire();
            }
        }
        std::mem::take(&mut self.out)
    }

    // What the page wants.

    /// Mounts a component. `id` is its name on the wire, unique in this page.
    pub(crate) fn mount(&mut self, id: &str, source: Source) -> Slot {
        let slot = self.components.len() as Slot;
        let component = Component::new(id, source);
        let request = Request::mount(slot, &component);
        self.components.push(Some(component));
        self.ask(request);
        if self.link.phase == link::Phase::Idle {
            self.connect();
        }
        slot
    }

    /// Unmounts it; nobody hears of it again.
    pub(crate) fn unmount(&mut self, slot: Slot) {
        if self.component(slot).is_none() {
            return;
        }
        self.drop_waiting(slot);
        let failed = self.component(slot).is_some_and(|c| matches!(c.phase, Phase::Failed(_)));
        if self.session.is_some() && !failed {
            self.ask(Request::unmount(slot));
        } else {
            self.forget(slot);
        }
    }

    /// Calls an action. `arguments` is a JSON array, or empty; `guesses` show its effect until the answer.
    pub(crate) fn action(
        &mut self,
        slot: Slot,
        name: &str,
        arguments: &str,
        origin: Option<Origin>,
        ticket: Option<u32>,
        guesses: Vec<(Option<Key>, Edit)>,
    ) {
        if self.component(slot).is_none() {
            return;
        }
        let kind = Kind::Action { name: name.into(), origin, ticket, set: Vec::new() };
        let mut request = Request::action(slot, kind, arguments);
        if !guesses.is_empty() {
            request.tags.push(self.guess(slot, guesses));
        }
        self.ask_with_edits(request);
    }

    /// Sends an action, and with it the edits that have not gone out.
    fn ask_with_edits(&mut self, mut request: Request) {
        let mut set: Vec<(Key, Val)> = Vec::new();
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
            request.carry(set);
        }
        self.ask(request);
    }

    /// A guess of the page's own code; it stays until [`Client::release`].
    pub(crate) fn guess(&mut self, slot: Slot, guesses: Vec<(Option<Key>, Edit)>) -> Tag {
        self.last_tag += 1;
        let tag = self.last_tag;
        let mut groups: Vec<(Option<Key>, Vec<Edit>)> = Vec::new();
        for (shared, edit) in guesses {
            match groups.iter_mut().find(|(of, _)| *of == shared) {
                Some((_, edits)) => edits.push(edit),
                None => groups.push((shared, vec![edit])),
            }
        }
        for (shared, edits) in groups {
            match shared {
                None => {
                    let Some(component) = self.component_mut(slot) else { continue };
                    let changes = component.stream.guess(tag, edits);
                    self.changed(slot, None, changes);
                }
                Some(field) => {
                    let Some(at) = self.topic_under(slot, field) else { continue };
                    let Some(topic) = self.topics.get_mut(at) else { continue };
                    let changes = topic.stream.guess(tag, edits);
                    self.topic_changed(at, &changes);
                }
            }
        }
        tag
    }

    /// Takes a guess back, or makes an end of it: the state says it itself by now.
    pub(crate) fn release(&mut self, slot: Slot, tag: Tag) {
        if let Some(component) = self.component_mut(slot) {
            let changes = component.stream.release(tag);
            self.changed(slot, None, changes);
        }
        for at in 0..self.topics.len() {
            if let Some(topic) = self.topics.get_mut(at) {
                let changes = topic.stream.release(tag);
                self.topic_changed(at, &changes);
            }
        }
    }

    /// A `model` field was edited: it shows at once. It goes out when its moment comes, at the latest with an action.
    /// With `force` whatever the server says of the field meanwhile shows at once.
    pub(crate) fn edit(&mut self, slot: Slot, field: Key, value: Val, force: bool) {
        self.last_tag += 1;
        let tag = self.last_tag;
        let Some(component) = self.component_mut(slot) else { return };
        let edit = Edit { field, path: Vec::new(), operation: crate::store::Operation::Set(value.clone()) };
        let mut changes = component.stream.guess(tag, vec![edit]);
        match component.edits.iter_mut().find(|e| e.field == field && e.progress != Progress::Sent) {
            Some(waiting) => {
                changes.extend(component.stream.release(waiting.tag));
                waiting.value = value;
                waiting.tag = tag;
            }
            None => component.edits.push(FieldEdit { field, value, tag, progress: Progress::Waiting, force }),
        }
        self.changed(slot, None, changes);
        self.out.push(Output::Wire { slot });
    }

    /// The moment of an edit has come. While one of the field is unanswered it waits for the answer, so that a fast
    /// typist on a slow line sends what stands there and not each letter.
    ///
    /// `false` if nothing of the field waits.
    pub(crate) fn commit(&mut self, slot: Slot, field: Key, ticket: Option<u32>) -> bool {
        let Some(component) = self.component_mut(slot) else { return false };
        let busy = component.edits.iter().any(|e| e.field == field && e.progress == Progress::Sent);
        let Some(edit) =
            component.edits.iter_mut().find(|e| e.field == field && e.progress != Progress::Sent)
        else {
            return false;
        };
        if busy && ticket.is_none() {
            edit.progress = Progress::Due;
            return true;
        }
        edit.progress = Progress::Sent;
        let mut request = Request::property(slot, field, &edit.value, ticket);
        request.tags = vec![edit.tag];
        self.ask(request);
        true
    }

    /// A parent gives its child other props.
    pub(crate) fn props(&mut self, slot: Slot, props: &str) {
        let Some(component) = self.component_mut(slot) else { return };
        component.props = Some(props.into());
        self.ask(Request::props(slot, props));
    }

    /// Asks for a template over the socket, where HTTP did not give it.
    pub(crate) fn want_template(&mut self, hash: &str) {
        if !self.wanted.iter().any(|wanted| **wanted == *hash) {
            self.wanted.push(hash.into());
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
        if socket != self.link.socket
            || matches!(self.link.phase, link::Phase::Pausing | link::Phase::Stopped)
        {
            return;
        }
        self.ended(code);
    }

    fn ended(&mut self, code: u16) {
        for request in &mut self.requests {
            request.sent = false;
        }
        match self.link.closed(code) {
            Then::Retry | Then::RetrySlowly => self.pause(),
            Then::Anew => {
                self.session = None;
                // First the pause: nothing goes out over a socket that is gone.
                self.pause();
                self.lose_session();
            }
            Then::Reload => {
                self.link.phase = link::Phase::Stopped;
                self.out.push(Output::Reload);
            }
            Then::Wait | Then::Stop => self.link.phase = link::Phase::Stopped,
        }
    }

    /// Time is up for one of the [`Output::Timer`]s.
    pub(crate) fn timer(&mut self, token: u32) {
        if let Some(at) = self.retries.iter().position(|(timer, _)| *timer == token) {
            let (_, requests) = self.retries.swap_remove(at);
            for request in requests {
                match request.kind {
                    Kind::Action { .. } => self.ask_with_edits(request),
                    // What stands there now, if it did not go out with something else.
                    Kind::Property { field, ticket } => {
                        if !self.commit(request.slot, field, ticket)
                            && let Some(ticket) = ticket
                        {
                            self.out.push(Output::Settled { ticket, outcome: Ok(Val::Null) });
                        }
                    }
                    Kind::Mount | Kind::Props | Kind::Unmount => self.ask(request),
                }
            }
            return;
        }
        if token != self.link.timer {
            return;
        }
        match self.link.phase {
            link::Phase::Pausing => self.connect(),
            link::Phase::Opening => self.give_up(),
            link::Phase::Open if self.link.heard => self.beat(),
            link::Phase::Open => self.give_up(),
            link::Phase::Idle | link::Phase::Stopped => {}
        }
    }

    /// The browser is online again, or the page is looked at again, or the user asks for it: no pause.
    pub(crate) fn wake(&mut self) {
        match self.link.phase {
            link::Phase::Pausing | link::Phase::Stopped => self.connect(),
            link::Phase::Open => {
                self.link.heard = false;
                self.ping();
                self.link.timer = self.after(link::PROBE);
            }
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
            let list = if request.left { &mut frames } else { &mut calls };
            let Some(component) = self.component(request.slot) else { continue };
            match request.kind {
                Kind::Action { .. } | Kind::Property { .. } if request.left => {
                    list.push_str(if list.is_empty() { "" } else { "," });
                    list.push_str(&request.frame(&component.id, None));
                }
                Kind::Action { .. } => {
                    list.push_str(if list.is_empty() { "" } else { "," });
                    request.call(list);
                }
                Kind::Mount | Kind::Property { .. } | Kind::Props | Kind::Unmount => {}
            }
        }
        if frames.is_empty() && calls.is_empty() {
            return calls;
        }
        let mut kept = String::from("{\"hello\":");
        kept.push_str(&self.hello());
        kept.push_str(",\"frames\":[");
        kept.push_str(&frames);
        kept.push_str("],\"calls\":[");
        kept.push_str(&calls);
        kept.push_str("]}");
        kept
    }

    fn connect(&mut self) {
        self.link.phase = link::Phase::Opening;
        self.link.socket += 1;
        self.link.attempt += 1;
        self.out.push(Output::Connect { socket: self.link.socket });
        self.link.timer = self.after(link::OPENING);
    }

    fn pause(&mut self) {
        self.link.phase = link::Phase::Pausing;
        let pause = self.link.pause();
        self.link.timer = self.after(pause);
    }

    /// The socket says nothing any more; a close frame would wait for an answer just as long.
    fn give_up(&mut self) {
        self.out.push(Output::Close { code: 1000 });
        self.link.socket += 1;
        self.ended(1006);
    }

    fn beat(&mut self) {
        self.link.heard = false;
        self.ping();
        self.link.timer = self.after(self.heartbeat);
    }

    fn ping(&mut self) {
        let mut frame = String::from("{\"v\":1,\"type\":\"PING\"");
        self.unacknowledged = 0;
        frame.push_str(",\"ack\":");
        write_count(self.acknowledged(), &mut frame);
        frame.push('}');
        self.out.push(Output::Send(frame));
    }

    fn after(&mut self, ms: u32) -> u32 {
        self.last_timer += 1;
        self.out.push(Output::Timer { token: self.last_timer, ms });
        self.last_timer
    }

    // Messages.

    fn hello(&self) -> String {
        let mut hello = String::from("{\"v\":1,\"type\":\"HELLO\",\"payload\":{");
        if let Some(session) = &self.session {
            hello.push_str("\"session\":");
            write_string(&session.id, &mut hello);
            hello.push_str(",\"resume\":");
            write_string(&session.secret, &mut hello);
            hello.push_str(",\"acked\":");
            write_count(self.acknowledged(), &mut hello);
            hello.push_str(",\"streams\":{");
            let mut comma = "";
            let mut position = |prefix: &str, name: &str, stream: &Stream| {
                if stream.epoch.is_empty() {
                    return;
                }
                hello.push_str(comma);
                comma = ",";
                let mut key = String::from(prefix);
                key.push_str(name);
                write_string(&key, &mut hello);
                hello.push_str(":[");
                write_string(&stream.epoch, &mut hello);
                hello.push(',');
                write_count(stream.rev, &mut hello);
                hello.push(']');
            };
            for component in self.components.iter().flatten() {
                position("c:", &component.id, &component.stream);
            }
            for topic in &self.topics {
                position("t:", &topic.name, &topic.stream);
            }
            hello.push('}');
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
            let failure = Failure::new("overloaded", "too much is waiting for the connection");
            self.refuse(&request, &failure);
            return;
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
            let acknowledged = self.acknowledged();
            let Some(request) = self.requests.get_mut(at) else { break };
            at += 1;
            if request.sent {
                continue;
            }
            let Some(Some(component)) = self.components.get(request.slot as usize) else { continue };
            let ack = (self.unacknowledged >= ACK_EVERY).then_some(acknowledged);
            let frame = request.frame(&component.id, ack);
            if frame.len() > self.message_bytes {
                let request = self.requests.remove(at - 1);
                at -= 1;
                self.refuse(
                    &request,
                    &Failure::new("too_large", "the message is larger than the server takes"),
                );
                continue;
            }
            if ack.is_some() {
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
                queued += u32::from(matches!(request.kind, Kind::Action { .. } | Kind::Property { .. }));
            }
        }
        queued
    }

    fn ask_template(&mut self, hash: &str) {
        if self.link.phase == link::Phase::Open {
            let mut frame = String::from("{\"v\":1,\"type\":\"TEMPLATE\",\"payload\":{\"hash\":");
            write_string(hash, &mut frame);
            frame.push_str("}}");
            self.out.push(Output::Send(frame));
        }
    }

    fn resync(&mut self, place: &str, name: &str) {
        let mut frame = String::from("{\"v\":1,\"type\":\"RESYNC\",\"");
        frame.push_str(place);
        frame.push_str("\":");
        write_string(name, &mut frame);
        frame.push('}');
        self.out.push(Output::Send(frame));
    }

    // What views ask for.

    pub(crate) fn component(&self, slot: Slot) -> Option<&Component> {
        self.components.get(slot as usize)?.as_ref()
    }

    fn component_mut(&mut self, slot: Slot) -> Option<&mut Component> {
        self.components.get_mut(slot as usize)?.as_mut()
    }

    /// A field as a template sees it: the component's own, or the state of the topic under it.
    pub(crate) fn root(&self, slot: Slot, field: Key) -> Option<&Val> {
        let component = self.component(slot)?;
        match self.topic_under(slot, field) {
            Some(at) => self.topics.get(at).map(|topic| topic.stream.state()),
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

    /// What of the component is unanswered.
    pub(crate) fn unanswered(&self, slot: Slot) -> impl Iterator<Item = &Request> {
        let retried = self.retries.iter().flat_map(|(_, requests)| requests);
        self.requests.iter().chain(retried).filter(move |request| request.slot == slot)
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

    fn topic_under(&self, slot: Slot, field: Key) -> Option<usize> {
        let name = self.component(slot)?.topic(field)?;
        self.topics.iter().position(|topic| *topic.name == *name)
    }

    // Telling.

    fn changed(&mut self, slot: Slot, shared: Option<Key>, changes: Vec<Change>) {
        if !changes.is_empty() {
            self.out.push(Output::Changed { slot, shared, changes });
        }
    }

    /// Tells every component that shows the topic.
    fn topic_changed(&mut self, at: usize, changes: &[Change]) {
        let Some(topic) = self.topics.get(at) else { return };
        if changes.is_empty() {
            return;
        }
        for (slot, component) in self.components.iter().enumerate() {
            let Some(component) = component else { continue };
            for (field, name) in &component.topics {
                if *name == topic.name {
                    self.out.push(Output::Changed {
                        slot: slot as Slot,
                        shared: Some(*field),
                        changes: changes.to_vec(),
                    });
                }
            }
        }
    }

    fn every_wire(&mut self) {
        for (slot, component) in self.components.iter().enumerate() {
            if component.is_some() {
                self.out.push(Output::Wire { slot: slot as Slot });
            }
        }
    }

    /// Drops what waits for a component that goes away.
    fn drop_waiting(&mut self, slot: Slot) {
        let gone = Failure::new("not_mounted", "the component was unmounted");
        for request in std::mem::take(&mut self.requests) {
            if request.slot != slot {
                self.requests.push(request);
            } else if let Some(ticket) = request.kind.ticket() {
                self.out.push(Output::Settled { ticket, outcome: Err(gone.clone()) });
            }
        }
    }

    /// Lets go of a component and of the topics that nobody else shows.
    fn forget(&mut self, slot: Slot) {
        if let Some(place) = self.components.get_mut(slot as usize) {
            *place = None;
        }
        self.drop_topics();
    }

    fn drop_topics(&mut self) {
        let components = &self.components;
        self.topics.retain(|topic| {
            components.iter().flatten().any(|c| c.topics.iter().any(|(_, name)| *name == topic.name))
        });
    }
}

#[cfg(test)]
mod tests;
