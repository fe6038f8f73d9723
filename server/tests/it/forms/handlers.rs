//! Handlers that do not show the page after its form, components that cannot be created, and
//! topics.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{Redirect, Response};
use axum::routing::get;
use serde::{Deserialize, Serialize};
use vivaz::prelude::*;
use vivaz::{Limits, MemoryStore, Save, with_forms};

use super::Site;

/// Whether the component of a form cannot be created.
#[derive(Clone, Default)]
struct Broken(Arc<AtomicBool>);

#[derive(LiveComponent, Clone)]
#[live(name = "shaky-form", inline = r#"<form method="post" live:submit="save()"></form><b>{{ saved }}</b>"#)]
struct ShakyForm {
    saved: u32,
}

#[actions]
impl ShakyForm {
    async fn mount(_props: ShakyFormProps, cx: &mut MountContext) -> Result<Self> {
        if cx.state::<Broken>().0.load(Ordering::SeqCst) {
            return Err(ActionError::internal("the database is away"));
        }
        Ok(Self { saved: 0 })
    }

    #[action]
    fn save(&mut self) {
        self.saved += 1;
    }
}

#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
struct FormTotal {
    sum: u32,
}

impl Topic for FormTotal {
    type Key = String;

    async fn load(_: &String, _: &TopicContext) -> Result<Self> {
        Ok(Self::default())
    }

    async fn authorize(_: &String, _: &Identity) -> Result<()> {
        Ok(())
    }
}

#[derive(LiveComponent, Clone)]
#[live(
    name = "total-form",
    inline = r#"<form method="post" live:submit="add(); add()"></form><b>{{ total.sum }}</b>"#
)]
struct TotalForm {
    #[live(shared = "form-total/all")]
    total: Shared<FormTotal>,
}

#[actions]
impl TotalForm {
    #[action]
    fn add(&mut self) {
        self.total.update(|total| total.sum += 1);
    }
}

async fn shaky(live: Live) -> std::result::Result<Response, RenderError> {
    let form = live.render::<ShakyForm>(ShakyFormProps {}).await?;
    Ok(live.page(format!("<!doctype html><title>Shaky</title>{form}")))
}

async fn total(live: Live) -> std::result::Result<Response, RenderError> {
    let form = live.render::<TotalForm>(TotalFormProps {}).await?;
    Ok(live.page(format!("<!doctype html><title>Total</title>{form}")))
}

async fn gone(_live: Live) -> StatusCode {
    StatusCode::NOT_FOUND
}

async fn moved(_live: Live) -> Redirect {
    Redirect::to("/")
}

async fn empty(live: Live) -> Response {
    live.page("<!doctype html><title>Empty</title>".to_owned())
}

fn routes() -> Router<Runtime> {
    Router::new()
        .route("/gone", with_forms(get(gone)))
        .route("/moved", with_forms(get(moved)))
        .route("/empty", with_forms(get(empty).put(async || "put")))
        .route("/shaky", with_forms(get(shaky)))
        .route("/total", with_forms(get(total)))
}

fn site(build: impl FnOnce(vivaz::Builder) -> vivaz::Builder) -> Site {
    let mut site = Site::with(build);
    site.router = site.router.clone().merge(routes().with_state(site.runtime.clone()));
    site
}

#[tokio::test]
async fn an_error_is_shown_although_the_handler_shows_no_page() {
    let mut site = site(|builder| builder);
    for path in ["/gone", "/empty"] {
        let seal = site.get("/").await.seal();
        let page = site.post(path, &[("name", ""), ("note", ""), ("live:form", &seal)]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        page.shows("Some fields are not valid.");
        let seal = site.get("/").await.seal();
        let page = site.post(path, &[("name", "Ada"), ("note", "refuse"), ("live:form", &seal)]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        page.shows("not today");
    }
}

#[tokio::test]
async fn messages_are_shown_by_the_next_page_if_the_handler_shows_none() {
    for (path, status) in [("/gone", StatusCode::NOT_FOUND), ("/moved", StatusCode::SEE_OTHER)] {
        let mut site = site(|builder| builder);
        let seal = site.get("/").await.seal();
        let page = site.post(path, &[("name", "Ada"), ("note", "flash"), ("live:form", &seal)]).await;
        assert_eq!(page.status, status);
        site.get("/").await.shows(r#"<p class="flash">Signed here.</p>"#);
    }
    let mut site = site(|builder| builder);
    let seal = site.get("/").await.seal();
    let page = site.post("/moved", &[("name", "Ada"), ("note", "refuse"), ("live:form", &seal)]).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    site.get("/").await.shows(r#"<p class="flash">not today</p>"#);
}

#[tokio::test]
async fn other_methods_are_those_of_the_handler() {
    let mut site = site(|builder| builder);
    let page = site.send("DELETE", "/empty", &[], axum::body::Body::empty()).await;
    assert_eq!(page.status, StatusCode::METHOD_NOT_ALLOWED);
    let mut allowed: Vec<_> = page.headers[header::ALLOW].to_str().unwrap().split(',').collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["GET", "HEAD", "POST", "PUT"]);
    assert_eq!(site.send("PUT", "/empty", &[], axum::body::Body::empty()).await.html, "put");
}

#[tokio::test]
async fn a_form_whose_component_cannot_be_created_now_is_run_later() {
    for store in [None, Some(MemoryStore::new())] {
        let broken = Broken::default();
        let mut site = site(|builder| {
            // Without a state in its seal the component is mounted again.
            let limits = Limits { seal_state_bytes: 0, ..Limits::default() };
            let builder = builder.state(broken.clone()).limits(limits);
            match store {
                Some(store) => builder.store(store),
                None => builder,
            }
        });
        let seal = site.get("/shaky").await.seal();
        broken.0.store(true, Ordering::SeqCst);
        let page = site.post("/shaky", &[("live:form", &seal)]).await;
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{}", page.html);
        broken.0.store(false, Ordering::SeqCst);
        let page = site.post("/shaky", &[("live:form", &seal)]).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.html);
        page.shows("<b>1</b>");
    }
}

#[tokio::test]
async fn each_call_of_a_form_changes_a_topic() {
    let mut site = site(|builder| builder.store(MemoryStore::new()).save(Save::Always));
    let seal = site.get("/total").await.seal();
    let page = site.post("/total", &[("live:form", &seal)]).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.html);
    page.shows("<b>2</b>");
}
