//! Implements the session store with PostgreSQL.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use vivaz_components::instance::BoxFuture;
use vivaz_databases::{DatabaseError, Tx};
use vivaz_protocol::SessionId;

use super::{Postgres, leases, rows};
use crate::persist::store::{
    Commit, CommitError, Fence, Owner, ProcessGuard, ReleaseListener, ReleaseRequest, ReleasedAs, Secrets,
    SessionHead, SessionState, SessionStore, Snapshot, StoreError, StoredSession, WriteError, WriteRefusal,
    millis,
};

/// The key of all commits of this process: changes of topics are published in the order in which
/// they were committed. No session has this id.
const COMMITS: &str = " commits";

impl SessionStore for Postgres {
    fn find(&self, session: &SessionId) -> BoxFuture<Result<Option<SessionHead>, StoreError>> {
        let (id, processes, now) = (session.clone(), Arc::clone(&self.processes), self.given_time());
        self.run_for([session], move |tx| rows::find(tx, &processes, id.as_str(), now))
    }

    fn claim(
        &self,
        session: &SessionId,
        by: &str,
        seen: &SessionHead,
    ) -> BoxFuture<Result<Option<StoredSession>, StoreError>> {
        let (id, by, seen) = (session.clone(), by.to_owned(), seen.clone());
        self.run_for([session], move |tx| rows::claim(tx, id.as_str(), &by, &seen))
    }

    fn save(
        &self,
        by: &str,
        mut sessions: Vec<Snapshot>,
    ) -> BoxFuture<Result<Vec<(SessionId, WriteRefusal)>, StoreError>> {
        let by = by.to_owned();
        // Rows are locked in this order.
        sessions.sort_by(|one, other| one.session.as_str().cmp(other.session.as_str()));
        let keys: Vec<_> = sessions.iter().map(|one| one.session.clone()).collect();
        self.run_for(&keys, move |tx| {
            refused(sessions.iter().map(|snapshot| (&snapshot.session, rows::save(tx, &by, snapshot))))
        })
    }

    fn save_whole(
        &self,
        by: &str,
        mut sessions: Vec<SessionState>,
    ) -> BoxFuture<Result<Vec<(SessionId, WriteRefusal)>, StoreError>> {
        let by = by.to_owned();
        sessions.sort_by(|one, other| one.session.as_str().cmp(other.session.as_str()));
        let keys: Vec<_> = sessions.iter().map(|one| one.session.clone()).collect();
        self.run_for(&keys, move |tx| {
            refused(sessions.iter().map(|whole| (&whole.session, rows::save_whole(tx, &by, whole))))
        })
    }

    fn commit(&self, commit: Commit) -> BoxFuture<Result<(), CommitError>> {
        let keys = [commit.session.to_string(), COMMITS.to_owned()];
        self.database.submit_for(
            keys,
            |tx| rows::commit(tx, commit),
            |publish| {
                if catch_unwind(AssertUnwindSafe(publish)).is_err() {
                    tracing::error!("publishing a committed change panicked");
                }
            },
        )
    }

    fn renew(
        &self,
        session: &SessionId,
        by: &str,
        fence: Fence,
        secrets: Secrets,
        good_for: Duration,
    ) -> BoxFuture<Result<(), WriteError>> {
        let (id, by) = (session.clone(), by.to_owned());
        self.run_for([session], move |tx| {
            rows::held(tx, id.as_str(), &by, fence)?;
            tx.execute(
                "UPDATE vivaz_sessions SET good_for = ?5, ends = NULL, exact = false, \
                 secret = CASE WHEN ?2 >= generation THEN ?3 ELSE secret END, \
                 previous = CASE WHEN ?2 >= generation THEN ?4 ELSE previous END, \
                 generation = greatest(?2, generation) WHERE id = ?1",
                (
                    id.as_str(),
                    secrets.generation.cast_signed(),
                    secrets.current.to_vec(),
                    secrets.previous.map(Vec::from),
                    millis(good_for).cast_signed(),
                ),
            )?;
            Ok(())
        })
    }

    fn release(
        &self,
        session: &SessionId,
        by: &str,
        fence: Fence,
        state: ReleasedAs,
    ) -> BoxFuture<Result<(), StoreError>> {
        let (id, by, now) = (session.clone(), by.to_owned(), self.given_time());
        self.run_for([session], move |tx| {
            tx.execute(
                "UPDATE vivaz_sessions SET fence = ?4, released = true, ends = vivaz_now(?5) + good_for, \
                 exact = exact OR ?6 WHERE id = ?1 AND holder = ?2 AND fence = ?3",
                (
                    id.as_str(),
                    by,
                    fence.get().cast_signed(),
                    fence.next().get().cast_signed(),
                    now,
                    state == ReleasedAs::Exact,
                ),
            )?;
            Ok(())
        })
    }

    fn delete(&self, by: &str, mut sessions: Vec<(SessionId, Fence)>) -> BoxFuture<Result<(), StoreError>> {
        let (by, given) = (by.to_owned(), self.given_time());
        sessions.sort_by(|one, other| one.0.as_str().cmp(other.0.as_str()));
        let keys: Vec<_> = sessions.iter().map(|(session, _)| session.clone()).collect();
        self.run_for(&keys, move |tx| {
            let now = leases::time(tx, given)?;
            for (session, fence) in &sessions {
                match rows::held(tx, session.as_str(), &by, *fence) {
                    Err(WriteError::Refused(WriteRefusal::Taken)) => {}
                    Err(WriteError::Store(error)) => return Err(error),
                    Ok(()) | Err(WriteError::Refused(_)) => {
                        leases::end(tx, session.as_str(), now, Some(&by))?;
                    }
                }
            }
            Ok(())
        })
    }

    fn forget_user(&self, owner: &Owner) -> BoxFuture<Result<usize, StoreError>> {
        let (owner, now) = (owner.clone(), self.given_time());
        self.run_for([], move |tx| leases::forget_user(tx, &owner, now))
    }

    fn renew_lease(&self, by: &str, length: Duration) -> BoxFuture<Result<Vec<SessionId>, StoreError>> {
        let (by, now) = (by.to_owned(), self.given_time());
        self.run_for([], move |tx| leases::renew(tx, &by, millis(length), now))
    }

    fn expire(&self, by: &str) -> BoxFuture<Result<usize, StoreError>> {
        let (by, now) = (by.to_owned(), self.given_time());
        self.run_for([], move |tx| leases::expire(tx, &by, now))
    }

    fn register(&self, by: &str, listener: ReleaseListener) -> BoxFuture<Result<ProcessGuard, StoreError>> {
        let (database, processes, name) = (self.database.clone(), Arc::clone(&self.processes), by.to_owned());
        Box::pin(async move { Ok(ProcessGuard::new(processes.register(&database, name, listener).await?)) })
    }

    fn ask_release(&self, request: ReleaseRequest) -> BoxFuture<Result<(), StoreError>> {
        let processes = Arc::clone(&self.processes);
        let session = request.session.clone();
        self.run_for([&session], move |tx| match rows::holder(tx, request.session.as_str(), request.fence)? {
            Some(holder) => processes.ask(tx, &holder, request),
            None => Ok(()),
        })
    }

    fn close(&self, by: &str) -> BoxFuture<Result<(), StoreError>> {
        let (name, now) = (by.to_owned(), self.given_time());
        let closed = self.run_for([], move |tx| leases::close(tx, &name, now));
        let (processes, by) = (Arc::clone(&self.processes), by.to_owned());
        Box::pin(async move {
            closed.await?;
            processes.remove(&by);
            Ok(())
        })
    }
}

impl Postgres {
    /// Queues work for sessions, behind earlier calls for any of them. Its error converts from
    /// errors of the database.
    fn run_for<'a, T, E>(
        &self,
        sessions: impl IntoIterator<Item = &'a SessionId>,
        work: impl FnOnce(&mut Tx) -> Result<T, E> + Send + 'static,
    ) -> BoxFuture<Result<T, E>>
    where
        T: Send + 'static,
        E: From<DatabaseError> + Send + 'static,
    {
        let keys: Vec<String> = sessions.into_iter().map(ToString::to_string).collect();
        self.database.submit_for(keys, work, |done| done)
    }
}

/// Collects the refused sessions.
///
/// # Errors
/// Returns the first error of the database.
fn refused<'a>(
    written: impl Iterator<Item = (&'a SessionId, Result<(), WriteError>)>,
) -> Result<Vec<(SessionId, WriteRefusal)>, StoreError> {
    let mut refused = Vec::new();
    for (session, written) in written {
        match written {
            Ok(()) => {}
            Err(WriteError::Refused(refusal)) => refused.push((session.clone(), refusal)),
            Err(WriteError::Store(error)) => return Err(error),
        }
    }
    Ok(refused)
}
