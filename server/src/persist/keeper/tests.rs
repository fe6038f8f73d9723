use super::pending::{Batch, MAX_REMOVALS, QueuedWhole};
use super::*;
use crate::persist::store::{
    ComponentState, MemoryStore, Secrets, SessionProgress, SnapshotHead, StoredComponent, StoredOrigin,
};

fn keeper(limits: &Limits) -> Keeper {
    Keeper::new(Arc::new(MemoryStore::new()), Save::default(), "p", limits, &Arc::new(Counters::new(&[])))
}

fn id(name: &str) -> SessionId {
    SessionId::new(name).unwrap()
}

fn component(name: &str) -> ComponentId {
    ComponentId::new(name).unwrap()
}

fn head() -> SnapshotHead {
    SnapshotHead {
        owner: Owner::default(),
        secrets: Secrets::default(),
        progress: SessionProgress::default(),
        good_for: Duration::from_secs(1),
    }
}

fn snapshot(session: &str, components: &[&str]) -> Snapshot {
    let components = components.iter().map(|name| ComponentState {
        id: ComponentId::new(name).unwrap(),
        state: Vec::new(),
        shown: None,
        props: "{}".into(),
        epoch: "e".into(),
        rev: 0,
        rooms: Vec::new(),
        connected: true,
    });
    Snapshot { session: id(session), fence: Fence::FIRST, head: head(), components: components.collect() }
}

fn whole_state(session: &str, components: &[&str]) -> SessionState {
    let components = components.iter().map(|name| StoredComponent {
        origin: StoredOrigin::Open,
        id: (*name).into(),
        name: "counter".into(),
        schema: 0,
        template: String::new(),
        props: "{}".into(),
        state: Vec::new(),
        epoch: "e".into(),
        rev: 0,
        version: 0,
        settled: 0,
        durable: false,
        anew: false,
        rooms: Vec::new(),
        connected: true,
        shown: None,
    });
    SessionState {
        session: id(session),
        fence: Fence::FIRST,
        head: head(),
        components: components.collect(),
        moving: Vec::new(),
        aside: Vec::new(),
    }
}

/// Returns the numbers of queued snapshots and whole states.
fn pending(keeper: &Keeper) -> (usize, usize) {
    let pending = keeper.lock();
    (pending.snapshots.len(), pending.whole.len())
}

/// Takes all queued whole states for a call.
fn take_whole(keeper: &Keeper) -> Batch<QueuedWhole> {
    keeper.lock().take_whole(usize::MAX).unwrap()
}

fn names(state: &SessionState) -> Vec<&str> {
    state.components.iter().map(|one| one.id.as_str()).collect()
}

fn snapshot_names(snapshot: &Snapshot) -> Vec<&str> {
    snapshot.components.iter().map(|one| one.id.as_str()).collect()
}

#[test]
fn a_session_is_valid_for_twice_its_suspended_time_and_at_least_an_hour() {
    let of = |minutes: u64| {
        let suspended_time = Duration::from_secs(minutes * 60);
        keeper(&Limits { suspended_time, ..Limits::default() }).good_for.as_secs() / 60
    };
    assert_eq!((of(5), of(30), of(31), of(600)), (60, 60, 62, 1_200));
}

#[test]
fn the_last_state_is_written_and_snapshots_do_not_replace_whole_states() {
    let keeper = keeper(&Limits::default());
    assert!(keeper.put(snapshot("s", &[])) && keeper.put(snapshot("t", &[])));
    assert_eq!(pending(&keeper), (2, 0));
    keeper.put_whole(whole_state("s", &["a"]));
    assert_eq!(pending(&keeper), (1, 1), "the older snapshot is not written after it");
    assert!(!keeper.put(snapshot("s", &[])), "the caller has to put a whole state");
    assert_eq!(pending(&keeper), (1, 1), "a snapshot does not replace a whole state");
    keeper.put_whole(whole_state("s", &[]));
    assert_eq!(keeper.lock().whole.get_mut(&id("s")).unwrap().state.components.len(), 0);
    keeper.drop_writes(&id("s"));
    keeper.release(&id("s"), Fence::FIRST, ReleasedAs::Unchanged);
    assert!(keeper.put(snapshot("s", &[])));
    assert_eq!(pending(&keeper), (2, 0));
    keeper.delete(&id("t"), Fence::FIRST);
    keeper.delete(&id("s"), Fence::FIRST);
    assert_eq!(pending(&keeper), (0, 0));
    assert!(
        keeper.has_ended(&id("s"), Fence::FIRST)
            && keeper.has_ended(&id("t"), Fence::FIRST)
            && !keeper.has_ended(&id("u"), Fence::FIRST)
    );
}

#[test]
fn while_a_whole_state_is_written_snapshots_are_rejected() {
    let keeper = keeper(&Limits::default());
    keeper.put_whole(whole_state("s", &["a", "b"]));
    let whole = take_whole(&keeper);
    assert!(!keeper.put(snapshot("s", &["a", "b"])));
    // The store may still have the component when it is removed; writing the state again must not
    // restore it.
    keeper.drop_component(&id("s"), &component("a"), "counter");
    keeper.lock().put_whole_back(whole);
    assert!(!keeper.put(snapshot("s", &["b"])));
    let whole = take_whole(&keeper);
    assert_eq!(names(&whole.states[0].state), ["b"]);
    keeper.lock().whole_written(&whole);
    assert!(keeper.put(snapshot("s", &["b"])));
    assert_eq!(pending(&keeper), (1, 0));
}

#[test]
fn a_removed_component_is_removed_from_the_queue() {
    let keeper = keeper(&Limits::default());
    assert!(keeper.put(snapshot("s", &["a", "b"])));
    keeper.put_whole(whole_state("t", &["a", "b"]));
    for session in ["s", "t", "none"] {
        keeper.drop_component(&id(session), &component("a"), "counter");
    }
    let mut pending = keeper.lock();
    assert_eq!(snapshot_names(pending.snapshots.get_mut(&id("s")).unwrap()), ["b"]);
    assert_eq!(names(&pending.whole.get_mut(&id("t")).unwrap().state), ["b"]);
}

#[test]
fn a_component_mounted_after_a_whole_state_is_not_deleted_by_it() {
    let keeper = keeper(&Limits::default());
    keeper.put_whole(whole_state("s", &["a", "b"]));
    // Before the state is written, and while the store writes it.
    keeper.add_component(&id("s"), &component("c"));
    keeper.drop_component(&id("s"), &component("a"), "counter");
    let whole = take_whole(&keeper);
    for name in ["a", "d", "e"] {
        keeper.add_component(&id("s"), &component(name));
    }
    keeper.drop_component(&id("s"), &component("d"), "counter");
    keeper.lock().put_whole_back(whole);
    let whole = take_whole(&keeper);
    assert_eq!(names(&whole.states[0].state), ["b"]);
    assert_eq!(whole.states[0].state.moving, ["c", "a", "e"].map(component), "their stored rows stay");
}

#[test]
fn a_snapshot_that_the_store_failed_to_write_has_the_later_changes() {
    let keeper = keeper(&Limits::default());
    assert!(keeper.put(snapshot("s", &["a", "b", "c"])));
    let batch = keeper.lock().take_snapshots(1).unwrap();
    keeper.drop_component(&id("s"), &component("a"), "counter");
    // It was removed and is mounted again.
    keeper.add_component(&id("s"), &component("b"));
    keeper.lock().put_snapshots_back(batch);
    assert_eq!(snapshot_names(keeper.lock().snapshots.get_mut(&id("s")).unwrap()), ["c"]);
}

#[test]
fn what_the_store_failed_to_write_of_a_session_that_is_gone_is_not_written_again() {
    for is_ended in [false, true] {
        let keeper = keeper(&Limits::default());
        assert!(keeper.put(snapshot("s", &["a"])));
        keeper.put_whole(whole_state("t", &["a"]));
        let snapshots = keeper.lock().take_snapshots(1).unwrap();
        let whole = take_whole(&keeper);
        for session in ["s", "t"] {
            if is_ended {
                keeper.delete(&id(session), Fence::FIRST);
            } else {
                keeper.drop_writes(&id(session));
                keeper.release(&id(session), Fence::FIRST, ReleasedAs::Unchanged);
            }
        }
        keeper.lock().put_snapshots_back(snapshots);
        keeper.lock().put_whole_back(whole);
        assert_eq!(pending(&keeper), (0, 0), "ended: {is_ended}");
    }
}

#[test]
fn an_older_state_is_not_written_again_after_a_newer_one_was_taken() {
    let keeper = keeper(&Limits::default());
    assert!(keeper.put(snapshot("s", &["old"])));
    let snapshots = keeper.lock().take_snapshots(1).unwrap();
    keeper.put_whole(whole_state("s", &["old", "new"]));
    let whole = take_whole(&keeper);
    // The newer state is still being written.
    keeper.lock().put_snapshots_back(snapshots);
    assert_eq!(pending(&keeper), (0, 0));
    assert!(!keeper.put(snapshot("s", &["old"])), "the whole state is still being written");
    keeper.lock().put_whole_back(whole);
    assert_eq!(pending(&keeper), (0, 1), "its own failure is retried");
    // The newer state has been written.
    let older = take_whole(&keeper);
    keeper.put_whole(whole_state("s", &["new"]));
    let newer = take_whole(&keeper);
    keeper.lock().whole_written(&newer);
    keeper.lock().put_whole_back(older);
    assert_eq!(pending(&keeper), (0, 0));
}

#[test]
fn failed_writes_are_queued_again_unless_there_are_newer_ones() {
    let keeper = keeper(&Limits::default());
    let sessions = ["newer", "whole", "ended", "left"];
    for name in sessions {
        assert!(keeper.put(snapshot(name, &[])));
    }
    let batch = keeper.lock().take_snapshots(usize::MAX).unwrap();
    assert!(keeper.put(snapshot("newer", &["a"])));
    keeper.put_whole(whole_state("whole", &["a"]));
    keeper.delete(&id("ended"), Fence::FIRST);
    keeper.lock().put_snapshots_back(batch);
    {
        let mut pending = keeper.lock();
        assert_eq!((pending.snapshots.len(), pending.whole.len()), (2, 1));
        assert_eq!(pending.snapshots.get_mut(&id("newer")).unwrap().components.len(), 1);
        assert!(pending.snapshots.contains(&id("left")));
    }
    for name in ["whole", "gone", "other"] {
        keeper.put_whole(whole_state(name, &[]));
    }
    let batch = take_whole(&keeper);
    keeper.put_whole(whole_state("whole", &["a"]));
    keeper.delete(&id("gone"), Fence::FIRST);
    keeper.lock().put_whole_back(batch);
    let mut pending = keeper.lock();
    assert_eq!((pending.snapshots.len(), pending.whole.len()), (2, 2));
    assert_eq!(pending.whole.get_mut(&id("whole")).unwrap().state.components.len(), 1);
    assert!(pending.whole.contains(&id("other")));
}

#[tokio::test(start_paused = true)]
async fn a_session_is_queued_once_however_often_it_changes() {
    let keeper = keeper(&Limits::default());
    let first = Instant::now();
    for _ in 0..100 {
        keeper.changed(&id("s"));
        keeper.changed(&id("t"));
        tokio::time::advance(Duration::from_millis(1)).await;
    }
    assert_eq!(keeper.lock().changed.len(), 2);
    keeper.delete(&id("t"), Fence::FIRST);
    assert_eq!(keeper.take_changed(first), [id("s")], "the time is that of the first change");
    assert_eq!(keeper.lock().changed.len(), 0);
}

#[test]
fn the_sessions_that_wait_for_their_deletion_are_bounded() {
    let keeper = keeper(&Limits::default());
    for number in 0..MAX_REMOVALS + 2 {
        let session = id(&format!("s{number}"));
        keeper.delete(&session, Fence::FIRST);
        keeper.release(&session, Fence::FIRST, ReleasedAs::Unchanged);
    }
    keeper.delete(&id("s0"), Fence::FIRST);
    let mut pending = keeper.lock();
    assert_eq!((pending.ended.len(), pending.released.len()), (MAX_REMOVALS, MAX_REMOVALS));
    assert_eq!((pending.take_dropped(), pending.take_dropped()), (4, 0));
    assert!(
        pending.has_ended(&id("s0"), Fence::FIRST)
            && !pending.has_ended(&id(&format!("s{}", MAX_REMOVALS + 1)), Fence::FIRST)
    );
}

#[test]
fn owners_stay_revoked_until_the_store_has_deleted_their_sessions() {
    let keeper = keeper(&Limits::default());
    let owner = |tenant: Option<&str>| Owner {
        user: Some("ada".into()),
        tenant: tenant.map(str::to_owned),
        login: None,
    };
    keeper.revoke(owner(Some("acme")));
    assert!(keeper.is_revoking(&owner(Some("acme"))) && !keeper.is_revoking(&owner(None)));
}
