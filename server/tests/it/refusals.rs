//! Every refused connection is counted by its reason, and logged.

use serde_json::json;
use vivaz::{Limits, RefusedConnections};

use crate::app::{Server, start_with};
use crate::client::Client;
use crate::http::{request, status};
use crate::logs::Log;

const UPGRADE: [(&str, &str); 3] =
    [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")];

async fn server(limits: Limits) -> Server {
    start_with(|builder| builder.limits(limits).trust_proxy("127.0.0.0/8")).await
}

/// Returns the status of a refused upgrade with these headers.
async fn refused(server: &Server, headers: &[(&str, &str)]) -> u16 {
    status(&Client::open_with(server, headers).await.err().expect("the upgrade is refused"))
}

/// Returns the close code after a `HELLO`.
async fn closed(server: &Server, headers: &[(&str, &str)], hello: &str) -> u16 {
    let mut client = Client::open_with(server, headers).await.unwrap();
    client.send_text(hello).await;
    client.closed().await
}

const HELLO: &str = r#"{"v":1,"type":"HELLO","payload":{}}"#;
const ADA: &[(&str, &str)] = &[("x-forwarded-for", "203.0.113.9")];
const BOB: &[(&str, &str)] = &[("x-forwarded-for", "203.0.113.10")];

#[tokio::test]
async fn every_reason_has_its_count_and_its_line() {
    let log = Log::default();
    let _collecting = log.collect();
    let limits = Limits { connections_per_address: 1, connections: 2, ..Limits::default() };
    let server = server(limits).await;
    let counted = || server.runtime.stats().refused;
    assert_eq!(counted(), RefusedConnections::default());

    assert!(request(&server, "GET", "/live", &[]).await.0.contains(" 426 "));
    assert_eq!(counted().no_upgrade, 1);
    assert!(request(&server, "POST", "/live", &[]).await.0.contains(" 405 "));
    assert_eq!(counted().method, 1);
    let old = [&UPGRADE[..], &[("Sec-WebSocket-Version", "8")]].concat();
    assert!(request(&server, "GET", "/live", &old).await.0.contains(" 400 "));
    assert_eq!(counted().handshake, 1);
    assert_eq!(refused(&server, &[("sec-websocket-protocol", "soap")]).await, 400);
    assert_eq!(counted().subprotocol, 1);
    assert_eq!(refused(&server, &[("origin", "https://evil.example")]).await, 403);
    assert_eq!(counted().origin, 1);

    let held = Client::hello_with(&server, ADA, json!({})).await;
    assert_eq!(refused(&server, ADA).await, 429);
    assert_eq!(counted().address, 1);
    assert_eq!(closed(&server, &[BOB, &[("x-refuse", "1")]].concat(), HELLO).await, 4401);
    assert_eq!(counted().unauthenticated, 1);
    server.until(|server| server.runtime.stats().connections == 1).await;
    assert_eq!(closed(&server, BOB, r#"{"v":1,"type":"PING"}"#).await, 4400);
    assert_eq!(counted().hello, 1);
    server.until(|server| server.runtime.stats().connections == 1).await;
    assert_eq!(closed(&server, BOB, r#"{"v":2,"type":"HELLO","payload":{}}"#).await, 4426);
    assert_eq!(counted().version, 1);
    server.until(|server| server.runtime.stats().connections == 1).await;
    let _second = Client::hello_with(&server, BOB, json!({})).await;
    let third = &[("x-forwarded-for", "203.0.113.11")];
    assert_eq!(closed(&server, third, HELLO).await, 4503);
    assert_eq!(counted().full, 1);
    held.close(4000).await;

    let text = log.text();
    for (reason, address) in [
        ("NoUpgrade", None),
        ("Method", None),
        ("Handshake", None),
        ("Subprotocol", None),
        ("Origin", None),
        ("Address", Some("203.0.113.9")),
        ("Unauthenticated", Some("203.0.113.10")),
        ("Hello", None),
        ("Version", None),
        ("Full", Some("203.0.113.11")),
    ] {
        let line = text.lines().find(|line| line.contains(&format!("reason={reason}")));
        let line = line.unwrap_or_else(|| panic!("{reason} is not logged: {text}"));
        assert!(address.is_none_or(|address| line.contains(&format!("address={address}"))), "{line}");
    }
}

#[tokio::test]
async fn a_greeting_that_does_not_come_is_counted() {
    let limits = Limits { hello_time: std::time::Duration::from_millis(20), ..Limits::default() };
    let server = server(limits).await;
    let mut client = Client::open_with(&server, ADA).await.unwrap();
    assert_eq!(client.closed().await, 4408);
    assert_eq!(server.runtime.stats().refused.timed_out, 1);
}

/// Broken frames: the log has the connection, and the error.
#[tokio::test]
async fn the_cause_of_a_read_error_is_logged_with_its_connection() {
    use tokio::io::AsyncWriteExt as _;
    let log = Log::default();
    let _collecting = log.collect();
    let server = server(Limits::default()).await;
    let mut client = Client::hello_with(&server, ADA, json!({})).await;
    let session = client.welcome["session"].as_str().unwrap().to_owned();
    client.stream().write_all(&[0x83, 0x80, 0, 0, 0, 0]).await.unwrap();
    assert_eq!(client.closed().await, 1002);
    let text = log.text();
    let line = text.lines().find(|line| line.contains("cannot read from the connection")).unwrap();
    assert!(line.contains(&session) && line.contains("error="), "{line}");
}
