//! Requests to the application's own router, as a browser sends them.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, Response, StatusCode, header};
use tokio::task::AbortHandle;
use tower_service::Service;
use vivaz_components::Identity;

use super::server::UNDER_WAY;
use crate::admission::browser::BrowserCookie;
use crate::http::listen::Limited;
use crate::transport::handover::Handover;
use crate::transport::memory::{Peer, pair};

/// The peer's address that the application sees.
const PEER: ([u8; 4], u16) = ([127, 0, 0, 1], 49_152);

/// A connection that came about over the application's router.
pub(super) struct Upgraded {
    pub(super) peer: Peer,
    /// `None` where the hook refused the client; the server closes the connection then.
    pub(super) identity: Option<Identity>,
    pub(super) task: Option<AbortHandle>,
}

/// Sends a request to the application as `vivaz::serve` does, and returns the response with its whole body.
pub(super) async fn send(app: Router, request: Request<Body>) -> Response<String> {
    let browser = BrowserCookie::default();
    let mut response = answer(app, request, &browser).await;
    browser.write(response.headers_mut());
    let (parts, body) = response.into_parts();
    match to_bytes(body, usize::MAX).await {
        Ok(body) => Response::from_parts(parts, String::from_utf8_lossy(&body).into_owned()),
        Err(error) => panic!("the application's response broke off: {error}"),
    }
}

/// Asks the application for a socket. The headers of the handshake are added to the request.
///
/// # Errors
/// The status of a response that grants none.
pub(super) async fn upgrade(
    app: Router,
    mut request: Request<Body>,
) -> Result<(Upgraded, HeaderMap), StatusCode> {
    let (memory, peer) = pair(UNDER_WAY);
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
    let response = answer(app, request, &BrowserCookie::default()).await;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Err(response.status());
    }
    let mut handed = handover.lock();
    let upgraded = Upgraded { peer, identity: handed.identity.take(), task: handed.task.take() };
    Ok((upgraded, response.into_parts().0.headers))
}

/// Answers a request that has what the listener of `vivaz::serve` adds to it.
async fn answer(mut app: Router, mut request: Request<Body>, browser: &BrowserCookie) -> Response<Body> {
    request.extensions_mut().insert(Limited);
    request.extensions_mut().insert(ConnectInfo(std::net::SocketAddr::from(PEER)));
    request.extensions_mut().insert(browser.clone());
    match app.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
