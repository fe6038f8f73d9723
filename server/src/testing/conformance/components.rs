//! The stored data of each component, and components that are kept aside.

use std::sync::Arc;

use super::rows::{LEASE, apply, c, change, component, delete, enter, head, id, save, whole};
use super::{ManualClock, StoreCase, cases};
use crate::persist::store::{
    Commit, Fence, Owner, SessionState, SessionStore, SnapshotHead, StoredChange, StoredComponent, TOMBSTONE,
};

/// The checks of this file.
pub(super) const CASES: &[StoreCase] = cases![
    a_store_keeps_with_each_state_whether_its_component_is_connected,
    rows_set_aside_are_returned_unchanged_until_they_are_rewritten,
    a_component_is_removed_with_its_rows_set_aside,
    a_store_keeps_the_rooms_with_each_state,
    a_component_kept_aside_ends_with_its_session,
];

fn row(name: &str, state: &str, anew: bool) -> StoredComponent {
    StoredComponent { schema: u64::MAX, state: state.into(), anew, ..component(name, 1) }
}

fn with(aside: Vec<StoredComponent>) -> SessionState {
    SessionState { aside, ..whole("s", &[("c", 3), ("d", 0)]) }
}

/// Claims the session for a process, and returns its components that are kept aside.
async fn aside(store: &dyn SessionStore, by: &str) -> Vec<StoredComponent> {
    let seen = store.find(&id("s")).await.unwrap().unwrap();
    store.claim(&id("s"), by, &seen).await.unwrap().unwrap().aside
}

/// Returns which components of the session are connected, in the order of their ids.
async fn connected(store: &dyn SessionStore) -> Vec<bool> {
    let seen = store.find(&id("s")).await.unwrap().unwrap();
    let mut stored = store.claim(&id("s"), "a", &seen).await.unwrap().unwrap();
    stored.components.sort_by(|one, other| one.id.cmp(&other.id));
    stored.components.into_iter().map(|one| one.connected).collect()
}

/// Returns the rooms of the session's components, by component id.
async fn rooms(store: &dyn SessionStore) -> Vec<(String, Vec<String>)> {
    let seen = store.find(&id("s")).await.unwrap().unwrap();
    let stored = store.claim(&id("s"), "a", &seen).await.unwrap().unwrap();
    let mut rooms: Vec<_> = stored.components.into_iter().map(|one| (one.id, one.rooms)).collect();
    rooms.sort();
    rooms
}

async fn a_store_keeps_with_each_state_whether_its_component_is_connected(
    store: Arc<dyn SessionStore>,
    _clock: Arc<ManualClock>,
) {
    let not_yet = |name: &str| StoredComponent { connected: false, ..component(name, 3) };
    let aside = vec![not_yet("gone")];
    let components = vec![not_yet("c"), not_yet("d")];
    let entered = SessionState { components, aside: aside.clone(), ..whole("s", &[]) };
    enter(&*store, "a", entered).await;
    assert_eq!(connected(&*store).await, [false, false]);
    assert_eq!(save(&*store, "a", "s", &["c"]).await, None);
    assert_eq!(connected(&*store).await, [true, false]);
    apply(&*store, change("s", "a", "d", 3)).await.unwrap();
    assert_eq!(connected(&*store).await, [true, true]);
    let mounted = StoredChange::Mounted { component: Box::new(not_yet("e")) };
    apply(&*store, Commit::of(id("s"), "a".into(), Fence::FIRST, 0, mounted, None)).await.unwrap();
    assert_eq!(connected(&*store).await, [true, true, false]);
    let seen = store.find(&id("s")).await.unwrap().unwrap();
    assert_eq!(store.claim(&id("s"), "a", &seen).await.unwrap().unwrap().aside, aside);
}

async fn rows_set_aside_are_returned_unchanged_until_they_are_rewritten(
    store: Arc<dyn SessionStore>,
    _clock: Arc<ManualClock>,
) {
    let rows = vec![row("c", "1", false), row("c", "2", true), row("gone", "3", false)];
    let mut entered = with(rows.clone());
    entered.components[1].anew = true;
    enter(&*store, "a", entered).await;
    assert_eq!(save(&*store, "a", "s", &["c", "d"]).await, None);
    apply(&*store, change("s", "a", "c", 3)).await.unwrap();
    let mounted = StoredChange::Mounted { component: Box::new(component("c", 0)) };
    apply(&*store, Commit::of(id("s"), "a".into(), Fence::FIRST, 0, mounted, None)).await.unwrap();
    assert_eq!(aside(&*store, "b").await, rows);
    let seen = store.find(&id("s")).await.unwrap().unwrap();
    let mut components = store.claim(&id("s"), "b", &seen).await.unwrap().unwrap().components;
    components.sort_by(|one, other| one.id.cmp(&other.id));
    assert_eq!(components.iter().map(|one| one.anew).collect::<Vec<_>>(), [false, true]);
    let others = vec![row("d", "4", false)];
    enter(&*store, "b", with(others.clone())).await;
    assert_eq!(aside(&*store, "b").await, others);
}

async fn a_component_is_removed_with_its_rows_set_aside(
    store: Arc<dyn SessionStore>,
    _clock: Arc<ManualClock>,
) {
    let of_another_name = StoredComponent { name: "another".into(), ..row("c", "3", false) };
    let stays = vec![of_another_name, row("d", "4", false)];
    let rows = [vec![row("c", "1", false), row("c", "2", true)], stays.clone()].concat();
    enter(&*store, "a", with(rows)).await;
    let removed = StoredChange::Removed { id: c("c") };
    apply(&*store, Commit::of(id("s"), "a".into(), Fence::FIRST, 0, removed, None)).await.unwrap();
    assert_eq!(aside(&*store, "a").await, stays);
    // The component no longer exists, so no name determines what to remove with it.
    let removed = StoredChange::Removed { id: c("c") };
    apply(&*store, Commit::of(id("s"), "a".into(), Fence::FIRST, 0, removed, None)).await.unwrap();
    assert_eq!(aside(&*store, "a").await, stays);
}

async fn a_store_keeps_the_rooms_with_each_state(store: Arc<dyn SessionStore>, _clock: Arc<ManualClock>) {
    let with = |name: &str, room: &str| StoredComponent { rooms: vec![room.into()], ..component(name, 3) };
    let is = |c: &str, d: &str| {
        [("c", c), ("d", d)].map(|(id, room)| (id.to_owned(), vec![room.to_owned()])).to_vec()
    };
    let components = vec![with("c", "cellar"), with("d", "den")];
    let aside = vec![with("gone", "garden")];
    let entered = SessionState { components, aside: aside.clone(), ..whole("s", &[]) };
    enter(&*store, "a", entered).await;
    assert_eq!(rooms(&*store).await, is("cellar", "den"));
    assert_eq!(save(&*store, "a", "s", &["c"]).await, None);
    assert_eq!(rooms(&*store).await, is("hall", "den"));
    apply(&*store, change("s", "a", "d", 3)).await.unwrap();
    assert_eq!(rooms(&*store).await, is("hall", "attic"));
    let mounted = StoredChange::Mounted { component: Box::new(with("c", "closet")) };
    apply(&*store, Commit::of(id("s"), "a".into(), Fence::FIRST, 0, mounted, None)).await.unwrap();
    assert_eq!(rooms(&*store).await, is("closet", "attic"));
    let seen = store.find(&id("s")).await.unwrap().unwrap();
    assert_eq!(store.claim(&id("s"), "a", &seen).await.unwrap().unwrap().aside, aside);
}

async fn a_component_kept_aside_ends_with_its_session(store: Arc<dyn SessionStore>, clock: Arc<ManualClock>) {
    for (n, end) in ["delete", "forget_user", "expire"].into_iter().enumerate() {
        let session = format!("ends-{n}");
        let owner = Owner { user: Some("ada".into()), ..Owner::default() };
        store.renew_lease("b", LEASE).await.unwrap();
        let head = SnapshotHead { owner: owner.clone(), ..head() };
        let entered = SessionState { head, session: id(&session), ..with(vec![row("c", "1", false)]) };
        enter(&*store, "a", entered).await;
        match end {
            "delete" => delete(&*store, "a", &session).await,
            "forget_user" => assert_eq!(store.forget_user(&owner).await.unwrap(), 1),
            _ => {}
        }
        // Wait until the store has removed the session's tombstone.
        for _ in 0..=TOMBSTONE.as_secs() / 20 {
            clock.pass(20);
            store.renew_lease("b", LEASE).await.unwrap();
            store.expire("b").await.unwrap();
        }
        let mounted = StoredChange::Mounted { component: Box::new(component("c", 0)) };
        let commit = Commit::of(id(&session), "a".into(), Fence::FIRST, 0, mounted, None);
        let creates = Some(Box::new(self::head()));
        apply(&*store, Commit { creates, ..commit }).await.unwrap();
        let seen = store.find(&id(&session)).await.unwrap().unwrap();
        let claimed = store.claim(&id(&session), "a", &seen).await.unwrap().unwrap();
        assert_eq!(claimed.aside, [], "{end}");
        delete(&*store, "a", &session).await;
    }
}
