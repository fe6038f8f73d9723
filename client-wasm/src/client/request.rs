//! Messages that wait for their reply.

use super::component::Component;
use super::output::{Origin, Slot};
use crate::store::Tag;
use crate::value::{Key, Val, write_count, write_json, write_string};

/// A message with a `ref`. It is kept until its reply is there, and sent again on each new connection until then.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) reference: u64,
    pub(crate) slot: Slot,
    pub(crate) kind: Kind,
    /// What the message carries beside the envelope: `,"action":…,"payload":…`.
    rest: String,
    /// The edits that go along with it: `,"set":{…}`, or nothing.
    set: String,
    /// It went out over the connection that is open now.
    pub(crate) sent: bool,
    /// It went out at least once in this session: the server may have handled it.
    pub(crate) left: bool,
    /// How often it was tried again because the server was busy.
    pub(crate) tries: u8,
    /// It may be run twice, and is on its way into another session.
    pub(crate) again: bool,
    /// The guesses that its reply makes an end of.
    pub(crate) tags: Vec<Tag>,
}

/// What it asks for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Mount,
    Action { name: Box<str>, origin: Option<Origin>, ticket: Option<u32>, set: Vec<Key> },
    Property { field: Key, ticket: Option<u32> },
    Props,
    Unmount,
}

impl Kind {
    fn word(&self) -> &'static str {
        match self {
            Kind::Mount => "COMPONENT_MOUNT",
            Kind::Action { .. } => "COMPONENT_ACTION",
            Kind::Property { .. } => "PROPERTY_UPDATE",
            Kind::Props => "PROPS_UPDATE",
            Kind::Unmount => "COMPONENT_UNMOUNT",
        }
    }

    /// Who waits for the outcome.
    pub(crate) fn ticket(&self) -> Option<u32> {
        match self {
            Kind::Action { ticket, .. } | Kind::Property { ticket, .. } => *ticket,
            Kind::Mount | Kind::Props | Kind::Unmount => None,
        }
    }

    /// The fields whose edits it carries.
    pub(crate) fn fields(&self) -> &[Key] {
        match self {
            Kind::Action { set, .. } => set,
            Kind::Property { field, .. } => std::slice::from_ref(field),
            Kind::Mount | Kind::Props | Kind::Unmount => &[],
        }
    }
}

impl Request {
    fn new(slot: Slot, kind: Kind, rest: String) -> Self {
        Self {
            reference: 0,
            slot,
            kind,
            rest,
            set: String::new(),
            sent: false,
            left: false,
            tries: 0,
            again: false,
            tags: Vec::new(),
        }
    }

    pub(crate) fn mount(slot: Slot, component: &Component) -> Self {
        Self::new(slot, Kind::Mount, component.source.payload())
    }

    pub(crate) fn unmount(slot: Slot) -> Self {
        Self::new(slot, Kind::Unmount, String::new())
    }

    /// `arguments` is a JSON array, or empty for none.
    pub(crate) fn action(slot: Slot, kind: Kind, arguments: &str) -> Self {
        let mut rest = String::from(",\"action\":");
        if let Kind::Action { name, .. } = &kind {
            write_string(name, &mut rest);
        }
        if !arguments.is_empty() && arguments != "[]" {
            rest.push_str(",\"payload\":");
            rest.push_str(arguments);
        }
        Self::new(slot, kind, rest)
    }

    /// These edits go along with the action.
    pub(super) fn carry(&mut self, edits: Vec<(Key, Val)>) {
        if let Kind::Action { set, .. } = &mut self.kind {
            set.extend(edits.iter().map(|(field, _)| *field));
        }
        self.set.push_str(",\"set\":");
        write_json(&Val::Obj(edits), &mut self.set);
    }

    /// As it is sent in another session: the edits that went along are put back by themselves there.
    pub(super) fn again(&mut self) {
        self.again = true;
        self.sent = false;
        self.left = false;
        self.tries = 0;
        self.carries_nothing();
    }

    /// Edits go along no more.
    pub(super) fn carries_nothing(&mut self) {
        self.set.clear();
        if let Kind::Action { set, .. } = &mut self.kind {
            set.clear();
        }
    }

    pub(crate) fn property(slot: Slot, field: Key, value: &Val, ticket: Option<u32>) -> Self {
        let mut rest = String::from(",\"payload\":{\"property\":");
        write_string(field.name(), &mut rest);
        rest.push_str(",\"value\":");
        write_json(value, &mut rest);
        rest.push('}');
        Self::new(slot, Kind::Property { field, ticket }, rest)
    }

    /// `props` is a JSON object.
    pub(crate) fn props(slot: Slot, props: &str) -> Self {
        let mut rest = String::from(",\"payload\":{\"props\":");
        rest.push_str(props);
        rest.push('}');
        Self::new(slot, Kind::Props, rest)
    }

    /// An action that never left, as JSON: `{"slot":…,"action":…,"payload":…,"set":…}`.
    pub(crate) fn call(&self, out: &mut String) {
        out.push_str("{\"slot\":");
        write_count(u64::from(self.slot), out);
        out.push_str(&self.rest);
        out.push_str(&self.set);
        out.push('}');
    }

    /// The frame, with word of the replies received so far if `ack` is given.
    pub(crate) fn frame(&self, component: &str, ack: Option<u64>) -> String {
        let mut frame = String::with_capacity(96 + self.rest.len());
        frame.push_str("{\"v\":1,\"type\":\"");
        frame.push_str(self.kind.word());
        frame.push_str("\",\"ref\":");
        write_count(self.reference, &mut frame);
        if let Some(ack) = ack {
            frame.push_str(",\"ack\":");
            write_count(ack, &mut frame);
        }
        frame.push_str(",\"componentId\":");
        write_string(component, &mut frame);
        frame.push_str(&self.rest);
        frame.push_str(&self.set);
        frame.push('}');
        frame
    }
}
