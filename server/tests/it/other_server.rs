//! An application under axum's own server, as `docs/deployment.md` shows it.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use serde_json::json;
use tokio::net::TcpListener;
use vivaz::{Limits, Runtime, Save};

use crate::app::{Server, start_by};
use crate::client::Client;
use crate::restart::File;

const GUIDE: &str = include_str!("../../../docs/deployment.md");

pub(crate) async fn serve_by_axum(
    listener: TcpListener,
    app: Router,
    runtime: Runtime,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    let stopping = async move {
        stop.await;
        runtime.shutdown().await;
    };
    axum::serve(listener, app).with_graceful_shutdown(stopping).await
}

/// Starts a process that saves nothing before its end.
async fn start(file: &File) -> Server {
    let database = file.database.clone();
    let save = Save::Every(Duration::from_secs(3_600));
    let limits = Limits { loopback_is_limited: true, connections_per_address: 1, ..Limits::default() };
    start_by(Server::serve_by_axum, |builder| builder.store(database).save(save).limits(limits)).await
}

#[test]
fn the_guide_has_the_function_under_test() {
    let function = |text: &'static str| {
        let start = text.find("async fn serve_by_axum").unwrap();
        let text = &text[start..];
        &text[..text.find("\n}\n").unwrap()]
    };
    assert_eq!(function(GUIDE), function(include_str!("other_server.rs")));
}

#[tokio::test]
async fn a_plain_component_survives_a_restart() {
    let file = File::new().await;
    let mut first = start(&file).await;
    let mut client = Client::hello(&first).await;
    let mounted = client.mount("c", "counter", json!({})).await;
    client.act("c", "increment", json!([])).await;
    client.act("c", "increment", json!([])).await;
    assert!(Client::open_with(&first, &[]).await.is_err(), "the address has its one connection");
    let welcome = client.welcome.clone();
    let (code, ()) = tokio::join!(client.closed(), first.stop());
    assert_eq!(code, 1001);

    let second = start(&file).await;
    let position = json!({ "c:c": [mounted["epoch"], 2] });
    let mut client = Client::resume(&second, &welcome, 3, position).await;
    client.count_from(3);
    assert_eq!(client.welcome["resumed"], true);
    assert!(client.drain().await.is_empty(), "the page misses nothing");
    assert_eq!(client.act("c", "peek", json!([])).await["payload"], 2);
}
