//! Refuses cross-site request forgery (CSRF): unsafe requests from pages of another site.

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
use crate::telemetry::refusal::RefusalReason;

/// A layer that answers unsafe requests from pages of another origin with the status 403, because
/// browsers send the visitor's cookies along with them. Forms need no token.
///
/// `GET`, `HEAD` and `OPTIONS` pass: their handlers must have no side effects. Another method
/// passes in these cases:
/// - Its `Origin` is one that [`Builder::allow_origin`](crate::Builder::allow_origin) names.
/// - Its `Sec-Fetch-Site` is `same-origin` or `none`.
/// - It has no `Sec-Fetch-Site`, because the browser is too old, and its `Origin` names the
///   requested host.
/// - It has neither header, so a program other than a browser sent it.
///
/// If [`Builder::allow_host`](crate::Builder::allow_host) is called, `Host` has to be one of its
/// hosts. A request in which one of these headers occurs twice or cannot be read is refused.
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
    /// Returns a layer that refuses unsafe requests from pages of another origin.
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
