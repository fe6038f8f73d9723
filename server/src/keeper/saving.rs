//! Saves what has changed, now and then.

use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use vivaz_protocol::SessionId;

use super::{Keeper, TOGETHER, Waiting, refused};
use crate::port::{Mail, Posted};
use crate::runtime::{Runtime, WeakRuntime};
use crate::store::{Owner, Refusal, Save, Snapshot, StoreError, TOMBSTONE, Whole};

impl Keeper {
    /// Writes what waits. What cannot be written waits again.
    ///
    /// # Errors
    /// The first error of the store; what does not depend on it is tried all the same.
    pub(crate) async fn flush(&self, runtime: &Runtime) -> Result<(), StoreError> {
        let _writing = self.writing.lock().await;
        let (snapshots, wholes, ended, revoked, released) = {
            let mut waiting = self.lock();
            (
                std::mem::take(&mut waiting.snapshots),
                std::mem::take(&mut waiting.wholes),
                waiting.ended.iter().cloned().collect::<Vec<_>>(),
                waiting.revoked.iter().cloned().collect::<Vec<_>>(),
                std::mem::take(&mut waiting.released),
            )
        };
        let saved = self.save_all(runtime, snapshots.into_values().collect()).await;
        let entered = self.enter_all(runtime, wholes.into_values().collect()).await;
        let deleted = self.delete_all(ended).await;
        let forgotten = self.forget_all(revoked).await;
        let released = self.release_all(runtime, released).await;
        saved.and(entered).and(deleted).and(forgotten).and(released)
    }

    async fn save_all(&self, runtime: &Runtime, snapshots: Vec<Snapshot>) -> Result<(), StoreError> {
        let mut left = snapshots;
        while !left.is_empty() {
            let some = left.split_off(left.len().saturating_sub(TOGETHER));
            match self.store.save(&self.process, some.clone()).await {
                Ok(all) => tell(runtime, all),
                Err(error) => {
                    tracing::error!(%error, "sessions could not be saved; they will be tried again");
                    left.extend(some);
                    self.lock().put_back(left);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    async fn enter_all(&self, runtime: &Runtime, wholes: Vec<Whole>) -> Result<(), StoreError> {
        let mut left = wholes;
        while !left.is_empty() {
            let some = left.split_off(left.len().saturating_sub(TOGETHER));
            match self.store.enter(&self.process, some.clone()).await {
                Ok(all) => tell(runtime, all),
                Err(error) => {
                    tracing::error!(%error, "sessions could not be written; they will be tried again");
                    left.extend(some);
                    self.lock().put_wholes_back(left);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    async fn delete_all(&self, ended: Vec<SessionId>) -> Result<(), StoreError> {
        if ended.is_empty() {
            return Ok(());
        }
        let deleted = self.store.delete(&self.process, ended.clone()).await;
        match &deleted {
            Ok(()) => {
                let mut waiting = self.lock();
                for session in &ended {
                    waiting.ended.remove(session);
                }
            }
            Err(error) => {
                tracing::error!(%error, "sessions that have ended could not be deleted; they will be tried again");
            }
        }
        deleted
    }

    async fn forget_all(&self, revoked: Vec<Owner>) -> Result<(), StoreError> {
        let mut outcome = Ok(());
        for owner in revoked {
            match self.store.forget_user(&owner).await {
                Ok(_count) => {
                    self.lock().revoked.remove(&owner);
                }
                Err(error) => {
                    tracing::error!(
                        %error,
                        "sessions of a user whose access was taken away are still in the store; they are \
                         not resumed here and will be tried again"
                    );
                    outcome = Err(error);
                }
            }
        }
        outcome
    }

    async fn release_all(&self, runtime: &Runtime, released: Vec<SessionId>) -> Result<(), StoreError> {
        let mut outcome = Ok(());
        for session in released {
            // The page may have come back meanwhile.
            if runtime.core().sessions.has(&session) {
                continue;
            }
            if let Err(error) = self.store.release(&session, &self.process).await {
                self.lock().released.push(session);
                outcome = Err(error);
            }
        }
        outcome
    }
}

impl Waiting {
    /// Takes snapshots back that were not written, except where there are newer ones.
    pub(super) fn put_back(&mut self, snapshots: Vec<Snapshot>) {
        for snapshot in snapshots {
            if !self.has_news_of(&snapshot.session) {
                self.snapshots.insert(snapshot.session.clone(), snapshot);
            }
        }
    }

    pub(super) fn put_wholes_back(&mut self, wholes: Vec<Whole>) {
        for whole in wholes {
            if !self.has_news_of(&whole.session) {
                self.wholes.insert(whole.session.clone(), whole);
            }
        }
    }

    fn has_news_of(&self, session: &SessionId) -> bool {
        self.snapshots.contains_key(session)
            || self.wholes.contains_key(session)
            || self.ended.contains(session)
    }
}

/// Tells sessions why the store does not take them.
fn tell(runtime: &Runtime, all: Vec<(SessionId, Refusal)>) {
    for (session, refusal) in all {
        if let Some(port) = runtime.core().sessions.port(&session) {
            refused(&port, refusal);
        }
    }
}

/// Saves what has changed until the runtime is gone or shuts down.
pub(super) async fn run(runtime: WeakRuntime, shutdown: CancellationToken) {
    let period = runtime.upgrade().and_then(|runtime| Some(period(runtime.core().keeper.as_ref()?)));
    let Some(period) = period else { return };
    // The first tick of each is at once. The audit is only due later: it finds sessions on which nothing
    // happens and that the store has lost.
    let (mut saves, mut audits) = (every(period), every(TOMBSTONE / 3));
    loop {
        let audit = tokio::select! {
            _ = saves.tick() => false,
            _ = audits.tick() => true,
            () = shutdown.cancelled() => return,
        };
        let Some(runtime) = runtime.upgrade() else { return };
        let core = runtime.core();
        let Some(keeper) = &core.keeper else { return };
        if audit {
            core.sessions.held().iter().for_each(|port| keeper.changed(port));
            continue;
        }
        let changed = std::mem::take(&mut keeper.lock().changed);
        let asked = !changed.is_empty();
        for port in changed {
            if port.post(Mail::Save, usize::MAX) == Posted::Unattended {
                runtime.attend(port.session());
            }
        }
        if asked {
            // Their tasks answer meanwhile, so that what changed is written in this round.
            tokio::time::sleep(period / 20).await;
        }
        // What could not be written was logged and waits for the next time.
        let _retried = keeper.flush(&runtime).await;
    }
}

fn period(keeper: &Keeper) -> Duration {
    match keeper.save {
        Save::Every(period) => period.max(Duration::from_millis(10)),
        Save::Always => Duration::from_secs(1),
    }
}

pub(super) fn every(period: Duration) -> tokio::time::Interval {
    let mut ticks = tokio::time::interval(period.max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
