//! The positions of items by their keys.

use std::sync::Arc;

use foldhash::fast::RandomState;
use imbl::shared_ptr::DefaultSharedPtr;
use imbl::{GenericHashMap, Vector};

use super::key::{Key, Keyed};

/// Lists of up to this many items are searched linearly; longer ones have a map.
const SMALL: usize = 32;

/// The positions of the items by their keys, so that a long list is not searched linearly, and no
/// key is inserted twice.
///
/// A position in the map is a hint: inserting and removing in the middle shifts later items, and
/// the map is not updated. The search goes outward from the hint, so its length grows with the
/// changes in the middle. Changes at the ends, which are most frequent, shift nothing: positions
/// count from an origin that moves with the front.
///
/// The map is persistent like the list itself, so a clone is cheap. It is built when it is first
/// needed.
#[derive(Clone, Default)]
pub(super) struct Index(Option<Box<Places>>);

#[derive(Clone)]
struct Places {
    places: GenericHashMap<Key, i64, RandomState, DefaultSharedPtr>,
    /// The position in the map of the item at position 0.
    front: i64,
}

impl Index {
    /// Returns the position of the item with that key.
    pub(super) fn find<T: Keyed>(&self, items: &Vector<Arc<T>>, key: &Key) -> Option<usize> {
        match &self.0 {
            Some(index) => index.find(items, key),
            // From the end, because recent items are looked up most often.
            None => items.iter().rposition(|item| item.key() == *key),
        }
    }

    /// Returns the position of the item for a change. Builds the map for longer lists, so that many
    /// changes stay cheap.
    pub(super) fn find_for_change<T: Keyed>(&mut self, items: &Vector<Arc<T>>, key: &Key) -> Option<usize> {
        if self.0.is_none() && items.len() > SMALL {
            let places = items.iter().map(|item| item.key()).zip(0..).collect();
            self.0 = Some(Box::new(Places { places, front: 0 }));
        }
        let position = self.find(items, key)?;
        if let Some(index) = &mut self.0 {
            let place = index.place(position);
            // Distant hints are corrected, so that the next search is short.
            if let Some(hint) = index.places.get(key)
                && hint.abs_diff(place) > 64
            {
                index.places.insert(key.clone(), place);
            }
        }
        Some(position)
    }

    /// Notes that an item is about to be inserted at that position of `items`.
    pub(super) fn insert<T: Keyed>(&mut self, items: &Vector<Arc<T>>, position: usize, key: Key) {
        if let Some(index) = &mut self.0 {
            // Either the items before it or those after it shift against their hints: whichever are
            // fewer.
            if position < items.len() - position {
                index.front -= 1;
            }
            let place = index.place(position);
            index.places.insert(key, place);
        }
    }

    /// Notes that the item at that position was removed from `items`.
    pub(super) fn remove<T>(&mut self, items: &Vector<Arc<T>>, position: usize, key: &Key) {
        if let Some(index) = &mut self.0 {
            index.places.remove(key);
            if position < items.len() - position {
                index.front += 1;
            }
        }
    }
}

impl Places {
    fn place(&self, position: usize) -> i64 {
        self.front.saturating_add(i64::try_from(position).unwrap_or(i64::MAX))
    }

    fn find<T: Keyed>(&self, items: &Vector<Arc<T>>, key: &Key) -> Option<usize> {
        let hint = self.places.get(key)?.saturating_sub(self.front).max(0);
        let hint = usize::try_from(hint).unwrap_or(0).min(items.len().saturating_sub(1));
        let is_it = |position: usize| items.get(position).is_some_and(|item| item.key() == *key);
        (0..=items.len()).find_map(|distance| {
            let after = hint + distance;
            if is_it(after) {
                return Some(after);
            }
            hint.checked_sub(distance).filter(|before| is_it(*before))
        })
    }
}
