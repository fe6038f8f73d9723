//! A connection that breaks after a number of bytes, at any position of a message.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A TCP stream with a limit of bytes in each direction. After a limit all operations fail; the
/// other side sees the connection break when this value is dropped.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
    reads: u64,
    writes: u64,
}

impl Wire {
    /// Creates a stream without limits.
    pub fn new(stream: TcpStream) -> Self {
        Self { stream, reads: u64::MAX, writes: u64::MAX }
    }

    /// Limits the further bytes to read and to write.
    pub fn break_after(&mut self, reads: u64, writes: u64) {
        self.reads = reads;
        self.writes = writes;
    }
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "cut")
}

/// Returns the part of a length that the limit permits.
fn allowed(length: usize, left: u64) -> usize {
    usize::try_from(left).map_or(length, |left| left.min(length))
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let room = allowed(buf.remaining(), self.reads);
        if room == 0 {
            return Poll::Ready(Err(broken()));
        }
        let before = buf.filled().len();
        let mut part = ReadBuf::new(buf.initialize_unfilled_to(room));
        let polled = Pin::new(&mut self.stream).poll_read(cx, &mut part);
        let read = part.filled().len();
        buf.set_filled(before + read);
        self.reads -= read as u64;
        polled
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let Some(part) = buf.get(..allowed(buf.len(), self.writes)).filter(|part| !part.is_empty()) else {
            return Poll::Ready(Err(broken()));
        };
        let polled = Pin::new(&mut self.stream).poll_write(cx, part);
        if let Poll::Ready(Ok(written)) = polled {
            self.writes -= written as u64;
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
