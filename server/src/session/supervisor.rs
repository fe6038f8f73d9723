//! All sessions of a runtime and the tasks that drive them.

use std::sync::{Arc, OnceLock, Weak};

use tokio::runtime::Handle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use vivaz_components::instance::BoxFuture;
use vivaz_protocol::SessionId;

use super::Session;
use super::port::{Mail, Port, Posted, SessionOwner};
use super::sessions::Sessions;
use crate::core::Core;
use crate::persist::keeper::RunningSessions;
use crate::persist::store::WriteRefusal;

/// Drives a session that has no connection until it has nothing left to do or waits until that time.
pub(crate) type DriveDetached = fn(Box<Session>, Instant) -> BoxFuture<()>;

/// Owns the sessions. A session reaches the others, and the state that all share, through it.
pub(crate) struct Supervisor {
    core: Core,
    pub(crate) sessions: Sessions,
    /// Cancelled when the runtime begins to shut down.
    pub(crate) shutdown: CancellationToken,
    /// Every connection, and every session that is driven without one.
    pub(crate) tasks: TaskTracker,
    /// Starts tasks from threads that are not the executor's. Known once the runtime was used on it.
    executor: OnceLock<Handle>,
    drive_detached: DriveDetached,
}

impl Supervisor {
    /// Creates a supervisor without sessions.
    pub(crate) fn new(core: Core, drive_detached: DriveDetached) -> Self {
        Self {
            core,
            sessions: Sessions::new(),
            shutdown: CancellationToken::new(),
            tasks: TaskTracker::new(),
            executor: OnceLock::new(),
            drive_detached,
        }
    }

    /// Returns the state that all sessions share.
    pub(crate) fn core(&self) -> &Core {
        &self.core
    }

    /// Returns itself as ports refer to it.
    pub(crate) fn as_owner(self: &Arc<Self>) -> Weak<dyn SessionOwner> {
        Arc::downgrade(self) as Weak<dyn SessionOwner>
    }

    /// Returns the executor, if the runtime has been used on one.
    pub(crate) fn executor(&self) -> Option<&Handle> {
        self.executor.get()
    }

    /// Notes the executor that this is called on. The first time, `start` starts the runtime's own tasks.
    pub(crate) fn on_executor(&self, start: impl FnOnce()) {
        self.executor.get_or_init(|| {
            start();
            Handle::current()
        });
    }

    /// Posts mail to a session, and starts a task for it if it waits for its page.
    pub(crate) fn post(self: &Arc<Self>, port: &Arc<Port>, mail: Mail) {
        if port.post(mail, usize::MAX) == Posted::Unattended {
            Arc::clone(self).wake(port.session());
        }
    }
}

impl SessionOwner for Supervisor {
    fn wake(self: Arc<Self>, session: &SessionId) {
        let Some(executor) = self.executor.get().cloned() else { return };
        let (tasks, session) = (self.tasks.clone(), session.clone());
        let task = async move {
            if let Some((session, until)) = self.sessions.wake(&session) {
                (self.drive_detached)(session, until).await;
            }
        };
        tasks.spawn_on(task, &executor);
    }

    fn core(&self) -> &Core {
        &self.core
    }
}

impl RunningSessions for Supervisor {
    fn contains(&self, session: &SessionId) -> bool {
        self.sessions.has(session)
    }

    fn driven(&self) -> Vec<SessionId> {
        self.sessions.held()
    }

    fn ask_to_save(&self, session: &SessionId) {
        if let Some(port) = self.sessions.port(session) {
            port.ask_to_save();
        }
    }

    fn revoke(&self, session: &SessionId) {
        if let Some(port) = self.sessions.port(session) {
            port.revoke();
        }
    }

    fn refused(&self, session: &SessionId, refusal: WriteRefusal) {
        if let Some(port) = self.sessions.port(session) {
            port.refused(refusal);
        }
    }
}
