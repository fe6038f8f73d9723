//! One claim or release of a session at a time: two `HELLO`s of one page would claim it from each
//! other, and the release of a claim that failed could hit the copy of the next one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OwnedMutexGuard;
use vivaz_protocol::SessionId;

/// The sessions that are being looked for in the store.
#[derive(Default)]
pub(super) struct Restoring(Mutex<HashMap<SessionId, Arc<tokio::sync::Mutex<()>>>>);

/// The right to restore a session.
pub(crate) struct RestoreTurn<'a> {
    restoring: &'a Restoring,
    session: SessionId,
    /// Taken when it is dropped.
    turn: Option<OwnedMutexGuard<()>>,
}

impl Restoring {
    /// Waits until no other task restores the session.
    pub(super) async fn turn(&self, session: &SessionId) -> RestoreTurn<'_> {
        let turns = Arc::clone(self.lock().entry(session.clone()).or_default());
        let mut turn = RestoreTurn { restoring: self, session: session.clone(), turn: None };
        turn.turn = Some(turns.lock_owned().await);
        turn
    }

    /// Returns the turn, if no task restores the session.
    pub(super) fn try_turn(&self, session: &SessionId) -> Option<RestoreTurn<'_>> {
        let turns = Arc::clone(self.lock().entry(session.clone()).or_default());
        let mut turn = RestoreTurn { restoring: self, session: session.clone(), turn: None };
        turn.turn = Some(turns.try_lock_owned().ok()?);
        Some(turn)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Arc<tokio::sync::Mutex<()>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for RestoreTurn<'_> {
    fn drop(&mut self) {
        self.turn = None;
        let mut restoring = self.restoring.lock();
        // Tasks that wait for their turn have clones.
        if restoring.get(&self.session).is_some_and(|turns| Arc::strong_count(turns) == 1) {
            restoring.remove(&self.session);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_session_is_restored_by_one_task_at_a_time_and_then_forgotten() {
        let restoring = Restoring::default();
        let (id, other) = (SessionId::new("s").unwrap(), SessionId::new("t").unwrap());
        let first = restoring.turn(&id).await;
        let _other = restoring.turn(&other).await;
        let mut second = Box::pin(restoring.turn(&id));
        assert!(futures_util::poll!(&mut second).is_pending());
        assert!(restoring.try_turn(&id).is_none());
        drop(first);
        let second = second.await;
        assert_eq!(restoring.lock().len(), 2);
        drop(second);
        drop(restoring.try_turn(&id).unwrap());
        assert_eq!(restoring.lock().len(), 1);
        // A task that stops waiting leaves nothing behind.
        let third = restoring.turn(&id).await;
        let mut fourth = Box::pin(restoring.turn(&id));
        assert!(futures_util::poll!(&mut fourth).is_pending());
        drop(third);
        drop(fourth);
        assert_eq!(restoring.lock().keys().collect::<Vec<_>>(), [&other]);
    }
}
