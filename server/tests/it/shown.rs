//! After a restart a page shows the server's state, also where that differs from what it showed
//! before.

use std::cell::Cell;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;
use vivaz::prelude::*;
use vivaz::testing::Server;
use vivaz::{MemoryStore, Runtime, Save};

thread_local! {
    /// The program multiplies by this factor. Its next version has another one. Each test has its
    /// own thread, and its own factor.
    static FACTOR: Cell<u32> = const { Cell::new(2) };
}

#[derive(LiveComponent, Clone)]
#[live(name = "till", inline = "<p>{{ total }} {{ cached }}</p>", open)]
struct Till {
    #[live(default)]
    price: u32,
    #[live(skip, default)]
    cache: u32,
    figures: Async<u32>,
}

#[actions]
impl Till {
    #[action]
    fn set_price(&mut self, price: u32) {
        self.price = price;
        self.cache = price;
    }

    #[action]
    fn load(&mut self, cx: &mut Context) {
        self.figures.load(cx, async {
            sleep(Duration::from_secs(100_000)).await;
            Ok(7)
        });
    }

    /// The server's state.
    #[action]
    fn truth(&self) -> (u32, u32, bool, bool) {
        (self.total(), self.cached(), self.figures.is_loading(), self.figures.is_failed())
    }

    #[live(computed)]
    fn total(&self) -> u32 {
        self.price * FACTOR.get()
    }

    #[live(computed)]
    fn cached(&self) -> u32 {
        self.cache
    }
}

/// How the server ends, and how it saves.
const WAYS: [(bool, Save); 4] = [
    (false, Save::Every(Duration::from_secs(1))),
    (false, Save::Always),
    (true, Save::Every(Duration::from_secs(1))),
    (true, Save::Always),
];

fn server(save: Save) -> Server {
    let store = MemoryStore::new();
    Server::new(move || Runtime::builder().store(store.clone()).save(save))
}

async fn end(server: &Server, crash: bool) {
    // It has been saved by now.
    sleep(Duration::from_secs(10)).await;
    if crash { server.crash() } else { server.restart().await }
}

/// Checks that the page shows the server's state, in one of its fields.
async fn is_true(look: fn(&Value) -> Value, prepare: &str) {
    for (crash, save) in WAYS {
        let server = server(save);
        let page = server.page();
        let till = page.mount_open("till", json!({})).await.unwrap();
        till.call("set_price", [10]).await.unwrap();
        match prepare {
            "load" => drop(till.call("load", ()).await.unwrap()),
            "deploy" => FACTOR.set(3),
            _ => {}
        }
        end(&server, crash).await;
        page.settled().await;
        let shown = look(&till.confirmed());
        let truth = till.call("truth", ()).await.unwrap().unwrap();
        let truth = json!({
            "total": truth[0], "cached": truth[1], "figures": { "loading": truth[2], "failed": truth[3] },
        });
        FACTOR.set(2);
        assert_eq!(shown, look(&truth), "{prepare}, crash {crash}, {save:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_field_that_was_loading_is_shown_as_failed() {
    is_true(|state| json!([state["figures"]["loading"], state["figures"]["failed"]]), "load").await;
}

#[tokio::test(start_paused = true)]
async fn a_computed_value_of_an_unsaved_field_is_current() {
    is_true(|state| state["cached"].clone(), "restart").await;
}

#[tokio::test(start_paused = true)]
async fn computed_fields_of_another_version_are_shown() {
    is_true(|state| state["total"].clone(), "deploy").await;
}
