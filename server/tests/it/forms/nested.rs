//! Forms of child components, and several components in a page.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use vivaz::prelude::*;
use vivaz::with_forms;

use super::{Runs, Site};

/// A row whose form counts.
#[derive(LiveComponent, Clone)]
#[live(
    name = "form-tally",
    inline = r#"<form method="post" live:submit="add($form.by)"><input name="by"><b>{{ label }}: {{ count }}</b></form>"#
)]
struct Tally {
    #[live(prop)]
    label: String,
    #[live(prop, default)]
    base: i64,
    #[live(default)]
    count: i64,
}

#[actions]
impl Tally {
    #[action]
    fn add(&mut self, by: i64, cx: &mut Context) {
        cx.state::<Runs>().add();
        self.count += by + self.base;
    }
}

/// A parent with state of its own, whose form adds children.
#[derive(LiveComponent, Clone)]
#[live(
    name = "form-board",
    inline = r#"<form method="post" live:submit="grow()"><button>More</button></form>
    <ul><li live:for="row in rows" live:key="row"><live:form-tally label="{{ row }}" base="{{ rows.len() }}"></live:form-tally></li></ul>"#,
    children(Tally)
)]
struct Board {
    #[live(default = vec!["a".to_owned()])]
    rows: Vec<String>,
}

#[actions]
impl Board {
    #[action]
    fn grow(&mut self) {
        self.rows.insert(0, format!("n{}", self.rows.len()));
    }
}

#[derive(LivePage)]
#[live(
    inline = r#"<!DOCTYPE html><html lang="en"><head><title>Tallies</title></head><body>
        <div live:for="id in ids"><live:form-tally label="{{ id }}"></live:form-tally></div>
        <live:form-board></live:form-board></body></html>"#,
    children(Tally, Board)
)]
struct Tallies {
    ids: Vec<String>,
}

async fn tallies(live: Live) -> std::result::Result<Response, RenderError> {
    let ids = live.params().get("ids").unwrap_or("x,y,x").split(',').map(str::to_owned).collect();
    live.render_page(Tallies { ids }).await
}

async fn plain(live: Live) -> std::result::Result<Response, RenderError> {
    let mut html = "<!doctype html><title>Tallies</title>".to_owned();
    for id in ["x", "y", "x"] {
        let tally = live.render::<Tally>(TallyProps { label: id.into(), base: 1 }).await?;
        html.push_str(tally.as_str());
    }
    for id in ["one", "two"] {
        let tally = live.render_as::<Tally>(id, TallyProps { label: "z".into(), base: 0 }).await?;
        html.push_str(tally.as_str());
    }
    Ok(live.page(html))
}

pub(super) fn routes() -> Router<Runtime> {
    Router::new().route("/tallies", with_forms(get(tallies))).route("/tallies/plain", with_forms(get(plain)))
}

/// The counts that a page shows.
fn counts(html: &str) -> Vec<String> {
    html.split("<b>").skip(1).map(|rest| rest.split("</b>").next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_form_of_each_component_changes_that_component() {
    for path in ["/tallies", "/tallies/plain"] {
        let mut site = Site::new();
        let page = site.get(path).await;
        let before = counts(&page.html);
        for at in 0..before.len() {
            // The form of the board is the first behind those of the page's rows.
            let seal = if path == "/tallies" && at >= 3 { at + 1 } else { at };
            let sent = site.post(path, &[("by", "5"), ("live:form", &page.seals()[seal])]).await;
            assert_eq!(sent.status, StatusCode::OK, "{path} {at}");
            let after = counts(&sent.html);
            for (position, (before, after)) in before.iter().zip(&after).enumerate() {
                assert_eq!(before != after, position == at, "{path} {at}: {position}");
            }
        }
    }
}

#[tokio::test]
async fn a_child_is_found_by_its_key_in_its_parent_as_it_was() {
    let mut site = Site::new();
    let page = site.get("/tallies").await;
    let page = site.post("/tallies", &[("live:form", &page.seals()[3])]).await;
    assert_eq!(counts(&page.html), ["x: 0", "y: 0", "x: 0", "n1: 0", "a: 0"]);
    // The parent has two rows, which only this page knows.
    let page = site.post("/tallies", &[("by", "5"), ("live:form", &page.seals()[5])]).await;
    assert_eq!(counts(&page.html), ["x: 0", "y: 0", "x: 0", "n1: 0", "a: 7"]);
}

#[tokio::test]
async fn a_component_that_moves_in_its_page_is_found_by_its_props() {
    let mut site = Site::new();
    let page = site.get("/tallies?ids=x,y,z").await;
    let fields = [("by", "5"), ("live:form", &*page.seals()[1])];
    let page = site.post("/tallies?ids=z,x,y,w", &fields).await;
    assert_eq!(counts(&page.html), ["z: 0", "x: 0", "y: 5", "w: 0", "a: 0"]);
    // A component that is gone is not confused with another one.
    let page = site.post("/tallies?ids=z,x", &fields).await;
    assert_eq!(counts(&page.html), ["z: 0", "x: 0", "a: 0"]);
    assert_eq!(site.runs.count(), 1);
}

#[tokio::test]
async fn the_message_of_a_component_that_is_gone_is_a_page() {
    let mut site = Site::new();
    let page = site.get("/tallies?ids=x,y").await;
    let fields = [("by", "many"), ("live:form", &*page.seals()[1])];
    let page = site.post("/tallies?ids=x", &fields).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.shows("must be a whole number");
    assert_eq!(counts(&page.html), Vec::<String>::new());
}
