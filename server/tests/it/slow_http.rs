//! Slow HTTP clients, and too many of them.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::{get, post};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use vivaz::{Limits, Runtime};

use crate::app::Server;
use crate::client::Client;
use crate::http::request;
use crate::logs::Log;

/// More than the system buffers for a peer that does not read.
static LARGE: [u8; 32 * 1024 * 1024] = [b'x'; 32 * 1024 * 1024];

/// Limits under which a slow client is soon given up, from any address.
fn short_limits() -> Limits {
    let time = Duration::from_millis(200);
    Limits { progress_time: time, head_time: time, loopback_is_limited: true, ..Limits::default() }
}

/// Limits under which no client of these tests is too slow.
fn long_limits() -> Limits {
    let time = Duration::from_secs(600);
    Limits { progress_time: time, head_time: time, loopback_is_limited: true, ..Limits::default() }
}

async fn serve(limits: Limits) -> Server {
    serve_behind(limits, None).await
}

async fn serve_behind(limits: Limits, proxy: Option<&str>) -> Server {
    let builder = Runtime::builder().limits(limits);
    let builder = match proxy {
        Some(proxy) => builder.trust_proxy(proxy),
        None => builder,
    };
    let runtime = builder.component::<crate::app::Counter>().build().unwrap();
    let app = Router::new()
        .route("/health", get(async || "well"))
        .route("/large", get(async || &LARGE[..]))
        .route("/body", post(async |body: Bytes| body.len().to_string()))
        .merge(runtime.router());
    Server::serve(TcpListener::bind("127.0.0.1:0").await.unwrap(), app, runtime)
}

/// A connection from an address of this machine, with a small receive buffer.
async fn connect_from(server: &Server, from: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    socket.bind(SocketAddr::new(from.parse().unwrap(), 0)).unwrap();
    socket.connect(server.address).await.unwrap()
}

/// Half a request with a body, or the part of it that could be sent.
async fn half_post(server: &Server, from: &str, headers: &str) -> TcpStream {
    let mut stream = connect_from(server, from).await;
    let head = format!("POST /body HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: 10\r\n\r\nhello");
    let _closed = stream.write_all(head.as_bytes()).await;
    stream
}

/// Everything that is still received.
async fn answer(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer));
    let _reset = read.await.expect("the server answers or closes");
    String::from_utf8_lossy(&answer).into_owned()
}

async fn is_served(server: &Server, from: &str) -> bool {
    let mut stream = connect_from(server, from).await;
    let asked = stream.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    asked.is_ok() && answer(&mut stream).await.ends_with("well")
}

#[tokio::test]
async fn half_sent_bodies_are_answered_408_and_their_connections_end() {
    let log = Log::default();
    let _collecting = log.collect();
    let server = serve(short_limits()).await;
    let mut streams = Vec::new();
    for _ in 0..20 {
        streams.push(half_post(&server, "127.0.0.1", "").await);
    }
    for stream in &mut streams {
        let answer = answer(stream).await;
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    }
    server.until(|server| server.runtime.stats().http_connections == 0).await;
    assert_eq!(server.runtime.stats().stalled, 20);
    assert!(log.text().contains("the client is too slow"));
}

#[tokio::test]
async fn readers_that_never_read_lose_their_connections() {
    let server = serve(short_limits()).await;
    let mut streams = Vec::new();
    for _ in 0..200 {
        let mut stream = connect_from(&server, "127.0.0.1").await;
        stream.write_all(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        streams.push(stream);
    }
    server.until(|server| server.runtime.stats().stalled == 200).await;
    server.until(|server| server.runtime.stats().http_connections == 0).await;
    drop(streams);
}

#[tokio::test]
async fn heads_that_never_end_and_connections_without_requests_end_too() {
    let server = serve(short_limits()).await;
    let mut streams = Vec::new();
    for sent in ["", "G", "GET /health HTTP/1.1\r\nHost: x\r\n", "GET /health HTTP/1.1\r\nHost: x\r\n\r\n"] {
        let mut stream = connect_from(&server, "127.0.0.1").await;
        stream.write_all(sent.as_bytes()).await.unwrap();
        streams.push(stream);
    }
    for stream in &mut streams {
        answer(stream).await;
    }
    server.until(|server| server.runtime.stats().http_connections == 0).await;
}

#[tokio::test]
async fn a_socket_of_a_page_has_its_own_limits() {
    let server = serve(short_limits()).await;
    let mut client = Client::hello(&server).await;
    client.mount("c", "counter", json!({})).await;
    server.until(|server| server.runtime.stats().http_connections == 0).await;
    // The time until plain connections are given up.
    let mut stalled = half_post(&server, "127.0.0.1", "").await;
    answer(&mut stalled).await;
    assert_eq!(client.act("c", "increment", json!([])).await["type"], "STATE_UPDATE");
}

/// With fewer sockets than clients that keep one, and a time limit too long to help.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_server_reports_its_health_with_any_number_of_waiting_clients() {
    for loopback_is_limited in [true, false] {
        let limits = Limits { sockets: 96, loopback_is_limited, ..long_limits() };
        let server = serve(limits).await;
        let mut page = Client::hello(&server).await;
        page.mount("c", "counter", json!({})).await;
        let mut streams = Vec::new();
        for _ in 0..150 {
            streams.push(half_post(&server, "127.0.0.1", "").await);
        }
        assert!(is_served(&server, "127.0.0.1").await);
        assert!(is_served(&server, "127.0.0.2").await);
        let stats = server.runtime.stats();
        assert!(stats.http_connections < 96 && stats.crowded_out >= 150 - 96, "{stats:?}");
        assert_eq!(page.act("c", "increment", json!([])).await["type"], "STATE_UPDATE");
    }
}

/// An address cannot affect the connections of another one.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn one_address_takes_no_places_of_another() {
    for limits in
        [Limits { http_connections_per_address: 8, ..long_limits() }, Limits { sockets: 16, ..long_limits() }]
    {
        let server = serve(limits).await;
        let mut other = half_post(&server, "127.0.0.2", "Connection: close\r\n").await;
        server.until(|server| server.runtime.stats().http_connections == 1).await;
        let mut streams = Vec::new();
        for _ in 0..50 {
            streams.push(half_post(&server, "127.0.0.1", "").await);
        }
        server.until(|server| server.runtime.stats().crowded_out >= 42).await;
        assert_eq!(server.runtime.stats().http_connections, 9);
        other.write_all(b"world").await.unwrap();
        let answer = answer(&mut other).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("10"), "{answer}");
    }
}

#[tokio::test]
async fn behind_a_trusted_proxy_the_clients_are_counted() {
    let limits = Limits { http_connections_per_address: 2, ..long_limits() };
    let server = serve_behind(limits, Some("127.0.0.0/8")).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        held.push(half_post(&server, "127.0.0.1", "X-Forwarded-For: 203.0.113.9\r\n").await);
    }
    // The proxy itself may have any number of connections.
    for _ in 0..8 {
        held.push(connect_from(&server, "127.0.0.1").await);
    }
    let mallory: &[(&str, &str)] = &[("X-Forwarded-For", "203.0.113.9")];
    let status = async |headers| request(&server, "GET", "/health", headers).await.0;
    // The server may not have accepted both of them yet.
    while status(mallory).await.starts_with("http/1.1 200") {}
    let refused = status(mallory).await;
    assert!(refused.starts_with("http/1.1 429") && refused.contains("retry-after"), "{refused}");
    assert!(status(&[("X-Forwarded-For", "203.0.113.10")]).await.starts_with("http/1.1 200"));
    assert!(server.runtime.stats().refused.address >= 1);
    drop(held);
    while !status(mallory).await.starts_with("http/1.1 200") {}
}

#[tokio::test]
async fn pages_leave_some_sockets_for_plain_http() {
    let limits = Limits { sockets: 16, connections_per_address: 100, ..long_limits() };
    let server = serve(limits).await;
    let mut pages = Vec::new();
    for _ in 0..14 {
        pages.push(Client::hello(&server).await);
    }
    let mut refused = Client::open(&server).await;
    assert_eq!(refused.closed().await, 4503);
    assert!(is_served(&server, "127.0.0.1").await);
}

#[tokio::test]
async fn a_request_names_one_host() {
    let server = serve(Limits::default()).await;
    for (head, status) in [
        ("GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "200"),
        ("GET /health HTTP/1.1\r\nHost: a\r\nHost: a\r\nConnection: close\r\n\r\n", "400"),
        ("GET /health HTTP/1.1\r\nHost: a\r\nhost: b\r\nConnection: close\r\n\r\n", "400"),
        ("GET /health HTTP/1.1\r\nConnection: close\r\n\r\n", "400"),
        // Like health checks of load balancers.
        ("GET /health HTTP/1.0\r\n\r\n", "200"),
        ("GET /health HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", "400"),
    ] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let answer = answer(&mut stream).await;
        assert_eq!(answer.split(' ').nth(1), Some(status), "{head}: {answer}");
    }
}

#[tokio::test]
async fn a_warning_about_another_server_is_logged_once() {
    let log = Log::default();
    let _collecting = log.collect();
    let runtime = Runtime::builder().build().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = runtime.router::<()>();
    let serving = tokio::spawn(axum::serve(listener, app).into_future());
    for _ in 0..3 {
        Client::hello_at(address).await;
    }
    assert_eq!(log.text().matches("not served by vivaz::serve").count(), 1, "{}", log.text());
    serving.abort();
    let log = Log::default();
    let _collecting = log.collect();
    let server = serve(Limits::default()).await;
    Client::hello(&server).await;
    assert!(!log.text().contains("not served by vivaz::serve"));
}
