//! The runtime's access to a store: every call has a time limit, and a panic is an error.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use vivaz_components::instance::BoxFuture;
use vivaz_protocol::SessionId;

use super::{
    Commit, CommitError, Fence, Owner, ProcessGuard, ReleaseListener, ReleaseRequest, ReleasedAs, Secrets,
    SessionHead, SessionState, SessionStore, Snapshot, StoreError, StoredSession, WriteError, WriteRefusal,
};
use crate::telemetry::counters::Counters;
use crate::telemetry::measured::StoreTimer;
use crate::telemetry::words::{StoreOperation, StoreOutcome};

/// Wraps a store and limits the time of its calls.
///
/// A call that exceeds the limit returns [`StoreError::TimedOut`] and may still take effect.
pub(crate) struct GuardedStore {
    store: Arc<dyn SessionStore>,
    limit: Duration,
    counters: Arc<Counters>,
}

impl GuardedStore {
    pub(crate) fn new(store: Arc<dyn SessionStore>, limit: Duration, counters: Arc<Counters>) -> Self {
        Self { store, limit, counters }
    }

    fn call<T: 'static, E: From<StoreError> + CallError + 'static>(
        &self,
        operation: StoreOperation,
        call: impl FnOnce() -> BoxFuture<Result<T, E>>,
    ) -> BoxFuture<Result<T, E>> {
        let timer = StoreTimer::start(&self.counters, operation);
        let wait = wait(self.limit, start(call));
        Box::pin(async move {
            let result = wait.await.unwrap_or_else(|error| Err(error.into()));
            timer.stop(result.as_ref().map_or_else(CallError::outcome, |_| StoreOutcome::Done));
            result
        })
    }
}

/// An error of a call, as metrics show it.
trait CallError {
    fn outcome(&self) -> StoreOutcome;
}

impl CallError for StoreError {
    fn outcome(&self) -> StoreOutcome {
        match self {
            Self::TimedOut => StoreOutcome::TimedOut,
            Self::Closed
            | Self::Unreadable(_)
            | Self::TooNew { .. }
            | Self::Overloaded
            | Self::Database(_)
            | Self::Failed(_) => StoreOutcome::Failed,
        }
    }
}

impl CallError for WriteError {
    fn outcome(&self) -> StoreOutcome {
        match self {
            Self::Refused(_) => StoreOutcome::Refused,
            Self::Store(error) => error.outcome(),
        }
    }
}

impl CallError for CommitError {
    fn outcome(&self) -> StoreOutcome {
        match self {
            Self::Work(_) => StoreOutcome::Aborted,
            Self::Absent(_) | Self::Refused(_) | Self::Conflict => StoreOutcome::Refused,
            Self::Store(error) | Self::Unknown(error) => error.outcome(),
        }
    }
}

/// Starts a call. The store may do its work before it returns the future, so a panic is caught here
/// too.
fn start<T>(call: impl FnOnce() -> BoxFuture<T>) -> Result<BoxFuture<T>, StoreError> {
    std::panic::catch_unwind(AssertUnwindSafe(call)).map_err(|_panic| panicked())
}

/// Waits for a call.
///
/// # Errors
/// Returns an error if the call panics or exceeds the limit; whether it took effect is unknown
/// then.
async fn wait<T>(limit: Duration, call: Result<BoxFuture<T>, StoreError>) -> Result<T, StoreError> {
    match tokio::time::timeout(limit, AssertUnwindSafe(call?).catch_unwind()).await {
        Ok(Ok(wait)) => Ok(wait),
        Ok(Err(_panic)) => Err(panicked()),
        Err(_elapsed) => Err(StoreError::TimedOut),
    }
}

fn panicked() -> StoreError {
    StoreError::failed("the store panicked")
}

impl SessionStore for GuardedStore {
    fn find(&self, session: &SessionId) -> BoxFuture<Result<Option<SessionHead>, StoreError>> {
        self.call(StoreOperation::Find, || self.store.find(session))
    }

    fn claim(
        &self,
        session: &SessionId,
        by: &str,
        seen: &SessionHead,
    ) -> BoxFuture<Result<Option<StoredSession>, StoreError>> {
        self.call(StoreOperation::Claim, || self.store.claim(session, by, seen))
    }

    fn save(
        &self,
        by: &str,
        sessions: Vec<Snapshot>,
    ) -> BoxFuture<Result<Vec<(SessionId, WriteRefusal)>, StoreError>> {
        self.call(StoreOperation::Save, || self.store.save(by, sessions))
    }

    fn save_whole(
        &self,
        by: &str,
        sessions: Vec<SessionState>,
    ) -> BoxFuture<Result<Vec<(SessionId, WriteRefusal)>, StoreError>> {
        self.call(StoreOperation::SaveWhole, || self.store.save_whole(by, sessions))
    }

    fn commit(&self, commit: Commit) -> BoxFuture<Result<(), CommitError>> {
        let timer = StoreTimer::start(&self.counters, StoreOperation::Commit);
        let wait = wait(self.limit, start(|| self.store.commit(commit)));
        Box::pin(async move {
            let result = wait.await.unwrap_or_else(|error| Err(CommitError::Unknown(error)));
            timer.stop(result.as_ref().map_or_else(CallError::outcome, |()| StoreOutcome::Done));
            result
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
        self.call(StoreOperation::Renew, || self.store.renew(session, by, fence, secrets, good_for))
    }

    fn release(
        &self,
        session: &SessionId,
        by: &str,
        fence: Fence,
        state: ReleasedAs,
    ) -> BoxFuture<Result<(), StoreError>> {
        self.call(StoreOperation::Release, || self.store.release(session, by, fence, state))
    }

    fn delete(&self, by: &str, sessions: Vec<(SessionId, Fence)>) -> BoxFuture<Result<(), StoreError>> {
        self.call(StoreOperation::Delete, || self.store.delete(by, sessions))
    }

    fn forget_user(&self, owner: &Owner) -> BoxFuture<Result<usize, StoreError>> {
        self.call(StoreOperation::ForgetUser, || self.store.forget_user(owner))
    }

    fn renew_lease(&self, by: &str, length: Duration) -> BoxFuture<Result<Vec<SessionId>, StoreError>> {
        self.call(StoreOperation::RenewLease, || self.store.renew_lease(by, length))
    }

    fn expire(&self, by: &str) -> BoxFuture<Result<usize, StoreError>> {
        self.call(StoreOperation::Expire, || self.store.expire(by))
    }

    fn register(&self, by: &str, listener: ReleaseListener) -> BoxFuture<Result<ProcessGuard, StoreError>> {
        self.call(StoreOperation::Register, || self.store.register(by, listener))
    }

    fn ask_release(&self, request: ReleaseRequest) -> BoxFuture<Result<(), StoreError>> {
        self.call(StoreOperation::AskRelease, || self.store.ask_release(request))
    }

    fn close(&self, by: &str) -> BoxFuture<Result<(), StoreError>> {
        self.call(StoreOperation::Close, || self.store.close(by))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(3);

    fn after(seconds: u64) -> BoxFuture<u8> {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            7
        })
    }

    #[tokio::test(start_paused = true)]
    async fn calls_are_limited_in_time_and_panics_are_errors() {
        assert_eq!(wait(LIMIT, start(|| after(2))).await.unwrap(), 7);
        assert!(matches!(wait(LIMIT, start(|| after(4))).await, Err(StoreError::TimedOut)));
        let later = start::<()>(|| Box::pin(async { panic!("the secret is 4711") }));
        let at_once = start::<()>(|| panic!("the secret is 4711"));
        for call in [later, at_once] {
            let error = wait(LIMIT, call).await.unwrap_err();
            assert_eq!(error.to_string(), "the store failed: the store panicked");
        }
    }
}
