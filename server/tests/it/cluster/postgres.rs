//! PostgreSQL keeps the contracts of topic logs and buses, with a real server.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, UnixStream};
use tokio::sync::watch;
use vivaz::DatabaseError;
use vivaz::cluster::{
    Appended, Bus, Cluster as _, LogEntry, LogError, LogFeed, LogPosition, LogTail, PostgresNode, TopicId,
    TopicLog,
};
use vivaz::instance::BoxFuture;
use vivaz::postgres::{IsolationLevel, Postgres, PostgresOptions};
use vivaz::testing::{
    ClusterCase, ClusterTransaction, ClusterUnderTest, Epoch, Rev, TopicName, bus_cases, log_cases,
    log_transaction_cases,
};
use vivaz_test_servers::PostgresServer;

/// A network between a node and the server.
struct Line {
    url: String,
    is_up: watch::Sender<bool>,
}

impl Line {
    async fn new(server: &PostgresServer, database: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (is_up, state) = watch::channel(true);
        let socket = server.socket();
        tokio::spawn(async move {
            loop {
                let (mut here, _) = listener.accept().await.unwrap();
                let (socket, mut state) = (socket.clone(), state.clone());
                tokio::spawn(async move {
                    let carry = async {
                        let mut there = UnixStream::connect(socket).await?;
                        copy_bidirectional(&mut here, &mut there).await
                    };
                    tokio::select! {
                        biased;
                        _ = state.wait_for(|is_up| !is_up) => {}
                        _ = carry => {}
                    }
                });
            }
        });
        Self { url: format!("host=127.0.0.1 port={port} user=postgres dbname={database}"), is_up }
    }
}

/// Three nodes on a server.
struct OnPostgres {
    lines: Vec<Line>,
    databases: Vec<Postgres>,
    nodes: Vec<PostgresNode>,
}

fn name(url: &str) -> &str {
    url.rsplit('=').next().unwrap()
}

impl OnPostgres {
    async fn new(server: &PostgresServer, url: &str, isolation: IsolationLevel) -> Arc<Self> {
        let mut three = Self { lines: Vec::new(), databases: Vec::new(), nodes: Vec::new() };
        for _ in 0..3 {
            let line = Line::new(server, name(url)).await;
            let second = Duration::from_secs(1);
            let options = PostgresOptions {
                connections: 3,
                connect_time: second,
                wait_time: second,
                isolation,
                ..PostgresOptions::default()
            };
            let database = Postgres::connect_with(&line.url, options).await.unwrap();
            three.nodes.push(PostgresNode::join(&database).await.unwrap());
            three.databases.push(database);
            three.lines.push(line);
        }
        Arc::new(three)
    }
}

impl ClusterUnderTest for OnPostgres {
    fn log(&self, node: usize) -> Arc<dyn TopicLog> {
        self.nodes[node].log()
    }

    fn bus(&self, node: usize) -> Arc<dyn Bus> {
        self.nodes[node].bus()
    }

    fn cut(&self, node: usize) -> BoxFuture<()> {
        self.lines[node].is_up.send_replace(false);
        Box::pin(std::future::ready(()))
    }

    fn restore(&self, node: usize) -> BoxFuture<()> {
        self.lines[node].is_up.send_replace(true);
        Box::pin(std::future::ready(()))
    }

    fn transaction(&self, node: usize, work: ClusterTransaction) -> BoxFuture<Result<(), DatabaseError>> {
        let database = self.databases[node].clone();
        Box::pin(async move { database.run(work).await })
    }
}

async fn keeps(cases: impl Iterator<Item = ClusterCase>, isolation: IsolationLevel) {
    let server = PostgresServer::shared();
    for case in cases {
        case.run(OnPostgres::new(server, &server.database(), isolation).await).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_in_postgres_keep_the_contract() {
    keeps(log_cases(), IsolationLevel::ReadCommitted).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transactions_on_logs_in_postgres_keep_the_contract() {
    keeps(log_transaction_cases(), IsolationLevel::ReadCommitted).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bus_on_postgres_keeps_the_contract() {
    keeps(bus_cases(), IsolationLevel::ReadCommitted).await;
}

/// Applications may want another isolation for their own transactions.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_in_postgres_keep_the_contract_with_strict_isolation() {
    let races = [
        "exactly_one_append_takes_each_revision",
        "a_log_begins_once",
        "a_snapshot_replaces_the_entries_before_it",
    ];
    let cases = || log_cases().filter(|case| races.contains(&case.name));
    assert_eq!(cases().count(), races.len());
    keeps(cases(), IsolationLevel::RepeatableRead).await;
}

fn topic() -> TopicId {
    TopicId { tenant: Some("t\0".into()), name: TopicName::new("faults").unwrap() }
}

fn at(rev: u64) -> LogPosition {
    LogPosition {
        epoch: Epoch::new("e").unwrap(),
        rev: Rev(rev),
        chain: rev.wrapping_mul(0x9e37_79b9_7f4a_7c15),
    }
}

async fn begin(log: &dyn TopicLog) {
    assert_eq!(log.begin(&topic(), None, at(0), "".into()).await.unwrap(), Appended::Done);
}

/// Appends an entry for each of `count` revisions, as a topic does: after an error it reads what
/// the log has. Returns how many calls failed.
async fn append_all(log: &dyn TopicLog, count: u64, mut after_each: impl FnMut(u64)) -> usize {
    let (mut end, mut failures) = (0, 0);
    while end < count {
        let entry = LogEntry { at: at(end + 1), body: format!("{}", end + 1).into() };
        match log.append(&topic(), &at(end), entry).await {
            Ok(Appended::Done) => {
                end += 1;
                after_each(end);
                continue;
            }
            Ok(Appended::Moved) => panic!("no other node appends"),
            Err(LogError::Unavailable(_) | LogError::Unknown(_)) => failures += 1,
            Err(error) => panic!("{error}"),
        }
        loop {
            match log.read(&topic(), &at(end)).await {
                Ok(LogTail::Entries(entries)) => {
                    assert!(entries.len() <= 1, "the call took effect once or not at all");
                    end += entries.len() as u64;
                    break;
                }
                Ok(LogTail::Gone) => panic!("entry {end} is lost"),
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }
    failures
}

async fn check_all(log: &dyn TopicLog, count: u64) {
    let opened = log.open(&topic()).await.unwrap().unwrap();
    assert_eq!((opened.at, opened.tail.len() as u64), (at(0), count));
    for (entry, rev) in opened.tail.iter().zip(1..) {
        assert_eq!((&entry.at, &*entry.body), (&at(rev), rev.to_string().as_bytes()));
    }
}

/// The processes of the server that serve a node are ended again and again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_appends_survive_the_end_of_their_connections() {
    let server = PostgresServer::shared();
    let url = server.database();
    let database = Postgres::connect(&url).await.unwrap();
    let log = PostgresNode::join(&database).await.unwrap().log();
    begin(&*log).await;
    let ending = url.clone();
    let (stop, stopped) = watch::channel(false);
    let terminating = tokio::task::spawn_blocking(move || {
        let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid()";
        let mut ended = 0;
        while !*stopped.borrow() || ended < 10 {
            ended += server.query(name(&ending), end).parse::<u64>().unwrap();
            std::thread::sleep(Duration::from_millis(15));
        }
    });
    append_all(&*log, 200, |_| ()).await;
    stop.send_replace(true);
    terminating.await.unwrap();
    let other = Postgres::connect(&url).await.unwrap();
    check_all(&*PostgresNode::join(&other).await.unwrap().log(), 200).await;
}

/// The server is stopped for five seconds, and killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appends_survive_a_stop_and_a_kill_of_the_server() {
    let server = Arc::new(PostgresServer::start());
    let url = server.database();
    let options = PostgresOptions { wait_time: Duration::from_secs(1), ..PostgresOptions::default() };
    let database = Postgres::connect_with(&url, options).await.unwrap();
    let node = PostgresNode::join(&database).await.unwrap();
    let log = node.log();
    begin(&*log).await;
    let (reached, mut reaching) = watch::channel(0);
    let ending = Arc::clone(&server);
    let faults = tokio::spawn(async move {
        reaching.wait_for(|end| *end >= 50).await.unwrap();
        tokio::task::block_in_place(|| ending.stop());
        tokio::time::sleep(Duration::from_secs(5)).await;
        tokio::task::block_in_place(|| ending.resume());
        reaching.wait_for(|end| *end >= 100).await.unwrap();
        tokio::task::block_in_place(|| {
            ending.kill();
            ending.resume();
        });
    });
    let failures = append_all(&*log, 150, |end| {
        reached.send_replace(end);
    })
    .await;
    faults.await.unwrap();
    assert!(failures > 0, "calls fail while the server is away");
    check_all(&*log, 150).await;
    // Others are known again when every node had the time to renew its lease.
    let begun = std::time::Instant::now();
    while node.bus().nodes().is_none() {
        assert!(begun.elapsed() < Duration::from_secs(40));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A log that no node keeps is removed with its entries.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_is_not_kept_is_removed() {
    let server = PostgresServer::shared();
    let url = server.database();
    let database = Postgres::connect(&url).await.unwrap();
    let log = PostgresNode::join(&database).await.unwrap().log();
    begin(&*log).await;
    append_all(&*log, 3, |_| ()).await;
    server.query(name(&url), "UPDATE vivaz_topics SET kept_until = vivaz_now(NULL) + 60000");
    log.keep(&topic(), &at(3), None).await.unwrap();
    let kept = "SELECT kept_until > vivaz_now(NULL) + 3000000 FROM vivaz_topics";
    assert_eq!(server.query(name(&url), kept), "t");
    check_all(&*log, 3).await;
    server.query(name(&url), "UPDATE vivaz_topics SET kept_until = 0");
    let begun = std::time::Instant::now();
    while log.open(&topic()).await.unwrap().is_some() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it is removed");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(server.query(name(&url), "SELECT count(*) FROM vivaz_entries"), "0");
    begin(&*log).await;
    append_all(&*log, 3, |_| ()).await;
}

/// Counts what a feed is notified of.
#[derive(Default)]
struct Looks(AtomicUsize);

impl LogFeed for Looks {
    fn entry(&self, _: LogEntry) {
        self.look();
    }

    fn look(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// An entry without a notification is found, and a topic that does not change is left alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_whose_notification_is_lost_is_found() {
    let server = PostgresServer::shared();
    let url = server.database();
    let database = Postgres::connect(&url).await.unwrap();
    let log = PostgresNode::join(&database).await.unwrap().log();
    begin(&*log).await;
    append_all(&*log, 3, |_| ()).await;
    let feed = Arc::<Looks>::default();
    let _guard = log.follow(&topic(), feed.clone()).await.unwrap();
    let until_more = async |than: usize| {
        let begun = std::time::Instant::now();
        while feed.0.load(Ordering::SeqCst) <= than {
            assert!(begun.elapsed() < Duration::from_secs(40), "the entry is found");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    until_more(0).await;
    server.query(
        name(&url),
        "WITH moved AS (UPDATE vivaz_topics SET rev = 4, chain = 4 RETURNING id) \
         INSERT INTO vivaz_entries SELECT id, 4, 4, '4' FROM moved",
    );
    until_more(1).await;
    assert_eq!(feed.0.load(Ordering::SeqCst), 2, "one look for each change");
}
