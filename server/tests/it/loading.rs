//! Fields that load after the mount, and tasks, over a socket.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use vivaz::prelude::*;

use crate::app::{Bench, start, start_with};
use crate::client::Client;

/// Loads after the mount, when the test allows it.
#[derive(LiveComponent, Clone)]
#[live(name = "report", inline = "<p live:if='figures.ready'>{{ figures.value.len() }}</p>", open)]
struct Report {
    #[live(default = Async::loading())]
    figures: Async<Vec<u32>>,
    #[live(default)]
    name: String,
}

/// Counts down.
struct Alive(Arc<Bench>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.runs.fetch_add(1, Ordering::SeqCst);
        self.0.entered.notify_one();
    }
}

#[actions]
impl Report {
    fn connected(&mut self, cx: &mut Context) {
        let bench = cx.state::<Arc<Bench>>().clone();
        self.figures.load(cx, async move {
            let alive = Alive(bench);
            alive.0.gate.notified().await;
            Ok(vec![1, 2, 3])
        });
    }

    #[action]
    fn work(&mut self, cx: &mut Context) {
        let bench = cx.state::<Arc<Bench>>().clone();
        // The macro refuses a literal that names no event.
        let event = "worked";
        cx.spawn(event, async move {
            let _alive = Alive(bench);
            std::future::pending::<Result<()>>().await
        });
    }

    #[action]
    fn rename(&mut self, name: String) {
        self.name = name;
    }
}

fn figures(stage: &str, value: Value) -> Value {
    let is = |one: &str| one == stage;
    json!({ "loading": is("loading"), "ready": is("ready"), "failed": is("failed"), "value": value, "error": null })
}

#[tokio::test]
async fn a_field_loads_while_the_component_continues() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    let mounted = client.mount("r", "report", json!({})).await;
    assert_eq!(mounted["payload"]["state"]["figures"], figures("loading", Value::Null));
    // To the page, a load that runs and a load that is only shown as running are the same.
    let renamed = client.act("r", "rename", json!(["May"])).await;
    assert_eq!((&renamed["rev"], &renamed["payload"]), (&json!(1), &json!({ "name": "May" })));
    server.bench.gate.notify_one();
    let ready = client.expect("STATE_UPDATE").await;
    assert_eq!(ready["payload"], json!({ "figures": figures("ready", json!([1, 2, 3])) }));
    assert!(ready.get("ref").is_none());
}

#[tokio::test]
async fn loads_and_tasks_end_with_their_component() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    client.mount("r", "report", json!({})).await;
    client.act("r", "work", json!([])).await;
    let runs = |runs: &AtomicU64| runs.load(Ordering::SeqCst);
    assert_eq!(runs(&server.bench.runs), 0);
    let unmount = client.message("COMPONENT_UNMOUNT", "r", Value::Null);
    client.ask(unmount).await;
    while runs(&server.bench.runs) < 2 {
        server.bench.entered.notified().await;
    }
    // The session continues.
    client.mount("r", "report", json!({})).await;
}

/// Blocks the thread of the last step of a load and of a task until the test releases it.
#[derive(Default)]
struct Steps {
    begun: AtomicU64,
    gate: tokio::sync::RwLock<()>,
}

/// Its first load and its task end in a step that cannot be cancelled.
#[derive(LiveComponent, Clone)]
#[live(name = "latecomer", inline = "<p>{{ told }} {{ figure.value }}</p>", open)]
struct Latecomer {
    #[live(prop, default)]
    is_first: bool,
    #[live(default = Async::loading())]
    figure: Async<u32>,
    #[live(default)]
    told: u32,
}

fn last_step(cx: &Context) -> impl Future<Output = Result<u32>> + Send + 'static {
    let steps = Arc::clone(cx.state::<Arc<Steps>>());
    async move {
        tokio::task::block_in_place(|| {
            steps.begun.fetch_add(1, Ordering::SeqCst);
            drop(steps.gate.blocking_read());
        });
        Ok(7)
    }
}

#[actions]
impl Latecomer {
    fn connected(&mut self, cx: &mut Context) {
        if self.is_first {
            let step = last_step(cx);
            self.figure.load(cx, step);
            let step = last_step(cx);
            cx.spawn("told", step);
        } else {
            self.figure.load(cx, std::future::pending());
        }
    }

    #[event]
    fn told(&mut self, value: Result<u32>) -> Result<()> {
        self.told = value?;
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_late_result_does_not_reach_another_component_of_the_same_id() {
    let steps = Arc::new(Steps::default());
    let state = Arc::clone(&steps);
    let server = start_with(|builder| builder.state(state)).await;
    let mut client = Client::hello(&server).await;
    for is_replaced in [false, true] {
        let tasks = tokio::runtime::Handle::current().metrics();
        let before = tasks.num_alive_tasks();
        let closed = steps.gate.write().await;
        client.mount("l", "latecomer", json!({ "is_first": true })).await;
        server.until(|_| steps.begun.load(Ordering::SeqCst) == 2).await;
        steps.begun.store(0, Ordering::SeqCst);
        if is_replaced {
            let unmount = client.message("COMPONENT_UNMOUNT", "l", Value::Null);
            client.ask(unmount).await;
            client.mount("l", "latecomer", json!({ "is_first": false })).await;
        }
        drop(closed);
        if is_replaced {
            // The load that never ends counts as one.
            server.until(|_| tasks.num_alive_tasks() <= before + 1).await;
        } else {
            let told = [client.next().await, client.next().await];
            assert!(told.iter().all(|message| message["type"] == "STATE_UPDATE"), "{told:?}");
        }
        assert!(client.drain().await.is_empty());
        let unmount = client.message("COMPONENT_UNMOUNT", "l", Value::Null);
        client.ask(unmount).await;
    }
}

/// Spawns tasks and records their results.
#[derive(LiveComponent, Clone)]
#[live(name = "tasker", inline = "<p>{{ results.len() }}</p>", open)]
struct Tasker {
    #[live(default)]
    results: Vec<String>,
    #[live(errors, default)]
    errors: Errors,
}

/// The same, with commits.
#[derive(LiveComponent, Clone)]
#[live(name = "tasker_kept", inline = "<p>{{ results.len() }}</p>", open, durable)]
struct TaskerKept {
    #[live(default)]
    results: Vec<String>,
    #[live(errors, default)]
    errors: Errors,
}

/// A value without a JSON form.
#[derive(serde::Serialize)]
struct Formless(f64);

/// Starts a task that ends while the component is busy.
fn spawn(cx: &mut Context, how: &str) {
    let (bench, how) = (cx.state::<Arc<Bench>>().clone(), how.to_owned());
    let busy = async move {
        while bench.runs.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        bench.runs.fetch_add(1, Ordering::SeqCst);
    };
    if how == "formless" {
        return cx.spawn("done", async move {
            busy.await;
            Ok(Formless(f64::NAN))
        });
    }
    cx.spawn("done", async move {
        busy.await;
        match &*how {
            "user" => Err(ActionError::user("sold out")),
            "internal" => Err(std::io::Error::other("the secret is 4711").into()),
            "invalid" => Err(Errors::of("seat", "is taken").into()),
            "panic" => panic!("no"),
            _ => Ok(7),
        }
    });
}

async fn wait(bench: Arc<Bench>) {
    bench.runs.fetch_add(1, Ordering::SeqCst);
    bench.gate.notified().await;
}

fn written(result: Result<u32>, errors: &mut Errors) -> String {
    match result {
        Ok(value) => value.to_string(),
        Err(error) => {
            if let Some(said) = error.errors() {
                *errors = said.clone();
            }
            format!("{}: {}", error.code(), error.message())
        }
    }
}

#[actions]
impl Tasker {
    #[action]
    fn spawn(&mut self, cx: &mut Context, how: Vec<String>) {
        how.iter().for_each(|how| spawn(cx, how));
    }

    /// Is busy until the test lets it continue.
    #[action]
    async fn wait(&mut self, cx: &mut Context) {
        wait(cx.state::<Arc<Bench>>().clone()).await;
    }

    #[event]
    fn done(&mut self, result: Result<u32>) {
        let line = written(result, &mut self.errors);
        self.results.push(line);
    }
}

#[actions]
impl TaskerKept {
    #[action]
    fn spawn(&mut self, cx: &mut Context, how: Vec<String>) {
        how.iter().for_each(|how| spawn(cx, how));
    }

    #[action]
    async fn wait(&mut self, cx: &mut Context) {
        wait(cx.state::<Arc<Bench>>().clone()).await;
    }

    #[event]
    fn done(&mut self, result: Result<u32>) {
        let line = written(result, &mut self.errors);
        self.results.push(line);
    }
}

const FAILED: &str = "action_failed: the action failed";
const PANICKED: &str = "panicked: internal server error; nothing was changed";

#[tokio::test]
async fn a_busy_component_receives_the_results_of_its_tasks() {
    for name in ["tasker", "tasker_kept"] {
        let (bench, store) = (Arc::new(Bench::default()), vivaz::MemoryStore::new());
        let state = Arc::clone(&bench);
        let server = vivaz::testing::Server::new(move || {
            let limits = vivaz::Limits { mailbox: 2, ..vivaz::Limits::default() };
            vivaz::Runtime::builder().store(store.clone()).state(Arc::clone(&state)).limits(limits)
        });
        let page = server.page();
        let view = page.mount_open(name, json!({})).await.unwrap();
        let how = ["fine", "user", "internal", "invalid", "panic", "formless", "fine"];
        view.call("spawn", [how]).await.unwrap();
        let busy = view.call("wait", ());
        while bench.runs.load(Ordering::SeqCst) <= how.len() as u64 {
            tokio::task::yield_now().await;
        }
        page.settled().await;
        bench.gate.notify_one();
        busy.await.unwrap();
        view.until(|view| view.confirmed()["results"].as_array().unwrap().len() == how.len()).await;
        let mut results: Vec<String> = serde_json::from_value(view.confirmed()["results"].clone()).unwrap();
        results.sort();
        let invalid = "invalid: some fields are not valid";
        let mut expected = ["7", "action_failed: sold out", FAILED, invalid, PANICKED, FAILED, "7"];
        expected.sort_unstable();
        assert_eq!(results, expected, "{name}");
        assert_eq!(view.confirmed()["errors"], json!({ "seat": ["is taken"] }), "{name}");
    }
}
