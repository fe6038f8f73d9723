//! Sessions that could not be resumed, and since when.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use foldhash::fast::RandomState;
use tokio::time::Instant;
use vivaz_protocol::SessionId;

/// How long a failure is remembered at least: pages pause between two tries.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(120);

/// The sessions whose pages were asked to try again, because a component could not be restored or a
/// topic not be authorized. Bounded by the number of sessions: a page is known by its secret before
/// one is entered.
#[derive(Debug)]
pub(crate) struct Failing {
    /// How long a session may fail as a whole.
    limit: Duration,
    /// A std mutex: it is held for a look into the map.
    map: Mutex<Map>,
}

type Map = HashMap<SessionId, Failure, RandomState>;

#[derive(Debug)]
struct Failure {
    first: Instant,
    last: Instant,
}

impl Failing {
    /// Creates an empty list; `limit` is how long a session may fail as a whole.
    pub(crate) fn new(limit: Duration) -> Self {
        Self { limit, map: Mutex::default() }
    }

    /// Notes that a session could not be resumed.
    pub(crate) fn failed(&self, session: &SessionId) {
        let now = Instant::now();
        let failure = Failure { first: now, last: now };
        self.lock().entry(session.clone()).or_insert(failure).last = now;
    }

    /// Notes that a session was resumed.
    pub(crate) fn resumed(&self, session: &SessionId) {
        self.lock().remove(session);
    }

    /// Returns whether a session has failed for so long that it is resumed without what fails.
    pub(crate) fn is_overdue(&self, session: &SessionId) -> bool {
        self.lock().get(session).is_some_and(|one| one.first.elapsed() >= self.limit)
    }

    /// Forgets the sessions whose pages have not tried again for as long as a session may fail.
    pub(crate) fn sweep(&self, now: Instant) {
        let after = self.limit.max(FORGOTTEN_AFTER);
        self.lock().retain(|_, one| now.saturating_duration_since(one.last) < after);
    }

    fn lock(&self) -> MutexGuard<'_, Map> {
        // Nothing that can panic runs under the lock.
        self.map.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
