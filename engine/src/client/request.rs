//! Requests that wait for their reply.

use std::ops::Range;

use super::output::Origin;
use crate::slots::Slot;
use crate::store::Tag;
use crate::value::{Key, Val, parse, write_count, write_string};

/// A message with a `ref`. It is kept until its reply is there, and sent again on each new
/// connection until then.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) reference: u64,
    pub(crate) slot: Slot,
    pub(crate) kind: RequestKind,
    /// The action, or the field of a property.
    pub(crate) name: Key,
    pub(crate) origin: Origin,
    /// Who waits for the outcome: a call's number, or 0.
    pub(crate) ticket: u32,
    /// The payload of a mount or of props, as it came: `,"payload":…`, or nothing.
    rest: String,
    /// What an action or an edit carries beside the envelope: `action`, `payload`, and in `set` the
    /// edits that go along.
    pub(super) body: Val,
    /// The fields whose edits it carries.
    pub(crate) fields: Vec<Key>,
    /// It went out over the connection that is open now.
    pub(crate) sent: bool,
    /// It went out at least once in this session: the server may have handled it.
    pub(crate) left: bool,
    /// How often it was tried again because the server was busy.
    pub(crate) tries: u32,
    /// The timer that says when it is tried again.
    pub(crate) timer: u32,
    /// The guesses that its reply makes an end of.
    pub(crate) tags: Vec<Tag>,
    /// The edits that wait for its success, which its refusal takes back.
    pub(super) then: Range<Tag>,
    /// It names an item whose addition was refused.
    pub(super) is_lost: bool,
}

/// What it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestKind {
    Mount,
    Action,
    Property,
    Props,
    Unmount,
}

impl Request {
    /// `payload` is JSON, or empty for none.
    pub(super) fn new(slot: Slot, kind: RequestKind, payload: &str) -> Self {
        let mut rest = String::new();
        if !payload.is_empty() {
            rest.push_str(",\"payload\":");
            rest.push_str(payload);
        }
        Self {
            reference: 0,
            slot,
            kind,
            name: Key::NONE,
            origin: Origin::default(),
            ticket: 0,
            rest,
            body: Val::Obj(Vec::new()),
            fields: Vec::new(),
            sent: false,
            left: false,
            tries: 0,
            timer: 0,
            tags: Vec::new(),
            then: 0..0,
            is_lost: false,
        }
    }

    /// Of no arguments the list is empty.
    pub(super) fn action(slot: Slot, name: Key, arguments: Val) -> Self {
        let mut request = Self::new(slot, RequestKind::Action, "");
        request.name = name;
        request.body.set(Key::of("action"), Val::text(name.name()));
        if arguments.list().is_some_and(|list| !list.is_empty()) {
            request.body.set(Key::of("payload"), arguments);
        }
        request
    }

    pub(super) fn property(slot: Slot, field: Key, value: Val) -> Self {
        let property = match parse(field.name()) {
            Some(path) if path.list().is_some() => path,
            _ => Val::text(field.name()),
        };
        let payload = Val::Obj(vec![(Key::of("property"), property), (Key::of("value"), value)]);
        let mut request = Self::new(slot, RequestKind::Property, "");
        request.name = field;
        request.body.set(Key::of("payload"), payload);
        request.fields.push(field);
        request
    }

    /// Prepares the message to go out another time, under another `ref`: the server has not handled
    /// it, and no edits go along any more.
    pub(super) fn again(&mut self) {
        self.sent = false;
        self.left = false;
        if self.kind == RequestKind::Action {
            self.body.remove(Key::of("set"));
            self.fields.clear();
        }
    }

    /// The frame, with word of the replies received so far if `ack` is not 0.
    pub(super) fn frame(&self, component: Key, ack: u64) -> String {
        let mut frame = String::from("{\"v\":1,\"type\":\"");
        frame.push_str(match self.kind {
            RequestKind::Mount => "COMPONENT_MOUNT",
            RequestKind::Action => "COMPONENT_ACTION",
            RequestKind::Property => "PROPERTY_UPDATE",
            RequestKind::Props => "PROPS_UPDATE",
            RequestKind::Unmount => "COMPONENT_UNMOUNT",
        });
        frame.push_str("\",\"ref\":");
        write_count(self.reference, &mut frame);
        if ack != 0 {
            frame.push_str(",\"ack\":");
            write_count(ack, &mut frame);
        }
        frame.push_str(",\"componentId\":");
        write_string(component.name(), &mut frame);
        frame.push_str(&self.rest);
        let body = self.body.json();
        frame.push_str(if body.len() > 2 { "," } else { "" });
        frame.push_str(body.get(1..).unwrap_or_default());
        frame
    }
}
