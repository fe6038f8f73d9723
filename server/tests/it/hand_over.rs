//! Sessions that move between running processes on one store.

mod nodes;
mod processes;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};
use vivaz::sqlite::Sqlite;
use vivaz::store::HolderStatus;
use vivaz::{Limits, MemoryStore, Save, SessionId, SessionStore};

use crate::app::{Server, start_with};
use crate::client::Client;
use crate::leases::Temporary;
use crate::stores::{Fault, Faulty};

/// A process that saves nothing during the test unless it is asked to.
async fn process(store: impl SessionStore) -> Server {
    start_with(|builder| builder.store(store).save(Save::Every(Duration::from_secs(3_600)))).await
}

/// The stores of two processes: one in memory, one file with one handle, one file with two.
fn stores(file: &Temporary) -> Vec<[Arc<dyn Fn() -> Store>; 2]> {
    let memory = MemoryStore::new();
    let shared = Sqlite::open(file.0.with_extension("shared")).unwrap();
    let path = file.0.clone();
    let both = |store: Arc<dyn Fn() -> Store>| [Arc::clone(&store), store];
    vec![
        both(Arc::new(move || Store::Memory(memory.clone()))),
        both(Arc::new(move || Store::Sqlite(shared.clone()))),
        both(Arc::new(move || Store::Sqlite(Sqlite::open(&path).unwrap()))),
    ]
}

/// A store of one of the kinds.
enum Store {
    Memory(MemoryStore),
    Sqlite(Sqlite),
}

impl Store {
    async fn process(&self) -> Server {
        match self {
            Self::Memory(store) => process(store.clone()).await,
            Self::Sqlite(store) => process(store.clone()).await,
        }
    }

    /// A process that does not seem to run to the others, so that they do not ask it.
    async fn unregistered(&self, save: Duration) -> Server {
        let start = async |store: Box<dyn FnOnce(vivaz::Builder) -> vivaz::Builder + Send>| {
            start_with(|builder| store(builder).save(Save::Every(save))).await
        };
        match self {
            Self::Memory(store) => {
                let store = Faulty::unregistered(store.clone());
                start(Box::new(|builder| builder.store(store))).await
            }
            Self::Sqlite(store) => {
                let store = Faulty::unregistered(store.clone());
                start(Box::new(|builder| builder.store(store))).await
            }
        }
    }

    async fn find(&self, welcome: &Value) -> Option<vivaz::store::SessionHead> {
        let id = SessionId::new(welcome["session"].as_str().unwrap()).unwrap();
        match self {
            Self::Memory(store) => store.find(&id).await.unwrap(),
            Self::Sqlite(store) => store.find(&id).await.unwrap(),
        }
    }
}

/// Waits until a process is registered, which takes effect for the session that it holds.
async fn until_running(store: &Store, welcome: &Value) {
    let running = async {
        while store.find(welcome).await.is_none_or(|head| head.status != HolderStatus::Running) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), running).await.expect("it is registered");
}

fn position(id: &str, mounted: &Value, rev: u64) -> Value {
    json!({ (format!("c:{id}")): [mounted["epoch"], rev] })
}

#[tokio::test]
async fn a_living_process_hands_over_what_it_has_not_saved() {
    let file = Temporary::new();
    for [first, second] in stores(&file) {
        let (first_store, second_store) = (first(), second());
        let (first, second) = (first_store.process().await, second_store.process().await);
        let mut client = Client::hello(&first).await;
        let mounted = client.mount("c", "counter", json!({})).await;
        for _ in 0..5 {
            client.act("c", "increment", json!([])).await;
        }
        until_running(&first_store, &client.welcome).await;
        let mut moved = Client::resume(&second, &client.welcome, 6, position("c", &mounted, 5)).await;
        assert_eq!(moved.welcome["resumed"], true);
        assert!(moved.drain().await.is_empty(), "the page misses nothing");
        moved.count_from(6);
        let update = moved.act("c", "increment", json!([])).await;
        assert_eq!((&update["rev"], &update["payload"]["count"]), (&json!(6), &json!(6)));
        assert_eq!(client.closed().await, 4409);
        first.until(|server| server.runtime.stats().sessions == 0).await;
        // And back, from a session that waits without a connection.
        let welcome = moved.welcome.clone();
        moved.cut();
        second.until(|server| server.runtime.stats().suspended == 1).await;
        let mut back = Client::resume(&first, &welcome, 7, position("c", &mounted, 6)).await;
        assert!(back.drain().await.is_empty(), "the page misses nothing");
        back.count_from(7);
        assert_eq!(back.act("c", "increment", json!([])).await["payload"]["count"], 7);
    }
}

/// The process that had the session does not learn that it has lost it: whatever its page does, its
/// copy ends, and nothing is written or deleted.
#[tokio::test]
async fn a_copy_that_has_lost_its_session_writes_and_deletes_nothing() {
    for way in ["durable", "plain", "mount", "unmount", "leave"] {
        let file = Temporary::new();
        for [first, second] in stores(&file) {
            let (first_store, second_store) = (first(), second());
            let first = first_store.unregistered(Duration::from_millis(20)).await;
            let second = second_store.process().await;
            let mut client = Client::hello(&first).await;
            client.mount("c", "counter", json!({})).await;
            client.mount("t", "steady", json!({})).await;
            let mut moved = Client::resume(&second, &client.welcome, 2, json!({})).await;
            assert_eq!(moved.welcome["resumed"], true);
            moved.drain().await;
            moved.count_from(3);
            assert_eq!(moved.act("t", "add", json!([])).await["result"], 1, "{way}");
            let call = match way {
                "durable" => client.call("t", "add", json!([])),
                "plain" => client.call("c", "increment", json!([])),
                "mount" => {
                    client.message("COMPONENT_MOUNT", "n", json!({ "component": "counter", "props": {} }))
                }
                _ => client.message("COMPONENT_UNMOUNT", "c", Value::Null),
            };
            if way == "leave" {
                client.close(4000).await;
            } else {
                client.send(call).await;
                assert_eq!(client.closed().await, 4409, "{way}");
            }
            first.until(|server| server.runtime.stats().sessions == 0).await;
            let head = second_store.find(&moved.welcome).await.expect("nothing was deleted");
            assert_eq!(head.status, HolderStatus::Running, "{way}");
            assert_eq!(moved.act("t", "add", json!([])).await["result"], 2, "{way}");
            assert_eq!(moved.act("c", "increment", json!([])).await["payload"]["count"], 1, "{way}");
        }
    }
}

#[tokio::test]
async fn a_running_handler_finishes_before_its_session_is_handed_over() {
    let store = Store::Memory(MemoryStore::new());
    let (first, second) = (store.process().await, store.process().await);
    let mut client = Client::hello(&first).await;
    client.mount("lab", "lab", json!({})).await;
    until_running(&store, &client.welcome).await;
    let wait = client.call("lab", "wait", json!([]));
    client.send(wait.clone()).await;
    first.bench.entered.notified().await;
    let welcome = client.welcome.clone();
    let release = async {
        // The connection is closed before the handler has finished.
        assert_eq!(client.closed().await, 4409);
        first.bench.gate.notify_one();
    };
    let resume = Client::resume(&second, &welcome, 1, json!({}));
    let (mut moved, ()) = tokio::join!(resume, release);
    assert_eq!((&moved.welcome["resumed"], &moved.welcome["done"]), (&json!(true), &json!([2])));
    assert_eq!(moved.ask(wait).await["payload"], 1);
    assert_eq!(second.bench.runs.load(Ordering::SeqCst), 0, "it has run");
}

/// The handler does not finish in time: the message runs again in the other process.
#[tokio::test]
async fn a_process_that_does_not_release_is_fenced_out() {
    let store = MemoryStore::new();
    let deaf = Faulty::new(store.clone());
    deaf.set("ask_release", Fault::Hangs);
    let limits = Limits { release_time: Duration::from_millis(50), ..Limits::default() };
    let first = process(store.clone()).await;
    let second = start_with(|builder| builder.store(deaf.clone()).limits(limits)).await;
    let mut client = Client::hello(&first).await;
    client.mount("t", "steady", json!({})).await;
    assert_eq!(client.act("t", "add", json!([])).await["result"], 1);
    until_running(&Store::Memory(store.clone()), &client.welcome).await;
    let mut moved = Client::resume(&second, &client.welcome, 2, json!({})).await;
    assert_eq!(moved.welcome["resumed"], true);
    moved.drain().await;
    moved.count_from(2);
    assert_eq!(moved.act("t", "add", json!([])).await["result"], 2);
    let call = client.call("t", "add", json!([]));
    client.send(call).await;
    assert_eq!(client.closed().await, 4409);
    assert_eq!(moved.act("t", "add", json!([])).await["result"], 3);
}

/// Two copies of one page, as after the duplication of a tab, resume through two processes.
#[tokio::test]
async fn of_two_pages_with_one_secret_one_gets_the_session() {
    for round in 0..20 {
        let store = Store::Memory(MemoryStore::new());
        let servers = [store.process().await, store.process().await, store.process().await];
        let mut client = Client::hello(&servers[0]).await;
        client.mount("t", "steady", json!({})).await;
        for count in 1..=3 {
            assert_eq!(client.act("t", "add", json!([])).await["result"], count);
        }
        let welcome = client.welcome.clone();
        if round % 2 == 0 {
            client.cut();
        }
        let hello = json!({ "session": welcome["session"], "resume": welcome["resume"], "acked": 4 });
        let race = async |server: &Server| {
            let mut page = Client::open(server).await;
            page.send(json!({ "v": 1, "type": "HELLO", "payload": hello })).await;
            page
        };
        let mut pages = tokio::join!(race(&servers[1]), race(&servers[2]));
        // Each gets the session, one after the other, or a close that it retries.
        let mut owners = 0;
        for page in [&mut pages.0, &mut pages.1] {
            owners += usize::from(matches!(page.receive().await, crate::client::Received::Message(_)));
        }
        assert!(owners > 0, "{round}");
        let mut retried = Client::resume(&servers[round % 3], &welcome, 4, json!({})).await;
        if retried.welcome["resumed"] == true {
            retried.drain().await;
            retried.count_from(4);
            assert_eq!(retried.act("t", "add", json!([])).await["result"], 4, "{round}");
        }
        let running: u64 = servers.iter().map(|server| server.runtime.stats().sessions).sum();
        assert!(running >= 1, "{round}");
    }
}
