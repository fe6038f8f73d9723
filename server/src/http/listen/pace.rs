//! Measures the pace at which a client sends and reads.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, Sleep};

use crate::limits::Limits;

/// What a connection waits for: shared by its task and by the limiter that may close it.
#[derive(Debug)]
pub(super) struct Pace {
    started: Instant,
    /// When the connection began to wait for bytes of a request: nanoseconds after `started`, plus
    /// one. 0 if it does not wait.
    reads_since: AtomicU64,
    /// When the connection began to wait for its client to read a response, in the same unit.
    writes_since: AtomicU64,
    upgraded: AtomicBool,
    holds_head: AtomicBool,
    stalled: AtomicBool,
    close_requested: Notify,
    closed: Notify,
}

impl Default for Pace {
    /// Creates the pace of a new connection, which waits for the head of a request.
    fn default() -> Self {
        Self {
            started: Instant::now(),
            reads_since: AtomicU64::new(1),
            writes_since: AtomicU64::new(0),
            upgraded: AtomicBool::new(false),
            holds_head: AtomicBool::new(false),
            stalled: AtomicBool::new(false),
            close_requested: Notify::new(),
            closed: Notify::new(),
        }
    }
}

impl Pace {
    /// Records that the connection no longer waits for bytes of the request: the head or body is
    /// complete, or the handler does not read the rest.
    pub(super) fn stop_reading(&self) {
        self.reads_since.store(0, Ordering::Relaxed);
    }

    /// Records that the connection carries another protocol from now on.
    pub(super) fn upgrade(&self) {
        self.upgraded.store(true, Ordering::Relaxed);
    }

    /// Records the same, and that the head of the response is sent together with the first bytes of
    /// the other protocol.
    pub(super) fn upgrade_with_first_bytes(&self) {
        self.holds_head.store(true, Ordering::Relaxed);
        self.upgrade();
    }

    pub(super) fn holds_head(&self) -> bool {
        self.holds_head.load(Ordering::Relaxed)
    }

    pub(super) fn is_upgraded(&self) -> bool {
        self.upgraded.load(Ordering::Relaxed)
    }

    /// Checks whether the client was slower than the limits allow.
    pub(super) fn is_stalled(&self) -> bool {
        self.stalled.load(Ordering::Relaxed)
    }

    /// Returns the time since which the connection has waited for its client; `None` while the
    /// client waits for the server, and after an upgrade.
    pub(super) fn waiting_since(&self) -> Option<Instant> {
        if self.is_upgraded() {
            return None;
        }
        let since = [&self.reads_since, &self.writes_since].map(|since| since.load(Ordering::Relaxed));
        let since = since.into_iter().filter(|since| *since > 0).min()?;
        Some(self.started + Duration::from_nanos(since - 1))
    }

    /// Requests that the connection's task closes the connection.
    pub(super) fn request_close(&self) {
        self.close_requested.notify_one();
    }

    /// Waits until [`request_close`](Self::request_close) is called.
    pub(super) async fn close_requested(&self) {
        self.close_requested.notified().await;
    }

    /// Records that the connection is closed.
    pub(super) fn notify_closed(&self) {
        self.closed.notify_one();
    }

    /// Waits until the connection is closed.
    pub(super) async fn closed(&self) {
        self.closed.notified().await;
    }

    /// Records that the connection waits for bytes of a request. Keeps the start of a wait that has
    /// already begun.
    pub(super) fn wait_to_read(&self) {
        self.record_wait(&self.reads_since);
    }

    /// Records that the connection waits for its client to read. Keeps the start of a wait that has
    /// already begun.
    pub(super) fn wait_to_write(&self) {
        self.record_wait(&self.writes_since);
    }

    /// Records that the client reads.
    pub(super) fn stop_writing(&self) {
        self.writes_since.store(0, Ordering::Relaxed);
    }

    fn record_wait(&self, since: &AtomicU64) {
        let now = u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX).saturating_add(1);
        let _recorded_before = since.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Records that the client was slower than the limits allow.
    pub(super) fn stall(&self) {
        self.stalled.store(true, Ordering::Relaxed);
    }
}

/// Measures progress while a connection waits for its client: `bytes` have to be transferred in
/// each `time` of waiting.
#[derive(Debug)]
pub(super) struct ProgressWindow {
    bytes: usize,
    time: Duration,
    moved: usize,
    waited: Duration,
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
}

/// Whether the bytes that were transferred satisfy the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Throughput {
    /// The client keeps the pace: a new window starts.
    Sufficient,
    /// The window's bytes are not reached yet.
    Insufficient,
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

    /// Counts transferred bytes. Bytes for which the connection did not wait are sufficient,
    /// whatever their number.
    pub(super) fn transferred(&mut self, bytes: usize) -> Throughput {
        let waited = self.waiting.take().map(|(since, _)| since.elapsed());
        self.moved = self.moved.saturating_add(bytes);
        self.waited += waited.unwrap_or_default();
        if waited.is_some() && self.moved < self.bytes {
            return Throughput::Insufficient;
        }
        self.moved = 0;
        self.waited = Duration::ZERO;
        Throughput::Sufficient
    }

    /// Polls the end of the window: ready once the connection has waited for the complete time.
    pub(super) fn poll_elapsed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
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

    /// Waits for this many seconds, then transfers bytes. Returns whether the window elapsed first.
    async fn waits(window: &mut ProgressWindow, seconds: u64, bytes: usize) -> bool {
        let late = poll_fn(|cx| window.poll_elapsed(cx));
        let is_late = tokio::time::timeout(Duration::from_secs(seconds), late).await.is_ok();
        if !is_late {
            window.transferred(bytes);
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
    async fn a_client_that_drips_is_disconnected() {
        let mut window = window();
        let mut drops = 0;
        while drops < 100 && !waits(&mut window, 2, 1).await {
            drops += 1;
        }
        assert_eq!(drops, 4);
    }

    #[tokio::test(start_paused = true)]
    async fn time_without_waiting_for_the_client_does_not_count() {
        let mut window = window();
        for _ in 0..10 {
            assert!(!waits(&mut window, 9, 1).await);
            tokio::time::advance(Duration::from_secs(600)).await;
            // The next bytes were available at once.
            assert_eq!(window.transferred(1), Throughput::Sufficient);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_waits_only_for_its_client() {
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
