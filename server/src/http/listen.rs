//! Accepts connections and answers HTTP on them. A client that is slower than the limits allow is
//! given up in every phase: the head of a request, its body, the answer, and the pause before the
//! next request.

mod crowd;
mod descriptors;
mod pace;
mod paced;

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

use self::crowd::{Crowd, Room, Ticket};
use self::pace::Pace;
use self::paced::{PacedBody, PacedResponse, PacedStream};
use crate::admission::address::{ClientAddress, client_of};
use crate::admission::browser::NewBrowser;
use crate::core::Core;
use crate::runtime::Runtime;
use crate::telemetry::log::client_event;
use crate::telemetry::stats::{Counters, RefusalReason};

/// How long the loop pauses when the system cannot accept: it is out of file descriptors, and some have to come back.
const OUT_OF_SOCKETS: Duration = Duration::from_millis(100);
/// How long the loop waits at most until a connection that is closed for want of room is gone.
const CLOSING: Duration = Duration::from_millis(100);

/// Answers until `stop`, then until the requests under way are answered.
pub(crate) async fn serve(listener: TcpListener, app: Router, runtime: Runtime, stop: CancellationToken) {
    let connections = TaskTracker::new();
    let counters = Arc::clone(&runtime.core().counters);
    let crowd = Arc::new(Crowd::new(&runtime.core().limits, descriptors::sockets(), counters));
    runtime.core().connection_limit.lower(crowd.upgrades());
    let server = Arc::new(Server { app, runtime, crowd });
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                if let Some(ticket) = server.room_for(peer).await {
                    connections.spawn(Arc::clone(&server).answer(stream, peer, ticket, stop.clone()));
                }
            }
            Err(error) if is_of_peer(&error) => tracing::trace!(%error, "a connection was not accepted"),
            Err(error) => {
                tracing::error!(%error, "connections cannot be accepted");
                tokio::time::sleep(OUT_OF_SOCKETS).await;
            }
        }
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// What all connections of a listener share.
struct Server {
    app: Router,
    runtime: Runtime,
    crowd: Arc<Crowd>,
}

impl Server {
    /// Finds room for a new connection, if need be by closing one whose client has kept the server
    /// waiting longest.
    async fn room_for(&self, peer: SocketAddr) -> Option<Ticket> {
        let core = self.runtime.core();
        let ip = peer.ip().to_canonical();
        // A trusted proxy has as many as it needs: its requests are counted for its clients.
        let counted = (!core.proxies.are_trusted(ip)).then_some(ClientAddress::Peer(ip));
        let room = self.crowd.enter(counted);
        let (ticket, closed) = match room {
            Room::Free(ticket) => return Some(ticket),
            Room::Made(ticket, closed) => (Some(ticket), Some(closed)),
            Room::None => (None, None),
        };
        Counters::add(&core.counters.crowded_out);
        let made = closed.is_some();
        client_event!(core.log, INFO, address = %ip, made, "too many connections: one is closed");
        if let Some(closed) = closed {
            closed.end();
            // Its descriptor is needed. It ends at once unless it has just become busy.
            let _ended = tokio::time::timeout(CLOSING, closed.gone()).await;
        }
        ticket
    }

    /// Answers the requests of one connection.
    async fn answer(
        self: Arc<Self>,
        stream: TcpStream,
        peer: SocketAddr,
        ticket: Ticket,
        stop: CancellationToken,
    ) {
        // A patch is a small packet that a client waits for.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::trace!(%error, "a connection keeps its small packets back");
        }
        let core = self.runtime.core();
        let pace = Arc::clone(ticket.pace());
        let limits = &core.limits;
        let io = PacedStream::new(stream, ticket, limits);
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
                () = pace.ended() => return,
                () = stop.cancelled(), if !ending => {
                    ending = true;
                    connection.as_mut().graceful_shutdown();
                }
            }
        };
        if let Err(error) = served {
            tracing::trace!(%error, "a connection ended early");
        }
        if pace.is_stalled() {
            Counters::add(&core.counters.stalled);
            client_event!(core.log, INFO, address = %peer.ip(), "connection closed: its client is too slow");
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
        let Ok(visit) = self.crowd.visit(client) else {
            core.refused(RefusalReason::Address, Some(client));
            let retry = [(header::RETRY_AFTER, "1")];
            return Ok(
                (StatusCode::TOO_MANY_REQUESTS, retry, "Too many concurrent requests.\n").into_response()
            );
        };
        request.extensions_mut().insert(Limited);
        request.extensions_mut().insert(ConnectInfo(peer));
        let browser = NewBrowser::default();
        request.extensions_mut().insert(browser.clone());
        let request = request.map(|body| Body::new(PacedBody::new(body, Arc::clone(&pace), &core.limits)));
        // A router is always ready.
        let mut response = self.app.clone().call(request).await?;
        if pace.is_stalled() {
            let close = [(header::CONNECTION, "close")];
            response = (StatusCode::REQUEST_TIMEOUT, close, "The request body was sent too slowly.\n")
                .into_response();
        }
        browser.write(response.headers_mut());
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            pace.upgrade();
            return Ok(response);
        }
        if core.draining.is_cancelled() {
            // What the client asks for next, it asks of another process.
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response.map(|body| Body::new(PacedResponse::new(body, pace, visit))))
    }
}

/// Marks requests that this listener has limited.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limited;

/// Logs a warning once if a request did not come through this listener, whose limits then do not hold.
pub(crate) fn expect_listener(core: &Core, extensions: &Extensions) {
    if extensions.get::<Limited>().is_none() && !core.has_warned.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            "the application is not served by vivaz::serve: nothing limits connections of plain HTTP, the time for \
             a request's body and for its answer, or sockets by the process's file descriptors; set these limits in \
             the server that is used"
        );
    }
}

/// Checks that a request names exactly one host; one of HTTP/1.0 may name none.
fn names_one_host(version: Version, headers: &HeaderMap) -> bool {
    match headers.get_all(header::HOST).iter().count() {
        0 => version < Version::HTTP_11,
        count => count == 1,
    }
}

/// Checks whether the error concerns that one connection, which the peer gave up.
fn is_of_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset
    )
}
