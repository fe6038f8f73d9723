//! For whoever watches the process.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

use crate::app::App;

/// `/health` and `/ready`
pub(crate) fn router() -> Router<App> {
    Router::new().route("/health", get(health)).route("/ready", get(ready))
}

/// The process runs.
async fn health() -> Response {
    Json(json!({ "status": "ok" })).into_response()
}

/// Requests can be served: the process is not on its way out, and the database answers.
async fn ready(State(app): State<App>) -> Response {
    if !app.runtime.is_ready() {
        return (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": "going away" }))).into_response();
    }
    match app.store.ready().await {
        Ok(()) => Json(json!({ "status": "ready" })).into_response(),
        Err(error) => {
            tracing::error!(%error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": "unavailable" }))).into_response()
        }
    }
}
