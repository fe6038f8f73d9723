//! Handlers that flush intermediate state, over a socket.

use serde_json::json;
use vivaz::prelude::*;

use crate::app::start;
use crate::client::{Client, assert_error};

/// Advances one step whenever the test releases it.
#[derive(LiveComponent, Clone)]
#[live(name = "steps", inline = "<p>{{ done }}</p>", open)]
struct Steps {
    #[live(default)]
    done: u32,
}

#[actions]
impl Steps {
    #[action]
    async fn run(&mut self, cx: &mut Context, until: u32, fail: bool) -> Result<&'static str> {
        let bench = cx.state::<std::sync::Arc<crate::app::Bench>>().clone();
        for _ in 0..until {
            self.done += 1;
            cx.emit("step", self.done)?;
            cx.flush(self).await?;
            bench.gate.notified().await;
        }
        self.done = 100;
        if fail { Err(ActionError::user("no more")) } else { Ok("done") }
    }
}

#[tokio::test]
async fn the_page_sees_each_step_before_the_reply() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    client.mount("s", "steps", json!({})).await;
    let call = client.call("s", "run", json!([2, false]));
    let reference = call["ref"].clone();
    client.send(call).await;
    for step in 1..=2 {
        // The handler waits for the test, so this is not its final state.
        let (event, update) = (client.next().await, client.next().await);
        assert_eq!(event["payload"], json!({ "name": "step", "data": step }));
        assert_eq!(
            update,
            json!({ "v": 1, "type": "STATE_UPDATE", "componentId": "s", "rev": step, "payload": { "done": step } })
        );
        // A `RESYNC` during the handler returns the flushed state too.
        client.send(json!({ "v": 1, "type": "RESYNC", "componentId": "s" })).await;
        let snapshot = client.expect("STATE_SNAPSHOT").await;
        assert_eq!((&snapshot["rev"], &snapshot["payload"]), (&json!(step), &json!({ "done": step })));
        server.bench.gate.notify_one();
    }
    let reply = client.reply(&reference).await;
    assert_eq!((&reply["rev"], &reply["result"]), (&json!(3), &json!("done")));
    assert_eq!(reply["payload"], json!({ "done": 100 }));
}

#[tokio::test]
async fn a_failure_reverts_unflushed_changes_and_a_resumed_page_has_all_patches() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    let mounted = client.mount("s", "steps", json!({})).await;
    let call = client.call("s", "run", json!([2, true]));
    client.send(call.clone()).await;
    client.expect("EVENT").await;
    assert_eq!(client.expect("STATE_UPDATE").await["rev"], 1);
    let welcome = client.welcome.clone();
    client.cut();

    server.bench.gate.notify_one();
    let mut client = Client::resume(&server, &welcome, 1, json!({ "c:s": [mounted["epoch"], 1] })).await;
    client.send(call.clone()).await;
    server.bench.gate.notify_one();
    let mut seen = 1;
    loop {
        let message = client.next().await;
        match message["type"].as_str().unwrap() {
            "STATE_UPDATE" | "STATE_SNAPSHOT" => seen = message["payload"]["done"].as_u64().unwrap(),
            "ERROR" => {
                assert_error(&message, "action_failed");
                assert_eq!(
                    (&message["ref"], &message["payload"]["message"]),
                    (&call["ref"], &json!("no more"))
                );
                break;
            }
            other => assert!(matches!(other, "EVENT" | "WELCOME"), "{message}"),
        }
    }
    assert_eq!(seen, 2, "the third step failed");
}
