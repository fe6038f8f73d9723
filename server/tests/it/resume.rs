//! Connections break, and sessions continue.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::Notify;

use vivaz::{MemoryStore, SessionId, SessionStore};

use crate::app::{Message, Room, start, start_with};
use crate::client::{Client, assert_error};

#[tokio::test]
async fn a_session_is_restored_completely() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    let counter = client.mount("c", "counter", json!({})).await;
    client.mount("chat", "chat", json!({})).await;
    client.mount("attic", "chat", json!({ "room": "attic" })).await;
    client.act("c", "increment", json!([])).await;
    let welcome = client.welcome.clone();
    client.cut();
    server.until(|server| server.runtime.stats().connections == 0).await;
    let topic = server.runtime.topic::<Room>("chat/lobby").await.unwrap();
    topic.update(|room| room.messages.push(Message { id: 1, text: "meanwhile".into() })).await.unwrap();
    let epoch = |topic: &str| server.runtime.hub().get(topic).unwrap().epoch().to_string();
    let streams = json!({
        "c:c": [counter["epoch"], 1],
        "t:chat/attic": [epoch("chat/attic"), 0],
        "t:chat/lobby": [epoch("chat/lobby"), 0],
    });
    let mut client = Client::resume(&server, &welcome, 4, streams).await;
    client.count_from(4);
    assert_eq!(client.welcome["resumed"], true);
    assert_eq!(client.welcome["session"], welcome["session"]);
    assert_ne!(client.welcome["resume"], welcome["resume"]);
    assert_ne!(client.welcome["connection"], welcome["connection"]);
    let missed = client.expect("STATE_UPDATE").await;
    assert_eq!((&missed["topic"], &missed["rev"]), (&json!("chat/lobby"), &json!(1)));
    assert!(client.drain().await.is_empty(), "no state that the page has is sent again");
    assert_eq!(client.act("c", "increment", json!([])).await["payload"]["count"], 2);
}

#[tokio::test]
async fn subscribers_too_far_behind_or_of_another_epoch_get_a_snapshot() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    let mounted = client.mount("c", "counter", json!({})).await;
    for _ in 0..60 {
        client.act("c", "increment", json!([])).await;
    }
    let mut welcome = client.welcome.clone();
    client.cut();
    for position in [json!([mounted["epoch"], 2]), json!(["another", 60]), json!([mounted["epoch"], 99])] {
        let mut client = Client::resume(&server, &welcome, 61, json!({ "c:c": position })).await;
        let snapshot = client.expect("STATE_SNAPSHOT").await;
        assert_eq!((&snapshot["rev"], &snapshot["payload"]["count"]), (&json!(60), &json!(60)));
        assert_eq!(snapshot["epoch"], mounted["epoch"]);
        welcome = client.welcome.clone();
        client.drain().await;
    }
}

/// A patch does not contain which topics a component shows: a page that missed such a change
/// receives the whole component.
#[tokio::test]
async fn a_page_that_missed_a_change_of_topic_gets_a_snapshot() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    let mounted = client.mount("c", "chat", json!({})).await;
    client.act("c", "say_and_count", json!(["one"])).await;
    let props = client.message("PROPS_UPDATE", "c", json!({ "props": { "room": "attic" } }));
    assert_eq!(client.ask(props).await["topics"], json!({ "chat": "chat/attic" }));
    assert_eq!(client.act("c", "say_and_count", json!(["two"])).await["rev"], 3);
    let mut welcome = client.welcome.clone();
    client.cut();
    for (known, kind) in [(1, "STATE_SNAPSHOT"), (2, "STATE_UPDATE")] {
        let streams = json!({ "c:c": [mounted["epoch"], known] });
        let mut client = Client::resume(&server, &welcome, 1, streams).await;
        let received = client.drain().await;
        let of_component: Vec<_> = received
            .iter()
            .filter(|one| one["componentId"] == "c" && one["rev"].is_u64())
            .map(|one| (one["type"].as_str().unwrap(), &one["rev"]))
            .collect();
        assert_eq!(of_component, [(kind, &json!(3))], "{known}: {received:?}");
        welcome = client.welcome.clone();
    }
}

/// The patches before a reply are kept until the client has acknowledged the reply.
#[tokio::test]
async fn patches_are_forgotten_with_the_reply_that_the_client_acknowledged() {
    let server = start().await;
    // The ref in a message, the ref in the `HELLO`, and whether the patches are dropped.
    for (ack, acked, is_forgotten) in [(1, 1, false), (3, 3, false), (4, 0, true), (0, 4, true), (0, 5, true)]
    {
        let mut client = Client::hello(&server).await;
        let mounted = client.mount("c", "counter", json!({})).await;
        for _ in 0..3 {
            client.act("c", "increment", json!([])).await;
        }
        if ack > 0 {
            client.send(json!({ "v": 1, "type": "PING", "ack": ack })).await;
            client.expect("PONG").await;
        }
        let welcome = client.welcome.clone();
        client.cut();
        let streams = json!({ "c:c": [mounted["epoch"], 1] });
        let mut client = Client::resume(&server, &welcome, acked, streams).await;
        let next = client.next().await;
        let expected = if is_forgotten { "STATE_SNAPSHOT" } else { "STATE_UPDATE" };
        assert_eq!(next["type"], expected, "{ack} {acked}: {next}");
    }
}

#[tokio::test]
async fn only_the_secret_and_the_same_user_resume_without_leaks() {
    let server = start().await;
    let client = Client::hello_with(&server, &[("x-user", "ada")], json!({})).await;
    let welcome = client.welcome.clone();
    client.cut();
    server.until(|server| server.runtime.stats().connections == 0).await;
    let hello = json!({ "session": welcome["session"], "resume": welcome["resume"] });
    let mut wrong = hello.clone();
    wrong["resume"] = "AAAAAAAAAAAAAAAAAAAAAA".into();
    let mut unknown = hello.clone();
    unknown["session"] = "nobody".into();
    for (headers, hello) in [
        (&[("x-user", "ada")][..], &wrong),
        (&[("x-user", "ada")][..], &unknown),
        (&[("x-user", "bob")][..], &hello),
        (&[][..], &hello),
    ] {
        let other = Client::hello_with(&server, headers, hello.clone()).await;
        assert_eq!(other.welcome["resumed"], false);
        assert_ne!(other.welcome["session"], welcome["session"]);
    }
    let back = Client::hello_with(&server, &[("x-user", "ada")], hello).await;
    assert_eq!(back.welcome["resumed"], true, "the session was untouched");
}

#[tokio::test]
async fn the_secret_before_is_good_until_a_message_has_come() {
    let server = start().await;
    let first = Client::hello(&server).await;
    let one = first.welcome.clone();
    first.cut();
    // The second WELCOME is lost.
    let second = Client::resume(&server, &one, 0, json!({})).await;
    let two = second.welcome.clone();
    second.cut();
    let mut third = Client::resume(&server, &one, 0, json!({})).await;
    assert_eq!(third.welcome["resumed"], true);
    let three = third.welcome.clone();
    third.drain().await;
    third.cut();
    for old in [&one, &two] {
        assert_eq!(Client::resume(&server, old, 0, json!({})).await.welcome["resumed"], false);
    }
    assert_eq!(Client::resume(&server, &three, 0, json!({})).await.welcome["resumed"], true);
}

#[tokio::test]
async fn a_second_connection_takes_the_session_over() {
    let server = start().await;
    let mut first = Client::hello(&server).await;
    let mounted = first.mount("c", "counter", json!({})).await;
    let streams = json!({ "c:c": [mounted["epoch"], 0] });
    let mut second = Client::resume(&server, &first.welcome, 1, streams).await;
    second.count_from(1);
    assert_eq!(second.welcome["resumed"], true);
    assert_eq!(first.closed().await, 4409);
    assert_eq!(second.act("c", "increment", json!([])).await["payload"]["count"], 1);
    let stats = server.runtime.stats();
    assert_eq!((stats.sessions, stats.take_overs, stats.resumed), (1, 1, 1));
}

#[tokio::test]
async fn a_take_over_does_not_stop_running_handlers() {
    let server = start().await;
    let mut first = Client::hello(&server).await;
    let mounted = first.mount("lab", "lab", json!({})).await;
    let wait = first.call("lab", "wait", json!([]));
    first.send(wait).await;
    server.bench.entered.notified().await;
    let streams = json!({ "c:lab": [mounted["epoch"], 0] });
    let mut second = Client::resume(&server, &first.welcome, 1, streams).await;
    assert_eq!(first.closed().await, 4409);
    server.bench.gate.notify_one();
    let reply = second.expect("STATE_UPDATE").await;
    assert_eq!((&reply["ref"], &reply["payload"]["seen"]), (&json!(2), &json!(1)));
}

#[tokio::test]
async fn many_that_resume_at_once_end_with_one_that_has_it() {
    let server = start().await;
    let mut first = Client::hello(&server).await;
    first.mount("c", "counter", json!({})).await;
    let (server, welcome) = (&server, &first.welcome.clone());
    let mut others =
        futures_util::future::join_all((0..8).map(|_| Client::resume(server, welcome, 1, json!({})))).await;
    others.retain(|other| other.welcome["resumed"] == true);
    assert!(!others.is_empty());
    server.until(|server| server.runtime.stats().connections <= 9 - others.len() as u64 + 1).await;
    let mut alive = 0;
    for other in &mut others {
        other.count_from(50);
        let call = other.call("c", "peek", json!([]));
        if other.send_frame(tokio_tungstenite::tungstenite::Message::text(call.to_string())).await.is_ok()
            && let crate::client::Received::Message(message) = other.receive().await
            && message["type"] == "ACK"
        {
            alive += 1;
        }
    }
    assert_eq!(alive, 1);
}

#[tokio::test]
async fn topics_are_authorised_again() {
    let server = start().await;
    let hello = json!({});
    let headers = [("x-user", "ada"), ("x-may", "private")];
    let mut client = Client::hello_with(&server, &headers, hello).await;
    let mounted = client.mount("p", "chat", json!({ "room": "private" })).await;
    assert_eq!(mounted["type"], "COMPONENT_MOUNTED");
    client.mount("c", "counter", json!({})).await;
    let welcome = client.welcome.clone();
    client.cut();
    server.until(|server| server.runtime.stats().connections == 0).await;
    let topic = server.runtime.topic::<Room>("chat/private").await.unwrap();
    topic.update(|room| room.messages.push(Message { id: 1, text: "hush".into() })).await.unwrap();
    let epoch = server.runtime.hub().get("chat/private").unwrap().epoch().to_string();
    let hello = json!({
        "session": welcome["session"], "resume": welcome["resume"], "acked": 2,
        "streams": { "c:p": [mounted["epoch"], 0], "t:chat/private": [epoch, 0] },
    });
    let mut client = Client::hello_with(&server, &[("x-user", "ada")], hello).await;
    client.count_from(2);
    assert_eq!(client.welcome["resumed"], true);
    let seen = client.drain().await;
    assert!(!format!("{seen:?}").contains("hush"), "{seen:?}");
    assert!(
        seen.iter().any(|message| message["type"] == "COMPONENT_UNMOUNTED" && message["componentId"] == "p")
    );
    assert_error(&client.act("p", "say", json!(["x"])).await, "not_mounted");
    assert_eq!(client.act("c", "increment", json!([])).await["payload"]["count"], 1);
}

/// The connection broke while the application identified the user, and the page had reconnected
/// before that.
#[tokio::test]
async fn a_hello_that_is_answered_late_does_not_take_the_session_from_a_later_one() {
    let (entered, gate) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (enters, opens) = (Arc::clone(&entered), Arc::clone(&gate));
    let server = start_with(|builder| {
        builder.hello(move |identity, auth| {
            let (entered, gate) = (Arc::clone(&enters), Arc::clone(&opens));
            async move {
                if auth.is_some() {
                    entered.notify_one();
                    gate.notified().await;
                }
                Ok(identity)
            }
        })
    })
    .await;
    let mut client = Client::hello(&server).await;
    client.mount("c", "counter", json!({})).await;
    let welcome = client.welcome.clone();
    client.cut();
    let hello = json!({ "session": welcome["session"], "resume": welcome["resume"], "acked": 1 });
    let mut slow = hello.clone();
    slow["auth"] = json!("slow");
    let mut late = Client::open(&server).await;
    late.send(json!({ "v": 1, "type": "HELLO", "payload": slow })).await;
    entered.notified().await;
    let mut back = Client::hello_with(&server, &[], hello).await;
    assert_eq!(back.welcome["resumed"], true);
    gate.notify_one();
    assert_eq!(late.closed().await, 4503);
    back.count_from(1);
    assert_eq!(back.act("c", "increment", json!([])).await["payload"]["count"], 1);
}

/// Not where the page has proved that it has the next secret, nor in another process on the same
/// store.
#[tokio::test]
async fn the_secret_before_is_good_in_no_process_once_the_page_has_spoken() {
    let memory = MemoryStore::new();
    let (one, two) = (memory.clone(), memory.clone());
    let here = start_with(move |builder| builder.store(one)).await;
    let there = start_with(move |builder| builder.store(two)).await;
    let mut client = Client::hello(&here).await;
    client.mount("c", "counter", json!({})).await;
    let before = client.welcome.clone();
    client.cut();
    let mut client = Client::resume(&here, &before, 1, json!({})).await;
    assert_eq!(client.welcome["resumed"], true);
    // By then the changes of the resume itself are written, with the previous secret.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    client.send(json!({ "v": 1, "type": "PING" })).await;
    client.expect("PONG").await;
    let session = SessionId::new(before["session"].as_str().unwrap()).unwrap();
    let is_written = async {
        while memory.find(&session).await.unwrap().unwrap().secrets.previous.is_some() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), is_written).await.expect("the secret before is forgotten");
    for server in [&here, &there] {
        let replayed = Client::resume(server, &before, 1, json!({})).await;
        assert_eq!(replayed.welcome["resumed"], false);
    }
}
