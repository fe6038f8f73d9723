//! Hands a pipe in memory to the handler of an upgrade, in place of the request's own stream.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::AbortHandle;
use vivaz_components::Identity;

use super::memory::Memory;

/// A pipe in place of the socket, for a request that asks for one. The handler of the upgrade takes it over.
#[derive(Clone)]
pub(crate) struct Handover(Arc<Mutex<Handed>>);

pub(crate) struct Handed {
    memory: Option<Memory>,
    /// The identity that the application's hook returned.
    pub(crate) identity: Option<Identity>,
    pub(crate) task: Option<AbortHandle>,
}

impl Handover {
    pub(crate) fn new(memory: Memory) -> Self {
        Self(Arc::new(Mutex::new(Handed { memory: Some(memory), identity: None, task: None })))
    }

    /// Takes the server's end of the pipe, and notes who the client is.
    pub(crate) fn take(&self, identity: Option<&Identity>) -> Option<Memory> {
        let mut handed = self.lock();
        handed.identity = identity.cloned();
        handed.memory.take()
    }

    /// Notes which task serves the connection.
    pub(crate) fn served_by(&self, task: AbortHandle) {
        self.lock().task = Some(task);
    }

    /// Returns what the handler of the upgrade noted.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Handed> {
        // A test that panics elsewhere has failed already.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
