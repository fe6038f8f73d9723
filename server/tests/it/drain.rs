//! The time between the start of a shutdown and its end.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use vivaz::{Limits, Runtime};

use crate::app::{Server, start};
use crate::client::Client;
use crate::http::request;

async fn ready(State(runtime): State<Runtime>) -> StatusCode {
    if runtime.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}

/// Longer than the test, which ends the server itself.
const LONG: Duration = Duration::from_secs(600);

#[tokio::test]
async fn the_listener_continues_and_reports_that_it_is_not_ready() {
    let limits = Limits { drain_accept: LONG, ..Limits::default() };
    let bench = std::sync::Arc::new(crate::app::Bench::default());
    let runtime = Runtime::builder().state(bench).limits(limits).build().unwrap();
    let app = Router::new().route("/ready", get(ready)).with_state(runtime.clone()).merge(runtime.router());
    let mut server = Server::serve(TcpListener::bind("127.0.0.1:0").await.unwrap(), app, runtime);
    let status = async || request(&server, "GET", "/ready", &[]).await.0;
    assert!(status().await.starts_with("http/1.1 200"));
    let mut before = Client::hello(&server).await;
    before.mount("c", "counter", json!({})).await;

    server.ask_to_stop();
    server.until(|server| !server.runtime.is_ready()).await;
    let (head, _) = request(&server, "GET", "/ready", &[("Connection", "keep-alive")]).await;
    assert!(head.starts_with("http/1.1 503"), "{head}");
    assert!(head.contains("connection: close"), "{head}");
    // Load balancers still send clients to this process: it serves them, and existing connections
    // stay.
    let mut during = Client::hello(&server).await;
    during.mount("c", "counter", json!({})).await;
    for client in [&mut before, &mut during] {
        assert_eq!(client.act("c", "increment", json!([])).await["type"], "STATE_UPDATE");
    }
    assert!(!server.serving.as_ref().unwrap().is_finished());
    server.serving.take().unwrap().abort();
}

#[tokio::test]
async fn by_default_a_draining_server_accepts_no_connection() {
    let mut server = start().await;
    server.stop().await;
    assert!(!server.runtime.is_ready());
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn after_that_time_pages_are_sent_away() {
    let limits = Limits { drain_accept: Duration::from_millis(30), ..Limits::default() };
    let mut server = crate::app::limited(limits).await;
    let mut client = Client::hello(&server).await;
    client.mount("lab", "lab", json!({})).await;
    let (code, ()) = tokio::join!(client.closed(), server.stop());
    assert_eq!(code, 1001);
}

#[tokio::test]
async fn an_application_that_serves_itself_drains_by_itself() {
    let runtime = Runtime::builder().build().unwrap();
    assert!(runtime.is_ready());
    runtime.drain();
    assert!(!runtime.is_ready());
    runtime.shutdown().await;
    assert!(!runtime.is_ready());
}
