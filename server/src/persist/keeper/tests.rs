use super::*;
use crate::persist::store::{
    MemoryStore, Progress, Secrets, SnapshotHead, State, StoredComponent, StoredOrigin,
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
        progress: Progress::default(),
        good_for: Duration::from_secs(1),
    }
}

fn snapshot(session: &str, components: &[&str]) -> Snapshot {
    let components = components.iter().map(|name| State {
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

fn whole(session: &str, components: &[&str]) -> Whole {
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
    Whole {
        session: id(session),
        head: head(),
        components: components.collect(),
        moving: Vec::new(),
        aside: Vec::new(),
    }
}

/// How many snapshots and whole sessions wait.
fn waiting(keeper: &Keeper) -> (usize, usize) {
    let waiting = keeper.lock();
    (waiting.snapshots.len(), waiting.wholes.len())
}

#[test]
fn a_session_is_good_for_twice_the_time_that_it_may_wait_and_for_an_hour_at_least() {
    let of = |minutes: u64| {
        let suspended_time = Duration::from_secs(minutes * 60);
        keeper(&Limits { suspended_time, ..Limits::default() }).good_for.as_secs() / 60
    };
    assert_eq!((of(5), of(30), of(31), of(600)), (60, 60, 62, 1_200));
}

#[test]
fn what_is_put_last_is_what_is_written_but_a_whole_session_only_gives_way_to_a_whole_one() {
    let keeper = keeper(&Limits::default());
    assert!(keeper.put(snapshot("s", &[])) && keeper.put(snapshot("t", &[])));
    assert_eq!(waiting(&keeper), (2, 0));
    keeper.put_whole(whole("s", &["a"]));
    assert_eq!(waiting(&keeper), (1, 1), "the older snapshot is not written after it");
    assert!(!keeper.put(snapshot("s", &[])), "it is to be put whole again");
    assert_eq!(waiting(&keeper), (1, 1), "what only the whole session says is not lost");
    keeper.put_whole(whole("s", &[]));
    assert_eq!(keeper.lock().wholes.get(&id("s")).unwrap().components.len(), 0);
    keeper.drop_session(&id("s"));
    assert!(keeper.put(snapshot("s", &[])));
    assert_eq!(waiting(&keeper), (2, 0));
    keeper.forget(&id("t"));
    keeper.forget(&id("s"));
    assert_eq!(waiting(&keeper), (0, 0));
    assert!(keeper.has_ended(&id("s")) && keeper.has_ended(&id("t")) && !keeper.has_ended(&id("u")));
}

#[test]
fn while_a_session_is_being_written_whole_it_is_put_whole_again() {
    let keeper = keeper(&Limits::default());
    keeper.put_whole(whole("s", &["a", "b"]));
    let wholes = keeper.lock().take_wholes();
    assert!(!keeper.put(snapshot("s", &["a", "b"])));
    // The store may still have it when it is removed; what is written again must not bring it back.
    keeper.drop_component(&id("s"), &component("a"), "counter");
    keeper.lock().put_wholes_back(wholes);
    assert!(!keeper.put(snapshot("s", &["b"])));
    let wholes = keeper.lock().take_wholes();
    assert_eq!(wholes[0].components.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["b"]);
    keeper.lock().entered(&wholes);
    assert!(keeper.put(snapshot("s", &["b"])));
    assert_eq!(waiting(&keeper), (1, 0));
}

#[test]
fn a_component_that_is_removed_is_taken_out_of_what_waits() {
    let keeper = keeper(&Limits::default());
    assert!(keeper.put(snapshot("s", &["a", "b"])));
    keeper.put_whole(whole("t", &["a", "b"]));
    for session in ["s", "t", "none"] {
        keeper.drop_component(&id(session), &component("a"), "counter");
    }
    let waiting = keeper.lock();
    let snapshot = waiting.snapshots.get(&id("s")).unwrap();
    assert_eq!(snapshot.components.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["b"]);
    let whole = waiting.wholes.get(&id("t")).unwrap();
    assert_eq!(whole.components.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["b"]);
}

#[test]
fn what_is_mounted_after_a_session_was_taken_whole_is_not_deleted_by_it() {
    let keeper = keeper(&Limits::default());
    keeper.put_whole(whole("s", &["a", "b"]));
    // Before it is written, and while the store writes it.
    keeper.add_component(&id("s"), &component("c"));
    keeper.drop_component(&id("s"), &component("a"), "counter");
    let wholes = keeper.lock().take_wholes();
    for name in ["a", "d", "e"] {
        keeper.add_component(&id("s"), &component(name));
    }
    keeper.drop_component(&id("s"), &component("d"), "counter");
    keeper.lock().put_wholes_back(wholes);
    let wholes = keeper.lock().take_wholes();
    assert_eq!(wholes[0].components.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["b"]);
    assert_eq!(wholes[0].moving, ["c", "a", "e"].map(component), "what the store has of them stays");
}

#[test]
fn what_could_not_be_written_waits_again_unless_there_is_something_newer() {
    let keeper = keeper(&Limits::default());
    assert!(keeper.put(snapshot("newer", &["a"])));
    keeper.put_whole(whole("whole", &["a"]));
    keeper.forget(&id("ended"));
    let sessions = ["newer", "whole", "ended", "left"];
    keeper.lock().put_back(sessions.iter().map(|name| snapshot(name, &[])).collect());
    {
        let waiting = keeper.lock();
        assert_eq!((waiting.snapshots.len(), waiting.wholes.len()), (2, 1));
        assert_eq!(waiting.snapshots.get(&id("newer")).unwrap().components.len(), 1);
        assert!(waiting.snapshots.contains_key(&id("left")));
    }
    keeper
        .lock()
        .put_wholes_back(["newer", "whole", "ended", "left", "other"].map(|name| whole(name, &[])).into());
    let waiting = keeper.lock();
    assert_eq!((waiting.snapshots.len(), waiting.wholes.len()), (0, 4), "a snapshot does not stand for it");
    assert_eq!(waiting.wholes.get(&id("whole")).unwrap().components.len(), 1);
    assert!(waiting.wholes.contains_key(&id("other")));
}

#[test]
fn users_are_revoked_until_the_store_has_done_it() {
    let keeper = keeper(&Limits::default());
    let owner = |tenant: Option<&str>| Owner {
        user: Some("ada".into()),
        tenant: tenant.map(str::to_owned),
        login: None,
    };
    keeper.revoke(owner(Some("acme")));
    assert!(keeper.is_revoking(&owner(Some("acme"))) && !keeper.is_revoking(&owner(None)));
}
