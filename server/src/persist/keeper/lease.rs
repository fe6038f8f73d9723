//! The lease of this process, and whether the store can be written.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::saving::every;
use super::{Keeper, RunningSessions};
use crate::persist::store::StoreError;

/// How often the store is asked to remove what is not good any more, at most.
const EXPIRY: Duration = Duration::from_secs(60);
/// How long the outcome of the last write to the store counts as current.
const CURRENT: Duration = Duration::from_secs(1);

/// Whether the store can be written; else why not.
type Writable = Result<(), Arc<StoreError>>;

/// The outcome of the last renewal, which is a write to the store.
#[derive(Default)]
pub(super) struct Probe(tokio::sync::Mutex<Option<(Instant, Writable)>>);

impl Keeper {
    /// Renews the lease of this process. Sessions that another process has ended end here too; the
    /// store names them until they are deleted by this process, which their end causes.
    ///
    /// # Errors
    /// Why the store cannot be written.
    async fn renew_lease(&self, running: &impl RunningSessions) -> Writable {
        let renewed = self.store.renew_lease(&self.process, self.lease).await;
        match renewed {
            Ok(ended) => {
                ended.iter().for_each(|session| running.revoke(session));
                Ok(())
            }
            Err(error) => {
                tracing::error!(%error, "the lease of this process could not be renewed; it will be tried again");
                Err(Arc::new(error))
            }
        }
    }

    /// Returns whether the store can be written, as of at most a second ago.
    ///
    /// # Errors
    /// Why it cannot.
    pub(crate) async fn probe(&self, running: &impl RunningSessions) -> Writable {
        let mut last = self.probe.0.lock().await;
        if let Some((at, outcome)) = &*last
            && at.elapsed() < CURRENT
        {
            return outcome.clone();
        }
        let outcome = self.renew_lease(running).await;
        *last = Some((Instant::now(), outcome.clone()));
        outcome
    }
}

/// Keeps the lease, and lets the store expire what other processes left, until the runtime is gone
/// or shuts down.
pub(crate) async fn run(
    running: Weak<impl RunningSessions>,
    keeper: Weak<Keeper>,
    shutdown: CancellationToken,
) {
    let Some(lease) = keeper.upgrade().map(|keeper| keeper.lease) else { return };
    let (mut renewals, mut expiries) = (every(lease / 3), every(EXPIRY.min(lease)));
    loop {
        let expires = tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            _ = renewals.tick() => false,
            _ = expiries.tick() => true,
        };
        let (Some(running), Some(keeper)) = (running.upgrade(), keeper.upgrade()) else { return };
        if !expires {
            let outcome = keeper.renew_lease(&*running).await;
            *keeper.probe.0.lock().await = Some((Instant::now(), outcome));
            continue;
        }
        match keeper.store.expire(&keeper.process).await {
            Ok(0) => {}
            Ok(expired) => tracing::debug!(expired, "expired sessions were removed from the store"),
            Err(error) => {
                tracing::error!(%error, "the store cannot remove expired sessions; it will be tried again");
            }
        }
    }
}
