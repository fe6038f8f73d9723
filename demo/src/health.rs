//! For whoever watches the process.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

use crate::app::App;

/// `/health` and `/ready`, and the same below `/chat`, where a part of the application may be
/// watched by itself. There are no rooms of these names.
pub(crate) fn router() -> Router<App> {
    Router::new()
        .route("/health", get(health))
        .route("/ready", get(ready))
        .route("/chat/health", get(health))
        .route("/chat/live", get(health))
        .route("/chat/ready", get(ready))
}

/// The process runs.
async fn health() -> Response {
    Json(json!({ "status": "ok" })).into_response()
}

/// Requests can be served: the process is not on its way out, and the database, in which sessions
/// are kept too, can be written.
async fn ready(State(app): State<App>) -> Response {
    match app.runtime.readiness().await {
        Ok(()) => Json(json!({ "status": "ready" })).into_response(),
        Err(why) => {
            tracing::warn!(%why, "not ready");
            let body = Json(json!({ "status": "unavailable", "reason": why.to_string() }));
            (StatusCode::SERVICE_UNAVAILABLE, body).into_response()
        }
    }
}
