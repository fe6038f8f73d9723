//! Shared code of the two test servers: options, session store, and pages of one component.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::{FromRef, Query};
use axum::http::HeaderValue;
use axum::http::header::COOKIE;
use axum::http::request::Parts;
use axum::response::{Html, IntoResponse, Response};
use lexopt::Arg::{Long, Short, Value};
use lexopt::ValueExt as _;
use serde::Deserialize;
use tokio::net::TcpListener;
use vivaz::prelude::*;
use vivaz::sqlite::Sqlite;
use vivaz::{IdentityError, Secret, User};

#[derive(Clone)]
pub(crate) struct App(Runtime);

impl FromRef<App> for Runtime {
    fn from_ref(app: &App) -> Self {
        app.0.clone()
    }
}

/// Serves `routes` at the address `--addr`. Sessions outlive the process in the folder `--data`.
pub(crate) async fn serve(routes: Router<App>) -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let (mut addr, mut data) = ("127.0.0.1:0".to_owned(), "data".to_owned());
    let mut args = lexopt::Parser::from_env();
    while let Some(arg) = args.next()? {
        match arg {
            Long("addr") => addr = args.value()?.string()?,
            Long("data") => data = args.value()?.string()?,
            other @ (Short(_) | Long(_) | Value(_)) => return Err(other.unexpected().into()),
        }
    }

    let runtime = Runtime::builder()
        .build_name(env!("CARGO_BIN_NAME"))
        .identity(identify)
        .secret(Secret::from_env_or_file(format!("{data}/secret"))?)
        .store(Sqlite::open(format!("{data}/sessions.sqlite"))?)
        .build()?;
    let app = routes.with_state(App(runtime.clone())).merge(runtime.router());
    let listener = TcpListener::bind(addr).await?;
    print_line(&format!("Listening on http://{}", listener.local_addr()?))?;
    vivaz::serve(listener, app, runtime).await?;
    Ok(())
}

/// Returns the user whom the cookie `user` names: tests sign in by setting it.
async fn identify(request: Parts) -> Result<Identity, IdentityError> {
    let cookies = request.headers.get(COOKIE).and_then(|list| list.to_str().ok()).unwrap_or_default();
    let name = cookies.split("; ").find_map(|cookie| cookie.strip_prefix("user="));
    Ok(name.map_or_else(Identity::anonymous, |name| Identity::of(User::new(name, name))))
}

/// A modification of a page, from the query: replaces the first `from` by `to`; `cached` permits
/// the browser to cache the page.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Change {
    from: String,
    to: String,
    cached: bool,
}

/// Renders a page with one component, which has its default props.
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

/// A strict content security policy.
pub(crate) static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let policy = format!(
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval' '{}'; style-src 'self'; img-src 'self' data:",
        vivaz::CAPTURE_HASH
    );
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
});

/// Returns the HTML of a page around components.
pub(crate) fn html(head: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Test</title>\
         <link rel=\"icon\" href=\"data:,\">{head}</head><body>{body}</body></html>"
    )
}

/// Returns a page around a component, with a strict content security policy.
pub(crate) fn document(head: &str, body: &str) -> Response {
    let page = html(head, body);
    let uncached = HeaderValue::from_static("private, no-store");
    ([("content-security-policy", POLICY.clone()), ("cache-control", uncached)], Html(page)).into_response()
}

fn print_line(text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}
