//! Messages about values of a wrong type are removed together with their cause.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vivaz_components::instance::Job;
use vivaz_components::{
    Context, ErrorCode, Errors, List, LiveComponent, LiveState, MountContext, Registration, Result, actions,
};
use vivaz_protocol::{Key, PropertyPath};

use crate::drive::{Page, raw};

#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
struct Line {
    id: u32,
    #[live(model)]
    count: u8,
    #[live(model)]
    size: u8,
}

#[derive(LiveComponent, Clone)]
#[live(inline = "", name = "refusals", open)]
struct Form {
    #[live(model)]
    age: u8,
    #[live(model)]
    height: u8,
    #[live(prop, model, default)]
    seats: u8,
    #[live(model)]
    lines: List<Line>,
    #[live(errors)]
    errors: Errors,
}

#[actions]
impl Form {
    fn mount(props: FormProps) -> Self {
        let lines = (1..=2).map(|id| Line { id, ..Line::default() }).collect();
        Self { age: 1, height: 1, seats: props.seats, lines, errors: Errors::default() }
    }

    #[action]
    fn age(&mut self, age: u8) {
        let _ = age;
    }

    #[action]
    fn reset(&mut self) {
        self.age = 18;
    }

    #[action]
    async fn reset_and_flush(&mut self, cx: &mut Context) -> Result {
        self.age = 18;
        cx.flush(self).await?;
        Ok(())
    }

    #[action]
    fn remove(&mut self, id: u32) {
        self.lines.remove(id);
    }

    #[action]
    fn put(&mut self, id: u32) {
        self.lines.push(Line { id, ..Line::default() });
    }

    #[action]
    fn size(&mut self, id: u32) {
        self.lines.update(id, |line| line.size += 1);
    }

    #[action]
    fn count(&mut self, id: u32) {
        self.lines.update(id, |line| line.count += 1);
    }

    #[action]
    fn fail(&mut self) -> Result {
        self.age = 18;
        Err(vivaz_components::ActionError::user("no"))
    }
}

const WHOLE: &str = "must be a whole number";

fn line(id: i64, field: &str) -> PropertyPath<'static> {
    PropertyPath { field: "lines".into(), steps: vec![Key::Int(id), Key::Text(field.into())] }
}

async fn set(page: &mut Page, property: impl Into<PropertyPath<'static>>, value: Value) -> bool {
    let job = Job::Property { property: property.into(), value: raw(&value) };
    page.run(job).await.result.is_ok()
}

async fn set_line(page: &mut Page, id: i64, field: &str, value: Value) -> bool {
    let job = Job::Property { property: line(id, field), value: raw(&value) };
    page.run(job).await.result.is_ok()
}

async fn set_with(page: &mut Page, action: &str, set: &[(&str, &str)]) -> Option<ErrorCode> {
    let set = set.iter().map(|(name, text)| ((*name).to_owned(), raw(&json!(text)))).collect();
    let job = Job::Action { action: action.to_owned(), payload: None, set };
    page.run(job).await.result.err().map(|error| error.code())
}

/// Returns the component after it was saved and restored by a program whose schema has that hash.
async fn restarted(mut page: Page, schema: u64) -> Page {
    let saved = page.instance().save().unwrap();
    let restored =
        Registration::of::<Form>().restore(&saved, schema, MountContext::new(page.env.clone())).await;
    let mut instance = restored.unwrap().into_instance();
    let state = serde_json::from_str(&instance.state().unwrap()).unwrap();
    Page::of(instance, page.env, state)
}

async fn refused() -> Page {
    let mut page = Page::mount::<Form>(json!({})).await;
    for field in ["age", "height", "seats"] {
        assert!(!set(&mut page, field, json!("x")).await);
    }
    assert!(!set_line(&mut page, 1, "count", json!("x")).await);
    assert!(!set_line(&mut page, 2, "size", json!("x")).await);
    assert_eq!(page.call("remove", json!(["x"])).await, Err(ErrorCode::BadArguments));
    assert_eq!(page.state["errors"], all());
    page
}

fn all() -> Value {
    let names = ["age", "height", "seats", "lines.1.count", "lines.2.size", "id"];
    names.into_iter().map(|name| (name.to_owned(), json!([WHOLE]))).collect()
}

/// Returns the names whose messages were removed.
fn withdrawn(page: &Page) -> Vec<String> {
    let left = page.state["errors"].as_object().unwrap();
    let all = all();
    all.as_object().unwrap().keys().filter(|name| !left.contains_key(*name)).cloned().collect()
}

#[tokio::test]
async fn an_edit_that_fits_withdraws_the_message_after_a_restart() {
    let mut page = restarted(refused().await, Form::SPEC.schema()).await;
    assert_eq!(page.state["errors"], all());
    for field in ["age", "height", "seats"] {
        assert!(set(&mut page, field, json!("5")).await);
    }
    assert_eq!(withdrawn(&page), ["age", "height", "seats"]);
    let mut page = restarted(page, Form::SPEC.schema()).await;
    assert!(set_line(&mut page, 1, "count", json!("5")).await);
    assert!(set_line(&mut page, 2, "size", json!("5")).await);
    assert_eq!(page.call("remove", json!(["9"])).await, Ok(json!(null)));
    assert_eq!(page.state["errors"], json!({}));
    let saved: Value = serde_json::from_slice(&page.instance().save().unwrap()).unwrap();
    assert_eq!(saved.as_object().unwrap().len(), 5, "{saved}");
}

#[tokio::test]
async fn a_program_of_another_schema_takes_all_messages_back() {
    let page = restarted(refused().await, 1).await;
    assert_eq!(page.state["errors"], json!({}));
}

#[tokio::test]
async fn errors_of_removed_actions_and_properties_are_removed() {
    let mut page = refused().await;
    let saved = String::from_utf8(page.instance().save().unwrap()).unwrap();
    let earlier = saved
        .replace(r#""action":"remove""#, r#""action":"gone""#)
        .replace(r#""property":["height"]"#, r#""property":["gone"]"#);
    assert_ne!(saved, earlier);
    let restored =
        Registration::of::<Form>().restore(earlier.as_bytes(), Form::SPEC.schema(), MountContext::default());
    let mut instance = restored.await.unwrap().into_instance();
    let state = serde_json::from_str(&instance.state().unwrap()).unwrap();
    assert_eq!(withdrawn(&Page::of(instance, page.env, state)), ["height", "id"]);
}

#[tokio::test]
async fn of_several_edits_those_that_fit_withdraw_their_messages() {
    for edits in [[("age", "5"), ("height", "y")], [("height", "y"), ("age", "5")]] {
        let mut page = refused().await;
        assert_eq!(set_with(&mut page, "reset", &edits).await, Some(ErrorCode::BadValue));
        assert_eq!(withdrawn(&page), ["age"]);
        assert_eq!(page.state["age"], 1);
        assert_eq!(set_with(&mut page, "reset", &[("age", "5"), ("height", "5")]).await, None);
        assert_eq!(withdrawn(&page), ["age", "height"]);
    }
}

#[tokio::test]
async fn an_edit_that_cannot_be_made_changes_no_message() {
    let mut page = refused().await;
    let edits = [("age", "5"), ("nothing", "5")];
    assert_eq!(set_with(&mut page, "reset", &edits).await, Some(ErrorCode::UnknownProperty));
    assert_eq!(withdrawn(&page), [""; 0]);
    assert!(set(&mut page, "age", json!("5")).await);
    assert_eq!(withdrawn(&page), ["age"]);
}

#[tokio::test]
async fn a_property_that_gets_another_value_loses_its_message() {
    for action in ["reset", "reset_and_flush"] {
        let mut page = refused().await;
        page.call(action, json!([])).await.unwrap();
        assert_eq!(withdrawn(&page), ["age"], "{action}");
    }
    let mut page = refused().await;
    page.call("fail", json!([])).await.unwrap_err();
    assert_eq!(withdrawn(&page), [""; 0]);

    let props = Job::Props { props: raw(&json!({ "seats": 7 })), page: Vec::new() };
    assert!(page.run(props).await.result.is_ok());
    assert_eq!(withdrawn(&page), ["seats"]);

    // Another property of the item is independent.
    page.call("size", json!([1])).await.unwrap();
    assert_eq!(withdrawn(&page), ["seats"]);
    page.call("count", json!([1])).await.unwrap();
    assert_eq!(withdrawn(&page), ["lines.1.count", "seats"]);
}

#[tokio::test]
async fn a_message_goes_with_its_item() {
    let mut page = refused().await;
    page.call("remove", json!([1])).await.unwrap();
    assert_eq!(withdrawn(&page), ["id", "lines.1.count"]);
    page.call("put", json!([1])).await.unwrap();
    assert_eq!(withdrawn(&page), ["id", "lines.1.count"]);
}

#[tokio::test]
async fn an_action_and_a_property_of_one_name_are_distinguished() {
    let mut page = refused().await;
    page.call("age", json!([3])).await.unwrap();
    assert_eq!(withdrawn(&page), [""; 0]);
    assert!(set(&mut page, "age", json!("5")).await);
    assert_eq!(page.call("age", json!(["x"])).await, Err(ErrorCode::BadArguments));
    assert!(set(&mut page, "age", json!("6")).await);
    assert_eq!(withdrawn(&page), [""; 0]);
    page.call("age", json!([3])).await.unwrap();
    assert_eq!(withdrawn(&page), ["age"]);
}

#[tokio::test]
async fn the_budget_counts_the_saved_state() {
    let env = vivaz_components::Env::default();
    let budget = std::sync::Arc::new(vivaz_components::Budget::new("page", 10_000));
    let cx = MountContext::new(env.clone()).with_budget(budget.clone(), vivaz_components::Admission::Bounded);
    let mut instance = Registration::of::<Form>().mount(&raw(&json!({})), cx).await.unwrap();
    let state = serde_json::from_str(&instance.state().unwrap()).unwrap();
    let mut page = Page::of(instance, env, state);
    for value in ["x", "5", "y"] {
        set(&mut page, "age", json!(value)).await;
        assert_eq!(budget.used(), page.instance().save().unwrap().len(), "{value}");
    }
}
