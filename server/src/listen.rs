//! Answering HTTP on a listener. axum's own loop waits for ever for a request that is sent a byte at a time; here it
//! is given up, and so is a connection that nothing is asked on.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_service::Service;

use crate::browser::NewBrowser;

/// How long the loop pauses when the system cannot accept: it is out of file descriptors, and some have to come back.
const OUT_OF_SOCKETS: Duration = Duration::from_millis(100);

/// Answers until `stop`, then until what is being answered is answered.
pub(crate) async fn serve(listener: TcpListener, app: Router, head_time: Duration, stop: CancellationToken) {
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (app, stop) = (app.clone(), stop.clone());
                connections.spawn(answer(stream, peer, app, head_time, stop));
            }
            Err(error) if is_the_peers(&error) => tracing::trace!(%error, "a connection was not accepted"),
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

async fn answer(
    stream: TcpStream,
    peer: SocketAddr,
    app: Router,
    head_time: Duration,
    stop: CancellationToken,
) {
    // A patch is a small packet that somebody waits for.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::trace!(%error, "a connection keeps its small packets back");
    }
    let service = service_fn(move |request| handle(app.clone(), peer, request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_time)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let mut ending = false;
    let served = loop {
        tokio::select! {
            served = connection.as_mut() => break served,
            () = stop.cancelled(), if !ending => {
                ending = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    };
    if let Err(error) = served {
        tracing::trace!(%error, "a connection ended early");
    }
}

async fn handle(
    mut app: Router,
    peer: SocketAddr,
    mut request: Request<Incoming>,
) -> Result<Response, Infallible> {
    request.extensions_mut().insert(ConnectInfo(peer));
    let browser = NewBrowser::default();
    request.extensions_mut().insert(browser.clone());
    // A router is always ready.
    let mut response = app.call(request.map(Body::new)).await?;
    browser.write(response.headers_mut());
    Ok(response)
}

/// Whether it is about that one connection, which the peer gave up.
fn is_the_peers(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset
    )
}
