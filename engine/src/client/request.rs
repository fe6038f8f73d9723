//! Requests to the server, kept until their reply.

use std::ops::Range;

use vivaz_protocol::words;

use super::failure::{BAD_VALUE, READ_ONLY_PROPERTY, UNKNOWN_PROPERTY};
use super::output::Origin;
use crate::slots::Slot;
use crate::store::Tag;
use crate::value::{Key, Val, parse, write_count, write_string};

/// A message with a `ref`. The client keeps it until its reply, and resends it on each new
/// connection until then.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) reference: u64,
    pub(crate) slot: Slot,
    pub(crate) kind: RequestKind,
    /// The name of the action, or the field of the edit.
    pub(crate) name: Key,
    pub(crate) origin: Origin,
    /// The number of the call that the outcome settles, or 0.
    pub(crate) ticket: u32,
    /// The unchanged payload of a mount or of props: `,"payload":…`, or empty.
    rest: String,
    /// The members of an action or an edit after the envelope: `action`, `payload`, and `set` with
    /// the edits sent along.
    pub(super) body: Val,
    /// The fields whose edits the request carries.
    pub(crate) fields: Vec<Key>,
    /// Whether the request was sent over the connection that is open now.
    pub(crate) sent: bool,
    /// Whether the request was sent in this session: the server may have handled it.
    pub(crate) left: bool,
    /// Number of retries because the server was busy.
    pub(crate) tries: u32,
    /// The token of the retry's timer, or 0.
    pub(crate) timer: u32,
    /// The optimistic updates and edits that the reply settles.
    pub(crate) tags: Vec<Tag>,
    /// The edits that are sent after its success, and reverted by its refusal.
    pub(super) then: Range<Tag>,
    /// Whether the request names an item whose addition was refused.
    pub(super) is_lost: bool,
}

/// The kind of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestKind {
    Mount,
    Action,
    Property,
    Props,
    Unmount,
}

/// Whether a reply carries the result of a request or a failure.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    Success,
    Failure,
}

/// The result of a request for its optimistic updates and its edits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Done,
    /// The request failed. Edits sent with it may have been applied.
    ActionFailed,
    /// The request and its edits were refused.
    Refused,
}

impl Verdict {
    /// Returns the verdict on a request that failed with this code. If one edit sent with an action
    /// is refused, all of them are refused. Otherwise they stay.
    pub(super) fn of_failure(kind: RequestKind, code: &str) -> Self {
        if kind == RequestKind::Property || matches!(code, BAD_VALUE | UNKNOWN_PROPERTY | READ_ONLY_PROPERTY)
        {
            Self::Refused
        } else {
            Self::ActionFailed
        }
    }
}

/// Returns the start of a frame: the version and the type.
pub(super) fn start_frame(kind: &str) -> String {
    let mut frame = String::from("{\"v\":1,\"type\":\"");
    frame.push_str(kind);
    frame.push('"');
    frame
}

impl Request {
    /// Creates a request. `payload` is JSON, or empty for none.
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

    /// Creates the request of an action. `arguments` is a list, empty for none.
    pub(super) fn action(slot: Slot, name: Key, arguments: Val) -> Self {
        let mut request = Self::new(slot, RequestKind::Action, "");
        request.name = name;
        request.body.set(Key::of(words::field::ACTION), Val::text(name.name()));
        if arguments.list().is_some_and(|list| !list.is_empty()) {
            request.body.set(Key::of(words::field::PAYLOAD), arguments);
        }
        request
    }

    pub(super) fn property(slot: Slot, field: Key, value: Val) -> Self {
        let property = match parse(field.name()) {
            Some(path) if path.list().is_some() => path,
            _ => Val::text(field.name()),
        };
        let payload = Val::Obj(vec![
            (Key::of(words::payload::PROPERTY), property),
            (Key::of(words::payload::VALUE), value),
        ]);
        let mut request = Self::new(slot, RequestKind::Property, "");
        request.name = field;
        request.body.set(Key::of(words::field::PAYLOAD), payload);
        request.fields.push(field);
        request
    }

    /// Prepares the request to be sent again under another `ref`. The server has not handled it. An
    /// action carries no edits any more.
    pub(super) fn again(&mut self) {
        self.sent = false;
        self.left = false;
        if self.kind == RequestKind::Action {
            self.body.remove(Key::of(words::field::SET));
            self.fields.clear();
        }
    }

    /// Encodes the frame. It acknowledges the replies up to `ack`, if `ack` is not 0.
    pub(super) fn frame(&self, component: Key, ack: u64) -> String {
        let mut frame = start_frame(match self.kind {
            RequestKind::Mount => words::kind::COMPONENT_MOUNT,
            RequestKind::Action => words::kind::COMPONENT_ACTION,
            RequestKind::Property => words::kind::PROPERTY_UPDATE,
            RequestKind::Props => words::kind::PROPS_UPDATE,
            RequestKind::Unmount => words::kind::COMPONENT_UNMOUNT,
        });
        frame.push_str(",\"ref\":");
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
