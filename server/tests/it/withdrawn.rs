//! What a page shows that its user may not see any more goes, and nothing more of it is sent until then.

use std::sync::Arc;

use serde_json::{Value, json};
use vivaz::UnmountReason;
use vivaz::prelude::*;

use crate::app::{Bench, Room, Server, start};
use crate::client::{Client, assert_error};

const MAY: &[(&str, &str)] = &[("x-user", "ada"), ("x-may", "private")];
const MAY_NOT: &[(&str, &str)] = &[("x-user", "ada")];

/// Takes its time to go.
#[derive(LiveComponent, Clone)]
#[live(name = "dossier", inline = "<p>{{ pages }}</p>", open)]
struct Dossier {
    #[live(prop)]
    room: String,
    #[live(shared = "chat/{room}")]
    chat: Shared<Room>,
    #[live(default)]
    pages: u32,
}

#[actions]
impl Dossier {
    async fn unmount(&mut self, cx: &mut Context, _reason: UnmountReason) {
        cx.state::<Arc<Bench>>().gate.notified().await;
    }

    #[action]
    fn add(&mut self) -> u32 {
        self.pages += 1;
        self.pages
    }

    /// Opens another room when the test lets it.
    #[action]
    async fn browse(&mut self, cx: &mut Context, room: String, flushes: bool) -> Result<()> {
        let bench = cx.state::<Arc<Bench>>().clone();
        bench.entered.notify_one();
        bench.gate.notified().await;
        self.room = room;
        if flushes {
            cx.flush(self).await?;
            bench.entered.notify_one();
            bench.gate.notified().await;
        }
        Ok(())
    }
}

/// The user comes back without the permission. The page has missed the dossier's last patch.
async fn come_back(server: &Server, client: Client, epoch: &Value) -> Client {
    let topic = server.runtime.hub().get("chat/private").unwrap().epoch().to_string();
    let hello = json!({
        "session": client.welcome["session"],
        "resume": client.welcome["resume"],
        "acked": 1,
        "streams": { "c:d": [epoch, 0], "t:chat/private": [topic, 0] },
    });
    client.cut();
    let mut client = Client::greet_with(server, MAY_NOT, hello).await;
    assert_eq!(client.welcome["resumed"], true);
    client.count_from(10);
    client
}

/// Returns what of these messages carries state.
fn shown(messages: &[Value]) -> Vec<&Value> {
    let carries = |one: &&Value| {
        matches!(one["type"].as_str(), Some("STATE_UPDATE" | "STATE_SNAPSHOT" | "COMPONENT_MOUNTED"))
    };
    messages.iter().filter(carries).collect()
}

#[tokio::test]
async fn a_component_that_takes_its_time_to_go_is_not_sent_meanwhile() {
    for is_of_another_history in [false, true] {
        let server = start().await;
        let mut client = Client::greet_with(&server, MAY, json!({})).await;
        let mounted = client.mount("d", "dossier", json!({ "room": "private" })).await;
        client.act("d", "add", json!([])).await;
        let epoch = if is_of_another_history { json!("another") } else { mounted["epoch"].clone() };
        let mut client = come_back(&server, client, &epoch).await;
        let messages = client.drain().await;
        assert_eq!(shown(&messages), [] as [&Value; 0]);
        assert_error(&client.act("d", "add", json!([])).await, "not_mounted");
        server.bench.gate.notify_one();
        let unmounted = client.expect("COMPONENT_UNMOUNTED").await;
        assert_eq!(unmounted["payload"]["reason"], "revoked");
    }
}

#[tokio::test]
async fn a_handler_that_runs_on_shows_nothing_of_a_topic_that_was_refused() {
    for room in ["private", "private-too"] {
        for flushes in [false, true] {
            let server = start().await;
            let mut client = Client::greet_with(&server, MAY, json!({})).await;
            let mounted = client.mount("d", "dossier", json!({ "room": "private" })).await;
            let call = client.call("d", "browse", json!([room, flushes]));
            client.send(call).await;
            server.bench.entered.notified().await;
            let mut client = come_back(&server, client, &mounted["epoch"]).await;
            let mut messages = client.drain().await;
            server.bench.gate.notify_one();
            if flushes {
                server.bench.entered.notified().await;
                messages.extend(client.drain().await);
                server.bench.gate.notify_one();
            }
            // The handler has been answered, and `unmount` waits.
            while !messages.iter().any(|one| one["ref"] == 2) {
                messages.extend(client.drain().await);
            }
            messages.extend(client.drain().await);
            assert_eq!(shown(&messages), [] as [&Value; 0], "{room} {flushes}");
            for topic in ["chat/private", "chat/private-too"] {
                client.send(json!({ "v": 1, "type": "RESYNC", "topic": topic })).await;
                assert_error(&client.next().await, "forbidden");
            }
            server.bench.gate.notify_one();
            client.expect("COMPONENT_UNMOUNTED").await;
        }
    }
}
