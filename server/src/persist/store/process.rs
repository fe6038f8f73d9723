//! Running processes, as a store knows them.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use vivaz_protocol::SessionId;

use super::Fence;

/// Receives the sessions that other processes ask a process to release. The call does not block.
#[derive(Clone)]
pub struct ReleaseListener(Arc<dyn Fn(&SessionId, Fence) + Send + Sync>);

impl ReleaseListener {
    /// Creates a listener. A store may call the function from any thread, and more than once for a
    /// session.
    pub fn new(asked: impl Fn(&SessionId, Fence) + Send + Sync + 'static) -> Self {
        Self(Arc::new(asked))
    }

    /// Reports that a process asks for a session that has this fence.
    pub fn ask(&self, session: &SessionId, fence: Fence) {
        (self.0)(session, fence);
    }
}

impl fmt::Debug for ReleaseListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReleaseListener").finish_non_exhaustive()
    }
}

/// Keeps a process registered in a store until it is dropped.
pub struct ProcessGuard(#[expect(dead_code, reason = "it acts when it is dropped")] Box<dyn Any + Send + Sync>);

impl ProcessGuard {
    /// Creates a guard of a value that ends the registration when it is dropped.
    pub fn new(registration: impl Any + Send + Sync) -> Self {
        Self(Box::new(registration))
    }
}

impl fmt::Debug for ProcessGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessGuard").finish_non_exhaustive()
    }
}
