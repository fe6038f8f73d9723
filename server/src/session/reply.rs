//! Encodes and sends the patches and replies of finished jobs.

pub(super) mod cache;
pub(super) mod held;

use bytes::Bytes;
use serde_json::value::RawValue;
use vivaz_components::{ActionError, Unsent};
use vivaz_protocol::{
    ComponentId, ErrorCode, ErrorMessage, FieldTopics, RawJson, Ref, Rev, ServerMessage, StreamId, Update,
};

use super::children::visibility::NOT_SHOWN;
use super::component::StatePatch;
use super::page_effects;
use super::reply::cache::{CacheBounds, CachedReply};
use super::task::{Task, TaskOrigin};
use super::{Session, encode};
use crate::telemetry::log::{Escaped, client_event};

/// What a successful action gives the page, besides its patch.
#[derive(Default)]
pub(super) struct ActionOutput<'a> {
    /// The action's return value.
    pub(super) value: Option<&'a RawValue>,
    /// The requests of the handler to its page, as the data of their event.
    pub(super) page_effects: Option<Box<str>>,
}

impl Session {
    /// Replies to a successful action: with its patch, or with an `ACK` if nothing changed. The
    /// reply follows the topic patches in `unsent`.
    pub(super) fn reply(
        &mut self,
        id: &ComponentId,
        reference: Ref,
        patch: Option<&str>,
        topics: Option<FieldTopics<'static>>,
        answer: ActionOutput<'_>,
        unsent: Vec<Unsent>,
    ) {
        let ActionOutput { value, page_effects } = answer;
        let read = value.map(|_| self.result_topics(id)).unwrap_or_default();
        let is_withheld = value.is_some() && self.must_withhold(id, &read);
        let result = value.map(|value| value.get().into());
        let reply = CachedReply::Done { component: id.clone(), result, topics: read, page_effects };
        if is_withheld {
            self.send_component_patch(id, patch, topics);
            let reply = CachedReply::Undecodable(reply.to_stored(reference).body.into());
            return self.reply_in_order(id, reference, reply, None, unsent);
        }
        let patch = self.advance_revision(id, patch, topics, Some(reference), value);
        self.reply_in_order(id, reference, reply, patch, unsent);
    }

    /// Sends a component's patch, if there is one, and keeps it for a resume.
    pub(super) fn send_component_patch(
        &mut self,
        id: &ComponentId,
        patch: Option<&str>,
        topics: Option<FieldTopics<'static>>,
    ) {
        let Some((rev, frame)) = self.advance_revision(id, patch, topics, None, None) else { return };
        if self.held_replies.holds(id) {
            self.held_replies.push_patch(id, rev, frame);
        } else {
            self.port.send_patch(StreamId::Component(id.clone()), rev, frame, None);
        }
    }

    /// Advances a component to its next revision, if there is a patch. Returns the revision and the
    /// encoded `STATE_UPDATE`.
    fn advance_revision(
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
        self.supervisor.core().counters.component_patched(patch.len());
        if topics.is_some() {
            // A patch does not contain where shared fields point, so a page that missed it needs a
            // snapshot.
            component.stream.advance_without_patch();
        } else {
            component.stream.advance(StatePatch(patch.into()));
        }
        let frame = encode::frame(&ServerMessage::Update(Update {
            reference,
            result: result.map(RawJson::from),
            topics,
            ..Update::new(StreamId::Component(id.clone()), component.stream.rev(), RawJson::trusted(patch))
        }));
        Some((component.stream.rev(), frame))
    }

    /// Replies to a message that changed nothing in the component's own state.
    pub(super) fn reply_ack(&mut self, id: &ComponentId, reference: Ref, value: Option<&RawValue>) {
        self.reply(id, reference, None, None, ActionOutput { value, page_effects: None }, Vec::new());
    }

    /// Replies to a failed action. The reply follows the topic patches in `unsent`. The error may
    /// quote data that the component shows, so it may be withheld later.
    pub(super) fn reply_failed(
        &mut self,
        id: &ComponentId,
        reference: Ref,
        error: &ActionError,
        unsent: Vec<Unsent>,
    ) {
        let topics = self.result_topics(id);
        let is_withheld = self.must_withhold(id, &topics);
        let mut reply = self.failure_reply(id, reference, error);
        if let CachedReply::Refused(error) = reply {
            reply = if topics.is_empty() {
                CachedReply::Refused(error)
            } else {
                CachedReply::Failed { error, topics }
            };
        }
        if is_withheld {
            reply = CachedReply::Undecodable(reply.to_stored(reference).body.into());
        }
        self.reply_in_order(id, reference, reply, None, unsent);
    }

    /// Replies to an action that was refused before the component saw it.
    pub(super) fn reply_refused(
        &mut self,
        id: &ComponentId,
        reference: Ref,
        error: &ActionError,
        unsent: Vec<Unsent>,
    ) {
        let reply = self.failure_reply(id, reference, error);
        self.reply_in_order(id, reference, reply, None, unsent);
    }

    /// Logs and counts a failure, and returns the reply.
    fn failure_reply(&self, id: &ComponentId, reference: Ref, error: &ActionError) -> CachedReply {
        if error.source().is_some() {
            let log = &self.supervisor.core().log;
            client_event!(log, ERROR, session = %self.port.session(), component = %id, error = %Escaped(error), "action failed");
        } else if error.code() == ErrorCode::TooLarge {
            let log = &self.supervisor.core().log;
            client_event!(log, INFO, session = %self.port.session(), component = %id, error = %Escaped(error), "action refused");
        }
        let details = error.details();
        let message = ErrorMessage {
            details: details.as_deref().map(RawJson::from),
            retry_ms: (error.code() == ErrorCode::Overloaded).then_some(1_000),
            ..ErrorMessage::new(error.code(), error.message())
        };
        self.refused_reply(reference, id, message)
    }

    /// Counts an error and encodes it as a cached reply.
    fn refused_reply(&self, reference: Ref, id: &ComponentId, error: ErrorMessage<'_>) -> CachedReply {
        self.supervisor.core().counters.failed.of(error.code).add();
        let error = error.answering(Some(reference), Some(StreamId::Component(id.clone())));
        CachedReply::Refused(encode::text(&ServerMessage::Error(error)).into())
    }

    /// Replies with an error.
    pub(super) fn reply_error(&mut self, reference: Ref, id: &ComponentId, error: ErrorMessage<'_>) {
        let reply = self.refused_reply(reference, id, error);
        self.reply_in_order(id, reference, reply, None, Vec::new());
    }

    /// Refuses a task whose component does not exist.
    pub(super) fn refuse_unmounted(&mut self, id: &ComponentId, task: &Task) {
        let origin = match task {
            Task::Job { origin, .. } | Task::Props { origin, .. } | Task::Unmount { origin } => origin,
            Task::MountChild(mount) => return self.refuse_waiting(mount),
            Task::CompareProps => return,
        };
        if let TaskOrigin::Page { reference, .. } = origin {
            let error = ErrorMessage::new(ErrorCode::NotMounted, "no component is mounted with this id");
            self.reply_error(*reference, id, error);
        }
    }

    /// Caches a reply until the client acknowledges it.
    pub(super) fn cache_reply(&mut self, reference: Ref, reply: CachedReply) {
        let limits = &self.supervisor.core().limits;
        let bounds = CacheBounds { replies: limits.kept_replies, bytes: limits.kept_bytes };
        self.replies.insert(reference, reply, bounds);
        self.mark_changed();
    }

    /// Sends a cached reply again. Its bytes count against the rate of snapshots: a mount has the
    /// whole state of its component.
    pub(super) fn resend_reply(&mut self, reference: Ref, reply: &CachedReply) {
        if let CachedReply::Done { component, page_effects: Some(data), .. } = reply {
            let renewed = self.effect_encoder().renew(data);
            self.send_effects(component, renewed.as_deref().unwrap_or(data));
        }
        let frame = self.encode_cached_reply(reference, reply);
        self.count_snapshot(frame.len());
        self.port.send(frame);
    }

    /// Sends the event with the requests of a handler to its page, before the reply.
    pub(super) fn send_effects_of(&self, reply: &CachedReply) {
        if let CachedReply::Done { component, page_effects: Some(data), .. } = reply {
            self.send_effects(component, data);
        }
    }

    fn send_effects(&self, id: &ComponentId, data: &str) {
        self.port.send(encode::frame(&ServerMessage::Event {
            stream: StreamId::Component(id.clone()),
            name: page_effects::EVENT.into(),
            data: RawJson::trusted(data),
        }));
    }

    /// Encodes a cached reply for sending it again: without a patch, because the streams are
    /// current; a mount with the current state.
    pub(super) fn encode_cached_reply(&mut self, reference: Ref, reply: &CachedReply) -> bytes::Bytes {
        match reply {
            CachedReply::Done { component, result, .. } => encode::frame(&ServerMessage::Ack {
                reference,
                component_id: component.clone(),
                result: result.as_deref().map(RawJson::trusted),
            }),
            CachedReply::Refused(text) | CachedReply::Failed { error: text, .. } => {
                bytes::Bytes::copy_from_slice(text.as_bytes())
            }
            CachedReply::Mounted(id) if self.components.get(id).is_some_and(|one| !one.is_shown()) => {
                let stream = Some(id.clone().into());
                encode::frame(&encode::error(Some(reference), stream, ErrorCode::NotMounted, NOT_SHOWN))
            }
            CachedReply::Mounted(id) => self.encode_mounted(id, Some(reference), None),
            CachedReply::Undecodable(_) => encode::reply_lost(reference),
        }
    }

    /// Drops the patches that the client has, because it has received this reply.
    pub(super) fn drop_acknowledged_patches(&mut self, received: Ref) {
        for component in self.components.values_mut() {
            if let Some((reference, rev)) = component.last_reply
                && reference <= received
            {
                component.stream.forget(rev);
                component.last_reply = None;
            }
        }
    }
}
