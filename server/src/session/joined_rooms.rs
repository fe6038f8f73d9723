//! The rooms of a component.

use std::collections::BTreeSet;
use std::sync::Arc;

use vivaz_components::Membership;

/// The names of the rooms that a component has joined, as the store has them. The hub has the
/// members.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct JoinedRooms(BTreeSet<Arc<str>>);

impl JoinedRooms {
    /// Reads the stored form.
    pub(super) fn from_stored(stored: &[String]) -> Self {
        Self(stored.iter().map(|room| room.as_str().into()).collect())
    }

    /// Returns the stored form.
    pub(super) fn to_stored(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }

    /// Returns the bytes that count against the session's budget.
    pub(super) fn bytes(&self) -> usize {
        self.0.iter().map(|room| Membership::bytes_of(room)).sum()
    }

    /// Checks whether the component is in no room.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the names of the rooms.
    pub(super) fn rooms(&self) -> impl Iterator<Item = &Arc<str>> {
        self.0.iter()
    }

    /// Joins or leaves a room.
    pub(super) fn apply(&mut self, membership: &Membership) {
        match membership {
            Membership::Join(room) => {
                self.0.insert(Arc::clone(room));
            }
            Membership::Leave(room) => {
                self.0.remove(room);
            }
        }
    }
}
