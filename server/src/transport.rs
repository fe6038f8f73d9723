//! The seam to the network. A connection sees a stream of [`Incoming`] and a sink of [`Outgoing`], and nothing else:
//! a WebSocket is one implementation, a pair of channels in a test is another.

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

/// What arrived.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// A message as JSON. The transport has checked that it is UTF-8 and within the size limit.
    Text(Bytes),
    /// A binary message that is none in the connection's encoding.
    Binary(Bytes),
    /// Something that only says that the peer is there.
    SignOfLife,
    /// The peer closes, with this code if it gave one.
    Closed(Option<u16>),
    /// The peer broke the transport's own rules; nothing more can be read.
    Violation(Violation),
    /// The network gave up.
    Lost,
}

/// What is said of an [`Incoming::Binary`].
pub(crate) const NOT_A_MESSAGE: &str = "a binary frame that is no message in this connection's encoding";

/// How a peer broke the transport's own rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Violation {
    /// A message over the limit (1009). It was not read into memory.
    TooLarge,
    /// Text that is not UTF-8 (1007).
    NotUtf8,
    /// Anything else that RFC 6455 forbids (1002).
    Protocol,
}

/// What is sent.
#[derive(Clone, Debug)]
pub(crate) enum Outgoing {
    /// A message as JSON, shared with every other connection that is sent the same.
    Text(Bytes),
    /// A sign of life that asks for one.
    Ping,
}

/// The connection cannot be written to any more.
#[derive(Debug, thiserror::Error)]
#[error("the connection is gone")]
pub(crate) struct Gone;

/// A connection's way in and out.
///
/// The sink buffers; what was sent is on its way after a flush. `poll_ready` waits while the peer does not read.
pub(crate) trait Transport:
    Stream<Item = Incoming> + Sink<Outgoing, Error = Gone> + Unpin + Send
{
    /// Closes with a code, then reads and discards for a bounded time until the peer has closed too, so that the code
    /// arrives: a socket closed with unread data would reset the connection under it.
    fn close(self: Box<Self>, code: u16, reason: &'static str) -> impl Future<Output = ()> + Send;

    /// Answers the peer's close.
    fn answer_close(self: Box<Self>) -> impl Future<Output = ()> + Send;
}
