//! The protocol in MessagePack, together with pages that use JSON.

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;
use vivaz::Limits;

use crate::app::{Server, limited, start};
use crate::client::{Client, assert_error};

const PACKED: &[(&str, &str)] = &[("sec-websocket-protocol", "vivaz.v1.msgpack")];

async fn hello_msgpack(server: &Server) -> Client {
    Client::hello_with(server, PACKED, json!({})).await
}

#[tokio::test]
async fn all_messages_use_the_negotiated_encoding() {
    let server = start().await;
    let mut packed = hello_msgpack(&server).await;
    let mut plain = Client::hello(&server).await;
    for client in [&mut packed, &mut plain] {
        let mounted = client.mount("c", "counter", json!({ "count": 3, "title": "é\u{1}" })).await;
        assert_eq!(mounted["payload"]["state"], json!({ "count": 3, "title": "é\u{1}" }));
        let reply = client.act("c", "increment", json!([2])).await;
        assert_eq!(reply["payload"], json!({ "count": 5 }));
        assert_error(&client.act("c", "explode", json!([])).await, "unknown_action");
        client.send(json!({ "v": 1, "type": "PING", "payload": "there?" })).await;
        assert_eq!(client.expect("PONG").await["payload"], "there?");
    }
}

#[tokio::test]
async fn all_subscribers_have_the_same_state_and_long_snapshots_are_complete() {
    let server = start().await;
    let mut packed = hello_msgpack(&server).await;
    let mut plain = Client::hello(&server).await;
    packed.mount("chat", "chat", json!({})).await;
    plain.mount("chat", "chat", json!({})).await;
    let long = "long".repeat(10_000);
    plain.act("chat", "say", json!([long])).await;
    let seen = packed.expect("STATE_UPDATE").await;
    assert_eq!(seen["payload"], json!({ "messages": [{ "id": 1, "text": long }] }));
    let asked = json!({ "v": 1, "type": "RESYNC", "topic": "chat/lobby" });
    packed.send(asked.clone()).await;
    plain.send(asked).await;
    let snapshot = plain.expect("STATE_SNAPSHOT").await;
    assert_eq!(packed.expect("STATE_SNAPSHOT").await, snapshot);
}

#[tokio::test]
async fn a_session_may_be_resumed_in_another_encoding() {
    let server = start().await;
    let mut packed = hello_msgpack(&server).await;
    let mounted = packed.mount("c", "counter", json!({})).await;
    let welcome = packed.welcome.clone();
    packed.cut();
    let streams = json!({ "c:c": [mounted["epoch"], mounted["rev"]] });
    let mut plain = Client::resume(&server, &welcome, 1, streams).await;
    assert_eq!(plain.welcome["resumed"], true);
    plain.count_from(1);
    assert_eq!(plain.act("c", "increment", json!([])).await["payload"], json!({ "count": 1 }));
}

#[tokio::test]
async fn invalid_message_pack_is_malformed_and_json_always_works() {
    let server = start().await;
    let mut client = hello_msgpack(&server).await;
    let deep = [vec![0x91; 100], vec![0xc0]].concat();
    for frame in [&b"{\"v\":1}"[..], &[0xc1], &[0x81, 0xa1, b'v', 0x01], &[], &deep] {
        client.send_frame(Message::binary(frame.to_vec())).await.unwrap();
        assert_error(&client.next().await, "malformed");
    }
    client.send_text(r#"{"v":1,"type":"PING","payload":1}"#).await;
    assert_eq!(client.expect("PONG").await["payload"], 1);
}

#[tokio::test]
async fn a_message_may_be_as_large_as_its_json() {
    let server = limited(Limits { message_bytes: 1024, ..Limits::default() }).await;
    let mut client = hello_msgpack(&server).await;
    // Six hundred bytes, each of which is six bytes in JSON.
    client.send(json!({ "v": 1, "type": "PING", "payload": "\u{1}".repeat(600) })).await;
    assert_eq!(client.closed().await, 1009);
}

#[tokio::test]
async fn a_message_that_one_encoding_cannot_represent_is_malformed_in_all() {
    let server = start().await;
    for mut client in [Client::hello(&server).await, hello_msgpack(&server).await] {
        for payload in [r#""\ud800""#, r#"{"\udfff":1}"#, "1e999", "[-1e999]"] {
            client.send_text(&format!(r#"{{"v":1,"type":"PING","payload":{payload}}}"#)).await;
            assert_error(&client.next().await, "malformed");
        }
        client.send_text(r#"{"v":1,"type":"PING","payload":"\ud83d\ude00"}"#).await;
        assert_eq!(client.expect("PONG").await["payload"], "\u{1f600}");
        for _ in 0..10 {
            client.send_text(r#"{"v":1,"type":"PING","payload":1e999}"#).await;
        }
        assert_eq!(client.closed().await, 4400);
    }
}
