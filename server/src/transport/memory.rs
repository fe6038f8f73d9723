//! A connection without a network: two channels. What the peer does not take out is not written.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::{Sink, Stream};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::PollSender;

use super::{Gone, Incoming, Outgoing, Transport};

/// The server's end.
pub(crate) struct Memory {
    incoming: mpsc::Receiver<Incoming>,
    outgoing: PollSender<Outgoing>,
    closed: oneshot::Sender<u16>,
}

/// The peer's end.
pub(crate) struct Peer {
    pub(crate) say: mpsc::Sender<Incoming>,
    pub(crate) hear: mpsc::Receiver<Outgoing>,
    /// The code that the server closed with.
    pub(crate) closed: oneshot::Receiver<u16>,
}

/// A connection on which so many messages may be under way in each direction.
pub(crate) fn pair(room: usize) -> (Memory, Peer) {
    let (say, incoming) = mpsc::channel(room);
    let (outgoing, hear) = mpsc::channel(room);
    let (closed, was_closed) = oneshot::channel();
    let memory = Memory { incoming, outgoing: PollSender::new(outgoing), closed };
    (memory, Peer { say, hear, closed: was_closed })
}

impl Stream for Memory {
    type Item = Incoming;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Incoming>> {
        self.incoming.poll_recv(cx)
    }
}

impl Sink<Outgoing> for Memory {
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

impl Transport for Memory {
    async fn close(self: Box<Self>, code: u16, _reason: &'static str) {
        // Nobody may be waiting for it.
        let _ = self.closed.send(code);
    }

    async fn answer_close(self: Box<Self>) {}
}
