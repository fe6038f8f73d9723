//! The values of a form's controls.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde::{Deserialize, Serialize};
use vivaz::prelude::*;
use vivaz::with_forms;

use super::{Runs, Site};

#[derive(LiveState, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Item {
    id: u32,
    #[live(model)]
    text: String,
    #[live(model)]
    done: bool,
}

#[derive(Deserialize, Debug)]
struct Order {
    street: Street,
    tags: Vec<String>,
    #[serde(default)]
    gift: bool,
    how: Option<String>,
}

#[derive(Deserialize, Debug)]
struct Street {
    name: String,
    number: u32,
}

#[derive(LiveComponent, Clone)]
#[live(
    name = "form-controls",
    inline = r#"
    <form method="post" live:submit="save($form)">
      <input type="number" live:model="age">
      <input live:model.trim="name">
      <input type="checkbox" live:model="agree">
      <input type="checkbox" disabled live:model="locked">
      <fieldset disabled="{{ agree }}"><input type="checkbox" live:model="fenced"></fieldset>
      <input type="radio" value="s" live:model="size"> <input type="radio" value="l" live:model="size">
      <select live:model="country"><option value="">–</option><option>fr</option><option>de</option></select>
      <select multiple live:model="langs"><option>en</option><option>fr</option><option>de</option></select>
      <input type="checkbox" value="red" live:model="colors"> <input type="checkbox" value="blue" live:model="colors">
      <textarea live:model="about"></textarea>
      <ul><li live:for="item in items" live:key="item.id">
        <input name="text-{{ item.id }}" live:model="item.text">
        <input name="done-{{ item.id }}" type="checkbox" live:model="item.done">
      </li></ul>
      <p live:for="e in errors.age" live:key="e" class="error">{{ e }}</p>
      <input name="street.name" value="Main"> <input name="street.number" value="1">
      <input type="checkbox" name="tags" value="a" checked> <input type="checkbox" name="tags" value="b">
      <input type="checkbox" name="gift">
      <input type="password" name="pin"> <input type="hidden" name="token" value="t">
      <select name="pick"><option value="1" selected>one</option><option value="2">two</option></select>
      <button name="how" value="fast">Fast</button>
    </form>
    <pre>{{ report }}</pre>"#
)]
struct Controls {
    #[live(model, default = 7)]
    age: u8,
    #[live(model, default)]
    name: String,
    #[live(model, default)]
    agree: bool,
    #[live(model, default = true)]
    locked: bool,
    #[live(model, default = true)]
    fenced: bool,
    #[live(model, default)]
    size: Option<String>,
    #[live(model, default)]
    country: String,
    #[live(model, default = vec!["en".to_owned()])]
    langs: Vec<String>,
    #[live(model, default = vec!["green".to_owned(), "red".to_owned()])]
    colors: Vec<String>,
    #[live(model, default)]
    about: String,
    #[live(model, default = [1, 2].map(|id| Item { id, text: format!("t{id}"), done: id == 1 }).into_iter().collect())]
    items: List<Item>,
    #[live(errors, default)]
    errors: Errors,
    #[live(default)]
    report: String,
    #[live(private, default)]
    edited: Vec<String>,
}

#[actions]
impl Controls {
    fn updated(&mut self, path: &FieldPath) {
        self.edited.push(path.to_string());
    }

    #[action]
    fn save(&mut self, order: Order, cx: &mut Context) -> Result {
        cx.state::<Runs>().add();
        let Street { name, number } = &order.street;
        if name == "refuse" {
            return Err(ActionError::user("no such street"));
        }
        let items: Vec<_> = self.items.iter().map(|item| format!("{}={}", item.text, item.done)).collect();
        self.report = format!(
            "{} {:?} {} {} {} {:?} {:?} {:?} {:?} {:?} [{}] {name} {number} {:?} {} {:?} edited {}",
            self.age,
            self.name,
            self.agree,
            self.locked,
            self.fenced,
            self.size,
            self.country,
            self.langs,
            self.colors,
            self.about,
            items.join(" "),
            order.tags,
            order.gift,
            order.how,
            self.edited.join(" "),
        );
        Ok(())
    }
}

async fn page(live: Live) -> std::result::Result<Response, RenderError> {
    let controls = live.render::<Controls>(ControlsProps {}).await?;
    Ok(live.page(format!("<!doctype html><title>Controls</title>{controls}")))
}

pub(super) fn routes() -> Router<Runtime> {
    Router::new().route("/controls", with_forms(get(page)))
}

/// The fields that a browser sends if nothing was changed.
const UNCHANGED: &[(&str, &str)] = &[
    ("age", "7"),
    ("name", ""),
    ("fenced", "on"),
    ("country", ""),
    ("langs", "en"),
    ("colors", "red"),
    ("about", ""),
    ("text-1", "t1"),
    ("done-1", "on"),
    ("text-2", "t2"),
    ("street.name", "Main"),
    ("street.number", "1"),
    ("tags", "a"),
    ("pin", ""),
    ("token", "t"),
    ("pick", "1"),
];

/// The unchanged fields without those of `names`, followed by `fields`.
fn changed<'a>(names: &[&str], fields: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = UNCHANGED.iter().copied().filter(|(name, _)| !names.contains(name));
    kept.chain(fields.iter().copied()).collect()
}

#[tokio::test]
async fn unchanged_controls_edit_nothing() {
    let mut site = Site::new();
    let seal = site.get("/controls").await.seal();
    let page = site.post("/controls", &changed(&[], &[("live:form", &seal)])).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.html);
    page.shows(
        "7 \"\" false true true None \"\" [\"en\"] [\"green\", \"red\"] \"\" [t1=true t2=false] Main 1 [\"a\"] false \
         None edited <",
    );
}

#[tokio::test]
async fn every_control_is_read_as_the_client_reads_it() {
    let mut site = Site::new();
    let seal = site.get("/controls").await.seal();
    let replaced = [
        "age",
        "name",
        "country",
        "langs",
        "colors",
        "about",
        "text-1",
        "done-1",
        "street.name",
        "street.number",
        "tags",
        "fenced",
    ];
    let fields = [
        ("age", "42"),
        ("name", "  Ada "),
        ("agree", "on"),
        ("size", "l"),
        ("country", "de"),
        ("langs", "fr"),
        ("langs", "de"),
        ("colors", "blue"),
        ("about", "a\r\nb"),
        ("text-1", "new"),
        ("done-2", "on"),
        ("street.name", "Elm"),
        ("street.number", "12"),
        ("tags", "a"),
        ("tags", "b"),
        ("gift", "on"),
        ("how", "fast"),
        ("unknown", "ignored"),
        ("live:form", &seal),
    ];
    let page = site.post("/controls", &changed(&replaced, &fields)).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.html);
    page.shows(
        "42 \"Ada\" true true false Some(\"l\") \"de\" [\"fr\", \"de\"] [\"green\", \"blue\"] \"a\\nb\" \
         [new=false t2=true] Elm 12 [\"a\", \"b\"] true Some(\"fast\")",
    );
    // The state is shown, and controls without a model have their defaults.
    assert!(page.control("street.name").contains(r#"value="Main""#), "{}", page.html);
    assert!(page.control("text-1").contains(r#"value="new""#), "{}", page.html);
}

#[tokio::test]
async fn a_value_that_does_not_fit_is_kept_beside_its_error() {
    let mut site = Site::new();
    let seal = site.get("/controls").await.seal();
    let fields = [
        ("age", "300"),
        ("name", "Ada"),
        ("street.name", "Elm"),
        ("tags", "b"),
        ("pin", "1234"),
        ("pick", "2"),
        ("text-1", "new"),
        ("live:form", &*seal),
    ];
    let replaced = ["age", "name", "street.name", "tags", "pin", "pick", "text-1"];
    let page = site.post("/controls", &changed(&replaced, &fields)).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.shows(r#"<p class="error">must be a whole number from 0 to 255</p>"#);
    assert!(page.control("age").contains(r#"value="300""#), "{}", page.html);
    for (name, value) in [("name", "Ada"), ("text-1", "new"), ("street.name", "Elm")] {
        let shown = format!("value=\"{value}\"");
        assert!(page.control(name).contains(&shown), "{name}: {}", page.html);
    }
    assert_eq!(
        page.control("tags"),
        r#"name="tags" type="checkbox" value="a"; checked name="tags" type="checkbox" value="b""#
    );
    page.shows(r#"<option value="1">one</option><option value="2" selected>two</option>"#);
    page.hides("1234");
    page.hides("live-failure");
    assert_eq!(site.runs.count(), 0);
}

#[tokio::test]
async fn an_argument_that_does_not_fit_is_reported() {
    let mut site = Site::new();
    let seal = site.get("/controls").await.seal();
    let fields = [("street.number", "many"), ("name", "Ada"), ("live:form", &*seal)];
    let page = site.post("/controls", &changed(&["street.number", "name"], &fields)).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.control("name").contains(r#"value="Ada""#), "{}", page.html);
    assert!(page.control("street.number").contains(r#"value="many""#), "{}", page.html);
    assert_eq!(site.runs.count(), 0);
}

#[tokio::test]
async fn missing_fields_are_reported_or_have_their_defaults() {
    let mut site = Site::new();
    let seal = site.get("/controls").await.seal();
    let page =
        site.post("/controls", &changed(&["street.name", "street.number"], &[("live:form", &seal)])).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    // A client that sends a part of the form edits only that part.
    let seal = page.seal();
    let fields = [("street.name", "Elm"), ("street.number", "2"), ("live:form", &*seal)];
    let page = site.post("/controls", &fields).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.html);
    page.shows(
        "7 \"\" false true false None \"\" [] [\"green\"] \"\" [t1=false t2=false] Elm 2 [] false None",
    );
}
