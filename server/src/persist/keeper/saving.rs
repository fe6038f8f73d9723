//! Periodically writes changed sessions to the store and deletes ended ones.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use vivaz_protocol::SessionId;

use super::{Amendment, BATCH, Keeper, PendingWrites, RunningSessions};
use crate::persist::store::{Save, SessionState, Snapshot, StoreError, TOMBSTONE, WriteRefusal};

impl Keeper {
    /// Writes the queue. Failed writes are queued again.
    ///
    /// # Errors
    /// Returns the first error of the store. Independent writes are attempted in spite of it,
    /// unless the store timed out.
    pub(crate) async fn flush(&self, running: &impl RunningSessions) -> Result<(), StoreError> {
        let _writing = self.writing.lock().await;
        let steps = [
            self.save_all(running).boxed(),
            self.write_complete(running).boxed(),
            self.delete_all().boxed(),
            self.forget_all().boxed(),
            self.release_all(running).boxed(),
        ];
        let mut outcome = Ok(());
        for step in steps {
            let written = step.await;
            let timed_out = matches!(written, Err(StoreError::TimedOut));
            outcome = outcome.and(written);
            if timed_out {
                break;
            }
        }
        outcome
    }

    async fn save_all(&self, running: &impl RunningSessions) -> Result<(), StoreError> {
        let mut left: Vec<Snapshot> = std::mem::take(&mut self.lock().snapshots).into_values().collect();
        while !left.is_empty() {
            let some = left.split_off(left.len().saturating_sub(BATCH));
            match self.store.save(&self.process, some.clone()).await {
                Ok(all) => report_refusals(running, all),
                Err(error) => {
                    tracing::error!(%error, "cannot save sessions; retrying later");
                    left.extend(some);
                    self.lock().put_back(left);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    async fn write_complete(&self, running: &impl RunningSessions) -> Result<(), StoreError> {
        let mut left = self.lock().take_complete();
        while !left.is_empty() {
            let some = left.split_off(left.len().saturating_sub(BATCH));
            match self.store.enter(&self.process, some.clone()).await {
                Ok(all) => {
                    self.lock().complete_written(&some);
                    report_refusals(running, all);
                }
                Err(error) => {
                    tracing::error!(%error, "cannot write complete sessions; retrying later");
                    left.extend(some);
                    self.lock().put_complete_back(left);
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
                let mut pending = self.lock();
                for session in &ended {
                    pending.ended.remove(session);
                }
            }
            Err(error) => {
                tracing::error!(%error, "cannot delete ended sessions; retrying later");
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
                    let mut pending = self.lock();
                    // Access may have been revoked again meanwhile, for sessions that were not in
                    // the store yet.
                    if pending.revoked.get(&owner) == Some(&times) {
                        pending.revoked.remove(&owner);
                    }
                }
                Err(error) => {
                    tracing::error!(
                        %error,
                        "cannot delete sessions of a revoked user; this process does not resume them; \
                         retrying later"
                    );
                    let timed_out = matches!(error, StoreError::TimedOut);
                    outcome = Err(error);
                    if timed_out {
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
            // The page may have resumed the session meanwhile.
            if !running.contains(&session)
                && let Err(error) = self.store.release(&session, &self.process).await
            {
                tracing::error!(%error, "cannot release a claimed session; retrying later");
                left.push(session);
                self.lock().released.extend(left);
                return Err(error);
            }
        }
        Ok(())
    }
}

impl PendingWrites {
    /// Queues snapshots again that were not written, except for sessions with newer ones.
    pub(super) fn put_back(&mut self, snapshots: Vec<Snapshot>) {
        for snapshot in snapshots {
            if !self.has_newer(&snapshot.session) {
                self.snapshots.insert(snapshot.session.clone(), snapshot);
            }
        }
    }

    /// Removes and returns the complete states to write now.
    pub(super) fn take_complete(&mut self) -> Vec<SessionState> {
        let complete: Vec<SessionState> = std::mem::take(&mut self.complete).into_values().collect();
        self.writing_complete.extend(complete.iter().map(|state| (state.session.clone(), Vec::new())));
        complete
    }

    /// Records that the store has written these states.
    pub(super) fn complete_written(&mut self, complete: &[SessionState]) {
        for state in complete {
            self.writing_complete.remove(&state.session);
        }
    }

    /// Queues complete states again that were not written, except for sessions with newer ones. A
    /// snapshot is not newer: it does not contain which components were removed.
    pub(super) fn put_complete_back(&mut self, complete: Vec<SessionState>) {
        for mut state in complete {
            for amendment in self.writing_complete.remove(&state.session).unwrap_or_default() {
                amendment.apply(&mut state);
            }
            let session = &state.session;
            if self.complete.contains_key(session) || self.has_ended(session) {
                continue;
            }
            self.snapshots.remove(session);
            self.complete.insert(session.clone(), state);
        }
    }

    /// Applies a change that is written separately to the queued complete state of its session.
    pub(super) fn amend(&mut self, session: &SessionId, amendment: Amendment) {
        if let Some(state) = self.complete.get_mut(session) {
            amendment.apply(state);
        }
        if let Some(amendments) = self.writing_complete.get_mut(session) {
            amendments.push(amendment);
        }
    }

    /// Removes the queued states of a session.
    pub(super) fn drop_session(&mut self, session: &SessionId) {
        self.snapshots.remove(session);
        self.complete.remove(session);
    }

    fn has_newer(&self, session: &SessionId) -> bool {
        self.snapshots.contains_key(session) || self.complete.contains_key(session) || self.has_ended(session)
    }

    pub(super) fn has_ended(&self, session: &SessionId) -> bool {
        self.ending.contains(session) || self.ended.contains(session)
    }
}

/// Reports to the sessions that the store refused them.
fn report_refusals(running: &impl RunningSessions, all: Vec<(SessionId, WriteRefusal)>) {
    for (session, refusal) in all {
        running.refused(&session, refusal);
    }
}

/// Saves changed sessions until the runtime is dropped or shuts down.
///
/// A change is in the store within one interval of [`Save::Every`]: a session is asked for its
/// state after three quarters to seven eighths of the interval, and its state is written at once.
/// Asking and writing are separate loops, so that neither an unresponsive session nor a slow store
/// delays other sessions.
pub(crate) async fn run(
    running: Weak<impl RunningSessions>,
    keeper: Weak<Keeper>,
    shutdown: CancellationToken,
) {
    let known = keeper.upgrade().map(|keeper| (period(&keeper), Arc::clone(&keeper.state_ready)));
    let Some((period, state_ready)) = known else { return };
    tokio::join!(
        ask(&running, &keeper, &shutdown, period),
        write(&running, &keeper, &shutdown, period, &state_ready)
    );
}

/// Asks changed sessions for their states, each three quarters of an interval after its first
/// change since the last request.
async fn ask(
    running: &Weak<impl RunningSessions>,
    keeper: &Weak<Keeper>,
    shutdown: &CancellationToken,
    period: Duration,
) {
    // The first tick of each is immediate. The audit saves all sessions, which detects idle
    // sessions that the store has lost.
    let (mut checks, mut audits) = (every(period / 8), every(TOMBSTONE / 3));
    loop {
        let audit = tokio::select! {
            _ = checks.tick() => false,
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

/// Writes the states that sessions have delivered. States that arrive while the store writes form
/// the next batch.
async fn write(
    running: &Weak<impl RunningSessions>,
    keeper: &Weak<Keeper>,
    shutdown: &CancellationToken,
    period: Duration,
    state_ready: &Notify,
) {
    let mut retries = every(period);
    let mut has_failed = false;
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = retries.tick() => {}
            // A failing store is called only at the retry interval.
            () = state_ready.notified(), if !has_failed => {}
        }
        let (Some(running), Some(keeper)) = (running.upgrade(), keeper.upgrade()) else { return };
        // `flush` has logged the errors and queued the failed writes again.
        has_failed = keeper.flush(&*running).await.is_err();
    }
}

/// Returns the interval between two saves of a changed session.
fn period(keeper: &Keeper) -> Duration {
    match keeper.save {
        Save::Every(period) => period.max(Duration::from_millis(10)),
        Save::Always => Duration::from_secs(1),
    }
}

/// Creates an interval whose missed ticks are delayed, not repeated.
pub(super) fn every(period: Duration) -> tokio::time::Interval {
    let mut ticks = tokio::time::interval(period.max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
