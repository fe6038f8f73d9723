//! An action has one outcome: its component, each topic that it changes and the commit all change,
//! or none of them. This applies to plain components, durable ones and transactions.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Value, json};
use vivaz::prelude::*;

use vivaz::testing::{Ask, Page, Server, View};
use vivaz::{ErrorCode, Limits, Runtime};

use crate::restart::File;

/// A topic with several kinds of faults.
#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
struct Pile {
    lines: List<Line>,
    level: f64,
    #[serde(serialize_with = "write_unless")]
    brittle: bool,
}

#[derive(LiveState, Serialize, Deserialize, Clone)]
struct Line {
    id: usize,
    text: String,
}

fn write_unless<S: Serializer>(broken: &bool, out: S) -> Result<S::Ok, S::Error> {
    assert!(!broken, "the state cannot be written");
    out.serialize_bool(*broken)
}

impl Topic for Pile {
    type Key = String;

    async fn load(key: &String, _: &TopicContext) -> Result<Self> {
        match &**key {
            "unloaded" => Err(ActionError::user("not today")),
            "never" => std::future::pending().await,
            _ => Ok(Self::default()),
        }
    }

    async fn authorize(key: &String, _: &Identity) -> Result<()> {
        match &**key {
            "secret" => Err(ActionError::forbidden("not yours")),
            "panic" => panic!("is it theirs?"),
            _ => Ok(()),
        }
    }
}

impl Pile {
    fn add(&mut self, text: &str) {
        self.lines.push(Line { id: self.lines.len(), text: text.to_owned() });
    }

    fn texts(&self) -> Vec<String> {
        self.lines.iter().map(|line| line.text.clone()).collect()
    }
}

const LIMIT: usize = 2_000;

/// A fault of a change of a topic.
fn spoil(pile: &mut Pile, fault: &str, runs: &AtomicU32) {
    pile.add("spoiled");
    match fault {
        "panic" => panic!("in the middle"),
        "nan" => pile.level = f64::NAN,
        "serialize" => pile.brittle = true,
        "large" => pile.add(&"x".repeat(LIMIT)),
        // Succeeds once.
        "impure" => assert_eq!(runs.fetch_add(1, Ordering::SeqCst), 0, "it has run before"),
        _ => {}
    }
}

const FAULTS: [(&str, ErrorCode); 4] = [
    ("panic", ErrorCode::Panicked),
    ("nan", ErrorCode::ActionFailed),
    ("serialize", ErrorCode::Panicked),
    ("large", ErrorCode::TooLarge),
];

/// Changes both topics; one change has that fault.
fn put(first: &mut Shared<Pile>, second: &mut Shared<Pile>, fault: String, is_first: bool) {
    let runs = Arc::new(AtomicU32::new(0));
    let (spoiled, other) = if is_first { (first, second) } else { (second, first) };
    other.update(|pile| pile.add("other"));
    spoiled.update(move |pile| spoil(pile, &fault, &runs));
    other.update(|pile| pile.add("more"));
}

/// Fails in that way, now or later.
fn fail(cx: &mut Context, first: &mut Shared<Pile>, second: &mut Shared<Pile>, how: &str) -> Result<()> {
    first.update(|pile| pile.add("failed"));
    match how {
        "error" => Err(ActionError::user("no")),
        "invalid" => Err(Errors::of("note", "is wrong").into()),
        "panic" => panic!("no"),
        "topic" => {
            second.update(|_| panic!("no"));
            Ok(())
        }
        "commit error" => cx.commit(|_: &mut Tx| Err(ActionError::user("no"))),
        "commit invalid" => cx.commit(|_: &mut Tx| Err(Errors::of("note", "is wrong").into())),
        "commit panic" => cx.commit(|_: &mut Tx| panic!("no")),
        _ => cx.commit(|tx: &mut Tx| Ok(tx.script("INSERT INTO nowhere VALUES (1)")?)),
    }
}

#[derive(LiveComponent, Clone)]
#[live(
    name = "plain_ledger",
    inline = "<p>{{ note }}{{ count }}{{ first.lines.len() }}{{ second.lines.len() }}</p>",
    open
)]
struct Plain {
    #[live(model, default)]
    note: String,
    #[live(model, prop, default = "first".to_owned())]
    key: String,
    #[live(default)]
    count: u32,
    #[live(errors, default)]
    errors: Errors,
    #[live(shared = "pile/{key}")]
    first: Shared<Pile>,
    #[live(shared = "pile/second")]
    second: Shared<Pile>,
}

#[actions]
impl Plain {
    #[action]
    fn put(&mut self, fault: String, is_first: bool) {
        self.count += 1;
        put(&mut self.first, &mut self.second, fault, is_first);
    }

    /// Changes the topic that it leaves.
    #[action]
    fn go(&mut self, key: String) {
        self.first.update(|pile| pile.add("gone"));
        self.key = key;
        self.first.update(|pile| pile.add("really"));
    }

    #[action]
    async fn fail(&mut self, cx: &mut Context, how: String) -> Result<()> {
        self.count += 100;
        self.note.push_str(", and more");
        if how == "timeout" {
            std::future::pending::<()>().await;
        }
        fail(cx, &mut self.first, &mut self.second, &how)
    }

    /// Sends the change before it ends.
    #[action]
    async fn flush(&mut self, cx: &mut Context, fault: String) -> Result<()> {
        self.put(fault, false);
        cx.flush(self).await
    }
}

#[derive(LiveComponent, Clone)]
#[live(
    name = "kept_ledger",
    inline = "<p>{{ note }}{{ count }}{{ first.lines.len() }}{{ second.lines.len() }}</p>",
    open,
    durable
)]
struct Kept {
    #[live(model, default)]
    note: String,
    #[live(model, prop, default = "first".to_owned())]
    key: String,
    #[live(default)]
    count: u32,
    #[live(errors, default)]
    errors: Errors,
    #[live(shared = "pile/{key}")]
    first: Shared<Pile>,
    #[live(shared = "pile/second")]
    second: Shared<Pile>,
}

#[actions]
impl Kept {
    #[action]
    fn put(&mut self, fault: String, is_first: bool) {
        self.count += 1;
        put(&mut self.first, &mut self.second, fault, is_first);
    }

    /// Changes the topic that it leaves.
    #[action]
    fn go(&mut self, key: String) {
        self.first.update(|pile| pile.add("gone"));
        self.key = key;
        self.first.update(|pile| pile.add("really"));
    }

    #[action]
    async fn fail(&mut self, cx: &mut Context, how: String) -> Result<()> {
        self.count += 100;
        self.note.push_str(", and more");
        if how == "timeout" {
            std::future::pending::<()>().await;
        }
        fail(cx, &mut self.first, &mut self.second, &how)
    }

    #[action(transaction)]
    fn put_written(&mut self, tx: &mut Tx, fault: String, is_first: bool) -> Result<()> {
        tx.execute("INSERT INTO counts (count) VALUES (1)", ())?;
        self.put(fault, is_first);
        Ok(())
    }

    #[action(transaction)]
    fn fail_written(&mut self, tx: &mut Tx, cx: &mut Context, how: String) -> Result<()> {
        tx.execute("INSERT INTO counts (count) VALUES (1)", ())?;
        self.count += 100;
        self.note.push_str(", and more");
        fail(cx, &mut self.first, &mut self.second, &how)
    }
}

/// A server with a database, and a page.
struct Office {
    file: File,
    server: Server,
    page: Page,
}

impl Office {
    async fn open() -> Self {
        let file = File::new().await;
        let database = file.database.clone();
        let limits =
            Limits { topic_state_bytes: LIMIT, action_time: Duration::from_millis(200), ..Limits::default() };
        let server = Server::new(move || {
            Runtime::builder().state(database.clone()).store(database.clone()).limits(limits.clone())
        });
        let page = server.page();
        Self { file, server, page }
    }

    async fn ledger(&self, name: &str) -> View {
        self.page.mount_open(name, json!({})).await.unwrap()
    }

    async fn pile(&self, key: &str) -> Vec<String> {
        self.server.runtime().topic::<Pile>(&format!("pile/{key}")).await.unwrap().value().texts()
    }
}

/// The kinds of components and of actions.
const KINDS: [(&str, &str); 3] =
    [("plain_ledger", "put"), ("kept_ledger", "put"), ("kept_ledger", "put_written")];

#[tokio::test]
async fn a_change_of_a_topic_that_fails_takes_everything_back() {
    for (ledger, action) in KINDS {
        for (fault, code) in FAULTS {
            for is_first in [true, false] {
                let case = format!("{ledger}.{action}: {fault}, first: {is_first}");
                let office = Office::open().await;
                let view = office.ledger(ledger).await;
                let before = view.confirmed();
                let refusal = view.call(action, json!([fault, is_first])).await.unwrap_err();
                assert_eq!(refusal.code, code, "{case}");
                office.page.settled().await;
                assert_eq!(view.confirmed(), before, "{case}");
                assert!(office.pile("first").await.is_empty(), "{case}");
                assert!(office.pile("second").await.is_empty(), "{case}");
                assert!(office.file.counts().await.is_empty(), "{case}");

                view.call(action, json!(["fine", is_first])).await.unwrap();
                office.server.restart().await;
                view.call("put", json!(["fine", is_first])).await.unwrap();
                assert_eq!(view.confirmed()["count"], 2, "{case}: what failed is not kept");
            }
        }
    }
}

#[tokio::test]
async fn a_change_that_would_fail_a_second_time_is_made_once() {
    for (ledger, action) in KINDS {
        let office = Office::open().await;
        let view = office.ledger(ledger).await;
        view.call(action, json!(["impure", true])).await.unwrap();
        assert_eq!(office.pile("first").await, ["spoiled"], "{ledger}.{action}");
        assert_eq!(office.pile("second").await, ["other", "more"], "{ledger}.{action}");
        assert_eq!(view.confirmed()["count"], 1, "{ledger}.{action}");
        assert_eq!(view.confirmed()["second"]["lines"].as_array().unwrap().len(), 2);
    }
}

#[tokio::test]
async fn a_flush_with_a_failed_topic_is_not_sent() {
    for (fault, code) in FAULTS {
        let office = Office::open().await;
        let view = office.ledger("plain_ledger").await;
        let before = view.confirmed();
        let refusal = view.call("flush", [fault]).await.unwrap_err();
        assert_eq!((refusal.code, view.confirmed()), (code, before), "{fault}");
        assert!(office.pile("first").await.is_empty(), "{fault}");
        view.call("flush", ["fine"]).await.unwrap();
        assert_eq!(view.confirmed()["count"], 1, "{fault}");
        assert_eq!(office.pile("first").await, ["other", "more"], "{fault}");
    }
}

#[tokio::test]
async fn a_change_is_the_topics_that_the_field_showed() {
    for ledger in ["plain_ledger", "kept_ledger"] {
        let office = Office::open().await;
        let view = office.ledger(ledger).await;
        view.call("go", ["elsewhere"]).await.unwrap();
        assert_eq!(office.pile("first").await, ["gone", "really"], "{ledger}");
        assert!(office.pile("elsewhere").await.is_empty(), "{ledger}");
        assert_eq!(view.confirmed()["first"]["lines"], json!([]), "{ledger}: it shows the other one");
    }
}

/// Keys that a shared field cannot follow to, and the reason.
const KEYS: [(&str, ErrorCode); 4] = [
    ("secret", ErrorCode::Forbidden),
    ("unloaded", ErrorCode::ActionFailed),
    ("panic", ErrorCode::Panicked),
    ("never", ErrorCode::Timeout),
];

#[tokio::test]
async fn an_edit_that_selects_a_refused_topic_is_reverted() {
    for ledger in ["plain_ledger", "kept_ledger"] {
        for (key, code) in KEYS {
            let case = format!("{ledger}: {key}");
            let office = Office::open().await;
            let view = office.ledger(ledger).await;
            let before = view.confirmed();
            let refusal = view.set("key", key).await.unwrap_err();
            assert_eq!((refusal.code, view.confirmed()), (code, before.clone()), "{case}: an edit");
            assert_eq!(view.state()["key"], "first", "{case}: an edit");

            let set = vec![("key".to_owned(), json!(key))];
            for action in ["put", "put_written"] {
                if (ledger, action) == ("plain_ledger", "put_written") {
                    continue;
                }
                let arguments = vec![json!("fine"), json!(true)];
                let ask = Ask::Action { action: action.into(), arguments, set: set.clone() };
                let refusal = office.page.ask(view.id(), ask).await.unwrap_err();
                assert_eq!((refusal.code, view.confirmed()), (code, before.clone()), "{case}: {action}");
                // Typed text stays in the page, and would be sent with the next action.
                view.set("key", "first").await.unwrap();
            }

            let props = Ask::Props(json!({ "key": key }));
            let refusal = office.page.ask(view.id(), props).await.unwrap_err();
            assert_eq!((refusal.code, view.confirmed()), (code, before.clone()), "{case}: a prop");

            view.call("put", json!(["fine", true])).await.unwrap();
            office.server.restart().await;
            view.call("put", json!(["fine", true])).await.unwrap();
            assert_eq!((&view.confirmed()["key"], &view.confirmed()["count"]), (&json!("first"), &json!(2)));
        }
    }
}

#[tokio::test]
async fn typed_text_and_form_errors_survive_each_failure() {
    let plain = ["error", "invalid", "panic", "timeout", "topic"];
    let commits = ["commit error", "commit invalid", "commit panic", "commit sql"];
    let without_time = plain.into_iter().filter(|how| *how != "timeout");
    let cases = plain.map(|how| ("plain_ledger", "fail", how)).into_iter();
    let cases = cases.chain(plain.into_iter().chain(commits).map(|how| ("kept_ledger", "fail", how)));
    let cases = cases.chain(without_time.chain(commits).map(|how| ("kept_ledger", "fail_written", how)));
    for (ledger, action, how) in cases {
        let case = format!("{ledger}.{action}: {how}");
        let office = Office::open().await;
        let view = office.ledger(ledger).await;
        let set = vec![("note".to_owned(), json!("typed"))];
        let ask = Ask::Action { action: action.into(), arguments: vec![json!(how)], set };
        let refusal = office.page.ask(view.id(), ask).await.unwrap_err();
        let code = match how {
            "invalid" | "commit invalid" => ErrorCode::Invalid,
            "panic" | "topic" | "commit panic" => ErrorCode::Panicked,
            "timeout" => ErrorCode::Timeout,
            _ => ErrorCode::ActionFailed,
        };
        assert_eq!(refusal.code, code, "{case}");
        let errors = if code == ErrorCode::Invalid { json!({ "note": ["is wrong"] }) } else { json!({}) };
        let expected = |state: &Value| {
            assert_eq!((&state["note"], &state["count"]), (&json!("typed"), &json!(0)), "{case}");
            assert_eq!(state["errors"], errors, "{case}");
        };
        expected(&view.confirmed());
        assert!(office.pile("first").await.is_empty(), "{case}");
        assert!(office.file.counts().await.is_empty(), "{case}");
        if ledger == "kept_ledger" {
            office.server.crash();
        } else {
            office.server.restart().await;
        }
        // Edits another field, so that the shown value comes from the server.
        view.call("put", json!(["fine", true])).await.unwrap();
        assert_eq!(view.confirmed()["note"], "typed", "{case}: after a restart");
        assert_eq!(view.confirmed()["count"], 1, "{case}: after a restart");
        assert_eq!(view.confirmed()["errors"], errors, "{case}: after a restart");
    }
}
