//! The protocol in each encoding, together with pages that use JSON.

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;
use vivaz::testing::Moment;
use vivaz::{Limits, Runtime};

use crate::app::{Server, limited, start};
use crate::client::{Client, ENCODINGS, assert_error};

/// Returns a client for each encoding.
async fn hello_all(server: &Server) -> Vec<Client> {
    let mut clients = Vec::new();
    for offer in ENCODINGS {
        clients.push(Client::hello_with(server, offer, json!({})).await);
    }
    clients
}

/// Returns a client for each encoding in binary frames.
async fn hello_binary(server: &Server) -> Vec<Client> {
    let mut clients = Vec::new();
    for offer in ["vivaz.v1.msgpack", "vivaz.v1.compact.msgpack"] {
        clients.push(Client::hello_with(server, &[("sec-websocket-protocol", offer)], json!({})).await);
    }
    clients
}

#[tokio::test]
async fn all_messages_use_the_negotiated_encoding() {
    let server = start().await;
    for mut client in hello_all(&server).await {
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
    let mut clients = hello_all(&server).await;
    let mut author = Client::hello(&server).await;
    author.mount("chat", "chat", json!({})).await;
    for client in &mut clients {
        client.mount("chat", "chat", json!({})).await;
    }
    let long = "long".repeat(10_000);
    author.act("chat", "say", json!([long])).await;
    let asked = json!({ "v": 1, "type": "RESYNC", "topic": "chat/lobby" });
    author.send(asked.clone()).await;
    let snapshot = author.expect("STATE_SNAPSHOT").await;
    for client in &mut clients {
        let seen = client.expect("STATE_UPDATE").await;
        assert_eq!(seen["payload"], json!({ "messages": [{ "id": 1, "text": long }] }));
        client.send(asked.clone()).await;
        assert_eq!(client.expect("STATE_SNAPSHOT").await, snapshot);
    }
}

#[tokio::test]
async fn a_session_may_be_resumed_in_another_encoding() {
    let server = start().await;
    for mut client in hello_all(&server).await {
        let mounted = client.mount("c", "counter", json!({})).await;
        let mut welcome = client.welcome.clone();
        client.cut();
        for (count, offer) in (1..).zip(ENCODINGS) {
            let hello = json!({
                "session": welcome["session"], "resume": welcome["resume"], "acked": count,
                "streams": { "c:c": [mounted["epoch"], count - 1] },
            });
            let mut client = Client::hello_with(&server, offer, hello).await;
            welcome = client.welcome.clone();
            assert_eq!(welcome["resumed"], true);
            client.count_from(count);
            assert_eq!(client.act("c", "increment", json!([])).await["payload"], json!({ "count": count }));
            client.cut();
        }
    }
}

#[tokio::test]
async fn invalid_message_pack_is_malformed_and_json_always_works() {
    let server = start().await;
    let deep = [vec![0x91; 100], vec![0xc0]].concat();
    for mut client in hello_binary(&server).await {
        for frame in [&b"{\"v\":1}"[..], &[0xc1], &[0x81, 0xa1, b'v', 0x01], &[], &deep] {
            client.send_frame(Message::binary(frame.to_vec())).await.unwrap();
            assert_error(&client.next().await, "malformed");
        }
        client.send_text(r#"{"v":1,"type":"PING","payload":1}"#).await;
        assert_eq!(client.expect("PONG").await["payload"], 1);
    }
}

#[tokio::test]
async fn invalid_compact_messages_are_refused_and_the_refusal_names_them() {
    let server = start().await;
    let mut client =
        Client::hello_with(&server, &[("sec-websocket-protocol", "vivaz.v1.compact")], json!({})).await;
    for (text, code, reference) in [
        ("[]", "malformed", None),
        ("[99]", "unknown_type", None),
        ("[-1,0,7]", "unknown_type", None),
        (r#"[99,5000,"c1",{}]"#, "unknown_type", None),
        ("[9,7,nope]", "malformed", Some(7)),
        ("[1,8]", "malformed", Some(8)),
        (r#"[1,9,"c 1","a"]"#, "malformed", Some(9)),
        (r#"[1,10,"c1","a",]"#, "malformed", Some(10)),
        (r#"[1,11,"c1","a"]"#, "not_mounted", Some(11)),
        (r#"[17,"\ud800"]"#, "malformed", None),
        ("{}", "malformed", None),
    ] {
        client.send_text(text).await;
        let refused = client.next().await;
        assert_error(&refused, code);
        assert_eq!(refused["ref"].as_u64(), reference, "{text}: {refused}");
    }
    client.send_frame(Message::binary("[17,1]")).await.unwrap();
    assert_error(&client.next().await, "malformed");
    client.send_text("[17,1]").await;
    assert_eq!(client.expect("PONG").await["payload"], 1);
    // Only the negotiated form is accepted in addition to objects.
    let mut plain =
        Client::hello_with(&server, &[("sec-websocket-protocol", "vivaz.v1.json")], json!({})).await;
    plain.send_text("[17,1]").await;
    assert_error(&plain.next().await, "malformed");
}

/// Pages of the testing kit behave the same in each encoding, on a network that breaks.
#[tokio::test(start_paused = true)]
async fn pages_use_each_encoding() {
    for name in ["vivaz.v1.json", "vivaz.v1.msgpack", "vivaz.v1.compact", "vivaz.v1.compact.msgpack"] {
        let server = vivaz::testing::Server::new(Runtime::builder).with_subprotocol(name);
        let one = server.page();
        let counter = one.mount_open("counter", json!({})).await.unwrap();
        for count in 1..=3 {
            one.network().drop_at([Moment::BeforeSend, Moment::AfterSend, Moment::BeforeReply][count - 1]);
            counter.call("increment", ()).await.unwrap();
            assert_eq!(counter.state()["count"], count, "{name}");
        }
    }
}

#[tokio::test]
async fn a_message_may_be_as_large_as_its_json() {
    let server = limited(Limits { message_bytes: 1024, ..Limits::default() }).await;
    for mut client in hello_binary(&server).await {
        // Six hundred bytes, each of which is six bytes in JSON.
        client.send(json!({ "v": 1, "type": "PING", "payload": "\u{1}".repeat(600) })).await;
        assert_eq!(client.closed().await, 1009);
    }
}

#[tokio::test]
async fn a_message_that_one_encoding_cannot_represent_is_malformed_in_all() {
    let server = start().await;
    for mut client in hello_all(&server).await {
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
