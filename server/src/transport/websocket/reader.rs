//! Reads messages from a stream. It has no memory while no message is incomplete.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, ReadBuf};

use super::Violation;
use super::frame::{Header, Opcode, unmask};

/// The size of a read, in bytes.
const READ: usize = 8 * 1024;

/// How many fragments more than bytes a message may have. Empty fragments are work that no limit of
/// messages or bytes counts.
const EMPTY_FRAGMENTS: usize = 16;

thread_local! {
    /// The buffer into which all connections of the thread read. Only the bytes that arrived are
    /// copied to the connection.
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A message of the peer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PeerMessage {
    /// A text, which is UTF-8.
    Text(Bytes),
    Binary(Bytes),
    Ping(Bytes),
    Pong,
    /// A close frame, with its code if it has one.
    Close(Option<u16>),
}

/// The reason why nothing more can be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReceiveError {
    #[error("the peer violates the transport's rules: {0:?}")]
    Violation(Violation),
    #[error(transparent)]
    Io(io::Error),
}

/// The state of reading.
pub(super) struct FrameReader {
    /// Bytes that were received and do not form a complete frame yet.
    buffer: BytesMut,
    /// The fragments of an incomplete message.
    partial: Option<Box<PartialMessage>>,
    /// The size limit for messages, in bytes.
    max_message: usize,
}

struct PartialMessage {
    kind: DataKind,
    bytes: BytesMut,
    /// The number of bytes of a text that were checked.
    checked: usize,
    fragments: usize,
}

/// The kind of a data message.
#[derive(Clone, Copy, PartialEq, Eq)]
enum DataKind {
    Text,
    Binary,
}

impl FrameReader {
    pub(super) fn new(max_message: usize) -> Self {
        Self { buffer: BytesMut::new(), partial: None, max_message }
    }

    /// Returns the memory that is kept, in bytes.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.buffer.capacity() + self.partial.as_ref().map_or(0, |partial| partial.bytes.capacity())
    }

    pub(super) fn max_message(&self) -> usize {
        self.max_message
    }

    /// Polls for the next message.
    ///
    /// # Errors
    /// Fails if the peer violates RFC 6455 or the size limit, and when the stream has ended.
    pub(super) fn poll_receive<S: AsyncRead + Unpin>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<Result<PeerMessage, ReceiveError>> {
        loop {
            if let Some(received) = self.parse().map_err(ReceiveError::Violation)? {
                return Poll::Ready(Ok(received));
            }
            if ready!(self.poll_fill(stream, cx)).map_err(ReceiveError::Io)? == 0 {
                return Poll::Ready(Err(ReceiveError::Io(io::ErrorKind::UnexpectedEof.into())));
            }
        }
    }

    /// Reads once. Returns the number of bytes; 0 at the end of the stream.
    fn poll_fill<S: AsyncRead + Unpin>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let mut scratch = SCRATCH.take();
        scratch.resize(READ, 0);
        let mut read = ReadBuf::new(&mut scratch);
        let polled = Pin::new(stream).poll_read(cx, &mut read);
        let count = read.filled().len();
        self.buffer.extend_from_slice(read.filled());
        SCRATCH.set(scratch);
        polled.map_ok(|()| count)
    }

    /// Takes the next message from the buffer. Returns `None` if none is complete.
    fn parse(&mut self) -> Result<Option<PeerMessage>, Violation> {
        loop {
            let Some(header) = Header::parse(&self.buffer)? else { return Ok(None) };
            self.check(&header)?;
            if self.buffer.len() - header.size < header.length {
                return Ok(None);
            }
            self.buffer.advance(header.size);
            let mut payload = self.buffer.split_to(header.length);
            if self.buffer.is_empty() {
                // Releases the allocation, which it shares with the payload.
                self.buffer = BytesMut::new();
            }
            unmask(&mut payload, header.mask);
            let received = match header.opcode {
                Opcode::Text => self.begin(DataKind::Text, payload, header.is_last)?,
                Opcode::Binary => self.begin(DataKind::Binary, payload, header.is_last)?,
                Opcode::Continuation => self.resume(&payload, header.is_last)?,
                Opcode::Close => Some(PeerMessage::Close(close_code(&payload)?)),
                // A copy does not keep the allocation of what was received with it.
                Opcode::Ping => Some(PeerMessage::Ping(Bytes::copy_from_slice(&payload))),
                Opcode::Pong => Some(PeerMessage::Pong),
            };
            if received.is_some() {
                return Ok(received);
            }
        }
    }

    /// Checks a frame before its payload is read.
    fn check(&self, header: &Header) -> Result<(), Violation> {
        let before = match (header.opcode, &self.partial) {
            (Opcode::Continuation, Some(partial)) => partial.bytes.len(),
            (Opcode::Text | Opcode::Binary, None) => 0,
            (Opcode::Close | Opcode::Ping | Opcode::Pong, _) => return Ok(()),
            (Opcode::Continuation, None) | (Opcode::Text | Opcode::Binary, Some(_)) => {
                return Err(Violation::Protocol);
            }
        };
        if header.length > self.max_message.saturating_sub(before) {
            Err(Violation::TooLarge)
        } else {
            Ok(())
        }
    }

    /// Handles the first frame of a message.
    fn begin(
        &mut self,
        kind: DataKind,
        payload: BytesMut,
        is_last: bool,
    ) -> Result<Option<PeerMessage>, Violation> {
        let mut partial = PartialMessage { kind, bytes: payload, checked: 0, fragments: 1 };
        partial.check_text()?;
        if is_last {
            return partial.finish().map(Some);
        }
        // A copy does not keep the allocation of what was received with it.
        partial.bytes = BytesMut::from(&*partial.bytes);
        self.partial = Some(Box::new(partial));
        Ok(None)
    }

    /// Handles a further frame of a message.
    fn resume(&mut self, payload: &[u8], is_last: bool) -> Result<Option<PeerMessage>, Violation> {
        let Some(mut partial) = self.partial.take() else { return Err(Violation::Protocol) };
        partial.bytes.extend_from_slice(payload);
        partial.fragments += 1;
        if partial.fragments > partial.bytes.len() + EMPTY_FRAGMENTS {
            return Err(Violation::Protocol);
        }
        partial.check_text()?;
        if is_last {
            return partial.finish().map(Some);
        }
        self.partial = Some(partial);
        Ok(None)
    }
}

impl PartialMessage {
    /// Checks the bytes that were appended since the last call. A character may be incomplete at
    /// their end.
    fn check_text(&mut self) -> Result<(), Violation> {
        if self.kind == DataKind::Binary {
            return Ok(());
        }
        match std::str::from_utf8(self.bytes.get(self.checked..).unwrap_or_default()) {
            Ok(_) => self.checked = self.bytes.len(),
            Err(error) if error.error_len().is_none() => self.checked += error.valid_up_to(),
            Err(_) => return Err(Violation::NotUtf8),
        }
        Ok(())
    }

    fn finish(self) -> Result<PeerMessage, Violation> {
        match self.kind {
            DataKind::Text if self.checked < self.bytes.len() => Err(Violation::NotUtf8),
            DataKind::Text => Ok(PeerMessage::Text(self.bytes.freeze())),
            DataKind::Binary => Ok(PeerMessage::Binary(self.bytes.freeze())),
        }
    }
}

/// Returns the code of a close frame.
fn close_code(payload: &[u8]) -> Result<Option<u16>, Violation> {
    match payload {
        [] => Ok(None),
        [a, b, reason @ ..] if std::str::from_utf8(reason).is_ok() => Ok(Some(u16::from_be_bytes([*a, *b]))),
        [_, _, ..] => Err(Violation::NotUtf8),
        [_] => Err(Violation::Protocol),
    }
}
