//! All sessions: which there are, who may resume them, and where each one is.
//!
//! A session with a connection is owned by the connection's task; one that waits is a struct in this map, without a
//! task. Ownership changes hands here, under the lock of the shard, so that a session is in exactly one place.

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
use crate::admission::users::UserPermit;
use crate::persist::store::Secrets;
use crate::session::Session;
use crate::session::port::{Mail, Port};

/// Enough that connections on all cores seldom meet.
const SHARDS: usize = 32;

/// The map.
pub(crate) struct Sessions {
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
}

/// Boxed, because a map has more room than entries.
type Shard = HashMap<SessionId, Box<Entry>, RandomState>;

struct Entry {
    port: Arc<Port>,
    owner: Identity,
    /// Its place among the sessions of its user.
    member: UserPermit,
    /// What it takes to resume it.
    secrets: Secrets,
    /// When the newest `HELLO` that asked for it arrived.
    asked: Instant,
    place: Place,
}

enum Place {
    /// A task has it.
    Held,
    /// Nobody has it.
    Waiting { session: Box<Session>, until: Instant },
}

/// A session on its way to a new connection.
pub(crate) enum Claim {
    /// Here it is.
    Session(Box<Session>),
    /// Another task has it, and was asked to hand it over.
    Asked(oneshot::Receiver<Box<Session>>),
    /// A `HELLO` that arrived later has asked for it: the page has left the connection of this one.
    Overtaken,
}

/// How much may wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    pub(crate) sessions: usize,
    /// Bytes of state of all of them together.
    pub(crate) bytes: usize,
}

/// What the sweep found.
#[derive(Default)]
pub(crate) struct Swept {
    /// Sessions that waited for too long.
    #[expect(clippy::vec_box, reason = "each goes to a task of its own, as it is")]
    pub(crate) expired: Vec<Box<Session>>,
    /// How many are held by a task.
    pub(crate) held: usize,
    /// How many wait.
    pub(crate) waiting: usize,
}

impl Sessions {
    pub(crate) fn new() -> Self {
        let hasher = RandomState::default();
        Self {
            shards: std::array::from_fn(|_| Mutex::new(HashMap::with_hasher(RandomState::default()))),
            hasher,
        }
    }

    /// Enters a new session, which the caller holds. Its secret is in the `WELCOME`; `None` if the system has no
    /// randomness to give.
    pub(crate) fn enter(
        &self,
        port: Arc<Port>,
        owner: Identity,
        member: UserPermit,
    ) -> Option<ResumeSecret<'static>> {
        let secret = random_bytes().ok()?;
        let id = port.session().clone();
        let secrets = Secrets { generation: 1, current: hash(&secret), previous: None };
        let entry =
            Box::new(Entry { port, owner, member, secrets, asked: Instant::now(), place: Place::Held });
        self.shard(&id).insert(id, entry);
        Some(text(&secret))
    }

    /// Enters a session that comes out of the store, which the caller holds from now on; unless somebody else has
    /// brought it here meanwhile.
    pub(crate) fn adopt(
        &self,
        port: Arc<Port>,
        owner: Identity,
        member: UserPermit,
        secrets: Secrets,
        asked: Instant,
    ) -> bool {
        let id = port.session().clone();
        let mut shard = self.shard(&id);
        if shard.contains_key(&id) {
            return false;
        }
        shard.insert(id, Box::new(Entry { port, owner, member, secrets, asked, place: Place::Held }));
        true
    }

    /// Whether the session is here.
    pub(crate) fn has(&self, id: &SessionId) -> bool {
        self.shard(id).contains_key(id)
    }

    /// What it takes to resume a session.
    pub(crate) fn secrets(&self, id: &SessionId) -> Option<Secrets> {
        self.shard(id).get(id).map(|entry| entry.secrets.clone())
    }

    /// Asks for a session with a secret, by a `HELLO` that arrived at `asked`. `None` says nothing
    /// about why not.
    pub(crate) fn claim(
        &self,
        id: &SessionId,
        secret: &ResumeSecret<'_>,
        who: &Identity,
        asked: Instant,
    ) -> Option<Claim> {
        let mut shard = self.shard(id);
        let entry = shard.get_mut(id)?;
        let given = is_good(secret, &entry.secrets)?;
        if !entry.owner.is_same_as(who) {
            return None;
        }
        if asked < entry.asked {
            return Some(Claim::Overtaken);
        }
        entry.asked = asked;
        // Whichever of the two was shown stays good until the new connection has proved that it has the next one.
        entry.secrets.previous = Some(given);
        entry.member.resume();
        Some(entry.hand_over())
    }

    /// Takes a session from whichever task has it, without a secret: its copy here is not good any
    /// more.
    pub(crate) fn seize(&self, id: &SessionId) -> Option<Claim> {
        let mut shard = self.shard(id);
        shard.get_mut(id).map(|entry| entry.hand_over())
    }

    /// Changes the secret of a session that is being resumed, and whose it is: permissions may have changed.
    pub(crate) fn renew(&self, id: &SessionId, owner: Identity) -> Option<(ResumeSecret<'static>, Secrets)> {
        let secret: Secret = random_bytes().ok()?;
        let mut shard = self.shard(id);
        let entry = shard.get_mut(id)?;
        entry.secrets.generation += 1;
        entry.secrets.current = hash(&secret);
        entry.owner = owner;
        Some((text(&secret), entry.secrets.clone()))
    }

    /// Puts back whose a session is whose page was not let in.
    pub(crate) fn keep_owner(&self, id: &SessionId, owner: Identity) {
        if let Some(entry) = self.shard(id).get_mut(id) {
            entry.owner = owner;
        }
    }

    /// Notes that the client has the new secret: the one before is good no longer. Returns whether
    /// there was one before.
    pub(crate) fn confirm(&self, id: &SessionId) -> bool {
        self.shard(id).get_mut(id).is_some_and(|entry| entry.secrets.previous.take().is_some())
    }

    /// Returns the sessions that a task has.
    pub(crate) fn held(&self) -> Vec<SessionId> {
        let mut sessions = Vec::new();
        for shard in &self.shards {
            let shard = lock(shard);
            let held = shard.values().filter(|entry| matches!(entry.place, Place::Held));
            sessions.extend(held.map(|entry| entry.port.session().clone()));
        }
        sessions
    }

    /// Lets a session wait. Gives it back if something has come for it meanwhile.
    pub(crate) fn park(&self, session: Box<Session>, until: Instant) -> Option<Box<Session>> {
        let id = session.id().clone();
        let mut shard = self.shard(&id);
        let Some(entry) = shard.get_mut(&id) else { return Some(session) };
        if !entry.port.leave() {
            return Some(session);
        }
        entry.place = Place::Waiting { session, until };
        let surplus = entry.member.suspend();
        drop(shard);
        if let Some(port) = surplus.and_then(|surplus| self.port(&surplus)) {
            port.end(CloseCode::SessionEnded, UnmountReason::Expired);
        }
        None
    }

    /// Takes a waiting session that mail has come for; and until when it may wait after that.
    pub(crate) fn wake(&self, id: &SessionId) -> Option<(Box<Session>, Instant)> {
        let mut shard = self.shard(id);
        let entry = shard.get_mut(id)?;
        match std::mem::replace(&mut entry.place, Place::Held) {
            Place::Waiting { session, until } => {
                entry.port.attend();
                Some((session, until))
            }
            Place::Held => None,
        }
    }

    /// Drops the sessions that wait, and what goes on in them: the process ends. What is stored of them stays.
    pub(crate) fn drop_waiting(&self) {
        for shard in &self.shards {
            // Dropped after the lock: what is dropped with it may come back here.
            let waiting: Vec<_> =
                lock(shard).extract_if(|_, entry| matches!(entry.place, Place::Waiting { .. })).collect();
            drop(waiting);
        }
    }

    /// Forgets a session that the caller holds.
    pub(crate) fn end(&self, id: &SessionId) {
        // Dropped after the lock: what is dropped with it may come back here.
        let entry = self.shard(id).remove(id);
        drop(entry);
    }

    /// The port of a session.
    pub(crate) fn port(&self, id: &SessionId) -> Option<Arc<Port>> {
        self.shard(id).get(id).map(|entry| Arc::clone(&entry.port))
    }

    /// Returns the port of a session if its owner is such.
    pub(crate) fn port_of(
        &self,
        id: &SessionId,
        is_such: impl FnOnce(&Identity) -> bool,
    ) -> Option<Arc<Port>> {
        let shard = self.shard(id);
        let entry = shard.get(id).filter(|entry| is_such(&entry.owner))?;
        Some(Arc::clone(&entry.port))
    }

    /// The ports of those whose owner is such.
    pub(crate) fn ports_of(&self, mut is_such: impl FnMut(&Identity) -> bool) -> Vec<Arc<Port>> {
        let mut ports = Vec::new();
        for shard in &self.shards {
            // Asked without the lock, because it is the application that answers.
            let all: Vec<_> =
                lock(shard).values().map(|entry| (entry.owner.clone(), Arc::clone(&entry.port))).collect();
            ports.extend(all.into_iter().filter(|(owner, _)| is_such(owner)).map(|(_, port)| port));
        }
        ports
    }

    /// Every session's port.
    pub(crate) fn ports(&self) -> Vec<Arc<Port>> {
        let mut ports = Vec::new();
        for shard in &self.shards {
            ports.extend(lock(shard).values().map(|entry| Arc::clone(&entry.port)));
        }
        ports
    }

    /// Goes over all sessions: takes out those that have waited for too long; if more wait than there is `room` for,
    /// the ones whose time is nearest to its end; and if those that are left hold too many bytes, the ones that hold
    /// most. `held` sees the port and the owner of each one that a task has.
    pub(crate) fn sweep(
        &self,
        now: Instant,
        room: Room,
        mut held: impl FnMut(&Arc<Port>, &Identity),
    ) -> Swept {
        let mut swept = Swept::default();
        let mut deadlines = Vec::new();
        let mut bytes = 0;
        for shard in &self.shards {
            for entry in lock(shard).values() {
                match &entry.place {
                    Place::Held => {
                        swept.held += 1;
                        held(&entry.port, &entry.owner);
                    }
                    Place::Waiting { until, session } => {
                        deadlines.push(*until);
                        bytes += session.state_bytes();
                    }
                }
            }
        }
        let excess = deadlines.len().saturating_sub(room.sessions);
        let mut limit = now;
        if excess > 0 {
            let (_, nearest, _) = deadlines.select_nth_unstable(excess - 1);
            limit = limit.max(*nearest);
        }
        swept.waiting = deadlines.len();
        if deadlines.iter().any(|until| *until <= limit) {
            bytes -= self.take_expired(limit, &mut swept).min(bytes);
        }
        if bytes > room.bytes {
            self.take_largest(bytes - room.bytes, &mut swept);
        }
        swept
    }

    /// Takes out the sessions that wait until `limit` at most. Returns how many bytes of state they hold.
    fn take_expired(&self, limit: Instant, swept: &mut Swept) -> usize {
        let mut bytes = 0;
        for shard in &self.shards {
            let expired = lock(shard)
                .extract_if(
                    |_, entry| matches!(&entry.place, Place::Waiting { until, .. } if *until <= limit),
                )
                .collect::<Vec<_>>();
            for (_, entry) in expired {
                if let Place::Waiting { session, .. } = entry.place {
                    bytes += session.state_bytes();
                    swept.waiting -= 1;
                    swept.expired.push(session);
                }
            }
        }
        bytes
    }

    /// Takes out waiting sessions that hold so many bytes together, the largest ones.
    fn take_largest(&self, excess: usize, swept: &mut Swept) {
        let mut waiting = Vec::new();
        for shard in &self.shards {
            for (id, entry) in &*lock(shard) {
                if let Place::Waiting { session, until } = &entry.place {
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
            // Its page may be back by now, or may have been back and gone again.
            let taken_out = match self.shard(&id).entry(id.clone()) {
                hash_map::Entry::Occupied(entry) if entry.get().waits_until(until) => Some(entry.remove()),
                hash_map::Entry::Occupied(_) | hash_map::Entry::Vacant(_) => None,
            };
            if let Some(Place::Waiting { session, .. }) = taken_out.map(|entry| entry.place) {
                taken += session.state_bytes();
                swept.waiting -= 1;
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

impl Entry {
    fn waits_until(&self, time: Instant) -> bool {
        matches!(&self.place, Place::Waiting { until, .. } if *until == time)
    }

    /// Gives the session away, or asks the task that has it to do so.
    fn hand_over(&mut self) -> Claim {
        match std::mem::replace(&mut self.place, Place::Held) {
            Place::Waiting { session, .. } => {
                self.port.attend();
                Claim::Session(session)
            }
            Place::Held => {
                let (give, take) = oneshot::channel();
                // A held session's port is attended: its task sees this.
                let _attended = self.port.post(Mail::Yield(give), usize::MAX);
                Claim::Asked(take)
            }
        }
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    // Nothing that can panic runs under the lock.
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

type Secret = [u8; 16];

/// What is kept of a secret: whoever reads a store cannot resume the sessions in it.
fn hash(secret: &[u8]) -> [u8; 16] {
    let mut short = [0; 16];
    blake3::Hasher::new_derive_key("vivaz 2026 resume").update(secret).finalize_xof().fill(&mut short);
    short
}

/// The hash of a secret that was shown, if it is one of these. Takes as long for a wrong one as for a right one.
pub(crate) fn is_good(shown: &ResumeSecret<'_>, secrets: &Secrets) -> Option<[u8; 16]> {
    let given = hash(&URL_SAFE_NO_PAD.decode(shown.expose()).ok()?);
    let current = given.ct_eq(&secrets.current);
    let previous = secrets.previous.map_or(0.into(), |previous| given.ct_eq(&previous));
    bool::from(current | previous).then_some(given)
}

fn text(secret: &Secret) -> ResumeSecret<'static> {
    ResumeSecret::new(URL_SAFE_NO_PAD.encode(secret))
}
