//! HTTP next to the WebSocket endpoint, and requests that are not valid upgrades.

use std::fmt::Write;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Error;
use vivaz::{BuildError, Limits, Runtime};

use crate::app::{Server, start, start_with};
use crate::client::{Client, Received};

/// The head and the body of the response to a request.
pub(crate) async fn request(
    server: &Server,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", server.address);
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    if !headers.iter().any(|(name, _)| *name == "Connection") {
        head.push_str("Connection: close\r\n");
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    (String::from_utf8(answer[..end].to_vec()).unwrap().to_lowercase(), answer[end + 4..].to_vec())
}

pub(crate) fn status(error: &Error) -> u16 {
    match error {
        Error::Http(response) => response.status().as_u16(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_request_without_an_upgrade_gets_the_expected_protocol() {
    let server = start().await;
    let (head, body) = request(&server, "GET", "/live", &[]).await;
    assert!(head.starts_with("http/1.1 426"), "{head}");
    assert!(head.contains("upgrade: websocket"));
    assert!(String::from_utf8(body).unwrap().contains("vivaz.v1.json"));
    let (head, _) = request(&server, "POST", "/live", &[]).await;
    assert!(head.starts_with("http/1.1 405"), "{head}");
}

#[tokio::test]
async fn foreign_origins_are_forbidden_and_own_ones_are_not() {
    let server = start_with(|builder| builder.allow_origin("https://friend.example")).await;
    let own = format!("http://{}", server.address);
    for origin in [&*own, "https://friend.example"] {
        assert!(Client::open_with(&server, &[("origin", origin)]).await.is_ok(), "{origin}");
    }
    for origin in ["http://evil.example", "null", "http://127.0.0.1:1"] {
        let refused = Client::open_with(&server, &[("origin", origin)]).await.err().unwrap();
        assert_eq!(status(&refused), 403, "{origin}");
    }
}

#[tokio::test]
async fn other_hosts_are_forbidden_where_hosts_are_configured() {
    let server = start_with(|builder| builder.allow_host("app.example")).await;
    let refused = Client::open_with(&server, &[]).await.err().unwrap();
    assert_eq!(status(&refused), 403);
}

#[tokio::test]
async fn unknown_subprotocols_are_refused_by_name() {
    let server = start().await;
    let Error::Http(response) =
        Client::open_with(&server, &[("sec-websocket-protocol", "soap")]).await.err().unwrap()
    else {
        panic!("refused before the upgrade")
    };
    assert_eq!(response.status(), 400);
    assert!(String::from_utf8(response.body().clone().unwrap()).unwrap().contains("vivaz.v1.json"));
    let spoken = Client::open_with(&server, &[("sec-websocket-protocol", "soap, vivaz.v1.json")]).await;
    assert!(spoken.is_ok());
}

#[tokio::test]
async fn an_offered_hello_is_answered_at_once_and_its_message_is_ignored() {
    let server = start().await;
    let offer = &[("sec-websocket-protocol", "vivaz.v1.json, vivaz.hello")];
    let mut client = Client::open_with(&server, offer).await.unwrap();
    let Received::Message(welcome) = client.receive().await else { panic!("WELCOME comes first") };
    assert_eq!((&welcome["type"], &welcome["payload"]["resumed"]), (&json!("WELCOME"), &json!(false)));
    let hello = json!({ "v": 1, "type": "HELLO", "payload": {} });
    client.send(hello.clone()).await;
    assert_eq!(client.mount("lab", "lab", json!({})).await["type"], "COMPONENT_MOUNTED");
    client.send(hello.clone()).await;
    let Received::Message(refused) = client.receive().await else { panic!("an error") };
    assert_eq!(refused["payload"]["code"], "malformed", "only the first message may repeat it");

    // Only an empty one may repeat the offer: the session exists.
    let mut client = Client::open_with(&server, offer).await.unwrap();
    assert!(matches!(client.receive().await, Received::Message(_)));
    let payload = json!({ "session": welcome["payload"]["session"], "resume": welcome["payload"]["resume"] });
    client.send(json!({ "v": 1, "type": "HELLO", "payload": payload })).await;
    let Received::Message(refused) = client.receive().await else { panic!("an error") };
    assert_eq!(refused["payload"]["code"], "malformed");
}

#[tokio::test]
async fn templates_are_immutable_and_compressed() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    let mounted = client.mount("lab", "lab", serde_json::json!({})).await;
    let hash = mounted["payload"]["template"].as_str().unwrap();
    let path = format!("/live/template/{hash}.json");
    let (head, body) = request(&server, "GET", &path, &[]).await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(head.contains("immutable") && head.contains("application/json"), "{head}");
    let over_http: serde_json::Value = serde_json::from_slice(&body).unwrap();
    client.send(serde_json::json!({ "v": 1, "type": "TEMPLATE", "payload": { "hash": hash } })).await;
    assert_eq!(client.expect("TEMPLATE").await["payload"]["template"], over_http);
    let (head, _) = request(&server, "GET", &path, &[("Accept-Encoding", "gzip")]).await;
    assert!(head.contains("content-encoding: gzip"), "{head}");
    let (head, _) = request(&server, "GET", "/live/template/0000.json", &[]).await;
    assert!(head.starts_with("http/1.1 404"), "{head}");
}

#[tokio::test]
async fn the_client_is_served_compressed_and_its_module_is_cached_permanently() {
    let server = start().await;
    let hashed = |text: Vec<u8>, end: &str| {
        let text = String::from_utf8(text).unwrap();
        let name =
            text.split(['"', '\'', '`', '/']).find(|part| part.starts_with("client-") && part.ends_with(end));
        format!("/live/{}", name.unwrap())
    };
    let (head, entry) = request(&server, "GET", "/live/client.js", &[]).await;
    assert!(head.starts_with("http/1.1 200") && head.contains("text/javascript"), "{head}");
    assert!(head.contains("cache-control: no-cache"), "{head}");
    let (head, script) = request(&server, "GET", &hashed(entry, ".js"), &[]).await;
    assert!(head.starts_with("http/1.1 200") && head.contains("text/javascript"), "{head}");
    assert!(head.contains("immutable"), "{head}");
    let path = hashed(script, ".wasm");
    let (head, plain) = request(&server, "GET", &path, &[]).await;
    assert!(head.contains("application/wasm") && head.contains("immutable"), "{path}: {head}");
    assert_eq!(&plain[..4], b"\0asm");
    let (head, small) = request(&server, "GET", &path, &[("Accept-Encoding", "gzip, br")]).await;
    assert!(head.contains("content-encoding: br"), "{head}");
    assert!(small.len() * 2 < plain.len());
}

#[tokio::test]
async fn several_runtimes_stand_in_one_application() {
    let admin = vivaz::Runtime::builder().path("/admin/live").build().unwrap();
    let pages = vivaz::Runtime::builder().build().unwrap();
    let _app: axum::Router = axum::Router::new().merge(admin.router()).merge(pages.router());
    assert!(vivaz::Runtime::builder().path("live").build().is_err());
}

#[tokio::test]
async fn a_configuration_that_no_client_can_meet_is_refused() {
    for origin in
        ["https://app.example", "http://localhost:3000", "https://[::1]:8443", "chrome-extension://abc"]
    {
        Runtime::builder().allow_origin(origin).build().unwrap();
    }
    for origin in [
        "https://app.example/",
        "app.example",
        "null",
        "*",
        "https://",
        "https://a b",
        "https://me@app.example",
    ] {
        let built = Runtime::builder().allow_origin(origin).build();
        assert!(matches!(built, Err(BuildError::Origin(_))), "{origin}: {built:?}");
    }
    for host in ["app.example", "app.example:8443", "[::1]:3000"] {
        Runtime::builder().allow_host(host).build().unwrap();
    }
    for host in ["https://app.example", "app.example/", "", "me@app.example"] {
        let built = Runtime::builder().allow_host(host).build();
        assert!(matches!(built, Err(BuildError::Host(_))), "{host}: {built:?}");
    }
    let limits = Limits { outbox_bytes: 0, ..Limits::default() };
    let built = Runtime::builder().limits(limits).build();
    assert_eq!(built.unwrap_err().to_string(), "the limit `outbox_bytes` is zero; no client could be served");
}
