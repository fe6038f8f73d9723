//! The rooms that a component is in.

use std::collections::BTreeSet;
use std::sync::Arc;

use vivaz_components::Membership;

/// The names of the rooms that a component is in. The hub has the same; this is what is stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Joined(BTreeSet<Arc<str>>);

impl Joined {
    /// Returns the rooms that were stored.
    pub(super) fn restore(stored: &[String]) -> Self {
        Self(stored.iter().map(|room| room.as_str().into()).collect())
    }

    /// Returns the rooms as they are stored.
    pub(super) fn store(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }

    /// Returns how many bytes they count against the session's budget.
    pub(super) fn bytes(&self) -> usize {
        self.0.iter().map(|room| Membership::bytes_of(room)).sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn rooms(&self) -> impl Iterator<Item = &Arc<str>> {
        self.0.iter()
    }

    /// Enters or leaves a room.
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
