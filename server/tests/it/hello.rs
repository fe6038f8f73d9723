//! `HELLO`, and invalid messages in its place.

use std::time::Duration;

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;
use vivaz::Limits;

use crate::app::{limited, start};
use crate::client::{Client, assert_error};

#[tokio::test]
async fn the_welcome_of_a_new_session_has_all_parameters() {
    let server = start().await;
    let client = Client::hello(&server).await;
    let welcome = &client.welcome;
    assert_eq!(welcome["resumed"], false);
    assert_eq!(welcome["done"], json!([]));
    assert_eq!(welcome["heartbeatMs"], 20_000);
    assert_eq!(welcome["build"], "test");
    assert_eq!(welcome["limits"], json!({ "messageBytes": 65_536, "components": 100, "inFlight": 128 }));
    for text in ["session", "resume", "connection"] {
        assert!(welcome[text].as_str().is_some_and(|text| text.len() >= 12), "{welcome}");
    }
    assert_eq!(server.runtime.stats().sessions, 1);
}

#[tokio::test]
async fn anything_else_first_closes_with_4400() {
    let server = start().await;
    for text in
        [r#"{"v":1,"type":"PING"}"#, "nonsense", r#"{"v":1}"#, "[]", r#"{"v":1,"type":"HELLO","payload":[]}"#]
    {
        let mut client = Client::open(&server).await;
        client.send_text(text).await;
        assert_eq!(client.closed().await, 4400, "{text}");
    }
    let mut client = Client::open(&server).await;
    client.send_frame(Message::binary(b"{}".to_vec())).await.unwrap();
    assert_eq!(client.closed().await, 4400);
}

#[tokio::test]
async fn another_version_closes_with_4426_and_later_is_an_error() {
    let server = start().await;
    let mut client = Client::open(&server).await;
    client.send(json!({ "v": 2, "type": "HELLO", "payload": {} })).await;
    assert_eq!(client.closed().await, 4426);
    let mut client = Client::hello(&server).await;
    client.send(json!({ "v": 2, "type": "COMPONENT_UNMOUNT", "ref": 7, "componentId": "c" })).await;
    let error = client.next().await;
    assert_error(&error, "unsupported_version");
    assert_eq!(error["ref"], 7);
}

#[tokio::test]
async fn silence_closes_with_4408() {
    let limits = Limits { hello_time: Duration::from_millis(50), ..Limits::default() };
    let server = limited(limits).await;
    let mut client = Client::open(&server).await;
    assert_eq!(client.closed().await, 4408);
    assert_eq!(server.runtime.stats().sessions, 0);
}

#[tokio::test]
async fn a_connection_without_a_sign_of_life_closes_with_4408() {
    let limits = Limits { heartbeat: Duration::from_millis(40), ..Limits::default() };
    let server = limited(limits).await;
    // A client that answers pings stays connected; this one sends nothing by itself.
    let mut quiet = Client::hello(&server).await;
    server.until(|server| server.runtime.stats().connections == 1).await;
    server.until(|server| server.runtime.stats().connections == 0).await;
    assert_eq!(quiet.closed().await, 4408);
}

#[tokio::test]
async fn a_refused_identity_closes_with_4401() {
    let server = start().await;
    let mut client = Client::open_with(&server, &[("x-refuse", "1")]).await.unwrap();
    assert_eq!(client.closed().await, 4401);
    let mut client = Client::open(&server).await;
    client.send(json!({ "v": 1, "type": "HELLO", "payload": { "auth": "wrong" } })).await;
    assert_eq!(client.closed().await, 4401);
}

#[tokio::test]
async fn hello_may_contain_authentication() {
    let server = start().await;
    let mut client = Client::hello_with(&server, &[], json!({ "auth": "ada" })).await;
    assert_eq!(client.mount("s", "stillborn", json!({ "how": "user" })).await["type"], "COMPONENT_MOUNTED");
    let mut client = Client::hello(&server).await;
    assert_error(&client.mount("s", "stillborn", json!({ "how": "user" })).await, "unauthenticated");
}

#[tokio::test]
async fn a_second_hello_is_malformed() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    client.send(json!({ "v": 1, "type": "HELLO", "payload": {} })).await;
    assert_error(&client.next().await, "malformed");
    client.drain().await;
}

#[tokio::test]
async fn a_full_server_closes_with_4503() {
    let server = limited(Limits { connections: 1, ..Limits::default() }).await;
    let first = Client::hello(&server).await;
    let mut second = Client::open(&server).await;
    assert_eq!(second.closed().await, 4503);
    first.close(4000).await;
    server.until(|server| server.runtime.stats().connections == 0).await;
    Client::hello(&server).await;
}

#[tokio::test]
async fn leaving_ends_the_session_and_anything_else_lets_it_wait() {
    let server = start().await;
    let leaver = Client::hello(&server).await;
    let waiter = Client::hello(&server).await;
    assert_eq!(server.runtime.stats().sessions, 2);
    leaver.close(4000).await;
    server.until(|server| server.runtime.stats().sessions == 1).await;
    let welcome = waiter.welcome.clone();
    waiter.close(1000).await;
    server.until(|server| server.runtime.stats().connections == 0).await;
    let back = Client::resume(&server, &welcome, 0, json!({})).await;
    assert_eq!(back.welcome["resumed"], true);
}
