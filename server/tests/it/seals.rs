//! What a seal is bound to.

use std::time::Duration;

use serde_json::json;
use vivaz::{Limits, Secret};

use crate::app::{Server, limited, start, start_with};
use crate::client::{Client, assert_error};
use crate::http::request;
use crate::paint::attributes;

/// The seals in the page that is rendered for whom the headers say.
async fn seals(server: &Server, headers: &[(&str, &str)]) -> Vec<String> {
    let (_, body) = request(server, "GET", "/page", headers).await;
    attributes(&String::from_utf8(body).unwrap(), "seal")
}

/// What comes of mounting with a seal.
async fn mount(server: &Server, headers: &[(&str, &str)], seal: &str) -> serde_json::Value {
    let mut client = Client::greet_with(server, headers, json!({})).await;
    let mount = client.message("COMPONENT_MOUNT", "c", json!({ "seal": seal }));
    client.ask(mount).await
}

#[tokio::test]
async fn a_seal_is_good_for_its_user_in_its_tenant_and_for_nobody_else() {
    let server = start().await;
    let ada: &[_] = &[("x-user", "ada"), ("x-tenant", "acme")];
    let seal = seals(&server, ada).await.remove(0);
    assert_eq!(mount(&server, ada, &seal).await["type"], "COMPONENT_MOUNTED");
    for other in [
        &[("x-user", "bob"), ("x-tenant", "acme")][..],
        &[("x-user", "ada"), ("x-tenant", "other")],
        &[("x-user", "ada")],
        &[("x-tenant", "acme")],
        &[],
    ] {
        assert_error(&mount(&server, other, &seal).await, "bad_seal");
    }
}

#[tokio::test]
async fn a_seal_is_good_as_long_as_it_says() {
    let server = limited(Limits { seal_time: Duration::ZERO, ..Limits::default() }).await;
    let seal = seals(&server, &[]).await.remove(0);
    assert_error(&mount(&server, &[], &seal).await, "bad_seal");
}

#[tokio::test]
async fn a_seal_changed_anywhere_is_no_seal() {
    let server = start().await;
    let seal = seals(&server, &[]).await.remove(0);
    let mut client = Client::greet(&server).await;
    for at in [0, 10, 31, 32, 40, seal.len() / 2, seal.len() - 2] {
        let mut forged = seal.clone().into_bytes();
        forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(forged).unwrap();
        let mount = client.message("COMPONENT_MOUNT", "c", json!({ "seal": forged }));
        assert_error(&client.ask(mount).await, "bad_seal");
    }
    let mount = client.message("COMPONENT_MOUNT", "c", json!({ "seal": seal }));
    assert_eq!(client.ask(mount).await["type"], "COMPONENT_MOUNTED");
}

#[tokio::test]
async fn the_keys_of_a_server_can_be_rotated_under_open_pages() {
    let (old, new) = ("the old key of thirty-two characters", "the new key of thirty-two characters");
    let keyed = async |list: String| start_with(|builder| builder.secret(Secret::new(&list).unwrap())).await;
    let before = keyed(old.to_owned()).await;
    let rotated = keyed(format!("{new},{old}")).await;
    let after = keyed(new.to_owned()).await;
    let seal = seals(&before, &[]).await.remove(0);
    assert_eq!(mount(&rotated, &[], &seal).await["type"], "COMPONENT_MOUNTED");
    assert_error(&mount(&after, &[], &seal).await, "bad_seal");
    let fresh = seals(&rotated, &[]).await.remove(0);
    assert_eq!(mount(&after, &[], &fresh).await["type"], "COMPONENT_MOUNTED", "the first key seals");
    assert_error(&mount(&before, &[], &fresh).await, "bad_seal");
}
