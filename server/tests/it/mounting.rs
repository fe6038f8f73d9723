//! Mounts and unmounts.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;
use vivaz::Limits;

use crate::app::{limited, start};
use crate::client::{Client, assert_error};

#[tokio::test]
async fn an_open_component_is_mounted_with_its_props() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    let mounted = client.mount("c1", "counter", json!({ "title": "Clicks" })).await;
    assert_eq!(mounted["type"], "COMPONENT_MOUNTED");
    assert_eq!(mounted["ref"], 1);
    assert_eq!(mounted["componentId"], "c1");
    assert_eq!(mounted["rev"], 0);
    assert!(mounted["epoch"].is_string());
    let payload = &mounted["payload"];
    assert_eq!(payload["component"], "counter");
    assert_eq!(payload["state"], json!({ "title": "Clicks", "count": 0 }));
    assert_eq!(payload["topics"], json!({}));
    let hash = payload["template"].as_str().unwrap();
    assert!(hash.len() == 32 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()));
    client.send(json!({ "v": 1, "type": "TEMPLATE", "payload": { "hash": hash } })).await;
    let template = client.expect("TEMPLATE").await;
    assert_eq!(template["payload"]["hash"], hash);
    assert!(template["payload"]["template"].is_object() || template["payload"]["template"].is_array());
}

#[tokio::test]
async fn a_failed_mount_reports_the_reason() {
    let server = limited(Limits { action_time: Duration::from_millis(50), ..Limits::default() }).await;
    let mut client = Client::hello(&server).await;
    for (component, props, code) in [
        ("nowhere", json!({}), "unknown_component"),
        ("closed", json!({}), "unknown_component"),
        ("counter", json!({ "count": "three" }), "bad_props"),
        ("counter", json!({ "colour": "red" }), "bad_props"),
        ("counter", json!([1]), "bad_props"),
        ("stillborn", json!({ "how": "panic" }), "panicked"),
        ("stillborn", json!({ "how": "hang" }), "timeout"),
        ("stillborn", json!({ "how": "user" }), "unauthenticated"),
        ("chat", json!({ "room": "private" }), "forbidden"),
    ] {
        let reply = client.mount("c", component, props.clone()).await;
        assert_error(&reply, code);
        assert_eq!(reply["componentId"], "c");
    }
    // The id is still free, and the session works.
    assert_eq!(client.mount("c", "counter", json!({})).await["type"], "COMPONENT_MOUNTED");
}

#[tokio::test]
async fn an_id_is_taken_once_and_free_again_after_unmount() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    let first = client.mount("c", "counter", json!({})).await;
    assert_error(&client.mount("c", "counter", json!({})).await, "duplicate_component");
    assert_eq!(client.act("c", "increment", json!([5])).await["payload"], json!({ "count": 5 }));
    let unmount = client.message("COMPONENT_UNMOUNT", "c", json!(null));
    assert_eq!(client.ask(unmount).await["type"], "ACK");
    assert_error(&client.act("c", "increment", json!([])).await, "not_mounted");
    let again = client.message("COMPONENT_UNMOUNT", "c", json!(null));
    assert_error(&client.ask(again).await, "not_mounted");
    let second = client.mount("c", "counter", json!({})).await;
    assert_eq!(second["payload"]["state"]["count"], 0);
    assert_ne!(first["epoch"], second["epoch"]);
}

#[tokio::test]
async fn a_session_has_so_many_components_and_no_more() {
    let server = limited(Limits { components: 2, ..Limits::default() }).await;
    let mut client = Client::hello(&server).await;
    client.mount("a", "counter", json!({})).await;
    client.mount("b", "counter", json!({})).await;
    assert_error(&client.mount("c", "counter", json!({})).await, "too_many_components");
    let unmount = client.message("COMPONENT_UNMOUNT", "a", json!(null));
    client.ask(unmount).await;
    assert_eq!(client.mount("c", "counter", json!({})).await["type"], "COMPONENT_MOUNTED");
}

#[tokio::test]
async fn requests_sent_right_after_a_mount_wait_for_it() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    let mount = client.message("COMPONENT_MOUNT", "c", json!({ "component": "counter" }));
    let calls: Vec<_> = (0..3).map(|_| client.call("c", "increment", json!([]))).collect();
    client.send_all([mount].into_iter().chain(calls)).await.unwrap();
    assert_eq!(client.expect("COMPONENT_MOUNTED").await["ref"], 1);
    for n in 1..=3 {
        let update = client.expect("STATE_UPDATE").await;
        assert_eq!((&update["ref"], &update["rev"]), (&json!(n + 1), &json!(n)));
        assert_eq!(update["payload"], json!({ "count": n }));
    }
    // If the mount fails, they fail with it.
    let mount =
        client.message("COMPONENT_MOUNT", "x", json!({ "component": "counter", "props": { "no": 1 } }));
    let call = client.call("x", "increment", json!([]));
    client.send_all([mount, call]).await.unwrap();
    assert_error(&client.next().await, "bad_props");
    assert_error(&client.next().await, "not_mounted");
}

#[tokio::test]
async fn lifecycle_methods_are_called_in_order() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    client.mount("lab", "lab", json!({})).await;
    assert_eq!(client.act("lab", "ran", json!([])).await["payload"], 1);
    let welcome = client.welcome.clone();
    client.cut();
    server.until(|server| server.bench.hooks.lock().unwrap().contains(&"disconnected")).await;
    let mut client = Client::resume(&server, &welcome, 2, json!({})).await;
    client.drain().await;
    client.close(4000).await;
    server.until(|server| server.runtime.stats().sessions == 0).await;
    assert_eq!(*server.bench.hooks.lock().unwrap(), ["connected", "disconnected", "resumed", "unmount"]);
}

#[tokio::test]
async fn a_component_can_unmount_itself() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    client.mount("lab", "lab", json!({})).await;
    let reply = client.act("lab", "close", json!([])).await;
    assert_eq!(reply["type"], "ACK");
    let gone = client.expect("COMPONENT_UNMOUNTED").await;
    assert_eq!((&gone["componentId"], &gone["payload"]["reason"]), (&json!("lab"), &json!("closed")));
    assert_error(&client.act("lab", "see", json!([])).await, "not_mounted");
    assert_eq!(server.bench.runs.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_session_that_waits_too_long_ends() {
    let limits = Limits { suspended_time: Duration::from_millis(30), ..Limits::default() };
    let server = limited(limits).await;
    let mut client = Client::hello(&server).await;
    client.mount("lab", "lab", json!({})).await;
    let welcome = client.welcome.clone();
    client.cut();
    server.until(|server| server.runtime.stats().sessions == 0).await;
    assert!(server.bench.hooks.lock().unwrap().contains(&"unmount"));
    let back = Client::resume(&server, &welcome, 0, json!({})).await;
    assert_eq!(back.welcome["resumed"], false);
}
