//! What a transaction keeps, and what it does not.

use std::time::Duration;

use serde::Deserialize;
use vivaz_databases::postgres::{IsolationLevel, PostgresConnection, PostgresOptions};
use vivaz_databases::{DatabaseError, SqlStatement, Tx};
use vivaz_test_servers::PostgresServer;

use crate::{count, open, open_with};

#[derive(Debug, Deserialize, PartialEq)]
struct Seat {
    id: i64,
    user_name: Option<String>,
    taken: bool,
}

#[tokio::test]
async fn a_transaction_reads_its_own_writes_and_keeps_them() {
    let database = open().await;
    let read = database.run(|tx| {
        let update = "UPDATE seats SET user_name = ?2, taken = ?3 WHERE id = ?1";
        assert_eq!(tx.execute(update, (1, "ada", true))?, 1);
        tx.script("CREATE TABLE notes (text text); INSERT INTO notes VALUES ('a;b')")?;
        let changed = tx.batch([
            SqlStatement::new("UPDATE seats SET taken = ?2 WHERE id > ?1", (1, true)),
            SqlStatement::new("INSERT INTO seats (id, user_name) VALUES (?1, ?2)", (4, None::<String>)),
        ])?;
        assert_eq!(changed, [2, 1]);
        tx.query::<Seat>("SELECT * FROM seats WHERE id IN (?1, ?2) ORDER BY id", vec![1, 4])
    });
    let expected = [
        Seat { id: 1, user_name: Some("ada".into()), taken: true },
        Seat { id: 4, user_name: None, taken: false },
    ];
    assert_eq!(read.await.unwrap(), expected);
    assert_eq!(database.run(count).await.unwrap(), 4);
    database.close().await;
}

#[tokio::test]
async fn an_error_and_a_panic_roll_back_and_the_next_transaction_runs() {
    let database = open().await;
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
    let published = database
        .submit(|tx| tx.execute("DELETE FROM seats WHERE id = 3", ()), |_| -> () { panic!("on purpose") });
    let error: DatabaseError = published.await.unwrap_err();
    assert!(matches!(error, DatabaseError::Unknown(_)), "{error}");
    assert_eq!(database.run(count).await.unwrap(), 2);
}

#[tokio::test]
async fn a_transaction_runs_although_its_caller_has_gone() {
    let database = open().await;
    drop(database.submit(|tx| tx.execute("DELETE FROM seats", ()), |_| ())
        as futures_util::future::BoxFuture<'_, Result<(), DatabaseError>>);
    let url = database
        .run(|tx| tx.query_first::<String>("SELECT current_database()::text", ()))
        .await
        .unwrap()
        .unwrap();
    database.close().await;
    assert_eq!(PostgresServer::shared().query(&url, "SELECT count(*) FROM seats"), "0");
    assert_eq!(
        PostgresServer::shared()
            .query(&url, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"),
        "1",
        "the connections are closed"
    );
}

#[tokio::test]
async fn an_error_undoes_its_statement_alone() {
    let database = open().await;
    let run = |tx: &mut Tx| {
        tx.execute("DELETE FROM seats WHERE id = 1", ())?;
        for (sql, is_expected) in [
            (
                "INSERT INTO seats (id) VALUES (8), (2)",
                (|e| matches!(e, DatabaseError::Unique(_))) as fn(&_) -> bool,
            ),
            ("UPDATE seats SET row = 0", |e| matches!(e, DatabaseError::Constraint(_))),
            ("UPDATE seats SET taken = NULL", |e| matches!(e, DatabaseError::Constraint(_))),
            ("SELECT nothing", |e| matches!(e, DatabaseError::Failed(_))),
            ("SELECT 1; SELECT 2", |e| matches!(e, DatabaseError::SeveralStatements)),
            ("SELECT 1 / (id - 2) FROM seats", |e| matches!(e, DatabaseError::Failed(_))),
        ] {
            let error = tx.query::<i64>(sql, ()).unwrap_err();
            assert!(is_expected(&error), "{sql}: {error}");
            assert_eq!(count(tx)?, 2, "{sql}");
        }
        let error = tx.execute("DELETE FROM seats WHERE id = ?1", ()).unwrap_err();
        assert_eq!(error.to_string(), "the statement takes 1 parameters, 0 were given");
        let error = tx.script("DELETE FROM seats; SELECT nothing").unwrap_err();
        assert!(error.to_string().contains("nothing"), "{error}");
        count(tx)
    };
    assert_eq!(database.run(run).await.unwrap(), 2);
    assert_eq!(database.run(count).await.unwrap(), 2);
}

#[tokio::test]
async fn the_first_failing_statement_of_a_batch_ends_it() {
    let database = open().await;
    let run = |tx: &mut Tx| {
        let insert = |id| SqlStatement::new("INSERT INTO seats (id) VALUES (?1)", [id]);
        for _ in 0..2 {
            let error = tx.batch([insert(4), insert(5), insert(1), insert(6)]).unwrap_err();
            assert!(matches!(error, DatabaseError::Unique(_)), "{error}");
            assert_eq!(count(tx)?, 5);
            tx.execute("DELETE FROM seats WHERE id > 3", ())?;
        }
        // A statement that depends on one before it.
        let made = tx.batch([
            SqlStatement::new("CREATE TABLE made (n bigint)", ()),
            SqlStatement::new("INSERT INTO made VALUES (?1)", [7]),
            SqlStatement::new("INSERT INTO unmade VALUES (?1)", [7]),
        ]);
        assert!(made.unwrap_err().to_string().contains("unmade"));
        let thousand = (100..1_100).map(insert);
        assert_eq!(tx.batch(thousand)?, vec![1; 1_000]);
        tx.query_first::<i64>("SELECT n FROM made", ())
    };
    assert_eq!(database.run(run).await.unwrap(), Some(7));
    assert_eq!(database.run(count).await.unwrap(), 1_003);
}

#[tokio::test]
async fn the_transaction_cannot_be_ended_by_a_statement() {
    for sql in [
        "COMMIT",
        "ROLLBACK",
        "BEGIN",
        " /* a */ commit ;",
        "SAVEPOINT a",
        "SET search_path = a",
        "CREATE TEMP TABLE a (n int)",
    ] {
        let database = open().await;
        for is_script in [false, true] {
            let run = move |tx: &mut Tx| {
                tx.execute("DELETE FROM seats", ())?;
                // The handler ignores the refusal.
                drop(if is_script { tx.script(sql) } else { tx.execute(sql, ()).map(drop) });
                drop(tx.execute("DELETE FROM seats", ()));
                Ok(())
            };
            let error = database.run::<()>(run).await.unwrap_err();
            assert!(matches!(error, DatabaseError::Denied(_)), "{sql}: {error}");
            assert_eq!(database.run(count).await.unwrap(), 3, "{sql}");
        }
    }
}

#[tokio::test]
async fn the_connection_itself_runs_inside_of_the_transaction() {
    let database = open().await;
    let run = |tx: &mut Tx| {
        let native: &PostgresConnection = tx.native()?;
        let deleted =
            native.run(async |client| client.execute("DELETE FROM seats WHERE id = $1", &[&1]).await)?;
        assert_eq!(deleted, 1);
        assert_eq!(count(tx)?, 2);
        Err::<(), _>(DatabaseError::NoDatabase)
    };
    database.run(run).await.unwrap_err();
    assert_eq!(database.run(count).await.unwrap(), 3);
    // An error that the handler ignores has ended the transaction: `COMMIT` would answer success.
    let ignored = database.run(|tx| {
        tx.execute("DELETE FROM seats", ())?;
        let native: &PostgresConnection = tx.native()?;
        native.run(async |client| client.batch_execute("SELECT nothing").await).unwrap_err();
        Ok(())
    });
    assert!(matches!(ignored.await, Err(DatabaseError::RolledBack)));
    assert_eq!(database.run(count).await.unwrap(), 3);
    // What a handler ends there is its own; that it has is noticed.
    for sql in ["COMMIT", "COMMIT; BEGIN; DELETE FROM seats"] {
        let ended = database.run(move |tx| {
            let native: &PostgresConnection = tx.native()?;
            native.run(async |client| client.batch_execute(sql).await)
        });
        assert!(matches!(ended.await, Err(DatabaseError::Unknown(_))), "{sql}");
        assert_eq!(database.run(count).await.unwrap(), 3);
    }
}

#[tokio::test]
async fn deferred_constraints_are_checked_when_it_commits() {
    let database = open().await;
    let tables = "CREATE TABLE tickets (seat integer REFERENCES seats DEFERRABLE INITIALLY DEFERRED, \
         number integer UNIQUE DEFERRABLE INITIALLY DEFERRED)";
    database.run(move |tx| tx.script(tables)).await.unwrap();
    let insert = |seat: i64, number: i64| {
        database.submit(move |tx| tx.execute("INSERT INTO tickets VALUES (?1, ?2)", (seat, number)), |_| ())
    };
    insert(1, 1).await.unwrap_or_else(|error: DatabaseError| panic!("{error}"));
    assert!(matches!(insert(9, 2).await, Err(DatabaseError::ForeignKey)));
    assert!(matches!(insert(1, 1).await, Err(DatabaseError::Unique(_))));
    let tickets = |tx: &mut Tx| tx.query_first::<i64>("SELECT count(*) FROM tickets", ());
    assert_eq!(database.run(tickets).await.unwrap(), Some(1));
}

#[tokio::test]
async fn conflicts_and_deadlocks_are_typed() {
    let options = PostgresOptions { isolation: IsolationLevel::Serializable, ..PostgresOptions::default() };
    let database = open_with(&PostgresServer::shared().database(), options).await;
    let barrier = std::sync::Arc::new(std::sync::Barrier::new(2));
    // Each reads what the other one writes.
    let skewed = |read: i64, write: i64| {
        let barrier = barrier.clone();
        database.submit(
            move |tx| {
                tx.query_first::<bool>("SELECT taken FROM seats WHERE id = ?1", [read])?;
                barrier.wait();
                tx.execute("UPDATE seats SET taken = true WHERE id = ?1", [write])
            },
            |_| (),
        )
    };
    let (one, other) = (skewed(1, 2), skewed(2, 1));
    let outcomes: [Result<(), DatabaseError>; 2] = [one.await, other.await];
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    assert!(
        outcomes.iter().any(|outcome| matches!(outcome, Err(DatabaseError::Conflict(_)))),
        "{outcomes:?}"
    );

    let database = open().await;
    let locks = |first: i64, second: i64| {
        let barrier = barrier.clone();
        database.submit(
            move |tx| {
                tx.execute("UPDATE seats SET taken = true WHERE id = ?1", [first])?;
                barrier.wait();
                // The handler ignores the error: what it did before is not kept all the same.
                drop(tx.execute("UPDATE seats SET taken = true WHERE id = ?1", [second]));
                Ok(())
            },
            |()| (),
        )
    };
    let (one, other) = (locks(1, 2), locks(2, 1));
    let outcomes: [Result<(), DatabaseError>; 2] = [one.await, other.await];
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    assert!(
        outcomes.iter().any(|outcome| matches!(outcome, Err(DatabaseError::Conflict(_)))),
        "{outcomes:?}"
    );
}

#[tokio::test]
async fn long_statements_are_cancelled_and_long_pauses_release_locks() {
    let options = PostgresOptions {
        statement_time: Duration::from_millis(200),
        idle_time: Duration::from_millis(300),
        ..PostgresOptions::default()
    };
    let database = open_with(&PostgresServer::shared().database(), options).await;
    let slow = database.run(|tx| {
        tx.execute("DELETE FROM seats WHERE id = 1", ())?;
        let error = tx.query::<()>("SELECT pg_sleep(60)::text", ()).unwrap_err();
        assert!(matches!(error, DatabaseError::TimedOut(_)), "{error}");
        Ok(())
    });
    slow.await.unwrap();
    assert_eq!(database.run(count).await.unwrap(), 2);
    // A process that is suspended for longer than the pause may be: its locks do not stay.
    let (locked, is_locked) = std::sync::mpsc::channel();
    let (go_on, may_go_on) = std::sync::mpsc::channel();
    let suspended = database.submit(
        move |tx| {
            tx.execute("DELETE FROM seats", ())?;
            locked.send(()).unwrap();
            may_go_on.recv().unwrap();
            Ok(())
        },
        |()| (),
    );
    is_locked.recv().unwrap();
    let other = loop {
        let update = database.run(|tx| tx.execute("UPDATE seats SET taken = true", ())).await;
        match update {
            Ok(changed) => break changed,
            Err(error) => assert!(matches!(error, DatabaseError::TimedOut(_)), "{error}"),
        }
    };
    assert_eq!(other, 2);
    go_on.send(()).unwrap();
    let error: DatabaseError = suspended.await.unwrap_err();
    // The server ended the connection before `COMMIT`, which the driver may notice only then.
    assert!(matches!(error, DatabaseError::Unavailable(_) | DatabaseError::Unknown(_)), "{error}");
}
