//! `Page::settled` and the events that the page's session has not handled.

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep};
use vivaz::prelude::*;
use vivaz::testing::Server;
use vivaz::{MemoryStore, Runtime};

#[derive(LiveComponent, Clone)]
#[live(name = "listener", inline = "<p>{{ count }}</p>", open, durable)]
struct Listener {
    #[live(default)]
    count: u32,
}

#[actions]
impl Listener {
    #[action]
    fn enter(&mut self, cx: &mut Context) {
        cx.join("hall");
    }

    #[action]
    fn call(&mut self, cx: &mut Context, ms: u64) -> Result<()> {
        cx.to(Target::room("hall")).except_self().emit("called", ms)
    }

    #[event]
    async fn called(&mut self, ms: u64) {
        sleep(Duration::from_millis(ms)).await;
        self.count += 1;
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_has_settled_once_its_handlers_have_run() {
    let sessions = MemoryStore::new();
    let server = Server::new(move || Runtime::builder().store(sessions.clone()));
    let (ada, bob) = (server.page(), server.page());
    let one = ada.mount_open("listener", json!({})).await.unwrap();
    let two = bob.mount_open("listener", json!({})).await.unwrap();
    two.call("enter", ()).await.unwrap();
    for ms in [0, 20, 0, 300] {
        one.call("call", [ms]).await.unwrap();
    }
    bob.settled().await;
    assert_eq!((&two.state()["count"], &*two.text("p")), (&json!(4), "4"));
    // After a reconnect too.
    one.call("call", [20]).await.unwrap();
    bob.network().drop();
    bob.settled().await;
    assert_eq!(two.state()["count"], 5);
    // The page waits at most a second for a handler.
    one.call("call", [5_000]).await.unwrap();
    let before = Instant::now();
    bob.settled().await;
    assert_eq!(two.state()["count"], 5);
    assert!((1..3).contains(&before.elapsed().as_secs()), "{:?}", before.elapsed());
}
