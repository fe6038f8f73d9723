//! Transactions on SQLite.

use serde::Deserialize;

use super::*;
use crate::{Params, SqlStatement, Value};

#[derive(Debug, Deserialize, PartialEq)]
struct Seat {
    id: i64,
    user: Option<String>,
    taken: bool,
}

fn open() -> Database {
    let tables = "CREATE TABLE seats (id INTEGER PRIMARY KEY, user TEXT UNIQUE, taken INTEGER NOT NULL DEFAULT 0 \
         CHECK (taken IN (0, 1))); INSERT INTO seats (id) VALUES (1), (2), (3)";
    let set_up = |connection: &mut Connection| connection.execute_batch(tables).map_err(DatabaseError::from);
    Database::in_memory(set_up).unwrap().0
}

fn count(tx: &mut Tx) -> i64 {
    tx.query_first("SELECT count(*) FROM seats", ()).unwrap().unwrap()
}

#[tokio::test]
async fn a_transaction_reads_its_own_writes_and_keeps_them() {
    let database = open();
    let read = database.run(|tx| {
        assert_eq!(tx.execute("UPDATE seats SET user = ?2, taken = ?3 WHERE id = ?1", (1, "ada", true))?, 1);
        tx.script("CREATE TABLE notes (text TEXT); INSERT INTO notes VALUES ('a;b')")?;
        let changed = tx.batch([
            SqlStatement::new("UPDATE seats SET taken = 1 WHERE id > ?1", [1]),
            SqlStatement::new("INSERT INTO seats (id, user) VALUES (?1, ?2)", (4, None::<String>)),
        ])?;
        assert_eq!(changed, [2, 1]);
        tx.query::<Seat>("SELECT * FROM seats WHERE id IN (?1, ?2) ORDER BY id", vec![1, 4])
    });
    let expected =
        [Seat { id: 1, user: Some("ada".into()), taken: true }, Seat { id: 4, user: None, taken: false }];
    assert_eq!(read.await.unwrap(), expected);
    assert_eq!(database.run(|tx| Ok(count(tx))).await.unwrap(), 4);
}

#[tokio::test]
async fn an_error_and_a_panic_roll_back_and_the_next_transaction_runs() {
    let database = open();
    let failed = database.run(|tx| {
        tx.execute("DELETE FROM seats", ())?;
        Err::<(), _>(DatabaseError::NoDatabase)
    });
    assert!(matches!(failed.await, Err(DatabaseError::NoDatabase)));
    let panicked = database.run::<()>(|tx| {
        tx.execute("DELETE FROM seats", ())?;
        panic!("on purpose");
    });
    assert!(panicked.await.unwrap_err().to_string().contains("panicked"));
    assert_eq!(database.run(|tx| Ok(count(tx))).await.unwrap(), 3);
}

/// Panics when it is dropped.
struct PanicsOnDrop;

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        panic!("on purpose");
    }
}

#[tokio::test]
async fn application_code_that_panics_around_a_transaction_does_not_end_the_writer() {
    let database = open();
    let insert = "INSERT INTO seats (id) VALUES (?1)";
    // The result is dropped by the writer, because the caller has gone. The writer waits until the
    // caller has.
    let (gone, is_gone) = std::sync::mpsc::channel();
    let caller = database.submit(
        move |tx| {
            is_gone.recv().unwrap();
            tx.execute(insert, [4])?;
            Ok::<_, DatabaseError>(PanicsOnDrop)
        },
        |result| result,
    );
    drop(caller);
    gone.send(()).unwrap();
    // The transaction panics with a payload that panics when it is dropped.
    let payload = database.submit::<(), _, DatabaseError>(
        move |tx| {
            tx.execute(insert, [5])?;
            std::panic::panic_any(PanicsOnDrop);
        },
        |()| (),
    );
    assert!(payload.await.unwrap_err().to_string().contains("panicked"));
    // The transaction has taken effect when publishing it panics.
    let published =
        database.submit(move |tx| tx.execute(insert, [6]), |_changed| -> () { panic!("on purpose") });
    let error = published.await.unwrap_err();
    assert!(matches!(error, DatabaseError::Unknown(_)), "{error}");
    let published = database.submit::<_, (), DatabaseError>(
        move |tx| tx.execute(insert, [7]),
        |_changed| std::panic::panic_any(PanicsOnDrop),
    );
    assert!(matches!(published.await.unwrap_err(), DatabaseError::Unknown(_)));
    assert_eq!(database.run(|tx| Ok::<_, DatabaseError>(count(tx))).await.unwrap(), 6);
}

#[tokio::test]
async fn work_that_panics_when_it_is_dropped_uncalled_does_not_end_the_writer() {
    let directory = std::env::temp_dir().join(format!("vivaz-databases-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let file = directory.join("locked.db");
    let set_up = |connection: &mut Connection| {
        connection.busy_timeout(std::time::Duration::ZERO)?;
        connection.execute_batch("CREATE TABLE seats (id INTEGER)").map_err(DatabaseError::from)
    };
    let (database, ()) = Database::open(&file, set_up).unwrap();
    // No transaction can begin while another connection writes.
    let other = Connection::open(&file).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let captured = PanicsOnDrop;
    let refused = database.run(move |_| {
        std::mem::forget(captured);
        Ok::<_, DatabaseError>(())
    });
    refused.await.unwrap_err();
    other.execute_batch("ROLLBACK").unwrap();
    // An order that shares the transaction which could not begin is refused too.
    let seats = loop {
        if let Ok(seats) = database.run(|tx| Ok::<_, DatabaseError>(count(tx))).await {
            break seats;
        }
    };
    assert_eq!(seats, 0);
    std::fs::remove_dir_all(directory).unwrap();
}

/// Runs one statement and returns its error, and how many seats the transaction sees then.
async fn fails(sql: &'static str, params: impl Params + Send + 'static) -> (DatabaseError, i64) {
    let run = move |tx: &mut Tx| {
        let error = tx.execute(sql, params).unwrap_err();
        Ok::<_, DatabaseError>((error, count(tx)))
    };
    open().run(run).await.unwrap()
}

#[tokio::test]
async fn errors_are_typed_and_the_transaction_continues() {
    let (error, seats) = fails("INSERT INTO seats (id) VALUES (?1)", [1]).await;
    assert!(matches!(error, DatabaseError::Unique(_)), "{error}");
    assert_eq!(seats, 3);
    let (error, _) = fails("INSERT INTO seats (id, user) VALUES (7, 'a'), (8, 'a')", ()).await;
    assert!(matches!(error, DatabaseError::Unique(_)), "{error}");
    let (error, _) = fails("UPDATE seats SET taken = 2", ()).await;
    assert!(matches!(error, DatabaseError::Constraint(_)), "{error}");
    let (error, _) = fails("DELETE FROM seats WHERE id = ?1", ()).await;
    assert_eq!(error.to_string(), "the statement takes 1 parameters, 0 were given");
    let (error, seats) = fails("DELETE FROM seats WHERE id = 1; DELETE FROM seats", ()).await;
    assert!(matches!(error, DatabaseError::SeveralStatements), "{error}");
    assert_eq!(seats, 3);
    let (error, _) = fails("SELECT nothing", ()).await;
    assert!(matches!(error, DatabaseError::Failed(_)), "{error}");
}

#[tokio::test]
async fn one_statement_may_contain_semicolons() {
    let run = |tx: &mut Tx| {
        tx.execute("UPDATE seats SET user = 'a;b' WHERE id = 1;", ())?;
        tx.query_first::<String>("SELECT user FROM seats WHERE user LIKE 'a;%' -- ; a comment", ())
    };
    assert_eq!(open().run(run).await.unwrap().as_deref(), Some("a;b"));
}

#[tokio::test]
async fn the_transaction_cannot_be_ended_by_a_statement() {
    for sql in ["COMMIT", "ROLLBACK", "BEGIN", "RELEASE vivaz_order", "ATTACH ':memory:' AS other"] {
        let database = open();
        let run = |tx: &mut Tx| {
            tx.execute("DELETE FROM seats", ())?;
            // The handler ignores the refusal.
            drop(tx.execute(sql, ()));
            Ok(())
        };
        let error = database.run::<()>(run).await.unwrap_err();
        assert!(matches!(error, DatabaseError::Denied(_)), "{sql}: {error}");
        assert_eq!(database.run(|tx| Ok(count(tx))).await.unwrap(), 3, "{sql}");
    }
}

#[tokio::test]
async fn nothing_temporary_outlives_a_transaction() {
    for sql in [
        "CREATE TEMP TABLE passing (n INTEGER)",
        "CREATE TABLE temp.passing (n INTEGER)",
        "CREATE TEMPORARY TABLE passing AS SELECT * FROM seats",
        "CREATE TEMP TRIGGER passing AFTER INSERT ON main.seats BEGIN DELETE FROM seats; END",
        "CREATE TRIGGER temp.passing AFTER INSERT ON seats BEGIN DELETE FROM seats; END",
        "CREATE TEMP VIEW seats AS SELECT 1 AS id",
        "CREATE VIEW temp.seats AS SELECT 1 AS id",
        "CREATE VIRTUAL TABLE temp.passing USING fts5(text)",
    ] {
        let database = open();
        let run = |tx: &mut Tx| {
            // The handler ignores the refusal.
            drop(tx.execute(sql, ()));
            Ok(())
        };
        let outcome = database.run(run).await;
        assert!(matches!(&outcome, Err(DatabaseError::Denied(what)) if what == "CREATE TEMP"), "{sql}");
        let rest = |tx: &mut Tx| tx.query_first::<u32>("SELECT count(*) FROM sqlite_temp_master", ());
        assert_eq!(database.run(rest).await.unwrap(), Some(0), "{sql}");
    }
}

#[tokio::test]
async fn values_survive_a_round_trip() {
    let values = vec![
        Value::Null,
        Value::Integer(i64::MIN),
        Value::Real(1.5),
        Value::Text("é;'".into()),
        Value::Blob(vec![0, 255]),
    ];
    let given = values.clone();
    let database = open();
    let read = database.run(move |tx| {
        let rows =
            tx.query::<(Option<i64>, i64, f64, String, Vec<u8>)>("SELECT ?1, ?2, ?3, ?4, ?5", given)?;
        Ok(rows)
    });
    let expected = vec![(None, i64::MIN, 1.5, "é;'".to_owned(), vec![0, 255])];
    assert_eq!(read.await.unwrap(), expected);
}

#[tokio::test]
async fn the_native_connection_is_that_of_the_driver() {
    let database = open();
    let read = database.run(|tx| {
        assert!(matches!(tx.native::<String>(), Err(DatabaseError::NotNative(_))));
        Ok(tx
            .native::<Connection>()?
            .query_row("SELECT count(*) FROM seats", [], |row| row.get::<_, i64>(0))?)
    });
    assert_eq!(read.await.map_err(|error| error.to_string()), Ok(3));
    let mut none = Tx::without_database();
    assert!(matches!(none.execute("SELECT 1", ()), Err(DatabaseError::NoDatabase)));
    assert!(matches!(none.native::<Connection>(), Err(DatabaseError::NoDatabase)));
}

/// Queues an order that adds a seat and leaves a savepoint open.
fn add(database: &Database, id: i64, fails: bool) -> impl Future<Output = Result<(), DatabaseError>> + use<> {
    let work = move |tx: &mut Tx| {
        tx.execute("INSERT INTO seats (id) VALUES (?1)", [id])?;
        tx.execute("SAVEPOINT open", ())?;
        if fails { Err(DatabaseError::Corrupt("the order".to_owned())) } else { Ok(()) }
    };
    database.submit(work, |()| ())
}

#[tokio::test]
async fn an_order_that_fails_alone_is_undone() {
    let database = open();
    add(&database, 10, false).await.unwrap();
    add(&database, 11, true).await.unwrap_err();
    add(&database, 12, false).await.unwrap();
    assert_eq!(database.run(|tx| Ok(count(tx))).await.unwrap(), 5);
}

#[tokio::test]
async fn an_order_that_fails_with_others_is_undone_by_itself() {
    let database = open();
    // While the first order runs, the others are queued; they share the next transaction.
    let (release, released) = std::sync::mpsc::channel::<()>();
    let first = database.submit(
        move |_| {
            released.recv().unwrap_or_default();
            Ok::<_, DatabaseError>(())
        },
        |()| (),
    );
    let others = [add(&database, 10, false), add(&database, 11, true), add(&database, 12, false)];
    drop(release);
    first.await.unwrap();
    let mut kept = Vec::new();
    for other in others {
        kept.push(other.await.is_ok());
    }
    assert_eq!(kept, [true, false, true]);
    assert_eq!(database.run(|tx| Ok(count(tx))).await.unwrap(), 5);
}
