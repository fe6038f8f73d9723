//! Epochs: in which of its lives a stream counts its revisions.

use std::sync::atomic::{AtomicU64, Ordering};

use vivaz_protocol::Epoch;

/// The epoch of a component's stream. There is one for each component of each session, so an epoch
/// that begins in this process is a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StreamEpoch {
    /// Begun in this process.
    Own(u64),
    /// Begun in a process that has ended, and continued here.
    Restored(Epoch),
}

/// Makes the epochs of this process.
pub(crate) struct Epochs {
    /// The start of each of their texts: no other process has it.
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

    /// Returns an epoch as it is on the wire.
    pub(crate) fn text(&self, epoch: &StreamEpoch) -> Epoch {
        match epoch {
            StreamEpoch::Restored(epoch) => epoch.clone(),
            StreamEpoch::Own(number) => match Epoch::new(&format!("{}.{number:x}", self.boot)) {
                Ok(epoch) => epoch,
                Err(_) => unreachable!("the process's own part and a number in hexadecimal are an epoch"),
            },
        }
    }
}
