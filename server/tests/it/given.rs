//! The props of a component survive a restart: changes that the component made to them stay, and a
//! new mount gets the last props.

use serde_json::{Value, json};
use vivaz::prelude::*;
use vivaz::store::StoredComponent;
use vivaz::testing::Server as Kit;
use vivaz::{MemoryStore, Runtime, Save};

use crate::app::{Server, start_with};
use crate::client::Client;
use crate::stores::Translated;

/// A durable counter that starts with its prop, as the counter of the README.
#[derive(LiveComponent, Clone)]
#[live(name = "step", inline = "<p>{{ count }} {{ label }}</p>", durable)]
struct Step {
    #[live(prop, default)]
    count: i64,
    #[live(prop, default)]
    label: String,
    #[live(default)]
    clicks: u32,
}

#[actions]
impl Step {
    #[action]
    fn increment(&mut self) {
        self.count += 1;
        self.clicks += 1;
    }
}

#[derive(LiveComponent, Clone)]
#[live(
    name = "stairs",
    inline = "<div><live:step count='{{ start }}' label='{{ label }}'></live:step></div>",
    children(Step),
    open
)]
struct Stairs {
    #[live(prop)]
    start: i64,
    #[live(default)]
    label: String,
}

#[actions]
impl Stairs {
    #[action]
    fn rename(&mut self, label: String) {
        self.label = label;
    }
}

/// A child that has changed a field given by its parent keeps it while the parent gives the same
/// value.
#[tokio::test(start_paused = true)]
async fn a_child_keeps_the_state_derived_from_its_props() {
    for how in ["nothing", "drop", "rename", "restart", "crash"] {
        let store = MemoryStore::new();
        let server = Kit::new(move || Runtime::builder().store(store.clone()).save(Save::Always));
        let page = server.page();
        let stairs = page.mount_open("stairs", json!({ "start": 10 })).await.unwrap();
        let step = stairs.children("step").remove(0);
        for _ in 0..3 {
            step.call("increment", ()).await.unwrap();
        }
        match how {
            "drop" => page.network().drop(),
            "rename" => drop(stairs.call("rename", ["x"]).await.unwrap()),
            "restart" => server.restart().await,
            "crash" => server.crash(),
            _ => {}
        }
        page.settled().await;
        assert_eq!((&step.state()["count"], &step.state()["clicks"]), (&json!(13), &json!(3)), "{how}");
    }
}

/// The same with SQLite in its default configuration.
#[tokio::test]
async fn a_child_keeps_the_state_derived_from_its_props_with_sqlite() {
    let file = crate::restart::File::new().await;
    let database = file.database.clone();
    let server = Kit::new(move || Runtime::builder().store(database.clone()));
    let page = server.page();
    let stairs = page.mount_open("stairs", json!({ "start": 10 })).await.unwrap();
    let step = stairs.children("step").remove(0);
    for _ in 0..3 {
        step.call("increment", ()).await.unwrap();
    }
    server.restart().await;
    page.settled().await;
    assert_eq!(step.state(), json!({ "count": 13, "label": "", "clicks": 3 }));
}
/// A component that never decodes the state of another version.
#[derive(LiveComponent, Clone)]
#[live(name = "forgetful", inline = "<p>{{ room }} {{ filter }} {{ clicks }}</p>", open)]
struct Forgetful {
    #[live(prop)]
    room: String,
    #[live(prop, page, default)]
    filter: u32,
    #[live(default)]
    clicks: u32,
}

#[actions]
impl Forgetful {
    #[action]
    fn click(&mut self) -> u32 {
        self.clicks += 1;
        self.clicks
    }

    #[action]
    fn shown(&self) -> (String, u32, u32) {
        (self.room.clone(), self.filter, self.clicks)
    }

    fn migrate(_saved: &vivaz::Saved<'_>) -> Result<Self> {
        Err(ActionError::user("another version"))
    }
}

/// A parent gives its child one prop, and the page gives it another.
#[derive(LiveComponent, Clone)]
#[live(
    name = "forgetful-parent",
    inline = "<div live:local='word = 1'><live:forgetful room='{{ room }}' filter='{{ word }}'></live:forgetful></div>",
    children(Forgetful),
    open
)]
struct ForgetfulParent {
    #[live(prop)]
    room: String,
}

#[actions]
impl ForgetfulParent {
    #[action]
    fn turn(&mut self, room: String) {
        self.room = room;
    }
}

fn other_schema(row: &mut StoredComponent) {
    if row.name == "forgetful" {
        row.schema ^= 1;
    }
}

async fn old(store: &MemoryStore) -> Server {
    let store = store.clone();
    start_with(|builder| builder.store(store)).await
}

async fn new(store: &MemoryStore) -> Server {
    let store = Translated::new(store.clone(), other_schema);
    start_with(|builder| builder.store(store)).await
}

async fn deploy(mut first: Server, client: Client, store: &MemoryStore, acked: u64) -> (Server, Client) {
    let welcome = client.welcome.clone();
    client.cut();
    first.stop().await;
    let second = new(store).await;
    let mut client = Client::resume(&second, &welcome, acked, json!({})).await;
    assert_eq!(client.welcome["resumed"], true);
    client.count_from(acked);
    client.drain().await;
    (second, client)
}

async fn shown(client: &mut Client, id: &str) -> Value {
    client.act(id, "shown", json!([])).await["payload"].clone()
}

#[tokio::test]
async fn an_open_component_is_remounted_with_its_previous_props() {
    let store = MemoryStore::new();
    let first = old(&store).await;
    let mut client = Client::hello(&first).await;
    client.mount("f", "forgetful", json!({ "room": "hall" })).await;
    client.act("f", "click", json!([])).await;
    let props = client.message("PROPS_UPDATE", "f", json!({ "props": { "room": "kitchen", "filter": 7 } }));
    assert_eq!(client.ask(props).await["type"], "STATE_UPDATE");
    let (_second, mut client) = deploy(first, client, &store, 3).await;
    assert_eq!(shown(&mut client, "f").await, json!(["kitchen", 7, 0]));
}

#[tokio::test]
async fn a_child_is_remounted_with_its_previous_props() {
    let store = MemoryStore::new();
    let first = old(&store).await;
    let mut client = Client::hello(&first).await;
    client.mount("p", "forgetful-parent", json!({ "room": "hall" })).await;
    let mount = json!({ "parent": "p", "place": [0], "page": { "filter": 1 } });
    let mount = client.message("COMPONENT_MOUNT", "f", mount);
    assert_eq!(client.ask(mount).await["type"], "COMPONENT_MOUNTED");
    client.act("f", "click", json!([])).await;
    client.act("p", "turn", json!(["kitchen"])).await;
    let props = client.message("PROPS_UPDATE", "f", json!({ "page": { "filter": 7 } }));
    assert_eq!(client.ask(props).await["type"], "STATE_UPDATE");
    let (_second, mut client) = deploy(first, client, &store, 5).await;
    assert_eq!(shown(&mut client, "f").await, json!(["kitchen", 7, 0]));
}

/// Props that a component refuses are not stored.
#[tokio::test]
async fn a_remount_does_not_use_refused_props() {
    let store = MemoryStore::new();
    let first = old(&store).await;
    let mut client = Client::hello(&first).await;
    client.mount("f", "forgetful", json!({ "room": "hall" })).await;
    let props =
        client.message("PROPS_UPDATE", "f", json!({ "props": { "room": "kitchen", "filter": "no" } }));
    assert_eq!(client.ask(props).await["type"], "ERROR");
    client.act("f", "click", json!([])).await;
    let (_second, mut client) = deploy(first, client, &store, 3).await;
    assert_eq!(shown(&mut client, "f").await, json!(["hall", 0, 0]));
}

/// A prop that a parent changes after a restart is passed on, even if it changes back to an earlier
/// value.
#[tokio::test(start_paused = true)]
async fn a_child_receives_changes_of_its_parent_after_a_restart() {
    let store = MemoryStore::new();
    let server = Kit::new(move || Runtime::builder().store(store.clone()).save(Save::Always));
    let page = server.page();
    let stairs = page.mount_open("stairs", json!({ "start": 10 })).await.unwrap();
    let step = stairs.children("step").remove(0);
    for label in ["a", "b", "", "b"] {
        stairs.call("rename", [label]).await.unwrap();
        page.settled().await;
        server.restart().await;
        page.settled().await;
        assert_eq!(step.state()["label"], label);
    }
}
