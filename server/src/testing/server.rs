//! A server without a port, which tests can stop, kill and restart.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use axum::Router;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use vivaz_components::{Identity, User};

use super::browser::Browser;
use super::network::{Line, Network};
use super::page::Page;
use crate::admission::secret::Secret;
use crate::connection;
use crate::runtime::{BuildError, Builder, Runtime};
use crate::transport::Transport;
use crate::transport::memory::{Peer, pair};
use vivaz_protocol::CloseCode;
use vivaz_template::Compiled;

/// How many messages a connection buffers in each direction.
pub(super) const CHANNEL_CAPACITY: usize = 1_024;
/// The secret of the server. It is fixed, so that seals stay valid over a restart.
const SECRET: &str = "the secret of a test is not a secret";

/// A server for tests. Cheap to clone.
///
/// It requires a tokio runtime. `#[tokio::test]` starts one, and the time may be paused.
#[derive(Clone, Debug)]
pub struct Server(Arc<ServerInner>);

pub(super) struct ServerInner {
    build: Box<dyn Fn() -> Builder + Send + Sync>,
    route: Option<Box<dyn Fn(Runtime) -> Router + Send + Sync>>,
    /// `None` while the server is down, and if the test has no router.
    app: Mutex<Option<Router>>,
    /// `None` while the server is down.
    runtime: watch::Sender<Option<Runtime>>,
    lines: Mutex<Vec<Weak<Line>>>,
    connections: Mutex<Vec<AbortHandle>>,
    /// The templates of all runtimes so far, by hash. Pages need them while the server is down and
    /// after it was restarted with other templates.
    templates: Mutex<HashMap<String, Arc<Compiled>>>,
}

impl Server {
    /// Creates and starts a server. `build` configures its runtime and is called again for each
    /// restart. Create objects that outlive the process (a database, a session store) outside of
    /// `build`, and clone them into it.
    ///
    /// # Panics
    /// Panics if the runtime cannot be built.
    #[must_use]
    pub fn new(build: impl Fn() -> Builder + Send + Sync + 'static) -> Self {
        Self::of(Box::new(build), None)
    }

    /// Creates and starts a server with the application's router, which `router` creates from the
    /// runtime. Routes, middleware, cookies and the hook of `Builder::identity` are included.
    /// [`Server::browser`] sends requests to the router and opens its pages. Both closures are
    /// called again for each restart.
    ///
    /// # Panics
    /// Panics if the runtime cannot be built.
    #[must_use]
    pub fn with_router(
        build: impl Fn() -> Builder + Send + Sync + 'static,
        router: impl Fn(Runtime) -> Router + Send + Sync + 'static,
    ) -> Self {
        Self::of(Box::new(build), Some(Box::new(router)))
    }

    fn of(
        build: Box<dyn Fn() -> Builder + Send + Sync>,
        route: Option<Box<dyn Fn(Runtime) -> Router + Send + Sync>>,
    ) -> Self {
        let inner = ServerInner {
            build,
            route,
            app: Mutex::default(),
            runtime: watch::Sender::new(None),
            lines: Mutex::default(),
            connections: Mutex::default(),
            templates: Mutex::default(),
        };
        inner.start();
        Self(Arc::new(inner))
    }

    /// Returns a new browser without cookies, which sends requests to the application's router.
    ///
    /// # Panics
    /// Panics if the server has no router: see [`Server::with_router`].
    #[must_use]
    pub fn browser(&self) -> Browser {
        assert!(self.0.route.is_some(), "a browser needs the router of `Server::with_router`");
        Browser::new(Arc::clone(&self.0))
    }

    /// Opens a page as an anonymous visitor.
    #[must_use]
    pub fn page(&self) -> Page {
        self.page_with(Identity::anonymous())
    }

    /// Opens a page as a user.
    #[must_use]
    pub fn page_as(&self, id: &str, name: &str) -> Page {
        self.page_with(Identity::of(User::new(id, name)))
    }

    /// Opens a page with an identity, for example a user with permissions or of a tenant.
    #[must_use]
    pub fn page_with(&self, identity: Identity) -> Page {
        Page::open(Arc::clone(&self.0), identity)
    }

    /// Returns the network between the server and all its pages.
    #[must_use]
    pub fn network(&self) -> Network {
        Network::new(Arc::clone(&self.0), None)
    }

    /// Returns the runtime, for calls such as `emit_to_room`, `topic` and `stats`.
    ///
    /// # Panics
    /// Panics if the server is down.
    #[must_use]
    pub fn runtime(&self) -> Runtime {
        match self.0.current_runtime() {
            Some(runtime) => runtime,
            None => panic!("the server is down"),
        }
    }

    /// Stops the server as SIGTERM does and starts it again. Running handlers finish, sessions are
    /// saved, and the pages reconnect to the new server.
    pub async fn restart(&self) {
        self.stop().await;
        self.start();
    }

    /// Kills the server, as far as that is possible inside of a process, and starts it again.
    /// Handlers stop at their next await, and nothing is saved.
    pub fn crash(&self) {
        self.kill();
        self.start();
    }

    /// Stops the server as SIGTERM does. Pages wait for the next [`start`](Self::start).
    pub async fn stop(&self) {
        self.0.stop().await;
    }

    /// Kills the server as [`Server::crash`] does, without starting it again.
    pub fn kill(&self) {
        self.0.kill();
    }

    /// Starts the server after [`Server::stop`] or [`Server::kill`].
    ///
    /// # Panics
    /// Panics if the runtime cannot be built.
    pub fn start(&self) {
        self.0.start();
    }
}

impl ServerInner {
    pub(super) fn start(&self) {
        let built = Secret::new(SECRET).map_err(BuildError::from);
        match built.and_then(|secret| (self.build)().or_secret(secret).build()) {
            Ok(runtime) => {
                let templates = runtime.core().templates.compiled();
                lock(&self.templates)
                    .extend(templates.map(|(hash, template)| (hash.to_owned(), Arc::clone(template))));
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
            runtime.supervisor().sessions.drop_waiting();
        }
    }

    pub(super) fn current_runtime(&self) -> Option<Runtime> {
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
        let (memory, peer) = pair(CHANNEL_CAPACITY);
        let permit = runtime.core().connection_limit.acquire();
        let served = runtime.clone();
        let task = runtime.supervisor().tasks.spawn(async move {
            match permit {
                Some(permit) => {
                    connection::run(Box::new(memory), served.supervisor(), identity, permit).await;
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
    pub(super) fn template(&self, hash: &str) -> Option<Arc<Compiled>> {
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

impl std::fmt::Debug for ServerInner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("runtime", &*self.runtime.borrow()).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // The values stay consistent if a test panics while it holds the lock.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
