//! A WebSocket client with little overhead: one buffer, one write for each frame, no task.
//!
//! It connects only to servers of this program. It accepts the frames that RFC 6455 permits to
//! servers and fails on all others.

use std::net::SocketAddr;

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use vivaz_protocol::{OFFER_HELLO, SUBPROTOCOL_JSON};

use crate::process::PATH;

const CONTINUATION: u8 = 0x0;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xa;
const FINAL: u8 = 0x80;
const MASKED: u8 = 0x80;

/// One connection.
pub(crate) struct Socket {
    stream: TcpStream,
    /// Received bytes: frames that were returned, then bytes that are not parsed yet.
    received: Vec<u8>,
    /// The number of bytes in `received` that were returned.
    taken: usize,
    /// The fragments of a message. `whole` is false until the last fragment arrives.
    message: Vec<u8>,
    whole: bool,
    /// The frame to send, kept to reuse its allocation.
    frame: Vec<u8>,
}

impl Socket {
    /// Connects and sends the upgrade request.
    pub(crate) async fn connect(address: SocketAddr, subprotocol: Subprotocol<'_>) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let mut socket = Self {
            stream,
            received: Vec::with_capacity(512),
            taken: 0,
            message: Vec::new(),
            whole: true,
            frame: Vec::new(),
        };
        let offer = match subprotocol {
            Subprotocol::Live => format!("Sec-WebSocket-Protocol: {SUBPROTOCOL_JSON}\r\n"),
            Subprotocol::Page { cookie } => {
                format!("Sec-WebSocket-Protocol: {SUBPROTOCOL_JSON}, {OFFER_HELLO}\r\nCookie: {cookie}\r\n")
            }
            Subprotocol::Other(name) => format!("Sec-WebSocket-Protocol: {name}\r\n"),
            Subprotocol::None => String::new(),
        };
        let request = format!(
            "GET {PATH} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{offer}\r\n"
        );
        socket.stream.write_all(request.as_bytes()).await?;
        let head = loop {
            if let Some(at) = socket.received.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break at + 4;
            }
            socket.receive().await?;
        };
        let answer = String::from_utf8_lossy(socket.received.get(..head).unwrap_or_default());
        ensure!(answer.starts_with("HTTP/1.1 101"), "the upgrade failed:\n{answer}");
        socket.taken = head;
        Ok(socket)
    }

    /// Sends a text message.
    pub(crate) async fn send(&mut self, text: &str) -> anyhow::Result<()> {
        self.send_frame(TEXT, text.as_bytes()).await
    }

    /// Appends a text message to those that [`flush`](Self::flush) sends together.
    pub(crate) fn feed(&mut self, text: &str) {
        self.append_frame(TEXT, text.as_bytes());
    }

    /// Sends a binary message.
    pub(crate) async fn send_binary(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.send_frame(BINARY, bytes).await
    }

    /// Sends the appended messages at once.
    pub(crate) async fn flush(&mut self) -> anyhow::Result<()> {
        self.stream.write_all(&self.frame).await?;
        self.frame.clear();
        Ok(())
    }

    /// Returns the next text message. Replies to pings.
    pub(crate) async fn next(&mut self) -> anyhow::Result<&str> {
        Ok(std::str::from_utf8(self.next_message().await?)?)
    }

    /// Returns the next message of either kind. Replies to pings.
    pub(crate) async fn next_message(&mut self) -> anyhow::Result<&[u8]> {
        loop {
            let Some(frame) = parse(self.received.get(self.taken..).unwrap_or_default())? else {
                self.receive().await?;
                continue;
            };
            let payload = self.taken + frame.head..self.taken + frame.head + frame.length;
            self.taken = payload.end;
            match frame.opcode {
                TEXT | BINARY if frame.last && self.whole => {
                    return self.received.get(payload).context("the frame is whole");
                }
                TEXT | BINARY | CONTINUATION => {
                    ensure!((frame.opcode != CONTINUATION) == self.whole, "fragments out of order");
                    if self.whole {
                        self.message.clear();
                    }
                    self.message.extend_from_slice(self.received.get(payload).context("the frame is whole")?);
                    self.whole = frame.last;
                    if self.whole {
                        return Ok(&self.message);
                    }
                }
                PING => {
                    let bytes = self.received.get(payload).context("the frame is whole")?.to_vec();
                    self.send_frame(PONG, &bytes).await?;
                }
                PONG => {}
                CLOSE => {
                    let reason = self.received.get(payload).unwrap_or_default();
                    bail!("the server closed: {}", String::from_utf8_lossy(reason).escape_debug());
                }
                other => bail!("unexpected frame with opcode {other}"),
            }
        }
    }

    /// Frees the memory of large messages, so that thousands of idle connections stay cheap in this
    /// process.
    pub(crate) fn shrink(&mut self) {
        self.received.drain(..self.taken);
        self.taken = 0;
        self.received.shrink_to_fit();
        self.message = Vec::new();
        self.frame = Vec::new();
    }

    /// Closes the connection with a code and does not wait for the answer.
    pub(crate) async fn close(mut self, code: u16) -> anyhow::Result<()> {
        self.send_frame(CLOSE, &code.to_be_bytes()).await
    }

    /// Resets the connection, which leaves no port in `TIME_WAIT`.
    pub(crate) fn reset(self) -> anyhow::Result<()> {
        Ok(self.stream.set_zero_linger()?)
    }

    async fn receive(&mut self) -> anyhow::Result<()> {
        self.received.drain(..self.taken);
        self.taken = 0;
        let count = self.stream.read_buf(&mut self.received).await?;
        ensure!(count > 0, "the server closed the connection");
        Ok(())
    }

    async fn send_frame(&mut self, opcode: u8, payload: &[u8]) -> anyhow::Result<()> {
        self.append_frame(opcode, payload);
        self.flush().await
    }

    fn append_frame(&mut self, opcode: u8, payload: &[u8]) {
        self.frame.push(FINAL | opcode);
        match payload.len() {
            small @ 0..=125 => self.frame.push(MASKED | small as u8),
            medium @ 126..=0xffff => {
                self.frame.push(MASKED | 126);
                self.frame.extend_from_slice(&(medium as u16).to_be_bytes());
            }
            large => {
                self.frame.push(MASKED | 127);
                self.frame.extend_from_slice(&(large as u64).to_be_bytes());
            }
        }
        // The mask is zero: the server still applies it, and this client does not need to.
        self.frame.extend_from_slice(&[0; 4]);
        self.frame.extend_from_slice(payload);
    }
}

/// The subprotocol that the upgrade request offers.
#[derive(Clone, Copy)]
pub(crate) enum Subprotocol<'a> {
    /// The current version of the live protocol.
    Live,
    /// The same with an offered `HELLO` and the page's cookie, as pages connect.
    Page {
        /// The value of the `Cookie` header.
        cookie: &'a str,
    },
    /// Another encoding of it.
    Other(&'static str),
    /// No subprotocol.
    None,
}

struct Frame {
    opcode: u8,
    last: bool,
    head: usize,
    length: usize,
}

/// Parses the frame at the start of `bytes`. Returns `None` if it is incomplete.
fn parse(bytes: &[u8]) -> anyhow::Result<Option<Frame>> {
    let [first, second, rest @ ..] = bytes else { return Ok(None) };
    ensure!(second & MASKED == 0, "a masked frame from a server");
    let (head, length) = match (second & 0x7f, rest) {
        (126, [a, b, ..]) => (4, u64::from(u16::from_be_bytes([*a, *b]))),
        (127, [a, b, c, d, e, f, g, h, ..]) => (10, u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h])),
        (126 | 127, _) => return Ok(None),
        (small, _) => (2, u64::from(small)),
    };
    let length = usize::try_from(length)?;
    Ok((bytes.len() - head >= length).then_some(Frame {
        opcode: first & 0x0f,
        last: first & FINAL != 0,
        head,
        length,
    }))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn complete_frames_of_every_length_are_parsed() {
        for (head, length) in [
            (vec![0x81, 5], 5),
            (vec![0x81, 126, 1, 0], 256),
            (vec![0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0], 65536),
        ] {
            let mut bytes = head.clone();
            bytes.resize(head.len() + length, b'x');
            bytes.push(0x81);
            let frame = parse(&bytes).unwrap().unwrap();
            assert_eq!((frame.opcode, frame.head, frame.length), (1, head.len(), length));
            for end in 0..head.len() + length {
                assert!(parse(&bytes[..end]).unwrap().is_none(), "{end}");
            }
        }
        assert!(parse(&[0x81, 0x80]).is_err());
        assert!(!parse(&[0x01, 0x00]).unwrap().unwrap().last);
    }
}
