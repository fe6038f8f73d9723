//! The session store of a node.

use std::time::Duration;

use vivaz_components::instance::BoxFuture;
use vivaz_databases::Tx;
use vivaz_protocol::SessionId;

use super::node::MemoryNode;
use crate::persist::store::{
    Commit, CommitError, Fence, MemoryStore, Owner, ProcessGuard, ReleaseListener, ReleaseRequest,
    ReleasedAs, Secrets, SessionHead, SessionState, SessionStore, Snapshot, StoreError, StoredSession,
    WriteError, WriteRefusal,
};

/// The store of all nodes, as one node reaches it. The transactions of its commits are those of the
/// engine, so they have topic logs.
pub(super) struct MemoryNodeStore(pub(super) MemoryNode);

impl MemoryNodeStore {
    /// Makes a call if the node reaches the engine. It waits while the node is paused.
    fn call<T: Send + 'static, E: From<StoreError> + Send + 'static>(
        &self,
        call: impl FnOnce(&MemoryStore) -> BoxFuture<Result<T, E>> + Send + 'static,
    ) -> BoxFuture<Result<T, E>> {
        let node = self.0.clone();
        Box::pin(async move {
            node.connect().await.map_err(StoreError::failed)?;
            call(&node.cluster.store).await
        })
    }
}

impl SessionStore for MemoryNodeStore {
    fn find(&self, session: &SessionId) -> BoxFuture<Result<Option<SessionHead>, StoreError>> {
        let session = session.clone();
        self.call(move |store| store.find(&session))
    }

    fn claim(
        &self,
        session: &SessionId,
        by: &str,
        seen: &SessionHead,
    ) -> BoxFuture<Result<Option<StoredSession>, StoreError>> {
        let (session, by, seen) = (session.clone(), by.to_owned(), seen.clone());
        self.call(move |store| store.claim(&session, &by, &seen))
    }

    fn save(
        &self,
        by: &str,
        sessions: Vec<Snapshot>,
    ) -> BoxFuture<Result<Vec<(SessionId, WriteRefusal)>, StoreError>> {
        let by = by.to_owned();
        self.call(move |store| store.save(&by, sessions))
    }

    fn save_whole(
        &self,
        by: &str,
        sessions: Vec<SessionState>,
    ) -> BoxFuture<Result<Vec<(SessionId, WriteRefusal)>, StoreError>> {
        let by = by.to_owned();
        self.call(move |store| store.save_whole(&by, sessions))
    }

    fn commit(&self, commit: Commit) -> BoxFuture<Result<(), CommitError>> {
        let node = self.0.clone();
        self.call(move |store| {
            let Commit { write, .. } = commit;
            // The last step of the store's commit that can fail, so both commit or neither.
            let write = Box::new(move |_: &mut Tx| node.run_in_store(write));
            store.commit(Commit { write, ..commit })
        })
    }

    fn renew(
        &self,
        session: &SessionId,
        by: &str,
        fence: Fence,
        secrets: Secrets,
        good_for: Duration,
    ) -> BoxFuture<Result<(), WriteError>> {
        let (session, by) = (session.clone(), by.to_owned());
        self.call(move |store| store.renew(&session, &by, fence, secrets, good_for))
    }

    fn release(
        &self,
        session: &SessionId,
        by: &str,
        fence: Fence,
        state: ReleasedAs,
    ) -> BoxFuture<Result<(), StoreError>> {
        let (session, by) = (session.clone(), by.to_owned());
        self.call(move |store| store.release(&session, &by, fence, state))
    }

    fn delete(&self, by: &str, sessions: Vec<(SessionId, Fence)>) -> BoxFuture<Result<(), StoreError>> {
        let by = by.to_owned();
        self.call(move |store| store.delete(&by, sessions))
    }

    fn forget_user(&self, owner: &Owner) -> BoxFuture<Result<usize, StoreError>> {
        let owner = owner.clone();
        self.call(move |store| store.forget_user(&owner))
    }

    fn renew_lease(&self, by: &str, length: Duration) -> BoxFuture<Result<Vec<SessionId>, StoreError>> {
        let by = by.to_owned();
        self.call(move |store| store.renew_lease(&by, length))
    }

    fn expire(&self, by: &str) -> BoxFuture<Result<usize, StoreError>> {
        let by = by.to_owned();
        self.call(move |store| store.expire(&by))
    }

    fn register(&self, by: &str, listener: ReleaseListener) -> BoxFuture<Result<ProcessGuard, StoreError>> {
        let by = by.to_owned();
        self.call(move |store| store.register(&by, listener))
    }

    fn ask_release(&self, request: ReleaseRequest) -> BoxFuture<Result<(), StoreError>> {
        self.call(move |store| store.ask_release(request))
    }

    fn close(&self, by: &str) -> BoxFuture<Result<(), StoreError>> {
        let by = by.to_owned();
        self.call(move |store| store.close(&by))
    }
}
