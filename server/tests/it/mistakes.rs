//! Mistakes of an application: wherever its code panics, only that component fails. The session and
//! the other components continue.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::json;
use vivaz::Runtime;
use vivaz::prelude::*;
use vivaz::testing::{Ask, Page, Server, View};

use crate::logs::Log;

/// An event that no method handles.
const LOST: &str = "lost";

/// Where the code panics.
#[derive(LiveState, Serialize, Deserialize, Clone, Default, PartialEq, Eq)]
#[serde(transparent)]
struct Mistake(#[serde(deserialize_with = "read_unless")] String);

fn read_unless<'de, D: Deserializer<'de>>(value: D) -> Result<String, D::Error> {
    let text = String::deserialize(value)?;
    assert_ne!(text, "decode", "a field");
    Ok(text)
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        assert_ne!(self.0, "name", "the name of the topic");
        f.write_str(&self.0)
    }
}

struct Key(String);

impl FromStr for Key {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        assert_ne!(text, "key", "the topic's key");
        Ok(Self(text.to_owned()))
    }
}

/// A topic each of whose parts panics if its key says so.
#[derive(LiveState, Serialize, Deserialize, Clone)]
struct Fragile {
    #[serde(serialize_with = "write_unless")]
    what: String,
}

fn write_unless<S: Serializer>(what: &String, out: S) -> Result<S::Ok, S::Error> {
    assert_ne!(what, "state", "the state of the topic");
    out.serialize_str(what)
}

impl Topic for Fragile {
    type Key = Key;

    fn load(key: &Key, _: &TopicContext) -> impl Future<Output = Result<Self>> + Send {
        assert_ne!(key.0, "load", "before the load");
        async {
            tokio::task::yield_now().await;
            assert_ne!(key.0, "loading", "within the load");
            Ok(Self { what: key.0.clone() })
        }
    }

    fn authorize(key: &Key, _: &Identity) -> impl Future<Output = Result<()>> + Send {
        assert_ne!(key.0, "authorize", "before the authorization");
        async {
            tokio::task::yield_now().await;
            assert_ne!(key.0, "authorizing", "within the authorization");
            Ok(())
        }
    }
}

#[derive(LiveComponent, Clone)]
#[live(name = "clumsy", inline = "<p>{{ at }}{{ fragile.what }}{{ twice }}</p>", open)]
struct Clumsy {
    #[live(prop, model, default)]
    at: Mistake,
    #[live(shared = "fragile/{at}")]
    fragile: Shared<Fragile>,
    #[live(default)]
    done: u32,
    #[live(default)]
    failed: Vec<String>,
}

/// An error whose `Display` panics.
#[derive(Debug)]
struct Mute;

impl fmt::Display for Mute {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("no words")
    }
}

impl std::error::Error for Mute {}

/// A value whose serialization panics.
struct Unwritten;

impl Serialize for Unwritten {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("no letters")
    }
}

#[actions]
impl Clumsy {
    #[live(computed)]
    fn twice(&self) -> String {
        assert_ne!(self.at.0, "computed", "a computed field");
        self.at.0.repeat(2)
    }

    #[action]
    fn turn(&mut self, at: Mistake) {
        self.at = at;
    }

    #[action]
    fn spawn(&mut self, cx: &mut Context, what: String) {
        match &*what {
            "at once" => cx.spawn("did", async { if true { panic!("at once") } else { Ok(0) } }),
            "later" => cx.spawn("did", async {
                tokio::task::yield_now().await;
                if true { panic!("later") } else { Ok(0) }
            }),
            "result" => cx.spawn("did", async { Ok(Unwritten) }),
            "error" => cx.spawn("did", async { Err::<u32, _>(Mute.into()) }),
            // The macro refuses a literal that names no event.
            "for nobody" => cx.spawn(LOST, async { Ok(1) }),
            _ => cx.spawn("did", async { Ok(1) }),
        }
    }

    #[event]
    fn did(&mut self, more: Result<u32>) {
        match more {
            Ok(more) => self.done += more,
            Err(error) => self.failed.push(error.code().to_string()),
        }
    }
}

/// A page with a component that works.
struct Desk {
    page: Page,
    counter: View,
    count: i64,
}

impl Desk {
    async fn open() -> Self {
        let server = Server::new(Runtime::builder);
        let page = server.page();
        let counter = page.mount_open("counter", json!({})).await.unwrap();
        Self { page, counter, count: 0 }
    }

    /// Checks that the session is the same and has lost nothing.
    async fn check_continues(&mut self, after: &str) {
        self.count += 1;
        self.counter.call("increment", ()).await.unwrap();
        assert_eq!(self.counter.confirmed()["count"], self.count, "after a panic in {after}");
        assert_eq!(self.page.sessions(), 1, "after a panic in {after}");
    }
}

const PANICS: [&str; 9] =
    ["decode", "name", "key", "load", "loading", "state", "authorize", "authorizing", "computed"];

#[tokio::test]
async fn a_panic_removes_only_its_component_for_each_cause() {
    let mut desk = Desk::open().await;
    let page = desk.page.clone();
    for at in PANICS {
        assert!(page.mount_open("clumsy", json!({ "at": at })).await.is_err(), "{at}");
        desk.check_continues(&format!("{at}, at mount")).await;
        let clumsy = page.mount_open("clumsy", json!({ "at": "fine" })).await.unwrap();
        assert!(clumsy.call("turn", [at]).await.is_err(), "{at}");
        desk.check_continues(&format!("{at}, in an action")).await;
        assert!(page.ask(clumsy.id(), Ask::Props(json!({ "at": at }))).await.is_err(), "{at}");
        desk.check_continues(&format!("{at}, with props")).await;
        // The outcome of that one is tested elsewhere.
        let _ = clumsy.set("at", at).await;
        desk.check_continues(&format!("{at}, with an edit")).await;
        assert_eq!(clumsy.confirmed()["fragile"]["what"], "fine", "{at}");
    }
}

#[tokio::test]
async fn a_panic_of_a_task_is_the_tasks_alone() {
    let mut desk = Desk::open().await;
    let clumsy = desk.page.mount_open("clumsy", json!({ "at": "fine" })).await.unwrap();
    for (number, what) in (1..).zip(["at once", "later", "result", "error"]) {
        clumsy.call("spawn", [what]).await.unwrap();
        desk.check_continues(&format!("a task: {what}")).await;
        clumsy.call("spawn", ["well"]).await.unwrap();
        clumsy.until(|clumsy| clumsy.confirmed()["done"] == number).await;
        let failed = clumsy.confirmed()["failed"].clone();
        let code = if what == "error" { "action_failed" } else { "panicked" };
        assert_eq!(failed[number - 1], code, "{what}: {failed}");
        desk.check_continues(&format!("a task: {what}")).await;
    }
}

#[tokio::test]
async fn a_task_whose_result_no_method_takes_is_logged() {
    let log = Log::default();
    let _collecting = log.collect();
    let mut desk = Desk::open().await;
    let clumsy = desk.page.mount_open("clumsy", json!({ "at": "fine" })).await.unwrap();
    clumsy.call("spawn", ["for nobody"]).await.unwrap();
    clumsy.call("spawn", ["well"]).await.unwrap();
    clumsy.until(|clumsy| clumsy.confirmed()["done"] == 1).await;
    desk.check_continues("a task for nobody").await;
    let text = log.text();
    assert!(text.lines().any(|line| line.contains(" WARN ") && line.contains("event=lost")), "{text}");
}
