//! Statements: their parameters, their plans, their words.

use vivaz_databases::{DatabaseError, Tx};

use crate::{count, open};

#[tokio::test]
async fn one_statement_may_contain_semicolons_and_question_marks() {
    let database = open().await;
    let run = |tx: &mut Tx| {
        tx.execute("UPDATE seats SET user_name = 'a;?1' WHERE id = ?1;", [1])?;
        let read: Option<String> =
            tx.query_first("SELECT user_name FROM seats WHERE user_name LIKE 'a;%' -- ; ?2", ())?;
        assert_eq!(read.as_deref(), Some("a;?1"));
        let has = "SELECT ?1::jsonb ? 'a', ?1::jsonb ?| array['b'], $2::int + ?2::int";
        tx.query_first::<(bool, bool, i64)>(has, (r#"{"a":1}"#, 4))
    };
    assert_eq!(database.run(run).await.unwrap(), Some((true, false, 8)));
}

#[tokio::test]
async fn selects_change_no_rows_and_returning_ones_do() {
    let database = open().await;
    let run = |tx: &mut Tx| {
        assert_eq!(tx.execute("SELECT * FROM seats", ())?, 0);
        assert_eq!(tx.execute("UPDATE seats SET taken = true RETURNING id", ())?, 3);
        assert_eq!(
            tx.execute("WITH a AS (SELECT 1 AS id) DELETE FROM seats USING a WHERE seats.id = a.id", ())?,
            1
        );
        assert!(tx.query_first::<i64>("DELETE FROM seats RETURNING id", ())?.is_some());
        count(tx)
    };
    assert_eq!(database.run(run).await.unwrap(), 0);
}

#[tokio::test]
async fn plans_that_no_longer_fit_are_made_again() {
    let options = vivaz_databases::postgres::PostgresOptions { connections: 1, ..Default::default() };
    let url = vivaz_test_servers::PostgresServer::shared().database();
    let database = crate::open_with(&url, options).await;
    let star = |tx: &mut Tx| tx.query_first::<serde_value::Columns>("SELECT * FROM seats WHERE id = ?1", [1]);
    assert_eq!(database.run(star).await.unwrap().unwrap().0, 4);
    let other = crate::reopen(&url).await;
    other.run(|tx| tx.script("ALTER TABLE seats ADD COLUMN more text")).await.unwrap();
    assert_eq!(database.run(star).await.unwrap().unwrap().0, 5);
    // More statements than a connection keeps.
    let many = |tx: &mut Tx| {
        for n in 0..600 {
            assert_eq!(tx.query_first::<i64>(&format!("SELECT {n}"), ())?, Some(n));
        }
        tx.query_first::<i64>("SELECT count(*) FROM pg_prepared_statements", ())
    };
    assert!(database.run(many).await.unwrap().unwrap() < 300);
    // A statement with an error is not kept.
    for _ in 0..2 {
        let missing = database.run(|tx| tx.execute("DELETE FROM absent", ())).await;
        assert!(matches!(missing, Err(DatabaseError::Failed(_))));
    }
}

mod serde_value {
    //! Counts the columns of a row.

    use std::fmt;

    use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

    pub(super) struct Columns(pub(super) usize);

    impl<'de> Deserialize<'de> for Columns {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_map(Counting)
        }
    }

    struct Counting;

    impl<'de> Visitor<'de> for Counting {
        type Value = Columns;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a row")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Columns, A::Error> {
            let mut count = 0;
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
                count += 1;
            }
            Ok(Columns(count))
        }
    }
}
