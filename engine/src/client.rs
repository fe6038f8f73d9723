//! The page's side of the protocol, as a state machine without sockets, clocks or DOM.
//!
//! Inputs are the page's commands, frames, timers and socket events. Outputs are [`Output`]s, in
//! the order in which the caller has to run them. Unanswered requests are kept and resent over the
//! next connection. Until the reply, the page shows their optimistic updates.

mod answer;
mod commands;
mod component;
mod connection;
mod connection_state;
mod failure;
mod output;
mod receive;
mod request;
mod send;
mod temporary;

pub(crate) use crate::slots::Slot;
pub(crate) use component::{Component, ComponentPhase};
pub use connection::Departure;
pub use output::SocketCommand;
pub(crate) use output::{Origin, Output, POLL, Status};
pub(crate) use request::{Request, RequestKind};

use component::FieldEdit;
use connection_state::ConnectionState;
use failure::{NOT_MOUNTED, failure};
use request::Reply;

use crate::list::retain;
use crate::patch::Change;
use crate::shared::Shared;
use crate::slots::Slots;
use crate::store::{Edit, Stream, Tag, UpdateEnd};
use crate::value::{Key, Val};

/// A topic's name and state.
#[derive(Debug)]
struct Topic {
    name: Key,
    stream: Stream,
}

#[derive(Debug)]
pub(crate) struct Client {
    link: ConnectionState,
    /// The session's id and the secret that resumes it, both empty without a session. Names that
    /// change with each connection are strings, because interned names are never freed.
    session: String,
    secret: String,
    /// The connections that may have sent unanswered requests, the open one last. A topic's patch
    /// names one of them as its author.
    connections: Vec<String>,
    components: Slots<Component>,
    topics: Vec<Topic>,
    /// Unanswered requests, in the order of their refs.
    requests: Vec<Request>,
    /// Requests to retry when their timer fires.
    retries: Vec<Request>,
    pub(crate) last_reference: u64,
    last_tag: Tag,
    last_timer: u32,
    /// Number of replies since the last acknowledgement.
    unacknowledged: u32,
    heartbeat: u32,
    in_flight: usize,
    message_bytes: usize,
    /// Templates requested over the socket.
    templates: Vec<Key>,
    status: Option<(Status, u32, u32)>,
    out: Vec<Output>,
}

impl Client {
    /// Creates a client. `seed` makes its reconnect delays differ from those of other pages.
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
            templates: Vec::new(),
            status: None,
            out: Vec::new(),
        }
    }

    /// Takes the outputs that the caller has to run now.
    pub(crate) fn take(&mut self) -> Vec<Output> {
        let now = (self.link.status(), self.link.attempt, self.queued());
        if self.status != Some(now) && self.link.phase != connection_state::ConnectionPhase::Idle {
            let before = self.status.replace(now).map(|(status, ..)| status);
            let (status, attempt, queued) = now;
            self.out.push(Output::Status { status, attempt, code: self.link.code, queued });
            if before != Some(status) {
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

    /// Returns the stream of a component, or of `topic` if it is not [`Key::NONE`].
    fn stream(&mut self, slot: Slot, topic: Key) -> Option<&mut Stream> {
        if topic == Key::NONE {
            return Some(&mut self.component_mut(slot)?.stream);
        }
        self.topics.iter_mut().find(|known| known.name == topic).map(|topic| &mut topic.stream)
    }

    /// Returns a field as a template reads it: the component's own, or the state of its topic.
    pub(crate) fn root(&self, slot: Slot, field: Key) -> Option<&Val> {
        let component = self.component(slot)?;
        let topic = component.topic(field);
        match self.topics.iter().find(|known| Some(known.name) == topic) {
            Some(topic) => Some(topic.stream.state()),
            None => component.stream.state().at(field),
        }
    }

    /// Returns the state that a component shows, including shared fields.
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

    /// Returns the confirmed value of a property of the component itself.
    pub(crate) fn confirmed(&mut self, slot: Slot, property: Key) -> Option<&mut Val> {
        self.component_mut(slot)?.stream.confirmed(property)
    }

    /// Checks whether an unanswered request of the component satisfies `is`.
    pub(crate) fn waits(&self, slot: Slot, is: &dyn Fn(&Request) -> bool) -> bool {
        let any = |list: &[Request]| list.iter().any(|request| request.slot == slot && is(request));
        any(&self.requests) || any(&self.retries)
    }

    /// Checks whether an edit of `field`, or of any field if `None`, is unacknowledged.
    pub(crate) fn is_dirty(&self, slot: Slot, field: Option<&str>) -> bool {
        self.component(slot).is_some_and(|component| {
            let is = |edit: &FieldEdit| field.is_none_or(|field| Edit::root(edit.field).name() == field);
            component.edits.iter().any(is)
        })
    }

    /// Checks whether an edit of exactly this property is unacknowledged.
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

    /// Checks whether the page has lost its connection, or cannot connect. The first attempt of a
    /// page is neither.
    pub(crate) fn is_offline(&self) -> bool {
        !self.is_connected() && (!self.session.is_empty() || self.link.status() != Status::Connecting)
    }

    /// Reports changes of the component, or of the topic to each component that shows it.
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

    /// Reports the outcome of a request to the page, if the request has a ticket.
    fn settle(&mut self, request: &Request, reply: Reply, value: Val) {
        if request.ticket != 0 {
            self.out.push(Output::Settled { ticket: request.ticket, ok: reply == Reply::Success, value });
        }
    }

    /// Drops the requests of a removed component and reverts their optimistic updates.
    fn drop_waiting(&mut self, slot: Slot) {
        let out = &mut self.out;
        let mut tags = Vec::new();
        let mut stays = |request: &mut Request| {
            let stays = request.slot != slot;
            if !stays {
                tags.extend_from_slice(&request.tags);
                if request.ticket != 0 {
                    let value = failure(NOT_MOUNTED, "the component was unmounted");
                    out.push(Output::Settled { ticket: request.ticket, ok: false, value });
                }
            }
            stays
        };
        retain(&mut self.requests, &mut stays);
        retain(&mut self.retries, &mut stays);
        // Other components may show the topics of the optimistic updates.
        for tag in &tags {
            self.release(slot, *tag, UpdateEnd::Included);
        }
        self.ask_waiting();
    }

    /// Removes a component and the topics that no other component shows.
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
