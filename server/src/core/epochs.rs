//! Epochs: the histories in which the revisions of a stream count.

use std::sync::atomic::{AtomicU64, Ordering};

use vivaz_protocol::Epoch;

/// The epoch of a component's stream. Stored as a number if it began in this process, because each
/// component of each session has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StreamEpoch {
    /// Began in this process.
    Own(u64),
    /// Began in a process that has ended, and continues here.
    Restored(Epoch),
}

/// Creates the epochs of this process.
pub(crate) struct Epochs {
    /// The random prefix of their texts, unique to this process.
    boot: Box<str>,
    next: AtomicU64,
}

impl Epochs {
    /// Creates the epochs of a process with this random name.
    pub(crate) fn new(boot: Box<str>) -> Self {
        Self { boot, next: AtomicU64::new(1) }
    }

    /// Begins an epoch.
    pub(crate) fn begin(&self) -> StreamEpoch {
        StreamEpoch::Own(self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// Returns the epoch in its form on the wire.
    pub(crate) fn text(&self, epoch: &StreamEpoch) -> Epoch {
        match epoch {
            StreamEpoch::Restored(epoch) => epoch.clone(),
            StreamEpoch::Own(number) => match Epoch::new(&format!("{}.{number:x}", self.boot)) {
                Ok(epoch) => epoch,
                Err(_) => unreachable!("the prefix of a process and a hexadecimal number are a valid epoch"),
            },
        }
    }
}
