//! The network between pages and a server, which the test controls.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::server::ServerInner;

/// The network of one page ([`Page::network`](super::Page::network)) or of all pages of a server
/// ([`Server::network`](super::Server::network)).
///
/// A page whose connection breaks reconnects as soon as the network allows it.
#[derive(Clone, Debug)]
pub struct Network {
    server: Arc<ServerInner>,
    /// `None` for the lines of all pages.
    line: Option<Arc<Line>>,
}

/// The time at which a connection breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Before a message of the page reaches the server.
    BeforeSend,
    /// After a message of the page has reached the server, and before any later message of the
    /// server reaches the page.
    AfterSend,
    /// Before a reply reaches the page; earlier messages of the server reach it.
    BeforeReply,
}

/// The network line of one page.
#[derive(Debug)]
pub(super) struct Line(watch::Sender<Condition>);

/// The condition of a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Condition {
    pub(super) is_up: bool,
    /// The latency of each message.
    pub(super) delay: Duration,
    /// How often each message of the page arrives.
    pub(super) copies: u32,
    /// How often the line broke: a connection that was opened before the last break is closed.
    pub(super) breaks: u64,
    /// The time of the next break.
    pub(super) moment: Option<Moment>,
    /// The code with which the page closes the connection when the line goes down; `None` if it
    /// sends no close frame.
    pub(super) close_code: Option<u16>,
}

impl Network {
    pub(super) fn new(server: Arc<ServerInner>, line: Option<Arc<Line>>) -> Self {
        Self { server, line }
    }

    /// Breaks the connection. Messages in transit are lost in both directions.
    pub fn drop(&self) {
        self.each(|line| line.breaks += 1);
    }

    /// Breaks the connection once, at this time of the next message.
    pub fn drop_at(&self, moment: Moment) {
        self.each(|line| line.moment = Some(moment));
    }

    /// Sets the latency of later messages in both directions. Messages in transit are not affected.
    pub fn delay(&self, delay: Duration) {
        self.each(|line| line.delay = delay);
    }

    /// Duplicates all later messages of the page.
    pub fn duplicate(&self) {
        self.each(|line| line.copies = 2);
    }

    /// Breaks the connection and prevents new ones until [`Network::online`].
    pub fn offline(&self) {
        self.each(|line| line.is_up = false);
    }

    /// Closes the connection with 1001, as a browser does for a page in its back/forward cache, and
    /// prevents new ones until [`Network::online`].
    pub fn put_aside(&self) {
        self.each(|line| {
            line.is_up = false;
            line.close_code = Some(1001);
        });
    }

    /// Ends [`Network::offline`] and [`Network::put_aside`].
    pub fn online(&self) {
        self.each(|line| {
            line.is_up = true;
            line.close_code = None;
        });
    }

    /// Resets the network to normal: the line is up, without latency and duplicates.
    pub fn calm(&self) {
        self.each(|line| *line = Condition { breaks: line.breaks, ..Condition::NORMAL });
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
    const NORMAL: Self =
        Self { is_up: true, delay: Duration::ZERO, copies: 1, breaks: 0, moment: None, close_code: None };
}

impl Line {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(Condition::NORMAL))
    }

    /// Returns a receiver for changes of the condition.
    pub(super) fn watch(&self) -> watch::Receiver<Condition> {
        self.0.subscribe()
    }

    /// Breaks the line if it is set to break at this time. Returns whether it broke.
    pub(super) fn breaks_at(&self, moment: Moment) -> bool {
        self.0.send_if_modified(|line| {
            let now = line.moment == Some(moment);
            if now {
                line.moment = None;
                line.breaks += 1;
            }
            now
        })
    }
}
