//! Where the item of a key is.

use std::sync::Arc;

use foldhash::fast::RandomState;
use imbl::shared_ptr::DefaultSharedPtr;
use imbl::{GenericHashMap, Vector};

use super::key::{Key, Keyed};

/// Up to this many items are searched one by one; more have a map.
const SMALL: usize = 32;

/// The places of the items by their keys, so that a long list neither searches nor admits a key twice.
///
/// A place in the map is a hint: inserting and removing in the middle shifts what is behind, and the map is not told.
/// The search goes outward from the hint, so it is as long as the list was changed in the middle. Changes at the ends,
/// which are the common ones, shift nothing: places are counted from an origin that moves with the front.
///
/// The map is persistent like the list itself, so that a clone costs nothing. It is made when it is first needed.
#[derive(Clone, Default)]
pub(super) struct Index(Option<Box<Places>>);

#[derive(Clone)]
struct Places {
    places: GenericHashMap<Key, i64, RandomState, DefaultSharedPtr>,
    /// The place that position 0 has.
    front: i64,
}

impl Index {
    /// The position of the item of that key.
    pub(super) fn find<T: Keyed>(&self, items: &Vector<Arc<T>>, key: &Key) -> Option<usize> {
        match &self.0 {
            Some(index) => index.find(items, key),
            // From the end, because what was added last is what is looked for most.
            None => items.iter().rposition(|item| item.key() == *key),
        }
    }

    /// The same, for a change: from a certain length on the map is made, so that many changes stay cheap.
    pub(super) fn find_for_change<T: Keyed>(&mut self, items: &Vector<Arc<T>>, key: &Key) -> Option<usize> {
        if self.0.is_none() && items.len() > SMALL {
            let places = items.iter().map(|item| item.key()).zip(0..).collect();
            self.0 = Some(Box::new(Places { places, front: 0 }));
        }
        let position = self.find(items, key)?;
        if let Some(index) = &mut self.0 {
            let place = index.place(position);
            // Far off hints are put right, so that the next search is short.
            if let Some(hint) = index.places.get(key)
                && hint.abs_diff(place) > 64
            {
                index.places.insert(key.clone(), place);
            }
        }
        Some(position)
    }

    /// An item is about to come to that position of `items`.
    pub(super) fn insert<T: Keyed>(&mut self, items: &Vector<Arc<T>>, position: usize, key: Key) {
        if let Some(index) = &mut self.0 {
            // Either what is before it or what is behind it is shifted against its hints: whichever is less.
            if position < items.len() - position {
                index.front -= 1;
            }
            let place = index.place(position);
            index.places.insert(key, place);
        }
    }

    /// The item of that position is gone from `items`.
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
