//! Nodes that migrate the same tables.

use vivaz_databases::postgres::{Database, Migrations, PostgresOptions};
use vivaz_databases::{DatabaseError, Tx};
use vivaz_test_servers::PostgresServer;

const OLD: Migrations =
    Migrations { name: "app", scripts: &["CREATE TABLE a (n bigint)", "INSERT INTO a VALUES (1)"] };
const NEW: Migrations = Migrations {
    name: "app",
    scripts: &[
        "CREATE TABLE a (n bigint)",
        "INSERT INTO a VALUES (1)",
        "UPDATE a SET n = n + 1; ALTER TABLE a ADD m bigint",
    ],
};
const BROKEN: Migrations =
    Migrations { name: "app", scripts: &["", "", "", "UPDATE a SET n = 100; SELECT nothing"] };

async fn migrate(url: &str, migrations: Migrations) -> Result<Database, DatabaseError> {
    Ok(Database::connect(url, PostgresOptions::default(), move |tx| migrations.run(tx)).await?.0)
}

fn read(tx: &mut Tx) -> Result<Vec<i64>, DatabaseError> {
    tx.query("SELECT n FROM a", ())
}

#[tokio::test]
async fn nodes_that_start_together_migrate_once() {
    let url = PostgresServer::shared().database();
    migrate(&url, OLD).await.unwrap();
    let nodes: Vec<_> = (0..6)
        .map(|_| {
            let url = url.clone();
            tokio::spawn(async move { migrate(&url, NEW).await.unwrap().run(read).await.unwrap() })
        })
        .collect();
    for node in nodes {
        assert_eq!(node.await.unwrap(), [2]);
    }
    // A node that starts with its own tables does not touch those of others.
    let other = Migrations { name: "other", scripts: &["CREATE TABLE b (n bigint)"] };
    migrate(&url, other).await.unwrap();
    assert_eq!(migrate(&url, NEW).await.unwrap().run(read).await.unwrap(), [2]);
}

#[tokio::test]
async fn newer_tables_are_refused_and_a_failed_migration_leaves_the_old_ones() {
    let url = PostgresServer::shared().database();
    migrate(&url, NEW).await.unwrap();
    let refused = migrate(&url, OLD).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the tables of `app` have version 3; this program supports versions up to 2; run the newer program or use \
         another database"
    );
    let failed = migrate(&url, BROKEN).await.unwrap_err();
    assert!(failed.to_string().contains("nothing"), "{failed}");
    assert_eq!(migrate(&url, NEW).await.unwrap().run(read).await.unwrap(), [2]);
}

#[tokio::test]
async fn a_server_that_is_absent_and_an_address_with_tls_are_errors() {
    for (url, expected) in [
        ("host=/nowhere user=a", "cannot be reached"),
        ("postgres://127.0.0.1:1/app?user=a", "cannot be reached"),
        ("postgres://localhost/app?sslmode=require", "without TLS"),
        ("postgres://db.example/app", "sslmode=disable"),
        ("nonsense", "invalid connection string"),
    ] {
        let error = migrate(url, NEW).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{url}: {error}");
    }
    let url = PostgresServer::shared().database();
    let panicked = Database::connect(&url, PostgresOptions::default(), |_| -> Result<(), DatabaseError> {
        panic!("on purpose")
    });
    assert!(panicked.await.unwrap_err().to_string().contains("panicked"));
}
