//! Which party sets a component's props: every message of a client, for components of every origin,
//! and every kind of field.

mod children;
mod matrix;

use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vivaz::prelude::*;
use vivaz::{Errors, RenderError};

use crate::app::Server;
use crate::client::Client;
use crate::http::request;

/// A field of every kind.
#[derive(LiveComponent, Clone)]
#[live(name = "target", inline = "<p>{{ number }} {{ filter }}</p>", open)]
pub(crate) struct Target {
    #[live(private, default)]
    hidden: u32,
    #[live(skip, default)]
    skipped: u32,
    #[live(default)]
    public: u32,
    #[live(model, default)]
    draft: u32,
    #[live(prop, default)]
    number: u32,
    #[live(private, prop, default)]
    hidden_number: u32,
    #[live(prop, page, default)]
    filter: u32,
    #[live(model, prop, page, default)]
    both: u32,
    #[live(shared = "shelf/one")]
    shelf: Shared<Shelf>,
    #[live(default)]
    items: Vec<u32>,
    #[live(model, default = lines())]
    lines: List<Line>,
    #[live(default = lines())]
    fixed: List<Line>,
    #[live(errors, default)]
    errors: Errors,
    #[live(private, default)]
    updated: Vec<String>,
    #[live(url, default)]
    bound: u32,
}

/// An item with one field that a page may write.
#[derive(LiveState, Serialize, Deserialize, Clone)]
pub(crate) struct Line {
    id: u32,
    #[live(model)]
    number: u32,
    price: u32,
    #[serde(skip)]
    #[expect(dead_code, reason = "a page asks for it in vain")]
    cost: u32,
}

fn lines() -> List<Line> {
    [1, 2].map(|id| Line { id, number: 0, price: 0, cost: 0 }).into_iter().collect()
}

#[actions]
impl Target {
    #[live(computed)]
    fn total(&self) -> u32 {
        self.public + self.hidden
    }

    #[action]
    fn nothing(&mut self) {}

    #[action]
    fn all(&self) -> (u32, u32, u32) {
        (self.hidden, self.hidden_number, self.skipped)
    }

    #[action]
    fn written(&self) -> Vec<String> {
        self.updated.clone()
    }

    fn updated(&mut self, field: &str) {
        self.updated.push(field.to_owned());
    }
}

/// State that several pages show.
#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
pub(crate) struct Shelf {
    height: u32,
}

impl Topic for Shelf {
    type Key = String;

    async fn load(_key: &String, _cx: &TopicContext) -> Result<Self> {
        Ok(Self::default())
    }

    async fn authorize(_key: &String, _who: &Identity) -> Result<()> {
        Ok(())
    }
}

/// Shown by a parent.
#[derive(LiveState, Serialize, Deserialize, Clone)]
pub(crate) struct Row {
    id: u32,
    number: u32,
}

/// A parent, with a child at each kind of place.
#[derive(LiveComponent, Clone)]
#[live(
    name = "parent",
    inline = "<div live:local='near = false; word = 1'><live:target number='{{ number }}' filter='{{ word }}'></live:target>\
              <ul><li live:for='r in rows' live:key='r.id'><live:leaf label='{{ r.number }}' who='{{ $user.id }}'></live:leaf></li></ul>\
              <section live:if='open'><live:leaf label='{{ number + shelf.height }}'></live:leaf></section>\
              <section live:else-if='near'><live:branch start='{{ number }}'></live:branch></section>\
              <section live:else><b>closed</b></section></div>",
    children(Target, Leaf, Branch),
    open
)]
pub(crate) struct Parent {
    #[live(prop, default)]
    number: u32,
    #[live(default = vec![Row { id: 1, number: 10 }, Row { id: 2, number: 20 }])]
    rows: Vec<Row>,
    #[live(default)]
    open: bool,
    #[live(shared = "shelf/one")]
    shelf: Shared<Shelf>,
}

#[actions]
impl Parent {
    #[action]
    fn raise(&mut self, by: u32) {
        self.number += by;
        for row in &mut self.rows {
            row.number += by;
        }
    }

    #[action]
    fn grow(&mut self) {
        self.shelf.update(|shelf| shelf.height += 100);
    }

    #[action]
    fn toggle(&mut self) {
        self.open = !self.open;
    }

    #[action]
    fn fill(&mut self, count: u32) {
        self.rows = (0..count).map(|id| Row { id, number: id }).collect();
    }

    #[action]
    async fn open_slowly(&mut self, cx: &mut Context) {
        let bench = cx.state::<std::sync::Arc<crate::app::Bench>>().clone();
        bench.entered.notify_one();
        bench.gate.notified().await;
        self.open = true;
    }

    #[action]
    fn close(&mut self, cx: &mut Context) {
        cx.close();
    }
}

/// A child that is not open.
#[derive(LiveComponent, Clone)]
#[live(name = "leaf", inline = "<p>{{ label }}</p>")]
pub(crate) struct Leaf {
    #[live(prop)]
    label: u32,
    #[live(prop, default)]
    who: Option<String>,
}

#[actions]
impl Leaf {}

/// A child that has a child.
#[derive(LiveComponent, Clone)]
#[live(name = "branch", inline = "<div><live:leaf label='{{ start * 2 }}'></live:leaf></div>")]
pub(crate) struct Branch {
    #[live(prop)]
    start: u32,
}

#[actions]
impl Branch {}

/// The page of a parent, as the server renders it; and of a target alone.
pub(crate) async fn parent_page(live: Live) -> std::result::Result<Response, RenderError> {
    Ok(live.render::<Parent>(ParentProps { number: 1 }).await?.to_string().into_response())
}

pub(crate) async fn target_page(live: Live) -> std::result::Result<Response, RenderError> {
    Ok(live.render::<Target>(TargetProps::default()).await?.to_string().into_response())
}

const ADA: &[(&str, &str)] = &[("x-user", "ada")];
const TARGET: [u32; 1] = [0];

async fn page_of(server: &Server, path: &str) -> String {
    String::from_utf8(request(server, "GET", path, ADA).await.1).unwrap()
}

fn child(client: &mut Client, id: &str, place: &Value) -> Value {
    client.message("COMPONENT_MOUNT", id, json!({ "parent": "p", "place": place }))
}

pub(crate) async fn state(client: &mut Client, id: &str) -> Value {
    client.send(json!({ "v": 1, "type": "RESYNC", "componentId": id })).await;
    loop {
        let message = client.next().await;
        if message["type"] == "STATE_SNAPSHOT" && message["componentId"] == id {
            return message["payload"].clone();
        }
    }
}
