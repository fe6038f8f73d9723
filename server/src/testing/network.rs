//! The network between pages and a server, which the test controls.

use std::sync::Arc;
use std::time::Duration;

use super::line::{Condition, Line, Moment};
use super::process::ServerProcess;

/// The network of one page ([`Page::network`](super::Page::network)) or of all pages of a server
/// ([`Server::network`](super::Server::network)).
///
/// A page whose connection breaks reconnects as soon as the network allows it.
#[derive(Clone, Debug)]
pub struct Network {
    server: Arc<ServerProcess>,
    /// `None` for the lines of all pages.
    line: Option<Arc<Line>>,
}

impl Network {
    pub(super) fn new(server: Arc<ServerProcess>, line: Option<Arc<Line>>) -> Self {
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
    pub fn reset(&self) {
        self.each(|line| *line = Condition { breaks: line.breaks, ..Condition::NORMAL });
    }

    /// Restarts the server: see [`Server::restart`](super::Server::restart).
    pub async fn restart_server(&self) {
        self.server.stop().await;
        self.server.start();
    }

    fn each(&self, change: impl Fn(&mut Condition)) {
        match &self.line {
            Some(line) => line.modify(&change),
            None => self.server.lines().iter().for_each(|line| line.modify(&change)),
        }
    }
}
