//! The yardsticks: a WebSocket on axum with nothing behind it, set up as well as we know how; and
//! the same that sends what it gets to everybody.

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::get;
use futures_util::SinkExt as _;
use tokio::sync::broadcast;

use crate::process;

/// What makes the echo answer with [`BIG_BYTES`] of text instead of what it got.
pub(crate) const ASK_FOR_BIG: &str = "big";

/// As much as the snapshot that the measured server sends.
pub(crate) const BIG_BYTES: usize = 64 * 1024;

/// Sends everything back, until the process is killed.
pub(crate) async fn serve() -> anyhow::Result<()> {
    let listener = process::listen().await?;
    axum::serve(listener, Router::new().route(process::PATH, get(upgrade))).await?;
    Ok(())
}

/// Sends everything to every connection, until the process is killed.
pub(crate) async fn serve_to_all() -> anyhow::Result<()> {
    let listener = process::listen().await?;
    let (everybody, _) = broadcast::channel(1024);
    let route =
        get(|State(everybody): State<broadcast::Sender<Utf8Bytes>>, upgrade: WebSocketUpgrade| async move {
            tuned(upgrade).on_upgrade(|socket| pass_on(socket, everybody))
        });
    axum::serve(listener, Router::new().route(process::PATH, route).with_state(everybody)).await?;
    Ok(())
}

async fn upgrade(upgrade: WebSocketUpgrade) -> Response {
    tuned(upgrade).on_upgrade(echo)
}

/// axum's own 128 KiB read buffer and lazy write buffer would cost 138 KB a connection and twice
/// the time.
fn tuned(upgrade: WebSocketUpgrade) -> WebSocketUpgrade {
    upgrade.read_buffer_size(512).write_buffer_size(0).max_write_buffer_size(1 << 20)
}

async fn pass_on(mut socket: WebSocket, everybody: broadcast::Sender<Utf8Bytes>) {
    let mut inbox = everybody.subscribe();
    loop {
        tokio::select! {
            received = socket.recv() => match received {
                Some(Ok(Message::Text(text))) => {
                    // There is a receiver: this connection.
                    let _ = everybody.send(text);
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return,
            },
            message = inbox.recv() => {
                let Ok(text) = message else { return };
                if socket.feed(Message::Text(text)).await.is_err() {
                    return;
                }
                // What has piled up meanwhile goes out with it.
                while let Ok(text) = inbox.try_recv() {
                    if socket.feed(Message::Text(text)).await.is_err() {
                        return;
                    }
                }
                if socket.flush().await.is_err() {
                    return;
                }
            }
        }
    }
}

async fn echo(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        let answer = match message {
            Message::Text(text) if text.as_str() == ASK_FOR_BIG => {
                Message::Text("x".repeat(BIG_BYTES).into())
            }
            Message::Text(_) | Message::Binary(_) => message,
            Message::Ping(_) | Message::Pong(_) => continue,
            Message::Close(_) => return,
        };
        if socket.send(answer).await.is_err() {
            return;
        }
    }
}
