//! Servers that stop, die and do not answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, UnixStream};
use tokio::sync::watch;
use vivaz_databases::postgres::{Database, PostgresOptions};
use vivaz_databases::{DatabaseError, Tx};
use vivaz_test_servers::PostgresServer;

use crate::reopen;

/// Writers that count, each with a key and its own row. Each knows what it was told.
struct Writers {
    database: Database,
    stop: watch::Sender<bool>,
    tasks: Vec<tokio::task::JoinHandle<Vec<Outcome>>>,
    published: Arc<Vec<AtomicUsize>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Outcome {
    Done,
    Undone,
    Unknown,
}

const TABLE: &str = "CREATE TABLE written (writer bigint, n bigint, PRIMARY KEY (writer, n))";

impl Writers {
    async fn start(url: &str, options: PostgresOptions, writers: usize) -> Self {
        let (database, ()) = Database::connect(url, options, |tx| tx.script(TABLE)).await.unwrap();
        let (stop, stopped) = watch::channel(false);
        let published: Arc<Vec<AtomicUsize>> =
            Arc::new((0..writers * 100_000).map(|_| AtomicUsize::new(0)).collect());
        let write = |writer: usize| {
            let (database, stopped, published) = (database.clone(), stopped.clone(), Arc::clone(&published));
            tokio::spawn(async move {
                let mut outcomes = Vec::new();
                while !*stopped.borrow() {
                    let n = outcomes.len();
                    let published = Arc::clone(&published);
                    let done = database.submit_for(
                        [writer.to_string()],
                        move |tx: &mut Tx| {
                            tx.execute("INSERT INTO written VALUES (?1, ?2)", (writer as i64, n as i64))
                        },
                        move |_| published[writer * 100_000 + n].fetch_add(1, Ordering::Relaxed),
                    );
                    outcomes.push(match done.await {
                        Ok(_) => Outcome::Done,
                        Err(DatabaseError::Unknown(_)) => Outcome::Unknown,
                        Err(DatabaseError::Unavailable(_)) => Outcome::Undone,
                        Err(error) => panic!("{error}"),
                    });
                }
                outcomes
            })
        };
        let tasks = (0..writers).map(write).collect();
        Self { database, stop, tasks, published }
    }

    /// Waits until each writer has written after this moment.
    async fn go_on(&self, url_of_server: &PostgresServer, database: &str) {
        let rows = || async {
            url_of_server.query(database, "SELECT string_agg(max::text, ',' ORDER BY writer) FROM (SELECT writer, max(n) FROM written GROUP BY 1) a")
        };
        let before = rows().await;
        let before: Vec<i64> = before.split(',').filter_map(|n| n.parse().ok()).collect();
        loop {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let now = rows().await;
            let now: Vec<i64> = now.split(',').filter_map(|n| n.parse().ok()).collect();
            if now.len() == self.tasks.len()
                && (before.len() < now.len() || now.iter().zip(&before).all(|(now, before)| now > before))
            {
                return;
            }
        }
    }

    /// Compares what the writers were told with what is in the database.
    async fn check(self, url: &str) -> [usize; 3] {
        self.stop.send_replace(true);
        let mut counts = [0; 3];
        let database = reopen(url).await;
        for (writer, task) in self.tasks.into_iter().enumerate() {
            let outcomes = task.await.unwrap();
            let rows = database
                .run(move |tx| tx.query::<u64>("SELECT n FROM written WHERE writer = ?1", [writer as i64]))
                .await
                .unwrap();
            for (n, outcome) in outcomes.iter().enumerate() {
                let (is_there, published) = (
                    rows.contains(&(n as u64)),
                    self.published[writer * 100_000 + n].load(Ordering::Relaxed),
                );
                match outcome {
                    Outcome::Done => assert!(is_there && published == 1, "{writer} {n}"),
                    Outcome::Undone => assert!(!is_there && published == 0, "{writer} {n}"),
                    Outcome::Unknown => assert_eq!(published, 0, "{writer} {n}"),
                }
                counts[*outcome as usize] += 1;
            }
        }
        self.database.close().await;
        counts
    }
}

fn quick() -> PostgresOptions {
    PostgresOptions { connect_time: Duration::from_secs(1), ..PostgresOptions::default() }
}

fn name(url: &str) -> &str {
    url.rsplit('=').next().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_writers_survive_stops_and_kills_of_the_server() {
    let server = PostgresServer::start();
    let url = server.database();
    let writers = Writers::start(&url, quick(), 64).await;
    writers.go_on(&server, name(&url)).await;
    for round in 0..4 {
        if round % 2 == 0 {
            server.kill();
        } else {
            server.stop();
        }
        server.resume();
        writers.go_on(&server, name(&url)).await;
    }
    let [done, undone, unknown] = writers.check(&url).await;
    assert!(done > 64 && undone + unknown > 0, "{done} {undone} {unknown}");
}

#[tokio::test]
async fn while_the_server_is_away_transactions_wait_and_are_refused_then() {
    let server = PostgresServer::start();
    let url = server.database();
    let options = PostgresOptions { wait_time: Duration::from_secs(2), ..quick() };
    let writers = Writers::start(&url, options, 1).await;
    writers.go_on(&server, name(&url)).await;
    server.stop();
    let read = |tx: &mut Tx| tx.query_first::<i64>("SELECT count(*) FROM written", ());
    // Those that were sent to a connection that was about to end are refused at once; then all
    // wait.
    let refused = loop {
        let begun = std::time::Instant::now();
        let error = writers.database.run(read).await.unwrap_err();
        assert!(matches!(error, DatabaseError::Unavailable(_)), "{error}");
        if begun.elapsed() > Duration::from_secs(1) {
            break error;
        }
    };
    assert!(refused.to_string().contains("cannot be reached"), "{refused}");
    // Transactions that wait when the server is back run.
    let waiting = writers.database.submit(read, |count| count);
    server.resume();
    let waited: Result<Option<i64>, DatabaseError> = waiting.await;
    assert!(waited.is_ok() || matches!(waited, Err(DatabaseError::Unavailable(_))));
    writers.go_on(&server, name(&url)).await;
    let [done, undone, _] = writers.check(&url).await;
    assert!(done > 0 && undone > 0);
}

/// A network between the database and the server that is cut, or swallows what is sent.
struct Line {
    url: String,
    cut: watch::Sender<u64>,
    carried: Arc<AtomicU64>,
}

impl Line {
    async fn new(server: &PostgresServer, database: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (cut, cuts) = watch::channel(0);
        let (socket, carried) = (server.socket(), Arc::new(AtomicU64::new(0)));
        let counted = Arc::clone(&carried);
        tokio::spawn(async move {
            loop {
                let (mut here, _) = listener.accept().await.unwrap();
                counted.fetch_add(1, Ordering::Relaxed);
                let (socket, mut cuts) = (socket.clone(), cuts.clone());
                cuts.mark_unchanged();
                tokio::spawn(async move {
                    let Ok(mut there) = UnixStream::connect(socket).await else { return };
                    tokio::select! {
                        _ = copy_bidirectional(&mut here, &mut there) => {}
                        _ = cuts.changed() => {}
                    }
                });
            }
        });
        Self { url: format!("host=127.0.0.1 port={port} user=postgres dbname={database}"), cut, carried }
    }

    /// Cuts all connections.
    fn cut(&self) {
        self.cut.send_modify(|cuts| *cuts += 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_connections_are_established_again() {
    let server = PostgresServer::shared();
    let url = server.database();
    let line = Line::new(server, name(&url)).await;
    let writers = Writers::start(&line.url, quick(), 16).await;
    for _ in 0..6 {
        writers.go_on(server, name(&url)).await;
        line.cut();
    }
    writers.go_on(server, name(&url)).await;
    let [done, undone, unknown] = writers.check(&url).await;
    assert!(done > 16 && undone + unknown > 0, "{done} {undone} {unknown}");
    assert!(line.carried.load(Ordering::Relaxed) > 8);
}

/// The server holds the `COMMIT` of a transaction whose connection is lost. The next transaction of
/// its key does not start before the fate of the first is settled.
#[tokio::test]
async fn a_commit_whose_connection_is_lost_does_not_land_behind_the_next_transaction() {
    let server = PostgresServer::shared();
    let url = server.database();
    let line = Line::new(server, name(&url)).await;
    // A deferred trigger runs during `COMMIT`, and waits there.
    let tables = "CREATE TABLE slow (n bigint); \
         CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(1.5); RETURN NULL; END $$; \
         CREATE CONSTRAINT TRIGGER waits AFTER INSERT ON slow DEFERRABLE INITIALLY DEFERRED \
         FOR EACH ROW WHEN (NEW.n = 1) EXECUTE FUNCTION wait()";
    let (database, ()) = Database::connect(&line.url, quick(), move |tx| tx.script(tables)).await.unwrap();
    let insert = |n: i64| {
        database.submit_for(["a"], move |tx| tx.execute("INSERT INTO slow VALUES (?1)", [n]), |_| ())
    };
    let first = insert(1);
    let second = database.submit_for(
        ["a"],
        |tx| {
            let before: Vec<i64> = tx.query("SELECT n FROM slow", ())?;
            tx.execute("SELECT pg_sleep(2)::text", ())?;
            let after: Vec<i64> = tx.query("SELECT n FROM slow", ())?;
            Ok((before, after))
        },
        |seen| seen,
    );
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'RELEASE%' AND datname = current_database()";
    while server.query(name(&url), waits) == "0" {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    line.cut();
    let first: Result<(), DatabaseError> = first.await;
    assert!(matches!(first, Err(DatabaseError::Unknown(_))), "{first:?}");
    let seen: Result<_, DatabaseError> = second.await;
    let (before, after) = seen.unwrap();
    assert_eq!(before, after, "the first transaction has landed while the second one ran");
}
