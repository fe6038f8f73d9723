//! The smallest application: `cargo run -p vivaz --example hello`. The argument is the address to
//! listen on.

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use tokio::net::TcpListener;
use vivaz::prelude::*;

#[derive(LiveComponent, Clone)]
#[live(
    name = "counter",
    inline = r#"
    <p>Clicked {{ count }} times.</p>
    <button live:click="increment">+</button>
"#
)]
struct Counter {
    #[live(prop, default)]
    count: i64,
}

#[actions]
impl Counter {
    #[action]
    fn increment(&mut self) {
        self.count = self.count.saturating_add(1);
    }
}

async fn page(live: Live) -> std::result::Result<Response, RenderError> {
    let counter = live.render::<Counter>(CounterProps { count: 0 }).await?;
    Ok(live.page(format!("<!doctype html><title>Hello</title>{}{counter}", live.head())))
}

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    // Without `.secret(…)` the secret is random, so the seals of open pages do not survive a
    // restart.
    let runtime = Runtime::builder().build()?;
    let app = Router::new().route("/", get(page)).with_state(runtime.clone()).merge(runtime.router());
    let listener = TcpListener::bind(address).await?;
    #[expect(clippy::print_stdout, reason = "the user needs the address")]
    {
        println!("http://{}", listener.local_addr()?);
    }
    Ok(vivaz::serve(listener, app, runtime).await?)
}
