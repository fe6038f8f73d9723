//! The next version of `e2e-app`: `/notice` and `/motto` are the same components with other
//! templates, `/ledger` and `/pinned` have other nested types. A test replaces the first version by
//! this one, like a deploy.

use axum::Router;
use axum::routing::get;

mod ledger;
mod motto;
mod notice;
#[path = "../../serve.rs"]
mod serve;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let routes = Router::new()
        .route("/notice", get(serve::page::<notice::Notice>))
        .route("/motto", get(serve::page::<motto::Motto>))
        .route("/ledger", get(serve::page::<ledger::Ledger>))
        .route("/pinned", get(serve::page::<ledger::Pinned>));
    serve::serve(routes).await
}
