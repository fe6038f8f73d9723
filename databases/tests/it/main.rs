//! PostgreSQL, with a real server.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod faults;
mod migrations;
mod order;
mod statements;
mod transactions;
mod types;

use vivaz_databases::postgres::{Database, PostgresOptions};
use vivaz_databases::{DatabaseError, Tx};
use vivaz_test_servers::PostgresServer;

/// The tables of the tests.
const SEATS: &str = "CREATE TABLE seats (id integer PRIMARY KEY, user_name text UNIQUE, \
     taken boolean NOT NULL DEFAULT false, row smallint CHECK (row > 0)); \
     INSERT INTO seats (id) VALUES (1), (2), (3)";

/// Connects to a new database with the seats.
async fn open() -> Database {
    open_with(&PostgresServer::shared().database(), PostgresOptions::default()).await
}

async fn open_with(url: &str, options: PostgresOptions) -> Database {
    Database::connect(url, options, |tx| tx.script(SEATS)).await.unwrap().0
}

/// Connects to a database that has its tables.
async fn reopen(url: &str) -> Database {
    Database::connect(url, PostgresOptions::default(), |_| Ok::<_, DatabaseError>(())).await.unwrap().0
}

fn count(tx: &mut Tx) -> Result<i64, DatabaseError> {
    Ok(tx.query_first("SELECT count(*) FROM seats", ())?.unwrap())
}
