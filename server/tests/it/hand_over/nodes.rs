//! Pages that move between three runtimes on one store, by seed and with simulated time.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use serde_json::json;
use tokio::sync::{Mutex, Notify};
use tokio::time::{sleep, timeout};
use vivaz::instance::BoxFuture;
use vivaz::prelude::*;
use vivaz::sqlite::Sqlite;
use vivaz::store::{
    Commit, CommitError, Owner, Secrets, SessionHead, SessionState, Snapshot, StoredSession, WriteError,
    WriteRefusal,
};
use vivaz::testing::{Call, Page, Server, View};
use vivaz::{Limits, MemoryStore, Runtime, Save, SessionId, SessionStore, StoreError};

use crate::leases::Temporary;
use crate::logs::Log;

/// Keeps its entries in the order in which they arrive. Some arrive after a wait.
#[derive(LiveComponent, Clone)]
#[live(name = "node-diary", inline = "<p>{{ entries.len() }}</p>", open)]
struct Diary {
    #[live(default)]
    entries: Vec<u64>,
}

#[actions]
impl Diary {
    #[action]
    async fn add(&mut self, entry: u64) -> u64 {
        sleep(Duration::from_millis(entry % 7 * 300)).await;
        self.entries.push(entry);
        entry
    }
}

/// The same, and each change is committed.
#[derive(LiveComponent, Clone)]
#[live(name = "node-ledger", inline = "<p>{{ entries.len() }}</p>", open, durable)]
struct Ledger {
    #[live(default)]
    entries: Vec<u64>,
}

#[actions]
impl Ledger {
    #[action]
    async fn add(&mut self, entry: u64) -> u64 {
        sleep(Duration::from_millis(entry % 5 * 200)).await;
        self.entries.push(entry);
        entry
    }
}

/// The way of one process to the store. While the process is suspended, its calls wait, and so do
/// the questions to it: to the others, it is silent. Then they arrive all at once.
#[derive(Clone)]
struct Way<S> {
    store: S,
    is_suspended: Arc<AtomicBool>,
    woken: Arc<Notify>,
    /// The number of calls that wait. Later calls do not overtake them.
    waiting: Arc<AtomicUsize>,
    order: Arc<Mutex<()>>,
}

impl<S: SessionStore + Clone> Way<S> {
    fn to(store: S) -> Self {
        let (waiting, order) = (Arc::default(), Arc::default());
        Self { store, is_suspended: Arc::default(), woken: Arc::default(), waiting, order }
    }

    fn suspend(&self) {
        self.is_suspended.store(true, Ordering::SeqCst);
    }

    fn wake(&self) {
        self.is_suspended.store(false, Ordering::SeqCst);
        self.woken.notify_waiters();
    }

    /// Makes a call, also if its future is dropped meanwhile: it was on its way.
    fn call<T: Send + 'static, E: From<StoreError> + Send + 'static>(
        &self,
        call: impl FnOnce(&S) -> BoxFuture<Result<T, E>> + Send + 'static,
    ) -> BoxFuture<Result<T, E>> {
        if !self.is_suspended.load(Ordering::SeqCst) && self.waiting.load(Ordering::SeqCst) == 0 {
            return call(&self.store);
        }
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let way = self.clone();
        let called = tokio::spawn(async move {
            let _turn = way.order.lock().await;
            while way.is_suspended.load(Ordering::SeqCst) {
                way.woken.notified().await;
            }
            let called = call(&way.store).await;
            way.waiting.fetch_sub(1, Ordering::SeqCst);
            called
        });
        Box::pin(async move { called.await.map_err(StoreError::failed)? })
    }
}

impl<S: SessionStore + Clone> SessionStore for Way<S> {
    fn find(&self, session: &SessionId) -> BoxFuture<Result<Option<SessionHead>, StoreError>> {
        let session = session.clone();
        self.call(move |store| store.find(&session))
    }

    fn claim(
        &self,
        session: &SessionId,
        by: &str,
        seen: &SessionHead,
    ) -> BoxFuture<Result<Option<StoredSession>, StoreError>> {
        let (session, by, seen) = (session.clone(), by.to_owned(), seen.clone());
        self.call(move |store| store.claim(&session, &by, &seen))
    }

    fn save(
        &self,
        by: &str,
        sessions: Vec<Snapshot>,
    ) -> BoxFuture<Result<Vec<(SessionId, WriteRefusal)>, StoreError>> {
        let by = by.to_owned();
        self.call(move |store| store.save(&by, sessions))
    }

    fn save_whole(
        &self,
        by: &str,
        sessions: Vec<SessionState>,
    ) -> BoxFuture<Result<Vec<(SessionId, WriteRefusal)>, StoreError>> {
        let by = by.to_owned();
        self.call(move |store| store.save_whole(&by, sessions))
    }

    fn commit(&self, commit: Commit) -> BoxFuture<Result<(), CommitError>> {
        self.call(move |store| store.commit(commit))
    }

    fn renew(
        &self,
        session: &SessionId,
        by: &str,
        fence: vivaz::store::Fence,
        secrets: Secrets,
        good_for: Duration,
    ) -> BoxFuture<Result<(), WriteError>> {
        let (session, by) = (session.clone(), by.to_owned());
        self.call(move |store| store.renew(&session, &by, fence, secrets, good_for))
    }

    fn release(
        &self,
        session: &SessionId,
        by: &str,
        fence: vivaz::store::Fence,
        state: vivaz::store::ReleasedAs,
    ) -> BoxFuture<Result<(), StoreError>> {
        let (session, by) = (session.clone(), by.to_owned());
        self.call(move |store| store.release(&session, &by, fence, state))
    }

    fn delete(
        &self,
        by: &str,
        sessions: Vec<(SessionId, vivaz::store::Fence)>,
    ) -> BoxFuture<Result<(), StoreError>> {
        let by = by.to_owned();
        self.call(move |store| store.delete(&by, sessions))
    }

    fn forget_user(&self, owner: &Owner) -> BoxFuture<Result<usize, StoreError>> {
        let owner = owner.clone();
        self.call(move |store| store.forget_user(&owner))
    }

    fn renew_lease(&self, by: &str, length: Duration) -> BoxFuture<Result<Vec<SessionId>, StoreError>> {
        let by = by.to_owned();
        self.call(move |store| store.renew_lease(&by, length))
    }

    fn expire(&self, by: &str) -> BoxFuture<Result<usize, StoreError>> {
        let by = by.to_owned();
        self.call(move |store| store.expire(&by))
    }

    fn register(
        &self,
        by: &str,
        listener: vivaz::store::ReleaseListener,
    ) -> BoxFuture<Result<vivaz::store::ProcessGuard, StoreError>> {
        let (by, way) = (by.to_owned(), self.clone());
        self.call(move |store| {
            let listener = vivaz::store::ReleaseListener::new(move |request| {
                let (way, listener) = (way.clone(), listener.clone());
                if !way.is_suspended.load(Ordering::SeqCst) {
                    return listener.ask(request);
                }
                tokio::spawn(async move {
                    while way.is_suspended.load(Ordering::SeqCst) {
                        way.woken.notified().await;
                    }
                    listener.ask(request);
                });
            });
            store.register(&by, listener)
        })
    }

    fn ask_release(&self, request: vivaz::store::ReleaseRequest) -> BoxFuture<Result<(), StoreError>> {
        self.call(move |store| store.ask_release(request))
    }

    fn close(&self, by: &str) -> BoxFuture<Result<(), StoreError>> {
        let by = by.to_owned();
        self.call(move |store| store.close(&by))
    }
}

/// Pseudo-random numbers from a seed: SplitMix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let number = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (number ^ (number >> 31)) % bound
    }

    fn index(&mut self, bound: usize) -> usize {
        usize::try_from(self.below(bound as u64)).unwrap()
    }
}

/// What happens besides moves and lost connections.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Weather {
    /// Planned restarts. Nothing may be lost.
    Calm,
    /// Kills and suspended processes. Only durable components keep what they have acknowledged.
    Rough,
}

/// A page with a plain and a durable component.
struct Visitor {
    page: Page,
    diary: View,
    ledger: View,
    calls: Vec<(bool, u64, Call)>,
    /// The server to which it connects.
    at: usize,
}

impl Visitor {
    async fn open(server: &Server, at: usize) -> Self {
        let page = server.page();
        let diary = page.mount_open("node-diary", json!({})).await.unwrap();
        let ledger = page.mount_open("node-ledger", json!({})).await.unwrap();
        Self { page, diary, ledger, calls: Vec::new(), at }
    }

    fn entries(&self, durable: bool) -> Vec<u64> {
        let view = if durable { &self.ledger } else { &self.diary };
        serde_json::from_value(view.state()["entries"].clone()).unwrap()
    }

    fn check(&self, weather: Weather, when: &str) {
        assert_eq!(self.page.sessions(), 1, "{when}");
        for durable in [true, false] {
            let entries = self.entries(durable);
            let distinct: BTreeSet<u64> = entries.iter().copied().collect();
            assert_eq!(distinct.len(), entries.len(), "applied twice {when}: {entries:?}");
            assert!(entries.is_sorted(), "out of order {when}: {entries:?}");
            for (of_durable, entry, call) in &self.calls {
                if *of_durable != durable {
                    continue;
                }
                match call.answer() {
                    Some(Ok(_)) if durable || weather == Weather::Calm => {
                        assert!(distinct.contains(entry), "{entry} is lost {when}: {entries:?}");
                    }
                    Some(Ok(_)) => {}
                    answer => panic!("{entry}, {when}: {answer:?}"),
                }
            }
        }
    }
}

/// Three servers on one store and their pages.
struct Cluster<S> {
    dice: Dice,
    weather: Weather,
    ways: Vec<Way<S>>,
    servers: Vec<Server>,
    visitors: Vec<Visitor>,
    entries: u64,
    /// The number of steps.
    steps: u32,
    /// The divisor of each pause.
    haste: u32,
}

impl<S: SessionStore + Clone> Cluster<S> {
    async fn start(seed: u64, weather: Weather, stores: Vec<S>) -> Self {
        let ways: Vec<Way<S>> = stores.into_iter().map(Way::to).collect();
        let servers: Vec<Server> = ways
            .iter()
            .map(|way| {
                let way = way.clone();
                Server::new(move || {
                    let hour = Duration::from_secs(3_600);
                    let limits = Limits { suspended_time: hour, hidden_time: hour, ..Limits::default() };
                    Runtime::builder().limits(limits).store(way.clone()).save(Save::Every(hour))
                })
            })
            .collect();
        let mut dice = Dice(seed);
        let mut visitors = Vec::new();
        for _ in 0..2 {
            let at = dice.index(servers.len());
            visitors.push(Visitor::open(&servers[at], at).await);
        }
        Self { dice, weather, ways, servers, visitors, entries: 0, steps: 40, haste: 1 }
    }

    fn add(&mut self) {
        self.entries += 1;
        let (durable, at) = (self.dice.below(2) == 0, self.dice.index(self.visitors.len()));
        let visitor = &mut self.visitors[at];
        let view = if durable { &visitor.ledger } else { &visitor.diary };
        let call = view.call("add", [self.entries]);
        visitor.calls.push((durable, self.entries, call));
    }

    async fn step(&mut self) {
        let rest = Duration::from_millis(self.dice.below(4_000)) / self.haste;
        let node = self.dice.index(self.servers.len());
        let at = self.dice.index(self.visitors.len());
        let step = self.dice.below(16);
        tracing::info!(target: "vivaz::step", step, node, at, ?rest);
        match step {
            0..6 => self.add(),
            6..10 => {
                let visitor = &mut self.visitors[at];
                self.servers[node].take_over(&visitor.page);
                visitor.at = node;
            }
            10 => self.visitors[at].page.network().drop(),
            11 => {
                let network = self.visitors[at].page.network();
                network.offline();
                sleep(rest).await;
                network.online();
            }
            12 => match self.weather {
                Weather::Calm => self.servers[node].restart().await,
                Weather::Rough => self.servers[node].crash(),
            },
            13 if self.weather == Weather::Rough => self.ways[node].suspend(),
            14 => self.ways[node].wake(),
            _ => sleep(rest).await,
        }
        sleep(Duration::from_millis(self.dice.below(200))).await;
    }

    async fn quiet(&self) {
        for _ in 0..600 {
            sleep(Duration::from_secs(1) / self.haste).await;
            let is_quiet = async |visitor: &Visitor| {
                // It panics if the page has given up.
                let _settled = timeout(Duration::from_secs(1), visitor.page.settled()).await;
                visitor.page.client(vivaz::testing::Client::is_welcomed) && visitor.page.unanswered() == 0
            };
            let mut all = true;
            for visitor in &self.visitors {
                all &= is_quiet(visitor).await;
            }
            if all {
                return;
            }
        }
        panic!("after ten minutes some messages have no answer");
    }

    async fn run(&mut self) {
        for _ in 0..self.steps {
            self.step().await;
        }
        self.ways.iter().for_each(Way::wake);
        for visitor in &self.visitors {
            visitor.page.network().online();
        }
        sleep(Duration::from_secs(60) / self.haste).await;
        self.quiet().await;
        for visitor in &self.visitors {
            visitor.check(self.weather, "when it is quiet");
        }
        // Each process that has an old copy hears of it, at the latest when it saves.
        for visitor in 0..self.visitors.len() {
            let visitor = &self.visitors[visitor];
            for view in [&visitor.diary, &visitor.ledger] {
                view.call("add", [1_000_000]).await.unwrap();
            }
        }
        // One after the other is killed: what was acknowledged is in the store.
        for server in &self.servers {
            server.crash();
            self.quiet().await;
        }
        for visitor in &self.visitors {
            let mut durable = visitor.entries(true);
            assert_eq!(durable.pop(), Some(1_000_000));
            visitor.check(Weather::Rough, "after the kills");
        }
    }
}

/// Runs a scenario. The error describes the failure.
fn run(seed: u64, weather: Weather) -> std::result::Result<(), String> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let store = MemoryStore::new();
        let mut cluster = Cluster::start(seed, weather, vec![store; 3]).await;
        let Err(panic) = AssertUnwindSafe(cluster.run()).catch_unwind().await else { return Ok(()) };
        let message = panic.downcast_ref::<String>().cloned();
        let message = message.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()));
        Err(message.unwrap_or_default())
    })
}

fn run_all(weather: Weather) {
    if let Some(seed) = std::env::var("VIVAZ_SEED").ok().and_then(|seed| seed.parse::<u64>().ok()) {
        let log = Log::default();
        let _collecting = log.collect();
        run(seed, weather).unwrap_or_else(|wrong| panic!("{}\n{wrong}", log.text()));
        return;
    }
    let seeds = 0..200;
    let wrong: Vec<String> =
        seeds.filter_map(|seed| Some(format!("VIVAZ_SEED={seed}: {}", run(seed, weather).err()?))).collect();
    assert!(wrong.is_empty(), "{} seeds:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn nothing_is_lost_when_pages_move_between_living_processes() {
    run_all(Weather::Calm);
}

#[test]
fn acknowledged_actions_take_effect_once_although_processes_are_killed_and_suspended() {
    run_all(Weather::Rough);
}

/// Three handles on one file, as of three processes: they find each other through the file.
#[tokio::test]
async fn nothing_is_lost_when_pages_move_between_processes_on_one_file() {
    let file = Temporary::new();
    let stores = (0..3).map(|_| Sqlite::open(&file.0).unwrap()).collect();
    let mut cluster = Cluster::start(4_711, Weather::Calm, stores).await;
    // The time is not simulated, because the file is written by threads of its own.
    (cluster.steps, cluster.haste) = (30, 20);
    cluster.run().await;
}
