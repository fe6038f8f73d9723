//! The routes of a runtime.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{any, get, post};

use super::tickets;
use super::upgrade::upgrade;
use crate::runtime::Runtime;

impl Runtime {
    /// Returns the routes to merge into the application's router: the WebSocket, and below its path
    /// the client's files and the templates.
    pub fn router<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        let path = &self.core().path;
        Router::new()
            .route(path, any(upgrade))
            .route(&format!("{path}/{}", tickets::PATH), post(tickets::use_tickets))
            .route(&format!("{path}/{{*file}}"), get(asset))
            .with_state(self.clone())
    }
}

async fn asset(State(runtime): State<Runtime>, Path(file): Path<String>, headers: HeaderMap) -> Response {
    runtime.core().assets.respond(&file, &headers)
}
