//! Pages and messages with 1,000 rows: of components, and written by hand for these rows only.

use std::fmt::Write as _;

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::{Html, Response};
use axum::routing::get;
use serde::{Deserialize, Serialize};
use vivaz::Topic;
use vivaz::prelude::*;

use crate::process;

/// The page that shows the rows of a component of its own.
pub(crate) const OWN: &str = "/own";

/// The page that shows the rows of a topic.
pub(crate) const SHARED: &str = "/shared";

/// The page that is written by hand.
pub(crate) const WRITTEN: &str = "/written";

/// The name of the component that has rows of its own.
pub(crate) const OWN_ROWS: &str = "own-rows";

const ROWS: u64 = 1_000;

/// What precedes the rows in every page.
const START: &str = "<!doctype html><title>Rows</title><body>";

#[derive(LiveState, Serialize, Deserialize, Clone, Debug)]
struct PageRow {
    id: u64,
    label: String,
}

fn rows() -> impl Iterator<Item = PageRow> {
    (1..=ROWS).map(|id| PageRow { id, label: format!("row <{id}>") })
}

#[derive(LiveComponent, Clone)]
#[live(
    name = "own-rows",
    inline = "<ol><li live:for=\"row in rows\" live:key=\"row.id\"><b>{{ row.id }}</b> {{ row.label }}</li></ol>",
    open
)]
struct OwnRows {
    rows: List<PageRow>,
}

#[actions]
impl OwnRows {
    async fn mount(_props: OwnRowsProps, _cx: &mut MountContext) -> Result<Self> {
        Ok(Self { rows: rows().collect() })
    }
}

#[derive(LiveComponent, Clone)]
#[live(
    name = "shared-rows",
    inline = "<ol><li live:for=\"row in table.rows\" live:key=\"row.id\"><b>{{ row.id }}</b> {{ row.label }}</li></ol>"
)]
struct SharedRows {
    #[live(shared = "page-rows/one")]
    table: Shared<PageRows>,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Debug)]
struct PageRows {
    rows: List<PageRow>,
}

impl Topic for PageRows {
    type Key = String;

    async fn load(_: &String, _: &TopicContext) -> Result<Self> {
        Ok(Self { rows: rows().collect() })
    }

    async fn authorize(_: &String, _: &Identity) -> Result {
        Ok(())
    }
}

/// Returns the pages of the measured server.
pub(crate) fn routes() -> Router<Runtime> {
    Router::new().route(OWN, get(own)).route(SHARED, get(shared))
}

async fn own(live: Live) -> Result<Response, RenderError> {
    let rows = live.render::<OwnRows>(Default::default()).await?;
    Ok(live.page(format!("{START}{rows}")))
}

async fn shared(live: Live) -> Result<Response, RenderError> {
    let rows = live.render::<SharedRows>(Default::default()).await?;
    Ok(live.page(format!("{START}{rows}")))
}

/// Serves the page that is written by hand, and sends the rows as JSON for every message, until the
/// process is killed.
pub(crate) async fn serve_written() -> anyhow::Result<()> {
    let listener = process::listen().await?;
    let router = Router::new().route(WRITTEN, get(written)).route(
        process::PATH,
        get(|upgrade: WebSocketUpgrade| async move {
            upgrade.read_buffer_size(512).write_buffer_size(0).on_upgrade(send_rows)
        }),
    );
    axum::serve(listener, router).await?;
    Ok(())
}

async fn written() -> Html<String> {
    let rows: Vec<PageRow> = rows().collect();
    let mut html = format!("{START}<ol>");
    for PageRow { id, label } in &rows {
        // Writing to a text cannot fail.
        let _ = write!(html, "<li><b>{id}</b> {}</li>", escaped(label));
    }
    html.push_str("</ol>");
    Html(html)
}

/// Escapes a text for HTML.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            other => escaped.push(other),
        }
    }
    escaped
}

async fn send_rows(mut socket: WebSocket) {
    while let Some(Ok(Message::Text(_))) = socket.recv().await {
        let rows: Vec<PageRow> = rows().collect();
        let Ok(json) = serde_json::to_string(&rows) else { return };
        if socket.send(Message::Text(json.into())).await.is_err() {
            return;
        }
    }
}
