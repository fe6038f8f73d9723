//! Which party sets a component's props: every message of a client, for components of every origin,
//! and every kind of field.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vivaz::prelude::*;
use vivaz::{Call, CallRequest, Errors, Limits, RenderError};
use vivaz_protocol::ClientType;

use crate::app::{Server, limited, start, start_with};
use crate::client::{Client, assert_error};
use crate::http::request;
use crate::paint::attributes;

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

/// A client with the component `t`, mounted with that origin.
async fn mounted(server: &Server, origin: Origin) -> Client {
    let mut client = Client::greet_with(server, ADA, json!({})).await;
    let reply = match origin {
        Origin::Open => client.mount("t", "target", json!({})).await,
        Origin::Sealed => {
            let seal = attributes(&page_of(server, "/target").await, "seal").remove(0);
            let mount = client.message("COMPONENT_MOUNT", "t", json!({ "seal": seal }));
            client.ask(mount).await
        }
        Origin::Child => {
            client.mount("p", "parent", json!({ "number": 0 })).await;
            let mount = child(&mut client, "t", &json!(TARGET));
            client.ask(mount).await
        }
    };
    assert_eq!(reply["type"], "COMPONENT_MOUNTED", "{reply}");
    client
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Origin {
    Open,
    Sealed,
    Child,
}

/// The expected effect of a message on a field.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Cell {
    /// The field has the value afterwards.
    Written,
    /// The reply is this error, and nothing has changed.
    Refused(&'static str),
    /// The reply is the same as without the value, and nothing has changed.
    Ignored,
}

/// Fields, by their purpose.
const FIELDS: [(&str, FieldIs); 26] = [
    ("hidden", FieldIs::Unknown),
    ("skipped", FieldIs::Unknown),
    ("updated", FieldIs::Unknown),
    ("hidden_number", FieldIs::HiddenProp),
    ("public", FieldIs::ReadOnly),
    ("draft", FieldIs::Model),
    ("number", FieldIs::Prop),
    ("filter", FieldIs::PageProp),
    ("both", FieldIs::ModelAndPageProp),
    ("shelf", FieldIs::ReadOnly),
    ("items", FieldIs::ReadOnly),
    ("errors", FieldIs::ReadOnly),
    ("total", FieldIs::ReadOnly),
    ("nowhere", FieldIs::Unknown),
    ("lines", FieldIs::ReadOnly),
    (r#"["lines",2,"number"]"#, FieldIs::Nested),
    (r#"["lines",2,"price"]"#, FieldIs::NestedReadOnly),
    (r#"["lines",2,"id"]"#, FieldIs::NestedReadOnly),
    (r#"["lines",2]"#, FieldIs::NestedReadOnly),
    (r#"["lines",2,"cost"]"#, FieldIs::NestedUnknown),
    (r#"["lines",3,"number"]"#, FieldIs::NoItem),
    (r#"["fixed",2,"number"]"#, FieldIs::NestedReadOnly),
    (r#"["shelf","height"]"#, FieldIs::NestedReadOnly),
    (r#"["number","x"]"#, FieldIs::NestedReadOnly),
    (r#"["total","x"]"#, FieldIs::NestedReadOnly),
    (r#"["hidden","x"]"#, FieldIs::NestedUnknown),
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum FieldIs {
    Unknown,
    ReadOnly,
    Model,
    Prop,
    HiddenProp,
    PageProp,
    ModelAndPageProp,
    /// A property inside of a field, by its path. Only a `PROPERTY_UPDATE` has paths.
    Nested,
    NestedReadOnly,
    NestedUnknown,
    NoItem,
}

/// The cells of a message. A type of message without a row here does not compile.
fn expected(kind: ClientType, origin: Origin, field: FieldIs) -> Cell {
    use FieldIs::{
        HiddenProp, Model, ModelAndPageProp, Nested, NestedReadOnly, NestedUnknown, NoItem, PageProp, Prop,
        ReadOnly, Unknown,
    };
    let by_path = kind == ClientType::Property;
    let edit = match field {
        Nested if by_path => Cell::Written,
        NestedReadOnly if by_path => Cell::Refused("read_only_property"),
        NoItem if by_path => Cell::Refused("unknown_item"),
        Model | ModelAndPageProp => Cell::Written,
        Unknown | HiddenProp | Nested | NestedReadOnly | NestedUnknown | NoItem => {
            Cell::Refused("unknown_property")
        }
        ReadOnly | Prop | PageProp => Cell::Refused("read_only_property"),
    };
    let by_name = match field {
        Prop | HiddenProp | PageProp | ModelAndPageProp => Cell::Written,
        Unknown | ReadOnly | Model | Nested | NestedReadOnly | NestedUnknown | NoItem => {
            Cell::Refused("bad_props")
        }
    };
    let of_page = match field {
        PageProp | ModelAndPageProp => Cell::Written,
        Unknown | ReadOnly | Model | Prop | HiddenProp | Nested | NestedReadOnly | NestedUnknown | NoItem => {
            Cell::Refused("bad_props")
        }
    };
    match (kind, origin) {
        (ClientType::Mount, Origin::Open) | (ClientType::Props, Origin::Open) => by_name,
        (ClientType::Mount, Origin::Sealed) => Cell::Ignored,
        (ClientType::Mount, Origin::Child) | (ClientType::Props, Origin::Child) => of_page,
        (ClientType::Props, Origin::Sealed) => Cell::Refused("forbidden"),
        (ClientType::Action | ClientType::Property, _) => edit,
        // These carry no value for a component.
        (ClientType::Unmount, _) => Cell::Ignored,
        (ClientType::Hello | ClientType::Resync | ClientType::Template | ClientType::Ping, _) => {
            Cell::Ignored
        }
    }
}

/// Messages of that type with a value for the field, at every position. The first one has it at the
/// correct one.
fn messages(client: &mut Client, kind: ClientType, origin: Origin, field: &str) -> Vec<Value> {
    let values = json!({ field: 7 });
    let payloads = match (kind, origin) {
        (ClientType::Mount, Origin::Open) => vec![json!({ "component": "target", "props": values })],
        (ClientType::Mount, Origin::Sealed) => vec![],
        (ClientType::Mount, Origin::Child) => vec![
            json!({ "parent": "p", "place": TARGET, "page": values }),
            json!({ "parent": "p", "place": TARGET, "props": values, "component": "target", field: 7 }),
        ],
        (ClientType::Props, Origin::Open) => vec![json!({ "props": values })],
        (ClientType::Props, Origin::Sealed) => vec![json!({ "page": values }), json!({ "props": values })],
        (ClientType::Props, Origin::Child) => {
            vec![json!({ "page": values }), json!({ "props": values, field: 7 })]
        }
        (ClientType::Property, _) => {
            let property = serde_json::from_str(field).unwrap_or_else(|_| json!(field));
            vec![json!({ "property": property, "value": 7 })]
        }
        (ClientType::Action, _) => {
            let mut message = client.call("t", "nothing", json!([]));
            message["set"] = values;
            return vec![message];
        }
        (ClientType::Unmount, _) => vec![json!({ "props": values, "page": values, field: 7 })],
        (ClientType::Hello | ClientType::Resync | ClientType::Template | ClientType::Ping, _) => vec![],
    };
    let id = if kind == ClientType::Mount { "new" } else { "t" };
    payloads.into_iter().map(|payload| client.message(kind.as_str(), id, payload)).collect()
}

#[tokio::test]
async fn every_message_of_every_origin_meets_every_kind_of_field() {
    let server = limited(Limits { burst: 10_000, ..Limits::default() }).await;
    let mut cells = 0;
    for origin in [Origin::Open, Origin::Sealed, Origin::Child] {
        for &kind in ClientType::ALL {
            for (field, is) in FIELDS {
                let mut client = mounted(&server, origin).await;
                for (at, message) in messages(&mut client, kind, origin, field).into_iter().enumerate() {
                    let mut message = message;
                    message["ref"] = client.message("", "", Value::Null)["ref"].clone();
                    let what = format!("{kind:?} {origin:?} {field} {message}");
                    let sealed = kind == ClientType::Props && origin == Origin::Sealed;
                    let cell = if at == 0 || sealed { expected(kind, origin, is) } else { Cell::Ignored };
                    let mounts = kind == ClientType::Mount;
                    let id = if mounts { "new" } else { "t" };
                    let before = if mounts { Value::Null } else { state(&mut client, "t").await };
                    let reply = client.ask(message).await;
                    match cell {
                        Cell::Refused(code) => {
                            assert_error(&reply, code);
                            if !mounts {
                                assert_eq!(state(&mut client, id).await, before, "{what}");
                            }
                        }
                        Cell::Written if is == FieldIs::HiddenProp => {
                            let all = client.act(id, "all", json!([])).await;
                            assert_eq!(all["payload"][1], 7, "{what}");
                        }
                        Cell::Written if is == FieldIs::Nested => {
                            let lines = &state(&mut client, id).await["lines"];
                            assert_eq!(
                                (&lines[0]["number"], &lines[1]["number"]),
                                (&json!(0), &json!(7)),
                                "{what}"
                            );
                        }
                        Cell::Written => assert_eq!(state(&mut client, id).await[field], 7, "{what}"),
                        Cell::Ignored if kind == ClientType::Unmount => assert_eq!(reply["type"], "ACK"),
                        Cell::Ignored => {
                            assert_ne!(reply["type"], "ERROR", "{what}: {reply}");
                            let after = state(&mut client, id).await;
                            if mounts {
                                assert_ne!(after[field], 7, "{what}");
                                assert_ne!(client.act(id, "all", json!([])).await["payload"][1], 7, "{what}");
                            } else {
                                assert_eq!(after, before, "{what}");
                            }
                        }
                    }
                    if mounts {
                        let unmount = client.message("COMPONENT_UNMOUNT", id, Value::Null);
                        client.ask(unmount).await;
                    }
                    cells += 1;
                }
                client.close(4000).await;
            }
        }
    }
    assert!(cells > 150, "{cells}");
}

#[tokio::test]
async fn what_the_page_gives_is_treated_like_an_edit() {
    let server = limited(Limits { value_bytes: 1_000, ..Limits::default() }).await;
    let mut client = mounted(&server, Origin::Child).await;
    let give =
        |client: &mut Client, page: Value| client.message("PROPS_UPDATE", "t", json!({ "page": page }));
    let message = give(&mut client, json!({ "filter": 5 }));
    assert_eq!(client.ask(message).await["payload"], json!({ "filter": 5 }));
    let message = give(&mut client, json!({ "filter": 5 }));
    assert_eq!(client.ask(message).await["type"], "ACK");
    // A value of another type is refused on each attempt, and changes nothing.
    for _ in 0..2 {
        let message = give(&mut client, json!({ "filter": "five" }));
        assert_error(&client.ask(message).await, "bad_props");
    }
    let message = give(&mut client, json!({ "filter": 6, "number": 6 }));
    assert_error(&client.ask(message).await, "bad_props");
    let message = give(&mut client, json!({ "filter": "x".repeat(2_000) }));
    assert_error(&client.ask(message).await, "too_large");
    assert_eq!(state(&mut client, "t").await["filter"], 5);
    assert_eq!(client.act("t", "written", json!([])).await["payload"], json!(["filter"]));
    // The parent's props are updated, and those of the page stay.
    client.act("p", "raise", json!([3])).await;
    let now = state(&mut client, "t").await;
    assert_eq!((&now["number"], &now["filter"]), (&json!(3), &json!(5)));
}

#[tokio::test]
async fn a_child_follows_its_parent_and_its_topics_by_itself() {
    let server = start().await;
    let mut client = Client::greet_with(&server, ADA, json!({})).await;
    client.mount("p", "parent", json!({ "number": 1 })).await;
    for (id, place) in [("l1", json!([1, 1, 0])), ("l2", json!([1, 2, 0])), ("b", json!([2, 2, 0]))] {
        let mount = child(&mut client, id, &place);
        assert_eq!(client.ask(mount).await["type"], "COMPONENT_MOUNTED", "{id}");
    }
    let mount = client.message("COMPONENT_MOUNT", "bl", json!({ "parent": "b", "place": [0] }));
    assert_eq!(client.ask(mount).await["payload"]["state"]["label"], 2);
    assert_eq!(state(&mut client, "l1").await, json!({ "label": 10, "who": "ada" }));
    client.act("p", "raise", json!([5])).await;
    assert_eq!(state(&mut client, "l1").await["label"], 15);
    assert_eq!(state(&mut client, "l2").await["label"], 25);
    assert_eq!(state(&mut client, "bl").await["label"], 12);

    client.act("p", "toggle", json!([])).await;
    let mount = child(&mut client, "s", &json!([2, 1, 0]));
    assert_eq!(client.ask(mount).await["payload"]["state"]["label"], 6);
    // Another page changes the topic.
    let mut other = Client::greet(&server).await;
    other.mount("p", "parent", json!({})).await;
    other.act("p", "grow", json!([])).await;
    let told = loop {
        let message = client.next().await;
        if message["componentId"] == "s" {
            break message;
        }
    };
    assert_eq!(told["payload"], json!({ "label": 106 }));
    // The page may still send it.
    let update = client.message("PROPS_UPDATE", "s", json!({}));
    assert_eq!(client.ask(update).await["type"], "ACK");
}

#[tokio::test]
async fn a_resume_compares_the_props_of_children() {
    let server = start().await;
    let mut client = Client::open_with(&server, ADA).await.unwrap();
    client.send(json!({ "v": 1, "type": "HELLO", "payload": {} })).await;
    let welcome = client.expect("WELCOME").await;
    client.mount("p", "parent", json!({ "number": 1 })).await;
    client.act("p", "toggle", json!([])).await;
    let mount = child(&mut client, "s", &json!([2, 1, 0]));
    client.ask(mount).await;
    client.cut();
    let mut other = Client::greet(&server).await;
    other.mount("p", "parent", json!({})).await;
    other.act("p", "grow", json!([])).await;
    let mut client = Client::open_with(&server, ADA).await.unwrap();
    let hello = json!({
        "session": welcome["payload"]["session"], "resume": welcome["payload"]["resume"], "acked": 3, "streams": {},
    });
    client.send(json!({ "v": 1, "type": "HELLO", "payload": hello })).await;
    assert_eq!(client.expect("WELCOME").await["payload"]["resumed"], true);
    assert_eq!(state(&mut client, "s").await["label"], 101);
}

#[tokio::test]
async fn a_mount_waits_for_its_place_until_the_parent_has_handled_what_came_before() {
    let server = start().await;
    let mut client = Client::greet(&server).await;
    client.mount("p", "parent", json!({})).await;
    let slowly = client.call("p", "open_slowly", json!([]));
    client.send(slowly.clone()).await;
    server.bench.entered.notified().await;
    let waits = child(&mut client, "later", &json!([2, 1, 0]));
    let never = child(&mut client, "never", &json!([1, 9, 0]));
    client.send(waits.clone()).await;
    client.send(never.clone()).await;
    // A mount whose parent already shows the child does not wait.
    let there = child(&mut client, "now", &json!([1, 1, 0]));
    assert_eq!(client.ask(there).await["type"], "COMPONENT_MOUNTED");
    server.bench.gate.notify_one();
    client.reply(&slowly["ref"]).await;
    let mut replies = std::collections::BTreeMap::new();
    while replies.len() < 2 {
        let reply = client.next().await;
        replies.insert(reply["ref"].as_u64().unwrap(), reply);
    }
    let later = &replies[&waits["ref"].as_u64().unwrap()];
    assert_eq!(later["type"], "COMPONENT_MOUNTED");
    assert_eq!(later["payload"]["state"]["label"], 0);
    assert_error(&replies[&never["ref"].as_u64().unwrap()], "not_mounted");
}

#[tokio::test]
async fn parent_and_child_may_be_mounted_in_one_flight() {
    let server = start().await;
    let mut client = Client::greet(&server).await;
    let parent = client.message("COMPONENT_MOUNT", "p", json!({ "component": "parent", "props": {} }));
    let leaf = child(&mut client, "l", &json!([1, 2, 0]));
    client.send_all([parent, leaf.clone()]).await.unwrap();
    assert_eq!(client.reply(&leaf["ref"]).await["payload"]["state"]["label"], 20);
    // Whole trees too, with the messages for their members.
    let mut client = Client::greet_with(&server, ADA, json!({})).await;
    let parent =
        client.message("COMPONENT_MOUNT", "p", json!({ "component": "parent", "props": { "number": 4 } }));
    let branch = child(&mut client, "b", &json!([2, 2, 0]));
    let leaf = client.message("COMPONENT_MOUNT", "l", json!({ "parent": "b", "place": [0] }));
    let twice = child(&mut client, "l", &json!([1, 1, 0]));
    let target = child(&mut client, "t", &json!(TARGET));
    let edit = client.message("PROPERTY_UPDATE", "t", json!({ "property": "draft", "value": 3 }));
    let props = client.message("PROPS_UPDATE", "l", json!({}));
    let lost = child(&mut client, "x", &json!([7]));
    let below = client.message("COMPONENT_MOUNT", "y", json!({ "parent": "x", "place": [0] }));
    let asked = client.message("PROPS_UPDATE", "y", json!({}));
    let flight = [&parent, &branch, &leaf, &twice, &target, &edit, &props, &lost, &below, &asked];
    client.send_all(flight.into_iter().cloned()).await.unwrap();
    let mut replies = std::collections::BTreeMap::new();
    while replies.len() < flight.len() {
        let reply = client.next().await;
        if let Some(reference) = reply["ref"].as_u64() {
            replies.insert(reference, reply);
        }
    }
    let reply = |message: &Value| &replies[&message["ref"].as_u64().unwrap()];
    assert_eq!(reply(&leaf)["payload"]["state"]["label"], 8);
    assert_eq!(reply(&edit)["payload"], json!({ "draft": 3 }));
    assert_eq!(reply(&props)["type"], "ACK");
    assert_error(reply(&twice), "duplicate_component");
    for message in [&lost, &below, &asked] {
        assert_error(reply(message), "not_mounted");
    }
    // A child of a parent that cannot be mounted is refused.
    let broken =
        client.message("COMPONENT_MOUNT", "q", json!({ "component": "parent", "props": { "number": "x" } }));
    let orphan = client.message("COMPONENT_MOUNT", "o", json!({ "parent": "q", "place": [0] }));
    client.send_all([broken.clone(), orphan.clone()]).await.unwrap();
    assert_error(&client.reply(&broken["ref"]).await, "bad_props");
    assert_error(&client.reply(&orphan["ref"]).await, "not_mounted");
}

#[tokio::test]
async fn a_place_that_is_not_the_childs_mounts_nothing() {
    let server = start().await;
    let mut other = Client::greet(&server).await;
    other.mount("theirs", "parent", json!({})).await;
    let mut client = Client::greet(&server).await;
    client.mount("p", "parent", json!({})).await;
    client.mount("c", "counter", json!({})).await;
    let deep = Value::from(vec![1; 256]);
    for (parent, place) in [
        ("theirs", json!([0])),
        ("nobody", json!([0])),
        ("x", json!([0])),
        ("c", json!([0])),
        ("p", json!([])),
        ("p", json!([1])),
        ("p", json!([1, 3, 0])),
        ("p", json!([1, "1", 0])),
        ("p", json!([1, 1, 1])),
        ("p", json!([2, 1, 0])),
        ("p", json!([2, 3, 0])),
        ("p", json!([9])),
        ("p", json!([0, 0])),
        ("p", json!([-1])),
        ("p", json!([1e300])),
        ("p", json!([null])),
        ("p", json!(["x".repeat(10_000)])),
        ("p", deep),
    ] {
        let payload =
            json!({ "parent": parent, "place": place, "component": "leaf", "props": { "label": 1 } });
        let mount = client.message("COMPONENT_MOUNT", "x", payload);
        assert_error(&client.ask(mount).await, "not_mounted");
    }
    let mount =
        client.message("COMPONENT_MOUNT", "x", json!({ "component": "leaf", "props": { "label": 1 } }));
    assert_error(&client.ask(mount).await, "unknown_component");
    let mount = child(&mut client, "p", &json!([0]));
    assert_error(&client.ask(mount).await, "duplicate_component");
}

#[tokio::test]
async fn a_childs_seal_opens_with_its_parent_at_its_place_alone() {
    let server = start().await;
    let html = page_of(&server, "/parent").await;
    let seals = attributes(&html, "seal");
    let places = attributes(&html, "child");
    let place = |place: &str| format!("{{&quot;place&quot;:{place}}}");
    assert_eq!(places, ["[0]", "[1,1,0]", "[1,2,0]"].map(place));
    let mut client = Client::greet_with(&server, ADA, json!({})).await;
    let mut mount = async |id: &str, payload: Value| {
        let message = client.message("COMPONENT_MOUNT", id, payload);
        client.ask(message).await
    };
    assert_eq!(mount("p", json!({ "seal": seals[0] })).await["type"], "COMPONENT_MOUNTED");
    for seal in &seals[1..] {
        assert_error(&mount("x", json!({ "seal": seal })).await, "bad_seal");
    }
    let at = |seal: usize, place: Value| json!({ "parent": "p", "place": place, "seal": seals[seal] });
    for wrong in
        [at(1, json!([1, 1, 0])), at(2, json!([1, 2, 0])), at(3, json!([1, 1, 0])), at(0, json!([0]))]
    {
        assert_error(&mount("x", wrong).await, "bad_seal");
    }
    assert_error(&mount("x", at(2, json!([1, 7, 0]))).await, "not_mounted");
    assert_error(&mount("x", json!({ "parent": "p", "place": [0], "seal": "nonsense" })).await, "bad_seal");
    for (seal, place) in [(1, json!([0])), (2, json!([1, 1, 0])), (3, json!([1, 2, 0]))] {
        let mounted = mount(&format!("c{seal}"), at(seal, place)).await;
        assert_eq!(mounted["type"], "COMPONENT_MOUNTED");
    }
    // The parent has changed since the page was rendered, so its child changes too.
    let mut late = Client::greet_with(&server, ADA, json!({})).await;
    let parent = late.message("COMPONENT_MOUNT", "p", json!({ "seal": seals[0] }));
    late.ask(parent).await;
    late.act("p", "raise", json!([7])).await;
    let leaf = late.message("COMPONENT_MOUNT", "l", at(2, json!([1, 1, 0])));
    late.ask(leaf).await;
    assert_eq!(state(&mut late, "l").await["label"], 17);
}

#[tokio::test]
async fn unmounting_a_parent_unmounts_its_children() {
    let server = start().await;
    for how in ["page", "server"] {
        let mut client = Client::greet(&server).await;
        client.mount("p", "parent", json!({})).await;
        for (id, parent, place) in
            [("l", "p", json!([1, 1, 0])), ("b", "p", json!([2, 2, 0])), ("bl", "b", json!([0]))]
        {
            let mount = client.message("COMPONENT_MOUNT", id, json!({ "parent": parent, "place": place }));
            assert_eq!(client.ask(mount).await["type"], "COMPONENT_MOUNTED", "{id}");
        }
        let message = match how {
            "page" => client.message("COMPONENT_UNMOUNT", "p", Value::Null),
            _ => client.call("p", "close", json!([])),
        };
        client.send(message).await;
        let mut gone = Vec::new();
        while gone.len() < 3 {
            let message = client.next().await;
            let id = message["componentId"].as_str().unwrap_or_default().to_owned();
            if message["type"] == "COMPONENT_UNMOUNTED" && id != "p" {
                gone.push(id);
            }
        }
        gone.sort_unstable();
        assert_eq!(gone, ["b", "bl", "l"], "{how}");
        for id in ["l", "b", "bl"] {
            let late = client.message("PROPS_UPDATE", id, json!({}));
            assert_error(&client.ask(late).await, "not_mounted");
        }
        let mount = child(&mut client, "x", &json!([0]));
        assert_error(&client.ask(mount).await, "not_mounted");
    }
}

#[tokio::test]
async fn a_thousand_children_of_one_list_are_mounted_in_linear_time() {
    let limits = Limits { components: 2_000, burst: 10_000, in_flight: 2_000, ..Limits::default() };
    let server = limited(limits).await;
    let mut client = Client::greet(&server).await;
    client.mount("p", "parent", json!({})).await;
    client.act("p", "fill", json!([1_000])).await;
    let before = server.runtime.stats().parents_parsed;
    let mounts: Vec<Value> =
        (0..1_000).map(|id| child(&mut client, &format!("l{id}"), &json!([1, id, 0]))).collect();
    client.send_all(mounts.iter().cloned()).await.unwrap();
    for _ in 0..1_000 {
        assert_eq!(client.expect("COMPONENT_MOUNTED").await["payload"]["component"], "leaf");
    }
    assert_eq!(server.runtime.stats().parents_parsed - before, 1);
    // A change of all of them parses the parent's state only once, too.
    client.act("p", "raise", json!([1])).await;
    assert_eq!(state(&mut client, "l999").await["label"], 1_000);
    assert_eq!(server.runtime.stats().parents_parsed - before, 2);
}

#[tokio::test]
async fn middleware_sees_every_message_that_reaches_a_component() {
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let (log, refuse) = (seen.clone(), std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false)));
    let refuses = refuse.clone();
    let server = start_with(move |builder| {
        builder.middleware(move |call: Call| {
            log.lock().unwrap().push((call.component, call.request));
            let refused = refuses.load(std::sync::atomic::Ordering::SeqCst);
            async move { if refused { Err(ActionError::forbidden("not now")) } else { Ok(()) } }
        })
    })
    .await;
    let mut client = mounted(&server, Origin::Child).await;
    let mut act = client.call("t", "nothing", json!([]));
    act["set"] = json!({ "draft": 1 });
    let edit = client.message("PROPERTY_UPDATE", "t", json!({ "property": "draft", "value": 2 }));
    let props = client.message("PROPS_UPDATE", "t", json!({ "page": { "filter": 2 } }));
    for message in [act, edit, props] {
        assert_ne!(client.ask(message).await["type"], "ERROR");
    }
    let action = CallRequest::Action { name: "nothing".into(), edits: vec!["draft".into()] };
    let expected = vec![
        ("parent", CallRequest::Mount),
        ("target", CallRequest::Mount),
        ("target", action),
        ("target", CallRequest::Edit { field: "draft".into(), steps: [].into() }),
        ("target", CallRequest::Props),
    ];
    assert_eq!(*seen.lock().unwrap(), expected);
    refuse.store(true, std::sync::atomic::Ordering::SeqCst);
    let before = state(&mut client, "t").await;
    let edit = client.message("PROPERTY_UPDATE", "t", json!({ "property": "draft", "value": 3 }));
    let props = client.message("PROPS_UPDATE", "t", json!({ "page": { "filter": 3 } }));
    let mount = child(&mut client, "x", &json!([1, 1, 0]));
    let open = client.message("COMPONENT_MOUNT", "y", json!({ "component": "target" }));
    for message in [edit, props, mount, open] {
        assert_error(&client.ask(message).await, "forbidden");
    }
    assert_eq!(state(&mut client, "t").await, before);
    let unmount = client.message("COMPONENT_UNMOUNT", "t", Value::Null);
    assert_eq!(
        tokio::time::timeout(Duration::from_secs(20), client.ask(unmount)).await.unwrap()["type"],
        "ACK"
    );
}
