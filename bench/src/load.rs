//! What the load does over a socket: the live protocol's side, and the echo's.

use std::net::SocketAddr;

use anyhow::{bail, ensure};
use vivaz_protocol::{
    ClientBody, ClientMessage, ComponentId, Hello, RawJson, Ref, Request, ServerMessage, ServerType,
    decode_server, encode_client,
};

use crate::socket::{Socket, Subprotocol};

/// A session of the live protocol.
pub(crate) struct Session {
    /// Its connection.
    pub(crate) socket: Socket,
    next: Ref,
    text: String,
}

/// How many bytes went up and came down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bytes {
    /// From this side.
    pub(crate) up: usize,
    /// From the server.
    pub(crate) down: usize,
}

impl Session {
    /// Connects and says `HELLO`.
    pub(crate) async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let socket = Socket::connect(address, Subprotocol::Live).await?;
        let mut session = Self { socket, next: Ref::FIRST, text: String::new() };
        session.say(&ClientMessage::new(ClientBody::Hello(Hello::default()))).await?;
        let answer = decode_server(session.socket.next().await?)?;
        ensure!(answer.kind() == ServerType::Welcome, "HELLO was answered with {answer:?}");
        Ok(session)
    }

    /// Mounts a component that is open, and waits until it is there.
    pub(crate) async fn mount(&mut self, id: &ComponentId, component: &str) -> anyhow::Result<()> {
        let request = Request::MountOpen { component: component.into(), props: Some(RawJson::EMPTY_OBJECT) };
        self.ask(id, request).await?;
        Ok(())
    }

    /// Calls an action and waits for its answer.
    pub(crate) async fn call(
        &mut self,
        id: &ComponentId,
        action: &str,
        arguments: &str,
    ) -> anyhow::Result<Bytes> {
        let payload = Some(RawJson::trusted(arguments));
        self.ask(id, Request::Action { action: action.into(), payload, set: Vec::new() }).await
    }

    /// Takes a component away, and waits until it is.
    pub(crate) async fn unmount(&mut self, id: &ComponentId) -> anyhow::Result<()> {
        self.ask(id, Request::Unmount).await?;
        Ok(())
    }

    /// Calls an action and waits for nothing.
    pub(crate) async fn cast(
        &mut self,
        id: &ComponentId,
        action: &str,
        arguments: &str,
    ) -> anyhow::Result<()> {
        let payload = Some(RawJson::trusted(arguments));
        let request = Request::Action { action: action.into(), payload, set: Vec::new() };
        let reference = self.next;
        self.next = reference.next().unwrap_or(Ref::FIRST);
        self.say(&ClientMessage::request(reference, id.clone(), request)).await
    }

    /// Reads until so many patches of a topic have come. They are counted by how they begin, which
    /// costs little.
    pub(crate) async fn await_patches(&mut self, count: usize) -> anyhow::Result<()> {
        let mut left = count;
        while left > 0 {
            if self.socket.next().await?.starts_with(r#"{"v":1,"type":"STATE_UPDATE","topic":"#) {
                left -= 1;
            }
        }
        Ok(())
    }

    async fn ask(&mut self, id: &ComponentId, request: Request<'_>) -> anyhow::Result<Bytes> {
        let reference = self.next;
        self.next = reference.next().unwrap_or(Ref::FIRST);
        // As a page does: now and then it says which replies it has, so that the server need not
        // keep them.
        let ack = if reference.get().is_multiple_of(16) { Ref::new(reference.get() - 1).ok() } else { None };
        let message = ClientMessage { ack, ..ClientMessage::request(reference, id.clone(), request) };
        self.say(&message).await?;
        let up = self.text.len();
        loop {
            let text = self.socket.next().await?;
            let down = text.len();
            // Only what is read whole is decoded: this side shall cost little.
            if text.starts_with(r#"{"v":1,"type":"STATE_UPDATE","ref":"#) {
                return Ok(Bytes { up, down });
            }
            let answer = decode_server(text)?;
            if let ServerMessage::Error(error) = &answer {
                bail!("{message:?} was answered with {error:?}");
            }
            if answer.reference() == Some(reference) {
                return Ok(Bytes { up, down });
            }
        }
    }

    async fn say(&mut self, message: &ClientMessage<'_>) -> anyhow::Result<()> {
        self.text.clear();
        encode_client(&mut self.text, message);
        self.socket.send(&self.text).await
    }
}

/// One message to the echo and back.
pub(crate) async fn echo(socket: &mut Socket, text: &str) -> anyhow::Result<()> {
    socket.send(text).await?;
    let back = socket.next().await?;
    ensure!(back == text, "the echo changed {text:?} to {back:?}");
    Ok(())
}
