//! The session store in PostgreSQL, with a real server.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use vivaz::Save;
use vivaz::postgres::{Postgres, PostgresOptions};
use vivaz::store::{Fence, HolderStatus, ReleaseListener, ReleaseRequest, SessionState};
use vivaz::testing::{ManualClock, store_cases};
use vivaz::{SessionId, SessionStore, StoreError};
use vivaz_test_servers::PostgresServer;

use crate::app::{Server, start_with};
use crate::client::{Client, assert_error};
use crate::restart::position;
use crate::stores::head;

const LEASE: Duration = Duration::from_secs(30);

fn id(name: &str) -> SessionId {
    SessionId::new(name).unwrap()
}

fn whole(session: &str) -> SessionState {
    SessionState {
        session: id(session),
        fence: Fence::FIRST,
        head: head(),
        components: Vec::new(),
        moving: Vec::new(),
        aside: Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_keeps_the_contract() {
    for case in store_cases() {
        let (url, clock) = (PostgresServer::shared().database(), ManualClock::new());
        let options = PostgresOptions { connections: 3, ..PostgresOptions::default() };
        let store = Postgres::connect_with_clock(&url, options, clock.clone()).await.unwrap();
        case.run(Arc::new(store.clone()), clock).await;
        store.close().await;
    }
}

fn request() -> ReleaseRequest {
    ReleaseRequest { session: id("s"), fence: Fence::FIRST, generation: 5 }
}

/// The store of a process with a lease, and what it is asked for.
struct StoreProcess {
    store: Postgres,
    asked: Arc<Mutex<Vec<ReleaseRequest>>>,
}

impl StoreProcess {
    async fn start(url: &str, name: &str) -> (Self, vivaz::store::ProcessGuard) {
        let store = Postgres::connect(url).await.unwrap();
        store.renew_lease(name, LEASE).await.unwrap();
        let asked = Arc::<Mutex<Vec<_>>>::default();
        let heard = Arc::clone(&asked);
        let listener = ReleaseListener::new(move |request| heard.lock().unwrap().push(request));
        let guard = store.register(name, listener).await.unwrap();
        (Self { store, asked }, guard)
    }

    async fn status(&self, session: &str) -> HolderStatus {
        self.store.find(&id(session)).await.unwrap().unwrap().status
    }

    /// Waits until the holder of a session stands so.
    async fn until(&self, session: &str, status: HolderStatus) {
        while self.status(session).await != status {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_process_is_known_to_run_until_its_connection_ends() {
    let url = PostgresServer::shared().database();
    // A name that would end the text of a statement.
    let (a, guard) = StoreProcess::start(&url, "a'); --").await;
    let (b, _guard) = StoreProcess::start(&url, "b").await;
    a.store.save_whole("a'); --", vec![whole("s")]).await.unwrap();
    assert_eq!(b.status("s").await, HolderStatus::Running);
    b.store.ask_release(request()).await.unwrap();
    while a.asked.lock().unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(*a.asked.lock().unwrap(), [request()]);
    assert!(b.asked.lock().unwrap().is_empty());
    // Its connection is lost and comes back; it knows itself that it runs.
    let database = url.rsplit('=').next().unwrap();
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
         WHERE datname = current_database() AND query LIKE '%LISTEN%' AND pid <> pg_backend_pid()";
    assert_eq!(PostgresServer::shared().query(database, end), "2");
    assert_eq!(a.status("s").await, HolderStatus::Running);
    b.until("s", HolderStatus::Running).await;
    a.asked.lock().unwrap().clear();
    while a.asked.lock().unwrap().is_empty() {
        b.store.ask_release(request()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // It ends without a word.
    drop(guard);
    b.until("s", HolderStatus::Gone).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_processes_that_insert_or_claim_one_session_at_a_time_one_succeeds() {
    let url = PostgresServer::shared().database();
    let (a, b) = (Postgres::connect(&url).await.unwrap(), Postgres::connect(&url).await.unwrap());
    for round in 0..50 {
        let session = format!("s{round}");
        let (one, other) = tokio::join!(
            a.save_whole("a", vec![whole(&session), whole(&format!("z{round}"))]),
            b.save_whole("b", vec![whole(&format!("z{round}")), whole(&session)]),
        );
        let (one, other) = (one.unwrap(), other.unwrap());
        assert_eq!(one.len() + other.len(), 2, "each session has one holder: {one:?} {other:?}");
        let seen = a.find(&id(&session)).await.unwrap().unwrap();
        let (one, other) =
            tokio::join!(a.claim(&id(&session), "a", &seen), b.claim(&id(&session), "b", &seen));
        assert!(one.unwrap().is_some() != other.unwrap().is_some());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leases_are_measured_by_the_clock_of_the_database() {
    let url = PostgresServer::shared().database();
    let store = Postgres::connect(&url).await.unwrap();
    let short = Duration::from_millis(100);
    store.renew_lease("a", short).await.unwrap();
    let brief = SessionState { head: vivaz::store::SnapshotHead { good_for: short, ..head() }, ..whole("s") };
    store.save_whole("a", vec![brief]).await.unwrap();
    // Another process removes the session after both times have passed, and not before.
    let begun = std::time::Instant::now();
    loop {
        store.renew_lease("b", Duration::from_millis(60)).await.unwrap();
        if store.expire("b").await.unwrap() == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(begun.elapsed() >= Duration::from_millis(150));
    assert!(store.find(&id("s")).await.unwrap().is_none());
}

#[tokio::test]
async fn tables_of_a_newer_version_are_refused() {
    let url = PostgresServer::shared().database();
    Postgres::connect(&url).await.unwrap().close().await;
    let newer = "UPDATE vivaz_migrations SET version = 99 WHERE name = 'vivaz_sessions'";
    PostgresServer::shared().query(url.rsplit('=').next().unwrap(), newer);
    let refused = Postgres::connect(&url).await.unwrap_err();
    assert!(matches!(refused, StoreError::TooNew { found: 99, known: 1 }), "{refused}");
}

/// A node of an application, with connections of its own.
async fn node(url: &str) -> (Server, Postgres) {
    let database = Postgres::connect(url).await.unwrap();
    let store = database.clone();
    let server =
        start_with(|builder| builder.store(store).save(Save::Every(Duration::from_secs(3_600)))).await;
    (server, database)
}

/// Waits until the node is registered that has the session.
async fn until_running(database: &Postgres, welcome: &serde_json::Value) {
    let session = id(welcome["session"].as_str().unwrap());
    while database.find(&session).await.unwrap().is_none_or(|head| head.status != HolderStatus::Running) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A page comes back to another node while the first one runs its session, then to the first one
/// after the other has ended. The handler's rows and the component's state are one transaction.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_moves_between_nodes_and_misses_nothing() {
    let url = PostgresServer::shared().database();
    let (a, database) = node(&url).await;
    database.run(|tx| tx.script("CREATE TABLE counts (count bigint)")).await.unwrap();
    let (mut b, _) = node(&url).await;
    let mut client = Client::hello(&a).await;
    let mounted = client.mount("t", "tally", json!({})).await;
    let added = client.act("t", "add", json!([2])).await;
    assert_eq!(added["payload"]["count"], 2);
    // The transaction fails in its last statement, and its first one is undone too.
    let failing = client.call("t", "add", json!([-7]));
    assert_error(&client.ask(failing).await, "action_failed");
    let welcome = client.welcome.clone();
    until_running(&database, &welcome).await;
    let mut moved = Client::resume(&b, &welcome, 3, position("t", &mounted, 1)).await;
    moved.count_from(3);
    assert_eq!(moved.welcome["resumed"], true);
    assert!(moved.drain().await.is_empty(), "the first node has released the session");
    assert_eq!(client.closed().await, 4409);
    assert_eq!(moved.act("t", "add", json!([3])).await["payload"]["count"], 5);
    let welcome = moved.welcome.clone();
    moved.cut();
    b.stop().await;
    let mut back = Client::resume(&a, &welcome, 4, position("t", &mounted, 2)).await;
    back.count_from(4);
    assert_eq!(back.welcome["resumed"], true);
    assert!(back.drain().await.is_empty());
    assert_eq!(back.act("t", "add", json!([1])).await["payload"]["count"], 6);
    let counts = database.run(|tx| tx.query::<i64>("SELECT count FROM counts ORDER BY count", ())).await;
    assert_eq!(counts.unwrap(), [2, 5, 6]);
}
