//! The map of all sessions of a process: their owners, secrets and state.
//!
//! A task drives each session that has a connection. A suspended session is a struct in this map,
//! without a task. A session changes hands under the lock of its shard, so that it is in exactly
//! one place.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, hash_map};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use foldhash::fast::RandomState;
use std::hash::BuildHasher;
use subtle::ConstantTimeEq;
use tokio::sync::oneshot;
use tokio::time::Instant;
use vivaz_components::{Identity, UnmountReason};
use vivaz_protocol::{CloseCode, ResumeSecret, SessionId};

use crate::admission::secret::random_bytes;
use crate::admission::users::Member;
use crate::persist::store::Secrets;
use crate::session::Session;
use crate::session::port::{Mail, Port};

/// Enough shards that tasks on all cores seldom contend for one.
const SHARDS: usize = 32;

/// The map of all sessions.
pub(crate) struct Sessions {
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
}

/// Entries are boxed, because a hash map has more slots than entries.
type Shard = HashMap<SessionId, Box<SessionEntry>, RandomState>;

/// A session in the map.
struct SessionEntry {
    port: Arc<Port>,
    owner: Identity,
    /// The session's place among the sessions of its user.
    member: Member,
    /// The hashes of the secrets that resume the session.
    secrets: Secrets,
    /// When the newest `HELLO` that claimed the session arrived.
    claimed_at: Instant,
    location: Location,
}

/// Where a session is.
enum Location {
    /// A task drives it.
    Driven,
    /// It has no task. It ends at `until`.
    Suspended { session: Box<Session>, until: Instant },
}

/// The result of claiming a session for a new connection.
pub(crate) enum Claim {
    /// The session. The caller drives it now.
    Session(Box<Session>),
    /// Another task drives the session and was requested to hand it over.
    Requested(oneshot::Receiver<Box<Session>>),
    /// A later `HELLO` has claimed the session: the page has left the connection of this claim.
    Superseded,
}

/// The bounds of suspended sessions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SuspensionLimits {
    /// The number of sessions.
    pub(crate) sessions: usize,
    /// Bytes of state of all suspended sessions together.
    pub(crate) bytes: usize,
}

/// The result of a sweep.
#[derive(Default)]
pub(crate) struct SweepResult {
    /// Sessions whose time is over, or that exceed the bounds. The caller ends them.
    #[expect(clippy::vec_box, reason = "each goes to a task of its own, as it is")]
    pub(crate) expired: Vec<Box<Session>>,
    /// The number of sessions with a task.
    pub(crate) driven: usize,
    /// The number of suspended sessions.
    pub(crate) suspended: usize,
}

impl Sessions {
    /// Creates an empty map.
    pub(crate) fn new() -> Self {
        let hasher = RandomState::default();
        Self {
            shards: std::array::from_fn(|_| Mutex::new(HashMap::with_hasher(RandomState::default()))),
            hasher,
        }
    }

    /// Inserts a new session, which the caller drives. Returns the secret for its `WELCOME`, or
    /// `None` if the system has no randomness.
    pub(crate) fn insert(
        &self,
        port: Arc<Port>,
        owner: Identity,
        member: Member,
    ) -> Option<ResumeSecret<'static>> {
        let secret = random_bytes().ok()?;
        let id = port.session().clone();
        let secrets = Secrets { generation: 1, current: hash_secret(&secret), previous: None };
        let entry = Box::new(SessionEntry {
            port,
            owner,
            member,
            secrets,
            claimed_at: Instant::now(),
            location: Location::Driven,
        });
        self.shard(&id).insert(id, entry);
        Some(encode_secret(&secret))
    }

    /// Inserts a session restored from the store, which the caller drives. Returns `false` if the
    /// map already has the session.
    pub(crate) fn insert_restored(
        &self,
        port: Arc<Port>,
        owner: Identity,
        member: Member,
        secrets: Secrets,
        claimed_at: Instant,
    ) -> bool {
        let id = port.session().clone();
        let mut shard = self.shard(&id);
        if shard.contains_key(&id) {
            return false;
        }
        shard.insert(
            id,
            Box::new(SessionEntry { port, owner, member, secrets, claimed_at, location: Location::Driven }),
        );
        true
    }

    /// Checks whether the map has a session.
    pub(crate) fn contains(&self, id: &SessionId) -> bool {
        self.shard(id).contains_key(id)
    }

    /// Returns the hashes of the secrets that resume a session.
    pub(crate) fn secrets(&self, id: &SessionId) -> Option<Secrets> {
        self.shard(id).get(id).map(|entry| entry.secrets.clone())
    }

    /// Claims a session with a secret, for a `HELLO` that arrived at `claimed_at`. Returns `None` if
    /// there is no such session, the secret is wrong, or the session belongs to another user; the
    /// caller cannot tell which.
    pub(crate) fn claim(
        &self,
        id: &SessionId,
        secret: &ResumeSecret<'_>,
        who: &Identity,
        claimed_at: Instant,
    ) -> Option<Claim> {
        let mut shard = self.shard(id);
        let entry = shard.get_mut(id)?;
        let given = matching_secret_hash(secret, &entry.secrets)?;
        if !entry.owner.is_same_as(who) {
            return None;
        }
        if claimed_at < entry.claimed_at {
            return Some(Claim::Superseded);
        }
        entry.claimed_at = claimed_at;
        // The shown secret stays valid until the new connection has proved that it has the next
        // one.
        entry.secrets.previous = Some(given);
        entry.member.is_back();
        Some(entry.hand_over())
    }

    /// Claims a session without a secret, because its copy in memory is outdated.
    pub(crate) fn seize(&self, id: &SessionId) -> Option<Claim> {
        let mut shard = self.shard(id);
        shard.get_mut(id).map(|entry| entry.hand_over())
    }

    /// Replaces the secret and the owner of a session that is being resumed. The owner's
    /// permissions may have changed. Returns the new secret, or `None` if there is no such session
    /// or no randomness.
    pub(crate) fn renew_secret(
        &self,
        id: &SessionId,
        owner: Identity,
    ) -> Option<(ResumeSecret<'static>, Secrets)> {
        let secret: SecretBytes = random_bytes().ok()?;
        let mut shard = self.shard(id);
        let entry = shard.get_mut(id)?;
        entry.secrets.generation += 1;
        entry.secrets.current = hash_secret(&secret);
        entry.owner = owner;
        Some((encode_secret(&secret), entry.secrets.clone()))
    }

    /// Restores the owner of a session whose resume failed.
    pub(crate) fn set_owner(&self, id: &SessionId, owner: Identity) {
        if let Some(entry) = self.shard(id).get_mut(id) {
            entry.owner = owner;
        }
    }

    /// Invalidates the previous secret, because the client has proved that it has the current one.
    /// Returns whether there was a previous one.
    pub(crate) fn confirm_secret(&self, id: &SessionId) -> bool {
        self.shard(id).get_mut(id).is_some_and(|entry| entry.secrets.previous.take().is_some())
    }

    /// Returns the ids of sessions that a task drives.
    pub(crate) fn driven(&self) -> Vec<SessionId> {
        let mut sessions = Vec::new();
        for shard in &self.shards {
            let shard = lock(shard);
            let held = shard.values().filter(|entry| matches!(entry.location, Location::Driven));
            sessions.extend(held.map(|entry| entry.port.session().clone()));
        }
        sessions
    }

    /// Suspends a session until `until`. Returns the session instead if it has mail, or if the map
    /// does not have it.
    pub(crate) fn suspend(&self, session: Box<Session>, until: Instant) -> Option<Box<Session>> {
        let id = session.id().clone();
        let mut shard = self.shard(&id);
        let Some(entry) = shard.get_mut(&id) else { return Some(session) };
        if !entry.port.detach_task() {
            return Some(session);
        }
        entry.location = Location::Suspended { session, until };
        let surplus = entry.member.waits();
        drop(shard);
        if let Some(port) = surplus.and_then(|surplus| self.port(&surplus)) {
            port.end(CloseCode::SessionEnded, UnmountReason::Expired);
        }
        None
    }

    /// Takes a suspended session that has mail, with the end of its suspension.
    pub(crate) fn take_suspended(&self, id: &SessionId) -> Option<(Box<Session>, Instant)> {
        let mut shard = self.shard(id);
        let entry = shard.get_mut(id)?;
        match std::mem::replace(&mut entry.location, Location::Driven) {
            Location::Suspended { session, until } => {
                entry.port.attach_task();
                Some((session, until))
            }
            Location::Driven => None,
        }
    }

    /// Drops all suspended sessions with their tasks and loads, because the process ends. The store
    /// keeps its rows.
    pub(crate) fn drop_suspended(&self) {
        for shard in &self.shards {
            // Dropped outside of the lock, because dropping a session locks the shard again.
            let waiting: Vec<_> = lock(shard)
                .extract_if(|_, entry| matches!(entry.location, Location::Suspended { .. }))
                .collect();
            drop(waiting);
        }
    }

    /// Removes a session that the caller drives.
    pub(crate) fn remove(&self, id: &SessionId) {
        // Dropped outside of the lock, because dropping the entry may lock the shard again.
        let entry = self.shard(id).remove(id);
        drop(entry);
    }

    /// Returns the port of a session.
    pub(crate) fn port(&self, id: &SessionId) -> Option<Arc<Port>> {
        self.shard(id).get(id).map(|entry| Arc::clone(&entry.port))
    }

    /// Returns the port of a session if its owner matches.
    pub(crate) fn port_of(
        &self,
        id: &SessionId,
        is_such: impl FnOnce(&Identity) -> bool,
    ) -> Option<Arc<Port>> {
        let shard = self.shard(id);
        let entry = shard.get(id).filter(|entry| is_such(&entry.owner))?;
        Some(Arc::clone(&entry.port))
    }

    /// Returns the ports of the sessions whose owner matches.
    pub(crate) fn ports_of(&self, mut is_such: impl FnMut(&Identity) -> bool) -> Vec<Arc<Port>> {
        let mut ports = Vec::new();
        for shard in &self.shards {
            // The predicate runs outside of the lock, because it is application code.
            let all: Vec<_> =
                lock(shard).values().map(|entry| (entry.owner.clone(), Arc::clone(&entry.port))).collect();
            ports.extend(all.into_iter().filter(|(owner, _)| is_such(owner)).map(|(_, port)| port));
        }
        ports
    }

    /// Returns the ports of all sessions.
    pub(crate) fn ports(&self) -> Vec<Arc<Port>> {
        let mut ports = Vec::new();
        for shard in &self.shards {
            ports.extend(lock(shard).values().map(|entry| Arc::clone(&entry.port)));
        }
        ports
    }

    /// Removes suspended sessions whose time is over. If more than `limits.sessions` remain, it
    /// also removes those with the least time left; if the rest has more than `limits.bytes`, it
    /// also removes the largest. Calls `driven` with the port and the owner of each session that a
    /// task drives.
    pub(crate) fn sweep(
        &self,
        now: Instant,
        limits: SuspensionLimits,
        mut driven: impl FnMut(&Arc<Port>, &Identity),
    ) -> SweepResult {
        let mut swept = SweepResult::default();
        let mut deadlines = Vec::new();
        let mut bytes = 0;
        for shard in &self.shards {
            for entry in lock(shard).values() {
                match &entry.location {
                    Location::Driven => {
                        swept.driven += 1;
                        driven(&entry.port, &entry.owner);
                    }
                    Location::Suspended { until, session } => {
                        deadlines.push(*until);
                        bytes += session.state_bytes();
                    }
                }
            }
        }
        let excess = deadlines.len().saturating_sub(limits.sessions);
        let mut limit = now;
        if excess > 0 {
            let (_, nearest, _) = deadlines.select_nth_unstable(excess - 1);
            limit = limit.max(*nearest);
        }
        swept.suspended = deadlines.len();
        if deadlines.iter().any(|until| *until <= limit) {
            bytes -= self.take_expired(limit, &mut swept).min(bytes);
        }
        if bytes > limits.bytes {
            self.take_largest(bytes - limits.bytes, &mut swept);
        }
        swept
    }

    /// Removes the sessions suspended until `limit` or earlier. Returns their bytes of state.
    fn take_expired(&self, limit: Instant, swept: &mut SweepResult) -> usize {
        let mut bytes = 0;
        for shard in &self.shards {
            let expired = lock(shard)
                .extract_if(
                    |_, entry| matches!(&entry.location, Location::Suspended { until, .. } if *until <= limit),
                )
                .collect::<Vec<_>>();
            for (_, entry) in expired {
                if let Location::Suspended { session, .. } = entry.location {
                    bytes += session.state_bytes();
                    swept.suspended -= 1;
                    swept.expired.push(session);
                }
            }
        }
        bytes
    }

    /// Removes the largest suspended sessions, until they have `excess` bytes of state together.
    fn take_largest(&self, excess: usize, swept: &mut SweepResult) {
        let mut waiting = Vec::new();
        for shard in &self.shards {
            for (id, entry) in &*lock(shard) {
                if let Location::Suspended { session, until } = &entry.location {
                    waiting.push((session.state_bytes(), *until, id.clone()));
                }
            }
        }
        waiting.sort_unstable_by_key(|(bytes, until, _)| (std::cmp::Reverse(*bytes), *until));
        let mut taken = 0;
        for (_, until, id) in waiting {
            if taken >= excess {
                break;
            }
            // The page may have resumed the session since, or resumed and left it again.
            let taken_out = match self.shard(&id).entry(id.clone()) {
                hash_map::Entry::Occupied(entry) if entry.get().is_suspended_until(until) => {
                    Some(entry.remove())
                }
                hash_map::Entry::Occupied(_) | hash_map::Entry::Vacant(_) => None,
            };
            if let Some(Location::Suspended { session, .. }) = taken_out.map(|entry| entry.location) {
                taken += session.state_bytes();
                swept.suspended -= 1;
                swept.expired.push(session);
            }
        }
    }

    fn shard(&self, id: &SessionId) -> MutexGuard<'_, Shard> {
        let [first, ..] = &self.shards;
        let at = self.hasher.hash_one(id) % SHARDS as u64;
        lock(usize::try_from(at).ok().and_then(|at| self.shards.get(at)).unwrap_or(first))
    }
}

impl SessionEntry {
    fn is_suspended_until(&self, time: Instant) -> bool {
        matches!(&self.location, Location::Suspended { until, .. } if *until == time)
    }

    /// Returns the session, or requests it from the task that drives it.
    fn hand_over(&mut self) -> Claim {
        match std::mem::replace(&mut self.location, Location::Driven) {
            Location::Suspended { session, .. } => {
                self.port.attach_task();
                Claim::Session(session)
            }
            Location::Driven => {
                let (give, take) = oneshot::channel();
                // The port of a driven session has a task, which sees this mail.
                let _has_task = self.port.post(Mail::HandOver(give), usize::MAX);
                Claim::Requested(take)
            }
        }
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    // No code that can panic runs under the lock.
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

type SecretBytes = [u8; 16];

/// Hashes a secret. Stores have only the hash, so a reader of the store cannot resume sessions.
fn hash_secret(secret: &[u8]) -> [u8; 16] {
    let mut short = [0; 16];
    blake3::Hasher::new_derive_key("vivaz 2026 resume").update(secret).finalize_xof().fill(&mut short);
    short
}

/// Returns the hash of the shown secret if it matches the current or the previous one. Takes
/// constant time.
pub(crate) fn matching_secret_hash(shown: &ResumeSecret<'_>, secrets: &Secrets) -> Option<[u8; 16]> {
    let given = hash_secret(&URL_SAFE_NO_PAD.decode(shown.expose()).ok()?);
    let current = given.ct_eq(&secrets.current);
    let previous = secrets.previous.map_or(0.into(), |previous| given.ct_eq(&previous));
    bool::from(current | previous).then_some(given)
}

fn encode_secret(secret: &SecretBytes) -> ResumeSecret<'static> {
    ResumeSecret::new(URL_SAFE_NO_PAD.encode(secret))
}
