//! The sessions of each user, and the limits on their number. Anonymous visitors are limited by
//! address and by the total number of sessions.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;
use vivaz_components::{Budget, Identity};
use vivaz_protocol::SessionId;

use crate::admission::seal::holder;
use crate::limits::Limits;

/// The sessions of all users.
#[derive(Debug)]
pub(crate) struct Users {
    sessions: usize,
    suspended: usize,
    state_bytes: usize,
    /// The number of the next permit.
    next_permit: AtomicU64,
    /// A std mutex: held for one map lookup; no other lock is taken while it is held.
    map: Mutex<UserMap>,
}

type UserMap = HashMap<Box<str>, UserSessions, RandomState>;

/// The sessions of one user.
#[derive(Debug)]
struct UserSessions {
    sessions: Vec<UserSession>,
    /// The state budget, in bytes, that the sessions share.
    budget: Arc<Budget>,
}

#[derive(Debug)]
struct UserSession {
    /// The number of its permit. Two restores of one session have an entry each, until one of them
    /// fails.
    permit: u64,
    session: SessionId,
    /// The session's rank in the order in which the user's sessions were suspended; `None` while
    /// its page is connected.
    suspended_at: Option<u64>,
}

/// Permission for one session of a user; dropping it removes the session from its user.
#[derive(Debug)]
pub(crate) struct UserPermit {
    /// `None` for an anonymous visitor.
    entry: Option<PermitEntry>,
}

/// The entry of a permit.
#[derive(Debug)]
struct PermitEntry {
    users: Arc<Users>,
    user: Box<str>,
    /// The number of the permit. The id of the session does not identify the entry.
    permit: u64,
}

/// The user has the maximum number of sessions, and none of them is suspended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooManySessions;

impl Users {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            sessions: limits.sessions_per_user,
            suspended: limits.suspended_per_user,
            state_bytes: limits.user_state_bytes,
            next_permit: AtomicU64::new(0),
            map: Mutex::default(),
        }
    }

    /// Admits a session. If it replaces a suspended session, that session is returned and the
    /// caller has to end it.
    ///
    /// # Errors
    /// Returns [`TooManySessions`] if the user has the maximum number of connected sessions.
    pub(crate) fn admit(
        self: &Arc<Self>,
        identity: &Identity,
        session: &SessionId,
    ) -> Result<(UserPermit, Option<SessionId>), TooManySessions> {
        let permit = self.admit_tentatively(identity, session)?;
        let evicted = self.evict_surplus(identity)?;
        Ok((permit, evicted))
    }

    /// Admits a session that may still fail to start, without ending another one. The caller calls
    /// [`evict_surplus`](Self::evict_surplus) once the session has started.
    ///
    /// # Errors
    /// Returns [`TooManySessions`] if the user has the maximum number of connected sessions.
    pub(crate) fn admit_tentatively(
        self: &Arc<Self>,
        identity: &Identity,
        session: &SessionId,
    ) -> Result<UserPermit, TooManySessions> {
        if identity.user_id().is_none() {
            return Ok(UserPermit { entry: None });
        }
        let key: Box<str> = holder(identity).into();
        let mut map = self.lock();
        let user = map.entry(key.clone()).or_insert_with(|| self.new_user());
        if user.sessions.iter().filter(|one| one.suspended_at.is_none()).count() >= self.sessions {
            return Err(TooManySessions);
        }
        let permit = self.next_permit.fetch_add(1, Ordering::Relaxed);
        user.sessions.push(UserSession { permit, session: session.clone(), suspended_at: None });
        drop(map);
        Ok(UserPermit { entry: Some(PermitEntry { users: Arc::clone(self), user: key, permit }) })
    }

    /// Removes the session that has been suspended longest if the user has too many. The caller has
    /// to end the returned session.
    ///
    /// # Errors
    /// Returns [`TooManySessions`] if the user has too many sessions and none is suspended.
    pub(crate) fn evict_surplus(&self, identity: &Identity) -> Result<Option<SessionId>, TooManySessions> {
        if identity.user_id().is_none() {
            return Ok(None);
        }
        let mut map = self.lock();
        let Some(user) = map.get_mut(&*holder(identity)) else { return Ok(None) };
        if user.sessions.len() <= self.sessions {
            return Ok(None);
        }
        remove_longest_suspended(&mut user.sessions).ok_or(TooManySessions).map(Some)
    }

    /// Returns the sessions of a user, each once.
    pub(crate) fn sessions_of(&self, identity: &Identity) -> Vec<SessionId> {
        let map = self.lock();
        let entries = map.get(&*holder(identity)).map(|user| user.sessions.as_slice()).unwrap_or_default();
        let mut sessions: Vec<SessionId> = Vec::with_capacity(entries.len());
        for one in entries {
            if !sessions.contains(&one.session) {
                sessions.push(one.session.clone());
            }
        }
        sessions
    }

    fn new_user(&self) -> UserSessions {
        UserSessions { sessions: Vec::new(), budget: Arc::new(Budget::new("user", self.state_bytes)) }
    }

    /// Returns the state budget that all sessions of a user share; `None` for an anonymous visitor.
    pub(crate) fn budget(&self, identity: &Identity) -> Option<Arc<Budget>> {
        identity.user_id()?;
        self.lock().get(&*holder(identity)).map(|user| Arc::clone(&user.budget))
    }

    fn lock(&self) -> MutexGuard<'_, UserMap> {
        // Nothing that can panic runs under the lock.
        self.map.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl UserPermit {
    /// Marks the session as suspended. If the user then has too many suspended sessions, removes
    /// and returns the one that has been suspended longest. The caller has to end it.
    pub(crate) fn suspend(&self) -> Option<SessionId> {
        let PermitEntry { users, user, permit } = self.entry.as_ref()?;
        let mut map = users.lock();
        let all = &mut map.get_mut(user)?.sessions;
        let next = all.iter().filter_map(|one| one.suspended_at).max().map_or(0, |last| last + 1);
        if let Some(entry) = all.iter_mut().find(|one| one.permit == *permit) {
            // A suspended session that was woken for an event keeps its rank.
            entry.suspended_at.get_or_insert(next);
        }
        let suspended = all.iter().filter(|one| one.suspended_at.is_some()).count();
        if suspended > users.suspended { remove_longest_suspended(all) } else { None }
    }

    /// Marks the session as connected.
    pub(crate) fn resume(&self) {
        let Some(PermitEntry { users, user, permit }) = &self.entry else { return };
        let mut map = users.lock();
        let entry =
            map.get_mut(user).and_then(|user| user.sessions.iter_mut().find(|one| one.permit == *permit));
        if let Some(entry) = entry {
            entry.suspended_at = None;
        }
    }
}

impl Drop for UserPermit {
    fn drop(&mut self) {
        let Some(PermitEntry { users, user: key, permit }) = self.entry.take() else { return };
        let mut map = users.lock();
        let Some(user) = map.get_mut(&key) else { return };
        user.sessions.retain(|one| one.permit != permit);
        if user.sessions.is_empty() {
            map.remove(&key);
        }
    }
}

/// Removes the session that has been suspended longest. It is removed before it ends, so that it is
/// ended only once.
fn remove_longest_suspended(all: &mut Vec<UserSession>) -> Option<SessionId> {
    let suspended = all.iter().enumerate().filter_map(|(at, one)| one.suspended_at.map(|rank| (rank, at)));
    let (_, at) = suspended.min()?;
    Some(all.swap_remove(at).session)
}

#[cfg(test)]
mod tests {
    use vivaz_components::User;

    use super::*;

    fn users(sessions_per_user: usize, suspended_per_user: usize) -> Arc<Users> {
        let limits = Limits { sessions_per_user, suspended_per_user, ..Limits::default() };
        Arc::new(Users::new(&limits))
    }

    fn ada() -> Identity {
        Identity::of(User::new("ada", "Ada"))
    }

    fn id(text: &str) -> SessionId {
        SessionId::new(text).unwrap()
    }

    fn enter(users: &Arc<Users>, name: &str) -> UserPermit {
        let (permit, evicted) = users.admit(&ada(), &id(name)).unwrap();
        assert_eq!(evicted, None);
        permit
    }

    #[test]
    fn sessions_are_limited_for_each_user() {
        let users = users(2, 2);
        let first = enter(&users, "1");
        let second = enter(&users, "2");
        assert_eq!(users.admit(&ada(), &id("3")).unwrap_err(), TooManySessions);
        for other in [Identity::anonymous(), Identity::of(User::new("bob", "Bob")), ada().with_tenant("acme")]
        {
            assert!(users.admit(&other, &id("4")).is_ok());
        }
        assert_eq!(second.suspend(), None);
        assert_eq!(first.suspend(), None);
        let (_third, evicted) = users.admit(&ada(), &id("3")).unwrap();
        assert_eq!(evicted, Some(id("2")), "it has been suspended longest");
        first.resume();
        assert_eq!(users.admit(&ada(), &id("4")).unwrap_err(), TooManySessions);
        drop(first);
        enter(&users, "4");
    }

    #[test]
    fn a_suspended_session_is_evicted_only_for_a_started_one() {
        let users = users(2, 2);
        let [first, _second] = ["1", "2"].map(|name| enter(&users, name));
        assert_eq!(users.admit_tentatively(&ada(), &id("3")).unwrap_err(), TooManySessions);
        assert_eq!(first.suspend(), None);
        drop(users.admit_tentatively(&ada(), &id("3")).unwrap());
        assert_eq!(users.evict_surplus(&ada()), Ok(None), "there is room again");
        let third = users.admit_tentatively(&ada(), &id("3")).unwrap();
        assert_eq!(users.admit_tentatively(&ada(), &id("4")).unwrap_err(), TooManySessions);
        first.resume();
        assert_eq!(users.evict_surplus(&ada()), Err(TooManySessions), "no session is suspended");
        assert_eq!(first.suspend(), None);
        assert_eq!(users.evict_surplus(&ada()), Ok(Some(id("1"))));
        assert_eq!(users.evict_surplus(&ada()), Ok(None));
        drop(third);
    }

    #[test]
    fn the_session_suspended_longest_is_evicted_first() {
        let users = users(10, 2);
        let [first, second, third] = ["1", "2", "3"].map(|name| enter(&users, name));
        assert_eq!(first.suspend(), None);
        assert_eq!(second.suspend(), None);
        assert_eq!(first.suspend(), None, "a session woken for an event keeps its rank");
        assert_eq!(third.suspend(), Some(id("1")));
        assert_eq!(first.suspend(), None, "an evicted session is not counted");
        assert_eq!(second.suspend(), None);
    }

    #[test]
    fn two_restores_of_one_session_have_permits_of_their_own() {
        let users = users(2, 1);
        let [kept, lost] = [(); 2].map(|()| users.admit_tentatively(&ada(), &id("1")).unwrap());
        assert_eq!(users.sessions_of(&ada()), [id("1")], "an event is delivered once");
        drop(lost);
        assert_eq!(users.sessions_of(&ada()), [id("1")]);
        assert!(users.budget(&ada()).is_some());
        let second = enter(&users, "2");
        assert_eq!(users.admit(&ada(), &id("3")).unwrap_err(), TooManySessions);
        assert_eq!(second.suspend(), None);
        assert_eq!(kept.suspend(), Some(id("2")));
        // A session that was evicted and is restored again is not removed with its old permit.
        let again = enter(&users, "2");
        drop(second);
        assert_eq!(users.sessions_of(&ada()), [id("1"), id("2")]);
        drop((kept, again));
        assert!(users.lock().is_empty());
    }

    #[test]
    fn users_without_sessions_are_removed() {
        let users = users(1, 1);
        drop(enter(&users, "1"));
        assert!(users.lock().is_empty());
        let _anonymous = users.admit(&Identity::anonymous(), &id("2")).unwrap();
        assert!(users.lock().is_empty());
    }
}
