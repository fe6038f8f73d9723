//! An echo server for conformance suites, with the handshake, the settings and the closing of real
//! connections.

use std::net::SocketAddr;

use axum::Router;
use axum::routing::any;
use futures_util::{SinkExt, StreamExt};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::connection::close_for_violation;
use crate::http::listen;
use crate::transport::{Incoming, Outgoing};

/// The limit for a message, in bytes. The suite's largest messages have 16 MiB.
const MESSAGE_BYTES: usize = 32 * 1024 * 1024;

async fn answer(request: Request) -> Response<Body> {
    let (mut parts, _body) = request.into_parts();
    let handshake = Handshake::of(&parts.method, parts.version, &parts.headers).unwrap();
    let upgrade = parts.extensions.remove::<OnUpgrade>().unwrap();
    tokio::spawn(async move {
        if let Some(socket) = complete_upgrade(upgrade, Encoding::Json, MESSAGE_BYTES).await {
            echo(socket).await;
        }
    });
    handshake.accept()
}

async fn echo(mut socket: Box<WebSocket<TokioIo<Upgraded>>>) {
    loop {
        let echoed = match socket.next().await {
            Some(Incoming::Text(text)) => socket.send(Outgoing::Text(text)).await,
            Some(Incoming::Binary(bytes)) => socket.send_binary(bytes).await,
            // The flush sends the pong that answers a ping.
            Some(Incoming::Heartbeat) => socket.flush().await,
            Some(Incoming::Violation(violation)) => {
                let (code, reason) = close_for_violation(violation);
                return socket.close(code, reason).await;
            }
            Some(Incoming::Closed(_)) => return socket.answer_close().await,
            Some(Incoming::Lost) | None => return,
        };
        if echoed.is_err() {
            return;
        }
    }
}

/// Serves until `cargo xtask autobahn` kills the process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "serves until it is ended, for `cargo xtask autobahn`"]
async fn serve() {
    let address: SocketAddr = std::env::var("VIVAZ_ECHO").unwrap().parse().unwrap();
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    let app = Router::new().fallback(any(answer));
    let runtime = Runtime::builder().build().unwrap();
    listen::serve(listener, app, runtime, CancellationToken::new()).await;
}

#[tokio::test]
async fn messages_are_echoed_unchanged() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let app = Router::new().fallback(any(answer));
    let runtime = Runtime::builder().build().unwrap();
    let serving = tokio::spawn(listen::serve(listener, app, runtime, stop.clone()));
    let (mut socket, _) = tokio_tungstenite::connect_async(format!("ws://{address}/")).await.unwrap();
    for message in [
        tokio_tungstenite::tungstenite::Message::text("x".repeat(100_000)),
        tokio_tungstenite::tungstenite::Message::binary(vec![0, 255, 7]),
        tokio_tungstenite::tungstenite::Message::text(""),
    ] {
        socket.send(message.clone()).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), message);
    }
    socket.close(None).await.unwrap();
    while let Some(Ok(_)) = socket.next().await {}
    stop.cancel();
    serving.await.unwrap();
}
