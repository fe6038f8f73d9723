//! The yardstick: a WebSocket on axum with nothing behind it, set up as well as we know how.

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::get;

use crate::process;

/// What makes the echo answer with [`BIG_BYTES`] of text instead of what it got.
pub(crate) const ASK_FOR_BIG: &str = "big";

/// As much as the snapshot that the measured server sends.
pub(crate) const BIG_BYTES: usize = 64 * 1024;

/// Serves until the process is killed.
pub(crate) async fn serve() -> anyhow::Result<()> {
    let listener = process::listen().await?;
    axum::serve(listener, Router::new().route(process::PATH, get(upgrade))).await?;
    Ok(())
}

async fn upgrade(upgrade: WebSocketUpgrade) -> Response {
    // axum's own 128 KiB read buffer and lazy write buffer would cost 138 KB a connection and twice the time.
    upgrade.read_buffer_size(512).write_buffer_size(0).max_write_buffer_size(1 << 20).on_upgrade(echo)
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
