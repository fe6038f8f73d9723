use std::collections::VecDeque;
use std::future::poll_fn;

use futures_util::FutureExt;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::http::listen::socket_limiter::{SocketAdmission, SocketLimiter};
use crate::telemetry::counters::Counters;

const HEAD: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\n\r\n";

/// A stream with nothing to read, whose writes accept `accepts` bytes each; 0 stands for a pending
/// write, and after the last number all is accepted.
#[derive(Debug, Default)]
struct Peer {
    accepts: VecDeque<usize>,
    writes: Vec<Vec<u8>>,
}

impl Peer {
    fn accept(&mut self, cx: &Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let count = self.accepts.pop_front().unwrap_or(usize::MAX).min(bytes.len());
        if count == 0 && !bytes.is_empty() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.writes.push(bytes.iter().take(count).copied().collect());
        Poll::Ready(Ok(count))
    }
}

impl AsyncRead for Peer {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Peer {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.accept(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
        self.accept(cx, &bytes)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Returns a connection to which the response to an upgrade was written and flushed.
fn upgraded(accepts: Vec<usize>, upgrade: impl FnOnce(&Pace)) -> PacedStream<Peer> {
    let (limits, counters) = (Limits::default(), Arc::new(Counters::new(&[])));
    let limiter = Arc::new(SocketLimiter::new(&limits, None, counters));
    let SocketAdmission::Admitted(permit) = limiter.admit(None) else {
        unreachable!("it is the only socket")
    };
    upgrade(permit.pace());
    let peer = Peer { accepts: accepts.into(), writes: Vec::new() };
    let mut stream = PacedStream::new(peer, permit, &limits);
    poll_fn(|cx| Pin::new(&mut stream).poll_write_vectored(cx, &[IoSlice::new(HEAD)])).now_or_never();
    stream.flush().now_or_never().unwrap().unwrap();
    stream
}

#[test]
fn a_response_is_sent_at_once() {
    let stream = upgraded(Vec::new(), Pace::upgrade);
    assert_eq!(stream.inner.writes, [HEAD]);
    assert!(stream.http.is_none());
}

#[test]
fn a_response_is_sent_with_the_first_bytes() {
    let mut stream = upgraded(Vec::new(), Pace::upgrade_with_first_bytes);
    assert!(stream.inner.writes.is_empty());
    stream.write_all(b"WELCOME").now_or_never().unwrap().unwrap();
    assert_eq!(stream.inner.writes, [[HEAD, b"WELCOME"].concat()]);
    stream.write_all(b"more").now_or_never().unwrap().unwrap();
    assert_eq!(stream.inner.writes.len(), 2);
    assert!(stream.http.is_none());
}

#[test]
fn a_response_is_sent_before_a_read_and_a_shutdown() {
    let mut stream = upgraded(Vec::new(), Pace::upgrade_with_first_bytes);
    assert_eq!(stream.read(&mut [0; 8]).now_or_never().unwrap().unwrap(), 0);
    assert_eq!(stream.inner.writes, [HEAD]);

    let mut stream = upgraded(Vec::new(), Pace::upgrade_with_first_bytes);
    stream.shutdown().now_or_never().unwrap().unwrap();
    assert_eq!(stream.inner.writes, [HEAD]);
}

proptest! {
    /// Whatever part of each write the peer accepts, and whatever comes first after the response,
    /// all bytes arrive once and in order.
    #[test]
    fn held_bytes_arrive_once_and_in_order(
        accepts in prop::collection::vec(0_usize..60, 0..12),
        messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..4),
        reads_first in any::<bool>(),
        in_slices in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut stream = upgraded(accepts, Pace::upgrade_with_first_bytes);
        runtime.block_on(async {
            if reads_first {
                let _read = stream.read(&mut [0; 8]).await.unwrap();
            }
            for message in &messages {
                if in_slices {
                    let (start, end) = message.split_at(message.len() / 2);
                    let mut both = bytes::Buf::chain(start, end);
                    while bytes::Buf::has_remaining(&both) {
                        stream.write_buf(&mut both).await.unwrap();
                    }
                } else {
                    stream.write_all(message).await.unwrap();
                }
            }
            stream.shutdown().await.unwrap();
        });
        prop_assert_eq!(stream.inner.writes.concat(), [HEAD, &messages.concat()].concat());
    }
}
