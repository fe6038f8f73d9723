//! The process of a test server: its current runtime, its router and its connections.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use axum::Router;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use vivaz_components::Identity;
use vivaz_protocol::CloseCode;

use super::line::Line;
use crate::admission::secret::Secret;
use crate::connection;
use crate::runtime::{BuildError, Builder, Runtime};
use crate::transport::Transport;
use crate::transport::encoding::Encoding;
use crate::transport::memory::{Peer, pair};

/// How many messages a connection buffers in each direction.
pub(super) const CHANNEL_CAPACITY: usize = 1_024;
/// The secret of the server. It is fixed, so that seals stay valid over a restart.
const SECRET: &str = "the secret of a test is not a secret";

/// The state that a test server, its pages and its networks share. It survives restarts of the
/// server.
pub(super) struct ServerProcess {
    build: Box<dyn Fn() -> Builder + Send + Sync>,
    route: Option<Box<dyn Fn(Runtime) -> Router + Send + Sync>>,
    /// `None` while the server is down, and if the test has no router.
    app: Mutex<Option<Router>>,
    /// `None` while the server is down.
    runtime: watch::Sender<Option<Runtime>>,
    /// The encoding that pages offer.
    pub(super) encoding: Encoding,
    lines: Mutex<Vec<Weak<Line>>>,
    connections: Mutex<Vec<AbortHandle>>,
    /// The templates of all runtimes so far, by hash. Pages need them while the server is down and
    /// after it was restarted with other templates.
    templates: Mutex<HashMap<String, String>>,
}

impl ServerProcess {
    pub(super) fn new(
        build: Box<dyn Fn() -> Builder + Send + Sync>,
        route: Option<Box<dyn Fn(Runtime) -> Router + Send + Sync>>,
    ) -> Self {
        Self {
            build,
            route,
            app: Mutex::default(),
            runtime: watch::Sender::new(None),
            encoding: Encoding::default(),
            lines: Mutex::default(),
            connections: Mutex::default(),
            templates: Mutex::default(),
        }
    }

    /// Checks whether the test has a router.
    pub(super) fn has_router(&self) -> bool {
        self.route.is_some()
    }

    /// Starts a runtime.
    ///
    /// # Panics
    /// Panics if the runtime cannot be built.
    pub(super) fn start(&self) {
        let built = Secret::new(SECRET).map_err(BuildError::from);
        match built.and_then(|secret| (self.build)().or_secret(secret).build()) {
            Ok(runtime) => {
                let templates = runtime.core().templates.iter();
                lock(&self.templates)
                    .extend(templates.map(|(hash, template)| (hash.to_owned(), template.to_owned())));
                *lock(&self.app) = self.route.as_ref().map(|route| route(runtime.clone()));
                self.runtime.send_replace(Some(runtime));
            }
            Err(error) => panic!("the runtime cannot be built: {error}"),
        }
    }

    pub(super) async fn stop(&self) {
        let runtime = self.runtime.send_replace(None);
        *lock(&self.app) = None;
        if let Some(runtime) = runtime {
            runtime.shutdown().await;
        }
    }

    pub(super) fn kill(&self) {
        let runtime = self.runtime.send_replace(None);
        *lock(&self.app) = None;
        for connection in lock(&self.connections).drain(..) {
            connection.abort();
        }
        if let Some(runtime) = runtime {
            runtime.supervisor().shutdown.cancel();
            runtime.supervisor().sessions.drop_suspended();
            if let Some(keeper) = &runtime.core().keeper {
                keeper.unregister();
            }
        }
    }

    pub(super) fn current_runtime(&self) -> Option<Runtime> {
        self.runtime.borrow().clone()
    }

    /// Returns the runtime, if the server runs.
    pub(super) fn running(&self) -> Option<Runtime> {
        self.runtime.borrow().clone()
    }

    /// Waits until the server runs, and returns its runtime.
    pub(super) async fn wait_running(&self) -> Runtime {
        let mut watch = self.runtime.subscribe();
        loop {
            if let Some(runtime) = watch.borrow_and_update().clone() {
                return runtime;
            }
            // `self` owns the sender, so `changed` cannot fail.
            if watch.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Opens a connection with an identity.
    pub(super) fn connect(&self, runtime: &Runtime, identity: Identity) -> Peer {
        runtime.on_executor();
        let (mut memory, peer) = pair(CHANNEL_CAPACITY);
        memory.encoding = self.encoding;
        let permit = runtime.core().connection_limit.acquire();
        let (served, revocations) = (runtime.clone(), runtime.core().revocations());
        let task = runtime.supervisor().tasks.spawn(async move {
            match permit {
                Some(permit) => {
                    let (memory, supervisor) = (Box::new(memory), served.supervisor());
                    connection::run(memory, supervisor, identity, revocations, permit).await;
                }
                None => Box::new(memory).close(CloseCode::Full.as_u16(), "the server is full").await,
            }
        });
        self.track_connection(task.abort_handle());
        peer
    }

    /// Records the task of a connection, which is aborted when the server is killed.
    pub(super) fn track_connection(&self, task: AbortHandle) {
        let mut connections = lock(&self.connections);
        connections.retain(|connection| !connection.is_finished());
        connections.push(task);
    }

    /// Returns the application's router; `None` while the server is down.
    pub(super) fn app(&self) -> Option<Router> {
        lock(&self.app).clone()
    }

    /// Returns the template with this hash.
    pub(super) fn template(&self, hash: &str) -> Option<String> {
        lock(&self.templates).get(hash).cloned()
    }

    /// Creates the network line of a page.
    pub(super) fn line(&self) -> Arc<Line> {
        let line = Arc::new(Line::new());
        let mut lines = lock(&self.lines);
        lines.retain(|line| line.strong_count() > 0);
        lines.push(Arc::downgrade(&line));
        line
    }

    pub(super) fn lines(&self) -> Vec<Arc<Line>> {
        lock(&self.lines).iter().filter_map(Weak::upgrade).collect()
    }
}

impl std::fmt::Debug for ServerProcess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("runtime", &*self.runtime.borrow()).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // The values stay consistent if a test panics while it holds the lock.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
