//! The guarantees of every store for components that are kept aside.

use vivaz::SessionStore;
use vivaz::store::{Commit, ComponentChange, Owner, SessionState, SnapshotHead, StoredComponent, TOMBSTONE};

use crate::leases::{LEASE, c, change, component, id, on_each, save, whole};
use crate::stores::head;

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

#[tokio::test]
async fn what_is_kept_aside_is_given_back_as_it_was_until_it_is_written_anew() {
    on_each(|store, _clock| async move {
        let rows = vec![row("c", "1", false), row("c", "2", true), row("gone", "3", false)];
        let mut entered = with(rows.clone());
        entered.components[1].anew = true;
        store.enter("a", vec![entered]).await.unwrap();
        assert_eq!(save(&*store, "a", "s", &["c", "d"]).await, None);
        store.commit(change("s", "a", "c", 3)).await.unwrap();
        let mounted = ComponentChange::Mounted { component: Box::new(component("c", 0)) };
        store.commit(Commit::of(id("s"), "a".into(), 0, mounted, None)).await.unwrap();
        assert_eq!(aside(&*store, "b").await, rows);
        let seen = store.find(&id("s")).await.unwrap().unwrap();
        let mut components = store.claim(&id("s"), "b", &seen).await.unwrap().unwrap().components;
        components.sort_by(|one, other| one.id.cmp(&other.id));
        assert_eq!(components.iter().map(|one| one.anew).collect::<Vec<_>>(), [false, true]);
        let others = vec![row("d", "4", false)];
        store.enter("b", vec![with(others.clone())]).await.unwrap();
        assert_eq!(aside(&*store, "b").await, others);
    })
    .await;
}

#[tokio::test]
async fn a_component_is_removed_with_what_is_kept_aside_under_its_id_and_its_name() {
    on_each(|store, _clock| async move {
        let of_another_name = StoredComponent { name: "another".into(), ..row("c", "3", false) };
        let stays = vec![of_another_name, row("d", "4", false)];
        let rows = [vec![row("c", "1", false), row("c", "2", true)], stays.clone()].concat();
        store.enter("a", vec![with(rows)]).await.unwrap();
        let removed = ComponentChange::Removed { id: c("c") };
        store.commit(Commit::of(id("s"), "a".into(), 0, removed, None)).await.unwrap();
        assert_eq!(aside(&*store, "a").await, stays);
        // The component no longer exists, so its name is unknown and nothing kept aside is removed.
        let removed = ComponentChange::Removed { id: c("c") };
        store.commit(Commit::of(id("s"), "a".into(), 0, removed, None)).await.unwrap();
        assert_eq!(aside(&*store, "a").await, stays);
    })
    .await;
}

#[tokio::test]
async fn what_is_kept_aside_ends_with_its_session() {
    for end in ["delete", "forget_user", "expire"] {
        on_each(|store, clock| async move {
            let owner = Owner { user: Some("ada".into()), ..Owner::default() };
            store.renew_lease("b", LEASE).await.unwrap();
            let head = SnapshotHead { owner: owner.clone(), ..head() };
            store.enter("a", vec![SessionState { head, ..with(vec![row("c", "1", false)]) }]).await.unwrap();
            match end {
                "delete" => store.delete("a", vec![id("s")]).await.unwrap(),
                "forget_user" => assert_eq!(store.forget_user(&owner).await.unwrap(), 1),
                _ => {}
            }
            // Waits until the tombstone of the session has expired.
            for _ in 0..=TOMBSTONE.as_secs() / 20 {
                clock.pass(20);
                store.renew_lease("b", LEASE).await.unwrap();
                store.expire("b").await.unwrap();
            }
            let mounted = ComponentChange::Mounted { component: Box::new(component("c", 0)) };
            let commit = Commit::of(id("s"), "a".into(), 0, mounted, None);
            let enters = Some(Box::new(crate::stores::head()));
            store.commit(Commit { enters, ..commit }).await.unwrap();
            assert_eq!(aside(&*store, "a").await, [], "{end}");
        })
        .await;
    }
}
