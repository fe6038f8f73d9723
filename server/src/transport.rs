//! The interface between connections and the network. A connection uses only a stream of
//! [`Incoming`] and a sink of [`Outgoing`]. A WebSocket implements it, and so does a pair of
//! channels for tests.

pub(crate) mod encoding;
#[cfg(feature = "testing")]
pub(crate) mod handover;
#[cfg(any(test, feature = "testing"))]
pub(crate) mod memory;
#[cfg(feature = "msgpack")]
mod msgpack;
pub(crate) mod websocket;

use std::future::Future;

use bytes::Bytes;
use futures_util::{Sink, Stream};

/// An event that the transport received from the peer.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// A message as JSON. The transport has checked that it is UTF-8 and within the size limit.
    Text(Bytes),
    /// A binary message that is not a message in the connection's encoding.
    Binary(Bytes),
    /// A ping or a pong: the peer is alive.
    Heartbeat,
    /// The peer closed the connection, with this code if it sent one.
    Closed(Option<u16>),
    /// The peer violated the rules of the transport. The connection has to be closed.
    Violation(Violation),
    /// The network connection failed.
    Lost,
}

/// The error text for an [`Incoming::Binary`].
pub(crate) const NOT_A_MESSAGE: &str = "the binary frame is not a message in this connection's encoding";

/// A violation of the transport's rules by the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Violation {
    /// A message exceeds the limit (1009). At most about that many bytes were read into memory.
    TooLarge,
    /// A text is not UTF-8 (1007).
    NotUtf8,
    /// Another violation of RFC 6455 (1002).
    Protocol,
}

/// A message to the peer.
#[derive(Clone, Debug)]
pub(crate) enum Outgoing {
    /// A message as a JSON object. Connections that send it in JSON share the bytes; other
    /// encodings convert it for each connection.
    Text(Bytes),
    /// A ping, which the peer answers with a pong.
    Ping,
}

/// The connection can no longer be written to.
#[derive(Debug, thiserror::Error)]
#[error("the connection is closed")]
pub(crate) struct Gone;

/// A bidirectional stream of messages.
///
/// The sink buffers; messages are sent with the next flush. `poll_ready` is pending while the peer
/// does not read.
pub(crate) trait Transport:
    Stream<Item = Incoming> + Sink<Outgoing, Error = Gone> + Unpin + Send
{
    /// Returns how many bytes the network has accepted from this side so far.
    fn accepted_bytes(&self) -> u64;

    /// Returns the cause of an [`Incoming::Lost`] or [`Incoming::Violation`], once. The transport
    /// does not log it, because it does not know the session.
    fn take_read_error(&mut self) -> Option<Box<str>> {
        None
    }

    /// Closes the connection with a code. Then reads and discards data for a bounded time until the
    /// peer has closed too, so that the code arrives: closing a socket with unread data resets the
    /// connection.
    fn close(self: Box<Self>, code: u16, reason: &'static str) -> impl Future<Output = ()> + Send;

    /// Answers the peer's close frame.
    fn answer_close(self: Box<Self>) -> impl Future<Output = ()> + Send;
}
