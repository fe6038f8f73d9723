//! A mounted component, as the client knows it.

use super::request::Request;
use crate::slots::Slot;
use crate::store::{Stream, Tag};
use crate::value::{Key, Val};

/// How far it has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ComponentPhase {
    /// The page has removed it; its unmount is unanswered.
    #[default]
    Gone,
    Mounting,
    Live,
    Failed,
}

#[derive(Debug, Default)]
pub(crate) struct Component {
    /// Its id on the wire.
    pub(crate) id: Key,
    /// What it is mounted from, and mounted from again when a session is lost: the payload of the
    /// message.
    pub(super) source: String,
    pub(crate) phase: ComponentPhase,
    /// The hash of its template.
    pub(crate) template: Key,
    pub(crate) stream: Stream,
    /// Which topic each shared field shows.
    pub(super) topics: Vec<(Key, Key)>,
    /// The names of the actions that may be run twice.
    pub(super) retry: Val,
    /// What was typed and is not answered yet, oldest first.
    pub(super) edits: Vec<FieldEdit>,
    /// What was typed and accepted, for as long as the server does not say otherwise: put back into
    /// a new session.
    pub(super) typed: Val,
}

/// An edit of a `model` field, or of a property inside of one.
#[derive(Debug, PartialEq)]
pub(crate) struct FieldEdit {
    /// The field's name, or the path in JSON.
    pub(crate) field: Key,
    /// The path before an item in it had its id: controls may have it still.
    pub(super) named: Key,
    pub(crate) value: Val,
    pub(crate) tag: Tag,
    pub(crate) progress: Progress,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Waits for its moment: the end of a pause, a blur, an action that takes it along.
    Waiting,
    /// Its moment came, but one of the same field is unanswered: only the newest goes on when that
    /// is answered.
    Due,
    /// On its way.
    Sent,
}

impl FieldEdit {
    /// Returns the message that sends it.
    pub(super) fn request(&mut self, slot: Slot) -> Request {
        self.progress = Progress::Sent;
        let mut request = Request::property(slot, self.field, self.value.clone());
        request.tags.push(self.tag);
        request
    }
}

impl Component {
    /// The topic under a field.
    pub(crate) fn topic(&self, field: Key) -> Option<Key> {
        self.topics.iter().find(|(key, _)| *key == field).map(|(_, topic)| *topic)
    }

    /// Whether one of its fields shows the topic.
    pub(super) fn shows(&self, topic: Key) -> bool {
        self.topics.iter().any(|(_, name)| *name == topic)
    }

    /// Returns the place of the edit with this guess.
    #[inline(never)]
    pub(super) fn edit_of(&self, tag: Tag) -> Option<usize> {
        self.edits.iter().position(|edit| edit.tag == tag)
    }

    /// Whether the field was edited after that.
    pub(super) fn has_newer(&self, field: Key, tag: Tag) -> bool {
        self.edits.iter().any(|other| other.field == field && other.tag > tag)
    }

    /// Whether the action may be run twice.
    pub(super) fn retries(&self, action: Key) -> bool {
        self.retry.list().unwrap_or_default().iter().any(|name| name.str() == Some(action.name()))
    }
}
