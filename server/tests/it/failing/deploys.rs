//! The changes that a deployment makes to a session are stored before its page continues: the next
//! process may run another program, and takes the stored state for the state of the page.

use vivaz::MemoryStore;
use vivaz::store::StoredComponent;

use super::versions::other_kind;
use super::{KINDS, Scene, states_of};

/// Converts the row to that of a program whose components have other templates.
fn other_template(row: &mut StoredComponent) {
    row.template = row.template.chars().rev().collect();
}

#[tokio::test(start_paused = true)]
async fn the_templates_that_a_page_has_after_a_deploy_are_stored() {
    for kind in KINDS {
        let scene = Scene::with(kind, Some(MemoryStore::new()), other_template).await;
        let template = |rows: &[StoredComponent]| {
            rows.iter().find(|row| row.name == kind).map(|row| row.template.clone()).unwrap()
        };
        scene.restart(true, false).await;
        scene.page.settled().await;
        let before = template(&scene.stored_meanwhile().await.components);
        scene.restart(true, true).await;
        scene.page.settled().await;
        let after: String = template(&scene.stored_meanwhile().await.components);
        assert_eq!(after, before.chars().rev().collect::<String>(), "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn components_that_a_deploy_sets_aside_are_stored() {
    for kind in KINDS {
        let scene = Scene::with(kind, Some(MemoryStore::new()), other_kind).await;
        scene.restart(true, true).await;
        scene.page.settled().await;
        let stored = scene.stored_meanwhile().await;
        assert_eq!(states_of(&stored.aside, kind), [5], "{kind}");
    }
}
