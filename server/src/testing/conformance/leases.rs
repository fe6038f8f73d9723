//! Leases, ends of sessions, and revoked users.

use std::sync::Arc;

use super::rows::{
    LEASE, apply, change, delete, enter, has, head, id, release, renew, save, save_whole, whole,
};
use super::{ManualClock, StoreCase, cases};
use crate::persist::store::{
    Commit, CommitError, Owner, Secrets, SessionState, SessionStore, SnapshotHead, TOMBSTONE, WriteError,
    WriteRefusal,
};

/// The checks of this file.
pub(super) const CASES: &[StoreCase] = cases![
    a_session_is_valid_during_the_lease_and_for_its_own_time_after_it,
    steps_of_the_wall_clock_end_no_lease,
    a_restarted_process_keeps_its_leases_and_expires_no_session_at_first,
    the_lease_of_an_unknown_process_ends,
    a_process_that_closes_leaves_sessions_that_are_exact_and_good_for_their_time,
    an_ended_session_is_not_written_again,
    a_user_is_forgotten_in_one_tenant_and_holders_are_notified_until_the_sessions_end,
    a_lease_that_ends_now_has_ended,
];

async fn a_session_is_valid_during_the_lease_and_for_its_own_time_after_it(
    store: Arc<dyn SessionStore>,
    clock: Arc<ManualClock>,
) {
    for process in ["a", "b"] {
        store.renew_lease(process, LEASE).await.unwrap();
    }
    save_whole(&*store, "a", "s").await;
    // Hours later: A renews its lease, so its sessions stay, however long ago they were saved.
    for _ in 0..1_000 {
        clock.pass(10);
        for process in ["a", "b"] {
            store.renew_lease(process, LEASE).await.unwrap();
        }
        assert_eq!(store.expire("b").await.unwrap(), 0);
    }
    // A has stopped. Its lease runs for 30 seconds, then the session stays valid for 60.
    for second in (10..90).step_by(10) {
        clock.pass(10);
        store.renew_lease("b", LEASE).await.unwrap();
        assert_eq!(store.expire("b").await.unwrap(), 0, "after {second} s");
        assert!(has(&*store, "s").await);
    }
    clock.pass(10);
    store.renew_lease("b", LEASE).await.unwrap();
    assert_eq!(store.expire("b").await.unwrap(), 1);
    assert!(!has(&*store, "s").await);
}

async fn steps_of_the_wall_clock_end_no_lease(store: Arc<dyn SessionStore>, clock: Arc<ManualClock>) {
    for process in ["a", "b"] {
        store.renew_lease(process, LEASE).await.unwrap();
    }
    save_whole(&*store, "a", "s").await;
    release(&*store, "s", "a").await;
    save_whole(&*store, "a", "held").await;
    for step in [7_200, -14_400, 86_400, -86_400, 31_536_000] {
        clock.step(step);
        clock.pass(8);
        for process in ["a", "b"] {
            store.renew_lease(process, LEASE).await.unwrap();
            assert_eq!(store.expire(process).await.unwrap(), 0, "after a step of {step} s");
        }
    }
    for _ in 0..2 {
        clock.pass(10);
        store.renew_lease("b", LEASE).await.unwrap();
    }
    assert_eq!(store.expire("b").await.unwrap(), 1, "the released one, after 60 s");
    assert!(has(&*store, "held").await);
}

async fn a_restarted_process_keeps_its_leases_and_expires_no_session_at_first(
    store: Arc<dyn SessionStore>,
    clock: Arc<ManualClock>,
) {
    for process in ["a", "b"] {
        store.renew_lease(process, LEASE).await.unwrap();
    }
    save_whole(&*store, "a", "s").await;
    clock.pass(45);
    store.renew_lease("b", LEASE).await.unwrap();
    assert_eq!(store.expire("b").await.unwrap(), 0, "B was away itself");
    clock.pass(29);
    store.renew_lease("b", LEASE).await.unwrap();
    clock.pass(1);
    assert_eq!(store.expire("b").await.unwrap(), 0, "A's lease has ended, its session runs out");
    // A was suspended and goes on.
    store.renew_lease("a", LEASE).await.unwrap();
    for _ in 0..10 {
        clock.pass(20);
        for process in ["a", "b"] {
            store.renew_lease(process, LEASE).await.unwrap();
        }
        assert_eq!(store.expire("b").await.unwrap(), 0);
    }
    assert!(has(&*store, "s").await);
    // All processes are suspended, for longer than any session stays valid.
    clock.pass(10_000);
    store.renew_lease("b", LEASE).await.unwrap();
    assert_eq!(store.expire("b").await.unwrap(), 0);
    clock.pass(29);
    store.renew_lease("a", LEASE).await.unwrap();
    store.renew_lease("b", LEASE).await.unwrap();
    clock.pass(5);
    assert_eq!(store.expire("b").await.unwrap(), 0);
    assert!(has(&*store, "s").await);
}

async fn the_lease_of_an_unknown_process_ends(store: Arc<dyn SessionStore>, clock: Arc<ManualClock>) {
    save_whole(&*store, "unknown", "s").await;
    store.renew_lease("b", LEASE).await.unwrap();
    let mut expired = 0;
    for _ in 0..12 {
        clock.pass(10);
        store.renew_lease("b", LEASE).await.unwrap();
        expired += store.expire("b").await.unwrap();
    }
    assert_eq!(expired, 1);
}

async fn a_process_that_closes_leaves_sessions_that_are_exact_and_good_for_their_time(
    store: Arc<dyn SessionStore>,
    clock: Arc<ManualClock>,
) {
    store.renew_lease("a", LEASE).await.unwrap();
    save_whole(&*store, "a", "s").await;
    save_whole(&*store, "a", "t").await;
    save_whole(&*store, "a", "u").await;
    release(&*store, "u", "a").await;
    store.close("a").await.unwrap();
    store.renew_lease("b", LEASE).await.unwrap();
    let seen = store.find(&id("u")).await.unwrap().unwrap();
    assert!(!store.claim(&id("u"), "b", &seen).await.unwrap().unwrap().exact, "it was let go of");
    clock.pass(30);
    store.renew_lease("b", LEASE).await.unwrap();
    assert_eq!(store.expire("b").await.unwrap(), 0);
    let seen = store.find(&id("s")).await.unwrap().unwrap();
    assert_eq!(seen.holder, "a");
    for _ in 0..2 {
        let seen = store.find(&id("s")).await.unwrap().unwrap();
        assert!(store.claim(&id("s"), "b", &seen).await.unwrap().unwrap().exact, "it has not run yet");
    }
    renew(&*store, "s", "b", seen.secrets).await.unwrap();
    let seen = store.find(&id("s")).await.unwrap().unwrap();
    assert!(!store.claim(&id("s"), "b", &seen).await.unwrap().unwrap().exact, "its page is back");
    for _ in 0..2 {
        clock.pass(15);
        store.renew_lease("b", LEASE).await.unwrap();
    }
    assert_eq!(store.expire("b").await.unwrap(), 1, "the session without a process");
    assert!(has(&*store, "s").await);
}

async fn an_ended_session_is_not_written_again(store: Arc<dyn SessionStore>, clock: Arc<ManualClock>) {
    store.renew_lease("a", LEASE).await.unwrap();
    save_whole(&*store, "a", "s").await;
    delete(&*store, "a", "s").await;
    delete(&*store, "a", "never-stored").await;
    for session in ["s", "never-stored"] {
        assert_eq!(save(&*store, "a", session, &[]).await, Some(WriteRefusal::Ended));
        assert_eq!(save_whole(&*store, "a", session).await, [(id(session), WriteRefusal::Ended)]);
        let commit = Commit { creates: Some(Box::new(head())), ..change(session, "a", "c", 3) };
        let committed = apply(&*store, commit).await;
        assert!(matches!(committed, Err(CommitError::Refused(WriteRefusal::Ended))));
        let renewed = renew(&*store, session, "a", Secrets::default()).await;
        assert!(matches!(renewed, Err(WriteError::Refused(WriteRefusal::Ended))));
        assert!(!has(&*store, session).await);
    }
    // The tombstone is kept for a bounded time.
    clock.pass(TOMBSTONE.as_secs() - 40);
    store.renew_lease("a", LEASE).await.unwrap();
    clock.pass(29);
    store.renew_lease("a", LEASE).await.unwrap();
    clock.pass(1);
    store.expire("a").await.unwrap();
    assert_eq!(save(&*store, "a", "s", &[]).await, Some(WriteRefusal::Ended));
    clock.pass(10);
    store.expire("a").await.unwrap();
    assert_eq!(save(&*store, "a", "s", &[]).await, Some(WriteRefusal::Absent));
}

async fn a_user_is_forgotten_in_one_tenant_and_holders_are_notified_until_the_sessions_end(
    store: Arc<dyn SessionStore>,
    _clock: Arc<ManualClock>,
) {
    let of = |user: Option<&str>, tenant: Option<&str>| Owner {
        user: user.map(str::to_owned),
        tenant: tenant.map(str::to_owned),
        login: None,
    };
    let owners = [
        ("1", of(Some("ada"), None)),
        ("2", of(Some("ada"), Some("acme"))),
        ("3", of(Some("bob"), None)),
        ("4", of(None, None)),
        ("5", of(None, Some("acme"))),
    ];
    for (session, owner) in &owners {
        let whole =
            SessionState { head: SnapshotHead { owner: owner.clone(), ..head() }, ..whole(session, &[]) };
        enter(&*store, "a", whole).await;
    }
    for nobody in [of(None, None), of(None, Some("acme")), of(Some("ada"), Some("globex"))] {
        assert_eq!(store.forget_user(&nobody).await.unwrap(), 0);
    }
    // One login, of whichever user.
    let by = |login: &str, owner: Owner| Owner { login: Some(login.to_owned()), ..owner };
    for (session, owner) in [
        ("6", by("phone", of(Some("eve"), None))),
        ("7", by("desk", of(Some("eve"), None))),
        ("8", by("phone", of(Some("eve"), Some("acme")))),
    ] {
        let whole =
            SessionState { head: SnapshotHead { owner: owner.clone(), ..head() }, ..whole(session, &[]) };
        enter(&*store, "c", whole).await;
        assert_eq!(store.find(&id(session)).await.unwrap().unwrap().owner, owner);
    }
    assert_eq!(store.forget_user(&by("tablet", of(None, None))).await.unwrap(), 0);
    assert_eq!(store.forget_user(&by("desk", of(Some("bob"), None))).await.unwrap(), 0);
    assert_eq!(store.forget_user(&by("phone", of(None, None))).await.unwrap(), 1);
    assert_eq!(store.renew_lease("c", LEASE).await.unwrap(), [id("6")]);
    assert_eq!(store.forget_user(&by("phone", of(Some("eve"), Some("acme")))).await.unwrap(), 1);
    assert_eq!(store.forget_user(&of(Some("eve"), None)).await.unwrap(), 1, "whatever the login");

    assert_eq!(store.forget_user(&owners[0].1).await.unwrap(), 1);
    assert_eq!(store.renew_lease("b", LEASE).await.unwrap(), []);
    assert_eq!(store.renew_lease("a", LEASE).await.unwrap(), [id("1")]);
    assert_eq!(store.renew_lease("a", LEASE).await.unwrap(), [id("1")], "it has not ended it yet");
    // Another process had the session before.
    delete(&*store, "b", "1").await;
    assert_eq!(store.renew_lease("a", LEASE).await.unwrap(), [id("1")], "another process has ended it");
    delete(&*store, "a", "1").await;
    assert_eq!(store.renew_lease("a", LEASE).await.unwrap(), [], "it has ended it");
    assert_eq!(store.forget_user(&owners[1].1).await.unwrap(), 1);
    for (session, _) in &owners {
        assert_eq!(has(&*store, session).await, !["1", "2"].contains(session));
    }
    delete(&*store, "a", "3").await;
    assert_eq!(store.renew_lease("a", LEASE).await.unwrap(), [id("2")], "it knows what it ended itself");
}

async fn a_lease_that_ends_now_has_ended(store: Arc<dyn SessionStore>, clock: Arc<ManualClock>) {
    store.renew_lease("b", LEASE).await.unwrap();
    save_whole(&*store, "a", "s").await;
    release(&*store, "s", "a").await;
    for _ in 0..4 {
        clock.pass(10);
        store.renew_lease("b", LEASE).await.unwrap();
    }
    // The session was good for 60 seconds; the lease of B ends after 70.
    clock.pass(30);
    assert_eq!(store.expire("b").await.unwrap(), 0);
    store.renew_lease("b", LEASE).await.unwrap();
    assert_eq!(store.expire("b").await.unwrap(), 0, "another lease begins");
    clock.pass(29);
    store.renew_lease("b", LEASE).await.unwrap();
    assert_eq!(store.expire("b").await.unwrap(), 0);
    clock.pass(1);
    assert_eq!(store.expire("b").await.unwrap(), 1);
}
