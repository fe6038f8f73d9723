//! A transport in memory: two bounded channels. A full channel delays the writer, as a peer that
//! does not read delays it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::{Sink, Stream};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::PollSender;

use super::{Gone, Incoming, Outgoing, Transport};

/// The server's end of the transport.
pub(crate) struct MemoryTransport {
    incoming: mpsc::Receiver<Incoming>,
    outgoing: PollSender<Outgoing>,
    closed: oneshot::Sender<u16>,
}

/// The peer's end of the transport.
pub(crate) struct Peer {
    /// Sends frames to the server.
    pub(crate) sender: mpsc::Sender<Incoming>,
    /// Receives frames from the server.
    pub(crate) receiver: mpsc::Receiver<Outgoing>,
    /// Receives the code with which the server closed the connection.
    pub(crate) closed: oneshot::Receiver<u16>,
}

/// Creates a transport that buffers up to `capacity` messages in each direction.
pub(crate) fn pair(capacity: usize) -> (MemoryTransport, Peer) {
    let (sender, incoming) = mpsc::channel(capacity);
    let (outgoing, receiver) = mpsc::channel(capacity);
    let (closed, was_closed) = oneshot::channel();
    let memory = MemoryTransport { incoming, outgoing: PollSender::new(outgoing), closed };
    (memory, Peer { sender, receiver, closed: was_closed })
}

impl Stream for MemoryTransport {
    type Item = Incoming;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Incoming>> {
        self.incoming.poll_recv(cx)
    }
}

impl Sink<Outgoing> for MemoryTransport {
    type Error = Gone;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        Poll::Ready(ready!(self.outgoing.poll_reserve(cx)).map_err(|_| Gone))
    }

    fn start_send(mut self: Pin<&mut Self>, item: Outgoing) -> Result<(), Gone> {
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
    async fn close(self: Box<Self>, code: u16, _reason: &'static str) {
        // The peer may have dropped its end.
        let _ = self.closed.send(code);
    }

    async fn answer_close(self: Box<Self>) {}
}
