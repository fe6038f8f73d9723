//! An HTTP client with little overhead, for pages of servers of this program.

use std::net::SocketAddr;

use anyhow::{Context as _, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A connection over which pages are requested one after the other.
pub(crate) struct Pages {
    stream: TcpStream,
    address: SocketAddr,
    /// The response.
    received: Vec<u8>,
}

impl Pages {
    pub(crate) async fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, address, received: Vec::new() })
    }

    /// Requests a page and returns its HTML.
    pub(crate) async fn get(&mut self, path: &str) -> anyhow::Result<&str> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nAccept: text/html\r\n\r\n", self.address);
        self.stream.write_all(request.as_bytes()).await?;
        self.received.clear();
        let (head, length) = loop {
            let received = self.received.windows(4).position(|bytes| bytes == b"\r\n\r\n");
            match received {
                Some(end) => break (end + 4, body_length(self.received.get(..end).unwrap_or_default())?),
                None => self.receive().await?,
            }
        };
        while self.received.len() < head + length {
            self.receive().await?;
        }
        Ok(std::str::from_utf8(self.received.get(head..).unwrap_or_default())?)
    }

    async fn receive(&mut self) -> anyhow::Result<()> {
        let count = self.stream.read_buf(&mut self.received).await?;
        ensure!(count > 0, "the server closed the connection");
        Ok(())
    }
}

/// Returns the length of the body that follows the head of a response, in bytes.
fn body_length(head: &[u8]) -> anyhow::Result<usize> {
    let head = std::str::from_utf8(head)?.to_ascii_lowercase();
    ensure!(head.starts_with("http/1.1 200"), "the request failed:\n{head}");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    Ok(length.context("the response has no length")?.trim().parse()?)
}
