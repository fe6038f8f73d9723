//! Resources that do not exist or that the user may not see: the answers of pages and of the
//! socket.

use std::collections::BTreeSet;
use std::sync::Mutex;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::net::TcpListener;
use vivaz::prelude::*;
use vivaz::{MemoryStore, RenderError, Runtime, User};

use crate::app::{Server, start, start_with};
use crate::client::{Client, assert_error};
use crate::http::request;
use crate::paint::attributes;

#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
struct Ticket {
    title: String,
}

/// The tickets that were deleted.
static DELETED: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

impl Topic for Ticket {
    type Key = u32;

    async fn load(key: &u32, _cx: &TopicContext) -> Result<Self> {
        if *key >= 1_000 || DELETED.lock().unwrap().contains(key) {
            return Err(ActionError::not_found("no such ticket"));
        }
        Ok(Self { title: format!("Ticket {key}") })
    }

    async fn authorize(key: &u32, who: &Identity) -> Result {
        match key {
            500 => Err(ActionError::forbidden("not your ticket")),
            501 => Err(ActionError::unauthenticated()),
            502 => Err(ActionError::internal("the database is locked")),
            // Hidden from users without permission.
            503 if !who.may("secrets") => Err(ActionError::not_found("no such ticket")),
            _ => Ok(()),
        }
    }
}

#[derive(LiveComponent, Clone)]
#[live(name = "ticket", inline = "<h1>{{ ticket.title }}</h1>", open)]
struct TicketPage {
    #[live(prop)]
    number: u32,
    #[live(shared = "ticket/{number}")]
    ticket: Shared<Ticket>,
}

#[actions]
impl TicketPage {
    #[action]
    fn turn(&mut self, number: u32) {
        self.number = number;
    }
}

/// Checks by itself.
#[derive(LiveComponent, Clone)]
#[live(name = "invoice", inline = "<p>{{ id }}</p>", open)]
struct Invoice {
    #[live(prop)]
    id: u32,
}

#[actions]
impl Invoice {
    async fn mount(props: InvoiceProps, cx: &mut MountContext) -> Result<Self> {
        cx.topic::<Ticket>(&format!("ticket/{}", props.id)).await?;
        Ok(Self { id: props.id })
    }
}

#[derive(LiveComponent, Clone)]
#[live(name = "desk", inline = "<live:ticket number='{{ id }}'></live:ticket>", children(TicketPage), open)]
struct Desk {
    #[live(prop)]
    id: u32,
}

#[actions]
impl Desk {
    #[action]
    fn turn(&mut self, id: u32) {
        self.id = id;
    }
}

/// Takes the name of its topic from the address.
#[derive(LiveComponent, Clone)]
#[live(name = "named", inline = "<h1>{{ ticket.title }}</h1>", open)]
struct Named {
    #[live(prop)]
    key: String,
    #[live(shared = "ticket/{key}")]
    ticket: Shared<Ticket>,
}

#[actions]
impl Named {}

type Rendered = std::result::Result<Response, RenderError>;

async fn ticket(live: Live, Path(id): Path<u32>) -> Rendered {
    Ok(live.page(live.render::<TicketPage>(TicketPageProps { number: id }).await?.to_string()))
}

async fn named(live: Live, Path(key): Path<String>) -> Rendered {
    Ok(live.page(live.render::<Named>(NamedProps { key }).await?.to_string()))
}

async fn invoice(live: Live, Path(id): Path<u32>) -> Rendered {
    Ok(live.page(live.render::<Invoice>(InvoiceProps { id }).await?.to_string()))
}

async fn desk(live: Live, Path(id): Path<u32>, State(_): State<Runtime>) -> Rendered {
    Ok(live.page(live.render::<Desk>(DeskProps { id }).await?.to_string()))
}

async fn serve() -> Server {
    let runtime =
        Runtime::builder().identity(|_| async { Ok(Identity::of(User::new("ada", "Ada"))) }).build().unwrap();
    let app = Router::new()
        .route("/ticket/{id}", get(ticket))
        .route("/named/{key}", get(named))
        .route("/invoice/{id}", get(invoice))
        .route("/desk/{id}", get(desk))
        .with_state(runtime.clone())
        .merge(runtime.router());
    Server::serve(TcpListener::bind("127.0.0.1:0").await.unwrap(), app, runtime)
}

/// The keys, with the status of a page and the code on the socket.
const OUTCOMES: [(u32, u16, &str); 5] = [
    (1_000, 404, "not_found"),
    (500, 403, "forbidden"),
    (501, 401, "unauthenticated"),
    (502, 500, "action_failed"),
    (503, 404, "not_found"),
];

#[tokio::test]
async fn the_replies_contain_the_results_of_component_and_topics() {
    let server = serve().await;
    for (id, status, _) in OUTCOMES.into_iter().chain([(1, 200, "")]) {
        let (head, body) = request(&server, "GET", &format!("/ticket/{id}"), &[]).await;
        assert!(head.starts_with(&format!("http/1.1 {status}")), "{id}: {head}");
        // A refusal is bound to this visitor like a page.
        assert!(head.contains("cache-control: private, no-store"), "{id}: {head}");
        let body = String::from_utf8(body).unwrap();
        assert_eq!(body.contains("Ticket 1"), status == 200, "{body}");
        assert!(!body.contains("no such ticket"), "{body}");
    }
    for (id, status) in [(1_000, 404), (1, 200)] {
        let (head, _) = request(&server, "GET", &format!("/invoice/{id}"), &[]).await;
        assert!(head.starts_with(&format!("http/1.1 {status}")), "{id}: {head}");
    }
    // An invalid topic key: too long, not a number, or not a topic name at all.
    for (key, status) in
        [("1", 200), ("1000", 404), ("x", 404), ("-1", 404), ("%0A", 404), (&*"9".repeat(500), 404)]
    {
        let (head, _) = request(&server, "GET", &format!("/named/{key}"), &[]).await;
        assert!(head.starts_with(&format!("http/1.1 {status}")), "{key}: {head}");
        assert!(head.contains("cache-control: private, no-store"), "{key}: {head}");
    }
}

/// A child is no reason to refuse the whole page: the page mounts it, and receives the error.
#[tokio::test]
async fn a_child_that_does_not_exist_is_refused_on_the_socket() {
    let server = serve().await;
    for (id, _, code) in OUTCOMES {
        let (head, body) = request(&server, "GET", &format!("/desk/{id}"), &[]).await;
        assert!(head.starts_with("http/1.1 200"), "{head}");
        let html = String::from_utf8(body).unwrap();
        let seals = attributes(&html, "seal");
        assert_eq!(seals.len(), 1, "{html}");
        let mut client = Client::hello(&server).await;
        let mount = client.message("COMPONENT_MOUNT", "desk", json!({ "seal": seals[0] }));
        assert_eq!(client.ask(mount).await["type"], "COMPONENT_MOUNTED");
        let child = json!({ "parent": "desk", "place": [0] });
        let mount = client.message("COMPONENT_MOUNT", "child", child);
        assert_error(&client.ask(mount).await, code);
        // The next attempt may have another result.
        client.act("desk", "turn", json!([1])).await;
        let child = json!({ "parent": "desk", "place": [0] });
        let mount = client.message("COMPONENT_MOUNT", "child", child);
        assert_eq!(client.ask(mount).await["type"], "COMPONENT_MOUNTED", "{code}");
    }
}

#[tokio::test]
async fn a_mount_and_an_action_are_refused_with_the_code() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    client.mount("here", "ticket", json!({ "number": 1 })).await;
    for (id, _, code) in OUTCOMES {
        assert_error(&client.mount("there", "ticket", json!({ "number": id })).await, code);
        assert_error(&client.act("here", "turn", json!([id])).await, code);
    }
    assert_error(&client.mount("there", "invoice", json!({ "id": 1_000 })).await, "not_found");
}

/// The page is not refused, and no state is lost.
#[tokio::test]
async fn a_stored_component_without_its_topic_does_not_block_its_session() {
    let store = MemoryStore::new();
    let mut server = start_with(|builder| builder.store(store.clone())).await;
    let mut client = Client::hello(&server).await;
    let mut streams = serde_json::Map::new();
    for (component, id) in [("gone", 7), ("here", 8)] {
        let mounted = client.mount(component, "ticket", json!({ "number": id })).await;
        streams.insert(format!("c:{component}"), json!([mounted["epoch"], 0]));
    }
    let welcome = client.welcome.clone();
    client.cut();
    server.stop().await;
    DELETED.lock().unwrap().insert(7);
    let server = start_with(|builder| builder.store(store.clone())).await;
    let mut client = Client::resume(&server, &welcome, 2, streams.into()).await;
    client.count_from(2);
    let unmounted = client.drain().await;
    let gone = unmounted.iter().find(|message| message["type"] == "COMPONENT_UNMOUNTED").unwrap();
    assert_eq!(gone["componentId"], "gone", "{unmounted:?}");
    assert_eq!(client.act("here", "turn", json!([9])).await["type"], "STATE_UPDATE");
}
