//! The next version of `e2e-app`: `/notice` and `/motto` are the same components with other
//! templates, `/ledger` and `/pinned` have other nested types, and the pages of the tour are the
//! same. A test replaces the first version by this one, like a deploy.

use axum::Router;
use axum::routing::get;

#[path = "../../catalog.rs"]
mod catalog;
#[path = "../../handlers.rs"]
mod handlers;
mod ledger;
mod motto;
mod notice;
#[path = "../../serve.rs"]
mod serve;
#[path = "../../tour.rs"]
mod tour;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let routes = Router::new()
        .route("/notice", get(serve::page::<notice::Notice>))
        .route("/motto", get(serve::page::<motto::Motto>))
        .route("/ledger", get(serve::page::<ledger::Ledger>))
        .route("/pinned", get(serve::page::<ledger::Pinned>))
        .merge(tour::router());
    serve::serve(routes).await
}
