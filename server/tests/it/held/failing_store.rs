//! Stores that fail or hang: nothing is lost, and failed writes are retried.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;
use vivaz::testing::Server;
use vivaz::{Limits, Runtime, SessionId, SessionStore as _};

use super::{Tab, pass, world, world_with};
use crate::app::Bench;
use crate::stores::Fault;

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_during_a_resume_loses_no_state() {
    let faults = [Fault::Fails, Fault::Hangs, Fault::FailsLate];
    for (method, fault) in
        ["find", "claim", "renew", "save_whole"].into_iter().flat_map(|one| faults.map(|fault| (one, fault)))
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
            if method == "save_whole" {
                world.memory.lose(&tab.session());
                if restarts {
                    continue;
                }
            }
            world.store.set(method, fault);
            tab.page.network().online();
            pass(45).await;
            // An inserted session still exists when its page retries.
            let is_asked = match method {
                "save_whole" => fault != Fault::FailsLate,
                _ => restarts || method == "renew",
            };
            assert_eq!(tab.page.connections() == 1, is_asked, "{method}, {fault:?}, {restarts}");
            assert_eq!(world.store.calls(method) > 1, is_asked, "it retried: {method}, {fault:?}");
            world.store.recover();
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
async fn failed_store_operations_are_retried() {
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
        // Eve's session is only in the store when her access is revoked.
        revoked.page.network().offline();
        let calls = world.store.calls(method);
        pass(200).await;
        assert_eq!(world.server.runtime().revoke("eve"), 1);
        pass(100).await;
        if method != "commit" {
            assert!(world.store.calls(method) > calls + 1, "{method} is tried again");
        }
        world.store.recover();
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
            assert_eq!(components, 2, "the removed component is not restored");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_at_shutdown_is_retried() {
    for (seconds, is_saved) in [(0.3, true), (30.0, false)] {
        let world = world_with(Limits::default());
        let mut tab = Tab::open(world.server.page()).await;
        tab.click().await;
        pass(3).await;
        let count = tab.plain.call("increment", [10]);
        count.await.unwrap();
        world.store.set("save_whole", Fault::Fails);
        let heals = async {
            tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
            world.store.recover();
        };
        tokio::join!(world.server.stop(), heals);
        world.server.start();
        tab.page.settled().await;
        // The page shows the server's state, also where that is older.
        let expected = json!(if is_saved { 11 } else { 1 });
        assert_eq!(tab.plain.call("peek", ()).await.unwrap(), Some(expected.clone()));
        assert_eq!((&tab.plain.state()["count"], tab.page.sessions()), (&expected, 1));
        assert_eq!(tab.durable.call("add", ()).await.unwrap(), Some(json!(2)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_keeps_no_process_from_ending() {
    for method in ["save", "save_whole", "delete", "forget_user", "release", "close"] {
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
async fn a_write_that_hung_in_the_store_is_repeated() {
    let world = world();
    let mut tab = Tab::open(world.server.page()).await;
    tab.click().await;
    pass(3).await;
    world.store.set("save", Fault::Hangs);
    tab.plain.call("increment", ()).await.unwrap();
    pass(3).await;
    world.store.recover();
    pass(30).await;
    world.server.crash();
    assert_eq!(tab.plain.call("peek", ()).await.unwrap(), Some(json!(2)));
}

/// Checks whether the store has the session.
async fn has(world: &super::World, session: &SessionId) -> bool {
    world.memory.find(session).await.unwrap().is_some()
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_in_another_call_delays_no_revocation() {
    for method in ["save", "save_whole", "delete"] {
        let world = world();
        let mut tab = Tab::open(world.server.page_as("ada", "Ada")).await;
        let mut gone = Tab::open(world.server.page_as("bob", "Bob")).await;
        // Another process has this session.
        let store = world.memory.clone();
        let second =
            Server::new(move || Runtime::builder().store(store.clone()).state(Arc::<Bench>::default()));
        let mut eve = Tab::open(second.page_as("eve", "Eve")).await;
        for one in [&mut tab, &mut gone, &mut eve] {
            one.click().await;
        }
        pass(3).await;
        world.store.set(method, Fault::Hangs);
        if method == "save_whole" {
            world.memory.lose(&tab.session());
        }
        tab.plain.call("increment", ()).await.unwrap();
        gone.page.leave().await;
        pass(30).await;
        assert!(world.store.calls(method) > 1, "{method}");
        let session = eve.session();
        assert!(has(&world, &session).await);
        world.server.runtime().revoke("eve");
        pass(1).await;
        assert!(!has(&world, &session).await, "{method}");
    }
}

#[tokio::test(start_paused = true)]
async fn ended_sessions_are_deleted_in_batches() {
    let world = world_with(Limits { connections_per_address: 1_000, ..Limits::default() });
    let mut pages = Vec::new();
    for _ in 0..300 {
        let page = world.server.page();
        page.mount_open("counter", json!({})).await.unwrap();
        pages.push(page);
    }
    world.store.set("delete", Fault::Fails);
    for page in pages {
        page.leave().await;
    }
    pass(3).await;
    assert_eq!(world.memory.len(), 300);
    let before = world.store.calls("delete");
    world.store.recover();
    pass(3).await;
    assert_eq!((world.memory.len(), world.store.calls("delete") - before), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn a_queued_save_does_not_overwrite_a_newer_whole_state() {
    let world = world();
    let mut tab = Tab::open(world.server.page()).await;
    let mut other = Tab::open(world.server.page()).await;
    for one in [&mut tab, &mut other] {
        one.click().await;
    }
    pass(3).await;
    // While the store saves one session, the save of the other one is queued.
    world.store.set("save", Fault::AnswersLate);
    other.plain.call("increment", ()).await.unwrap();
    pass(2).await;
    tab.plain.call("increment", ()).await.unwrap();
    pass(2).await;
    tab.plain.call("increment", ()).await.unwrap();
    world.memory.lose(&tab.session());
    assert_eq!(tab.durable.call("add", ()).await.unwrap(), Some(json!(2)));
    assert_eq!(world.store.calls("save_whole"), 1, "the commit has waited for the whole state");
    world.store.recover();
    tokio::time::sleep(Duration::from_millis(10)).await;
    world.server.crash();
    assert_eq!(tab.plain.call("peek", ()).await.unwrap(), Some(json!(3)));
}
