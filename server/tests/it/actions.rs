//! Actions, properties and props, and the errors with which they are refused.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};
use vivaz::{ActionError, Call, Limits};

use crate::app::{limited, start, start_with};
use crate::client::{Client, assert_error};

#[tokio::test]
async fn a_click_is_one_small_message_each_way() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    client.mount("c", "counter", json!({})).await;
    let update = client.act("c", "increment", json!([])).await;
    assert_eq!(
        update,
        json!({ "v": 1, "type": "STATE_UPDATE", "ref": 2, "componentId": "c", "rev": 1, "payload": { "count": 1 } })
    );
    assert!(update.to_string().len() <= 95, "{}", update.to_string().len());
}

#[tokio::test]
async fn arguments_come_as_an_array_or_alone_or_not_at_all() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    client.mount("c", "counter", json!({})).await;
    assert_eq!(client.act("c", "increment", json!([5])).await["payload"]["count"], 5);
    assert_eq!(client.act("c", "increment", json!(5)).await["payload"]["count"], 10);
    let mut absent = client.call("c", "increment", json!(null));
    absent.as_object_mut().unwrap().remove("payload");
    assert_eq!(client.ask(absent).await["payload"]["count"], 11);
    client.mount("lab", "lab", json!({})).await;
    for (sent, got) in [
        (json!([[1, 2]]), json!([1, 2])),
        (json!({ "a": [null] }), json!({ "a": [null] })),
        (json!("text"), json!("text")),
    ] {
        assert_eq!(client.act("lab", "echo", sent).await["payload"], got);
    }
}

#[tokio::test]
async fn a_result_is_in_the_patch_or_in_the_ack() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    client.mount("lab", "lab", json!({})).await;
    let changed = client.act("lab", "see", json!([])).await;
    assert_eq!((&changed["type"], &changed["result"]), (&json!("STATE_UPDATE"), &json!(1)));
    let unchanged = client.act("lab", "nothing", json!([])).await;
    assert_eq!(unchanged["type"], "ACK");
    assert!(unchanged.get("payload").is_none());
}

#[tokio::test]
async fn a_failure_does_not_change_the_state_and_reveals_no_details() {
    let server = limited(Limits { action_time: Duration::from_millis(50), ..Limits::default() }).await;
    let mut client = Client::hello(&server).await;
    client.mount("lab", "lab", json!({})).await;
    client.mount("c", "counter", json!({})).await;
    for (action, arguments, code) in [
        ("boom", json!([]), "panicked"),
        ("fail", json!([]), "action_failed"),
        ("refuse", json!([]), "action_failed"),
        ("forever", json!([]), "timeout"),
        ("nowhere", json!([]), "unknown_action"),
        ("hidden", json!([]), "unknown_action"),
        ("connected", json!([]), "unknown_action"),
        ("shouted", json!(["x"]), "unknown_action"),
        ("see", json!([1]), "bad_arguments"),
        ("echo", json!([]), "bad_arguments"),
        ("enter", json!([5]), "bad_arguments"),
        ("experiment", json!([]), "unauthenticated"),
    ] {
        assert_error(&client.act("lab", action, arguments).await, code);
    }
    assert_error(&client.act("c", "increment", json!(["many"])).await, "bad_arguments");
    assert_eq!(client.act("lab", "see", json!([])).await["payload"]["seen"], 1);
    assert_eq!(client.act("lab", "ran", json!([])).await["payload"], 1);
    let stats = server.runtime.stats();
    assert_eq!((stats.panics, stats.timeouts), (1, 1));
}

#[tokio::test]
async fn a_user_without_the_permission_is_forbidden() {
    let server = start().await;
    let mut client = Client::hello_with(&server, &[("x-user", "7")], json!({})).await;
    client.mount("lab", "lab", json!({})).await;
    assert_error(&client.act("lab", "experiment", json!([])).await, "forbidden");
    let headers = [("x-user", "7"), ("x-may", "experiment")];
    let mut client = Client::hello_with(&server, &headers, json!({})).await;
    client.mount("lab", "lab", json!({})).await;
    assert_eq!(client.act("lab", "experiment", json!([])).await["type"], "ACK");
}

#[tokio::test]
async fn failed_validation_names_the_fields_and_patches_them_first() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    client.mount("lab", "lab", json!({})).await;
    let call = client.call("lab", "check", json!([]));
    client.send(call).await;
    let patch = client.expect("STATE_UPDATE").await;
    assert!(patch.get("ref").is_none());
    assert_eq!(patch["payload"], json!({ "errors": { "draft": ["is blank"] } }));
    let error = client.next().await;
    assert_error(&error, "invalid");
    assert_eq!(error["payload"]["details"], json!({ "draft": ["is blank"] }));
}

#[tokio::test]
async fn a_page_writes_model_fields_and_no_others() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    client.mount("lab", "lab", json!({})).await;
    let write = |client: &mut Client, property: &str, value: Value| {
        client.message("PROPERTY_UPDATE", "lab", json!({ "property": property, "value": value }))
    };
    let message = write(&mut client, "draft", json!("hello"));
    let update = client.ask(message).await;
    assert_eq!((&update["type"], &update["payload"]), (&json!("STATE_UPDATE"), &json!({ "draft": "hello" })));
    let message = write(&mut client, "draft", json!("hello"));
    assert_eq!(client.ask(message).await["type"], "ACK");
    for (property, value, code) in [
        ("seen", json!(5), "read_only_property"),
        ("ran", json!(5), "unknown_property"),
        ("nowhere", json!(5), "unknown_property"),
        ("age", json!(-1), "bad_value"),
        ("age", json!("old"), "bad_value"),
        ("draft", json!(null), "bad_value"),
    ] {
        let message = write(&mut client, property, value);
        assert_error(&client.ask(message).await, code);
    }
}

#[tokio::test]
async fn edits_go_before_the_action_all_or_none() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    client.mount("lab", "lab", json!({})).await;
    let with_set = |client: &mut Client, action: &str, set: Value| {
        let mut message = client.call("lab", action, json!([]));
        message["set"] = set;
        message
    };
    let message = with_set(&mut client, "see", json!({ "draft": "a", "age": 7 }));
    assert_eq!(client.ask(message).await["payload"], json!({ "draft": "a", "age": 7, "seen": 1 }));
    let message = with_set(&mut client, "see", json!({ "draft": "b", "age": "old" }));
    assert_error(&client.ask(message).await, "bad_value");
    assert_eq!(server.bench.runs.load(Ordering::SeqCst), 1, "a refused edit refuses the action");
    // Accepted edits stay when the action fails: their patch is sent first, without a ref.
    let message = with_set(&mut client, "refuse", json!({ "draft": "c" }));
    client.send(message).await;
    let patch = client.expect("STATE_UPDATE").await;
    assert!(patch.get("ref").is_none());
    assert_eq!(patch["payload"], json!({ "draft": "c" }));
    assert_error(&client.next().await, "action_failed");
}

#[tokio::test]
async fn a_parent_gives_new_props() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    client.mount("c", "counter", json!({})).await;
    let message = client.message("PROPS_UPDATE", "c", json!({ "props": { "title": "New" } }));
    assert_eq!(client.ask(message).await["payload"], json!({ "title": "New" }));
    let message = client.message("PROPS_UPDATE", "c", json!({ "props": { "title": 5 } }));
    assert_error(&client.ask(message).await, "bad_props");
    let message = client.message("PROPS_UPDATE", "c", json!({ "props": { "colour": "red" } }));
    assert_error(&client.ask(message).await, "bad_props");
}

#[tokio::test]
async fn middleware_runs_before_every_action_in_order() {
    let server = start_with(|builder| {
        builder
            .middleware(|call: Call| async move {
                tokio::task::yield_now().await;
                if call.request.action() == Some("nothing") {
                    Err(ActionError::forbidden("first"))
                } else {
                    Ok(())
                }
            })
            .middleware(|call: Call| async move {
                if call.component == "lab" && call.request.action().is_some_and(|action| action != "see") {
                    return Err(ActionError::user("second"));
                }
                Ok(())
            })
    })
    .await;
    let mut client = Client::hello(&server).await;
    client.mount("lab", "lab", json!({})).await;
    assert_error(&client.act("lab", "nothing", json!([])).await, "forbidden");
    assert_error(&client.act("lab", "boom", json!([])).await, "action_failed");
    assert_eq!(client.act("lab", "see", json!([])).await["payload"]["seen"], 1);
}

#[tokio::test]
async fn a_snapshot_is_there_for_the_asking() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    let mounted = client.mount("c", "counter", json!({})).await;
    client.act("c", "increment", json!([])).await;
    client.send(json!({ "v": 1, "type": "RESYNC", "componentId": "c" })).await;
    let snapshot = client.expect("STATE_SNAPSHOT").await;
    assert_eq!(snapshot["payload"], json!({ "title": "Counter", "count": 1 }));
    assert_eq!((&snapshot["rev"], &snapshot["epoch"]), (&json!(1), &mounted["epoch"]));
    client.send(json!({ "v": 1, "type": "RESYNC", "componentId": "x" })).await;
    assert_error(&client.next().await, "not_mounted");
    client.send(json!({ "v": 1, "type": "RESYNC", "topic": "chat/lobby" })).await;
    assert_error(&client.next().await, "forbidden");
}
