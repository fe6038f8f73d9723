//! Passes a transport in memory to the upgrade handler, in place of the request's stream.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::AbortHandle;
use vivaz_components::Identity;

use super::encoding::Encoding;
use super::memory::MemoryTransport;

/// A request extension that carries a transport in memory. The upgrade handler takes the transport
/// and records the connection's task.
#[derive(Clone)]
pub(crate) struct Handover(Arc<Mutex<HandoverState>>);

/// The state of a handover.
pub(crate) struct HandoverState {
    /// `None` once the upgrade handler has taken it.
    memory: Option<MemoryTransport>,
    /// The identity that the application's hook returned; `None` if it refused the client.
    pub(crate) identity: Option<Identity>,
    /// The task that serves the connection.
    pub(crate) task: Option<AbortHandle>,
}

impl Handover {
    pub(crate) fn new(memory: MemoryTransport) -> Self {
        Self(Arc::new(Mutex::new(HandoverState { memory: Some(memory), identity: None, task: None })))
    }

    /// Takes the server's end of the transport, for messages in this encoding of at most
    /// `max_message` bytes, and records the client's identity.
    pub(crate) fn take(
        &self,
        identity: Option<&Identity>,
        encoding: Encoding,
        max_message: usize,
    ) -> Option<MemoryTransport> {
        let mut handed = self.lock();
        handed.identity = identity.cloned();
        let mut memory = handed.memory.take()?;
        (memory.encoding, memory.max_message) = (encoding, max_message);
        Some(memory)
    }

    /// Records the task that serves the connection.
    pub(crate) fn served_by(&self, task: AbortHandle) {
        self.lock().task = Some(task);
    }

    /// Returns the recorded state.
    pub(crate) fn lock(&self) -> MutexGuard<'_, HandoverState> {
        // The state stays consistent if a test panics while it holds the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
