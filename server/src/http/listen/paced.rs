//! Wraps the streams and bodies of a connection, and enforces the pace that the limits require.

#[cfg(test)]
mod tests;

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Frame, Incoming, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::pace::{Pace, ProgressWindow, Throughput};
use super::socket_limiter::{RequestPermit, SocketPermit};
use crate::limits::Limits;

/// The stream of a connection. Writes fail with `TimedOut` if the client reads too slowly. After an
/// upgrade the stream enforces nothing.
#[derive(Debug)]
pub(super) struct PacedStream<S> {
    inner: S,
    permit: SocketPermit,
    /// `None` after an upgrade.
    http: Option<Box<HttpState>>,
}

#[derive(Debug)]
struct HttpState {
    window: ProgressWindow,
    /// The head of the response that upgrades the connection, if it waits for the first bytes of
    /// the other protocol: one system call and one packet send both. A flush does not send it, but
    /// the next read, write or shutdown does.
    held: Vec<u8>,
}

impl<S> PacedStream<S> {
    pub(super) fn new(inner: S, permit: SocketPermit, limits: &Limits) -> Self {
        let http = HttpState { window: ProgressWindow::new(limits), held: Vec::new() };
        Self { inner, permit, http: Some(Box::new(http)) }
    }

    /// Returns the state if bytes have to be held or are held: the response that upgrades the
    /// connection was made, and is not sent.
    fn holding(&mut self) -> Option<&mut Vec<u8>> {
        let pace = self.permit.pace();
        let holds = pace.is_upgraded() && pace.holds_head();
        self.http.as_mut().filter(|_| holds).map(|http| &mut http.held)
    }

    /// Ends HTTP: the response that upgrades the connection is sent.
    fn end_http(&mut self) {
        self.permit.upgraded();
        self.http = None;
    }

    fn record_write(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let Some(HttpState { window, .. }) = self.http.as_deref_mut() else { return written };
        let pace = self.permit.pace();
        if pace.is_upgraded() {
            self.end_http();
            return written;
        }
        match written {
            Poll::Ready(Ok(bytes)) => {
                if window.transferred(bytes) == Throughput::Sufficient {
                    pace.stop_writing();
                }
                written
            }
            Poll::Ready(Err(_)) => written,
            Poll::Pending => {
                pace.wait_to_write();
                ready!(window.poll_elapsed(cx));
                pace.stall();
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> PacedStream<S> {
    /// Writes the held head, and `bytes` after it. Returns how many of `bytes` were written.
    fn poll_write_held(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Self { inner, http, .. } = self;
        let Some(HttpState { held, .. }) = http.as_deref_mut() else { return Poll::Ready(Ok(0)) };
        while !held.is_empty() {
            let slices = [IoSlice::new(held), IoSlice::new(bytes)];
            let count = ready!(Pin::new(&mut *inner).poll_write_vectored(cx, &slices))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            let of_head = count.min(held.len());
            held.drain(..of_head);
            if count > of_head {
                self.end_http();
                return Poll::Ready(Ok(count - of_head));
            }
        }
        self.end_http();
        Poll::Ready(Ok(0))
    }

    /// Sends the held head, if there is one.
    fn poll_send_held(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.holding() {
            Some(held) if !held.is_empty() => self.poll_write_held(cx, &[]).map_ok(|_| ()),
            Some(_) | None => Poll::Ready(Ok(())),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for PacedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_send_held(cx))?;
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for PacedStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if let Some(held) = self.holding() {
            if held.is_empty() {
                // The head of the response; HTTP writes nothing after it.
                held.extend_from_slice(bytes);
                return Poll::Ready(Ok(bytes.len()));
            }
            match ready!(self.poll_write_held(cx, bytes))? {
                0 => {}
                written => return Poll::Ready(Ok(written)),
            }
        }
        let written = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.record_write(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.holding().is_some() {
            // The head is one slice. Other slices are written by further calls.
            let first = slices.iter().find(|slice| !slice.is_empty());
            return self.poll_write(cx, first.map_or(&[], |slice| slice));
        }
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, slices);
        self.record_write(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send_held(cx))?;
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// The body of a request. Reading fails if the client sends it too slowly.
#[derive(Debug)]
pub(super) struct PacedBody {
    inner: Incoming,
    pace: Arc<Pace>,
    window: ProgressWindow,
}

/// The reason why a request's body cannot be read to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    #[error(transparent)]
    Http(#[from] hyper::Error),
    #[error("the request body was sent too slowly")]
    TooSlow,
}

impl PacedBody {
    pub(super) fn new(inner: Incoming, pace: Arc<Pace>, limits: &Limits) -> Self {
        Self { inner, pace, window: ProgressWindow::new(limits) }
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
                if this.window.transferred(frame.data_ref().map_or(0, Bytes::len)) == Throughput::Sufficient {
                    this.pace.stop_reading();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(end) => {
                this.pace.stop_reading();
                Poll::Ready(end.map(|failed| failed.map_err(BodyError::from)))
            }
            Poll::Pending => {
                this.pace.wait_to_read();
                ready!(this.window.poll_elapsed(cx));
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
        // The handler does not read the rest.
        self.pace.stop_reading();
    }
}

/// The body of a response. When it is dropped, the connection waits for the next request.
#[derive(Debug)]
pub(super) struct PacedResponse {
    inner: Body,
    pace: Arc<Pace>,
    _permit: RequestPermit,
}

impl PacedResponse {
    pub(super) fn new(inner: Body, pace: Arc<Pace>, permit: RequestPermit) -> Self {
        Self { inner, pace, _permit: permit }
    }
}

impl hyper::body::Body for PacedResponse {
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

impl Drop for PacedResponse {
    fn drop(&mut self) {
        self.pace.wait_to_read();
    }
}
