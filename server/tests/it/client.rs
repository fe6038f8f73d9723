//! A client without a page: sends and reads messages as JSON.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, client_async, connect_async};

use vivaz_protocol::compact;

use crate::app::Server;

/// A time limit that no step of a test needs; a test that reaches it has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// The headers that offer each subprotocol. The first client offers none.
pub(crate) const ENCODINGS: [&[(&str, &str)]; 4] = [
    &[],
    &[("sec-websocket-protocol", "vivaz.v1.msgpack")],
    &[("sec-websocket-protocol", "vivaz.v1.compact")],
    &[("sec-websocket-protocol", "vivaz.v1.compact.msgpack")],
];

/// Connections without an offer of their own offer this subprotocol, if the variable is set: all
/// tests have to pass in each encoding.
const DEFAULT_OFFER: &str = "VIVAZ_TEST_SUBPROTOCOL";

/// A connection.
pub(crate) struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Whether the handshake selected MessagePack.
    packs: bool,
    /// Whether the handshake selected the compact form.
    is_compact: bool,
    reference: u64,
    /// The payload of `WELCOME`.
    pub(crate) welcome: Value,
}

impl Client {
    /// Opens a connection without sending a message.
    pub(crate) async fn open(server: &Server) -> Self {
        Self::open_with(server, &[]).await.unwrap()
    }

    /// Opens a connection with headers.
    pub(crate) async fn open_with(server: &Server, headers: &[(&str, &str)]) -> Result<Self, Error> {
        Self::open_at(server.address, headers).await
    }

    /// Opens a connection with headers of arbitrary bytes.
    pub(crate) async fn open_with_bytes(server: &Server, headers: &[(&str, &[u8])]) -> Result<Self, Error> {
        let headers = headers.iter().map(|(name, value)| (*name, HeaderValue::from_bytes(value).unwrap()));
        Self::open_as(server.address, headers).await
    }

    /// Opens a connection to an address.
    async fn open_at(address: SocketAddr, headers: &[(&str, &str)]) -> Result<Self, Error> {
        let headers = headers.iter().map(|(name, value)| (*name, HeaderValue::from_str(value).unwrap()));
        Self::open_as(address, headers).await
    }

    async fn open_as<'a>(
        address: SocketAddr,
        headers: impl Iterator<Item = (&'a str, HeaderValue)>,
    ) -> Result<Self, Error> {
        let mut request = format!("ws://{address}/live").into_client_request()?;
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            request.headers_mut().append(name, value);
        }
        if let Ok(offer) = std::env::var(DEFAULT_OFFER) {
            let offer = HeaderValue::try_from(offer).unwrap();
            request.headers_mut().entry("sec-websocket-protocol").or_insert(offer);
        }
        let (socket, response) = connect_async(request).await?;
        let agreed = response.headers().get("sec-websocket-protocol");
        let agreed = agreed.map_or("", |name| name.to_str().unwrap());
        let (packs, is_compact) = (agreed.ends_with(".msgpack"), agreed.contains(".compact"));
        Ok(Self { socket, packs, is_compact, reference: 0, welcome: Value::Null })
    }

    /// Opens a connection with a new session on an existing stream.
    pub(crate) async fn open_on(stream: TcpStream, address: SocketAddr) -> Self {
        let request = format!("ws://{address}/live").into_client_request().unwrap();
        let (socket, _) = client_async(request, MaybeTlsStream::Plain(stream)).await.unwrap();
        Self { socket, packs: false, is_compact: false, reference: 0, welcome: Value::Null }
            .send_hello(json!({}))
            .await
    }

    /// Opens a connection with a new session.
    pub(crate) async fn hello(server: &Server) -> Self {
        Self::hello_with(server, &[], json!({})).await
    }

    /// Opens a connection with a new session to a server with short time limits, and retries if a
    /// busy machine exceeds them.
    pub(crate) async fn hello_with_retries(server: &Server) -> Self {
        let attempts = async {
            loop {
                let Ok(mut client) = Self::open_with(server, &[]).await else { continue };
                let hello = json!({ "v": 1, "type": "HELLO", "payload": {} });
                if client.send_frame(Message::text(hello.to_string())).await.is_ok()
                    && let Received::Message(welcome) = client.receive().await
                {
                    client.welcome = welcome["payload"].clone();
                    return client;
                }
            }
        };
        tokio::time::timeout(PATIENCE, attempts).await.expect("a greeting in time")
    }

    /// Opens a connection with headers and a `HELLO`.
    pub(crate) async fn hello_with(server: &Server, headers: &[(&str, &str)], hello: Value) -> Self {
        Self::open_with(server, headers).await.unwrap().send_hello(hello).await
    }

    /// Opens a connection with a new session to a server in another process.
    pub(crate) async fn hello_at(address: SocketAddr) -> Self {
        Self::open_at(address, &[]).await.unwrap().send_hello(json!({})).await
    }

    /// Resumes a session of a server in another process, or returns the code that it closes with.
    pub(crate) async fn resume_at(address: SocketAddr, welcome: &Value, acked: u64) -> Result<Self, u16> {
        let mut client = Self::open_at(address, &[]).await.unwrap();
        let payload = json!({ "session": welcome["session"], "resume": welcome["resume"], "acked": acked });
        client.send(json!({ "v": 1, "type": "HELLO", "payload": payload })).await;
        match client.receive().await {
            Received::Message(message) => {
                client.welcome = message["payload"].clone();
                client.reference = acked;
                Ok(client)
            }
            Received::Closed(code) => Err(code.expect("closed with a code")),
        }
    }

    async fn send_hello(mut self, hello: Value) -> Self {
        self.send(json!({ "v": 1, "type": "HELLO", "payload": hello })).await;
        self.welcome = self.expect("WELCOME").await["payload"].clone();
        self
    }

    /// Resumes a session. `streams` contains the page's position in each stream.
    pub(crate) async fn resume(server: &Server, welcome: &Value, acked: u64, streams: Value) -> Self {
        let hello = json!({
            "session": welcome["session"], "resume": welcome["resume"], "acked": acked, "streams": streams,
        });
        Self::hello_with(server, &[], hello).await
    }

    /// Sends a message unchanged.
    pub(crate) async fn send(&mut self, message: Value) {
        let mut text = message.to_string();
        if self.is_compact {
            let object = std::mem::take(&mut text);
            compact::from_object(&mut text, &object);
        }
        if self.packs {
            let message: Value = serde_json::from_str(&text).unwrap();
            let packed = rmp_serde::to_vec(&message).unwrap();
            return self.send_frame(Message::binary(packed)).await.unwrap();
        }
        self.send_text(&text).await;
    }

    /// Sends a text unchanged.
    pub(crate) async fn send_text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    /// Sends any frame.
    pub(crate) async fn send_frame(&mut self, message: Message) -> Result<(), Error> {
        self.socket.send(message).await
    }

    /// Sends many messages at once.
    pub(crate) async fn send_all(&mut self, messages: impl IntoIterator<Item = Value>) -> Result<(), Error> {
        for message in messages {
            self.socket.feed(Message::text(message.to_string())).await?;
        }
        self.socket.flush().await
    }

    /// Sets the next ref; later refs count from `reference`.
    pub(crate) fn count_from(&mut self, reference: u64) {
        self.reference = reference;
    }

    /// Returns a message of a type for a component, with the next ref.
    pub(crate) fn message(&mut self, kind: &str, id: &str, payload: Value) -> Value {
        self.reference += 1;
        json!({ "v": 1, "type": kind, "ref": self.reference, "componentId": id, "payload": payload })
    }

    /// Returns a message that calls an action.
    pub(crate) fn call(&mut self, id: &str, action: &str, arguments: Value) -> Value {
        let mut message = self.message("COMPONENT_ACTION", id, arguments);
        message["action"] = action.into();
        message
    }

    /// Mounts an open component, and returns its `COMPONENT_MOUNTED` or `ERROR`.
    pub(crate) async fn mount(&mut self, id: &str, component: &str, props: Value) -> Value {
        let message = self.message("COMPONENT_MOUNT", id, json!({ "component": component, "props": props }));
        self.ask(message).await
    }

    /// Calls an action and returns its reply; discards earlier messages.
    pub(crate) async fn act(&mut self, id: &str, action: &str, arguments: Value) -> Value {
        let message = self.call(id, action, arguments);
        self.ask(message).await
    }

    /// Sends a message and returns its reply; discards earlier messages.
    pub(crate) async fn ask(&mut self, message: Value) -> Value {
        let reference = message["ref"].clone();
        self.send(message).await;
        self.reply(&reference).await
    }

    /// Waits for the reply to a message.
    pub(crate) async fn reply(&mut self, reference: &Value) -> Value {
        loop {
            let message = self.next().await;
            if message["ref"] == *reference {
                return message;
            }
        }
    }

    /// Returns the next message.
    pub(crate) async fn next(&mut self) -> Value {
        match self.receive().await {
            Received::Message(message) => message,
            Received::Closed(code) => panic!("closed with {code:?} instead of a message"),
        }
    }

    /// Returns the next message, and asserts its type.
    pub(crate) async fn expect(&mut self, kind: &str) -> Value {
        let message = self.next().await;
        assert_eq!(message["type"], kind, "{message}");
        assert_eq!(message["v"], 1);
        message
    }

    /// Returns the code that the server closes with; discards messages before it.
    pub(crate) async fn closed(&mut self) -> u16 {
        loop {
            if let Received::Closed(code) = self.receive().await {
                // The answer to the close frame is sent while the client waits for the end.
                let end = async { while let Some(Ok(_)) = self.socket.next().await {} };
                tokio::time::timeout(PATIENCE, end).await.expect("the server closes the stream");
                return code.expect("closed with a code");
            }
        }
    }

    /// Returns the next frame of any kind.
    pub(crate) async fn receive(&mut self) -> Received {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("something comes");
            match next {
                Some(Ok(Message::Text(text))) => {
                    assert!(!self.packs, "{text}");
                    return Received::Message(self.read(serde_json::from_str(&text).unwrap()));
                }
                Some(Ok(Message::Binary(packed))) => {
                    assert!(self.packs, "a binary frame");
                    return Received::Message(self.read(rmp_serde::from_slice(&packed).unwrap()));
                }
                Some(Ok(Message::Close(frame))) => {
                    return Received::Closed(frame.map(|frame| frame.code.into()));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Received::Closed(None),
            }
        }
    }

    /// Returns a received message as an object.
    fn read(&self, message: Value) -> Value {
        assert_eq!(message.is_array(), self.is_compact, "{message}");
        match compact::to_object(&message.to_string(), usize::MAX).unwrap() {
            Some(object) => serde_json::from_str(&object).unwrap(),
            None => message,
        }
    }

    /// Returns all messages that arrive before the answer to a `PING`.
    pub(crate) async fn drain(&mut self) -> Vec<Value> {
        self.send(json!({ "v": 1, "type": "PING", "payload": "drain" })).await;
        let mut all = Vec::new();
        loop {
            let message = self.next().await;
            if message["type"] == "PONG" && message["payload"] == "drain" {
                return all;
            }
            all.push(message);
        }
    }

    /// Closes with a code and waits for the answer.
    pub(crate) async fn close(mut self, code: u16) {
        use tokio_tungstenite::tungstenite::protocol::CloseFrame;
        let frame = CloseFrame { code: code.into(), reason: "".into() };
        self.socket.send(Message::Close(Some(frame))).await.unwrap();
        while let Some(Ok(_)) = self.socket.next().await {}
    }

    /// Breaks the connection without a close frame.
    pub(crate) fn cut(self) {
        drop(self);
    }

    /// Returns the underlying stream.
    pub(crate) fn stream(&mut self) -> &mut TcpStream {
        match self.socket.get_mut() {
            MaybeTlsStream::Plain(stream) => stream,
            _ => unreachable!("no TLS here"),
        }
    }
}

/// A received frame.
#[derive(Debug)]
pub(crate) enum Received {
    Message(Value),
    Closed(Option<u16>),
}

/// Asserts the code of an `ERROR`.
#[track_caller]
pub(crate) fn assert_error(message: &Value, code: &str) {
    assert_eq!(message["type"], "ERROR", "{message}");
    assert_eq!(message["payload"]["code"], code, "{message}");
    assert!(message["payload"]["message"].is_string());
    let text = message.to_string();
    for secret in ["4711", "/etc", "panicked at", "src/"] {
        assert!(!text.contains(secret), "{text}");
    }
}
