//! The changes of a list since the last patch.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use triomphe::Arc;

use super::key::Key;
use crate::tracking::next_version;

/// The least number of operations at which a log gives up, and the whole list is sent.
const LEAST: usize = 64;

/// The operations since a version of the list that a page has.
pub(super) struct ListLog<T> {
    /// The version to which the operations apply.
    pub(super) base: u64,
    /// Boxed, because most lists have no changes most of the time.
    ops: Option<Box<ListOps<T>>>,
}

/// The recorded operations.
pub(super) struct ListOps<T> {
    /// Insertions, removals and moves, in order.
    pub(super) places: Vec<Rearrangement<T>>,
    /// For each key that the page does not have yet, the index of its insertion in `places`: later
    /// changes of the item go there.
    inserted: HashMap<Key, usize, RandomState>,
    /// Items that the page has and that changed, before and after the change. They are sent after
    /// `places`, which do not depend on them.
    pub(super) updated: HashMap<Key, (Arc<T>, Arc<T>), RandomState>,
    /// Whether the whole list is sent.
    pub(super) replaced: bool,
}

/// A change of the set of items, or of their order.
pub(super) enum Rearrangement<T> {
    Insert(usize, Arc<T>),
    /// With the item as the page has it, or as it was inserted since: its size is subtracted.
    Remove(Key, Arc<T>),
    Move(Key, usize),
    Order(Vec<Key>),
}

impl<T> ListLog<T> {
    fn open(&mut self) -> Option<&mut ListOps<T>> {
        let ops = self.ops.get_or_insert_with(|| Box::new(ListOps::default()));
        (!ops.replaced).then_some(ops)
    }

    pub(super) fn insert(&mut self, position: usize, key: &Key, item: &Arc<T>) {
        if let Some(ops) = self.open() {
            ops.inserted.insert(key.clone(), ops.places.len());
            ops.places.push(Rearrangement::Insert(position, item.clone()));
        }
    }

    pub(super) fn remove(&mut self, key: &Key, item: &Arc<T>) {
        if let Some(ops) = self.open() {
            ops.inserted.remove(key);
            let before = ops.updated.remove(key).map_or_else(|| Arc::clone(item), |(before, _)| before);
            ops.places.push(Rearrangement::Remove(key.clone(), before));
        }
    }

    pub(super) fn update(&mut self, key: Key, before: Arc<T>, now: &Arc<T>) {
        let Some(ops) = self.open() else { return };
        if let Some(at) = ops.inserted.get(&key)
            && let Some(Rearrangement::Insert(_, item)) = ops.places.get_mut(*at)
        {
            *item = now.clone();
            return;
        }
        ops.updated.entry(key).or_insert_with(|| (before, now.clone())).1 = now.clone();
    }

    pub(super) fn move_to(&mut self, key: Key, position: usize) {
        if let Some(ops) = self.open() {
            ops.places.push(Rearrangement::Move(key, position));
        }
    }

    pub(super) fn order(&mut self, keys: Vec<Key>) {
        if let Some(ops) = self.open() {
            // An order defines all positions, so an order or a move right before it has no effect.
            while matches!(ops.places.last(), Some(Rearrangement::Order(_) | Rearrangement::Move(..))) {
                ops.places.pop();
            }
            ops.places.push(Rearrangement::Order(keys));
        }
    }

    pub(super) fn replace(&mut self) {
        self.ops = Some(Box::new(ListOps { replaced: true, ..ListOps::default() }));
    }

    /// Gives up a log that is longer than the list itself.
    pub(super) fn bound(&mut self, len: usize) {
        if let Some(ops) = &self.ops
            && !ops.replaced
            && ops.places.len() + ops.updated.len() > len + LEAST
        {
            self.replace();
        }
    }
}

impl<T> ListLog<T> {
    /// Creates the log of a list that no page has.
    pub(super) fn new() -> Self {
        Self { base: next_version(), ops: None }
    }

    /// Returns the operations, if there are any.
    pub(super) fn ops(&self) -> Option<&ListOps<T>> {
        self.ops.as_deref()
    }

    /// Drops operations that had no effect.
    pub(super) fn cancel(&mut self) {
        self.ops = None;
    }

    /// Starts a new version: the page has the operations.
    pub(super) fn settle(&mut self) {
        if self.ops.take().is_some() {
            self.base = next_version();
        }
    }
}

impl<T> Clone for ListLog<T> {
    fn clone(&self) -> Self {
        Self { base: self.base, ops: self.ops.clone() }
    }
}

impl<T> Default for ListOps<T> {
    fn default() -> Self {
        Self {
            places: Vec::new(),
            inserted: HashMap::default(),
            updated: HashMap::default(),
            replaced: false,
        }
    }
}

impl<T> Clone for ListOps<T> {
    fn clone(&self) -> Self {
        Self {
            places: self.places.clone(),
            inserted: self.inserted.clone(),
            updated: self.updated.clone(),
            replaced: self.replaced,
        }
    }
}

impl<T> Clone for Rearrangement<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Insert(position, item) => Self::Insert(*position, item.clone()),
            Self::Remove(key, before) => Self::Remove(key.clone(), before.clone()),
            Self::Move(key, position) => Self::Move(key.clone(), *position),
            Self::Order(keys) => Self::Order(keys.clone()),
        }
    }
}

impl<T> ListOps<T> {
    /// Returns how many items have to be written, compared with those of the whole list.
    pub(super) fn weight(&self) -> usize {
        let inserts = self.places.iter().filter(|place| matches!(place, Rearrangement::Insert(..))).count();
        inserts + self.updated.len()
    }
}
