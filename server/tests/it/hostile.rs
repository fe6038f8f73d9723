//! Malicious clients: each receives an answer, and others are not affected.

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::Message;

use crate::app::{Server, start};
use crate::client::{Client, assert_error};

/// Another client, whose page must continue undisturbed.
async fn other_client(server: &Server) -> Client {
    let mut client = Client::hello(server).await;
    client.mount("c", "counter", json!({})).await;
    client
}

async fn check_responds(client: &mut Client) {
    let update = client.act("c", "increment", json!([])).await;
    assert_eq!(update["type"], "STATE_UPDATE");
}

#[tokio::test]
async fn malformed_messages_are_answered_and_ten_in_a_row_close_with_4400() {
    let server = start().await;
    let mut other = other_client(&server).await;
    let mut client = Client::hello(&server).await;
    let deep = format!(r#"{{"v":1,"type":"PING","payload":{}1{}}}"#, "[".repeat(70), "]".repeat(70));
    let bad = [
        "",
        "{",
        "[]",
        "null",
        r#"{"v":1}"#,
        r#"{"v":"1","type":"PING"}"#,
        r#"{"v":1,"type":5}"#,
        r#"{"v":1,"type":"PROPERTY_UPDATE","componentId":"c","payload":{"property":"x","value":1}}"#,
        &deep,
    ];
    for text in bad {
        client.send_text(text).await;
        assert_error(&client.next().await, "malformed");
    }
    // Nine; any well-formed message resets the count.
    client.drain().await;
    for text in bad {
        client.send_text(text).await;
        assert_error(&client.next().await, "malformed");
    }
    client.send_frame(Message::binary(vec![1, 2, 3])).await.unwrap();
    assert_error(&client.next().await, "malformed");
    assert_eq!(client.closed().await, 4400);
    check_responds(&mut other).await;
}

/// Well-formed JSON, but not a message that resets the count of malformed ones.
#[tokio::test]
async fn a_ping_whose_payload_is_no_value_is_malformed_too() {
    let server = start().await;
    let mut client = other_client(&server).await;
    let bad = r#"{"v":1,"type":"PING","payload":1e999}"#;
    for _ in 0..2 {
        for _ in 0..9 {
            client.send_text(bad).await;
            assert_error(&client.next().await, "malformed");
        }
        check_responds(&mut client).await;
    }
    for _ in 0..10 {
        client.send_text(bad).await;
        assert_error(&client.next().await, "malformed");
    }
    assert_eq!(client.closed().await, 4400);
}

#[tokio::test]
async fn a_malformed_message_with_a_ref_is_answered_to_it() {
    let server = start().await;
    let mut client = other_client(&server).await;
    let broken = r#"{"v":1,"type":"COMPONENT_ACTION","ref":9,"componentId":"c"}"#;
    client.send_text(broken).await;
    let error = client.next().await;
    assert_error(&error, "malformed");
    assert_eq!((&error["ref"], &error["componentId"]), (&json!(9), &json!("c")));
    // Its ref is used up too.
    client.send_text(broken).await;
    assert_eq!(client.next().await, error);
    client.send(json!({ "v": 1, "type": "COMPONENT_ACTION", "ref": 9, "componentId": "c", "action": "increment" })).await;
    assert_eq!(client.next().await, error);
}

#[tokio::test]
async fn unknown_types_are_named_and_unknown_fields_ignored() {
    let server = start().await;
    let mut client = other_client(&server).await;
    client.send(json!({ "v": 1, "type": "MAKE_TEA", "ref": 5 })).await;
    let error = client.next().await;
    assert_error(&error, "unknown_type");
    assert_eq!(error["ref"], 5);
    client.send(json!({ "v": 1, "type": "WELCOME" })).await;
    assert_error(&client.next().await, "unknown_type");
    client.send(json!({ "v": 1, "type": "PING", "colour": "red", "payload": { "x": 1 } })).await;
    assert_eq!(client.expect("PONG").await["payload"], json!({ "x": 1 }));
}

#[tokio::test]
async fn a_component_is_accessible_only_in_its_session() {
    let server = start().await;
    let mut other = other_client(&server).await;
    let mut client = Client::hello(&server).await;
    assert_error(&client.act("c", "increment", json!([])).await, "not_mounted");
    for id in ["../c", "c c", &"x".repeat(65), ""] {
        let call = client.call(id, "increment", json!([]));
        client.send(call).await;
        assert_error(&client.next().await, "malformed");
    }
    assert_eq!(other.act("c", "peek", json!([])).await["payload"], 0);
}

#[tokio::test]
async fn a_message_too_large_closes_with_1009_and_the_code_arrives() {
    let server = start().await;
    let mut other = other_client(&server).await;
    for size in [64 * 1024 + 1, 4 * 1024 * 1024] {
        let mut client = Client::hello(&server).await;
        // The server may close before all of it is written.
        let _ = client.send_frame(Message::text("x".repeat(size))).await;
        assert_eq!(client.closed().await, 1009, "{size}");
    }
    check_responds(&mut other).await;
}

#[tokio::test]
async fn a_message_as_large_as_allowed_is_taken() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    let around = json!({ "v": 1, "type": "PING", "payload": "" }).to_string().len();
    let text = "x".repeat(64 * 1024 - around);
    client.send(json!({ "v": 1, "type": "PING", "payload": text })).await;
    assert_eq!(client.expect("PONG").await["payload"], Value::from(text));
}

#[tokio::test]
async fn text_that_is_not_utf_8_closes_with_1007() {
    let server = start().await;
    let mut other = other_client(&server).await;
    let mut client = Client::hello(&server).await;
    // A masked text frame of two bytes with a mask of zero.
    client.stream().write_all(&[0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe]).await.unwrap();
    assert_eq!(client.closed().await, 1007);
    check_responds(&mut other).await;
}

#[tokio::test]
async fn frames_that_break_rfc_6455_close_with_1002() {
    let server = start().await;
    let mut other = other_client(&server).await;
    // Not masked; reserved bits; an unknown opcode; a fragmented ping.
    for frame in [
        &[0x81, 0x01, b'x'][..],
        &[0xf1, 0x80, 0, 0, 0, 0],
        &[0x83, 0x80, 0, 0, 0, 0],
        &[0x09, 0x80, 0, 0, 0, 0],
    ] {
        let mut client = Client::hello(&server).await;
        client.stream().write_all(frame).await.unwrap();
        assert_eq!(client.closed().await, 1002, "{frame:?}");
    }
    check_responds(&mut other).await;
}

#[tokio::test]
async fn forged_seals_are_bad_seals() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    for seal in ["", "x", &"A".repeat(200), "../../etc/passwd"] {
        let mount = client.message("COMPONENT_MOUNT", "c", json!({ "seal": seal }));
        assert_error(&client.ask(mount).await, "bad_seal");
    }
}

#[tokio::test]
async fn huge_and_odd_values_are_only_values() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    client.mount("c", "counter", json!({})).await;
    assert_eq!(client.act("c", "increment", json!([i64::MAX])).await["payload"]["count"], i64::MAX);
    assert_eq!(client.act("c", "increment", json!([5])).await["type"], "ACK", "saturated; nothing changed");
    for argument in ["1e400", "9223372036854775808", "-0.5", "\"\\u0000\"", "{}"] {
        let mut text = client.call("c", "increment", json!(["HERE"])).to_string();
        text = text.replace("\"HERE\"", argument);
        client.send_text(&text).await;
        let code = client.next().await["payload"]["code"].clone();
        assert!(code == "bad_arguments" || code == "malformed", "{argument}: {code}");
    }
    assert_eq!(client.act("c", "increment", json!([-1])).await["payload"]["count"], i64::MAX - 1);
}

#[tokio::test]
async fn a_hello_that_names_a_stream_twice_is_refused_and_the_session_stays() {
    let server = start().await;
    let mut client = other_client(&server).await;
    let (session, secret) = (client.welcome["session"].clone(), client.welcome["resume"].clone());
    let streams = vec![r#""c:c":["k",0]"#; 2_500].join(",");
    let hello = format!(
        r#"{{"v":1,"type":"HELLO","payload":{{"session":{session},"resume":{secret},"streams":{{{streams}}}}}}}"#
    );
    let mut other = Client::open(&server).await;
    other.send_text(&hello).await;
    assert_eq!(other.closed().await, 4400);
    check_responds(&mut client).await;
}
