//! The bytes of messages in each encoding.

use anyhow::ensure;
use vivaz_protocol::{
    ClientBody, ClientMessage, ComponentId, Hello, RawJson, Ref, Request, SUBPROTOCOL_COMPACT,
    SUBPROTOCOL_COMPACT_MESSAGE_PACK, SUBPROTOCOL_JSON, compact, encode_client,
};

use crate::process::Server;
use crate::report::{Line, Target};
use crate::socket::{Socket, Subprotocol};

const CHANGES: [&str; 4] = ["update_one", "append", "prepend", "swap"];

/// Measures the bytes of one change of a list of 100 rows, and of the 500th click on a counter,
/// without the header of the frame.
pub(super) async fn changes() -> anyhow::Result<Vec<Line>> {
    let server = Server::start("serve-vivaz")?;
    let mut plain = Client::open(&server, SUBPROTOCOL_JSON).await?;
    let mut short = Client::open(&server, SUBPROTOCOL_COMPACT).await?;
    let mut binary = Client::open(&server, SUBPROTOCOL_COMPACT_MESSAGE_PACK).await?;
    let mut lines = Vec::new();
    for client in [&mut plain, &mut short, &mut binary] {
        client.mount("r1", "hundred").await?;
        client.call("r1", "create").await?;
    }
    for change in CHANGES {
        let before = plain.call("r1", change).await?.1;
        let after = short.call("r1", change).await?.1;
        lines.push(line(format!("bytes received for {change} of 100 rows, compact"), before, after, 90.0));
        let after = binary.call("r1", change).await?.1;
        lines.push(line(
            format!("bytes received for {change} of 100 rows, compact, binary"),
            before,
            after,
            90.0,
        ));
    }
    for client in [&mut plain, &mut short, &mut binary] {
        client.mount("c1", "counter").await?;
        for _ in 0..500 {
            client.call("c1", "increment").await?;
        }
    }
    let before = plain.call("c1", "increment").await?;
    let after = binary.call("c1", "increment").await?;
    lines.push(line("bytes sent for a click, compact, binary".to_owned(), before.0, after.0, 30.0));
    lines.push(line("bytes received for a click, compact, binary".to_owned(), before.1, after.1, 25.0));
    Ok(lines)
}

fn line(name: String, before: usize, after: usize, at_most: f64) -> Line {
    Line {
        name,
        baseline: Some(format!("{before} B")),
        measured: format!("{after} B"),
        target: Some(Target { value: after as f64, at_most: Some(at_most) }),
    }
}

/// A session in one encoding.
struct Client {
    socket: Socket,
    subprotocol: &'static str,
    last: u64,
}

impl Client {
    async fn open(server: &Server, subprotocol: &'static str) -> anyhow::Result<Self> {
        let socket = Socket::connect(server.address, Subprotocol::Other(subprotocol)).await?;
        let mut client = Self { socket, subprotocol, last: 0 };
        client.exchange(&ClientMessage::new(ClientBody::Hello(Hello::default()))).await?;
        Ok(client)
    }

    async fn mount(&mut self, id: &str, component: &str) -> anyhow::Result<()> {
        let request = Request::MountOpen { component: component.into(), props: Some(RawJson::EMPTY_OBJECT) };
        self.request(id, request).await?;
        Ok(())
    }

    async fn call(&mut self, id: &str, action: &str) -> anyhow::Result<(usize, usize)> {
        self.request(id, Request::Action { action: action.into(), payload: None, set: Vec::new() }).await
    }

    async fn request(&mut self, id: &str, request: Request<'_>) -> anyhow::Result<(usize, usize)> {
        self.last += 1;
        let message = ClientMessage::request(Ref::new(self.last)?, ComponentId::new(id)?, request);
        // As a page does, so that the server can delete replies.
        let ack = if self.last.is_multiple_of(16) { Ref::new(self.last - 1).ok() } else { None };
        self.exchange(&ClientMessage { ack, ..message }).await
    }

    /// Sends a message and returns its size and that of the next message, its reply.
    async fn exchange(&mut self, message: &ClientMessage<'_>) -> anyhow::Result<(usize, usize)> {
        let mut text = String::new();
        encode_client(&mut text, message);
        if self.subprotocol != SUBPROTOCOL_JSON {
            let object = std::mem::take(&mut text);
            compact::from_object(&mut text, &object);
        }
        let sent = if self.subprotocol == SUBPROTOCOL_COMPACT_MESSAGE_PACK {
            let mut packed = Vec::new();
            let mut from = serde_json::Deserializer::from_str(&text);
            serde_transcode::transcode(&mut from, &mut rmp_serde::Serializer::new(&mut packed))?;
            self.socket.send_binary(&packed).await?;
            packed.len()
        } else {
            self.socket.send(&text).await?;
            text.len()
        };
        let received = self.socket.next_message().await?;
        let refused = String::from_utf8_lossy(received).contains("message");
        ensure!(!refused || self.last == 0, "{message:?} was refused");
        Ok((sent, received.len()))
    }
}
