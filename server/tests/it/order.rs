//! The order of messages, and which jobs wait for which.

use std::sync::atomic::Ordering;

use serde_json::json;

use crate::app::start;
use crate::client::Client;

#[tokio::test]
async fn a_busy_component_delays_no_other_component() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    client.mount("lab", "lab", json!({})).await;
    client.mount("c", "counter", json!({})).await;
    let wait = client.call("lab", "wait", json!([]));
    let see = client.call("lab", "see", json!([]));
    let click = client.call("c", "increment", json!([]));
    client.send_all([wait, see, click]).await.unwrap();
    let first = client.next().await;
    assert_eq!((&first["ref"], &first["componentId"]), (&json!(5), &json!("c")));
    client.send(json!({ "v": 1, "type": "PING" })).await;
    client.expect("PONG").await;
    assert_eq!(server.bench.runs.load(Ordering::SeqCst), 1, "the second waits for the first");
    server.bench.gate.notify_one();
    let waited = client.next().await;
    assert_eq!(
        (&waited["ref"], &waited["payload"]["seen"], &waited["rev"]),
        (&json!(3), &json!(1), &json!(1))
    );
    let seen = client.next().await;
    assert_eq!((&seen["ref"], &seen["payload"]["seen"], &seen["rev"]), (&json!(4), &json!(2), &json!(2)));
}

#[tokio::test]
async fn while_a_component_is_busy_its_state_can_be_asked_for() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    client.mount("lab", "lab", json!({})).await;
    let wait = client.call("lab", "wait", json!([]));
    client.send(wait).await;
    client.send(json!({ "v": 1, "type": "RESYNC", "componentId": "lab" })).await;
    let snapshot = client.expect("STATE_SNAPSHOT").await;
    assert_eq!((&snapshot["rev"], &snapshot["payload"]["seen"]), (&json!(0), &json!(0)));
    server.bench.gate.notify_one();
    assert_eq!(client.expect("STATE_UPDATE").await["rev"], 1);
}

#[tokio::test]
async fn the_patch_of_a_topic_precedes_the_reply_of_the_action_that_caused_it() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    client.mount("chat", "chat", json!({})).await;
    for n in 1..=3 {
        let call = client.call("chat", "say_and_count", json!(["hello"]));
        let reference = call["ref"].clone();
        client.send(call).await;
        let topic = client.expect("STATE_UPDATE").await;
        assert_eq!((&topic["topic"], &topic["rev"]), (&json!("chat/lobby"), &json!(n)));
        let connection = client.welcome["connection"].as_str().unwrap();
        assert_eq!(topic["by"], format!("{connection}:{reference}"));
        assert!(topic.get("ref").is_none());
        let own = client.expect("STATE_UPDATE").await;
        assert_eq!(
            (&own["ref"], &own["payload"]["sent"], &own["result"]),
            (&reference, &json!(n), &json!(n))
        );
    }
}

#[tokio::test]
async fn replies_of_one_component_come_in_the_order_of_the_messages() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    client.mount("c", "counter", json!({})).await;
    let calls: Vec<_> = (0..100).map(|_| client.call("c", "increment", json!([]))).collect();
    client.send_all(calls).await.unwrap();
    for n in 1..=100 {
        let update = client.expect("STATE_UPDATE").await;
        assert_eq!((&update["ref"], &update["rev"]), (&json!(n + 1), &json!(n)));
    }
}
