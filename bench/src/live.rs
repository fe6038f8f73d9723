//! The measured server: small and large components and topics, without the limits that the load
//! would reach.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use vivaz::prelude::*;
use vivaz::{Limits, Topic};

use crate::echo::LARGE_BYTES;
use crate::{pages, process};

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

/// A list whose length the load chooses.
#[derive(LiveComponent, Clone, Default)]
#[live(
    name = "rows",
    inline = "<ul><li live:for=\"r in rows\" live:key=\"r.id\">{{ r.label }}</li></ul>",
    open
)]
struct Rows {
    rows: List<Row>,
    #[live(private)]
    last: u64,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Row {
    id: u64,
    label: String,
}

#[actions]
impl Rows {
    /// Replaces the list by `n` new rows. This is preparation and not measured.
    #[action]
    fn create(&mut self, n: u64) {
        let rows = self.fresh(n);
        self.rows.replace(rows);
    }

    #[action]
    fn append(&mut self, n: u64) {
        let rows = self.fresh(n);
        self.rows.extend(rows);
    }

    fn fresh(&mut self, n: u64) -> Vec<Row> {
        let first = self.last + 1;
        self.last += n;
        (first..=self.last).map(|id| Row { id, label: format!("row {id}") }).collect()
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
    vivaz::serve(listener, pages::routes().merge(runtime.router()).with_state(runtime.clone()), runtime)
        .await?;
    Ok(())
}
