//! The positions of items whose keys are not sorted.

use std::hash::BuildHasher as _;
use std::sync::LazyLock;

use foldhash::quality::RandomState;
use triomphe::Arc;

use crate::list::Items;
use crate::list::key::{Key, Keyed};

/// The positions of all items by the hashes of their keys, and the changes since they were stored.
/// The positions are shared with clones and never updated.
#[derive(Clone)]
pub(super) struct Places {
    /// Sorted: the hash of a key in the upper half, the position in the lower one.
    stored: Arc<[u64]>,
    shifts: Vec<Shift>,
}

/// How a change of the list shifts positions.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shift {
    /// An item was inserted. Its key has the hash `hash`.
    Inserted {
        position: u32,
        hash: u32,
    },
    Removed {
        position: u32,
    },
    Swapped {
        one: u32,
        other: u32,
    },
}

impl Places {
    /// Reads the key of every item.
    pub(super) fn of<T: Keyed>(items: &Items<T>) -> Self {
        let entry = |(item, position): (&Arc<T>, u32)| {
            (u64::from(hash_of(&item.key())) << u32::BITS) | u64::from(position)
        };
        let mut stored: Vec<u64> = items.iter().zip(0..).map(entry).collect();
        stored.sort_unstable();
        Self { stored: stored.into(), shifts: Vec::new() }
    }

    /// Returns the position of the item with that key.
    pub(super) fn find<T: Keyed>(&self, items: &Items<T>, key: &Key) -> Option<usize> {
        let hash = hash_of(key);
        let lowest = u64::from(hash) << u32::BITS;
        let from = self.stored.partition_point(|entry| *entry < lowest);
        let with_hash =
            self.stored.iter().skip(from).take_while(|entry| *entry >> u32::BITS == u64::from(hash));
        let stored = with_hash.filter_map(|entry| self.shift(low_half(*entry), 0));
        let inserted = self.shifts.iter().zip(1..).filter_map(|(shift, next)| match shift {
            Shift::Inserted { position, hash: other } if *other == hash => self.shift(*position, next),
            Shift::Inserted { .. } | Shift::Removed { .. } | Shift::Swapped { .. } => None,
        });
        let mut positions = stored.chain(inserted).filter_map(|position| usize::try_from(position).ok());
        positions.find(|position| items.get(*position).is_some_and(|item| item.key() == *key))
    }

    /// Records a change of the list, which has `len` items now. Returns `false` if the changes have
    /// become so many that the positions have to be stored again.
    pub(super) fn record(&mut self, len: usize, shift: Shift) -> bool {
        self.shifts.push(shift);
        // Balances the two costs of a change: to follow the shifts, and its share of storing all
        // positions.
        self.shifts.len() < 4 * len.isqrt()
    }

    /// Returns where the item is that was at that position before the shifts from `from` on, unless
    /// it was removed.
    fn shift(&self, position: u32, from: usize) -> Option<u32> {
        self.shifts.iter().skip(from).try_fold(position, |position, shift| shift.apply(position))
    }
}

impl Shift {
    pub(super) fn inserted(position: usize, key: &Key) -> Self {
        Self::Inserted { position: narrow(position), hash: hash_of(key) }
    }

    pub(super) fn removed(position: usize) -> Self {
        Self::Removed { position: narrow(position) }
    }

    pub(super) fn swapped(one: usize, other: usize) -> Self {
        Self::Swapped { one: narrow(one), other: narrow(other) }
    }

    fn apply(self, at: u32) -> Option<u32> {
        match self {
            Self::Inserted { position, .. } => Some(at.saturating_add(u32::from(at >= position))),
            Self::Removed { position } => (at != position).then(|| at - u32::from(at > position)),
            Self::Swapped { one, other } if at == one => Some(other),
            Self::Swapped { one, other } if at == other => Some(one),
            Self::Swapped { .. } => Some(at),
        }
    }
}

/// A list has fewer items than 2^32: its JSON has at most 4 GiB.
fn narrow(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}

fn low_half(entry: u64) -> u32 {
    let [a, b, c, d, ..] = entry.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

/// Returns a hash with seeds of this process, because clients may choose keys.
fn hash_of(key: &Key) -> u32 {
    static STATE: LazyLock<RandomState> = LazyLock::new(RandomState::default);
    low_half(STATE.hash_one(key))
}
