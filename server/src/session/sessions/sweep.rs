//! The sweep: ends suspended sessions whose time is over, or that exceed the bounds.

use std::collections::hash_map;
use std::sync::Arc;

use tokio::time::Instant;
use vivaz_components::Identity;

use super::{Location, SessionEntry, Sessions, lock};
use crate::persist::keeper::Ending;
use crate::session::EndingSession;
use crate::session::port::Port;

/// The bounds of suspended sessions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SuspensionLimits {
    /// The number of sessions.
    pub(crate) sessions: usize,
    /// Bytes of state of all suspended sessions together.
    pub(crate) bytes: usize,
}

/// The result of a sweep.
#[derive(Default)]
pub(crate) struct SweepResult {
    /// Sessions whose time is over, or that exceed the bounds. The caller ends them.
    pub(crate) expired: Vec<EndingSession>,
    /// The number of sessions with a task.
    pub(crate) driven: usize,
    /// The number of suspended sessions.
    pub(crate) suspended: usize,
}

impl Sessions {
    /// Removes suspended sessions whose time is over. If more than `limits.sessions` remain, it
    /// also removes those with the least time left; if the rest has more than `limits.bytes`, it
    /// also removes the largest. Calls `driven` with the port and the owner of each session that a
    /// task drives.
    pub(crate) fn sweep(
        &self,
        now: Instant,
        limits: SuspensionLimits,
        mut driven: impl FnMut(&Arc<Port>, &Identity),
    ) -> SweepResult {
        let mut swept = SweepResult::default();
        let mut deadlines = Vec::new();
        let mut bytes = 0;
        for shard in &self.shards {
            for entry in lock(shard).values() {
                match &entry.location {
                    Location::Driven => {
                        swept.driven += 1;
                        driven(&entry.port, &entry.owner);
                    }
                    Location::Suspended { until, session } => {
                        deadlines.push(*until);
                        bytes += session.state_bytes();
                    }
                }
            }
        }
        let excess = deadlines.len().saturating_sub(limits.sessions);
        let mut limit = now;
        if excess > 0 {
            let (_, nearest, _) = deadlines.select_nth_unstable(excess - 1);
            limit = limit.max(*nearest);
        }
        swept.suspended = deadlines.len();
        if deadlines.iter().any(|until| *until <= limit) {
            bytes -= self.take_expired(limit, &mut swept).min(bytes);
        }
        if bytes > limits.bytes {
            self.take_largest(bytes - limits.bytes, &mut swept);
        }
        swept
    }

    /// Removes the sessions suspended until `limit` or earlier. Returns their bytes of state.
    fn take_expired(&self, limit: Instant, swept: &mut SweepResult) -> usize {
        let mut bytes = 0;
        for shard in &self.shards {
            let expired: Vec<_> = lock(shard)
                .extract_if(
                    |_, entry| matches!(&entry.location, Location::Suspended { until, .. } if *until <= limit),
                )
                .map(|(_, entry)| (entry.begin_end(), entry))
                .collect();
            for (ending, entry) in expired {
                if let Location::Suspended { session, .. } = entry.location {
                    bytes += session.state_bytes();
                    swept.suspended -= 1;
                    swept.expired.push(EndingSession::new(session, ending));
                }
            }
        }
        bytes
    }

    /// Removes the largest suspended sessions, until they have `excess` bytes of state together.
    fn take_largest(&self, excess: usize, swept: &mut SweepResult) {
        let mut waiting = Vec::new();
        for shard in &self.shards {
            for (id, entry) in &*lock(shard) {
                if let Location::Suspended { session, until } = &entry.location {
                    waiting.push((session.state_bytes(), *until, id.clone()));
                }
            }
        }
        waiting.sort_unstable_by_key(|(bytes, until, _)| (std::cmp::Reverse(*bytes), *until));
        let mut taken = 0;
        for (_, until, id) in waiting {
            if taken >= excess {
                break;
            }
            // The page may have resumed the session since, or resumed and left it again.
            let taken_out = match self.shard(&id).entry(id.clone()) {
                hash_map::Entry::Occupied(entry) if entry.get().is_suspended_until(until) => {
                    let entry = entry.remove();
                    Some((entry.begin_end(), entry))
                }
                hash_map::Entry::Occupied(_) | hash_map::Entry::Vacant(_) => None,
            };
            if let Some((ending, entry)) = taken_out
                && let Location::Suspended { session, .. } = entry.location
            {
                taken += session.state_bytes();
                swept.suspended -= 1;
                swept.expired.push(EndingSession::new(session, ending));
            }
        }
    }
}

impl SessionEntry {
    /// Checks whether the session is suspended until exactly this time.
    fn is_suspended_until(&self, time: Instant) -> bool {
        matches!(&self.location, Location::Suspended { until, .. } if *until == time)
    }

    /// Begins to end a suspended session. Called under the lock of the shard from which the session
    /// is removed, so that no `HELLO` restores it from the store.
    fn begin_end(&self) -> Option<Ending> {
        match &self.location {
            Location::Suspended { session, .. } => session.begin_end(),
            Location::Driven => None,
        }
    }
}
