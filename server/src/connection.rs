//! One connection: the greeting, then one loop over everything that can happen to its session.

mod come_back;
mod detached;
mod hello;
mod liveness;
mod refused;
#[cfg(test)]
mod tests;

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime};

use futures_util::{SinkExt, StreamExt};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::Instrument;
use vivaz_components::{Identity, UnmountReason};
use vivaz_protocol::{CLOSE_LEFT, CloseCode};

pub(crate) use self::detached::{drive_detached, end};
#[cfg(test)]
pub(crate) use self::hello::close_of;
use self::liveness::{Diagnosis, Liveness};
use self::refused::Refused;
pub(crate) use self::refused::{RECOGNISED_BEFORE, UNAUTHENTICATED, UNIDENTIFIED};
use crate::admission::browser::BrowserId;
use crate::session::port::{Loss, Mail};
use crate::session::supervisor::Supervisor;
use crate::session::{Done, Session};
use crate::telemetry::stats::{Counters, RefusalReason};
use crate::transport::{Gone, Incoming, Transport};

/// How many messages are read before what they caused is written: a burst of answers is one system call, and a client
/// that never stops sending is answered all the same.
const READS: u32 = 32;

/// How many turns the session takes before the client, and other tasks of the process, have theirs: a
/// component may cause events for itself without an end.
const TURNS: u32 = 64;

/// Serves one connection from its greeting to its end.
#[cfg(any(test, feature = "testing"))]
pub(crate) async fn run<T: Transport>(
    transport: Box<T>,
    supervisor: &Arc<Supervisor>,
    identity: Identity,
    places: impl Send,
) {
    if let Some(connection) = Connection::open(transport, supervisor, identity).await {
        connection.serve(places).await;
    }
}

/// A connection whose session is there.
///
/// A task takes as much memory, all its life, as the largest thing that it ever waits for. A connection does nothing most
/// of the time, so what happens once, at its beginning and its end, is boxed; so is the transport, which every step
/// that takes it over would have room for.
pub(crate) struct Connection<T> {
    transport: Box<T>,
    session: Box<Session>,
}

impl<T: Transport> Connection<T> {
    /// Receives the greeting; `None` when nothing came of it.
    pub(crate) async fn open(
        mut transport: Box<T>,
        supervisor: &Arc<Supervisor>,
        identity: Identity,
    ) -> Option<Self> {
        match hello::receive(&mut *transport, supervisor, identity).await {
            Ok(session) => return Some(Self { transport, session }),
            Err(Refused::Close(code, reason)) => {
                supervisor.core().refused(RefusalReason::of_close(code), None);
                transport.close(code, reason).await;
            }
            Err(Refused::Gone) => transport.answer_close().await,
        }
        None
    }

    /// Tells the session which browser its page is shown in.
    pub(crate) fn set_browser(&mut self, browser: Option<BrowserId>) {
        self.session.set_browser(browser);
    }

    /// Serves it to its end. `places` are what it counts among, and are given back when the transport has ended: the
    /// session's handlers may go on for longer.
    ///
    /// No `async fn`, which would have room for what it is given and for what it makes of that.
    pub(crate) fn serve<P: Send>(self, places: P) -> impl Future<Output = ()> + Send + use<T, P> {
        let Self { mut transport, mut session } = self;
        let span = tracing::info_span!(
            "connection",
            session = %session.id(),
            connection = %session.connection(),
        );
        async move {
            tracing::debug!("connected");
            let outcome = drive(&mut session, &mut *transport).await;
            Box::pin(close(Leaving { transport, places }, session, outcome)).await;
        }
        .instrument(span)
    }
}

/// Why the loop ended.
enum Outcome {
    /// The client closed.
    Left(Option<u16>),
    /// The connection broke.
    Lost,
    /// The server closes.
    Close(u16, &'static str),
    /// The server ends, and what still runs has had its time.
    GivenUp(u16),
    /// The server closes and ends the session.
    End(CloseCode, UnmountReason),
    /// Another connection takes the session.
    Yield(oneshot::Sender<Box<Session>>),
    /// The session is not this process's any more.
    Evicted(Loss),
}

/// A transport that is about to end, and what it counts among until then.
struct Leaving<T, P> {
    transport: Box<T>,
    places: P,
}

impl<T: Transport, P> Leaving<T, P> {
    async fn close(self, code: u16, reason: &'static str) {
        self.transport.close(code, reason).await;
        drop(self.places);
    }

    async fn answer_close(self) {
        self.transport.answer_close().await;
        drop(self.places);
    }
}

/// What remains when a connection ends: the close, and the session that waits or ends too.
async fn close<T: Transport>(transport: Leaving<T, impl Send>, mut session: Box<Session>, outcome: Outcome) {
    let counters = Arc::clone(&session.supervisor().core().counters);
    let limits = session.supervisor().core().limits.clone();
    session.detach();
    let is_given_up = matches!(outcome, Outcome::GivenUp(_));
    let (waits, close) = match outcome {
        Outcome::Yield(give) => {
            tracing::debug!("taken over by another connection");
            Counters::add(&counters.take_overs);
            let kept = give.send(session).err();
            let close = transport.close(CloseCode::TakenOver.as_u16(), "taken over by another connection");
            // Whoever asked for it has gone already: it waits like one whose connection dropped.
            let waits_on = async {
                if let Some(mut session) = kept {
                    session.disconnected();
                    drive_detached(session, Instant::now() + limits.suspended_time).await;
                }
            };
            tokio::join!(close, waits_on);
            return;
        }
        Outcome::Evicted(loss) => {
            session.evict(loss);
            transport.close(loss.code().as_u16(), "the session has moved to another process").await;
            return;
        }
        Outcome::Left(Some(CLOSE_LEFT)) => {
            tracing::debug!("left");
            tokio::join!(transport.answer_close(), end(session, UnmountReason::Left));
            return;
        }
        Outcome::End(code, reason) => {
            tracing::debug!(?code, ?reason, "ended");
            tokio::join!(transport.close(code.as_u16(), "session ended"), end(session, reason));
            return;
        }
        Outcome::Left(Some(1001)) => (limits.hidden_time, None),
        Outcome::Left(_) => (limits.suspended_time, None),
        Outcome::Lost => {
            Counters::add(&counters.dropped);
            (limits.suspended_time, None)
        }
        Outcome::Close(code, reason) => (limits.suspended_time, Some((code, reason))),
        Outcome::GivenUp(code) => (limits.suspended_time, Some((code, "closed by the server"))),
    };
    tracing::debug!(close = close.map(|(code, _)| code), "disconnected");
    let close = async {
        match close {
            Some((code, reason)) => transport.close(code, reason).await,
            None => transport.answer_close().await,
        }
    };
    let keeps = session.supervisor().core().keeper.is_some();
    let going_away = session.supervisor().shutdown.is_cancelled();
    let rest = async {
        if going_away && !keeps {
            end(session, UnmountReason::Shutdown).await;
        } else if is_given_up && !session.is_idle() {
            // What still runs runs again when its message is sent again, in the next process.
            session.save();
        } else {
            session.disconnected();
            drive_detached(session, Instant::now() + waits).await;
        }
    };
    tokio::join!(close, rest);
}

/// What happens next to a session with a connection.
enum Turn {
    Incoming(Incoming),
    Done(Box<Done>),
    Mail(Mail),
    Beat,
    /// The page has read so much that jobs may go on that waited for it.
    Read,
    /// The server goes away, what ran has finished, and the page has been sent everything.
    Drained,
    /// The connection cannot be written to.
    Unwritable,
}

/// One loop over everything that happens; it is one future whatever it waits for.
fn drive<'a, T: Transport>(
    session: &'a mut Session,
    transport: &'a mut T,
) -> impl Future<Output = Outcome> + Send + use<'a, T> {
    let mut liveness = Liveness::new();
    if session.supervisor().shutdown.is_cancelled() {
        // It said hello while all others were being sent away.
        session.say_drain(Duration::ZERO);
        liveness.draining = true;
    }
    poll_fn(move |cx| {
        loop {
            let turn = ready!(poll_turn(session, transport, &mut liveness, cx));
            match take_turn(session, &mut liveness, turn) {
                Next::Turn => {}
                Next::Last(outcome) => return Poll::Ready(outcome),
                Next::Farewell(outcome) => {
                    // As far as the client takes it at once: one that does not read gets its close code without
                    // what waits.
                    let _written = poll_write(session, transport, &mut liveness, cx);
                    return Poll::Ready(outcome);
                }
            }
        }
    })
}

/// What comes after a turn.
enum Next {
    /// The next one.
    Turn,
    /// Nothing.
    Last(Outcome),
    /// Nothing but what waits to be sent.
    Farewell(Outcome),
}

fn take_turn(session: &mut Session, liveness: &mut Liveness, turn: Turn) -> Next {
    match turn {
        Turn::Incoming(incoming) => {
            liveness.sign_of_life();
            let close = match incoming {
                Incoming::Text(text) => session.text(&text),
                Incoming::Binary(bytes) => session.binary(&bytes),
                Incoming::Heartbeat => session.sign_of_life(),
                Incoming::Closed(code) => return Next::Last(Outcome::Left(code)),
                Incoming::Lost => return Next::Last(Outcome::Lost),
                Incoming::Violation(violation) => {
                    let (code, reason) = hello::close_of(violation);
                    return Next::Last(Outcome::Close(code, reason));
                }
            };
            if let Some((code, reason)) = close {
                return Next::Farewell(Outcome::Close(code.as_u16(), reason));
            }
        }
        Turn::Done(done) | Turn::Mail(Mail::Done(done)) => session.done(*done),
        Turn::Mail(Mail::Event { component, event }) => session.event(component, &event),
        Turn::Mail(Mail::Sent { from, event }) => session.sent(&from, &event),
        Turn::Mail(Mail::Topic(topic)) => session.topic_changed(&topic),
        Turn::Mail(Mail::Yield(give)) => return Next::Farewell(Outcome::Yield(give)),
        Turn::Mail(Mail::Save) => session.save(),
        Turn::Mail(Mail::Enter(answer)) => session.enter(None, answer),
        Turn::Mail(Mail::Evict(loss)) => return Next::Farewell(Outcome::Evicted(loss)),
        Turn::Mail(Mail::Drain(after)) => {
            session.say_drain(after);
            liveness.draining = true;
        }
        Turn::Mail(Mail::Close(code)) => return Next::Farewell(Outcome::GivenUp(code.as_u16())),
        // It may be from before the session was resumed.
        Turn::Mail(Mail::Expired) if !session.identity().has_expired(SystemTime::now()) => {}
        Turn::Mail(Mail::Expired) => {
            let code = CloseCode::Unauthenticated.as_u16();
            return Next::Farewell(Outcome::Close(code, "identity expired; reconnect"));
        }
        Turn::Mail(Mail::End(code, reason)) => return Next::Farewell(Outcome::End(code, reason)),
        Turn::Read => session.go_on(),
        Turn::Drained => {
            return Next::Last(Outcome::Close(CloseCode::GoingAway.as_u16(), "the server is shutting down"));
        }
        Turn::Beat => match liveness.beat(Instant::now(), &session.supervisor().core().limits) {
            Diagnosis::Well => {}
            Diagnosis::Silent => {
                return Next::Last(Outcome::Close(CloseCode::TimedOut.as_u16(), "heartbeat timed out"));
            }
            Diagnosis::NotReading => {
                Counters::add(&session.supervisor().core().counters.too_slow);
                return Next::Last(Outcome::Close(
                    CloseCode::SlowConsumer.as_u16(),
                    "the client does not read",
                ));
            }
        },
        Turn::Unwritable => return Next::Last(Outcome::Lost),
    }
    Next::Turn
}

/// What others want and what finished come first, then the client, and when all of them have nothing more, what they
/// caused goes out at once.
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
        if let Poll::Ready(done) = session.poll_running(cx) {
            return Poll::Ready(Turn::Done(done));
        }
        liveness.turns = 0;
    }
    loop {
        let behind = session.port().is_behind();
        // What a page that is sent away still says it says again where it comes back.
        if !behind
            && !liveness.draining
            && liveness.reads < READS
            && let Poll::Ready(incoming) = transport.poll_next_unpin(cx)
        {
            liveness.reads += 1;
            return Poll::Ready(Turn::Incoming(incoming.unwrap_or(Incoming::Lost)));
        }
        if let Poll::Ready(Err(Gone)) = poll_write(session, transport, liveness, cx) {
            return Poll::Ready(Turn::Unwritable);
        }
        if liveness.draining && session.is_idle() && !liveness.unflushed && session.port().is_flushed() {
            return Poll::Ready(Turn::Drained);
        }
        if session.may_go_on() {
            return Poll::Ready(Turn::Read);
        }
        let reads_on = liveness.reads >= READS || behind && !session.port().is_behind();
        liveness.reads = 0;
        if reads_on {
            liveness.turns = 0;
        } else {
            if std::mem::take(&mut liveness.turns) >= TURNS {
                cx.waker().wake_by_ref();
            }
            // Only now: what says that the peer is alive may have been waiting to be read.
            return if session.port().take_beat() { Poll::Ready(Turn::Beat) } else { Poll::Pending };
        }
    }
}

/// Writes what waits in the outbox, as much as the client takes, and flushes once.
fn poll_write<T: Transport>(
    session: &mut Session,
    transport: &mut T,
    liveness: &mut Liveness,
    cx: &mut Context<'_>,
) -> Poll<Result<(), Gone>> {
    loop {
        if transport.poll_ready_unpin(cx)?.is_pending() {
            liveness.stalled();
            return Poll::Pending;
        }
        let Some(outgoing) = liveness.take_ping().or_else(|| session.next_outgoing()) else { break };
        transport.start_send_unpin(outgoing)?;
        liveness.unflushed = true;
    }
    if liveness.unflushed {
        if transport.poll_flush_unpin(cx)?.is_pending() {
            liveness.stalled();
            return Poll::Pending;
        }
        liveness.unflushed = false;
    }
    liveness.flowing();
    Poll::Ready(Ok(()))
}
