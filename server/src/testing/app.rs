//! Sends requests to the application's router as a browser does.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, Response, StatusCode, header};
use tokio::task::AbortHandle;
use tower_service::Service;
use vivaz_components::Identity;

use super::process::CHANNEL_CAPACITY;
use crate::admission::browser::BrowserCookie;
use crate::http::listen::Limited;
use crate::transport::handover::Handover;
use crate::transport::memory::{Peer, pair};

/// The peer address that the application sees.
const PEER: ([u8; 4], u16) = ([127, 0, 0, 1], 49_152);

/// A connection that was upgraded through the application's router.
pub(super) struct Upgraded {
    pub(super) peer: Peer,
    /// `None` if the identity hook refused the client; the server then closes the connection.
    pub(super) identity: Option<Identity>,
    /// The task that serves the connection.
    pub(super) task: Option<AbortHandle>,
}

/// Sends a request to the application as `vivaz::serve` does, and returns the response with its
/// complete body.
///
/// # Panics
/// Panics if the response's body fails.
pub(super) async fn send(app: Router, request: Request<Body>) -> Response<String> {
    let browser_cookie = BrowserCookie::default();
    let mut response = call(app, request, &browser_cookie).await;
    browser_cookie.write(response.headers_mut());
    let (parts, body) = response.into_parts();
    match to_bytes(body, usize::MAX).await {
        Ok(body) => Response::from_parts(parts, String::from_utf8_lossy(&body).into_owned()),
        Err(error) => panic!("the body of the application's response failed: {error}"),
    }
}

/// Requests an upgrade to a WebSocket from the application. Adds the headers of the handshake.
///
/// # Errors
/// Returns the status of the response if the upgrade is refused.
pub(super) async fn upgrade(
    app: Router,
    mut request: Request<Body>,
) -> Result<(Upgraded, HeaderMap), StatusCode> {
    let (memory, peer) = pair(CHANNEL_CAPACITY);
    let handover = Handover::new(memory);
    for (name, value) in [
        (header::CONNECTION, "Upgrade"),
        (header::UPGRADE, "websocket"),
        (header::SEC_WEBSOCKET_VERSION, "13"),
        (header::SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ=="),
    ] {
        request.headers_mut().insert(name, header::HeaderValue::from_static(value));
    }
    request.extensions_mut().insert(handover.clone());
    let response = call(app, request, &BrowserCookie::default()).await;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Err(response.status());
    }
    let mut handed = handover.lock();
    let upgraded = Upgraded { peer, identity: handed.identity.take(), task: handed.task.take() };
    Ok((upgraded, response.into_parts().0.headers))
}

/// Calls the application with a request, and adds the extensions that the listener of
/// `vivaz::serve` adds.
async fn call(mut app: Router, mut request: Request<Body>, browser_cookie: &BrowserCookie) -> Response<Body> {
    request.extensions_mut().insert(Limited);
    request.extensions_mut().insert(ConnectInfo(std::net::SocketAddr::from(PEER)));
    request.extensions_mut().insert(browser_cookie.clone());
    match app.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
