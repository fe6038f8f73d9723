//! Feeds and listeners, by what they listen to.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::node::NodeState;

/// Receivers of a kind of notification.
pub(super) struct Registered<K, R> {
    receivers: Mutex<Receivers<K, R>>,
}

struct Receivers<K, R> {
    by_key: HashMap<K, BTreeMap<u64, R>>,
    next: u64,
}

impl<K, R> Default for Registered<K, R> {
    fn default() -> Self {
        Self { receivers: Mutex::new(Receivers { by_key: HashMap::new(), next: 0 }) }
    }
}

impl<K: Eq + Hash, R: Clone> Registered<K, R> {
    /// Returns the receivers of a key. They are called without the lock.
    pub(super) fn of(&self, key: &K) -> Vec<R> {
        self.lock().by_key.get(key).into_iter().flat_map(BTreeMap::values).cloned().collect()
    }

    pub(super) fn all(&self) -> Vec<R> {
        self.lock().by_key.values().flat_map(BTreeMap::values).cloned().collect()
    }
}

impl<K, R> Registered<K, R> {
    fn lock(&self) -> MutexGuard<'_, Receivers<K, R>> {
        self.receivers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A receiver. It ends when this is dropped.
pub(super) struct Registration<K: Eq + Hash, R> {
    state: Weak<NodeState>,
    among: fn(&NodeState) -> &Registered<K, R>,
    key: K,
    number: u64,
}

impl<K: Clone + Eq + Hash, R> Registration<K, R> {
    pub(super) fn new(
        state: &Arc<NodeState>,
        among: fn(&NodeState) -> &Registered<K, R>,
        key: K,
        receiver: R,
    ) -> Self {
        let mut receivers = among(state).lock();
        receivers.next += 1;
        let number = receivers.next;
        receivers.by_key.entry(key.clone()).or_default().insert(number, receiver);
        drop(receivers);
        Self { state: Arc::downgrade(state), among, key, number }
    }
}

impl<K: Eq + Hash, R> Drop for Registration<K, R> {
    fn drop(&mut self) {
        let Some(state) = self.state.upgrade() else { return };
        let mut receivers = (self.among)(&state).lock();
        let Some(of_key) = receivers.by_key.get_mut(&self.key) else { return };
        let removed = of_key.remove(&self.number);
        if of_key.is_empty() {
            receivers.by_key.remove(&self.key);
        }
        drop(receivers);
        // Its own drop may come back here.
        drop(removed);
    }
}
