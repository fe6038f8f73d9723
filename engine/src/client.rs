//! The page's side of the protocol, as a state machine: it knows neither sockets nor clocks nor the
//! DOM.
//!
//! In come what the user wants, frames, timers and what became of a socket; out come [`Output`]s,
//! in the order in which they have to be done. What is not answered is kept, sent again over the
//! next connection, and shown as a guess until then.

mod answer;
mod commands;
mod component;
mod connection;
mod connection_state;
mod output;
mod receive;
mod request;
mod send;
mod temporary;

pub(crate) use crate::slots::Slot;
pub(crate) use component::{Component, ComponentPhase};
pub use output::SocketCommand;
pub(crate) use output::{Origin, Output, Status};
pub(crate) use request::{Request, RequestKind};

use component::FieldEdit;
use connection_state::ConnectionState;
use output::failure;

use crate::list::retain;
use crate::patch::Change;
use crate::shared::Shared;
use crate::slots::Slots;
use crate::store::{Edit, Stream, Tag};
use crate::value::{Key, Val};

/// A topic's state and its name.
#[derive(Debug)]
struct Topic {
    name: Key,
    stream: Stream,
}

#[derive(Debug)]
pub(crate) struct Client {
    link: ConnectionState,
    /// The session, and the secret to resume it with; empty as long as there is none. Names that
    /// are new with each connection are texts, because interned names are never freed.
    session: String,
    secret: String,
    /// The connections over which unanswered requests may have gone out, the open one last: a
    /// topic's patch names one as its author.
    connections: Vec<String>,
    components: Slots<Component>,
    topics: Vec<Topic>,
    /// Unanswered, in the order of their refs.
    requests: Vec<Request>,
    /// Messages to try again, when their timer says so.
    retries: Vec<Request>,
    pub(crate) last_reference: u64,
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
            link: ConnectionState::new(seed),
            session: String::new(),
            secret: String::new(),
            connections: Vec::new(),
            components: Slots::new(),
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
        if self.status != Some(now) && self.link.phase != connection_state::ConnectionPhase::Idle {
            let before = self.status.replace(now).map(|(status, ..)| status);
            let (status, attempt, queued) = now;
            self.out.push(Output::Status { status, attempt, code: self.link.code, queued });
            if (before == Some(Status::Connected)) != (status == Status::Connected) {
                for (slot, _) in self.components.iter() {
                    self.out.push(Output::Wire { slot: *slot });
                }
            }
        }
        std::mem::take(&mut self.out)
    }

    #[inline(never)]
    pub(crate) fn component(&self, slot: Slot) -> Option<&Component> {
        self.components.get(slot).filter(|component| component.phase != ComponentPhase::Gone)
    }

    #[inline(never)]
    fn component_mut(&mut self, slot: Slot) -> Option<&mut Component> {
        self.components.get_mut(slot).filter(|component| component.phase != ComponentPhase::Gone)
    }

    /// Returns the slots of all components, for a loop that changes them.
    pub(crate) fn slots(&self) -> Vec<Slot> {
        let mut slots = Vec::new();
        for (slot, _) in self.components.iter() {
            slots.push(*slot);
        }
        slots
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

    /// The confirmed value of an own property.
    pub(crate) fn confirmed(&mut self, slot: Slot, property: Key) -> Option<&mut Val> {
        self.component_mut(slot)?.stream.confirmed(property)
    }

    /// Whether something of the component is unanswered that is as asked.
    pub(crate) fn waits(&self, slot: Slot, is: &dyn Fn(&Request) -> bool) -> bool {
        let any = |list: &[Request]| list.iter().any(|request| request.slot == slot && is(request));
        any(&self.requests) || any(&self.retries)
    }

    /// Whether an edit of the field, or of any, is not acknowledged.
    pub(crate) fn is_dirty(&self, slot: Slot, field: Option<&str>) -> bool {
        self.component(slot).is_some_and(|component| {
            let is = |edit: &FieldEdit| field.is_none_or(|field| Edit::root(edit.field).name() == field);
            component.edits.iter().any(is)
        })
    }

    /// Checks whether an edit of this very property is not acknowledged.
    pub(crate) fn is_edited(&self, slot: Slot, property: Key) -> bool {
        self.component(slot).is_some_and(|component| {
            component.edits.iter().any(|edit| edit.field == property || edit.named == property)
        })
    }

    /// Returns the number of messages that have no reply.
    pub(crate) fn unanswered(&self) -> usize {
        self.requests.len() + self.retries.len()
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.link.phase == connection_state::ConnectionPhase::Open
    }

    /// Tells what changed in the component, or in the topic: everybody who shows that.
    fn changed(&mut self, slot: Slot, topic: Key, changes: Vec<Change>) {
        if changes.is_empty() {
            return;
        }
        let changes = Shared::new(changes);
        if topic == Key::NONE {
            return self.out.push(Output::Changed { slot, shared: None, changes });
        }
        for (slot, component) in self.components.iter() {
            for (field, name) in &component.topics {
                if *name == topic {
                    let (shared, changes) = (Some(*field), Shared::clone(&changes));
                    self.out.push(Output::Changed { slot: *slot, shared, changes });
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

    /// Drops what waits for a component that goes away, and takes back what it guessed.
    fn drop_waiting(&mut self, slot: Slot) {
        let out = &mut self.out;
        let mut guessed = Vec::new();
        let mut stays = |request: &mut Request| {
            let stays = request.slot != slot;
            if !stays {
                guessed.extend_from_slice(&request.tags);
                if request.ticket != 0 {
                    let value = failure("not_mounted", "the component was unmounted");
                    out.push(Output::Settled { ticket: request.ticket, ok: false, value });
                }
            }
            stays
        };
        retain(&mut self.requests, &mut stays);
        retain(&mut self.retries, &mut stays);
        // Others may show the topics that the guesses are about.
        for tag in &guessed {
            self.release(slot, *tag, false);
        }
        self.ask_waiting();
    }

    /// Lets go of a component and of the topics that nobody else shows.
    fn forget(&mut self, slot: Slot) {
        if let Some(component) = self.components.remove(slot) {
            self.out.push(Output::Forgotten { id: component.id });
        }
        self.drop_topics();
    }

    fn drop_topics(&mut self) {
        let components = &self.components;
        retain(&mut self.topics, &mut |topic| {
            components.iter().any(|(_, component)| component.shows(topic.name))
        });
    }
}

#[cfg(test)]
mod tests;
