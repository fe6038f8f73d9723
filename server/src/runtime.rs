//! The runtime: everything that connections share.

mod builder;
mod events;
mod revoke;
mod sweep;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap};
use axum::routing::{any, get};
use tokio::runtime::Handle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use vivaz_components::{
    Env, Hub, Identity, Registry, Result, Spec, States, Topic, TopicHandle, UnmountReason,
};
use vivaz_protocol::{CloseCode, Epoch, RawJson, SessionId};

pub use self::builder::{BuildError, Builder};
use crate::address::{Addresses, ClientAddress, Proxies, client_address};
use crate::assets::Assets;
use crate::browser::NewBrowser;
use crate::connection;
use crate::connection_limit::ConnectionLimit;
use crate::failing::Failing;
use crate::identify::{Identify, IdentityError};
use crate::keeper::{self, Keeper};
use crate::limits::Limits;
use crate::log::{ClientLog, client_event};
use crate::middleware::Middleware;
use crate::origin::Origins;
use crate::port::{Mail, Port, Posted};
use crate::rate::Rate;
use crate::seal::Sealer;
use crate::secret::Secret;
use crate::session::History;
use crate::sessions::Sessions;
use crate::stats::{Counters, RefusalReason, Stats};
use crate::store::{Save, StoreError};
use crate::templates::Templates;
use crate::upgrade::upgrade;
use crate::users::Users;

/// When the first page may come back after the server went away: about when another process listens.
const DRAIN_FIRST: Duration = Duration::from_millis(100);
/// How far apart pages come back, as long as [`Limits::drain_spread`] allows.
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
pub struct Runtime(Arc<Core>);

/// What is shared.
pub(crate) struct Core {
    pub(crate) limits: Limits,
    pub(crate) decoder: vivaz_protocol::Limits,
    pub(crate) rate: Rate,
    pub(crate) snapshot_rate: Rate,
    /// The zero of the rate's clock.
    pub(crate) started: Instant,
    pub(crate) path: Box<str>,
    pub(crate) build: Box<str>,
    pub(crate) origins: Origins,
    pub(crate) proxies: Proxies,
    pub(crate) addresses: Arc<Addresses>,
    pub(crate) log: ClientLog,
    pub(crate) identify: Identify,
    pub(crate) middleware: Middleware,
    pub(crate) registry: Registry,
    pub(crate) templates: Templates,
    pub(crate) assets: Assets,
    pub(crate) secret: Secret,
    pub(crate) sealer: Sealer,
    /// Whether seals for visitors without a user are bound to their browsers.
    pub(crate) binds_browsers: bool,
    pub(crate) states: States,
    pub(crate) hub: Hub,
    pub(crate) sessions: Sessions,
    pub(crate) users: Arc<Users>,
    /// Sessions that could not be resumed.
    pub(crate) failing: Failing,
    /// How often something was revoked.
    revocations: AtomicU64,
    /// What keeps sessions beyond this process, if anything does.
    pub(crate) keeper: Option<Keeper>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) connection_limit: ConnectionLimit,
    /// Cancelled when the process is asked to end: new pages are still served, and load balancers
    /// are told to look for another one.
    pub(crate) draining: CancellationToken,
    /// Whether an application that [`serve`](crate::serve) does not answer for was warned of it.
    warned: AtomicBool,
    /// Cancelled when the runtime begins to shut down.
    pub(crate) shutdown: CancellationToken,
    /// Every connection and every session that is looked after without one.
    pub(crate) tasks: TaskTracker,
    /// Where tasks are started from threads that are not the executor's: known once something has run on it.
    executor: OnceLock<Handle>,
    /// What the epochs of this process begin with.
    boot: Box<str>,
    epochs: AtomicU64,
}

/// A runtime that may be gone.
#[derive(Clone)]
pub(crate) struct WeakRuntime(Weak<Core>);

impl WeakRuntime {
    pub(crate) fn upgrade(&self) -> Option<Runtime> {
        self.0.upgrade().map(Runtime)
    }
}

impl Runtime {
    /// A runtime to configure.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The routes: the socket, and below its path the client's files and the templates. To be merged into the
    /// application's router.
    pub fn router<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        let path = &self.0.path;
        Router::new()
            .route(path, any(upgrade))
            .route(&format!("{path}/{{*file}}"), get(asset))
            .with_state(self.clone())
    }

    /// What was counted.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.0.counters.read()
    }

    /// The shared state of that name, loaded if nobody looks at it yet: for whatever is no component, as an HTTP handler.
    /// It is that of those who have no tenant.
    ///
    /// # Errors
    /// `bad_props` when the name is not one of such a topic, and what the topic's `load` says.
    pub async fn topic<T: Topic>(&self, name: &str) -> Result<TopicHandle<T>> {
        self.0.hub.open(name, &self.0.states).await
    }

    /// The same as a tenant sees it.
    ///
    /// # Errors
    /// As [`topic`](Self::topic).
    pub async fn topic_of<T: Topic>(&self, tenant: &str, name: &str) -> Result<TopicHandle<T>> {
        self.0.hub.of_tenant(Some(tenant)).open(name, &self.0.states).await
    }

    /// The topics and rooms of this node, as those see them who have no tenant.
    #[must_use]
    pub fn hub(&self) -> &Hub {
        &self.0.hub
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
        match &self.0.keeper {
            Some(keeper) => keeper.probe(self).await.map_err(NotReady::Store),
            None => Ok(()),
        }
    }

    /// Checks whether new pages are welcome: not once the process is about to end.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.0.draining.is_cancelled()
    }

    /// Makes the runtime not [ready](Self::is_ready) from now on; it goes on as before: for
    /// an application that serves itself, some seconds before [`shutdown`](Self::shutdown).
    /// [`serve`](crate::serve) calls it.
    pub fn drain(&self) {
        self.0.draining.cancel();
    }

    /// Sends every page away and waits until nothing is left: new connections are refused; pages are told when to come
    /// back (`DRAIN`), nothing more is read from them, and handlers that run finish, for at most
    /// [`Limits::shutdown_time`] (tasks and loads are not waited for); their sockets are closed with 1001. With a
    /// session store, sessions are saved and go on in the next process; without one they end, and their components
    /// are told.
    pub async fn shutdown(&self) {
        let core = self.core();
        self.drain();
        core.shutdown.cancel();
        core.tasks.close();
        let ports = core.sessions.ports();
        let spread =
            core.limits.drain_spread.min(DRAIN_PACE * u32::try_from(ports.len()).unwrap_or(u32::MAX));
        for (at, port) in ports.iter().enumerate() {
            let share = at as f64 / ports.len() as f64;
            self.send_off(port, Mail::Drain(DRAIN_FIRST + spread.mul_f64(share)));
        }
        if tokio::time::timeout(core.limits.shutdown_time, core.tasks.wait()).await.is_err() {
            tracing::warn!(left = core.tasks.len(), "some handlers did not finish in time");
            for port in core.sessions.ports() {
                self.send_off(&port, Mail::Close(CloseCode::GoingAway));
            }
            if tokio::time::timeout(CLOSING_TIME, core.tasks.wait()).await.is_err() {
                tracing::warn!(left = core.tasks.len(), "some connections did not end in time");
            }
        }
        // What their components have spawned ends with the process.
        core.sessions.drop_waiting();
        if let Some(keeper) = &core.keeper {
            // What still runs could not be saved as it is.
            for port in core.sessions.ports() {
                core.sessions.end(port.session());
                keeper.release(port.session());
            }
            keeper.close(self).await;
        }
    }

    /// Also a session that waits for its page is attended to, so that it is saved or ended.
    fn send_off(&self, port: &Arc<Port>, mail: Mail) {
        if port.post(mail, usize::MAX) == Posted::Unattended {
            self.attend(port.session());
        }
    }

    pub(crate) fn core(&self) -> &Core {
        &self.0
    }

    pub(crate) fn downgrade(&self) -> WeakRuntime {
        WeakRuntime(Arc::downgrade(&self.0))
    }

    /// Runs on the executor, which is remembered; the first time, the sweep is started too.
    pub(crate) fn on_executor(&self) {
        self.0.executor.get_or_init(|| {
            let sweep = sweep::run(self.downgrade(), self.0.shutdown.clone(), self.0.limits.clone());
            self.0.tasks.spawn(sweep);
            if self.0.keeper.is_some() {
                keeper::start(&self.downgrade(), &self.0.shutdown, &self.0.tasks);
            }
            Handle::current()
        });
    }

    /// Looks after a session that waits for its page, because something has come for it.
    pub(crate) fn attend(&self, id: &SessionId) {
        let Some(executor) = self.0.executor.get() else { return };
        let (runtime, id) = (self.clone(), id.clone());
        let task = async move {
            if let Some((session, until)) = runtime.core().sessions.wake(&id) {
                connection::drive_detached(session, until).await;
            }
        };
        self.0.tasks.spawn_on(task, executor);
    }
}

impl Core {
    /// Who sent a request.
    pub(crate) async fn identify(&self, mut parts: Parts) -> std::result::Result<Identity, IdentityError> {
        if let Some(address) = client_address(&parts, &self.proxies) {
            parts.extensions.insert(address);
        }
        still_good(self.identify.request(parts, self.limits.hello_time).await?)
    }

    /// Who says `HELLO`.
    pub(crate) async fn authenticate(
        &self,
        identity: Identity,
        auth: Option<RawJson<'_>>,
    ) -> std::result::Result<Identity, IdentityError> {
        let auth = auth.map(RawJson::to_raw_value);
        still_good(self.identify.hello(identity, auth, self.limits.hello_time).await?)
    }

    /// Warns once if a request did not come through [`serve`](crate::serve), whose limits then do
    /// not hold.
    pub(crate) fn expect_listener(&self, extensions: &Extensions) {
        // Only that listener adds it.
        if extensions.get::<NewBrowser>().is_none() && !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "the application is not served by vivaz::serve: nothing limits connections of plain HTTP, the time for \
                 a request's body and for its answer, or sockets by the process's file descriptors; set these limits in \
                 the server that is used"
            );
        }
    }

    /// Counts a connection that is refused, and logs it as far as the log has room.
    pub(crate) fn refused(&self, reason: RefusalReason, address: Option<ClientAddress>) {
        self.counters.refused.count(reason);
        let address = address.and_then(ClientAddress::ip).map(tracing::field::display);
        client_event!(self.log, INFO, ?reason, address, "connection refused");
    }

    /// Changes whenever something is revoked: who was recognised before is to be recognised anew.
    pub(crate) fn revocations(&self) -> u64 {
        self.revocations.load(Ordering::SeqCst)
    }

    /// What components of that identity have around them.
    pub(crate) fn env(&self, identity: Identity) -> Env {
        let hub = self.hub_of(&identity);
        Env::new(identity, self.states.clone(), hub)
    }

    /// The topics and rooms that those of that identity's tenant share.
    pub(crate) fn hub_of(&self, identity: &Identity) -> Hub {
        self.hub.of_tenant(identity.tenant())
    }

    /// A new history.
    pub(crate) fn begin_history(&self) -> History {
        History::Own(self.epochs.fetch_add(1, Ordering::Relaxed))
    }

    /// A history as it stands on the wire.
    pub(crate) fn epoch(&self, history: &History) -> Epoch {
        match history {
            History::Kept(epoch) => epoch.clone(),
            History::Own(number) => match Epoch::new(&format!("{}.{number:x}", self.boot)) {
                Ok(epoch) => epoch,
                Err(_) => unreachable!("the process's own part and a number in hexadecimal are an epoch"),
            },
        }
    }

    /// Whether every change of such a component is committed before the page is told.
    pub(crate) fn commits(&self, spec: &Spec) -> Option<&Keeper> {
        self.keeper.as_ref().filter(|keeper| spec.durable || keeper.save == Save::Always)
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
        f.debug_struct("Runtime").field("path", &self.0.path).finish_non_exhaustive()
    }
}

async fn asset(
    State(runtime): State<Runtime>,
    Path(file): Path<String>,
    headers: HeaderMap,
) -> axum::response::Response {
    runtime.core().assets.respond(&file, &headers)
}

/// An identity that has expired by the time that it is given is none.
fn still_good(identity: Identity) -> std::result::Result<Identity, IdentityError> {
    if identity.has_expired(SystemTime::now()) { Err(IdentityError::Refused) } else { Ok(identity) }
}
