//! A session store with injected faults.

use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use vivaz_components::instance::BoxFuture;
use vivaz_protocol::SessionId;

use super::{FaultKind, Faults};
use crate::persist::store::{
    Commit, CommitError, Fence, Owner, ProcessGuard, ReleaseListener, ReleaseRequest, ReleasedAs, Secrets,
    SessionHead, SessionState, SessionStore, Snapshot, StoreError, StoredSession, WriteError, WriteRefusal,
};

/// A session store whose calls have faults. Clones share the store.
///
/// Like a database in another process, it completes a call whose future was dropped, and its calls
/// take effect in the order in which they were made.
#[derive(Debug)]
pub struct FaultyStore<S>(Arc<FaultyStoreInner<S>>);

#[derive(Debug)]
struct FaultyStoreInner<S> {
    store: S,
    faults: Faults,
    /// Completes when the last call has completed.
    last: Mutex<Option<oneshot::Receiver<()>>>,
}

impl<S> Clone for FaultyStore<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: SessionStore> FaultyStore<S> {
    pub(super) fn new(store: S, faults: Faults) -> Self {
        Self(Arc::new(FaultyStoreInner { store, faults, last: Mutex::default() }))
    }

    fn call<T: Send + 'static, E: From<StoreError> + Send + 'static>(
        &self,
        name: &'static str,
        call: impl FnOnce(&S) -> BoxFuture<Result<T, E>> + Send + 'static,
    ) -> BoxFuture<Result<T, E>> {
        self.call_with_unknown(name, E::from, call)
    }

    /// Makes a call. `unknown` converts the error if it is unknown whether the call took effect.
    fn call_with_unknown<T: Send + 'static, E: From<StoreError> + Send + 'static>(
        &self,
        name: &'static str,
        unknown: fn(StoreError) -> E,
        call: impl FnOnce(&S) -> BoxFuture<Result<T, E>> + Send + 'static,
    ) -> BoxFuture<Result<T, E>> {
        let inner = Arc::clone(&self.0);
        let (kind, fault) = inner.faults.next(name);
        match kind {
            FaultKind::Fails => return Box::pin(async move { Err(StoreError::failed(fault).into()) }),
            FaultKind::Hangs => return Box::pin(pending()),
            FaultKind::Panics => return Box::pin(async move { panic!("{fault}") }),
            FaultKind::None | FaultKind::FailsAfterEffect | FaultKind::Delayed(_) => {}
        }
        let (completed, next) = oneshot::channel();
        let before = inner.last.lock().unwrap_or_else(PoisonError::into_inner).replace(next);
        let (sender, received) = oneshot::channel();
        tokio::spawn(async move {
            if let Some(before) = before {
                // An error means that the previous call panicked, so it has ended too.
                let _ended = before.await;
            }
            if let FaultKind::Delayed(by) = kind {
                tokio::time::sleep(by.max(Duration::from_millis(1))).await;
            }
            let result = call(&inner.store).await;
            let result = if kind == FaultKind::FailsAfterEffect {
                result.and_then(|_done| Err(unknown(StoreError::failed(fault))))
            } else {
                result
            };
            // The caller may have dropped the future.
            let _unsent = sender.send(result);
            drop(completed);
        });
        Box::pin(async move {
            match received.await {
                Ok(result) => result,
                Err(_panicked) => Err(unknown(StoreError::failed("the store panicked"))),
            }
        })
    }
}

impl<S: SessionStore> SessionStore for FaultyStore<S> {
    fn find(&self, session: &SessionId) -> BoxFuture<Result<Option<SessionHead>, StoreError>> {
        let session = session.clone();
        self.call("find", move |store| store.find(&session))
    }

    fn claim(
        &self,
        session: &SessionId,
        by: &str,
        seen: &SessionHead,
    ) -> BoxFuture<Result<Option<StoredSession>, StoreError>> {
        let (session, by, seen) = (session.clone(), by.to_owned(), seen.clone());
        self.call("claim", move |store| store.claim(&session, &by, &seen))
    }

    fn save(
        &self,
        by: &str,
        sessions: Vec<Snapshot>,
    ) -> BoxFuture<Result<Vec<(SessionId, WriteRefusal)>, StoreError>> {
        let by = by.to_owned();
        self.call("save", move |store| store.save(&by, sessions))
    }

    fn save_whole(
        &self,
        by: &str,
        sessions: Vec<SessionState>,
    ) -> BoxFuture<Result<Vec<(SessionId, WriteRefusal)>, StoreError>> {
        let by = by.to_owned();
        self.call("save_whole", move |store| store.save_whole(&by, sessions))
    }

    fn commit(&self, commit: Commit) -> BoxFuture<Result<(), CommitError>> {
        self.call_with_unknown("commit", CommitError::Unknown, move |store| store.commit(commit))
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
        self.call("renew", move |store| store.renew(&session, &by, fence, secrets, good_for))
    }

    fn release(
        &self,
        session: &SessionId,
        by: &str,
        fence: Fence,
        state: ReleasedAs,
    ) -> BoxFuture<Result<(), StoreError>> {
        let (session, by) = (session.clone(), by.to_owned());
        self.call("release", move |store| store.release(&session, &by, fence, state))
    }

    fn delete(&self, by: &str, sessions: Vec<(SessionId, Fence)>) -> BoxFuture<Result<(), StoreError>> {
        let by = by.to_owned();
        self.call("delete", move |store| store.delete(&by, sessions))
    }

    fn forget_user(&self, owner: &Owner) -> BoxFuture<Result<usize, StoreError>> {
        let owner = owner.clone();
        self.call("forget_user", move |store| store.forget_user(&owner))
    }

    fn renew_lease(&self, by: &str, length: Duration) -> BoxFuture<Result<Vec<SessionId>, StoreError>> {
        let by = by.to_owned();
        self.call("renew_lease", move |store| store.renew_lease(&by, length))
    }

    fn expire(&self, by: &str) -> BoxFuture<Result<usize, StoreError>> {
        let by = by.to_owned();
        self.call("expire", move |store| store.expire(&by))
    }

    fn register(&self, by: &str, listener: ReleaseListener) -> BoxFuture<Result<ProcessGuard, StoreError>> {
        let by = by.to_owned();
        self.call("register", move |store| store.register(&by, listener))
    }

    fn ask_release(&self, request: ReleaseRequest) -> BoxFuture<Result<(), StoreError>> {
        self.call("ask_release", move |store| store.ask_release(request))
    }

    fn close(&self, by: &str) -> BoxFuture<Result<(), StoreError>> {
        let by = by.to_owned();
        self.call("close", move |store| store.close(&by))
    }
}
