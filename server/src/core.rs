//! The state that all sessions of a runtime share: limits, counters, the registry, the hub and the
//! admission checks. It starts no tasks.

mod epochs;
mod resume_failures;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::SystemTime;

use axum::http::request::Parts;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use vivaz_components::spec::Spec;
use vivaz_components::{Env, Hub, Identity, Registry, States};
use vivaz_protocol::RawJson;

pub(crate) use self::epochs::{Epochs, StreamEpoch};
pub(crate) use self::resume_failures::ResumeFailures;
use crate::admission::address::{AddressLimiter, ClientAddress, Proxies, client_address};
use crate::admission::connection_limit::ConnectionLimit;
use crate::admission::form::used::UsedForms;
use crate::admission::identify::{Identify, IdentityError};
use crate::admission::middleware::Middleware;
use crate::admission::origin::Origins;
use crate::admission::seal::Sealer;
use crate::admission::secret::Secret;
use crate::admission::ticket::UsedTickets;
use crate::admission::users::Users;
use crate::assets::Assets;
use crate::cluster::Bus;
use crate::limits::Limits;
use crate::persist::keeper::Keeper;
use crate::rate::Rate;
use crate::telemetry::counters::Counters;
use crate::telemetry::lifecycle::{Lifecycle, LifecycleEvent};
use crate::telemetry::log::{ClientLog, client_event};
use crate::telemetry::refusal::RefusalReason;
use crate::templates::Templates;

/// The shared state of a runtime.
pub(crate) struct Core {
    pub(crate) limits: Limits,
    pub(crate) decoder: vivaz_protocol::Limits,
    pub(crate) rate: Rate,
    pub(crate) snapshot_rate: Rate,
    /// The zero of the clock of `rate` and `snapshot_rate`.
    pub(crate) started: Instant,
    /// The path of the WebSocket endpoint.
    pub(crate) path: Box<str>,
    /// The name of this build.
    pub(crate) build: Box<str>,
    pub(crate) origins: Origins,
    pub(crate) proxies: Proxies,
    pub(crate) addresses: Arc<AddressLimiter>,
    pub(crate) log: ClientLog,
    pub(crate) identify: Identify,
    pub(crate) middleware: Middleware,
    pub(crate) registry: Registry,
    pub(crate) templates: Templates,
    pub(crate) assets: Assets,
    pub(crate) secret: Secret,
    pub(crate) sealer: Sealer,
    pub(crate) used_tickets: UsedTickets,
    pub(crate) used_forms: Arc<UsedForms>,
    /// The name of this process in forms, whose nonces it remembers without a store.
    pub(crate) process: Box<str>,
    /// Whether seals for visitors without a user are bound to their browsers.
    pub(crate) binds_browsers: bool,
    pub(crate) states: States,
    pub(crate) hub: Hub,
    /// Carries messages to the other nodes. `None` if this process is the only node.
    pub(crate) bus: Option<Arc<dyn Bus>>,
    pub(crate) users: Arc<Users>,
    /// Sessions that could not be resumed.
    pub(crate) failing: ResumeFailures,
    /// How many times access was revoked.
    pub(crate) revocations: AtomicU64,
    /// Saves sessions to the store. `None` without a store.
    pub(crate) keeper: Option<Arc<Keeper>>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) connection_limit: ConnectionLimit,
    /// Cancelled when the process prepares to end: pages are still served, and the readiness check
    /// fails, so that load balancers choose other processes.
    pub(crate) draining: CancellationToken,
    /// Whether the warning was logged that the application is not served by
    /// [`serve`](crate::serve).
    pub(crate) has_warned: AtomicBool,
    pub(crate) epochs: Epochs,
}

impl Core {
    /// Identifies the client that sent a request.
    ///
    /// # Errors
    /// Returns the error of the application's hook, and `Refused` for an identity that has expired.
    pub(crate) async fn identify(&self, mut parts: Parts) -> Result<Identity, IdentityError> {
        if let Some(address) = client_address(&parts, &self.proxies) {
            parts.extensions.insert(address);
        }
        unexpired(self.identify.request(parts, self.limits.hello_time).await?)
    }

    /// Checks whether an application's hook is awaited for each `HELLO`.
    pub(crate) fn awaits_hello_hook(&self) -> bool {
        self.identify.has_hello_hook()
    }

    /// Identifies the client that sent a `HELLO`, from the identity of its request and the
    /// message's `auth`.
    ///
    /// # Errors
    /// Returns the error of the application's hook, and `Refused` for an identity that has expired.
    pub(crate) async fn authenticate(
        &self,
        identity: Identity,
        auth: Option<RawJson<'_>>,
    ) -> Result<Identity, IdentityError> {
        let auth = auth.map(RawJson::to_raw_value);
        unexpired(self.identify.hello(identity, auth, self.limits.hello_time).await?)
    }

    /// Counts a refused connection, and logs it if the log's rate allows.
    pub(crate) fn refused(&self, reason: RefusalReason, address: Option<ClientAddress>) {
        self.counters.refused.of(reason).add();
        let address = address.and_then(ClientAddress::ip);
        self.lifecycle.emit(|| LifecycleEvent::Refused { reason: reason.as_str(), address });
        let address = address.map(tracing::field::display);
        client_event!(self.log, INFO, ?reason, address, "connection refused");
    }

    /// Checks whether new pages are accepted. They are not once the process prepares to end.
    pub(crate) fn is_ready(&self) -> bool {
        !self.draining.is_cancelled()
    }

    /// Returns the number of revocations. If it has changed since a client was identified, the
    /// client has to be identified again.
    pub(crate) fn revocations(&self) -> u64 {
        self.revocations.load(Ordering::SeqCst)
    }

    /// Returns the environment of the components of an identity.
    pub(crate) fn env(&self, identity: Identity) -> Env {
        let hub = self.hub_of(&identity);
        Env::new(identity, self.states.clone(), hub)
    }

    /// Returns the topics and rooms of the identity's tenant.
    pub(crate) fn hub_of(&self, identity: &Identity) -> Hub {
        self.hub.of_tenant(identity.tenant())
    }

    /// Returns the keeper if each change of the component is committed before the page receives it.
    pub(crate) fn commit_keeper(&self, spec: &Spec) -> Option<&Arc<Keeper>> {
        self.keeper.as_ref().filter(|keeper| keeper.commits(spec))
    }
}

/// Checks that an identity has not expired.
fn unexpired(identity: Identity) -> Result<Identity, IdentityError> {
    if identity.has_expired(SystemTime::now()) { Err(IdentityError::Refused) } else { Ok(identity) }
}
