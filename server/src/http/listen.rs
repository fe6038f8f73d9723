//! Accepts connections and serves HTTP on them. A connection whose client is slower than the limits
//! allow is closed, in each phase: the head of a request, its body, the response, and the pause
//! before the next request.

mod descriptors;
mod pace;
mod paced;
mod socket_limiter;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::{Extensions, HeaderMap, HeaderValue, StatusCode, Version, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_service::Service;

use self::pace::Pace;
use self::paced::{PacedBody, PacedResponse, PacedStream};
use self::socket_limiter::{SocketAdmission, SocketLimiter, SocketPermit};
use crate::admission::address::{ClientAddress, client_of};
use crate::admission::browser::BrowserCookie;
use crate::core::Core;
use crate::runtime::Runtime;
use crate::telemetry::log::client_event;
use crate::telemetry::refusal::RefusalReason;

/// How long the loop pauses after an accept error: the process has run out of file descriptors, and
/// other connections have to release some.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);
/// How long the loop waits, at most, for an evicted connection to close.
const EVICTION_TIME: Duration = Duration::from_millis(100);

/// Serves until `stop` is cancelled, then until the running requests are answered.
pub(crate) async fn serve(listener: TcpListener, app: Router, runtime: Runtime, stop: CancellationToken) {
    let connections = TaskTracker::new();
    let counters = Arc::clone(&runtime.core().counters);
    let limiter = Arc::new(SocketLimiter::new(&runtime.core().limits, descriptors::max_sockets(), counters));
    runtime.core().connection_limit.lower(limiter.max_web_sockets());
    let server = Arc::new(HttpServer { app, runtime, limiter });
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                if let Some(permit) = server.admit(peer).await {
                    connections.spawn(Arc::clone(&server).serve(stream, peer, permit, stop.clone()));
                }
            }
            Err(error) if is_of_peer(&error) => {
                tracing::trace!(%error, "the peer closed the connection before it was accepted");
            }
            Err(error) => {
                tracing::error!(%error, "cannot accept connections; retrying");
                tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
            }
        }
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// The state that all connections of a listener share.
struct HttpServer {
    app: Router,
    runtime: Runtime,
    limiter: Arc<SocketLimiter>,
}

impl HttpServer {
    /// Admits a new connection, if necessary by closing the one whose client has kept the server
    /// waiting longest. Returns `None` if no connection can be closed.
    async fn admit(&self, peer: SocketAddr) -> Option<SocketPermit> {
        let core = self.runtime.core();
        let ip = peer.ip().to_canonical();
        // A trusted proxy is not limited: its requests are counted for its clients.
        let counted = (!core.proxies.is_trusted(ip)).then_some(ClientAddress::Peer(ip));
        let (permit, evicted) = match self.limiter.admit(counted) {
            SocketAdmission::Admitted(permit) => return Some(permit),
            SocketAdmission::Evicting(permit, evicted) => (Some(permit), Some(evicted)),
            SocketAdmission::Refused => (None, None),
        };
        core.counters.crowded_out.add();
        let accepted = evicted.is_some();
        client_event!(core.log, INFO, address = %ip, accepted, "too many connections; closed one");
        if let Some(evicted) = evicted {
            evicted.request_close();
            // Its file descriptor is needed. It closes at once unless it has just become busy.
            let _closed = tokio::time::timeout(EVICTION_TIME, evicted.closed()).await;
        }
        permit
    }

    /// Serves the requests of one connection.
    async fn serve(
        self: Arc<Self>,
        stream: TcpStream,
        peer: SocketAddr,
        permit: SocketPermit,
        stop: CancellationToken,
    ) {
        // Patches are small packets that a client waits for; Nagle's algorithm would delay them.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::trace!(%error, "cannot set TCP_NODELAY");
        }
        let core = self.runtime.core();
        let pace = Arc::clone(permit.pace());
        let limits = &core.limits;
        let io = PacedStream::new(stream, permit, limits);
        let service = {
            let (server, pace) = (Arc::clone(&self), Arc::clone(&pace));
            service_fn(move |request| Arc::clone(&server).handle(peer, Arc::clone(&pace), request))
        };
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head_time)
            .serve_connection(TokioIo::new(io), service)
            .with_upgrades();
        let mut connection = std::pin::pin!(connection);
        let mut ending = false;
        let served = loop {
            tokio::select! {
                served = connection.as_mut() => break served,
                () = pace.close_requested() => return,
                () = stop.cancelled(), if !ending => {
                    ending = true;
                    connection.as_mut().graceful_shutdown();
                }
            }
        };
        if let Err(error) = served {
            tracing::trace!(%error, "an HTTP connection failed");
        }
        if pace.is_stalled() {
            core.counters.stalled.add();
            client_event!(core.log, INFO, address = %peer.ip(), "closed a connection: the client is too slow");
        }
    }

    async fn handle(
        self: Arc<Self>,
        peer: SocketAddr,
        pace: Arc<Pace>,
        mut request: Request<Incoming>,
    ) -> Result<Response, Infallible> {
        pace.stop_reading();
        let core = self.runtime.core();
        if !names_one_host(request.version(), request.headers()) {
            return Ok((StatusCode::BAD_REQUEST, "Exactly one Host header is required.\n").into_response());
        }
        let client = client_of(peer.ip(), request.headers(), &core.proxies);
        let Ok(permit) = self.limiter.admit_request(client) else {
            core.refused(RefusalReason::Address, Some(client));
            let retry = [(header::RETRY_AFTER, "1")];
            return Ok(
                (StatusCode::TOO_MANY_REQUESTS, retry, "Too many concurrent requests.\n").into_response()
            );
        };
        request.extensions_mut().insert(Limited);
        request.extensions_mut().insert(ConnectInfo(peer));
        let browser_cookie = BrowserCookie::default();
        request.extensions_mut().insert(browser_cookie.clone());
        let request = request.map(|body| Body::new(PacedBody::new(body, Arc::clone(&pace), &core.limits)));
        // A router is always ready.
        let mut response = self.app.clone().call(request).await?;
        if pace.is_stalled() {
            let close = [(header::CONNECTION, "close")];
            response = (StatusCode::REQUEST_TIMEOUT, close, "The request body was sent too slowly.\n")
                .into_response();
        }
        browser_cookie.write(response.headers_mut());
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            match response.extensions().get::<SendsAtOnce>() {
                Some(SendsAtOnce) => pace.upgrade_with_first_bytes(),
                None => pace.upgrade(),
            }
            return Ok(response);
        }
        if core.draining.is_cancelled() {
            // The client sends its next request to another process.
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response.map(|body| Body::new(PacedResponse::new(body, pace, permit))))
    }
}

/// Marks a response that upgrades its connection, if the server sends bytes of the other protocol
/// without waiting. They are sent together with the response.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SendsAtOnce;

/// Marks the requests to which this listener applies its limits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limited;

/// Logs a warning, once for each runtime, if a request did not come through this listener: the
/// listener's limits do not apply to it.
pub(crate) fn warn_without_listener(core: &Core, extensions: &Extensions) {
    if extensions.get::<Limited>().is_none() && !core.has_warned.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            "the application is not served by vivaz::serve: connections of plain HTTP, the time for a request's body \
             and for its response, and sockets by the process's file descriptors are not limited; set these limits \
             in the server in use"
        );
    }
}

/// Checks that a request has exactly one `Host` header; an HTTP/1.0 request may have none.
fn names_one_host(version: Version, headers: &HeaderMap) -> bool {
    match headers.get_all(header::HOST).iter().count() {
        0 => version < Version::HTTP_11,
        count => count == 1,
    }
}

/// Checks whether an accept error concerns only a connection that its peer closed.
fn is_of_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset
    )
}
