//! Sessions that could not be resumed, and the time of their first failure.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use foldhash::fast::RandomState;
use tokio::time::Instant;
use vivaz_protocol::SessionId;

/// How long a failure is remembered after the last attempt. It has to cover the pause of a page
/// between two attempts and the duration of an attempt. A later attempt counts as the first one.
const MEMORY: Duration = Duration::from_secs(120);

/// The sessions whose pages have to retry, because a component could not be restored or a topic
/// could not be authorized. Bounded by the number of sessions: a failure is recorded only after the
/// page's secret was verified.
#[derive(Debug)]
pub(crate) struct ResumeFailures {
    /// How long attempts to resume a session may fail before it is resumed without the failing
    /// components.
    limit: Duration,
    /// A std mutex: held for one map lookup.
    map: Mutex<FailureMap>,
}

type FailureMap = HashMap<SessionId, ResumeFailure, RandomState>;

#[derive(Debug)]
struct ResumeFailure {
    first: Instant,
    last: Instant,
}

impl ResumeFailure {
    fn is_remembered(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.last) < MEMORY
    }
}

impl ResumeFailures {
    /// Creates an empty list. `limit` is how long attempts to resume a session may fail before it
    /// is resumed without the failing components.
    pub(crate) fn new(limit: Duration) -> Self {
        Self { limit, map: Mutex::default() }
    }

    /// Records that a session could not be resumed.
    pub(crate) fn failed(&self, session: &SessionId) {
        let now = Instant::now();
        let mut map = self.lock();
        let failure = map.entry(session.clone()).or_insert(ResumeFailure { first: now, last: now });
        if !failure.is_remembered(now) {
            failure.first = now;
        }
        failure.last = now;
    }

    /// Records that a session was resumed.
    pub(crate) fn resumed(&self, session: &SessionId) {
        self.lock().remove(session);
    }

    /// Checks whether a session has failed for so long that it is resumed without the failing
    /// components.
    pub(crate) fn is_overdue(&self, session: &SessionId) -> bool {
        let now = Instant::now();
        let is_overdue = |one: &ResumeFailure| {
            one.is_remembered(now) && now.saturating_duration_since(one.first) >= self.limit
        };
        self.lock().get(session).is_some_and(is_overdue)
    }

    /// Removes the sessions whose pages no longer retry.
    pub(crate) fn sweep(&self, now: Instant) {
        self.lock().retain(|_, one| one.is_remembered(now));
    }

    fn lock(&self) -> MutexGuard<'_, FailureMap> {
        // Nothing that can panic runs under the lock.
        self.map.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
