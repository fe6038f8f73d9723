use super::*;
use crate::persist::store::{
    ComponentState, MemoryStore, Secrets, SessionProgress, SnapshotHead, StoredComponent, StoredOrigin,
};

fn keeper(limits: &Limits) -> Keeper {
    Keeper::new(Arc::new(MemoryStore::new()), Save::default(), "p", limits)
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
    Snapshot { session: id(session), head: head(), components: components.collect() }
}

fn complete_state(session: &str, components: &[&str]) -> SessionState {
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
        head: head(),
        components: components.collect(),
        moving: Vec::new(),
        aside: Vec::new(),
    }
}

/// Returns the numbers of queued snapshots and complete states.
fn pending(keeper: &Keeper) -> (usize, usize) {
    let pending = keeper.lock();
    (pending.snapshots.len(), pending.complete.len())
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
fn the_last_state_is_written_and_snapshots_do_not_replace_complete_states() {
    let keeper = keeper(&Limits::default());
    assert!(keeper.put(snapshot("s", &[])) && keeper.put(snapshot("t", &[])));
    assert_eq!(pending(&keeper), (2, 0));
    keeper.put_complete(complete_state("s", &["a"]));
    assert_eq!(pending(&keeper), (1, 1), "the older snapshot is not written after it");
    assert!(!keeper.put(snapshot("s", &[])), "the caller has to put a complete state");
    assert_eq!(pending(&keeper), (1, 1), "a snapshot does not replace a complete state");
    keeper.put_complete(complete_state("s", &[]));
    assert_eq!(keeper.lock().complete.get(&id("s")).unwrap().components.len(), 0);
    keeper.drop_session(&id("s"));
    assert!(keeper.put(snapshot("s", &[])));
    assert_eq!(pending(&keeper), (2, 0));
    keeper.forget(&id("t"));
    keeper.forget(&id("s"));
    assert_eq!(pending(&keeper), (0, 0));
    assert!(keeper.has_ended(&id("s")) && keeper.has_ended(&id("t")) && !keeper.has_ended(&id("u")));
}

#[test]
fn while_a_complete_state_is_written_snapshots_are_rejected() {
    let keeper = keeper(&Limits::default());
    keeper.put_complete(complete_state("s", &["a", "b"]));
    let complete = keeper.lock().take_complete();
    assert!(!keeper.put(snapshot("s", &["a", "b"])));
    // The store may still have the component when it is removed; writing the state again must not
    // restore it.
    keeper.drop_component(&id("s"), &component("a"), "counter");
    keeper.lock().put_complete_back(complete);
    assert!(!keeper.put(snapshot("s", &["b"])));
    let complete = keeper.lock().take_complete();
    assert_eq!(complete[0].components.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["b"]);
    keeper.lock().complete_written(&complete);
    assert!(keeper.put(snapshot("s", &["b"])));
    assert_eq!(pending(&keeper), (1, 0));
}

#[test]
fn a_removed_component_is_removed_from_the_queue() {
    let keeper = keeper(&Limits::default());
    assert!(keeper.put(snapshot("s", &["a", "b"])));
    keeper.put_complete(complete_state("t", &["a", "b"]));
    for session in ["s", "t", "none"] {
        keeper.drop_component(&id(session), &component("a"), "counter");
    }
    let pending = keeper.lock();
    let snapshot = pending.snapshots.get(&id("s")).unwrap();
    assert_eq!(snapshot.components.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["b"]);
    let complete_state = pending.complete.get(&id("t")).unwrap();
    assert_eq!(complete_state.components.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["b"]);
}

#[test]
fn a_component_mounted_after_a_complete_state_is_not_deleted_by_it() {
    let keeper = keeper(&Limits::default());
    keeper.put_complete(complete_state("s", &["a", "b"]));
    // Before the state is written, and while the store writes it.
    keeper.add_component(&id("s"), &component("c"));
    keeper.drop_component(&id("s"), &component("a"), "counter");
    let complete = keeper.lock().take_complete();
    for name in ["a", "d", "e"] {
        keeper.add_component(&id("s"), &component(name));
    }
    keeper.drop_component(&id("s"), &component("d"), "counter");
    keeper.lock().put_complete_back(complete);
    let complete = keeper.lock().take_complete();
    assert_eq!(complete[0].components.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["b"]);
    assert_eq!(complete[0].moving, ["c", "a", "e"].map(component), "their stored rows stay");
}

#[test]
fn failed_writes_are_queued_again_unless_there_are_newer_ones() {
    let keeper = keeper(&Limits::default());
    assert!(keeper.put(snapshot("newer", &["a"])));
    keeper.put_complete(complete_state("complete", &["a"]));
    keeper.forget(&id("ended"));
    let sessions = ["newer", "complete", "ended", "left"];
    keeper.lock().put_back(sessions.iter().map(|name| snapshot(name, &[])).collect());
    {
        let pending = keeper.lock();
        assert_eq!((pending.snapshots.len(), pending.complete.len()), (2, 1));
        assert_eq!(pending.snapshots.get(&id("newer")).unwrap().components.len(), 1);
        assert!(pending.snapshots.contains_key(&id("left")));
    }
    keeper.lock().put_complete_back(
        ["newer", "complete", "ended", "left", "other"].map(|name| complete_state(name, &[])).into(),
    );
    let pending = keeper.lock();
    assert_eq!(
        (pending.snapshots.len(), pending.complete.len()),
        (0, 4),
        "a snapshot does not replace a complete state"
    );
    assert_eq!(pending.complete.get(&id("complete")).unwrap().components.len(), 1);
    assert!(pending.complete.contains_key(&id("other")));
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
