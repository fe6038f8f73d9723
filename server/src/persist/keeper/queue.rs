//! A queue of sessions.

use std::collections::{BTreeMap, HashMap};

use vivaz_protocol::SessionId;

/// Values of sessions in the order in which the sessions were added. A session is in the queue at
/// most once.
pub(super) struct SessionQueue<T> {
    entries: HashMap<SessionId, QueuedSession<T>>,
    order: BTreeMap<u64, SessionId>,
    next: u64,
}

struct QueuedSession<T> {
    position: u64,
    value: T,
}

impl<T> Default for SessionQueue<T> {
    fn default() -> Self {
        Self { entries: HashMap::new(), order: BTreeMap::new(), next: 0 }
    }
}

impl<T> SessionQueue<T> {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn contains(&self, session: &SessionId) -> bool {
        self.entries.contains_key(session)
    }

    pub(super) fn get(&self, session: &SessionId) -> Option<&T> {
        self.entries.get(session).map(|entry| &entry.value)
    }

    pub(super) fn get_mut(&mut self, session: &SessionId) -> Option<&mut T> {
        self.entries.get_mut(session).map(|entry| &mut entry.value)
    }

    /// Appends a session. A session that is in the queue keeps its position and gets the new value.
    pub(super) fn insert(&mut self, session: SessionId, value: T) {
        if let Some(entry) = self.entries.get_mut(&session) {
            entry.value = value;
            return;
        }
        let position = self.next;
        self.next += 1;
        self.order.insert(position, session.clone());
        self.entries.insert(session, QueuedSession { position, value });
    }

    pub(super) fn remove(&mut self, session: &SessionId) -> Option<T> {
        let entry = self.entries.remove(session)?;
        self.order.remove(&entry.position);
        Some(entry.value)
    }

    /// Moves a session behind all others.
    pub(super) fn move_to_back(&mut self, session: &SessionId) {
        if let Some(value) = self.remove(session) {
            self.insert(session.clone(), value);
        }
    }

    /// Returns the first sessions with their values, at most `count`.
    pub(super) fn first(&self, count: usize) -> Vec<(SessionId, T)>
    where
        T: Copy,
    {
        let first = self.order.values().take(count);
        first.filter_map(|session| Some((session.clone(), *self.get(session)?))).collect()
    }

    /// Removes and returns the first value, if `is_due` accepts it.
    pub(super) fn pop_if(&mut self, is_due: impl FnOnce(&T) -> bool) -> Option<(SessionId, T)> {
        let first = self.order.values().next()?.clone();
        if !is_due(&self.entries.get(&first)?.value) {
            return None;
        }
        let value = self.remove(&first)?;
        Some((first, value))
    }

    /// Removes and returns the first values, at most `count`.
    pub(super) fn take(&mut self, count: usize) -> Vec<T> {
        std::iter::from_fn(|| self.pop_if(|_| true)).map(|(_, value)| value).take(count).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> SessionId {
        SessionId::new(name).unwrap()
    }

    #[test]
    fn sessions_keep_their_order_and_are_queued_once() {
        let mut queue = SessionQueue::default();
        for (name, value) in [("a", 1), ("b", 2), ("c", 3), ("a", 4), ("d", 5)] {
            queue.insert(id(name), value);
        }
        assert_eq!(queue.first(3), [(id("a"), 4), (id("b"), 2), (id("c"), 3)]);
        assert_eq!(queue.remove(&id("b")), Some(2));
        queue.move_to_back(&id("c"));
        assert_eq!(queue.pop_if(|value| *value > 4), None);
        assert_eq!(queue.take(2), [4, 5]);
        assert_eq!((queue.len(), queue.take(2), queue.order.len()), (1, vec![3], 0));
    }
}
