//! Releases a session, because another process asks for it.

use std::sync::Arc;

use tokio::time::Instant;

use crate::persist::store::{ReleasedAs, WriteRefusal};
use crate::session::Session;
use crate::session::port::mail::EvictionReason;
use crate::telemetry::words::SessionEnd;

/// The outcome of a release.
pub(crate) enum ReleaseOutcome {
    /// The session continues in another process. The copy in memory is dropped.
    Released,
    /// The session has mail, which the caller handles before it tries again.
    HasMail(Box<Session>),
    /// The session cannot be saved, so the caller keeps it. The other process takes it as it is
    /// stored.
    Kept(Box<Session>),
}

impl Session {
    /// Checks whether a request with this generation of the secrets concerns the session as it is:
    /// no page has resumed it since.
    pub(crate) fn is_asked_for(&self, generation: u64) -> bool {
        self.supervisor.sessions.secrets(self.id()).is_some_and(|secrets| secrets.generation <= generation)
    }

    /// Saves the session and releases it in the store, so that another process continues it with
    /// exactly this state. No job may run, and there is no connection. `until` is the end of the
    /// suspension. No hook of the components is called.
    pub(crate) async fn release(mut self: Box<Self>, until: Instant) -> ReleaseOutcome {
        let supervisor = Arc::clone(&self.supervisor);
        let Some(keeper) = &supervisor.core().keeper else { return ReleaseOutcome::Kept(self) };
        match self.write_whole_and_wait(keeper, Some(until)).await {
            Ok(None) => {}
            Ok(Some(WriteRefusal::Ended)) => {
                self.port.revoke();
                return ReleaseOutcome::HasMail(self);
            }
            Ok(Some(WriteRefusal::Taken | WriteRefusal::Absent)) => {
                self.evict(EvictionReason::Taken);
                return ReleaseOutcome::Released;
            }
            Err(error) => {
                tracing::error!(session = %self.id(), %error, "cannot save a session that another process asks for");
                return ReleaseOutcome::Kept(self);
            }
        }
        // The shutdown may have removed and released it. It was not saved then.
        if !supervisor.sessions.contains(self.id()) {
            return ReleaseOutcome::Released;
        }
        if !self.port.close_without_mail() {
            return ReleaseOutcome::HasMail(self);
        }
        self.report_end(SessionEnd::Moved);
        self.persistence.begin_end();
        let (id, fence) = (self.id().clone(), self.port.fence());
        keeper.drop_writes(&id);
        tracing::debug!(session = %id, "session released for another process");
        // Dropped first: a `HELLO` that finds it in the map would wait for it.
        drop(self);
        if let Err(error) = keeper.store.release(&id, &keeper.process, fence, ReleasedAs::Exact).await {
            tracing::error!(session = %id, %error, "cannot release a session; retrying later");
            keeper.release(&id, fence, ReleasedAs::Exact);
        }
        ReleaseOutcome::Released
    }
}
