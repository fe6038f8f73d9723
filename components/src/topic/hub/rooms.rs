//! Rooms: groups of components that receive the same events.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use vivaz_protocol::{ComponentId, SessionId};

use super::Hub;
use super::nodes::{self, ListenGuard};
use crate::cluster::Address;
use crate::event::ServerEvent;
use crate::topic::subscriber::Subscriber;

/// The members of a tenant's rooms. A member is a component of a session: the session stays in the
/// room while its connection is lost.
#[derive(Clone, Copy)]
pub struct Rooms<'a>(&'a Hub);

type RoomMember = (SessionId, ComponentId);
/// The tenant and the name.
type RoomName = (Option<Arc<str>>, Arc<str>);

/// The rooms of all tenants.
#[derive(Default)]
pub(super) struct Members {
    rooms: HashMap<RoomName, Room>,
    /// The rooms of each member, so that leaving all rooms needs no search.
    members: HashMap<RoomMember, BTreeSet<RoomName>>,
}

/// A room with at least one member on this node.
#[derive(Default)]
struct Room {
    members: BTreeMap<RoomMember, Arc<dyn Subscriber>>,
    /// Receives the events of other nodes. Dropped after the lock is released, because a listener
    /// takes it.
    listening: Option<ListenGuard>,
}

impl<'a> Rooms<'a> {
    pub(super) fn new(hub: &'a Hub) -> Self {
        Self(hub)
    }

    fn room(&self, name: impl Into<Arc<str>>) -> RoomName {
        (self.0.tenant.clone(), name.into())
    }

    /// Adds the component to the room. Returns whether it was not a member before.
    pub fn join(&self, room: &Arc<str>, component: &ComponentId, subscriber: &Arc<dyn Subscriber>) -> bool {
        let room = self.room(Arc::clone(room));
        let member = (subscriber.session().clone(), component.clone());
        let (is_new, is_first) = {
            let mut inner = self.lock();
            inner.members.entry(member.clone()).or_default().insert(room.clone());
            let members = &mut inner.rooms.entry(room.clone()).or_default().members;
            (members.insert(member, subscriber.clone()).is_none(), members.len() == 1)
        };
        if is_new && is_first {
            self.listen(&room);
        }
        is_new
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
        let (was_there, emptied) = inner.remove(&room, &member);
        drop(inner);
        drop(emptied);
        was_there
    }

    /// Removes the component from all its rooms.
    pub fn leave_all(&self, session: &SessionId, component: &ComponentId) {
        let mut inner = self.lock();
        let member = (session.clone(), component.clone());
        let rooms = inner.members.remove(&member).unwrap_or_default();
        let emptied: Vec<_> = rooms.iter().filter_map(|room| inner.remove(room, &member).1).collect();
        drop(inner);
        drop(emptied);
    }

    /// Sends an event to all members on all nodes except those of the session `except`. Returns the
    /// number of components on this node. The bus may lose the event for another node.
    pub fn emit(&self, room: &str, event: &ServerEvent, except: Option<&SessionId>) -> usize {
        let room = self.room(room);
        let told = deliver(&self.lock(), &room, event, except);
        if let Some(bus) = &self.0.bus {
            nodes::send(&**bus, &address_of(room), event);
        }
        told
    }

    /// Returns the members of the room on this node.
    #[must_use]
    pub fn members(&self, room: &str) -> Vec<(SessionId, ComponentId)> {
        let room = self.room(room);
        self.lock().rooms.get(&room).map(|room| room.members.keys().cloned().collect()).unwrap_or_default()
    }

    /// Receives the events of other nodes for a room that has got its first member.
    fn listen(&self, name: &RoomName) {
        let Some(bus) = &self.0.bus else { return };
        let (parts, room) = (Arc::downgrade(&self.0.inner), name.clone());
        let listening = nodes::listen(&**bus, &address_of(name.clone()), move |event| {
            if let Some(parts) = parts.upgrade() {
                deliver(&lock(&parts.rooms), &room, event, None);
            }
        });
        let mut inner = self.lock();
        // The member may have left, and another one may have entered.
        let surplus = match inner.rooms.get_mut(name) {
            Some(room) if room.listening.is_none() => room.listening.replace(listening),
            Some(_) | None => Some(listening),
        };
        drop(inner);
        drop(surplus);
    }

    fn lock(&self) -> MutexGuard<'a, Members> {
        lock(&self.0.inner.rooms)
    }
}

/// Delivers an event to the members on this node. Returns their number.
fn deliver(inner: &Members, room: &RoomName, event: &ServerEvent, except: Option<&SessionId>) -> usize {
    let Some(room) = inner.rooms.get(room) else { return 0 };
    let mut told = 0;
    for ((session, component), subscriber) in &room.members {
        if except.is_none_or(|except| except != session) {
            subscriber.deliver_room_event(component, event);
            told += 1;
        }
    }
    told
}

fn address_of((tenant, name): RoomName) -> Address {
    Address::Room { tenant, name }
}

fn lock(members: &Mutex<Members>) -> MutexGuard<'_, Members> {
    members.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Members {
    /// Removes a member. Returns whether it was one, and the room if it has no members any more.
    fn remove(&mut self, name: &RoomName, member: &RoomMember) -> (bool, Option<Room>) {
        let Some(room) = self.rooms.get_mut(name) else { return (false, None) };
        let was_there = room.members.remove(member).is_some();
        let emptied = if room.members.is_empty() { self.rooms.remove(name) } else { None };
        (was_there, emptied)
    }
}

impl fmt::Debug for Rooms<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rooms").field("rooms", &self.lock().rooms.len()).finish()
    }
}
