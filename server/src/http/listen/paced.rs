//! The streams and bodies of a connection, at the pace that the limits ask for.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Frame, Incoming, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::crowd::{RequestPlace, Ticket};
use super::pace::{Moved, Pace, ProgressWindow};
use crate::limits::Limits;

/// A connection's stream, given up when its client does not read what is written. After an upgrade
/// it only passes on.
#[derive(Debug)]
pub(super) struct PacedStream<S> {
    inner: S,
    ticket: Ticket,
    /// None after an upgrade.
    window: Option<Box<ProgressWindow>>,
}

impl<S> PacedStream<S> {
    pub(super) fn new(inner: S, ticket: Ticket, limits: &Limits) -> Self {
        Self { inner, ticket, window: Some(Box::new(ProgressWindow::new(limits))) }
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
                    pace.stop_writing();
                }
                written
            }
            Poll::Ready(Err(_)) => written,
            Poll::Pending => {
                pace.wait_to_write();
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
    window: ProgressWindow,
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
                this.pace.wait_to_read();
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
pub(super) struct PacedResponse {
    inner: Body,
    pace: Arc<Pace>,
    _visit: RequestPlace,
}

impl PacedResponse {
    pub(super) fn new(inner: Body, pace: Arc<Pace>, visit: RequestPlace) -> Self {
        Self { inner, pace, _visit: visit }
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
