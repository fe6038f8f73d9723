//! The page with the metrics that Prometheus reads.

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;

use crate::runtime::Runtime;
use crate::telemetry::prometheus;

impl Runtime {
    /// Returns a router with one route, `/metrics`: the metrics of this runtime as text for
    /// Prometheus. It is not part of [`router`](Self::router), and it checks nothing: whoever
    /// reaches it reads the names of all components and actions and how often they are used. Serve
    /// it at an address of its own, which only the collector reaches, or behind a layer that checks
    /// the request.
    ///
    /// ```no_run
    /// # async fn example(runtime: vivaz::Runtime) -> std::io::Result<()> {
    /// let listener = tokio::net::TcpListener::bind("127.0.0.1:9464").await?;
    /// axum::serve(listener, runtime.metrics_router()).await
    /// # }
    /// ```
    pub fn metrics_router<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        Router::new().route("/metrics", get(metrics)).with_state(self.clone())
    }

    /// Returns the metrics of this runtime as text for Prometheus (exposition format 0.0.4), for an
    /// application that adds metrics of its own or sends the text elsewhere.
    #[must_use]
    pub fn metrics_text(&self) -> String {
        prometheus::write_metrics(&self.core().counters)
    }
}

async fn metrics(State(runtime): State<Runtime>) -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, prometheus::CONTENT_TYPE), (header::CACHE_CONTROL, "no-store")],
        runtime.metrics_text(),
    )
}
