//! Tasks and loads that continue while the page is disconnected: they hold neither the session nor
//! the permits of the connection, and do not delay the shutdown.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use vivaz::prelude::*;
use vivaz::testing::{Page, Server, View};
use vivaz::{Builder, Limits, MemoryStore, Runtime};

use crate::app::{Bench, limited};
use crate::client::Client;

const FOREVER: u64 = 100_000;

#[derive(LiveComponent, Clone)]
#[live(name = "errand", inline = "<p>{{ told.len() }} {{ rings }}</p>", open)]
struct Errand {
    #[live(default)]
    told: Vec<String>,
    #[live(default)]
    rings: u32,
    figures: Async<u32>,
}

#[actions]
impl Errand {
    fn connected(&mut self, cx: &mut Context) {
        cx.join("bells");
    }

    #[action]
    fn go(&mut self, cx: &mut Context, what: String, seconds: u64) {
        cx.spawn("done", async move {
            sleep(Duration::from_secs(seconds)).await;
            Ok(what)
        });
    }

    #[action]
    fn load(&mut self, cx: &mut Context, seconds: u64) {
        self.figures.load(cx, async move {
            sleep(Duration::from_secs(seconds)).await;
            Ok(7)
        });
    }

    /// Changes once a second, as a clock does.
    #[action]
    fn tick(&mut self, cx: &mut Context) {
        self.go_on(cx);
    }

    fn go_on(&mut self, cx: &mut Context) {
        cx.spawn("ticked", async {
            sleep(Duration::from_secs(1)).await;
            Ok(())
        });
    }

    #[event]
    fn ticked(&mut self, cx: &mut Context, _done: Result<()>) {
        cx.state::<Arc<Bench>>().runs.fetch_add(1, Ordering::SeqCst);
        self.go_on(cx);
    }

    #[event]
    fn done(&mut self, what: Result<String>) {
        self.told.extend(what);
    }

    #[event]
    fn bell(&mut self) {
        self.rings += 1;
    }

    /// Sends an event after a delay, and blocks afterwards.
    #[event]
    async fn slow_bell(&mut self, cx: &mut Context) -> Result {
        sleep(Duration::from_secs(2)).await;
        self.ring(cx).await
    }

    /// Sends an event, and is busy after that.
    #[action]
    async fn ring(&mut self, cx: &mut Context) -> Result {
        self.rings += 1;
        cx.flush(self).await?;
        sleep(Duration::from_secs(25)).await;
        Ok(())
    }
}

fn serve(configure: impl Fn(Builder) -> Builder + Send + Sync + 'static) -> Server {
    let bench = Arc::new(Bench::default());
    Server::new(move || configure(Runtime::builder().state(Arc::clone(&bench))))
}

/// Opens a page of `ada` with running tasks.
async fn busy_page(server: &Server, action: &str, args: Value) -> (Page, View) {
    let page = server.page_as("ada", "Ada");
    let errand = page.mount_open("errand", json!({})).await.unwrap();
    errand.call(action, args).await.unwrap();
    (page, errand)
}

#[tokio::test(start_paused = true)]
async fn a_session_whose_tasks_go_on_waits_and_ends_in_its_time() {
    let all = [
        ("go", json!(["x", 200])),
        ("go", json!(["x", FOREVER])),
        ("load", json!([FOREVER])),
        ("tick", json!([])),
    ];
    for (action, args) in all {
        let server = serve(|builder| builder);
        let (page, _errand) = busy_page(&server, action, args).await;
        page.network().offline();
        sleep(Duration::from_secs(60)).await;
        let stats = server.runtime().stats();
        assert_eq!((stats.connections, stats.sessions, stats.suspended), (0, 1, 1), "{action}");
        sleep(Limits::default().suspended_time).await;
        assert_eq!(server.runtime().stats().sessions, 0, "{action}");
    }
}

#[tokio::test(start_paused = true)]
async fn results_during_a_disconnect_arrive_once_after_the_resume() {
    let server = serve(|builder| builder);
    let (page, errand) = busy_page(&server, "go", json!(["one", 20])).await;
    errand.call("load", json!([30])).await.unwrap();
    page.network().offline();
    sleep(Duration::from_secs(60)).await;
    page.network().online();
    page.settled().await;
    assert_eq!(page.sessions(), 1);
    assert_eq!(errand.state()["told"], json!(["one"]));
    assert_eq!(errand.state()["figures"]["value"], 7);
}

#[tokio::test(start_paused = true)]
async fn sessions_whose_tasks_go_on_count_among_those_that_wait() {
    let limits = Limits {
        sessions_per_user: 5,
        suspended_per_user: 3,
        suspended_sessions: 3,
        suspended_time: Duration::from_secs(24 * 3_600),
        ..Limits::default()
    };
    let server = serve(move |builder| builder.limits(limits.clone()));
    for action in ["go", "load", "tick"].iter().cycle().take(12) {
        let args = if *action == "go" { json!(["x", FOREVER]) } else { json!([FOREVER]) };
        let args = if *action == "tick" { json!([]) } else { args };
        let (page, _errand) = busy_page(&server, action, args).await;
        page.network().offline();
        sleep(Duration::from_secs(5)).await;
        assert!(server.runtime().stats().sessions <= 3);
    }
}

#[tokio::test]
async fn an_ended_connection_releases_its_places_whatever_runs() {
    let limits = Limits { connections_per_address: 3, loopback_is_limited: true, ..Limits::default() };
    let server = limited(limits).await;
    for action in ["go", "load", "ring"].iter().cycle().take(9) {
        let mut client = Client::hello(&server).await;
        client.mount("e", "errand", json!({})).await;
        match *action {
            "go" => client.act("e", "go", json!(["x", FOREVER])).await,
            "load" => client.act("e", "load", json!([FOREVER])).await,
            _ => {
                let ring = client.call("e", "ring", json!([]));
                client.send(ring).await;
                client.expect("STATE_UPDATE").await
            }
        };
        client.cut();
        server.until(|server| server.runtime.stats().connections == 0).await;
    }
    assert_eq!(server.runtime.stats().sessions, 9);
}

#[tokio::test(start_paused = true)]
async fn a_planned_restart_waits_for_handlers_and_not_for_tasks_and_loads() {
    let mut waits = Vec::new();
    for (action, args) in [
        ("go", json!(["x", 0])),
        ("go", json!(["x", FOREVER])),
        ("load", json!([FOREVER])),
        ("tick", json!([])),
    ] {
        let (store, bench) = (MemoryStore::new(), Arc::new(Bench::default()));
        let state = Arc::clone(&bench);
        let server = Server::new(move || Runtime::builder().store(store.clone()).state(Arc::clone(&state)));
        let (page, errand) = busy_page(&server, action, args.clone()).await;
        let away = busy_page(&server, action, args).await;
        away.0.network().offline();
        sleep(Duration::from_millis(3_500)).await;
        let began = Instant::now();
        server.restart().await;
        waits.push(began.elapsed());
        page.settled().await;
        assert_eq!(page.sessions(), 1, "{action}");
        let ticks = bench.runs.load(Ordering::SeqCst);
        sleep(Duration::from_secs(60)).await;
        assert_eq!(
            bench.runs.load(Ordering::SeqCst),
            ticks,
            "what the process has spawned has ended with it"
        );
        errand.call("go", json!(["y", 0])).await.unwrap();
    }
    let [nothing, others @ ..] = &*waits else { panic!("none") };
    assert!(others.iter().all(|wait| wait == nothing), "{waits:?}");
}

/// A handler is not a task: the shutdown waits for it.
#[tokio::test(start_paused = true)]
async fn a_session_whose_handler_runs_does_not_wait_before_that_has_finished() {
    let server = serve(|builder| builder);
    let page = server.page();
    let errand = page.mount_open("errand", json!({})).await.unwrap();
    let ring = errand.call("ring", json!([]));
    errand.until(|errand| errand.state()["rings"] == 1).await;
    page.network().offline();
    sleep(Duration::from_secs(10)).await;
    assert_eq!((server.runtime().stats().sessions, server.runtime().stats().suspended), (1, 0));
    sleep(Duration::from_secs(20)).await;
    assert_eq!(server.runtime().stats().suspended, 1);
    page.network().online();
    ring.await.unwrap();
}

/// Each change reaches the store within the interval, even if the page is disconnected and a task
/// runs.
#[tokio::test(start_paused = true)]
async fn changes_of_a_suspended_session_are_saved() {
    for event in ["bell", "slow_bell"] {
        let store = MemoryStore::new();
        let server = serve(move |builder| builder.store(store.clone()));
        let (page, errand) = busy_page(&server, "go", json!(["x", FOREVER])).await;
        sleep(Duration::from_secs(5)).await;
        if event == "slow_bell" {
            server.runtime().emit_to_room("bells", event, &()).unwrap();
            sleep(Duration::from_secs(1)).await;
        }
        page.network().offline();
        sleep(Duration::from_millis(100)).await;
        if event == "bell" {
            server.runtime().emit_to_room("bells", event, &()).unwrap();
        }
        sleep(Duration::from_secs(10)).await;
        server.crash();
        page.network().online();
        page.settled().await;
        assert_eq!((page.sessions(), &errand.state()["rings"]), (1, &json!(1)), "{event}");
    }
}
