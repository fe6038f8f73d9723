//! Failures while a suspended session in memory is resumed.

use std::time::Duration;

use vivaz::MemoryStore;

use super::{Call, FAILURES, Failure, KINDS, Notice, Scene, fails, failures_left};

/// Only `authorize` is called. Each failure except a refusal leaves the component and the others
/// unchanged.
#[tokio::test(start_paused = true)]
async fn a_topic_that_fails_during_a_resume_loses_no_state() {
    for call in [Call::Load, Call::Authorize, Call::Migrate, Call::Mount] {
        for failure in FAILURES {
            for kind in KINDS {
                for times in [1, 2] {
                    let cell = (call, failure, kind, times);
                    let scene = Scene::new(kind).await;
                    fails(&scene.key, call, failure, times);
                    scene.page.network().drop();
                    scene.page.settled().await;
                    if (call, failure) == (Call::Authorize, Failure::Forbidden) {
                        scene.has_lost_the_component(&cell).await;
                        continue;
                    }
                    scene.has_all(&cell).await;
                    assert_eq!(
                        failures_left(&scene.key, call),
                        if call == Call::Authorize { 0 } else { times }
                    );
                    assert_eq!(scene.fragile.call("add", ()).await.unwrap(), Some(6.into()), "{cell:?}");
                }
            }
        }
    }
}

/// The same without a store.
#[tokio::test(start_paused = true)]
async fn a_session_that_no_store_keeps_waits_until_its_topics_answer() {
    for failure in [Failure::Internal, Failure::Panics, Failure::Hangs] {
        let scene = Scene::with("fragile", None, |_| ()).await;
        fails(&scene.key, Call::Authorize, failure, 3);
        scene.page.network().drop();
        scene.page.settled().await;
        scene.has_all(&failure).await;
    }
}

/// No data of a topic is sent before the topic has authorized the user.
#[tokio::test(start_paused = true)]
async fn a_topic_that_hangs_shows_no_state() {
    for failure in [Failure::Internal, Failure::Panics, Failure::Hangs] {
        let scene = Scene::with("fragile", Some(MemoryStore::new()), |_| ()).await;
        fails(&scene.key, Call::Authorize, failure, u32::MAX);
        let topic = scene.server.runtime().topic::<Notice>(&format!("notice/{}", scene.key)).await.unwrap();
        scene.page.network().drop();
        tokio::time::sleep(Duration::from_secs(1)).await;
        topic.update(|notice| notice.text = "hush".into()).await.unwrap();
        tokio::time::sleep(Duration::from_secs(120)).await;
        assert_eq!(scene.fragile.state()["notice"]["text"], "hello", "{failure:?}");
        assert!(scene.fragile.is_mounted() && scene.counter.is_mounted(), "{failure:?}");
        fails(&scene.key, Call::Authorize, failure, 0);
        scene.fragile.until(|view| view.state()["notice"]["text"] == "hush").await;
        assert_eq!((scene.page.sessions(), &scene.fragile.state()["items"]), (1, &5.into()));
    }
}
