//! Revocations, claims and commits whose outcome the store has not confirmed.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use vivaz::Runtime;
use vivaz::testing::{Ask, Server};

use super::{Tab, pass, world};
use crate::app::Bench;
use crate::stores::Fault;

#[tokio::test(start_paused = true)]
async fn a_page_whose_user_another_process_revokes_is_closed_by_whichever_write_is_refused_first() {
    for write in ["save", "commit", "removal"] {
        let world = world();
        let mut tab = Tab::open(world.server.page_as("ada", "Ada")).await;
        tab.click().await;
        pass(2).await;
        // The renewal of the lease does not report the eviction.
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
        // A page whose connection was closed for good receives no answers.
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
    // The claim takes effect, but this process does not receive the answer. Then the page leaves.
    world.store.set("claim", Fault::FailsLate);
    tab.page.network().online();
    pass(5).await;
    tab.page.network().offline();
    pass(2).await;
    world.store.recover();
    assert_eq!(world.memory.len(), 1);
    pass(180).await;
    assert!(world.memory.is_empty(), "the copy is not kept for the life of the process");
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_took_effect_and_was_answered_as_failed_is_no_dead_end() {
    let world = world();
    let mut tab = Tab::open(world.server.page()).await;
    tab.click().await;
    world.store.set("commit", Fault::FailsLate);
    tab.durable.call("add", ()).await.unwrap_err();
    world.store.recover();
    // The store's state counts: the page resumes from it, and the action runs once.
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
    world.store.recover();
    tab.page.until(|page| page.sessions() == 2).await;
    pass(2).await;
    assert!(world.memory.len() <= 1, "the store has deleted the old session");
}

#[tokio::test(start_paused = true)]
async fn a_revocation_that_is_stored_late_ends_no_session_that_began_after_it() {
    let world = world();
    let mut old = Tab::open(world.server.page_as("ada", "Ada")).await;
    old.click().await;
    world.store.set("forget_user", Fault::Fails);
    assert_eq!(world.server.runtime().revoke("ada"), 1);
    assert_eq!(old.page.closed().await, 4401);
    // She may log in again, and the revocation does not end her new session.
    let page = world.server.page_as("ada", "Ada");
    let opened = tokio::time::timeout(Duration::from_secs(30), page.mount_open("steady", json!({}))).await;
    assert!(opened.is_err(), "the session is not stored yet");
    world.store.recover();
    page.until(|page| page.sessions() == 1).await;
    let mut tab = Tab::open(page).await;
    for _ in 0..3 {
        tab.click().await;
        pass(60).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_revocation_during_the_first_one_is_stored_too() {
    let world = world();
    let mut other = Tab::open(world.server.page()).await;
    other.click().await;
    world.store.set("forget_user", Fault::AnswersLate);
    world.server.runtime().revoke("eve");
    pass(1).await;
    assert_eq!(world.store.calls("forget_user"), 1);
    // The store has gone through its sessions. Now another process inserts one.
    let store = world.memory.clone();
    let second = Server::new(move || Runtime::builder().store(store.clone()).state(Arc::<Bench>::default()));
    let mut tab = Tab::open(second.page_as("eve", "Eve")).await;
    tab.click().await;
    pass(2).await;
    world.server.runtime().revoke("eve");
    world.store.recover();
    pass(2).await;
    assert_eq!(world.store.calls("forget_user"), 2, "once for each");
    assert_eq!(tab.page.closed().await, 4401);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_waits_for_the_tasks_of_the_runtime() {
    let world = world();
    let mut tab = Tab::open(world.server.page()).await;
    tab.click().await;
    world.store.set("renew_lease", Fault::AnswersLate);
    let before = world.store.calls("renew_lease");
    while world.store.calls("renew_lease") == before {
        pass(1).await;
    }
    // A page that stays would reconnect without a pause.
    drop(tab);
    let runtime = world.server.runtime();
    let shutdown = tokio::spawn(async move { runtime.shutdown().await });
    pass(2).await;
    assert!(!shutdown.is_finished(), "the renewal is still running");
    world.store.recover();
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
    assert_eq!(world.memory.len(), before, "a late save does not restore it");
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
        world.store.recover();
        // The page sends nothing: only the next renewals can close it.
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
        // Many probes cause one write.
        let calls = world.store.calls("renew_lease");
        for _ in 0..100 {
            runtime.readiness().await.unwrap_err();
        }
        assert!(world.store.calls("renew_lease") <= calls + 1);
        world.store.recover();
        pass(2).await;
        runtime.readiness().await.unwrap();
    }
    world.server.stop().await;
    assert!(matches!(runtime.readiness().await, Err(vivaz::NotReady::GoingAway)));
    let bare = Server::new(Runtime::builder);
    bare.runtime().readiness().await.unwrap();
}
