//! What views read of the client.

use crate::client::{Client, Origin, POLL, RequestKind, Slot};
use crate::render::Of;
use crate::value::{Key, Val};

/// A view's read access to the client.
pub(super) struct Sight<'a> {
    pub(super) client: &'a Client,
    pub(super) slot: Slot,
}

impl Of for Sight<'_> {
    fn root(&self, field: Key) -> Option<&Val> {
        self.client.root(self.slot, field)
    }

    fn wire(&self, state: i64, target: Option<&str>, from: Origin) -> bool {
        match state {
            0 => self.client.waits(self.slot, &|request| {
                request.kind == RequestKind::Action
                    && match target {
                        Some(target) => request.name.name() == target,
                        None => request.origin == from || from.hole == 0 && request.origin.hole < POLL,
                    }
            }),
            1 => self.client.is_dirty(self.slot, target),
            _ => self.client.is_offline(),
        }
    }
}
