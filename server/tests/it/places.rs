//! A child that its parent does not show any more receives no message until its place is back.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vivaz::prelude::*;
use vivaz::{Call, CallRequest};

use crate::app::{Bench, Server, start, start_with};
use crate::client::{Client, assert_error};
use crate::props::state;

/// A parent with a child in each kind of place that can go.
#[derive(LiveComponent, Clone)]
#[live(
    name = "house",
    inline = "<div live:local='near = false; word = 1'>\
              <section live:if='open'><live:lever filter='{{ word }}'></live:lever></section>\
              <ul><li live:for='r in rows' live:key='r'><live:lever></live:lever></li></ul>\
              <live:lever live:key='version'></live:lever>\
              <section live:if='near'><live:lever></live:lever></section>\
              <section live:if='sign.up'><live:lever></live:lever></section>\
              <section live:if='open'><live:hall></live:hall></section></div>",
    children(Lever, Hall),
    open
)]
struct House {
    #[live(default = true)]
    open: bool,
    #[live(default = vec![1])]
    rows: Vec<u32>,
    #[live(default)]
    version: u32,
    #[live(shared = "sign/one")]
    sign: Shared<Sign>,
}

#[actions]
impl House {
    #[action]
    fn close(&mut self) {
        self.open = false;
        self.rows.clear();
        self.version += 1;
        self.sign.update(|sign| sign.up = false);
    }

    #[action]
    fn reopen(&mut self) {
        self.open = true;
        self.rows = vec![1];
        self.version = 0;
        self.sign.update(|sign| sign.up = true);
    }

    #[action]
    async fn close_slowly(&mut self, cx: &mut Context) {
        let bench = cx.state::<Arc<Bench>>().clone();
        bench.entered.notify_one();
        bench.gate.notified().await;
        self.open = false;
    }

    #[action]
    fn take_down(&mut self) {
        self.sign.update(|sign| sign.up = false);
    }
}

/// Has a child.
#[derive(LiveComponent, Clone)]
#[live(name = "hall", inline = "<div><live:lever></live:lever></div>", children(Lever))]
struct Hall {}

#[actions]
impl Hall {}

/// Only some users may use it.
#[derive(LiveComponent, Clone)]
#[live(name = "lever", inline = "<p>{{ draft }} {{ filter }} {{ pulls }} {{ meter.value }}</p>")]
struct Lever {
    #[live(model, default)]
    draft: u32,
    #[live(prop, page, default)]
    filter: u32,
    #[live(default)]
    pulls: u32,
    #[live(shared = "meter/one")]
    meter: Shared<Meter>,
}

#[actions]
impl Lever {
    #[action]
    fn pull(&mut self) -> u32 {
        self.pulls += 1;
        self.pulls
    }

    #[action]
    async fn pull_slowly(&mut self, cx: &mut Context) -> u32 {
        let bench = cx.state::<Arc<Bench>>().clone();
        bench.entered.notify_one();
        bench.gate.notified().await;
        self.pull()
    }
}

/// Whether a part of the house is shown.
#[derive(LiveState, Serialize, Deserialize, Clone)]
struct Sign {
    up: bool,
}

impl Topic for Sign {
    type Key = String;

    async fn load(_key: &String, _cx: &TopicContext) -> Result<Self> {
        Ok(Self { up: true })
    }

    async fn authorize(_key: &String, _who: &Identity) -> Result<()> {
        Ok(())
    }
}

/// The visibility that only the lever controls.
#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
struct Meter {
    value: u32,
}

impl Topic for Meter {
    type Key = String;

    async fn load(_key: &String, _cx: &TopicContext) -> Result<Self> {
        Ok(Self::default())
    }

    async fn authorize(_key: &String, _who: &Identity) -> Result<()> {
        Ok(())
    }
}

/// The places that `close` removes, with the component whose child is there.
fn places() -> [(&'static str, &'static str, Value); 5] {
    [
        ("arm", "h", json!([0, 1, 0])),
        ("row", "h", json!([1, 1, 0])),
        ("key", "h", json!([2])),
        ("shared", "h", json!([4, 1, 0])),
        ("grandchild", "hall", json!([0])),
    ]
}

async fn mount_child(client: &mut Client, id: &str, parent: &str, place: &Value) {
    let mount = client.message("COMPONENT_MOUNT", id, json!({ "parent": parent, "place": place }));
    let reply = client.ask(mount).await;
    assert_eq!(reply["type"], "COMPONENT_MOUNTED", "{id}: {reply}");
}

/// A page with the house and all of its children.
async fn visit(server: &Server) -> Client {
    let mut client = Client::hello(server).await;
    client.mount("h", "house", json!({})).await;
    mount_child(&mut client, "hall", "h", &json!([5, 1, 0])).await;
    for (id, parent, place) in places() {
        mount_child(&mut client, id, parent, &place).await;
    }
    client
}

/// Every message for a mounted child that has to be refused.
fn messages(client: &mut Client, id: &str) -> Vec<Value> {
    let mut action = client.call(id, "pull", json!([]));
    action["set"] = json!({ "draft": 1 });
    vec![
        action,
        client.message("PROPERTY_UPDATE", id, json!({ "property": "draft", "value": 2 })),
        client.message("PROPS_UPDATE", id, json!({ "page": { "filter": 3 } })),
        client.message("PROPS_UPDATE", id, json!({})),
    ]
}

async fn resync(client: &mut Client, stream: Value) -> Value {
    let mut message = json!({ "v": 1, "type": "RESYNC" });
    message.as_object_mut().unwrap().extend(stream.as_object().unwrap().clone());
    client.send(message).await;
    loop {
        let message = client.next().await;
        if message["type"] == "STATE_SNAPSHOT" || message["type"] == "ERROR" {
            return message;
        }
    }
}

#[tokio::test]
async fn no_message_reaches_a_child_without_a_place() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    let server = start_with(move |builder| {
        builder.middleware(move |call: Call| {
            log.lock().unwrap().push((call.component, call.request));
            async { Ok(()) }
        })
    })
    .await;
    let mut client = visit(&server).await;
    client.act("h", "close", json!([])).await;
    seen.lock().unwrap().clear();
    for (id, ..) in places() {
        for message in messages(&mut client, id) {
            let reply = client.ask(message.clone()).await;
            assert_error(&reply, "not_mounted");
            let text = reply["payload"]["message"].as_str().unwrap();
            assert!(text.contains("does not show"), "{id} {message}: {text}");
        }
        assert_error(&resync(&mut client, json!({ "componentId": id })).await, "not_mounted");
    }
    // A child of a component that is itself not shown cannot be mounted either.
    let mount = client.message("COMPONENT_MOUNT", "new", json!({ "parent": "hall", "place": [0] }));
    assert_error(&client.ask(mount).await, "not_mounted");
    assert!(seen.lock().unwrap().iter().all(|(_, request)| *request == CallRequest::Mount), "{seen:?}");

    client.act("h", "reopen", json!([])).await;
    for (id, ..) in places() {
        assert_eq!(state(&mut client, id).await, json!({ "draft": 0, "filter": 0, "pulls": 0 }), "{id}");
        assert_eq!(client.act(id, "pull", json!([])).await["payload"]["pulls"], 1, "{id}");
    }
}

#[tokio::test]
async fn a_child_without_a_place_can_be_unmounted() {
    let server = start().await;
    let mut client = visit(&server).await;
    client.act("h", "close", json!([])).await;
    for (id, ..) in places() {
        let unmount = client.message("COMPONENT_UNMOUNT", id, Value::Null);
        assert_eq!(client.ask(unmount).await["type"], "ACK", "{id}");
    }
}

#[tokio::test]
async fn requests_accepted_before_the_place_was_removed_run_in_order() {
    let server = start().await;
    let mut client = visit(&server).await;
    // The parent has not handled it yet.
    let close = client.call("h", "close_slowly", json!([]));
    client.send(close.clone()).await;
    server.bench.entered.notified().await;
    assert_eq!(client.act("arm", "pull", json!([])).await["payload"]["pulls"], 1);
    server.bench.gate.notify_one();
    client.reply(&close["ref"]).await;
    assert_error(&client.act("arm", "pull", json!([])).await, "not_mounted");

    // The child has accepted them, and the parent finishes first.
    let mut client = visit(&server).await;
    let first = client.call("row", "pull_slowly", json!([]));
    let second = client.call("row", "pull", json!([]));
    client.send_all([first.clone(), second.clone()]).await.unwrap();
    server.bench.entered.notified().await;
    client.act("h", "close", json!([])).await;
    assert_error(&client.act("row", "pull", json!([])).await, "not_mounted");
    server.bench.gate.notify_one();
    for (message, pulls) in [(first, 1), (second, 2)] {
        let reply = client.reply(&message["ref"]).await;
        assert_eq!((&reply["type"], &reply["payload"]), (&json!("ACK"), &json!(pulls)));
    }
    // The page receives a snapshot when the child is shown again.
    client.act("h", "reopen", json!([])).await;
    assert_eq!(state(&mut client, "row").await["pulls"], 2);
}

#[tokio::test]
async fn a_topic_that_takes_the_place_away_counts_without_a_message_of_the_parent() {
    let server = start().await;
    let mut client = visit(&server).await;
    let mut other = Client::hello(&server).await;
    other.mount("h", "house", json!({})).await;
    other.act("h", "take_down", json!([])).await;
    assert_error(&client.act("shared", "pull", json!([])).await, "not_mounted");
    assert_eq!(client.act("arm", "pull", json!([])).await["payload"]["pulls"], 1);
}

#[tokio::test]
async fn a_place_that_the_page_chooses_stays_the_pages() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    client.mount("h", "house", json!({})).await;
    mount_child(&mut client, "near", "h", &json!([3, 1, 0])).await;
    client.act("h", "close", json!([])).await;
    assert_eq!(client.act("near", "pull", json!([])).await["payload"]["pulls"], 1);
}

#[tokio::test]
async fn no_state_of_a_hidden_child_and_its_topic_is_sent() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    client.mount("h", "house", json!({})).await;
    mount_child(&mut client, "arm", "h", &json!([0, 1, 0])).await;
    client.drain().await;
    client.act("h", "close", json!([])).await;
    server.runtime.topic::<Meter>("meter/one").await.unwrap().update(|meter| meter.value = 7).await.unwrap();
    let received = client.drain().await;
    assert!(!received.iter().any(|message| message["topic"] == "meter/one"), "{received:?}");
    assert_error(&resync(&mut client, json!({ "topic": "meter/one" })).await, "forbidden");
    // A resume does not send it either.
    let welcome = client.welcome.clone();
    client.cut();
    server.until(|server| server.runtime.stats().connections == 0).await;
    let mut client = Client::resume(&server, &welcome, 3, json!({ "c:arm": ["e", 0] })).await;
    client.count_from(100);
    let received = client.drain().await;
    let streams = ["componentId", "topic"];
    let of_child =
        |message: &Value| streams.iter().any(|key| ["arm", "meter/one"].iter().any(|id| message[key] == *id));
    assert!(!received.iter().any(of_child), "{received:?}");
    client.act("h", "reopen", json!([])).await;
    let received = tokio::time::timeout(Duration::from_secs(20), async {
        let mut received = Vec::new();
        while received.len() < 2 {
            received.extend(client.drain().await.into_iter().filter(of_child));
        }
        received
    });
    let received = received.await.unwrap();
    assert!(received.iter().all(|message| message["type"] == "STATE_SNAPSHOT"), "{received:?}");
    assert!(received.iter().any(|message| message["payload"]["value"] == 7), "{received:?}");
}

/// Another component may have the id of a removed child: it is not a child of the parent.
#[tokio::test]
async fn a_component_with_the_id_of_a_former_child_stays_when_the_parent_goes() {
    let server = start().await;
    let mut client = visit(&server).await;
    for (id, payload) in [("arm", Value::Null), ("h", Value::Null)] {
        let unmount = client.message("COMPONENT_UNMOUNT", id, payload);
        assert_eq!(client.ask(unmount).await["type"], "ACK", "{id}");
        if id == "arm" {
            client.mount(id, "counter", json!({})).await;
        }
    }
    assert_error(&client.act("row", "pull", json!([])).await, "not_mounted");
    assert_eq!(client.act("arm", "peek", json!([])).await["payload"], 0);
}

/// Shows a panel whose mount takes some time.
#[derive(LiveComponent, Clone)]
#[live(
    name = "lobby",
    inline = "<section live:if='is_open'><live:slow-panel></live:slow-panel></section>",
    children(SlowPanel),
    open
)]
struct Lobby {
    #[live(default = true)]
    is_open: bool,
}

#[actions]
impl Lobby {
    #[action]
    fn close(&mut self) {
        self.is_open = false;
    }
}

#[derive(LiveComponent, Clone)]
#[live(name = "slow-panel", inline = "<p>{{ words }}</p>")]
struct SlowPanel {
    #[live(default)]
    words: String,
}

#[actions]
impl SlowPanel {
    async fn mount(_props: SlowPanelProps, cx: &mut MountContext) -> Result<Self> {
        let bench = cx.state::<Arc<Bench>>().clone();
        bench.entered.notify_one();
        bench.gate.notified().await;
        Ok(Self { words: "inside".into() })
    }
}

#[tokio::test]
async fn a_child_whose_place_goes_while_it_is_mounted_is_not_sent() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    client.mount("l", "lobby", json!({})).await;
    let mount = client.message("COMPONENT_MOUNT", "p", json!({ "parent": "l", "place": [0, 1, 0] }));
    client.send(mount).await;
    server.bench.entered.notified().await;
    client.act("l", "close", json!([])).await;
    server.bench.gate.notify_one();
    assert_error(&client.next().await, "not_mounted");
    assert_eq!(client.act("l", "close", json!([])).await["type"], "ACK");
}
