//! Sessions that could not be resumed, and since when.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use foldhash::fast::RandomState;
use tokio::time::Instant;
use vivaz_protocol::SessionId;

/// How long a failure is remembered: pages pause between two tries, and each try takes its time. A
/// page that comes later than that begins anew.
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

impl Failure {
    fn is_remembered(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.last) < FORGOTTEN_AFTER
    }
}

impl Failing {
    /// Creates an empty list; `limit` is how long a session may fail as a whole.
    pub(crate) fn new(limit: Duration) -> Self {
        Self { limit, map: Mutex::default() }
    }

    /// Notes that a session could not be resumed.
    pub(crate) fn failed(&self, session: &SessionId) {
        let now = Instant::now();
        let mut map = self.lock();
        let failure = map.entry(session.clone()).or_insert(Failure { first: now, last: now });
        if !failure.is_remembered(now) {
            failure.first = now;
        }
        failure.last = now;
    }

    /// Notes that a session was resumed.
    pub(crate) fn resumed(&self, session: &SessionId) {
        self.lock().remove(session);
    }

    /// Returns whether a session has failed for so long that it is resumed without what fails.
    pub(crate) fn is_overdue(&self, session: &SessionId) -> bool {
        let now = Instant::now();
        let is_overdue =
            |one: &Failure| one.is_remembered(now) && now.saturating_duration_since(one.first) >= self.limit;
        self.lock().get(session).is_some_and(is_overdue)
    }

    /// Forgets the sessions whose pages have not tried again for long.
    pub(crate) fn sweep(&self, now: Instant) {
        self.lock().retain(|_, one| one.is_remembered(now));
    }

    fn lock(&self) -> MutexGuard<'_, Map> {
        // Nothing that can panic runs under the lock.
        self.map.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
