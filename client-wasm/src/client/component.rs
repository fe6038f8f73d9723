//! A mounted component, as the client knows it.

use super::output::Failure;
use crate::store::{Stream, Tag};
use crate::value::{Key, Val, write_string};

/// What a component is mounted from, and mounted from again when a session is lost.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Source {
    /// The sealed state of a server-rendered element.
    Seal(Box<str>),
    /// A component that is open, with its props as a JSON object.
    Open { name: Box<str>, props: Box<str> },
}

impl Source {
    pub(super) fn payload(&self) -> String {
        let mut out = String::from(",\"payload\":{");
        match self {
            Source::Seal(seal) => {
                out.push_str("\"seal\":");
                write_string(seal, &mut out);
            }
            Source::Open { name, props } => {
                out.push_str("\"component\":");
                write_string(name, &mut out);
                out.push_str(",\"props\":");
                out.push_str(props);
            }
        }
        out.push('}');
        out
    }
}

/// How far it has come.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Phase {
    Mounting,
    Live,
    Failed(Failure),
}

#[derive(Debug)]
pub(crate) struct Component {
    /// Its id on the wire.
    pub(crate) id: Box<str>,
    pub(crate) source: Source,
    /// The props that its parent gave it last, if they are newer than the source.
    pub(crate) props: Option<Box<str>>,
    pub(crate) phase: Phase,
    pub(crate) template: Box<str>,
    pub(crate) stream: Stream,
    /// Which topic each shared field shows.
    pub(crate) topics: Vec<(Key, Box<str>)>,
    /// The names of the actions that may be run twice.
    pub(crate) retry: Val,
    /// What was typed and is not answered yet, oldest first.
    pub(crate) edits: Vec<FieldEdit>,
    /// What was typed and accepted, for as long as the server does not say otherwise: put back into a new session.
    pub(crate) typed: Vec<(Key, Val)>,
}

/// An edit of a `model` field.
#[derive(Debug, PartialEq)]
pub(crate) struct FieldEdit {
    pub(crate) field: Key,
    pub(crate) value: Val,
    pub(crate) tag: Tag,
    pub(crate) progress: Progress,
    /// The server's value shows even so.
    pub(crate) force: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Waits for its moment: the end of a pause, a blur, an action that takes it along.
    Waiting,
    /// Its moment came, but one of the same field is unanswered: only the newest goes on when that is answered.
    Due,
    /// On its way.
    Sent,
}

impl Component {
    pub(super) fn new(id: &str, source: Source) -> Self {
        Self {
            id: id.into(),
            source,
            props: None,
            phase: Phase::Mounting,
            template: "".into(),
            stream: Stream::default(),
            topics: Vec::new(),
            retry: Val::Null,
            edits: Vec::new(),
            typed: Vec::new(),
        }
    }

    /// The topic under a field.
    pub(crate) fn topic(&self, field: Key) -> Option<&str> {
        self.topics.iter().find(|(key, _)| *key == field).map(|(_, topic)| &**topic)
    }

    /// Whether its field was edited again since.
    pub(super) fn has_newer(&self, edit: &FieldEdit) -> bool {
        self.edits.iter().any(|other| other.field == edit.field && other.tag > edit.tag)
    }

    /// Whether the action may be run twice.
    pub(super) fn retries(&self, action: &str) -> bool {
        self.retry.list().unwrap_or_default().iter().any(|name| name.str() == Some(action))
    }

    /// Notes what the server accepted, or forgets it when the server says something else.
    pub(super) fn note_typed(&mut self, field: Key, value: Option<Val>) {
        self.typed.retain(|(key, _)| *key != field);
        if let Some(value) = value {
            self.typed.push((field, value));
        }
    }
}
