//! Slow clients: each is given up when its time is over, and no other client waits for it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use vivaz::prelude::*;
use vivaz::{Limits, Runtime};

use crate::app::{Bench, Message, Room, Server, limited};
use crate::client::Client;

/// Counts on the bench how often a bell has rung.
#[derive(LiveComponent, Clone)]
#[live(name = "ringer", inline = "<p></p>", open)]
struct Ringer {}

#[actions]
impl Ringer {
    fn connected(&mut self, cx: &mut Context) {
        cx.join("bells");
    }

    #[event]
    fn rung(&mut self, cx: &mut Context, times: u64) {
        cx.state::<Arc<Bench>>().runs.fetch_add(times, Ordering::SeqCst);
    }
}

/// Connects a client with a window so small that the buffers of the system do not matter.
async fn client_with_a_small_window(server: &Server) -> Client {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    Client::open_on(socket.connect(server.address).await.unwrap(), server.address).await
}

/// Sends a text one byte at a time until the peer closes; returns the peer's response.
async fn send_slowly(stream: &mut TcpStream, text: &[u8]) -> Vec<u8> {
    let (mut read, mut write) = stream.split();
    let mut said = Vec::new();
    let sending = async {
        for byte in text {
            if write.write_all(&[*byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // The peer is the side that ends it.
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = sending => {}
        // A reset is an end as well.
        _ = read.read_to_end(&mut said) => {}
    }
    said
}

/// Round trips of another client, while the other future runs.
async fn beside<T>(server: &Server, other: impl Future<Output = T>) -> T {
    let mut client = Client::hello_with_retries(server).await;
    client.mount("c", "counter", json!({})).await;
    let trips = async {
        loop {
            client.act("c", "increment", json!([])).await;
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
    };
    tokio::select! {
        done = other => done,
        () = trips => unreachable!("it goes on until the other is done"),
    }
}

#[tokio::test]
async fn a_request_that_is_sent_a_byte_at_a_time_is_given_up() {
    let server = limited(Limits { head_time: Duration::from_secs(1), ..Limits::default() }).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!("GET /live HTTP/1.1\r\nHost: {}\r\nX: {}", server.address, "x".repeat(100_000));
    let said = beside(&server, send_slowly(&mut stream, head.as_bytes())).await;
    let said = String::from_utf8(said).unwrap();
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 408"), "{said}");
}

#[tokio::test]
async fn an_idle_connection_is_closed_too() {
    let server = limited(Limits { head_time: Duration::from_secs(1), ..Limits::default() }).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    assert!(beside(&server, send_slowly(&mut stream, b"")).await.is_empty());
}

#[tokio::test]
async fn a_greeting_that_is_sent_a_byte_at_a_time_closes_with_4408() {
    let server = limited(Limits { hello_time: Duration::from_secs(1), ..Limits::default() }).await;
    let mut client = Client::open(&server).await;
    // A masked text frame of 60,000 bytes, of which few are ever sent.
    let mut frame = vec![0x81, 0xfe, 0xea, 0x60, 0, 0, 0, 0];
    frame.resize(60_000, b' ');
    let said = beside(&server, send_slowly(client.stream(), &frame)).await;
    assert_eq!(said[..4], [0x88, said[1], 0x11, 0x38], "a close frame with 4408");
    assert_eq!(server.runtime.stats().sessions, 1, "the other client's");
}

/// The memory of this process.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

/// Replaces the state of a room.
async fn show(runtime: &Runtime, n: u64, bytes: usize) {
    let topic = runtime.topic::<Room>("chat/lobby").await.unwrap();
    let text = "x".repeat(bytes);
    topic.update(move |room| room.messages = vec![Message { id: n, text: text.clone() }]).await.unwrap();
}

#[tokio::test]
async fn a_reader_of_one_byte_a_second_costs_little_and_closes_with_4413() {
    let server = limited(Limits {
        outbox_bytes: 128 * 1024,
        heartbeat: Duration::from_secs(1),
        write_time: Duration::from_secs(2),
        ..Limits::default()
    })
    .await;
    let mut slow = client_with_a_small_window(&server).await;
    slow.mount("chat", "chat", json!({})).await;
    let before = resident();
    let server_ref = &server;
    let said = beside(&server, async {
        let mut published = 0;
        let publish = async {
            while server_ref.runtime.stats().too_slow == 0 {
                show(&server_ref.runtime, published, 64 * 1024).await;
                published += 1;
                tokio::task::yield_now().await;
            }
        };
        let read = async {
            loop {
                tokio::time::sleep(Duration::from_secs(1)).await;
                slow.stream().read_u8().await.unwrap();
                let unsent = server_ref.runtime.stats().unsent_bytes;
                assert!(unsent <= 256 * 1024, "{unsent}");
            }
        };
        tokio::select! {
            () = publish => {}
            () = read => {}
        }
        let grown = resident().saturating_sub(before);
        assert!(grown < 64 * 1024 * 1024, "{grown} bytes for {published} states of 64 KiB");
        // It is given up. The bytes already sent and the close code can still be read.
        let mut rest = Vec::new();
        tokio::time::timeout(Duration::from_secs(20), slow.stream().read_to_end(&mut rest))
            .await
            .expect("it comes to an end")
            .unwrap();
        rest
    })
    .await;
    let close = said.windows(4).rposition(|four| four[0] == 0x88 && four[2..] == 4413_u16.to_be_bytes());
    assert!(
        close.is_some(),
        "the code is the last thing that comes: {:?}",
        &said[said.len().saturating_sub(64)..]
    );
}

/// Returns a client with a small window whose component waits for the bench's gate.
async fn client_of_a_busy_component() -> (Server, Client) {
    let server = limited(Limits { outbox_bytes: 128 * 1024, ..Limits::default() }).await;
    let mut slow = client_with_a_small_window(&server).await;
    slow.mount("lab", "lab", json!({})).await;
    let wait = slow.call("lab", "wait", json!([]));
    slow.send(wait).await;
    server.bench.entered.notified().await;
    (server, slow)
}

#[tokio::test]
async fn replies_wait_until_the_client_reads() {
    let (server, mut slow) = client_of_a_busy_component().await;
    // All of them are accepted, and wait for the component.
    let calls: Vec<_> = (0..100).map(|_| slow.call("lab", "echo", json!(["x".repeat(60 * 1024)]))).collect();
    slow.send_all(calls).await.unwrap();
    server.until(|server| server.runtime.stats().messages >= 102).await;
    server.bench.gate.notify_one();
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_millis(250)).await;
        let unsent = server.runtime.stats().unsent_bytes;
        assert!(unsent <= 256 * 1024, "{unsent}");
    }
    // They are answered as it reads.
    let mut answers = 0;
    while answers < 100 {
        let reply = slow.next().await;
        answers += u32::from(reply["type"] == "ACK");
    }
    assert_eq!(slow.act("lab", "see", json!([])).await["result"], 2);
}

#[tokio::test]
async fn requests_that_wait_for_a_client_to_read_run_after_it_has_left() {
    let (server, mut slow) = client_of_a_busy_component().await;
    let mut calls: Vec<_> =
        (0..50).map(|_| slow.call("lab", "echo", json!(["x".repeat(60 * 1024)]))).collect();
    calls.push(slow.call("lab", "see", json!([])));
    slow.send_all(calls).await.unwrap();
    server.until(|server| server.runtime.stats().messages >= 53).await;
    server.bench.gate.notify_one();
    server.until(|server| server.runtime.stats().unsent_bytes >= 128 * 1024).await;
    let runs = || server.bench.runs.load(Ordering::SeqCst);
    assert_eq!(runs(), 1, "the actions behind the replies have not run");
    let welcome = slow.welcome.clone();
    slow.cut();
    server.until(|_| runs() == 2).await;
    let mut back = Client::resume(&server, &welcome, 0, json!({})).await;
    assert_eq!(back.welcome["resumed"], true);
    back.count_from(53);
    assert_eq!(back.act("lab", "see", json!([])).await["result"], 3);
}

#[tokio::test]
async fn an_event_does_not_wait_for_a_client_to_read() {
    let (server, mut slow) = client_of_a_busy_component().await;
    slow.mount("ringer", "ringer", json!({})).await;
    let calls: Vec<_> = (0..50).map(|_| slow.call("lab", "echo", json!(["x".repeat(60 * 1024)]))).collect();
    slow.send_all(calls).await.unwrap();
    server.until(|server| server.runtime.stats().messages >= 53).await;
    server.bench.gate.notify_one();
    server.until(|server| server.runtime.stats().unsent_bytes >= 128 * 1024).await;
    server.runtime.emit_to_room("bells", "rung", &1).unwrap();
    server.until(|server| server.bench.runs.load(Ordering::SeqCst) == 2).await;
}
