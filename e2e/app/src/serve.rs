//! What the two binaries of the tests share: an address, a folder, a store of sessions, and pages
//! of one component.

use axum::Router;
use axum::extract::{FromRef, Query};
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;
use tokio::net::TcpListener;
use vivaz::Secret;
use vivaz::prelude::*;
use vivaz::sqlite::Sqlite;

#[derive(Clone)]
pub(crate) struct App(Runtime);

impl FromRef<App> for Runtime {
    fn from_ref(app: &App) -> Self {
        app.0.clone()
    }
}

/// Serves `routes` at `--addr`; sessions outlive the process in the folder `--data`.
pub(crate) async fn serve(routes: Router<App>) -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let args: Vec<String> = std::env::args().collect();
    let value = |flag| args.iter().position(|arg| arg == flag).and_then(|at| args.get(at + 1));
    let addr = value("--addr").map_or("127.0.0.1:0", String::as_str);
    let data = value("--data").map_or("data", String::as_str);

    let runtime = Runtime::builder()
        .build_name(env!("CARGO_BIN_NAME"))
        .secret(Secret::from_env_or_file(format!("{data}/secret"))?)
        .store(Sqlite::open(format!("{data}/sessions.sqlite"))?)
        .build()?;
    let app = routes.with_state(App(runtime.clone())).merge(runtime.router());
    let listener = TcpListener::bind(addr).await?;
    say(&format!("Listening on http://{}", listener.local_addr()?))?;
    vivaz::serve(listener, app, runtime).await?;
    Ok(())
}

/// What becomes of a page on its way: the first `from` in it is `to`, and `cached` lets the browser
/// keep it.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Change {
    from: String,
    to: String,
    cached: bool,
}

/// The component alone, with its default props.
pub(crate) async fn page<C>(
    live: Live,
    Query(Change { from, to, cached }): Query<Change>,
) -> Result<Response, RenderError>
where
    C: LiveComponent,
    C::Props: Default,
{
    let mut component = live.render::<C>(C::Props::default()).await?.to_string();
    let mut head = live.head().to_string();
    if !from.is_empty() {
        component = component.replacen(&from, &to, 1);
        head = head.replacen(&from, &to, 1);
    }
    let mut page = document(&head, &component);
    if cached {
        page.headers_mut().remove("cache-control");
    }
    Ok(page)
}

/// The page around a component, under a strict policy.
pub(crate) fn document(head: &str, body: &str) -> Response {
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
