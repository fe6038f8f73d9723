//! The builder of a runtime.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use axum::http::request::Parts;
use serde_json::value::RawValue;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use vivaz_components::page;
use vivaz_components::{DuplicateName, Hub, Identity, LiveComponent, Registration, Registry, States};
use vivaz_protocol::DEFAULT_PATH;

use super::Runtime;
use crate::admission::address::{AddressLimiter, Proxies, ProxyError};
use crate::admission::connection_limit::ConnectionLimit;
use crate::admission::identify::{Identify, IdentityError};
use crate::admission::middleware::{Call, Middleware};
use crate::admission::origin::{InvalidOrigin, Origins};
use crate::admission::seal::Sealer;
use crate::admission::secret::{Secret, SecretError, random_text};
use crate::admission::ticket::UsedTickets;
use crate::admission::users::Users;
use crate::assets::Assets;
use crate::cluster::{Bus, Cluster};
use crate::connection::drive_detached;
use crate::core::ResumeFailures;
use crate::core::{Core, Epochs};
use crate::limits::Limits;
use crate::persist::keeper::Keeper;
use crate::persist::store::{Save, SessionStore};
use crate::rate::Rate;
use crate::session::sessions::supervisor::Supervisor;
use crate::telemetry::counters::Counters;
use crate::telemetry::lifecycle::Lifecycle;
use crate::telemetry::log::ClientLog;
use crate::templates::{TemplateError, Templates};

/// Configures a [`Runtime`].
///
/// ```
/// use axum::http::request::Parts;
/// use vivaz::{Identity, IdentityError, Limits, Runtime, User};
///
/// async fn identify(request: Parts) -> Result<Identity, IdentityError> {
///     let user = request.headers.get("x-user").and_then(|user| user.to_str().ok());
///     Ok(user.map_or_else(Identity::anonymous, |user| Identity::of(User::new(user, user))))
/// }
///
/// let runtime = Runtime::builder()
///     .identity(identify)
///     .limits(Limits { components: 20, ..Limits::default() })
///     .build()?;
/// # Ok::<(), vivaz::BuildError>(())
/// ```
#[derive(Default)]
pub struct Builder {
    states: States,
    identify: Identify,
    middleware: Middleware,
    secret: Option<Secret>,
    allows_unbound_seals: bool,
    limits: Limits,
    origins: Origins,
    proxies: Vec<Box<str>>,
    path: Option<Box<str>>,
    build: Option<Box<str>>,
    registrations: Vec<Registration>,
    hub: Hub,
    bus: Option<Arc<dyn Bus>>,
    store: Option<Arc<dyn SessionStore>>,
    save: Save,
}

/// Why a runtime cannot be built.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Two components have the same name.
    #[error(transparent)]
    DuplicateName(#[from] DuplicateName),
    /// A template does not compile. The derive reports this at compile time.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// No secret can be created.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The system's random number generator failed. The process has no name that differs from
    /// those of the other processes on its session store.
    #[error("the system's random number generator failed: {0}")]
    Randomness(getrandom::Error),
    /// A trusted proxy is not an address or a network.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// The path of the WebSocket endpoint is not valid.
    #[error(
        "invalid WebSocket path `{0}`: it must start with `/`, must not end with `/`, and must not contain {{, }}, ?, # or \""
    )]
    Path(Box<str>),
    /// An allowed origin is not an origin.
    #[error("invalid origin `{0}`: write the scheme and the host without a path, like `https://app.example`")]
    Origin(Box<str>),
    /// An allowed host is not a host.
    #[error(
        "invalid host `{0}`: write the name, with the port if it is not the default, like `app.example:8443`"
    )]
    Host(Box<str>),
    /// A limit is zero with which no client could be served.
    #[error("the limit `{0}` is zero; no client could be served")]
    Limit(&'static str),
}

vivaz_components::debug_as_message!(BuildError);

impl From<InvalidOrigin> for BuildError {
    fn from(invalid: InvalidOrigin) -> Self {
        match invalid {
            InvalidOrigin::Origin(origin) => Self::Origin(origin),
            InvalidOrigin::Host(host) => Self::Host(host),
        }
    }
}

impl Builder {
    /// Provides a value of the application to components. Handlers read it with `cx.state::<Db>()`.
    #[must_use]
    pub fn state<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.states = self.states.with(value);
        self
    }

    /// Sets the hook that identifies the client of a request, from its headers, extensions and peer
    /// address. It may refuse the client. Without a hook every client is anonymous.
    #[must_use]
    pub fn identity<F, R>(mut self, hook: F) -> Self
    where
        F: Fn(Parts) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Identity, IdentityError>> + Send + 'static,
    {
        self.identify.set_from_request(hook);
        self
    }

    /// Sets the hook that identifies the client of a `HELLO`, from its optional `auth` and the
    /// identity of the request. For clients that cannot set headers.
    #[must_use]
    pub fn hello<F, R>(mut self, hook: F) -> Self
    where
        F: Fn(Identity, Option<Box<RawValue>>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Identity, IdentityError>> + Send + 'static,
    {
        self.identify.set_from_hello(hook);
        self
    }

    /// Identifies users by JSON Web Tokens, in the request and in `HELLO`.
    #[cfg(feature = "jwt")]
    #[must_use]
    pub fn jwt(self, jwt: crate::admission::jwt::Jwt) -> Self {
        let in_hello = jwt.clone();
        self.identity(move |request| std::future::ready(jwt.request(&request)))
            .hello(move |identity, auth| std::future::ready(in_hello.hello(identity, auth.as_deref())))
    }

    /// Adds middleware that runs before every mount, action, edit and change of props by a page,
    /// after the middleware added before it. It may refuse the call.
    ///
    /// ```
    /// use vivaz::{ActionError, Call, Runtime};
    ///
    /// let runtime = Runtime::builder()
    ///     .middleware(|call: Call| async move {
    ///         if call.identity.user_id() == Some("banned") {
    ///             return Err(ActionError::forbidden("not you"));
    ///         }
    ///         Ok(())
    ///     })
    ///     .build()?;
    /// # Ok::<(), vivaz::BuildError>(())
    /// ```
    #[must_use]
    pub fn middleware<F, R>(mut self, layer: F) -> Self
    where
        F: Fn(Call) -> R + Send + Sync + 'static,
        R: Future<Output = vivaz_components::Result> + Send + 'static,
    {
        self.middleware.push(layer);
        self
    }

    /// Does not bind seals of visitors without a user to their browser, and sets no cookie. For
    /// pages that are embedded in another site, where browsers keep no cookies. A copy of such a
    /// page's seals works in every browser.
    #[must_use]
    pub fn allow_unbound_seals(mut self) -> Self {
        self.allows_unbound_seals = true;
        self
    }

    /// Sets the secret that seals are encrypted with. Without it a random one is created, and seals
    /// of open pages become invalid when the process ends.
    #[must_use]
    pub fn secret(mut self, secret: Secret) -> Self {
        self.secret = Some(secret);
        self
    }

    /// Sets the secret, if there is none.
    #[cfg(feature = "testing")]
    pub(crate) fn or_secret(mut self, secret: Secret) -> Self {
        self.secret.get_or_insert(secret);
        self
    }

    /// Sets the limits of clients and sessions.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the path of the WebSocket endpoint, instead of `/live`. Several runtimes of one
    /// application need different paths.
    #[must_use]
    pub fn path(mut self, path: impl Into<Box<str>>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Allows pages of another origin (`https://app.example`) to connect, in addition to those of
    /// the server's own host.
    #[must_use]
    pub fn allow_origin(mut self, origin: impl Into<Box<str>>) -> Self {
        self.origins.allowed.push(origin.into());
        self
    }

    /// Answers only requests for this host (`app.example`, with the port if it is not the default).
    /// May be called several times. It protects against DNS rebinding.
    #[must_use]
    pub fn allow_host(mut self, host: impl Into<Box<str>>) -> Self {
        self.origins.hosts.push(host.into());
        self
    }

    /// Trusts the `X-Forwarded-For` header of a proxy at this address, or in this network
    /// (`10.0.0.0/8`). May be called several times. The header is ignored in requests of all other
    /// peers.
    ///
    /// ```
    /// let builder = vivaz::Runtime::builder();
    /// let runtime = builder.trust_proxy("127.0.0.1").trust_proxy("10.0.0.0/8").build()?;
    /// # Ok::<(), vivaz::BuildError>(())
    /// ```
    #[must_use]
    pub fn trust_proxy(mut self, network: impl Into<Box<str>>) -> Self {
        self.proxies.push(network.into());
        self
    }

    /// Sets the name of this build in `WELCOME`. A page rendered by another build checks whether
    /// its client is still served. If not, it reloads as soon as that loses no input. The default
    /// is the version of Vivaz and of its client.
    #[must_use]
    pub fn build_name(mut self, name: impl Into<Box<str>>) -> Self {
        self.build = Some(name.into());
        self
    }

    /// Registers a component explicitly. The derive registers the components of all linked crates.
    #[must_use]
    pub fn component<C: LiveComponent>(mut self) -> Self {
        self.registrations.push(Registration::of::<C>());
        self
    }

    /// Shares topics and rooms with another runtime.
    #[must_use]
    pub fn hub(mut self, hub: Hub) -> Self {
        self.hub = hub;
        self
    }

    /// Keeps sessions in a store, so that they outlive the process. After a planned restart every
    /// page continues where it was. After a crash, components that are `#[live(durable)]` have
    /// every acknowledged change, and the others have their last [saved](Save) state. Without a
    /// store sessions end with the process.
    #[must_use]
    pub fn store(mut self, store: impl SessionStore) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Makes this process a node of a cluster: topics, rooms, events and revocations reach all
    /// nodes, and a page may reconnect to any node, if the cluster has a session store. All nodes
    /// need the same [`secret`](Self::secret) and the same [store](Self::store).
    #[must_use]
    pub fn cluster(mut self, cluster: &impl Cluster) -> Self {
        self.hub = self.hub.with_log(cluster.log()).with_bus(cluster.bus());
        self.bus = Some(cluster.bus());
        self.store = cluster.store().or(self.store);
        self
    }

    /// Sets when sessions are saved. The default is every second.
    #[must_use]
    pub fn save(mut self, save: Save) -> Self {
        self.save = save;
        self
    }

    /// Creates the runtime.
    ///
    /// # Errors
    /// Returns an error if two components have the same name, a template does not compile, a
    /// trusted proxy is not an address or a network, the path, an allowed origin or an allowed host
    /// is not valid, a limit is zero with which no client could be served, or the system has no
    /// randomness for a secret.
    pub fn build(self) -> Result<Runtime, BuildError> {
        let path = self.path.unwrap_or_else(|| DEFAULT_PATH.into());
        if !path.starts_with('/') || path.ends_with('/') || path.contains(['{', '}', '?', '#', '"']) {
            return Err(BuildError::Path(path));
        }
        self.origins.check()?;
        if let Some(name) = self.limits.zero() {
            return Err(BuildError::Limit(name));
        }
        let mut proxies = Proxies::default();
        for network in &self.proxies {
            proxies.trust(network)?;
        }
        let mut registry = Registry::linked()?;
        for registration in self.registrations {
            registry.add(registration)?;
        }
        let templates = Templates::compile(&registry, page::linked())?;
        let secret = match self.secret {
            Some(secret) => secret,
            None => {
                tracing::warn!(
                    "no secret configured; seals of open pages become invalid when this process ends"
                );
                Secret::random()?
            }
        };
        if cfg!(panic = "abort") {
            tracing::warn!("built with panic = \"abort\": a panic in a handler ends the process");
        }
        let specs: Vec<_> = registry.iter().map(|one| one.spec).collect();
        let counters = Arc::new(Counters::new(&specs));
        let limits = self.limits;
        let boot: Box<str> = random_text::<6>().map_err(BuildError::Randomness)?.into();
        let save = self.save;
        let keeper = self.store.map(|store| Arc::new(Keeper::new(store, save, &boot, &limits, &counters)));
        for durable in registry.iter().filter(|one| one.spec.durable && keeper.is_none()) {
            tracing::error!(
                name = durable.spec.name,
                "the component is #[live(durable)] and cannot be mounted without a session store"
            );
        }
        let core = Core {
            decoder: vivaz_protocol::Limits {
                message_bytes: limits.message_bytes,
                depth: limits.depth.min(vivaz_protocol::Limits::DEPTH),
            },
            rate: Rate::new(limits.messages_per_second, limits.burst),
            snapshot_rate: Rate::of_bytes(limits.resync_bytes),
            started: Instant::now(),
            path,
            build: self.build.unwrap_or_else(|| {
                format!("{}-{}", env!("CARGO_PKG_VERSION"), crate::assets::client::VERSION).into()
            }),
            origins: self.origins,
            proxies,
            addresses: Arc::new(AddressLimiter::new(&limits)),
            log: ClientLog::new(limits.client_events_per_second),
            identify: self.identify,
            middleware: self.middleware,
            assets: Assets::new(templates.iter()),
            templates,
            registry,
            sealer: Sealer::new(&secret),
            used_tickets: UsedTickets::default(),
            used_forms: Arc::default(),
            process: boot.clone(),
            secret,
            binds_browsers: !self.allows_unbound_seals,
            states: self.states,
            bus: self.bus,
            hub: counters.observe(self.hub.with_topic_limit(limits.topic_state_bytes)),
            revocations: AtomicU64::new(0),
            users: Arc::new(Users::new(&limits)),
            failing: ResumeFailures::new(limits.restore_time),
            connection_limit: ConnectionLimit::new(limits.connections, Arc::clone(&counters)),
            counters,
            lifecycle: Lifecycle::default(),
            draining: CancellationToken::new(),
            has_warned: AtomicBool::new(false),
            keeper,
            epochs: Epochs::new(boot),
            limits,
        };
        Ok(Runtime(Arc::new(Supervisor::new(core, |session, until| {
            Box::pin(drive_detached(session, until))
        }))))
    }
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder").field("limits", &self.limits).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::secret::faults::without_randomness;

    #[test]
    fn a_process_without_a_name_of_its_own_is_not_started() {
        let secret = Secret::new("a secret of thirty-two characters").unwrap();
        let builder = Builder::default().secret(secret);
        let error = without_randomness(|| builder.build()).err();
        assert!(matches!(error, Some(BuildError::Randomness(_))), "{error:?}");
    }
}
