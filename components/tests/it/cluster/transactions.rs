//! Durable components, whose changes of topics are entries in the same transaction.

use std::any::Any;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::sleep;
use vivaz_components::__private::BoxFuture;
use vivaz_components::{
    ActionError, Env, Hub, Identity, Journal, LiveComponent, LiveState, MessageId, Result, Shared, States,
    Topic, TopicContext, Transaction, Tx, actions,
};
use vivaz_databases::{DatabaseError, Driver, Row, Value as SqlValue};
use vivaz_protocol::{Ref, SessionId};

use super::log::{Dice, Faults, MemoryEngine, MemoryLog, StagedEntries};
use crate::drive::{Page, act};

#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
struct Ledger {
    entries: Vec<String>,
}

impl Topic for Ledger {
    type Key = String;

    async fn load(_: &String, _: &TopicContext) -> Result<Self> {
        Ok(Self::default())
    }

    async fn authorize(_: &String, _: &Identity) -> Result {
        Ok(())
    }
}

#[derive(LiveComponent, Clone)]
#[live(name = "clerk", inline = "{{ count }}", durable)]
struct Clerk {
    #[live(default)]
    count: u32,
    #[live(shared = "ledger/all")]
    ledger: Shared<Ledger>,
}

#[actions]
impl Clerk {
    fn mount() -> Self {
        Self { count: 0, ledger: Shared::new() }
    }

    /// Numbers the entry by the state that the transaction has locked.
    #[action(transaction)]
    fn book(&mut self, tx: &mut Tx, text: String) {
        let _ = tx;
        self.count += 1;
        let entry = format!("{} {text}", self.ledger.entries.len());
        self.ledger.update(move |ledger| ledger.entries.push(entry.clone()));
    }

    #[action]
    fn note(&mut self, text: String) {
        self.count += 1;
        self.ledger.update(move |ledger| ledger.entries.push(format!("{} {text}", ledger.entries.len())));
    }
}

/// A transaction that has the log, or another database.
enum Database {
    WithLog(Arc<Mutex<StagedEntries>>),
    Other,
}

impl Driver for Database {
    fn execute(&mut self, sql: &str, _: &[SqlValue]) -> Result<u64, DatabaseError> {
        panic!("{sql}");
    }

    fn query(&mut self, sql: &str, _: &[SqlValue]) -> Result<Vec<Row>, DatabaseError> {
        panic!("{sql}");
    }

    fn script(&mut self, sql: &str) -> Result<(), DatabaseError> {
        panic!("{sql}");
    }

    fn native(&self) -> &dyn Any {
        match self {
            Self::WithLog(staged) => staged,
            Self::Other => &(),
        }
    }
}

/// Commits to the engine, or rolls back.
struct MemoryJournal {
    engine: Arc<MemoryEngine>,
    message: MessageId,
    has_log: bool,
    fails: bool,
    wait: Duration,
}

impl Journal for MemoryJournal {
    fn commit(&self, transaction: Transaction) -> BoxFuture<Result> {
        let (engine, has_log, fails, wait) = (Arc::clone(&self.engine), self.has_log, self.fails, self.wait);
        Box::pin(async move {
            sleep(wait).await;
            let staged = Arc::<Mutex<StagedEntries>>::default();
            let database = if has_log { Database::WithLog(Arc::clone(&staged)) } else { Database::Other };
            let _change = (transaction.write)(&mut Tx::new(database))?;
            if fails {
                return Err(ActionError::internal("rolled back"));
            }
            engine.commit(std::mem::take(&mut *staged.lock().unwrap()));
            sleep(wait).await;
            (transaction.publish)();
            Ok(())
        })
    }

    fn message(&self) -> Option<MessageId> {
        Some(self.message.clone())
    }
}

struct Office {
    hub: Hub,
    page: Page,
    engine: Arc<MemoryEngine>,
    node: u64,
}

impl Office {
    async fn start(engine: &Arc<MemoryEngine>, node: u64, late: &[&str]) -> Self {
        let log = Arc::new(MemoryLog(Arc::clone(engine)));
        let hub = Hub::new().with_log(log).with_updates_after_commit(late);
        let env = Env::new(Identity::default(), States::default(), hub.clone());
        let page = Page::mount_in::<Clerk>(env, json!({})).await;
        Self { hub, page, engine: Arc::clone(engine), node }
    }

    async fn handle(&mut self, number: u64, action: &str, text: &str, has_log: bool, fails: bool) -> bool {
        let session = SessionId::new(&format!("s{}", self.node)).unwrap();
        let message = MessageId { session, reference: Ref::new(number).unwrap() };
        let wait = Duration::from_millis(number % 7);
        let journal = MemoryJournal { engine: Arc::clone(&self.engine), message, has_log, fails, wait };
        let finished =
            self.page.run_with(act(action, json!([text])), |cx| cx.with_journal(Arc::new(journal))).await;
        for unsent in finished.unsent {
            unsent.sent().await;
        }
        finished.result.is_ok()
    }

    async fn entries(&self) -> Vec<String> {
        sleep(Duration::from_secs(3)).await;
        let ledger = self.hub.open::<Ledger>("ledger/all", &States::default()).await.unwrap();
        ledger.value().entries.clone()
    }
}

#[tokio::test(start_paused = true)]
async fn committed_updates_are_entries_and_others_leave_none() {
    for seed in 1..=30 {
        let engine = MemoryEngine::new(seed, Faults { notification: 60, delay: 10, ..Faults::default() });
        let mut tasks = Vec::new();
        for node in 1..=3 {
            let mut office = Office::start(&engine, node, &[]).await;
            tasks.push(tokio::spawn(async move {
                let (mut dice, mut done) = (Dice::new(seed * 7 + node), Vec::new());
                for number in 1..=20 {
                    let action = if dice.roll(2) == 0 { "book" } else { "note" };
                    let (text, fails) = (format!("n{node}-{number}"), dice.roll(5) == 0);
                    let is_done = office.handle(number, action, &text, true, fails).await;
                    assert!(!(is_done && fails));
                    if is_done {
                        done.push(text.clone());
                        // The page sends the message again.
                        office.handle(number, action, &text, true, false).await;
                    }
                }
                (office, done)
            }));
        }
        let (mut offices, mut expected) = (Vec::new(), Vec::new());
        for task in tasks {
            let (office, done) = task.await.unwrap();
            offices.push(office);
            expected.extend(done);
        }
        let entries = offices[0].entries().await;
        for office in &offices {
            assert_eq!(office.entries().await, entries, "seed {seed}");
        }
        for (number, entry) in entries.iter().enumerate() {
            assert!(entry.starts_with(&format!("{number} ")), "seed {seed}: {entry} is at {number}");
        }
        let mut texts: Vec<_> =
            entries.iter().filter_map(|entry| entry.split(' ').nth(1)).map(str::to_owned).collect();
        texts.sort_unstable();
        expected.sort_unstable();
        assert_eq!(texts, expected, "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_in_another_engine_is_refused_unless_it_is_allowed() {
    let engine = MemoryEngine::new(1, Faults::default());
    let mut office = Office::start(&engine, 1, &[]).await;
    assert!(!office.handle(1, "book", "a", false, false).await);
    assert!(!office.handle(2, "note", "b", false, false).await);
    assert_eq!(office.page.state["count"], 0);
    let mut allowed = Office::start(&engine, 2, &["clerk"]).await;
    assert!(allowed.handle(1, "book", "a", false, false).await);
    assert!(allowed.handle(2, "note", "b", false, false).await);
    assert_eq!(office.entries().await, ["0 a", "1 b"]);
}
