//! Clients that exceed each limit.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::Message;
use vivaz::{ErrorCode, Limits, MemoryStore, Runtime};

use crate::app::{Bench, limited, start};
use crate::client::{Client, assert_error};

/// Limits that do not restrict messages.
fn unmetered() -> Limits {
    Limits { messages_per_second: u32::MAX, burst: u32::MAX, ..Limits::default() }
}

#[tokio::test]
async fn of_ten_thousand_mounts_a_hundred_are_made() {
    let server = limited(unmetered()).await;
    let mut other = Client::hello(&server).await;
    other.mount("c", "counter", json!({})).await;
    let mut client = Client::hello(&server).await;
    let (mut made, mut refused) = (0, 0);
    for _ in 0..100 {
        let mounts: Vec<Value> = (0..100)
            .map(|n| {
                let id = format!("c{made}-{refused}-{n}");
                client.message("COMPONENT_MOUNT", &id, json!({ "component": "counter" }))
            })
            .collect();
        client.send_all(mounts).await.unwrap();
        for _ in 0..100 {
            let reply = client.next().await;
            if reply["type"] == "COMPONENT_MOUNTED" {
                made += 1;
            } else {
                assert_eq!(reply["payload"]["code"], "too_many_components");
                refused += 1;
            }
        }
        assert_eq!(other.act("c", "increment", json!([])).await["type"], "STATE_UPDATE");
    }
    assert_eq!((made, refused), (100, 9_900));
}

#[tokio::test]
async fn with_the_usual_limits_they_close_with_4429() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    let mounts: Vec<Value> = (0..10_000)
        .map(|n| client.message("COMPONENT_MOUNT", &format!("c{n}"), json!({ "component": "counter" })))
        .collect();
    // The server closes the connection before all of it is written.
    let _ = client.send_all(mounts).await;
    assert_eq!(client.closed().await, 4429);
    assert!(server.runtime.stats().messages < 5_000, "what follows is not even looked at");
}

#[tokio::test]
async fn a_flood_of_pings_closes_with_4429() {
    let server = start().await;
    let mut other = Client::hello(&server).await;
    other.mount("c", "counter", json!({})).await;
    let mut client = Client::hello(&server).await;
    // A masked, empty frame with a mask of zero.
    let pings = [0x89, 0x80, 0, 0, 0, 0].repeat(5_000);
    let _ = client.stream().write_all(&pings).await;
    assert_eq!(client.closed().await, 4429);
    assert_eq!(other.act("c", "increment", json!([])).await["type"], "STATE_UPDATE");
}

#[tokio::test]
async fn snapshots_count_by_their_size() {
    let server = limited(Limits { resync_bytes: 1_000, ..Limits::default() }).await;
    let mut client = Client::hello(&server).await;
    client.mount("c", "counter", json!({ "title": "x".repeat(2_000) })).await;
    let resync = json!({ "v": 1, "type": "RESYNC", "componentId": "c" });
    client.send(resync.clone()).await;
    assert_eq!(client.expect("STATE_SNAPSHOT").await["componentId"], "c");
    client.send(resync).await;
    let error = client.next().await;
    assert_error(&error, "rate_limited");
    assert_eq!(error["componentId"], "c");
    let wait = error["payload"]["retryMs"].as_u64().unwrap();
    assert!((5_000..=12_000).contains(&wait), "{wait}");
    assert_eq!(client.act("c", "increment", json!([])).await["type"], "STATE_UPDATE");
}

#[tokio::test]
async fn snapshots_requested_at_once_cost_what_they_weigh() {
    let server = limited(Limits { resync_bytes: 1_000, ..Limits::default() }).await;
    let mut client = Client::hello(&server).await;
    for id in ["a", "b"] {
        client.mount(id, "counter", json!({ "title": "x".repeat(2_000) })).await;
    }
    let resync = |id| json!({ "v": 1, "type": "RESYNC", "componentId": id });
    client.send_all(["a", "b"].repeat(25).into_iter().map(resync)).await.unwrap();
    // A snapshot that waits to be sent answers all requests before it.
    let replies = client.drain().await;
    let (snapshots, refused): (Vec<_>, Vec<_>) =
        replies.iter().partition(|reply| reply["type"] == "STATE_SNAPSHOT");
    assert_eq!(snapshots.len(), 1, "2 kB use up a limit of 1 kB");
    assert!(refused.iter().any(|reply| reply["componentId"] == "a"));
    assert!(refused.iter().any(|reply| reply["componentId"] == "b"));
    refused.into_iter().for_each(|reply| assert_error(reply, "rate_limited"));
}

#[tokio::test]
async fn a_session_shows_so_many_topics() {
    let server = limited(Limits { topics: 2, ..Limits::default() }).await;
    let mut client = Client::hello(&server).await;
    for (id, kind) in [("a", "COMPONENT_MOUNTED"), ("b", "COMPONENT_MOUNTED"), ("c", "ERROR")] {
        let message =
            client.message("COMPONENT_MOUNT", id, json!({ "component": "chat", "props": { "room": id } }));
        let reply = client.ask(message).await;
        assert_eq!(reply["type"], kind, "{reply}");
    }
    assert_error(&client.mount("d", "chat", json!({})).await, "too_many_components");
    assert_eq!(client.mount("e", "counter", json!({})).await["type"], "COMPONENT_MOUNTED");
}

/// The session has more components than the server allows since its restart.
#[tokio::test(start_paused = true)]
async fn a_component_that_shows_no_topic_is_mounted_however_many_topics_there_are() {
    let (store, allowed) = (MemoryStore::new(), Arc::new(AtomicUsize::new(2)));
    let topics = Arc::clone(&allowed);
    let server = vivaz::testing::Server::new(move || {
        let limits = Limits { topics: topics.load(Ordering::SeqCst), ..Limits::default() };
        Runtime::builder().store(store.clone()).limits(limits).state(Arc::<Bench>::default())
    });
    let page = server.page();
    for room in ["a", "b"] {
        page.mount_open("chat", json!({ "room": room })).await.unwrap();
    }
    allowed.store(1, Ordering::SeqCst);
    server.restart().await;
    page.settled().await;
    assert_eq!(page.sessions(), 1);
    page.mount_open("counter", json!({})).await.unwrap();
    let refused = page.mount_open("chat", json!({ "room": "c" })).await;
    assert_eq!(refused.unwrap_err().code, ErrorCode::TooManyComponents);
}

#[tokio::test]
async fn events_for_a_component_that_is_busy_are_lost_beyond_the_bound() {
    let server = limited(Limits { mailbox: 5, ..Limits::default() }).await;
    let mut client = Client::hello(&server).await;
    client.mount("lab", "lab", json!({})).await;
    client.act("lab", "enter", json!(["room"])).await;
    let call = client.call("lab", "wait", json!([]));
    client.send(call).await;
    server.bench.entered.notified().await;
    for n in 0..100 {
        server.runtime.emit_to_room("room", "shouted", &format!("words {n}")).unwrap();
        tokio::task::yield_now().await;
    }
    server.until(|server| server.runtime.stats().events_lost >= 95).await;
    server.bench.gate.notify_one();
    client.drain().await;
    assert_eq!(server.runtime.stats().events_lost, 95);
}

/// Returns a masked frame whose mask is zero.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap();
    let mut frame = vec![first, 0xfe];
    frame.extend(length.to_be_bytes());
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

#[tokio::test]
async fn a_message_in_fragments_is_one_message() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    let text = json!({ "v": 1, "type": "PING", "payload": "é".repeat(100) }).to_string();
    let bytes = text.as_bytes();
    let mut frames = frame(0x01, &bytes[..1]);
    for byte in &bytes[1..bytes.len() - 1] {
        // Characters are split between fragments, with pings between them.
        frames.extend(frame(0x00, &[*byte]));
    }
    frames.extend(frame(0x89, b""));
    frames.extend(frame(0x80, &bytes[bytes.len() - 1..]));
    client.stream().write_all(&frames).await.unwrap();
    assert_eq!(client.expect("PONG").await["payload"], "é".repeat(100));
}

#[tokio::test]
async fn fragments_that_come_to_too_much_close_with_1009() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    let mut frames = frame(0x01, &[b'x'; 1_000]);
    for _ in 0..100 {
        frames.extend(frame(0x00, &[b'x'; 1_000]));
    }
    let _ = client.stream().write_all(&frames).await;
    assert_eq!(client.closed().await, 1009);
}

#[tokio::test]
async fn a_frame_that_claims_to_be_huge_is_not_waited_for() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    let claim = [&[0x81, 0xff][..], &(u64::MAX >> 1).to_be_bytes(), &[0; 4]].concat();
    client.stream().write_all(&claim).await.unwrap();
    assert_eq!(client.closed().await, 1009);
}

#[tokio::test]
async fn fragments_that_are_no_text_together_close_with_1007() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    // The halves of two different characters.
    client.stream().write_all(&[frame(0x01, &[0xc3]), frame(0x80, &[0xe2])].concat()).await.unwrap();
    assert_eq!(client.closed().await, 1007);
    let mut client = Client::hello(&server).await;
    client.send_frame(Message::text("{")).await.unwrap();
    assert_error(&client.next().await, "malformed");
}
