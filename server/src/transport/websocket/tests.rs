use std::collections::VecDeque;

use futures_util::{FutureExt, SinkExt, StreamExt};
use proptest::prelude::*;
use tokio::io::{DuplexStream, duplex};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{CloseFrame, FrameHeader};

use super::*;

const MAX_MESSAGE: usize = 100_000;

/// A frame of a client, masked.
fn frame(opcode: OpCode, is_last: bool, payload: &[u8]) -> Vec<u8> {
    let mask = [1, 20, 77, 255];
    let header = FrameHeader { is_final: is_last, opcode, mask: Some(mask), ..FrameHeader::default() };
    let mut bytes = Vec::new();
    header.format(payload.len() as u64, &mut bytes).unwrap();
    bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

fn text(payload: &[u8]) -> Vec<u8> {
    frame(OpCode::Data(Data::Text), true, payload)
}

/// Returns what a server with this limit receives.
async fn received(bytes: &[u8], max_message: usize) -> Vec<Incoming> {
    let (mut client, server) = duplex(1 << 20);
    client.write_all(bytes).await.unwrap();
    client.shutdown().await.unwrap();
    let socket = WebSocket::new(server, Encoding::Json, max_message);
    socket.collect().await
}

fn pair(capacity: usize) -> (WebSocketStream<DuplexStream>, WebSocket<DuplexStream>) {
    let (client, server) = duplex(capacity);
    let client = WebSocketStream::from_raw_socket(client, Role::Client, None);
    let client = client.now_or_never().expect("there is no handshake");
    (client, WebSocket::new(server, Encoding::Json, MAX_MESSAGE))
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

/// A message as another implementation sends it: its kind, and its text in fragments.
fn message() -> impl Strategy<Value = (bool, Vec<String>)> {
    let part = prop_oneof![4 => ".{0,40}", 1 => "[aé€𝄞]{30000}"];
    (any::<bool>(), prop::collection::vec(part, 1..4))
}

proptest! {
    /// Any fragments, with pings between them, in any pieces of the network, are the messages.
    #[test]
    fn messages_arrive_in_any_pieces(
        messages in prop::collection::vec(message(), 1..5),
        pieces in prop::collection::vec(1_usize..30_000, 1..20),
    ) {
        let mut bytes = Vec::new();
        for (is_text, parts) in &messages {
            for (at, part) in parts.iter().enumerate() {
                let kind = if *is_text { Data::Text } else { Data::Binary };
                let opcode = OpCode::Data(if at == 0 { kind } else { Data::Continue });
                bytes.extend(frame(opcode, at + 1 == parts.len(), part.as_bytes()));
                bytes.extend(frame(OpCode::Control(Control::Ping), true, b"?"));
            }
        }
        let runtime = runtime();
        let received = runtime.block_on(async {
            let (mut client, server) = duplex(1 << 20);
            let mut socket = WebSocket::new(server, Encoding::Json, usize::MAX);
            let mut received = Vec::new();
            let mut rest = &bytes[..];
            let mut pieces = pieces.iter().cycle();
            while !rest.is_empty() {
                let (piece, later) = rest.split_at(rest.len().min(*pieces.next().unwrap()));
                rest = later;
                client.write_all(piece).await.unwrap();
                while let Some(Some(incoming)) = socket.next().now_or_never() {
                    received.push(incoming);
                }
            }
            received
        });
        let mut expected = Vec::new();
        for (is_text, parts) in messages {
            expected.extend((1..parts.len()).map(|_| "ping".to_owned()));
            expected.push(format!("{is_text} {}", parts.concat()));
            expected.push("ping".to_owned());
        }
        let shown: Vec<_> = received
            .into_iter()
            .map(|incoming| match incoming {
                Incoming::Text(text) => format!("true {}", std::str::from_utf8(&text).unwrap()),
                Incoming::Binary(bytes) => format!("false {}", std::str::from_utf8(&bytes).unwrap()),
                Incoming::Heartbeat => "ping".to_owned(),
                other @ (Incoming::Closed(_) | Incoming::Violation(_) | Incoming::Lost) => format!("{other:?}"),
            })
            .collect();
        prop_assert_eq!(shown, expected);
    }

    /// Another implementation reads what is sent, in order, however slowly it reads.
    #[test]
    fn messages_are_sent_in_order(
        lengths in prop::collection::vec(prop_oneof![0_usize..300, 3_000_usize..5_000, 60_000_usize..70_000], 1..20),
        flushes in prop::collection::vec(any::<bool>(), 40),
        capacity in prop_oneof![500_usize..2_000, 2_000_usize..100_000],
    ) {
        let runtime = runtime();
        runtime.block_on(async {
            let (mut client, mut socket) = pair(capacity);
            let sent: Vec<String> = (0_u8..).zip(&lengths).map(|(at, length)| char::from(b'0' + at).to_string().repeat(*length)).collect();
            let sending = async {
                for (text, flush) in sent.iter().zip(flushes) {
                    socket.feed(Outgoing::Text(text.clone().into())).await.unwrap();
                    if flush {
                        socket.flush().await.unwrap();
                    }
                }
                Box::new(socket).close(1000, "end").await;
            };
            let receiving = async {
                let mut texts = VecDeque::new();
                while let Some(Ok(message)) = client.next().await {
                    match message {
                        Message::Text(text) => texts.push_back(text.to_string()),
                        Message::Close(close) => assert_eq!(close.unwrap().reason.as_str(), "end"),
                        other @ (Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => {
                            panic!("{other:?}")
                        }
                    }
                }
                texts
            };
            let ((), texts) = tokio::join!(sending, receiving);
            assert_eq!(texts, sent);
        });
    }

    /// No bytes make it panic, and it reads to their end or to a violation.
    #[test]
    fn any_bytes_end_in_a_loss_or_a_violation(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let runtime = runtime();
        let incoming = runtime.block_on(received(&bytes, 100));
        let last = incoming.last();
        prop_assert!(
            matches!(last, Some(Incoming::Lost | Incoming::Violation(_) | Incoming::Closed(_))),
            "{last:?}"
        );
    }
}

/// A message of one byte in that many fragments, of which all but the first are empty.
fn fragments(count: usize) -> Vec<u8> {
    let mut bytes = frame(OpCode::Data(Data::Text), false, b"x");
    for number in 2..=count {
        bytes.extend(frame(OpCode::Data(Data::Continue), number == count, b""));
    }
    bytes
}

#[tokio::test]
async fn a_message_may_have_some_empty_fragments() {
    assert!(matches!(&received(&fragments(17), 100).await[..], [Incoming::Text(_), Incoming::Lost]));
}

#[tokio::test]
async fn violations_have_their_kind() {
    let masked = |first: u8, second: u8| [vec![first, 0x80 | second, 0, 0, 0, 0], vec![0; 200]].concat();
    let close = |payload: &[u8]| frame(OpCode::Control(Control::Close), true, payload);
    for (bytes, expected) in [
        (vec![0x81, 1, b'x'], Violation::Protocol),
        (masked(0xc1, 1), Violation::Protocol),
        (masked(0x83, 1), Violation::Protocol),
        (masked(0x8b, 1), Violation::Protocol),
        (masked(0x09, 1), Violation::Protocol),
        (frame(OpCode::Control(Control::Ping), true, &[0; 126]), Violation::Protocol),
        (masked(0x80, 1), Violation::Protocol),
        (close(b"x"), Violation::Protocol),
        (close(&[3, 232, 0xff]), Violation::NotUtf8),
        (text(&[0xff]), Violation::NotUtf8),
        (text("é".as_bytes().get(..1).unwrap()), Violation::NotUtf8),
        (frame(OpCode::Data(Data::Text), false, &[0xc3, 0x28]), Violation::NotUtf8),
        ([frame(OpCode::Data(Data::Text), false, b"x"), text(b"y")].concat(), Violation::Protocol),
        (text(&[b'x'; 101]), Violation::TooLarge),
        (vec![0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0], Violation::TooLarge),
        (vec![0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], Violation::Protocol),
        (fragments(18), Violation::Protocol),
        (
            [
                frame(OpCode::Data(Data::Binary), false, &[0; 60]),
                frame(OpCode::Data(Data::Continue), true, &[0; 41]),
            ]
            .concat(),
            Violation::TooLarge,
        ),
    ] {
        let incoming = received(&bytes, 100).await;
        assert!(
            matches!(&incoming[..], [Incoming::Violation(violation)] if *violation == expected),
            "{bytes:?}: {incoming:?}"
        );
    }
    assert!(matches!(&received(&text(&[b'x'; 100]), 100).await[..], [Incoming::Text(_), Incoming::Lost]));
}

#[tokio::test]
async fn a_ping_is_answered_between_messages() {
    let (mut client, mut socket) = pair(1_000);
    client.send(Message::Ping("one".into())).await.unwrap();
    client.send(Message::Ping("two".into())).await.unwrap();
    for _ in 0..2 {
        assert!(matches!(socket.next().await, Some(Incoming::Heartbeat)));
    }
    for expected in ["one", "two"] {
        assert_eq!(client.next().await.unwrap().unwrap(), Message::Pong(expected.into()));
    }
    // The client reads the long message only after the ping has arrived.
    socket.feed(Outgoing::Text(vec![b'x'; 10_000].into())).await.unwrap();
    assert!(socket.flush().now_or_never().is_none());
    client.send(Message::Ping("three".into())).await.unwrap();
    assert!(matches!(socket.next().await, Some(Incoming::Heartbeat)));
    let (flushed, message) = tokio::join!(socket.flush(), client.next());
    flushed.unwrap();
    assert_eq!(message.unwrap().unwrap().len(), 10_000);
    assert_eq!(client.next().await.unwrap().unwrap(), Message::Pong("three".into()));
}

#[tokio::test]
async fn a_close_frame_is_answered_with_its_code() {
    for (code, answered) in
        [(1000, 1000), (1001, 1001), (4000, 4000), (1005, 1002), (999, 1002), (2000, 1002)]
    {
        let (mut client, mut socket) = pair(1_000);
        let payload = [&u16::to_be_bytes(code)[..], b"bye"].concat();
        client.get_mut().write_all(&frame(OpCode::Control(Control::Close), true, &payload)).await.unwrap();
        assert!(matches!(socket.next().await, Some(Incoming::Closed(Some(received))) if received == code));
        Box::new(socket).answer_close().await;
        let Some(Ok(Message::Close(Some(CloseFrame { code, .. })))) = client.next().await else {
            panic!("no close frame")
        };
        assert_eq!(u16::from(code), answered);
    }
}

#[tokio::test]
async fn no_memory_is_kept_for_idle_connections() {
    let (mut client, mut socket) = pair(1 << 20);
    client.send(Message::text("x".repeat(50_000))).await.unwrap();
    assert!(matches!(socket.next().await, Some(Incoming::Text(_))));
    for length in [100, 10_000, 100] {
        socket.send(Outgoing::Text(vec![b'x'; length].into())).await.unwrap();
    }
    assert!(socket.next().now_or_never().is_none());
    assert_eq!((socket.reader.kept(), socket.writer.kept()), (0, 0));
    // A peer that does not read costs what waits for it.
    let (_client, mut socket) = pair(1_000);
    socket.feed(Outgoing::Text(vec![b'x'; 3_000].into())).await.unwrap();
    assert!(socket.flush().now_or_never().is_none());
    assert_eq!(socket.writer.kept(), 3_000 + 4 - 1_000);
}
