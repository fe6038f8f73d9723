//! The next version of what `e2e-app` serves at `/notice`: the same component by another template. A test puts it in the
//! place of the other one, as a deploy does.

use axum::Router;
use axum::routing::get;

mod notice;
#[path = "../../serve.rs"]
mod serve;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    serve::serve(Router::new().route("/notice", get(serve::page::<notice::Notice>))).await
}
