//! A keyed list that records what is done to it.

mod impls;
mod index;
mod key;
mod log;
mod sync;
mod wire;

use std::sync::Arc;

use imbl::Vector;
use serde::Serialize;

pub use impls::Iter;
pub use key::{Key, Keyed};
pub use sync::DuplicateKey;

use index::Index;
use log::ListLog;

/// An ordered list of items that each have a key of their own, in the serialised field `id`.
///
/// It records what is done to it, so what the page gets is the change and never the whole list: an append to 100,000
/// items costs what an append to ten does, in time and in bytes. A clone shares its content, so a handler that fails
/// is taken back at no cost either.
///
/// Keys are unique: an item that is put in with the key of one that is there replaces it, at the new place.
///
/// ```
/// use serde::Serialize;
/// use vivaz_components::{Key, Keyed, List};
///
/// #[derive(Clone, Serialize)]
/// struct Todo { id: u64, text: String, done: bool }
///
/// impl Keyed for Todo { // #[derive(LiveState)] writes this for a struct with a field `id`
///     fn key(&self) -> Key { Key::of(&self.id) }
/// }
///
/// let mut todos: List<Todo> = List::new();
/// todos.push(Todo { id: 1, text: "write".into(), done: false });
/// todos.push(Todo { id: 2, text: "read".into(), done: false });
/// todos.update(2, |todo| todo.done = true);
/// todos.move_to(2, 0);
/// todos.remove(1);
/// assert_eq!(todos.iter().map(|todo| todo.id).collect::<Vec<_>>(), [2]);
/// ```
pub struct List<T> {
    /// Behind `Arc`, because the vector copies a chunk of its neighbours with every first change after a clone, and the
    /// log keeps items as they were.
    items: Vector<Arc<T>>,
    index: Index,
    log: ListLog<T>,
}

impl<T> List<T> {
    /// No items.
    #[must_use]
    pub fn new() -> Self {
        Self { items: Vector::new(), index: Index::default(), log: ListLog::new() }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

impl<T: Keyed> List<T> {
    /// The items in order.
    pub fn iter(&self) -> Iter<'_, T> {
        self.into_iter()
    }

    /// The item at that place.
    #[must_use]
    pub fn at(&self, position: usize) -> Option<&T> {
        self.items.get(position).map(|item| &**item)
    }

    /// The first item.
    #[must_use]
    pub fn first(&self) -> Option<&T> {
        self.items.front().map(|item| &**item)
    }

    /// The last item.
    #[must_use]
    pub fn last(&self) -> Option<&T> {
        self.items.back().map(|item| &**item)
    }

    /// The item of that key.
    pub fn get(&self, key: impl Serialize) -> Option<&T> {
        self.at(self.position(key)?)
    }

    /// Whether there is an item of that key.
    pub fn contains(&self, key: impl Serialize) -> bool {
        self.position(key).is_some()
    }

    /// Where the item of that key is.
    pub fn position(&self, key: impl Serialize) -> Option<usize> {
        self.position_of(&Key::of(&key))
    }

    fn position_of(&self, key: &Key) -> Option<usize> {
        self.index.find(&self.items, key)
    }

    /// Puts an item last.
    pub fn push(&mut self, item: T) {
        self.insert(self.items.len(), item);
    }

    /// Puts an item first.
    pub fn prepend(&mut self, item: T) {
        self.insert(0, item);
    }

    /// Puts an item at that place, or last if the list is shorter. Whatever has its key is removed first.
    pub fn insert(&mut self, position: usize, item: T) {
        self.put(position, Arc::new(item));
    }

    fn put(&mut self, position: usize, item: Arc<T>) {
        let key = item.key();
        if let Some(there) = self.index.find_for_change(&self.items, &key) {
            self.take(there, &key);
        }
        let position = position.min(self.items.len());
        self.log.insert(position, &key, &item);
        self.index.insert(&self.items, position, key);
        self.items.insert(position, item);
        self.log.bound(self.items.len());
    }

    /// Takes out the item of that key.
    pub fn remove(&mut self, key: impl Serialize) -> Option<T> {
        let key = Key::of(&key);
        let position = self.index.find_for_change(&self.items, &key)?;
        self.take(position, &key).map(Arc::unwrap_or_clone)
    }

    /// Takes out the first item.
    pub fn pop_first(&mut self) -> Option<T> {
        let key = self.items.front()?.key();
        self.take(0, &key).map(Arc::unwrap_or_clone)
    }

    /// Takes out the last item.
    pub fn pop_last(&mut self) -> Option<T> {
        let key = self.items.back()?.key();
        self.take(self.items.len() - 1, &key).map(Arc::unwrap_or_clone)
    }

    /// Keeps at most that many, the last ones: for a log or a chat that shows its newest.
    pub fn keep_last(&mut self, count: usize) {
        while self.items.len() > count {
            self.pop_first();
        }
    }

    /// Keeps at most that many, the first ones.
    pub fn keep_first(&mut self, count: usize) {
        while self.items.len() > count {
            self.pop_last();
        }
    }

    /// Changes the item of that key, and says what the closure said. Only the fields that are different afterwards
    /// are sent.
    pub fn update<R>(&mut self, key: impl Serialize, change: impl FnOnce(&mut T) -> R) -> Option<R> {
        let position = self.find_for_change(&Key::of(&key))?;
        self.update_at(position, change)
    }

    /// Returns the position of the item with that key. Builds the index of positions, unlike a search for reading.
    pub(crate) fn find_for_change(&mut self, key: &Key) -> Option<usize> {
        self.index.find_for_change(&self.items, key)
    }

    /// Changes the item at that place. An item that gets another key is a new item in the old one's
    /// place; an item that had that key is removed.
    pub fn update_at<R>(&mut self, position: usize, change: impl FnOnce(&mut T) -> R) -> Option<R> {
        let before = self.items.get(position)?.clone();
        let item = self.items.get_mut(position)?;
        let result = change(Arc::make_mut(item));
        let (old, new) = (before.key(), item.key());
        if old == new {
            self.log.update(old, before, item);
        } else {
            let item = item.clone();
            self.items.set(position, before);
            self.take(position, &old);
            let replaced = self.index.find_for_change(&self.items, &new);
            self.put(position - usize::from(replaced.is_some_and(|at| at < position)), item);
        }
        self.log.bound(self.items.len());
        Some(result)
    }

    /// Changes every item. Items may exchange their keys; of items that get the same key, the last
    /// one is kept. The page gets the whole list.
    pub fn update_all(&mut self, mut change: impl FnMut(&mut T)) {
        if self.is_empty() {
            return;
        }
        // All items are changed before any is put in: a new key may be the old key of an item further on.
        let mut items: Vec<Arc<T>> = self.items.iter().cloned().collect();
        items.iter_mut().for_each(|item| change(Arc::make_mut(item)));
        self.begin_again();
        items.into_iter().for_each(|item| self.put(self.items.len(), item));
    }

    /// Moves the item of that key to that place, counted without it. Says whether there is such an item.
    pub fn move_to(&mut self, key: impl Serialize, position: usize) -> bool {
        self.move_key(Key::of(&key), position)
    }

    fn move_key(&mut self, key: Key, position: usize) -> bool {
        let Some(from) = self.index.find_for_change(&self.items, &key) else { return false };
        let position = position.min(self.items.len() - 1);
        if from != position {
            let item = self.items.remove(from);
            self.index.remove(&self.items, from, &key);
            self.index.insert(&self.items, position, key.clone());
            self.items.insert(position, item);
            self.log.move_to(key, position);
            self.log.bound(self.items.len());
        }
        true
    }

    /// Exchanges the items at two places. Says whether there are both.
    pub fn swap(&mut self, one: usize, other: usize) -> bool {
        let (low, high) = (one.min(other), one.max(other));
        let (Some(left), Some(right)) = (self.at(low).map(Keyed::key), self.at(high).map(Keyed::key)) else {
            return false;
        };
        if low != high {
            // Two moves are what the page is told: the right one to the left, then the left one, which that pushed up
            // by one, to the right.
            self.move_key(right, low);
            self.move_key(left, high);
        }
        true
    }

    /// Turns the order round.
    pub fn reverse(&mut self) {
        self.rearrange(self.items.iter().rev().cloned().collect());
    }

    /// Sorts, equal ones staying in their order.
    pub fn sort_by(&mut self, mut compare: impl FnMut(&T, &T) -> std::cmp::Ordering) {
        let mut items: Vec<Arc<T>> = self.items.iter().cloned().collect();
        items.sort_by(|a, b| compare(a, b));
        self.rearrange(items.into_iter().collect());
    }

    /// Sorts by what the closure says of an item.
    pub fn sort_by_key<O: Ord>(&mut self, mut of: impl FnMut(&T) -> O) {
        self.sort_by(|a, b| of(a).cmp(&of(b)));
    }

    /// Brings the items of these keys to the front, in this order; the others follow in the order they had.
    pub fn reorder<K: Serialize>(&mut self, keys: impl IntoIterator<Item = K>) {
        let mut front: Vec<Key> =
            keys.into_iter().map(|key| Key::of(&key)).filter(|key| self.position_of(key).is_some()).collect();
        let mut seen = std::collections::HashSet::new();
        front.retain(|key| seen.insert(key.clone()));
        let mut items: Vector<Arc<T>> =
            front.iter().filter_map(|key| self.items.get(self.position_of(key)?).cloned()).collect();
        items.extend(self.items.iter().filter(|item| !seen.contains(&item.key())).cloned());
        self.rearrange(items);
    }

    /// Keeps the items that the closure says yes to.
    pub fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        let dropped: Vec<Key> = self.iter().filter(|item| !keep(item)).map(Keyed::key).collect();
        if dropped.len() == self.items.len() {
            self.clear();
            return;
        }
        for key in dropped {
            if let Some(position) = self.index.find_for_change(&self.items, &key) {
                self.take(position, &key);
            }
        }
    }

    /// Takes out everything.
    pub fn clear(&mut self) {
        if !self.is_empty() {
            self.replace([]);
        }
    }

    /// Puts these items in place of all. The page gets the whole list.
    pub fn replace(&mut self, items: impl IntoIterator<Item = T>) {
        self.begin_again();
        self.extend(items);
    }

    /// Takes out everything; the page gets the whole list.
    fn begin_again(&mut self) {
        self.items = Vector::new();
        self.index = Index::default();
        self.log.replace();
    }

    fn take(&mut self, position: usize, key: &Key) -> Option<Arc<T>> {
        self.items.get(position)?;
        let item = self.items.remove(position);
        self.index.remove(&self.items, position, key);
        self.log.remove(key, &item);
        self.log.bound(self.items.len());
        Some(item)
    }

    /// The same items in another order.
    fn rearrange(&mut self, items: Vector<Arc<T>>) {
        self.items = items;
        self.index = Index::default();
        self.log.order(self.items.iter().map(|item| item.key()));
    }
}

#[cfg(test)]
mod tests;
