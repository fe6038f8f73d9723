//! A store in memory: for tests, and for several runtimes in one process.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use vivaz_components::instance::BoxFuture;
use vivaz_protocol::SessionId;

use super::clock::{StoreTime, millis};
use super::{
    Change, Clock, Commit, CommitError, Head, Owner, Progress, Refusal, Secrets, SessionStore, Snapshot,
    SnapshotHead, StoreError, StoredComponent, StoredReply, StoredSession, SystemClock, TOMBSTONE, Whole,
    WriteError, Written,
};

/// Keeps sessions in memory. Clones share what they keep: a runtime that is given one takes over from the runtime that
/// had another before, as a new process takes over from an old one with a store on disk.
///
/// It has no database: `cx.commit` and transactions fail.
#[derive(Clone, Debug)]
pub struct MemoryStore {
    time: StoreTime,
    kept: Arc<Mutex<Everything>>,
}

#[derive(Debug, Default)]
struct Everything {
    sessions: HashMap<SessionId, Kept>,
    leases: HashMap<String, Lease>,
    tombstones: HashMap<SessionId, Tombstone>,
}

/// A session. Times are milliseconds of store time.
#[derive(Debug, Default)]
struct Kept {
    owner: Owner,
    secrets: Secrets,
    progress: Progress,
    /// In milliseconds.
    good_for: u64,
    holder: String,
    /// When it stops being good; `None` while its holder's lease decides.
    ends: Option<u64>,
    exact: bool,
    components: BTreeMap<String, StoredComponent>,
    aside: Vec<StoredComponent>,
    replies: BTreeMap<u64, String>,
}

#[derive(Debug)]
struct Lease {
    /// Since when it has run without a gap.
    since: u64,
    length: u64,
    ends: u64,
}

#[derive(Debug)]
struct Tombstone {
    until: u64,
    /// The process that held the session and has not deleted it since.
    untold: Option<String>,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::with_clock(Arc::new(SystemClock::new()))
    }
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates an empty store that measures time with this clock.
    #[must_use]
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self { time: StoreTime::new(clock, None), kept: Arc::default() }
    }

    /// How many sessions it keeps.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().sessions.len()
    }

    /// Whether it keeps none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lock().sessions.is_empty()
    }

    /// Drops a session and leaves no tombstone, as a damaged or restored database does: for tests.
    /// Returns whether it was there.
    pub fn lose(&self, session: &SessionId) -> bool {
        self.lock().sessions.remove(session).is_some()
    }

    fn lock(&self) -> MutexGuard<'_, Everything> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn ready<T: Send + 'static>(value: T) -> BoxFuture<T> {
    Box::pin(std::future::ready(value))
}

impl Everything {
    /// The session, if `by` may write it.
    fn held(&mut self, session: &SessionId, by: &str) -> Result<&mut Kept, Refusal> {
        if self.tombstones.contains_key(session) {
            return Err(Refusal::Ended);
        }
        let kept = self.sessions.get_mut(session).ok_or(Refusal::Absent)?;
        if kept.holder == by { Ok(kept) } else { Err(Refusal::Taken) }
    }

    fn save(&mut self, by: &str, snapshot: Snapshot) -> Result<(), Refusal> {
        let kept = self.held(&snapshot.session, by)?;
        let has = |id: &str, epoch: &str| kept.components.get(id).is_some_and(|one| one.epoch == epoch);
        if !snapshot.components.iter().all(|state| has(state.id.as_str(), &state.epoch)) {
            return Err(Refusal::Absent);
        }
        kept.take_head(snapshot.head);
        for state in snapshot.components {
            if let Some(component) = kept.components.get_mut(state.id.as_str()) {
                component.set(state);
            }
        }
        Ok(())
    }

    fn enter(&mut self, by: &str, whole: Whole) -> Result<(), Refusal> {
        let Whole { session, head, components, moving, aside } = whole;
        let kept = match self.held(&session, by) {
            Ok(kept) => kept,
            Err(Refusal::Absent) => self.insert(session, by),
            Err(refusal) => return Err(refusal),
        };
        kept.take_head(head);
        kept.aside = aside;
        let stays = |id: &str| {
            components.iter().any(|one| one.id == id) || moving.iter().any(|one| one.as_str() == id)
        };
        kept.components.retain(|id, _| stays(id));
        for component in components {
            let is_newer =
                kept.components.get(&component.id).is_some_and(|one| one.version > component.version);
            if !is_newer {
                kept.components.insert(component.id.clone(), component);
            }
        }
        Ok(())
    }

    fn insert(&mut self, session: SessionId, by: &str) -> &mut Kept {
        self.sessions.entry(session).or_insert(Kept { holder: by.to_owned(), ..Kept::default() })
    }

    /// Removes a session and remembers that it has ended.
    fn end(&mut self, session: SessionId, now: u64, by: Option<&str>) {
        let holder = self.sessions.remove(&session).map(|kept| kept.holder);
        let untold = holder
            .or_else(|| self.tombstones.remove(&session)?.untold)
            .filter(|holder| by != Some(holder.as_str()));
        self.tombstones.insert(session, Tombstone { until: now + millis(TOMBSTONE), untold });
    }
}

impl Kept {
    fn take_head(&mut self, head: SnapshotHead) {
        if head.secrets.generation >= self.secrets.generation {
            self.secrets = head.secrets;
        }
        self.owner = head.owner;
        self.replies.retain(|reference, _| !head.progress.covers(*reference));
        self.progress = head.progress;
        self.good_for = millis(head.good_for);
        self.ends = None;
        self.exact = false;
    }
}

impl SessionStore for MemoryStore {
    fn find(&self, session: &SessionId) -> BoxFuture<Result<Option<Head>, StoreError>> {
        let everything = self.lock();
        let head = everything.sessions.get(session).map(|kept| Head {
            owner: kept.owner.clone(),
            secrets: kept.secrets.clone(),
            holder: kept.holder.clone(),
        });
        ready(Ok(head))
    }

    fn claim(
        &self,
        session: &SessionId,
        by: &str,
        seen: &Head,
    ) -> BoxFuture<Result<Option<StoredSession>, StoreError>> {
        let mut everything = self.lock();
        let is_as_seen = |kept: &&mut Kept| {
            kept.holder == seen.holder && kept.secrets.generation == seen.secrets.generation
        };
        let claimed = everything.sessions.get_mut(session).filter(is_as_seen).map(|kept| {
            kept.holder = by.to_owned();
            kept.ends = None;
            StoredSession {
                owner: kept.owner.clone(),
                secrets: kept.secrets.clone(),
                progress: kept.progress.clone(),
                components: kept.components.values().cloned().collect(),
                aside: kept.aside.clone(),
                replies: kept
                    .replies
                    .iter()
                    .map(|(reference, body)| StoredReply { reference: *reference, body: body.clone() })
                    .collect(),
                exact: kept.exact,
            }
        });
        ready(Ok(claimed))
    }

    fn save(
        &self,
        by: &str,
        snapshots: Vec<Snapshot>,
    ) -> BoxFuture<Result<Vec<(SessionId, Refusal)>, StoreError>> {
        let mut everything = self.lock();
        let refused = snapshots.into_iter().filter_map(|snapshot| {
            let session = snapshot.session.clone();
            everything.save(by, snapshot).err().map(|refusal| (session, refusal))
        });
        ready(Ok(refused.collect()))
    }

    fn enter(
        &self,
        by: &str,
        sessions: Vec<Whole>,
    ) -> BoxFuture<Result<Vec<(SessionId, Refusal)>, StoreError>> {
        let mut everything = self.lock();
        let refused = sessions.into_iter().filter_map(|whole| {
            let session = whole.session.clone();
            everything.enter(by, whole).err().map(|refusal| (session, refusal))
        });
        ready(Ok(refused.collect()))
    }

    fn commit(&self, commit: Commit) -> BoxFuture<Result<(), CommitError>> {
        let mut everything = self.lock();
        let held = everything.held(&commit.session, &commit.by);
        let stored = match (&commit.expects, &held) {
            (Some((id, _)), Ok(kept)) => kept.components.get(id.as_str()).map(|one| one.version),
            (_, Ok(_) | Err(_)) => None,
        };
        let expected = commit.expects.as_ref().map(|(_, version)| *version);
        match held {
            Err(refusal @ (Refusal::Taken | Refusal::Ended)) => {
                return ready(Err(CommitError::Refused(refusal)));
            }
            Err(Refusal::Absent) if commit.enters.is_none() => {
                return ready(Err(CommitError::Absent(Box::new(commit))));
            }
            Ok(_) | Err(Refusal::Absent) if stored > expected => {
                return ready(Err(CommitError::Conflict));
            }
            // A session that is entered by the commit has no component yet.
            Ok(_) | Err(Refusal::Absent) if stored < expected => {
                return ready(Err(CommitError::Absent(Box::new(commit))));
            }
            Ok(_) | Err(Refusal::Absent) => {}
        }
        let Commit { session, by, enters, expects: _, received, write, publish } = commit;
        let Written { change, reply } = match write(&()) {
            Ok(written) => written,
            Err(error) => return ready(Err(CommitError::Work(error))),
        };
        let is_new = !everything.sessions.contains_key(&session);
        let kept = everything.insert(session, &by);
        if let Some(head) = enters.filter(|_| is_new) {
            kept.take_head(*head);
        }
        match change {
            Change::Mounted { component } => {
                kept.components.insert(component.id.clone(), *component);
            }
            Change::Changed { state, settled } => {
                if let Some(component) = kept.components.get_mut(state.id.as_str()) {
                    component.set(state);
                    component.version += 1;
                    component.settled = component.settled.max(settled);
                }
            }
            Change::Removed { id } => {
                if let Some(removed) = kept.components.remove(id.as_str()) {
                    kept.aside.retain(|one| one.id != removed.id || one.name != removed.name);
                }
            }
        }
        kept.replies.retain(|reference, _| *reference > received);
        if let Some(StoredReply { reference, body }) = reply {
            kept.replies.insert(reference, body);
        }
        publish();
        ready(Ok(()))
    }

    fn renew(
        &self,
        session: &SessionId,
        by: &str,
        secrets: Secrets,
        good_for: Duration,
    ) -> BoxFuture<Result<(), WriteError>> {
        let mut everything = self.lock();
        let renewed = everything.held(session, by).map(|kept| {
            kept.good_for = millis(good_for);
            kept.ends = None;
            kept.exact = false;
            if secrets.generation >= kept.secrets.generation {
                kept.secrets = secrets;
            }
        });
        ready(renewed.map_err(WriteError::from))
    }

    fn release(&self, session: &SessionId, by: &str) -> BoxFuture<Result<(), StoreError>> {
        let now = self.time.now();
        if let Ok(kept) = self.lock().held(session, by) {
            kept.ends = Some(now.saturating_add(kept.good_for));
        }
        ready(Ok(()))
    }

    fn delete(&self, by: &str, sessions: Vec<SessionId>) -> BoxFuture<Result<(), StoreError>> {
        let now = self.time.now();
        let mut everything = self.lock();
        for session in sessions {
            if !matches!(everything.held(&session, by), Err(Refusal::Taken)) {
                everything.end(session, now, Some(by));
            }
        }
        ready(Ok(()))
    }

    fn forget_user(&self, owner: &Owner) -> BoxFuture<Result<usize, StoreError>> {
        let now = self.time.now();
        let mut everything = self.lock();
        let theirs = everything.sessions.iter().filter(|(_, kept)| owner.includes(&kept.owner));
        let theirs: Vec<SessionId> = theirs.map(|(session, _)| session.clone()).collect();
        let count = theirs.len();
        for session in theirs {
            everything.end(session, now, None);
        }
        ready(Ok(count))
    }

    fn renew_lease(&self, by: &str, length: Duration) -> BoxFuture<Result<Vec<SessionId>, StoreError>> {
        let now = self.time.now();
        let length = millis(length);
        let mut everything = self.lock();
        let running = everything.leases.get(by).filter(|lease| lease.ends > now);
        let since = running.map(|lease| lease.since);
        if since.is_none() {
            for kept in everything.sessions.values_mut().filter(|kept| kept.holder == by) {
                kept.ends = None;
            }
        }
        let lease = Lease { since: since.unwrap_or(now), length, ends: now.saturating_add(length) };
        everything.leases.insert(by.to_owned(), lease);
        let untold = everything.tombstones.iter().filter(|(_, one)| one.untold.as_deref() == Some(by));
        ready(Ok(untold.map(|(session, _)| session.clone()).collect()))
    }

    fn expire(&self, by: &str) -> BoxFuture<Result<usize, StoreError>> {
        let now = self.time.now();
        let mut everything = self.lock();
        let may = |lease: &Lease| lease.ends > now && now >= lease.since.saturating_add(lease.length);
        if !everything.leases.get(by).is_some_and(may) {
            return ready(Ok(0));
        }
        let Everything { sessions, leases, tombstones } = &mut *everything;
        for kept in sessions.values_mut().filter(|kept| kept.ends.is_none()) {
            let begins = match leases.get(&kept.holder) {
                Some(lease) if lease.ends > now => continue,
                Some(lease) => lease.ends,
                None => now,
            };
            kept.ends = Some(begins.saturating_add(kept.good_for));
        }
        leases.retain(|_, lease| lease.ends > now);
        tombstones.retain(|_, tombstone| tombstone.until > now);
        let before = sessions.len();
        sessions.retain(|_, kept| kept.ends.is_none_or(|ends| ends > now));
        ready(Ok(before - sessions.len()))
    }

    fn close(&self, by: &str) -> BoxFuture<Result<(), StoreError>> {
        let now = self.time.now();
        let mut everything = self.lock();
        everything.leases.remove(by);
        for kept in everything.sessions.values_mut().filter(|kept| kept.holder == by) {
            kept.exact |= kept.ends.is_none();
            kept.ends = Some(now.saturating_add(kept.good_for));
        }
        ready(Ok(()))
    }
}
