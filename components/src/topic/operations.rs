//! The operations that a topic has done, so that a repetition is ignored.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use vivaz_protocol::{Ref, SessionId};

use crate::error::{ActionError, Result};
use crate::journal::{MessageId, OperationId};

/// The time for which an operation is remembered.
const MEMORY: Duration = Duration::from_secs(600);

/// The most operations that are remembered of one session. When a session has more of them within
/// [`MEMORY`], its oldest are forgotten, and an operation that is not younger than a forgotten one
/// is refused: it may have been done.
const PER_SESSION: usize = 256;

/// The operations of the last ten minutes, by session. The memory is bounded by the number of
/// sessions that have changed the topic in that time.
#[derive(Clone, Debug, Default)]
pub(super) struct Operations {
    sessions: HashMap<SessionId, SessionOperations>,
    /// When each operation is forgotten, in ascending order.
    expiry: VecDeque<(Instant, OperationId)>,
}

#[derive(Clone, Debug, Default)]
struct SessionOperations {
    /// In the order in which they were done.
    done: VecDeque<(Ref, u32)>,
    /// The highest message of which an operation was forgotten before its time; 0 if there is none.
    forgotten: u64,
}

/// The operations of one session in a snapshot.
#[derive(Serialize, Deserialize)]
pub(super) struct SavedOperations {
    session: String,
    /// The time since the last of them, in milliseconds.
    age_ms: u64,
    done: Vec<(u64, u32)>,
    #[serde(default, skip_serializing_if = "is_zero")]
    forgotten: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Operations {
    /// Returns whether an operation was done.
    ///
    /// # Errors
    /// Returns an error if that is not known any more.
    pub(super) fn is_done(&self, operation: &OperationId) -> Result<bool> {
        let OperationId { message: MessageId { session, reference }, number } = operation;
        let Some(session) = self.sessions.get(session) else { return Ok(false) };
        if session.done.iter().rev().any(|done| *done == (*reference, *number)) {
            return Ok(true);
        }
        if reference.get() <= session.forgotten {
            return Err(ActionError::internal("it is not known any more whether the operation was done"));
        }
        Ok(false)
    }

    /// Remembers that an operation was done.
    pub(super) fn remember(&mut self, operation: OperationId, now: Instant) {
        self.expire(now);
        self.add(operation, now + MEMORY);
    }

    fn add(&mut self, operation: OperationId, until: Instant) {
        let OperationId { message: MessageId { session, reference }, number } = &operation;
        let of_session = self.sessions.entry(session.clone()).or_default();
        of_session.done.push_back((*reference, *number));
        if of_session.done.len() > PER_SESSION
            && let Some((oldest, _)) = of_session.done.pop_front()
        {
            of_session.forgotten = of_session.forgotten.max(oldest.get());
        }
        self.expiry.push_back((until, operation));
    }

    /// Forgets the operations whose time has ended.
    pub(super) fn expire(&mut self, now: Instant) {
        while let Some((until, _)) = self.expiry.front()
            && *until <= now
            && let Some((_, operation)) = self.expiry.pop_front()
        {
            let OperationId { message: MessageId { session, reference }, number } = &operation;
            let Some(of_session) = self.sessions.get_mut(session) else { continue };
            // Otherwise it was forgotten before.
            if of_session.done.front() == Some(&(*reference, *number)) {
                of_session.done.pop_front();
            }
            if of_session.done.is_empty() {
                self.sessions.remove(session);
            }
        }
    }

    /// Returns the operations for a snapshot, the sessions in the order of their last operations.
    pub(super) fn save(&mut self, now: Instant) -> Vec<SavedOperations> {
        self.expire(now);
        let mut last: HashMap<&SessionId, Instant> = HashMap::new();
        for (until, operation) in &self.expiry {
            last.insert(&operation.message.session, *until);
        }
        let mut last: Vec<_> = last.into_iter().collect();
        last.sort_unstable_by_key(|(session, until)| (*until, *session));
        let saved = last.into_iter().filter_map(|(session, until)| {
            let of_session = self.sessions.get(session)?;
            let age = MEMORY.saturating_sub(until.saturating_duration_since(now));
            Some(SavedOperations {
                session: session.to_string(),
                age_ms: u64::try_from(age.as_millis()).unwrap_or(u64::MAX),
                done: of_session.done.iter().map(|(reference, number)| (reference.get(), *number)).collect(),
                forgotten: of_session.forgotten,
            })
        });
        saved.collect()
    }

    /// Restores the operations of a snapshot.
    ///
    /// # Errors
    /// Returns an error for an id that is not valid.
    pub(super) fn restore(saved: Vec<SavedOperations>, now: Instant) -> Result<Self> {
        let mut all = Self::default();
        for SavedOperations { session, age_ms, done, forgotten } in saved {
            let session = SessionId::new(&session)?;
            let until = now + MEMORY.saturating_sub(Duration::from_millis(age_ms));
            for (reference, number) in done {
                let message = MessageId { session: session.clone(), reference: Ref::new(reference)? };
                all.add(OperationId { message, number }, until);
            }
            if let Some(session) = all.sessions.get_mut(&session) {
                session.forgotten = session.forgotten.max(forgotten);
            }
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(session: &str, reference: u64, number: u32) -> OperationId {
        let message =
            MessageId { session: SessionId::new(session).unwrap(), reference: Ref::new(reference).unwrap() };
        OperationId { message, number }
    }

    #[test]
    fn an_operation_is_remembered_for_ten_minutes() {
        let (mut operations, start) = (Operations::default(), Instant::now());
        operations.remember(operation("a", 7, 1), start);
        operations.remember(operation("b", 7, 0), start + MEMORY / 2);
        assert!(operations.is_done(&operation("a", 7, 1)).unwrap());
        for other in [operation("a", 7, 0), operation("a", 6, 1), operation("c", 7, 1)] {
            assert!(!operations.is_done(&other).unwrap(), "{other:?}");
        }
        operations.expire(start + MEMORY - Duration::from_millis(1));
        assert!(operations.is_done(&operation("a", 7, 1)).unwrap());
        operations.expire(start + MEMORY);
        assert!(!operations.is_done(&operation("a", 7, 1)).unwrap());
        assert!(operations.is_done(&operation("b", 7, 0)).unwrap());
        operations.expire(start + MEMORY * 2);
        assert!(operations.sessions.is_empty() && operations.expiry.is_empty());
    }

    #[test]
    fn a_busy_session_never_repeats_what_was_forgotten() {
        let (mut operations, start) = (Operations::default(), Instant::now());
        operations.remember(operation("idle", 1, 0), start);
        let last = PER_SESSION as u64 * 2;
        for reference in 1..=last {
            operations.remember(operation("busy", reference, 0), start);
        }
        assert_eq!(operations.sessions[&SessionId::new("busy").unwrap()].done.len(), PER_SESSION);
        for reference in 1..=last {
            let known = operations.is_done(&operation("busy", reference, 0));
            assert_eq!(known.ok(), (reference > PER_SESSION as u64).then_some(true), "{reference}");
        }
        assert!(!operations.is_done(&operation("busy", last + 1, 0)).unwrap());
        assert!(operations.is_done(&operation("idle", 1, 0)).unwrap());
        operations.expire(start + MEMORY);
        assert!(operations.sessions.is_empty());
    }

    #[test]
    fn a_snapshot_has_the_operations_and_their_age() {
        let (mut operations, start) = (Operations::default(), Instant::now());
        for reference in 1..=PER_SESSION as u64 + 5 {
            operations.remember(operation("busy", reference, 3), start);
        }
        operations.remember(operation("later", 9, 0), start + MEMORY / 2);
        let saved = serde_json::to_string(&operations.save(start + MEMORY / 2)).unwrap();
        let restored = Instant::now() + MEMORY * 7;
        let mut operations = Operations::restore(serde_json::from_str(&saved).unwrap(), restored).unwrap();
        assert!(operations.is_done(&operation("busy", 5, 3)).is_err());
        assert!(operations.is_done(&operation("busy", 6, 3)).unwrap());
        operations.expire(restored + MEMORY / 2);
        assert!(!operations.is_done(&operation("busy", 6, 3)).unwrap());
        assert!(operations.is_done(&operation("later", 9, 0)).unwrap());
    }
}
