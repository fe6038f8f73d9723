//! The client's record of a mounted component.

use super::request::Request;
use crate::dom::phase;
use crate::slots::Slot;
use crate::store::{Stream, Tag};
use crate::value::{Key, Val};

/// The phase of a component's life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ComponentPhase {
    /// The page has removed it; its unmount is unanswered.
    #[default]
    Gone,
    Mounting,
    /// As `Mounting`, but the page already shows the state that its HTML carried.
    Painted,
    Live,
    Failed,
}

impl ComponentPhase {
    /// Returns the phase that the page reports for a component with a view.
    pub(crate) fn shown(self) -> Option<u32> {
        match self {
            Self::Live => Some(phase::LIVE),
            Self::Painted => Some(phase::PAINTED),
            Self::Gone | Self::Mounting | Self::Failed => None,
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Component {
    /// Its id on the wire.
    pub(crate) id: Key,
    /// The payload of its mount message, used again when a session is lost.
    pub(super) source: String,
    pub(crate) phase: ComponentPhase,
    /// The hash of its template.
    pub(crate) template: Key,
    pub(crate) stream: Stream,
    /// Each shared field with the topic that it shows.
    pub(super) topics: Vec<(Key, Key)>,
    /// The names of the actions that may run twice.
    pub(super) retry: Val,
    /// Unanswered edits, oldest first.
    pub(super) edits: Vec<FieldEdit>,
    /// Accepted edits that the server has not overwritten since. They are restored in a new
    /// session.
    pub(super) typed: Val,
}

/// An edit of a `model` field, or of a property inside of one.
#[derive(Debug, PartialEq)]
pub(crate) struct FieldEdit {
    /// The field's name, or the property's path as JSON.
    pub(crate) field: Key,
    /// The path with the temporary id of an item; controls may still use it.
    pub(super) named: Key,
    pub(crate) value: Val,
    pub(crate) tag: Tag,
    pub(crate) progress: Progress,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Not due: the end of a pause, a blur or an action sends it.
    Waiting,
    /// Due, but an edit of the same field is unanswered. After that reply only the newest edit is
    /// sent.
    Due,
    /// Sent and unanswered.
    Sent,
}

impl FieldEdit {
    /// Marks the edit as sent and returns its request.
    pub(super) fn request(&mut self, slot: Slot) -> Request {
        self.progress = Progress::Sent;
        let mut request = Request::property(slot, self.field, self.value.clone());
        request.tags.push(self.tag);
        request
    }
}

impl Component {
    /// Creates a component whose mount is unanswered. `source` is the payload of its mount message.
    pub(super) fn new(id: &str, source: String) -> Self {
        let typed = Val::Obj(Vec::new());
        Self { id: Key::of(id), source, phase: ComponentPhase::Mounting, typed, ..Self::default() }
    }

    /// Returns the topic of a shared field.
    pub(crate) fn topic(&self, field: Key) -> Option<Key> {
        self.topics.iter().find(|(key, _)| *key == field).map(|(_, topic)| *topic)
    }

    /// Checks whether one of its fields shows the topic.
    pub(super) fn shows(&self, topic: Key) -> bool {
        self.topics.iter().any(|(_, name)| *name == topic)
    }

    /// Returns the index of the edit with this tag.
    #[inline(never)]
    pub(super) fn edit_of(&self, tag: Tag) -> Option<usize> {
        self.edits.iter().position(|edit| edit.tag == tag)
    }

    /// Checks whether the field has an edit newer than `tag`.
    pub(super) fn has_newer(&self, field: Key, tag: Tag) -> bool {
        self.edits.iter().any(|other| other.field == field && other.tag > tag)
    }

    /// Checks whether the action may run twice.
    pub(super) fn retries(&self, action: Key) -> bool {
        self.retry.list().unwrap_or_default().iter().any(|name| name.str() == Some(action.name()))
    }
}
