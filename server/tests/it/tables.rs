//! The tables in SQLite: those of earlier and of newer versions, and damaged files.

use std::io::{Read, Seek, SeekFrom, Write};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use vivaz::DatabaseError;
use vivaz::sqlite::{Connection, Sqlite};
use vivaz::store::Fence;
use vivaz::testing::ManualClock;
use vivaz::testing::Server;
use vivaz::{Limits, Runtime, SessionId, SessionStore, StoreError};

use crate::app::{Bench, start_with};
use crate::client::Client;
use crate::leases::Temporary;

/// The tables as they were created before they had a version.
const FIRST: &str = r#"
CREATE TABLE vivaz_sessions (
    id          TEXT PRIMARY KEY,
    user        TEXT,
    tenant      TEXT,
    generation  INTEGER NOT NULL,
    secret      BLOB NOT NULL,
    previous    BLOB,
    progress    TEXT NOT NULL,
    expires     INTEGER NOT NULL,
    process     TEXT NOT NULL,
    exact       INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX vivaz_sessions_by_expiry ON vivaz_sessions (expires);
CREATE INDEX vivaz_sessions_by_user ON vivaz_sessions (user) WHERE user IS NOT NULL;

CREATE TABLE vivaz_components (
    session   TEXT NOT NULL,
    id        TEXT NOT NULL,
    name      TEXT NOT NULL,
    schema    INTEGER NOT NULL,
    template  TEXT NOT NULL,
    props     TEXT NOT NULL,
    state     BLOB NOT NULL,
    epoch     TEXT NOT NULL,
    rev       INTEGER NOT NULL,
    version   INTEGER NOT NULL,
    settled   INTEGER NOT NULL,
    durable   INTEGER NOT NULL,
    PRIMARY KEY (session, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE vivaz_replies (
    session    TEXT NOT NULL,
    reference  INTEGER NOT NULL,
    body       TEXT NOT NULL,
    PRIMARY KEY (session, reference)
) STRICT, WITHOUT ROWID;
"#;

/// Creates a database of the first version with a session.
fn first_version(file: &Temporary) -> Connection {
    let connection = Connection::open(&file.0).unwrap();
    connection.execute_batch(FIRST).unwrap();
    connection
        .execute_batch(
            "INSERT INTO vivaz_sessions (id, user, tenant, generation, secret, progress, expires, process) \
             VALUES ('s', 'ada', 'acme', 3, zeroblob(16), \
                     '{\"last\":4,\"open\":[],\"replies\":[],\"rooms\":[[\"c\",[\"hall\",\"kitchen\"]]]}', \
                     unixepoch() + 1000, 'p'); \
             INSERT INTO vivaz_components VALUES \
             ('s', 'c', 'counter', 1, 't', '{}', CAST('{\"count\":1}' AS BLOB), 'e', 5, 2, 4, 0); \
             INSERT INTO vivaz_replies VALUES ('s', 4, '{}'); \
             CREATE TABLE notes (text TEXT); INSERT INTO notes VALUES ('mine');",
        )
        .unwrap();
    connection
}

fn count(database: &Temporary, sql: &str) -> i64 {
    Connection::open(&database.0).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn tables_of_the_first_version_are_migrated_without_loss() {
    let file = Temporary::new();
    drop(first_version(&file));
    for _ in 0..2 {
        let store = Sqlite::open(&file.0).unwrap();
        let session = SessionId::new("s").unwrap();
        let head = store.find(&session).await.unwrap().unwrap();
        assert_eq!((head.owner.user.as_deref(), head.owner.tenant.as_deref()), (Some("ada"), Some("acme")));
        assert_eq!((head.secrets.generation, &*head.holder), (3, "p"));
        let stored = store.claim(&session, "p", &head).await.unwrap().unwrap();
        assert_eq!((stored.progress.last, stored.replies.len(), stored.components.len()), (4, 1, 1));
        assert_eq!((stored.components[0].version, &*stored.components[0].state), (2, &br#"{"count":1}"#[..]));
        assert_eq!((stored.components[0].anew, stored.aside), (false, vec![]));
        assert_eq!(stored.components[0].rooms, ["hall", "kitchen"]);
        assert!(stored.components[0].connected, "`connected` does not run again");
        store.close().await;
    }
    assert_eq!(count(&file, "SELECT count(*) FROM notes"), 1, "the application's tables are unchanged");
    let good_for = count(&file, "SELECT good_for FROM vivaz_sessions");
    assert!((900_000..=1_000_000).contains(&good_for), "{good_for}");
}

#[tokio::test]
async fn a_session_that_cannot_be_read_does_not_hinder_the_migration() {
    let file = Temporary::new();
    let database = first_version(&file);
    database
        .execute_batch(
            "INSERT INTO vivaz_sessions (id, generation, secret, progress, expires, process) VALUES \
             ('broken', 3, zeroblob(16), '{', unixepoch() + 1000, 'p'), \
             ('of no room', 3, zeroblob(16), '{\"rooms\":[]}', unixepoch() + 1000, 'p'); \
             INSERT INTO vivaz_components SELECT 'broken', id, name, schema, template, props, state, epoch, \
             rev, version, settled, durable FROM vivaz_components; \
             INSERT INTO vivaz_components SELECT 'of no room', id, name, schema, template, props, state, epoch, \
             rev, version, settled, durable FROM vivaz_components WHERE session = 's';",
        )
        .unwrap();
    drop(database);
    Sqlite::open(&file.0).unwrap().close().await;
    let rooms = "SELECT count(*) FROM vivaz_components WHERE rooms = ";
    assert_eq!(count(&file, &format!("{rooms}'[]'")), 2);
    assert_eq!(count(&file, &format!("{rooms}'[\"hall\",\"kitchen\"]'")), 1);
}

#[tokio::test]
async fn tables_of_a_newer_version_are_refused_and_left_alone() {
    let file = Temporary::new();
    Sqlite::open(&file.0).unwrap().close().await;
    let known = count(&file, "SELECT version FROM vivaz_schema");
    Connection::open(&file.0).unwrap().execute("UPDATE vivaz_schema SET version = version + 1", []).unwrap();
    let refused = Sqlite::open(&file.0).unwrap_err();
    let StoreError::TooNew { found, known: supported } = refused else { panic!("{refused}") };
    assert_eq!((found.cast_signed(), supported.cast_signed()), (known + 1, known));
    assert!(refused.to_string().contains("run the newer program"), "{refused}");
    assert_eq!(count(&file, "SELECT version FROM vivaz_schema"), known + 1);
}

#[tokio::test]
async fn a_damaged_file_is_not_opened() {
    let file = Temporary::new();
    let connection = first_version(&file);
    connection
        .execute_batch(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) \
             INSERT INTO notes SELECT 'a note of some length, number ' || i FROM n",
        )
        .unwrap();
    drop(connection);
    let whole = std::fs::read(&file.0).unwrap();
    // Each page in turn, including the first one, the header.
    for page in 0..whole.len() / 4096 {
        std::fs::write(&file.0, &whole).unwrap();
        let mut bytes = [0; 64];
        let mut disk = std::fs::File::options().read(true).write(true).open(&file.0).unwrap();
        let at = SeekFrom::Start(page as u64 * 4096);
        disk.seek(at).unwrap();
        disk.read_exact(&mut bytes).unwrap();
        disk.seek(at).unwrap();
        disk.write_all(&bytes.map(|byte| !byte)).unwrap();
        drop(disk);
        let refused = Sqlite::open(&file.0).unwrap_err();
        assert!(
            matches!(refused, StoreError::Database(DatabaseError::Corrupt(_))),
            "page {page}: {refused:?}"
        );
    }
    std::fs::write(
        &file.0,
        b"this is a text, and longer than the header of a database is, which has 100 bytes",
    )
    .unwrap();
    assert!(matches!(Sqlite::open(&file.0).unwrap_err(), StoreError::Database(DatabaseError::Corrupt(_))));
    std::fs::write(&file.0, &whole).unwrap();
    Sqlite::open(&file.0).unwrap();
}

/// A file as version 8 of the tables has left it.
#[tokio::test]
async fn sessions_of_tables_without_fences_are_resumed() {
    let file = Temporary::new();
    let start = |database: Sqlite| start_with(|builder| builder.store(database));
    let database = Sqlite::open(&file.0).unwrap();
    let mut first = start(database.clone()).await;
    let mut client = Client::hello(&first).await;
    let mounted = client.mount("c", "counter", json!({})).await;
    client.act("c", "increment", json!([])).await;
    let welcome = client.welcome.clone();
    client.cut();
    first.stop().await;
    drop(first);
    database.close().await;
    Connection::open(&file.0)
        .unwrap()
        .execute_batch(
            "ALTER TABLE vivaz_sessions DROP COLUMN fence; ALTER TABLE vivaz_sessions DROP COLUMN released; \
             DROP TABLE vivaz_asked; UPDATE vivaz_schema SET version = 8;",
        )
        .unwrap();
    let database = Sqlite::open(&file.0).unwrap();
    let found = database.find(&SessionId::new(welcome["session"].as_str().unwrap()).unwrap()).await;
    assert_eq!(found.unwrap().unwrap().fence, Fence::FIRST);
    let second = start(database).await;
    let streams = json!({ "c:c": [mounted["epoch"], 1] });
    let mut client = Client::resume(&second, &welcome, 2, streams).await;
    assert_eq!(client.welcome["resumed"], true);
    assert!(client.drain().await.is_empty(), "the page misses nothing");
    client.count_from(2);
    assert_eq!(client.act("c", "increment", json!([])).await["payload"]["count"], 2);
}

#[tokio::test]
async fn store_time_continues_while_no_process_has_the_file() {
    let lease = Duration::from_secs(30);
    // The wall clock is set while a process runs, and while none does.
    let cases = [
        (0, 10, 0, false),
        (0, 200, 0, true),
        (0, 200, -7_200, false),
        (7_200, 10, 0, false),
        (-7_200, 200, 0, true),
    ];
    for (set, down, back, expires) in cases {
        let file = Temporary::new();
        drop(first_version(&file));
        let clock = ManualClock::new();
        let store = Sqlite::open_with_clock(&file.0, clock.clone()).unwrap();
        let session = SessionId::new("s").unwrap();
        let head = store.find(&session).await.unwrap().unwrap();
        clock.step(set);
        store.renew_lease("a", lease).await.unwrap();
        let fence = store.claim(&session, "a", &head).await.unwrap().unwrap().fence;
        store.renew(&session, "a", fence, head.secrets, Duration::from_secs(120)).await.unwrap();
        SessionStore::close(&store, "a").await.unwrap();
        store.close().await;
        clock.pass(down);
        clock.step(back);
        let store = Sqlite::open_with_clock(&file.0, clock.clone()).unwrap();
        store.renew_lease("b", lease).await.unwrap();
        assert!(store.find(&session).await.unwrap().is_some(), "pages have the time of a lease to resume");
        clock.pass(29);
        store.renew_lease("b", lease).await.unwrap();
        clock.pass(1);
        store.expire("b").await.unwrap();
        assert_eq!(store.find(&session).await.unwrap().is_none(), expires, "{set} s, {down} s, {back} s");
        store.close().await;
    }
}

#[tokio::test]
async fn a_read_only_database_is_not_ready_and_reports_the_reason() {
    let file = Temporary::new();
    let database = Sqlite::open(&file.0).unwrap();
    let store = database.clone();
    let limits = Limits { store_time: Duration::from_millis(300), ..Limits::default() };
    let server = Server::new(move || {
        Runtime::builder().store(store.clone()).limits(limits.clone()).state(Arc::<Bench>::default())
    });
    let page = server.page();
    let counter = page.mount_open("counter", json!({})).await.unwrap();
    server.runtime().readiness().await.unwrap();
    // Another program has locked the database.
    let other = Connection::open(&file.0).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let why = until_ready(&server, false).await.unwrap();
    assert!(why.contains("cannot be written"), "{why}");
    other.execute_batch("ROLLBACK").unwrap();
    until_ready(&server, true).await;
    counter.call("increment", ()).await.unwrap();
    other.execute_batch("ALTER TABLE vivaz_leases RENAME TO elsewhere").unwrap();
    let why = until_ready(&server, false).await.unwrap();
    assert!(why.contains("vivaz_leases"), "{why}");
    let runtime = server.runtime();
    server.stop().await;
    assert_eq!(runtime.readiness().await.unwrap_err().to_string(), "the server is shutting down");
}

/// Waits until the server is ready, or not; the readiness may be a second old. Returns why it is
/// not.
async fn until_ready(server: &Server, is_ready: bool) -> Option<String> {
    loop {
        let readiness = server.runtime().readiness().await;
        if readiness.is_ok() == is_ready {
            return readiness.err().map(|why| why.to_string());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
