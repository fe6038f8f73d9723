//! The baseline of `cargo xtask bench load`: a page with one socket and hand-written JavaScript.

use std::io::Write as _;

use axum::Router;
use axum::extract::ws::{Message, WebSocketUpgrade};
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;

const PAGE: &str = r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Counter</title>
<script defer src="/app.js"></script>
<output>0</output>
<button type="button" aria-label="Increment">+</button>
</html>
"#;

const SCRIPT: &str = r#"const socket = new WebSocket(`ws://${location.host}/socket`);
const output = document.querySelector('output');
const waiting = [];
socket.onopen = () => { for (const message of waiting) socket.send(message); };
socket.onmessage = ({ data }) => { output.textContent = data; };
document.querySelector('button').onclick = () => {
  if (socket.readyState == 1) socket.send('increment');
  else waiting.push('increment');
};
"#;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let app = Router::new()
        .route("/", get(|| async { Html(PAGE) }))
        .route("/app.js", get(|| async { ([(header::CONTENT_TYPE, "text/javascript")], SCRIPT) }))
        .route("/socket", get(socket));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let mut out = std::io::stdout();
    writeln!(out, "Listening on http://{}", listener.local_addr()?)?;
    out.flush()?;
    axum::serve(listener, app).await
}

async fn socket(upgrade: WebSocketUpgrade) -> Response {
    let count = |mut socket: axum::extract::ws::WebSocket| async move {
        let mut count = 0;
        while let Some(Ok(Message::Text(_))) = socket.recv().await {
            count += 1;
            if socket.send(Message::Text(count.to_string().into())).await.is_err() {
                return;
            }
        }
    };
    upgrade.on_upgrade(count).into_response()
}
