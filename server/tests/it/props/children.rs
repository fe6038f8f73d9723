//! Children: their mounts, their props, and their unmounts.

use std::time::Duration;

use serde_json::{Value, json};
use vivaz::prelude::*;
use vivaz::{Call, CallRequest, Limits};

use super::matrix::{Origin, mounted};
use super::{ADA, TARGET, child, page_of, state};
use crate::app::{limited, start, start_with};
use crate::client::{Client, assert_error};
use crate::paint::attributes;

#[tokio::test]
async fn a_child_follows_its_parent_and_its_topics_by_itself() {
    let server = start().await;
    let mut client = Client::hello_with(&server, ADA, json!({})).await;
    client.mount("p", "parent", json!({ "number": 1 })).await;
    for (id, place) in [("l1", json!([1, 1, 0])), ("l2", json!([1, 2, 0])), ("b", json!([2, 2, 0]))] {
        let mount = child(&mut client, id, &place);
        assert_eq!(client.ask(mount).await["type"], "COMPONENT_MOUNTED", "{id}");
    }
    let mount = client.message("COMPONENT_MOUNT", "bl", json!({ "parent": "b", "place": [0] }));
    assert_eq!(client.ask(mount).await["payload"]["state"]["label"], 2);
    assert_eq!(state(&mut client, "l1").await, json!({ "label": 10, "who": "ada" }));
    client.act("p", "raise", json!([5])).await;
    assert_eq!(state(&mut client, "l1").await["label"], 15);
    assert_eq!(state(&mut client, "l2").await["label"], 25);
    assert_eq!(state(&mut client, "bl").await["label"], 12);

    client.act("p", "toggle", json!([])).await;
    let mount = child(&mut client, "s", &json!([2, 1, 0]));
    assert_eq!(client.ask(mount).await["payload"]["state"]["label"], 6);
    // Another page changes the topic.
    let mut other = Client::hello(&server).await;
    other.mount("p", "parent", json!({})).await;
    other.act("p", "grow", json!([])).await;
    let told = loop {
        let message = client.next().await;
        if message["componentId"] == "s" {
            break message;
        }
    };
    assert_eq!(told["payload"], json!({ "label": 106 }));
    // The page may still send it.
    let update = client.message("PROPS_UPDATE", "s", json!({}));
    assert_eq!(client.ask(update).await["type"], "ACK");
}

#[tokio::test]
async fn a_resume_compares_the_props_of_children() {
    let server = start().await;
    let mut client = Client::open_with(&server, ADA).await.unwrap();
    client.send(json!({ "v": 1, "type": "HELLO", "payload": {} })).await;
    let welcome = client.expect("WELCOME").await;
    client.mount("p", "parent", json!({ "number": 1 })).await;
    client.act("p", "toggle", json!([])).await;
    let mount = child(&mut client, "s", &json!([2, 1, 0]));
    client.ask(mount).await;
    client.cut();
    let mut other = Client::hello(&server).await;
    other.mount("p", "parent", json!({})).await;
    other.act("p", "grow", json!([])).await;
    let mut client = Client::open_with(&server, ADA).await.unwrap();
    let hello = json!({
        "session": welcome["payload"]["session"], "resume": welcome["payload"]["resume"], "acked": 3, "streams": {},
    });
    client.send(json!({ "v": 1, "type": "HELLO", "payload": hello })).await;
    assert_eq!(client.expect("WELCOME").await["payload"]["resumed"], true);
    assert_eq!(state(&mut client, "s").await["label"], 101);
}

#[tokio::test]
async fn a_mount_waits_for_its_place_until_the_parent_has_handled_earlier_messages() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    client.mount("p", "parent", json!({})).await;
    let slowly = client.call("p", "open_slowly", json!([]));
    client.send(slowly.clone()).await;
    server.bench.entered.notified().await;
    let waits = child(&mut client, "later", &json!([2, 1, 0]));
    let never = child(&mut client, "never", &json!([1, 9, 0]));
    client.send(waits.clone()).await;
    client.send(never.clone()).await;
    // A mount whose parent already shows the child does not wait.
    let there = child(&mut client, "now", &json!([1, 1, 0]));
    assert_eq!(client.ask(there).await["type"], "COMPONENT_MOUNTED");
    server.bench.gate.notify_one();
    client.reply(&slowly["ref"]).await;
    let mut replies = std::collections::BTreeMap::new();
    while replies.len() < 2 {
        let reply = client.next().await;
        replies.insert(reply["ref"].as_u64().unwrap(), reply);
    }
    let later = &replies[&waits["ref"].as_u64().unwrap()];
    assert_eq!(later["type"], "COMPONENT_MOUNTED");
    assert_eq!(later["payload"]["state"]["label"], 0);
    assert_error(&replies[&never["ref"].as_u64().unwrap()], "not_mounted");
}

#[tokio::test]
async fn parent_and_child_may_be_mounted_in_one_flight() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    let parent = client.message("COMPONENT_MOUNT", "p", json!({ "component": "parent", "props": {} }));
    let leaf = child(&mut client, "l", &json!([1, 2, 0]));
    client.send_all([parent, leaf.clone()]).await.unwrap();
    assert_eq!(client.reply(&leaf["ref"]).await["payload"]["state"]["label"], 20);
    // Whole trees too, with the messages for their members.
    let mut client = Client::hello_with(&server, ADA, json!({})).await;
    let parent =
        client.message("COMPONENT_MOUNT", "p", json!({ "component": "parent", "props": { "number": 4 } }));
    let branch = child(&mut client, "b", &json!([2, 2, 0]));
    let leaf = client.message("COMPONENT_MOUNT", "l", json!({ "parent": "b", "place": [0] }));
    let twice = child(&mut client, "l", &json!([1, 1, 0]));
    let target = child(&mut client, "t", &json!(TARGET));
    let edit = client.message("PROPERTY_UPDATE", "t", json!({ "property": "draft", "value": 3 }));
    let props = client.message("PROPS_UPDATE", "l", json!({}));
    let lost = child(&mut client, "x", &json!([7]));
    let below = client.message("COMPONENT_MOUNT", "y", json!({ "parent": "x", "place": [0] }));
    let asked = client.message("PROPS_UPDATE", "y", json!({}));
    let flight = [&parent, &branch, &leaf, &twice, &target, &edit, &props, &lost, &below, &asked];
    client.send_all(flight.into_iter().cloned()).await.unwrap();
    let mut replies = std::collections::BTreeMap::new();
    while replies.len() < flight.len() {
        let reply = client.next().await;
        if let Some(reference) = reply["ref"].as_u64() {
            replies.insert(reference, reply);
        }
    }
    let reply = |message: &Value| &replies[&message["ref"].as_u64().unwrap()];
    assert_eq!(reply(&leaf)["payload"]["state"]["label"], 8);
    assert_eq!(reply(&edit)["payload"], json!({ "draft": 3 }));
    assert_eq!(reply(&props)["type"], "ACK");
    assert_error(reply(&twice), "duplicate_component");
    for message in [&lost, &below, &asked] {
        assert_error(reply(message), "not_mounted");
    }
    // A child of a parent that cannot be mounted is refused.
    let broken =
        client.message("COMPONENT_MOUNT", "q", json!({ "component": "parent", "props": { "number": "x" } }));
    let orphan = client.message("COMPONENT_MOUNT", "o", json!({ "parent": "q", "place": [0] }));
    client.send_all([broken.clone(), orphan.clone()]).await.unwrap();
    assert_error(&client.reply(&broken["ref"]).await, "bad_props");
    assert_error(&client.reply(&orphan["ref"]).await, "not_mounted");
}

#[tokio::test]
async fn a_child_is_not_mounted_at_a_wrong_place() {
    let server = start().await;
    let mut other = Client::hello(&server).await;
    other.mount("theirs", "parent", json!({})).await;
    let mut client = Client::hello(&server).await;
    client.mount("p", "parent", json!({})).await;
    client.mount("c", "counter", json!({})).await;
    let deep = Value::from(vec![1; 256]);
    for (parent, place) in [
        ("theirs", json!([0])),
        ("nobody", json!([0])),
        ("x", json!([0])),
        ("c", json!([0])),
        ("p", json!([])),
        ("p", json!([1])),
        ("p", json!([1, 3, 0])),
        ("p", json!([1, "1", 0])),
        ("p", json!([1, 1, 1])),
        ("p", json!([2, 1, 0])),
        ("p", json!([2, 3, 0])),
        ("p", json!([9])),
        ("p", json!([0, 0])),
        ("p", json!([-1])),
        ("p", json!([1e300])),
        ("p", json!([null])),
        ("p", json!(["x".repeat(10_000)])),
        ("p", deep),
    ] {
        let payload =
            json!({ "parent": parent, "place": place, "component": "leaf", "props": { "label": 1 } });
        let mount = client.message("COMPONENT_MOUNT", "x", payload);
        assert_error(&client.ask(mount).await, "not_mounted");
    }
    let mount =
        client.message("COMPONENT_MOUNT", "x", json!({ "component": "leaf", "props": { "label": 1 } }));
    assert_error(&client.ask(mount).await, "unknown_component");
    let mount = child(&mut client, "p", &json!([0]));
    assert_error(&client.ask(mount).await, "duplicate_component");
}

#[tokio::test]
async fn a_childs_seal_opens_with_its_parent_at_its_place_alone() {
    let server = start().await;
    let html = page_of(&server, "/parent").await;
    let seals = attributes(&html, "seal");
    let places = attributes(&html, "child");
    let place = |place: &str| format!("{{&quot;place&quot;:{place}}}");
    assert_eq!(places, ["[0]", "[1,1,0]", "[1,2,0]"].map(place));
    let mut client = Client::hello_with(&server, ADA, json!({})).await;
    let mut mount = async |id: &str, payload: Value| {
        let message = client.message("COMPONENT_MOUNT", id, payload);
        client.ask(message).await
    };
    assert_eq!(mount("p", json!({ "seal": seals[0] })).await["type"], "COMPONENT_MOUNTED");
    for seal in &seals[1..] {
        assert_error(&mount("x", json!({ "seal": seal })).await, "bad_seal");
    }
    let at = |seal: usize, place: Value| json!({ "parent": "p", "place": place, "seal": seals[seal] });
    for wrong in
        [at(1, json!([1, 1, 0])), at(2, json!([1, 2, 0])), at(3, json!([1, 1, 0])), at(0, json!([0]))]
    {
        assert_error(&mount("x", wrong).await, "bad_seal");
    }
    assert_error(&mount("x", at(2, json!([1, 7, 0]))).await, "not_mounted");
    assert_error(&mount("x", json!({ "parent": "p", "place": [0], "seal": "nonsense" })).await, "bad_seal");
    for (seal, place) in [(1, json!([0])), (2, json!([1, 1, 0])), (3, json!([1, 2, 0]))] {
        let mounted = mount(&format!("c{seal}"), at(seal, place)).await;
        assert_eq!(mounted["type"], "COMPONENT_MOUNTED");
    }
    // The parent has changed since the page was rendered, so its child changes too.
    let mut late = Client::hello_with(&server, ADA, json!({})).await;
    let parent = late.message("COMPONENT_MOUNT", "p", json!({ "seal": seals[0] }));
    late.ask(parent).await;
    late.act("p", "raise", json!([7])).await;
    let leaf = late.message("COMPONENT_MOUNT", "l", at(2, json!([1, 1, 0])));
    late.ask(leaf).await;
    assert_eq!(state(&mut late, "l").await["label"], 17);
}

#[tokio::test]
async fn unmounting_a_parent_unmounts_its_children() {
    let server = start().await;
    for how in ["page", "server"] {
        let mut client = Client::hello(&server).await;
        client.mount("p", "parent", json!({})).await;
        for (id, parent, place) in
            [("l", "p", json!([1, 1, 0])), ("b", "p", json!([2, 2, 0])), ("bl", "b", json!([0]))]
        {
            let mount = client.message("COMPONENT_MOUNT", id, json!({ "parent": parent, "place": place }));
            assert_eq!(client.ask(mount).await["type"], "COMPONENT_MOUNTED", "{id}");
        }
        let message = match how {
            "page" => client.message("COMPONENT_UNMOUNT", "p", Value::Null),
            _ => client.call("p", "close", json!([])),
        };
        client.send(message).await;
        let mut gone = Vec::new();
        while gone.len() < 3 {
            let message = client.next().await;
            let id = message["componentId"].as_str().unwrap_or_default().to_owned();
            if message["type"] == "COMPONENT_UNMOUNTED" && id != "p" {
                gone.push(id);
            }
        }
        gone.sort_unstable();
        assert_eq!(gone, ["b", "bl", "l"], "{how}");
        for id in ["l", "b", "bl"] {
            let late = client.message("PROPS_UPDATE", id, json!({}));
            assert_error(&client.ask(late).await, "not_mounted");
        }
        let mount = child(&mut client, "x", &json!([0]));
        assert_error(&client.ask(mount).await, "not_mounted");
    }
}

#[tokio::test]
async fn a_thousand_children_of_one_list_are_mounted_in_linear_time() {
    let limits = Limits { components: 2_000, burst: 10_000, in_flight: 2_000, ..Limits::default() };
    let server = limited(limits).await;
    let mut client = Client::hello(&server).await;
    client.mount("p", "parent", json!({})).await;
    client.act("p", "fill", json!([1_000])).await;
    let before = server.runtime.stats().parents_parsed;
    let mounts: Vec<Value> =
        (0..1_000).map(|id| child(&mut client, &format!("l{id}"), &json!([1, id, 0]))).collect();
    client.send_all(mounts.iter().cloned()).await.unwrap();
    for _ in 0..1_000 {
        assert_eq!(client.expect("COMPONENT_MOUNTED").await["payload"]["component"], "leaf");
    }
    assert_eq!(server.runtime.stats().parents_parsed - before, 1);
    // A change of all of them parses the parent's state only once, too.
    client.act("p", "raise", json!([1])).await;
    assert_eq!(state(&mut client, "l999").await["label"], 1_000);
    assert_eq!(server.runtime.stats().parents_parsed - before, 2);
}

#[tokio::test]
async fn middleware_sees_every_message_that_reaches_a_component() {
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let (log, refuse) = (seen.clone(), std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false)));
    let refuses = refuse.clone();
    let server = start_with(move |builder| {
        builder.middleware(move |call: Call| {
            log.lock().unwrap().push((call.component, call.request));
            let refused = refuses.load(std::sync::atomic::Ordering::SeqCst);
            async move { if refused { Err(ActionError::forbidden("not now")) } else { Ok(()) } }
        })
    })
    .await;
    let mut client = mounted(&server, Origin::Child).await;
    let mut act = client.call("t", "nothing", json!([]));
    act["set"] = json!({ "draft": 1 });
    let edit = client.message("PROPERTY_UPDATE", "t", json!({ "property": "draft", "value": 2 }));
    let props = client.message("PROPS_UPDATE", "t", json!({ "page": { "filter": 2 } }));
    for message in [act, edit, props] {
        assert_ne!(client.ask(message).await["type"], "ERROR");
    }
    let action = CallRequest::Action { name: "nothing".into(), edits: vec!["draft".into()] };
    let expected = vec![
        ("parent", CallRequest::Mount),
        ("target", CallRequest::Mount),
        ("target", action),
        ("target", CallRequest::Edit { field: "draft".into(), steps: [].into() }),
        ("target", CallRequest::Props),
    ];
    assert_eq!(*seen.lock().unwrap(), expected);
    refuse.store(true, std::sync::atomic::Ordering::SeqCst);
    let before = state(&mut client, "t").await;
    let edit = client.message("PROPERTY_UPDATE", "t", json!({ "property": "draft", "value": 3 }));
    let props = client.message("PROPS_UPDATE", "t", json!({ "page": { "filter": 3 } }));
    let mount = child(&mut client, "x", &json!([1, 1, 0]));
    let open = client.message("COMPONENT_MOUNT", "y", json!({ "component": "target" }));
    for message in [edit, props, mount, open] {
        assert_error(&client.ask(message).await, "forbidden");
    }
    assert_eq!(state(&mut client, "t").await, before);
    let unmount = client.message("COMPONENT_UNMOUNT", "t", Value::Null);
    assert_eq!(
        tokio::time::timeout(Duration::from_secs(20), client.ask(unmount)).await.unwrap()["type"],
        "ACK"
    );
}
