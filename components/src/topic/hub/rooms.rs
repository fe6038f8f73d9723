//! Rooms: groups of components that receive the same events.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use vivaz_protocol::{ComponentId, SessionId};

use crate::event::ServerEvent;
use crate::topic::subscriber::Subscriber;

/// The members of a tenant's rooms. A member is a component of a session: the session stays in the
/// room while its connection is lost.
#[derive(Clone, Copy)]
pub struct Rooms<'a> {
    members: &'a Mutex<Members>,
    tenant: Option<&'a Arc<str>>,
}

type RoomMember = (SessionId, ComponentId);
/// The tenant and the name.
type RoomName = (Option<Arc<str>>, Arc<str>);

/// The rooms of all tenants.
#[derive(Default)]
pub(super) struct Members {
    rooms: HashMap<RoomName, BTreeMap<RoomMember, Arc<dyn Subscriber>>>,
    /// The rooms of each member, so that leaving all rooms needs no search.
    members: HashMap<RoomMember, BTreeSet<RoomName>>,
}

impl<'a> Rooms<'a> {
    pub(super) fn new(members: &'a Mutex<Members>, tenant: Option<&'a Arc<str>>) -> Self {
        Self { members, tenant }
    }

    fn room(&self, name: impl Into<Arc<str>>) -> RoomName {
        (self.tenant.cloned(), name.into())
    }

    /// Adds the component to the room. Returns whether it was not a member before.
    pub fn join(&self, room: &Arc<str>, component: &ComponentId, subscriber: &Arc<dyn Subscriber>) -> bool {
        let (room, mut inner) = (self.room(Arc::clone(room)), self.lock());
        let member = (subscriber.session().clone(), component.clone());
        inner.members.entry(member.clone()).or_default().insert(room.clone());
        inner.rooms.entry(room.clone()).or_default().insert(member, subscriber.clone()).is_none()
    }

    /// Removes the component from the room. Returns whether it was a member.
    pub fn leave(&self, room: &str, session: &SessionId, component: &ComponentId) -> bool {
        let (room, mut inner) = (self.room(room), self.lock());
        let member = (session.clone(), component.clone());
        if let Some(rooms) = inner.members.get_mut(&member) {
            rooms.remove(&room);
            if rooms.is_empty() {
                inner.members.remove(&member);
            }
        }
        inner.remove(&room, &member)
    }

    /// Removes the component from all its rooms.
    pub fn leave_all(&self, session: &SessionId, component: &ComponentId) {
        let mut inner = self.lock();
        let member = (session.clone(), component.clone());
        for room in inner.members.remove(&member).unwrap_or_default() {
            inner.remove(&room, &member);
        }
    }

    /// Sends an event to all members except those of the session `except`. Returns the number of
    /// components.
    pub fn emit(&self, room: &str, event: &ServerEvent, except: Option<&SessionId>) -> usize {
        let inner = self.lock();
        let Some(members) = inner.rooms.get(&self.room(room)) else { return 0 };
        let mut told = 0;
        for ((session, component), subscriber) in members {
            if except.is_none_or(|except| except != session) {
                subscriber.deliver_room_event(component, event);
                told += 1;
            }
        }
        told
    }

    /// Returns the members of the room.
    #[must_use]
    pub fn members(&self, room: &str) -> Vec<(SessionId, ComponentId)> {
        let room = self.room(room);
        self.lock().rooms.get(&room).map(|members| members.keys().cloned().collect()).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'a, Members> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Members {
    fn remove(&mut self, room: &RoomName, member: &RoomMember) -> bool {
        let Some(members) = self.rooms.get_mut(room) else { return false };
        let was_there = members.remove(member).is_some();
        // A room without members is removed.
        if members.is_empty() {
            self.rooms.remove(room);
        }
        was_there
    }
}

impl fmt::Debug for Rooms<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rooms").field("rooms", &self.lock().rooms.len()).finish()
    }
}
