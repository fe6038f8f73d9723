//! The contract of every store: which process may write a session, when a session expires, and that
//! ended sessions stay ended.

mod writes;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use vivaz::sqlite::Sqlite;
use vivaz::store::{
    Commit, CommitError, CommitRecord, ComponentChange, ComponentState, Owner, Secrets, SessionState,
    Snapshot, SnapshotHead, StoredComponent, StoredOrigin, TOMBSTONE, WriteError, WriteRefusal,
};
use vivaz::{ComponentId, MemoryStore, SessionId, SessionStore};

use crate::stores::{Hands, head};

pub(crate) const LEASE: Duration = Duration::from_secs(30);

/// Runs a test on each kind of store, with its own clock.
pub(crate) async fn on_each<F: Future<Output = ()>>(test: impl Fn(Arc<dyn SessionStore>, Arc<Hands>) -> F) {
    let clock = Hands::new();
    test(Arc::new(MemoryStore::with_clock(clock.clone())), clock).await;
    let file = Temporary::new();
    let clock = Hands::new();
    let store = Sqlite::open_with_clock(&file.0, clock.clone()).unwrap();
    test(Arc::new(store.clone()), clock).await;
    store.close().await;
}

/// A path for a database, which is deleted with it.
pub(crate) struct Temporary(pub(crate) PathBuf);

impl Temporary {
    pub(crate) fn new() -> Self {
        let directory = std::env::temp_dir().join(format!("vivaz-lease-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&directory).unwrap();
        Self(directory.join("test.sqlite"))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        std::fs::remove_dir_all(self.0.parent().unwrap()).unwrap();
    }
}

pub(crate) fn id(name: &str) -> SessionId {
    SessionId::new(name).unwrap()
}

pub(crate) fn c(name: &str) -> ComponentId {
    ComponentId::new(name).unwrap()
}

pub(crate) fn component(name: &str, version: u64) -> StoredComponent {
    StoredComponent {
        origin: StoredOrigin::Open,
        id: name.into(),
        name: "counter".into(),
        schema: 1,
        template: "t".into(),
        props: "{}".into(),
        state: format!("{version}").into_bytes(),
        epoch: "e".into(),
        rev: version,
        version,
        settled: 0,
        durable: true,
        anew: false,
        rooms: Vec::new(),
        connected: true,
        shown: Some(1),
    }
}

pub(crate) fn whole(session: &str, components: &[(&str, u64)]) -> SessionState {
    SessionState {
        session: id(session),
        head: head(),
        components: components.iter().map(|(name, version)| component(name, *version)).collect(),
        moving: Vec::new(),
        aside: Vec::new(),
    }
}

async fn enter(store: &dyn SessionStore, by: &str, session: &str) -> Vec<(SessionId, WriteRefusal)> {
    store.enter(by, vec![whole(session, &[("c", 3)])]).await.unwrap()
}

fn snapshot(session: &str, components: &[&str]) -> Snapshot {
    let state = |name: &&str| ComponentState {
        id: c(name),
        state: b"9".to_vec(),
        shown: Some(9),
        props: r#"{"count":9}"#.into(),
        epoch: "e".into(),
        rev: 9,
        rooms: vec!["hall".into()],
        connected: true,
    };
    Snapshot { session: id(session), head: head(), components: components.iter().map(state).collect() }
}

pub(crate) async fn save(
    store: &dyn SessionStore,
    by: &str,
    session: &str,
    components: &[&str],
) -> Option<WriteRefusal> {
    let refused = store.save(by, vec![snapshot(session, components)]).await.unwrap();
    refused.first().map(|(_, refusal)| *refusal)
}

async fn has(store: &dyn SessionStore, session: &str) -> bool {
    store.find(&id(session)).await.unwrap().is_some()
}

pub(crate) fn change(session: &str, by: &str, name: &str, from: u64) -> Commit {
    let state = ComponentState {
        id: c(name),
        state: b"8".to_vec(),
        shown: Some(8),
        props: r#"{"count":8}"#.into(),
        epoch: "e".into(),
        rev: from + 1,
        rooms: vec!["attic".into()],
        connected: true,
    };
    let written = CommitRecord { change: ComponentChange::Changed { state, settled: 4 }, reply: None };
    Commit {
        session: id(session),
        by: by.into(),
        enters: None,
        expects: Some((c(name), from)),
        received: 0,
        write: Box::new(move |_| Ok(written)),
        publish: Box::new(|| ()),
    }
}

#[tokio::test]
async fn a_session_is_good_while_its_process_lives_and_as_long_as_it_says_after_that() {
    on_each(|store, clock| async move {
        for process in ["a", "b"] {
            store.renew_lease(process, LEASE).await.unwrap();
        }
        enter(&*store, "a", "s").await;
        // Hours later: A renews its lease, so its sessions stay, however long ago they were saved.
        for _ in 0..1_000 {
            clock.pass(10);
            for process in ["a", "b"] {
                store.renew_lease(process, LEASE).await.unwrap();
            }
            assert_eq!(store.expire("b").await.unwrap(), 0);
        }
        // A is gone. Its lease runs for 30 seconds, then the session is good for 60.
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
    })
    .await;
}

#[tokio::test]
async fn steps_of_the_wall_clock_take_nothing() {
    on_each(|store, clock| async move {
        for process in ["a", "b"] {
            store.renew_lease(process, LEASE).await.unwrap();
        }
        enter(&*store, "a", "s").await;
        store.release(&id("s"), "a").await.unwrap();
        enter(&*store, "a", "held").await;
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
    })
    .await;
}

#[tokio::test]
async fn a_process_that_comes_back_holds_what_is_left_and_expires_nothing_at_first() {
    on_each(|store, clock| async move {
        for process in ["a", "b"] {
            store.renew_lease(process, LEASE).await.unwrap();
        }
        enter(&*store, "a", "s").await;
        clock.pass(45);
        store.renew_lease("b", LEASE).await.unwrap();
        assert_eq!(store.expire("b").await.unwrap(), 0, "B was away itself");
        clock.pass(29);
        store.renew_lease("b", LEASE).await.unwrap();
        clock.pass(1);
        assert_eq!(store.expire("b").await.unwrap(), 0, "A's lease has ended, its session runs out");
        // A was suspended and continues.
        store.renew_lease("a", LEASE).await.unwrap();
        for _ in 0..10 {
            clock.pass(20);
            for process in ["a", "b"] {
                store.renew_lease(process, LEASE).await.unwrap();
            }
            assert_eq!(store.expire("b").await.unwrap(), 0);
        }
        assert!(has(&*store, "s").await);
        // All processes are suspended, for longer than any lease or session lasts.
        clock.pass(10_000);
        store.renew_lease("b", LEASE).await.unwrap();
        assert_eq!(store.expire("b").await.unwrap(), 0);
        clock.pass(29);
        store.renew_lease("a", LEASE).await.unwrap();
        store.renew_lease("b", LEASE).await.unwrap();
        clock.pass(5);
        assert_eq!(store.expire("b").await.unwrap(), 0);
        assert!(has(&*store, "s").await);
    })
    .await;
}

#[tokio::test]
async fn a_process_that_nobody_knows_holds_nothing_for_ever() {
    on_each(|store, clock| async move {
        enter(&*store, "unknown", "s").await;
        store.renew_lease("b", LEASE).await.unwrap();
        let mut expired = 0;
        for _ in 0..12 {
            clock.pass(10);
            store.renew_lease("b", LEASE).await.unwrap();
            expired += store.expire("b").await.unwrap();
        }
        assert_eq!(expired, 1);
    })
    .await;
}

#[tokio::test]
async fn a_process_that_closes_leaves_sessions_that_are_exact_and_good_for_their_time() {
    on_each(|store, clock| async move {
        store.renew_lease("a", LEASE).await.unwrap();
        enter(&*store, "a", "s").await;
        enter(&*store, "a", "t").await;
        enter(&*store, "a", "u").await;
        store.release(&id("u"), "a").await.unwrap();
        store.close("a").await.unwrap();
        store.renew_lease("b", LEASE).await.unwrap();
        let seen = store.find(&id("u")).await.unwrap().unwrap();
        assert!(!store.claim(&id("u"), "b", &seen).await.unwrap().unwrap().exact, "it was released");
        clock.pass(30);
        store.renew_lease("b", LEASE).await.unwrap();
        assert_eq!(store.expire("b").await.unwrap(), 0);
        let seen = store.find(&id("s")).await.unwrap().unwrap();
        assert_eq!(seen.holder, "a");
        for _ in 0..2 {
            let seen = store.find(&id("s")).await.unwrap().unwrap();
            assert!(
                store.claim(&id("s"), "b", &seen).await.unwrap().unwrap().exact,
                "the sweep has not run yet"
            );
        }
        store.renew(&id("s"), "b", seen.secrets, LEASE).await.unwrap();
        let seen = store.find(&id("s")).await.unwrap().unwrap();
        assert!(!store.claim(&id("s"), "b", &seen).await.unwrap().unwrap().exact, "its page has resumed it");
        for _ in 0..2 {
            clock.pass(15);
            store.renew_lease("b", LEASE).await.unwrap();
        }
        assert_eq!(store.expire("b").await.unwrap(), 1, "the one that no process claimed");
        assert!(has(&*store, "s").await);
    })
    .await;
}

#[tokio::test]
async fn a_session_is_claimed_as_it_was_seen_and_its_old_holder_may_write_no_more() {
    on_each(|store, _clock| async move {
        enter(&*store, "a", "s").await;
        let seen = store.find(&id("s")).await.unwrap().unwrap();
        let secrets = Secrets { generation: 2, current: [7; 16], previous: None };
        store.renew(&id("s"), "a", secrets.clone(), LEASE).await.unwrap();
        assert!(store.claim(&id("s"), "b", &seen).await.unwrap().is_none(), "it has another secret");
        let seen = store.find(&id("s")).await.unwrap().unwrap();
        assert_eq!(seen.secrets, secrets);
        let claimed = store.claim(&id("s"), "b", &seen).await.unwrap().unwrap();
        assert_eq!((claimed.secrets, claimed.components), (secrets.clone(), vec![component("c", 3)]));
        assert!(store.claim(&id("s"), "c", &seen).await.unwrap().is_none(), "another process owns it");
        // Every later write of A is refused and changes nothing.
        assert_eq!(save(&*store, "a", "s", &["c"]).await, Some(WriteRefusal::Taken));
        assert_eq!(enter(&*store, "a", "s").await, [(id("s"), WriteRefusal::Taken)]);
        let renewed = store.renew(&id("s"), "a", secrets, LEASE).await;
        assert!(matches!(renewed, Err(WriteError::Refused(WriteRefusal::Taken))));
        let committed = store.commit(change("s", "a", "c", 3)).await;
        assert!(matches!(committed, Err(CommitError::Refused(WriteRefusal::Taken))));
        store.delete("a", vec![id("s")]).await.unwrap();
        store.release(&id("s"), "a").await.unwrap();
        store.close("a").await.unwrap();
        let seen = store.find(&id("s")).await.unwrap().unwrap();
        let claimed = store.claim(&id("s"), "b", &seen).await.unwrap().unwrap();
        assert_eq!((claimed.components, claimed.exact), (vec![component("c", 3)], false));
        assert_eq!(save(&*store, "b", "s", &["c"]).await, None);
    })
    .await;
}

#[tokio::test]
async fn a_commit_that_enters_a_session_and_expects_a_component_of_it_writes_nothing() {
    on_each(|store, _clock| async move {
        store.renew_lease("a", LEASE).await.unwrap();
        enter(&*store, "a", "there").await;
        for (session, name, version, is_conflict) in [
            ("new", "c", 0, false),
            ("new", "c", 3, false),
            ("there", "other", 0, false),
            ("there", "c", 9, false),
            ("there", "c", 0, true),
        ] {
            let was_called = Arc::new(AtomicBool::new(false));
            let called = Arc::clone(&was_called);
            let change = change(session, "a", name, version);
            let write: vivaz::store::TransactionBody = Box::new(move |connection| {
                called.store(true, Ordering::SeqCst);
                (change.write)(connection)
            });
            let commit =
                Commit { enters: Some(Box::new(head())), write, ..self::change(session, "a", name, version) };
            match store.commit(commit).await {
                Err(CommitError::Conflict) => assert!(is_conflict, "{session} {name} {version}"),
                Err(CommitError::Absent(commit)) => {
                    assert!(!is_conflict, "{session} {name} {version}");
                    assert!(commit.enters.is_some() && commit.expects.is_some());
                }
                other => panic!("{session} {name} {version}: {other:?}"),
            }
            assert!(!was_called.load(Ordering::SeqCst), "{session} {name} {version}");
        }
        assert!(!has(&*store, "new").await);
    })
    .await;
}

#[tokio::test]
async fn what_has_ended_is_not_written_again() {
    on_each(|store, clock| async move {
        store.renew_lease("a", LEASE).await.unwrap();
        enter(&*store, "a", "s").await;
        store.delete("a", vec![id("s"), id("never-stored")]).await.unwrap();
        for session in ["s", "never-stored"] {
            assert_eq!(save(&*store, "a", session, &[]).await, Some(WriteRefusal::Ended));
            assert_eq!(enter(&*store, "a", session).await, [(id(session), WriteRefusal::Ended)]);
            let commit = Commit { enters: Some(Box::new(head())), ..change(session, "a", "c", 3) };
            let committed = store.commit(commit).await;
            assert!(matches!(committed, Err(CommitError::Refused(WriteRefusal::Ended))));
            let renewed = store.renew(&id(session), "a", Secrets::default(), LEASE).await;
            assert!(matches!(renewed, Err(WriteError::Refused(WriteRefusal::Ended))));
            assert!(!has(&*store, session).await);
        }
        // It is remembered for a bounded time.
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
    })
    .await;
}

#[tokio::test]
async fn a_user_is_forgotten_in_one_tenant_and_the_holders_are_told_until_they_end_the_sessions() {
    on_each(|store, _clock| async move {
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
            store.enter("a", vec![whole]).await.unwrap();
        }
        for nobody in [of(None, None), of(None, Some("acme")), of(Some("ada"), Some("globex"))] {
            assert_eq!(store.forget_user(&nobody).await.unwrap(), 0);
        }
        // One login, of any user.
        let by = |login: &str, owner: Owner| Owner { login: Some(login.to_owned()), ..owner };
        for (session, owner) in [
            ("6", by("phone", of(Some("eve"), None))),
            ("7", by("desk", of(Some("eve"), None))),
            ("8", by("phone", of(Some("eve"), Some("acme")))),
        ] {
            let whole =
                SessionState { head: SnapshotHead { owner: owner.clone(), ..head() }, ..whole(session, &[]) };
            store.enter("c", vec![whole]).await.unwrap();
            assert_eq!(store.find(&id(session)).await.unwrap().unwrap().owner, owner);
        }
        assert_eq!(store.forget_user(&by("tablet", of(None, None))).await.unwrap(), 0);
        assert_eq!(store.forget_user(&by("desk", of(Some("bob"), None))).await.unwrap(), 0);
        assert_eq!(store.forget_user(&by("phone", of(None, None))).await.unwrap(), 1);
        assert_eq!(store.renew_lease("c", LEASE).await.unwrap(), [id("6")]);
        assert_eq!(store.forget_user(&by("phone", of(Some("eve"), Some("acme")))).await.unwrap(), 1);
        assert_eq!(store.forget_user(&of(Some("eve"), None)).await.unwrap(), 1, "with any login");

        assert_eq!(store.forget_user(&owners[0].1).await.unwrap(), 1);
        assert_eq!(store.renew_lease("b", LEASE).await.unwrap(), []);
        assert_eq!(store.renew_lease("a", LEASE).await.unwrap(), [id("1")]);
        assert_eq!(
            store.renew_lease("a", LEASE).await.unwrap(),
            [id("1")],
            "this process has not ended it yet"
        );
        // Another process owned the session before.
        store.delete("b", vec![id("1")]).await.unwrap();
        assert_eq!(store.renew_lease("a", LEASE).await.unwrap(), [id("1")], "another process has ended it");
        store.delete("a", vec![id("1")]).await.unwrap();
        assert_eq!(store.renew_lease("a", LEASE).await.unwrap(), [], "this process has ended it");
        assert_eq!(store.forget_user(&owners[1].1).await.unwrap(), 1);
        for (session, _) in &owners {
            assert_eq!(has(&*store, session).await, !["1", "2"].contains(session));
        }
        store.delete("a", vec![id("3")]).await.unwrap();
        assert_eq!(
            store.renew_lease("a", LEASE).await.unwrap(),
            [id("2")],
            "this process knows the session that it ended"
        );
    })
    .await;
}
