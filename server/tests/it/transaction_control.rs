//! Statements that end the transaction which they are part of, or change the connection for
//! everything after it.

use serde_json::json;
use vivaz::prelude::*;
use vivaz::sqlite::{Connection, Sqlite};
use vivaz::{DatabaseError, Limits};

use crate::app::{Server, start_with};
use crate::client::{Client, assert_error};
use crate::logs::Log;
use crate::restart::File;

/// Runs the statements of a test between two other statements.
#[derive(LiveComponent, Clone)]
#[live(name = "meddler", inline = "<p>{{ runs }}</p>", open, durable)]
struct Meddler {
    #[live(default)]
    runs: i64,
}

#[actions]
impl Meddler {
    #[action(transaction)]
    fn inside(&mut self, tx: &mut Tx, sql: Vec<String>, swallow: bool) -> Result<i64> {
        self.runs += 1;
        run_sql(tx, &sql, swallow)?;
        Ok(self.runs)
    }

    #[action]
    fn staged(&mut self, cx: &mut Context, sql: Vec<String>, swallow: bool) -> Result<i64> {
        self.runs += 1;
        cx.commit(move |tx: &mut Tx| Ok(run_sql(tx, &sql, swallow)?))?;
        Ok(self.runs)
    }
}

fn run_sql(tx: &mut Tx, sql: &[String], swallow: bool) -> std::result::Result<(), DatabaseError> {
    tx.execute("INSERT INTO counts (count) VALUES (1)", ())?;
    let meddled = sql.iter().try_for_each(|sql| tx.script(sql));
    if swallow {
        // Cached, so not prepared again: only the transaction itself can refuse it.
        let _refused = tx.execute("INSERT INTO counts (count) VALUES (1)", ());
        return Ok(());
    }
    meddled
}

/// Statements, and the part of the error.
const MEDDLING: &[(&[&str], &str)] = &[
    (&["COMMIT"], "COMMIT"),
    (&["commit transaction"], "COMMIT"),
    (&["END"], "COMMIT"),
    (&["COMMIT", "BEGIN"], "COMMIT"),
    (&["ROLLBACK"], "ROLLBACK"),
    (&["ROLLBACK; BEGIN IMMEDIATE"], "ROLLBACK"),
    (&["BEGIN"], "BEGIN"),
    (&["SAVEPOINT vivaz_order"], "vivaz_order"),
    (&["RELEASE vivaz_order"], "vivaz_order"),
    (&["RELEASE VIVAZ_ORDER"], "VIVAZ_ORDER"),
    (&["ROLLBACK TO vivaz_order"], "vivaz_order"),
    (&["ATTACH ':memory:' AS other"], "ATTACH"),
    (&["CREATE TEMP TABLE passing (n INTEGER)"], "CREATE TEMP"),
    (&["CREATE TEMP VIEW counts AS SELECT 1 AS count"], "CREATE TEMP"),
    (&["CREATE TEMP TRIGGER t AFTER INSERT ON main.counts BEGIN DELETE FROM counts; END"], "CREATE TEMP"),
    (&["PRAGMA query_only = 1"], "PRAGMA query_only"),
    (&["PRAGMA locking_mode = EXCLUSIVE"], "PRAGMA locking_mode"),
    (&["PRAGMA foreign_keys(0)"], "PRAGMA foreign_keys"),
    (&["PRAGMA writable_schema = 1"], "PRAGMA writable_schema"),
    (&["PRAGMA defer_foreign_keys = 1"], "PRAGMA defer_foreign_keys"),
    (&["PRAGMA defer_foreign_keys = 1", "INSERT INTO stubs VALUES (7)"], "PRAGMA defer_foreign_keys"),
    (&["INSERT OR ROLLBACK INTO seats VALUES (7)"], "rolled back"),
    (&["REPLACE INTO fuses VALUES (1)"], "rolled back"),
    (&["INSERT INTO strict VALUES (7)"], "rolled back"),
    (&["INSERT INTO tickets VALUES (8)"], "foreign key"),
    (&["SAVEPOINT a; INSERT INTO tickets VALUES (8); RELEASE a"], "foreign key"),
    (&["INSERT INTO tickets VALUES (7)", "DELETE FROM seats"], "foreign key"),
];

async fn prepared() -> File {
    let file = File::new().await;
    let tables = "CREATE TABLE seats (n INTEGER PRIMARY KEY); INSERT INTO seats VALUES (7); \
         CREATE TABLE strict (n INTEGER PRIMARY KEY ON CONFLICT ROLLBACK); INSERT INTO strict VALUES (7); \
         CREATE TABLE fuses (n INTEGER); \
         CREATE TABLE stubs (seat INTEGER REFERENCES seats); \
         CREATE TABLE tickets (seat INTEGER REFERENCES seats DEFERRABLE INITIALLY DEFERRED); \
         CREATE TRIGGER blow AFTER INSERT ON fuses BEGIN SELECT RAISE(ROLLBACK, 'blown'); END";
    file.database.run(|tx| tx.script(tables)).await.unwrap();
    // Into the cache of statements.
    let cached = |tx: &mut Tx| {
        tx.native::<Connection>()?.prepare_cached("INSERT INTO counts (count) VALUES (1)")?;
        Ok::<_, DatabaseError>(())
    };
    file.database.run(cached).await.unwrap();
    file
}

async fn server(file: &File) -> Server {
    let database = file.database.clone();
    // Each failure is logged.
    let limits = Limits { client_events_per_second: 1_000, ..Limits::default() };
    start_with(|builder| builder.limits(limits).state(database.clone()).store(database)).await
}

#[tokio::test]
async fn a_handler_cannot_end_the_transaction_that_it_is_part_of() {
    let log = Log::default();
    let _collecting = log.collect();
    let file = prepared().await;
    let server = server(&file).await;
    let (mut client, mut other) = (Client::hello(&server).await, Client::hello(&server).await);
    client.mount("m", "meddler", json!({})).await;
    other.mount("m", "meddler", json!({})).await;
    let mut runs = 0;
    for (sql, named) in MEDDLING {
        for swallow in [true, false] {
            for action in ["inside", "staged"] {
                let what = format!("{action}: {sql:?}, swallowed: {swallow}");
                let before = log.text().len();
                assert_error(&client.act("m", action, json!([sql, swallow])).await, "action_failed");
                let said = log.text().split_off(before);
                if swallow {
                    assert!(said.contains(named), "{what}: {said}");
                }
                assert!(file.counts().await.is_empty(), "{what}: rows stayed");
            }
        }
        runs += 1;
        for client in [&mut client, &mut other] {
            for (action, expected) in [("inside", runs * 2 - 1), ("staged", runs * 2)] {
                let done = client.act("m", action, json!([[], false])).await;
                assert_eq!(done["result"], expected, "the next ones work after {sql:?}: {done}");
            }
        }
        assert_eq!(file.counts().await, [1; 4]);
        file.execute("DELETE FROM counts").await;
    }
}

#[tokio::test]
async fn a_closure_of_the_application_cannot_either() {
    let file = prepared().await;
    for (sql, named) in MEDDLING {
        for swallow in [true, false] {
            let sql: Vec<String> = sql.iter().map(|&sql| sql.to_owned()).collect();
            let what = format!("{sql:?}, swallowed: {swallow}");
            let run = move |tx: &mut Tx| run_sql(tx, &sql, swallow);
            let error = file.database.run(run).await.unwrap_err();
            let is_typed = matches!(
                error,
                DatabaseError::Denied(_) | DatabaseError::RolledBack | DatabaseError::ForeignKey
            );
            assert!(is_typed, "{what}: {error:?}");
            assert!(error.to_string().contains(named), "{what}: {error}");
            assert!(file.counts().await.is_empty(), "{what}");
        }
        file.execute("INSERT INTO counts VALUES (2)").await;
        file.execute("DELETE FROM counts").await;
    }
}

#[tokio::test]
async fn statements_inside_the_transaction_are_allowed() {
    let file = prepared().await;
    let server = server(&file).await;
    let mut client = Client::hello(&server).await;
    client.mount("m", "meddler", json!({})).await;
    let nested = "SAVEPOINT a; DELETE FROM counts; SAVEPOINT b; ROLLBACK TO a; RELEASE a";
    let read = "PRAGMA table_info(counts); PRAGMA user_version; SELECT * FROM pragma_table_info('counts')";
    let write = "PRAGMA user_version = 3; PRAGMA cache_size = -2000";
    let deferred = "INSERT INTO tickets VALUES (9); INSERT INTO seats VALUES (9)";
    for (runs, sql) in (1..).zip([nested, "SAVEPOINT open; SELECT 1", read, write, deferred]) {
        let done = client.act("m", "inside", json!([[sql], false])).await;
        assert_eq!(done["result"], runs, "{sql}: {done}");
        assert_eq!(file.counts().await.len(), usize::try_from(runs).unwrap());
    }
    // There is no such savepoint: an ordinary error, which a handler may swallow.
    assert_eq!(client.act("m", "inside", json!([["RELEASE nowhere"], true])).await["result"], 6);
    assert_error(&client.act("m", "inside", json!([["RELEASE nowhere"], false])).await, "action_failed");
}

/// Runs writes that share a transaction: each keeps a count, from 10 on, and runs a statement whose
/// error it swallows.
async fn together(file: &File, statements: [&'static str; 5]) -> Vec<(i64, Result<(), DatabaseError>)> {
    let (hold, held) = std::sync::mpsc::channel::<()>();
    let (begin, begun) = tokio::sync::oneshot::channel::<()>();
    let database = file.database.clone();
    // Jobs that are queued while this one runs are in its transaction.
    let first = tokio::spawn(async move {
        let wait = move |_: &mut Tx| {
            drop(begin);
            held.recv().map_err(DatabaseError::failed)
        };
        database.run(wait).await
    });
    begun.await.unwrap_err();
    let writes = (10..).zip(statements).map(|(count, sql)| {
        let run = move |tx: &mut Tx| {
            tx.execute("INSERT INTO counts (count) VALUES (?1)", [count])?;
            let _swallowed = tx.script(sql);
            Ok::<_, DatabaseError>(())
        };
        let database: Sqlite = file.database.clone();
        (count, tokio::spawn(async move { database.run(run).await }))
    });
    let writes: Vec<_> = writes.collect();
    // All of them are queued by now.
    tokio::task::yield_now().await;
    hold.send(()).unwrap();
    drop(first.await.unwrap());
    let mut answers = Vec::new();
    for (count, write) in writes {
        answers.push((count, write.await.unwrap()));
    }
    answers
}

#[tokio::test]
async fn a_deferred_constraint_fails_the_write_that_violates_it_and_no_other() {
    let file = prepared().await;
    let violating = "INSERT INTO tickets VALUES (8)";
    let deferring = "PRAGMA defer_foreign_keys = 1; INSERT INTO stubs VALUES (8)";
    let mut answers = together(&file, ["", violating, "", deferring, "INSERT INTO tickets VALUES (7)"]).await;
    assert!(matches!(answers.remove(3).1, Err(DatabaseError::Denied(pragma)) if pragma.contains("defer")));
    assert!(matches!(answers.remove(1).1, Err(DatabaseError::ForeignKey)));
    for (count, answer) in answers {
        assert!(answer.is_ok(), "{count}: {answer:?}");
    }
    assert_eq!(file.counts().await, [10, 12, 14]);
}

/// Jobs that share a transaction with one that rolls it back have the result that is on disk.
#[tokio::test]
async fn jobs_in_a_rolled_back_transaction_fail() {
    let file = prepared().await;
    let meddling = "INSERT OR ROLLBACK INTO seats VALUES (7)";
    let mut kept = Vec::new();
    for (count, answer) in together(&file, ["", meddling, "", meddling, ""]).await {
        match answer {
            Ok(()) => kept.push(count),
            Err(error) => assert!(error.to_string().contains("rolled back"), "{error}"),
        }
    }
    assert_eq!(file.counts().await, kept);
    assert!(!kept.contains(&11) && !kept.contains(&13) && kept.contains(&14), "{kept:?}");
}
