//! Requests for a session that was replaced while they waited for the store.

use serde_json::{Value, json};
use vivaz::MemoryStore;

use crate::app::{Server, start_with};
use crate::client::Client;
use crate::stores::{Fault, Faulty};

async fn process(store: &Faulty<MemoryStore>) -> Server {
    let store = store.clone();
    start_with(|builder| builder.store(store)).await
}

/// Sends a `HELLO` that resumes the session, and waits until it waits for the store.
async fn resume_late(
    server: &Server,
    welcome: &Value,
    store: &Faulty<MemoryStore>,
    method: &'static str,
) -> Client {
    let calls = store.calls(method);
    store.set(method, Fault::AnswersLate);
    let mut late = Client::open(server).await;
    let hello = json!({ "session": welcome["session"], "resume": welcome["resume"], "acked": 1 });
    late.send(json!({ "v": 1, "type": "HELLO", "payload": hello })).await;
    server.until(|_| store.calls(method) > calls).await;
    store.unset(method);
    late
}

#[tokio::test]
async fn of_two_restores_the_later_one_gets_the_session_and_its_end_is_the_end() {
    let store = Faulty::new(MemoryStore::new());
    let mut first = process(&store).await;
    let mut client = Client::hello(&first).await;
    client.mount("c", "counter", json!({})).await;
    let welcome = client.welcome.clone();
    client.cut();
    first.stop().await;
    let second = process(&store).await;
    let mut late = resume_late(&second, &welcome, &store, "claim").await;
    // The page has reconnected.
    let mut back = Client::open(&second).await;
    let hello = json!({ "session": welcome["session"], "resume": welcome["resume"], "acked": 1 });
    back.send(json!({ "v": 1, "type": "HELLO", "payload": hello })).await;
    second.until(|server| server.runtime.stats().connections == 2).await;
    store.recover();
    let answer = back.expect("WELCOME").await;
    assert_eq!(answer["payload"]["resumed"], true);
    assert_eq!(late.closed().await, 4409);
    // The page leaves. The store does not delete the session yet.
    store.set("delete", Fault::Hangs);
    back.close(4000).await;
    second.until(|server| server.runtime.stats().sessions == 0 && store.calls("delete") > 0).await;
    let mut welcome = welcome;
    welcome["resume"] = answer["payload"]["resume"].clone();
    let gone = Client::resume(&second, &welcome, 1, json!({})).await;
    assert_eq!(gone.welcome["resumed"], false);
}

#[tokio::test]
async fn a_session_that_was_restored_while_an_earlier_hello_waits_is_not_evicted() {
    let inner = MemoryStore::new();
    let (store, elsewhere) = (Faulty::new(inner.clone()), Faulty::new(inner));
    let (first, second) = (process(&store).await, process(&elsewhere).await);
    let mut client = Client::hello(&first).await;
    client.mount("c", "counter", json!({})).await;
    let welcome = client.welcome.clone();
    client.cut();
    first.until(|server| server.runtime.stats().suspended == 1).await;
    // The first process keeps an outdated copy.
    let moved = Client::resume(&second, &welcome, 1, json!({})).await;
    assert_eq!(moved.welcome["resumed"], true);
    let welcome = moved.welcome.clone();
    moved.cut();
    second.until(|server| server.runtime.stats().suspended == 1).await;
    let _late = resume_late(&first, &welcome, &store, "find").await;
    let mut back = Client::resume(&first, &welcome, 1, json!({})).await;
    assert_eq!(back.welcome["resumed"], true);
    back.count_from(1);
    back.act("c", "increment", json!([])).await;
    store.recover();
    for count in 2..=20 {
        assert_eq!(back.act("c", "increment", json!([])).await["payload"]["count"], count);
        tokio::task::yield_now().await;
    }
}
