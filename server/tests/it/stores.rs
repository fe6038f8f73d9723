//! Stores that fail on demand, and clocks that the test sets.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Notify;
use vivaz::instance::BoxFuture;
use vivaz::store::{
    Commit, CommitError, Fence, Owner, ProcessGuard, ReleaseListener, ReleaseRequest, ReleasedAs, Secrets,
    SessionHead, SessionProgress, SessionState, Snapshot, SnapshotHead, StoredChange, StoredComponent,
    StoredSession, WriteError, WriteRefusal,
};
use vivaz::{SessionId, SessionStore, StoreError};

/// The effect of a method call in place of its normal one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Fails without an effect.
    Fails,
    /// Takes effect and fails.
    FailsLate,
    /// Takes effect, and returns when the store has recovered.
    AnswersLate,
    /// Never returns, without an effect.
    Hangs,
    /// For a commit: takes effect and never returns, as in a process that is killed then.
    Ends,
}

/// A store with faults. Clones share them.
#[derive(Clone)]
pub(crate) struct Faulty<S> {
    inner: S,
    faults: Arc<Mutex<HashMap<&'static str, Fault>>>,
    /// How often each method was called.
    calls: Arc<Mutex<HashMap<&'static str, usize>>>,
    ended: Arc<Notify>,
    healed: Arc<Notify>,
}

impl<S: SessionStore + Clone> Faulty<S> {
    pub(crate) fn new(inner: S) -> Self {
        let (faults, calls) = (Arc::default(), Arc::default());
        Self { inner, faults, calls, ended: Arc::default(), healed: Arc::default() }
    }

    /// A store in which its process cannot be registered: to other processes, it seems to have been
    /// killed.
    pub(crate) fn unregistered(inner: S) -> Self {
        let store = Self::new(inner);
        store.set("register", Fault::Fails);
        store
    }

    pub(crate) fn set(&self, method: &'static str, fault: Fault) {
        self.faults.lock().unwrap().insert(method, fault);
    }

    pub(crate) fn recover(&self) {
        self.faults.lock().unwrap().clear();
        self.healed.notify_waiters();
    }

    /// Removes a fault. Calls that wait because of it continue to wait until the store is healed.
    pub(crate) fn unset(&self, method: &'static str) {
        self.faults.lock().unwrap().remove(method);
    }

    pub(crate) fn calls(&self, method: &'static str) -> usize {
        self.calls.lock().unwrap().get(method).copied().unwrap_or_default()
    }

    /// Waits for a [`Fault::Ends`].
    pub(crate) async fn ended(&self) {
        self.ended.notified().await;
    }

    fn run<T: Send + 'static, E: From<StoreError> + Send + 'static>(
        &self,
        method: &'static str,
        call: impl FnOnce(&S) -> BoxFuture<Result<T, E>>,
    ) -> BoxFuture<Result<T, E>> {
        *self.calls.lock().unwrap().entry(method).or_default() += 1;
        let error = || E::from(StoreError::failed("database is locked"));
        match self.faults.lock().unwrap().get(method) {
            None => call(&self.inner),
            Some(Fault::Fails) => Box::pin(std::future::ready(Err(error()))),
            Some(Fault::FailsLate) => {
                let call = call(&self.inner);
                Box::pin(async move {
                    call.await?;
                    Err(error())
                })
            }
            Some(Fault::AnswersLate) => {
                let (call, healed) = (call(&self.inner), Arc::clone(&self.healed));
                Box::pin(async move {
                    let answer = call.await;
                    healed.notified().await;
                    answer
                })
            }
            Some(Fault::Hangs) => Box::pin(std::future::pending()),
            Some(Fault::Ends) => {
                let (call, ended) = (call(&self.inner), Arc::clone(&self.ended));
                Box::pin(async move {
                    call.await?;
                    ended.notify_one();
                    std::future::pending().await
                })
            }
        }
    }
}

impl<S: SessionStore + Clone> SessionStore for Faulty<S> {
    fn find(&self, session: &SessionId) -> BoxFuture<Result<Option<SessionHead>, StoreError>> {
        self.run("find", |store| store.find(session))
    }

    fn claim(
        &self,
        session: &SessionId,
        by: &str,
        seen: &SessionHead,
    ) -> BoxFuture<Result<Option<StoredSession>, StoreError>> {
        self.run("claim", |store| store.claim(session, by, seen))
    }

    fn save(
        &self,
        by: &str,
        sessions: Vec<Snapshot>,
    ) -> BoxFuture<Result<Vec<(SessionId, WriteRefusal)>, StoreError>> {
        self.run("save", |store| store.save(by, sessions))
    }

    fn save_whole(
        &self,
        by: &str,
        sessions: Vec<SessionState>,
    ) -> BoxFuture<Result<Vec<(SessionId, WriteRefusal)>, StoreError>> {
        self.run("save_whole", |store| store.save_whole(by, sessions))
    }

    fn commit(&self, mut commit: Commit) -> BoxFuture<Result<(), CommitError>> {
        if self.faults.lock().unwrap().get("commit") == Some(&Fault::Ends) {
            commit.publish = Box::new(|| ());
        }
        self.run("commit", |store| store.commit(commit))
    }

    fn renew(
        &self,
        session: &SessionId,
        by: &str,
        fence: Fence,
        secrets: Secrets,
        good_for: Duration,
    ) -> BoxFuture<Result<(), WriteError>> {
        self.run("renew", |store| store.renew(session, by, fence, secrets, good_for))
    }

    fn release(
        &self,
        session: &SessionId,
        by: &str,
        fence: Fence,
        state: ReleasedAs,
    ) -> BoxFuture<Result<(), StoreError>> {
        self.run("release", |store| store.release(session, by, fence, state))
    }

    fn delete(&self, by: &str, sessions: Vec<(SessionId, Fence)>) -> BoxFuture<Result<(), StoreError>> {
        self.run("delete", |store| store.delete(by, sessions))
    }

    fn forget_user(&self, owner: &Owner) -> BoxFuture<Result<usize, StoreError>> {
        self.run("forget_user", |store| store.forget_user(owner))
    }

    fn renew_lease(&self, by: &str, length: Duration) -> BoxFuture<Result<Vec<SessionId>, StoreError>> {
        self.run("renew_lease", |store| store.renew_lease(by, length))
    }

    fn expire(&self, by: &str) -> BoxFuture<Result<usize, StoreError>> {
        self.run("expire", |store| store.expire(by))
    }

    fn register(&self, by: &str, listener: ReleaseListener) -> BoxFuture<Result<ProcessGuard, StoreError>> {
        self.run("register", |store| store.register(by, listener))
    }

    fn ask_release(&self, request: ReleaseRequest) -> BoxFuture<Result<(), StoreError>> {
        self.run("ask_release", |store| store.ask_release(request))
    }

    fn close(&self, by: &str) -> BoxFuture<Result<(), StoreError>> {
        self.run("close", |store| store.close(by))
    }
}

/// Implements methods of [`SessionStore`] by a call of the same method of `self.inner`.
macro_rules! forward {
    ($($method:ident)+) => { $($crate::stores::forward!(@$method);)+ };
    (@find) => {
        fn find(&self, session: &SessionId) -> BoxFuture<Result<Option<SessionHead>, StoreError>> {
            self.inner.find(session)
        }
    };
    (@claim) => {
        fn claim(
            &self,
            session: &SessionId,
            by: &str,
            seen: &SessionHead,
        ) -> BoxFuture<Result<Option<StoredSession>, StoreError>> {
            self.inner.claim(session, by, seen)
        }
    };
    (@save) => {
        fn save(
            &self,
            by: &str,
            sessions: Vec<Snapshot>,
        ) -> BoxFuture<Result<Vec<(SessionId, WriteRefusal)>, StoreError>> {
            self.inner.save(by, sessions)
        }
    };
    (@save_whole) => {
        fn save_whole(
            &self,
            by: &str,
            sessions: Vec<SessionState>,
        ) -> BoxFuture<Result<Vec<(SessionId, WriteRefusal)>, StoreError>> {
            self.inner.save_whole(by, sessions)
        }
    };
    (@commit) => {
        fn commit(&self, commit: Commit) -> BoxFuture<Result<(), CommitError>> {
            self.inner.commit(commit)
        }
    };
    (@renew) => {
        fn renew(
            &self,
            session: &SessionId,
            by: &str,
            fence: vivaz::store::Fence,
            secrets: Secrets,
            good_for: Duration,
        ) -> BoxFuture<Result<(), WriteError>> {
            self.inner.renew(session, by, fence, secrets, good_for)
        }
    };
    (@release) => {
        fn release(
            &self,
            session: &SessionId,
            by: &str,
            fence: vivaz::store::Fence,
            state: vivaz::store::ReleasedAs,
        ) -> BoxFuture<Result<(), StoreError>> {
            self.inner.release(session, by, fence, state)
        }
    };
    (@register) => {
        fn register(
            &self,
            by: &str,
            listener: vivaz::store::ReleaseListener,
        ) -> BoxFuture<Result<vivaz::store::ProcessGuard, StoreError>> {
            self.inner.register(by, listener)
        }
    };
    (@ask_release) => {
        fn ask_release(
            &self,
            request: vivaz::store::ReleaseRequest,
        ) -> BoxFuture<Result<(), StoreError>> {
            self.inner.ask_release(request)
        }
    };
    (@delete) => {
        fn delete(&self, by: &str, sessions: Vec<(SessionId, vivaz::store::Fence)>) -> BoxFuture<Result<(), StoreError>> {
            self.inner.delete(by, sessions)
        }
    };
    (@forget_user) => {
        fn forget_user(&self, owner: &Owner) -> BoxFuture<Result<usize, StoreError>> {
            self.inner.forget_user(owner)
        }
    };
    (@renew_lease) => {
        fn renew_lease(&self, by: &str, length: Duration) -> BoxFuture<Result<Vec<SessionId>, StoreError>> {
            self.inner.renew_lease(by, length)
        }
    };
    (@expire) => {
        fn expire(&self, by: &str) -> BoxFuture<Result<usize, StoreError>> {
            self.inner.expire(by)
        }
    };
    (@close) => {
        fn close(&self, by: &str) -> BoxFuture<Result<(), StoreError>> {
            self.inner.close(by)
        }
    };
}
pub(crate) use forward;

/// A store that another program has filled: states are converted in both directions.
#[derive(Clone)]
pub(crate) struct Translated<S> {
    inner: S,
    /// The conversion is its own inverse.
    translate: fn(&mut StoredComponent),
}

impl<S> Translated<S> {
    pub(crate) fn new(inner: S, translate: fn(&mut StoredComponent)) -> Self {
        Self { inner, translate }
    }
}

impl<S: SessionStore + Clone> SessionStore for Translated<S> {
    forward!(find save renew release delete forget_user renew_lease expire register ask_release close);

    fn claim(
        &self,
        session: &SessionId,
        by: &str,
        seen: &SessionHead,
    ) -> BoxFuture<Result<Option<StoredSession>, StoreError>> {
        let (claim, translate) = (self.inner.claim(session, by, seen), self.translate);
        Box::pin(async move {
            let mut claimed = claim.await?;
            if let Some(stored) = &mut claimed {
                stored.components.iter_mut().chain(&mut stored.aside).for_each(translate);
            }
            Ok(claimed)
        })
    }

    fn save_whole(
        &self,
        by: &str,
        mut sessions: Vec<SessionState>,
    ) -> BoxFuture<Result<Vec<(SessionId, WriteRefusal)>, StoreError>> {
        for whole in &mut sessions {
            whole.components.iter_mut().chain(&mut whole.aside).for_each(self.translate);
        }
        self.inner.save_whole(by, sessions)
    }

    fn commit(&self, commit: Commit) -> BoxFuture<Result<(), CommitError>> {
        let (write, translate) = (commit.write, self.translate);
        let write: vivaz::store::CommitBody = Box::new(move |db| {
            let mut written = write(db)?;
            if let StoredChange::Mounted { component } = &mut written.change {
                translate(component);
            }
            Ok(written)
        });
        self.inner.commit(Commit { write, ..commit })
    }
}

/// The head of a session that cannot be resumed.
pub(crate) fn head() -> SnapshotHead {
    SnapshotHead {
        owner: Owner::default(),
        secrets: Secrets { generation: 1, ..Secrets::default() },
        progress: SessionProgress::default(),
        good_for: Duration::from_secs(60),
    }
}
