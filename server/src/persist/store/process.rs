//! Running processes, as a store knows them.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use vivaz_protocol::SessionId;

use super::Fence;

/// A process asks for a session that another one runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseRequest {
    /// The session.
    pub session: SessionId,
    /// The fence of the session when the process looked at it.
    pub fence: Fence,
    /// The generation of its secrets then. If it is higher by now, the page has come back to the
    /// holder since, and the request has no effect.
    pub generation: u64,
}

/// Receives the sessions that other processes ask a process to release. The call does not block.
#[derive(Clone)]
pub struct ReleaseListener(Arc<dyn Fn(ReleaseRequest) + Send + Sync>);

impl ReleaseListener {
    /// Creates a listener. A store may call the function from any thread, and more than once for a
    /// session.
    pub fn new(asked: impl Fn(ReleaseRequest) + Send + Sync + 'static) -> Self {
        Self(Arc::new(asked))
    }

    /// Passes a request on.
    pub fn ask(&self, request: ReleaseRequest) {
        (self.0)(request);
    }
}

impl fmt::Debug for ReleaseListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReleaseListener").finish_non_exhaustive()
    }
}

/// Keeps a process registered in a store until it is dropped.
pub struct ProcessGuard(
    #[expect(dead_code, reason = "it acts when it is dropped")] Box<dyn Any + Send + Sync>,
);

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
