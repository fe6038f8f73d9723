//! The next version of what `e2e-app` serves: `/notice` and `/motto` are the same components by
//! other templates, `/ledger` and `/pinned` have other nested types. A test puts it in the place of
//! the other one, as a deploy does.

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
