//! Finding items by their keys.

mod places;

use std::cmp::Ordering;
use std::sync::OnceLock;

use triomphe::Arc;

use super::Items;
use super::key::{Key, Keyed};
use places::{Places, Shift};

/// Lists of up to this many items are searched linearly.
const SMALL: usize = 32;

/// Finds items by their keys, so that a long list is not searched linearly, and no key is inserted
/// twice.
///
/// While the keys ascend or descend, as those of rows in the order of their creation do, the items
/// themselves are searched, and nothing is stored. Otherwise the positions are stored when a key is
/// first looked up.
#[derive(Clone, Default)]
pub(super) struct Index {
    order: KeyOrder,
    /// Set while the keys are mixed. Clones share it until one of them changes: each action works
    /// on a clone, and what it has looked up serves the next one.
    places: Option<Arc<OnceLock<Places>>>,
}

/// The order of the keys from the first item to the last one. No key exists twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum KeyOrder {
    /// Also the order of fewer than two keys.
    #[default]
    Ascending,
    Descending,
    /// Neither, or not known to be one of them.
    Mixed,
}

impl Index {
    /// Creates the index of a list with these keys.
    pub(super) fn of(keys: impl IntoIterator<Item = Key>) -> Self {
        let order = KeyOrder::of(keys);
        Self { order, places: (order == KeyOrder::Mixed).then(Arc::default) }
    }

    /// Returns whether the keys ascend or descend, so that each exists once.
    pub(super) fn is_sorted(&self) -> bool {
        self.order != KeyOrder::Mixed
    }

    /// Returns the position of the item with that key.
    pub(super) fn find<T: Keyed>(&self, items: &Items<T>, key: &Key) -> Option<usize> {
        match self.order {
            KeyOrder::Ascending => search(items, |other| other.cmp(key)),
            KeyOrder::Descending => search(items, |other| key.cmp(other)),
            KeyOrder::Mixed => match &self.places {
                Some(places) if items.len() > SMALL => {
                    places.get_or_init(|| Places::of(items)).find(items, key)
                }
                Some(_) | None => items.iter().position(|item| item.key() == *key),
            },
        }
    }

    /// Notes that an item with that key was inserted at that position.
    pub(super) fn inserted<T: Keyed>(&mut self, items: &Items<T>, position: usize, key: &Key) {
        if self.order == KeyOrder::Mixed {
            self.record(items.len(), || Shift::inserted(position, key));
        } else {
            let first = position.saturating_sub(1);
            let last = (position + 1).min(items.len() - 1);
            let around = KeyOrder::of((first..=last).filter_map(|at| Some(items.get(at)?.key())));
            // Of two items there was one before, in both orders.
            if around != self.order {
                self.order = if items.len() == 2 { around } else { KeyOrder::Mixed };
                self.places = (self.order == KeyOrder::Mixed).then(Arc::default);
            }
        }
    }

    /// Notes that the item at that position was removed.
    pub(super) fn removed<T>(&mut self, items: &Items<T>, position: usize) {
        if items.len() < 2 {
            *self = Self::default();
        } else {
            self.record(items.len(), || Shift::removed(position));
        }
    }

    /// Notes that the items at two different positions were exchanged.
    pub(super) fn swapped<T>(&mut self, items: &Items<T>, one: usize, other: usize) {
        self.order = KeyOrder::Mixed;
        self.record(items.len(), || Shift::swapped(one, other));
    }

    fn record(&mut self, len: usize, shift: impl FnOnce() -> Shift) {
        if self.order != KeyOrder::Mixed {
            return;
        }
        // Clones keep the places of their items.
        let places = Arc::make_mut(self.places.get_or_insert_default());
        if places.get_mut().is_some_and(|places| !places.record(len, shift())) {
            *places = OnceLock::new();
        }
    }
}

impl KeyOrder {
    fn of(keys: impl IntoIterator<Item = Key>) -> Self {
        let mut keys = keys.into_iter();
        let Some(mut before) = keys.next() else { return Self::Ascending };
        let mut order = None;
        for key in keys {
            let step = match before.cmp(&key) {
                Ordering::Less => Self::Ascending,
                Ordering::Greater => Self::Descending,
                Ordering::Equal => return Self::Mixed,
            };
            if *order.get_or_insert(step) != step {
                return Self::Mixed;
            }
            before = key;
        }
        order.unwrap_or_default()
    }
}

/// Searches items whose keys are sorted. `compare` compares an item's key with the key that is
/// searched for.
fn search<T: Keyed>(items: &Items<T>, compare: impl Fn(&Key) -> Ordering) -> Option<usize> {
    let compare = |position: usize| items.get(position).map(|item| compare(&item.key()));
    // A new item at the end is the most frequent change.
    let (mut low, mut high) = (0, items.len().checked_sub(1)?);
    match compare(high)? {
        Ordering::Less => return None,
        Ordering::Equal => return Some(high),
        Ordering::Greater => {}
    }
    while low < high {
        let middle = low + (high - low) / 2;
        match compare(middle)? {
            Ordering::Less => low = middle + 1,
            Ordering::Equal => return Some(middle),
            Ordering::Greater => high = middle,
        }
    }
    None
}
