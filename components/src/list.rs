//! A keyed list that records its changes.

mod apply;
mod impls;
mod index;
mod key;
mod log;
mod sync;
mod tree;
mod wire;

use std::collections::HashSet;

use foldhash::fast::RandomState;
use serde::Serialize;
use triomphe::Arc;

pub use impls::Iter;
pub use key::{Key, Keyed};
pub use sync::DuplicateKey;

use index::Index;
use log::ListLog;
use tree::Tree;

/// An ordered list of items that each have a unique key, in the serialised field `id`.
///
/// It records its changes, so the page gets the change and never the whole list: an append to
/// 100,000 items costs the same as an append to ten, in time and in bytes, while the keys ascend. A
/// clone shares its content, so undoing a failed handler is cheap too.
///
/// Keys are unique: an inserted item replaces an item with the same key, at the new position.
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
    items: Items<T>,
    index: Index,
    log: ListLog<T>,
}

/// Behind `Arc`, because the tree copies neighbours with every first change after a clone, and the
/// log keeps old versions of items. Without a count of weak references, which is a quarter of a
/// small item.
type Items<T> = Tree<Arc<T>>;

impl<T> List<T> {
    /// Creates an empty list.
    #[must_use]
    pub fn new() -> Self {
        Self { items: Tree::new(), index: Index::default(), log: ListLog::new() }
    }

    /// Returns the number of items.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Returns whether there are no items.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

impl<T: Keyed> List<T> {
    /// Returns the items in order.
    pub fn iter(&self) -> Iter<'_, T> {
        self.into_iter()
    }

    /// Returns the item at that position.
    #[must_use]
    pub fn at(&self, position: usize) -> Option<&T> {
        self.items.get(position).map(|item| &**item)
    }

    /// Returns the first item.
    #[must_use]
    pub fn first(&self) -> Option<&T> {
        self.at(0)
    }

    /// Returns the last item.
    #[must_use]
    pub fn last(&self) -> Option<&T> {
        self.items.last().map(|item| &**item)
    }

    /// Returns the item with that key.
    pub fn get(&self, key: impl Serialize) -> Option<&T> {
        self.at(self.position(key)?)
    }

    /// Returns whether there is an item with that key.
    pub fn contains(&self, key: impl Serialize) -> bool {
        self.position(key).is_some()
    }

    /// Returns the position of the item with that key.
    pub fn position(&self, key: impl Serialize) -> Option<usize> {
        self.position_of(&Key::of(&key))
    }

    /// Returns the position of the item with that key.
    pub(crate) fn position_of(&self, key: &Key) -> Option<usize> {
        self.index.find(&self.items, key)
    }

    /// Appends an item.
    pub fn push(&mut self, item: T) {
        self.insert(self.items.len(), item);
    }

    /// Inserts an item at the front.
    pub fn prepend(&mut self, item: T) {
        self.insert(0, item);
    }

    /// Inserts an item at that position, or at the end if the list is shorter. An item with the
    /// same key is removed first.
    pub fn insert(&mut self, position: usize, item: T) {
        self.put(position, Arc::new(item));
    }

    fn put(&mut self, position: usize, item: Arc<T>) {
        let key = item.key();
        if let Some(there) = self.position_of(&key) {
            self.take(there, &key);
        }
        let position = position.min(self.items.len());
        self.log.insert(position, &key, &item);
        self.items.insert(position, item);
        self.index.inserted(&self.items, position, &key);
        self.log.bound(self.items.len());
    }

    /// Removes the item with that key.
    pub fn remove(&mut self, key: impl Serialize) -> Option<T> {
        let key = Key::of(&key);
        let position = self.position_of(&key)?;
        self.take(position, &key).map(Arc::unwrap_or_clone)
    }

    /// Removes the first item.
    pub fn pop_first(&mut self) -> Option<T> {
        let key = self.items.get(0)?.key();
        self.take(0, &key).map(Arc::unwrap_or_clone)
    }

    /// Removes the last item.
    pub fn pop_last(&mut self) -> Option<T> {
        let key = self.items.last()?.key();
        self.take(self.items.len() - 1, &key).map(Arc::unwrap_or_clone)
    }

    /// Keeps at most that many items, the last ones: for a log or a chat that shows the newest.
    pub fn keep_last(&mut self, count: usize) {
        while self.items.len() > count {
            self.pop_first();
        }
    }

    /// Keeps at most that many items, the first ones.
    pub fn keep_first(&mut self, count: usize) {
        while self.items.len() > count {
            self.pop_last();
        }
    }

    /// Changes the item with that key, and returns the result of the closure. Only the changed
    /// fields are sent.
    pub fn update<R>(&mut self, key: impl Serialize, change: impl FnOnce(&mut T) -> R) -> Option<R> {
        let position = self.position(key)?;
        self.update_at(position, change)
    }

    /// Changes the item at that position. If its key changes, it becomes a new item at the position
    /// of the old one, and another item with the new key is removed.
    pub fn update_at<R>(&mut self, position: usize, change: impl FnOnce(&mut T) -> R) -> Option<R> {
        let before = self.items.get(position)?.clone();
        let item = self.items.get_mut(position)?;
        let result = change(Arc::make_mut(item));
        let (old, new) = (before.key(), item.key());
        if old == new {
            self.log.update(old, before, item);
        } else {
            let item = std::mem::replace(item, before);
            self.take(position, &old);
            let replaced = self.position_of(&new);
            self.put(position - usize::from(replaced.is_some_and(|at| at < position)), item);
        }
        self.log.bound(self.items.len());
        Some(result)
    }

    /// Changes every item. Items may exchange their keys; of items with the same new key, the last
    /// one is kept. The page gets the whole list.
    pub fn update_all(&mut self, mut change: impl FnMut(&mut T)) {
        if self.is_empty() {
            return;
        }
        // All items are changed before any is inserted: a new key may be the old key of a later
        // item.
        let mut items: Vec<Arc<T>> = self.items.iter().cloned().collect();
        items.iter_mut().for_each(|item| change(Arc::make_mut(item)));
        self.replace_all(items);
    }

    /// Moves the item with that key to that position, counted without the item. Returns whether
    /// there is such an item.
    pub fn move_to(&mut self, key: impl Serialize, position: usize) -> bool {
        self.move_key(Key::of(&key), position)
    }

    fn move_key(&mut self, key: Key, position: usize) -> bool {
        let Some(from) = self.position_of(&key) else { return false };
        let position = position.min(self.items.len() - 1);
        if from != position
            && let Some(item) = self.items.remove(from)
        {
            self.index.removed(&self.items, from);
            self.items.insert(position, item);
            self.index.inserted(&self.items, position, &key);
            self.log.move_to(key, position);
            self.log.bound(self.items.len());
        }
        true
    }

    /// Exchanges the items at two positions. Returns whether both exist.
    pub fn swap(&mut self, one: usize, other: usize) -> bool {
        let (low, high) = (one.min(other), one.max(other));
        let (Some(left), Some(right)) = (self.at(low).map(Keyed::key), self.at(high).map(Keyed::key)) else {
            return false;
        };
        if low != high {
            self.items.swap(low, high);
            self.index.swapped(&self.items, low, high);
            // Recorded as two moves: the right item to the left, then the left item, which moved up
            // by one, to the right.
            self.log.move_to(right, low);
            if high - low > 1 {
                self.log.move_to(left, high);
            }
            self.log.bound(self.items.len());
        }
        true
    }

    /// Reverses the order.
    pub fn reverse(&mut self) {
        self.rearrange(self.items.iter().rev().cloned().collect());
    }

    /// Sorts the items. The sort is stable.
    pub fn sort_by(&mut self, mut compare: impl FnMut(&T, &T) -> std::cmp::Ordering) {
        let mut items: Vec<Arc<T>> = self.items.iter().cloned().collect();
        items.sort_by(|a, b| compare(a, b));
        self.rearrange(items);
    }

    /// Sorts the items by a key. The sort is stable.
    pub fn sort_by_key<O: Ord>(&mut self, mut of: impl FnMut(&T) -> O) {
        self.sort_by(|a, b| of(a).cmp(&of(b)));
    }

    /// Moves the items with these keys to the front, in this order; the others follow in their old
    /// order.
    pub fn reorder<K: Serialize>(&mut self, keys: impl IntoIterator<Item = K>) {
        let mut front: Vec<Key> =
            keys.into_iter().map(|key| Key::of(&key)).filter(|key| self.position_of(key).is_some()).collect();
        let mut seen = HashSet::with_hasher(RandomState::default());
        front.retain(|key| seen.insert(key.clone()));
        let mut items: Vec<Arc<T>> =
            front.iter().filter_map(|key| self.items.get(self.position_of(key)?).cloned()).collect();
        items.extend(self.items.iter().filter(|item| !seen.contains(&item.key())).cloned());
        self.rearrange(items);
    }

    /// Keeps the items for which the closure returns `true`.
    pub fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        let dropped: Vec<Key> = self.iter().filter(|item| !keep(item)).map(Keyed::key).collect();
        if dropped.len() == self.items.len() {
            self.clear();
            return;
        }
        for key in dropped {
            if let Some(position) = self.position_of(&key) {
                self.take(position, &key);
            }
        }
    }

    /// Removes all items.
    pub fn clear(&mut self) {
        if !self.is_empty() {
            self.replace([]);
        }
    }

    /// Replaces all items. The page gets the whole list.
    pub fn replace(&mut self, items: impl IntoIterator<Item = T>) {
        self.replace_all(items.into_iter().map(Arc::new).collect());
    }

    /// Replaces all items. Of items with the same key, the last one is kept.
    fn replace_all(&mut self, mut items: Vec<Arc<T>>) {
        self.index = Index::of(items.iter().map(|item| item.key()));
        if !self.index.is_sorted() {
            let mut seen = HashSet::with_hasher(RandomState::default());
            items.reverse();
            items.retain(|item| seen.insert(item.key()));
            items.reverse();
        }
        self.items = items.into_iter().collect();
        self.log.replace();
    }

    fn take(&mut self, position: usize, key: &Key) -> Option<Arc<T>> {
        let item = self.items.remove(position)?;
        self.index.removed(&self.items, position);
        self.log.remove(key, &item);
        self.log.bound(self.items.len());
        Some(item)
    }

    /// Sets the same items in another order.
    fn rearrange(&mut self, items: Vec<Arc<T>>) {
        let keys: Vec<Key> = items.iter().map(|item| item.key()).collect();
        self.index = Index::of(keys.iter().cloned());
        self.items = items.into_iter().collect();
        self.log.order(keys);
    }
}

#[cfg(test)]
mod tests;
