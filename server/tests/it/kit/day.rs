//! A day of a page: whatever happens to its connection, its tab, its server, the store and the
//! clocks, it works after a quiet period, with everything that was acknowledged.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::json;
use tokio::time::{Instant, sleep};
use vivaz::sqlite::Sqlite;
use vivaz::store::{Clock, SystemClock};
use vivaz::testing::{Page, Server, View};
use vivaz::{Limits, MemoryStore, Runtime, Save, SessionId};

use crate::app::{Bench, Closed, ClosedProps, Counter, CounterProps};
use crate::leases::Temporary;

/// An event of the day.
#[derive(Clone, Debug)]
enum Happens {
    /// A user clicks every button once.
    Click,
    /// The connection is cut, for a share of the time that a session is suspended.
    Cut(u32),
    /// The tab is in the background, for a share of the time that its session is then suspended.
    Hide(u32),
    /// The server restarts, as for a deploy.
    Restart,
    /// The server is killed after a save.
    Crash,
    /// Sets the wall clock forward or back, in seconds.
    Step(i64),
    /// The store loses the session's row.
    Lose,
    /// A pause of a part of an hour.
    Rest(u32),
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        6 => Just(Happens::Click),
        5 => (1..90_u32).prop_map(Happens::Cut),
        4 => (1..90_u32).prop_map(Happens::Hide),
        1 => Just(Happens::Restart),
        1 => Just(Happens::Crash),
        3 => (-90_000..90_000_i64).prop_map(Happens::Step),
        1 => Just(Happens::Lose),
        3 => (1..100_u32).prop_map(Happens::Rest),
    ]
}

/// The clock of a machine, with a wall clock that can be set.
struct Stepping {
    machine: SystemClock,
    start: Instant,
    seconds: AtomicI64,
}

impl Stepping {
    fn new() -> Arc<Self> {
        let seconds = AtomicI64::new(1_700_000_000);
        Arc::new(Self { machine: SystemClock::new(), start: Instant::now(), seconds })
    }
}

impl Clock for Stepping {
    fn wall(&self) -> Duration {
        let seconds = u64::try_from(self.seconds.load(Ordering::SeqCst)).unwrap_or(0);
        Duration::from_secs(seconds) + self.start.elapsed()
    }

    fn monotonic(&self) -> Duration {
        self.machine.monotonic()
    }
}

/// One component of each kind, with its acknowledged state.
struct Everything {
    page: Page,
    /// Plain, mounted by name.
    open: View,
    /// Plain, rendered and mounted with a seal.
    sealed: View,
    /// Has no effect of its own, and was mounted once.
    closed: View,
    durable: View,
    /// With a topic.
    shared: View,
    /// In a room.
    roomy: View,
    clicks: u64,
}

impl Everything {
    async fn open(server: &Server) -> Self {
        let page = server.page_as("ada", "Ada");
        let roomy = page.mount_open("lab", json!({})).await.unwrap();
        roomy.call("enter", ["hall"]).await.unwrap();
        Self {
            open: page.mount_open("counter", json!({})).await.unwrap(),
            sealed: page.mount::<Counter>(CounterProps { title: "Sealed".into(), count: 0 }).await.unwrap(),
            closed: page.mount::<Closed>(ClosedProps { text: "x".into() }).await.unwrap(),
            durable: page.mount_open("steady", json!({})).await.unwrap(),
            shared: page.mount_open("chat", json!({})).await.unwrap(),
            roomy,
            clicks: 0,
            page,
        }
    }

    /// Waits until the changes are saved.
    async fn saved(&self, scale: Scale) {
        self.page.settled().await;
        sleep(scale.saves * 4).await;
    }

    /// Clicks every button once. All actions succeed, and each component had its acknowledged
    /// state.
    async fn click(&mut self) {
        self.clicks += 1;
        let count = json!(self.clicks);
        self.open.call("increment", ()).await.unwrap();
        self.sealed.call("increment", ()).await.unwrap();
        assert_eq!(self.open.call("peek", ()).await.unwrap(), Some(count.clone()));
        assert_eq!(self.sealed.call("peek", ()).await.unwrap(), Some(count.clone()));
        assert_eq!(self.durable.call("add", ()).await.unwrap(), Some(count.clone()));
        assert_eq!(self.roomy.call("see", ()).await.unwrap(), Some(count.clone()));
        assert_eq!(self.shared.call("say_and_count", ["hello"]).await.unwrap(), Some(count.clone()));
        assert_eq!(self.closed.call("mounts", ()).await.unwrap(), Some(json!(1)));
        assert_eq!((&self.open.state()["count"], &self.durable.state()["count"]), (&count, &count));
        assert_eq!((self.page.sessions(), self.page.unanswered()), (1, 0));
    }
}

/// The limits that the durations of a day are shares of.
#[derive(Clone, Copy)]
struct Scale {
    suspended: Duration,
    hidden: Duration,
    /// The longest time that a connection is cut or a tab in the background: below the limit, by as
    /// much as a slow machine needs.
    cut: Duration,
    aside: Duration,
    hour: Duration,
    saves: Duration,
    lease: Duration,
}

impl Scale {
    const REAL: Self = Self {
        suspended: Duration::from_secs(300),
        hidden: Duration::from_secs(30),
        cut: Duration::from_secs(300),
        aside: Duration::from_secs(30),
        hour: Duration::from_secs(3_600),
        saves: Duration::from_secs(5),
        lease: Duration::from_secs(30),
    };
    const SHORT: Self = Self {
        suspended: Duration::from_secs(60),
        hidden: Duration::from_secs(60),
        cut: Duration::from_millis(80),
        aside: Duration::from_millis(80),
        hour: Duration::from_millis(80),
        saves: Duration::from_millis(10),
        lease: Duration::from_millis(60),
    };

    fn builder(self) -> vivaz::Builder {
        let limits = Limits {
            suspended_time: self.suspended,
            hidden_time: self.hidden,
            lease_time: self.lease,
            ..Limits::default()
        };
        Runtime::builder().limits(limits).save(Save::Every(self.saves))
    }
}

/// The events of a day, in order.
async fn live(
    server: &Server,
    clock: &Stepping,
    scale: Scale,
    script: &[Happens],
    lose: impl AsyncFn(SessionId),
    over: impl Fn() -> bool,
) {
    let mut page = Everything::open(server).await;
    while !over() {
        for one in script {
            assert_eq!(page.page.sessions(), 1, "before {one:?} of {script:?}");
            match one {
                Happens::Click => page.click().await,
                Happens::Cut(share) => {
                    page.page.network().offline();
                    sleep(scale.cut * *share / 100).await;
                    page.page.network().online();
                    // A page that leaves again before it has resumed would be away for longer than
                    // the limit.
                    page.page.settled().await;
                }
                Happens::Hide(share) => {
                    page.page.network().put_aside();
                    sleep(scale.aside * *share / 100).await;
                    page.page.network().online();
                    page.page.settled().await;
                }
                Happens::Restart => server.restart().await,
                Happens::Crash => {
                    page.saved(scale).await;
                    server.crash();
                }
                Happens::Step(seconds) => {
                    clock.seconds.fetch_add(*seconds, Ordering::SeqCst);
                }
                Happens::Lose => {
                    page.page.settled().await;
                    let session = page.page.client(|client| client.session().map(str::to_owned));
                    lose(SessionId::new(&session.unwrap()).unwrap()).await;
                    // A lost session can be written again while a process has it in memory.
                    page.click().await;
                    page.saved(scale).await;
                }
                Happens::Rest(share) => {
                    sleep(scale.hour * *share / 100).await;
                    page.page.settled().await;
                    page.click().await;
                }
            }
        }
        page.page.settled().await;
        page.click().await;
    }
}

fn scripts(seeds: u32, length: usize) -> Vec<Vec<Happens>> {
    let mut runner = TestRunner::deterministic();
    let strategy = prop::collection::vec(happens(), length);
    (0..seeds).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_page_survives_a_day_of_random_events() {
    for script in scripts(4, 40) {
        let clock = Stepping::new();
        let store = MemoryStore::with_clock(clock.clone());
        let (kept, bench) = (store.clone(), Arc::new(Bench::default()));
        let server = Server::new(move || Scale::REAL.builder().store(kept.clone()).state(Arc::clone(&bench)));
        let start = Instant::now();
        let lose = async |session| assert!(store.lose(&session));
        let over = || start.elapsed() >= Duration::from_secs(24 * 60 * 60);
        live(&server, &clock, Scale::REAL, &script, lose, over).await;
        assert_eq!(store.len(), 1);
    }
}

#[tokio::test]
async fn with_sqlite_it_does_too_in_less_time() {
    let file = Temporary::new();
    for script in scripts(2, 30) {
        let clock = Stepping::new();
        let store = Sqlite::open_with_clock(&file.0, clock.clone()).unwrap();
        let (kept, bench) = (store.clone(), Arc::new(Bench::default()));
        let server =
            Server::new(move || Scale::SHORT.builder().store(kept.clone()).state(Arc::clone(&bench)));
        let lose = async |session: SessionId| {
            let sql = "DELETE FROM vivaz_sessions WHERE id = ?1";
            let lost = store.run(move |tx| tx.execute(sql, [session.as_str()])).await;
            assert_eq!(lost.unwrap(), 1);
        };
        let rounds = std::cell::Cell::new(0);
        let over = || rounds.replace(rounds.get() + 1) == 1;
        live(&server, &clock, Scale::SHORT, &script, lose, over).await;
        server.stop().await;
    }
}
