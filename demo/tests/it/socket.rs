//! The interface for other programs: names, shapes and the order of messages.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use vivaz_protocol::{Patch, RawJson};

use crate::demo::Demo;

/// A page without a browser.
pub(crate) struct Page {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    last_ref: u64,
    /// The payload of the `WELCOME`.
    session: Value,
    /// The known state of each component and topic, by id or name.
    states: BTreeMap<String, Value>,
}

impl Page {
    /// Connects as the visitor of a cookie, or without a user.
    pub(crate) async fn open(demo: &Demo, cookie: Option<&str>) -> Self {
        Self::hello(demo, cookie, json!({})).await
    }

    /// Resumes the session without any known state.
    pub(crate) async fn resume(self, demo: &Demo, cookie: Option<&str>) -> Self {
        let hello = json!({ "session": self.session["session"], "resume": self.session["resume"] });
        let page = Self::hello(demo, cookie, hello).await;
        assert_eq!(page.session["resumed"], true);
        Self { last_ref: self.last_ref, ..page }
    }

    async fn hello(demo: &Demo, cookie: Option<&str>, hello: Value) -> Self {
        let mut request = format!("ws://{}/live", demo.addr).into_client_request().unwrap();
        if let Some(cookie) = cookie {
            request.headers_mut().insert("cookie", cookie.parse().unwrap());
        }
        let (socket, _) = connect_async(request).await.unwrap();
        let mut page = Self { socket, last_ref: 0, session: Value::Null, states: BTreeMap::new() };
        page.send(json!({ "v": 1, "type": "HELLO", "payload": hello })).await;
        let welcome = page.receive().await;
        assert_eq!(welcome["type"], "WELCOME");
        page.session = welcome["payload"].clone();
        page
    }

    async fn send(&mut self, message: Value) {
        self.socket.send(Message::text(message.to_string())).await.unwrap();
    }

    /// Returns the next message.
    pub(crate) async fn receive(&mut self) -> Value {
        loop {
            let next = tokio::time::timeout(Duration::from_secs(20), self.socket.next());
            match next.await.expect("a message in time").expect("an open socket").unwrap() {
                Message::Text(text) => {
                    let message: Value = serde_json::from_str(&text).unwrap();
                    self.keep(&message);
                    return message;
                }
                Message::Close(frame) => panic!("closed: {frame:?}"),
                Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }

    /// Returns the known state of a component or topic.
    pub(crate) fn state(&self, stream: &str) -> &Value {
        &self.states[stream]
    }

    fn keep(&mut self, message: &Value) {
        let Some(stream) = message["topic"].as_str().or(message["componentId"].as_str()) else { return };
        let payload = &message["payload"];
        match message["type"].as_str().unwrap() {
            "COMPONENT_MOUNTED" => drop(self.states.insert(stream.to_owned(), payload["state"].clone())),
            "STATE_SNAPSHOT" => drop(self.states.insert(stream.to_owned(), payload.clone())),
            "STATE_UPDATE" => {
                let json = payload.to_string();
                let patch = Patch::parse(RawJson::from(&*RawValue::from_string(json).unwrap())).unwrap();
                // A page that resumed has no state before it requests it.
                if let Some(state) = self.states.get_mut(stream) {
                    patch.apply(state).unwrap();
                }
            }
            _ => {}
        }
    }

    /// Sends a message with its own ref. Returns all messages up to its reply, the reply last.
    pub(crate) async fn request(&mut self, mut message: Value) -> Vec<Value> {
        self.last_ref += 1;
        message["v"] = json!(1);
        message["ref"] = json!(self.last_ref);
        self.send(message).await;
        let mut came = Vec::new();
        loop {
            let message = self.receive().await;
            let is_reply = message["ref"] == json!(self.last_ref);
            came.push(message);
            if is_reply {
                return came;
            }
        }
    }

    /// Sends messages, each with its own ref, and returns them.
    pub(crate) async fn send_all(&mut self, messages: impl IntoIterator<Item = Value>) -> Vec<Value> {
        let mut sent = Vec::new();
        for mut message in messages {
            self.last_ref += 1;
            message["v"] = json!(1);
            message["ref"] = json!(self.last_ref);
            self.send(message.clone()).await;
            sent.push(message);
        }
        sent
    }

    /// Sends a message again and returns its reply.
    pub(crate) async fn repeat(&mut self, message: Value) -> Value {
        let reference = message["ref"].clone();
        self.send(message).await;
        self.wait(|message| message["ref"] == reference).await
    }

    /// Requests the current state of topics.
    pub(crate) async fn refresh(&mut self, topics: &[&str]) {
        for topic in topics {
            self.send(json!({ "v": 1, "type": "RESYNC", "topic": topic })).await;
            self.wait(|message| message["type"] == "STATE_SNAPSHOT" && message["topic"] == *topic).await;
        }
    }

    pub(crate) async fn mount(&mut self, id: &str, component: &str, props: Value) -> Vec<Value> {
        let payload = json!({ "component": component, "props": props });
        self.request(json!({ "type": "COMPONENT_MOUNT", "componentId": id, "payload": payload })).await
    }

    pub(crate) async fn call(&mut self, id: &str, action: &str, payload: Value) -> Vec<Value> {
        let message =
            json!({ "type": "COMPONENT_ACTION", "componentId": id, "action": action, "payload": payload });
        self.request(message).await
    }

    pub(crate) async fn set(&mut self, id: &str, property: &str, value: Value) -> Vec<Value> {
        let payload = json!({ "property": property, "value": value });
        self.request(json!({ "type": "PROPERTY_UPDATE", "componentId": id, "payload": payload })).await
    }

    /// Returns the next message with that type, and with that name if it is an event.
    pub(crate) async fn wait(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = self.receive().await;
            if is_it(&message) {
                return message;
            }
        }
    }
}

/// Returns the reply among the result of [`Page::request`].
pub(crate) fn reply(came: &[Value]) -> &Value {
    came.last().unwrap()
}
