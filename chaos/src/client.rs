//! Drives one page: sends, receives, loses its connection and resumes, until each action has a
//! reply.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::page::{Acknowledge, Page, Role};
use crate::plan::{Plan, Stop};
use crate::process::AddressWatch;
use crate::random::Random;
use crate::wire::Wire;

/// The time limit for a reply: longer than any reply takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection after its upgrade.
type Socket = WebSocketStream<Wire>;

/// The network of a connection.
#[derive(Clone, Copy)]
enum Network {
    /// The connection may break at any byte.
    Failing,
    /// The connection does not break.
    Reliable,
}

/// The result of reading from a connection.
enum Received {
    Message(Value),
    /// The connection is closed.
    Closed,
}

/// The driver of one page.
pub struct Client<'a> {
    plan: &'a Plan,
    page: Page,
    random: Random,
    server: AddressWatch,
    /// The number of replies that all pages have received.
    progress: &'a AtomicU64,
}

impl<'a> Client<'a> {
    /// Creates a page with a number.
    pub fn new(plan: &'a Plan, number: u64, server: AddressWatch, progress: &'a AtomicU64) -> Self {
        let role = if number.is_multiple_of(2) { Role::Counter } else { Role::Talker };
        let random = Random::new(plan.seed, number + 1);
        Self { plan, page: Page::new(number, role), random, server, progress }
    }

    /// Continues with a page that was [driven](Self::drive) before.
    pub fn resume(plan: &'a Plan, page: Page, server: AddressWatch, progress: &'a AtomicU64) -> Self {
        let random = Random::new(plan.seed, page.number + 1);
        Self { plan, page, random, server, progress }
    }

    /// Returns the page.
    pub fn into_page(self) -> Page {
        self.page
    }

    /// Sends all actions over a failing network until each has a reply.
    ///
    /// # Errors
    /// Fails if a message contradicts the protocol or an earlier reply.
    pub async fn drive(&mut self) -> anyhow::Result<()> {
        let actions = self.plan.actions_per_page();
        let window = 1 + usize::try_from(self.random.below(8))?;
        let mut socket = None;
        while self.page.sent() < actions || self.page.waiting() > 0 {
            let Some(open) = &mut socket else {
                socket = Some(self.connect(Network::Failing).await?);
                continue;
            };
            let is_open = match self.random.below(100) {
                0 => false,
                1 => {
                    self.abandon(socket.take());
                    continue;
                }
                2..=3 => self.repeat_request(open).await,
                4 if self.page.is_mount_requested() => send(open, &Page::resync("c:c1")).await,
                _ if self.page.sent() < actions && self.page.waiting() < window => {
                    let message = if self.page.is_mount_requested() {
                        self.next_action()
                    } else {
                        self.page.mount(self.component())
                    };
                    send(open, &message).await
                }
                _ if self.page.waiting() > 0 => match receive(open).await? {
                    Received::Message(message) => {
                        let before = self.page.replied();
                        self.page.receive(&message)?;
                        self.progress.fetch_add(self.page.replied() - before, Ordering::Relaxed);
                        true
                    }
                    Received::Closed => false,
                },
                _ => true,
            };
            if !is_open {
                socket = None;
            }
        }
        Ok(())
    }

    /// Resumes over a reliable network and compares the state of the page with that of the server.
    ///
    /// # Errors
    /// Fails if they differ.
    pub async fn compare(&mut self) -> anyhow::Result<()> {
        let mut socket = self.connect(Network::Reliable).await?;
        for name in self.page.streams() {
            send(&mut socket, &Page::resync(name)).await;
            let before = loop {
                // A snapshot contains the effects of all messages before it.
                let before = self.page.position(name);
                let Received::Message(message) = receive(&mut socket).await? else {
                    bail!("the server closed the connection")
                };
                if self.page.receive(&message)?.as_deref() == Some(*name) {
                    break before;
                }
            };
            self.page
                .check_snapshot(name, before.as_ref())
                .with_context(|| format!("page {}", self.page.number))?;
        }
        self.page
            .check_exact(self.plan.actions_per_page())
            .with_context(|| format!("page {}", self.page.number))
    }

    fn component(&self) -> &'static str {
        match (self.page.role, self.plan.stop) {
            (Role::Counter, Stop::Killed) => "tally",
            (Role::Counter, Stop::Restarted) => "plain-tally",
            (Role::Talker, Stop::Killed) => "talker",
            (Role::Talker, Stop::Restarted) => "plain-talker",
        }
    }

    fn next_action(&mut self) -> Value {
        let count = self.page.sent() + 1;
        let name = format!("{}-{count}", self.page.number);
        let pause = if self.random.percent(20) { self.random.below(10) } else { 0 };
        let acknowledge = if self.random.percent(25) { Acknowledge::All } else { Acknowledge::Nothing };
        let action = match self.page.role {
            Role::Counter => "increment",
            Role::Talker => "send",
        };
        self.page.call(action, &json!([name, pause]), acknowledge)
    }

    /// Sends a request again, either a pending one or one with a reply.
    async fn repeat_request(&mut self, socket: &mut Socket) -> bool {
        let replied = self.random.percent(50);
        let at = usize::try_from(self.random.below(4)).unwrap_or(0);
        let again = if replied {
            self.page.unacknowledged().nth(at).map(|(_, message)| message.clone())
        } else {
            self.page.pending().nth(at).map(|(_, message)| message.clone())
        };
        match again {
            Some(message) => send(socket, &message).await,
            None => true,
        }
    }

    /// Leaves a connection open without reading from it, so that the next one must take over the
    /// session.
    fn abandon(&mut self, socket: Option<Socket>) {
        let time = Duration::from_millis(self.random.below(400));
        tokio::spawn(async move {
            sleep(time).await;
            drop(socket);
        });
    }

    /// Connects, sends `HELLO` and the pending requests. Retries until this succeeds.
    async fn connect(&mut self, network: Network) -> anyhow::Result<Socket> {
        loop {
            let connected = timeout(PATIENCE, self.try_connect(network)).await;
            let Ok(connected) = connected else {
                bail!("page {} cannot connect within {PATIENCE:?}", self.page.number)
            };
            if let Some(socket) = connected? {
                return Ok(socket);
            }
            sleep(Duration::from_millis(5 + self.random.below(50))).await;
        }
    }

    /// Connects once. Returns `None` if the connection breaks.
    async fn try_connect(&mut self, network: Network) -> anyhow::Result<Option<Socket>> {
        let Ok(address) = self.server.wait_for(Option::is_some).await.map(|address| *address) else {
            bail!("the server process was dropped");
        };
        let address = address.context("the address is set")?;
        let Ok(stream) = TcpStream::connect(address).await else { return Ok(None) };
        stream.set_nodelay(true)?;
        let mut wire = Wire::new(stream);
        self.schedule_break(&mut wire, network, 5);
        let Ok((mut socket, _)) = client_async(format!("ws://{address}/live"), wire).await else {
            return Ok(None);
        };
        let acknowledge = if self.random.percent(50) { Acknowledge::Nothing } else { Acknowledge::All };
        let hello = self.page.hello(acknowledge);
        if !send(&mut socket, &hello).await {
            return Ok(None);
        }
        let Received::Message(message) = receive(&mut socket).await? else { return Ok(None) };
        let done = self.page.welcome(&message)?;
        self.schedule_break(socket.get_mut(), network, 50);
        // The server repeats the replies in `done` without a request. Sending these requests again
        // is allowed too.
        let trusts = self.random.percent(50);
        let again: Vec<Value> = self
            .page
            .pending()
            .filter(|(reference, _)| !trusts || !done.contains(reference))
            .map(|(_, message)| message.clone())
            .collect();
        for message in again {
            if !send(&mut socket, &message).await {
                return Ok(None);
            }
        }
        Ok(Some(socket))
    }

    /// Decides whether and when a connection breaks: `often` of 100 connections do.
    fn schedule_break(&mut self, wire: &mut Wire, network: Network, often: u64) {
        let (mut reads, mut writes) = (u64::MAX, u64::MAX);
        if matches!(network, Network::Failing) && self.random.percent(often) {
            match self.random.below(4) {
                0 => reads = self.random.below(400),
                1 => reads = self.random.below(8_000),
                2 => writes = self.random.below(400),
                _ => writes = self.random.below(3_000),
            }
        }
        wire.break_after(reads, writes);
    }
}

/// Sends a message. Returns `false` if the connection is closed.
async fn send(socket: &mut Socket, message: &Value) -> bool {
    socket.send(Message::text(message.to_string())).await.is_ok()
}

/// Receives the next message.
async fn receive(socket: &mut Socket) -> anyhow::Result<Received> {
    loop {
        let Ok(frame) = timeout(PATIENCE, socket.next()).await else {
            bail!("no message within {PATIENCE:?} although a reply is pending");
        };
        match frame {
            Some(Ok(Message::Text(text))) => return Ok(Received::Message(serde_json::from_str(&text)?)),
            Some(Ok(Message::Close(frame))) => {
                let code = frame.map(|frame| u16::from(frame.code));
                // 1001: the server shuts down. 4409: an abandoned connection of this page has taken
                // over the session.
                if !matches!(code, None | Some(1001 | 4409)) {
                    bail!("the server closed with {code:?}");
                }
                return Ok(Received::Closed);
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
            Some(Ok(Message::Binary(_))) => bail!("a binary message"),
            Some(Err(_)) | None => return Ok(Received::Closed),
        }
    }
}
