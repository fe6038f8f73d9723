//! State that several pages show.

use serde_json::json;
use vivaz::Limits;

use crate::app::{Message, Room, limited, start};
use crate::client::{Client, assert_error};

#[tokio::test]
async fn all_subscribers_get_the_same_patch() {
    let server = start().await;
    let mut ada = Client::hello(&server).await;
    let mut bob = Client::hello(&server).await;
    for client in [&mut ada, &mut bob] {
        let mount = client.message("COMPONENT_MOUNT", "chat", json!({ "component": "chat" }));
        client.send(mount).await;
        let snapshot = client.expect("STATE_SNAPSHOT").await;
        assert_eq!(
            (&snapshot["topic"], &snapshot["payload"]),
            (&json!("chat/lobby"), &json!({ "messages": [] }))
        );
        let mounted = client.expect("COMPONENT_MOUNTED").await;
        assert_eq!(mounted["payload"]["topics"], json!({ "chat": "chat/lobby" }));
        assert_eq!(mounted["payload"]["state"], json!({ "sent": 0, "room": "lobby" }));
    }
    let reply = ada.act("chat", "say", json!(["hello"])).await;
    assert_eq!(reply["type"], "ACK", "the component's own state did not change");
    let seen = bob.expect("STATE_UPDATE").await;
    assert_eq!((&seen["topic"], &seen["rev"]), (&json!("chat/lobby"), &json!(1)));
    assert_eq!(seen["payload"], json!({ "messages": [{ "id": 1, "text": "hello" }] }));
}

#[tokio::test]
async fn a_second_component_needs_no_second_snapshot_and_the_last_one_gives_the_topic_up() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    client.mount("a", "chat", json!({})).await;
    let mount = client.message("COMPONENT_MOUNT", "b", json!({ "component": "chat" }));
    client.send(mount).await;
    client.expect("COMPONENT_MOUNTED").await;
    client.send(json!({ "v": 1, "type": "RESYNC", "topic": "chat/lobby" })).await;
    client.expect("STATE_SNAPSHOT").await;
    let unmount = client.message("COMPONENT_UNMOUNT", "a", json!(null));
    client.ask(unmount).await;
    let topic = server.runtime.topic::<Room>("chat/lobby").await.unwrap();
    topic.update(|room| room.messages.push(Message { id: 1, text: "hello".into() })).await.unwrap();
    assert_eq!(client.expect("STATE_UPDATE").await["topic"], "chat/lobby");
    let unmount = client.message("COMPONENT_UNMOUNT", "b", json!(null));
    client.ask(unmount).await;
    client.send(json!({ "v": 1, "type": "RESYNC", "topic": "chat/lobby" })).await;
    assert_error(&client.next().await, "forbidden");
}

#[tokio::test]
async fn all_components_of_a_topic_get_its_events() {
    let server = start().await;
    let mut ada = Client::hello(&server).await;
    let mut bob = Client::hello(&server).await;
    for client in [&mut ada, &mut bob] {
        client.mount("chat", "chat", json!({})).await;
    }
    let topic = server.runtime.topic::<Room>("chat/lobby").await.unwrap();
    topic.emit("waved", "hello").unwrap();
    for client in [&mut ada, &mut bob] {
        let event = client.expect("EVENT").await;
        assert_eq!(event["topic"], "chat/lobby");
        assert_eq!(event["payload"], json!({ "name": "waved", "data": "hello" }));
    }
}

#[tokio::test]
async fn new_props_may_lead_to_another_topic() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    client.mount("chat", "chat", json!({})).await;
    let message = client.message("PROPS_UPDATE", "chat", json!({ "props": { "room": "attic" } }));
    client.send(message).await;
    let snapshot = client.expect("STATE_SNAPSHOT").await;
    assert_eq!(snapshot["topic"], "chat/attic");
    let update = client.expect("STATE_UPDATE").await;
    assert_eq!(update["topics"], json!({ "chat": "chat/attic" }));
    assert_eq!(update["payload"], json!({ "room": "attic" }));
    client.send(json!({ "v": 1, "type": "RESYNC", "topic": "chat/lobby" })).await;
    assert_error(&client.next().await, "forbidden");
    let message = client.message("PROPS_UPDATE", "chat", json!({ "props": { "room": "private" } }));
    assert_error(&client.ask(message).await, "forbidden");
    client.send(json!({ "v": 1, "type": "RESYNC", "componentId": "chat" })).await;
    assert_eq!(client.expect("STATE_SNAPSHOT").await["payload"]["room"], "attic");
}

#[tokio::test]
async fn staged_changes_of_a_failed_action_are_not_published() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    client.mount("chat", "chat", json!({})).await;
    assert_error(&client.act("chat", "say_and_fail", json!(["never"])).await, "action_failed");
    client.send(json!({ "v": 1, "type": "RESYNC", "topic": "chat/lobby" })).await;
    let snapshot = client.expect("STATE_SNAPSHOT").await;
    assert_eq!((&snapshot["rev"], &snapshot["payload"]["messages"]), (&json!(0), &json!([])));
}

#[tokio::test]
async fn a_route_of_the_application_changes_open_pages() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    client.mount("chat", "chat", json!({})).await;
    let topic = server.runtime.topic::<Room>("chat/lobby").await.unwrap();
    topic.update(|room| room.messages.push(Message { id: 9, text: "from outside".into() })).await.unwrap();
    let update = client.expect("STATE_UPDATE").await;
    assert_eq!(update["payload"], json!({ "messages": [{ "id": 9, "text": "from outside" }] }));
    assert!(update.get("by").is_none());
}

#[tokio::test]
async fn a_resumed_page_gets_each_missed_patch() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    client.mount("chat", "chat", json!({})).await;
    let topic = server.runtime.topic::<Room>("chat/lobby").await.unwrap();
    let epoch = server.runtime.hub().get("chat/lobby").unwrap().epoch().to_string();
    let mut rev = 0_u64;
    for missed in 1..=3 {
        let welcome = client.welcome.clone();
        client.cut();
        server.until(|server| server.runtime.stats().connections == 0).await;
        let known = rev;
        for id in known + 1..=known + missed {
            let messages = vec![Message { id, text: "meanwhile".into() }];
            topic.update(move |room| room.messages = messages.clone()).await.unwrap();
        }
        client = Client::resume(&server, &welcome, 1, json!({ "t:chat/lobby": [epoch, known] })).await;
        assert_eq!(client.welcome["resumed"], true);
        for _ in 0..missed {
            rev += 1;
            let patch = client.expect("STATE_UPDATE").await;
            assert_eq!((&patch["topic"], &patch["rev"]), (&json!("chat/lobby"), &json!(rev)));
            assert_eq!(patch["payload"], json!({ "messages": [{ "id": rev, "text": "meanwhile" }] }));
        }
        assert!(client.drain().await.is_empty(), "after {missed}");
    }
}

#[tokio::test]
async fn a_slow_reader_costs_a_bounded_outbox_and_ends_where_the_topic_is() {
    let server = limited(Limits { outbox_bytes: 16 * 1024, ..Limits::default() }).await;
    let mut slow = Client::hello(&server).await;
    slow.mount("chat", "chat", json!({})).await;
    let topic = server.runtime.topic::<Room>("chat/lobby").await.unwrap();
    // Far more than the buffers of the sockets hold, while no client reads.
    for n in 0..250_u64 {
        topic
            .update(move |room| room.messages = vec![Message { id: n, text: "x".repeat(64 * 1024) }])
            .await
            .unwrap();
    }
    topic.update(|room| room.messages = vec![Message { id: 250, text: "last".into() }]).await.unwrap();
    let (mut state, mut rev, mut messages) = (json!({}), 0, 0);
    while state["messages"][0]["id"] != 250 {
        let message = slow.next().await;
        messages += 1;
        let now = message["rev"].as_u64().unwrap();
        match message["type"].as_str().unwrap() {
            "STATE_SNAPSHOT" => state = message["payload"].clone(),
            "STATE_UPDATE" => {
                assert_eq!(now, rev + 1, "a patch that does not fit");
                state = message["payload"].clone();
            }
            other => panic!("{other}"),
        }
        rev = now;
    }
    assert_eq!(rev, 251);
    assert!(messages < 250, "{messages}");
    assert_eq!(slow.act("chat", "say", json!(["hello"])).await["type"], "ACK");
}
