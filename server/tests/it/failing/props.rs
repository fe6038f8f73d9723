//! A parent gives its child other props, and the child's topic fails.

use std::time::Duration;

use super::{Call, FAILURES, Failure, Scene, fails, failures_left};

#[tokio::test(start_paused = true)]
async fn a_child_whose_new_topic_fails_at_first_shows_it_in_the_end() {
    for failure in FAILURES {
        for call in [Call::Load, Call::Authorize] {
            let scene = Scene::new("fragile-parent").await;
            let child = scene.fragile.children("fragile-durable").remove(0);
            child.call("add", ()).await.unwrap();
            let next = format!("next-{}", scene.key);
            fails(&next, call, failure, 4);
            scene.fragile.call("show", [&next]).await.unwrap();
            tokio::time::sleep(Duration::from_secs(60)).await;
            scene.page.settled().await;
            let (wanted, left) = match failure {
                // The user may not subscribe: the server does not retry.
                Failure::Forbidden => (format!("child-{}", scene.key), 3),
                Failure::Internal | Failure::Panics | Failure::Hangs => (next.clone(), 0),
            };
            let what = (failure, call);
            assert_eq!(child.state()["key"], wanted, "{what:?}");
            assert_eq!(child.state()["items"], 1, "{what:?}");
            assert_eq!(failures_left(&next, call), left, "{what:?}");
            assert_eq!(scene.page.connections(), 1, "{what:?}");
            scene.has_all(&what).await;
        }
    }
}

/// The server stops retrying, and tries again when the parent changes.
#[tokio::test(start_paused = true)]
async fn a_child_whose_new_topic_fails_for_long_shows_it_once_the_parent_changes_again() {
    let scene = Scene::new("fragile-parent").await;
    let child = scene.fragile.children("fragile-durable").remove(0);
    let next = format!("next-{}", scene.key);
    fails(&next, Call::Load, Failure::Internal, 100);
    scene.fragile.call("show", [&next]).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    assert!(failures_left(&next, Call::Load) >= 92);
    assert_eq!(child.state()["key"], format!("child-{}", scene.key));
    fails(&next, Call::Load, Failure::Internal, 1);
    scene.fragile.call("add", ()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    scene.page.settled().await;
    assert_eq!(child.state()["key"], next);
}
