//! Claims, commits and replies.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::rows::{
    LEASE, apply, c, change, component, delete, enter, fence, has, head, id, release, renew, save,
    save_whole, snapshot, whole,
};
use super::{ManualClock, StoreCase, cases};
use crate::persist::store::{
    Commit, CommitBody, CommitError, Fence, Secrets, SessionProgress, SessionState, SessionStore, Snapshot,
    SnapshotHead, StoredChange, StoredReply, WriteError, WriteRefusal,
};

/// The checks of this file.
pub(super) const CASES: &[StoreCase] = cases![
    a_session_is_claimed_as_it_was_seen_and_its_old_holder_may_write_no_more,
    a_commit_that_creates_a_session_and_expects_its_component_is_refused,
    an_unknown_session_is_absent_and_is_written_whole,
    replies_are_kept_until_they_are_received_or_saved_with_the_session,
    a_commit_may_enter_a_session_and_does_not_enter_it_again,
];

async fn a_session_is_claimed_as_it_was_seen_and_its_old_holder_may_write_no_more(
    store: Arc<dyn SessionStore>,
    _clock: Arc<ManualClock>,
) {
    save_whole(&*store, "a", "s").await;
    let seen = store.find(&id("s")).await.unwrap().unwrap();
    let secrets = Secrets { generation: 2, current: [7; 16], previous: None };
    renew(&*store, "s", "a", secrets.clone()).await.unwrap();
    assert!(store.claim(&id("s"), "b", &seen).await.unwrap().is_none(), "it has another secret");
    let seen = store.find(&id("s")).await.unwrap().unwrap();
    assert_eq!(seen.secrets, secrets);
    let claimed = store.claim(&id("s"), "b", &seen).await.unwrap().unwrap();
    assert_eq!((claimed.secrets, claimed.components), (secrets.clone(), vec![component("c", 3)]));
    assert!(store.claim(&id("s"), "c", &seen).await.unwrap().is_none(), "it has another holder");
    // Whatever A does now is refused and changes nothing.
    assert_eq!(save(&*store, "a", "s", &["c"]).await, Some(WriteRefusal::Taken));
    assert_eq!(save_whole(&*store, "a", "s").await, [(id("s"), WriteRefusal::Taken)]);
    let renewed = renew(&*store, "s", "a", secrets).await;
    assert!(matches!(renewed, Err(WriteError::Refused(WriteRefusal::Taken))));
    let committed = apply(&*store, change("s", "a", "c", 3)).await;
    assert!(matches!(committed, Err(CommitError::Refused(WriteRefusal::Taken))));
    delete(&*store, "a", "s").await;
    release(&*store, "s", "a").await;
    store.close("a").await.unwrap();
    let seen = store.find(&id("s")).await.unwrap().unwrap();
    let claimed = store.claim(&id("s"), "b", &seen).await.unwrap().unwrap();
    assert_eq!((claimed.components, claimed.exact), (vec![component("c", 3)], false));
    assert_eq!(save(&*store, "b", "s", &["c"]).await, None);
}

async fn a_commit_that_creates_a_session_and_expects_its_component_is_refused(
    store: Arc<dyn SessionStore>,
    _clock: Arc<ManualClock>,
) {
    store.renew_lease("a", LEASE).await.unwrap();
    save_whole(&*store, "a", "there").await;
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
        let write: CommitBody = Box::new(move |connection| {
            called.store(true, Ordering::SeqCst);
            (change.write)(connection)
        });
        let commit =
            Commit { creates: Some(Box::new(head())), write, ..self::change(session, "a", name, version) };
        match apply(&*store, commit).await {
            Err(CommitError::Conflict) => assert!(is_conflict, "{session} {name} {version}"),
            Err(CommitError::Absent(commit)) => {
                assert!(!is_conflict, "{session} {name} {version}");
                assert!(commit.creates.is_some() && commit.expects.is_some());
            }
            other => panic!("{session} {name} {version}: {other:?}"),
        }
        assert!(!was_called.load(Ordering::SeqCst), "{session} {name} {version}");
    }
    assert!(!has(&*store, "new").await);
}

async fn an_unknown_session_is_absent_and_is_written_whole(
    store: Arc<dyn SessionStore>,
    _clock: Arc<ManualClock>,
) {
    assert_eq!(save(&*store, "a", "s", &[]).await, Some(WriteRefusal::Absent));
    let committed = apply(&*store, change("s", "a", "c", 3)).await;
    let Err(CommitError::Absent(commit)) = committed else { panic!("{committed:?}") };
    assert_eq!(save_whole(&*store, "a", "s").await, []);
    apply(&*store, *commit).await.unwrap();
    // A component that it does not have, and a version that it does not have.
    assert_eq!(save(&*store, "a", "s", &["c", "d"]).await, Some(WriteRefusal::Absent));
    assert!(matches!(apply(&*store, change("s", "a", "d", 0)).await, Err(CommitError::Absent(_))));
    assert!(matches!(apply(&*store, change("s", "a", "c", 7)).await, Err(CommitError::Absent(_))));
    assert!(matches!(apply(&*store, change("s", "a", "c", 3)).await, Err(CommitError::Conflict)));
    // Newer and moving components of the store stay; the others are replaced or removed.
    let entered = whole("s", &[("c", 3), ("d", 1), ("e", 1), ("f", 1)]);
    enter(&*store, "a", entered).await;
    let moving = SessionState { moving: vec![c("e")], ..whole("s", &[("c", 5), ("d", 0)]) };
    enter(&*store, "a", moving).await;
    let seen = store.find(&id("s")).await.unwrap().unwrap();
    let mut components = store.claim(&id("s"), "a", &seen).await.unwrap().unwrap().components;
    components.sort_by(|one, other| one.id.cmp(&other.id));
    let versions: Vec<_> = components.iter().map(|one| (one.id.as_str(), one.version)).collect();
    assert_eq!(versions, [("c", 5), ("d", 1), ("e", 1)]);
    // What is not durable changes without a new version.
    let mut same = whole("s", &[("c", 5)]);
    same.components[0].state = b"other".to_vec();
    enter(&*store, "a", same).await;
    let seen = store.find(&id("s")).await.unwrap().unwrap();
    let stored = store.claim(&id("s"), "a", &seen).await.unwrap().unwrap();
    assert_eq!(&*stored.components[0].state, b"other");
}

async fn replies_are_kept_until_they_are_received_or_saved_with_the_session(
    store: Arc<dyn SessionStore>,
    _clock: Arc<ManualClock>,
) {
    save_whole(&*store, "a", "s").await;
    for reference in [1, 2, 3] {
        let reply = StoredReply { reference, body: format!("{reference}") };
        let gone = StoredChange::Removed { id: c("none") };
        apply(&*store, Commit::of(id("s"), "a".into(), Fence::FIRST, 1, gone, Some(reply))).await.unwrap();
    }
    let seen = store.find(&id("s")).await.unwrap().unwrap();
    let stored = store.claim(&id("s"), "a", &seen).await.unwrap().unwrap();
    assert_eq!(stored.replies.iter().map(|reply| reply.reference).collect::<Vec<_>>(), [2, 3]);
    // 2 is answered in what is saved, or given up; 3 was not when it was saved.
    let progress = |last, open: &[u64]| SessionProgress { last, open: open.to_vec(), replies: Vec::new() };
    let head_of = |progress| SnapshotHead { progress, ..head() };
    let fence = fence(&*store, &id("s")).await;
    let saved = Snapshot { fence, head: head_of(progress(3, &[3])), ..snapshot("s", &["c"]) };
    assert_eq!(store.save("a", vec![saved]).await.unwrap(), []);
    let seen = store.find(&id("s")).await.unwrap().unwrap();
    let stored = store.claim(&id("s"), "a", &seen).await.unwrap().unwrap();
    assert_eq!(stored.replies, [StoredReply { reference: 3, body: "3".into() }]);
    assert_eq!((stored.components[0].rev, &*stored.components[0].state), (9, &b"9"[..]));
    for (last, left) in [(2, 1), (3, 0)] {
        let entered = SessionState { head: head_of(progress(last, &[])), ..whole("s", &[("c", 9)]) };
        assert_eq!(enter(&*store, "a", entered).await, []);
        let seen = store.find(&id("s")).await.unwrap().unwrap();
        let stored = store.claim(&id("s"), "a", &seen).await.unwrap().unwrap();
        assert_eq!(stored.replies.len(), left, "{last}");
    }
}

async fn a_commit_may_enter_a_session_and_does_not_enter_it_again(
    store: Arc<dyn SessionStore>,
    _clock: Arc<ManualClock>,
) {
    for (generation, name) in [(5, "c"), (9, "d")] {
        let component = Box::new(component(name, 1));
        let mut commit =
            Commit::of(id("s"), "a".into(), Fence::FIRST, 0, StoredChange::Mounted { component }, None);
        let secrets = Secrets { generation, current: [7; 16], previous: None };
        commit.creates = Some(Box::new(SnapshotHead { secrets, ..head() }));
        apply(&*store, commit).await.unwrap();
        assert_eq!(store.find(&id("s")).await.unwrap().unwrap().secrets.generation, 5);
    }
    let seen = store.find(&id("s")).await.unwrap().unwrap();
    assert_eq!(store.claim(&id("s"), "a", &seen).await.unwrap().unwrap().components.len(), 2);
}
