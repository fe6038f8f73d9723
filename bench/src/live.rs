//! The measured server: small and large components and topics, without the limits that the load
//! would reach.

mod lists;

use std::time::Duration;

use axum::response::Response;
use axum::routing::get;
use serde::{Deserialize, Serialize};
use vivaz::prelude::*;
use vivaz::{Limits, Live, RenderError, Topic};

use crate::echo::LARGE_BYTES;
use crate::{pages, process};

pub(crate) use lists::ROWS;
use lists::{Row, rows};

/// The path of the page with one counter.
pub(crate) const PAGE: &str = "/page";

/// The smallest component.
#[derive(LiveComponent, Clone)]
#[live(
    name = "counter",
    inline = "<button live:click=\"increment(1)\">{{ title }}: {{ count }}</button>",
    open
)]
struct Counter {
    #[live(prop, default = "Live Counter".into())]
    title: String,
    #[live(prop, default)]
    count: i64,
}

#[actions]
impl Counter {
    #[action(amount = 1)]
    fn increment(&mut self, amount: i64) {
        self.count = self.count.saturating_add(amount);
    }
}

/// Shows a topic whose snapshot has the size of the echo's large reply.
#[derive(LiveComponent, Clone)]
#[live(name = "large", inline = "<p>{{ large.text }}</p>", open)]
struct LargeView {
    #[live(shared = "large/one")]
    large: Shared<Large>,
}

#[actions]
impl LargeView {}

#[derive(LiveState, Serialize, Deserialize, Clone, Debug)]
struct Large {
    text: String,
}

impl Topic for Large {
    type Key = String;

    async fn load(_: &String, _: &TopicContext) -> Result<Self> {
        Ok(Self { text: "x".repeat(LARGE_BYTES) })
    }

    async fn authorize(_: &String, _: &Identity) -> Result {
        Ok(())
    }
}

/// Shows a topic of 1,000 rows, whose first row its viewers change.
#[derive(LiveComponent, Clone)]
#[live(
    name = "table",
    inline = "<ul><li live:for=\"r in table.rows\" live:key=\"r.id\">{{ r.label }}</li></ul>",
    open
)]
struct TableView {
    #[live(shared = "table/one")]
    table: Shared<Table>,
}

#[actions]
impl TableView {
    #[action]
    fn post(&mut self, text: String) {
        self.table.update(move |table| {
            table.posts += 1;
            let label = format!("{} {text}", table.posts);
            table.rows.update(1, |row| row.label = label);
        });
    }
}

#[derive(LiveState, Serialize, Deserialize, Clone, Debug)]
struct Table {
    rows: List<Row>,
    #[serde(skip)]
    posts: u64,
}

impl Topic for Table {
    type Key = String;

    async fn load(_: &String, _: &TopicContext) -> Result<Self> {
        Ok(Self { rows: rows(1..=ROWS).collect(), posts: 0 })
    }

    async fn authorize(_: &String, _: &Identity) -> Result {
        Ok(())
    }
}

/// Shows a topic that its viewers change.
#[derive(LiveComponent, Clone)]
#[live(name = "board", inline = "<p>{{ board.note }}</p>", open)]
struct BoardView {
    #[live(shared = "board/one")]
    board: Shared<Board>,
}

#[actions]
impl BoardView {
    #[action]
    fn post(&mut self, text: String) {
        self.board.update(move |board| {
            board.posts += 1;
            board.note = format!("{} {text}", board.posts);
        });
    }
}

#[derive(LiveState, Serialize, Deserialize, Clone, Debug, Default)]
struct Board {
    note: String,
    #[serde(skip)]
    posts: u64,
}

impl Topic for Board {
    type Key = String;

    async fn load(_: &String, _: &TopicContext) -> Result<Self> {
        Ok(Self::default())
    }

    async fn authorize(_: &String, _: &Identity) -> Result {
        Ok(())
    }
}

/// The page with one counter.
async fn page(live: Live) -> std::result::Result<Response, RenderError> {
    let counter = live.render::<Counter>(CounterProps { title: "Live Counter".into(), count: 0 }).await?;
    Ok(live.page(format!("<!doctype html>{}{counter}", live.head())))
}

/// Serves until the process is killed.
pub(crate) async fn serve() -> anyhow::Result<()> {
    let limits = Limits {
        messages_per_second: u32::MAX,
        burst: u32::MAX,
        // The load holds thousands of connections without reading from them.
        heartbeat: Duration::from_secs(3600),
        // The long list has 100,000 rows.
        session_state_bytes: 64 * 1024 * 1024,
        // One session mounts hundreds of components.
        components: 1_000,
        ..Limits::default()
    };
    let runtime = Runtime::builder().limits(limits).build()?;
    let listener = process::listen().await?;
    let routes = pages::routes().route(PAGE, get(page)).merge(runtime.router()).with_state(runtime.clone());
    vivaz::serve(listener, routes, runtime).await?;
    Ok(())
}
