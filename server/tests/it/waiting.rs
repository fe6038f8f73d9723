//! The mount of a child that waits for its place in the queue of its parent, and the messages for
//! the child meanwhile.

use std::sync::Arc;

use serde_json::{Value, json};
use vivaz::prelude::*;

use crate::app::{Bench, Server, start};
use crate::client::{Client, assert_error};

/// Shows a room once it is open.
#[derive(LiveComponent, Clone)]
#[live(
    name = "ward",
    inline = "<div><section live:if='is_open'><live:sickroom></live:sickroom></section>\
              <section live:if='is_cold'><live:lamp></live:lamp></section></div>",
    children(Sickroom, Lamp),
    open
)]
struct Ward {
    #[live(default)]
    is_open: bool,
    #[live(default)]
    is_cold: bool,
}

#[actions]
impl Ward {
    /// Opens when the test lets it.
    #[action]
    async fn open(&mut self, cx: &mut Context) {
        let bench = cx.state::<Arc<Bench>>().clone();
        bench.entered.notify_one();
        bench.gate.notified().await;
        self.is_open = true;
    }
}

/// Has a child.
#[derive(LiveComponent, Clone)]
#[live(name = "sickroom", inline = "<div><live:lamp></live:lamp><p>{{ note }}</p></div>", children(Lamp))]
struct Sickroom {
    #[live(model, default)]
    note: String,
}

#[actions]
impl Sickroom {}

#[derive(LiveComponent, Clone)]
#[live(name = "lamp", inline = "<p>{{ is_on }}</p>")]
struct Lamp {
    #[live(default)]
    is_on: bool,
}

#[actions]
impl Lamp {
    #[action]
    fn turn(&mut self) -> bool {
        self.is_on = !self.is_on;
        self.is_on
    }
}

const ROOM: [u32; 3] = [0, 1, 0];
const NEVER: [u32; 3] = [1, 1, 0];

fn child(client: &mut Client, id: &str, parent: &str, place: &[u32]) -> Value {
    client.message("COMPONENT_MOUNT", id, json!({ "parent": parent, "place": place }))
}

fn note(client: &mut Client, id: &str) -> Value {
    client.message("PROPERTY_UPDATE", id, json!({ "property": "note", "value": "calm" }))
}

/// A page with a ward that is about to open.
async fn visit(server: &Server) -> Client {
    let mut client = Client::hello(server).await;
    client.mount("w", "ward", json!({})).await;
    let open = client.call("w", "open", json!([]));
    client.send(open).await;
    server.bench.entered.notified().await;
    client
}

/// Sends the messages, opens the ward, and returns the replies in the order of the messages.
async fn replies(server: &Server, client: &mut Client, messages: &[Value]) -> Vec<Value> {
    client.send_all(messages.iter().cloned()).await.unwrap();
    assert_eq!(client.drain().await, [] as [Value; 0], "all of them wait");
    server.bench.gate.notify_one();
    let mut replies = vec![Value::Null; messages.len()];
    while replies.iter().any(Value::is_null) {
        let reply = client.next().await;
        if let Some(at) = messages.iter().position(|message| message["ref"] == reply["ref"]) {
            replies[at] = reply;
        }
    }
    replies
}

#[tokio::test]
async fn messages_for_a_waiting_child_run_after_its_mount() {
    let server = start().await;
    let mut client = visit(&server).await;
    let messages = [
        child(&mut client, "never", "w", &NEVER),
        child(&mut client, "room", "w", &ROOM),
        note(&mut client, "room"),
        child(&mut client, "lamp", "room", &[0]),
        client.call("lamp", "turn", json!([])),
        note(&mut client, "never"),
        child(&mut client, "beneath", "never", &[0]),
    ];
    let replies = replies(&server, &mut client, &messages).await;
    assert_eq!(replies[1]["payload"]["component"], "sickroom");
    assert_eq!(replies[2]["payload"], json!({ "note": "calm" }));
    assert_eq!(replies[3]["payload"]["component"], "lamp");
    assert_eq!((&replies[4]["payload"], &replies[4]["result"]), (&json!({ "is_on": true }), &json!(true)));
    for reply in [&replies[0], &replies[5], &replies[6]] {
        assert_error(reply, "not_mounted");
    }
    assert_eq!(client.act("lamp", "turn", json!([])).await["result"], json!(false));
}

#[tokio::test]
async fn an_id_is_taken_while_the_mount_of_a_child_waits() {
    let server = start().await;
    let mut client = visit(&server).await;
    let room = child(&mut client, "room", "w", &ROOM);
    client.send(room.clone()).await;
    let again = child(&mut client, "room", "w", &ROOM);
    assert_error(&client.ask(again).await, "duplicate_component");
    assert_error(&client.mount("room", "counter", json!({})).await, "duplicate_component");
    server.bench.gate.notify_one();
    assert_eq!(client.reply(&room["ref"]).await["type"], "COMPONENT_MOUNTED");
}

#[tokio::test]
async fn a_mount_that_waits_for_a_removed_parent_is_refused() {
    let server = start().await;
    let mut client = visit(&server).await;
    let messages = [
        client.message("COMPONENT_UNMOUNT", "w", Value::Null),
        child(&mut client, "room", "w", &ROOM),
        note(&mut client, "room"),
        child(&mut client, "lamp", "room", &[0]),
        client.call("lamp", "turn", json!([])),
    ];
    let replies = replies(&server, &mut client, &messages).await;
    assert_eq!(replies[0]["type"], "ACK");
    for reply in &replies[1..] {
        assert_error(reply, "not_mounted");
    }
    // The ids are free again.
    for id in ["w", "room", "lamp"] {
        assert_eq!(client.mount(id, "counter", json!({})).await["type"], "COMPONENT_MOUNTED", "{id}");
    }
}
