//! The network line of a page, and its condition.

use std::time::Duration;

use tokio::sync::watch;

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

impl Condition {
    /// A line that is up, without latency and duplicates.
    pub(super) const NORMAL: Self =
        Self { is_up: true, delay: Duration::ZERO, copies: 1, breaks: 0, moment: None, close_code: None };
}

impl Line {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(Condition::NORMAL))
    }

    /// Changes the condition.
    pub(super) fn modify(&self, change: impl FnOnce(&mut Condition)) {
        self.0.send_modify(change);
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
