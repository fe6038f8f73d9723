//! A store in memory: for tests, and for several runtimes in one process.

mod tables;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use vivaz_components::instance::BoxFuture;
use vivaz_databases::Tx;
use vivaz_protocol::SessionId;

use self::tables::{Lease, MemoryProcess, MemorySession, MemoryTables};
use super::clock::{StoreTime, millis};
use super::{
    Clock, Commit, CommitError, CommitRecord, Fence, Owner, ProcessGuard, ReleaseListener, ReleaseRequest,
    ReleasedAs, Secrets, SessionHead, SessionState, SessionStore, Snapshot, StoreError, StoredChange,
    StoredReply, StoredSession, SystemClock, WriteError, WriteRefusal,
};

/// Stores sessions in memory. Clones share their content. A runtime with a clone takes over from
/// the runtime that had the store before, as a new process takes over from an old one with a store
/// on disk.
///
/// The store has no database: `cx.commit` and transactions fail.
#[derive(Clone, Debug)]
pub struct MemoryStore {
    time: StoreTime,
    tables: Arc<Mutex<MemoryTables>>,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::with_clock(Arc::new(SystemClock::new()))
    }
}

impl MemoryStore {
    /// Creates an empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates an empty store that measures time with this clock.
    #[must_use]
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self { time: StoreTime::new(clock, None), tables: Arc::default() }
    }

    /// Returns the number of stored sessions.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().sessions.len()
    }

    /// Checks whether the store has no sessions.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lock().sessions.is_empty()
    }

    /// Removes a session without leaving a tombstone, as a damaged or restored database does, for
    /// tests. Returns whether the store had the session.
    pub fn lose(&self, session: &SessionId) -> bool {
        self.lock().sessions.remove(session).is_some()
    }

    fn lock(&self) -> MutexGuard<'_, MemoryTables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn ready<T: Send + 'static>(value: T) -> BoxFuture<T> {
    Box::pin(std::future::ready(value))
}

impl SessionStore for MemoryStore {
    fn find(&self, session: &SessionId) -> BoxFuture<Result<Option<SessionHead>, StoreError>> {
        let now = self.time.now();
        let tables = self.lock();
        let head = tables.sessions.get(session).map(|row| SessionHead {
            owner: row.owner.clone(),
            secrets: row.secrets.clone(),
            holder: row.holder.clone(),
            fence: row.fence,
            status: tables.status(row, now),
        });
        ready(Ok(head))
    }

    fn claim(
        &self,
        session: &SessionId,
        by: &str,
        seen: &SessionHead,
    ) -> BoxFuture<Result<Option<StoredSession>, StoreError>> {
        let mut tables = self.lock();
        let is_as_seen = |row: &&mut MemorySession| {
            row.fence == seen.fence && row.secrets.generation == seen.secrets.generation
        };
        let claimed = tables.sessions.get_mut(session).filter(is_as_seen).map(|row| {
            row.hold(by, row.fence.next());
            StoredSession {
                owner: row.owner.clone(),
                secrets: row.secrets.clone(),
                progress: row.progress.clone(),
                components: row.components.values().cloned().collect(),
                aside: row.aside.clone(),
                replies: row
                    .replies
                    .iter()
                    .map(|(reference, body)| StoredReply { reference: *reference, body: body.clone() })
                    .collect(),
                exact: row.exact,
                fence: row.fence,
            }
        });
        ready(Ok(claimed))
    }

    fn save(
        &self,
        by: &str,
        snapshots: Vec<Snapshot>,
    ) -> BoxFuture<Result<Vec<(SessionId, WriteRefusal)>, StoreError>> {
        let mut tables = self.lock();
        let refused = snapshots.into_iter().filter_map(|snapshot| {
            let session = snapshot.session.clone();
            tables.save(by, snapshot).err().map(|refusal| (session, refusal))
        });
        ready(Ok(refused.collect()))
    }

    fn save_whole(
        &self,
        by: &str,
        sessions: Vec<SessionState>,
    ) -> BoxFuture<Result<Vec<(SessionId, WriteRefusal)>, StoreError>> {
        let mut tables = self.lock();
        let refused = sessions.into_iter().filter_map(|whole| {
            let session = whole.session.clone();
            tables.save_whole(by, whole).err().map(|refusal| (session, refusal))
        });
        ready(Ok(refused.collect()))
    }

    fn commit(&self, commit: Commit) -> BoxFuture<Result<(), CommitError>> {
        let mut tables = self.lock();
        let held = tables.held(&commit.session, &commit.by, commit.fence);
        let stored = match (&commit.expects, &held) {
            (Some((id, _)), Ok(row)) => row.components.get(id.as_str()).map(|one| one.version),
            (_, Ok(_) | Err(_)) => None,
        };
        let expected = commit.expects.as_ref().map(|(_, version)| *version);
        match held {
            Err(refusal @ (WriteRefusal::Taken | WriteRefusal::Ended)) => {
                return ready(Err(CommitError::Refused(refusal)));
            }
            Err(WriteRefusal::Absent) if commit.creates.is_none() => {
                return ready(Err(CommitError::Absent(Box::new(commit))));
            }
            Ok(_) | Err(WriteRefusal::Absent) if stored > expected => {
                return ready(Err(CommitError::Conflict));
            }
            // A session that the commit creates has no component yet.
            Ok(_) | Err(WriteRefusal::Absent) if stored < expected => {
                return ready(Err(CommitError::Absent(Box::new(commit))));
            }
            Ok(_) | Err(WriteRefusal::Absent) => {}
        }
        let Commit { session, by, fence, creates, expects: _, received, write, publish } = commit;
        let CommitRecord { change, reply } = match write(&mut Tx::without_database()) {
            Ok(written) => written,
            Err(error) => return ready(Err(CommitError::Work(error))),
        };
        let is_new = !tables.sessions.contains_key(&session);
        let row = tables.insert(session, &by, fence);
        if let Some(head) = creates.filter(|_| is_new) {
            row.take_head(*head);
        }
        match change {
            StoredChange::Mounted { component } => {
                row.components.insert(component.id.clone(), *component);
            }
            StoredChange::Changed { state, settled } => {
                if let Some(component) = row.components.get_mut(state.id.as_str()) {
                    component.set(state);
                    component.version += 1;
                    component.settled = component.settled.max(settled);
                }
            }
            StoredChange::Removed { id } => {
                if let Some(removed) = row.components.remove(id.as_str()) {
                    row.aside.retain(|one| one.id != removed.id || one.name != removed.name);
                }
            }
        }
        row.replies.retain(|reference, _| *reference > received);
        if let Some(StoredReply { reference, body }) = reply {
            row.replies.insert(reference, body);
        }
        publish();
        ready(Ok(()))
    }

    fn renew(
        &self,
        session: &SessionId,
        by: &str,
        fence: Fence,
        secrets: Secrets,
        good_for: Duration,
    ) -> BoxFuture<Result<(), WriteError>> {
        let mut tables = self.lock();
        let renewed = tables.held(session, by, fence).map(|row| {
            row.good_for = millis(good_for);
            row.ends = None;
            row.exact = false;
            if secrets.generation >= row.secrets.generation {
                row.secrets = secrets;
            }
        });
        ready(renewed.map_err(WriteError::from))
    }

    fn release(
        &self,
        session: &SessionId,
        by: &str,
        fence: Fence,
        state: ReleasedAs,
    ) -> BoxFuture<Result<(), StoreError>> {
        let now = self.time.now();
        if let Ok(row) = self.lock().held(session, by, fence) {
            row.fence = fence.next();
            row.is_released = true;
            row.ends = Some(now.saturating_add(row.good_for));
            row.exact |= state == ReleasedAs::Exact;
        }
        ready(Ok(()))
    }

    fn delete(&self, by: &str, sessions: Vec<(SessionId, Fence)>) -> BoxFuture<Result<(), StoreError>> {
        let now = self.time.now();
        let mut tables = self.lock();
        for (session, fence) in sessions {
            if !matches!(tables.held(&session, by, fence), Err(WriteRefusal::Taken)) {
                tables.end(session, now, Some(by));
            }
        }
        ready(Ok(()))
    }

    fn forget_user(&self, owner: &Owner) -> BoxFuture<Result<usize, StoreError>> {
        let now = self.time.now();
        let mut tables = self.lock();
        let included = tables.sessions.iter().filter(|(_, row)| owner.includes(&row.owner));
        let included: Vec<SessionId> = included.map(|(session, _)| session.clone()).collect();
        let count = included.len();
        for session in included {
            tables.end(session, now, None);
        }
        ready(Ok(count))
    }

    fn renew_lease(&self, by: &str, length: Duration) -> BoxFuture<Result<Vec<SessionId>, StoreError>> {
        let now = self.time.now();
        let length = millis(length);
        let mut tables = self.lock();
        let running = tables.leases.get(by).filter(|lease| lease.ends > now);
        let since = running.map(|lease| lease.since);
        if since.is_none() {
            for row in tables.sessions.values_mut().filter(|row| row.holder == by && !row.is_released) {
                row.ends = None;
            }
        }
        let lease = Lease { since: since.unwrap_or(now), length, ends: now.saturating_add(length) };
        tables.leases.insert(by.to_owned(), lease);
        let unnotified = tables.tombstones.iter().filter(|(_, one)| one.unnotified.as_deref() == Some(by));
        ready(Ok(unnotified.map(|(session, _)| session.clone()).collect()))
    }

    fn expire(&self, by: &str) -> BoxFuture<Result<usize, StoreError>> {
        let now = self.time.now();
        let mut tables = self.lock();
        let is_valid = |lease: &Lease| lease.ends > now && now >= lease.since.saturating_add(lease.length);
        if !tables.leases.get(by).is_some_and(is_valid) {
            return ready(Ok(0));
        }
        let MemoryTables { sessions, leases, tombstones, processes: _ } = &mut *tables;
        for row in sessions.values_mut().filter(|row| row.ends.is_none()) {
            let begins = match leases.get(&row.holder) {
                Some(lease) if lease.ends > now => continue,
                Some(lease) => lease.ends,
                None => now,
            };
            row.ends = Some(begins.saturating_add(row.good_for));
        }
        leases.retain(|_, lease| lease.ends > now);
        tombstones.retain(|_, tombstone| tombstone.until > now);
        let before = sessions.len();
        sessions.retain(|_, row| row.ends.is_none_or(|ends| ends > now));
        ready(Ok(before - sessions.len()))
    }

    fn close(&self, by: &str) -> BoxFuture<Result<(), StoreError>> {
        let now = self.time.now();
        let mut tables = self.lock();
        tables.leases.remove(by);
        for row in tables.sessions.values_mut().filter(|row| row.holder == by) {
            if !row.is_released {
                row.exact = true;
                row.is_released = true;
                row.ends = Some(now.saturating_add(row.good_for));
            }
        }
        ready(Ok(()))
    }

    fn register(&self, by: &str, listener: ReleaseListener) -> BoxFuture<Result<ProcessGuard, StoreError>> {
        self.lock().processes.insert(by.to_owned(), listener);
        let guard = MemoryProcess { tables: Arc::downgrade(&self.tables), name: by.to_owned() };
        ready(Ok(ProcessGuard::new(guard)))
    }

    fn ask_release(&self, request: ReleaseRequest) -> BoxFuture<Result<(), StoreError>> {
        let tables = self.lock();
        let asked = tables.sessions.get(&request.session);
        let holder = asked.filter(|row| row.fence == request.fence && !row.is_released);
        let listener = holder.and_then(|row| tables.processes.get(&row.holder)).cloned();
        drop(tables);
        // Called outside of the lock, because the process may answer at once.
        if let Some(listener) = listener {
            listener.ask(request);
        }
        ready(Ok(()))
    }
}
