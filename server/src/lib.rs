//! Live web interfaces in Rust: components run on the server, a page shows them, and one WebSocket
//! connects the two.
//!
//! An application consists of structs and templates, without JavaScript. The server renders the
//! first HTML. Then a small client in the page renders the templates again whenever it receives a
//! patch: the server sends changes of state, not HTML.
//!
//! ```no_run,standalone_crate
//! use axum::Router;
//! use axum::response::Response;
//! use axum::routing::get;
//! use vivaz::prelude::*;
//!
//! #[derive(LiveComponent, Clone)]
//! #[live(name = "counter", inline = r#"
//!     <p>Clicked {{ count }} times.</p>
//!     <button live:click="increment">+</button>
//! "#)]
//! struct Counter {
//!     #[live(prop, default)]
//!     count: i64,
//! }
//!
//! #[actions]
//! impl Counter {
//!     /// The attribute makes the method callable by pages.
//!     #[action(amount = 1)]
//!     fn increment(&mut self, amount: i64) {
//!         self.count = self.count.saturating_add(amount);
//!     }
//! }
//!
//! async fn page(live: Live) -> std::result::Result<Response, RenderError> {
//!     let counter = live.render::<Counter>(CounterProps { count: 0 }).await?;
//!     Ok(live.page(format!("<!doctype html><title>Counter</title>{}{counter}", live.head())))
//! }
//!
//! #[tokio::main]
//! async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
//!     let secret = vivaz::Secret::from_env_or_file("secret")?;
//!     let runtime = Runtime::builder().secret(secret).build()?;
//!     let app = Router::new().route("/", get(page)).with_state(runtime.clone());
//!     let app = app.merge(runtime.router());
//!     let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//!     Ok(vivaz::serve(listener, app, runtime).await?)
//! }
//! ```
//!
//! # Overview
//! - Components: [`LiveComponent`], [`Context`], [`List`], [`Shared`], [`Topic`].
//! - Pages: [`Live`] renders components inside of any axum handler, and whole pages ([`LivePage`])
//!   with links to typed routes ([`LiveRoute`], [`Routes`]).
//! - The server: [`Runtime`] with its [`Builder`], [`Limits`], [`Secret`] and [`Stats`]; [`serve`]
//!   runs it.
//! - The wire protocol: `docs/protocol.md`. Any client that follows it can connect.
//!
//! # Features
//! None is on by default.
//!
//! | feature | adds |
//! | --- | --- |
//! | `compression` | `Compression`: responses in Brotli and gzip |
//! | `garde` | form errors from a report of garde |
//! | `jwt` | `jwt`: users recognised by JSON Web Tokens |
//! | `metrics` | the numbers of `Runtime::stats`, and more, through the facade of the crate `metrics` |
//! | `msgpack` | messages in MessagePack too, for programs |
//! | `postgres` | `postgres`: sessions in PostgreSQL, which several processes share |
//! | `prometheus` | `Runtime::metrics_router`: the same numbers as a page for Prometheus |
//! | `sqlite` | `Sqlite`: sessions in an embedded SQLite database |
//! | `testing` | `testing`: pages without a browser, for tests of applications |
//!
//! # Guarantees
//! - A connection may drop at any time. The session is suspended, and a page that reconnects
//!   receives all changes that it missed.
//! - While its session exists, an action takes effect once, however often its message is sent.
//!   After the process was killed, this holds only for `#[live(durable)]` components.
//! - The changes of a handler that fails, panics or exceeds its time are undone, except for flushed
//!   changes, form errors and the page's edits.
//! - A page can call only methods marked `#[action]`, write only fields marked `model`, and mount
//!   only components that are marked `open` or were rendered by this server.

mod admission;
mod assets;
pub mod cluster;
mod connection;
mod core;
// Compiled in tests too, so that changes do not break the fuzz targets unnoticed.
#[cfg(any(fuzzing, test))]
pub mod fuzzing;
mod http;
mod limits;
mod persist;
mod rate;
mod runtime;
mod session;
mod telemetry;
mod templates;
#[cfg(feature = "testing")]
pub mod testing;
mod transport;

pub use admission::address::{ClientAddress, ProxyError};
pub use admission::identify::IdentityError;
#[cfg(feature = "jwt")]
pub use admission::jwt;
pub use admission::middleware::{Call, CallRequest};
pub use admission::scheme::is_https;
pub use admission::secret::{Secret, SecretError};
pub use assets::client::{CAPTURE, CAPTURE_HASH, PAGE_POLICY};
#[cfg(feature = "compression")]
pub use http::compression::{Compressed, Compression};
pub use http::cross_origin::{CrossOriginProtected, CrossOriginProtection};
pub use http::forms::with_forms;
pub use http::render::{Live, Markup, RenderError};
pub use http::routes::{Routes, UnservedRoutes};
pub use http::serve::{serve, serve_until};
pub use limits::Limits;
#[cfg(feature = "postgres")]
pub use persist::postgres;
#[cfg(feature = "sqlite")]
pub use persist::sqlite;
pub use persist::store;
pub use persist::store::{MemoryStore, Save, SessionStore, StoreError};
pub use runtime::{BuildError, Builder, NotReady, Runtime};
pub use telemetry::lifecycle::{LifecycleEvent, LifecycleEvents};
pub use telemetry::refusal::RefusedConnections;
pub use telemetry::stats::{Latency, Stats};
pub use templates::TemplateError;
// Components and what their handlers are given.
pub use vivaz_components::{
    Context, Emit, LiveComponent, LivePage, LiveRoute, LiveState, MountContext, Target, UnmountReason,
    actions,
};
// Their fields.
pub use vivaz_components::{
    Async, DuplicateKey, Errors, FieldPath, FieldStep, Key, Keyed, List, ListIter, LoadContext, Saved,
    Tracked, UrlParams,
};
// State that pages share, and who is present.
pub use vivaz_components::{
    HasPresence, Hub, Presence, PresenceAt, PresenceChange, Rooms, Shared, Topic, TopicContext, TopicHandle,
};
// Users, errors and ids.
pub use vivaz_components::{ActionError, Author, ComponentId, ErrorCode, Identity, Result, User, show};
pub use vivaz_components::{Cookie, CookieError, Flash, PagePath, RedirectUrl, UrlError};
// Transactions of the session store's database.
pub use vivaz_databases::{DatabaseError, Driver, Params, Row, RowError, SqlStatement, Tx, Value};
pub use vivaz_protocol::{ConnectionId, SessionId};
pub use vivaz_template::escape;

/// For programs that drive components without this server: the interface between a component and
/// the session that runs it. An application does not need it.
pub mod instance {
    pub use vivaz_components::instance::{BoxFuture, Finished, Flushed, Instance, Job, JobProgress, Started};
    pub use vivaz_components::spec::Spec;
    pub use vivaz_components::{
        Account, Admission, Budget, Decoded, DuplicateName, Effect, Env, Journal, Registration, Registry,
        RestoreFailure, States, TaskOutcome, mount,
    };
}

#[doc(hidden)]
pub use vivaz_components::__private;

/// The items that an application's components and pages usually need.
pub mod prelude {
    pub use crate::{Live, Markup, RenderError, Runtime};
    pub use vivaz_components::{
        ActionError, Async, Context, Errors, FieldPath, FieldStep, Identity, Key, List, LiveComponent,
        LivePage, LiveRoute, LiveState, MountContext, Presence, PresenceChange, Result, Shared, Target,
        Topic, TopicContext, UrlParams, actions,
    };
    pub use vivaz_databases::Tx;
}

/// Compiles the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// Compiles the examples of the guide to sessions.
#[cfg(all(doctest, feature = "postgres", feature = "sqlite"))]
#[doc = include_str!("../../docs/sessions.md")]
struct SessionsGuide;

/// Compiles the examples of the guide to several machines.
#[cfg(all(doctest, feature = "postgres"))]
#[doc = include_str!("../../docs/scaling.md")]
struct ScalingGuide;

/// Compiles the examples of the guide to forms without JavaScript.
#[cfg(doctest)]
#[doc = include_str!("../../docs/forms-without-javascript.md")]
struct FormsGuide;

/// Compiles the examples of the guide to navigation.
#[cfg(doctest)]
#[doc = include_str!("../../docs/navigation.md")]
struct NavigationGuide;

/// Compiles the examples of the guide to security.
#[cfg(doctest)]
#[doc = include_str!("../../docs/security.md")]
struct SecurityGuide;

/// Compiles the examples of the guide to testing.
#[cfg(all(doctest, feature = "testing"))]
#[doc = include_str!("../../docs/testing.md")]
struct TestingGuide;

/// Compiles the examples of the how-to guides.
#[cfg(all(doctest, feature = "testing"))]
#[doc = include_str!("../../docs/guides.md")]
struct HowToGuides;

/// Compiles the examples of the guide to pages.
#[cfg(doctest)]
#[doc = include_str!("../../docs/pages.md")]
struct PagesGuide;

/// Compiles the examples of the guide to state in the URL.
#[cfg(doctest)]
#[doc = include_str!("../../docs/url.md")]
struct UrlGuide;

/// Compiles the examples of the guide to loading.
#[cfg(doctest)]
#[doc = include_str!("../../docs/loading.md")]
struct LoadingGuide;

/// Compiles the examples of the guide to deployment.
#[cfg(doctest)]
#[doc = include_str!("../../docs/deployment.md")]
struct DeploymentGuide;

/// Compiles the examples of the guide to observability.
#[cfg(doctest)]
#[doc = include_str!("../../docs/observability.md")]
struct ObservabilityGuide;

/// Compiles the examples of the guide to the client.
#[cfg(doctest)]
#[doc = include_str!("../../docs/client.md")]
struct ClientGuide;

/// Compiles the examples of the guide to components.
#[cfg(doctest)]
#[doc = include_str!("../../docs/components.md")]
struct ComponentsGuide;
