//! What a node sends to the others.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};

use super::statements::TopicKey;

/// The most messages, and bytes of messages, that wait. Further ones are dropped.
const MOST_MESSAGES: usize = 1_024;
const MOST_BYTES: usize = 8 << 20;

/// What waits until the previous batch is sent.
#[derive(Default)]
pub(super) struct NodeOutbox {
    waiting: Mutex<NodeBatch>,
    wake: Notify,
    dropped: AtomicU64,
}

/// What is sent together.
#[derive(Default)]
pub(super) struct NodeBatch {
    pub(super) messages: VecDeque<Vec<u8>>,
    bytes: usize,
    /// The newest revisions of topics.
    pub(super) topics: HashMap<TopicKey, u64>,
    /// Those who wait until the batch is sent.
    pub(super) flushes: Vec<oneshot::Sender<Result<(), String>>>,
}

impl NodeOutbox {
    /// Queues a message, or drops it.
    pub(super) fn send(&self, message: Vec<u8>) {
        let mut waiting = self.lock();
        if waiting.messages.len() >= MOST_MESSAGES || waiting.bytes + message.len() > MOST_BYTES {
            drop(waiting);
            return self.count_dropped(1);
        }
        waiting.bytes += message.len();
        waiting.messages.push_back(message);
        drop(waiting);
        self.wake.notify_one();
    }

    /// Queues the notification that a topic has a new entry.
    pub(super) fn notify(&self, topic: TopicKey, rev: u64) {
        let mut waiting = self.lock();
        let newest = waiting.topics.entry(topic).or_default();
        *newest = rev.max(*newest);
        drop(waiting);
        self.wake.notify_one();
    }

    /// Returns a receiver of the outcome of what was queued before.
    pub(super) fn flush(&self) -> oneshot::Receiver<Result<(), String>> {
        let (sent, is_sent) = oneshot::channel();
        self.lock().flushes.push(sent);
        self.wake.notify_one();
        is_sent
    }

    /// Waits until there is something to send.
    pub(super) async fn take(&self) -> NodeBatch {
        loop {
            let batch = std::mem::take(&mut *self.lock());
            if !batch.messages.is_empty() || !batch.topics.is_empty() || !batch.flushes.is_empty() {
                return batch;
            }
            self.wake.notified().await;
        }
    }

    pub(super) fn count_dropped(&self, messages: usize) {
        if messages > 0 {
            tracing::warn!(messages, "messages to other nodes are dropped");
            self.dropped.fetch_add(messages as u64, Ordering::Relaxed);
        }
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, NodeBatch> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
