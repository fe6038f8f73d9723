//! The orders that wait for a connection.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::DatabaseError;
use crate::order::Order;

/// The maximum number of queued orders. More are refused.
const CAPACITY: usize = 65_536;

/// The queue between the callers and the threads. Orders start in the order in which they were
/// queued, except that an order waits until all earlier orders with one of its keys have ended.
#[derive(Default)]
pub(super) struct Queue {
    lanes: Mutex<Lanes>,
    /// A permit for each order that may run, and more when the queue is closed.
    ready: Permits,
}

struct Permits(Semaphore);

impl Default for Permits {
    fn default() -> Self {
        Self(Semaphore::new(0))
    }
}

#[derive(Default)]
struct Lanes {
    next: u64,
    /// The orders that have not started, by the order of their arrival.
    waiting: BTreeMap<u64, Waiting>,
    /// Those of them that may start.
    ready: BTreeSet<u64>,
    /// The orders of each key: the first one may run or runs, the others wait for it.
    keys: HashMap<Box<str>, VecDeque<u64>>,
    is_closed: bool,
}

struct Waiting {
    order: Order,
    keys: Vec<Box<str>>,
    /// The number of keys of which an earlier order has not ended.
    blocked: usize,
    since: Instant,
}

/// An order that a thread runs, with the keys that it holds.
pub(super) struct TakenOrder {
    pub(super) order: Order,
    pub(super) keys: HeldKeys,
}

/// The keys of an order that has started.
pub(super) struct HeldKeys {
    id: u64,
    keys: Vec<Box<str>>,
}

impl Queue {
    /// Adds an order.
    ///
    /// # Errors
    /// Returns [`DatabaseError::Overloaded`] if the queue is full.
    pub(super) fn add(&self, order: Order, mut keys: Vec<Box<str>>) -> Result<(), DatabaseError> {
        keys.sort_unstable();
        keys.dedup();
        let mut lanes = self.lock();
        if lanes.waiting.len() >= CAPACITY {
            return Err(DatabaseError::Overloaded);
        }
        let id = lanes.next;
        lanes.next += 1;
        let mut blocked = 0;
        for key in &keys {
            let lane = lanes.keys.entry(key.clone()).or_default();
            blocked += usize::from(!lane.is_empty());
            lane.push_back(id);
        }
        lanes.waiting.insert(id, Waiting { order, keys, blocked, since: Instant::now() });
        if blocked == 0 {
            lanes.ready.insert(id);
            self.ready.0.add_permits(1);
        }
        Ok(())
    }

    /// Waits for an order that may start. Returns `None` when the queue is closed and empty.
    ///
    /// # Cancel safety
    /// No order is lost if the future is dropped.
    pub(super) async fn take(&self) -> Option<TakenOrder> {
        loop {
            // Closing adds permits and does not close the semaphore.
            self.ready.0.acquire().await.ok()?.forget();
            let mut lanes = self.lock();
            if let Some(taken) = lanes.take() {
                return Some(taken);
            }
            if lanes.is_finished() {
                // Wakes the next thread.
                self.ready.0.add_permits(1);
                return None;
            }
        }
    }

    /// Releases the keys of an order that has ended.
    pub(super) fn release(&self, held: &HeldKeys) {
        let mut lanes = self.lock();
        let freed = held.keys.iter().map(|key| lanes.leave(key, held.id)).sum();
        self.wake(&lanes, freed);
    }

    /// Removes the orders that have waited for longer than `limit`.
    pub(super) fn take_expired(&self, limit: Duration) -> Vec<Order> {
        let mut lanes = self.lock();
        let (mut expired, mut freed) = (Vec::new(), 0);
        while let Some(oldest) =
            lanes.waiting.first_entry().filter(|entry| entry.get().since.elapsed() > limit)
        {
            let (id, waiting) = oldest.remove_entry();
            lanes.ready.remove(&id);
            freed += waiting.keys.iter().map(|key| lanes.leave(key, id)).sum::<usize>();
            expired.push(waiting.order);
        }
        self.wake(&lanes, freed);
        expired
    }

    /// Checks whether no order waits or will.
    pub(super) fn is_finished(&self) -> bool {
        self.lock().is_finished()
    }

    /// Ends the threads, when they have run all queued orders.
    pub(super) fn close(&self) {
        let mut lanes = self.lock();
        lanes.is_closed = true;
        self.wake(&lanes, 0);
    }

    /// Wakes threads for orders that have become ready.
    fn wake(&self, lanes: &Lanes, freed: usize) {
        let last = usize::from(lanes.is_finished());
        self.ready.0.add_permits(freed + last);
    }

    fn lock(&self) -> MutexGuard<'_, Lanes> {
        // Nothing of the application runs under the lock.
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lanes {
    fn take(&mut self) -> Option<TakenOrder> {
        let id = self.ready.pop_first()?;
        let Waiting { order, keys, .. } = self.waiting.remove(&id)?;
        Some(TakenOrder { order, keys: HeldKeys { id, keys } })
    }

    fn is_finished(&self) -> bool {
        self.is_closed && self.waiting.is_empty()
    }

    /// Removes an order from the lane of a key. Returns how many orders have become ready.
    fn leave(&mut self, key: &str, id: u64) -> usize {
        let Some(lane) = self.keys.get_mut(key) else { return 0 };
        let was_first = lane.front() == Some(&id);
        lane.retain(|other| *other != id);
        let Some(first) = lane.front().copied() else {
            self.keys.remove(key);
            return 0;
        };
        let Some(next) = self.waiting.get_mut(&first).filter(|_| was_first) else { return 0 };
        next.blocked -= 1;
        usize::from(next.blocked == 0 && self.ready.insert(first))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::order::Ran;

    fn order(ran: &std::sync::Arc<Mutex<Vec<usize>>>, index: usize) -> Order {
        let ran = std::sync::Arc::clone(ran);
        Box::new(move |_| {
            ran.lock().unwrap().push(index);
            Ran { keep: false, finish: Box::new(|_| {}) }
        })
    }

    proptest! {
        /// Threads take and release in any order. Each order runs once, and those with a common key
        /// run one after the other, in the order of their arrival.
        #[test]
        fn orders_of_a_key_run_in_their_order(
            orders in prop::collection::vec(prop::collection::vec(0..4_u8, 0..3), 1..24),
            steps in prop::collection::vec(0..64_usize, 200),
        ) {
            let (queue, ran) = (Queue::default(), std::sync::Arc::default());
            let mut queued = 0;
            let mut running: Vec<(usize, HeldKeys)> = Vec::new();
            let mut steps = steps.into_iter();
            while queued < orders.len() || !running.is_empty() || !queue.lock().waiting.is_empty() {
                let step = steps.next().unwrap_or(0);
                if step % 3 == 0 && queued < orders.len() {
                    let keys = orders[queued].iter().map(|key| key.to_string().into()).collect();
                    queue.add(order(&ran, queued), keys).unwrap();
                    queued += 1;
                } else if step % 3 == 1 || running.is_empty() {
                    let permits = queue.ready.0.available_permits();
                    let taken = queue.lock().take();
                    prop_assert!(taken.is_none() || permits > 0);
                    let Some(taken) = taken else { continue };
                    queue.ready.0.forget_permits(1);
                    drop((taken.order)(Err(DatabaseError::Closed)));
                    let index = *ran.lock().unwrap().last().unwrap();
                    for (other, _) in &running {
                        prop_assert!(orders[index].iter().all(|key| !orders[*other].contains(key)));
                    }
                    running.push((index, taken.keys));
                } else {
                    let (_, held) = running.remove(step % running.len());
                    queue.release(&held);
                }
            }
            let ran = ran.lock().unwrap().clone();
            prop_assert_eq!(ran.len(), orders.len());
            for (at, later) in ran.iter().enumerate() {
                for earlier in ran.iter().skip(at + 1).filter(|earlier| *earlier < later) {
                    prop_assert!(orders[*later].iter().all(|key| !orders[*earlier].contains(key)));
                }
            }
            prop_assert!(queue.lock().keys.is_empty());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn expired_orders_free_those_behind_them() {
        let (queue, ran) = (Queue::default(), std::sync::Arc::default());
        let key = || vec![Box::from("a")];
        queue.add(order(&ran, 0), key()).unwrap();
        let first = queue.take().await.unwrap();
        queue.add(order(&ran, 1), key()).unwrap();
        tokio::time::advance(Duration::from_secs(3)).await;
        queue.add(order(&ran, 2), key()).unwrap();
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!(queue.take_expired(Duration::from_secs(5)).len(), 1);
        assert_eq!(queue.ready.0.available_permits(), 0);
        queue.release(&first.keys);
        drop((queue.take().await.unwrap().order)(Err(DatabaseError::Closed)));
        assert_eq!(*ran.lock().unwrap(), [2]);
        queue.close();
        assert!(queue.take().await.is_none());
        assert!(queue.take().await.is_none(), "each thread ends");
    }
}
