//! The `ack` of a message: it takes effect if the message is accepted, and not if it is refused.

use serde_json::{Value, json};
use vivaz::Limits;

use crate::app::{Server, limited, start};
use crate::client::{Client, assert_error};

/// A client with the replies to two messages, neither of which it has acknowledged.
async fn greet(server: &Server) -> Client {
    let mut client = Client::hello(server).await;
    client.mount("lab", "lab", json!({})).await;
    client.act("lab", "echo", json!(["kept"])).await;
    client
}

/// Resumes the session, and returns whether it still keeps the reply to the second message.
async fn keeps(server: &Server, client: &Client) -> bool {
    let resumed = Client::resume(server, &client.welcome, 0, json!({})).await;
    assert_eq!(resumed.welcome["resumed"], true);
    resumed.welcome["done"].as_array().unwrap().contains(&json!(2))
}

fn message(kind: &str, more: Value) -> Value {
    let mut message = json!({ "v": 1, "type": kind, "ack": 2 });
    message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    message
}

#[tokio::test]
async fn the_ack_of_a_refused_message_is_ignored() {
    let server = limited(Limits { value_bytes: 100, ..Limits::default() }).await;
    let action = |more: Value| {
        let mut action =
            message("COMPONENT_ACTION", json!({ "ref": 3, "componentId": "lab", "action": "see" }));
        action.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        action
    };
    let mount = |id: &str, payload: Value| {
        message("COMPONENT_MOUNT", json!({ "ref": 3, "componentId": id, "payload": payload }))
    };
    let mut unanswered = action(json!({ "action": "none" }));
    unanswered.as_object_mut().unwrap().remove("ref");
    let mut unmounted = unanswered.clone();
    unmounted["componentId"] = json!("x");
    for (message, code) in [
        (message("HELLO", json!({})), "malformed"),
        (message("PING", json!({ "v": 2 })), "unsupported_version"),
        (message("WELCOME", json!({})), "unknown_type"),
        (message("TEMPLATE", json!({ "payload": 1 })), "malformed"),
        (message("TEMPLATE", json!({ "payload": { "hash": "none" } })), "bad_value"),
        (message("RESYNC", json!({ "componentId": "x" })), "not_mounted"),
        (message("RESYNC", json!({ "topic": "chat/x" })), "forbidden"),
        (unanswered, "unknown_action"),
        (unmounted, "not_mounted"),
        (action(json!({ "action": 7 })), "malformed"),
        (action(json!({ "set": { "draft": "x".repeat(100) } })), "too_large"),
        (action(json!({ "componentId": "x" })), "not_mounted"),
        (mount("lab", json!({ "component": "counter" })), "duplicate_component"),
        (mount("x", json!({ "component": "none" })), "unknown_component"),
        (mount("x", json!({ "seal": "none" })), "bad_seal"),
        (mount("x", json!({ "parent": "none", "place": [0] })), "not_mounted"),
        (message("COMPONENT_UNMOUNT", json!({ "ref": 3, "componentId": "x" })), "not_mounted"),
        (
            message(
                "PROPERTY_UPDATE",
                json!({ "ref": 3, "componentId": "x", "payload": { "property": "a", "value": 1 } }),
            ),
            "not_mounted",
        ),
        (message("PROPS_UPDATE", json!({ "ref": 3, "componentId": "x", "payload": {} })), "not_mounted"),
    ] {
        let mut client = greet(&server).await;
        client.send(message.clone()).await;
        assert_error(&client.next().await, code);
        assert!(keeps(&server, &client).await, "{message}");
    }
    let mut client = greet(&server).await;
    client.send_text(r#"{"v":1,"type":"PING","ack":2,"payload":1e999}"#).await;
    assert_error(&client.next().await, "malformed");
    assert!(keeps(&server, &client).await);
}

#[tokio::test]
async fn the_ack_of_a_message_beyond_a_limit_is_ignored() {
    let call = json!({ "ref": 3, "componentId": "lab", "action": "see" });
    let unanswered = json!({ "componentId": "lab", "action": "see" });
    let of_the_lab = json!({ "componentId": "lab" });
    // The messages until then use up the rate.
    let slow = Limits { messages_per_second: 1, burst: 2, ..Limits::default() };
    for message in [
        message("PING", json!({})),
        message("RESYNC", of_the_lab.clone()),
        message("TEMPLATE", json!({ "payload": { "hash": "none" } })),
        message("COMPONENT_ACTION", call.clone()),
        message("COMPONENT_ACTION", unanswered.clone()),
        message(
            "COMPONENT_MOUNT",
            json!({ "ref": 1, "componentId": "lab", "payload": { "component": "lab" } }),
        ),
    ] {
        // The first messages of a client use up the rate, unless the machine is slow.
        let server = limited(slow.clone()).await;
        let refused = async {
            loop {
                let mut client = greet(&server).await;
                client.send(message.clone()).await;
                if client.next().await["payload"]["code"] == "rate_limited" {
                    return client;
                }
            }
        };
        assert!(keeps(&server, &refused.await).await, "{message}");
    }
    let server = limited(Limits { in_flight: 1, ..Limits::default() }).await;
    for message in [message("COMPONENT_ACTION", call), message("COMPONENT_ACTION", unanswered)] {
        let mut client = greet(&server).await;
        client.count_from(10);
        let wait = client.call("lab", "wait", json!([]));
        client.send(wait).await;
        let mut message = message;
        if message.get("ref").is_some() {
            message["ref"] = json!(12);
        }
        client.send(message.clone()).await;
        assert_error(&client.next().await, "overloaded");
        assert!(keeps(&server, &client).await, "{message}");
    }
    let server = limited(Limits { resync_bytes: 1, ..Limits::default() }).await;
    let mut client = greet(&server).await;
    client.send(json!({ "v": 1, "type": "RESYNC", "componentId": "lab" })).await;
    client.expect("STATE_SNAPSHOT").await;
    client.send(message("RESYNC", of_the_lab)).await;
    assert_error(&client.next().await, "rate_limited");
    assert!(keeps(&server, &client).await);
}

#[tokio::test]
async fn the_ack_of_any_accepted_message_takes_effect() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    let hash = client.mount("lab", "lab", json!({})).await["payload"]["template"].clone();
    for message in [
        message("PING", json!({})),
        message("RESYNC", json!({ "componentId": "lab" })),
        message("TEMPLATE", json!({ "payload": { "hash": hash } })),
        message("COMPONENT_ACTION", json!({ "ref": 3, "componentId": "lab", "action": "see" })),
        message("COMPONENT_ACTION", json!({ "componentId": "lab", "action": "see" })),
        message(
            "COMPONENT_MOUNT",
            json!({ "ref": 3, "componentId": "c", "payload": { "component": "counter" } }),
        ),
        message("COMPONENT_UNMOUNT", json!({ "ref": 3, "componentId": "lab" })),
        message("PROPS_UPDATE", json!({ "ref": 3, "componentId": "lab", "payload": { "props": {} } })),
        message(
            "PROPERTY_UPDATE",
            json!({ "ref": 3, "componentId": "lab", "payload": { "property": "draft", "value": "x" } }),
        ),
    ] {
        let mut client = greet(&server).await;
        client.send(message.clone()).await;
        client.drain().await;
        assert!(!keeps(&server, &client).await, "{message}");
    }
}
