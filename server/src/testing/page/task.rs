//! What keeps a page connected, and carries its messages over the line.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use bytes::Bytes;
use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use vivaz_protocol::{AfterClose, CloseCode, StreamId};

use super::{Event, Shared};
use crate::runtime::Runtime;
use crate::testing::app::Upgraded;
use crate::testing::client::Heard;
use crate::testing::line::{Condition, Moment};
use crate::testing::process::ServerProcess;
use crate::transport::memory::Peer;
use crate::transport::{Incoming, Outgoing};

/// When a server is asked again that said that it has no room.
const SLOWLY: Duration = Duration::from_secs(1);

/// How a connection ended.
enum End {
    /// The network broke it, or the server is gone.
    Broken,
    /// The server closed it.
    Closed(u16),
    /// The page closed it.
    Left,
    /// The server broke the protocol.
    Breach(String),
}

/// Something on its way to the server.
enum Parcel {
    Hello(Bytes),
    Message(Bytes),
    SignOfLife,
}

/// Connects, and connects again, until the page is left.
pub(super) async fn run(shared: Arc<Shared>, server: Arc<ServerProcess>) {
    loop {
        let mut line = shared.line.watch();
        if line.wait_for(|line| line.is_up).await.is_err() {
            return;
        }
        let runtime = server.wait_running().await;
        let mut peer = match connect(&shared, &server, &runtime).await {
            Ok(peer) => peer,
            Err(StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) => {
                drop(runtime);
                tokio::time::sleep(SLOWLY).await;
                continue;
            }
            Err(status) => {
                let why = format!("the application answered {status} to the request for a socket");
                shared.lock().over = Some(why);
                shared.news.send_replace(());
                return;
            }
        };
        drop(runtime);
        let hello = {
            let mut state = shared.lock();
            state.extra = Vec::new();
            let auth = state.auth.clone();
            state.client.hello_with(auth.as_ref())
        };
        let end = Connection::new(&shared, line, hello).carry(&mut peer).await;
        drop(peer);
        let mut slowly = false;
        let over = {
            let mut state = shared.lock();
            state.client.disconnected();
            let over = match end {
                End::Broken => None,
                End::Closed(code) => {
                    state.closed = Some(code);
                    let then =
                        CloseCode::from_u16(code).map_or(AfterClose::Reconnect, CloseCode::after_close);
                    slowly = then == AfterClose::ReconnectSlowly;
                    let stays =
                        matches!(then, AfterClose::Reload | AfterClose::Stop | AfterClose::WaitForUser);
                    stays.then(|| format!("the server closed the connection with {code}"))
                }
                End::Left => Some("the page was left".to_owned()),
                End::Breach(what) => Some(format!("the server broke the protocol: {what}")),
            };
            state.over.clone_from(&over);
            over
        };
        shared.news.send_replace(());
        if over.is_some() {
            return;
        }
        if slowly {
            tokio::time::sleep(SLOWLY).await;
        }
    }
}

/// Connects as the page's identity, or as the cookies of its browser say.
async fn connect(shared: &Shared, server: &ServerProcess, runtime: &Runtime) -> Result<Peer, StatusCode> {
    let (browser, identity) = {
        let state = shared.lock();
        (state.browser.clone(), state.identity.clone())
    };
    let Some(browser) = browser else { return Ok(server.connect(runtime, identity)) };
    let Upgraded { peer, identity, task } = browser.connect(&runtime.core().path).await?;
    if let Some(task) = task {
        server.track_connection(task);
    }
    if let Some(identity) = identity {
        shared.lock().identity = identity;
    }
    Ok(peer)
}

struct Connection<'a> {
    shared: &'a Shared,
    line: watch::Receiver<Condition>,
    /// How often the line had been cut when this began.
    cuts: u64,
    outgoing: VecDeque<(Instant, Parcel)>,
    incoming: VecDeque<(Instant, Bytes)>,
}

impl<'a> Connection<'a> {
    fn new(shared: &'a Shared, mut line: watch::Receiver<Condition>, hello: String) -> Self {
        let condition = *line.borrow_and_update();
        let outgoing = VecDeque::from([(Instant::now() + condition.delay, Parcel::Hello(hello.into()))]);
        Self { shared, line, cuts: condition.breaks, outgoing, incoming: VecDeque::new() }
    }

    /// Carries messages until the connection ends.
    async fn carry(mut self, peer: &mut Peer) -> End {
        let mut hears = true;
        loop {
            let line = *self.line.borrow_and_update();
            if line.breaks != self.cuts || !line.is_up {
                if let Some(code) = line.close_code {
                    // A server that is gone by now needs no goodbye.
                    let _ = peer.sender.send(Incoming::Closed(Some(code))).await;
                }
                return End::Broken;
            }
            let now = Instant::now();
            while let Some((_, frame)) = self.incoming.pop_front_if(|(due, _)| *due <= now) {
                if has_ref(&frame) && self.shared.line.breaks_at(Moment::BeforeReply) {
                    return End::Broken;
                }
                if let Err(breach) = self.shared.take_in(&frame) {
                    return End::Breach(breach);
                }
            }
            if !hears && self.incoming.is_empty() {
                return match (&mut peer.closed).await {
                    Ok(code) => End::Closed(code),
                    Err(_) => End::Broken,
                };
            }
            for frame in self.shared.frames() {
                self.outgoing.push_back((now + line.delay, Parcel::Message(frame)));
            }
            let leaving = self.shared.lock().leaving;
            if let Some(code) = leaving.filter(|_| self.outgoing.is_empty()) {
                // A server that is gone by now needs no goodbye.
                let _ = peer.sender.send(Incoming::Closed(Some(code))).await;
                return End::Left;
            }
            let sends = hears && self.outgoing.front().is_some_and(|(due, _)| *due <= now);
            let next = self.outgoing.front().filter(|_| hears).map(|(due, _)| *due);
            let next = next.into_iter().chain(self.incoming.front().map(|(due, _)| *due)).min();
            tokio::select! {
                biased;
                changed = self.line.changed() => if changed.is_err() { return End::Broken },
                permit = peer.sender.reserve(), if sends => match permit {
                    Ok(permit) => {
                        let Some((_, parcel)) = self.outgoing.pop_front() else { continue };
                        if !self.deliver(parcel, line.copies, permit, &peer.sender) {
                            return End::Broken;
                        }
                    }
                    Err(_) => self.outgoing.clear(),
                },
                heard = peer.receiver.recv(), if hears => match heard {
                    Some(Outgoing::Text(frame)) => self.incoming.push_back((now + line.delay, frame)),
                    Some(Outgoing::Ping) => self.outgoing.push_back((now + line.delay, Parcel::SignOfLife)),
                    None => hears = false,
                },
                () = self.shared.work.notified() => {}
                () = sleep_until(next.unwrap_or(now)), if next.is_some_and(|next| next > now) => {}
            }
        }
    }
}

impl Connection<'_> {
    /// Hands something to the server; `false` if the line is cut over it.
    fn deliver(
        &self,
        parcel: Parcel,
        copies: u32,
        permit: mpsc::Permit<'_, Incoming>,
        say: &mpsc::Sender<Incoming>,
    ) -> bool {
        match parcel {
            Parcel::Hello(frame) => permit.send(Incoming::Text(frame)),
            Parcel::SignOfLife => permit.send(Incoming::Heartbeat),
            Parcel::Message(frame) => {
                let counts = has_ref(&frame);
                if counts && self.shared.line.breaks_at(Moment::BeforeSend) {
                    return false;
                }
                permit.send(Incoming::Text(frame.clone()));
                for _ in 1..if counts { copies } else { 1 } {
                    // A copy that finds no room is one that was lost.
                    let _ = say.try_send(Incoming::Text(frame.clone()));
                }
                if counts && self.shared.line.breaks_at(Moment::AfterSend) {
                    return false;
                }
            }
        }
        true
    }
}

impl Shared {
    /// What the page has to send now.
    fn frames(&self) -> Vec<Bytes> {
        let mut state = self.lock();
        let mut frames = std::mem::take(&mut state.extra);
        frames.splice(0..0, state.client.due());
        frames.into_iter().map(Bytes::from).collect()
    }

    /// Takes in what the server says.
    fn take_in(&self, frame: &[u8]) -> Result<(), String> {
        let text = std::str::from_utf8(frame).map_err(|error| error.to_string())?;
        let mut state = self.lock();
        match state.client.receive(text).map_err(|breach| breach.to_string())? {
            Heard::Welcome { resumed } => {
                state.connections += 1;
                if !resumed {
                    state.sessions += 1;
                }
                let pings = state.client.pings();
                state.extra.extend(pings);
            }
            Heard::Event { stream, name, data } => {
                let stream = match stream {
                    StreamId::Component(id) => id.to_string(),
                    StreamId::Topic(name) => name.to_string(),
                };
                state.events.push(Event { stream, name, data });
            }
            Heard::Answered(_)
            | Heard::AnsweredAgain(_)
            | Heard::Changed(_)
            | Heard::Replaced(_)
            | Heard::Unmounted(..)
            | Heard::Pong
            | Heard::Drain(_)
            | Heard::Other => {}
        }
        state.forget_refused();
        drop(state);
        self.news.send_replace(());
        Ok(())
    }
}

/// Whether a message is one that gets a reply, or is that reply.
fn has_ref(frame: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Envelope {
        #[serde(rename = "ref")]
        reference: Option<IgnoredAny>,
    }
    serde_json::from_slice(frame).is_ok_and(|envelope: Envelope| envelope.reference.is_some())
}
