//! The limits for one address.

use serde_json::json;
use vivaz::{BuildError, Limits, Runtime};

use crate::app::{Server, start_with};
use crate::client::Client;
use crate::http::status;

/// A server behind a proxy on the same machine, which sends the client's address.
async fn behind_a_proxy(limits: Limits) -> Server {
    start_with(|builder| builder.limits(limits).trust_proxy("127.0.0.0/8")).await
}

async fn refused(server: &Server, headers: &[(&str, &str)]) -> u16 {
    status(&Client::open_with(server, headers).await.err().expect("the upgrade is refused"))
}

const MALLORY: &[(&str, &str)] = &[("x-forwarded-for", "203.0.113.9")];

#[tokio::test]
async fn one_address_has_so_many_connections_and_others_have_theirs() {
    let server = behind_a_proxy(Limits { connections_per_address: 2, ..Limits::default() }).await;
    let first = Client::hello_with(&server, MALLORY, json!({})).await;
    let _second = Client::hello_with(&server, MALLORY, json!({})).await;
    assert_eq!(refused(&server, MALLORY).await, 429);
    // An address that the client itself writes into the header has no effect.
    assert_eq!(refused(&server, &[("x-forwarded-for", "192.0.2.1, 203.0.113.9")]).await, 429);
    assert_eq!(server.runtime.stats().refused.address, 2);
    Client::hello_with(&server, &[("x-forwarded-for", "203.0.113.10")], json!({})).await;
    first.close(4000).await;
    server.until(|server| server.runtime.stats().connections < 2).await;
    let mut again = Client::open_with(&server, MALLORY).await;
    // The permit is released right after the connection is no longer counted.
    while again.is_err() {
        again = Client::open_with(&server, MALLORY).await;
    }
}

#[tokio::test]
async fn one_address_opens_connections_at_a_rate() {
    let limits = Limits { upgrades_per_second: 1, upgrade_burst: 3, ..Limits::default() };
    let server = behind_a_proxy(limits).await;
    let mut opened = 0;
    while let Ok(client) = Client::open_with(&server, MALLORY).await {
        client.cut();
        opened += 1;
    }
    assert!(opened >= 3, "{opened}");
    Client::hello_with(&server, &[("x-forwarded-for", "203.0.113.10")], json!({})).await;
}

#[tokio::test]
async fn loopback_addresses_are_limited_only_on_request() {
    let limits = Limits { connections_per_address: 0, ..Limits::default() };
    let server = start_with(|builder| builder.limits(limits.clone())).await;
    Client::hello_with(&server, MALLORY, json!({})).await;
    let limits = Limits { loopback_is_limited: true, ..limits };
    let server = start_with(|builder| builder.limits(limits)).await;
    assert_eq!(refused(&server, &[]).await, 429);
}

#[test]
fn a_proxy_without_an_address_is_a_mistake_in_the_configuration() {
    let built = Runtime::builder().trust_proxy("proxy.example").build();
    assert!(matches!(built, Err(BuildError::Proxy(_))), "{built:?}");
}
