//! The runtime: everything that connections share.

mod builder;
mod events;
mod revoke;
mod sweep;

use std::sync::Arc;
use std::time::Duration;

use vivaz_components::{Hub, Result, Topic, TopicHandle, UnmountReason};
use vivaz_protocol::{CloseCode, SessionId};

pub use self::builder::{BuildError, Builder};
use crate::core::Core;
use crate::persist::keeper::{lease, saving};
use crate::persist::store::StoreError;
use crate::session::port::Mail;
use crate::session::supervisor::Supervisor;
use crate::telemetry::stats::Stats;

/// When the first page may come back after the server went away: about when another process listens.
const DRAIN_FIRST: Duration = Duration::from_millis(100);
/// How far apart pages come back, as long as [`Limits::drain_spread`](crate::Limits::drain_spread) allows.
const DRAIN_PACE: Duration = Duration::from_millis(2);
/// How long connections may take to close when the time for handlers is over.
const CLOSING_TIME: Duration = Duration::from_secs(6);

/// Live components for an application: the sessions of all its pages. Cheap to clone.
///
/// ```
/// use axum::Router;
/// use vivaz::Runtime;
///
/// let runtime = Runtime::builder().build()?;
/// let app: Router = Router::new().merge(runtime.router());
/// # Ok::<(), vivaz::BuildError>(())
/// ```
#[derive(Clone)]
pub struct Runtime(Arc<Supervisor>);

impl Runtime {
    /// A runtime to configure.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// What was counted.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.core().counters.read()
    }

    /// The shared state of that name, loaded if nobody looks at it yet: for whatever is no component, as an HTTP handler.
    /// It is that of those who have no tenant.
    ///
    /// # Errors
    /// `bad_props` when the name is not one of such a topic, and what the topic's `load` says.
    pub async fn topic<T: Topic>(&self, name: &str) -> Result<TopicHandle<T>> {
        self.core().hub.open(name, &self.core().states).await
    }

    /// The same as a tenant sees it.
    ///
    /// # Errors
    /// As [`topic`](Self::topic).
    pub async fn topic_of<T: Topic>(&self, tenant: &str, name: &str) -> Result<TopicHandle<T>> {
        self.core().hub.of_tenant(Some(tenant)).open(name, &self.core().states).await
    }

    /// The topics and rooms of this node, as those see them who have no tenant.
    #[must_use]
    pub fn hub(&self) -> &Hub {
        &self.core().hub
    }

    /// Ends a session, if there is such: its components are told, and its page is closed with 4410 and starts anew.
    pub fn end_session(&self, session: &SessionId) -> bool {
        let port = self.0.sessions.port(session);
        if let Some(port) = &port {
            port.end(CloseCode::SessionEnded, UnmountReason::Closed);
        }
        port.is_some()
    }

    /// Returns whether new pages can be served: the server is not going away, and the session
    /// store, if there is one, can be written (as of at most a second ago). For a load balancer's
    /// probe.
    ///
    /// # Errors
    /// Returns the reason. The text has the store's own message, which may name files and hosts.
    pub async fn readiness(&self) -> std::result::Result<(), NotReady> {
        if !self.is_ready() {
            return Err(NotReady::GoingAway);
        }
        self.on_executor();
        match &self.core().keeper {
            Some(keeper) => keeper.probe(&*self.0).await.map_err(NotReady::Store),
            None => Ok(()),
        }
    }

    /// Checks whether new pages are welcome: not once the process is about to end.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.core().draining.is_cancelled()
    }

    /// Makes the runtime not [ready](Self::is_ready) from now on; it goes on as before: for
    /// an application that serves itself, some seconds before [`shutdown`](Self::shutdown).
    /// [`serve`](crate::serve) calls it.
    pub fn drain(&self) {
        self.core().draining.cancel();
    }

    /// Sends every page away and waits until nothing is left: new connections are refused; pages are told when to come
    /// back (`DRAIN`), nothing more is read from them, and handlers that run finish, for at most
    /// [`Limits::shutdown_time`](crate::Limits::shutdown_time) (tasks and loads are not waited for); their sockets are closed with 1001. With a
    /// session store, sessions are saved and go on in the next process; without one they end, and their components
    /// are told.
    pub async fn shutdown(&self) {
        let core = self.core();
        self.drain();
        self.0.shutdown.cancel();
        self.0.tasks.close();
        let ports = self.0.sessions.ports();
        let spread =
            core.limits.drain_spread.min(DRAIN_PACE * u32::try_from(ports.len()).unwrap_or(u32::MAX));
        for (at, port) in ports.iter().enumerate() {
            let share = at as f64 / ports.len() as f64;
            self.0.post(port, Mail::Drain(DRAIN_FIRST + spread.mul_f64(share)));
        }
        if tokio::time::timeout(core.limits.shutdown_time, self.0.tasks.wait()).await.is_err() {
            tracing::warn!(left = self.0.tasks.len(), "some handlers did not finish in time");
            for port in self.0.sessions.ports() {
                self.0.post(&port, Mail::Close(CloseCode::GoingAway));
            }
            if tokio::time::timeout(CLOSING_TIME, self.0.tasks.wait()).await.is_err() {
                tracing::warn!(left = self.0.tasks.len(), "some connections did not end in time");
            }
        }
        // What their components have spawned ends with the process.
        self.0.sessions.drop_waiting();
        if let Some(keeper) = &core.keeper {
            // What still runs could not be saved as it is.
            for port in self.0.sessions.ports() {
                self.0.sessions.end(port.session());
                keeper.release(port.session());
            }
            keeper.close(&*self.0).await;
        }
    }

    pub(crate) fn core(&self) -> &Core {
        self.0.core()
    }

    pub(crate) fn supervisor(&self) -> &Arc<Supervisor> {
        &self.0
    }

    /// Notes the executor that this is called on. The first time, starts the sweep and the writes to
    /// the store.
    pub(crate) fn on_executor(&self) {
        self.0.on_executor(|| {
            let supervisor = Arc::downgrade(&self.0);
            let (tasks, shutdown) = (&self.0.tasks, &self.0.shutdown);
            let limits = self.core().limits.clone();
            tasks.spawn(sweep::run(supervisor.clone(), shutdown.clone(), limits));
            if let Some(keeper) = &self.core().keeper {
                tasks.spawn(saving::run(supervisor.clone(), Arc::downgrade(keeper), shutdown.clone()));
                tasks.spawn(lease::run(supervisor, Arc::downgrade(keeper), shutdown.clone()));
            }
        });
    }
}

/// Why new pages cannot be served now.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotReady {
    /// The server is going away.
    #[error("the server is shutting down")]
    GoingAway,
    /// The session store cannot be written: its disk is full, or it does not answer.
    #[error("the session store cannot be written: {0}")]
    Store(#[source] Arc<StoreError>),
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runtime").field("path", &self.core().path).finish_non_exhaustive()
    }
}
