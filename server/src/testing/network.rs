//! The network between pages and a server, which does what the test says.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::server::Inner;

/// The network of one page ([`Page::network`](super::Page::network)) or of all pages of a server
/// ([`Server::network`](super::Server::network)).
///
/// A page whose connection breaks comes back by itself as soon as the network lets it.
#[derive(Clone, Debug)]
pub struct Network {
    server: Arc<Inner>,
    /// `None` for the lines of all pages.
    line: Option<Arc<Line>>,
}

/// When a connection breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// A message leaves the page and does not arrive.
    BeforeSend,
    /// A message arrives, and nothing that the server says to it does.
    AfterSend,
    /// What the server says before a reply arrives, the reply does not.
    BeforeReply,
}

/// The line of one page.
#[derive(Debug)]
pub(super) struct Line(watch::Sender<Condition>);

/// What a line does to what goes over it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Condition {
    pub(super) is_up: bool,
    /// How long each message takes.
    pub(super) delay: Duration,
    /// How often each message of the page arrives.
    pub(super) copies: u32,
    /// How often it was cut: a connection that began before the last cut is gone.
    pub(super) cuts: u64,
    /// When it cuts itself next.
    pub(super) moment: Option<Moment>,
    /// The code that the page closes with when the line goes down, if it does.
    pub(super) farewell: Option<u16>,
}

impl Network {
    pub(super) fn new(server: Arc<Inner>, line: Option<Arc<Line>>) -> Self {
        Self { server, line }
    }

    /// Breaks the connection, with everything that is under way in either direction.
    pub fn drop(&self) {
        self.each(|line| line.cuts += 1);
    }

    /// Breaks the connection at such a moment of the next message, once.
    pub fn drop_at(&self, moment: Moment) {
        self.each(|line| line.moment = Some(moment));
    }

    /// Lets each message take so long from now on, in both directions. What is under way arrives when it would have.
    pub fn delay(&self, delay: Duration) {
        self.each(|line| line.delay = delay);
    }

    /// Lets each message of the page arrive twice from now on.
    pub fn duplicate(&self) {
        self.each(|line| line.copies = 2);
    }

    /// Breaks the connection and lets no other come about until [`Network::online`].
    pub fn offline(&self) {
        self.each(|line| line.is_up = false);
    }

    /// Closes the connection with 1001, as a browser does with a page that it puts aside, and lets
    /// no other come about until [`Network::online`].
    pub fn put_aside(&self) {
        self.each(|line| {
            line.is_up = false;
            line.farewell = Some(1001);
        });
    }

    /// Ends [`Network::offline`] and [`Network::put_aside`].
    pub fn online(&self) {
        self.each(|line| {
            line.is_up = true;
            line.farewell = None;
        });
    }

    /// Ends whatever was asked of it: messages arrive once and at once.
    pub fn calm(&self) {
        self.each(|line| *line = Condition { cuts: line.cuts, ..Condition::GOOD });
    }

    /// Restarts the server: see [`Server::restart`](super::Server::restart).
    pub async fn restart_server(&self) {
        self.server.stop().await;
        self.server.start();
    }

    fn each(&self, change: impl Fn(&mut Condition)) {
        match &self.line {
            Some(line) => line.0.send_modify(&change),
            None => self.server.lines().iter().for_each(|line| line.0.send_modify(&change)),
        }
    }
}

impl Condition {
    const GOOD: Self =
        Self { is_up: true, delay: Duration::ZERO, copies: 1, cuts: 0, moment: None, farewell: None };
}

impl Line {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(Condition::GOOD))
    }

    /// To see what becomes of it.
    pub(super) fn watch(&self) -> watch::Receiver<Condition> {
        self.0.subscribe()
    }

    /// Whether it cuts itself at this moment; it does so once.
    pub(super) fn cuts_at(&self, moment: Moment) -> bool {
        self.0.send_if_modified(|line| {
            let now = line.moment == Some(moment);
            if now {
                line.moment = None;
                line.cuts += 1;
            }
            now
        })
    }
}
