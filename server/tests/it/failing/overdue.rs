//! Permanent failures: the rest of the session is resumed, and the failing component is kept.

use std::time::Duration;

use vivaz::MemoryStore;

use super::versions::other_schema;
use super::{Call, Failure, KINDS, Scene, fails, states_of};

#[tokio::test(start_paused = true)]
async fn a_topic_that_fails_for_good_does_not_keep_the_session_away() {
    for (call, restarts) in [(Call::Load, true), (Call::Authorize, true), (Call::Authorize, false)] {
        for failure in [Failure::Internal, Failure::Panics, Failure::Hangs] {
            for kind in KINDS {
                let cell = (call, restarts, failure, kind);
                let scene = Scene::new(kind).await;
                fails(&scene.key, call, failure, u32::MAX);
                if restarts {
                    scene.restart(true, false).await;
                } else {
                    scene.page.network().drop();
                }
                tokio::time::sleep(Duration::from_secs(4 * 60)).await;
                assert!(scene.fragile.is_mounted() && scene.page.sessions() == 1, "{cell:?}");
                tokio::time::sleep(Duration::from_secs(3 * 60)).await;
                scene.has_lost_the_component(&cell).await;
                let stored = scene.stored().await;
                assert!(states_of(&stored.components, kind).is_empty(), "{cell:?}");
                assert_eq!(states_of(&stored.aside, kind), [5], "{cell:?}");
                // It is kept as long as the session, and does not prevent later resumes.
                scene.server.start();
                scene.restart(false, false).await;
                scene.has_lost_the_component(&cell).await;
                assert_eq!(states_of(&scene.stored().await.aside, kind), [5], "{cell:?}");
            }
        }
    }
}

/// A failure long after another one counts as the first one.
#[tokio::test(start_paused = true)]
async fn a_page_that_was_away_between_two_failures_has_not_failed_all_the_time() {
    let scene = Scene::new("fragile").await;
    fails(&scene.key, Call::Load, Failure::Internal, u32::MAX);
    scene.restart(true, false).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    scene.page.network().offline();
    tokio::time::sleep(Duration::from_secs(285)).await;
    fails(&scene.key, Call::Load, Failure::Internal, 1);
    scene.page.network().online();
    scene.page.settled().await;
    scene.has_all(&"one failure").await;
}

#[tokio::test(start_paused = true)]
async fn without_a_store_the_rest_of_the_session_is_resumed_too() {
    let scene = Scene::with("fragile", None::<MemoryStore>, |_| ()).await;
    fails(&scene.key, Call::Authorize, Failure::Internal, u32::MAX);
    scene.page.network().drop();
    tokio::time::sleep(Duration::from_secs(6 * 60)).await;
    scene.has_lost_the_component(&"no store").await;
}

/// The children of a component that is kept aside are kept aside with it, and are not lost either.
#[tokio::test(start_paused = true)]
async fn the_children_of_a_component_that_is_kept_aside_are_kept_too() {
    for (call, restarts) in [(Call::Load, true), (Call::Authorize, true), (Call::Authorize, false)] {
        let scene = Scene::new("fragile-parent").await;
        let child = scene.fragile.children("fragile-durable").remove(0);
        child.call("add", ()).await.unwrap();
        fails(&scene.key, call, Failure::Internal, u32::MAX);
        if restarts {
            scene.restart(false, false).await;
        } else {
            scene.page.network().drop();
        }
        tokio::time::sleep(Duration::from_secs(7 * 60)).await;
        scene.has_lost_the_component(&(call, restarts)).await;
        assert!(!child.is_mounted(), "{call:?}");
        let aside = scene.stored().await.aside;
        assert_eq!(states_of(&aside, "fragile-parent"), [5], "{call:?}");
        assert_eq!(states_of(&aside, "fragile-durable"), [1], "{call:?}");
    }
}

/// For state that the program cannot decode, there is no replacement: the new mount fails, or the
/// component mounted anew before fails.
#[tokio::test(start_paused = true)]
async fn a_replacement_of_unusable_state_does_not_block_the_session() {
    for (call, was_mounted_anew) in [(Call::Mount, false), (Call::Load, false), (Call::Load, true)] {
        for failure in [Failure::Internal, Failure::Hangs] {
            for kind in KINDS {
                let cell = (call, was_mounted_anew, failure, kind);
                let scene = Scene::with(kind, Some(MemoryStore::new()), other_schema).await;
                fails(&scene.key, Call::Migrate, Failure::Internal, u32::MAX);
                if was_mounted_anew {
                    scene.restart(true, true).await;
                    scene.neighbours_are_untouched(&cell).await;
                    assert_eq!(scene.fragile.state()["items"], 0, "{cell:?}");
                    scene.restart(true, false).await;
                    scene.has_all(&cell).await;
                }
                fails(&scene.key, call, failure, u32::MAX);
                scene.restart(true, true).await;
                tokio::time::sleep(Duration::from_secs(4 * 60)).await;
                assert!(scene.fragile.is_mounted() && scene.page.sessions() == 1, "{cell:?}");
                tokio::time::sleep(Duration::from_secs(3 * 60)).await;
                scene.has_lost_the_component(&cell).await;
                let stored = scene.stored().await;
                assert!(states_of(&stored.components, kind).is_empty(), "{cell:?}");
                let aside: &[i64] = if was_mounted_anew { &[0, 5] } else { &[5] };
                assert_eq!(states_of(&stored.aside, kind), aside, "{cell:?}");
            }
        }
    }
}

/// The original, which a rollback restores, fails permanently.
#[tokio::test(start_paused = true)]
async fn a_rollback_that_fails_for_good_does_not_keep_the_session_away() {
    for kind in KINDS {
        let scene = Scene::with(kind, Some(MemoryStore::new()), other_schema).await;
        fails(&scene.key, Call::Migrate, Failure::Internal, u32::MAX);
        scene.restart(true, true).await;
        scene.neighbours_are_untouched(&kind).await;
        fails(&scene.key, Call::Load, Failure::Internal, u32::MAX);
        scene.restart(true, false).await;
        tokio::time::sleep(Duration::from_secs(7 * 60)).await;
        scene.has_lost_the_component(&kind).await;
        assert_eq!(states_of(&scene.stored().await.aside, kind), [5, 0], "{kind}");
    }
}
