//! Sessions and their rows in the store end together, and what the store does not answer is not
//! taken for an answer.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};
use vivaz::prelude::*;
use vivaz::testing::{Ask, Page, Server, View};
use vivaz::{Limits, MemoryStore, Runtime, Save, SessionId, SessionStore};

use crate::app::{Bench, start_with};
use crate::client::Client;
use crate::stores::{Fault, Faulty};

/// Counts, and keeps each count.
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

/// A plain counter and a durable one.
struct Tab {
    page: Page,
    plain: View,
    durable: View,
    /// How often each has counted.
    count: i64,
}

impl Tab {
    async fn open(page: Page) -> Self {
        let plain = page.mount_open("counter", json!({})).await.unwrap();
        let durable = page.mount_open("steady", json!({})).await.unwrap();
        Self { page, plain, durable, count: 0 }
    }

    /// Counts with both, and sees that both had what they acknowledged.
    async fn click(&mut self) {
        self.count += 1;
        assert_eq!(self.durable.call("add", ()).await.unwrap(), Some(json!(self.count)));
        self.plain.call("increment", ()).await.unwrap();
        assert_eq!(self.plain.state()["count"], self.count);
        assert_eq!(self.page.sessions(), 1, "it is the same session all the time");
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
        // Longer than a row that waits is good, and than one that runs.
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

/// What a page does, or what happens to it, after the store has lost its session.
#[derive(Clone, Copy, Debug)]
enum Next {
    Durable,
    Plain,
    Mount,
    Unmount,
    Reconnect,
    Restart,
    /// The server is restarted while the page is away.
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
            // It is found by itself.
            Next::Nothing => pass(30 * 60).await,
        }
        if !matches!(next, Next::Restart) {
            pass(2).await;
            assert_eq!(world.memory.len(), 1, "{next:?}: it was written before anything else happened");
            // As when the process is killed: what is stored is all that there is.
            world.server.crash();
            tab.click().await;
        }
        world.server.restart().await;
        tab.click().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_written_late_does_not_delete_what_was_mounted_since() {
    // The store is well again at different moments before the next try.
    for wait in (0..1_000).step_by(125) {
        let world = world();
        let mut tab = Tab::open(world.server.page()).await;
        tab.click().await;
        pass(2).await;
        world.memory.lose(&tab.session());
        world.store.set("enter", Fault::Fails);
        tab.plain.call("increment", ()).await.unwrap();
        // The session writes itself, and then hands itself to what tries again.
        while world.store.calls("enter") < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(wait)).await;
        world.store.heal();
        let mounted = tab.page.mount_open("steady", json!({})).await.unwrap();
        assert_eq!(mounted.call("add", ()).await.unwrap(), Some(json!(1)));
        let calls = world.store.calls("enter");
        while world.store.calls("enter") == calls {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        world.server.crash();
        assert_eq!(mounted.call("add", ()).await.unwrap(), Some(json!(2)), "{wait} ms");
        assert_eq!(tab.page.sessions(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_component_is_out_of_the_store_before_its_page_is_told() {
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
        // Killed before the store has done it: the page asks the next process.
        world.server.crash();
        pass(5).await;
        assert!(!is_told(), "{fault:?}");
        world.store.heal();
        removal.await.unwrap();
        world.server.crash();
        tab.click().await;
        assert_eq!(tab.page.client(|client| client.components().count()), 2, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_changed_is_saved_by_itself_and_a_crash_loses_nothing_older() {
    let world = world();
    let mut tab = Tab::open(world.server.page()).await;
    for _ in 0..3 {
        tab.click().await;
        pass(3).await;
        world.server.crash();
    }
    tab.click().await;
    // Nothing happens, nothing is saved.
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
        // Another process lets the store expire what is over.
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
    // The row says 30 seconds when the page goes, and it is back before that is written.
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

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_answer_a_page_that_comes_back_loses_nothing() {
    let faults = [Fault::Fails, Fault::Hangs, Fault::FailsLate];
    for (method, fault) in
        ["find", "claim", "renew", "enter"].into_iter().flat_map(|one| faults.map(|fault| (one, fault)))
    {
        for restarts in [false, true] {
            let world = world();
            let mut tab = Tab::open(world.server.page()).await;
            tab.click().await;
            pass(2).await;
            tab.page.network().offline();
            pass(1).await;
            let clicks: Vec<_> = (0..3).map(|_| tab.durable.call("add", ())).collect();
            if restarts {
                world.server.restart().await;
            }
            if method == "enter" {
                world.memory.lose(&tab.session());
                if restarts {
                    continue;
                }
            }
            world.store.set(method, fault);
            tab.page.network().online();
            pass(45).await;
            // A session that was entered is there when its page tries again.
            let is_asked = match method {
                "enter" => fault != Fault::FailsLate,
                _ => restarts || method == "renew",
            };
            assert_eq!(tab.page.connections() == 1, is_asked, "{method}, {fault:?}, {restarts}");
            assert_eq!(world.store.calls(method) > 1, is_asked, "it tried again: {method}, {fault:?}");
            world.store.heal();
            for (click, count) in clicks.into_iter().zip(2..) {
                assert_eq!(click.await.unwrap(), Some(json!(count)), "{method}, {fault:?}, {restarts}");
            }
            assert_eq!(world.bench.runs.load(Ordering::SeqCst), 4, "each once");
            tab.plain.call("increment", ()).await.unwrap();
            tab.plain.call("increment", ()).await.unwrap();
            tab.plain.call("increment", ()).await.unwrap();
            tab.count = 4;
            tab.click().await;
            world.server.restart().await;
            tab.click().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_user_with_too_many_sessions_gets_an_old_one_back_when_there_is_room() {
    let world = world_with(Limits { sessions_per_user: 1, ..Limits::default() });
    let mut tab = Tab::open(world.server.page_as("ada", "Ada")).await;
    tab.click().await;
    tab.page.network().offline();
    pass(1).await;
    world.server.restart().await;
    let other = world.server.page_as("ada", "Ada");
    other.mount_open("counter", json!({})).await.unwrap();
    tab.page.network().online();
    pass(30).await;
    assert_eq!(tab.page.connections(), 1);
    other.leave().await;
    tab.click().await;
}

#[tokio::test(start_paused = true)]
async fn what_the_store_fails_to_do_is_done_later() {
    for method in ["save", "commit", "delete", "forget_user", "renew_lease", "expire"] {
        let world = world();
        let mut tab = Tab::open(world.server.page_as("ada", "Ada")).await;
        let extra = tab.page.mount_open("lab", json!({})).await.unwrap();
        let mut gone = Tab::open(world.server.page_as("bob", "Bob")).await;
        let mut revoked = Tab::open(world.server.page_as("eve", "Eve")).await;
        for one in [&mut tab, &mut gone, &mut revoked] {
            one.click().await;
        }
        pass(2).await;
        world.store.set(method, Fault::Fails);
        tab.plain.call("increment", ()).await.unwrap();
        let removal = (method == "commit").then(|| extra.unmount());
        gone.page.leave().await;
        // Eve's session is only in the store when her access is taken away.
        revoked.page.network().offline();
        let calls = world.store.calls(method);
        pass(200).await;
        assert_eq!(world.server.runtime().revoke("eve"), 1);
        pass(100).await;
        if method != "commit" {
            assert!(world.store.calls(method) > calls + 1, "{method} is tried again");
        }
        world.store.heal();
        pass(90).await;
        if let Some(removal) = removal {
            removal.await.unwrap();
        }
        assert_eq!(world.memory.len(), 1, "{method}");
        world.server.crash();
        tab.page.settled().await;
        tab.count += 1;
        tab.durable.call("add", ()).await.unwrap();
        tab.click().await;
        if method == "commit" {
            let components = tab.page.client(|client| client.components().count());
            assert_eq!(components, 2, "what was removed does not come back");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_at_the_end_of_the_process_is_asked_again() {
    for (seconds, is_saved) in [(0.3, true), (30.0, false)] {
        let world = world_with(Limits::default());
        let mut tab = Tab::open(world.server.page()).await;
        tab.click().await;
        pass(3).await;
        let count = tab.plain.call("increment", [10]);
        count.await.unwrap();
        world.store.set("enter", Fault::Fails);
        let heals = async {
            tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
            world.store.heal();
        };
        tokio::join!(world.server.stop(), heals);
        world.server.start();
        tab.page.settled().await;
        // What the page shows is what the server has, also where that is older.
        let expected = json!(if is_saved { 11 } else { 1 });
        assert_eq!(tab.plain.call("peek", ()).await.unwrap(), Some(expected.clone()));
        assert_eq!((&tab.plain.state()["count"], tab.page.sessions()), (&expected, 1));
        assert_eq!(tab.durable.call("add", ()).await.unwrap(), Some(json!(2)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_keeps_no_process_from_ending() {
    for method in ["save", "enter", "delete", "forget_user", "release", "close"] {
        let world = world();
        let mut tab = Tab::open(world.server.page_as("ada", "Ada")).await;
        let mut gone = Tab::open(world.server.page_as("bob", "Bob")).await;
        for one in [&mut tab, &mut gone] {
            one.click().await;
        }
        pass(3).await;
        world.store.set(method, Fault::Hangs);
        tab.plain.call("increment", ()).await.unwrap();
        gone.page.leave().await;
        world.server.runtime().revoke("eve");
        // The keeper is waiting for the store when the process is asked to end.
        pass(2).await;
        let stopped = tokio::time::timeout(Duration::from_secs(60), world.server.stop()).await;
        assert!(stopped.is_ok(), "{method}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_hung_in_the_store_is_written_later() {
    let world = world();
    let mut tab = Tab::open(world.server.page()).await;
    tab.click().await;
    pass(3).await;
    world.store.set("save", Fault::Hangs);
    tab.plain.call("increment", ()).await.unwrap();
    pass(3).await;
    world.store.heal();
    pass(30).await;
    world.server.crash();
    assert_eq!(tab.plain.call("peek", ()).await.unwrap(), Some(json!(2)));
}

#[tokio::test(start_paused = true)]
async fn a_page_whose_user_another_process_revokes_is_closed_by_whichever_write_is_refused_first() {
    for write in ["save", "commit", "removal"] {
        let world = world();
        let mut tab = Tab::open(world.server.page_as("ada", "Ada")).await;
        tab.click().await;
        pass(2).await;
        // The renewal of the lease tells nothing of it.
        world.store.set("renew_lease", Fault::Fails);
        let store = world.memory.clone();
        let second =
            Server::new(move || Runtime::builder().store(store.clone()).state(Arc::<Bench>::default()));
        let elsewhere = second.page();
        elsewhere.mount_open("counter", json!({})).await.unwrap();
        second.runtime().revoke("ada");
        pass(2).await;
        assert_eq!((world.server.runtime().stats().sessions, tab.page.connections()), (1, 1), "{write}");
        let asked = async {
            match write {
                "save" => drop(tab.plain.call("increment", ()).await.unwrap()),
                "commit" => drop(tab.durable.call("add", ()).await.unwrap_err()),
                _ => drop(tab.page.ask(tab.durable.id(), Ask::Unmount).await),
            }
            std::future::pending::<()>().await;
        };
        // A page that was closed for good gets no answers.
        let code = tokio::select! {
            biased;
            code = tab.page.closed() => code,
            () = asked => unreachable!("it waits"),
        };
        assert_eq!(code, 4401, "{write}");
        pass(1).await;
        assert_eq!((world.server.runtime().stats().sessions, tab.page.sessions()), (0, 1), "{write}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_that_was_claimed_and_could_not_be_brought_is_let_go() {
    let world = world();
    let mut tab = Tab::open(world.server.page()).await;
    tab.click().await;
    tab.page.network().put_aside();
    pass(2).await;
    world.server.restart().await;
    // The claim takes effect, and this process does not know of it. Then the page is gone.
    world.store.set("claim", Fault::FailsLate);
    tab.page.network().online();
    pass(5).await;
    tab.page.network().offline();
    pass(2).await;
    world.store.heal();
    assert_eq!(world.memory.len(), 1);
    pass(180).await;
    assert!(world.memory.is_empty(), "it is not held for as long as the process lives");
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_took_effect_and_was_answered_as_failed_is_no_dead_end() {
    let world = world();
    let mut tab = Tab::open(world.server.page()).await;
    tab.click().await;
    world.store.set("commit", Fault::FailsLate);
    tab.durable.call("add", ()).await.unwrap_err();
    world.store.heal();
    // What the store has counts: the page comes back and finds it, and the action is done once.
    assert_eq!(tab.durable.call("add", ()).await.unwrap(), Some(json!(3)));
    assert_eq!((tab.page.connections(), tab.page.sessions()), (2, 1));
    assert_eq!(tab.durable.state()["count"], 3);
    tab.plain.call("increment", ()).await.unwrap();
    assert_eq!(tab.durable.call("add", ()).await.unwrap(), Some(json!(4)));
}

#[tokio::test(start_paused = true)]
async fn a_user_whose_revocation_is_not_stored_yet_is_not_let_in_again() {
    let world = world();
    let mut tab = Tab::open(world.server.page_as("eve", "Eve")).await;
    tab.click().await;
    tab.page.network().offline();
    pass(1).await;
    world.server.restart().await;
    world.store.set("forget_user", Fault::Fails);
    assert_eq!(world.server.runtime().revoke("eve"), 0);
    tab.page.network().online();
    pass(30).await;
    assert_eq!(tab.page.connections(), 1);
    world.store.heal();
    tab.page.until(|page| page.sessions() == 2).await;
    pass(2).await;
    assert!(world.memory.len() <= 1, "the old session is not in the store any more");
}

#[tokio::test(start_paused = true)]
async fn a_revocation_that_is_stored_late_ends_no_session_that_began_after_it() {
    let world = world();
    let mut old = Tab::open(world.server.page_as("ada", "Ada")).await;
    old.click().await;
    world.store.set("forget_user", Fault::Fails);
    assert_eq!(world.server.runtime().revoke("ada"), 1);
    assert_eq!(old.page.closed().await, 4401);
    // She may sign in again, and gets no session that the revocation would end.
    let page = world.server.page_as("ada", "Ada");
    let opened = tokio::time::timeout(Duration::from_secs(30), page.mount_open("steady", json!({}))).await;
    assert!(opened.is_err(), "it is not stored yet");
    world.store.heal();
    page.until(|page| page.sessions() == 1).await;
    let mut tab = Tab::open(page).await;
    for _ in 0..3 {
        tab.click().await;
        pass(60).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_user_who_is_revoked_again_while_the_store_is_at_it_is_revoked_again() {
    let world = world();
    let mut other = Tab::open(world.server.page()).await;
    other.click().await;
    world.store.set("forget_user", Fault::AnswersLate);
    world.server.runtime().revoke("eve");
    pass(1).await;
    assert_eq!(world.store.calls("forget_user"), 1);
    // The store has looked through the sessions. Now there is one more, in another process.
    let store = world.memory.clone();
    let second = Server::new(move || Runtime::builder().store(store.clone()).state(Arc::<Bench>::default()));
    let mut tab = Tab::open(second.page_as("eve", "Eve")).await;
    tab.click().await;
    pass(2).await;
    world.server.runtime().revoke("eve");
    world.store.heal();
    pass(2).await;
    assert_eq!(world.store.calls("forget_user"), 2, "once for each");
    assert_eq!(tab.page.closed().await, 4401);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_waits_for_what_the_runtime_does_by_itself() {
    let world = world();
    let mut tab = Tab::open(world.server.page()).await;
    tab.click().await;
    world.store.set("renew_lease", Fault::AnswersLate);
    let before = world.store.calls("renew_lease");
    while world.store.calls("renew_lease") == before {
        pass(1).await;
    }
    // A page that stays would try to connect again without a pause.
    drop(tab);
    let runtime = world.server.runtime();
    let shutdown = tokio::spawn(async move { runtime.shutdown().await });
    pass(2).await;
    assert!(!shutdown.is_finished(), "the renewal is still under way");
    world.store.heal();
    tokio::time::timeout(Duration::from_secs(10), shutdown).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_session_that_another_process_ends_ends_here_too() {
    let world = world();
    let mut tab = Tab::open(world.server.page_as("ada", "Ada")).await;
    let mut other = Tab::open(world.server.page_as("bob", "Bob")).await;
    tab.click().await;
    pass(2).await;
    let store = world.memory.clone();
    let second = Server::new(move || Runtime::builder().store(store.clone()).state(Arc::<Bench>::default()));
    let elsewhere = second.page();
    elsewhere.mount_open("counter", json!({})).await.unwrap();
    assert_eq!(second.runtime().revoke("ada"), 0);
    assert_eq!(tab.page.closed().await, 4401);
    other.click().await;
    let before = world.memory.len();
    pass(600).await;
    assert_eq!(world.memory.len(), before, "a late save does not bring it back");
    drop(elsewhere);
}

#[tokio::test(start_paused = true)]
async fn a_renewal_of_the_lease_whose_answer_is_lost_loses_no_revocation() {
    for (fault, is_dropped) in
        [(Fault::FailsLate, false), (Fault::AnswersLate, false), (Fault::Ends, false), (Fault::Ends, true)]
    {
        let world = world();
        let mut tab = Tab::open(world.server.page_as("ada", "Ada")).await;
        let mut other = Tab::open(world.server.page_as("bob", "Bob")).await;
        tab.click().await;
        pass(2).await;
        world.store.set("renew_lease", fault);
        let store = world.memory.clone();
        let second =
            Server::new(move || Runtime::builder().store(store.clone()).state(Arc::<Bench>::default()));
        let elsewhere = second.page();
        elsewhere.mount_open("counter", json!({})).await.unwrap();
        second.runtime().revoke("ada");
        // Until the store has ended the session.
        pass(2).await;
        let before = world.store.calls("renew_lease");
        if is_dropped {
            let runtime = world.server.runtime();
            tokio::time::timeout(Duration::from_millis(1), runtime.readiness()).await.unwrap_err();
        } else {
            while world.store.calls("renew_lease") == before {
                pass(1).await;
            }
        }
        let case = format!("{fault:?}, dropped: {is_dropped}");
        assert_eq!((world.server.runtime().stats().sessions, tab.page.connections()), (2, 1), "{case}");
        world.store.heal();
        // The page does nothing: only the next renewals can close it.
        let closed = tokio::time::timeout(Duration::from_secs(60), tab.page.closed()).await;
        assert_eq!(closed, Ok(4401), "{case}");
        other.click().await;
        pass(60).await;
        assert_eq!(world.server.runtime().stats().sessions, 1, "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_runtime_is_ready_when_its_store_can_be_written() {
    let world = world();
    let runtime = world.server.runtime();
    runtime.readiness().await.unwrap();
    for fault in [Fault::Fails, Fault::Hangs] {
        world.store.set("renew_lease", fault);
        pass(2).await;
        let why = runtime.readiness().await.unwrap_err();
        assert!(matches!(why, vivaz::NotReady::Store(_)), "{why}");
        // Many probes are one write.
        let calls = world.store.calls("renew_lease");
        for _ in 0..100 {
            runtime.readiness().await.unwrap_err();
        }
        assert!(world.store.calls("renew_lease") <= calls + 1);
        world.store.heal();
        pass(2).await;
        runtime.readiness().await.unwrap();
    }
    world.server.stop().await;
    assert!(matches!(runtime.readiness().await, Err(vivaz::NotReady::GoingAway)));
    let bare = Server::new(Runtime::builder);
    bare.runtime().readiness().await.unwrap();
}

async fn processes() -> (MemoryStore, crate::app::Server, crate::app::Server) {
    let store = MemoryStore::new();
    let start = || {
        let store = store.clone();
        start_with(|builder| builder.store(store).save(Save::Every(Duration::from_millis(20))))
    };
    let (first, second) = (start().await, start().await);
    (store, first, second)
}

/// Where a page is after some time in one process.
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
    let mut client = Client::greet(&first).await;
    client.mount("c", "counter", json!({})).await;
    client.mount("t", "steady", json!({})).await;
    let mut welcome = client.welcome.clone();
    let (mut from, mut left) = (3, client);
    for round in 1..=4 {
        let (here, there) = if round % 2 == 0 { (&first, &second) } else { (&second, &first) };
        let mut moved = resume(here, &welcome, from).await;
        assert_eq!(moved.act("t", "add", json!([])).await["result"], round);
        moved.act("c", "increment", json!([])).await;
        // The page that was left still has its line, and is told that another connection has the
        // session, whatever it does.
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
    let mut client = Client::greet(&first).await;
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
    // The first process still has its copy, which knows neither the secret nor the count.
    let mut back = resume(&first, &welcome, 4).await;
    assert_eq!(back.act("t", "add", json!([])).await["result"], 2);
    // A wrong secret does not end anything.
    let mut wrong = back.welcome.clone();
    wrong["resume"] = "AAAAAAAAAAAAAAAAAAAAAA".into();
    let other = Client::resume(&second, &wrong, 1, json!({})).await;
    assert_eq!(other.welcome["resumed"], false);
    assert_eq!(back.act("t", "add", json!([])).await["result"], 3);
    back.close(4000).await;
    first.until(|_| store.is_empty()).await;
}

/// Nobody knows what became of a commit, and the copy in memory is dropped. What is stored of the
/// session is not what its page has.
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
        // Longer than the store may take, and too short for the page to come back.
        pass(10).await;
        tab.page.network().offline();
        pass(1).await;
        world.store.heal();
        world.server.stop().await;
        let head = world.memory.find(&session).await.unwrap().unwrap();
        let stored = world.memory.claim(&session, "another", &head).await.unwrap().unwrap();
        assert_eq!(stored.exact, !is_dropped);
        drop(call);
    }
}
