//! Pages for the browser tests: what goes wrong on purpose, and what a demo has no use for.
//!
//! One component a file, its template beside it, each at the path of its name. It takes `--addr` and `--data` as the
//! demo does, so that the tests start both in the same way.

use axum::Router;
use axum::extract::{FromRef, Query};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use tokio::net::TcpListener;
use vivaz::Secret;
use vivaz::prelude::*;

mod broken;
mod events;
mod family;
mod faults;
mod flight;
mod inputs;
mod lists;
mod patching;
mod pending;
mod ways;

#[derive(Clone)]
struct App(Runtime);

impl FromRef<App> for Runtime {
    fn from_ref(app: &App) -> Self {
        app.0.clone()
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let args: Vec<String> = std::env::args().collect();
    let value = |flag| args.iter().position(|arg| arg == flag).and_then(|at| args.get(at + 1));
    let addr = value("--addr").map_or("127.0.0.1:0", String::as_str);
    let data = value("--data").map_or("data", String::as_str);

    let runtime = Runtime::builder().secret(Secret::from_env_or_file(format!("{data}/secret"))?).build()?;
    let app = Router::new()
        .route("/faults", get(page::<faults::Faults>))
        .route("/inputs", get(page::<inputs::Inputs>))
        .route("/lists", get(page::<lists::Lists>))
        .route("/patching", get(page::<patching::Patching>))
        .route("/events", get(page::<events::Events>))
        .route("/family", get(page::<family::Family>))
        .route("/flight", get(page::<flight::Flight>))
        .route("/echo", post(|form: String| std::future::ready(form)))
        .route("/ways", get(page::<ways::Ways>))
        .route("/pending", get(page::<pending::Pending>))
        .route("/broken", get(page::<broken::Broken>))
        .route("/broken-by-hand", get(by_hand))
        .with_state(App(runtime.clone()))
        .merge(runtime.router());
    let listener = TcpListener::bind(addr).await?;
    say(&format!("Listening on http://{}", listener.local_addr()?))?;
    vivaz::serve(listener, app, runtime).await?;
    Ok(())
}

/// What becomes of a page on its way: the first `from` in it is `to`.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Change {
    from: String,
    to: String,
}

/// The component alone, with its default props.
async fn page<C>(live: Live, Query(Change { from, to }): Query<Change>) -> Result<Response, RenderError>
where
    C: LiveComponent,
    C::Props: Default,
{
    let mut component = live.render::<C>(C::Props::default()).await?.to_string();
    let mut head = live.script().to_string();
    if !from.is_empty() {
        component = component.replacen(&from, &to, 1);
        head = head.replacen(&from, &to, 1);
    }
    Ok(document(&head, &component))
}

/// Elements that the server did not render: one that cannot be mounted, beside one that can.
async fn by_hand(live: Live) -> Response {
    document(
        &live.script().to_string(),
        r#"<live-component name="broken"></live-component><live-component name="faults"></live-component>"#,
    )
}

fn document(head: &str, body: &str) -> Response {
    let page = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Test</title>\
         <link rel=\"icon\" href=\"data:,\">{head}</head><body>{body}</body></html>"
    );
    const POLICY: &str =
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:";
    ([("content-security-policy", POLICY), ("cache-control", "private, no-store")], Html(page))
        .into_response()
}

fn say(text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}
