//! A network that breaks all the time, and pages that follow the protocol: every action takes
//! effect exactly once, and every page ends with the state of the server.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use serde_json::{Map, Value, json};

use crate::app::{Server, start};
use crate::client::{Client, Received};

const PAGES: u64 = 6;
const ACTIONS: usize = 60;

/// Returns pseudo-random numbers, which are the same for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// The page's copy of a stream.
#[derive(Default)]
struct Stream {
    epoch: Value,
    rev: u64,
    state: Map<String, Value>,
}

/// A page: its streams and its unanswered requests.
struct Page {
    client: Option<Client>,
    welcome: Value,
    streams: BTreeMap<String, Stream>,
    unanswered: BTreeMap<u64, Value>,
    answers: BTreeMap<u64, Value>,
    last: u64,
}

impl Page {
    async fn open(server: &Server) -> Self {
        let client = Client::hello(server).await;
        let welcome = client.welcome.clone();
        let mut page = Self {
            client: Some(client),
            welcome,
            streams: BTreeMap::new(),
            unanswered: BTreeMap::new(),
            answers: BTreeMap::new(),
            last: 0,
        };
        page.ask("COMPONENT_MOUNT", "lab", json!({ "component": "lab" }), None).await;
        page.ask("COMPONENT_MOUNT", "chat", json!({ "component": "chat" }), None).await;
        page
    }

    /// Sends a request, if there is a connection. The request is kept until it is answered.
    async fn ask(&mut self, kind: &str, id: &str, payload: Value, action: Option<&str>) {
        self.last += 1;
        let mut message =
            json!({ "v": 1, "type": kind, "ref": self.last, "componentId": id, "payload": payload });
        if let Some(action) = action {
            message["action"] = action.into();
        }
        self.unanswered.insert(self.last, message.clone());
        if let Some(client) = &mut self.client {
            client.send(message).await;
        }
    }

    /// Returns the ref up to which all requests are answered.
    fn acked(&self) -> u64 {
        self.unanswered.keys().next().map_or(self.last, |first| first - 1)
    }

    /// Reconnects, and sends unanswered requests again, in order.
    async fn reconnect(&mut self, server: &Server) {
        let streams: Map<String, Value> = self
            .streams
            .iter()
            .map(|(name, stream)| (name.clone(), json!([stream.epoch, stream.rev])))
            .collect();
        let mut client = Client::resume(server, &self.welcome, self.acked(), Value::Object(streams)).await;
        assert_eq!(client.welcome["resumed"], true);
        self.welcome = client.welcome.clone();
        let done = self.welcome["done"].as_array().unwrap();
        for (reference, message) in &self.unanswered {
            if !done.contains(&json!(reference)) {
                client.send(message.clone()).await;
            }
        }
        self.client = Some(client);
    }

    /// Reads one message.
    async fn read(&mut self) {
        let Some(client) = &mut self.client else { return };
        let Received::Message(message) = client.receive().await else { panic!("closed by the server") };
        self.receive(&message);
    }

    fn receive(&mut self, message: &Value) {
        let name = match (&message["componentId"], &message["topic"]) {
            (Value::String(id), _) => format!("c:{id}"),
            (_, Value::String(topic)) => format!("t:{topic}"),
            _ => String::new(),
        };
        match message["type"].as_str().unwrap() {
            kind @ ("COMPONENT_MOUNTED" | "STATE_SNAPSHOT") => {
                let state =
                    if kind == "STATE_SNAPSHOT" { &message["payload"] } else { &message["payload"]["state"] };
                let stream = Stream {
                    epoch: message["epoch"].clone(),
                    rev: message["rev"].as_u64().unwrap(),
                    state: state.as_object().unwrap().clone(),
                };
                self.streams.insert(name, stream);
            }
            "STATE_UPDATE" => {
                let stream = self.streams.get_mut(&name).expect("a patch is of something that the page has");
                let rev = message["rev"].as_u64().unwrap();
                assert_eq!(rev, stream.rev + 1, "a gap in {name}: {message}");
                stream.rev = rev;
                stream.state.extend(message["payload"].as_object().unwrap().clone());
            }
            "ACK" | "ERROR" | "PONG" => {}
            other => panic!("{other}"),
        }
        if let Some(reference) = message["ref"].as_u64() {
            self.unanswered.remove(&reference);
            let result =
                if message["type"] == "STATE_UPDATE" { &message["result"] } else { &message["payload"] };
            if message["type"] != "COMPONENT_MOUNTED" {
                let first = self.answers.entry(reference).or_insert_with(|| result.clone());
                assert_eq!(first, result, "one answer and then another");
            }
        }
    }
}

async fn drive_page(server: &Server, seed: u64) -> Page {
    let mut random = Random(seed);
    let mut page = Page::open(server).await;
    let mut asked = 0;
    while asked < ACTIONS || !page.unanswered.is_empty() {
        if page.client.is_none() {
            page.reconnect(server).await;
        }
        match random.below(10) {
            0..=4 if asked < ACTIONS => {
                asked += 1;
                if random.below(3) == 0 {
                    page.ask("COMPONENT_ACTION", "chat", json!([format!("{seed}:{asked}")]), Some("say"))
                        .await;
                } else {
                    page.ask("COMPONENT_ACTION", "lab", json!([]), Some("see")).await;
                }
            }
            5 if random.below(2) == 0 => {
                if let Some(client) = page.client.take() {
                    client.cut();
                }
            }
            6 => {
                // The request is sent twice, as by a client that does not know whether it arrived.
                if let (Some(client), Some(message)) = (&mut page.client, page.unanswered.values().next()) {
                    client.send(message.clone()).await;
                }
            }
            _ if !page.unanswered.is_empty() => page.read().await,
            _ => {}
        }
    }
    page
}

#[tokio::test]
async fn every_action_takes_effect_exactly_once_on_a_network_that_breaks() {
    let server = start().await;
    for round in 0..3 {
        let before = server.bench.runs.load(Ordering::SeqCst);
        let seeds = (0..PAGES).map(|page| round * 1_000 + page + 1);
        eprintln!("seeds {:?}", seeds.clone().collect::<Vec<_>>());
        let mut pages = futures_util::future::join_all(seeds.map(|seed| drive_page(&server, seed))).await;
        let mut seen = 0;
        for page in &mut pages {
            let mut client = page.client.take().unwrap();
            for message in client.drain().await {
                page.receive(&message);
            }
            client.send(json!({ "v": 1, "type": "RESYNC", "componentId": "lab" })).await;
            client.send(json!({ "v": 1, "type": "RESYNC", "topic": "chat/lobby" })).await;
            for name in ["c:lab", "t:chat/lobby"] {
                let snapshot = client.expect("STATE_SNAPSHOT").await;
                assert_eq!(snapshot["rev"], page.streams[name].rev, "{name}");
                assert_eq!(snapshot["payload"], Value::Object(page.streams[name].state.clone()), "{name}");
            }
            let lab = page.answers.values().filter(|answer| answer.is_u64()).count() as u64;
            assert_eq!(page.streams["c:lab"].state["seen"], lab);
            seen += lab;
            client.close(4000).await;
        }
        assert_eq!(server.bench.runs.load(Ordering::SeqCst) - before, seen);
        let room = server.runtime.topic::<crate::app::Room>("chat/lobby").await.unwrap();
        let said: Vec<String> = room.value().messages.iter().map(|message| message.text.clone()).collect();
        let mut once = said.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), said.len(), "nothing was said twice");
        let expected = (round + 1) * PAGES * ACTIONS as u64 - server.bench.runs.load(Ordering::SeqCst);
        assert_eq!(said.len() as u64, expected, "nothing that was said was lost");
    }
    assert!(server.runtime.stats().resumed > 20, "{}", server.runtime.stats().resumed);
}
