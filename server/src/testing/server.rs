//! A server without a port, which tests can stop, kill and restart.

use std::sync::Arc;

use axum::Router;
use vivaz_components::{Identity, User};

use super::browser::Browser;
use super::network::Network;
use super::page::Page;
use super::process::ServerProcess;
use crate::runtime::{Builder, Runtime};
use crate::transport::encoding::Encoding;

/// A server for tests. Cheap to clone.
///
/// It requires a tokio runtime. `#[tokio::test]` starts one, and the time may be paused.
#[derive(Clone, Debug)]
pub struct Server(Arc<ServerProcess>);

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

    /// Lets the server's pages offer a subprotocol other than `vivaz.v1.json`. Tests do not see a
    /// difference: messages have the same meaning in each encoding.
    ///
    /// # Panics
    /// Panics if the server does not support the subprotocol, or a page was opened before.
    #[must_use]
    pub fn with_subprotocol(mut self, name: &str) -> Self {
        let Some(process) = Arc::get_mut(&mut self.0) else {
            panic!("choose the subprotocol before the first page is opened");
        };
        let Some(encoding) = Encoding::named(name) else { panic!("unsupported subprotocol `{name}`") };
        process.encoding = encoding;
        self
    }

    fn of(
        build: Box<dyn Fn() -> Builder + Send + Sync>,
        route: Option<Box<dyn Fn(Runtime) -> Router + Send + Sync>>,
    ) -> Self {
        let process = ServerProcess::new(build, route);
        process.start();
        Self(Arc::new(process))
    }

    /// Returns a new browser without cookies, which sends requests to the application's router.
    ///
    /// # Panics
    /// Panics if the server has no router: see [`Server::with_router`].
    #[must_use]
    pub fn browser(&self) -> Browser {
        assert!(self.0.has_router(), "a browser needs the router of `Server::with_router`");
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

    /// Breaks the connection of a page, which connects to this server from now on, as behind a
    /// balancer of several processes. The servers share a session store and run the same program.
    pub fn take_over(&self, page: &Page) {
        page.move_to(Arc::clone(&self.0));
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
