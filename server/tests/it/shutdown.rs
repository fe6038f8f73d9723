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

#[tokio::test]
async fn sessions_that_wait_for_their_page_end_too() {
    let mut server = start().await;
    let mut client = Client::greet(&server).await;
    client.mount("lab", "lab", json!({})).await;
    client.cut();
    server.until(|server| server.bench.hooks.lock().unwrap().contains(&"disconnected")).await;
    server.until(|server| server.runtime.stats().connections == 0).await;
    server.stop().await;
    assert_eq!(*server.bench.hooks.lock().unwrap(), ["connected", "disconnected", "unmount"]);
}

/// The smallest application as a process of its own, and where it listens.
#[cfg(unix)]
fn hello() -> (std::process::Child, std::net::SocketAddr) {
    use std::io::BufRead;
    let tests = std::env::current_exe().unwrap();
    let program = tests.ancestors().nth(2).unwrap().join("examples/hello");
    let mut child = std::process::Command::new(program)
        .arg("127.0.0.1:0")
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("cargo builds examples along with tests");
    let mut line = String::new();
    std::io::BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("http://").unwrap().parse().unwrap();
    (child, address)
}

#[cfg(unix)]
#[tokio::test]
async fn signals_end_a_process_cleanly() {
    for signal in ["TERM", "INT"] {
        let (mut child, address) = hello();
        let mut client = Client::greet_at(address).await;
        let sent = std::process::Command::new("kill")
            .args([&format!("-{signal}"), &child.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
        assert_eq!(client.closed().await, 1001);
        let status = tokio::task::spawn_blocking(move || child.wait()).await.unwrap().unwrap();
        assert!(status.success(), "{signal}: {status}");
    }
}
