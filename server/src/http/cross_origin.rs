//! Refuses requests that a page of another site makes in a visitor's name (CSRF).

use std::future::{Ready, ready};
use std::net::SocketAddr;
use std::task::{Context, Poll};

use axum::extract::{ConnectInfo, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use futures_util::future::Either;
use tower_layer::Layer;
use tower_service::Service;

use crate::admission::address::client_of;
use crate::runtime::Runtime;
use crate::telemetry::stats::RefusalReason;

/// A layer that answers 403 to a request that may change something and that a page of another
/// origin makes: browsers send the visitor's cookies along with it. It needs no token in forms.
///
/// `GET`, `HEAD` and `OPTIONS` pass: their handlers must change nothing. Others pass if their
/// `Origin` is one of those that [`Builder::allow_origin`](crate::Builder::allow_origin) names;
/// else if `Sec-Fetch-Site` says `same-origin` or `none`; else, where a browser is too old to send
/// that header, if `Origin` names the host that is asked. A request with neither header comes from
/// no browser and passes. `Host` has to be one of those of
/// [`Builder::allow_host`](crate::Builder::allow_host), where it is called. A header that is there
/// twice, or cannot be read, makes the request one of another origin.
///
/// The rules are those of `CrossOriginProtection` in Go 1.25, which [explains them][go].
///
/// ```
/// use axum::Router;
/// use axum::routing::post;
/// use vivaz::Runtime;
///
/// let runtime = Runtime::builder().build()?;
/// let app: Router = Router::new()
///     .route("/profile", post(async || "changed"))
///     .merge(runtime.router())
///     .layer(runtime.cross_origin_protection());
/// # Ok::<(), vivaz::BuildError>(())
/// ```
///
/// [go]: https://words.filippo.io/csrf/
#[derive(Clone, Debug)]
pub struct CrossOriginProtection {
    runtime: Runtime,
}

/// The service behind [`CrossOriginProtection`].
#[derive(Clone, Debug)]
pub struct CrossOriginProtected<S> {
    inner: S,
    runtime: Runtime,
}

impl Runtime {
    /// Returns a layer that refuses requests which a page of another origin makes to change
    /// something.
    #[must_use]
    pub fn cross_origin_protection(&self) -> CrossOriginProtection {
        CrossOriginProtection { runtime: self.clone() }
    }
}

impl<S> Layer<S> for CrossOriginProtection {
    type Service = CrossOriginProtected<S>;

    fn layer(&self, inner: S) -> Self::Service {
        CrossOriginProtected { inner, runtime: self.runtime.clone() }
    }
}

impl<S> Service<Request> for CrossOriginProtected<S>
where
    S: Service<Request, Response = Response>,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Either<S::Future, Ready<Result<Response, S::Error>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let core = self.runtime.core();
        if core.origins.allow_method(request.method(), request.uri(), request.headers()) {
            return Either::Left(self.inner.call(request));
        }
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let client = peer.map(|ConnectInfo(peer)| client_of(peer.ip(), request.headers(), &core.proxies));
        core.refused(RefusalReason::CrossOrigin, client);
        let refusal = (StatusCode::FORBIDDEN, "Cross-origin request rejected.\n");
        Either::Right(ready(Ok(refusal.into_response())))
    }
}
