//! The end of a connection: the close, and the session that is suspended or ends.

use tokio::sync::oneshot;
use tokio::time::Instant;
use vivaz_components::UnmountReason;
use vivaz_protocol::{CLOSE_LEFT, CloseCode};

use super::detached::{drive_detached, end_session, release_detached};
use crate::session::Session;
use crate::session::port::mail::EvictionReason;
use crate::telemetry::disconnect::DisconnectReason;
use crate::telemetry::lifecycle::LifecycleEvent;
use crate::transport::Transport;

/// The reason of the close when the session continues in another process.
const MOVED: &str = "the session has moved to another process";

/// Why the loop ended.
pub(super) enum ConnectionEnd {
    /// The client closed the connection.
    ClosedByClient(Option<u16>),
    /// The transport failed.
    Lost,
    /// The server closes the connection.
    Close(u16, &'static str),
    /// The server shuts down, and the time for running jobs is over.
    ShutdownTimeout(u16),
    /// The server closes the connection and ends the session.
    EndSession(CloseCode, UnmountReason),
    /// Another connection takes the session over.
    HandOver(oneshot::Sender<Box<Session>>),
    /// Another process asks for the session.
    Released,
    /// Another process owns the session, or the store has a newer state.
    Evicted(EvictionReason),
}

impl ConnectionEnd {
    fn reason(&self) -> DisconnectReason {
        match self {
            Self::ClosedByClient(Some(CLOSE_LEFT)) => DisconnectReason::Left,
            Self::ClosedByClient(Some(1001)) => DisconnectReason::Hidden,
            Self::ClosedByClient(_) => DisconnectReason::Closed,
            Self::Lost => DisconnectReason::Lost,
            Self::Close(code, _) => DisconnectReason::of_close(*code),
            Self::ShutdownTimeout(_) => DisconnectReason::GoingAway,
            Self::EndSession(..) => DisconnectReason::SessionEnded,
            Self::HandOver(_) => DisconnectReason::TakenOver,
            Self::Released | Self::Evicted(_) => DisconnectReason::Moved,
        }
    }
}

/// A transport that is about to close, with its permits.
pub(super) struct ClosingTransport<T, P> {
    pub(super) transport: Box<T>,
    pub(super) permits: P,
}

impl<T: Transport, P> ClosingTransport<T, P> {
    /// Closes the transport with a code, then releases the permits.
    async fn close(self, code: u16, reason: &'static str) {
        self.transport.close(code, reason).await;
        drop(self.permits);
    }

    /// Answers the client's close, then releases the permits.
    async fn answer_close(self) {
        self.transport.answer_close().await;
        drop(self.permits);
    }
}

/// Closes the connection and suspends, hands over, ends or evicts the session.
pub(super) async fn finish<T: Transport>(
    transport: ClosingTransport<T, impl Send>,
    mut session: Box<Session>,
    cause: ConnectionEnd,
) {
    let core = session.supervisor().core();
    core.counters.disconnected.of(cause.reason()).add();
    core.lifecycle.emit(|| LifecycleEvent::Disconnected {
        session: session.id().clone(),
        connection: session.connection().clone(),
        reason: cause.reason().as_str(),
    });
    let limits = session.supervisor().core().limits.clone();
    session.detach();
    let is_timed_out = matches!(cause, ConnectionEnd::ShutdownTimeout(_));
    let (suspended_time, close) = match cause {
        ConnectionEnd::HandOver(sender) => {
            tracing::debug!(session = %session.id(), "session handed over to another connection");
            let returned = sender.send(session).err();
            let close = transport.close(CloseCode::TakenOver.as_u16(), "taken over by another connection");
            // The other connection is gone: the session is suspended like after a dropped
            // connection.
            let suspend = async {
                if let Some(mut session) = returned {
                    session.continue_detached();
                    drive_detached(session, Instant::now() + limits.suspended_time).await;
                }
            };
            tokio::join!(close, suspend);
            return;
        }
        ConnectionEnd::Released => {
            let close = transport.close(CloseCode::TakenOver.as_u16(), MOVED);
            let release = release_detached(session, Instant::now() + limits.suspended_time);
            tokio::join!(release, close);
            return;
        }
        ConnectionEnd::Evicted(reason) => {
            session.evict(reason);
            transport.close(reason.close_code().as_u16(), MOVED).await;
            return;
        }
        ConnectionEnd::ClosedByClient(Some(CLOSE_LEFT)) => {
            tracing::debug!(session = %session.id(), "the page has left");
            tokio::join!(transport.answer_close(), end_session(session, UnmountReason::Left));
            return;
        }
        ConnectionEnd::EndSession(code, reason) => {
            tracing::debug!(session = %session.id(), ?code, ?reason, "ended");
            tokio::join!(transport.close(code.as_u16(), "session ended"), end_session(session, reason));
            return;
        }
        ConnectionEnd::ClosedByClient(Some(1001)) => (limits.hidden_time, None),
        ConnectionEnd::ClosedByClient(_) | ConnectionEnd::Lost => (limits.suspended_time, None),
        ConnectionEnd::Close(code, reason) => (limits.suspended_time, Some((code, reason))),
        ConnectionEnd::ShutdownTimeout(code) => (limits.suspended_time, Some((code, "closed by the server"))),
    };
    tracing::debug!(session = %session.id(), close = close.map(|(code, _)| code), "disconnected");
    let close = async {
        match close {
            Some((code, reason)) => transport.close(code, reason).await,
            None => transport.answer_close().await,
        }
    };
    let has_store = session.supervisor().core().keeper.is_some();
    let going_away = session.supervisor().shutdown.is_cancelled();
    let rest = async {
        if going_away && !has_store {
            end_session(session, UnmountReason::Shutdown).await;
        } else if is_timed_out && !session.is_idle() {
            // The running jobs run again when their messages are sent again, in the next process.
            session.save();
        } else {
            session.continue_detached();
            drive_detached(session, Instant::now() + suspended_time).await;
        }
    };
    tokio::join!(close, rest);
}
