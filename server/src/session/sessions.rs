//! The map of all sessions of a process: their owners, secrets and state.
//!
//! A task drives each session that has a connection. A suspended session is a struct in this map,
//! without a task. A session changes hands under the lock of its shard, so that it is in exactly
//! one place.

pub(super) mod broadcast;
pub(crate) mod supervisor;

mod secret;
mod sweep;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, hash_map};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;
use std::hash::BuildHasher;
use tokio::sync::oneshot;
use tokio::time::Instant;
use vivaz_components::{Identity, UnmountReason};
use vivaz_protocol::{CloseCode, ResumeSecret, SessionId};

pub(crate) use self::secret::{SecretBytes, matching_secret_hash};
use self::secret::{encode_secret, hash_secret};
pub(crate) use self::sweep::SuspensionLimits;
use crate::admission::secret::random_bytes;
use crate::admission::users::UserPermit;
use crate::persist::store::Secrets;
use crate::session::Session;
use crate::session::port::mail::Mail;
use crate::session::port::{Port, Posted};

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
    member: UserPermit,
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

/// The result of suspending a session.
pub(crate) enum Suspension {
    /// The session is suspended.
    Suspended,
    /// The session has mail. The caller continues to drive it.
    HasMail(Box<Session>),
    /// The map does not have the session any more. The caller drops it.
    Removed(Box<Session>),
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

impl Sessions {
    /// Creates an empty map.
    pub(crate) fn new() -> Self {
        let hasher = RandomState::default();
        Self {
            shards: std::array::from_fn(|_| Mutex::new(HashMap::with_hasher(RandomState::default()))),
            hasher,
        }
    }

    /// Inserts a new session, which the caller drives and whose secret is `secret`. Returns the
    /// secret for its `WELCOME`.
    pub(crate) fn insert(
        &self,
        port: Arc<Port>,
        owner: Identity,
        member: UserPermit,
        secret: &SecretBytes,
    ) -> ResumeSecret<'static> {
        let id = port.session().clone();
        let secrets = Secrets { generation: 1, current: hash_secret(secret), previous: None };
        let entry = Box::new(SessionEntry {
            port,
            owner,
            member,
            secrets,
            claimed_at: Instant::now(),
            location: Location::Driven,
        });
        self.shard(&id).insert(id, entry);
        encode_secret(secret)
    }

    /// Inserts a session restored from the store, which the caller drives. Returns `false` if the
    /// map already has the session.
    pub(crate) fn insert_restored(
        &self,
        port: Arc<Port>,
        owner: Identity,
        member: UserPermit,
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

    /// Claims a session with a secret, for a `HELLO` that arrived at `claimed_at`. Returns `None`
    /// if there is no such session, the secret is wrong, or the session belongs to another user;
    /// the caller cannot tell which.
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
        entry.member.resume();
        Some(entry.hand_over())
    }

    /// Claims the session with this port without a secret, because its copy in memory is outdated.
    /// Returns `None` if the map has no session with this port: another copy may have replaced it.
    pub(crate) fn seize(&self, port: &Arc<Port>) -> Option<Claim> {
        let mut shard = self.shard(port.session());
        shard.get_mut(port.session()).filter(|entry| entry.has_port(port)).map(|entry| entry.hand_over())
    }

    /// Replaces the secret and the owner of a session that is being resumed. The owner's
    /// permissions may have changed. Returns the new secret, or `None` if there is no such session.
    ///
    /// # Errors
    /// Returns an error, and changes nothing, if the system's random number generator fails.
    pub(crate) fn renew_secret(
        &self,
        id: &SessionId,
        owner: Identity,
    ) -> Result<Option<(ResumeSecret<'static>, Secrets)>, getrandom::Error> {
        let secret: SecretBytes = random_bytes()?;
        let mut shard = self.shard(id);
        let Some(entry) = shard.get_mut(id) else { return Ok(None) };
        entry.secrets.generation += 1;
        entry.secrets.current = hash_secret(&secret);
        entry.owner = owner;
        Ok(Some((encode_secret(&secret), entry.secrets.clone())))
    }

    /// Restores the owner of a session whose resume failed.
    pub(crate) fn set_owner(&self, id: &SessionId, owner: Identity) {
        if let Some(entry) = self.shard(id).get_mut(id) {
            entry.owner = owner;
        }
    }

    /// Invalidates the previous secret, because the client has proved that it has the current one.
    /// Returns whether there was a previous one. If another connection has claimed the session with
    /// the current secret meanwhile, the previous one is the same, and stays valid for the renewal
    /// that follows.
    pub(crate) fn confirm_secret(&self, id: &SessionId) -> bool {
        let mut shard = self.shard(id);
        let Some(Secrets { current, previous, .. }) = shard.get_mut(id).map(|entry| &mut entry.secrets)
        else {
            return false;
        };
        previous.take_if(|previous| previous != current).is_some()
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
    pub(crate) fn suspend(&self, session: Box<Session>, until: Instant) -> Suspension {
        let id = session.id().clone();
        let mut shard = self.shard(&id);
        let Some(entry) = shard.get_mut(&id).filter(|entry| entry.has_port(session.port())) else {
            return Suspension::Removed(session);
        };
        if !entry.port.detach_task() {
            return Suspension::HasMail(session);
        }
        entry.location = Location::Suspended { session, until };
        let surplus = entry.member.suspend();
        drop(shard);
        if let Some(port) = surplus.and_then(|surplus| self.port(&surplus)) {
            port.end(CloseCode::SessionEnded, UnmountReason::Expired);
        }
        Suspension::Suspended
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

    /// Removes the session with this port. Does nothing if the map has no such session, or another
    /// copy of it with another port: a restore may have replaced the copy of this port.
    pub(crate) fn remove(&self, port: &Arc<Port>) {
        let entry = match self.shard(port.session()).entry(port.session().clone()) {
            hash_map::Entry::Occupied(entry) if entry.get().has_port(port) => Some(entry.remove()),
            hash_map::Entry::Occupied(_) | hash_map::Entry::Vacant(_) => None,
        };
        // Dropped outside of the lock, because dropping the entry may lock the shard again.
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

    /// Locks the shard of a session.
    fn shard(&self, id: &SessionId) -> MutexGuard<'_, Shard> {
        let [first, ..] = &self.shards;
        let at = self.hasher.hash_one(id) % SHARDS as u64;
        lock(usize::try_from(at).ok().and_then(|at| self.shards.get(at)).unwrap_or(first))
    }
}

impl SessionEntry {
    /// Checks whether this is the port of the session. Each copy of a session has its own.
    fn has_port(&self, port: &Arc<Port>) -> bool {
        Arc::ptr_eq(&self.port, port)
    }

    /// Returns the session, or requests it from the task that drives it.
    fn hand_over(&mut self) -> Claim {
        match std::mem::replace(&mut self.location, Location::Driven) {
            Location::Suspended { session, .. } => {
                self.port.attach_task();
                Claim::Session(session)
            }
            Location::Driven => {
                let (sender, receiver) = oneshot::channel();
                match self.port.post(Mail::HandOver(sender), usize::MAX) {
                    // The task that drives the session, or is about to, sees this mail.
                    Posted::Delivered | Posted::NoTask => {}
                    // The sender was dropped, so that the receiver reports the end of the session.
                    Posted::Closed | Posted::Full => {}
                }
                Claim::Requested(receiver)
            }
        }
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    // No code that can panic runs under the lock.
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}
