//! The application's own writes in a commit, and the publishing of a commit.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use vivaz_components::ActionError;

use super::rows::{apply, change, has, head, id};
use super::{ManualClock, StoreCase, cases};
use crate::persist::store::{Commit, CommitError, SessionStore};

/// The checks of this file.
pub(super) const CASES: &[StoreCase] =
    cases![a_commit_that_lasts_is_published_once_and_in_order, a_commit_with_failed_writes_has_no_effect,];

async fn a_commit_that_lasts_is_published_once_and_in_order(
    store: Arc<dyn SessionStore>,
    _clock: Arc<ManualClock>,
) {
    super::rows::save_whole(&*store, "a", "s").await;
    let published = Arc::<Mutex<Vec<u64>>>::default();
    let commits: Vec<_> = (3..23)
        .map(|version| {
            let published = Arc::clone(&published);
            let publish = move || published.lock().unwrap_or_else(PoisonError::into_inner).push(version);
            // All of them are queued before the first one is waited for.
            store.commit(Commit { publish: Box::new(publish), ..change("s", "a", "c", version) })
        })
        .collect();
    for commit in commits {
        commit.await.unwrap();
    }
    let published = published.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(*published, (3..23).collect::<Vec<_>>());
}

async fn a_commit_with_failed_writes_has_no_effect(store: Arc<dyn SessionStore>, _clock: Arc<ManualClock>) {
    let published = Arc::<AtomicUsize>::default();
    let failing = |session: &str, name: &str| {
        let published = Arc::clone(&published);
        Commit {
            write: Box::new(|_| Err(ActionError::user("refused"))),
            publish: Box::new(move || {
                published.fetch_add(1, Ordering::SeqCst);
            }),
            ..change(session, "a", name, 3)
        }
    };
    let creates = Commit { creates: Some(Box::new(head())), expects: None, ..failing("new", "c") };
    assert!(matches!(apply(&*store, creates).await, Err(CommitError::Work(_))));
    assert!(!has(&*store, "new").await);
    super::rows::save_whole(&*store, "a", "s").await;
    assert!(matches!(apply(&*store, failing("s", "c")).await, Err(CommitError::Work(_))));
    // The version has not changed.
    apply(&*store, change("s", "a", "c", 3)).await.unwrap();
    let seen = store.find(&id("s")).await.unwrap().unwrap();
    let stored = store.claim(&id("s"), "a", &seen).await.unwrap().unwrap();
    assert_eq!(stored.components.first().map(|component| component.version), Some(4));
    assert_eq!(published.load(Ordering::SeqCst), 0);
}
