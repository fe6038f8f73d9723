//! A session is resumed while one of its handlers holds a lock that a topic needs.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};
use vivaz::prelude::*;
use vivaz::testing::Server;
use vivaz::{MemoryStore, Runtime};

/// The lock of the application.
static LEDGER: Mutex<()> = Mutex::const_new(());

#[derive(LiveState, Serialize, Deserialize, Clone)]
struct Account {
    total: u32,
}

impl Topic for Account {
    type Key = String;

    async fn load(_: &String, _: &TopicContext) -> Result<Self> {
        Ok(Self { total: 0 })
    }

    async fn authorize(_: &String, _: &Identity) -> Result {
        let _locked = LEDGER.lock().await;
        Ok(())
    }
}

#[derive(LiveComponent, Clone)]
#[live(name = "banker", inline = "<p>{{ transfers }} {{ account.total }}</p>", open)]
struct Banker {
    #[live(default)]
    transfers: u32,
    #[live(shared = "account/all")]
    account: Shared<Account>,
}

#[actions]
impl Banker {
    #[action]
    async fn transfer(&mut self) -> u32 {
        let _locked = LEDGER.lock().await;
        sleep(Duration::from_secs(3)).await;
        self.transfers += 1;
        self.transfers
    }
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_waits_for_a_running_handler_does_not_delay_a_resume_beyond_it() {
    let store = MemoryStore::new();
    let server = Server::new(move || Runtime::builder().store(store.clone()));
    let page = server.page();
    let banker = page.mount_open("banker", json!({})).await.unwrap();
    for transfers in 1..=2 {
        let connections = page.connections();
        let transfer = banker.call("transfer", ());
        sleep(Duration::from_secs(1)).await;
        let dropped = Instant::now();
        page.network().drop();
        page.until(|page| page.connections() > connections).await;
        page.settled().await;
        assert_eq!(transfer.await.unwrap(), Some(json!(transfers)));
        assert!(dropped.elapsed() < Duration::from_secs(4), "{:?}", dropped.elapsed());
        assert_eq!((page.connections(), page.sessions()), (connections + 1, 1), "the first resume succeeds");
        assert_eq!(banker.state()["transfers"], transfers);
    }
}
