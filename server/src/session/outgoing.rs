//! Produces the outgoing messages of a connection. Encodes the snapshots that the outbox has
//! marked.

use std::time::Duration;

use vivaz_protocol::{ErrorCode, ErrorMessage, RawJson, Ref, ServerMessage, StreamId};

use super::topics::SessionTopic;
use super::visibility::NOT_SHOWN;
use super::{Session, encode};
use crate::session::outbox::OutboxEntry;
use crate::telemetry::log::{Escaped, Quoted};
use crate::transport::Outgoing;

impl Session {
    /// Returns the next message to send.
    pub(crate) fn next_outgoing(&mut self) -> Option<Outgoing> {
        loop {
            let frame = match self.port.next_entry()? {
                OutboxEntry::Frame(frame) => Some(frame),
                OutboxEntry::Patch { stream, rev, frame, answers } => {
                    // A snapshot contained this patch. Its reply is sent without the patch.
                    if self.snapshot_rev(&stream).is_some_and(|floor| rev > floor) {
                        Some(frame)
                    } else {
                        answers.and_then(|reference| self.encode_reply(reference))
                    }
                }
                OutboxEntry::Snapshot(stream) => {
                    let frame = self.encode_snapshot(&stream);
                    self.count_snapshot(frame.as_ref().map_or(0, bytes::Bytes::len));
                    frame
                }
            };
            if let Some(frame) = frame {
                return Some(Outgoing::Text(frame));
            }
        }
    }

    /// Returns the revision of the last snapshot of a stream. Returns `None` if the page does not
    /// show the stream.
    fn snapshot_rev(&self, stream: &StreamId) -> Option<vivaz_protocol::Rev> {
        match stream {
            StreamId::Component(id) => {
                self.components.get(id).filter(|one| one.is_shown()).map(|one| one.snapshot_rev)
            }
            StreamId::Topic(name) => {
                self.topics.get(name).filter(|held| held.is_viewed()).map(|held| held.snapshot_rev)
            }
        }
    }

    /// Encodes the current state of a stream. Returns `None` if the page does not show the stream.
    fn encode_snapshot(&mut self, stream: &StreamId) -> Option<bytes::Bytes> {
        match stream {
            StreamId::Topic(name) => {
                let held = self.topics.get_mut(name).filter(|held| held.is_viewed())?;
                match held.topic.snapshot() {
                    Ok(snapshot) => {
                        held.snapshot_rev = snapshot.rev;
                        Some(encode::topic_snapshot(name, &snapshot))
                    }
                    Err(error) => {
                        tracing::error!(topic = %Quoted(&name), error = %Escaped(&error), "cannot encode the state of a topic");
                        None
                    }
                }
            }
            StreamId::Component(id) => {
                let component = self.components.get_mut(id).filter(|component| component.is_shown())?;
                let state = match component.instance()?.state() {
                    Ok(state) => state,
                    Err(error) => {
                        tracing::error!(component = %id, error = %Escaped(&error), "cannot encode the state of a component");
                        return None;
                    }
                };
                component.snapshot_rev = component.stream.rev();
                Some(encode::frame(&ServerMessage::Snapshot {
                    stream: stream.clone(),
                    rev: component.stream.rev(),
                    epoch: self.supervisor.core().epochs.text(component.stream.epoch()),
                    state: RawJson::trusted(&state),
                }))
            }
        }
    }

    /// Encodes the kept reply of a message for sending it again.
    fn encode_reply(&mut self, reference: Ref) -> Option<bytes::Bytes> {
        let reply = self.replies.get(reference)?.clone();
        Some(self.encode_cached_reply(reference, &reply))
    }

    /// Handles a `RESYNC`: queues a snapshot of a stream.
    pub(super) fn handle_resync(&mut self, stream: StreamId) {
        if let StreamId::Component(id) = &stream {
            self.refresh_visibility(id);
        }
        let refusal = match &stream {
            StreamId::Component(id) if !self.components.contains_key(id) => {
                Some((ErrorCode::NotMounted, "no component is mounted with this id"))
            }
            StreamId::Component(id) if self.components.get(id).is_some_and(|one| !one.is_shown()) => {
                Some((ErrorCode::NotMounted, NOT_SHOWN))
            }
            StreamId::Topic(name) if !self.topics.get(name).is_some_and(SessionTopic::is_viewed) => {
                Some((ErrorCode::Forbidden, "no component of this session shows this topic"))
            }
            StreamId::Component(_) | StreamId::Topic(_) => None,
        };
        match refusal {
            Some((code, message)) => {
                self.port.send(encode::frame(&encode::error(None, Some(stream), code, message)));
            }
            None => match self.check_snapshot_rate() {
                Ok(()) => self.port.send_snapshot(stream),
                Err(wait) => {
                    let error = ErrorMessage {
                        stream: Some(stream),
                        retry_ms: Some(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).saturating_add(1)),
                        ..ErrorMessage::new(ErrorCode::RateLimited, "too many snapshots")
                    };
                    self.port.send(encode::frame(&ServerMessage::Error(error)));
                }
            },
        }
    }

    /// Checks whether the rate allows a snapshot.
    ///
    /// # Errors
    /// Returns the time until one is allowed.
    pub(super) fn check_snapshot_rate(&self) -> Result<(), Duration> {
        let core = self.supervisor.core();
        self.behaviour.check_snapshot(core.snapshot_rate, core.started.elapsed())
    }

    /// Counts a sent snapshot against the rate.
    pub(super) fn count_snapshot(&mut self, bytes: usize) {
        let core = self.supervisor.core();
        self.behaviour.count_snapshot(core.snapshot_rate, core.started.elapsed(), bytes);
    }
}
