//! Everything that a page has received is in the store an interval later.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;
use vivaz::instance::BoxFuture;
use vivaz::prelude::*;
use vivaz::store::{
    Commit, CommitError, Owner, Secrets, SessionHead, SessionState, Snapshot, StoredSession, WriteError,
    WriteRefusal,
};
use vivaz::testing::Server;
use vivaz::{ErrorCode, Limits, MemoryStore, Runtime, Save, SessionId, SessionStore, StoreError};

use crate::app::Bench;
use crate::stores::forward;

const INTERVAL: Duration = Duration::from_secs(1);

/// Counts how often a bell has rung.
#[derive(LiveComponent, Clone)]
#[live(name = "belfry", inline = "<p>{{ count }}</p>", open)]
struct Belfry {
    #[live(default)]
    count: i64,
}

#[actions]
impl Belfry {
    #[action]
    fn listen(&mut self, cx: &mut Context) {
        cx.join("bells");
    }

    #[event]
    async fn rung(&mut self, times: i64) {
        tokio::task::yield_now().await;
        self.count += times;
    }
}

/// When which count of which session was written.
type Writes = HashMap<SessionId, Vec<(Instant, i64)>>;

/// Records the time of each write. A write takes as long as configured.
#[derive(Clone, Default)]
struct Recording {
    inner: MemoryStore,
    writes: Arc<Mutex<Writes>>,
    /// The number of sessions written whole.
    entered: Arc<AtomicUsize>,
    takes: Duration,
}

impl SessionStore for Recording {
    forward!(find claim commit renew release delete forget_user renew_lease expire register ask_release close);

    fn save_whole(
        &self,
        by: &str,
        sessions: Vec<SessionState>,
    ) -> BoxFuture<Result<Vec<(SessionId, WriteRefusal)>, StoreError>> {
        self.entered.fetch_add(sessions.len(), Ordering::SeqCst);
        self.inner.save_whole(by, sessions)
    }

    fn save(
        &self,
        by: &str,
        sessions: Vec<Snapshot>,
    ) -> BoxFuture<Result<Vec<(SessionId, WriteRefusal)>, StoreError>> {
        let counts: Vec<_> = sessions
            .iter()
            .filter_map(|snapshot| {
                let count = snapshot.components.iter().find_map(|component| {
                    let state: Value = serde_json::from_slice(&component.state).unwrap();
                    state["count"].as_i64()
                });
                Some((snapshot.session.clone(), count?))
            })
            .collect();
        let (saved, writes, takes) = (self.inner.save(by, sessions), Arc::clone(&self.writes), self.takes);
        Box::pin(async move {
            tokio::time::sleep(takes).await;
            let saved = saved.await;
            let now = Instant::now();
            for (session, count) in counts {
                writes.lock().unwrap().entry(session).or_default().push((now, count));
            }
            saved
        })
    }
}

/// Runs `pages` pages that count, each at its own times, and checks when each received count was
/// written. Returns the number of writes of a session.
async fn count(pages: u32, takes: Duration) -> usize {
    let store = Recording { takes, ..Recording::default() };
    let kept = store.clone();
    let server = Server::new(move || {
        let limits = Limits { connections_per_address: 10_000, ..Limits::default() };
        Runtime::builder()
            .store(kept.clone())
            .save(Save::Every(INTERVAL))
            .limits(limits)
            .state(Arc::<Bench>::default())
    });
    let counting = (0..pages).map(|number| {
        let page = server.page();
        async move {
            let counter = page.mount_open("counter", json!({})).await.unwrap();
            let session = page.client(|client| SessionId::new(client.session().unwrap()).unwrap());
            let mut told = Vec::new();
            for count in 1..=4_i64 {
                // Spread over the interval, and not aligned with it.
                tokio::time::sleep(Duration::from_millis(u64::from(number * 37 % 1_009) + 211)).await;
                counter.call("increment", ()).await.unwrap();
                told.push((Instant::now(), count));
            }
            (page, session, told)
        }
    });
    let counted = futures_util::future::join_all(counting).await;
    tokio::time::sleep(INTERVAL * 3).await;
    let writes = store.writes.lock().unwrap();
    for (_, session, told) in &counted {
        for (at, count) in told {
            let written = writes[session].iter().find(|(_, written)| written >= count);
            let after = written.expect("it is written").0.saturating_duration_since(*at);
            // The previous write may be running.
            assert!(after <= INTERVAL + takes * 2, "{count} was written after {after:?}");
        }
    }
    writes.values().map(Vec::len).max().unwrap()
}

#[tokio::test(start_paused = true)]
async fn sent_state_is_stored_an_interval_later() {
    let most = count(25, Duration::ZERO).await;
    // Its mount is a change too.
    assert!(most <= 5, "at most once for each change: {most}");
    count(25, Duration::from_millis(300)).await;
}

#[tokio::test(start_paused = true)]
async fn two_thousand_sessions_are_written_an_interval_later_too() {
    count(2_000, Duration::ZERO).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_with_a_busy_component_is_written_an_interval_later_too() {
    let (store, bench) = (Recording::default(), Arc::<Bench>::default());
    let (kept, state) = (store.clone(), Arc::clone(&bench));
    let server = Server::new(move || {
        Runtime::builder().store(kept.clone()).save(Save::Every(INTERVAL)).state(Arc::clone(&state))
    });
    let page = server.page();
    let lab = page.mount_open("lab", json!({})).await.unwrap();
    let counter = page.mount_open("counter", json!({})).await.unwrap();
    let session = page.client(|client| SessionId::new(client.session().unwrap()).unwrap());
    let counting = async {
        bench.entered.notified().await;
        let mut told = Vec::new();
        for count in 1..=3_i64 {
            counter.call("increment", ()).await.unwrap();
            told.push((Instant::now(), count));
            tokio::time::sleep(Duration::from_millis(1_711)).await;
        }
        bench.gate.notify_one();
        told
    };
    let (waited, told) = tokio::join!(lab.call("wait", ()), counting);
    waited.unwrap();
    let writes = store.writes.lock().unwrap();
    for (at, count) in told {
        let written = writes[&session].iter().find(|(_, written)| *written >= count);
        let after = written.expect("it is written").0.saturating_duration_since(at);
        assert!(after <= INTERVAL, "{count} was written after {after:?}");
    }
}

/// A server that saves once an interval, whose writes `store` records.
fn recorded(store: &Recording) -> Server {
    let store = store.clone();
    Server::new(move || {
        Runtime::builder().store(store.clone()).save(Save::Every(INTERVAL)).state(Arc::<Bench>::default())
    })
}

#[tokio::test(start_paused = true)]
async fn a_session_that_waits_for_its_page_is_written_once_for_each_change() {
    let store = Recording::default();
    let server = recorded(&store);
    let page = server.page();
    let belfry = page.mount_open("belfry", json!({})).await.unwrap();
    let session = page.client(|client| SessionId::new(client.session().unwrap()).unwrap());
    tokio::time::sleep(INTERVAL * 3).await;
    // Saved when the page leaves, not an interval later.
    belfry.call("listen", ()).await.unwrap();
    page.network().offline();
    tokio::time::sleep(INTERVAL / 2).await;
    let counts =
        || store.writes.lock().unwrap()[&session].iter().map(|(_, count)| *count).collect::<Vec<_>>();
    let before = counts();
    assert_eq!(before.last(), Some(&0));
    for times in 1..=3 {
        server.runtime().emit_to_room("bells", "rung", &1).unwrap();
        tokio::time::sleep(INTERVAL * 3).await;
        assert_eq!(counts()[before.len()..], (1..=times).collect::<Vec<_>>());
    }
    server.crash();
    page.network().online();
    page.settled().await;
    assert_eq!((belfry.state()["count"].as_i64(), page.sessions()), (Some(3), 1));
}

#[tokio::test(start_paused = true)]
async fn an_unmount_of_an_unknown_component_does_not_rewrite_the_session() {
    let store = Recording::default();
    let server = recorded(&store);
    let page = server.page();
    let counter = page.mount_open("counter", json!({})).await.unwrap();
    let other = page.mount_open("belfry", json!({})).await.unwrap();
    other.unmount().await.unwrap();
    counter.call("increment", ()).await.unwrap();
    tokio::time::sleep(INTERVAL * 3).await;
    let session = page.client(|client| SessionId::new(client.session().unwrap()).unwrap());
    assert!(store.writes.lock().unwrap().contains_key(&session));
    let before = store.entered.load(Ordering::SeqCst);
    assert_eq!(other.unmount().await.unwrap_err().code, ErrorCode::NotMounted);
    tokio::time::sleep(INTERVAL * 3).await;
    assert_eq!(store.entered.load(Ordering::SeqCst), before);
}

#[tokio::test(start_paused = true)]
async fn a_session_is_written_once_for_changes_of_one_interval_and_not_for_a_ping() {
    let store = Recording::default();
    let server = recorded(&store);
    let page = server.page();
    let counter = page.mount_open("counter", json!({})).await.unwrap();
    tokio::time::sleep(INTERVAL * 3).await;
    let session = page.client(|client| SessionId::new(client.session().unwrap()).unwrap());
    let writes = || store.writes.lock().unwrap()[&session].len();
    let before = writes();
    for _ in 0..3 {
        counter.call("increment", ()).await.unwrap();
        tokio::time::sleep(INTERVAL / 4).await;
    }
    tokio::time::sleep(INTERVAL * 3).await;
    assert_eq!(writes(), before + 1);
    page.settled().await;
    tokio::time::sleep(INTERVAL * 3).await;
    assert_eq!(writes(), before + 1);
}
