//! The demo's own files, embedded in the binary.

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

const STYLE: &str = include_str!("../assets/demo.css");
const SCRIPT: &str = include_str!("../assets/demo.js");
const HOOK: &str = include_str!("../assets/hook.js");
const ICON: &str = include_str!("../assets/icon.svg");

/// Returns the routes `/assets/…` and the icon.
pub(crate) fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/assets/demo.css", get(|headers: HeaderMap| file(headers, "text/css; charset=utf-8", STYLE)))
        .route(
            "/assets/demo.js",
            get(|headers: HeaderMap| file(headers, "text/javascript; charset=utf-8", SCRIPT)),
        )
        .route(
            "/assets/hook.js",
            get(|headers: HeaderMap| file(headers, "text/javascript; charset=utf-8", HOOK)),
        )
        .route("/favicon.svg", get(|headers: HeaderMap| file(headers, "image/svg+xml", ICON)))
        .route("/favicon.ico", get(|headers: HeaderMap| file(headers, "image/svg+xml", ICON)))
}

/// Serves a file. Browsers revalidate it each time and receive 304 if it is unchanged.
async fn file(headers: HeaderMap, kind: &'static str, content: &'static str) -> Response {
    let tag = format!("\"{}\"", blake3::hash(content.as_bytes()).to_hex());
    if headers.get(IF_NONE_MATCH).is_some_and(|known| matches(known, &tag)) {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    ([(CONTENT_TYPE, kind.to_owned()), (ETAG, tag), (CACHE_CONTROL, "no-cache".to_owned())], content)
        .into_response()
}

/// Checks whether a browser has the file, perhaps compressed: `W/` says that its bytes were others.
fn matches(known: &HeaderValue, tag: &str) -> bool {
    known.to_str().is_ok_and(|known| known.strip_prefix("W/").unwrap_or(known) == tag)
}
