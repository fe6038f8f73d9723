//! Deployments and rollbacks: state that this program cannot decode is kept aside for a program
//! that can.

use std::time::Duration;

use serde_json::{Value, json};
use vivaz::store::{SessionHead, SessionState, SnapshotHead, StoredComponent, StoredSession};
use vivaz::testing::Page;
use vivaz::{ErrorCode, MemoryStore, SessionId, SessionStore};

use super::{Call, FAILURES, Failure, KINDS, Scene, fails, states_of};

/// Converts the row to that of a program whose components have other fields.
pub(super) fn other_schema(row: &mut StoredComponent) {
    row.schema ^= 1;
}

/// Converts the row to that of a program without such a component.
pub(super) fn other_kind(row: &mut StoredComponent) {
    row.name = match row.name.strip_prefix("old-") {
        Some(name) => name.to_owned(),
        None if row.name.starts_with("fragile") => format!("old-{}", row.name),
        None => return,
    };
}

/// Returns the row with this number of items.
fn with_items(row: &StoredComponent, items: u32) -> StoredComponent {
    let mut state: Value = serde_json::from_slice(&row.state).unwrap();
    state["items"] = items.into();
    StoredComponent { state: serde_json::to_vec(&state).unwrap(), ..row.clone() }
}

/// Stores the session with these rows, while no process runs it.
async fn enter(
    scene: &Scene,
    stored: StoredSession,
    components: Vec<StoredComponent>,
    aside: Vec<StoredComponent>,
) {
    let session = scene.page.client(|client| SessionId::new(client.session().unwrap()).unwrap());
    let store = scene.store.as_ref().unwrap();
    let SessionHead { holder, fence, .. } = store.find(&session).await.unwrap().unwrap();
    let head = SnapshotHead {
        owner: stored.owner,
        secrets: stored.secrets,
        progress: stored.progress,
        good_for: Duration::from_secs(86_400),
    };
    let whole = SessionState { session, fence, head, components, moving: Vec::new(), aside };
    assert!(store.save_whole(&holder, vec![whole]).await.unwrap().is_empty());
}

async fn deployed(kind: &str) -> Scene {
    Scene::with(kind, Some(MemoryStore::new()), other_schema).await
}

/// A successful `migrate` needs no new mount, and the topics are loaded as usual.
#[tokio::test(start_paused = true)]
async fn a_topic_that_fails_after_a_migration_loses_no_state() {
    for failure in [Failure::Internal, Failure::Panics, Failure::Hangs] {
        for kind in KINDS {
            let scene = deployed(kind).await;
            fails(&scene.key, Call::Load, failure, 2);
            fails(&scene.key, Call::Authorize, failure, 1);
            scene.restart(true, true).await;
            scene.has_all(&(failure, kind)).await;
            assert!(scene.stored().await.aside.is_empty());
        }
    }
}

/// State that cannot be migrated is kept aside, and the program that stored it restores it.
#[tokio::test(start_paused = true)]
async fn a_rollback_restores_state_that_could_not_be_migrated() {
    for failure in [Failure::Internal, Failure::Forbidden, Failure::Panics] {
        for kind in KINDS {
            for planned in [true, false] {
                let cell = (failure, kind, planned);
                let scene = deployed(kind).await;
                fails(&scene.key, Call::Migrate, failure, u32::MAX);
                scene.restart(planned, true).await;
                scene.neighbours_are_untouched(&cell).await;
                assert_eq!(scene.fragile.state()["items"], 0, "{cell:?}");
                assert_eq!(scene.fragile.call("add", ()).await.unwrap(), Some(1.into()), "{cell:?}");
                // It stays aside under the new program.
                scene.restart(planned, true).await;
                assert_eq!(scene.fragile.call("add", ()).await.unwrap(), Some(2.into()), "{cell:?}");
                let stored = scene.stored().await;
                assert_eq!(states_of(&stored.components, kind), [2], "{cell:?}");
                assert_eq!(states_of(&stored.aside, kind), [5], "{cell:?}");
                // The rollback.
                scene.server.start();
                scene.restart(planned, false).await;
                scene.has_all(&cell).await;
                assert_eq!(scene.fragile.call("add", ()).await.unwrap(), Some(6.into()), "{cell:?}");
                // The next deployment: changes under the new program are restored.
                scene.restart(planned, true).await;
                assert_eq!(scene.fragile.call("add", ()).await.unwrap(), Some(3.into()), "{cell:?}");
                // The next version can migrate: it gets the state of the old program.
                scene.restart(planned, false).await;
                assert_eq!(scene.fragile.call("add", ()).await.unwrap(), Some(7.into()), "{cell:?}");
                fails(&scene.key, Call::Migrate, failure, 0);
                scene.restart(planned, true).await;
                assert_eq!(scene.fragile.call("add", ()).await.unwrap(), Some(8.into()), "{cell:?}");
            }
        }
    }
}

/// The mount that replaces such state fails: the page waits, and the state is kept for the rollback
/// in any case.
#[tokio::test(start_paused = true)]
async fn a_failed_remount_loses_no_state() {
    for failure in FAILURES {
        for kind in KINDS {
            for times in [1, 2] {
                let cell = (failure, kind, times);
                let scene = deployed(kind).await;
                fails(&scene.key, Call::Migrate, Failure::Internal, u32::MAX);
                fails(&scene.key, Call::Mount, failure, times);
                scene.restart(true, true).await;
                if failure == Failure::Forbidden {
                    scene.has_lost_the_component(&cell).await;
                    let stored = scene.stored().await;
                    assert!(states_of(&stored.components, kind).is_empty(), "{cell:?}");
                    assert_eq!(states_of(&stored.aside, kind), [5], "{cell:?}");
                    continue;
                }
                scene.neighbours_are_untouched(&cell).await;
                assert_eq!(scene.fragile.state()["items"], 0, "{cell:?}");
                scene.restart(true, false).await;
                scene.has_all(&cell).await;
            }
        }
    }
}

/// A failure while the original is restored leaves both components where they are.
#[tokio::test(start_paused = true)]
async fn a_topic_that_fails_during_a_rollback_loses_no_state() {
    for call in [Call::Load, Call::Authorize] {
        for failure in [Failure::Internal, Failure::Panics, Failure::Hangs] {
            for kind in KINDS {
                let scene = deployed(kind).await;
                fails(&scene.key, Call::Migrate, Failure::Internal, u32::MAX);
                scene.restart(false, true).await;
                scene.neighbours_are_untouched(&kind).await;
                fails(&scene.key, call, failure, 2);
                scene.restart(false, false).await;
                scene.has_all(&(call, failure, kind)).await;
            }
        }
    }
}

/// A component that this program does not have is kept aside. It does not remove the row of another
/// component.
#[tokio::test(start_paused = true)]
async fn a_component_that_the_program_does_not_know_is_kept() {
    for kind in KINDS {
        let scene = Scene::with(kind, Some(MemoryStore::new()), other_kind).await;
        // Renamed as the other program sees it: an unknown name.
        scene.restart(true, true).await;
        scene.has_lost_the_component(&kind).await;
        scene.restart(false, true).await;
        scene.neighbours_are_untouched(&kind).await;
        let stored = scene.stored().await;
        assert!(states_of(&stored.components, kind).is_empty(), "{kind}");
        assert_eq!(states_of(&stored.aside, kind), [5], "{kind}");
    }
}

/// The page does not know yet that the component is kept aside. The newest row is restored,
/// whatever fails first.
#[tokio::test(start_paused = true)]
async fn a_component_set_aside_is_restored_after_a_first_failure() {
    for failure in [Failure::Internal, Failure::Panics, Failure::Hangs] {
        for kind in KINDS {
            let scene = deployed(kind).await;
            let mut stored = scene.stored().await;
            let components = std::mem::take(&mut stored.components);
            let (mut aside, components): (Vec<_>, Vec<_>) =
                components.into_iter().partition(|row| row.name == kind);
            let older = with_items(&aside[0], 3);
            aside.insert(0, older);
            // Neither the row of another program nor the component mounted anew is the original.
            let of_another = StoredComponent { schema: aside[1].schema ^ 1, ..with_items(&aside[1], 7) };
            aside.push(of_another);
            aside.push(StoredComponent { anew: true, ..with_items(&aside[1], 9) });
            assert_eq!(states_of(&aside, kind), [3, 5, 7, 9]);
            fails(&scene.key, Call::Migrate, Failure::Internal, u32::MAX);
            enter(&scene, stored, components, aside).await;
            fails(&scene.key, Call::Load, failure, 2);
            scene.server.start();
            scene.page.settled().await;
            scene.has_all(&(failure, kind)).await;
        }
    }
}

/// Of components that were mounted anew in place of the original, this program restores the one
/// that it has mounted itself, whatever fails first.
#[tokio::test(start_paused = true)]
async fn remounted_components_are_restored_by_the_same_program() {
    for kind in KINDS {
        let scene = deployed(kind).await;
        let mut stored = scene.stored().await;
        let mut components = std::mem::take(&mut stored.components);
        let live = components.iter_mut().find(|row| row.name == kind).unwrap();
        let schema = live.schema;
        live.schema ^= 1;
        let anew = |schema, items| StoredComponent { anew: true, schema, ..with_items(live, items) };
        let original = StoredComponent { schema, ..with_items(live, 8) };
        let aside = vec![original, anew(schema ^ 2, 7), anew(schema, 9)];
        enter(&scene, stored, components, aside).await;
        fails(&scene.key, Call::Migrate, Failure::Internal, u32::MAX);
        fails(&scene.key, Call::Load, Failure::Internal, 1);
        scene.server.start();
        scene.page.settled().await;
        assert_eq!(scene.fragile.call("add", ()).await.unwrap(), Some(10.into()), "{kind}");
        assert_eq!(states_of(&scene.stored().await.aside, kind), [8, 7, 5], "{kind}");
    }
}

/// The children of such a component are kept with it.
#[tokio::test(start_paused = true)]
async fn the_children_of_a_component_that_the_program_does_not_know_are_kept_too() {
    fn unknown_parent(row: &mut StoredComponent) {
        match &*row.name {
            "fragile-parent" => row.name = "old-parent".into(),
            "old-parent" => row.name = "fragile-parent".into(),
            _ => {}
        }
    }
    let scene = Scene::with("fragile-parent", Some(MemoryStore::new()), unknown_parent).await;
    let child = scene.fragile.children("fragile-durable").remove(0);
    child.call("add", ()).await.unwrap();
    scene.restart(true, true).await;
    scene.has_lost_the_component(&"unknown").await;
    let aside = scene.stored().await.aside;
    assert_eq!(states_of(&aside, "fragile-parent"), [5]);
    assert_eq!(states_of(&aside, "fragile-durable"), [1]);
}

/// Components that are kept aside count as state of their session and their user.
#[tokio::test(start_paused = true)]
async fn components_set_aside_count_against_the_budget() {
    fn unknown_counter(row: &mut StoredComponent) {
        row.name = match &*row.name {
            "counter" => "old-counter".into(),
            "old-counter" => "counter".into(),
            _ => return,
        };
    }
    let scene = Scene::with("fragile", Some(MemoryStore::new()), unknown_counter).await;
    let large = scene.page.mount_open("counter", json!({ "title": "x".repeat(3_000) })).await.unwrap();
    scene.restart(true, true).await;
    scene.page.settled().await;
    assert!(!large.is_mounted());
    let edit = async |page: &Page| {
        let lab = page.mount_open("lab", json!({})).await.unwrap();
        lab.set("draft", "x".repeat(2_500)).await
    };
    assert_eq!(edit(&scene.page).await.unwrap_err().code, ErrorCode::TooLarge);
    edit(&scene.server.page()).await.unwrap();
}

/// If the page removes a component, the component kept aside under its id and name is removed too.
#[tokio::test(start_paused = true)]
async fn components_unmounted_by_the_page_are_not_set_aside() {
    for kind in KINDS {
        let scene = deployed(kind).await;
        let key = format!("other-{}", scene.key);
        let other = scene.page.mount_open(kind, json!({ "key": key })).await.unwrap();
        other.call("add", ()).await.unwrap();
        fails(&scene.key, Call::Migrate, Failure::Internal, u32::MAX);
        fails(&key, Call::Migrate, Failure::Internal, u32::MAX);
        scene.restart(true, true).await;
        scene.page.settled().await;
        scene.fragile.unmount().await.unwrap();
        let stored = scene.stored().await;
        assert_eq!(states_of(&stored.components, kind), [0], "{kind}");
        // A component kept aside with that name under another id stays.
        assert_eq!(states_of(&stored.aside, kind), [1], "{kind}");
    }
}

/// A component kept aside under its id with another name, which another program had there, stays.
#[tokio::test(start_paused = true)]
async fn an_unmount_keeps_other_components_set_aside() {
    for kind in KINDS {
        let scene = deployed(kind).await;
        let mut stored = scene.stored().await;
        let components = std::mem::take(&mut stored.components);
        let live = components.iter().find(|row| row.name == kind).unwrap();
        let another = StoredComponent { name: "another".into(), ..with_items(live, 3) };
        enter(&scene, stored, components, vec![another]).await;
        scene.server.start();
        scene.page.settled().await;
        scene.fragile.unmount().await.unwrap();
        let stored = scene.stored().await;
        assert!(states_of(&stored.components, kind).is_empty(), "{kind}");
        assert_eq!(states_of(&stored.aside, "another"), [3], "{kind}");
    }
}

/// The same for a component that is not mounted because it is kept aside: the page is notified, and
/// it is no longer kept.
#[tokio::test(start_paused = true)]
async fn an_unmount_deletes_a_component_set_aside() {
    for kind in KINDS {
        let scene = Scene::with(kind, Some(MemoryStore::new()), other_kind).await;
        scene.page.network().offline();
        let unmount = scene.fragile.unmount();
        scene.restart(true, true).await;
        scene.page.network().online();
        let _told = unmount.await;
        scene.has_lost_the_component(&kind).await;
        let _told = scene.fragile.unmount().await;
        scene.neighbours_are_untouched(&kind).await;
        // Not only a planned shutdown writes the session in this way.
        tokio::time::sleep(Duration::from_secs(60)).await;
        scene.restart(false, true).await;
        scene.page.settled().await;
        assert!(scene.stored().await.aside.is_empty(), "{kind}");
    }
}
