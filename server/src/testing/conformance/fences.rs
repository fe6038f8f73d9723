//! Fences, the status of holders, and the questions between processes.

use std::sync::{Arc, Mutex, PoisonError};

use super::rows::{LEASE, apply, change, component, delete, enter, fence, head, id, release, renew, save};
use super::rows::{save_whole, snapshot, whole};
use super::{ManualClock, StoreCase, cases};
use crate::persist::store::{
    Commit, CommitError, Fence, HolderStatus, ReleaseListener, ReleaseRequest, ReleasedAs, Secrets,
    SessionState, SessionStore, Snapshot, StoredChange, StoredSession, WriteError, WriteRefusal,
};

/// The checks of this file.
pub(super) const CASES: &[StoreCase] = cases![
    no_write_of_a_copy_lands_that_has_lost_the_session,
    a_copy_whose_claim_the_store_has_lost_writes_the_session_again,
    a_claim_raises_the_fence_of_what_was_seen_and_one_of_two_succeeds,
    a_released_session_is_exact_if_its_process_says_so_and_is_written_no_more,
    a_holder_runs_while_it_is_registered_and_its_lease_is_valid,
    a_holder_is_asked_for_its_sessions_while_it_is_registered,
];

/// Claims a session.
async fn claim(store: &dyn SessionStore, session: &str, by: &str) -> StoredSession {
    let seen = store.find(&id(session)).await.unwrap().unwrap();
    let claimed = store.claim(&id(session), by, &seen).await.unwrap().unwrap();
    assert_eq!(claimed.fence, seen.fence.next());
    claimed
}

/// The writes of a copy.
#[derive(Clone, Copy, Debug)]
enum CopyWrite {
    Save,
    SaveWhole,
    Change,
    Mount,
    Remove,
    Renew,
    Release,
    ReleaseExact,
    Delete,
}

const WRITES: [CopyWrite; 9] = [
    CopyWrite::Save,
    CopyWrite::SaveWhole,
    CopyWrite::Change,
    CopyWrite::Mount,
    CopyWrite::Remove,
    CopyWrite::Renew,
    CopyWrite::Release,
    CopyWrite::ReleaseExact,
    CopyWrite::Delete,
];

impl CopyWrite {
    /// Writes with a fence. Returns the refusal, if the call reports one.
    async fn write(self, store: &dyn SessionStore, by: &str, fence: Fence) -> Option<WriteRefusal> {
        let committed = |outcome| match outcome {
            Ok(()) => None,
            Err(CommitError::Refused(refusal)) => Some(refusal),
            Err(CommitError::Absent(_)) => Some(WriteRefusal::Absent),
            Err(error) => panic!("{error:?}"),
        };
        let session = id("s");
        match self {
            Self::Save => {
                let saved = Snapshot { fence, ..snapshot("s", &["c"]) };
                store.save(by, vec![saved]).await.unwrap().first().map(|(_, refusal)| *refusal)
            }
            Self::SaveWhole => {
                let entered = SessionState { fence, ..whole("s", &[("other", 7)]) };
                store.save_whole(by, vec![entered]).await.unwrap().first().map(|(_, refusal)| *refusal)
            }
            Self::Change => {
                let commit = change("s", by, "c", 3);
                committed(store.commit(Commit { fence, ..commit }).await)
            }
            Self::Mount => {
                let mounted = StoredChange::Mounted { component: Box::new(component("new", 0)) };
                let commit = Commit::of(session, by.into(), fence, 0, mounted, None);
                committed(store.commit(Commit { creates: Some(Box::new(head())), ..commit }).await)
            }
            Self::Remove => {
                let removed = StoredChange::Removed { id: super::rows::c("c") };
                committed(store.commit(Commit::of(session, by.into(), fence, 0, removed, None)).await)
            }
            Self::Renew => {
                let secrets = Secrets { generation: 9, current: [9; 16], previous: None };
                match store.renew(&session, by, fence, secrets, LEASE).await {
                    Ok(()) => None,
                    Err(WriteError::Refused(refusal)) => Some(refusal),
                    Err(error) => panic!("{error:?}"),
                }
            }
            Self::Release | Self::ReleaseExact => {
                let state =
                    if matches!(self, Self::Release) { ReleasedAs::Unchanged } else { ReleasedAs::Exact };
                store.release(&session, by, fence, state).await.unwrap();
                None
            }
            Self::Delete => {
                store.delete(by, vec![(session, fence)]).await.unwrap();
                None
            }
        }
    }

    /// Checks whether the call reports a refusal.
    fn reports(self) -> bool {
        !matches!(self, Self::Release | Self::ReleaseExact | Self::Delete)
    }
}

/// Every write × every way in which the copy has lost the session.
async fn no_write_of_a_copy_lands_that_has_lost_the_session(
    store: Arc<dyn SessionStore>,
    clock: Arc<ManualClock>,
) {
    for write in WRITES {
        // Who has claimed the session since: another process; the own process after it; another
        // process that has released it; the own process, which has released it.
        for (claims, is_released) in [(&["b"][..], false), (&["b", "a"], false), (&["b"], true), (&[], true)]
        {
            let when = format!("{write:?} after {claims:?}, released: {is_released}");
            save_whole(&*store, "a", "s").await;
            let old = fence(&*store, &id("s")).await;
            for process in claims {
                claim(&*store, "s", process).await;
            }
            let holder = *claims.last().unwrap_or(&"a");
            if is_released {
                release(&*store, "s", holder).await;
            }
            let before = store.find(&id("s")).await.unwrap();
            let refusal = write.write(&*store, "a", old).await;
            assert_eq!(refusal, write.reports().then_some(WriteRefusal::Taken), "{when}");
            assert_eq!(store.find(&id("s")).await.unwrap(), before, "{when}");
            let stored = claim(&*store, "s", "c").await;
            assert_eq!(stored.components, [component("c", 3)], "{when}");
            assert_eq!((stored.exact, stored.replies.len()), (false, 0), "{when}");
            // The copy that has the session may write.
            assert_eq!(save(&*store, "c", "s", &["c"]).await, None, "{when}");
            let lost = claim(&*store, "s", "a").await;
            store.delete("a", vec![(id("s"), lost.fence)]).await.unwrap();
            assert!(store.find(&id("s")).await.unwrap().is_none(), "{when}");
            return_to_start(&*store, &clock).await;
        }
    }
}

/// Waits until the tombstone of the session has expired.
async fn return_to_start(store: &dyn SessionStore, clock: &ManualClock) {
    store.renew_lease("z", LEASE).await.unwrap();
    for _ in 0..=crate::persist::store::TOMBSTONE.as_secs() / 20 {
        clock.pass(20);
        store.renew_lease("z", LEASE).await.unwrap();
    }
    store.expire("z").await.unwrap();
}

async fn a_copy_whose_claim_the_store_has_lost_writes_the_session_again(
    store: Arc<dyn SessionStore>,
    _clock: Arc<ManualClock>,
) {
    // As after the restore of a backup from before the claim of B.
    save_whole(&*store, "a", "s").await;
    let old = fence(&*store, &id("s")).await;
    let newer = old.next();
    for write in [CopyWrite::Save, CopyWrite::Change, CopyWrite::Remove, CopyWrite::Renew] {
        assert_eq!(write.write(&*store, "b", newer).await, Some(WriteRefusal::Absent), "{write:?}");
    }
    assert_eq!(CopyWrite::SaveWhole.write(&*store, "b", newer).await, None);
    let found = store.find(&id("s")).await.unwrap().unwrap();
    assert_eq!((found.holder.as_str(), found.fence), ("b", newer));
    assert_eq!(CopyWrite::Save.write(&*store, "a", old).await, Some(WriteRefusal::Taken));
    assert_eq!(renew(&*store, "s", "b", Secrets::default()).await.map_err(|_| ()), Ok(()));
    assert_eq!(claim(&*store, "s", "b").await.components, [component("other", 7)]);
}

async fn a_claim_raises_the_fence_of_what_was_seen_and_one_of_two_succeeds(
    store: Arc<dyn SessionStore>,
    _clock: Arc<ManualClock>,
) {
    save_whole(&*store, "a", "s").await;
    let seen = store.find(&id("s")).await.unwrap().unwrap();
    assert_eq!(seen.fence, Fence::FIRST);
    let (one, other) = (store.claim(&id("s"), "b", &seen), store.claim(&id("s"), "c", &seen));
    let claimed = [one.await.unwrap(), other.await.unwrap()];
    assert_eq!(claimed.iter().flatten().count(), 1);
    // Also a process that claims from itself, which has seen an older fence.
    assert!(store.claim(&id("s"), "b", &seen).await.unwrap().is_none());
    let seen = store.find(&id("s")).await.unwrap().unwrap();
    assert_eq!((seen.holder.as_str(), seen.fence), ("b", Fence::FIRST.next()));
    apply(&*store, change("s", "b", "c", 3)).await.unwrap();
    delete(&*store, "b", "s").await;
    assert!(store.claim(&id("s"), "c", &seen).await.unwrap().is_none(), "it has ended");
}

async fn a_released_session_is_exact_if_its_process_says_so_and_is_written_no_more(
    store: Arc<dyn SessionStore>,
    clock: Arc<ManualClock>,
) {
    for process in ["a", "b"] {
        store.renew_lease(process, LEASE).await.unwrap();
    }
    for (session, state, is_exact) in
        [("exact", ReleasedAs::Exact, true), ("unchanged", ReleasedAs::Unchanged, false)]
    {
        enter(&*store, "a", whole(session, &[("c", 3)])).await;
        store.release(&id(session), "a", Fence::FIRST, state).await.unwrap();
        let found = store.find(&id(session)).await.unwrap().unwrap();
        assert_eq!((found.status, found.fence), (HolderStatus::Released, Fence::FIRST.next()));
        let late = Snapshot { fence: Fence::FIRST, ..snapshot(session, &["c"]) };
        let refused = store.save("a", vec![late]).await.unwrap();
        assert_eq!(refused, [(id(session), WriteRefusal::Taken)]);
        // Neither another lease of its process nor the end of its process changes anything.
        clock.pass(40);
        store.renew_lease("a", LEASE).await.unwrap();
        store.close("a").await.unwrap();
        assert_eq!(store.find(&id(session)).await.unwrap().unwrap(), found);
        let claimed = claim(&*store, session, "b").await;
        assert_eq!((claimed.exact, claimed.components), (is_exact, vec![component("c", 3)]));
    }
    // A session that nobody claims expires after its time, although its process runs.
    enter(&*store, "a", whole("left", &[])).await;
    release(&*store, "left", "a").await;
    for _ in 0..8 {
        clock.pass(10);
        for process in ["a", "b"] {
            store.renew_lease(process, LEASE).await.unwrap();
        }
    }
    assert_eq!(store.expire("b").await.unwrap(), 1);
}

async fn status(store: &dyn SessionStore, session: &str) -> HolderStatus {
    store.find(&id(session)).await.unwrap().unwrap().status
}

async fn a_holder_runs_while_it_is_registered_and_its_lease_is_valid(
    store: Arc<dyn SessionStore>,
    clock: Arc<ManualClock>,
) {
    save_whole(&*store, "a", "s").await;
    assert_eq!(status(&*store, "s").await, HolderStatus::Gone);
    let guard = store.register("a", ReleaseListener::new(|_| ())).await.unwrap();
    assert_eq!(status(&*store, "s").await, HolderStatus::Gone, "it has no lease");
    store.renew_lease("a", LEASE).await.unwrap();
    assert_eq!(status(&*store, "s").await, HolderStatus::Running);
    clock.pass(LEASE.as_secs());
    assert_eq!(status(&*store, "s").await, HolderStatus::Gone, "its lease has ended");
    store.renew_lease("a", LEASE).await.unwrap();
    assert_eq!(status(&*store, "s").await, HolderStatus::Running);
    // It ends without a word, as by a kill.
    drop(guard);
    assert_eq!(status(&*store, "s").await, HolderStatus::Gone);
    let _guard = store.register("a", ReleaseListener::new(|_| ())).await.unwrap();
    assert_eq!(status(&*store, "s").await, HolderStatus::Running);
    claim(&*store, "s", "b").await;
    assert_eq!(status(&*store, "s").await, HolderStatus::Gone, "B is not registered");
    claim(&*store, "s", "a").await;
    store.close("a").await.unwrap();
    assert_eq!(status(&*store, "s").await, HolderStatus::Released);
}

async fn a_holder_is_asked_for_its_sessions_while_it_is_registered(
    store: Arc<dyn SessionStore>,
    _clock: Arc<ManualClock>,
) {
    let asked = Arc::<Mutex<Vec<ReleaseRequest>>>::default();
    let heard = Arc::clone(&asked);
    let listener = ReleaseListener::new(move |request| {
        heard.lock().unwrap_or_else(PoisonError::into_inner).push(request);
    });
    let request = |session: &str, fence| ReleaseRequest { session: id(session), fence, generation: 5 };
    let heard = || std::mem::take(&mut *asked.lock().unwrap_or_else(PoisonError::into_inner));
    store.renew_lease("a", LEASE).await.unwrap();
    let guard = store.register("a", listener).await.unwrap();
    save_whole(&*store, "a", "s").await;
    save_whole(&*store, "b", "other").await;
    for session in ["s", "other", "unknown"] {
        store.ask_release(request(session, Fence::FIRST)).await.unwrap();
    }
    assert_eq!(heard(), [request("s", Fence::FIRST)]);
    store.release(&id("s"), "a", Fence::FIRST, ReleasedAs::Exact).await.unwrap();
    for fence in [Fence::FIRST, Fence::FIRST.next()] {
        store.ask_release(request("s", fence)).await.unwrap();
    }
    assert_eq!(heard(), [], "it has released the session");
    let claimed = claim(&*store, "s", "a").await;
    store.ask_release(request("s", claimed.fence)).await.unwrap();
    assert_eq!(heard(), [request("s", claimed.fence)]);
    drop(guard);
    store.ask_release(request("s", claimed.fence)).await.unwrap();
    assert_eq!(heard(), []);
}
