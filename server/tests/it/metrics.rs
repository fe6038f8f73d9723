//! The metrics as Prometheus reads them.

use std::collections::BTreeMap;

use axum::body::to_bytes;
use axum::http::{Request, StatusCode, header};
use serde_json::json;
use tower_service::Service;
use vivaz::MemoryStore;

use crate::app::{Server, start, start_with};
use crate::client::{Client, assert_error};

/// The series of a scrape: name and labels to value.
async fn scrape(server: &Server) -> BTreeMap<String, f64> {
    let mut router: axum::Router = server.runtime.metrics_router();
    let request = Request::get("/metrics").body(axum::body::Body::empty()).unwrap();
    let response = router.call(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/plain; version=0.0.4; charset=utf-8");
    let text = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let text = std::str::from_utf8(&text).unwrap();
    let series = text.lines().filter(|line| !line.starts_with('#'));
    series
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), value.parse().unwrap())
        })
        .collect()
}

#[tokio::test]
async fn a_scrape_shows_connections_sessions_and_actions() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    client.mount("c", "counter", json!({})).await;
    client.mount("lab", "lab", json!({})).await;
    for _ in 0..3 {
        client.act("c", "increment", json!([])).await;
    }
    assert_error(&client.act("lab", "boom", json!([])).await, "panicked");
    assert_error(&client.act("lab", "no_such_action", json!([])).await, "unknown_action");
    let seen = scrape(&server).await;
    for (name, value) in [
        ("vivaz_connection_active", 1.0),
        ("vivaz_connection_opened_total", 1.0),
        ("vivaz_session_active", 1.0),
        ("vivaz_session_opened_total", 1.0),
        ("vivaz_component_mounted_total{vivaz_component_name=\"counter\"}", 1.0),
        ("vivaz_message_received_total", 7.0),
        ("vivaz_message_duration_seconds_count", 7.0),
        ("vivaz_message_failed_total{error_type=\"panicked\"}", 1.0),
        ("vivaz_message_failed_total{error_type=\"unknown_action\"}", 1.0),
        (
            "vivaz_action_duration_seconds_count{vivaz_component_name=\"counter\",vivaz_action_name=\"increment\"}",
            3.0,
        ),
        ("vivaz_action_failed_total{vivaz_component_name=\"lab\",vivaz_action_name=\"boom\"}", 1.0),
        ("vivaz_patch_size_bytes_count{vivaz_stream=\"component\"}", 3.0),
    ] {
        assert_eq!(seen.get(name), Some(&value), "{name}");
    }
    assert!(!seen.keys().any(|name| name.contains("no_such_action")), "the name is data of the client");
    client.cut();
    server.until(|server| server.runtime.stats().connections == 0).await;
    let seen = scrape(&server).await;
    assert_eq!(seen["vivaz_connection_closed_total{vivaz_reason=\"lost\"}"], 1.0);
    assert_eq!(server.runtime.stats().dropped, 1);
}

#[tokio::test]
async fn a_scrape_shows_the_store_and_the_fan_out_of_topics() {
    let server = start_with(|builder| builder.store(MemoryStore::new())).await;
    let mut first = Client::hello(&server).await;
    let mut second = Client::hello(&server).await;
    first.mount("room", "chat", json!({ "room": "metrics" })).await;
    second.mount("room", "chat", json!({ "room": "metrics" })).await;
    first.act("room", "say", json!(["hello"])).await;
    second.expect("STATE_UPDATE").await;
    let seen = scrape(&server).await;
    assert_eq!(seen["vivaz_topic_fan_out_size_count"], 1.0);
    assert_eq!(seen["vivaz_topic_fan_out_size_sum"], 2.0);
    assert_eq!(seen["vivaz_topic_fan_out_duration_seconds_count"], 1.0);
    assert_eq!(seen["vivaz_patch_size_bytes_count{vivaz_stream=\"topic\"}"], 1.0);
    assert_eq!(seen["vivaz_session_stored"], 2.0);
    let commits =
        "vivaz_store_operation_duration_seconds_count{vivaz_operation=\"commit\",vivaz_outcome=\"done\"}";
    assert_eq!(seen[commits], 2.0, "each mount inserts its session");
    first.cut();
    second.cut();
    server.runtime.shutdown().await;
    let seen = scrape(&server).await;
    let closed =
        "vivaz_store_operation_duration_seconds_count{vivaz_operation=\"close\",vivaz_outcome=\"done\"}";
    assert_eq!((seen[closed], seen["vivaz_session_stored"], seen["vivaz_session_active"]), (1.0, 0.0, 0.0));
}
