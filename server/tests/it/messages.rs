//! Messages between components, users and sessions.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use vivaz::prelude::*;
use vivaz::testing;
use vivaz::{Limits, Runtime, SessionId};

use crate::app::{limited, start};
use crate::client::Client;

#[derive(LiveComponent, Clone, Default)]
#[live(name = "cart", inline = "<button live:click=\"add(1)\">Add</button><p>{{ told }}</p>", open)]
struct Cart {
    #[live(default)]
    articles: u32,
    #[live(default)]
    told: u32,
}

#[actions]
impl Cart {
    #[action]
    fn add(&mut self, cx: &mut Context, count: u32) -> Result<()> {
        self.articles += count;
        cx.send("cart.changed", self.articles)
    }

    #[action]
    fn add_and_fail(&mut self, cx: &mut Context) -> Result<()> {
        cx.send("cart.changed", 1_000)?;
        Err(ActionError::user("sold out"))
    }

    #[action]
    fn flood(&mut self, cx: &mut Context, times: u32) -> Result<()> {
        (0..times).try_for_each(|count| cx.send("cart.changed", count))
    }

    #[action]
    fn tell_user(&mut self, cx: &mut Context, user: String, except_self: bool) -> Result<()> {
        let to = cx.to_user(user);
        let to = if except_self { to.except_self() } else { to };
        to.emit("cart.changed", 7)
    }

    #[action]
    fn tell_session(&mut self, cx: &mut Context, session: String) -> Result<()> {
        cx.to_session(&SessionId::new(&session)?).emit("cart.changed", 9)
    }

    #[action]
    fn ids(&mut self, cx: &mut Context) -> (String, Option<String>) {
        (cx.session_id().to_string(), cx.connection_id().map(ToString::to_string))
    }

    #[event("cart.changed")]
    fn changed(&mut self, _articles: u32) {
        self.told += 1;
    }
}

#[derive(LiveComponent, Clone, Default)]
#[live(name = "cart-badge", inline = "<b>{{ articles }}</b>", open)]
struct Badge {
    #[live(default)]
    articles: u32,
}

#[actions]
impl Badge {
    #[event("cart.changed")]
    fn changed(&mut self, articles: u32) {
        self.articles = articles;
    }
}

/// Handles no such event.
#[derive(LiveComponent, Clone, Default)]
#[live(name = "shelf", inline = "<b>{{ n }}</b>", open)]
struct Shelf {
    #[live(default)]
    n: u32,
}

#[actions]
impl Shelf {}

async fn page(server: &crate::app::Server, headers: &[(&str, &str)]) -> Client {
    let mut client = Client::hello_with(server, headers, json!({})).await;
    for (id, component) in [("cart", "cart"), ("badge", "cart-badge"), ("shelf", "shelf")] {
        client.mount(id, component, json!({})).await;
    }
    client
}

/// The patches by component, and the number of events of each.
fn received(messages: &[Value]) -> (BTreeMap<String, Value>, BTreeMap<String, u32>) {
    let (mut patches, mut events) = (BTreeMap::new(), BTreeMap::new());
    for message in messages {
        let id = message["componentId"].as_str().unwrap().to_owned();
        match message["type"].as_str().unwrap() {
            "STATE_UPDATE" => _ = patches.insert(id, message["payload"].clone()),
            "EVENT" => *events.entry(id).or_default() += 1,
            other => panic!("{other}"),
        }
    }
    (patches, events)
}

fn patches(pairs: &[(&str, Value)]) -> BTreeMap<String, Value> {
    pairs.iter().map(|(id, patch)| ((*id).to_owned(), patch.clone())).collect()
}

/// The effect of an event to all components of a page.
fn event_to_all(articles: u32, told: u32) -> (BTreeMap<String, Value>, BTreeMap<String, u32>) {
    let events = ["badge", "cart", "shelf"].map(|id| (id.to_owned(), 1));
    (patches(&[("badge", json!({ "articles": articles })), ("cart", json!({ "told": told }))]), events.into())
}

#[tokio::test]
async fn components_of_a_session_tell_each_other_without_their_page() {
    let server = start().await;
    let mut other = page(&server, &[("x-user", "ada")]).await;
    let mut client = page(&server, &[("x-user", "ada")]).await;
    client.mount("second", "cart", json!({})).await;
    client.act("cart", "add", json!([3])).await;
    let (changed, events) = received(&client.drain().await);
    // Neither the sender nor the page receives it.
    assert_eq!(changed, patches(&[("badge", json!({ "articles": 3 })), ("second", json!({ "told": 1 }))]));
    assert!(events.is_empty(), "{events:?}");
    client.act("cart", "add_and_fail", json!([])).await;
    assert!(client.drain().await.is_empty());
    assert!(other.drain().await.is_empty(), "another session");
}

#[tokio::test]
async fn more_than_fits_into_the_mailbox_is_dropped_and_counted() {
    let server = limited(Limits { mailbox: 8, ..Limits::default() }).await;
    let mut client = page(&server, &[]).await;
    client.act("cart", "flood", json!([100])).await;
    let (changed, _) = received(&client.drain().await);
    assert_eq!(changed["badge"], json!({ "articles": 7 }));
    assert_eq!(server.runtime.stats().events_lost, 92);
}

#[tokio::test]
async fn a_user_receives_events_in_all_sessions() {
    let server = start().await;
    let ada = [("x-user", "ada")];
    let mut one = page(&server, &ada).await;
    let mut two = page(&server, &ada).await;
    let mut bob = page(&server, &[("x-user", "bob")]).await;
    let mut elsewhere = page(&server, &[("x-user", "ada"), ("x-tenant", "acme")]).await;
    let mut nobody = page(&server, &[]).await;
    bob.act("cart", "tell_user", json!(["ada", false])).await;
    for page in [&mut one, &mut two] {
        assert_eq!(received(&page.drain().await), event_to_all(7, 1));
    }
    one.act("cart", "tell_user", json!(["ada", true])).await;
    assert_eq!(received(&two.drain().await).1, event_to_all(7, 2).1);
    server.runtime.emit_to_user("ada", "cart.changed", &8).unwrap();
    for page in [&mut one, &mut two] {
        assert_eq!(received(&page.drain().await).1, event_to_all(8, 0).1);
    }
    for page in [&mut bob, &mut elsewhere, &mut nobody] {
        assert!(page.drain().await.is_empty());
    }
    server.runtime.emit_to_user_of("acme", "ada", "cart.changed", &5).unwrap();
    assert_eq!(received(&elsewhere.drain().await), event_to_all(5, 1));
    elsewhere.act("cart", "tell_user", json!(["ada", true])).await;
    for page in [&mut one, &mut two] {
        assert!(page.drain().await.is_empty());
    }
}

#[tokio::test]
async fn a_session_receives_events_by_its_id() {
    let server = start().await;
    let mut one = page(&server, &[("x-user", "ada")]).await;
    let mut two = page(&server, &[("x-user", "bob")]).await;
    let mut elsewhere = page(&server, &[("x-user", "eve"), ("x-tenant", "acme")]).await;
    let id = one.welcome["session"].clone();
    two.act("cart", "tell_session", json!([id])).await;
    assert_eq!(received(&one.drain().await), event_to_all(9, 1));
    one.act("cart", "tell_session", json!([id])).await;
    assert_eq!(received(&one.drain().await).1, event_to_all(9, 2).1);
    // Of another tenant, and of none.
    elsewhere.act("cart", "tell_session", json!([id])).await;
    two.act("cart", "tell_session", json!(["nosuchsession"])).await;
    for page in [&mut one, &mut two, &mut elsewhere] {
        assert!(page.drain().await.is_empty());
    }
    let session = SessionId::new(elsewhere.welcome["session"].as_str().unwrap()).unwrap();
    assert!(server.runtime.emit_to_session(&session, "cart.changed", &4).unwrap());
    assert_eq!(received(&elsewhere.drain().await), event_to_all(4, 1));
    assert!(!server.runtime.emit_to_session(&SessionId::new("none").unwrap(), "x", &1).unwrap());
}

#[tokio::test]
async fn a_handler_knows_its_session_and_connection() {
    let server = start().await;
    let mut client = page(&server, &[]).await;
    let ids = client.act("cart", "ids", json!([])).await["payload"].clone();
    assert_eq!(ids, json!([client.welcome["session"], client.welcome["connection"]]));
    let welcome = client.welcome.clone();
    client.cut();
    let mut client = Client::resume(&server, &welcome, 4, json!({})).await;
    client.count_from(4);
    let ids = client.act("cart", "ids", json!([])).await["payload"].clone();
    assert_eq!(ids, json!([welcome["session"], client.welcome["connection"]]));
    assert_ne!(welcome["connection"], client.welcome["connection"]);
}

/// The testing kit runs the same code.
#[tokio::test]
async fn the_testing_kit_delivers_messages() {
    let server = testing::Server::new(Runtime::builder);
    let page = server.page_as("ada", "Ada");
    let cart = page.mount::<Cart>(CartProps::default()).await.unwrap();
    let badge = page.mount::<Badge>(BadgeProps::default()).await.unwrap();
    cart.call("add", [2]).await.unwrap();
    page.until(|_| badge.state()["articles"] == 2).await;
    server.runtime().emit_to_user("ada", "cart.changed", &6).unwrap();
    page.until(|_| badge.state()["articles"] == 6).await;
}
