//! Produces the outgoing messages of a connection. Encodes the snapshots that the outbox has
//! marked.

use std::time::Duration;

use vivaz_protocol::{ErrorCode, ErrorMessage, RawJson, Ref, ServerMessage, StreamId};

use super::children::visibility::NOT_SHOWN;
use super::requests::Refused;
use super::topics::SessionTopic;
use super::{Session, encode};
use crate::session::port::outbox::OutboxEntry;
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
                OutboxEntry::Snapshot(stream) => self.encode_due_snapshot(stream),
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

    /// Encodes and counts a snapshot that is about to be sent, or the `ERROR` if a `RESYNC`
    /// requested it and the snapshots before it have used up the rate.
    fn encode_due_snapshot(&mut self, stream: StreamId) -> Option<bytes::Bytes> {
        if let Some(at) = self.resyncs.iter().position(|one| *one == stream) {
            self.resyncs.swap_remove(at);
            if let Err(wait) = self.check_snapshot_rate() {
                let error = too_many_snapshots(wait).answering(None, Some(stream));
                return Some(encode::frame(&ServerMessage::Error(error)));
            }
        }
        let frame = self.encode_snapshot(&stream)?;
        self.count_snapshot(frame.len());
        Some(frame)
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
                        tracing::error!(session = %self.port.session(), topic = %Quoted(&name), error = %Escaped(&error), "cannot encode the state of a topic");
                        None
                    }
                }
            }
            StreamId::Component(id) => {
                let component = self.components.get_mut(id).filter(|component| component.is_shown())?;
                let state = match component.instance()?.state() {
                    Ok(state) => state,
                    Err(error) => {
                        tracing::error!(session = %self.port.session(), component = %id, error = %Escaped(&error), "cannot encode the state of a component");
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

    /// Handles a `RESYNC`: queues a snapshot of a stream, unless a `RESYNC` has queued one that is
    /// not sent yet. Its size is known when it is sent, so the rate is checked then too.
    ///
    /// # Errors
    /// Returns [`Refused`] after sending an `ERROR`, if the page does not show the stream, or the
    /// rate does not allow a snapshot.
    pub(super) fn handle_resync(&mut self, stream: StreamId) -> Result<(), Refused> {
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
        let error = match refusal {
            Some((code, message)) => ErrorMessage::new(code, message),
            // The snapshot that is about to be sent has the latest state.
            None if self.resyncs.contains(&stream) => return Ok(()),
            None => match self.check_snapshot_rate() {
                Ok(()) => {
                    self.resyncs.push(stream.clone());
                    self.port.send_snapshot(stream);
                    return Ok(());
                }
                Err(wait) => too_many_snapshots(wait),
            },
        };
        self.port.send(encode::frame(&ServerMessage::Error(error.answering(None, Some(stream)))));
        Err(Refused)
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

/// Returns the refusal of a snapshot for that time.
fn too_many_snapshots(wait: Duration) -> ErrorMessage<'static> {
    ErrorMessage {
        retry_ms: Some(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).saturating_add(1)),
        ..ErrorMessage::new(ErrorCode::RateLimited, "too many snapshots")
    }
}
