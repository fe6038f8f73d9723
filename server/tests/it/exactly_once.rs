//! An accepted request runs once, however often it is sent and whatever happens to the connection.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;
use vivaz::store::{SessionProgress, SessionState, SnapshotHead};
use vivaz::{Limits, MemoryStore, Save, SessionId, SessionStore};

use crate::app::{limited, start, start_with};
use crate::client::{Client, assert_error};
use crate::logs::Log;
use crate::restart::File;
use crate::stores::Faulty;

#[tokio::test]
async fn a_message_that_is_sent_again_gets_its_reply_again() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    client.mount("lab", "lab", json!({})).await;
    let see = client.call("lab", "see", json!([]));
    let first = client.ask(see.clone()).await;
    assert_eq!(first["type"], "STATE_UPDATE");
    let second = client.ask(see).await;
    assert_eq!(second["type"], "ACK", "a reply that is sent again carries no patch");
    assert_eq!(second["payload"], 1);
    let boom = client.call("lab", "boom", json!([]));
    assert_eq!(client.ask(boom.clone()).await, client.ask(boom).await);
    assert_eq!(server.bench.runs.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_mount_that_is_sent_again_is_answered_as_of_now() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    let mount = client.message("COMPONENT_MOUNT", "c", json!({ "component": "counter" }));
    client.ask(mount.clone()).await;
    client.act("c", "increment", json!([])).await;
    let again = client.ask(mount).await;
    assert_eq!((&again["type"], &again["rev"]), (&json!("COMPONENT_MOUNTED"), &json!(1)));
    assert_eq!(again["payload"]["state"]["count"], 1);
}

#[tokio::test]
async fn one_that_runs_is_not_run_again_and_answers_once() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    client.mount("lab", "lab", json!({})).await;
    let wait = client.call("lab", "wait", json!([]));
    client.send_all([wait.clone(), wait.clone(), wait]).await.unwrap();
    server.bench.entered.notified().await;
    server.bench.gate.notify_one();
    assert_eq!(client.expect("STATE_UPDATE").await["ref"], 2);
    assert!(client.drain().await.is_empty());
    assert_eq!(server.bench.runs.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_reply_that_is_acknowledged_or_too_old_is_lost_and_never_run_again() {
    let server = limited(Limits { kept_replies: 3, ..Limits::default() }).await;
    let mut client = Client::hello(&server).await;
    client.mount("lab", "lab", json!({})).await;
    let calls: Vec<_> = (0..5).map(|_| client.call("lab", "see", json!([]))).collect();
    for call in &calls {
        client.ask(call.clone()).await;
    }
    assert_error(&client.ask(calls[0].clone()).await, "reply_lost");
    assert_eq!(client.ask(calls[4].clone()).await["type"], "ACK");
    client.send(json!({ "v": 1, "type": "PING", "ack": 6 })).await;
    client.expect("PONG").await;
    assert_error(&client.ask(calls[4].clone()).await, "reply_lost");
    assert_eq!(server.bench.runs.load(Ordering::SeqCst), 5);
}

#[tokio::test]
async fn a_handler_that_runs_when_the_connection_breaks_finishes_and_its_reply_waits() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    let mounted = client.mount("lab", "lab", json!({})).await;
    let wait = client.call("lab", "wait", json!([]));
    client.send(wait.clone()).await;
    server.bench.entered.notified().await;
    let welcome = client.welcome.clone();
    client.cut();
    server
        .until(|server| server.runtime.stats().connections == 0 || server.runtime.stats().dropped == 1)
        .await;
    server.bench.gate.notify_one();
    let streams = json!({ "c:lab": [mounted["epoch"], 0] });
    let mut client = Client::resume(&server, &welcome, 1, streams).await;
    client.count_from(2);
    assert_eq!(client.welcome["resumed"], true);
    // The action may have finished before or after; in both cases there is one patch and one reply.
    client.send(wait).await;
    let mut seen = Vec::new();
    while !seen.iter().any(|message: &serde_json::Value| message["ref"] == 2) {
        seen.push(client.next().await);
    }
    seen.extend(client.drain().await);
    let patches = seen.iter().filter(|message| message["payload"]["seen"] == 1 && message["rev"] == 1);
    assert_eq!(patches.count(), 1, "{seen:?}");
    assert_eq!(server.bench.runs.load(Ordering::SeqCst), 1);
    assert_eq!(client.act("lab", "see", json!([])).await["rev"], 2);
}

#[tokio::test]
async fn replies_wait_for_the_client_in_order() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    let mounted = client.mount("lab", "lab", json!({})).await;
    for _ in 0..3 {
        client.act("lab", "see", json!([])).await;
    }
    client.act("lab", "refuse", json!([])).await;
    let welcome = client.welcome.clone();
    client.cut();
    // The client has received the replies up to 2, and the state up to its first patch.
    let streams = json!({ "c:lab": [mounted["epoch"], 1] });
    let mut client = Client::resume(&server, &welcome, 2, streams).await;
    assert_eq!(client.welcome["done"], json!([3, 4, 5]));
    for rev in 2..=3 {
        let patch = client.expect("STATE_UPDATE").await;
        assert_eq!((&patch["rev"], &patch["payload"]["seen"]), (&json!(rev), &json!(rev)));
        assert!(patch.get("ref").is_none());
    }
    for (reference, result) in [(3, 2), (4, 3)] {
        let ack = client.expect("ACK").await;
        assert_eq!((&ack["ref"], &ack["payload"]), (&json!(reference), &json!(result)));
    }
    assert_eq!(client.next().await["payload"]["code"], "action_failed");
    assert!(client.drain().await.is_empty());
}

#[tokio::test]
async fn a_message_whose_stored_reply_cannot_be_read_is_not_run_again() {
    let log = Log::default();
    let _collecting = log.collect();
    let file = File::new().await;
    let server = || {
        let database = Faulty::unregistered(file.database.clone());
        start_with(|builder| builder.store(database))
    };
    let first = server().await;
    let mut page = Client::hello(&first).await;
    let mount = page.message("COMPONENT_MOUNT", "c", json!({ "component": "steady", "props": {} }));
    let add = page.call("c", "add", json!([]));
    let unmount = page.message("COMPONENT_UNMOUNT", "c", json!(null));
    let messages = [mount, add, unmount];
    for message in &messages {
        assert_ne!(page.ask(message.clone()).await["type"], "ERROR");
    }
    file.execute("UPDATE vivaz_replies SET body = '{\"newer\":\"words\"}'").await;
    // After the second restart, the previous process has saved the reply again.
    let mut welcome = page.welcome.clone();
    for round in 1..=2 {
        let other = server().await;
        let mut back = Client::resume(&other, &welcome, 0, json!({})).await;
        assert_eq!((&back.welcome["resumed"], &back.welcome["done"]), (&json!(true), &json!([1, 2, 3])));
        // Kept replies are sent without a request.
        for message in &messages {
            assert_error(&back.reply(&message["ref"]).await, "reply_lost");
        }
        for message in &messages {
            assert_error(&back.ask(message.clone()).await, "reply_lost");
        }
        assert_eq!(other.bench.runs.load(Ordering::SeqCst), 0);
        assert_eq!(file.query("SELECT count(*) FROM vivaz_components").await, [0]);
        assert_eq!(log.text().matches("cannot decode stored replies").count(), round, "{}", log.text());
        welcome = back.welcome.clone();
        drop(back);
        other.runtime.shutdown().await;
        file.execute("DELETE FROM vivaz_replies").await;
    }
}

/// A committed request of a durable component does not run again, even if the session was saved
/// before it and the reply is no longer kept.
#[tokio::test]
async fn an_action_committed_after_the_last_save_is_not_run_again() {
    let store = MemoryStore::new();
    let start = async |store: &MemoryStore| {
        let store = store.clone();
        start_with(move |builder| builder.store(store).save(Save::Always)).await
    };
    let mut first = start(&store).await;
    let mut client = Client::hello(&first).await;
    client.mount("p", "safe-pulse", json!({})).await;
    let mut calls = Vec::new();
    for _ in 0..3 {
        let call = client.call("p", "count", json!([]));
        client.ask(call.clone()).await;
        calls.push(call);
    }
    let welcome = client.welcome.clone();
    client.cut();
    first.stop().await;

    let session = SessionId::new(welcome["session"].as_str().unwrap()).unwrap();
    let found = store.find(&session).await.unwrap().unwrap();
    let stored = store.claim(&session, &found.holder, &found).await.unwrap().unwrap();
    assert_eq!(stored.components[0].settled, 4);
    let progress = SessionProgress { last: 1, ..SessionProgress::default() };
    let (owner, secrets, fence) = (stored.owner, stored.secrets, stored.fence);
    let head = SnapshotHead { owner, secrets, progress, good_for: Duration::from_secs(3_600) };
    let (components, aside) = (stored.components, stored.aside);
    let whole = SessionState { session, fence, head, components, moving: Vec::new(), aside };
    assert!(store.save_whole(&found.holder, vec![whole]).await.unwrap().is_empty());

    let second = start(&store).await;
    let mut client = Client::resume(&second, &welcome, 1, json!({})).await;
    for call in calls {
        assert_error(&client.ask(call).await, "reply_lost");
    }
    client.count_from(4);
    assert_eq!(client.act("p", "count", json!([])).await["result"], 4);
}
