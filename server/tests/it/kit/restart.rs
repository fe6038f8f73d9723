//! Restarts of a server under open pages.

use serde_json::json;
use vivaz::testing::{Moment, Server};
use vivaz::{MemoryStore, Runtime};

use crate::app::{Bench, Counter, CounterProps};

fn server() -> Server {
    let (store, bench) = (MemoryStore::new(), std::sync::Arc::new(Bench::default()));
    Server::new(move || Runtime::builder().store(store.clone()).state(bench.clone()))
}

#[tokio::test]
async fn with_a_store_a_planned_restart_only_drops_the_connection() {
    let server = server();
    let page = server.page_as("ada", "Ada");
    let counter = page.mount::<Counter>(CounterProps { title: "Clicks".into(), count: 0 }).await.unwrap();
    for round in 1..=3 {
        counter.call("increment", ()).await.unwrap();
        page.network().restart_server().await;
        counter.call("increment", ()).await.unwrap();
        assert_eq!(counter.state()["count"], round * 2);
    }
    page.network().drop_at(Moment::BeforeReply);
    let pending = counter.call("increment", ());
    server.restart().await;
    pending.await.unwrap();
    page.settled().await;
    assert_eq!(counter.state()["count"], 7);
    assert_eq!(counter.call("peek", ()).await.unwrap(), Some(json!(7)));
    assert_eq!(page.sessions(), 1);
}

#[tokio::test]
async fn requests_wait_until_the_server_has_restarted() {
    let server = server();
    let page = server.page();
    let counter = page.mount_open("counter", json!({})).await.unwrap();
    server.stop().await;
    let pending: Vec<_> = (0..3).map(|_| counter.call("increment", ())).collect();
    assert_eq!(counter.text("p"), "Counter: 0");
    server.start();
    for call in pending {
        call.await.unwrap();
    }
    assert_eq!((counter.text("p"), page.sessions()), ("Counter: 3".to_owned(), 1));
}
