//! Encodes and sends the patches and replies of finished jobs.

use bytes::Bytes;
use serde_json::value::RawValue;
use vivaz_components::{ActionError, Unsent};
use vivaz_protocol::{
    ComponentId, ErrorCode, ErrorMessage, FieldTopics, RawJson, Ref, Rev, ServerMessage, StreamId, Update,
};

use super::places::NOT_SHOWN;
use super::replies::{Bounds, Kept};
use super::task::{Origin, Task};
use super::{Session, encode};
use crate::telemetry::log::{Escaped, client_event};
use crate::telemetry::stats::Counters;

impl Session {
    /// Replies to a successful action: with its patch, or with an `ACK` if nothing changed. The
    /// reply follows the topic patches in `unsent`.
    pub(super) fn reply(
        &mut self,
        id: &ComponentId,
        reference: Ref,
        patch: Option<&str>,
        topics: Option<FieldTopics<'static>>,
        value: Option<&RawValue>,
        unsent: Vec<Unsent>,
    ) {
        let read = value.map(|_| self.topics_of(id)).unwrap_or_default();
        let is_withheld = value.is_some() && self.withholds(id, &read);
        let result = value.map(|value| value.get().into());
        let kept = Kept::Done { component: id.clone(), result, topics: read };
        if is_withheld {
            self.publish(id, patch, topics);
            let kept = Kept::Unreadable(kept.store(reference).body.into());
            return self.respond(id, reference, kept, None, unsent);
        }
        let patch = self.advance(id, patch, topics, Some(reference), value);
        self.respond(id, reference, kept, patch, unsent);
    }

    /// Sends a component's patch, if there is one, and keeps it for a resume.
    pub(super) fn publish(
        &mut self,
        id: &ComponentId,
        patch: Option<&str>,
        topics: Option<FieldTopics<'static>>,
    ) {
        let Some((rev, frame)) = self.advance(id, patch, topics, None, None) else { return };
        if self.held.has(id) {
            self.held.push_patch(id, rev, frame);
        } else {
            self.port.send_patch(StreamId::Component(id.clone()), rev, frame, None);
        }
    }

    /// Advances a component to its next revision, if there is a patch. Returns the revision and the
    /// encoded `PATCH`.
    fn advance(
        &mut self,
        id: &ComponentId,
        patch: Option<&str>,
        topics: Option<FieldTopics<'static>>,
        reference: Option<Ref>,
        result: Option<&RawValue>,
    ) -> Option<(Rev, Bytes)> {
        if patch.is_none() && topics.is_none() {
            return None;
        }
        let component = self.components.get_mut(id)?;
        let patch = patch.unwrap_or("{}");
        component.rev = component.rev.next();
        let moved = topics.is_some();
        let frame = encode::frame(&ServerMessage::Update(Update {
            reference,
            result: result.map(RawJson::from),
            topics,
            ..Update::new(StreamId::Component(id.clone()), component.rev, RawJson::trusted(patch))
        }));
        if moved {
            // A patch does not tell where shared fields point, so a page that missed it needs a
            // snapshot.
            component.ring.clear();
        } else {
            component.ring.push(patch);
        }
        Some((component.rev, frame))
    }

    /// Replies to a message that changed nothing in the component's own state.
    pub(super) fn acknowledge(&mut self, id: &ComponentId, reference: Ref, value: Option<&RawValue>) {
        self.reply(id, reference, None, None, value, Vec::new());
    }

    /// Replies to a failed action. The reply follows the topic patches in `unsent`. The error may
    /// quote data that the component shows, so it may be withheld later.
    pub(super) fn fail_action(
        &mut self,
        id: &ComponentId,
        reference: Ref,
        error: &ActionError,
        unsent: Vec<Unsent>,
    ) {
        let topics = self.topics_of(id);
        let is_withheld = self.withholds(id, &topics);
        let mut kept = self.refusal_of(id, reference, error);
        if let Kept::Refused(error) = kept {
            kept = if topics.is_empty() { Kept::Refused(error) } else { Kept::Failed { error, topics } };
        }
        if is_withheld {
            kept = Kept::Unreadable(kept.store(reference).body.into());
        }
        self.respond(id, reference, kept, None, unsent);
    }

    /// Replies to an action that was refused before the component saw it.
    pub(super) fn refuse_action(
        &mut self,
        id: &ComponentId,
        reference: Ref,
        error: &ActionError,
        unsent: Vec<Unsent>,
    ) {
        let kept = self.refusal_of(id, reference, error);
        self.respond(id, reference, kept, None, unsent);
    }

    /// Counts and logs a failure, and returns the reply.
    fn refusal_of(&self, id: &ComponentId, reference: Ref, error: &ActionError) -> Kept {
        let counters = &self.supervisor.core().counters;
        if error.source().is_some() {
            let log = &self.supervisor.core().log;
            client_event!(log, ERROR, component = %id, error = %Escaped(error), "action failed");
        } else if error.code() == ErrorCode::TooLarge {
            let log = &self.supervisor.core().log;
            client_event!(log, INFO, component = %id, error = %Escaped(error), "action refused");
        } else if error.code() == ErrorCode::Panicked {
            Counters::add(&counters.panics);
        } else if error.code() == ErrorCode::Timeout {
            Counters::add(&counters.timeouts);
        }
        let details = error.details();
        let message = ErrorMessage {
            details: details.as_deref().map(RawJson::from),
            ..ErrorMessage::new(error.code(), error.message())
        };
        refusal(reference, id, message)
    }

    /// Replies with an error.
    pub(super) fn reply_error(&mut self, reference: Ref, id: &ComponentId, error: ErrorMessage<'_>) {
        let kept = refusal(reference, id, error);
        self.respond(id, reference, kept, None, Vec::new());
    }

    /// Refuses a task whose component does not exist.
    pub(super) fn not_mounted(&mut self, id: &ComponentId, task: &Task) {
        let origin = match task {
            Task::Job { origin, .. } | Task::Props { origin, .. } | Task::Unmount { origin } => origin,
            Task::Child(mount) => return self.abandon(mount),
            Task::Refresh => return,
        };
        if let Origin::Page { reference, .. } = origin {
            let error = ErrorMessage::new(ErrorCode::NotMounted, "no component is mounted with this id");
            self.reply_error(*reference, id, error);
        }
    }

    /// Caches a reply until the client acknowledges it.
    pub(super) fn answer(&mut self, reference: Ref, reply: Kept) {
        let limits = &self.supervisor.core().limits;
        let bounds = Bounds { replies: limits.kept_replies, bytes: limits.kept_bytes };
        self.replies.answer(reference, reply, bounds);
        self.touch();
    }

    /// Sends a cached reply again.
    pub(super) fn say_again(&mut self, reference: Ref, kept: &Kept) {
        let frame = self.again(reference, kept);
        self.port.send(frame);
    }

    /// Encodes a cached reply for sending it again: without a patch, because the streams are
    /// current; a mount with the current state.
    pub(super) fn again(&mut self, reference: Ref, kept: &Kept) -> bytes::Bytes {
        match kept {
            Kept::Done { component, result, .. } => encode::frame(&ServerMessage::Ack {
                reference,
                component_id: component.clone(),
                result: result.as_deref().map(RawJson::trusted),
            }),
            Kept::Refused(text) | Kept::Failed { error: text, .. } => {
                bytes::Bytes::copy_from_slice(text.as_bytes())
            }
            Kept::Mounted(id) if self.components.get(id).is_some_and(|one| !one.is_shown()) => {
                let stream = Some(id.clone().into());
                encode::frame(&encode::refusal(Some(reference), stream, ErrorCode::NotMounted, NOT_SHOWN))
            }
            Kept::Mounted(id) => self.mounted_frame(id, Some(reference)),
            Kept::Unreadable(_) => encode::reply_lost(reference),
        }
    }

    /// Drops the patches that the client has, because it has received this reply.
    pub(super) fn forget_patches(&mut self, received: Ref) {
        for component in self.components.values_mut() {
            if let Some((reference, rev)) = component.replied
                && reference <= received
            {
                component.ring.forget(rev, component.rev);
                component.replied = None;
            }
        }
    }
}

/// Encodes an error as a cached reply.
fn refusal(reference: Ref, id: &ComponentId, error: ErrorMessage<'_>) -> Kept {
    let error = error.answering(Some(reference), Some(StreamId::Component(id.clone())));
    Kept::Refused(encode::text(&ServerMessage::Error(error)).into())
}
