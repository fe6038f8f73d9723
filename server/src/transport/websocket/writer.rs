//! Writes frames to a stream. It has no memory while all is written.

use std::cell::Cell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::AsyncWrite;

use super::frame::{Opcode, write_header};

/// The number of buffered bytes from which no further frame is accepted. Small messages wait in the
/// buffer for the flush, so that a burst is one system call.
const FULL: usize = 16 * 1024;
/// The largest payload that is copied into the buffer, in bytes. A larger one is written from its
/// own memory, which all connections share that send it.
const COPIED: usize = 4 * 1024;

thread_local! {
    /// The buffer of the connection of the thread that writes. A connection takes it for its first
    /// frame and returns it when all is written or the peer does not read.
    static POOL: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// The state of writing.
#[derive(Default)]
pub(super) struct FrameWriter {
    /// Frames that are not written completely.
    buffer: Vec<u8>,
    /// The number of bytes of `buffer` that are written.
    written: usize,
    /// The payload of the last frame in `buffer`, if it is large.
    payload: Bytes,
    /// A control frame that answers the peer, sent after the frames in `buffer`. A later one
    /// replaces it, which bounds the memory of a peer that pings without reading.
    answer: Option<(Opcode, Bytes)>,
    /// Whether an answer was set and is not flushed.
    owes_answer: bool,
    /// The number of bytes that the stream has accepted so far.
    accepted: u64,
    /// Whether the peer did not accept the rest. No further frame is accepted until it does.
    is_blocked: bool,
}

impl FrameWriter {
    /// Appends a frame. The caller has polled [`poll_ready`](Self::poll_ready).
    pub(super) fn push(&mut self, opcode: Opcode, payload: Bytes) {
        if self.buffer.capacity() == 0 {
            self.buffer = POOL.take();
        }
        write_header(&mut self.buffer, opcode, payload.len());
        if payload.len() <= COPIED {
            self.buffer.extend_from_slice(&payload);
        } else {
            self.payload = payload;
        }
    }

    /// Returns the memory that is kept, in bytes.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.buffer.capacity() + self.payload.len()
    }

    /// Returns how many bytes the stream has accepted so far.
    pub(super) fn accepted(&self) -> u64 {
        self.accepted
    }

    /// Sets the control frame that answers the peer.
    pub(super) fn set_answer(&mut self, opcode: Opcode, payload: Bytes) {
        self.answer = Some((opcode, payload));
        self.owes_answer = true;
    }

    /// Checks whether an answer has to be written or flushed.
    pub(super) fn owes_answer(&self) -> bool {
        self.owes_answer
    }

    /// Polls until a frame can be appended.
    pub(super) fn poll_ready<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if self.buffer.len() < FULL && self.payload.is_empty() && !self.is_blocked {
            return Poll::Ready(Ok(()));
        }
        self.poll_write(stream, cx)
    }

    /// Polls until all frames are written and flushed.
    pub(super) fn poll_flush<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_write(stream, cx))?;
        ready!(Pin::new(stream).poll_flush(cx))?;
        self.owes_answer = false;
        Poll::Ready(Ok(()))
    }

    /// Polls until all frames are written.
    fn poll_write<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let left = self.buffer.get(self.written..).unwrap_or_default();
            let polled = match (left.is_empty(), self.payload.is_empty()) {
                (true, true) => {
                    let Some((opcode, payload)) = self.answer.take() else { break };
                    self.release();
                    self.push(opcode, payload);
                    continue;
                }
                (false, true) => Pin::new(&mut *stream).poll_write(cx, left),
                (true, false) => Pin::new(&mut *stream).poll_write(cx, &self.payload),
                (false, false) => {
                    let slices = [IoSlice::new(left), IoSlice::new(&self.payload)];
                    Pin::new(&mut *stream).poll_write_vectored(cx, &slices)
                }
            };
            let count = match polled {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(count)) => count,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.keep_rest();
                    return Poll::Pending;
                }
            };
            self.accepted += count as u64;
            let of_buffer = count.min(left.len());
            self.written += of_buffer;
            self.payload.advance(count - of_buffer);
            if self.payload.is_empty() {
                // Not a part of the large message any more.
                self.payload = Bytes::new();
            }
        }
        self.release();
        Poll::Ready(Ok(()))
    }

    /// Returns the buffer to the pool.
    fn release(&mut self) {
        self.written = 0;
        self.is_blocked = false;
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        if buffer.capacity() > 0 {
            POOL.set(buffer);
        }
    }

    /// Moves what is not written to an allocation of its size: a peer that does not read should not
    /// keep the buffer of the pool.
    fn keep_rest(&mut self) {
        if self.written > 0 || !self.is_blocked {
            let rest = self.buffer.get(self.written..).unwrap_or_default().to_vec();
            self.release();
            self.buffer = rest;
        }
        self.is_blocked = true;
    }
}
