//! Components that their user may not see any more are unmounted, and nothing more of them is sent
//! until then.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::sleep;
use vivaz::prelude::*;
use vivaz::{Identity, Limits, MemoryStore, Runtime, SessionId, SessionStore, UnmountReason, User};

use crate::app::{Bench, Message, Room, Server, start};
use crate::client::{Client, assert_error};

const MAY: &[(&str, &str)] = &[("x-user", "ada"), ("x-may", "private")];
const MAY_NOT: &[(&str, &str)] = &[("x-user", "ada")];

/// Its `unmount` takes some time.
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

    /// Returns the messages of its room, or fails with them; then it shows another room, or
    /// continues with this one.
    #[action]
    async fn quote(
        &mut self,
        cx: &mut Context,
        fails: bool,
        next: Option<String>,
        waits: bool,
    ) -> Result<String> {
        let text = self.chat.messages[0].text.clone();
        if let Some(room) = next {
            self.room = room;
            cx.flush(self).await?;
        }
        if waits {
            let bench = cx.state::<Arc<Bench>>().clone();
            bench.entered.notify_one();
            bench.gate.notified().await;
        }
        if fails { Err(ActionError::user(text)) } else { Ok(text) }
    }
}

/// Its mount takes some time.
#[derive(LiveComponent, Clone)]
#[live(name = "late-dossier", inline = "<p>{{ chat.messages.len() }}</p>", open)]
struct LateDossier {
    #[live(prop)]
    room: String,
    #[live(shared = "chat/{room}")]
    chat: Shared<Room>,
}

#[actions]
impl LateDossier {
    async fn mount(props: LateDossierProps, cx: &mut MountContext) -> Result<Self> {
        let bench = cx.state::<Arc<Bench>>().clone();
        bench.entered.notify_one();
        bench.gate.notified().await;
        Ok(Self { room: props.room, chat: Shared::new() })
    }
}

/// A topic that answers the first authorization, and then fails as often as its key says.
#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
struct Moody {
    words: String,
}

/// How often each key was authorized.
static ASKED: Mutex<BTreeMap<String, u32>> = Mutex::new(BTreeMap::new());

impl Topic for Moody {
    type Key = String;

    async fn load(_key: &String, _cx: &TopicContext) -> Result<Self> {
        Ok(Self::default())
    }

    async fn authorize(key: &String, _who: &Identity) -> Result<()> {
        let failures: u32 = key.split('-').next().unwrap().parse().unwrap();
        let mut asked = ASKED.lock().unwrap();
        let before = asked.entry(key.clone()).or_default();
        *before += 1;
        if (2..2 + failures).contains(before) {
            return Err(std::io::Error::other("database is locked"))?;
        }
        Ok(())
    }
}

#[derive(LiveComponent, Clone)]
#[live(name = "moody-reader", inline = "<p>{{ moody.words }}</p>", open)]
struct MoodyReader {
    #[live(prop)]
    key: String,
    #[live(shared = "moody/{key}")]
    moody: Shared<Moody>,
}

#[actions]
impl MoodyReader {
    /// Shows another topic when the test lets it.
    #[action]
    async fn turn(&mut self, cx: &mut Context, key: String) {
        let bench = cx.state::<Arc<Bench>>().clone();
        bench.entered.notify_one();
        bench.gate.notified().await;
        self.key = key;
    }
}

/// The user resumes without the permission. The page has missed the last patch of the dossier.
async fn resume(server: &Server, client: Client, epoch: &Value) -> Client {
    let topic = server.runtime.hub().get("chat/private").unwrap().epoch().to_string();
    resume_with(server, client, json!({ "c:d": [epoch, 0], "t:chat/private": [topic, 0] })).await
}

async fn resume_with(server: &Server, client: Client, streams: Value) -> Client {
    resume_as(server, client, MAY_NOT, streams).await
}

async fn resume_as(server: &Server, client: Client, who: &[(&str, &str)], streams: Value) -> Client {
    let hello = json!({
        "session": client.welcome["session"],
        "resume": client.welcome["resume"],
        "acked": 1,
        "streams": streams,
    });
    client.cut();
    let mut client = Client::hello_with(server, who, hello).await;
    assert_eq!(client.welcome["resumed"], true);
    client.count_from(10);
    client
}

/// Returns those of the messages that carry state.
fn shown(messages: &[Value]) -> Vec<&Value> {
    let carries = |one: &&Value| {
        matches!(one["type"].as_str(), Some("STATE_UPDATE" | "STATE_SNAPSHOT" | "COMPONENT_MOUNTED"))
    };
    messages.iter().filter(carries).collect()
}

#[tokio::test]
async fn a_component_with_a_slow_unmount_is_not_sent() {
    for is_of_another_history in [false, true] {
        let server = start().await;
        let mut client = Client::hello_with(&server, MAY, json!({})).await;
        let mounted = client.mount("d", "dossier", json!({ "room": "private" })).await;
        client.act("d", "add", json!([])).await;
        let epoch = if is_of_another_history { json!("another") } else { mounted["epoch"].clone() };
        let mut client = resume(&server, client, &epoch).await;
        let messages = client.drain().await;
        assert_eq!(shown(&messages), [] as [&Value; 0]);
        assert_error(&client.act("d", "add", json!([])).await, "not_mounted");
        server.bench.gate.notify_one();
        let unmounted = client.expect("COMPONENT_UNMOUNTED").await;
        assert_eq!(unmounted["payload"]["reason"], "revoked");
    }
}

#[tokio::test]
async fn a_running_handler_sends_no_state_of_a_refused_topic() {
    for room in ["private", "private-too"] {
        for flushes in [false, true] {
            let server = start().await;
            let mut client = Client::hello_with(&server, MAY, json!({})).await;
            let mounted = client.mount("d", "dossier", json!({ "room": "private" })).await;
            let call = client.call("d", "browse", json!([room, flushes]));
            client.send(call).await;
            server.bench.entered.notified().await;
            let mut client = resume(&server, client, &mounted["epoch"]).await;
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

/// The topic was authorized for the user before the resume.
#[tokio::test]
async fn a_handler_of_before_a_resume_turns_to_no_topic_that_is_refused_now() {
    for flushes in [false, true] {
        let server = start().await;
        let mut client = Client::hello_with(&server, MAY, json!({})).await;
        let mounted = client.mount("d", "dossier", json!({ "room": "public" })).await;
        let call = client.call("d", "browse", json!(["private", flushes]));
        client.send(call).await;
        server.bench.entered.notified().await;
        let streams = json!({ "c:d": [mounted["epoch"], 0] });
        let mut client = resume_with(&server, client, streams).await;
        client.drain().await;
        server.bench.gate.notify_one();
        let mut messages = Vec::new();
        if flushes {
            server.bench.entered.notified().await;
            messages.extend(client.drain().await);
            server.bench.gate.notify_one();
        }
        while !messages.iter().any(|one| one["ref"] == 2) {
            messages.extend(client.drain().await);
        }
        assert_eq!(shown(&messages), [] as [&Value; 0], "{flushes}");
        client.send(json!({ "v": 1, "type": "RESYNC", "topic": "chat/private" })).await;
        assert_error(&client.next().await, "forbidden");
        server.bench.gate.notify_one();
        assert_eq!(client.expect("COMPONENT_UNMOUNTED").await["payload"]["reason"], "revoked");
    }
}

/// A reply may carry data of the topics that its component showed.
#[tokio::test]
async fn a_reply_from_before_a_resume_has_no_state_of_a_refused_topic() {
    for (may, is_said) in [(MAY_NOT, false), (MAY, true)] {
        for fails in [false, true] {
            for next in [None, Some("public")] {
                // Whether the action still runs at the resume.
                for waits in [false, true] {
                    let server = start().await;
                    let topic = server.runtime.topic::<Room>("chat/private").await.unwrap();
                    let message = Message { id: 1, text: "between us".into() };
                    topic.update(move |room| room.messages.push(message.clone())).await.unwrap();
                    let mut client = Client::hello_with(&server, MAY, json!({})).await;
                    client.mount("d", "dossier", json!({ "room": "private" })).await;
                    let call = client.call("d", "quote", json!([fails, next, waits]));
                    client.send(call.clone()).await;
                    if waits {
                        server.bench.entered.notified().await;
                    } else {
                        client.reply(&call["ref"]).await;
                    }
                    let mut client = resume_as(&server, client, may, json!({})).await;
                    server.bench.gate.notify_one();
                    let reply = client.reply(&call["ref"]).await;
                    let cell = (is_said, fails, next, waits);
                    // Where the component still shows the topic, or showed it in the end.
                    if is_said && next.is_none() {
                        assert!(reply.to_string().contains("between us"), "{cell:?}: {reply}");
                    }
                    if !is_said {
                        assert_error(&reply, "reply_lost");
                        client.send(call).await;
                        assert_error(&client.reply(&json!(2)).await, "reply_lost");
                    }
                }
            }
        }
    }
}

/// A topic that sends its changes once a minute.
#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
struct Ledger {
    lines: u32,
}

impl Topic for Ledger {
    type Key = String;

    const INTERVAL: Duration = Duration::from_secs(60);

    async fn load(_key: &String, _cx: &TopicContext) -> Result<Self> {
        Ok(Self::default())
    }

    async fn authorize(_key: &String, _who: &Identity) -> Result<()> {
        Ok(())
    }
}

/// Returns data of one topic behind the changes of another one.
#[derive(LiveComponent, Clone)]
#[live(name = "scribe", inline = "<p>{{ ledger.lines }}</p>", open)]
struct Scribe {
    #[live(shared = "chat/private")]
    chat: Shared<Room>,
    #[live(shared = "ledger/all")]
    ledger: Shared<Ledger>,
}

#[actions]
impl Scribe {
    #[action]
    fn quote(&mut self) -> String {
        self.ledger.update(|ledger| ledger.lines += 1);
        self.chat.messages[0].text.clone()
    }
}

/// The same for a reply that waited for a topic with an interval when the page resumed.
#[tokio::test(start_paused = true)]
async fn a_held_reply_has_no_state_of_a_refused_topic() {
    for (permission, is_said) in [(None, false), (Some("private"), true)] {
        let server = vivaz::testing::Server::new(Runtime::builder);
        let topic = server.runtime().topic::<Room>("chat/private").await.unwrap();
        let message = Message { id: 1, text: "between us".into() };
        topic.update(move |room| room.messages.push(message.clone())).await.unwrap();
        let ada =
            |permission: Option<&str>| Identity::of(User::new("ada", "Ada")).with_permissions(permission);
        let page = server.page_with(ada(Some("private")));
        let scribe = page.mount_open("scribe", json!({})).await.unwrap();
        scribe.call("quote", ()).await.unwrap();
        let held = scribe.call("quote", ());
        sleep(Duration::from_secs(1)).await;
        page.set_identity(ada(permission));
        page.network().drop();
        sleep(Duration::from_secs(10)).await;
        assert!(!held.is_answered());
        match held.await {
            Ok(said) => assert!(is_said && said == Some("between us".into())),
            Err(refusal) => assert!(!is_said && refusal.code == vivaz::ErrorCode::ReplyLost, "{refusal:?}"),
        }
    }
}

/// Replies without data are sent as usual.
#[tokio::test]
async fn a_reply_without_data_is_kept_for_the_page_after_refusals() {
    let server = start().await;
    let mut client = Client::hello_with(&server, MAY, json!({})).await;
    client.mount("c", "chat", json!({ "room": "private" })).await;
    let call = client.call("c", "say", json!(["hello"]));
    client.send(call.clone()).await;
    client.reply(&call["ref"]).await;
    let mut client = resume_as(&server, client, MAY_NOT, json!({})).await;
    assert_eq!(client.reply(&call["ref"]).await["type"], "ACK");
}

/// An allowed one continues.
#[tokio::test]
async fn a_handler_of_before_a_resume_turns_to_a_topic_that_is_allowed() {
    let server = start().await;
    let mut client = Client::hello_with(&server, MAY, json!({})).await;
    let mounted = client.mount("d", "dossier", json!({ "room": "public" })).await;
    let call = client.call("d", "browse", json!(["public-too", false]));
    client.send(call).await;
    server.bench.entered.notified().await;
    let streams = json!({ "c:d": [mounted["epoch"], 0] });
    let mut client = resume_with(&server, client, streams).await;
    server.bench.gate.notify_one();
    let update = client.reply(&json!(2)).await;
    assert_eq!(update["topics"]["chat"], "chat/public-too", "{update}");
}

/// A topic that does not answer is asked again, and counts as refused when the time to restore a
/// session is over.
#[tokio::test(start_paused = true)]
async fn a_handler_of_before_a_resume_waits_for_a_topic_that_fails() {
    let bench = Arc::<Bench>::default();
    let state = Arc::clone(&bench);
    let limits = Limits { restore_time: Duration::from_secs(60), ..Limits::default() };
    let server = vivaz::testing::Server::new(move || {
        Runtime::builder().state(Arc::clone(&state)).limits(limits.clone())
    });
    for failures in [2, 1_000] {
        let page = server.page();
        let reader = page.mount_open("moody-reader", json!({ "key": "0" })).await.unwrap();
        let key = format!("{failures}-after-a-resume");
        let call = reader.call("turn", [&key]);
        bench.entered.notified().await;
        page.network().drop();
        sleep(Duration::from_secs(5)).await;
        bench.gate.notify_one();
        sleep(Duration::from_secs(1)).await;
        assert!(!call.is_answered(), "{failures}");
        if failures == 2 {
            call.await.unwrap();
            assert_eq!(reader.state()["key"], key);
            continue;
        }
        sleep(Duration::from_secs(50)).await;
        assert!(reader.is_mounted());
        sleep(Duration::from_secs(20)).await;
        assert!(!reader.is_mounted());
    }
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_a_handler_selects_is_authorized_once() {
    let bench = Arc::<Bench>::default();
    let state = Arc::clone(&bench);
    let server = vivaz::testing::Server::new(move || Runtime::builder().state(Arc::clone(&state)));
    let page = server.page();
    let reader = page.mount_open("moody-reader", json!({ "key": "0" })).await.unwrap();
    bench.gate.notify_one();
    reader.call("turn", ["0-at-once"]).await.unwrap();
    assert_eq!(reader.confirmed()["key"], "0-at-once");
    assert_eq!(ASKED.lock().unwrap()["0-at-once"], 1);
}

#[tokio::test]
async fn a_mount_of_before_a_resume_shows_no_topic_that_is_refused_now() {
    let server = start().await;
    let mut client = Client::hello_with(&server, MAY, json!({})).await;
    let props = json!({ "room": "private" });
    let mount =
        client.message("COMPONENT_MOUNT", "d", json!({ "component": "late-dossier", "props": props }));
    client.send(mount).await;
    server.bench.entered.notified().await;
    let mut client = resume_with(&server, client, json!({})).await;
    server.bench.gate.notify_one();
    assert_error(&client.next().await, "forbidden");
    // The id is free.
    server.bench.gate.notify_one();
    assert_eq!(
        client.mount("d", "late-dossier", json!({ "room": "public" })).await["type"],
        "COMPONENT_MOUNTED"
    );
}

/// The store had it before the user was authorized again.
#[tokio::test(start_paused = true)]
async fn a_mount_that_is_refused_after_a_resume_is_not_in_the_store() {
    let (store, bench) = (MemoryStore::new(), Arc::<Bench>::default());
    let (kept, state) = (store.clone(), Arc::clone(&bench));
    let server =
        vivaz::testing::Server::new(move || Runtime::builder().store(kept.clone()).state(Arc::clone(&state)));
    let ada = |permissions: &[&str]| {
        Identity::of(User::new("ada", "Ada")).with_permissions(permissions.iter().copied())
    };
    let page = server.page_with(ada(&["private"]));
    page.mount_open("counter", json!({})).await.unwrap();
    let come_back = async {
        bench.entered.notified().await;
        page.set_identity(ada(&[]));
        page.network().drop();
        sleep(Duration::from_secs(5)).await;
        bench.gate.notify_one();
    };
    let (mounted, ()) =
        tokio::join!(page.mount_open("late-dossier", json!({ "room": "private" })), come_back);
    assert_eq!(mounted.unwrap_err().code, vivaz::ErrorCode::Forbidden);
    sleep(Duration::from_secs(5)).await;
    let id = page.client(|client| SessionId::new(client.session().unwrap()).unwrap());
    let head = store.find(&id).await.unwrap().unwrap();
    let stored = store.claim(&id, "another", &head).await.unwrap().unwrap();
    assert_eq!(stored.components.iter().map(|one| &*one.name).collect::<Vec<_>>(), ["counter"]);
}
