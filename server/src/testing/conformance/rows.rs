//! Rows that the checks write.

use std::time::Duration;

use vivaz_protocol::{ComponentId, SessionId};

use crate::persist::store::{
    Commit, CommitError, CommitRecord, ComponentState, Fence, Owner, ReleasedAs, Secrets, SessionProgress,
    SessionState, SessionStore, Snapshot, SnapshotHead, StoredChange, StoredComponent, StoredOrigin,
    WriteError, WriteRefusal,
};

pub(super) const LEASE: Duration = Duration::from_secs(30);

pub(super) fn id(name: &str) -> SessionId {
    SessionId::new(name).unwrap()
}

pub(super) fn c(name: &str) -> ComponentId {
    ComponentId::new(name).unwrap()
}

pub(super) fn component(name: &str, version: u64) -> StoredComponent {
    StoredComponent {
        origin: StoredOrigin::Open,
        id: name.into(),
        name: "counter".into(),
        schema: 1,
        template: "t".into(),
        props: "{}".into(),
        state: format!("{version}").into_bytes(),
        epoch: "e".into(),
        rev: version,
        version,
        settled: 0,
        durable: true,
        anew: false,
        rooms: Vec::new(),
        connected: true,
        shown: Some(1),
    }
}

pub(super) fn whole(session: &str, components: &[(&str, u64)]) -> SessionState {
    SessionState {
        session: id(session),
        fence: Fence::FIRST,
        head: head(),
        components: components.iter().map(|(name, version)| component(name, *version)).collect(),
        moving: Vec::new(),
        aside: Vec::new(),
    }
}

pub(super) async fn save_whole(
    store: &dyn SessionStore,
    by: &str,
    session: &str,
) -> Vec<(SessionId, WriteRefusal)> {
    enter(store, by, whole(session, &[("c", 3)])).await
}

/// Returns the fence of the current copy of a session.
pub(super) async fn fence(store: &dyn SessionStore, session: &SessionId) -> Fence {
    store.find(session).await.unwrap().map_or(Fence::FIRST, |head| head.fence)
}

// The calls of the current copy.

pub(super) async fn enter(
    store: &dyn SessionStore,
    by: &str,
    whole: SessionState,
) -> Vec<(SessionId, WriteRefusal)> {
    let fence = fence(store, &whole.session).await;
    store.save_whole(by, vec![SessionState { fence, ..whole }]).await.unwrap()
}

pub(super) async fn apply(store: &dyn SessionStore, commit: Commit) -> Result<(), CommitError> {
    let fence = fence(store, &commit.session).await;
    store.commit(Commit { fence, ..commit }).await
}

pub(super) async fn renew(
    store: &dyn SessionStore,
    session: &str,
    by: &str,
    secrets: Secrets,
) -> Result<(), WriteError> {
    let fence = fence(store, &id(session)).await;
    store.renew(&id(session), by, fence, secrets, LEASE).await
}

pub(super) async fn release(store: &dyn SessionStore, session: &str, by: &str) {
    let fence = fence(store, &id(session)).await;
    store.release(&id(session), by, fence, ReleasedAs::Unchanged).await.unwrap();
}

pub(super) async fn delete(store: &dyn SessionStore, by: &str, session: &str) {
    let fence = fence(store, &id(session)).await;
    store.delete(by, vec![(id(session), fence)]).await.unwrap();
}

pub(super) fn snapshot(session: &str, components: &[&str]) -> Snapshot {
    let state = |name: &&str| ComponentState {
        id: c(name),
        state: b"9".to_vec(),
        shown: Some(9),
        props: r#"{"count":9}"#.into(),
        epoch: "e".into(),
        rev: 9,
        rooms: vec!["hall".into()],
        connected: true,
    };
    Snapshot {
        session: id(session),
        fence: Fence::FIRST,
        head: head(),
        components: components.iter().map(state).collect(),
    }
}

pub(super) async fn save(
    store: &dyn SessionStore,
    by: &str,
    session: &str,
    components: &[&str],
) -> Option<WriteRefusal> {
    let fence = fence(store, &id(session)).await;
    let refused = store.save(by, vec![Snapshot { fence, ..snapshot(session, components) }]).await.unwrap();
    refused.first().map(|(_, refusal)| *refusal)
}

pub(super) async fn has(store: &dyn SessionStore, session: &str) -> bool {
    store.find(&id(session)).await.unwrap().is_some()
}

pub(super) fn change(session: &str, by: &str, name: &str, from: u64) -> Commit {
    let state = ComponentState {
        id: c(name),
        state: b"8".to_vec(),
        shown: Some(8),
        props: r#"{"count":8}"#.into(),
        epoch: "e".into(),
        rev: from + 1,
        rooms: vec!["attic".into()],
        connected: true,
    };
    let written = CommitRecord { change: StoredChange::Changed { state, settled: 4 }, reply: None };
    Commit {
        session: id(session),
        by: by.into(),
        fence: Fence::FIRST,
        creates: None,
        expects: Some((c(name), from)),
        received: 0,
        write: Box::new(move |_| Ok(written)),
        publish: Box::new(|| ()),
    }
}

/// Returns the head of a session that no page can resume.
pub(super) fn head() -> SnapshotHead {
    SnapshotHead {
        owner: Owner::default(),
        secrets: Secrets { generation: 1, ..Secrets::default() },
        progress: SessionProgress::default(),
        good_for: Duration::from_secs(60),
    }
}
