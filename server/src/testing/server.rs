//! A server without a port, which can be ended and started again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use axum::Router;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use vivaz_components::{Identity, User};

use super::browser::Browser;
use super::network::{Line, Network};
use super::page::Page;
use crate::connection;
use crate::runtime::{BuildError, Builder, Runtime};
use crate::secret::Secret;
use crate::transport::Transport;
use crate::transport::memory::{Peer, pair};
use vivaz_protocol::CloseCode;

/// So many messages may be under way in each direction of a connection.
pub(super) const UNDER_WAY: usize = 1_024;
/// What seals are made with, so that a page brings them back after a restart.
const SECRET: &str = "the secret of a test is not a secret";

/// A server for tests. Cheap to clone.
///
/// It has to be used inside of a tokio runtime; `#[tokio::test]` is one, also with paused time.
#[derive(Clone, Debug)]
pub struct Server(Arc<Inner>);

pub(super) struct Inner {
    build: Box<dyn Fn() -> Builder + Send + Sync>,
    route: Option<Box<dyn Fn(Runtime) -> Router + Send + Sync>>,
    /// `None` while the server is down, and where the test has no router.
    app: Mutex<Option<Router>>,
    /// `None` while it is down.
    runtime: watch::Sender<Option<Runtime>>,
    lines: Mutex<Vec<Weak<Line>>>,
    connections: Mutex<Vec<AbortHandle>>,
    /// By their hashes. A page goes on showing what it has while the server is down, or is another one.
    templates: Mutex<HashMap<String, String>>,
}

impl Server {
    /// A server with a runtime as `build` configures it, which is called again for each restart: what is to outlive the
    /// process (a database, a session store) is made outside and cloned into it.
    ///
    /// # Panics
    /// If the runtime cannot be built.
    #[must_use]
    pub fn new(build: impl Fn() -> Builder + Send + Sync + 'static) -> Self {
        Self::of(Box::new(build), None)
    }

    /// A server with the application's own router, as the program makes it from the runtime: routes,
    /// middleware, cookies and the hook of `Builder::identity` take part. [`Server::browser`] sends
    /// requests to it and opens its pages. Both closures are called again for each restart.
    ///
    /// # Panics
    /// If the runtime cannot be built.
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
        let inner = Inner {
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

    /// A browser without cookies before the application's router.
    ///
    /// # Panics
    /// Without a router: see [`Server::with_router`].
    #[must_use]
    pub fn browser(&self) -> Browser {
        assert!(self.0.route.is_some(), "a browser needs the router of `Server::with_router`");
        Browser::new(Arc::clone(&self.0))
    }

    /// Opens a page as somebody whom the application does not know.
    #[must_use]
    pub fn page(&self) -> Page {
        self.page_with(Identity::anonymous())
    }

    /// Opens a page as a user.
    #[must_use]
    pub fn page_as(&self, id: &str, name: &str) -> Page {
        self.page_with(Identity::of(User::new(id, name)))
    }

    /// Opens a page with an identity: a user with permissions, or of a tenant.
    #[must_use]
    pub fn page_with(&self, identity: Identity) -> Page {
        Page::open(Arc::clone(&self.0), identity)
    }

    /// The network between the server and all its pages.
    #[must_use]
    pub fn network(&self) -> Network {
        Network::new(Arc::clone(&self.0), None)
    }

    /// The runtime: for what is no page, as `emit_to_room`, `topic` and `stats`.
    ///
    /// # Panics
    /// While the server is down.
    #[must_use]
    pub fn runtime(&self) -> Runtime {
        match self.0.running() {
            Some(runtime) => runtime,
            None => panic!("the server is down"),
        }
    }

    /// Ends the server as SIGTERM does and starts it again: what runs finishes, what is to be kept is kept, and the
    /// pages come back to the new one.
    pub async fn restart(&self) {
        self.stop().await;
        self.start();
    }

    /// Ends the server as SIGKILL does, as far as that can be done inside of a process, and starts it again: handlers
    /// stop where they wait, and nothing is written any more.
    pub fn crash(&self) {
        self.kill();
        self.start();
    }

    /// Ends the server as SIGTERM does. Pages wait for another one.
    pub async fn stop(&self) {
        self.0.stop().await;
    }

    /// Ends the server as SIGKILL does, see [`Server::crash`].
    pub fn kill(&self) {
        self.0.kill();
    }

    /// Starts a server after [`Server::stop`] or [`Server::kill`].
    ///
    /// # Panics
    /// If the runtime cannot be built.
    pub fn start(&self) {
        self.0.start();
    }
}

impl Inner {
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
            runtime.core().shutdown.cancel();
            runtime.core().sessions.drop_waiting();
        }
    }

    pub(super) fn running(&self) -> Option<Runtime> {
        self.runtime.borrow().clone()
    }

    /// Waits until the server is there.
    pub(super) async fn up(&self) -> Runtime {
        let mut watch = self.runtime.subscribe();
        loop {
            if let Some(runtime) = watch.borrow_and_update().clone() {
                return runtime;
            }
            // The sender is `self`: this ends only with a change.
            if watch.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// A connection of that identity.
    pub(super) fn connect(&self, runtime: &Runtime, identity: Identity) -> Peer {
        runtime.on_executor();
        let (memory, peer) = pair(UNDER_WAY);
        let place = runtime.core().connection_limit.enter();
        let served = runtime.clone();
        let task = runtime.core().tasks.spawn(async move {
            match place {
                Some(place) => {
                    connection::run(Box::new(memory), &served, identity, place).await;
                }
                None => Box::new(memory).close(CloseCode::Full.as_u16(), "the server is full").await,
            }
        });
        self.keep(task.abort_handle());
        peer
    }

    /// Notes the task of a connection, which ends with the server.
    pub(super) fn keep(&self, task: AbortHandle) {
        let mut connections = lock(&self.connections);
        connections.retain(|connection| !connection.is_finished());
        connections.push(task);
    }

    /// The application's router; `None` while the server is down.
    pub(super) fn app(&self) -> Option<Router> {
        lock(&self.app).clone()
    }

    /// The template of that hash, as pages get it.
    pub(super) fn template(&self, hash: &str) -> Option<String> {
        lock(&self.templates).get(hash).cloned()
    }

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

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("runtime", &*self.runtime.borrow()).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A test that panics elsewhere has failed already.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
