//! Periodically writes changed sessions to the store, and deletes ended ones.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use vivaz_protocol::SessionId;

use super::{Amendment, Keeper, RunningSessions, TOGETHER, Waiting};
use crate::persist::store::{Refusal, Save, Snapshot, StoreError, TOMBSTONE, Whole};

impl Keeper {
    /// Writes what waits. What cannot be written waits again.
    ///
    /// # Errors
    /// The first error of the store. What does not depend on it is tried all the same, unless the
    /// store does not answer.
    pub(crate) async fn flush(&self, running: &impl RunningSessions) -> Result<(), StoreError> {
        let _writing = self.writing.lock().await;
        let steps = [
            self.save_all(running).boxed(),
            self.enter_all(running).boxed(),
            self.delete_all().boxed(),
            self.forget_all().boxed(),
            self.release_all(running).boxed(),
        ];
        let mut outcome = Ok(());
        for step in steps {
            let written = step.await;
            let is_silent = matches!(written, Err(StoreError::TimedOut));
            outcome = outcome.and(written);
            if is_silent {
                break;
            }
        }
        outcome
    }

    async fn save_all(&self, running: &impl RunningSessions) -> Result<(), StoreError> {
        let mut left: Vec<Snapshot> = std::mem::take(&mut self.lock().snapshots).into_values().collect();
        while !left.is_empty() {
            let some = left.split_off(left.len().saturating_sub(TOGETHER));
            match self.store.save(&self.process, some.clone()).await {
                Ok(all) => refuse(running, all),
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

    async fn enter_all(&self, running: &impl RunningSessions) -> Result<(), StoreError> {
        let mut left = self.lock().take_wholes();
        while !left.is_empty() {
            let some = left.split_off(left.len().saturating_sub(TOGETHER));
            match self.store.enter(&self.process, some.clone()).await {
                Ok(all) => {
                    self.lock().entered(&some);
                    refuse(running, all);
                }
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

    async fn delete_all(&self) -> Result<(), StoreError> {
        let ended: Vec<SessionId> = self.lock().ended.iter().cloned().collect();
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

    async fn forget_all(&self) -> Result<(), StoreError> {
        let revoked = self.lock().revoked.clone();
        let mut outcome = Ok(());
        for (owner, times) in revoked {
            match self.store.forget_user(&owner).await {
                Ok(_count) => {
                    let mut waiting = self.lock();
                    // Access may have been taken away again meanwhile, from sessions that the store has not seen.
                    if waiting.revoked.get(&owner) == Some(&times) {
                        waiting.revoked.remove(&owner);
                    }
                }
                Err(error) => {
                    tracing::error!(
                        %error,
                        "sessions of a user whose access was taken away are still in the store; they are \
                         not resumed here and will be tried again"
                    );
                    let is_silent = matches!(error, StoreError::TimedOut);
                    outcome = Err(error);
                    if is_silent {
                        break;
                    }
                }
            }
        }
        outcome
    }

    async fn release_all(&self, running: &impl RunningSessions) -> Result<(), StoreError> {
        let mut left: Vec<SessionId> = std::mem::take(&mut self.lock().released).into_iter().collect();
        while let Some(session) = left.pop() {
            // The page may have come back meanwhile.
            if !running.contains(&session)
                && let Err(error) = self.store.release(&session, &self.process).await
            {
                tracing::error!(%error, "a claimed session could not be released; it will be tried again");
                left.push(session);
                self.lock().released.extend(left);
                return Err(error);
            }
        }
        Ok(())
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

    /// Takes the whole sessions that are to be written now.
    pub(super) fn take_wholes(&mut self) -> Vec<Whole> {
        let wholes: Vec<Whole> = std::mem::take(&mut self.wholes).into_values().collect();
        self.entering.extend(wholes.iter().map(|whole| (whole.session.clone(), Vec::new())));
        wholes
    }

    /// Notes that the store has answered for these.
    pub(super) fn entered(&mut self, wholes: &[Whole]) {
        for whole in wholes {
            self.entering.remove(&whole.session);
        }
    }

    /// Takes whole sessions back that were not written, except where there are newer ones. A snapshot
    /// is not newer: it does not say which components are gone.
    pub(super) fn put_wholes_back(&mut self, wholes: Vec<Whole>) {
        for mut whole in wholes {
            for amendment in self.entering.remove(&whole.session).unwrap_or_default() {
                amendment.apply(&mut whole);
            }
            let session = &whole.session;
            if self.wholes.contains_key(session) || self.has_ended(session) {
                continue;
            }
            self.snapshots.remove(session);
            self.wholes.insert(session.clone(), whole);
        }
    }

    /// Notes what is written of a session by itself, in what waits to be written whole.
    pub(super) fn amend(&mut self, session: &SessionId, amendment: Amendment) {
        if let Some(whole) = self.wholes.get_mut(session) {
            amendment.apply(whole);
        }
        if let Some(amendments) = self.entering.get_mut(session) {
            amendments.push(amendment);
        }
    }

    /// Drops what waits of a session.
    pub(super) fn drop_session(&mut self, session: &SessionId) {
        self.snapshots.remove(session);
        self.wholes.remove(session);
    }

    fn has_news_of(&self, session: &SessionId) -> bool {
        self.snapshots.contains_key(session) || self.wholes.contains_key(session) || self.has_ended(session)
    }

    pub(super) fn has_ended(&self, session: &SessionId) -> bool {
        self.ending.contains(session) || self.ended.contains(session)
    }
}

/// Passes on why the store does not take sessions.
fn refuse(running: &impl RunningSessions, all: Vec<(SessionId, Refusal)>) {
    for (session, refusal) in all {
        running.refused(&session, refusal);
    }
}

/// Saves changed sessions until the runtime is gone or shuts down.
///
/// A change is in the store one interval later: a session is asked for its state after three quarters
/// to seven eighths of it, and its answer is written at once. The two are tasks of their own, so that
/// neither a session that does not answer nor a slow store delays the others.
pub(crate) async fn run(
    running: Weak<impl RunningSessions>,
    keeper: Weak<Keeper>,
    shutdown: CancellationToken,
) {
    let known = keeper.upgrade().map(|keeper| (period(&keeper), Arc::clone(&keeper.answered)));
    let Some((period, answered)) = known else { return };
    tokio::join!(
        ask(&running, &keeper, &shutdown, period),
        write(&running, &keeper, &shutdown, period, &answered)
    );
}

/// Asks sessions for their states, each a while after its first change since it was asked.
async fn ask(
    running: &Weak<impl RunningSessions>,
    keeper: &Weak<Keeper>,
    shutdown: &CancellationToken,
    period: Duration,
) {
    // The first tick of each is at once. The audit is only due later: it finds sessions on which
    // nothing happens and that the store has lost.
    let (mut looks, mut audits) = (every(period / 8), every(TOMBSTONE / 3));
    loop {
        let audit = tokio::select! {
            _ = looks.tick() => false,
            _ = audits.tick() => true,
            () = shutdown.cancelled() => return,
        };
        let (Some(running), Some(keeper)) = (running.upgrade(), keeper.upgrade()) else { return };
        if audit {
            running.driven().iter().for_each(|session| keeper.changed(session));
            continue;
        }
        let Some(until) = Instant::now().checked_sub(period * 3 / 4) else { continue };
        for session in keeper.take_changed(until) {
            running.ask_to_save(&session);
        }
    }
}

/// Writes the states that sessions have answered with. Those that come while the store writes are
/// written together.
async fn write(
    running: &Weak<impl RunningSessions>,
    keeper: &Weak<Keeper>,
    shutdown: &CancellationToken,
    period: Duration,
    answered: &Notify,
) {
    let mut retries = every(period);
    let mut has_failed = false;
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = retries.tick() => {}
            // A store that fails is not asked more often than that.
            () = answered.notified(), if !has_failed => {}
        }
        let (Some(running), Some(keeper)) = (running.upgrade(), keeper.upgrade()) else { return };
        // States that could not be written were logged and wait for the next time.
        has_failed = keeper.flush(&*running).await.is_err();
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
