//! Drives one page: sends, reads, is cut off and comes back, until everything that it wanted has an
//! answer.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::page::{Page, Role};
use crate::plan::{Fate, Plan};
use crate::process::Whereabouts;
use crate::random::Random;
use crate::wire::Wire;

/// Longer than any answer takes on a busy machine: one that has not come by then does not come.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection that stood at least until the greeting was answered.
type Socket = WebSocketStream<Wire>;

/// What a connection has to suffer.
#[derive(Clone, Copy)]
enum Weather {
    /// It breaks at any byte.
    Bad,
    /// It holds.
    Good,
}

/// What came of reading.
enum Heard {
    Message(Value),
    /// The connection is gone.
    Nothing,
}

/// One page's life.
pub struct Client<'a> {
    plan: &'a Plan,
    page: Page,
    random: Random,
    server: Whereabouts,
    /// How many answers all pages have together.
    progress: &'a AtomicU64,
}

impl<'a> Client<'a> {
    /// The page of that number.
    pub fn new(plan: &'a Plan, number: u64, server: Whereabouts, progress: &'a AtomicU64) -> Self {
        let role = if number.is_multiple_of(2) { Role::Counts } else { Role::Talks };
        let random = Random::new(plan.seed, number + 1);
        Self { plan, page: Page::new(number, role), random, server, progress }
    }

    /// Goes on with a page that was [driven](Self::drive) before.
    pub fn of(plan: &'a Plan, page: Page, server: Whereabouts, progress: &'a AtomicU64) -> Self {
        let random = Random::new(plan.seed, page.number + 1);
        Self { plan, page, random, server, progress }
    }

    /// What the page knows.
    pub fn into_page(self) -> Page {
        self.page
    }

    /// Does all actions over a network that breaks, until each has its answer.
    ///
    /// # Errors
    /// If anything contradicts what was promised.
    pub async fn drive(&mut self) -> anyhow::Result<()> {
        let actions = self.plan.actions_of_each();
        let window = 1 + usize::try_from(self.random.below(8))?;
        let mut socket = None;
        while self.page.asked() < actions || self.page.waiting() > 0 {
            let Some(open) = &mut socket else {
                socket = Some(self.connect(Weather::Bad).await?);
                continue;
            };
            let holds = match self.random.below(100) {
                0 => false,
                1 => {
                    self.abandon(socket.take());
                    continue;
                }
                2..=3 => self.ask_again(open).await,
                4 if self.page.has_begun() => say(open, &Page::resync("c:c1")).await,
                _ if self.page.asked() < actions && self.page.waiting() < window => {
                    let message = if self.page.has_begun() {
                        self.next_action()
                    } else {
                        self.page.mount(self.component())
                    };
                    say(open, &message).await
                }
                _ if self.page.waiting() > 0 => match hear(open).await? {
                    Heard::Message(message) => {
                        let before = self.page.answered();
                        self.page.take_in(&message)?;
                        self.progress.fetch_add(self.page.answered() - before, Ordering::Relaxed);
                        true
                    }
                    Heard::Nothing => false,
                },
                _ => true,
            };
            if !holds {
                socket = None;
            }
        }
        Ok(())
    }

    /// Comes back once more, over a network that holds, and compares what it has with what the
    /// server has.
    ///
    /// # Errors
    /// If they differ.
    pub async fn compare(&mut self) -> anyhow::Result<()> {
        let mut socket = self.connect(Weather::Good).await?;
        for name in self.page.streams() {
            say(&mut socket, &Page::resync(name)).await;
            let before = loop {
                // A snapshot answers for the moment after everything that came before it.
                let before = self.page.position(name);
                let Heard::Message(message) = hear(&mut socket).await? else {
                    bail!("cut off from the server")
                };
                if self.page.take_in(&message)?.as_deref() == Some(*name) {
                    break before;
                }
            };
            self.page.agrees(name, before.as_ref()).with_context(|| format!("page {}", self.page.number))?;
        }
        self.page.is_exact(self.plan.actions_of_each()).with_context(|| format!("page {}", self.page.number))
    }

    fn component(&self) -> &'static str {
        match (self.page.role, self.plan.fate) {
            (Role::Counts, Fate::Killed) => "tally",
            (Role::Counts, Fate::Restarted) => "plain-tally",
            (Role::Talks, Fate::Killed) => "talk",
            (Role::Talks, Fate::Restarted) => "plain-talk",
        }
    }

    fn next_action(&mut self) -> Value {
        let count = self.page.asked() + 1;
        let name = format!("{}-{count}", self.page.number);
        let pause = if self.random.percent(20) { self.random.below(10) } else { 0 };
        let acknowledges = self.random.percent(25);
        let action = match self.page.role {
            Role::Counts => "increment",
            Role::Talks => "say",
        };
        self.page.call(action, &json!([name, pause]), acknowledges)
    }

    /// Asks something a second time: what has no answer yet, or what has one.
    async fn ask_again(&mut self, socket: &mut Socket) -> bool {
        let answered = self.random.percent(50);
        let at = usize::try_from(self.random.below(4)).unwrap_or(0);
        let again = if answered {
            self.page.unacknowledged().nth(at).map(|(_, message)| message.clone())
        } else {
            self.page.unanswered().nth(at).map(|(_, message)| message.clone())
        };
        match again {
            Some(message) => say(socket, &message).await,
            None => true,
        }
    }

    /// Leaves a connection open that nobody reads from, so that the next one has to take the
    /// session over.
    fn abandon(&mut self, socket: Option<Socket>) {
        let time = Duration::from_millis(self.random.below(400));
        tokio::spawn(async move {
            sleep(time).await;
            drop(socket);
        });
    }

    /// Connects, greets, and asks again what has no answer, until that succeeds.
    async fn connect(&mut self, weather: Weather) -> anyhow::Result<Socket> {
        loop {
            let connected = timeout(PATIENCE, self.try_connect(weather)).await;
            let Ok(connected) = connected else { bail!("page {} is not let in", self.page.number) };
            if let Some(socket) = connected? {
                return Ok(socket);
            }
            sleep(Duration::from_millis(5 + self.random.below(50))).await;
        }
    }

    /// One try; none if the connection broke.
    async fn try_connect(&mut self, weather: Weather) -> anyhow::Result<Option<Socket>> {
        let Ok(address) = self.server.wait_for(Option::is_some).await.map(|address| *address) else {
            bail!("there will be no server any more");
        };
        let address = address.context("waited for")?;
        let Ok(stream) = TcpStream::connect(address).await else { return Ok(None) };
        stream.set_nodelay(true)?;
        let mut wire = Wire::new(stream);
        self.rain(&mut wire, weather, 5);
        let Ok((mut socket, _)) = client_async(format!("ws://{address}/live"), wire).await else {
            return Ok(None);
        };
        let hello = self.page.hello(self.random.percent(50));
        if !say(&mut socket, &hello).await {
            return Ok(None);
        }
        let Heard::Message(message) = hear(&mut socket).await? else { return Ok(None) };
        let done = self.page.welcome(&message)?;
        self.rain(socket.get_mut(), weather, 50);
        // With and without regard for what the server said that it has: both are right.
        let trusts = self.random.percent(50);
        let again: Vec<Value> = self
            .page
            .unanswered()
            .filter(|(reference, _)| !trusts || !done.contains(reference))
            .map(|(_, message)| message.clone())
            .collect();
        for message in again {
            if !say(&mut socket, &message).await {
                return Ok(None);
            }
        }
        Ok(Some(socket))
    }

    /// Decides when a connection breaks, if it does: so many in a hundred do.
    fn rain(&mut self, wire: &mut Wire, weather: Weather, often: u64) {
        let (mut reads, mut writes) = (u64::MAX, u64::MAX);
        if matches!(weather, Weather::Bad) && self.random.percent(often) {
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

/// Sends; false if the connection is gone.
async fn say(socket: &mut Socket, message: &Value) -> bool {
    socket.send(Message::text(message.to_string())).await.is_ok()
}

/// Reads the next message.
async fn hear(socket: &mut Socket) -> anyhow::Result<Heard> {
    loop {
        let Ok(frame) = timeout(PATIENCE, socket.next()).await else {
            bail!("nothing came for {PATIENCE:?} from a server that owes an answer");
        };
        match frame {
            Some(Ok(Message::Text(text))) => return Ok(Heard::Message(serde_json::from_str(&text)?)),
            Some(Ok(Message::Close(frame))) => {
                let code = frame.map(|frame| u16::from(frame.code));
                // Going away; taken over by a connection of this page's own that it has given up
                // on.
                if !matches!(code, None | Some(1001 | 4409)) {
                    bail!("the server closed with {code:?}");
                }
                return Ok(Heard::Nothing);
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
            Some(Ok(Message::Binary(_))) => bail!("a binary message"),
            Some(Err(_)) | None => return Ok(Heard::Nothing),
        }
    }
}
