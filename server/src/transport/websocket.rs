//! The WebSocket transport, tuned for many connections that are mostly idle.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{CloseFrame, Frame};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::encoding::{EncodedMessage, Encoding};
use super::{Gone, Incoming, Outgoing, Transport, Violation};
use crate::telemetry::log::Escaped;

/// The size of the read buffer, in bytes. It is allocated with the connection and kept. The
/// library's default of 128 KiB would be forty times the rest of an idle connection.
const READ_BUFFER: usize = 512;
/// The size of the write buffer, in bytes. Small messages wait in it for the flush, so that a burst
/// is one system call.
const WRITE_BUFFER: usize = 4 * 1024;
/// The size of fragments, in bytes. Larger messages are sent in fragments: the write buffer never
/// releases memory, so a connection keeps the largest size that it ever had.
const FRAGMENT: usize = 8 * 1024;
/// How long a closed connection reads and discards data while it waits for the peer's close frame.
const LINGER: Duration = Duration::from_secs(5);

/// The server's side of a WebSocket.
pub(crate) struct WebSocket<S> {
    inner: WebSocketStream<S>,
    /// The unsent rest of a message whose first fragment was sent.
    rest: Bytes,
    encoding: Encoding,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> WebSocket<S> {
    /// Creates a WebSocket over a stream whose upgrade is complete. `max_message` is the size limit
    /// for incoming messages, in bytes.
    pub(crate) async fn new(stream: S, encoding: Encoding, max_message: usize) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(WRITE_BUFFER)
            .max_message_size(Some(max_message))
            .max_frame_size(Some(max_message));
        let inner = WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await;
        Self { inner, rest: Bytes::new(), encoding }
    }

    /// Sends a binary message without encoding it; only the echo server does.
    #[cfg(test)]
    pub(crate) async fn send_binary(&mut self, bytes: Bytes) -> Result<(), Gone> {
        std::future::poll_fn(|cx| self.poll_rest(cx)).await?;
        self.inner.send(Message::Binary(bytes)).await.map_err(gone)
    }

    fn read(&self, message: Message) -> Incoming {
        match message {
            Message::Text(text) => self.decode(EncodedMessage::Text(text.into())),
            Message::Binary(bytes) => self.decode(EncodedMessage::Binary(bytes)),
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => Incoming::Heartbeat,
            Message::Close(frame) => Incoming::Closed(frame.map(|frame| frame.code.into())),
        }
    }

    fn decode(&self, frame: EncodedMessage) -> Incoming {
        let max_bytes = self.inner.get_config().max_message_size.unwrap_or(usize::MAX);
        self.encoding.decode(frame, max_bytes)
    }

    /// Encodes a message in the connection's encoding.
    ///
    /// # Errors
    /// Returns [`Gone`] if the message cannot be encoded.
    fn encode(&self, text: Bytes) -> Result<(Data, Bytes), Gone> {
        match self.encoding.encode(text) {
            Ok(EncodedMessage::Text(text)) => Ok((Data::Text, text)),
            Ok(EncodedMessage::Binary(packed)) => Ok((Data::Binary, packed)),
            Err(error) => {
                tracing::error!(error = %Escaped(&error), "cannot encode a message; closing the connection");
                Err(Gone)
            }
        }
    }

    /// Sends the fragments of a long message while the peer reads them. Ready when none is left.
    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        while !self.rest.is_empty() {
            ready!(self.inner.poll_ready_unpin(cx)).map_err(gone)?;
            let part = self.rest.split_to(self.rest.len().min(FRAGMENT));
            let frame = Frame::message(part, OpCode::Data(Data::Continue), self.rest.is_empty());
            self.inner.start_send_unpin(Message::Frame(frame)).map_err(gone)?;
        }
        Poll::Ready(Ok(()))
    }

    /// Sends a close frame, after the rest of a long message: a close frame is allowed between
    /// fragments, but the client would lose the message.
    async fn send_close(&mut self, code: u16, reason: &'static str) -> Result<(), Gone> {
        std::future::poll_fn(|cx| self.poll_rest(cx)).await?;
        let close = CloseFrame { code: code.into(), reason: reason.into() };
        self.inner.send(Message::Close(Some(close))).await.map_err(gone)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for WebSocket<S> {
    type Item = Incoming;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Incoming>> {
        Poll::Ready(match ready!(self.inner.poll_next_unpin(cx)) {
            Some(Ok(message)) => Some(self.read(message)),
            Some(Err(error)) => {
                if !matches!(error, Error::ConnectionClosed | Error::AlreadyClosed) {
                    // The connection's span contains the session id.
                    tracing::debug!(error = %Escaped(&error), "cannot read from the connection");
                }
                Some(failure(&error))
            }
            None => None,
        })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Sink<Outgoing> for WebSocket<S> {
    type Error = Gone;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        ready!(self.poll_rest(cx))?;
        self.inner.poll_ready_unpin(cx).map_err(gone)
    }

    fn start_send(mut self: Pin<&mut Self>, item: Outgoing) -> Result<(), Gone> {
        let message = match item {
            Outgoing::Text(text) => {
                let (kind, mut message) = self.encode(text)?;
                let first = message.split_to(message.len().min(FRAGMENT));
                let frame = Frame::message(first, OpCode::Data(kind), message.is_empty());
                self.rest = message;
                Message::Frame(frame)
            }
            Outgoing::Ping => Message::Ping(Bytes::new()),
        };
        self.inner.start_send_unpin(message).map_err(gone)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        ready!(self.poll_rest(cx))?;
        self.inner.poll_flush_unpin(cx).map_err(gone)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        self.inner.poll_close_unpin(cx).map_err(gone)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Transport for WebSocket<S> {
    async fn close(mut self: Box<Self>, code: u16, reason: &'static str) {
        let finish = async {
            if self.send_close(code, reason).await.is_err() {
                return;
            }
            // While the stream can be parsed, the peer's close frame ends the wait.
            while let Some(message) = self.inner.next().await {
                if matches!(message, Ok(Message::Close(_))) {
                    return;
                }
            }
            // After a violation the stream cannot be parsed. Shutting it down informs the peer, and
            // the data that the peer still sends is discarded.
            let stream = self.inner.get_mut();
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
        // The library queued the answer when it read the peer's close frame.
        if let Ok(Err(error)) = tokio::time::timeout(LINGER, self.inner.flush()).await {
            tracing::trace!(error = %Escaped(&error), "cannot answer a close frame");
        }
    }
}

fn failure(error: &Error) -> Incoming {
    match error {
        Error::Capacity(_) => Incoming::Violation(Violation::TooLarge),
        Error::Utf8(_) => Incoming::Violation(Violation::NotUtf8),
        Error::Protocol(error) => {
            use tokio_tungstenite::tungstenite::error::ProtocolError;
            if *error == ProtocolError::ResetWithoutClosingHandshake {
                Incoming::Lost
            } else {
                Incoming::Violation(Violation::Protocol)
            }
        }
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Io(_)
        | Error::Tls(_)
        | Error::WriteBufferFull(_)
        | Error::AttackAttempt
        | Error::Url(_)
        | Error::Http(_)
        | Error::HttpFormat(_) => Incoming::Lost,
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err hands over")]
fn gone(error: Error) -> Gone {
    tracing::trace!(error = %Escaped(&error), "cannot write to a connection");
    Gone
}
