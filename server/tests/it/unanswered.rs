//! Actions without a `ref`: run at most once, never answered.

use std::time::Duration;

use serde_json::{Value, json};
use vivaz::{Limits, MemoryStore};

use crate::app::{Server, limited, start, start_with};
use crate::client::{Client, ENCODINGS, assert_error};

fn action(id: &str, action: &str, arguments: Value) -> Value {
    json!({ "v": 1, "type": "COMPONENT_ACTION", "componentId": id, "action": action, "payload": arguments })
}

async fn hello(server: &Server, encoding: &[(&str, &str)]) -> Client {
    Client::hello_with(server, encoding, json!({})).await
}

#[tokio::test]
async fn it_runs_once_in_order_and_its_patch_has_no_ref() {
    let server = start().await;
    for encoding in ENCODINGS {
        let mut client = hello(&server, encoding).await;
        client.mount("c", "counter", json!({})).await;
        client.send(action("c", "increment", json!([5]))).await;
        assert_eq!(
            client.drain().await,
            [
                json!({ "v": 1, "type": "STATE_UPDATE", "componentId": "c", "rev": 1, "payload": { "count": 5 } })
            ]
        );
        // Between two with a ref, whose numbers it does not use.
        let before = client.call("c", "increment", json!([]));
        let after = client.call("c", "increment", json!([]));
        client.send(before).await;
        client.send(action("c", "increment", json!([10]))).await;
        client.send(after).await;
        let counts: Vec<_> = client.drain().await.iter().map(|one| one["payload"]["count"].clone()).collect();
        assert_eq!(counts, [6, 16, 17]);
    }
}

#[tokio::test]
async fn neither_its_value_nor_its_failure_is_answered() {
    let server = limited(Limits { action_time: Duration::from_millis(50), ..Limits::default() }).await;
    for encoding in ENCODINGS {
        let mut client = hello(&server, encoding).await;
        client.mount("lab", "lab", json!({})).await;
        for (name, arguments) in [
            ("nothing", json!([])),
            ("echo", json!(["a value"])),
            ("echo", json!([])),
            ("refuse", json!([])),
            ("fail", json!([])),
            ("boom", json!([])),
            ("forever", json!([])),
            ("experiment", json!([])),
            ("publish", json!([])),
        ] {
            client.send(action("lab", name, arguments)).await;
            // The following message has its reply, and this one has none.
            let ran = client.call("lab", "ran", json!([]));
            client.send(ran.clone()).await;
            let next = client.next().await;
            assert_eq!(next["ref"], ran["ref"], "{name}: {next}");
        }
        // A failed validation keeps its errors, although there is no reply.
        client.send(action("lab", "check", json!([]))).await;
        let said = client.drain().await;
        assert_eq!(said.len(), 1, "{said:?}");
        assert_eq!(said[0]["payload"], json!({ "errors": { "draft": ["is blank"] } }));
    }
}

#[tokio::test]
async fn it_is_refused_where_it_cannot_reach_a_method() {
    let server = start().await;
    for encoding in ENCODINGS {
        let mut client = hello(&server, encoding).await;
        client.mount("lab", "lab", json!({})).await;
        let mut edits = action("lab", "see", json!([]));
        edits["set"] = json!({ "draft": "x" });
        let mut nothing = action("lab", "see", json!([]));
        nothing["ref"] = Value::Null;
        for (message, code) in [
            (action("nobody", "see", json!([])), "not_mounted"),
            (action("lab", "nowhere", json!([])), "unknown_action"),
            (action("lab", "hidden", json!([])), "unknown_action"),
            (action("lab", "connected", json!([])), "unknown_action"),
            (edits, "malformed"),
            (nothing, "malformed"),
        ] {
            client.send(message.clone()).await;
            let error = client.next().await;
            assert_error(&error, code);
            assert!(error.get("ref").is_none(), "{error}");
            assert_eq!(error["componentId"], message["componentId"]);
        }
        assert_eq!(client.act("lab", "see", json!([])).await["result"], 1, "no part of it ran");
    }
}

#[tokio::test]
async fn every_other_message_needs_its_ref() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    client.mount("lab", "lab", json!({})).await;
    for (kind, payload) in [
        ("COMPONENT_MOUNT", json!({ "component": "lab" })),
        ("PROPERTY_UPDATE", json!({ "property": "draft", "value": "x" })),
        ("PROPS_UPDATE", json!({ "props": {} })),
        ("COMPONENT_UNMOUNT", json!({})),
    ] {
        let mut message = client.message(kind, "lab", payload);
        message.as_object_mut().unwrap().remove("ref");
        client.send(message).await;
        assert_error(&client.next().await, "malformed");
    }
}

#[tokio::test]
async fn it_counts_against_the_rate() {
    let server = limited(Limits { burst: 5, messages_per_second: 1, ..Limits::default() }).await;
    let mut client = Client::hello(&server).await;
    client.mount("c", "counter", json!({})).await;
    for _ in 0..10 {
        client.send(action("c", "increment", json!([]))).await;
    }
    let error = loop {
        let next = client.next().await;
        if next["type"] == "ERROR" {
            break next;
        }
    };
    assert_error(&error, "rate_limited");
    assert!(error.get("ref").is_none(), "{error}");
    assert!(error["payload"]["retryMs"].is_u64());
}

#[tokio::test]
async fn no_more_wait_than_may_be_in_flight() {
    let server = limited(Limits { in_flight: 3, ..Limits::default() }).await;
    let mut client = Client::hello(&server).await;
    client.mount("lab", "lab", json!({})).await;
    let waits = client.call("lab", "wait", json!([]));
    client.send(waits.clone()).await;
    server.bench.entered.notified().await;
    for _ in 0..5 {
        client.send(action("lab", "see", json!([]))).await;
    }
    let refused = client.drain().await;
    assert_eq!(refused.len(), 3, "{refused:?}");
    refused.iter().for_each(|error| assert_error(error, "overloaded"));
    server.bench.gate.notify_one();
    client.reply(&waits["ref"]).await;
    assert_eq!(client.act("lab", "see", json!([])).await["result"], 4, "the two that waited ran");
}

#[tokio::test]
async fn a_durable_component_has_no_such_action() {
    let server = start_with(|builder| builder.store(MemoryStore::new())).await;
    for encoding in ENCODINGS {
        let mut client = hello(&server, encoding).await;
        client.mount("steady", "steady", json!({})).await;
        client.send(action("steady", "add", json!([]))).await;
        let error = client.next().await;
        assert_error(&error, "unknown_action");
        assert!(error.get("ref").is_none(), "{error}");
    }
}
