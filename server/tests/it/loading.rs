//! Fields that are fetched while the page is there, and tasks, over a socket.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use vivaz::prelude::*;

use crate::app::{Bench, start};
use crate::client::Client;

/// Fetches when the page is there, as soon as the test lets it.
#[derive(LiveComponent, Clone)]
#[live(name = "report", inline = "<p live:if='figures.ready'>{{ figures.value.len() }}</p>", open)]
struct Report {
    #[live(default = Async::loading())]
    figures: Async<Vec<u32>>,
    #[live(default)]
    name: String,
}

/// Counts itself out.
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
        cx.spawn("worked", async move {
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
async fn a_field_arrives_by_itself_and_the_component_goes_on_meanwhile() {
    let server = start().await;
    let mut client = Client::greet(&server).await;
    let mounted = client.mount("r", "report", json!({})).await;
    assert_eq!(mounted["payload"]["state"]["figures"], figures("loading", Value::Null));
    // That it is loading now, and not only shown to be, is the same to the page.
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
    let mut client = Client::greet(&server).await;
    client.mount("r", "report", json!({})).await;
    client.act("r", "work", json!([])).await;
    let runs = |runs: &AtomicU64| runs.load(Ordering::SeqCst);
    assert_eq!(runs(&server.bench.runs), 0);
    let unmount = client.message("COMPONENT_UNMOUNT", "r", Value::Null);
    client.ask(unmount).await;
    while runs(&server.bench.runs) < 2 {
        server.bench.entered.notified().await;
    }
    // The session goes on.
    client.mount("r", "report", json!({})).await;
}
