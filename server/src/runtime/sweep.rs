//! The periodic sweep: heartbeats of all connections, expiry of suspended sessions and unused
//! topics. A timer for each would cost more than the rest of an idle session.

use std::sync::Weak;
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use vivaz_components::UnmountReason;

use crate::connection;
use crate::limits::Limits;
use crate::session::port::Posted;
use crate::session::port::mail::Mail;
use crate::session::sessions::SuspensionLimits;
use crate::session::sessions::supervisor::Supervisor;
use crate::telemetry::measured::OutboxTotals;

/// How long a topic without subscribers is kept.
const TOPIC_GRACE: Duration = Duration::from_secs(60);

/// Sweeps periodically until the runtime is dropped or shuts down.
pub(super) async fn run(supervisor: Weak<Supervisor>, shutdown: CancellationToken, limits: Limits) {
    // A heartbeat is at most an eighth late, and a session ends within a second of its time.
    let period = (limits.heartbeat / 8).clamp(Duration::from_millis(5), Duration::from_secs(1));
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let suspension =
        SuspensionLimits { sessions: limits.suspended_sessions, bytes: limits.suspended_state_bytes };
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = shutdown.cancelled() => return,
        }
        let Some(supervisor) = supervisor.upgrade() else { return };
        let core = supervisor.core();
        let now = Instant::now();
        let today = SystemTime::now();
        let mut outboxes = OutboxTotals::default();
        let swept = supervisor.sessions.sweep(now, suspension, |port, owner| {
            port.tick(now, limits.heartbeat, &mut outboxes);
            if owner.has_expired(today) {
                match port.post(Mail::IdentityExpired, usize::MAX) {
                    // A session without a connection ignores this mail.
                    Posted::Delivered | Posted::NoTask | Posted::Closed | Posted::Full => {}
                }
            }
        });
        core.counters.outboxes_swept(outboxes);
        core.counters.suspended.set(swept.suspended);
        if let Some(keeper) = &core.keeper {
            core.counters.keeper_swept(|report| keeper.queue_lengths(report));
        }
        for ending in swept.expired {
            supervisor.tasks.spawn(connection::finish_session(ending, UnmountReason::Expired));
        }
        core.log.log_suppressed();
        core.addresses.sweep(now.duration_since(core.started));
        core.failing.sweep(now);
        core.hub.sweep(now.into_std(), TOPIC_GRACE);
    }
}
