//! The clients of the load: a session of the live protocol, and a round trip with the echo.

use std::net::SocketAddr;

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use vivaz_protocol::{
    CLOSE_LEFT, ClientBody, ClientMessage, ComponentId, Hello, RawJson, Ref, Request, Seal, ServerMessage,
    ServerType, decode_server, encode_client,
};

use crate::live::PAGE;
use crate::socket::{Socket, Subprotocol};

/// A session of the live protocol.
pub(crate) struct Session {
    /// The connection of the session.
    pub(crate) socket: Socket,
    next: Ref,
    text: String,
}

/// What a browser has of a page that the server rendered.
pub(crate) struct Page {
    /// The cookie that the page set.
    cookie: String,
    /// The seal of the page's component.
    seal: String,
}

impl Page {
    /// Requests the page of the measured server.
    pub(crate) async fn load(address: SocketAddr) -> anyhow::Result<Self> {
        let mut stream = TcpStream::connect(address).await?;
        let request = format!("GET {PAGE} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let between = |start: &str, end: char| {
            let (_, rest) = answer.split_once(start).with_context(|| format!("no {start:?} in {answer}"))?;
            anyhow::Ok(rest.split(end).next().unwrap_or_default().to_owned())
        };
        Ok(Self { cookie: between("set-cookie: ", ';')?, seal: between(" seal=\"", '"')? })
    }
}

/// The sizes of a request and its reply, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bytes {
    /// Sent to the server.
    pub(crate) up: usize,
    /// Received from the server.
    pub(crate) down: usize,
}

impl Session {
    /// Connects and sends `HELLO`.
    pub(crate) async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let socket = Socket::connect(address, Subprotocol::Live).await?;
        let mut session = Self { socket, next: Ref::FIRST, text: String::new() };
        session.send(&ClientMessage::new(ClientBody::Hello(Hello::default()))).await?;
        let answer = decode_server(session.socket.next().await?)?;
        ensure!(answer.kind() == ServerType::Welcome, "expected WELCOME after HELLO, received {answer:?}");
        Ok(session)
    }

    /// Connects as a page does, with an offered `HELLO`, and mounts a component by its seal. Waits
    /// for both replies.
    pub(crate) async fn open_page(address: SocketAddr, page: &Page) -> anyhow::Result<Self> {
        let socket = Socket::connect(address, Subprotocol::Page { cookie: &page.cookie }).await?;
        let mut session = Self { socket, next: Ref::FIRST, text: String::new() };
        // Sent together with the mount.
        encode_client(&mut session.text, &ClientMessage::new(ClientBody::Hello(Hello::default())));
        session.socket.feed(&session.text);
        let request = Request::MountSealed { seal: Seal::new(&page.seal), painted: true };
        session.request(&ComponentId::new("c1")?, request).await?;
        Ok(session)
    }

    /// Closes the connection as a page does that its visitor leaves, which ends the session.
    pub(crate) async fn leave(self) -> anyhow::Result<()> {
        self.socket.close(CLOSE_LEFT).await
    }

    /// Mounts an open component and waits for the reply.
    pub(crate) async fn mount(&mut self, id: &ComponentId, component: &str) -> anyhow::Result<()> {
        let request = Request::MountOpen { component: component.into(), props: Some(RawJson::EMPTY_OBJECT) };
        self.request(id, request).await?;
        Ok(())
    }

    /// Calls an action and waits for the reply. Returns the sizes of both messages.
    pub(crate) async fn call(
        &mut self,
        id: &ComponentId,
        action: &str,
        arguments: &str,
    ) -> anyhow::Result<Bytes> {
        let payload = Some(RawJson::trusted(arguments));
        self.request(id, Request::Action { action: action.into(), payload, set: Vec::new() }).await
    }

    /// Unmounts a component and waits for the reply.
    pub(crate) async fn unmount(&mut self, id: &ComponentId) -> anyhow::Result<()> {
        self.request(id, Request::Unmount).await?;
        Ok(())
    }

    /// Appends the call of an action to those that the socket sends together. The replies are not
    /// waited for.
    pub(crate) fn cast(&mut self, id: &ComponentId, action: &str, arguments: &str) {
        let payload = Some(RawJson::trusted(arguments));
        let request = Request::Action { action: action.into(), payload, set: Vec::new() };
        let reference = self.next;
        self.next = reference.next().unwrap_or(Ref::FIRST);
        self.text.clear();
        encode_client(&mut self.text, &ClientMessage::request(reference, id.clone(), request));
        self.socket.feed(&self.text);
    }

    /// Reads until `count` patches of a topic have arrived. They are recognized by their prefix,
    /// which is cheaper than decoding them.
    pub(crate) async fn await_patches(&mut self, count: usize) -> anyhow::Result<()> {
        let mut left = count;
        while left > 0 {
            if self.socket.next().await?.starts_with(r#"{"v":1,"type":"STATE_UPDATE","topic":"#) {
                left -= 1;
            }
        }
        Ok(())
    }

    async fn request(&mut self, id: &ComponentId, request: Request<'_>) -> anyhow::Result<Bytes> {
        let reference = self.next;
        self.next = reference.next().unwrap_or(Ref::FIRST);
        // Acknowledges replies periodically, as a page does, so that the server can delete them.
        let ack = if reference.get().is_multiple_of(16) { Ref::new(reference.get() - 1).ok() } else { None };
        let message = ClientMessage { ack, ..ClientMessage::request(reference, id.clone(), request) };
        self.send(&message).await?;
        let up = self.text.len();
        loop {
            let text = self.socket.next().await?;
            let down = text.len();
            // The usual reply is recognized by its prefix: decoding it would make the load slower.
            if text.starts_with(r#"{"v":1,"type":"STATE_UPDATE","ref":"#) {
                return Ok(Bytes { up, down });
            }
            let answer = decode_server(text)?;
            if let ServerMessage::Error(error) = &answer {
                bail!("{message:?} failed: {error:?}");
            }
            if answer.reference() == Some(reference) {
                return Ok(Bytes { up, down });
            }
        }
    }

    async fn send(&mut self, message: &ClientMessage<'_>) -> anyhow::Result<()> {
        self.text.clear();
        encode_client(&mut self.text, message);
        self.socket.send(&self.text).await
    }
}

/// Sends one message to the echo and reads it back.
pub(crate) async fn echo(socket: &mut Socket, text: &str) -> anyhow::Result<()> {
    socket.send(text).await?;
    let back = socket.next().await?;
    ensure!(back == text, "expected the echo of {text:?}, received {back:?}");
    Ok(())
}
