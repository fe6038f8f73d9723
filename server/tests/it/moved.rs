//! A parent whose template changed in a deploy: the places and the props of its children.

use serde_json::{Value, json};
use vivaz::prelude::*;
use vivaz::store::{StoredComponent, StoredOrigin};
use vivaz::{MemoryStore, Save};

use crate::app::{Server, start_with};
use crate::client::{Client, assert_error};
use crate::stores::Translated;

#[derive(LiveComponent, Clone)]
#[live(name = "draft", inline = "<p>{{ title }} {{ words }}</p>", durable)]
struct Draft {
    #[live(prop)]
    title: String,
    #[live(default)]
    words: u32,
}

#[actions]
impl Draft {
    #[action]
    fn write(&mut self) -> u32 {
        self.words += 1;
        self.words
    }
}

/// Shows the panel to some users.
#[derive(LiveComponent, Clone)]
#[live(
    name = "office",
    inline = "<div><section live:if='is_admin'><live:draft title='{{ title }}'></live:draft></section></div>",
    children(Draft),
    open
)]
struct Office {
    #[live(prop)]
    title: String,
    #[live(default = true)]
    is_admin: bool,
}

#[actions]
impl Office {
    #[action]
    fn dismiss(&mut self) {
        self.is_admin = false;
    }

    #[action]
    fn rename(&mut self, title: String) {
        self.title = title;
    }
}

/// As stored by a program whose template of the office has one class more.
fn other_class(row: &mut StoredComponent) {
    let turn = |hash: &mut String| *hash = hash.chars().rev().collect();
    if row.name == "office" {
        turn(&mut row.template);
    }
    if let StoredOrigin::Child { template, .. } = &mut row.origin {
        turn(template);
    }
}

/// The same, and there the child is at another place.
fn other_place(row: &mut StoredComponent) {
    other_class(row);
    if let StoredOrigin::Child { place, .. } = &mut row.origin {
        place[1] = json!(3 - place[1].as_u64().unwrap());
    }
}

/// The same, and the place is that of a child with another title.
fn other_title(row: &mut StoredComponent) {
    other_class(row);
    if row.name == "draft" {
        row.props = json!({ "title": "Secret" }).to_string();
    }
}

async fn server(store: &MemoryStore, translate: fn(&mut StoredComponent)) -> Server {
    let store = Translated::new(store.clone(), translate);
    start_with(|builder| builder.store(store).save(Save::Always)).await
}

/// A page that keeps the child and mounts nothing again, after a deploy.
async fn deployed(store: &MemoryStore, translate: fn(&mut StoredComponent)) -> (Server, Client) {
    let mut first = server(store, |_| ()).await;
    let mut client = Client::hello(&first).await;
    client.mount("p", "office", json!({ "title": "One" })).await;
    let mount = json!({ "parent": "p", "place": [0, 1, 0] });
    let mount = client.message("COMPONENT_MOUNT", "d", mount);
    assert_eq!(client.ask(mount).await["type"], "COMPONENT_MOUNTED");
    let welcome = client.welcome.clone();
    client.cut();
    first.stop().await;
    let second = server(store, translate).await;
    let mut client = Client::resume(&second, &welcome, 2, json!({})).await;
    assert_eq!(client.welcome["resumed"], true);
    client.count_from(2);
    client.drain().await;
    (second, client)
}

#[tokio::test]
async fn a_condition_protects_a_child_after_a_deploy_too() {
    for translate in [|_: &mut StoredComponent| (), other_class] {
        let (_server, mut client) = deployed(&MemoryStore::new(), translate).await;
        assert_eq!(client.act("d", "write", json!([])).await["result"], json!(1));
        client.act("p", "dismiss", json!([])).await;
        assert_error(&client.act("d", "write", json!([])).await, "not_mounted");
    }
}

#[tokio::test]
async fn a_child_gets_its_props_after_a_deploy_too() {
    let (_server, mut client) = deployed(&MemoryStore::new(), other_class).await;
    client.act("p", "rename", json!(["Two"])).await;
    let news = client.drain().await;
    let is_told = |one: &Value| one["componentId"] == "d" && one["payload"]["title"] == "Two";
    assert!(news.iter().any(is_told), "{news:?}");
}

/// Its place is not valid, so it receives no messages. Its state stays until the page unmounts it.
#[tokio::test]
async fn a_child_whose_place_is_another_after_a_deploy_is_not_there() {
    for translate in [other_place as fn(&mut StoredComponent), other_title] {
        let (_server, mut client) = deployed(&MemoryStore::new(), translate).await;
        assert_error(&client.act("d", "write", json!([])).await, "not_mounted");
        let update = client.message("PROPS_UPDATE", "d", json!({}));
        assert_error(&client.ask(update).await, "not_mounted");
        let unmount = client.message("COMPONENT_UNMOUNT", "d", Value::Null);
        assert_eq!(client.ask(unmount).await["type"], "ACK");
        let mount = client.message("COMPONENT_MOUNT", "e", json!({ "parent": "p", "place": [0, 1, 0] }));
        assert_eq!(client.ask(mount).await["payload"]["state"]["title"], "One");
    }
}
