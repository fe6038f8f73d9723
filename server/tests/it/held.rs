//! Sessions and their rows in the store end together, and a store that does not answer is not taken
//! for an empty one.

mod failing_store;
mod processes;
mod revocation;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;
use vivaz::prelude::*;
use vivaz::testing::{Page, Server, View};
use vivaz::{Limits, MemoryStore, Runtime, SessionId};

use crate::app::Bench;
use crate::stores::{Fault, Faulty};

/// Counts, and stores each count.
#[derive(LiveComponent, Clone)]
#[live(name = "steady", inline = "<p>{{ count }}</p>", open, durable)]
pub(crate) struct Steady {
    #[live(default)]
    count: i64,
}

#[actions]
impl Steady {
    #[action]
    fn add(&mut self, cx: &mut Context) -> i64 {
        cx.state::<Arc<Bench>>().runs.fetch_add(1, Ordering::SeqCst);
        self.count += 1;
        self.count
    }
}

struct World {
    server: Server,
    store: Faulty<MemoryStore>,
    memory: MemoryStore,
    bench: Arc<Bench>,
}

fn world_with(limits: Limits) -> World {
    let memory = MemoryStore::new();
    let (store, bench) = (Faulty::new(memory.clone()), Arc::new(Bench::default()));
    let (kept, state) = (store.clone(), Arc::clone(&bench));
    let server = Server::new(move || {
        Runtime::builder().store(kept.clone()).state(Arc::clone(&state)).limits(limits.clone())
    });
    World { server, store, memory, bench }
}

fn world() -> World {
    world_with(Limits::default())
}

/// Two components: a plain counter and a durable one.
struct Tab {
    page: Page,
    plain: View,
    durable: View,
    /// The acknowledged counts of both.
    count: i64,
}

impl Tab {
    async fn open(page: Page) -> Self {
        let plain = page.mount_open("counter", json!({})).await.unwrap();
        let durable = page.mount_open("steady", json!({})).await.unwrap();
        Self { page, plain, durable, count: 0 }
    }

    /// Increments both, and checks that both had their acknowledged counts.
    async fn click(&mut self) {
        self.count += 1;
        assert_eq!(self.durable.call("add", ()).await.unwrap(), Some(json!(self.count)));
        self.plain.call("increment", ()).await.unwrap();
        assert_eq!(self.plain.state()["count"], self.count);
        assert_eq!(self.page.sessions(), 1, "the session is still the same");
    }

    fn session(&self) -> SessionId {
        self.page.client(|client| SessionId::new(client.session().unwrap()).unwrap())
    }
}

async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn a_page_that_was_away_for_a_moment_is_alive_for_as_long_as_it_is_open() {
    for hidden in [false, true] {
        let world = world();
        let mut tab = Tab::open(world.server.page()).await;
        tab.click().await;
        if hidden {
            tab.page.network().put_aside();
        } else {
            tab.page.network().offline();
        }
        pass(2).await;
        tab.page.network().online();
        tab.page.settled().await;
        // Longer than the time after which the row of a suspended session expires, and that of a
        // running one.
        for minutes in [7, 90] {
            pass(minutes * 60).await;
            tab.click().await;
        }
        world.server.restart().await;
        tab.click().await;
        assert_eq!(world.memory.len(), 1);
        tab.page.leave().await;
        pass(2).await;
        assert!(world.memory.is_empty());
    }
}

/// An action of a page, or an event, after the store has lost its session.
#[derive(Clone, Copy, Debug)]
enum Next {
    Durable,
    Plain,
    Mount,
    Unmount,
    Reconnect,
    Restart,
    /// The server restarts while the page is away.
    Away,
    Nothing,
}

#[tokio::test(start_paused = true)]
async fn a_session_that_the_store_has_lost_is_written_again_whole() {
    for next in [
        Next::Durable,
        Next::Plain,
        Next::Mount,
        Next::Unmount,
        Next::Reconnect,
        Next::Restart,
        Next::Away,
        Next::Nothing,
    ] {
        let world = world();
        let mut tab = Tab::open(world.server.page()).await;
        let chat = tab.page.mount_open("lab", json!({})).await.unwrap();
        tab.click().await;
        pass(2).await;
        if matches!(next, Next::Away) {
            tab.page.network().offline();
            pass(2).await;
        }
        assert!(world.memory.lose(&tab.session()));
        match next {
            Next::Durable => {
                tab.count += 1;
                tab.durable.call("add", ()).await.unwrap();
                tab.plain.call("increment", ()).await.unwrap();
            }
            Next::Plain => {
                tab.count += 1;
                tab.plain.call("increment", ()).await.unwrap();
                tab.durable.call("add", ()).await.unwrap();
            }
            Next::Mount => drop(tab.page.mount_open("counter", json!({})).await.unwrap()),
            Next::Unmount => drop(chat.unmount().await.unwrap()),
            Next::Reconnect => {
                tab.page.network().drop();
                tab.page.settled().await;
            }
            Next::Restart => {}
            Next::Away => {
                world.server.restart().await;
                tab.page.network().online();
                tab.page.settled().await;
            }
            // The server finds the session without a message of the page.
            Next::Nothing => pass(30 * 60).await,
        }
        if !matches!(next, Next::Restart) {
            pass(2).await;
            assert_eq!(world.memory.len(), 1, "{next:?}: it was written before anything else happened");
            // Like after SIGKILL: only stored state remains.
            world.server.crash();
            tab.click().await;
        }
        world.server.restart().await;
        tab.click().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_write_of_a_session_keeps_newer_components() {
    // The store recovers at different moments before the next retry.
    for wait in (0..1_000).step_by(125) {
        let world = world();
        let mut tab = Tab::open(world.server.page()).await;
        tab.click().await;
        pass(2).await;
        world.memory.lose(&tab.session());
        world.store.set("save_whole", Fault::Fails);
        tab.plain.call("increment", ()).await.unwrap();
        // The session is written whole, and the write is then retried with the others.
        while world.store.calls("save_whole") < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(wait)).await;
        world.store.recover();
        let mounted = tab.page.mount_open("steady", json!({})).await.unwrap();
        assert_eq!(mounted.call("add", ()).await.unwrap(), Some(json!(1)));
        // The queued state is written or replaced by a newer one.
        pass(3).await;
        world.server.crash();
        assert_eq!(mounted.call("add", ()).await.unwrap(), Some(json!(2)), "{wait} ms");
        assert_eq!(tab.page.sessions(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_component_is_removed_from_the_store_before_its_page_is_notified() {
    for fault in [Fault::Fails, Fault::Hangs] {
        let world = world();
        let mut tab = Tab::open(world.server.page()).await;
        let other = tab.page.mount_open("steady", json!({})).await.unwrap();
        tab.click().await;
        pass(2).await;
        world.store.set("commit", fault);
        let removal = other.unmount();
        let is_told = || removal.is_answered();
        pass(25).await;
        assert!(!is_told(), "{fault:?}");
        // Killed before the store has answered: the page asks the next process.
        world.server.crash();
        pass(5).await;
        assert!(!is_told(), "{fault:?}");
        world.store.recover();
        removal.await.unwrap();
        world.server.crash();
        tab.click().await;
        assert_eq!(tab.page.client(|client| client.components().count()), 2, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn changes_are_saved_automatically_and_survive_a_crash() {
    let world = world();
    let mut tab = Tab::open(world.server.page()).await;
    for _ in 0..3 {
        tab.click().await;
        pass(3).await;
        world.server.crash();
    }
    tab.click().await;
    // Without a change no state is saved.
    pass(3).await;
    let saved = world.store.calls("save");
    pass(60).await;
    assert_eq!(world.store.calls("save"), saved);
}

#[tokio::test(start_paused = true)]
async fn a_session_of_a_killed_process_is_good_for_an_hour_after_its_lease() {
    for (late, resumed) in [(false, true), (true, false)] {
        let world = world();
        let mut tab = Tab::open(world.server.page()).await;
        tab.click().await;
        pass(3).await;
        world.server.kill();
        // Another process lets the store expire old sessions.
        let store = world.memory.clone();
        let other =
            Server::new(move || Runtime::builder().store(store.clone()).state(Arc::<Bench>::default()));
        let page = other.page();
        page.mount_open("counter", json!({})).await.unwrap();
        pass(if late { 3_600 + 30 + 70 } else { 3_600 - 70 }).await;
        world.server.start();
        tab.page.settled().await;
        tab.page.until(|page| page.connections() == 2).await;
        assert_eq!(tab.page.sessions() == 1, resumed, "late: {late}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_that_came_back_is_good_for_as_long_as_before() {
    let world = world();
    let mut tab = Tab::open(world.server.page()).await;
    tab.click().await;
    pass(2).await;
    // The row expires 30 seconds after the page leaves; the page returns before that is written.
    tab.page.network().put_aside();
    tokio::time::sleep(Duration::from_millis(50)).await;
    tab.page.network().online();
    tab.page.settled().await;
    pass(3).await;
    world.server.kill();
    let store = world.memory.clone();
    let other = Server::new(move || Runtime::builder().store(store.clone()).state(Arc::<Bench>::default()));
    let page = other.page();
    page.mount_open("counter", json!({})).await.unwrap();
    pass(20 * 60).await;
    world.server.start();
    tab.click().await;
}
