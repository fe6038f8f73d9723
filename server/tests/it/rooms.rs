//! Events: rooms, broadcasts, tasks.

use serde_json::json;

use crate::app::start;
use crate::client::Client;

#[tokio::test]
async fn a_room_receives_events_without_their_sender() {
    let server = start().await;
    let mut ada = Client::hello(&server).await;
    let mut bob = Client::hello(&server).await;
    for client in [&mut ada, &mut bob] {
        client.mount("lab", "lab", json!({})).await;
        client.act("lab", "enter", json!(["kitchen"])).await;
    }
    ada.act("lab", "shout", json!(["kitchen", "tea"])).await;
    let (mut event, mut patch) = (bob.next().await, bob.next().await);
    if event["type"] != "EVENT" {
        std::mem::swap(&mut event, &mut patch);
    }
    assert_eq!(event["componentId"], "lab");
    assert_eq!(event["payload"], json!({ "name": "shouted", "data": "tea" }));
    assert_eq!(patch["payload"], json!({ "draft": "tea" }));
    assert!(patch.get("ref").is_none());
    assert!(ada.drain().await.is_empty());
    bob.act("lab", "exit", json!(["kitchen"])).await;
    ada.act("lab", "shout", json!(["kitchen", "cake"])).await;
    assert!(bob.drain().await.is_empty());
}

#[tokio::test]
async fn a_component_that_goes_leaves_its_rooms() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    for id in ["one", "two"] {
        client.mount(id, "lab", json!({})).await;
        client.act(id, "enter", json!(["kitchen"])).await;
    }
    let members = || -> Vec<_> {
        let members = server.runtime.hub().rooms().members("kitchen");
        members.into_iter().map(|(_, component)| component.to_string()).collect()
    };
    assert_eq!(members(), ["one", "two"]);
    let unmount = client.message("COMPONENT_UNMOUNT", "one", json!(null));
    client.ask(unmount).await;
    assert_eq!(members(), ["two"]);
}

#[tokio::test]
async fn the_application_sends_events_to_rooms_and_to_all_sessions() {
    let server = start().await;
    let mut inside = Client::hello(&server).await;
    let mut outside = Client::hello(&server).await;
    for client in [&mut inside, &mut outside] {
        client.mount("lab", "lab", json!({})).await;
    }
    inside.act("lab", "enter", json!(["kitchen"])).await;
    server.runtime.emit_to_room("kitchen", "shouted", &"fire").unwrap();
    let heard = [inside.next().await, inside.next().await];
    assert!(heard.iter().any(|message| message["payload"]["draft"] == "fire"), "{heard:?}");
    assert!(outside.drain().await.is_empty());
    server.runtime.broadcast("shouted", &"closing time").unwrap();
    for client in [&mut inside, &mut outside] {
        let heard = [client.next().await, client.next().await];
        assert!(heard.iter().any(|message| message["payload"]["data"] == "closing time"), "{heard:?}");
    }
}

#[tokio::test]
async fn a_broadcast_stays_in_its_tenant() {
    let server = start().await;
    let mut clients = Vec::new();
    for tenant in [None, Some("acme"), Some("globex")] {
        let headers: Vec<_> = tenant.map(|tenant| ("x-tenant", tenant)).into_iter().collect();
        let mut client = Client::hello_with(&server, &headers, json!({})).await;
        client.mount("lab", "lab", json!({})).await;
        clients.push(client);
    }
    server.runtime.broadcast("shouted", &"to nobody's").unwrap();
    server.runtime.broadcast_of("acme", "shouted", &"to acme").unwrap();
    server.runtime.broadcast_to_all_tenants("shouted", &"to all").unwrap();
    for (client, expected) in
        clients.iter_mut().zip([&["to nobody's", "to all"][..], &["to acme", "to all"], &["to all"]])
    {
        let heard = client.drain().await;
        let events = heard.iter().filter(|message| message["type"] == "EVENT");
        let events: Vec<_> = events.map(|message| message["payload"]["data"].clone()).collect();
        assert_eq!(events, expected);
    }
}

#[tokio::test]
async fn a_suspended_session_stays_in_its_rooms() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    let mounted = client.mount("lab", "lab", json!({})).await;
    client.act("lab", "enter", json!(["kitchen"])).await;
    let welcome = client.welcome.clone();
    client.cut();
    server.until(|server| server.runtime.stats().connections == 0).await;
    server.runtime.emit_to_room("kitchen", "shouted", &"meanwhile").unwrap();
    let streams = json!({ "c:lab": [mounted["epoch"], 0] });
    let mut client = Client::resume(&server, &welcome, 2, streams).await;
    // The component received it, before or after the page had resumed.
    let patch = loop {
        let message = client.next().await;
        if message["type"] == "STATE_UPDATE" {
            break message;
        }
    };
    assert_eq!((&patch["rev"], &patch["payload"]["draft"]), (&json!(1), &json!("meanwhile")));
}

#[tokio::test]
async fn the_result_of_a_task_is_an_event() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    client.mount("lab", "lab", json!({})).await;
    let reply = client.act("lab", "later", json!(["done"])).await;
    assert_eq!(reply["type"], "ACK");
    let patch = client.expect("STATE_UPDATE").await;
    assert_eq!(patch["payload"], json!({ "draft": "done" }));
}
