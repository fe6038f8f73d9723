//! Who asks: the application's answer, from the request that opens a connection or asks for a page.

use std::future::{Future, ready};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::http::request::Parts;
use futures_util::FutureExt;
use serde_json::value::RawValue;
use vivaz_components::Identity;
use vivaz_components::instance::BoxFuture;

/// The application does not let somebody in: a socket is closed with 4401, a page answered with 401.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the identity was refused")]
pub struct Refused;

type FromRequest = Arc<dyn Fn(Parts) -> BoxFuture<Result<Identity, Refused>> + Send + Sync>;
type FromHello =
    Arc<dyn Fn(Identity, Option<Box<RawValue>>) -> BoxFuture<Result<Identity, Refused>> + Send + Sync>;

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
        R: Future<Output = Result<Identity, Refused>> + Send + 'static,
    {
        self.from_request = Arc::new(move |parts| Box::pin(hook(parts)));
    }

    pub(crate) fn set_from_hello<F, R>(&mut self, hook: F)
    where
        F: Fn(Identity, Option<Box<RawValue>>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Identity, Refused>> + Send + 'static,
    {
        self.from_hello = Some(Arc::new(move |identity, auth| Box::pin(hook(identity, auth))));
    }

    /// Who sent a request.
    pub(crate) async fn request(&self, parts: Parts, limit: Duration) -> Result<Identity, Refused> {
        answer(limit, async { (self.from_request)(parts).await }).await
    }

    /// Who says `HELLO` with that `auth`, over a connection whose request was this identity's.
    pub(crate) async fn hello(
        &self,
        identity: Identity,
        auth: Option<Box<RawValue>>,
        limit: Duration,
    ) -> Result<Identity, Refused> {
        match &self.from_hello {
            Some(hook) => answer(limit, async { hook(identity, auth).await }).await,
            None => Ok(identity),
        }
    }
}

/// Waits for a hook's answer. One that panics, or does not answer in time, has let nobody in.
async fn answer(
    limit: Duration,
    hook: impl Future<Output = Result<Identity, Refused>> + Send,
) -> Result<Identity, Refused> {
    match tokio::time::timeout(limit, AssertUnwindSafe(hook).catch_unwind()).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_panic)) => {
            tracing::error!("the hook that says who it is panicked");
            Err(Refused)
        }
        Err(_elapsed) => {
            tracing::error!(?limit, "the hook that says who it is took too long");
            Err(Refused)
        }
    }
}
