//! Routes for monitoring the process.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

use crate::app::App;

/// Returns the routes `/health` and `/ready`, also below `/chat`, because a part of the application
/// may be monitored separately. These names are reserved, so no room has them.
pub(crate) fn router() -> Router<App> {
    Router::new()
        .route("/health", get(health))
        .route("/ready", get(ready))
        .route("/chat/health", get(health))
        .route("/chat/live", get(health))
        .route("/chat/ready", get(ready))
}

/// Answers that the process is running.
async fn health() -> Response {
    Json(json!({ "status": "ok" })).into_response()
}

/// Answers whether requests can be served: the process is not shutting down, and the database,
/// which also stores the sessions, can be written.
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
