//! Writes the queue to the store.

use std::sync::Arc;

use futures_util::FutureExt as _;
use vivaz_protocol::SessionId;

use super::pending::{Answers, Batch, QueuedWhole, Release};
use super::{Keeper, RunningSessions};
use crate::persist::store::{StoreError, WriteRefusal};

/// The maximum number of sessions that are written or deleted in one call.
const BATCH: usize = 256;

/// Whether queued writes were executed. The error is also the outcome of each whole write in the
/// failed call.
pub(super) type FlushOutcome = Result<(), Arc<StoreError>>;

impl Keeper {
    /// Writes the queue. Failed writes are queued again, behind the others.
    ///
    /// Revocations, states and removals do not wait for each other, so that a slow call of one kind
    /// does not delay the others. Each kind stops at its first error.
    ///
    /// # Errors
    /// Returns an error of the store: [`StoreError::TimedOut`], if there is one.
    pub(crate) async fn flush(&self, running: &impl RunningSessions) -> FlushOutcome {
        let (revoked, written, removed) = tokio::join!(
            self.write_revocations().boxed(),
            self.write_states(running).boxed(),
            self.write_removals(running).boxed(),
        );
        [revoked, written, removed].into_iter().fold(Ok(()), first_time_out)
    }

    async fn write_states(&self, running: &impl RunningSessions) -> FlushOutcome {
        let snapshots = self.write_snapshots(running).await;
        if has_timed_out(&snapshots) {
            return snapshots;
        }
        snapshots.and(self.write_whole_states(running).await)
    }

    async fn write_snapshots(&self, running: &impl RunningSessions) -> FlushOutcome {
        let mut writing = self.writing.lock().await;
        // States that arrive meanwhile are written by the next flush.
        let mut left = self.lock().snapshots.len();
        while left > 0 {
            let (batch, saving) = {
                let _starting = self.lock_starting();
                // Another flush may have written the states.
                let Some(batch) = self.lock().take_snapshots(left.min(BATCH)) else { break };
                let saving = self.store.save(&self.process, batch.states.clone());
                (batch, saving)
            };
            left -= batch.states.len();
            match saving.await {
                Ok(refused) => {
                    self.lock().snapshots_written(&batch);
                    for (session, refusal) in refused {
                        if let Some(refused) = batch.states.iter().find(|one| one.session == session) {
                            running.refused(&session, refused.fence, refusal);
                        }
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "cannot save sessions; retrying later");
                    self.lock().put_snapshots_back(batch);
                    return Err(Arc::new(error));
                }
            }
            drop(writing);
            writing = self.writing.lock().await;
        }
        Ok(())
    }

    async fn write_whole_states(&self, running: &impl RunningSessions) -> FlushOutcome {
        let mut writing = self.writing.lock().await;
        let mut left = self.lock().whole.len();
        while left > 0 {
            let take = |keeper: &Self| keeper.lock().take_whole(left.min(BATCH));
            let Some(written) = self.write_whole_batch(running, take).await? else { break };
            left -= written;
            drop(writing);
            writing = self.writing.lock().await;
        }
        Ok(())
    }

    /// Writes the whole state of a session, if it is queued.
    pub(super) async fn write_one_whole(&self, session: &SessionId, running: &impl RunningSessions) {
        let take = |keeper: &Self| keeper.lock().take_whole_of(session);
        // The error is logged and sent to the callers, and the state is queued again.
        let _retried = self.write_whole_batch(running, take).await;
    }

    /// Writes whole states. Returns their number, or `None` if `take` finds none.
    ///
    /// # Errors
    /// Returns the error of the store. The states are queued again.
    async fn write_whole_batch(
        &self,
        running: &impl RunningSessions,
        take: impl FnOnce(&Self) -> Option<Batch<QueuedWhole>> + Send,
    ) -> Result<Option<usize>, Arc<StoreError>> {
        let (mut batch, writing) = {
            let _starting = self.lock_starting();
            let Some(batch) = take(self) else { return Ok(None) };
            let states = batch.states.iter().map(|queued| queued.state.clone()).collect();
            (batch, self.store.save_whole(&self.process, states))
        };
        let count = batch.states.len();
        match writing.await {
            Ok(refused) => {
                self.lock().whole_written(&batch);
                report_whole_writes(running, batch, &refused);
                Ok(Some(count))
            }
            Err(error) => {
                tracing::error!(%error, "cannot write whole sessions; retrying later");
                let answers: Answers =
                    batch.states.iter_mut().flat_map(|queued| std::mem::take(&mut queued.answers)).collect();
                self.lock().put_whole_back(batch);
                let error = Arc::new(error);
                for answer in answers {
                    // The caller may have gone.
                    let _unsent = answer.send(Err(Arc::clone(&error)));
                }
                Err(error)
            }
        }
    }

    /// Deletes ended sessions and releases claimed ones.
    async fn write_removals(&self, running: &impl RunningSessions) -> FlushOutcome {
        let _removing = self.removing.lock().await;
        let deleted = self.write_deletions().await;
        if has_timed_out(&deleted) {
            return deleted;
        }
        deleted.and(self.write_releases(running).await)
    }

    async fn write_deletions(&self) -> FlushOutcome {
        let mut left = self.lock().ended.len();
        while left > 0 {
            let ended = self.lock().ended.first(left.min(BATCH));
            left = left.saturating_sub(BATCH);
            let deleted = self.store.delete(&self.process, ended.clone()).await;
            let mut pending = self.lock();
            if let Err(error) = deleted {
                tracing::error!(%error, "cannot delete ended sessions; retrying later");
                ended.iter().for_each(|(session, _)| pending.ended.move_to_back(session));
                return Err(Arc::new(error));
            }
            for (session, fence) in &ended {
                // A newer copy may have ended meanwhile.
                if pending.ended.get(session) == Some(fence) {
                    pending.ended.remove(session);
                }
            }
            let dropped = pending.take_dropped();
            if dropped > 0 {
                tracing::error!(
                    dropped,
                    "too many sessions ended while the store failed; it keeps some until the lease of \
                     this process ends"
                );
            }
        }
        Ok(())
    }

    async fn write_releases(&self, running: &impl RunningSessions) -> FlushOutcome {
        let mut left = self.lock().released.len();
        while left > 0 {
            let Some((session, Release { fence, state })) = self.lock().released.pop_if(|_| true) else {
                break;
            };
            left -= 1;
            let Some(_turn) = self.restoring.try_turn(&session) else {
                // It is being claimed again.
                self.release(&session, fence, state);
                continue;
            };
            // The claim that was to be released may have failed, so that the next one had its
            // fence.
            if running.has_copy(&session, fence) || self.has_ended(&session, fence) {
                continue;
            }
            if let Err(error) = self.store.release(&session, &self.process, fence, state).await {
                tracing::error!(%error, "cannot release a session; retrying later");
                self.release(&session, fence, state);
                return Err(Arc::new(error));
            }
        }
        Ok(())
    }

    async fn write_revocations(&self) -> FlushOutcome {
        let _revoking = self.revoking.lock().await;
        let mut revoked: Vec<_> =
            self.lock().revoked.iter().map(|(owner, one)| (owner.clone(), *one)).collect();
        // An owner with too many sessions for one call does not delay the others.
        revoked.sort_by_key(|(_, revocation)| revocation.failures);
        let mut outcome = Ok(());
        for (owner, revocation) in revoked {
            match self.store.forget_user(&owner).await {
                Ok(_count) => {
                    let mut pending = self.lock();
                    // Access may have been revoked again meanwhile, for sessions that were not in
                    // the store yet.
                    if pending.revoked.get(&owner) == Some(&revocation) {
                        pending.revoked.remove(&owner);
                    }
                }
                Err(error) => {
                    tracing::error!(
                        %error,
                        "cannot delete sessions of a revoked user; this process does not resume them; \
                         retrying later"
                    );
                    if let Some(revocation) = self.lock().revoked.get_mut(&owner) {
                        revocation.failures += 1;
                    }
                    let timed_out = matches!(error, StoreError::TimedOut);
                    outcome = Err(Arc::new(error));
                    if timed_out {
                        break;
                    }
                }
            }
        }
        outcome
    }
}

/// Sends the outcomes of successful calls to their receivers. A refusal without a receiver is
/// reported to the session.
fn report_whole_writes(
    running: &impl RunningSessions,
    batch: Batch<QueuedWhole>,
    refused: &[(SessionId, WriteRefusal)],
) {
    for QueuedWhole { state, answers, .. } in batch.states {
        let session = &state.session;
        let refusal = refused.iter().find(|(one, _)| one == session).map(|(_, refusal)| *refusal);
        let mut is_received = false;
        for answer in answers {
            is_received |= answer.send(Ok(refusal)).is_ok();
        }
        if let Some(refusal) = refusal
            && !is_received
        {
            running.refused(session, state.fence, refusal);
        }
    }
}

/// Returns the first time-out, or the first error if there is no time-out.
fn first_time_out(first: FlushOutcome, second: FlushOutcome) -> FlushOutcome {
    if !has_timed_out(&first) && has_timed_out(&second) { second } else { first.and(second) }
}

pub(super) fn has_timed_out(outcome: &FlushOutcome) -> bool {
    matches!(outcome, Err(error) if matches!(**error, StoreError::TimedOut))
}
