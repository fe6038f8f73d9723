//! The loop over a connection in memory, with paused time.

use std::time::Duration;

use bytes::Bytes;
use vivaz_components::Identity;

use super::run;
use crate::admission::seal::{SealContent, holder};
use crate::runtime::Runtime;
use crate::transport::encoding::EncodedMessage;
use crate::transport::memory::{FromPeer, Peer, ToPeer, pair};

const HELLO: &str = r#"{"v":1,"type":"HELLO","payload":{}}"#;
const PING: &str = r#"{"v":1,"type":"PING","payload":"x"}"#;

/// A connection to a runtime with the usual limits, on which so many messages may be under way.
fn connect(room: usize) -> (Runtime, Peer) {
    let runtime = Runtime::builder().build().unwrap();
    runtime.on_executor();
    let (peer, _task) = connect_to(&runtime, room);
    (runtime, peer)
}

fn connect_to(runtime: &Runtime, room: usize) -> (Peer, tokio::task::JoinHandle<()>) {
    let revocations = runtime.core().revocations();
    connect_identified(runtime, room, revocations)
}

/// As [`connect_to`], for a client that was identified at this value of the revocation counter.
fn connect_identified(
    runtime: &Runtime,
    room: usize,
    revocations: u64,
) -> (Peer, tokio::task::JoinHandle<()>) {
    let (memory, peer) = pair(room);
    let runtime = runtime.clone();
    let served = async move {
        run(Box::new(memory), runtime.supervisor(), Identity::anonymous(), revocations, ()).await;
    };
    (peer, tokio::spawn(served))
}

async fn send(peer: &Peer, text: &'static str) {
    peer.sender
        .send(FromPeer::Frame(EncodedMessage::Text(Bytes::from_static(text.as_bytes()))))
        .await
        .unwrap();
}

async fn receive(peer: &mut Peer) -> String {
    match peer.receiver.recv().await.unwrap() {
        ToPeer::Frame(EncodedMessage::Text(text)) => String::from_utf8(text.to_vec()).unwrap(),
        ToPeer::Frame(EncodedMessage::Binary(bytes)) => panic!("{bytes:?}"),
        ToPeer::Ping => "ping".to_owned(),
    }
}

#[tokio::test(start_paused = true)]
async fn ten_seconds_for_a_greeting_and_not_more() {
    let (_runtime, peer) = connect(8);
    tokio::time::sleep(Duration::from_secs(9)).await;
    send(&peer, HELLO).await;
    let (_runtime, silent) = connect(8);
    let before = tokio::time::Instant::now();
    assert_eq!(silent.closed.await, Ok(4408));
    assert_eq!(before.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_peer_is_pinged_every_heartbeat_and_closed_after_two() {
    let (_runtime, mut peer) = connect(8);
    send(&peer, HELLO).await;
    assert!(receive(&mut peer).await.contains("WELCOME"));
    let started = tokio::time::Instant::now();
    // As long as it answers, for an hour.
    for _ in 0..180 {
        assert_eq!(receive(&mut peer).await, "ping");
        peer.sender.send(FromPeer::Heartbeat).await.unwrap();
    }
    assert!(started.elapsed() >= Duration::from_secs(179 * 20));
    let silent_since = tokio::time::Instant::now();
    assert_eq!(peer.closed.await, Ok(4408));
    assert!((40..=65).contains(&silent_since.elapsed().as_secs()), "{:?}", silent_since.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_read_is_paused_and_closed_with_4413() {
    let (runtime, mut peer) = connect(1);
    send(&peer, HELLO).await;
    assert!(receive(&mut peer).await.contains("WELCOME"));
    // It keeps on asking and never listens: it is stopped before it can fill the server's memory.
    let asked = async {
        loop {
            send(&peer, PING).await;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let asked = tokio::time::timeout(Duration::from_secs(25), asked).await;
    assert!(asked.is_err());
    assert_eq!(peer.closed.await, Ok(4413));
    assert!(runtime.stats().messages < 4_000, "{}", runtime.stats().messages);
}

/// Sends what asks for more than is read, then reads one answer each ten seconds and proves to be
/// alive. Returns the code of the close within ten minutes, if there was one.
async fn read_slowly(answer_bytes: usize) -> Option<u16> {
    let (_runtime, mut peer) = connect(1);
    send(&peer, HELLO).await;
    assert!(receive(&mut peer).await.contains("WELCOME"));
    let ping = format!(r#"{{"v":1,"type":"PING","payload":"{}"}}"#, "x".repeat(answer_bytes));
    let sender = peer.sender.clone();
    tokio::spawn(async move {
        while sender.send(FromPeer::Frame(EncodedMessage::Text(ping.clone().into()))).await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    for _ in 0..60 {
        tokio::select! {
            code = &mut peer.closed => return code.ok(),
            () = tokio::time::sleep(Duration::from_secs(10)) => {}
        }
        let _read = peer.receiver.try_recv();
    }
    None
}

#[tokio::test(start_paused = true)]
async fn a_slow_peer_that_makes_progress_stays() {
    assert_eq!(read_slowly(4 * 1024).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_reads_next_to_nothing_is_closed_with_4413() {
    assert_eq!(read_slowly(100).await, Some(4413));
}

#[tokio::test(start_paused = true)]
async fn everything_that_was_asked_is_answered_to_a_peer_that_never_stops_asking() {
    let (_runtime, mut peer) = connect(64);
    send(&peer, HELLO).await;
    assert!(receive(&mut peer).await.contains("WELCOME"));
    for _ in 0..40 {
        for _ in 0..40 {
            send(&peer, PING).await;
        }
        let mut answers = 0;
        while answers < 40 {
            answers += usize::from(receive(&mut peer).await.contains("PONG"));
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test]
async fn a_session_without_its_task_is_removed() {
    let runtime = Runtime::builder().build().unwrap();
    let (mut peer, task) = connect_to(&runtime, 8);
    send(&peer, HELLO).await;
    let welcome: serde_json::Value = serde_json::from_str(&receive(&mut peer).await).unwrap();
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(runtime.stats().sessions, 0);
    let payload = serde_json::json!({
        "session": welcome["payload"]["session"], "resume": welcome["payload"]["resume"],
    });
    let (mut peer, _task) = connect_to(&runtime, 8);
    let hello = serde_json::json!({ "v": 1, "type": "HELLO", "payload": payload }).to_string();
    peer.sender.send(FromPeer::Frame(EncodedMessage::Text(hello.into()))).await.unwrap();
    assert!(receive(&mut peer).await.contains(r#""resumed":false"#));
}

/// The revocation came after the identity hook and before the server waited for the `HELLO`.
#[tokio::test(start_paused = true)]
async fn a_client_that_was_identified_before_a_revocation_gets_no_session() {
    let runtime = Runtime::builder().build().unwrap();
    runtime.on_executor();
    let revocations = runtime.core().revocations();
    runtime.revoke("ada");
    let (peer, _task) = connect_identified(&runtime, 8, revocations);
    send(&peer, HELLO).await;
    assert_eq!(peer.closed.await, Ok(4408));
    assert_eq!(runtime.stats().sessions, 0);
}

#[tokio::test(start_paused = true)]
async fn a_session_waits_five_minutes_and_not_more() {
    let (runtime, mut peer) = connect(8);
    send(&peer, HELLO).await;
    assert!(receive(&mut peer).await.contains("WELCOME"));
    peer.sender.send(FromPeer::Lost).await.unwrap();
    tokio::time::sleep(Duration::from_secs(299)).await;
    assert_eq!(runtime.stats().sessions, 1);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(runtime.stats().sessions, 0);
}

#[derive(vivaz_components::LiveComponent, Clone)]
#[live(name = "kept", inline = "<p>{{ n }}</p>", crate = "vivaz_components")]
struct Counted {
    #[live(prop, default)]
    n: u32,
}

#[tokio::test]
async fn a_seal_is_valid_if_this_program_can_decode_its_content() {
    use vivaz_components::LiveComponent as _;
    let (runtime, mut peer) = connect(8);
    send(&peer, HELLO).await;
    assert!(receive(&mut peer).await.contains("WELCOME"));
    let (good, bad) = (r#""state":{"n":7}"#, r#""code":"bad_seal""#);
    let schema = Counted::SPEC.schema();
    let template = runtime.core().templates.hash_of("kept").to_owned();
    for (reference, (schema, template, props, state, answer)) in (1..).zip([
        (schema, &*template, "{}", Some(r#"{"n":7}"#), good),
        // Of another version of the program: each field is read by itself.
        (schema ^ 1, &*template, "{}", Some(r#"{"n":7,"gone":1}"#), good),
        (schema ^ 1, &*template, "{}", Some(r#"{"n":"seven"}"#), bad),
        (schema, &*template, "{}", Some(r#"{"n":-7}"#), bad),
        (schema, &*template, "{}", Some("{"), bad),
        (schema ^ 1, &*template, r#"{"n":7}"#, None, good),
        // What the page shows was rendered by another template.
        (schema ^ 1, "another", "{}", Some(r#"{"n":7}"#), bad),
        (schema, "another", "{}", Some(r#"{"n":7}"#), good),
        (schema ^ 1, &*template, r#"{"n":"seven"}"#, None, bad),
    ]) {
        let sealed = SealContent {
            child: None,
            component: "kept".into(),
            schema,
            template: template.into(),
            expires: u64::MAX,
            props: props.into(),
            state: state.map(Into::into),
            painted: None,
            query: None,
        };
        let seal = runtime.core().sealer.seal(&sealed, &holder(&Identity::anonymous())).unwrap();
        let mount = format!(
            r#"{{"v":1,"type":"COMPONENT_MOUNT","ref":{reference},"componentId":"c{reference}","payload":{{"seal":"{seal}"}}}}"#
        );
        peer.sender.send(FromPeer::Frame(EncodedMessage::Text(Bytes::from(mount)))).await.unwrap();
        let reply = receive(&mut peer).await;
        assert!(reply.contains(answer), "{state:?} {props}: {reply}");
    }
}
