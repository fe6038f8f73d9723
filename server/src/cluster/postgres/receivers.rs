//! Feeds and listeners, by what they listen to.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Receivers of a kind of notification.
pub(super) struct Receivers<K, R> {
    registered: Mutex<ReceiversByKey<K, R>>,
}

struct ReceiversByKey<K, R> {
    by_key: HashMap<K, BTreeMap<u64, R>>,
    last: u64,
}

/// The registration of a receiver. It ends when this is dropped.
pub(super) struct ReceiverGuard<K: Eq + Hash, R> {
    among: Weak<Receivers<K, R>>,
    key: K,
    number: u64,
}

impl<K, R> Default for Receivers<K, R> {
    fn default() -> Self {
        Self { registered: Mutex::new(ReceiversByKey { by_key: HashMap::new(), last: 0 }) }
    }
}

impl<K: Clone + Eq + Hash, R: Clone> Receivers<K, R> {
    pub(super) fn register(self: &Arc<Self>, key: K, receiver: R) -> ReceiverGuard<K, R> {
        let mut registered = self.lock();
        registered.last += 1;
        let number = registered.last;
        registered.by_key.entry(key.clone()).or_default().insert(number, receiver);
        ReceiverGuard { among: Arc::downgrade(self), key, number }
    }

    /// Returns the receivers of a key. They are called without the lock.
    pub(super) fn of(&self, key: &K) -> Vec<R> {
        self.lock().by_key.get(key).into_iter().flat_map(BTreeMap::values).cloned().collect()
    }

    pub(super) fn all(&self) -> Vec<R> {
        self.lock().by_key.values().flat_map(BTreeMap::values).cloned().collect()
    }

    /// Returns the keys that have receivers.
    pub(super) fn keys(&self) -> Vec<K> {
        self.lock().by_key.keys().cloned().collect()
    }
}

impl<K, R> Receivers<K, R> {
    fn lock(&self) -> MutexGuard<'_, ReceiversByKey<K, R>> {
        self.registered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash, R> Drop for ReceiverGuard<K, R> {
    fn drop(&mut self) {
        let Some(among) = self.among.upgrade() else { return };
        let mut registered = among.lock();
        let Some(of_key) = registered.by_key.get_mut(&self.key) else { return };
        let removed = of_key.remove(&self.number);
        if of_key.is_empty() {
            registered.by_key.remove(&self.key);
        }
        drop(registered);
        // Its own drop may come back here.
        drop(removed);
    }
}
