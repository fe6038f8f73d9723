//! What the runtime does with its session store: what changed is saved now and then, what has ended is forgotten.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use vivaz_protocol::SessionId;

use crate::limits::Limits;
use crate::port::{Mail, Port, Posted};
use crate::runtime::WeakRuntime;
use crate::seal::now;
use crate::store::{Save, Seconds, SessionStore, Snapshot};

/// So many sessions are saved in one call at most.
const TOGETHER: usize = 256;
/// How often the store is asked to forget what is not good any more.
const EXPIRY: Duration = Duration::from_secs(60);

/// The store and what is on its way to it.
pub(crate) struct Keeper {
    pub(crate) store: Arc<dyn SessionStore>,
    pub(crate) save: Save,
    /// The name of this process (of this runtime, rather) in the store.
    pub(crate) process: Box<str>,
    /// How long a session that is running stays good in the store.
    retention: Duration,
    waiting: Mutex<Waiting>,
    /// Held by whoever writes, so that what is written first was taken first.
    writing: tokio::sync::Mutex<()>,
}

/// What waits to be written. Bounded by the number of sessions.
#[derive(Default)]
struct Waiting {
    /// Sessions that have changed and are to be asked how they are.
    changed: Vec<Arc<Port>>,
    snapshots: HashMap<SessionId, Snapshot>,
    ended: Vec<SessionId>,
}

impl Keeper {
    pub(crate) fn new(store: Arc<dyn SessionStore>, save: Save, process: Box<str>, limits: &Limits) -> Self {
        let retention = (limits.suspended_time * 2).max(Duration::from_secs(60 * 60));
        Self {
            store,
            save,
            process,
            retention,
            waiting: Mutex::default(),
            writing: tokio::sync::Mutex::default(),
        }
    }

    /// Until when a session that runs now is good in the store.
    pub(crate) fn expires(&self) -> Seconds {
        now() + self.retention.as_secs()
    }

    /// A session has changed since it was saved.
    pub(crate) fn changed(&self, port: &Arc<Port>) {
        self.lock().changed.push(Arc::clone(port));
    }

    /// A session as it is now, to be saved with the next ones.
    pub(crate) fn put(&self, snapshot: Snapshot) {
        self.lock().snapshots.insert(snapshot.session.clone(), snapshot);
    }

    /// A session has ended.
    pub(crate) fn forget(&self, session: &SessionId) {
        let mut waiting = self.lock();
        waiting.snapshots.remove(session);
        waiting.ended.push(session.clone());
    }

    /// Writes what waits.
    pub(crate) async fn flush(&self) {
        let _writing = self.writing.lock().await;
        let (snapshots, ended) = {
            let mut waiting = self.lock();
            (std::mem::take(&mut waiting.snapshots), std::mem::take(&mut waiting.ended))
        };
        let mut snapshots = snapshots.into_values();
        loop {
            let some: Vec<Snapshot> = snapshots.by_ref().take(TOGETHER).collect();
            if some.is_empty() {
                break;
            }
            if let Err(error) = self.store.save(some.clone()).await {
                tracing::error!(%error, "sessions could not be saved; they will be tried again");
                let mut waiting = self.lock();
                for snapshot in some.into_iter().chain(snapshots) {
                    waiting.snapshots.entry(snapshot.session.clone()).or_insert(snapshot);
                }
                break;
            }
        }
        if !ended.is_empty()
            && let Err(error) = self.store.delete(ended).await
        {
            tracing::error!(%error, "sessions that have ended could not be deleted; they expire");
        }
    }

    /// Forgets the sessions of a user that only the store has: those that are `here` end by themselves.
    pub(crate) async fn forget_user(&self, user: &str, here: impl Fn(&SessionId) -> bool + Send) {
        let deleted = async {
            let mut sessions = self.store.of_user(user).await?;
            sessions.retain(|session| !here(session));
            self.store.delete(sessions).await
        };
        if let Err(error) = deleted.await {
            tracing::error!(%error, "sessions of a user whose access was taken away are still in the store");
        }
    }

    /// The last of all: what was saved is exactly what the pages have.
    pub(crate) async fn close(&self) {
        self.flush().await;
        if let Err(error) = self.store.close(&self.process).await {
            tracing::error!(%error, "the store could not be closed: pages that come back are sent their whole state");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Saves what has changed until the runtime is gone or shuts down.
pub(crate) async fn run(runtime: WeakRuntime, shutdown: CancellationToken) {
    let Some((period, retention)) = runtime.upgrade().and_then(|runtime| {
        let keeper = runtime.core().keeper.as_ref()?;
        let period = match keeper.save {
            Save::Every(period) => period.max(Duration::from_millis(10)),
            Save::Always => Duration::from_secs(1),
        };
        Some((period, keeper.retention))
    }) else {
        return;
    };
    let every = |period| {
        let mut ticks = tokio::time::interval(period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks
    };
    // The first tick of each is at once: what expired while no process ran goes first.
    let (mut saves, mut expiries, mut renewals) = (every(period), every(EXPIRY), every(retention / 3));
    loop {
        enum Due {
            Save,
            Expiry,
            Renewal,
        }
        let due = tokio::select! {
            _ = saves.tick() => Due::Save,
            _ = expiries.tick() => Due::Expiry,
            _ = renewals.tick() => Due::Renewal,
            () = shutdown.cancelled() => return,
        };
        let Some(runtime) = runtime.upgrade() else { return };
        let core = runtime.core();
        let Some(keeper) = &core.keeper else { return };
        match due {
            Due::Save => {
                let changed = std::mem::take(&mut keeper.lock().changed);
                for port in changed {
                    if port.post(Mail::Save, usize::MAX) == Posted::Unattended {
                        runtime.attend(port.session());
                    }
                }
                keeper.flush().await;
            }
            Due::Expiry => match keeper.store.expire(now()).await {
                Ok(0) => {}
                Ok(expired) => tracing::debug!(expired, "sessions were not good any more"),
                Err(error) => tracing::error!(%error, "the store cannot forget what has expired"),
            },
            // Also a page that nothing happens on has a session that must not expire under it.
            Due::Renewal => core.sessions.held().iter().for_each(|port| keeper.changed(port)),
        }
    }
}
