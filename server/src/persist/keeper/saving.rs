//! Periodically asks changed sessions for their states and flushes the queue.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::{Keeper, RunningSessions};
use crate::persist::store::{Save, TOMBSTONE};

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
