//! Sessions outlive the process.

mod rows;

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};
use vivaz::prelude::*;
use vivaz::sqlite::Sqlite;
use vivaz::{MemoryStore, Save, Saved};

use crate::app::{Server, start_with};
use crate::client::{Client, assert_error};
use crate::stores::Faulty;

/// Counts, and writes each count into the application's own table.
#[derive(LiveComponent, Clone)]
#[live(name = "tally", inline = "<p>{{ title }}: {{ count }}</p>", open, durable)]
struct Tally {
    #[live(prop, default = "Tally".to_owned())]
    title: String,
    #[live(default)]
    count: i64,
    #[live(private, default)]
    calls: i64,
}

#[actions]
impl Tally {
    #[action]
    fn add(&mut self, cx: &mut Context, amount: i64) -> Result<i64> {
        self.calls += 1;
        self.count += amount;
        let count = self.count;
        cx.commit(move |tx: &mut Tx| {
            tx.execute("INSERT INTO counts (count) VALUES (?1)", [count])?;
            if count > 100 {
                return Err(ActionError::user("limit reached"));
            }
            if count < 0 {
                tx.execute("INSERT INTO nowhere VALUES (1)", ())?;
            }
            if count == 13 {
                panic!("the secret is 4711");
            }
            Ok(())
        })?;
        Ok(self.count)
    }

    #[action]
    async fn add_later(&mut self, cx: &mut Context, amount: i64) -> Result<i64> {
        tokio::task::yield_now().await;
        self.add(cx, amount)
    }

    #[action]
    fn fail(&mut self, cx: &mut Context) -> Result<()> {
        self.add(cx, 1)?;
        Err(ActionError::user("not today"))
    }

    #[action]
    fn calls(&self) -> i64 {
        self.calls
    }

    fn migrate(saved: &Saved<'_>) -> Result<Self> {
        Ok(Self { title: saved.take("title")?, count: saved.take("total")?, calls: 0 })
    }
}

/// Tries to commit, and is not durable.
#[derive(LiveComponent, Clone)]
#[live(name = "hasty", inline = "<p>{{ n }}</p>", open)]
struct Hasty {
    #[live(default)]
    n: u32,
}

#[actions]
impl Hasty {
    #[action]
    fn go(&mut self, cx: &mut Context) -> Result<()> {
        self.n += 1;
        cx.commit(|_: &mut Tx| Ok(()))
    }
}

/// A database in its own file, which is deleted with it.
pub(crate) struct File {
    directory: PathBuf,
    pub(crate) database: Sqlite,
}

impl File {
    pub(crate) async fn new() -> Self {
        let directory = std::env::temp_dir().join(format!("vivaz-restart-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&directory).unwrap();
        let database = Sqlite::open(directory.join("test.sqlite")).unwrap();
        database.run(|tx| tx.script("CREATE TABLE counts (count INTEGER)")).await.unwrap();
        Self { directory, database }
    }

    /// A process that stores its sessions there. While it runs, it seems to be killed to the next
    /// one.
    async fn server(&self, save: Save) -> Server {
        let database = Faulty::unregistered(self.database.clone());
        start_with(|builder| builder.store(database).save(save)).await
    }

    /// Starts a process that does not flush during the test.
    async fn start_without_flushes(&self) -> Server {
        self.server(Save::Every(Duration::from_secs(3_600))).await
    }

    pub(crate) async fn counts(&self) -> Vec<i64> {
        self.query("SELECT count FROM counts ORDER BY rowid").await
    }

    pub(crate) async fn query(&self, sql: &'static str) -> Vec<i64> {
        let numbers = self.database.run(move |tx| tx.query(sql, ()));
        numbers.await.unwrap()
    }

    pub(crate) async fn execute(&self, sql: &str) {
        let sql = sql.to_owned();
        self.database.run(move |tx| tx.execute(&sql, ())).await.unwrap();
    }
}

impl Drop for File {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.directory).unwrap();
    }
}

pub(crate) fn position(id: &str, mounted: &Value, rev: u64) -> Value {
    json!({ (format!("c:{id}")): [mounted["epoch"], rev] })
}

#[tokio::test]
async fn a_planned_restart_keeps_all_state() {
    let file = File::new().await;
    let mut first = file.start_without_flushes().await;
    let mut client = Client::hello(&first).await;
    let mounted = client.mount("c", "counter", json!({ "title": "Kept" })).await;
    client.act("c", "increment", json!([])).await;
    client.act("c", "increment", json!([])).await;
    client.mount("lab", "lab", json!({})).await;
    client.act("lab", "enter", json!(["kitchen"])).await;
    let welcome = client.welcome.clone();
    let (code, ()) = tokio::join!(client.closed(), first.stop());
    assert_eq!(code, 1001);
    assert!(!first.runtime.is_ready());
    assert!(!first.bench.hooks.lock().unwrap().contains(&"unmount"), "its components continue");

    let second = file.start_without_flushes().await;
    let mut client = Client::resume(&second, &welcome, 5, position("c", &mounted, 2)).await;
    client.count_from(5);
    assert_eq!((&client.welcome["resumed"], &client.welcome["session"]), (&json!(true), &welcome["session"]));
    assert!(client.drain().await.is_empty(), "the page misses nothing");
    let update = client.act("c", "increment", json!([])).await;
    assert_eq!((&update["rev"], &update["payload"]["count"]), (&json!(3), &json!(3)));
    second.runtime.emit_to_room("kitchen", "shouted", &"dinner").unwrap();
    let (mut heard, mut shown) = (false, false);
    while !(heard && shown) {
        let message = client.next().await;
        heard |= message["type"] == "EVENT";
        shown |= message["payload"]["draft"] == "dinner";
    }
    assert!(second.bench.hooks.lock().unwrap().contains(&"resumed"));
}

/// Which messages of a form concern refused values is stored with the session.
#[tokio::test]
async fn an_edit_that_fits_takes_the_message_back_after_a_restart() {
    let file = File::new().await;
    let mut first = file.start_without_flushes().await;
    let mut client = Client::hello(&first).await;
    let mounted = client.mount("lab", "lab", json!({})).await;
    let edit = client.message("PROPERTY_UPDATE", "lab", json!({ "property": "age", "value": "x" }));
    client.send(edit).await;
    let shown = client.expect("STATE_UPDATE").await["payload"].clone();
    assert_eq!(shown, json!({ "errors": { "age": ["must be a whole number"] } }));
    assert_error(&client.next().await, "bad_value");
    let welcome = client.welcome.clone();
    client.cut();
    first.stop().await;

    let second = file.start_without_flushes().await;
    let mut client = Client::resume(&second, &welcome, 2, position("lab", &mounted, 1)).await;
    client.count_from(2);
    assert_eq!(client.welcome["resumed"], true);
    assert!(client.drain().await.is_empty());
    let edit = client.message("PROPERTY_UPDATE", "lab", json!({ "property": "age", "value": "7" }));
    assert_eq!(client.ask(edit).await["payload"], json!({ "age": 7, "errors": {} }));
}

#[tokio::test]
async fn two_planned_restarts_in_a_row_keep_all_state() {
    let file = File::new().await;
    let mut server = file.start_without_flushes().await;
    let mut client = Client::hello(&server).await;
    let mounted = client.mount("c", "counter", json!({})).await;
    client.act("c", "increment", json!([])).await;
    for _ in 0..2 {
        let welcome = client.welcome.clone();
        client.cut();
        server.stop().await;
        server = file.start_without_flushes().await;
        client = Client::resume(&server, &welcome, 2, position("c", &mounted, 1)).await;
        assert_eq!(client.welcome["resumed"], true);
        assert!(client.drain().await.is_empty());
    }
}

#[tokio::test]
async fn a_message_that_was_not_read_before_the_end_is_run_once_after_it() {
    let file = File::new().await;
    let mut first = file.start_without_flushes().await;
    let mut client = Client::hello(&first).await;
    client.mount("lab", "lab", json!({})).await;
    let wait = client.call("lab", "wait", json!([]));
    client.send(wait.clone()).await;
    first.bench.entered.notified().await;
    let (welcome, bench) = (client.welcome.clone(), first.bench.clone());
    let goodbye = async {
        let drain = client.expect("DRAIN").await;
        assert!(drain["payload"]["reconnectAfterMs"].as_u64().unwrap() < 1_000);
        let see = client.call("lab", "see", json!([]));
        client.send(see.clone()).await;
        // The running job finishes, and its reply is sent before the close.
        bench.gate.notify_one();
        assert_eq!(client.reply(&wait["ref"]).await["result"], 1);
        assert_eq!(client.closed().await, 1001);
        see
    };
    let (see, ()) = tokio::join!(goodbye, first.stop());
    assert_eq!(first.bench.runs.load(Ordering::SeqCst), 1);

    let second = file.start_without_flushes().await;
    let mut client = Client::resume(&second, &welcome, 2, json!({})).await;
    assert_eq!(client.ask(see).await["result"], 2);
    assert_eq!(second.bench.runs.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn running_handlers_finish_although_their_connection_breaks_during_the_drain() {
    let file = File::new().await;
    let mut first = file.start_without_flushes().await;
    let mut client = Client::hello(&first).await;
    client.mount("lab", "lab", json!({})).await;
    let wait = client.call("lab", "wait", json!([]));
    client.send(wait.clone()).await;
    first.bench.entered.notified().await;
    let (welcome, bench, runtime) = (client.welcome.clone(), first.bench.clone(), first.runtime.clone());
    let goodbye = async {
        client.expect("DRAIN").await;
        client.cut();
        // Nothing is read any more, so only writing reveals that the peer is gone.
        while runtime.stats().dropped == 0 {
            runtime.broadcast("anybody", &"there").unwrap();
            tokio::task::yield_now().await;
        }
        bench.gate.notify_one();
    };
    tokio::join!(goodbye, first.stop());

    let second = file.start_without_flushes().await;
    let mut client = Client::resume(&second, &welcome, 1, json!({})).await;
    assert_eq!(client.welcome["done"], json!([2]));
    assert_eq!(client.ask(wait).await["payload"], 1);
    assert_eq!(second.bench.runs.load(Ordering::SeqCst), 0, "it had run");
}

#[tokio::test]
async fn an_action_that_timed_out_runs_again_when_it_is_repeated() {
    let file = File::new().await;
    let database = file.database.clone();
    let limits = vivaz::Limits { shutdown_time: Duration::from_millis(20), ..vivaz::Limits::default() };
    let mut first = start_with(|builder| builder.store(database).limits(limits)).await;
    let mut client = Client::hello(&first).await;
    client.mount("lab", "lab", json!({})).await;
    client.act("lab", "see", json!([])).await;
    let wait = client.call("lab", "wait", json!([]));
    client.send(wait.clone()).await;
    first.bench.entered.notified().await;
    let welcome = client.welcome.clone();
    let (code, ()) = tokio::join!(client.closed(), first.stop());
    assert_eq!(code, 1001);

    let second = file.start_without_flushes().await;
    let mut client = Client::resume(&second, &welcome, 2, json!({})).await;
    assert_eq!(client.welcome["done"], json!([]));
    client.send(wait.clone()).await;
    second.bench.entered.notified().await;
    second.bench.gate.notify_one();
    assert_eq!(client.reply(&wait["ref"]).await["result"], 2);
}

#[tokio::test]
async fn a_killed_server_keeps_the_acknowledged_state_of_durable_components() {
    let file = File::new().await;
    let first = file.start_without_flushes().await;
    let mut client = Client::hello(&first).await;
    let tally = client.mount("t", "tally", json!({})).await;
    let counter = client.mount("c", "counter", json!({ "count": 5 })).await;
    client.act("c", "increment", json!([])).await;
    let mut answers = Vec::new();
    for action in ["add", "add_later", "add"] {
        let message = client.call("t", action, json!([2]));
        answers.push((message.clone(), client.ask(message).await["result"].clone()));
    }
    assert_error(&client.act("t", "fail", json!([])).await, "action_failed");

    // The first process receives nothing any more: to the second one it appears killed.
    let second = file.start_without_flushes().await;
    let mut streams = position("t", &tally, 3);
    streams["c:c"] = json!([counter["epoch"], 1]);
    let mut back = Client::resume(&second, &client.welcome, 3, streams).await;
    assert_eq!(back.welcome["resumed"], true);
    assert_eq!(back.welcome["done"], json!([4, 5, 6]));
    let messages = back.drain().await;
    let snapshots: Vec<_> = messages.iter().filter(|one| one["type"] == "STATE_SNAPSHOT").collect();
    // The plain component has its last saved state and a new epoch; the durable one is unchanged.
    assert_eq!(snapshots.len(), 1, "{messages:?}");
    assert_eq!((&snapshots[0]["componentId"], &snapshots[0]["payload"]["count"]), (&json!("c"), &json!(5)));
    assert_ne!(snapshots[0]["epoch"], counter["epoch"]);
    for (message, result) in answers {
        let again = back.ask(message).await;
        assert_eq!((&again["type"], &again["payload"]), (&json!("ACK"), &result));
    }
    back.count_from(7);
    assert_eq!(back.act("t", "calls", json!([])).await["payload"], 3);
    let update = back.act("t", "add", json!([1])).await;
    assert_eq!((&update["rev"], &update["payload"]["count"]), (&json!(4), &json!(7)));
    assert_eq!(file.counts().await, [2, 4, 6, 7]);
    // The first process does not know this, and its write is refused: its copy is evicted, and its
    // page receives no failure.
    let add = client.call("t", "add", json!([1]));
    client.send(add).await;
    assert_eq!(client.closed().await, 4409);
    assert_eq!(file.counts().await, [2, 4, 6, 7]);
}

#[tokio::test]
async fn an_accepted_uncommitted_action_runs_when_it_is_repeated() {
    let file = File::new().await;
    let first = file.start_without_flushes().await;
    let mut client = Client::hello(&first).await;
    client.mount("t", "tally", json!({})).await;
    client.mount("lab", "lab", json!({})).await;
    let wait = client.call("lab", "wait", json!([]));
    client.send(wait.clone()).await;
    first.bench.entered.notified().await;
    let after = client.act("t", "add", json!([1])).await;
    assert_eq!(after["payload"]["count"], 1);
    let second = file.start_without_flushes().await;
    let mut back = Client::resume(&second, &client.welcome, 2, json!({})).await;
    back.send(wait.clone()).await;
    second.bench.entered.notified().await;
    second.bench.gate.notify_one();
    assert_eq!(back.reply(&wait["ref"]).await["result"], 1);
    assert_eq!(second.bench.runs.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_failed_commit_leaves_no_change() {
    let file = File::new().await;
    let server = file.start_without_flushes().await;
    let mut client = Client::hello(&server).await;
    client.mount("t", "tally", json!({})).await;
    client.act("t", "add", json!([1])).await;
    let enough = client.act("t", "add", json!([100])).await;
    assert_error(&enough, "action_failed");
    assert_eq!(enough["payload"]["message"], "limit reached");
    assert_error(&client.act("t", "add", json!([-5])).await, "action_failed");
    assert_error(&client.act("t", "add", json!([12])).await, "panicked");
    assert_error(&client.act("t", "fail", json!([])).await, "action_failed");
    assert!(client.drain().await.is_empty(), "no patch of the reverted change");
    assert_eq!(client.act("t", "calls", json!([])).await["payload"], 1);
    let update = client.act("t", "add", json!([1])).await;
    assert_eq!((&update["rev"], &update["payload"]), (&json!(2), &json!({ "count": 2 })));
    assert_eq!(file.counts().await, [1, 2]);
    client.mount("h", "hasty", json!({})).await;
    assert_error(&client.act("h", "go", json!([])).await, "action_failed");
}

#[tokio::test]
async fn a_durable_component_needs_a_store_and_writes_need_a_database() {
    let without = start_with(|builder| builder).await;
    let mut client = Client::hello(&without).await;
    assert_error(&client.mount("t", "tally", json!({})).await, "action_failed");
    let memory = start_with(|builder| builder.store(MemoryStore::new())).await;
    let mut client = Client::hello(&memory).await;
    assert_eq!(client.mount("t", "tally", json!({})).await["type"], "COMPONENT_MOUNTED");
    assert_error(&client.act("t", "add", json!([1])).await, "action_failed");
}

#[tokio::test]
async fn saved_always_every_component_is_as_good_as_durable() {
    let store = MemoryStore::new();
    let start = || start_with(|builder| builder.store(store.clone()).save(Save::Always));
    let first = start().await;
    let mut client = Client::hello(&first).await;
    let mounted = client.mount("c", "counter", json!({})).await;
    let increment = client.call("c", "increment", json!([]));
    client.ask(increment.clone()).await;
    let second = start().await;
    let mut back = Client::resume(&second, &client.welcome, 1, position("c", &mounted, 1)).await;
    assert_eq!(back.drain().await.len(), 1, "the unacknowledged reply, and no state");
    assert_eq!(back.ask(increment).await["type"], "ACK");
    assert_eq!(back.act("c", "peek", json!([])).await["type"], "ERROR", "its ref is used up");
    back.count_from(2);
    assert_eq!(back.act("c", "peek", json!([])).await["payload"], 1);
}

#[tokio::test]
async fn sessions_that_change_are_saved_now_and_then() {
    let file = File::new().await;
    let first = file.server(Save::Every(Duration::from_millis(10))).await;
    let mut client = Client::hello(&first).await;
    client.mount("c", "counter", json!({})).await;
    client.act("c", "increment", json!([])).await;
    let saved =
        "SELECT count(*) FROM vivaz_components WHERE json_extract(CAST(state AS TEXT), '$.count') = 1";
    while file.query(saved).await != [1] {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let second = file.start_without_flushes().await;
    let mut back = Client::resume(&second, &client.welcome, 2, json!({})).await;
    back.count_from(2);
    assert_eq!(back.act("c", "peek", json!([])).await["payload"], 1);
}

#[tokio::test]
async fn only_the_secret_and_the_same_user_bring_a_session_back() {
    let file = File::new().await;
    let mut first = file.start_without_flushes().await;
    let mut client = Client::hello_with(&first, &[("x-user", "ada")], json!({})).await;
    client.mount("c", "counter", json!({})).await;
    let welcome = client.welcome.clone();
    client.cut();
    first.stop().await;
    let second = file.start_without_flushes().await;
    let hello = json!({ "session": welcome["session"], "resume": welcome["resume"] });
    let mut wrong = hello.clone();
    wrong["resume"] = "AAAAAAAAAAAAAAAAAAAAAA".into();
    for (headers, hello) in
        [(&[("x-user", "ada")][..], &wrong), (&[("x-user", "bob")][..], &hello), (&[][..], &hello)]
    {
        let other = Client::hello_with(&second, headers, hello.clone()).await;
        assert_eq!(other.welcome["resumed"], false);
    }
    let back = Client::hello_with(&second, &[("x-user", "ada")], hello).await;
    assert_eq!(back.welcome["resumed"], true);
}
