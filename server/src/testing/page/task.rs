//! The task that keeps a page connected and carries its messages over the line.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use bytes::Bytes;
use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use vivaz_engine::SocketCommand;
use vivaz_protocol::{AfterClose, CloseCode, StreamId};

use super::{Event, PageShared};
use crate::runtime::Runtime;
use crate::testing::app::Upgraded;
use crate::testing::client::Received;
use crate::testing::line::{Condition, Moment};
use crate::testing::process::ServerProcess;
use crate::transport::Incoming;
use crate::transport::encoding::Encoding;
use crate::transport::memory::{FromPeer, Peer, ToPeer};

/// The delay before a retry, if the server is overloaded.
const SLOWLY: Duration = Duration::from_secs(1);

/// The end of a connection.
enum ConnectionLoss {
    /// The network broke it, or the server has stopped.
    Broken,
    /// The server closed it.
    Closed(u16),
    /// The page closed it permanently.
    Left,
    /// The engine closed it. The value is the number of the next socket, if it is known.
    GivenUp(Option<u32>),
    /// The server broke the protocol.
    Breach(String),
}

/// An item in transit to the server.
enum Parcel {
    Message(Bytes),
    SignOfLife,
}

/// The engine's commands for its socket, and the additional frames to send.
#[derive(Default)]
struct Wanted {
    /// The number of the socket to open.
    connect: Option<u32>,
    frames: Vec<Bytes>,
    closes: bool,
}

/// Connects on each command of the engine, until the page is left.
pub(super) async fn run(shared: Arc<PageShared>) {
    let mut wanted = None;
    loop {
        let server = shared.server();
        let mut line = shared.line.watch();
        // Use the newest socket: the engine abandons one that does not open in time.
        wanted = shared.take_wanted().connect.or(wanted);
        tokio::select! {
            biased;
            is_up = line.wait_for(|line| line.is_up) => if is_up.is_err() { return },
            () = shared.work.notified() => continue,
        }
        let runtime = tokio::select! {
            biased;
            runtime = server.wait_running() => runtime,
            () = shared.work.notified() => continue,
        };
        let Some(number) = wanted else {
            drop(runtime);
            if shared.lock().leaving.is_some() {
                shared.end("the page was left".to_owned());
                return;
            }
            shared.work.notified().await;
            continue;
        };
        let mut peer = match connect(&shared, &server, &runtime).await {
            Ok(peer) => peer,
            Err(StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) => {
                drop(runtime);
                tokio::time::sleep(SLOWLY).await;
                continue;
            }
            Err(status) => {
                return shared.end(format!("the application answered {status} to the request for a socket"));
            }
        };
        drop(runtime);
        wanted = None;
        shared.lock().extra = Vec::new();
        shared.lock().tab.opened(number);
        let end = LineConnection::new(&shared, line, number, server.encoding).carry(&mut peer).await;
        drop(peer);
        shared.lock().referee.disconnected();
        let (mut slowly, mut code) = (false, 1006);
        match end {
            ConnectionLoss::Broken => {}
            ConnectionLoss::GivenUp(next) => wanted = next,
            ConnectionLoss::Closed(closed) => {
                code = closed;
                shared.lock().closed = Some(code);
                let then = CloseCode::from_u16(code).map_or(AfterClose::Reconnect, CloseCode::after_close);
                slowly = then == AfterClose::ReconnectSlowly;
                if matches!(then, AfterClose::Reload | AfterClose::Stop | AfterClose::WaitForUser) {
                    return shared.end(format!("the server closed the connection with {code}"));
                }
            }
            ConnectionLoss::Left => return shared.end("the page was left".to_owned()),
            ConnectionLoss::Breach(what) => return shared.end(format!("the protocol was broken: {what}")),
        }
        shared.lock().tab.closed(number, code);
        shared.start_timers();
        shared.news.send_replace(());
        if slowly {
            tokio::time::sleep(SLOWLY).await;
        }
    }
}

/// Connects with the page's identity, or with the cookies of its browser.
async fn connect(shared: &PageShared, server: &ServerProcess, runtime: &Runtime) -> Result<Peer, StatusCode> {
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

struct LineConnection<'a> {
    shared: &'a Arc<PageShared>,
    line: watch::Receiver<Condition>,
    /// The number of breaks of the line before this connection.
    cuts: u64,
    /// The engine's number of the socket.
    number: u32,
    encoding: Encoding,
    outgoing: VecDeque<(Instant, Parcel)>,
    incoming: VecDeque<(Instant, Bytes)>,
}

impl<'a> LineConnection<'a> {
    fn new(
        shared: &'a Arc<PageShared>,
        mut line: watch::Receiver<Condition>,
        number: u32,
        encoding: Encoding,
    ) -> Self {
        let cuts = line.borrow_and_update().breaks;
        Self { shared, line, cuts, number, encoding, outgoing: VecDeque::new(), incoming: VecDeque::new() }
    }

    /// Carries messages until the connection ends.
    async fn carry(mut self, peer: &mut Peer) -> ConnectionLoss {
        let mut receives = true;
        loop {
            let line = *self.line.borrow_and_update();
            if line.breaks != self.cuts || !line.is_up {
                if let Some(code) = line.close_code {
                    // A server that has stopped does not need the close frame.
                    let _ = peer.sender.send(FromPeer::Closed(code)).await;
                }
                return ConnectionLoss::Broken;
            }
            let now = Instant::now();
            while let Some((_, frame)) = self.incoming.pop_front_if(|(due, _)| *due <= now) {
                if has_ref(&frame) && self.shared.line.breaks_at(Moment::BeforeReply) {
                    return ConnectionLoss::Broken;
                }
                if let Err(breach) = self.shared.receive_frame(self.number, &frame) {
                    return ConnectionLoss::Breach(breach);
                }
            }
            if !receives && self.incoming.is_empty() {
                return match (&mut peer.closed).await {
                    Ok(code) => ConnectionLoss::Closed(code),
                    Err(_) => ConnectionLoss::Broken,
                };
            }
            let wanted = self.shared.take_wanted();
            for frame in wanted.frames {
                if let Err(breach) = self.shared.observe(&frame) {
                    return ConnectionLoss::Breach(breach);
                }
                self.outgoing.push_back((now + line.delay, Parcel::Message(frame)));
            }
            if wanted.closes {
                // A server that has stopped does not need the close frame.
                let _ = peer.sender.send(FromPeer::Closed(1000)).await;
                return ConnectionLoss::GivenUp(wanted.connect);
            }
            let leaving = self.shared.lock().leaving;
            if let Some(code) = leaving.filter(|_| self.outgoing.is_empty()) {
                // A server that has stopped does not need the close frame.
                let _ = peer.sender.send(FromPeer::Closed(code)).await;
                return ConnectionLoss::Left;
            }
            let sends = receives && self.outgoing.front().is_some_and(|(due, _)| *due <= now);
            let next = self.outgoing.front().filter(|_| receives).map(|(due, _)| *due);
            let next = next.into_iter().chain(self.incoming.front().map(|(due, _)| *due)).min();
            tokio::select! {
                biased;
                changed = self.line.changed() => if changed.is_err() { return ConnectionLoss::Broken },
                permit = peer.sender.reserve(), if sends => match permit {
                    Ok(permit) => {
                        let Some((_, parcel)) = self.outgoing.pop_front() else { continue };
                        if !self.deliver(parcel, line.copies, permit, &peer.sender) {
                            return ConnectionLoss::Broken;
                        }
                    }
                    Err(_) => self.outgoing.clear(),
                },
                received = peer.receiver.recv(), if receives => match received {
                    Some(ToPeer::Frame(frame)) => {
                        let Incoming::Text(frame) = self.encoding.decode(frame, usize::MAX) else {
                            return ConnectionLoss::Breach("a frame is not a message in the encoding".to_owned());
                        };
                        self.incoming.push_back((now + line.delay, frame));
                    }
                    Some(ToPeer::Ping) => self.outgoing.push_back((now + line.delay, Parcel::SignOfLife)),
                    None => receives = false,
                },
                () = self.shared.work.notified() => {}
                () = sleep_until(next.unwrap_or(now)), if next.is_some_and(|next| next > now) => {}
            }
        }
    }
}

impl LineConnection<'_> {
    /// Delivers an item to the server. Returns `false` if the line breaks at this item.
    fn deliver(
        &self,
        parcel: Parcel,
        copies: u32,
        permit: mpsc::Permit<'_, FromPeer>,
        say: &mpsc::Sender<FromPeer>,
    ) -> bool {
        match parcel {
            Parcel::SignOfLife => permit.send(FromPeer::Heartbeat),
            Parcel::Message(frame) => {
                let counts = has_ref(&frame);
                if counts && self.shared.line.breaks_at(Moment::BeforeSend) {
                    return false;
                }
                let Ok(frame) = self.encoding.encode(frame) else { return false };
                permit.send(FromPeer::Frame(frame.clone()));
                for _ in 1..if counts { copies } else { 1 } {
                    // A copy is lost if the channel is full.
                    let _ = say.try_send(FromPeer::Frame(frame.clone()));
                }
                if counts && self.shared.line.breaks_at(Moment::AfterSend) {
                    return false;
                }
            }
        }
        true
    }
}

impl PageShared {
    /// Removes and returns the engine's commands, and starts its timers.
    fn take_wanted(self: &Arc<Self>) -> Wanted {
        let mut wanted = Wanted::default();
        let mut state = self.lock();
        for command in state.tab.take_commands() {
            match command {
                SocketCommand::Connect(number) => {
                    wanted.connect = Some(number);
                    wanted.frames.clear();
                }
                SocketCommand::Send(frame) => {
                    wanted.frames.push(with_auth(frame, state.auth.as_ref()).into());
                }
                SocketCommand::Close(_) => wanted.closes = true,
            }
        }
        wanted.frames.extend(std::mem::take(&mut state.extra).into_iter().map(Bytes::from));
        drop(state);
        self.start_timers();
        wanted
    }

    /// Starts the engine's timers. They end with the page.
    fn start_timers(self: &Arc<Self>) {
        for (token, ms) in self.lock().tab.take_timers() {
            let shared = Arc::downgrade(self);
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(ms.into())).await;
                if let Some(shared) = shared.upgrade() {
                    shared.lock().tab.timer(token);
                    shared.start_timers();
                    shared.work.notify_one();
                    shared.news.send_replace(());
                }
            });
        }
    }

    /// Records that the page does not reconnect.
    fn end(&self, why: String) {
        self.lock().over = Some(why);
        self.news.send_replace(());
    }

    /// Records a frame that the page sends.
    fn observe(&self, frame: &[u8]) -> Result<(), String> {
        let text = std::str::from_utf8(frame).map_err(|error| error.to_string())?;
        let mut state = self.lock();
        for (component, json) in state.tab.take_painted() {
            state.referee.painted(component, json);
        }
        state.referee.observe(text).map_err(|breach| breach.to_string())
    }

    /// Handles a frame of the server.
    fn receive_frame(&self, number: u32, frame: &[u8]) -> Result<(), String> {
        let text = std::str::from_utf8(frame).map_err(|error| error.to_string())?;
        let mut state = self.lock();
        match state.referee.receive(text).map_err(|breach| breach.to_string())? {
            Received::Welcome { resumed } => {
                state.connections += 1;
                if !resumed {
                    state.sessions += 1;
                }
                let pings = state.referee.pings();
                state.extra.extend(pings);
            }
            Received::Event { stream, name, data } => {
                let stream = match stream {
                    StreamId::Component(id) => id.to_string(),
                    StreamId::Topic(name) => name.to_string(),
                };
                state.events.push(Event { stream, name, data });
            }
            Received::Answered(_)
            | Received::AnsweredAgain(_)
            | Received::Changed(_)
            | Received::Replaced(_)
            | Received::Unmounted(..)
            | Received::Pong
            | Received::Drain(_)
            | Received::Other => {}
        }
        state.tab.frame(number, text);
        drop(state);
        self.news.send_replace(());
        Ok(())
    }
}

/// Inserts the page's `auth` for the application's authentication into a `HELLO`.
fn with_auth(frame: String, auth: Option<&serde_json::Value>) -> String {
    const HELLO: &str = r#"{"v":1,"type":"HELLO","payload":{"#;
    match (auth, frame.strip_prefix(HELLO)) {
        (Some(auth), Some("}}")) => format!("{HELLO}\"auth\":{auth}}}}}"),
        (Some(auth), Some(rest)) => format!("{HELLO}\"auth\":{auth},{rest}"),
        _ => frame,
    }
}

/// Checks whether a message is a request or a reply.
fn has_ref(frame: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Envelope {
        #[serde(rename = "ref")]
        reference: Option<IgnoredAny>,
    }
    serde_json::from_slice(frame).is_ok_and(|envelope: Envelope| envelope.reference.is_some())
}
