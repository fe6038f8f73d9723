//! Serves connections: the handshake, then one loop over all events of the session.

mod closing;
mod detached;
mod handshake_error;
mod hello;
mod liveness;
mod resume;
#[cfg(test)]
mod tests;

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime};

use futures_util::{SinkExt, StreamExt};
use tokio::time::Instant;
use vivaz_components::Identity;
use vivaz_protocol::CloseCode;

use self::closing::{ClosingTransport, ConnectionEnd, finish};
pub(crate) use self::detached::{drive_detached, finish_session};
use self::handshake_error::HandshakeError;
pub(crate) use self::handshake_error::{IDENTITY_OUTDATED, UNAUTHENTICATED, UNIDENTIFIED};
#[cfg(test)]
pub(crate) use self::hello::close_for_violation;
use self::liveness::{Liveness, PeerHealth};
use crate::admission::browser::BrowserId;
use crate::session::port::mail::Mail;
use crate::session::sessions::supervisor::Supervisor;
use crate::session::{Completion, Session};
use crate::telemetry::log::Escaped;
use crate::telemetry::refusal::RefusalReason;
use crate::transport::{Gone, Incoming, Transport};

/// The number of messages read before their results are written. A burst of replies is then one
/// system call, and a client that never stops sending still receives replies.
const READS: u32 = 32;

/// The number of turns of the session before the client and other tasks of the process have theirs.
/// Without it, a component that causes events for itself without an end would block them.
const TURNS: u32 = 64;

/// Serves one connection from its handshake to its end. `revocations` is as for
/// [`Connection::open`].
#[cfg(any(test, feature = "testing"))]
pub(crate) async fn run<T: Transport>(
    transport: Box<T>,
    supervisor: &Arc<Supervisor>,
    identity: Identity,
    revocations: u64,
    permits: impl Send,
) {
    if let Some(connection) =
        Connection::open(transport, supervisor, identity, revocations, HelloBy::Message).await
    {
        connection.serve(permits).await;
    }
}

/// How a client says `HELLO`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HelloBy {
    /// By its first message.
    Message,
    /// By an offer in the upgrade request, which is an empty `HELLO`. The client sends the same as
    /// its first message, for servers that do not know the offer.
    Offer,
}

/// A connection with its session.
///
/// A task needs as much memory, for all its life, as the largest future that it ever polls. A
/// connection is idle most of the time, so the futures of its start and its end are boxed. The
/// transport is boxed too, because each step that takes it over would reserve space for it.
pub(crate) struct Connection<T> {
    transport: Box<T>,
    session: Box<Session>,
    /// What the client has sent before its session was found.
    early: Option<Box<Incoming>>,
}

impl<T: Transport> Connection<T> {
    /// Receives the `HELLO`, unless it was offered, and finds or creates the session. Returns
    /// `None` if the connection was closed instead. `revocations` is the value of
    /// [`Core::revocations`](crate::core::Core::revocations) from before `identity` was determined.
    pub(crate) async fn open(
        mut transport: Box<T>,
        supervisor: &Arc<Supervisor>,
        identity: Identity,
        revocations: u64,
        hello: HelloBy,
    ) -> Option<Self> {
        let opened = match hello {
            HelloBy::Message => hello::receive(&mut *transport, supervisor, identity, revocations).await,
            HelloBy::Offer => hello::begin(supervisor, identity, revocations).await.map(|new| (new, None)),
        };
        match opened {
            Ok((session, early)) => return Some(Self { transport, session, early }),
            Err(HandshakeError::Close(code, reason)) => {
                supervisor.core().refused(RefusalReason::of_close(code), None);
                transport.close(code, reason).await;
            }
            Err(HandshakeError::Gone) => transport.answer_close().await,
        }
        None
    }

    /// Sets the browsers that the request names.
    pub(crate) fn set_browsers(&mut self, browsers: Box<[BrowserId]>) {
        self.session.set_browsers(browsers);
    }

    /// Serves the connection to its end. `permits` counts the connection against its limits and is
    /// dropped when the transport has ended; the session's handlers may run for longer.
    ///
    /// Not an `async fn`, whose future would reserve space for the arguments and for the variables
    /// made of them.
    pub(crate) fn serve<P: Send>(self, permits: P) -> impl Future<Output = ()> + Send + use<T, P> {
        let Self { mut transport, mut session, early } = self;
        async move {
            tracing::debug!(session = %session.id(), connection = %session.connection(), "connected");
            let cause = drive(&mut session, &mut *transport, early).await;
            Box::pin(finish(ClosingTransport { transport, permits }, session, cause)).await;
        }
    }
}

/// The next event of a session with a connection.
enum Turn {
    Incoming(Incoming),
    Completed(Box<Completion>),
    Mail(Mail),
    Heartbeat,
    /// The page has read its outbox, so paused jobs may run.
    OutboxRead,
    /// The server shuts down, the running jobs have finished, and the outbox is empty.
    Drained,
    /// The transport cannot be written to.
    Unwritable,
}

/// Drives the session until the connection ends. Returns one future for all events.
fn drive<'a, T: Transport>(
    session: &'a mut Session,
    transport: &'a mut T,
    early: Option<Box<Incoming>>,
) -> impl Future<Output = ConnectionEnd> + Send + use<'a, T> {
    let mut liveness = Liveness::new(early);
    if session.expects_offered_hello() {
        // The client waits for the response to its upgrade, which is sent with the `WELCOME`. A
        // read would send it alone.
        liveness.reads = READS;
    }
    if session.supervisor().shutdown.is_cancelled() {
        // The `HELLO` arrived after `DRAIN` was sent to all other connections.
        session.send_drain(Duration::ZERO);
        liveness.is_draining = true;
    }
    poll_fn(move |cx| {
        loop {
            let turn = ready!(poll_turn(session, transport, &mut liveness, cx));
            match handle_turn(session, &mut liveness, turn) {
                AfterTurn::Continue => {}
                AfterTurn::Finish(cause) => return Poll::Ready(cause),
                AfterTurn::FlushAndFinish(cause) => {
                    // Writes what the client accepts without waiting. A client that does not read
                    // receives its close code without the rest of the outbox.
                    let _written = poll_write(session, transport, &mut liveness, cx);
                    return Poll::Ready(cause);
                }
            }
        }
    })
}

/// What follows a turn.
enum AfterTurn {
    /// The next turn.
    Continue,
    /// The end.
    Finish(ConnectionEnd),
    /// The end, after writing the outbox.
    FlushAndFinish(ConnectionEnd),
}

/// Handles one event of the session.
fn handle_turn(session: &mut Session, liveness: &mut Liveness, turn: Turn) -> AfterTurn {
    match turn {
        Turn::Incoming(incoming) => {
            liveness.record_activity();
            let close = match incoming {
                Incoming::Text(text) => session.receive_text(&text),
                Incoming::Binary(bytes) => session.receive_binary(&bytes),
                Incoming::Heartbeat => session.receive_control(),
                Incoming::Closed(code) => return AfterTurn::Finish(ConnectionEnd::ClosedByClient(code)),
                Incoming::Lost => return AfterTurn::Finish(ConnectionEnd::Lost),
                Incoming::Violation(violation) => {
                    let (code, reason) = hello::close_for_violation(violation);
                    return AfterTurn::Finish(ConnectionEnd::Close(code, reason));
                }
            };
            if let Some((code, reason)) = close {
                return AfterTurn::FlushAndFinish(ConnectionEnd::Close(code.as_u16(), reason));
            }
        }
        Turn::Completed(completion) | Turn::Mail(Mail::Completed(completion)) => {
            session.complete(*completion);
        }
        Turn::Mail(Mail::Event { component, event }) => session.deliver_event(component, &event),
        Turn::Mail(Mail::ComponentEvent { from, event }) => session.deliver_component_event(&from, &event),
        Turn::Mail(Mail::TopicChanged(topic)) => session.handle_topic_change(&topic),
        Turn::Mail(Mail::HandOver(sender)) => {
            return AfterTurn::FlushAndFinish(ConnectionEnd::HandOver(sender));
        }
        Turn::Mail(Mail::Save) => session.save(),
        Turn::Mail(Mail::WriteWhole(answer)) => session.write_whole(None, answer),
        // A page that no longer waits needs no answer.
        #[cfg(feature = "testing")]
        Turn::Mail(Mail::IsIdle(answer)) => drop(answer.send(session.is_idle())),
        Turn::Mail(Mail::Release(generation)) if !session.is_asked_for(generation) => {}
        Turn::Mail(Mail::Release(_)) => return AfterTurn::FlushAndFinish(ConnectionEnd::Released),
        Turn::Mail(Mail::Evict(reason)) => return AfterTurn::FlushAndFinish(ConnectionEnd::Evicted(reason)),
        Turn::Mail(Mail::Drain(after)) => {
            session.send_drain(after);
            liveness.is_draining = true;
        }
        Turn::Mail(Mail::Close(code)) => {
            return AfterTurn::FlushAndFinish(ConnectionEnd::ShutdownTimeout(code.as_u16()));
        }
        // The mail may be older than the last resume.
        Turn::Mail(Mail::IdentityExpired) if !session.identity().has_expired(SystemTime::now()) => {}
        Turn::Mail(Mail::IdentityExpired) => {
            let code = CloseCode::Unauthenticated.as_u16();
            return AfterTurn::FlushAndFinish(ConnectionEnd::Close(code, "identity expired; reconnect"));
        }
        Turn::Mail(Mail::End(code, reason)) => {
            return AfterTurn::FlushAndFinish(ConnectionEnd::EndSession(code, reason));
        }
        Turn::OutboxRead => session.resume_jobs(),
        Turn::Drained => {
            return AfterTurn::Finish(ConnectionEnd::Close(
                CloseCode::GoingAway.as_u16(),
                "the server is shutting down",
            ));
        }
        Turn::Heartbeat => match liveness.check(Instant::now(), &session.supervisor().core().limits) {
            PeerHealth::Alive => {}
            PeerHealth::Silent => {
                return AfterTurn::Finish(ConnectionEnd::Close(
                    CloseCode::TimedOut.as_u16(),
                    "heartbeat timed out",
                ));
            }
            PeerHealth::NotReading => {
                return AfterTurn::Finish(ConnectionEnd::Close(
                    CloseCode::SlowConsumer.as_u16(),
                    "the client does not read",
                ));
            }
        },
        Turn::Unwritable => return AfterTurn::Finish(ConnectionEnd::Lost),
    }
    AfterTurn::Continue
}

/// Polls for the next event: first mail and completions, then messages of the client. When there is
/// none, writes the outbox.
fn poll_turn<T: Transport>(
    session: &mut Session,
    transport: &mut T,
    liveness: &mut Liveness,
    cx: &mut Context<'_>,
) -> Poll<Turn> {
    if liveness.turns < TURNS {
        liveness.turns += 1;
        if let Poll::Ready(mail) = session.port().poll_mail(cx) {
            return Poll::Ready(Turn::Mail(mail));
        }
        if let Poll::Ready(completion) = session.poll_running(cx) {
            return Poll::Ready(Turn::Completed(completion));
        }
        liveness.turns = 0;
    }
    loop {
        let behind = session.port().is_behind();
        // A draining page sends its unanswered messages again to the process that it reconnects to.
        if !behind
            && !liveness.is_draining
            && liveness.reads < READS
            && let Poll::Ready(incoming) = match liveness.early.take() {
                Some(early) => Poll::Ready(Some(*early)),
                None => transport.poll_next_unpin(cx),
            }
        {
            liveness.reads += 1;
            if let Some(error) = transport.take_read_error() {
                tracing::debug!(session = %session.id(), error = %Escaped(&error), "cannot read from the connection");
            }
            return Poll::Ready(Turn::Incoming(incoming.unwrap_or(Incoming::Lost)));
        }
        if let Poll::Ready(Err(Gone)) = poll_write(session, transport, liveness, cx) {
            return Poll::Ready(Turn::Unwritable);
        }
        if liveness.is_draining && session.is_idle() && !liveness.is_unflushed && session.port().is_flushed()
        {
            return Poll::Ready(Turn::Drained);
        }
        if session.can_resume_jobs() {
            return Poll::Ready(Turn::OutboxRead);
        }
        let has_more_to_read = liveness.reads >= READS || behind && !session.port().is_behind();
        liveness.reads = 0;
        if has_more_to_read {
            liveness.turns = 0;
        } else {
            if std::mem::take(&mut liveness.turns) >= TURNS {
                cx.waker().wake_by_ref();
            }
            // Checked last, because the sign that the peer is alive may be in the unread messages.
            return if session.port().take_heartbeat() {
                Poll::Ready(Turn::Heartbeat)
            } else {
                Poll::Pending
            };
        }
    }
}

/// Writes the outbox, as far as the client accepts it, and flushes once.
fn poll_write<T: Transport>(
    session: &mut Session,
    transport: &mut T,
    liveness: &mut Liveness,
    cx: &mut Context<'_>,
) -> Poll<Result<(), Gone>> {
    loop {
        if transport.poll_ready_unpin(cx)?.is_pending() {
            liveness.record_stalled(transport.accepted_bytes(), &session.supervisor().core().limits);
            return Poll::Pending;
        }
        let Some(outgoing) = liveness.take_ping().or_else(|| session.next_outgoing()) else { break };
        transport.start_send_unpin(outgoing)?;
        liveness.is_unflushed = true;
    }
    if liveness.is_unflushed {
        if transport.poll_flush_unpin(cx)?.is_pending() {
            liveness.record_stalled(transport.accepted_bytes(), &session.supervisor().core().limits);
            return Poll::Pending;
        }
        liveness.is_unflushed = false;
    }
    liveness.record_writable();
    Poll::Ready(Ok(()))
}
