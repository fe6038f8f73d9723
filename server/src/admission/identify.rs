//! The application's identity hooks: they identify a client from a request or from a `HELLO`.

use std::error::Error;
use std::future::{Future, ready};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::http::request::Parts;
use futures_util::FutureExt;
use serde_json::value::RawValue;
use vivaz_components::Identity;
use vivaz_components::instance::BoxFuture;
use vivaz_protocol::log::Escaped;

/// The reason why an identity hook returns no identity.
///
/// Any error converts to [`Failed`](Self::Failed) by `?`, so that a database outage signs no user
/// out.
///
/// An error in data of the client is a refusal: `.map_err(|_| IdentityError::Refused)?`.
#[derive(Debug)]
#[non_exhaustive]
pub enum IdentityError {
    /// The application does not accept the client. The runtime closes a WebSocket with 4401 and
    /// answers a page request with the status 401.
    Refused,
    /// The hook could not identify the client. The runtime closes a WebSocket with 4503, and the
    /// page retries. A page request is answered with the status 503. A hook that panics or takes
    /// longer than [`Limits::hello_time`](crate::Limits::hello_time) has failed too. So has a page
    /// request of an anonymous visitor if the system's random number generator fails.
    Failed(Box<dyn Error + Send + Sync>),
}

impl IdentityError {
    fn failed(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Failed(source.into())
    }

    /// Returns the error for an anonymous visitor whose browser cannot be given an id.
    pub(crate) fn no_randomness(error: getrandom::Error) -> Self {
        Self::failed(format!("the system's random number generator failed: {error}"))
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for IdentityError {
    fn from(source: E) -> Self {
        Self::failed(source)
    }
}

/// Returns `refused` for a refusal. Logs a failed hook and returns `failed`.
pub(crate) fn answer_of<T>(error: &IdentityError, refused: T, failed: T) -> T {
    match error {
        IdentityError::Refused => refused,
        IdentityError::Failed(source) => {
            tracing::error!(error = %Escaped(source), "identity hook failed; the client will retry");
            failed
        }
    }
}

type FromRequest = Arc<dyn Fn(Parts) -> BoxFuture<Result<Identity, IdentityError>> + Send + Sync>;
type FromHello =
    Arc<dyn Fn(Identity, Option<Box<RawValue>>) -> BoxFuture<Result<Identity, IdentityError>> + Send + Sync>;

/// The application's two hooks.
#[derive(Clone)]
pub(crate) struct Identify {
    from_request: FromRequest,
    from_hello: Option<FromHello>,
}

impl Default for Identify {
    fn default() -> Self {
        Self { from_request: Arc::new(|_| Box::pin(ready(Ok(Identity::anonymous())))), from_hello: None }
    }
}

impl Identify {
    pub(crate) fn set_from_request<F, R>(&mut self, hook: F)
    where
        F: Fn(Parts) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Identity, IdentityError>> + Send + 'static,
    {
        self.from_request = Arc::new(move |parts| Box::pin(hook(parts)));
    }

    pub(crate) fn set_from_hello<F, R>(&mut self, hook: F)
    where
        F: Fn(Identity, Option<Box<RawValue>>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Identity, IdentityError>> + Send + 'static,
    {
        self.from_hello = Some(Arc::new(move |identity, auth| Box::pin(hook(identity, auth))));
    }

    /// Checks whether there is a hook for `HELLO`.
    pub(crate) fn has_hello_hook(&self) -> bool {
        self.from_hello.is_some()
    }

    /// Identifies the client that sent a request.
    ///
    /// # Errors
    /// Returns the hook's error, or [`IdentityError::Failed`] if the hook panics or exceeds
    /// `limit`.
    pub(crate) async fn request(&self, parts: Parts, limit: Duration) -> Result<Identity, IdentityError> {
        run_hook(limit, async { (self.from_request)(parts).await }).await
    }

    /// Identifies the client that sent a `HELLO` with this `auth`. `identity` is the identity of
    /// the request that opened the connection.
    ///
    /// # Errors
    /// Returns the hook's error, or [`IdentityError::Failed`] if the hook panics or exceeds
    /// `limit`.
    pub(crate) async fn hello(
        &self,
        identity: Identity,
        auth: Option<Box<RawValue>>,
        limit: Duration,
    ) -> Result<Identity, IdentityError> {
        match &self.from_hello {
            Some(hook) => run_hook(limit, async { hook(identity, auth).await }).await,
            None => Ok(identity),
        }
    }
}

/// Runs a hook.
///
/// # Errors
/// Returns the hook's error, or [`IdentityError::Failed`] if the hook panics or exceeds `limit`.
async fn run_hook(
    limit: Duration,
    hook: impl Future<Output = Result<Identity, IdentityError>> + Send,
) -> Result<Identity, IdentityError> {
    match tokio::time::timeout(limit, AssertUnwindSafe(hook).catch_unwind()).await {
        Ok(Ok(identity)) => identity,
        Ok(Err(_panic)) => Err(IdentityError::failed("the hook panicked")),
        Err(_elapsed) => Err(IdentityError::failed(format!("the hook did not return within {limit:?}"))),
    }
}
