//! Actions that are transactions: the results of the database are in the state, in the topic and in
//! the reply, and all of it is on disk, or none.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vivaz::DatabaseError;
use vivaz::prelude::*;
use vivaz::sqlite::{Connection, Sqlite};
use vivaz::store::{Commit, CommitError, CommitRecord, Fence, StoredChange};
use vivaz::{ComponentId, MemoryStore, SessionId, SessionStore, StoreError};

use crate::app::{Bench, Server, start_with};
use crate::client::{Client, assert_error};
use crate::restart::File;
use crate::stores::{Fault, Faulty, head};

/// Writes into a book that all pages show.
#[derive(LiveComponent, Clone)]
#[live(name = "clerk", inline = "<p>{{ note }} {{ last }} {{ book.entries.len() }}</p>", open, durable)]
struct Clerk {
    #[live(model, default)]
    note: String,
    /// The row that the database created for the last entry.
    #[live(default)]
    last: i64,
    #[live(shared = "book/all")]
    book: Shared<Book>,
    #[live(private, default)]
    page: i64,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
struct Book {
    entries: List<Entry>,
}

#[derive(LiveState, Serialize, Deserialize, Clone, PartialEq, Debug)]
struct Entry {
    id: i64,
    amount: i64,
}

impl Topic for Book {
    type Key = String;

    async fn load(_: &String, cx: &TopicContext) -> Result<Self> {
        let sql = "SELECT rowid AS id, count AS amount FROM counts ORDER BY rowid";
        let entries: Vec<Entry> = cx.state::<Sqlite>().run(|tx| tx.query(sql, ())).await?;
        Ok(Self { entries: entries.into_iter().collect() })
    }

    async fn authorize(_: &String, _: &Identity) -> Result<()> {
        Ok(())
    }
}

#[actions]
impl Clerk {
    #[action(transaction)]
    fn enter(&mut self, cx: &mut Context, tx: &mut Tx, amount: i64) -> Result<i64> {
        cx.state::<Arc<Bench>>().runs.fetch_add(1, Ordering::SeqCst);
        let inserted = tx.query_first("INSERT INTO counts (count) VALUES (?1) RETURNING rowid", [amount])?;
        self.last = inserted.unwrap();
        let entry = Entry { id: self.last, amount };
        self.book.update(move |book| book.entries.push(entry.clone()));
        match amount {
            13 => panic!("the secret is 4711"),
            ..0 => Err(ActionError::user("that is too little")),
            0 => Err(Errors::of("amount", "nothing is nothing").into()),
            99 => {
                self.page = 2;
                cx.commit(|tx: &mut Tx| Ok(tx.script("INSERT INTO nowhere VALUES (1)")?))?;
                Ok(0)
            }
            _ => Ok(self.last),
        }
    }

    /// Does not change the state.
    #[action]
    fn look(&mut self, cx: &mut Context) -> u64 {
        cx.state::<Arc<Bench>>().runs.fetch_add(1, Ordering::SeqCst)
    }

    /// The same, and may run twice.
    #[action(retry)]
    fn glance(&mut self, cx: &mut Context) -> u64 {
        self.look(cx)
    }
}

async fn server(file: &File) -> Server {
    let database = file.database.clone();
    start_with(|builder| builder.state(database.clone()).store(Faulty::unregistered(database))).await
}

/// Another process, after the first one was killed: it knows only what is on disk.
async fn after_a_crash(file: &File, welcome: &Value) -> (Server, Client) {
    let server = server(file).await;
    let client = Client::resume(&server, welcome, 1, json!({})).await;
    assert_eq!(client.welcome["resumed"], true);
    (server, client)
}

async fn book(server: &Server) -> Vec<Entry> {
    server.runtime.topic::<Book>("book/all").await.unwrap().value().entries.iter().cloned().collect()
}

#[tokio::test]
async fn values_from_the_database_are_in_the_state_the_topic_and_the_reply() {
    let file = File::new().await;
    let server = server(&file).await;
    let mut client = Client::hello(&server).await;
    client.mount("c", "clerk", json!({})).await;
    for row in 1..=2 {
        let call = client.call("c", "enter", json!([row * 5]));
        client.send(call.clone()).await;
        let told = client.expect("STATE_UPDATE").await;
        let welcome = &client.welcome["connection"];
        let by = format!("{}:{}", welcome.as_str().unwrap(), call["ref"]);
        assert_eq!((&told["topic"], &told["by"]), (&json!("book/all"), &json!(by)), "topics first: {told}");
        let reply = client.reply(&call["ref"]).await;
        assert_eq!((&reply["payload"], &reply["result"]), (&json!({ "last": row }), &json!(row)));
    }
    assert_eq!(file.counts().await, [5, 10]);
    assert_eq!(book(&server).await, [Entry { id: 1, amount: 5 }, Entry { id: 2, amount: 10 }]);
}

#[tokio::test]
async fn a_failed_transaction_keeps_only_earlier_edits() {
    let file = File::new().await;
    let first = server(&file).await;
    let mut client = Client::hello(&first).await;
    client.mount("c", "clerk", json!({})).await;
    let failures = [(-1, "action_failed"), (0, "invalid"), (13, "panicked"), (99, "action_failed")];
    for (amount, code) in failures {
        let mut call = client.call("c", "enter", json!([amount]));
        call["set"] = json!({ "note": format!("before {amount}") });
        client.send(call.clone()).await;
        let edit = client.expect("STATE_UPDATE").await;
        assert!(edit.get("ref").is_none());
        assert_eq!(edit["payload"], json!({ "note": format!("before {amount}") }));
        assert_error(&client.reply(&call["ref"]).await, code);
    }
    assert!(client.drain().await.is_empty(), "no subscriber received a patch");
    assert!(book(&first).await.is_empty());
    assert!(file.counts().await.is_empty());
    let state = "SELECT json_extract(CAST(state AS TEXT), '$.page') + json_extract(CAST(state AS TEXT), '$.last') \
         FROM vivaz_components";
    assert_eq!(file.query(state).await, [0]);

    let (_second, mut back) = after_a_crash(&file, &client.welcome).await;
    let resync = json!({ "v": 1, "type": "RESYNC", "componentId": "c" });
    back.drain().await;
    back.send(resync).await;
    let snapshot = back.expect("STATE_SNAPSHOT").await;
    assert_eq!(snapshot["payload"], json!({ "note": "before 99", "last": 0 }), "edits are kept");
    back.count_from(5);
    assert_eq!(back.act("c", "enter", json!([1])).await["result"], 1, "its version is still valid");
}

#[tokio::test]
async fn a_topic_follows_the_order_of_the_database() {
    let file = File::new().await;
    let server = server(&file).await;
    let mut clients = Vec::new();
    for _ in 0..6 {
        let mut client = Client::hello(&server).await;
        client.mount("c", "clerk", json!({})).await;
        clients.push(client);
    }
    let writing = clients.into_iter().map(|mut client| async move {
        for amount in 1..=12 {
            assert_eq!(client.act("c", "enter", json!([amount])).await["type"], "STATE_UPDATE");
        }
    });
    futures_util::future::join_all(writing).await;
    let ids: Vec<_> = book(&server).await.into_iter().map(|entry| entry.id).collect();
    assert_eq!(ids, (1..=72).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_crash_between_the_commit_and_the_telling_neither_loses_nor_doubles() {
    let file = File::new().await;
    let ends = Faulty::new(file.database.clone());
    let (store, database) = (ends.clone(), file.database.clone());
    let first = start_with(|builder| builder.state(database).store(store)).await;
    let (mut ada, mut bob) = (Client::hello(&first).await, Client::hello(&first).await);
    ada.mount("c", "clerk", json!({})).await;
    bob.mount("c", "clerk", json!({})).await;
    ends.set("commit", Fault::Ends);
    let call = ada.call("c", "enter", json!([7]));
    ada.send(call.clone()).await;
    ends.ended().await;
    assert!(bob.drain().await.is_empty() && book(&first).await.is_empty(), "no subscriber received a patch");
    assert_eq!(file.counts().await, [7]);

    let (second, mut back) = after_a_crash(&file, &ada.welcome).await;
    assert_eq!(back.welcome["done"], json!([2]));
    let again = back.ask(call).await;
    assert_eq!((&again["type"], &again["payload"]), (&json!("ACK"), &json!(1)));
    assert_eq!(book(&second).await, [Entry { id: 1, amount: 7 }], "it was loaded, and changed once");
    assert_eq!(file.counts().await, [7]);
    assert_eq!(second.bench.runs.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_action_without_changes_is_not_run_again_either() {
    let file = File::new().await;
    let first = server(&file).await;
    let mut client = Client::hello(&first).await;
    client.mount("c", "clerk", json!({})).await;
    let (look, glance) = (client.call("c", "look", json!([])), client.call("c", "glance", json!([])));
    assert_eq!(client.ask(look.clone()).await["payload"], 0);
    assert_eq!(client.ask(glance.clone()).await["payload"], 1);

    let (second, mut back) = after_a_crash(&file, &client.welcome).await;
    assert_eq!(back.welcome["done"], json!([2]), "the reply of an idempotent action is not stored");
    assert_eq!(back.ask(look).await["payload"], 0);
    assert_eq!(second.bench.runs.load(Ordering::SeqCst), 0);
    assert_eq!(back.ask(glance).await["payload"], 0);
    assert_eq!(second.bench.runs.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_store_without_a_database_refuses_transactions() {
    let database = File::new().await.database.clone();
    let server = start_with(|builder| builder.state(database).store(MemoryStore::new())).await;
    let mut client = Client::hello(&server).await;
    client.mount("c", "clerk", json!({})).await;
    assert_error(&client.act("c", "enter", json!([1])).await, "action_failed");
    assert_eq!(client.act("c", "look", json!([])).await["type"], "ACK");
    assert_eq!(server.bench.runs.load(Ordering::SeqCst), 1, "it was not started");
}

#[tokio::test]
async fn a_commit_that_fails_at_the_disk_may_have_been_made() {
    let file = File::new().await;
    let refuse = |tx: &mut Tx| -> Result<(), DatabaseError> {
        tx.native::<Connection>()?.commit_hook(Some(|| true)).map_err(DatabaseError::failed)
    };
    assert!(matches!(file.database.run(refuse).await, Err(DatabaseError::Unknown(_))));
    let removed = StoredChange::Removed { id: ComponentId::new("c").unwrap() };
    let commit = Commit::of(SessionId::new("s").unwrap(), "p".into(), Fence::FIRST, 0, removed, None);
    let commit =
        Commit { creates: Some(Box::new(head())), publish: Box::new(|| panic!("it may not last")), ..commit };
    assert!(matches!(file.database.commit(commit).await, Err(CommitError::Unknown(_))));
}

#[tokio::test]
async fn calls_take_effect_in_their_order_and_more_than_the_queue_takes_are_refused() {
    let file = File::new().await;
    let order = Arc::new(Mutex::new(Vec::new()));
    let call = |n: usize, held: Option<mpsc::Receiver<()>>| {
        let order = Arc::clone(&order);
        file.database.commit(Commit {
            session: SessionId::new("s").unwrap(),
            by: "p".into(),
            fence: Fence::FIRST,
            creates: Some(Box::new(head())),
            expects: None,
            received: 0,
            write: Box::new(move |_| {
                held.map(|held| held.recv());
                order.lock().unwrap().push(n);
                Ok(CommitRecord {
                    change: StoredChange::Removed { id: ComponentId::new("c").unwrap() },
                    reply: None,
                })
            }),
            publish: Box::new(|| ()),
        })
    };
    let (release, held) = mpsc::channel();
    let first = call(0, Some(held));
    let mut waiting: Vec<_> = (1..70_000).map(|n| call(n, None)).collect();
    release.send(()).unwrap();
    first.await.unwrap();
    waiting.push(call(70_000, None));
    let mut refused = 0;
    // No test code has waited for them until now.
    for call in waiting.into_iter().rev() {
        match call.await {
            Ok(()) => {}
            Err(CommitError::Store(StoreError::Overloaded)) => refused += 1,
            Err(error) => panic!("{error:?}"),
        }
    }
    let order = order.lock().unwrap();
    assert!(order.is_sorted());
    assert_eq!(order.len() + refused, 70_001);
    assert!((1..10_000).contains(&refused), "{refused}");
}

#[tokio::test]
async fn a_store_lends_its_connection_and_hides_the_details_of_errors() {
    let file = File::new().await;
    let commit = |write: vivaz::store::CommitBody| Commit {
        session: SessionId::new("s").unwrap(),
        by: "p".into(),
        fence: Fence::FIRST,
        creates: Some(Box::new(head())),
        expects: None,
        received: 0,
        write,
        publish: Box::new(|| panic!("nothing lasts")),
    };
    let seen = Arc::new(AtomicBool::new(false));
    let saw = Arc::clone(&seen);
    let refused = file.database.commit(commit(Box::new(move |tx| {
        saw.store(tx.native::<Connection>().is_ok(), Ordering::SeqCst);
        Err(ActionError::user("no"))
    })));
    assert!(matches!(refused.await, Err(CommitError::Work(_))));
    assert!(seen.load(Ordering::SeqCst));
}
