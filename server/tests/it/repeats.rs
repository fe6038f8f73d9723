//! Messages that are sent again: each counts like any other message.

use serde_json::{Value, json};
use vivaz::Limits;

use crate::app::{limited, start};
use crate::client::{Client, assert_error};

/// Limits that allow ten messages at once.
fn slow() -> Limits {
    Limits { messages_per_second: 1, burst: 10, ..Limits::default() }
}

/// How a session comes to know the ref that is sent again.
#[derive(Clone, Copy, Debug)]
enum Known {
    Mounted,
    Finished,
    Running,
    Acknowledged,
    Refused,
    Malformed,
}

impl Known {
    const ALL: [Self; 6] =
        [Self::Mounted, Self::Finished, Self::Running, Self::Acknowledged, Self::Refused, Self::Malformed];

    /// Sends the message for the first time, and returns it.
    async fn first(self, client: &mut Client) -> Value {
        client.mount("lab", "lab", json!({})).await;
        let message = match self {
            Self::Mounted => client.message("COMPONENT_MOUNT", "c", json!({ "component": "counter" })),
            Self::Finished | Self::Acknowledged => client.call("lab", "echo", json!(["value"])),
            Self::Running => client.call("lab", "wait", json!([])),
            Self::Refused => client.call("lab", "experiment", json!([])),
            Self::Malformed => {
                let mut message = client.call("lab", "echo", json!(["value"]));
                message["set"] = json!(7);
                message
            }
        };
        client.send(message.clone()).await;
        if !matches!(self, Self::Running) {
            client.reply(&message["ref"]).await;
        }
        if matches!(self, Self::Acknowledged) {
            client.send(json!({ "v": 1, "type": "PING", "ack": message["ref"] })).await;
            client.expect("PONG").await;
        }
        message
    }
}

#[tokio::test]
async fn whatever_became_of_the_first_one_a_repeated_message_counts_against_the_rate() {
    for known in Known::ALL {
        let server = limited(slow()).await;
        let mut client = Client::hello(&server).await;
        let message = known.first(&mut client).await;
        // Eight of the ten are left. Ten malformed ones in a row would close the connection.
        client.send_all(vec![message.clone(); 24]).await.unwrap();
        let refused = 14;
        let mut limited = 0;
        while limited < refused {
            let reply = client.next().await;
            if reply["payload"]["code"] == "rate_limited" {
                assert_eq!(reply.get("ref"), None, "{known:?}: the message keeps its reply: {reply}");
                assert!(reply["payload"]["retryMs"].as_u64().unwrap() > 0);
                limited += 1;
            } else {
                assert_eq!(reply["ref"], message["ref"], "{known:?}");
            }
        }
        assert!(server.runtime.stats().rate_limited >= refused, "{known:?}");
    }
}

#[tokio::test]
async fn a_flood_of_repeated_messages_closes_with_4429() {
    for known in Known::ALL {
        let server = limited(slow()).await;
        let mut client = Client::hello(&server).await;
        let message = known.first(&mut client).await;
        // The server closes the connection before all of it is written.
        let _ = client.send_all(vec![message; 2_000]).await;
        assert_eq!(client.closed().await, 4429, "{known:?}");
    }
}

#[tokio::test]
async fn malformed_messages_with_a_known_ref_are_malformed_too() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    client.mount("c", "counter", json!({})).await;
    let malformed = json!({ "v": 1, "type": "COMPONENT_ACTION", "ref": 1, "componentId": "c" });
    for _ in 0..10 {
        client.send(malformed.clone()).await;
        assert_eq!(client.next().await["type"], "COMPONENT_MOUNTED");
    }
    assert_eq!(client.closed().await, 4400);
}

#[tokio::test]
async fn a_repeated_reply_costs_what_it_weighs() {
    let text = "x".repeat(2_000);
    for is_mount in [true, false] {
        let server = limited(Limits { resync_bytes: 1_000, ..Limits::default() }).await;
        let mut client = Client::hello(&server).await;
        let message = if is_mount {
            let payload = json!({ "component": "counter", "props": { "title": text } });
            client.message("COMPONENT_MOUNT", "c", payload)
        } else {
            client.mount("c", "lab", json!({})).await;
            client.call("c", "echo", json!([text]))
        };
        let reply = client.ask(message.clone()).await;
        assert_ne!(reply["type"], "ERROR", "the first reply is not limited: {reply}");
        assert_eq!(client.ask(message.clone()).await["type"], reply["type"]);
        client.send(message).await;
        let error = client.next().await;
        assert_error(&error, "rate_limited");
        assert_eq!((error.get("ref"), &error["componentId"]), (None, &json!("c")));
        let wait = error["payload"]["retryMs"].as_u64().unwrap();
        assert!((5_000..=14_000).contains(&wait), "{wait}");
        // Snapshots have the same limit.
        client.send(json!({ "v": 1, "type": "RESYNC", "componentId": "c" })).await;
        assert_error(&client.next().await, "rate_limited");
    }
}

#[tokio::test]
async fn a_page_may_repeat_all_its_unanswered_messages_when_it_resumes() {
    let server = limited(Limits { burst: 140, messages_per_second: 1, ..Limits::default() }).await;
    let mut client = Client::hello(&server).await;
    client.mount("c", "counter", json!({})).await;
    let messages: Vec<Value> = (0..128).map(|_| client.call("c", "increment", json!([]))).collect();
    client.send_all(messages.clone()).await.unwrap();
    let last = messages.last().unwrap()["ref"].clone();
    client.reply(&last).await;
    let welcome = client.welcome.clone();
    client.cut();
    let mut client = Client::resume(&server, &welcome, 1, json!({})).await;
    client.send_all(messages.clone()).await.unwrap();
    // Each is answered twice: with the waiting replies, and because it was sent again.
    for _ in 0..2 * messages.len() {
        let reply = client.next().await;
        assert_eq!(reply["type"], "ACK", "{reply}");
    }
    client.count_from(200);
    assert_eq!(client.act("c", "peek", json!([])).await["payload"], 128);
}

#[tokio::test]
async fn a_resume_sends_the_state_of_a_component_once_however_often_it_was_mounted() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    for _ in 0..20 {
        client.mount("c", "counter", json!({ "title": "x".repeat(1_000) })).await;
        let unmount = client.message("COMPONENT_UNMOUNT", "c", Value::Null);
        client.ask(unmount).await;
    }
    client.mount("c", "counter", json!({ "title": "the last" })).await;
    let mut client = Client::resume(&server, &client.welcome.clone(), 0, json!({})).await;
    let replies = client.drain().await;
    let refs: Vec<_> = replies.iter().filter_map(|reply| reply["ref"].as_u64()).collect();
    assert_eq!(refs, (1..=41).collect::<Vec<_>>(), "each has its reply");
    let mounted: Vec<_> = replies.iter().filter(|reply| reply["type"] == "COMPONENT_MOUNTED").collect();
    assert_eq!(mounted.len(), 1);
    assert_eq!(
        (&mounted[0]["ref"], &mounted[0]["payload"]["state"]["title"]),
        (&json!(41), &json!("the last"))
    );
}
