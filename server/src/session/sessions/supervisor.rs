//! The sessions of a runtime and the tasks that drive them.

use std::any::Any;
use std::cmp::Ordering;
use std::sync::{Arc, OnceLock, Weak};

use tokio::runtime::Handle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use vivaz_components::instance::BoxFuture;
use vivaz_protocol::SessionId;

use crate::cluster::{Address, BusListener, NodeMessage};
use crate::core::Core;
use crate::persist::keeper::RunningSessions;
use crate::persist::store::{Fence, ReleaseRequest, WriteRefusal};
use crate::session::Session;
use crate::session::port::SessionOwner;
use crate::session::sessions::Sessions;

/// Drives a session without a connection until it has no work left. It is then suspended until the
/// given time.
pub(crate) type DriveDetached = fn(Box<Session>, Instant) -> BoxFuture<()>;

/// Owns the sessions. A session accesses the other sessions and the shared state through it.
pub(crate) struct Supervisor {
    core: Core,
    pub(crate) sessions: Sessions,
    /// Cancelled when the runtime starts to shut down.
    pub(crate) shutdown: CancellationToken,
    /// Tracks the tasks of connections and of detached sessions.
    pub(crate) tasks: TaskTracker,
    /// The executor, known after the runtime's first use on it. Threads outside of the executor
    /// start tasks with it.
    executor: OnceLock<Handle>,
    drive_detached: DriveDetached,
    /// Receives messages of other nodes.
    listening: OnceLock<Box<dyn Any + Send + Sync>>,
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
            listening: OnceLock::new(),
        }
    }

    /// Begins to receive the messages of other nodes, if there are any.
    pub(crate) fn listen_to_nodes(self: &Arc<Self>) {
        let Some(bus) = &self.core.bus else { return };
        let supervisor = Arc::downgrade(self);
        let listener: BusListener = Arc::new(move |node, message| {
            let Some(supervisor) = supervisor.upgrade() else { return };
            match NodeMessage::read(&message) {
                Ok(message) => supervisor.receive_from_node(message),
                Err(error) => tracing::warn!(%node, %error, "cannot read a message of another node"),
            }
        });
        self.listening.get_or_init(|| bus.listen(&Address::Everyone, listener));
    }

    /// Returns the state that all sessions share.
    pub(crate) fn core(&self) -> &Core {
        &self.core
    }

    /// Returns a weak reference to itself, for ports.
    pub(crate) fn as_owner(self: &Arc<Self>) -> Weak<dyn SessionOwner> {
        Arc::downgrade(self) as Weak<dyn SessionOwner>
    }

    /// Returns the executor, if the runtime was used on one.
    pub(crate) fn executor(&self) -> Option<&Handle> {
        self.executor.get()
    }

    /// Records the current executor. The first call also runs `start`, which starts the runtime's
    /// tasks.
    ///
    /// # Panics
    /// On the first call, if the thread is not part of a tokio runtime.
    pub(crate) fn on_executor(&self, start: impl FnOnce()) {
        self.executor.get_or_init(|| {
            start();
            Handle::current()
        });
    }
}

impl SessionOwner for Supervisor {
    fn wake(self: Arc<Self>, session: &SessionId) {
        let Some(executor) = self.executor.get().cloned() else { return };
        let (tasks, session) = (self.tasks.clone(), session.clone());
        let task = async move {
            if let Some((session, until)) = self.sessions.take_suspended(&session) {
                (self.drive_detached)(session, until).await;
            }
        };
        tasks.spawn_on(task, &executor);
    }

    fn mailbox_capacity(&self) -> usize {
        self.core.limits.mailbox
    }

    fn count_lost_event(&self) {
        self.core.counters.events_lost.add();
    }

    fn count_coalesced(&self, snapshots: usize) {
        self.core.counters.patches_coalesced(snapshots);
    }
}

impl RunningSessions for Supervisor {
    fn has_copy(&self, session: &SessionId, fence: Fence) -> bool {
        self.sessions.port(session).is_some_and(|port| port.fence() >= fence)
    }

    fn driven(&self) -> Vec<SessionId> {
        self.sessions.driven()
    }

    fn ask_to_save(&self, session: &SessionId) {
        if let Some(port) = self.sessions.port(session) {
            port.request_save();
        }
    }

    fn revoke(&self, session: &SessionId) {
        if let Some(port) = self.sessions.port(session) {
            port.revoke();
        }
    }

    fn refused(&self, session: &SessionId, fence: Fence, refusal: WriteRefusal) {
        if let Some(port) = self.sessions.port(session).filter(|port| port.fence() == fence) {
            port.handle_refusal(refusal);
        }
    }

    fn ask_to_release(&self, request: &ReleaseRequest) {
        // A copy that is being restored or is ending is not in the map. It releases the session
        // itself, or the next request finds it.
        let ReleaseRequest { session, fence, generation } = request;
        let Some(port) = self.sessions.port(session) else { return };
        match port.fence().cmp(fence) {
            // An older copy learns in this way that it has lost the session.
            Ordering::Less => port.request_release(u64::MAX),
            Ordering::Equal => port.request_release(*generation),
            Ordering::Greater => {}
        }
    }
}
