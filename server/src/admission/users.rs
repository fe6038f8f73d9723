//! Which sessions each user has, so that nobody has more of them than is allowed. Visitors without a user are limited
//! by their address and by the number of sessions in all.

use std::collections::HashMap;
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
    /// A std mutex: it is held for a look into the map, and no other lock is taken under it.
    map: Mutex<Map>,
}

type Map = HashMap<Box<str>, UserSessions, RandomState>;

/// A user who has sessions.
#[derive(Debug)]
struct UserSessions {
    sessions: Vec<Owned>,
    /// How many bytes of state they may have together.
    budget: Arc<Budget>,
}

#[derive(Debug)]
struct Owned {
    session: SessionId,
    /// Since when it waits for its page, counted by the number of sessions that began to wait before it.
    waits_since: Option<u64>,
}

/// A session among those of its user; taken out when it is dropped.
#[derive(Debug)]
pub(crate) struct Member {
    /// None for a visitor without a user.
    of: Option<(Arc<Users>, Box<str>, SessionId)>,
}

/// A user has as many sessions as a user may have, and all of them have their pages.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooMany;

impl Users {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            sessions: limits.sessions_per_user,
            suspended: limits.suspended_per_user,
            state_bytes: limits.user_state_bytes,
            map: Mutex::default(),
        }
    }

    /// Counts a session in. Where it takes the place of another one, that is to be ended.
    pub(crate) fn enter(
        self: &Arc<Self>,
        who: &Identity,
        session: &SessionId,
    ) -> Result<(Member, Option<SessionId>), TooMany> {
        let member = self.enter_beside(who, session)?;
        let surplus = self.make_room(who)?;
        Ok((member, surplus))
    }

    /// Counts a session in that may not come about. Room is [made](Self::make_room) for it once it
    /// has, at the expense of one that waits.
    pub(crate) fn enter_beside(
        self: &Arc<Self>,
        who: &Identity,
        session: &SessionId,
    ) -> Result<Member, TooMany> {
        if who.user_id().is_none() {
            return Ok(Member { of: None });
        }
        let key: Box<str> = holder(who).into();
        let mut map = self.lock();
        let owner = map.entry(key.clone()).or_insert_with(|| self.user());
        if owner.sessions.iter().filter(|one| one.waits_since.is_none()).count() >= self.sessions {
            return Err(TooMany);
        }
        owner.sessions.push(Owned { session: session.clone(), waits_since: None });
        drop(map);
        Ok(Member { of: Some((Arc::clone(self), key, session.clone())) })
    }

    /// Takes out the session that has waited longest if a user has too many, to be ended.
    pub(crate) fn make_room(&self, who: &Identity) -> Result<Option<SessionId>, TooMany> {
        if who.user_id().is_none() {
            return Ok(None);
        }
        let mut map = self.lock();
        let Some(owner) = map.get_mut(&*holder(who)) else { return Ok(None) };
        if owner.sessions.len() <= self.sessions {
            return Ok(None);
        }
        take_longest(&mut owner.sessions).ok_or(TooMany).map(Some)
    }

    /// Returns the sessions of a user.
    pub(crate) fn sessions_of(&self, who: &Identity) -> Vec<SessionId> {
        let map = self.lock();
        let owned = map.get(&*holder(who)).map(|owner| owner.sessions.as_slice()).unwrap_or_default();
        owned.iter().map(|one| one.session.clone()).collect()
    }

    fn user(&self) -> UserSessions {
        UserSessions { sessions: Vec::new(), budget: Arc::new(Budget::new("user", self.state_bytes)) }
    }

    /// Returns what all sessions of a user may hold together; nothing for a visitor without a user.
    pub(crate) fn budget(&self, who: &Identity) -> Option<Arc<Budget>> {
        who.user_id()?;
        self.lock().get(&*holder(who)).map(|owner| Arc::clone(&owner.budget))
    }

    fn lock(&self) -> MutexGuard<'_, Map> {
        // Nothing that can panic runs under the lock.
        self.map.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Member {
    /// The session waits for its page. If more of its user's do than may, the one that has waited longest comes back
    /// and is to be ended.
    pub(crate) fn waits(&self) -> Option<SessionId> {
        let (users, key, session) = self.of.as_ref()?;
        let mut map = users.lock();
        let all = &mut map.get_mut(key)?.sessions;
        let next = all.iter().filter_map(|one| one.waits_since).max().map_or(0, |last| last + 1);
        if let Some(owned) = all.iter_mut().find(|one| one.session == *session) {
            // One that was only woken for an event keeps its place in the order.
            owned.waits_since.get_or_insert(next);
        }
        let waiting = all.iter().filter(|one| one.waits_since.is_some()).count();
        if waiting > users.suspended { take_longest(all) } else { None }
    }

    /// The session has its page again.
    pub(crate) fn is_back(&self) {
        let Some((users, key, session)) = &self.of else { return };
        let mut map = users.lock();
        let owned =
            map.get_mut(key).and_then(|owner| owner.sessions.iter_mut().find(|one| one.session == *session));
        if let Some(owned) = owned {
            owned.waits_since = None;
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let Some((users, key, session)) = self.of.take() else { return };
        let mut map = users.lock();
        let Some(owner) = map.get_mut(&key) else { return };
        owner.sessions.retain(|one| one.session != session);
        if owner.sessions.is_empty() {
            map.remove(&key);
        }
    }
}

/// Takes out the one that has waited longest for its page: it is about to end, and nobody else is to end it too.
fn take_longest(all: &mut Vec<Owned>) -> Option<SessionId> {
    let waiting = all.iter().enumerate().filter_map(|(at, one)| one.waits_since.map(|since| (since, at)));
    let (_, at) = waiting.min()?;
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

    fn enter(users: &Arc<Users>, name: &str) -> Member {
        let (member, surplus) = users.enter(&ada(), &id(name)).unwrap();
        assert_eq!(surplus, None);
        member
    }

    #[test]
    fn a_user_has_so_many_sessions_and_others_have_theirs() {
        let users = users(2, 2);
        let first = enter(&users, "1");
        let second = enter(&users, "2");
        assert_eq!(users.enter(&ada(), &id("3")).unwrap_err(), TooMany);
        for other in [Identity::anonymous(), Identity::of(User::new("bob", "Bob")), ada().with_tenant("acme")]
        {
            assert!(users.enter(&other, &id("4")).is_ok());
        }
        assert_eq!(second.waits(), None);
        assert_eq!(first.waits(), None);
        let (_third, surplus) = users.enter(&ada(), &id("3")).unwrap();
        assert_eq!(surplus, Some(id("2")), "it has waited longest");
        first.is_back();
        assert_eq!(users.enter(&ada(), &id("4")).unwrap_err(), TooMany);
        drop(first);
        enter(&users, "4");
    }

    #[test]
    fn one_that_waits_goes_only_when_another_one_has_come_about() {
        let users = users(2, 2);
        let [first, _second] = ["1", "2"].map(|name| enter(&users, name));
        assert_eq!(users.enter_beside(&ada(), &id("3")).unwrap_err(), TooMany);
        assert_eq!(first.waits(), None);
        drop(users.enter_beside(&ada(), &id("3")).unwrap());
        assert_eq!(users.make_room(&ada()), Ok(None), "there is room again");
        let third = users.enter_beside(&ada(), &id("3")).unwrap();
        assert_eq!(users.enter_beside(&ada(), &id("4")).unwrap_err(), TooMany);
        first.is_back();
        assert_eq!(users.make_room(&ada()), Err(TooMany), "nobody waits any more");
        assert_eq!(first.waits(), None);
        assert_eq!(users.make_room(&ada()), Ok(Some(id("1"))));
        assert_eq!(users.make_room(&ada()), Ok(None));
        drop(third);
    }

    #[test]
    fn of_those_that_wait_the_one_that_has_waited_longest_goes() {
        let users = users(10, 2);
        let [first, second, third] = ["1", "2", "3"].map(|name| enter(&users, name));
        assert_eq!(first.waits(), None);
        assert_eq!(second.waits(), None);
        assert_eq!(first.waits(), None, "woken for an event, it keeps its place");
        assert_eq!(third.waits(), Some(id("1")));
        assert_eq!(first.waits(), None, "it is on its way out, and not counted");
        assert_eq!(second.waits(), None);
    }

    #[test]
    fn nothing_is_left_of_users_who_are_gone() {
        let users = users(1, 1);
        drop(enter(&users, "1"));
        assert!(users.lock().is_empty());
        let _anonymous = users.enter(&Identity::anonymous(), &id("2")).unwrap();
        assert!(users.lock().is_empty());
    }
}
