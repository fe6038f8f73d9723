//! The pace at which a client sends and reads.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, Sleep};

use crate::limits::Limits;

/// What a connection waits for, as seen by all who may close it.
#[derive(Debug)]
pub(super) struct Pace {
    started: Instant,
    /// When it began to wait for bytes of a request, in nanoseconds after `started` and one more; 0
    /// if it does not.
    reads_since: AtomicU64,
    /// The same for its client to read an answer.
    writes_since: AtomicU64,
    upgraded: AtomicBool,
    stalled: AtomicBool,
    end: Notify,
    gone: Notify,
}

impl Default for Pace {
    /// Waits for the head of a request.
    fn default() -> Self {
        Self {
            started: Instant::now(),
            reads_since: AtomicU64::new(1),
            writes_since: AtomicU64::new(0),
            upgraded: AtomicBool::new(false),
            stalled: AtomicBool::new(false),
            end: Notify::new(),
            gone: Notify::new(),
        }
    }
}

impl Pace {
    /// Notes that the connection waits for nothing more of the request: its head or body is there,
    /// or is not read on.
    pub(super) fn stop_reading(&self) {
        self.reads_since.store(0, Ordering::Relaxed);
    }

    /// The connection carries another protocol from now on.
    pub(super) fn upgrade(&self) {
        self.upgraded.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_upgraded(&self) -> bool {
        self.upgraded.load(Ordering::Relaxed)
    }

    /// Checks whether the client was slower than the limits allow.
    pub(super) fn is_stalled(&self) -> bool {
        self.stalled.load(Ordering::Relaxed)
    }

    /// Returns since when the connection has waited for its client; `None` while the client waits
    /// for the server.
    pub(super) fn waiting_since(&self) -> Option<Instant> {
        if self.is_upgraded() {
            return None;
        }
        let since = [&self.reads_since, &self.writes_since].map(|since| since.load(Ordering::Relaxed));
        let since = since.into_iter().filter(|since| *since > 0).min()?;
        Some(self.started + Duration::from_nanos(since - 1))
    }

    /// Has the connection closed.
    pub(super) fn end(&self) {
        self.end.notify_one();
    }

    /// Waits until the connection is to be closed.
    pub(super) async fn ended(&self) {
        self.end.notified().await;
    }

    /// The connection is closed.
    pub(super) fn left(&self) {
        self.gone.notify_one();
    }

    /// Waits until it is.
    pub(super) async fn gone(&self) {
        self.gone.notified().await;
    }

    /// Notes that the connection waits for bytes of a request, if it does not wait for them already.
    pub(super) fn wait_to_read(&self) {
        self.note_wait(&self.reads_since);
    }

    /// Notes that the connection waits for its client to read, if it does not wait for that already.
    pub(super) fn wait_to_write(&self) {
        self.note_wait(&self.writes_since);
    }

    /// Notes that the client reads.
    pub(super) fn stop_writing(&self) {
        self.writes_since.store(0, Ordering::Relaxed);
    }

    fn note_wait(&self, since: &AtomicU64) {
        let now = u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX).saturating_add(1);
        let _noted_before = since.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Notes that the client was slower than the limits allow.
    pub(super) fn stall(&self) {
        self.stalled.store(true, Ordering::Relaxed);
    }
}

/// The bytes that have to move while a connection waits, and those that have.
#[derive(Debug)]
pub(super) struct ProgressWindow {
    bytes: usize,
    time: Duration,
    moved: usize,
    waited: Duration,
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
}

/// What bytes that moved mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moved {
    /// The client keeps the pace: its time starts anew.
    Enough,
    /// They are too few to say so.
    TooFew,
}

impl ProgressWindow {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            bytes: limits.progress_bytes,
            time: limits.progress_time,
            moved: 0,
            waited: Duration::ZERO,
            waiting: None,
        }
    }

    /// Counts bytes that moved. Those that nothing had to wait for are enough, however few they
    /// are.
    pub(super) fn moved(&mut self, bytes: usize) -> Moved {
        let waited = self.waiting.take().map(|(since, _)| since.elapsed());
        self.moved = self.moved.saturating_add(bytes);
        self.waited += waited.unwrap_or_default();
        if waited.is_some() && self.moved < self.bytes {
            return Moved::TooFew;
        }
        self.moved = 0;
        self.waited = Duration::ZERO;
        Moved::Enough
    }

    /// Waits; ready once the client has had all its time.
    pub(super) fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let left = self.time.saturating_sub(self.waited);
        let start = || (Instant::now(), Box::pin(tokio::time::sleep(left)));
        let (_, sleep) = self.waiting.get_or_insert_with(start);
        sleep.as_mut().poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    fn window() -> ProgressWindow {
        let limits =
            Limits { progress_bytes: 100, progress_time: Duration::from_secs(10), ..Limits::default() };
        ProgressWindow::new(&limits)
    }

    /// Waits that long for bytes, then gets some; whether the client was given up meanwhile.
    async fn waits(window: &mut ProgressWindow, seconds: u64, bytes: usize) -> bool {
        let late = poll_fn(|cx| window.poll_late(cx));
        let is_late = tokio::time::timeout(Duration::from_secs(seconds), late).await.is_ok();
        if !is_late {
            window.moved(bytes);
        }
        is_late
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_keeps_the_pace_may_take_any_time() {
        let mut window = window();
        for _ in 0..100 {
            assert!(!waits(&mut window, 9, 100).await);
        }
        for _ in 0..1_000 {
            assert!(!waits(&mut window, 1, 20).await);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_drips_is_given_up() {
        let mut window = window();
        let mut drops = 0;
        while drops < 100 && !waits(&mut window, 2, 1).await {
            drops += 1;
        }
        assert_eq!(drops, 4);
    }

    #[tokio::test(start_paused = true)]
    async fn time_in_which_nothing_is_asked_of_the_client_does_not_count() {
        let mut window = window();
        for _ in 0..10 {
            assert!(!waits(&mut window, 9, 1).await);
            tokio::time::advance(Duration::from_secs(600)).await;
            // The next bytes were there at once.
            assert_eq!(window.moved(1), Moved::Enough);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_waits_for_its_client_or_the_client_for_it() {
        let pace = Pace::default();
        let start = Instant::now();
        assert_eq!(pace.waiting_since(), Some(start));
        pace.stop_reading();
        assert_eq!(pace.waiting_since(), None);
        tokio::time::advance(Duration::from_secs(1)).await;
        pace.wait_to_write();
        tokio::time::advance(Duration::from_secs(1)).await;
        pace.wait_to_write();
        pace.wait_to_read();
        assert_eq!(pace.waiting_since(), Some(start + Duration::from_secs(1)));
        pace.upgrade();
        assert_eq!(pace.waiting_since(), None);
    }
}
