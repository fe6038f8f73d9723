//! A transport in memory: two bounded channels. A full channel delays the writer, as a peer that
//! does not read delays it. Messages are encoded as on a WebSocket.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::{Sink, Stream};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::PollSender;

use super::encoding::{EncodedMessage, Encoding};
use super::{Gone, Incoming, Outgoing, Transport, Violation};

/// The server's end of the transport.
pub(crate) struct MemoryTransport {
    /// The encoding of messages. The peer knows it from the handshake.
    pub(crate) encoding: Encoding,
    /// The size limit for incoming messages, in bytes.
    pub(crate) max_message: usize,
    /// The bytes of the messages that are in the channel or were received.
    accepted: u64,
    incoming: mpsc::Receiver<FromPeer>,
    outgoing: PollSender<ToPeer>,
    closed: oneshot::Sender<u16>,
}

/// An item that the peer sends.
#[derive(Debug)]
pub(crate) enum FromPeer {
    Frame(EncodedMessage),
    /// A ping or a pong.
    Heartbeat,
    /// A close frame.
    Closed(u16),
    /// The end of the connection without a close frame.
    #[cfg(test)]
    Lost,
}

/// An item that the peer receives.
#[derive(Debug)]
pub(crate) enum ToPeer {
    Frame(EncodedMessage),
    Ping,
}

/// The peer's end of the transport.
pub(crate) struct Peer {
    /// Sends frames to the server.
    pub(crate) sender: mpsc::Sender<FromPeer>,
    /// Receives frames from the server.
    pub(crate) receiver: mpsc::Receiver<ToPeer>,
    /// Receives the code with which the server closed the connection.
    pub(crate) closed: oneshot::Receiver<u16>,
}

/// Creates a transport that buffers up to `capacity` messages in each direction, in JSON and
/// without a size limit.
pub(crate) fn pair(capacity: usize) -> (MemoryTransport, Peer) {
    let (sender, incoming) = mpsc::channel(capacity);
    let (outgoing, receiver) = mpsc::channel(capacity);
    let (closed, was_closed) = oneshot::channel();
    let outgoing = PollSender::new(outgoing);
    let (encoding, max_message) = (Encoding::Json, usize::MAX);
    let memory = MemoryTransport { encoding, max_message, accepted: 0, incoming, outgoing, closed };
    (memory, Peer { sender, receiver, closed: was_closed })
}

impl MemoryTransport {
    fn receive(&self, frame: EncodedMessage) -> Incoming {
        let (EncodedMessage::Text(bytes) | EncodedMessage::Binary(bytes)) = &frame;
        if bytes.len() > self.max_message {
            return Incoming::Violation(Violation::TooLarge);
        }
        self.encoding.decode(frame, self.max_message)
    }
}

impl Stream for MemoryTransport {
    type Item = Incoming;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Incoming>> {
        Poll::Ready(ready!(self.incoming.poll_recv(cx)).map(|item| match item {
            FromPeer::Frame(frame) => self.receive(frame),
            FromPeer::Heartbeat => Incoming::Heartbeat,
            FromPeer::Closed(code) => Incoming::Closed(Some(code)),
            #[cfg(test)]
            FromPeer::Lost => Incoming::Lost,
        }))
    }
}

impl Sink<Outgoing> for MemoryTransport {
    type Error = Gone;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        Poll::Ready(ready!(self.outgoing.poll_reserve(cx)).map_err(|_| Gone))
    }

    fn start_send(mut self: Pin<&mut Self>, item: Outgoing) -> Result<(), Gone> {
        if let Outgoing::Text(text) = &item {
            self.accepted += text.len() as u64;
        }
        let item = match item {
            Outgoing::Text(text) => ToPeer::Frame(self.encoding.encode(text).map_err(|_| Gone)?),
            Outgoing::Ping => ToPeer::Ping,
        };
        self.outgoing.send_item(item).map_err(|_| Gone)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        Poll::Ready(Ok(()))
    }
}

impl Transport for MemoryTransport {
    fn accepted_bytes(&self) -> u64 {
        self.accepted
    }

    async fn close(self: Box<Self>, code: u16, _reason: &'static str) {
        // The peer may have dropped its end.
        let _ = self.closed.send(code);
    }

    async fn answer_close(self: Box<Self>) {}
}
