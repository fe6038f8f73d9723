//! The shutdown of a server.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use vivaz::Limits;

use crate::app::{Bench, start};
use crate::client::Client;

#[tokio::test]
async fn open_pages_are_notified_and_the_server_exits() {
    let mut server = start().await;
    let mut client = Client::hello(&server).await;
    client.mount("lab", "lab", json!({})).await;
    let (code, ()) = tokio::join!(client.closed(), server.stop());
    assert_eq!(code, 1001);
    assert_eq!(*server.bench.hooks.lock().unwrap(), ["connected", "unmount"]);
    assert_eq!(server.runtime.stats().sessions, 0);
}

#[tokio::test]
async fn running_handlers_finish() {
    let mut server = start().await;
    let mut client = Client::hello(&server).await;
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
    let mut client = Client::hello(&server).await;
    client.mount("lab", "lab", json!({})).await;
    client.cut();
    server.until(|server| server.bench.hooks.lock().unwrap().contains(&"disconnected")).await;
    server.until(|server| server.runtime.stats().connections == 0).await;
    server.stop().await;
    assert_eq!(*server.bench.hooks.lock().unwrap(), ["connected", "disconnected", "unmount"]);
}

/// The smallest application as a process, and its address.
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
fn signal(child: &std::process::Child, name: &str) {
    let mut kill = std::process::Command::new("kill");
    assert!(kill.args([&format!("-{name}"), &child.id().to_string()]).status().unwrap().success());
}

#[cfg(unix)]
#[tokio::test]
async fn signals_end_a_process_cleanly() {
    for signal_name in ["TERM", "INT"] {
        let (mut child, address) = hello();
        let mut client = Client::hello_at(address).await;
        signal(&child, signal_name);
        assert_eq!(client.closed().await, 1001);
        let status = tokio::task::spawn_blocking(move || child.wait()).await.unwrap().unwrap();
        assert!(status.success(), "{signal_name}: {status}");
    }
}

/// Set for the process that [`a_second_signal_ends_a_process_at_once`] starts.
#[cfg(unix)]
const SERVE: &str = "VIVAZ_TEST_SERVE";

/// Not a test: the process that the test sends signals to. Handlers have ten minutes to finish.
#[cfg(unix)]
#[tokio::test]
#[ignore = "the process of another test"]
async fn a_process_that_takes_its_time() {
    use std::io::Write as _;
    if std::env::var_os(SERVE).is_none() {
        return;
    }
    let limits = Limits { shutdown_time: Duration::from_secs(600), ..Limits::default() };
    let runtime = vivaz::Runtime::builder().state(Arc::new(Bench::default())).limits(limits).build().unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    writeln!(std::io::stdout(), "\nhttp://{}", listener.local_addr().unwrap()).unwrap();
    vivaz::serve(listener, runtime.router(), runtime).await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn a_second_signal_ends_a_process_at_once() {
    use std::io::BufRead as _;
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "shutdown::a_process_that_takes_its_time", "--ignored", "--nocapture"])
        .env(SERVE, "1")
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let address = lines.filter_map(|line| Some(line.strip_prefix("http://")?.to_owned())).next().unwrap();
    let mut client = Client::hello_at(address.parse().unwrap()).await;
    client.mount("lab", "lab", json!({})).await;
    let wait = client.call("lab", "wait", json!([]));
    client.send(wait).await;
    // When this is answered, the earlier message is being handled.
    client.drain().await;
    signal(&child, "TERM");
    client.expect("DRAIN").await;
    signal(&child, "TERM");
    let status = tokio::task::spawn_blocking(move || child.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(130), "{status}");
}
