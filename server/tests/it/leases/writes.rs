//! The writes of every store: lost sessions, replies, and leases that end at the same moment.

use vivaz::MemoryStore;
use vivaz::store::{
    Commit, CommitError, ComponentChange, Secrets, SessionProgress, SessionState, Snapshot, SnapshotHead,
    StoredReply, WriteRefusal,
};

use super::{LEASE, c, change, component, enter, id, on_each, save, snapshot, whole};
use crate::stores::head;

#[tokio::test]
async fn what_the_store_does_not_have_is_absent_and_is_entered_whole() {
    on_each(|store, _clock| async move {
        assert_eq!(save(&*store, "a", "s", &[]).await, Some(WriteRefusal::Absent));
        let committed = store.commit(change("s", "a", "c", 3)).await;
        let Err(CommitError::Absent(commit)) = committed else { panic!("{committed:?}") };
        assert_eq!(enter(&*store, "a", "s").await, []);
        store.commit(*commit).await.unwrap();
        // A component that it does not have, and a version that it does not have.
        assert_eq!(save(&*store, "a", "s", &["c", "d"]).await, Some(WriteRefusal::Absent));
        assert!(matches!(store.commit(change("s", "a", "d", 0)).await, Err(CommitError::Absent(_))));
        assert!(matches!(store.commit(change("s", "a", "c", 7)).await, Err(CommitError::Absent(_))));
        assert!(matches!(store.commit(change("s", "a", "c", 3)).await, Err(CommitError::Conflict)));
        // Newer rows of the store stay, moving ones stay, the rest is replaced.
        let entered = whole("s", &[("c", 3), ("d", 1), ("e", 1), ("f", 1)]);
        store.enter("a", vec![entered]).await.unwrap();
        let moving = SessionState { moving: vec![c("e")], ..whole("s", &[("c", 5), ("d", 0)]) };
        store.enter("a", vec![moving]).await.unwrap();
        let seen = store.find(&id("s")).await.unwrap().unwrap();
        let mut components = store.claim(&id("s"), "a", &seen).await.unwrap().unwrap().components;
        components.sort_by(|one, other| one.id.cmp(&other.id));
        let versions: Vec<_> = components.iter().map(|one| (one.id.as_str(), one.version)).collect();
        assert_eq!(versions, [("c", 5), ("d", 1), ("e", 1)]);
        // A component that is not durable changes without a new version.
        let mut same = whole("s", &[("c", 5)]);
        same.components[0].state = b"other".to_vec();
        store.enter("a", vec![same]).await.unwrap();
        let stored = store.claim(&id("s"), "a", &seen).await.unwrap().unwrap();
        assert_eq!(&*stored.components[0].state, b"other");
    })
    .await;
}

#[tokio::test]
async fn replies_are_kept_until_they_are_received_or_saved_with_the_session() {
    on_each(|store, _clock| async move {
        enter(&*store, "a", "s").await;
        for reference in [1, 2, 3] {
            let reply = StoredReply { reference, body: format!("{reference}") };
            let gone = ComponentChange::Removed { id: c("none") };
            store.commit(Commit::of(id("s"), "a".into(), 1, gone, Some(reply))).await.unwrap();
        }
        let seen = store.find(&id("s")).await.unwrap().unwrap();
        let stored = store.claim(&id("s"), "a", &seen).await.unwrap().unwrap();
        assert_eq!(stored.replies.iter().map(|reply| reply.reference).collect::<Vec<_>>(), [2, 3]);
        // 2 is answered in the saved progress, or dropped; 3 was not when it was saved.
        let progress =
            |last, open: &[u64]| SessionProgress { last, open: open.to_vec(), replies: Vec::new() };
        let head_of = |progress| SnapshotHead { progress, ..head() };
        let saved = Snapshot { head: head_of(progress(3, &[3])), ..snapshot("s", &["c"]) };
        assert_eq!(store.save("a", vec![saved]).await.unwrap(), []);
        let seen = store.find(&id("s")).await.unwrap().unwrap();
        let stored = store.claim(&id("s"), "a", &seen).await.unwrap().unwrap();
        assert_eq!(stored.replies, [StoredReply { reference: 3, body: "3".into() }]);
        assert_eq!((stored.components[0].rev, &*stored.components[0].state), (9, &b"9"[..]));
        for (last, left) in [(2, 1), (3, 0)] {
            let entered = SessionState { head: head_of(progress(last, &[])), ..whole("s", &[("c", 9)]) };
            assert_eq!(store.enter("a", vec![entered]).await.unwrap(), []);
            let seen = store.find(&id("s")).await.unwrap().unwrap();
            let stored = store.claim(&id("s"), "a", &seen).await.unwrap().unwrap();
            assert_eq!(stored.replies.len(), left, "{last}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_lease_that_ends_now_has_ended() {
    on_each(|store, clock| async move {
        store.renew_lease("b", LEASE).await.unwrap();
        enter(&*store, "a", "s").await;
        store.release(&id("s"), "a").await.unwrap();
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
    })
    .await;
}

#[tokio::test]
async fn a_commit_may_enter_a_session_and_does_not_enter_it_again() {
    on_each(|store, _clock| async move {
        for (generation, name) in [(5, "c"), (9, "d")] {
            let component = Box::new(component(name, 1));
            let mut commit = Commit::of(id("s"), "a".into(), 0, ComponentChange::Mounted { component }, None);
            let secrets = Secrets { generation, current: [7; 16], previous: None };
            commit.enters = Some(Box::new(SnapshotHead { secrets, ..head() }));
            store.commit(commit).await.unwrap();
            assert_eq!(store.find(&id("s")).await.unwrap().unwrap().secrets.generation, 5);
        }
        let seen = store.find(&id("s")).await.unwrap().unwrap();
        assert_eq!(store.claim(&id("s"), "a", &seen).await.unwrap().unwrap().components.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_session_that_a_store_in_memory_loses_has_not_ended() {
    let store = MemoryStore::new();
    assert!((store.len(), store.is_empty()) == (0, true));
    enter(&store, "a", "s").await;
    enter(&store, "a", "t").await;
    assert!((store.len(), store.is_empty()) == (2, false));
    assert!(store.lose(&id("s")));
    assert!(!store.lose(&id("s")));
    assert_eq!(store.len(), 1);
    assert_eq!(save(&store, "a", "s", &[]).await, Some(WriteRefusal::Absent));
}
