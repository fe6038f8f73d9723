//! Receives messages of the client: checks the rate, decodes, deduplicates by `ref`, and
//! dispatches.

pub(super) mod client_behaviour;

use std::fmt;
use std::ops::ControlFlow;
use std::time::Duration;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use tokio::time::Instant;
use vivaz_components::instance::Job;
use vivaz_protocol::{
    ClientBody, ClientType, ComponentId, DecodeError, ErrorCode, ErrorMessage, Hello, MountChild, RawJson,
    Ref, Request, ServerMessage, StreamId, decode_client,
};

use super::child::Visibility;
use super::children::visibility::NOT_SHOWN;
use super::reply::cache::{CachedReply, RefStatus};
use super::requests::client_behaviour::CloseReason;
use super::task::{PropsRequest, Task, TaskOrigin};
use super::{Session, encode};
use crate::telemetry::log::{Escaped, client_event};
use crate::transport::NOT_A_MESSAGE;

impl Session {
    /// Handles a text message. Returns a close reason if the connection has to be closed.
    pub(crate) fn receive_text(&mut self, bytes: &[u8]) -> Option<CloseReason> {
        let now = Instant::now();
        let core = self.supervisor.core();
        core.counters.messages.add();
        if self.behaviour.take_first()
            && self.supervisor.sessions.confirm_secret(self.port.session())
            && self.persistence.may_be_stored()
        {
            // The previous secret has to become invalid in the store too.
            self.mark_changed();
        }
        let Ok(text) = std::str::from_utf8(bytes) else {
            return self.handle_malformed(None, None, "text messages must be UTF-8");
        };
        let retry_after = self.check_rate(now);
        let message = match decode_client(text, &self.supervisor.core().decoder) {
            Ok(message) => message,
            Err(error) => return self.handle_undecodable(&error, retry_after, now),
        };
        let is_echoed = matches!(message.body, ClientBody::Ping { payload: Some(_) });
        if !is_echoed {
            self.behaviour.count_well_formed();
        }
        let ack = message.ack;
        let expects_hello = std::mem::take(&mut self.expects_hello);
        match message.body {
            ClientBody::Hello(Hello { resume: None, auth: None }) if expects_hello => None,
            ClientBody::Hello(_) => self.handle_malformed(None, None, "HELLO must be the first message"),
            ClientBody::Request { reference, component_id, request } => {
                self.handle_request(reference, component_id, request, ack, retry_after, now)
            }
            ClientBody::Unanswered { component_id, action, payload } => {
                self.handle_unanswered(component_id, &action, payload, ack, retry_after, now)
            }
            ClientBody::Resync(_) | ClientBody::Template { .. } | ClientBody::Ping { .. }
                if retry_after.is_some() =>
            {
                self.refuse_rate_limited(None, None, retry_after, now)
            }
            ClientBody::Resync(stream) => {
                if self.handle_resync(stream).is_ok() {
                    self.acknowledge(ack);
                }
                None
            }
            ClientBody::Template { hash } => {
                if self.send_template(&hash).is_ok() {
                    self.acknowledge(ack);
                }
                None
            }
            ClientBody::Ping { payload: Some(payload) } if !is_encodable(&payload) => self.handle_malformed(
                None,
                None,
                "the payload must be a JSON value without lone surrogates and with finite numbers",
            ),
            ClientBody::Ping { payload } => {
                self.behaviour.count_well_formed();
                self.acknowledge(ack);
                self.port.send(encode::frame(&ServerMessage::Pong { payload }));
                None
            }
        }
    }

    /// Applies the `ack` of a message that is not refused. A refusal changes nothing.
    fn acknowledge(&mut self, ack: Option<Ref>) {
        if let Some(received) = ack {
            self.replies.acknowledge(received);
            self.drop_acknowledged_patches(received);
        }
    }

    /// Handles a binary message that is not valid in the connection's encoding.
    pub(crate) fn receive_binary(&mut self, bytes: &[u8]) -> Option<CloseReason> {
        tracing::debug!(session = %self.port.session(), bytes = bytes.len(), "received a binary message");
        self.handle_malformed(None, None, NOT_A_MESSAGE)
    }

    /// Handles a control frame of the transport, such as a ping. It is answered, so it counts
    /// against the rate.
    pub(crate) fn receive_control(&mut self) -> Option<CloseReason> {
        let now = Instant::now();
        self.check_rate(now)?;
        self.supervisor.core().counters.rate_limited.add();
        self.behaviour.count_refused(now)
    }

    /// Counts a message against the rate. Returns the time until the next one is allowed, if it is
    /// too fast.
    fn check_rate(&mut self, now: Instant) -> Option<Duration> {
        let core = self.supervisor.core();
        self.behaviour.count_message(core.rate, now.duration_since(core.started)).err()
    }

    /// Handles a message with a `ref`. It runs once, however often it arrives.
    fn handle_request(
        &mut self,
        reference: Ref,
        id: ComponentId,
        request: Request<'_>,
        ack: Option<Ref>,
        retry_after: Option<Duration>,
        now: Instant,
    ) -> Option<CloseReason> {
        let is_settled = self.components.get(&id).is_some_and(|one| reference.get() <= one.settled);
        if is_settled && !self.replies.is_known(reference) {
            return self.repeat_reply(reference, None, Some(id.into()), retry_after, now);
        }
        if let ControlFlow::Break(close) = self.admit(reference, Some(&id.clone().into()), retry_after, now) {
            return close;
        }
        if self.replies.running_count() > self.supervisor.core().limits.in_flight {
            let error = ErrorMessage {
                retry_ms: Some(1_000),
                ..ErrorMessage::new(ErrorCode::Overloaded, "too many messages in progress")
            };
            self.reply_error(reference, &id, error);
            return None;
        }
        if largest_value(&request) > self.supervisor.core().limits.value_bytes {
            let error = ErrorMessage::new(ErrorCode::TooLarge, "the value is too large for a field");
            self.reply_error(reference, &id, error);
            return None;
        }
        if let Err(error) = self.check_visible(&id, &request) {
            self.reply_refused(&id, reference, &error, Vec::new());
            return None;
        }
        // Applied before the job starts, because the commit of the job records it.
        let is_queued = request.kind() != ClientType::Mount && self.components.contains_key(&id);
        if is_queued {
            self.acknowledge(ack);
        }
        let origin = TaskOrigin::Page { reference, received_at: now };
        match request {
            Request::MountSealed { seal, painted } => {
                self.mount_sealed(reference, &id, &seal, painted, now);
            }
            Request::MountChild(mount) => self.mount_child(reference, &id, mount, now),
            Request::MountOpen { component, props } => {
                self.mount_open(reference, &id, &component, props, now);
            }
            Request::Action { action, payload, set } => {
                let set =
                    set.into_iter().map(|(name, value)| (name.into_owned(), value.to_raw_value())).collect();
                let payload = payload.map(RawJson::to_raw_value);
                self.enqueue(
                    &id,
                    Task::Job { job: Job::Action { action: action.into_owned(), payload, set }, origin },
                );
            }
            Request::Property { property, value } => {
                let job = Job::Property { property: property.into_owned(), value: value.to_raw_value() };
                self.enqueue(&id, Task::Job { job, origin });
            }
            Request::Props(vivaz_protocol::PropsUpdate { page, props }) => {
                let page =
                    page.into_iter().map(|(name, value)| (name.into_owned(), value.to_raw_value())).collect();
                let given = PropsRequest { page, props: props.map(RawJson::to_raw_value) };
                self.enqueue(&id, Task::Props { given, origin });
            }
            Request::Unmount => {
                self.remove_set_aside(&id);
                self.enqueue(&id, Task::Unmount { origin });
            }
        }
        if !is_queued && !self.replies.is_refused(reference) {
            self.acknowledge(ack);
        }
        None
    }

    /// Handles an action without a `ref`. The page receives an error only if it is refused before
    /// it is queued.
    fn handle_unanswered(
        &mut self,
        id: ComponentId,
        action: &str,
        payload: Option<RawJson<'_>>,
        ack: Option<Ref>,
        retry_after: Option<Duration>,
        now: Instant,
    ) -> Option<CloseReason> {
        if retry_after.is_some() {
            return self.refuse_rate_limited(None, Some(id.into()), retry_after, now);
        }
        if let Err(error) = self.check_unanswered(&id, action) {
            let (log, escaped) = (&self.supervisor.core().log, Escaped(&error.message));
            client_event!(log, DEBUG, session = %self.port.session(), component = %id, error = %escaped, "action without `ref` refused");
            let error = error.answering(None, Some(id.into()));
            self.port.send(encode::frame(&ServerMessage::Error(error)));
            return None;
        }
        self.acknowledge(ack);
        let (action, payload) = (action.to_owned(), payload.map(RawJson::to_raw_value));
        let job = Job::Action { action, payload, set: Vec::new() };
        self.enqueue(&id, Task::Job { job, origin: TaskOrigin::Unanswered { received_at: now } });
        None
    }

    /// Checks whether an action without a `ref` may be queued for its component.
    ///
    /// # Errors
    /// Returns the `ERROR` for the page.
    fn check_unanswered(&mut self, id: &ComponentId, action: &str) -> Result<(), ErrorMessage<'static>> {
        if self.replies.running_count() + self.queued_unanswered() >= self.supervisor.core().limits.in_flight
        {
            let error = ErrorMessage::new(ErrorCode::Overloaded, "too many messages in progress");
            return Err(ErrorMessage { retry_ms: Some(1_000), ..error });
        }
        let Some(component) = self.components.get(id) else {
            let message = "no component is mounted with this id";
            return Err(ErrorMessage::new(ErrorCode::NotMounted, message));
        };
        let spec = component.spec;
        if spec.durable {
            let message = "actions of a durable component need a `ref`";
            return Err(ErrorMessage::new(ErrorCode::UnknownAction, message));
        }
        if !spec.actions.iter().any(|known| known.name == action) {
            let message = format!("`{}` has no such action", spec.name);
            return Err(ErrorMessage::new(ErrorCode::UnknownAction, message));
        }
        if !matches!(self.update_visibility(id), Ok(Visibility::Shown)) {
            return Err(ErrorMessage::new(ErrorCode::NotMounted, NOT_SHOWN));
        }
        Ok(())
    }

    /// Returns the number of queued actions without a `ref`.
    fn queued_unanswered(&self) -> usize {
        let waits = |task: &&Task| matches!(task, Task::Job { origin: TaskOrigin::Unanswered { .. }, .. });
        self.components.values().map(|component| component.queue.iter().filter(waits).count()).sum()
    }

    /// Accepts a message with a `ref` that is new and within the rate. Otherwise answers it, and
    /// returns the close reason if the connection has to be closed.
    fn admit(
        &mut self,
        reference: Ref,
        stream: Option<&StreamId>,
        retry_after: Option<Duration>,
        now: Instant,
    ) -> ControlFlow<Option<CloseReason>> {
        let reply = match self.replies.admit(reference) {
            RefStatus::New if retry_after.is_some() => {
                let close = self.refuse_rate_limited(Some(reference), stream.cloned(), retry_after, now);
                return ControlFlow::Break(close);
            }
            RefStatus::New => return ControlFlow::Continue(()),
            RefStatus::Running if retry_after.is_none() => return ControlFlow::Break(None),
            // Not repeated: the message exceeds the rate.
            RefStatus::Running | RefStatus::Lost => None,
            RefStatus::Finished(reply) => Some(reply.clone()),
        };
        ControlFlow::Break(self.repeat_reply(reference, reply, stream.cloned(), retry_after, now))
    }

    /// Answers a message that was accepted before, with its reply or with `reply_lost`. The message
    /// counts against the rate like any other, and the bytes of the reply count against the rate of
    /// snapshots. A refusal has no `ref`, because the message has a reply already.
    fn repeat_reply(
        &mut self,
        reference: Ref,
        reply: Option<CachedReply>,
        stream: Option<StreamId>,
        retry_after: Option<Duration>,
        now: Instant,
    ) -> Option<CloseReason> {
        if retry_after.is_some() {
            return self.refuse_rate_limited(None, stream, retry_after, now);
        }
        match reply {
            None => self.port.send(encode::reply_lost(reference)),
            Some(reply) => match self.check_snapshot_rate() {
                Ok(()) => self.resend_reply(reference, &reply),
                Err(wait) => return self.refuse_rate_limited(None, stream, Some(wait), now),
            },
        }
        None
    }

    /// Handles a message that cannot be decoded.
    fn handle_undecodable(
        &mut self,
        error: &DecodeError,
        retry_after: Option<Duration>,
        now: Instant,
    ) -> Option<CloseReason> {
        let is_malformed = error.code == ErrorCode::Malformed;
        if !is_malformed {
            self.behaviour.count_well_formed();
        }
        // A message with a ref gets one reply, like any other.
        if let Some(reference) = error.reference.filter(|_| error.kind.is_none_or(ClientType::has_ref)) {
            if let ControlFlow::Break(close) = self.admit(reference, error.stream.as_ref(), retry_after, now)
            {
                // Rate-limited messages are counted separately.
                let counts = is_malformed && retry_after.is_none();
                return if counts { close.or(self.behaviour.count_malformed()) } else { close };
            }
            let text = encode::text(&encode::error(
                Some(reference),
                error.stream.clone(),
                error.code,
                &error.message,
            ));
            self.cache_reply(reference, CachedReply::Refused(text.as_str().into()));
            self.port.send(text.into());
            self.log_undecodable(error.code, &error.message);
            return if is_malformed { self.behaviour.count_malformed() } else { None };
        }
        if retry_after.is_some() {
            return self.refuse_rate_limited(error.reference, error.stream.clone(), retry_after, now);
        }
        if is_malformed {
            return self.handle_malformed(error.reference, error.stream.clone(), &error.message);
        }
        let refusal = encode::error(error.reference, error.stream.clone(), error.code, &error.message);
        self.port.send(encode::frame(&refusal));
        self.log_undecodable(error.code, &error.message);
        None
    }

    /// Counts a message that cannot be decoded, and logs why. Pages show the error only in their
    /// console.
    fn log_undecodable(&self, code: ErrorCode, message: &str) {
        let core = self.supervisor.core();
        core.counters.failed.of(code).add();
        let (log, error) = (&core.log, Escaped(message));
        client_event!(log, DEBUG, session = %self.port.session(), %code, %error, "cannot decode a message");
    }

    /// Replies `malformed`, and closes the connection after too many in a row.
    fn handle_malformed(
        &mut self,
        reference: Option<Ref>,
        stream: Option<StreamId>,
        message: &str,
    ) -> Option<CloseReason> {
        self.port.send(encode::frame(&encode::error(reference, stream, ErrorCode::Malformed, message)));
        self.log_undecodable(ErrorCode::Malformed, message);
        self.behaviour.count_malformed()
    }

    /// Refuses a message that exceeds the rate.
    fn refuse_rate_limited(
        &mut self,
        reference: Option<Ref>,
        stream: Option<StreamId>,
        retry_after: Option<Duration>,
        now: Instant,
    ) -> Option<CloseReason> {
        self.supervisor.core().counters.rate_limited.add();
        let millis = retry_after.unwrap_or_default().as_millis();
        let error = ErrorMessage {
            reference,
            stream,
            // Rounded up, so that a client which waits this long is not refused again for a
            // fraction of a millisecond.
            retry_ms: Some(u64::try_from(millis).unwrap_or(u64::MAX).saturating_add(1)),
            ..ErrorMessage::new(ErrorCode::RateLimited, "too many messages")
        };
        let text = encode::text(&ServerMessage::Error(error));
        if let Some(reference) = reference {
            self.cache_reply(reference, CachedReply::Refused(text.as_str().into()));
        }
        self.port.send(text.into());
        self.behaviour.count_refused(now)
    }

    /// Sends a template to a page that could not fetch it over HTTP.
    ///
    /// # Errors
    /// Returns [`Refused`] after sending an `ERROR`, if no template has this hash.
    fn send_template(&self, hash: &str) -> Result<(), Refused> {
        let core = self.supervisor.core();
        let Some(json) = core.templates.by_hash(hash) else {
            let error = encode::error(None, None, ErrorCode::BadValue, "unknown template hash");
            self.port.send(encode::frame(&error));
            return Err(Refused);
        };
        let template = RawJson::trusted(json);
        self.port.send(encode::frame(&ServerMessage::Template { hash: hash.into(), template }));
        Ok(())
    }
}

/// A message was refused, and its `ERROR` is sent.
pub(super) struct Refused;

/// Checks whether JSON can be sent back in every encoding. Lone surrogates and numbers beyond the
/// range of a double are valid JSON, but no values.
fn is_encodable(json: &RawJson<'_>) -> bool {
    serde_json::from_str::<serde_json::Value>(json.get()).is_ok()
}

/// Returns the size of the largest value that a request writes into a field, in bytes of JSON.
fn largest_value(request: &Request<'_>) -> usize {
    match request {
        Request::Property { value, .. } => value.get().len(),
        Request::Action { set: values, .. } | Request::MountChild(MountChild { page: values, .. }) => {
            largest_of(values)
        }
        Request::Props(vivaz_protocol::PropsUpdate { page, props }) => {
            largest_of(page).max(props.as_ref().map_or(0, largest_in))
        }
        Request::MountOpen { props, .. } => props.as_ref().map_or(0, largest_in),
        Request::MountSealed { .. } | Request::Unmount => 0,
    }
}

/// Returns the size of the largest of several values.
fn largest_of<N>(values: &[(N, RawJson<'_>)]) -> usize {
    values.iter().map(|(_, value)| value.get().len()).max().unwrap_or(0)
}

/// Returns the size of the largest value in an object, or of the whole if it is not an object.
fn largest_in(object: &RawJson<'_>) -> usize {
    serde_json::from_str::<LargestValue>(object.get()).map_or(object.get().len(), |LargestValue(bytes)| bytes)
}

/// The size of the largest value in an object. Duplicate names count separately.
struct LargestValue(usize);

impl<'de> Deserialize<'de> for LargestValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Values;
        impl<'de> Visitor<'de> for Values {
            type Value = LargestValue;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut values: A) -> Result<LargestValue, A::Error> {
                let mut largest = 0;
                while let Some((IgnoredAny, value)) = values.next_entry::<IgnoredAny, &RawValue>()? {
                    largest = largest.max(value.get().len());
                }
                Ok(LargestValue(largest))
            }
        }
        deserializer.deserialize_map(Values)
    }
}
