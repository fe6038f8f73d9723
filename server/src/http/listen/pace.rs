//! The pace at which a client sends and reads.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Frame, Incoming, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::{Instant, Sleep};

use super::crowd::{RequestPlace, Ticket};
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

    fn waits(&self, since: &AtomicU64) {
        let now = u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX).saturating_add(1);
        // One that waits already goes on waiting.
        let _waits = since.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
    }

    fn stall(&self) {
        self.stalled.store(true, Ordering::Relaxed);
    }
}

/// The bytes that have to move while a connection waits, and those that have.
#[derive(Debug)]
struct Window {
    bytes: usize,
    time: Duration,
    moved: usize,
    waited: Duration,
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
}

/// What bytes that moved mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moved {
    /// The client keeps the pace: its time starts anew.
    Enough,
    /// They are too few to say so.
    TooFew,
}

impl Window {
    fn new(limits: &Limits) -> Self {
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
    fn moved(&mut self, bytes: usize) -> Moved {
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
    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let left = self.time.saturating_sub(self.waited);
        let start = || (Instant::now(), Box::pin(tokio::time::sleep(left)));
        let (_, sleep) = self.waiting.get_or_insert_with(start);
        sleep.as_mut().poll(cx)
    }
}

/// A connection's stream, given up when its client does not read what is written. After an upgrade
/// it only passes on.
#[derive(Debug)]
pub(super) struct PacedStream<S> {
    inner: S,
    ticket: Ticket,
    /// None after an upgrade.
    window: Option<Box<Window>>,
}

impl<S> PacedStream<S> {
    pub(super) fn new(inner: S, ticket: Ticket, limits: &Limits) -> Self {
        Self { inner, ticket, window: Some(Box::new(Window::new(limits))) }
    }

    fn wrote(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        let Some(window) = &mut self.window else { return written };
        let pace = self.ticket.pace();
        if pace.is_upgraded() {
            self.ticket.upgraded();
            self.window = None;
            return written;
        }
        match written {
            Poll::Ready(Ok(bytes)) => {
                if window.moved(bytes) == Moved::Enough {
                    pace.writes_since.store(0, Ordering::Relaxed);
                }
                written
            }
            Poll::Ready(Err(_)) => written,
            Poll::Pending => {
                pace.waits(&pace.writes_since);
                ready!(window.poll_late(cx));
                pace.stall();
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for PacedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for PacedStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.wrote(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, slices);
        self.wrote(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// The body of a request, given up when it comes too slowly.
#[derive(Debug)]
pub(super) struct PacedBody {
    inner: Incoming,
    pace: Arc<Pace>,
    window: Window,
}

/// A request's body is not read to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    #[error(transparent)]
    Http(#[from] hyper::Error),
    #[error("the body comes too slowly")]
    TooSlow,
}

impl PacedBody {
    pub(super) fn new(inner: Incoming, pace: Arc<Pace>, limits: &Limits) -> Self {
        Self { inner, pace, window: Window::new(limits) }
    }
}

impl hyper::body::Body for PacedBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        match Pin::new(&mut this.inner).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                if this.window.moved(frame.data_ref().map_or(0, Bytes::len)) == Moved::Enough {
                    this.pace.stop_reading();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(end) => {
                this.pace.stop_reading();
                Poll::Ready(end.map(|failed| failed.map_err(BodyError::from)))
            }
            Poll::Pending => {
                this.pace.waits(&this.pace.reads_since);
                ready!(this.window.poll_late(cx));
                this.pace.stall();
                Poll::Ready(Some(Err(BodyError::TooSlow)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for PacedBody {
    fn drop(&mut self) {
        // The handler goes on without the rest.
        self.pace.stop_reading();
    }
}

/// The body of an answer. With its end the connection waits for the next request.
#[derive(Debug)]
pub(super) struct Watched {
    inner: Body,
    pace: Arc<Pace>,
    _visit: RequestPlace,
}

impl Watched {
    pub(super) fn new(inner: Body, pace: Arc<Pace>, visit: RequestPlace) -> Self {
        Self { inner, pace, _visit: visit }
    }
}

impl hyper::body::Body for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.inner).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.pace.waits(&self.pace.reads_since);
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    fn window() -> Window {
        let limits =
            Limits { progress_bytes: 100, progress_time: Duration::from_secs(10), ..Limits::default() };
        Window::new(&limits)
    }

    /// Waits that long for bytes, then gets some; whether the client was given up meanwhile.
    async fn waits(window: &mut Window, seconds: u64, bytes: usize) -> bool {
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
        pace.waits(&pace.writes_since);
        tokio::time::advance(Duration::from_secs(1)).await;
        pace.waits(&pace.writes_since);
        pace.waits(&pace.reads_since);
        assert_eq!(pace.waiting_since(), Some(start + Duration::from_secs(1)));
        pace.upgrade();
        assert_eq!(pace.waiting_since(), None);
    }
}
