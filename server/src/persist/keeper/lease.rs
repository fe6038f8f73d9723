//! The lease of this process, and whether the store can be written.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::saving::every;
use super::{Keeper, RunningSessions};
use crate::persist::store::StoreError;

/// The maximum interval at which the store removes expired sessions.
const EXPIRY: Duration = Duration::from_secs(60);
/// How long the outcome of the last write to the store counts as current.
const CURRENT: Duration = Duration::from_secs(1);

/// Whether the store can be written; otherwise the error of the last attempt.
type StoreStatus = Result<(), Arc<StoreError>>;

/// The outcome of the last renewal, which is a write to the store.
#[derive(Default)]
pub(super) struct StoreProbe(tokio::sync::Mutex<Option<(Instant, StoreStatus)>>);

impl Keeper {
    /// Renews the lease of this process, and ends the sessions that another process has ended. The
    /// store returns such sessions until this process deletes them, which happens when they end.
    ///
    /// # Errors
    /// Returns the error of the store if the lease cannot be written.
    async fn renew_lease(&self, running: &impl RunningSessions) -> StoreStatus {
        let renewed = self.store.renew_lease(&self.process, self.lease).await;
        match renewed {
            Ok(ended) => {
                ended.iter().for_each(|session| running.revoke(session));
                Ok(())
            }
            Err(error) => {
                tracing::error!(%error, "cannot renew the lease of this process; retrying later");
                Err(Arc::new(error))
            }
        }
    }

    /// Checks whether the store can be written. The result is at most one second old.
    ///
    /// # Errors
    /// Returns the error of the store if it cannot be written.
    pub(crate) async fn probe(&self, running: &impl RunningSessions) -> StoreStatus {
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

/// Registers this process, renews its lease and makes the store remove expired sessions of other
/// processes, until the runtime is dropped or shuts down.
pub(crate) async fn run<R: RunningSessions + 'static>(
    running: Weak<R>,
    keeper: Weak<Keeper>,
    shutdown: CancellationToken,
) {
    let Some(lease) = keeper.upgrade().map(|keeper| keeper.lease) else { return };
    let mut renewed_at = Instant::now();
    let (mut renewals, mut expiries) = (every(lease / 3), every(EXPIRY.min(lease)));
    loop {
        let expires = tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            _ = renewals.tick() => false,
            _ = expiries.tick() => true,
        };
        let Some(keeper) = keeper.upgrade() else { return };
        if !expires {
            keeper.register(&running).await;
        }
        let Some(running) = running.upgrade() else { return };
        if !expires {
            // Other processes take over the sessions of a process that was suspended, and do not
            // always find one that they could ask.
            if renewed_at.elapsed() > lease {
                running.driven().iter().for_each(|session| keeper.changed(session));
            }
            renewed_at = Instant::now();
            let outcome = keeper.renew_lease(&*running).await;
            *keeper.probe.0.lock().await = Some((Instant::now(), outcome));
            continue;
        }
        match keeper.store.expire(&keeper.process).await {
            Ok(0) => {}
            Ok(expired) => tracing::debug!(expired, "removed expired sessions from the store"),
            Err(error) => {
                tracing::error!(%error, "cannot remove expired sessions from the store; retrying later");
            }
        }
    }
}
