//! The session store in PostgreSQL, with a real server.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use vivaz::postgres::{Postgres, PostgresOptions};
use vivaz::store::{Fence, HolderStatus, ReleaseListener, SessionState};
use vivaz::testing::{ManualClock, store_cases};
use vivaz::{SessionId, SessionStore, StoreError};
use vivaz_test_servers::PostgresServer;

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

/// The store of a process with a lease, and what it is asked for.
struct StoreProcess {
    store: Postgres,
    asked: Arc<Mutex<Vec<(SessionId, Fence)>>>,
}

impl StoreProcess {
    async fn start(url: &str, name: &str) -> (Self, vivaz::store::ProcessGuard) {
        let store = Postgres::connect(url).await.unwrap();
        store.renew_lease(name, LEASE).await.unwrap();
        let asked = Arc::<Mutex<Vec<_>>>::default();
        let heard = Arc::clone(&asked);
        let listener = ReleaseListener::new(move |session, fence| heard.lock().unwrap().push((session.clone(), fence)));
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
    b.store.ask_release(&id("s"), Fence::FIRST).await.unwrap();
    while a.asked.lock().unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(*a.asked.lock().unwrap(), [(id("s"), Fence::FIRST)]);
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
        b.store.ask_release(&id("s"), Fence::FIRST).await.unwrap();
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
        let (one, other) = tokio::join!(a.claim(&id(&session), "a", &seen), b.claim(&id(&session), "b", &seen));
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
