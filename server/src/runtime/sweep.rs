//! The one clock for everything that is due some time: heartbeats of all connections, the end of sessions that wait
//! for too long, topics that nobody looks at. A timer for each would cost more than all the rest of an idle session.

use std::sync::Weak;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use vivaz_components::UnmountReason;

use crate::connection;
use crate::limits::Limits;
use crate::session::port::Mail;
use crate::session::sessions::Room;
use crate::session::supervisor::Supervisor;

/// How long a topic stays after the last one who looked at it.
const TOPIC_GRACE: Duration = Duration::from_secs(60);

/// Goes over everything now and then until the runtime is gone or shuts down.
pub(super) async fn run(supervisor: Weak<Supervisor>, shutdown: CancellationToken, limits: Limits) {
    // Often enough that a heartbeat is at most an eighth late, and that a session ends within a second of its time.
    let period = (limits.heartbeat / 8).clamp(Duration::from_millis(5), Duration::from_secs(1));
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let room = Room { sessions: limits.suspended_sessions, bytes: limits.suspended_state_bytes };
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = shutdown.cancelled() => return,
        }
        let Some(supervisor) = supervisor.upgrade() else { return };
        let core = supervisor.core();
        let now = Instant::now();
        let today = SystemTime::now();
        let mut unsent = 0;
        let swept = supervisor.sessions.sweep(now, room, |port, owner| {
            unsent += port.tick(now, limits.heartbeat);
            if owner.has_expired(today) {
                // One that is held without a connection has nobody to send away.
                let _attended = port.post(Mail::Expired, usize::MAX);
            }
        });
        core.counters.unsent_bytes.store(unsent as u64, Ordering::Relaxed);
        core.counters.suspended.store(swept.waiting as u64, Ordering::Relaxed);
        for session in swept.expired {
            supervisor.tasks.spawn(connection::end(session, UnmountReason::Expired));
        }
        core.log.log_suppressed();
        core.addresses.sweep(now.duration_since(core.started));
        core.failing.sweep(now);
        core.hub.sweep(now.into_std(), TOPIC_GRACE);
    }
}
