//! Fields that are bound to parameters of the page's URL, and the hook `params`.

use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vivaz::prelude::*;
use vivaz::testing::Server as Kit;
use vivaz::{ErrorCode, Limits, Secret};

use crate::app::Server;
use crate::client::{Client, assert_error};
use crate::http::request;
use crate::paint::attributes;

#[derive(LiveComponent, Clone)]
#[live(name = "catalog", inline = "<p>{{ page }} {{ q }} {{ sort }} {{ title }}</p>", open)]
struct Catalog {
    #[live(url, default = 1)]
    page: u8,
    #[live(model, url(replace, debounce = 300))]
    q: Option<String>,
    #[live(url = "order")]
    sort: Sort,
    #[live(url)]
    tags: Vec<String>,
    title: String,
    #[live(private)]
    updates: Vec<String>,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Copy, Default, PartialEq, Debug)]
#[serde(rename_all = "lowercase")]
enum Sort {
    #[default]
    Name,
    Price,
}

/// How often `params` was called.
#[derive(Default)]
struct Calls(AtomicU32);

#[actions]
impl Catalog {
    async fn params(&mut self, params: &UrlParams, cx: &mut MountContext) -> Result<()> {
        tokio::task::yield_now().await;
        cx.state::<std::sync::Arc<Calls>>().0.fetch_add(1, Ordering::SeqCst);
        match params.get("kind") {
            Some("none") => return Err(ActionError::new(ErrorCode::NotFound, "no such kind")),
            Some("panic") => panic!("the secret is 4711"),
            kind => self.title = format!("{} on {}", kind.unwrap_or("all"), self.page),
        }
        Ok(())
    }

    fn updated(&mut self, path: &FieldPath) {
        self.updates.push(path.to_string());
    }

    #[action]
    fn turn(&mut self, page: u8) {
        self.page = page;
    }

    #[action]
    fn updates(&self) -> Vec<String> {
        self.updates.clone()
    }
}

/// A component that takes the parameters in `mount`, and binds one that `Catalog` binds too.
#[derive(LiveComponent, Clone)]
#[live(name = "pager", inline = "<p>{{ page }} {{ seen }}</p>", open)]
struct Pager {
    #[live(url)]
    page: u8,
    seen: String,
}

#[actions]
impl Pager {
    fn mount(cx: &MountContext) -> Self {
        Self { page: 9, seen: cx.params().get("page").unwrap_or("nothing").to_owned() }
    }

    fn updated(&mut self, path: &FieldPath) {
        self.seen = format!("{path} is {}", self.page);
    }
}

/// Nothing is bound.
#[derive(LiveComponent, Clone, Default)]
#[live(name = "unbound", inline = "<p>{{ page }}</p>", open)]
struct Unbound {
    page: u8,
}

#[actions]
impl Unbound {}

async fn catalog(live: Live) -> Result<Response, RenderError> {
    Ok(live.page(live.render::<Catalog>(CatalogProps {}).await?.to_string()))
}

async fn pager(live: Live) -> Result<Response, RenderError> {
    Ok(live.page(live.render::<Pager>(PagerProps {}).await?.to_string()))
}

async fn both(one: Live, other: Live) -> Result<Response, RenderError> {
    let catalog = one.render::<Catalog>(CatalogProps {}).await?;
    Ok(one.page(format!("{catalog}{}", other.render::<Pager>(PagerProps {}).await?)))
}

fn runtime(limits: Limits) -> Runtime {
    let builder = Runtime::builder().state(std::sync::Arc::new(Calls::default())).limits(limits);
    builder.secret(Secret::new("a secret of thirty-two characters").unwrap()).build().unwrap()
}

async fn start(limits: Limits) -> Server {
    let runtime = runtime(limits);
    let app = Router::new()
        .route("/catalog", get(catalog))
        .route("/pager", get(pager))
        .route("/both", get(both))
        .with_state(runtime.clone())
        .merge(runtime.router());
    Server::serve(tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap(), app, runtime)
}

/// Opens a page. Returns its HTML, and a client that has mounted its component as `c`, with the
/// reply.
async fn open(server: &Server, path: &str) -> (String, Client, Value) {
    let (head, body) = request(server, "GET", path, &[]).await;
    let html = String::from_utf8(body).unwrap();
    let cookie = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    let headers: &[_] = &[("cookie", cookie.split(';').next().unwrap())];
    let mut client = Client::hello_with(server, headers, json!({})).await;
    let mount = client.message("COMPONENT_MOUNT", "c", json!({ "seal": attributes(&html, "seal")[0] }));
    let mounted = client.ask(mount).await;
    (html, client, mounted["payload"]["state"].clone())
}

fn follow(client: &mut Client, query: impl Into<Value>) -> Value {
    client.message("PROPERTY_UPDATE", "c", json!({ "property": "?", "value": query.into() }))
}

#[tokio::test]
async fn the_first_paint_and_the_mount_read_the_url() {
    for seal_state_bytes in [4, 8_192] {
        let server = start(Limits { seal_state_bytes, ..Limits::default() }).await;
        let query = "?page=3&q=a%20b&order=price&tags=x&tags=y&kind=new&page=4";
        let (html, _, state) = open(&server, &format!("/catalog{query}")).await;
        assert!(html.contains("3 a b price new on 3"), "{html}");
        assert_eq!(
            state,
            json!({
                "page": 3, "q": "a b", "sort": "price", "tags": ["x", "y"], "title": "new on 3",
                "?": "page=3&q=a+b&order=price&tags=x&tags=y",
            })
        );
    }
}

#[tokio::test]
async fn the_template_describes_the_parameters_and_names_the_modules() {
    let server = start(Limits::default()).await;
    let (html, ..) = open(&server, "/catalog").await;
    let path = format!("/live/template/{}.json", attributes(&html, "template")[0]);
    let (_, body) = request(&server, "GET", &path, &[]).await;
    let template: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(template[3][0][3], json!(["entries", "url"]));
    assert_eq!(
        template[3][0][4],
        json!([1, [["page", 0, 0], ["q", 1, 300], ["order", 0, 0], ["tags", 0, 0]]])
    );
}

#[tokio::test]
async fn a_value_that_does_not_fit_is_the_default() {
    let server = start(Limits::default()).await;
    for query in [
        "",
        "?",
        "?page=&order=",
        "?page=256",
        "?page=-1",
        "?page=1e1",
        "?order=Price",
        "?page=%FF",
        "?page[]=2",
        "?&&=&=x",
    ] {
        let (_, _, state) = open(&server, &format!("/catalog{query}")).await;
        assert_eq!(
            (&state["page"], &state["sort"], &state["?"]),
            (&json!(1), &json!("name"), &json!("")),
            "{query}"
        );
    }
}

#[tokio::test]
async fn mount_reads_the_parameters_and_the_url_has_the_last_word() {
    for seal_state_bytes in [4, 8_192] {
        let server = start(Limits { seal_state_bytes, ..Limits::default() }).await;
        let (_, _, state) = open(&server, "/pager?page=7").await;
        assert_eq!((&state["page"], &state["seen"]), (&json!(7), &json!("7")));
        let (_, _, state) = open(&server, "/pager").await;
        assert_eq!((&state["page"], &state["seen"]), (&json!(0), &json!("nothing")));
    }
}

#[tokio::test]
async fn the_page_changes_all_bound_fields_with_one_message() {
    let server = start(Limits::default()).await;
    let (_, mut client, _) = open(&server, "/catalog?page=2").await;
    let message = follow(&mut client, "?page=5&order=price&kind=old");
    let reply = client.ask(message).await;
    assert_eq!(
        reply["payload"],
        json!({ "page": 5, "sort": "price", "title": "old on 5", "?": "page=5&order=price" })
    );
    let message = follow(&mut client, "page=five&order=price&kind=old");
    assert_eq!(
        client.ask(message).await["payload"],
        json!({ "page": 1, "title": "old on 1", "?": "order=price" })
    );
    let message = follow(&mut client, "?order=price&kind=old");
    assert_eq!(client.ask(message).await["type"], "ACK");
    assert_eq!(client.act("c", "updates", json!([])).await["payload"], json!([]), "`params` was called");
    // The server's own change.
    assert_eq!(
        client.act("c", "turn", json!([9])).await["payload"],
        json!({ "page": 9, "?": "page=9&order=price" })
    );
}

#[tokio::test]
async fn without_params_a_component_is_notified_of_each_field() {
    let server = start(Limits::default()).await;
    let (_, mut client, _) = open(&server, "/catalog").await;
    client.mount("p", "pager", json!({})).await;
    let message = client.message("PROPERTY_UPDATE", "p", json!({ "property": "?", "value": "page=3" }));
    let reply = client.ask(message).await;
    assert_eq!(reply["payload"], json!({ "page": 3, "seen": "page is 3", "?": "page=3" }));
}

#[tokio::test]
async fn a_query_that_cannot_be_followed_changes_nothing() {
    let server = start(Limits::default()).await;
    let (_, mut client, _) = open(&server, "/catalog?page=2").await;
    for value in [json!(null), json!(7), json!({}), json!(["page=3"])] {
        let message = follow(&mut client, value);
        assert_error(&client.ask(message).await, "bad_value");
    }
    let message = follow(&mut client, "?page=3&kind=none");
    assert_error(&client.ask(message).await, "not_found");
    let message = follow(&mut client, "?page=3&kind=panic");
    let reply = client.ask(message).await;
    assert_error(&reply, "panicked");
    assert!(!reply.to_string().contains("4711"));
    for property in [json!(["?", "page"]), json!(["page", 1]), json!("page"), json!("order")] {
        let message =
            client.message("PROPERTY_UPDATE", "c", json!({ "property": property, "value": "page=3" }));
        assert_eq!(client.ask(message).await["type"], "ERROR", "{property}");
    }
    // With an action, which is refused too, and so is the edit before it.
    for query in [json!("?page=3&kind=none"), json!(4)] {
        let mut action = client.call("c", "turn", json!([8]));
        action["set"] = json!({ "q": "typed", "?": query });
        assert_eq!(client.ask(action).await["type"], "ERROR");
    }
    assert_eq!(crate::props::state(&mut client, "c").await["?"], "page=2");
    // Nothing to follow.
    client.mount("u", "unbound", json!({})).await;
    let message = client.message("PROPERTY_UPDATE", "u", json!({ "property": "?", "value": "page=3" }));
    assert_error(&client.ask(message).await, "unknown_property");
    // A component that is mounted by name has no URL yet.
    let mounted = client.mount("n", "catalog", json!({})).await;
    assert_eq!(mounted["payload"]["state"]["page"], 1);
}

#[tokio::test]
async fn an_action_brings_a_query_along() {
    let server = start(Limits::default()).await;
    let (_, mut client, _) = open(&server, "/catalog?page=2").await;
    // The edits are made in their order: the query has a value for each bound field.
    for (set, query, updates) in [
        (r#"{"q":"before","?":"?page=6"}"#, "page=6", json!(["q"])),
        (r#"{"?":"?page=7","q":"after"}"#, "page=7&q=after", json!(["q", "q"])),
    ] {
        let text = client.call("c", "updates", json!([])).to_string();
        client.send_text(&text.replacen('{', &format!("{{\"set\":{set},"), 1)).await;
        let reply = client.expect("STATE_UPDATE").await;
        assert_eq!((&reply["payload"]["?"], &reply["result"]), (&json!(query), &updates));
    }
}

#[tokio::test]
async fn a_page_that_binds_a_parameter_twice_fails() {
    let server = start(Limits::default()).await;
    let (head, body) = request(&server, "GET", "/both?page=2", &[]).await;
    assert!(head.starts_with("http/1.1 500"), "{head}");
    assert!(!String::from_utf8(body).unwrap().contains("page"));
    let runtime = runtime(Limits::default());
    let app =
        Router::new().route("/missing", get(catalog)).with_state(runtime.clone()).merge(runtime.router());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server::serve(listener, app, runtime);
    let (head, _) = request(&server, "GET", "/missing?kind=none", &[]).await;
    assert!(head.starts_with("http/1.1 404"), "{head}");
}

#[tokio::test]
async fn the_kit_opens_a_url_and_follows_another() {
    let builder =
        || Runtime::builder().state(std::sync::Arc::new(Calls::default())).store(vivaz::MemoryStore::new());
    let server = Kit::with_router(builder, |runtime| {
        Router::new()
            .route("/catalog", get(catalog_with_client))
            .with_state(runtime.clone())
            .merge(runtime.router())
    });
    let page = server.browser().open("/catalog?page=4").await.unwrap();
    let catalog = page.component("catalog");
    assert_eq!(catalog.text("p"), "4 name all on 4");
    catalog.call("turn", [5]).await.unwrap();
    assert_eq!(catalog.query(), "page=5");
    catalog.follow("?q=x").await.unwrap();
    assert_eq!((catalog.query(), catalog.text("p")), ("q=x".to_owned(), "1 x name all on 1".to_owned()));
    server.restart().await;
    page.settled().await;
    assert_eq!(catalog.query(), "q=x");
}

async fn catalog_with_client(live: Live) -> Result<Response, RenderError> {
    Ok(live.page(format!("{}{}", live.head(), live.render::<Catalog>(CatalogProps {}).await?)))
}
