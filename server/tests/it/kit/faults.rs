//! Failures, hangs and panics at every step: in the end, everything that a durable component has
//! acknowledged is stored once, and the page works with its original session.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::Once;
use std::time::Duration;

use futures_util::FutureExt;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::{sleep, timeout};
use vivaz::prelude::*;
use vivaz::testing::{Call, Faults, FaultyStore, Page, Server, View};
use vivaz::{Limits, MemoryStore, Runtime, Topic, TopicContext};

use crate::logs::Log;

thread_local! {
    /// The faults of the scenario of this thread. A thread-local, because `Topic::authorize` has no
    /// argument that could carry them.
    static FAULTS: RefCell<Option<Faults>> = const { RefCell::new(None) };
}

async fn inject(call: &'static str) -> Result<()> {
    let faults = FAULTS.with(|faults| faults.borrow().clone());
    match faults {
        Some(faults) => Ok(faults.inject(call).await?),
        None => Ok(()),
    }
}

/// A topic whose hooks have faults.
#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
struct Board {
    notes: u32,
}

impl Topic for Board {
    type Key = String;

    async fn load(_key: &String, _cx: &TopicContext) -> Result<Self> {
        inject("load").await?;
        Ok(Self::default())
    }

    async fn authorize(_key: &String, _who: &Identity) -> Result<()> {
        inject("authorize").await
    }
}

/// Stores its acknowledged state.
#[derive(LiveComponent, Clone)]
#[live(name = "ledger", inline = "<p>{{ board.notes }}</p>", open, durable)]
struct Ledger {
    #[live(shared = "board/all")]
    board: Shared<Board>,
    #[live(default)]
    entries: Vec<u64>,
}

#[actions]
impl Ledger {
    #[action]
    fn add(&mut self, entry: u64) -> u64 {
        self.entries.push(entry);
        self.board.update(|board| board.notes += 1);
        entry
    }
}

/// The same without a topic.
#[derive(LiveComponent, Clone)]
#[live(name = "notebook", inline = "<p>Notes</p>", open, durable)]
struct Notebook {
    #[live(default)]
    entries: Vec<u64>,
}

#[actions]
impl Notebook {
    #[action]
    fn add(&mut self, entry: u64) -> u64 {
        self.entries.push(entry);
        entry
    }
}

/// Not durable: it only has to work in the end.
#[derive(LiveComponent, Clone)]
#[live(name = "jotter", inline = "<p>{{ board.notes }}</p>", open)]
struct Jotter {
    #[live(shared = "board/all")]
    board: Shared<Board>,
    #[live(default)]
    entries: Vec<u64>,
}

#[actions]
impl Jotter {
    #[action]
    fn add(&mut self, entry: u64) -> u64 {
        self.entries.push(entry);
        self.board.update(|board| board.notes += 1);
        entry
    }
}

/// Pseudo-random numbers from a seed: SplitMix64.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let number = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        number ^ (number >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn millis(&mut self, most: u64) -> Duration {
        Duration::from_millis(self.below(most))
    }
}

/// A component of the page, and the outcomes of its calls.
struct Book {
    view: View,
    durable: bool,
    asked: Vec<(u64, Call)>,
}

impl Book {
    /// The entries that the component has acknowledged.
    fn acknowledged(&self) -> BTreeSet<u64> {
        let done = |call: &Call| matches!(call.answer(), Some(Ok(_)));
        self.asked.iter().filter(|(_, call)| done(call)).map(|(entry, _)| *entry).collect()
    }

    fn entries(&self) -> Vec<u64> {
        serde_json::from_value(self.view.state()["entries"].clone()).unwrap()
    }

    /// Checks that each acknowledged entry exists, and none twice.
    fn check(&self) {
        let entries = self.entries();
        let set: BTreeSet<u64> = entries.iter().copied().collect();
        assert_eq!(set.len(), entries.len(), "an entry exists twice: {entries:?}");
        let lost: Vec<u64> = self.acknowledged().difference(&set).copied().collect();
        assert!(lost.is_empty(), "{} lost {lost:?} of {entries:?}", self.view.id());
    }
}

const KINDS: [(&str, bool); 3] = [("ledger", true), ("notebook", true), ("jotter", false)];

/// The life of one page with faults.
struct Scenario {
    dice: Dice,
    faults: Faults,
    server: Server,
    page: Page,
    books: Vec<Book>,
    entries: u64,
}

impl Scenario {
    fn new(seed: u64) -> Self {
        let faults = Faults::new(seed);
        faults.stop();
        FAULTS.set(Some(faults.clone()));
        let store: FaultyStore<MemoryStore> = faults.store(MemoryStore::new());
        let hook = faults.clone();
        let server = Server::new(move || {
            let faults = hook.clone();
            // No session expires while its page is away, so a late page has lost nothing.
            let hour = Duration::from_secs(3_600);
            let limits = Limits { suspended_time: hour, hidden_time: hour, ..Limits::default() };
            Runtime::builder().limits(limits).store(store.clone()).hello(move |identity, _auth| {
                let faults = faults.clone();
                async move {
                    faults.inject("identity").await?;
                    Ok(identity)
                }
            })
        });
        let page = server.page_as("ada", "Ada");
        Self { dice: Dice(seed), faults, server, page, books: Vec::new(), entries: 0 }
    }

    async fn mount(&mut self, kind: usize) {
        let (name, durable) = KINDS[kind];
        let mounted = timeout(Duration::from_secs(50), self.page.mount_open(name, json!({}))).await;
        if let Ok(Ok(view)) = mounted {
            self.books.push(Book { view, durable, asked: Vec::new() });
        }
    }

    fn add(&mut self, at: usize) {
        self.entries += 1;
        let book = &mut self.books[at];
        let call = book.view.call("add", [self.entries]);
        book.asked.push((self.entries, call.clone()));
    }

    async fn step(&mut self) {
        let step = self.dice.below(20);
        let rest = self.dice.millis(60_000);
        tracing::info!(target: "vivaz::step", step, ?rest);
        match step {
            0..8 if !self.books.is_empty() => {
                let at = self.dice.below(self.books.len() as u64);
                self.add(usize::try_from(at).unwrap());
            }
            8 => self.page.network().drop(),
            9 => {
                self.page.network().offline();
                sleep(rest / 3).await;
                self.page.network().online();
            }
            10 => {
                self.page.network().put_aside();
                sleep(rest / 6).await;
                self.page.network().online();
            }
            11 => self.server.restart().await,
            12 => self.server.crash(),
            13 | 14 => self.faults.start(),
            15 => self.faults.stop(),
            16 => sleep(rest).await,
            17 if self.books.len() < 6 => {
                let kind = self.dice.below(KINDS.len() as u64);
                self.mount(usize::try_from(kind).unwrap()).await;
            }
            _ => sleep(rest / 30).await,
        }
    }

    /// Waits until every call has its answer.
    async fn quiet(&self) {
        for _ in 0..600 {
            sleep(Duration::from_secs(1)).await;
            // It panics if the page has given up.
            let _settled = timeout(Duration::from_secs(1), self.page.settled()).await;
            if self.page.client(vivaz::testing::Client::is_welcomed) && self.page.unanswered() == 0 {
                return;
            }
        }
        panic!("after ten minutes {} messages have no answer", self.page.unanswered());
    }

    async fn run(&mut self) {
        for kind in 0..KINDS.len() {
            self.mount(kind).await;
        }
        assert_eq!(self.books.len(), KINDS.len());
        for _ in 0..25 {
            self.step().await;
        }
        self.faults.stop();
        self.page.network().online();
        // Calls that were late then have ended.
        sleep(Duration::from_secs(60)).await;
        self.quiet().await;
        self.check("when it is quiet").await;
        self.server.crash();
        self.quiet().await;
        self.check("after a kill").await;
    }

    async fn check(&mut self, when: &str) {
        assert_eq!(self.page.sessions(), 1, "{when}");
        for at in 0..self.books.len() {
            let id = self.books[at].view.id().to_owned();
            assert!(self.books[at].view.is_mounted(), "{id} is gone {when}");
            self.add(at);
            self.quiet().await;
            let book = &self.books[at];
            let (entry, call) = book.asked.last().unwrap();
            let (entry, answer) = (*entry, call.answer());
            assert!(matches!(answer, Some(Ok(_))), "{id} is dead {when}: {answer:?}");
            assert!(book.entries().contains(&entry));
            if book.durable {
                book.check();
            }
        }
    }
}

/// Runs a scenario. The error describes the failure.
fn run(seed: u64) -> std::result::Result<(), String> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let mut scenario = Scenario::new(seed);
        let Err(panic) = AssertUnwindSafe(scenario.run()).catch_unwind().await else { return Ok(()) };
        let message = panic.downcast_ref::<String>().cloned();
        let message = message.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()));
        Err(format!("{}\n{}", message.unwrap_or_default(), scenario.faults))
    })
}

/// Keeps panics of faults out of the output, which also saves the time of printing thousands of
/// them.
fn quiet_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let print = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !panic.payload_as_str().is_some_and(|text| text.contains("of the faults with seed")) {
                print(panic);
            }
        }));
    });
}

/// Runs the seeds of one of four tests, which run in parallel, or only the seed in the environment,
/// with the server's log.
fn run_quarter(quarter: u64) {
    quiet_panics();
    if let Some(seed) = std::env::var("VIVAZ_SEED").ok().and_then(|seed| seed.parse::<u64>().ok()) {
        if seed % 4 == quarter {
            let log = Log::default();
            let _collecting = log.collect();
            run(seed).unwrap_or_else(|wrong| panic!("{}\n{wrong}", log.text()));
        }
        return;
    }
    let seeds = (0..1_000).filter(|seed| seed % 4 == quarter);
    let wrong: Vec<(u64, String)> = seeds.filter_map(|seed| Some((seed, run(seed).err()?))).collect();
    let lines =
        wrong.iter().map(|(seed, wrong)| format!("VIVAZ_SEED={seed}: {}", wrong.lines().next().unwrap()));
    let lines: Vec<String> = lines.collect();
    assert!(lines.is_empty(), "{}\n{}", lines.join("\n"), wrong[0].1);
}

#[test]
fn acknowledged_state_survives_each_fault_of_the_first_quarter() {
    run_quarter(0);
}

#[test]
fn acknowledged_state_survives_each_fault_of_the_second_quarter() {
    run_quarter(1);
}

#[test]
fn acknowledged_state_survives_each_fault_of_the_third_quarter() {
    run_quarter(2);
}

#[test]
fn acknowledged_state_survives_each_fault_of_the_fourth_quarter() {
    run_quarter(3);
}
