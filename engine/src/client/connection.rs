//! Opens, closes, retries and probes the connection.

use std::num::NonZeroU32;

use vivaz_protocol::{AfterClose, CLOSE_LEFT, CloseCode, words};

use super::output::{Output, SocketCommand};
use super::request::{Reply, RequestKind, start_frame};
use super::{Client, connection_state};
use crate::value::{Val, write_count};

/// How a page is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Departure {
    /// The browser keeps the page in its back-forward cache. The session can be resumed.
    Cached,
    /// The session ends.
    ForGood,
}

impl Departure {
    fn close_code(self) -> u16 {
        match self {
            Self::ForGood => CLOSE_LEFT,
            Self::Cached => 1000,
        }
    }
}

impl Client {
    /// Sends `HELLO` over a socket that has opened. Without a session to resume, the mounts follow
    /// at once: the protocol allows it, and it saves a round trip.
    pub(crate) fn opened(&mut self, socket: u32) {
        if socket == self.link.socket && self.link.phase == connection_state::ConnectionPhase::Opening {
            let hello = self.hello();
            self.out.push(Output::Socket(SocketCommand::Send(hello)));
            if self.session.is_empty() {
                self.send_mounts();
            }
        }
    }

    /// Handles a closed socket. `code` is 1006 if the close has none.
    pub(crate) fn closed(&mut self, socket: u32, code: u16) {
        if socket == self.link.socket
            && !matches!(
                self.link.phase,
                connection_state::ConnectionPhase::Pausing | connection_state::ConnectionPhase::Stopped
            )
        {
            self.ended(code);
        }
    }

    fn ended(&mut self, code: u16) {
        for request in &mut self.requests {
            request.sent = false;
        }
        self.link.code = code;
        self.link.phase = connection_state::ConnectionPhase::Stopped;
        let then = CloseCode::from_u16(code).map_or(AfterClose::Reconnect, CloseCode::after_close);
        match then {
            AfterClose::Reload => return self.out.push(Output::Reload),
            AfterClose::Stop | AfterClose::WaitForUser => return,
            AfterClose::ReconnectSlowly => {
                self.link.attempt = self.link.attempt.max(connection_state::SLOWLY);
            }
            AfterClose::Reconnect | AfterClose::ReconnectAfterDrain | AfterClose::NewSession => {}
        }
        if self.link.attempt < self.link.limit {
            self.link.phase = connection_state::ConnectionPhase::Pausing;
            let pause = self.link.pause();
            self.link.timer = self.after(pause);
        }
        if then == AfterClose::NewSession {
            // After the phase has changed, so that nothing is sent over the closed socket.
            self.session.clear();
            self.lose_session();
        }
    }

    /// Handles an elapsed [`Output::Timer`].
    pub(crate) fn timer(&mut self, token: u32) {
        if let Some(at) = self.retries.iter().position(|request| request.timer == token) {
            let request = self.retries.remove(at);
            match request.kind {
                RequestKind::Action => self.ask_with_edits(request),
                // Sends the newest value, unless another message has sent it.
                RequestKind::Property => {
                    if !self.commit(request.slot, request.name, request.ticket) {
                        self.settle(&request, Reply::Success, Val::Null);
                    }
                }
                RequestKind::Mount | RequestKind::Props | RequestKind::Unmount => self.ask(request),
            }
            return;
        }
        if token != self.link.timer {
            return;
        }
        match self.link.phase {
            connection_state::ConnectionPhase::Pausing => self.connect(),
            connection_state::ConnectionPhase::Open if self.link.heard => self.beat(self.heartbeat),
            connection_state::ConnectionPhase::Opening | connection_state::ConnectionPhase::Open => {
                // The socket is silent. The client does not await the answer to the close frame,
                // which would take as long.
                self.out.push(Output::Socket(SocketCommand::Close(1000)));
                self.ended(1006);
            }
            connection_state::ConnectionPhase::Idle | connection_state::ConnectionPhase::Stopped => {}
        }
    }

    /// Limits how many failed attempts the client follows up automatically; `None` for no limit.
    pub(crate) fn set_attempt_limit(&mut self, limit: Option<NonZeroU32>) {
        self.link.limit = limit.map_or(u32::MAX, NonZeroU32::get);
    }

    /// Connects and retries without pauses from now on.
    pub(crate) fn set_hurried(&mut self) {
        self.link.is_hurried = true;
    }

    /// Connects without a pause, or probes an open connection. The browser is online again, the
    /// page is visible again, or the user requests it.
    pub(crate) fn wake(&mut self) {
        match self.link.phase {
            connection_state::ConnectionPhase::Pausing | connection_state::ConnectionPhase::Stopped => {
                self.connect();
            }
            connection_state::ConnectionPhase::Open => self.beat(connection_state::PROBE),
            connection_state::ConnectionPhase::Idle | connection_state::ConnectionPhase::Opening => {}
        }
    }

    /// Closes the connection of a page that is left.
    pub(crate) fn leave(&mut self, departure: Departure) {
        if matches!(
            self.link.phase,
            connection_state::ConnectionPhase::Opening | connection_state::ConnectionPhase::Open
        ) {
            self.out.push(Output::Socket(SocketCommand::Close(departure.close_code())));
            self.ended(1000);
        }
        self.link.phase = connection_state::ConnectionPhase::Stopped;
    }

    pub(super) fn connect(&mut self) {
        self.link.phase = connection_state::ConnectionPhase::Opening;
        self.link.socket += 1;
        self.link.attempt += 1;
        self.out.push(Output::Socket(SocketCommand::Connect(self.link.socket)));
        self.link.timer = self.after(connection_state::OPENING);
    }

    /// Sends a `PING`. A frame from the server has to arrive within `ms` milliseconds.
    fn beat(&mut self, ms: u32) {
        self.link.heard = false;
        self.unacknowledged = 0;
        let mut frame = start_frame(words::kind::PING);
        frame.push_str(",\"ack\":");
        write_count(self.acknowledged(), &mut frame);
        frame.push('}');
        self.out.push(Output::Socket(SocketCommand::Send(frame)));
        self.link.timer = self.after(ms);
    }

    pub(super) fn after(&mut self, ms: u32) -> u32 {
        self.last_timer += 1;
        self.out.push(Output::Timer { token: self.last_timer, ms });
        self.last_timer
    }
}
