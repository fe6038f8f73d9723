//! The contract of session stores, checked on each of them.

use std::path::PathBuf;
use std::sync::Arc;

use vivaz::sqlite::Sqlite;
use vivaz::store::{Fence, SessionState, Snapshot, WriteRefusal};
use vivaz::testing::{ManualClock, store_cases};
use vivaz::{MemoryStore, SessionId, SessionStore};

use crate::stores::head;

/// A unique path for a database, which is deleted with it.
pub(crate) struct Temporary(pub(crate) PathBuf);

impl Temporary {
    pub(crate) fn new() -> Self {
        let directory = std::env::temp_dir().join(format!("vivaz-lease-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&directory).unwrap();
        Self(directory.join("test.sqlite"))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        std::fs::remove_dir_all(self.0.parent().unwrap()).unwrap();
    }
}

fn id(name: &str) -> SessionId {
    SessionId::new(name).unwrap()
}

fn whole(session: &str) -> SessionState {
    SessionState {
        session: id(session),
        fence: Fence::FIRST,
        head: head(),
        components: Vec::new(),
        moving: Vec::new(),
        aside: Vec::new(),
    }
}

#[tokio::test]
async fn the_store_in_memory_keeps_the_contract() {
    for case in store_cases() {
        let clock = ManualClock::new();
        case.run(Arc::new(MemoryStore::with_clock(clock.clone())), clock).await;
    }
}

#[tokio::test]
async fn sqlite_keeps_the_contract() {
    for case in store_cases() {
        let (file, clock) = (Temporary::new(), ManualClock::new());
        let store = Sqlite::open_with_clock(&file.0, clock.clone()).unwrap();
        case.run(Arc::new(store.clone()), clock).await;
        store.close().await;
    }
}

#[tokio::test]
async fn a_session_that_a_store_in_memory_loses_has_not_ended() {
    let store = MemoryStore::new();
    assert!((store.len(), store.is_empty()) == (0, true));
    store.save_whole("a", vec![whole("s")]).await.unwrap();
    store.save_whole("a", vec![whole("t")]).await.unwrap();
    assert!((store.len(), store.is_empty()) == (2, false));
    assert!(store.lose(&id("s")));
    assert!(!store.lose(&id("s")));
    assert_eq!(store.len(), 1);
    let saved = Snapshot { session: id("s"), fence: Fence::FIRST, head: head(), components: Vec::new() };
    assert_eq!(store.save("a", vec![saved]).await.unwrap(), [(id("s"), WriteRefusal::Absent)]);
}
