//! The runtime: owns the sessions of all pages and the state that they share.

mod builder;
mod events;
mod revoke;
mod sweep;

use std::sync::Arc;
use std::time::Duration;

use vivaz_components::{Hub, Result, Topic, TopicHandle};
use vivaz_protocol::{CloseCode, SessionId};

pub use self::builder::{BuildError, Builder};
use crate::cluster::NodeMessage;
use crate::core::Core;
use crate::persist::keeper::{lease, saving};
use crate::persist::store::{ReleasedAs, StoreError};
use crate::session::port::mail::Mail;
use crate::session::sessions::supervisor::Supervisor;
use crate::telemetry::lifecycle::LifecycleEvents;
use crate::telemetry::stats::Stats;

/// The delay after which the first page reconnects during a drain. Another process should accept
/// connections by then.
const DRAIN_FIRST: Duration = Duration::from_millis(100);
/// The interval between reconnecting pages. [`Limits::drain_spread`](crate::Limits::drain_spread)
/// bounds the total.
const DRAIN_PACE: Duration = Duration::from_millis(2);
/// How long connections may take to close after the time for handlers is over.
const CLOSING_TIME: Duration = Duration::from_secs(6);

/// Runs the live components of an application: it has the sessions of all its pages. Cheap to
/// clone.
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
    /// Returns a builder for a runtime.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Returns the value of type `T` that the application gave to the builder with `.state(…)`, for
    /// code outside of components.
    ///
    /// # Panics
    /// Panics if the application gave no value of that type.
    #[must_use]
    pub fn state<T: Send + Sync + 'static>(&self) -> &T {
        self.core().states.expect()
    }

    /// Returns a copy of the counters.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.core().counters.read()
    }

    /// Subscribes to what happens to sessions and components, from now on: for audit logs, for
    /// counts of the application, for cleaning up after a session.
    #[must_use]
    pub fn lifecycle(&self) -> LifecycleEvents {
        self.core().lifecycle.subscribe(Arc::clone(&self.core().counters))
    }

    /// Returns a topic without a tenant. Loads its state if no component shows it. For code outside
    /// of components, such as HTTP handlers.
    ///
    /// # Errors
    /// Returns `bad_props` if `T` cannot parse the name, and errors of [`Topic::load`].
    pub async fn topic<T: Topic>(&self, name: &str) -> Result<TopicHandle<T>> {
        self.core().hub.open(name, &self.core().states).await
    }

    /// Returns a topic of a tenant, like [`topic`](Self::topic).
    ///
    /// # Errors
    /// As [`topic`](Self::topic).
    pub async fn topic_of<T: Topic>(&self, tenant: &str, name: &str) -> Result<TopicHandle<T>> {
        self.core().hub.of_tenant(Some(tenant)).open(name, &self.core().states).await
    }

    /// Returns the topics and rooms of this process that have no tenant.
    #[must_use]
    pub fn hub(&self) -> &Hub {
        &self.core().hub
    }

    /// Ends a session: unmounts its components and closes its page's connection with 4410. The page
    /// starts a new session. Returns whether this process has the session; otherwise the other
    /// nodes of the cluster are asked to end it.
    pub fn end_session(&self, session: &SessionId) -> bool {
        let is_here = self.0.end_session(session);
        if !is_here {
            self.0.send_to_nodes(|| NodeMessage::EndSession { session: session.clone() });
        }
        is_here
    }

    /// Checks whether new pages can be served: [`is_ready`](Self::is_ready) returns true, and the
    /// session store, if there is one, can be written. It waits for the store; the store's result
    /// is at most one second old. For the readiness probe of a load balancer.
    ///
    /// # Errors
    /// Returns the reason. The text includes the store's own message, which may name files and
    /// hosts.
    ///
    /// # Panics
    /// If the runtime was not used before and the caller is not on a tokio runtime.
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

    /// Returns whether new pages are accepted: they are until [`drain`](Self::drain) or
    /// [`shutdown`](Self::shutdown). It does not wait and does not check the session store; a probe
    /// that also needs a writable store uses [`readiness`](Self::readiness).
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.core().is_ready()
    }

    /// Makes [`readiness`](Self::readiness) fail from now on. The runtime continues to serve.
    /// Applications that do not use [`serve`](crate::serve) call it some seconds before
    /// [`shutdown`](Self::shutdown).
    pub fn drain(&self) {
        self.core().draining.cancel();
    }

    /// Disconnects all pages and waits until their connections have ended. New connections are
    /// refused. Each page receives `DRAIN` with a time to reconnect, and no more of its messages
    /// are read. Running handlers finish, for at most
    /// [`Limits::shutdown_time`](crate::Limits::shutdown_time); tasks and loads are not waited for.
    /// Then the connections close with 1001. With a session store, sessions are saved and continue
    /// in the next process. Without one they end, and their components unmount.
    ///
    /// [`serve`](crate::serve) calls it. An application under another server awaits it before the
    /// process ends; otherwise the end of the process has the consequences of a kill.
    ///
    /// A second call waits in the same way. After the first call has returned, it finds no sessions
    /// and closes the session store again.
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
            port.post_and_wake(Mail::Drain(DRAIN_FIRST + spread.mul_f64(share)));
        }
        if tokio::time::timeout(core.limits.shutdown_time, self.0.tasks.wait()).await.is_err() {
            tracing::warn!(left = self.0.tasks.len(), "some handlers did not finish in time");
            for port in self.0.sessions.ports() {
                port.post_and_wake(Mail::Close(CloseCode::GoingAway));
            }
            if tokio::time::timeout(CLOSING_TIME, self.0.tasks.wait()).await.is_err() {
                tracing::warn!(left = self.0.tasks.len(), "some connections did not end in time");
            }
        }
        // The tasks of their components end with the process.
        self.0.sessions.drop_suspended();
        if let Some(keeper) = &core.keeper {
            // Sessions that still run jobs cannot be saved consistently.
            for port in self.0.sessions.ports() {
                self.0.sessions.remove(&port);
                keeper.release(port.session(), port.fence(), ReleasedAs::Unchanged);
            }
            keeper.close(&*self.0).await;
        }
    }

    /// Returns the state that all sessions share.
    pub(crate) fn core(&self) -> &Core {
        self.0.core()
    }

    /// Returns the owner of the sessions.
    pub(crate) fn supervisor(&self) -> &Arc<Supervisor> {
        &self.0
    }

    /// Records the current executor. The first call starts the sweep and the tasks that save
    /// sessions.
    ///
    /// # Panics
    /// On the first call, if the thread is not part of a tokio runtime.
    pub(crate) fn on_executor(&self) {
        self.0.on_executor(|| {
            let supervisor = Arc::downgrade(&self.0);
            self.0.listen_to_nodes();
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
    /// The process is shutting down.
    #[error("the server is shutting down")]
    GoingAway,
    /// The session store cannot be written. Its disk may be full, or it does not answer.
    #[error("the session store cannot be written: {0}")]
    Store(#[source] Arc<StoreError>),
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runtime").field("path", &self.core().path).finish_non_exhaustive()
    }
}
