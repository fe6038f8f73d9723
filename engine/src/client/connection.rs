//! Opens, closes, retries and probes the connection.

use super::output::{Output, SocketCommand};
use super::request::RequestKind;
use super::{Client, connection_state};
use crate::value::{Val, write_count};

impl Client {
    /// The socket is open: say who we are.
    pub(crate) fn opened(&mut self, socket: u32) {
        if socket == self.link.socket && self.link.phase == connection_state::ConnectionPhase::Opening {
            let hello = self.hello();
            self.out.push(Output::Socket(SocketCommand::Send(hello)));
        }
    }

    /// The socket is gone. Code 1006 where there is none.
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
        match code {
            // Not the user of this page, or not its version.
            4401 | 4426 => return self.out.push(Output::Reload),
            // Taken over, until the user does something; or it would go wrong again.
            4409 | 1009 | 4400 => return,
            // A server that is full or flooded.
            4429 | 4503 => self.link.attempt = self.link.attempt.max(connection_state::SLOWLY),
            _ => {}
        }
        if self.link.attempt < self.link.limit {
            self.link.phase = connection_state::ConnectionPhase::Pausing;
            let pause = self.link.pause();
            self.link.timer = self.after(pause);
        }
        if code == 4410 {
            // Only now: nothing goes out over a socket that is gone.
            self.session.clear();
            self.lose_session();
        }
    }

    /// Time is up for one of the [`Output::Timer`]s.
    pub(crate) fn timer(&mut self, token: u32) {
        if let Some(at) = self.retries.iter().position(|request| request.timer == token) {
            let request = self.retries.remove(at);
            match request.kind {
                RequestKind::Action => self.ask_with_edits(request),
                // What stands there now, if it did not go out with something else.
                RequestKind::Property => {
                    if !self.commit(request.slot, request.name, request.ticket) {
                        self.settle(&request, true, Val::Null);
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
                // The socket says nothing any more; a close frame would wait for an answer just as
                // long.
                self.out.push(Output::Socket(SocketCommand::Close(1000)));
                self.ended(1006);
            }
            connection_state::ConnectionPhase::Idle | connection_state::ConnectionPhase::Stopped => {}
        }
    }

    /// After so many tries that failed no other one follows by itself; 0 for no end.
    pub(crate) fn set_limit(&mut self, tries: u32) {
        self.link.limit = if tries == 0 { u32::MAX } else { tries };
    }

    /// Connects and retries without pauses from now on.
    pub(crate) fn set_hurried(&mut self) {
        self.link.is_hurried = true;
    }

    /// The browser is online again, or the page is looked at again, or the user asks for it: no
    /// pause.
    pub(crate) fn wake(&mut self) {
        match self.link.phase {
            connection_state::ConnectionPhase::Pausing | connection_state::ConnectionPhase::Stopped => {
                self.connect();
            }
            connection_state::ConnectionPhase::Open => self.beat(connection_state::PROBE),
            connection_state::ConnectionPhase::Idle | connection_state::ConnectionPhase::Opening => {}
        }
    }

    /// The page goes away: for good (the session ends), or into the browser's back-forward cache.
    pub(crate) fn leave(&mut self, for_good: bool) {
        if matches!(
            self.link.phase,
            connection_state::ConnectionPhase::Opening | connection_state::ConnectionPhase::Open
        ) {
            self.out.push(Output::Socket(SocketCommand::Close(if for_good { 4000 } else { 1000 })));
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

    /// Asks for a sign of life within that time.
    fn beat(&mut self, ms: u32) {
        self.link.heard = false;
        self.unacknowledged = 0;
        let mut frame = String::from("{\"v\":1,\"type\":\"PING\",\"ack\":");
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
