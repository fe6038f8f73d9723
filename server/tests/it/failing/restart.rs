//! Failures while a session is restored after the end of the process.

use std::time::Duration;

use super::{Call, FAILURES, Failure, KINDS, Scene, fails, failures_left, states_of};

/// Each call that a topic needs fails in each way, once or twice in a row, after SIGTERM and after
/// SIGKILL.
#[tokio::test(start_paused = true)]
async fn a_topic_that_fails_during_a_restore_loses_no_state() {
    for call in [Call::Load, Call::Authorize] {
        for failure in FAILURES {
            for kind in KINDS {
                for (times, planned) in [(1, true), (2, true), (1, false), (2, false)] {
                    let cell = (call, failure, kind, times, planned);
                    let scene = Scene::new(kind).await;
                    fails(&scene.key, call, failure, times);
                    scene.restart(planned, false).await;
                    if failure == Failure::Forbidden {
                        scene.has_lost_the_component(&cell).await;
                        let stored = scene.stored().await;
                        assert!(states_of(&stored.components, kind).is_empty(), "{cell:?}");
                        assert!(stored.aside.is_empty(), "{cell:?}");
                        continue;
                    }
                    scene.has_all(&cell).await;
                    assert_eq!(failures_left(&scene.key, call), 0, "{cell:?}");
                    scene.restart(planned, false).await;
                    scene.has_all(&cell).await;
                    let stored = scene.stored().await;
                    assert_eq!(states_of(&stored.components, kind), [5], "{cell:?}");
                    assert!(stored.aside.is_empty(), "{cell:?}");
                }
            }
        }
    }
}

/// Data that the page has is not sent again, even if the first restore failed.
#[tokio::test(start_paused = true)]
async fn a_planned_restart_is_exact_also_after_a_restore_that_failed() {
    for kind in KINDS {
        let scene = Scene::new(kind).await;
        let stream = format!("c:{}", scene.fragile.id());
        let epoch = |scene: &Scene| scene.page.client(|client| client.stream(&stream).unwrap().epoch.clone());
        let before = epoch(&scene);
        fails(&scene.key, Call::Load, Failure::Internal, 3);
        scene.restart(true, false).await;
        scene.has_all(&kind).await;
        assert_eq!(epoch(&scene), before, "{kind}");
    }
}

/// The page only waits; requests that it sends during the restart run once.
#[tokio::test(start_paused = true)]
async fn requests_wait_until_the_session_can_be_restored() {
    for kind in KINDS {
        let scene = Scene::new(kind).await;
        fails(&scene.key, Call::Load, Failure::Internal, 20);
        scene.restart(false, false).await;
        let added = scene.fragile.call("add", ());
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert!(!added.is_answered() && scene.fragile.is_mounted(), "{kind}");
        assert_eq!(added.await.unwrap(), Some(6.into()), "{kind}");
        assert_eq!(scene.fragile.state()["items"], 6, "{kind}");
    }
}
