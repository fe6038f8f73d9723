//! Pages that move between two processes on one store.

use std::time::Duration;

use serde_json::{Value, json};
use vivaz::{MemoryStore, Save, SessionStore};

use super::{Tab, pass, world};
use crate::app::start_with;
use crate::client::Client;
use crate::stores::Fault;

async fn processes() -> (MemoryStore, crate::app::Server, crate::app::Server) {
    let store = MemoryStore::new();
    let start = || {
        let store = store.clone();
        start_with(|builder| builder.store(store).save(Save::Every(Duration::from_millis(20))))
    };
    let (first, second) = (start().await, start().await);
    (store, first, second)
}

/// The state of a page after some time in one process.
async fn resume(server: &crate::app::Server, welcome: &Value, from: u64) -> Client {
    let mut client = Client::resume(server, welcome, from - 1, json!({})).await;
    assert_eq!(client.welcome["resumed"], true);
    client.drain().await;
    client.count_from(from);
    client
}

#[tokio::test]
async fn a_page_moves_between_two_processes_and_the_copy_that_is_left_ends() {
    let (store, first, second) = processes().await;
    let mut client = Client::hello(&first).await;
    client.mount("c", "counter", json!({})).await;
    client.mount("t", "steady", json!({})).await;
    let mut welcome = client.welcome.clone();
    let (mut from, mut left) = (3, client);
    for round in 1..=4 {
        let (here, there) = if round % 2 == 0 { (&first, &second) } else { (&second, &first) };
        let mut moved = resume(here, &welcome, from).await;
        assert_eq!(moved.act("t", "add", json!([])).await["result"], round);
        moved.act("c", "increment", json!([])).await;
        // The page's old connection is still open. Any message on it is answered with the code of a
        // takeover.
        let call = match round {
            1 => left.call("t", "add", json!([])),
            2 => left.call("c", "increment", json!([])),
            3 => left.message("COMPONENT_MOUNT", "n", json!({ "component": "counter", "props": {} })),
            _ => left.message("COMPONENT_UNMOUNT", "c", Value::Null),
        };
        left.send(call).await;
        assert_eq!(left.closed().await, 4409, "{round}");
        there.until(|server| server.runtime.stats().sessions == 0).await;
        assert_eq!(store.len(), 1, "nothing was deleted");
        (welcome, left, from) = (moved.welcome.clone(), moved, from + 2);
    }
    assert_eq!(left.act("t", "add", json!([])).await["result"], 5);
    left.close(4000).await;
    first.until(|_| store.is_empty()).await;
}

#[tokio::test]
async fn a_copy_that_waits_in_the_process_that_was_left_is_no_obstacle() {
    let (store, first, second) = processes().await;
    let mut client = Client::hello(&first).await;
    client.mount("c", "counter", json!({})).await;
    client.mount("t", "steady", json!({})).await;
    let welcome = client.welcome.clone();
    client.cut();
    first
        .until(|server| server.runtime.stats().suspended == 1 || server.runtime.stats().connections == 0)
        .await;
    let mut moved = resume(&second, &welcome, 3).await;
    assert_eq!(moved.act("t", "add", json!([])).await["result"], 1);
    let welcome = moved.welcome.clone();
    moved.cut();
    second.until(|server| server.runtime.stats().connections == 0).await;
    // The first process still has its copy, which has neither the new secret nor the new count.
    let mut back = resume(&first, &welcome, 4).await;
    assert_eq!(back.act("t", "add", json!([])).await["result"], 2);
    // A wrong secret does not end the session.
    let mut wrong = back.welcome.clone();
    wrong["resume"] = "AAAAAAAAAAAAAAAAAAAAAA".into();
    let other = Client::resume(&second, &wrong, 1, json!({})).await;
    assert_eq!(other.welcome["resumed"], false);
    assert_eq!(back.act("t", "add", json!([])).await["result"], 3);
    back.close(4000).await;
    first.until(|_| store.is_empty()).await;
}

/// It is unknown whether a commit took effect, so the copy in memory is evicted. The page's state
/// differs from the stored one.
#[tokio::test(start_paused = true)]
async fn a_session_that_was_dropped_is_not_exact_when_its_process_closes() {
    for is_dropped in [false, true] {
        let world = world();
        let mut tab = Tab::open(world.server.page()).await;
        tab.click().await;
        pass(2).await;
        let (session, clicked) = (tab.session(), tab.durable.clone());
        let call = if is_dropped {
            world.store.set("commit", Fault::Hangs);
            Some(clicked.call("add", ()))
        } else {
            None
        };
        // Longer than the store's time limit, and too short for the page to reconnect.
        pass(10).await;
        tab.page.network().offline();
        pass(1).await;
        world.store.recover();
        world.server.stop().await;
        let head = world.memory.find(&session).await.unwrap().unwrap();
        let stored = world.memory.claim(&session, "another", &head).await.unwrap().unwrap();
        assert_eq!(stored.exact, !is_dropped);
        drop(call);
    }
}
