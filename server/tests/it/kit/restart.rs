//! Restarts of a server under open pages.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use vivaz::prelude::*;
use vivaz::testing::{Moment, Server};
use vivaz::{MemoryStore, Runtime, Save};

use crate::app::{Bench, Counter, CounterProps};
use crate::stores::{Fault, Faulty};

/// A durable component whose mount waits until the test releases it.
#[derive(LiveComponent, Clone)]
#[live(name = "slow-start", inline = "<p>{{ count }}</p>", open, durable)]
struct SlowStart {
    #[live(prop, default)]
    waits: bool,
    #[live(default)]
    count: u32,
}

#[actions]
impl SlowStart {
    async fn mount(props: SlowStartProps, cx: &mut MountContext) -> Result<Self> {
        let bench = cx.state::<Arc<Bench>>().clone();
        bench.entered.notify_one();
        if props.waits {
            bench.gate.notified().await;
        }
        Ok(Self { waits: props.waits, count: 0 })
    }

    #[action]
    fn add(&mut self) -> u32 {
        self.count += 1;
        self.count
    }
}

fn server() -> Server {
    let (store, bench) = (MemoryStore::new(), Arc::new(Bench::default()));
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

/// The page gets another secret while the session is about to be inserted into the store. The store
/// must not keep the previous one until the next save.
#[tokio::test(start_paused = true)]
async fn a_session_that_was_resumed_during_its_first_mount_outlives_a_kill() {
    let never_saved = Save::Every(Duration::from_secs(24 * 60 * 60));
    for (resumes, waits) in [(1, true), (1, false), (2, true), (2, false)] {
        let (store, bench) = (Faulty::new(MemoryStore::new()), Arc::new(Bench::default()));
        let (stored, state) = (store.clone(), Arc::clone(&bench));
        let server = Server::new(move || {
            Runtime::builder().store(stored.clone()).state(Arc::clone(&state)).save(never_saved)
        });
        let page = server.page();
        if !waits {
            // The commit is made at once, and the session learns of it when the store is healed.
            store.set("commit", Fault::AnswersLate);
        }
        let reconnect = async {
            bench.entered.notified().await;
            for _ in 0..resumes {
                tokio::time::sleep(Duration::from_millis(100)).await;
                page.network().drop();
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
            store.recover();
            bench.gate.notify_one();
        };
        let (view, ()) = tokio::join!(page.mount_open("slow-start", json!({ "waits": waits })), reconnect);
        let view = view.unwrap();
        server.crash();
        assert_eq!(view.call("add", ()).await.unwrap(), Some(json!(1)), "{resumes}, {waits}");
        assert_eq!(page.sessions(), 1, "{resumes}, {waits}");
        assert_eq!(page.connections(), resumes + 2, "{resumes}, {waits}");
    }
}
