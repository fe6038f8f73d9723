//! The end of a server.

use serde_json::json;

use crate::app::start;
use crate::client::Client;

#[tokio::test]
async fn open_pages_are_told_and_the_server_ends() {
    let mut server = start().await;
    let mut client = Client::greet(&server).await;
    client.mount("lab", "lab", json!({})).await;
    let (code, ()) = tokio::join!(client.closed(), server.stop());
    assert_eq!(code, 1001);
    assert_eq!(*server.bench.hooks.lock().unwrap(), ["connected", "unmount"]);
    assert_eq!(server.runtime.stats().sessions, 0);
}

#[tokio::test]
async fn what_runs_finishes() {
    let mut server = start().await;
    let mut client = Client::greet(&server).await;
    client.mount("lab", "lab", json!({})).await;
    let wait = client.call("lab", "wait", json!([]));
    client.send(wait).await;
    server.bench.entered.notified().await;
    let bench = server.bench.clone();
    let release = async {
        assert_eq!(client.closed().await, 1001);
        bench.gate.notify_one();
    };
    tokio::join!(server.stop(), release);
    assert!(bench.hooks.lock().unwrap().contains(&"unmount"));
}
