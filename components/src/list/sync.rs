//! Changing a list to other content by the fewest operations.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use foldhash::fast::RandomState;
use triomphe::Arc;

use super::{Index, Key, Keyed, List};
use crate::tracking::Print;

/// More moves than this are sent as one order of all keys, also in a long list.
const MOVES: usize = 1_000;

/// Two of the new items have the same key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("two items have the key `{0}`; the list was not changed")]
pub struct DuplicateKey(pub Key);

impl<T: Keyed> List<T> {
    /// Changes the list to these items by the fewest operations, for rows that are read from a
    /// database again: the page gets the new items, the keys of removed or moved ones, and the
    /// changed fields of the others.
    ///
    /// ```
    /// # use serde::Serialize;
    /// # use vivaz_components::{Key, Keyed, List};
    /// # #[derive(Clone, Serialize)]
    /// # struct Row { id: u64, text: &'static str }
    /// # impl Keyed for Row { fn key(&self) -> Key { Key::of(&self.id) } }
    /// let mut rows = List::from(vec![Row { id: 1, text: "a" }, Row { id: 2, text: "b" }]);
    /// // ["-", 1], ["+", 1, {"id": 3, "text": "c"}]
    /// rows.sync([Row { id: 2, text: "b" }, Row { id: 3, text: "c" }])?;
    /// assert!(rows.sync([Row { id: 4, text: "d" }, Row { id: 4, text: "e" }]).is_err());
    /// assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), [2, 3]);
    /// # Ok::<(), vivaz_components::DuplicateKey>(())
    /// ```
    ///
    /// # Errors
    /// Returns an error if two of the items have the same key. The list is unchanged then.
    pub fn sync(&mut self, items: impl IntoIterator<Item = T>) -> Result<(), DuplicateKey> {
        let items: Vec<(Key, Arc<T>)> = items.into_iter().map(|item| (item.key(), Arc::new(item))).collect();
        if items.iter().any(|(key, _)| matches!(key, Key::Invalid(_))) {
            // The handler is refused with an error that describes the key.
            self.replace(items.into_iter().map(|(_, item)| Arc::unwrap_or_clone(item)));
            return Ok(());
        }
        let mut ranks = HashMap::with_capacity_and_hasher(items.len(), RandomState::default());
        for (rank, (key, _)) in items.iter().enumerate() {
            match ranks.entry(key) {
                Entry::Vacant(place) => _ = place.insert(rank),
                Entry::Occupied(_) => return Err(DuplicateKey(key.clone())),
            }
        }
        // For each kept item its index among the new ones, in the order of the old ones.
        let mut kept: Vec<usize> = Vec::with_capacity(items.len());
        let mut is_kept = vec![false; items.len()];
        for before in self.items.iter() {
            let key = before.key();
            match ranks.get(&key).and_then(|rank| Some((*rank, items.get(*rank)?, is_kept.get_mut(*rank)?))) {
                Some((rank, (_, now), is_kept)) => {
                    *is_kept = true;
                    kept.push(rank);
                    if !is_same(&**before, &**now) {
                        self.log.update(key, Arc::clone(before), now);
                    }
                }
                None => self.log.remove(&key, before),
            }
        }
        if kept.is_empty() && self.items.len() + items.len() > 0 {
            self.log.replace();
        }
        self.move_kept(kept, &items);
        for (position, ((key, item), is_kept)) in items.iter().zip(is_kept).enumerate() {
            if !is_kept {
                self.log.insert(position, key, item);
            }
        }
        self.index = Index::of(items.iter().map(|(key, _)| key.clone()));
        self.items = items.into_iter().map(|(_, item)| item).collect();
        self.log.bound(self.items.len());
        Ok(())
    }

    /// Records how the kept items move to the order of their ranks among the new ones.
    fn move_kept(&mut self, mut order: Vec<usize>, items: &[(Key, Arc<T>)]) {
        let mut sorted = order.clone();
        sorted.sort_unstable();
        let key_of = |rank: &usize| items.get(*rank).map(|(key, _)| key.clone());
        let stays = longest_rising(&order);
        let moves = order.len() - stays.len();
        if moves > MOVES || moves * 2 > order.len() {
            self.log.order(sorted.iter().filter_map(key_of).collect());
            return;
        }
        if moves == 0 {
            return;
        }
        // Items that move later may be in between, so an item goes directly after its predecessor.
        let mut stays = stays.into_iter().peekable();
        let mut behind: Option<usize> = None;
        for rank in &sorted {
            if stays.next_if_eq(rank).is_none()
                && let Some(from) = order.iter().position(|other| other == rank)
            {
                order.remove(from);
                let before = behind.and_then(|behind| order.iter().position(|other| *other == behind));
                let to = before.map_or(0, |before| before + 1);
                order.insert(to, *rank);
                if let Some(key) = key_of(rank) {
                    self.log.move_to(key, to);
                }
            }
            behind = Some(*rank);
        }
    }
}

/// Returns whether two items are the same to a page. Items without a JSON form are different, so
/// that the handler is refused.
fn is_same<T: Keyed>(one: &T, other: &T) -> bool {
    matches!((Print::of(one), Print::of(other)), (Ok(one), Ok(other)) if one == other)
}

/// Returns a longest increasing subsequence of distinct numbers.
fn longest_rising(numbers: &[usize]) -> Vec<usize> {
    // Indexed by length less one: the position of the lowest number that ends an increasing
    // subsequence of that length.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(numbers.len());
    let at = |place: &usize| numbers.get(*place).copied().unwrap_or_default();
    for (place, number) in numbers.iter().enumerate() {
        let length = ends.partition_point(|end| at(end) < *number);
        before.push(length.checked_sub(1).and_then(|shorter| ends.get(shorter).copied()));
        match ends.get_mut(length) {
            Some(end) => *end = place,
            None => ends.push(place),
        }
    }
    let mut rising = Vec::with_capacity(ends.len());
    let mut next = ends.last().copied();
    while let Some(place) = next {
        rising.push(at(&place));
        next = before.get(place).copied().flatten();
    }
    rising.reverse();
    rising
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::longest_rising;

    fn longest(numbers: &[usize]) -> usize {
        let mut best: Vec<usize> = Vec::new();
        for (at, number) in numbers.iter().enumerate() {
            let before = (0..at).filter(|other| numbers[*other] < *number).map(|other| best[other]).max();
            best.push(before.unwrap_or(0) + 1);
        }
        best.into_iter().max().unwrap_or(0)
    }

    proptest! {
        #[test]
        fn the_part_is_rising_and_none_is_longer(numbers in Just((0..12_usize).collect::<Vec<_>>()).prop_shuffle()) {
            let rising = longest_rising(&numbers);
            prop_assert!(rising.is_sorted());
            prop_assert_eq!(rising.len(), longest(&numbers));
            let mut left = numbers.iter();
            prop_assert!(rising.iter().all(|one| left.any(|other| other == one)));
        }
    }
}
