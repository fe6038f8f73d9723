//! The server's side of RFC 6455, for many connections that are mostly idle: a connection has
//! buffers only while a message is incomplete.

mod frame;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Sink, Stream};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use self::frame::{MAX_CONTROL, Opcode};
use self::reader::{FrameReader, PeerMessage, ReceiveError};
use self::writer::FrameWriter;
use super::encoding::{EncodedMessage, Encoding};
use super::{Gone, Incoming, Outgoing, Transport, Violation};
use crate::telemetry::log::Escaped;

/// How long a closed connection reads and discards data while it waits for the peer's close frame.
const LINGER: Duration = Duration::from_secs(5);
/// The close code for a violation of RFC 6455.
const PROTOCOL_ERROR: u16 = 1002;

/// The server's side of a WebSocket.
pub(crate) struct WebSocket<S> {
    stream: S,
    reader: FrameReader,
    writer: FrameWriter,
    encoding: Encoding,
    /// Whether nothing more can be read: the peer has closed, or the stream cannot be parsed.
    has_ended: bool,
    /// Why reading has failed.
    read_error: Option<Box<str>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> WebSocket<S> {
    /// Creates a WebSocket over a stream whose upgrade is complete. `max_message` is the size limit
    /// for incoming messages, in bytes.
    pub(crate) fn new(stream: S, encoding: Encoding, max_message: usize) -> Self {
        let (reader, writer) = (FrameReader::new(max_message), FrameWriter::default());
        Self { stream, reader, writer, encoding, has_ended: false, read_error: None }
    }

    /// Sends a binary message without encoding it; only the echo server does.
    #[cfg(test)]
    pub(crate) async fn send_binary(&mut self, bytes: Bytes) -> Result<(), Gone> {
        self.send_frame(Opcode::Binary, bytes).await
    }

    /// Handles a message of the peer: queues the answer to a control frame.
    fn receive(&mut self, received: PeerMessage) -> Incoming {
        match received {
            PeerMessage::Text(text) => self.decode(EncodedMessage::Text(text)),
            PeerMessage::Binary(bytes) => self.decode(EncodedMessage::Binary(bytes)),
            PeerMessage::Ping(payload) => {
                self.writer.set_answer(Opcode::Pong, payload);
                Incoming::Heartbeat
            }
            PeerMessage::Pong => Incoming::Heartbeat,
            PeerMessage::Close(code) => {
                self.has_ended = true;
                let answer = code.map(|code| if is_allowed(code) { code } else { PROTOCOL_ERROR });
                let payload = answer.map_or_else(Bytes::new, |code| close_payload(code, ""));
                self.writer.set_answer(Opcode::Close, payload);
                Incoming::Closed(code)
            }
        }
    }

    fn decode(&self, frame: EncodedMessage) -> Incoming {
        self.encoding.decode(frame, self.reader.max_message())
    }

    /// Encodes a message in the connection's encoding.
    ///
    /// # Errors
    /// Returns [`Gone`] if the message cannot be encoded.
    fn encode(&self, text: Bytes) -> Result<(Opcode, Bytes), Gone> {
        match self.encoding.encode(text) {
            Ok(EncodedMessage::Text(text)) => Ok((Opcode::Text, text)),
            Ok(EncodedMessage::Binary(packed)) => Ok((Opcode::Binary, packed)),
            Err(error) => {
                tracing::error!(error = %Escaped(&error), "cannot encode a message; closing the connection");
                Err(Gone)
            }
        }
    }

    /// Writes what waits.
    fn poll_flush_frames(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        self.writer.poll_flush(&mut self.stream, cx).map_err(gone)
    }

    /// Writes the answer to a control frame, if there is one. An error is reported by the next read
    /// or write.
    fn poll_answer(&mut self, cx: &mut Context<'_>) {
        if self.writer.owes_answer() {
            let _written = self.poll_flush_frames(cx);
        }
    }

    /// Sends a frame after those that wait.
    async fn send_frame(&mut self, opcode: Opcode, payload: Bytes) -> Result<(), Gone> {
        poll_fn(|cx| self.poll_flush_frames(cx)).await?;
        self.writer.push(opcode, payload);
        poll_fn(|cx| self.poll_flush_frames(cx)).await
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for WebSocket<S> {
    type Item = Incoming;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Incoming>> {
        let this = &mut *self;
        this.poll_answer(cx);
        if this.has_ended {
            return Poll::Ready(None);
        }
        let incoming = match ready!(this.reader.poll_receive(&mut this.stream, cx)) {
            Ok(received) => this.receive(received),
            Err(error) => {
                this.has_ended = true;
                this.read_error = Some(error.to_string().into());
                match error {
                    ReceiveError::Violation(violation) => Incoming::Violation(violation),
                    ReceiveError::Io(_) => Incoming::Lost,
                }
            }
        };
        this.poll_answer(cx);
        Poll::Ready(Some(incoming))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Sink<Outgoing> for WebSocket<S> {
    type Error = Gone;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        let this = &mut *self;
        this.writer.poll_ready(&mut this.stream, cx).map_err(gone)
    }

    fn start_send(mut self: Pin<&mut Self>, item: Outgoing) -> Result<(), Gone> {
        let (opcode, payload) = match item {
            Outgoing::Text(text) => self.encode(text)?,
            Outgoing::Ping => (Opcode::Ping, Bytes::new()),
        };
        self.writer.push(opcode, payload);
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        self.poll_flush_frames(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        self.poll_flush_frames(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Transport for WebSocket<S> {
    fn accepted_bytes(&self) -> u64 {
        self.writer.accepted()
    }

    fn take_read_error(&mut self) -> Option<Box<str>> {
        self.read_error.take()
    }

    async fn close(mut self: Box<Self>, code: u16, reason: &'static str) {
        let finish = async {
            if self.send_frame(Opcode::Close, close_payload(code, reason)).await.is_err() {
                return;
            }
            let WebSocket { reader, stream, has_ended, .. } = &mut *self;
            if !*has_ended {
                // The peer's close frame ends the wait.
                while let Ok(received) = poll_fn(|cx| reader.poll_receive(stream, cx)).await {
                    if matches!(received, PeerMessage::Close(_)) {
                        return;
                    }
                }
            }
            // After a violation nothing more is parsed. Shutting the stream down informs the peer,
            // and the data that the peer still sends is discarded.
            if stream.shutdown().await.is_err() {
                return;
            }
            let mut discarded = [0_u8; 1024];
            while matches!(stream.read(&mut discarded).await, Ok(read) if read > 0) {}
        };
        if tokio::time::timeout(LINGER, finish).await.is_err() {
            tracing::debug!(code, "the peer did not close in time");
        }
    }

    async fn answer_close(mut self: Box<Self>) {
        let flush = poll_fn(|cx| self.poll_flush_frames(cx));
        if tokio::time::timeout(LINGER, flush).await.is_err() {
            tracing::debug!("the peer does not read the answer to its close frame");
        }
    }
}

/// Checks whether a peer may send a close code.
fn is_allowed(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1013 | 3000..=4999)
}

/// Returns the payload of a close frame. A reason that is too long is omitted.
fn close_payload(code: u16, reason: &str) -> Bytes {
    let reason = if reason.len() <= MAX_CONTROL - 2 { reason } else { "" };
    [&code.to_be_bytes(), reason.as_bytes()].concat().into()
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err hands over")]
fn gone(error: io::Error) -> Gone {
    tracing::trace!(error = %Escaped(&error), "cannot write to a connection");
    Gone
}
