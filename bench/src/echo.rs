//! The baselines: a tuned WebSocket echo on axum, and the same server with each message sent to all
//! connections.

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::get;
use futures_util::SinkExt as _;
use tokio::sync::broadcast;

use crate::process;

/// The message to which the echo replies with [`LARGE_BYTES`] of text.
pub(crate) const LARGE_REQUEST: &str = "big";

/// The size of the snapshot that the measured server sends.
pub(crate) const LARGE_BYTES: usize = 64 * 1024;

/// Sends each message back until the process is killed.
pub(crate) async fn serve() -> anyhow::Result<()> {
    let listener = process::listen().await?;
    axum::serve(listener, Router::new().route(process::PATH, get(upgrade))).await?;
    Ok(())
}

/// Sends each message to every connection until the process is killed.
pub(crate) async fn serve_to_all() -> anyhow::Result<()> {
    let listener = process::listen().await?;
    let (all, _) = broadcast::channel(1024);
    let route =
        get(|State(all): State<broadcast::Sender<Utf8Bytes>>, upgrade: WebSocketUpgrade| async move {
            // Messages of a burst wait for the flush.
            tuned(upgrade).write_buffer_size(16 * 1024).on_upgrade(|socket| pass_on(socket, all))
        });
    axum::serve(listener, Router::new().route(process::PATH, route).with_state(all)).await?;
    Ok(())
}

async fn upgrade(upgrade: WebSocketUpgrade) -> Response {
    tuned(upgrade).on_upgrade(echo)
}

/// Sets small buffers. The defaults of axum (128 KiB to read, delayed writes) cost 138 KB a
/// connection and twice the time.
fn tuned(upgrade: WebSocketUpgrade) -> WebSocketUpgrade {
    upgrade.read_buffer_size(512).write_buffer_size(0).max_write_buffer_size(1 << 20)
}

async fn pass_on(mut socket: WebSocket, all: broadcast::Sender<Utf8Bytes>) {
    let mut inbox = all.subscribe();
    loop {
        tokio::select! {
            received = socket.recv() => match received {
                Some(Ok(Message::Text(text))) => {
                    // Cannot fail: this connection is a receiver.
                    let _ = all.send(text);
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return,
            },
            message = inbox.recv() => {
                let Ok(text) = message else { return };
                if socket.feed(Message::Text(text)).await.is_err() {
                    return;
                }
                // All queued messages are flushed together.
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
            Message::Text(text) if text.as_str() == LARGE_REQUEST => {
                Message::Text("x".repeat(LARGE_BYTES).into())
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
