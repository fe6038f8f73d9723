//! Implements the session store with SQLite.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use vivaz_components::instance::BoxFuture;
use vivaz_databases::sqlite::rusqlite::{self, Connection, params};
use vivaz_protocol::SessionId;

use vivaz_databases::DatabaseError;

use super::requests::{self, look};
use super::{Sqlite, leases, rows};
use crate::persist::store::{
    Commit, CommitError, Fence, Owner, ProcessGuard, ReleaseListener, ReleaseRequest, ReleasedAs, Secrets,
    SessionHead, SessionState, SessionStore, Snapshot, StoreError, StoredSession, WriteError, WriteRefusal,
    millis,
};

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error.into())
    }
}

impl From<rusqlite::Error> for CommitError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<rusqlite::Error> for WriteError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

impl SessionStore for Sqlite {
    fn find(&self, session: &SessionId) -> BoxFuture<Result<Option<SessionHead>, StoreError>> {
        let (session, processes, now) = (session.clone(), Arc::clone(&self.processes), self.time.now());
        self.run_job(move |db| rows::find(db, &processes, session.as_str(), now))
    }

    fn claim(
        &self,
        session: &SessionId,
        by: &str,
        seen: &SessionHead,
    ) -> BoxFuture<Result<Option<StoredSession>, StoreError>> {
        let (session, by, seen) = (session.clone(), by.to_owned(), seen.clone());
        self.run_job(move |db| rows::claim(db, session.as_str(), &by, &seen))
    }

    fn save(
        &self,
        by: &str,
        sessions: Vec<Snapshot>,
    ) -> BoxFuture<Result<Vec<(SessionId, WriteRefusal)>, StoreError>> {
        let by = by.to_owned();
        self.run_job(move |db| {
            refused(sessions.iter().map(|snapshot| (&snapshot.session, rows::save(db, &by, snapshot))))
        })
    }

    fn save_whole(
        &self,
        by: &str,
        sessions: Vec<SessionState>,
    ) -> BoxFuture<Result<Vec<(SessionId, WriteRefusal)>, StoreError>> {
        let by = by.to_owned();
        self.run_job(move |db| {
            refused(sessions.iter().map(|whole| (&whole.session, rows::save_whole(db, &by, whole))))
        })
    }

    fn commit(&self, commit: Commit) -> BoxFuture<Result<(), CommitError>> {
        self.database.submit(
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
        let (session, by) = (session.clone(), by.to_owned());
        self.run_job(move |db| {
            rows::held(db, session.as_str(), &by, fence)?;
            db.prepare_cached(
                "UPDATE vivaz_sessions SET good_for = ?5, ends = NULL, exact = 0, \
                 secret = iif(?2 >= generation, ?3, secret), previous = iif(?2 >= generation, ?4, previous), \
                 generation = max(?2, generation) WHERE id = ?1",
            )?
            .execute(params![
                session.as_str(),
                secrets.generation.cast_signed(),
                secrets.current,
                secrets.previous,
                millis(good_for).cast_signed(),
            ])?;
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
        let (session, by, now) = (session.clone(), by.to_owned(), self.time.now());
        self.run_job(move |db| {
            db.prepare_cached(
                "UPDATE vivaz_sessions SET fence = ?4, released = 1, ends = ?5 + good_for, exact = exact OR ?6 \
                 WHERE id = ?1 AND holder = ?2 AND fence = ?3",
            )?
            .execute(params![
                session.as_str(),
                by,
                fence.get().cast_signed(),
                fence.next().get().cast_signed(),
                now.cast_signed(),
                state == ReleasedAs::Exact,
            ])?;
            Ok(())
        })
    }

    fn delete(&self, by: &str, sessions: Vec<(SessionId, Fence)>) -> BoxFuture<Result<(), StoreError>> {
        let (by, now) = (by.to_owned(), self.time.now());
        self.run_job(move |db| {
            for (session, fence) in &sessions {
                match rows::held(db, session.as_str(), &by, *fence) {
                    Err(WriteError::Refused(WriteRefusal::Taken)) => {}
                    Err(WriteError::Store(error)) => return Err(error),
                    Ok(()) | Err(WriteError::Refused(_)) => {
                        leases::end(db, session.as_str(), now, Some(&by))?;
                    }
                }
            }
            Ok(())
        })
    }

    fn forget_user(&self, owner: &Owner) -> BoxFuture<Result<usize, StoreError>> {
        let (owner, now) = (owner.clone(), self.time.now());
        self.run_job(move |db| leases::forget_user(db, &owner, now))
    }

    fn renew_lease(&self, by: &str, length: Duration) -> BoxFuture<Result<Vec<SessionId>, StoreError>> {
        let (by, time, now) = (by.to_owned(), self.time.clone(), self.time.now());
        self.run_job(move |db| leases::renew(db, &by, millis(length), &time, now))
    }

    fn expire(&self, by: &str) -> BoxFuture<Result<usize, StoreError>> {
        let (by, processes, now) = (by.to_owned(), Arc::clone(&self.processes), self.time.now());
        self.run_job(move |db| leases::expire(db, &processes, &by, now))
    }

    fn register(&self, by: &str, listener: ReleaseListener) -> BoxFuture<Result<ProcessGuard, StoreError>> {
        let (database, time) = (self.database.downgrade(), self.time.clone());
        let (processes, name) = (Arc::clone(&self.processes), by.to_owned());
        Box::pin(async move {
            let looking = look(database, Arc::downgrade(&processes), name.clone(), time);
            let registered = processes.register(&name, listener, || tokio::spawn(looking))?;
            Ok(ProcessGuard::new(registered))
        })
    }

    fn ask_release(&self, request: ReleaseRequest) -> BoxFuture<Result<(), StoreError>> {
        let processes = Arc::clone(&self.processes);
        self.run_job(move |db| {
            let Some(holder) = rows::holder(db, request.session.as_str(), request.fence)? else {
                return Ok(());
            };
            match processes.listener(&holder) {
                Some(listener) => listener.ask(request),
                None => requests::ask(db, &holder, &request)?,
            }
            Ok(())
        })
    }

    fn close(&self, by: &str) -> BoxFuture<Result<(), StoreError>> {
        let (name, time, now) = (by.to_owned(), self.time.clone(), self.time.now());
        let closed = self.run_job(move |db| leases::close(db, &name, &time, now));
        let (processes, by) = (Arc::clone(&self.processes), by.to_owned());
        Box::pin(async move {
            closed.await?;
            if let Some(looking) = processes.remove(&by) {
                // It was aborted, so its error says nothing.
                let _aborted = looking.await;
            }
            Ok(())
        })
    }
}

impl Sqlite {
    /// Queues a job whose error converts from [`StoreError`].
    fn run_job<T, E>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> BoxFuture<Result<T, E>>
    where
        T: Send + 'static,
        E: From<DatabaseError> + Send + 'static,
    {
        self.database.submit(|tx| work(tx.native()?), |done| done)
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
