//! Properties inside of fields, written over real sockets.

use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vivaz::prelude::*;
use vivaz::{Call, CallRequest, Key, Limits};

use crate::app::{Server, limited, start, start_with};
use crate::client::{Client, ENCODINGS, assert_error};

#[derive(LiveState, Serialize, Deserialize, Clone)]
pub(crate) struct Task {
    id: u32,
    #[live(model)]
    text: String,
    price: u32,
    #[live(model)]
    notes: List<Note>,
}

#[derive(LiveState, Serialize, Deserialize, Clone)]
pub(crate) struct Note {
    id: String,
    #[live(model)]
    text: String,
}

#[derive(LiveComponent, Clone)]
#[live(name = "tasks", inline = "{{ log.len() }}", open)]
pub(crate) struct Tasks {
    #[live(model)]
    tasks: List<Task>,
    #[live(prop, default)]
    given: u32,
    #[live(default)]
    log: Vec<String>,
}

#[actions]
impl Tasks {
    fn mount() -> Self {
        let note = |id: &str| Note { id: id.into(), text: String::new() };
        let notes: List<Note> = ["a", "1"].map(note).into_iter().collect();
        let task = |id| Task { id, text: String::new(), price: 1, notes: notes.clone() };
        Self { tasks: (1..=3).map(task).collect(), given: 0, log: Vec::new() }
    }

    fn updated(&mut self, path: &str) {
        self.log.push(path.to_owned());
    }

    #[action]
    fn remove(&mut self, id: u32) {
        self.tasks.remove(id);
    }
}

async fn tasks(server: &Server, headers: &[(&str, &str)]) -> Client {
    let mut client = Client::hello_with(server, headers, json!({})).await;
    client.mount("t", "tasks", json!({})).await;
    client
}

fn write(client: &mut Client, property: Value, value: Value) -> Value {
    client.message("PROPERTY_UPDATE", "t", json!({ "property": property, "value": value }))
}

#[tokio::test]
async fn a_property_is_written_in_each_encoding() {
    let server = start().await;
    for headers in ENCODINGS {
        let mut client = tasks(&server, headers).await;
        let message = write(&mut client, json!(["tasks", 2, "text"]), json!("t"));
        let reply = client.ask(message).await;
        assert_eq!(reply["type"], "STATE_UPDATE", "{reply}");
        assert_eq!(
            reply["payload"],
            json!({ "tasks": { "$list": [["~", 2, { "text": "t" }]] }, "log": ["tasks.2.text"] })
        );
        let message = write(&mut client, json!(["tasks", 2, "notes", "1", "text"]), json!("n"));
        let reply = client.ask(message).await;
        assert_eq!(reply["payload"]["log"], json!(["tasks.2.text", "tasks.2.notes.1.text"]));
        for (property, code) in [
            (json!(["tasks", 9, "text"]), "unknown_item"),
            (json!(["tasks", "2", "text"]), "unknown_item"),
            (json!(["tasks", 2, "notes", 1, "text"]), "unknown_item"),
            (json!(["tasks", 2, "price"]), "read_only_property"),
            (json!(["tasks", 2, "id"]), "read_only_property"),
            (json!(["tasks", 2]), "read_only_property"),
            (json!(["tasks"]), "read_only_property"),
            (json!("tasks"), "read_only_property"),
            (json!(["given", "x"]), "read_only_property"),
            (json!(["tasks", 2, "text", "x"]), "unknown_property"),
            (json!(["tasks", 2, "nothing"]), "unknown_property"),
            (json!("tasks.2.text"), "unknown_property"),
            (json!([]), "malformed"),
            (json!([["tasks"]]), "malformed"),
            (json!(["tasks", { "id": 2 }, "text"]), "malformed"),
            (json!(["tasks", null, "text"]), "malformed"),
            (json!(["tasks", 2.5, "text"]), "malformed"),
            (json!(["tasks", u64::MAX, "text"]), "malformed"),
            (
                Value::from_iter(["tasks"].into_iter().map(Value::from).chain((0..10_000).map(Value::from))),
                "malformed",
            ),
        ] {
            // A well-formed message between them: malformed ones in a row close the connection.
            client.send(json!({ "v": 1, "type": "PING" })).await;
            client.expect("PONG").await;
            let message = write(&mut client, property.clone(), json!("x"));
            assert_error(&client.ask(message).await, code);
        }
        let message = write(&mut client, json!(["tasks", 2, "text"]), json!("t"));
        let reply = client.ask(message).await;
        assert_eq!(
            reply["payload"],
            json!({ "log": ["tasks.2.text", "tasks.2.notes.1.text", "tasks.2.text"] })
        );
    }
}

#[tokio::test]
async fn an_edit_of_an_item_that_was_removed_is_refused_and_done_once() {
    let server = start().await;
    let mut client = tasks(&server, &[]).await;
    let edit = write(&mut client, json!(["tasks", 1, "text"]), json!("mine"));
    client.ask(edit.clone()).await;
    client.act("t", "remove", json!([1])).await;
    let late = write(&mut client, json!(["tasks", 1, "text"]), json!("late"));
    assert_error(&client.ask(late).await, "unknown_item");
    // The first one is repeated: it gets the same reply, and does not run again.
    client.send(edit).await;
    assert_eq!(client.expect("ACK").await["type"], "ACK");
}

#[tokio::test]
async fn middleware_sees_the_field_and_the_steps() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    let server = start_with(move |builder| {
        builder.middleware(move |call: Call| {
            let refused =
                matches!(&call.request, CallRequest::Edit { steps, .. } if steps.contains(&Key::Int(3)));
            log.lock().unwrap().push(call.request);
            async move { if refused { Err(ActionError::forbidden("not that one")) } else { Ok(()) } }
        })
    })
    .await;
    let mut client = tasks(&server, &[]).await;
    let message = write(&mut client, json!(["tasks", 1, "text"]), json!("x"));
    assert_eq!(client.ask(message).await["type"], "STATE_UPDATE");
    let message = write(&mut client, json!(["tasks", 3, "text"]), json!("x"));
    assert_error(&client.ask(message).await, "forbidden");
    let edit =
        |id| CallRequest::Edit { field: "tasks".into(), steps: [Key::Int(id), Key::of("text")].into() };
    assert_eq!(*seen.lock().unwrap(), [CallRequest::Mount, edit(1), edit(3)]);
}

#[tokio::test]
async fn values_and_components_are_bounded_as_everywhere() {
    let server =
        limited(Limits { value_bytes: 1_000, session_state_bytes: 2_000, ..Limits::default() }).await;
    let mut client = tasks(&server, &[]).await;
    let message = write(&mut client, json!(["tasks", 1, "text"]), json!("x".repeat(1_000)));
    assert_error(&client.ask(message).await, "too_large");
    for (id, code) in [(1, None), (2, Some("too_large")), (2, Some("too_large"))] {
        let message = write(&mut client, json!(["tasks", id, "text"]), json!("x".repeat(990)));
        let reply = client.ask(message).await;
        match code {
            Some(code) => assert_error(&reply, code),
            None => assert_eq!(reply["type"], "STATE_UPDATE", "{reply}"),
        }
    }
    // Refused messages are not counted.
    let message = write(&mut client, json!(["tasks", 1, "text"]), json!(""));
    assert_eq!(client.ask(message).await["type"], "STATE_UPDATE");
    let message = write(&mut client, json!(["tasks", 2, "text"]), json!("x".repeat(990)));
    assert_eq!(client.ask(message).await["type"], "STATE_UPDATE");
}
