//! The limits of a client's messages.

use serde_json::json;
use vivaz::Limits;
use vivaz::prelude::*;
use vivaz_protocol::ClientType;

use crate::app::{limited, start};
use crate::client::{Client, Received, assert_error};

#[tokio::test]
async fn more_than_the_burst_is_refused_with_when_to_come_again() {
    let server = limited(Limits { messages_per_second: 1, burst: 5, ..Limits::default() }).await;
    let mut client = Client::hello(&server).await;
    client.mount("c", "counter", json!({})).await;
    let calls: Vec<_> = (0..30).map(|_| client.call("c", "increment", json!([]))).collect();
    client.send_all(calls.clone()).await.unwrap();
    let (mut taken, mut refused) = (0, 0);
    for call in &calls {
        let reply = client.next().await;
        assert_eq!(reply["ref"], call["ref"], "in order, without delay");
        if reply["type"] == "STATE_UPDATE" {
            taken += 1;
            assert_eq!(reply["payload"]["count"], taken);
        } else {
            refused += 1;
            assert_error(&reply, "rate_limited");
            assert_eq!(reply["componentId"], "c");
            let wait = reply["payload"]["retryMs"].as_u64().unwrap();
            assert!((1..=1_001).contains(&wait), "{wait}");
        }
    }
    assert!(taken >= 4 && refused > 0, "{taken} {refused}");
    assert_eq!(server.runtime.stats().rate_limited, refused);
}

/// Each of these is answered once, refused or not.
#[tokio::test]
async fn messages_without_a_ref_count_too() {
    for message in [
        json!({ "v": 1, "type": "PING", "payload": 1 }),
        json!({ "v": 1, "type": "RESYNC", "componentId": "nobody" }),
        json!({ "v": 1, "type": "TEMPLATE", "payload": { "hash": "none" } }),
    ] {
        let server = limited(Limits { messages_per_second: 1, burst: 5, ..Limits::default() }).await;
        let mut client = Client::hello(&server).await;
        client.send_all(vec![message.clone(); 30]).await.unwrap();
        let mut refused = 0;
        for _ in 0..30 {
            refused += u64::from(client.next().await["payload"]["code"] == "rate_limited");
        }
        assert!((1..=26).contains(&refused), "{message}: {refused}");
        assert_eq!(server.runtime.stats().rate_limited, refused);
    }
}

#[tokio::test]
async fn a_flood_closes_with_4429() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    client.mount("c", "counter", json!({})).await;
    let calls: Vec<_> = (0..3_000).map(|_| client.call("c", "peek", json!([]))).collect();
    // The server closes before all of it is written.
    let _ = client.send_all(calls).await;
    let mut refused = 0;
    let code = loop {
        match client.receive().await {
            Received::Message(message) if message["payload"]["code"] == "rate_limited" => refused += 1,
            Received::Message(_) => {}
            Received::Closed(code) => break code,
        }
    };
    assert_eq!(code, Some(4429));
    assert_eq!(refused, 1_000);
}

#[tokio::test]
async fn a_resumed_page_may_repeat_requests_in_flight_at_once() {
    let server =
        limited(Limits { messages_per_second: 1, burst: 3, in_flight: 10, ..Limits::default() }).await;
    let mut client = Client::hello(&server).await;
    client.mount("c", "counter", json!({})).await;
    let welcome = client.welcome.clone();
    client.cut();
    let mut client = Client::resume(&server, &welcome, 1, json!({})).await;
    client.count_from(1);
    for n in 1..=10 {
        assert_eq!(client.act("c", "increment", json!([])).await["payload"]["count"], n);
    }
}

#[tokio::test]
async fn more_in_flight_than_allowed_is_overloaded() {
    let server = limited(Limits { in_flight: 3, ..Limits::default() }).await;
    let mut client = Client::hello(&server).await;
    client.mount("lab", "lab", json!({})).await;
    let calls: Vec<_> = (0..4).map(|_| client.call("lab", "wait", json!([]))).collect();
    client.send_all(calls).await.unwrap();
    let error = client.next().await;
    assert_error(&error, "overloaded");
    assert_eq!(error["ref"], 5);
    assert!(error["payload"]["retryMs"].is_u64());
}

#[tokio::test]
async fn a_value_larger_than_a_field_may_take_is_too_large() {
    let server = limited(Limits { value_bytes: 100, ..Limits::default() }).await;
    let mut client = Client::hello(&server).await;
    client.mount("lab", "lab", json!({})).await;
    let long = "x".repeat(99);
    let write = client.message("PROPERTY_UPDATE", "lab", json!({ "property": "draft", "value": long }));
    assert_error(&client.ask(write).await, "too_large");
    let mut call = client.call("lab", "see", json!([]));
    call["set"] = json!({ "draft": long });
    assert_error(&client.ask(call).await, "too_large");
    let write =
        client.message("PROPERTY_UPDATE", "lab", json!({ "property": "draft", "value": "x".repeat(98) }));
    assert_eq!(client.ask(write).await["type"], "STATE_UPDATE");
}

/// Every message that writes into fields. A message type without a row does not compile.
#[tokio::test]
async fn a_value_is_bounded_whichever_message_brings_it() {
    for kind in ClientType::ALL {
        for bytes in [100, 101] {
            let server = limited(Limits { value_bytes: 100, ..Limits::default() }).await;
            let mut client = Client::hello(&server).await;
            client.mount("p", "poster", json!({})).await;
            let child = json!({ "parent": "p", "place": [0] });
            let mount = client.message("COMPONENT_MOUNT", "child", child);
            client.ask(mount).await;
            // With its quotes.
            let long = "x".repeat(bytes - 2);
            let messages = match kind {
                ClientType::Mount => vec![
                    client.message(
                        "COMPONENT_MOUNT",
                        "q",
                        json!({ "component": "poster", "props": { "size": 1, "text": long } }),
                    ),
                    client.message(
                        "COMPONENT_MOUNT",
                        "other",
                        json!({ "parent": "p", "place": [1], "page": { "text": long } }),
                    ),
                ],
                ClientType::Props => vec![
                    client.message("PROPS_UPDATE", "p", json!({ "props": { "size": 1, "text": long } })),
                    client.message("PROPS_UPDATE", "child", json!({ "page": { "text": long } })),
                ],
                ClientType::Property => {
                    vec![client.message("PROPERTY_UPDATE", "p", json!({ "property": "note", "value": long }))]
                }
                ClientType::Action => {
                    let mut call = client.call("p", "nothing", json!([]));
                    call["set"] = json!({ "note": long });
                    vec![call]
                }
                // These carry no value for a component.
                ClientType::Unmount
                | ClientType::Hello
                | ClientType::Resync
                | ClientType::Template
                | ClientType::Ping => continue,
            };
            for message in messages {
                let reply = client.ask(message.clone()).await;
                if bytes > 100 {
                    assert_error(&reply, "too_large");
                } else {
                    assert_ne!(reply["type"], "ERROR", "{message}: {reply}");
                }
            }
        }
    }
}

/// Accepts a text in every way.
#[derive(LiveComponent, Clone)]
#[live(
    name = "poster",
    inline = "<live:sticker text='{{ word }}'></live:sticker><live:sticker text='{{ word }}'></live:sticker>",
    open
)]
struct Poster {
    #[live(prop, default)]
    text: String,
    #[live(prop, default)]
    size: u32,
    #[live(model, default)]
    note: String,
    #[live(default)]
    word: String,
}

#[actions]
impl Poster {
    #[action]
    fn nothing(&mut self) {}
}

#[derive(LiveComponent, Clone)]
#[live(name = "sticker", inline = "<p>{{ text }}</p>")]
struct Sticker {
    #[live(prop, page, default)]
    text: String,
}

#[actions]
impl Sticker {}
