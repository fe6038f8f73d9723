//! Who asks: the application's answer, from the request that opens a connection or asks for a page.

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

/// Why an identity hook names nobody.
///
/// Any error converts to [`Failed`](Self::Failed) by `?`, so that a database that does not answer
/// signs nobody out.
///
/// Errors in what the client sent are refusals: `.map_err(|_| IdentityError::Refused)?`.
#[derive(Debug)]
#[non_exhaustive]
pub enum IdentityError {
    /// The application does not accept the client: a socket is closed with 4401, a request for a
    /// page is answered with the status 401.
    Refused,
    /// The hook could not find out who the client is: a socket is closed with 4503 and the page
    /// tries again, a request for a page is answered with the status 503. A hook that panics or
    /// takes longer than [`Limits::hello_time`](crate::Limits::hello_time) has failed too.
    Failed(Box<dyn Error + Send + Sync>),
}

impl IdentityError {
    fn failed(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Failed(source.into())
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for IdentityError {
    fn from(source: E) -> Self {
        Self::failed(source)
    }
}

/// Logs why a hook failed, and answers with `failed` then, otherwise with `refused`.
pub(crate) fn answer_of<T>(error: &IdentityError, refused: T, failed: T) -> T {
    match error {
        IdentityError::Refused => refused,
        IdentityError::Failed(source) => {
            tracing::error!(error = %Escaped(source), "the identity hook failed; the client is asked to try again");
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

    /// Who sent a request.
    pub(crate) async fn request(&self, parts: Parts, limit: Duration) -> Result<Identity, IdentityError> {
        answer(limit, async { (self.from_request)(parts).await }).await
    }

    /// Who says `HELLO` with that `auth`, over a connection whose request was this identity's.
    pub(crate) async fn hello(
        &self,
        identity: Identity,
        auth: Option<Box<RawValue>>,
        limit: Duration,
    ) -> Result<Identity, IdentityError> {
        match &self.from_hello {
            Some(hook) => answer(limit, async { hook(identity, auth).await }).await,
            None => Ok(identity),
        }
    }
}

/// Waits for a hook's answer. One that panics, or does not answer in time, has failed.
async fn answer(
    limit: Duration,
    hook: impl Future<Output = Result<Identity, IdentityError>> + Send,
) -> Result<Identity, IdentityError> {
    match tokio::time::timeout(limit, AssertUnwindSafe(hook).catch_unwind()).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_panic)) => Err(IdentityError::failed("the hook panicked")),
        Err(_elapsed) => Err(IdentityError::failed(format!("no answer within {limit:?}"))),
    }
}
