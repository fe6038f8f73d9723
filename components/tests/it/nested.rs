//! Properties inside of fields: which of them a page may write, and the effects.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vivaz_components::instance::Job;
use vivaz_components::{
    ErrorCode, Errors, FieldPath, FieldStep, Key, List, LiveComponent, LiveState, Tracked, actions,
};
use vivaz_protocol::{Key as Step, PropertyPath};

use crate::drive::{Page, act, raw};

#[derive(LiveState, Serialize, Deserialize, Clone, Default, PartialEq, Debug)]
#[serde(rename_all = "camelCase")]
struct Address {
    #[live(model)]
    street: String,
    #[live(model)]
    house_number: u16,
    verified: bool,
    #[serde(skip)]
    secret: String,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Default, PartialEq, Debug)]
struct Size {
    wide: u8,
    high: u8,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Default, PartialEq, Debug)]
#[serde(rename_all = "lowercase")]
enum Mood {
    #[default]
    Calm,
    Loud,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Default, PartialEq, Debug)]
struct Item {
    id: u32,
    #[live(model)]
    text: String,
    #[live(model)]
    count: Option<u8>,
    #[live(model)]
    done: bool,
    #[live(model)]
    mood: Mood,
    #[live(model)]
    tags: Vec<String>,
    /// Has no marked fields: it is written as a whole.
    #[live(model)]
    size: Size,
    #[live(model)]
    address: Address,
    #[live(model)]
    parts: List<Part>,
    price: u32,
    /// Not marked, although its type has marked fields.
    home: Address,
    others: List<Part>,
    #[serde(skip)]
    cost: u32,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Default, PartialEq, Debug)]
struct Part {
    #[live(key)]
    #[serde(rename = "id")]
    name: String,
    #[live(model)]
    #[serde(rename = "label")]
    text: String,
    #[live(model)]
    parts: List<Leaf>,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Default, PartialEq, Debug)]
struct Leaf {
    id: i64,
    #[live(model)]
    n: i64,
}

/// Its key is not only its field `id`.
#[derive(Serialize, Deserialize, Clone, LiveState)]
struct Odd {
    #[live(model)]
    name: String,
}

impl vivaz_components::Keyed for Odd {
    fn key(&self) -> Key {
        Key::of(&self.name)
    }
}

#[derive(LiveComponent, Clone)]
#[live(inline = "", name = "nested", open)]
struct Board {
    #[live(model)]
    draft: String,
    #[live(model)]
    items: List<Item>,
    #[live(model)]
    address: Address,
    #[live(model)]
    tracked: Tracked<Address>,
    #[live(model)]
    odd: List<Odd>,
    #[live(prop, default)]
    given: Address,
    shown: List<Item>,
    #[live(private)]
    hidden: Address,
    #[live(default)]
    log: Vec<String>,
    #[live(errors)]
    errors: Errors,
}

#[actions]
impl Board {
    fn mount() -> Self {
        let leaf = |id| Leaf { id, n: 0 };
        let part = |name: &str| Part {
            name: name.into(),
            parts: [leaf(-1), leaf(i64::MAX)].into_iter().collect(),
            ..Part::default()
        };
        let item = |id| Item {
            id,
            parts: ["3", "x.y"].map(part).into_iter().collect(),
            others: ["3"].map(part).into_iter().collect(),
            ..Item::default()
        };
        Self {
            draft: String::new(),
            items: (1..=3).map(item).collect(),
            address: Address::default(),
            tracked: Tracked::default(),
            odd: ["a", "b"].map(|name| Odd { name: name.into() }).into_iter().collect(),
            given: Address::default(),
            shown: (1..=3).map(item).collect(),
            hidden: Address::default(),
            log: Vec::new(),
            errors: Errors::default(),
        }
    }

    fn updated(&mut self, path: &FieldPath) {
        let said = match (path.field(), path.steps()) {
            ("items", [FieldStep::Key(Key::Int(id)), FieldStep::Field("text")]) => format!("text of {id}"),
            _ => path.to_string(),
        };
        self.log.push(said);
    }

    #[action]
    fn remove(&mut self, id: u32) {
        self.items.remove(id);
    }

    #[action]
    fn nothing(&self) {}
}

/// A path in its wire form.
fn path(path: &Value) -> PropertyPath<'static> {
    let mut steps = path.as_array().unwrap().iter().map(|step| match step.as_i64() {
        Some(number) => Step::Int(number),
        None => Step::Text(step.as_str().unwrap().into()),
    });
    let Some(Step::Text(field)) = steps.next() else { panic!("{path} has no field") };
    PropertyPath { field: String::from(field).into(), steps: steps.collect() }
}

async fn set(page: &mut Page, property: Value, value: Value) -> Result<(), ErrorCode> {
    let job = Job::Property { property: path(&property), value: raw(&value) };
    page.run(job).await.result.map(|_| ()).map_err(|error| error.code())
}

fn found<'s>(state: &'s Value, path: &Value) -> &'s Value {
    let mut steps = path.as_array().unwrap().iter();
    let mut at = &state[steps.next().unwrap().as_str().unwrap()];
    for step in steps {
        at = match at.as_array() {
            Some(items) => items.iter().find(|item| item["id"] == *step).unwrap(),
            None => &at[step.as_str().unwrap()],
        };
    }
    at
}

#[tokio::test]
async fn only_marked_properties_are_written() {
    for (property, value, now) in [
        (json!(["draft"]), json!("d"), json!("d")),
        (json!(["address", "street"]), json!("s"), json!("s")),
        (json!(["address", "houseNumber"]), json!("12"), json!(12)),
        (json!(["tracked", "street"]), json!("s"), json!("s")),
        (json!(["items", 2, "text"]), json!("t"), json!("t")),
        (json!(["items", 2, "count"]), json!("7"), json!(7)),
        (json!(["items", 2, "count"]), json!(""), json!(null)),
        (json!(["items", 2, "done"]), json!("on"), json!(true)),
        (json!(["items", 2, "mood"]), json!("loud"), json!("loud")),
        (json!(["items", 2, "tags"]), json!("one"), json!(["one"])),
        (json!(["items", 2, "tags"]), json!(["a", "b"]), json!(["a", "b"])),
        (json!(["items", 2, "size"]), json!({"wide": "1", "high": 2}), json!({"wide": 1, "high": 2})),
        (json!(["items", 3, "address", "street"]), json!("deep"), json!("deep")),
        (json!(["items", 3, "parts", "3", "label"]), json!("p"), json!("p")),
        (json!(["items", 3, "parts", "x.y", "label"]), json!("p"), json!("p")),
        (json!(["items", 3, "parts", "3", "parts", -1, "n"]), json!("-5"), json!(-5)),
        (json!(["items", 3, "parts", "3", "parts", i64::MAX, "n"]), json!(i64::MIN), json!(i64::MIN)),
    ] {
        let mut page = Page::mount::<Board>(json!({})).await;
        let before = page.state.clone();
        // It is empty already.
        let is_changed = *found(&before, &property) != now;
        assert_eq!(set(&mut page, property.clone(), value).await, Ok(()), "{property}");
        assert_eq!(*found(&page.state, &property), now, "{property}");
        assert_eq!(page.state["log"].as_array().unwrap().len(), 1, "{property}");
        // No other change.
        let mut rest = page.state.clone();
        rest["log"] = json!([]);
        let steps = property.as_array().unwrap();
        let mut at = &mut rest[steps[0].as_str().unwrap()];
        for step in &steps[1..] {
            at = match at.is_array() {
                true => at.as_array_mut().unwrap().iter_mut().find(|item| item["id"] == *step).unwrap(),
                false => &mut at[step.as_str().unwrap()],
            };
        }
        *at = found(&before, &property).clone();
        assert_eq!(rest, before, "{property} {is_changed}");
    }
}

#[tokio::test]
async fn other_properties_are_refused_without_a_change() {
    use ErrorCode::{BadValue, ReadOnlyProperty, UnknownItem, UnknownProperty};
    let many = |steps: usize| {
        let steps = ["items"].into_iter().map(Value::from).chain((0..steps).map(|_| json!("parts")));
        Value::from_iter(steps)
    };
    for (property, code) in [
        // Whole lists, items, and structs with marked fields.
        (json!(["items"]), ReadOnlyProperty),
        (json!(["items", 2]), ReadOnlyProperty),
        (json!(["items", 2, "address"]), ReadOnlyProperty),
        (json!(["items", 2, "parts"]), ReadOnlyProperty),
        (json!(["items", 2, "parts", "3"]), ReadOnlyProperty),
        (json!(["address"]), ReadOnlyProperty),
        (json!(["tracked"]), ReadOnlyProperty),
        // Fields that are not marked.
        (json!(["items", 2, "id"]), ReadOnlyProperty),
        (json!(["items", 2, "price"]), ReadOnlyProperty),
        (json!(["items", 2, "home"]), ReadOnlyProperty),
        (json!(["items", 2, "home", "street"]), ReadOnlyProperty),
        (json!(["items", 2, "others", "3", "label"]), ReadOnlyProperty),
        (json!(["items", 2, "parts", "3", "id"]), ReadOnlyProperty),
        (json!(["address", "verified"]), ReadOnlyProperty),
        (json!(["given", "street"]), ReadOnlyProperty),
        (json!(["shown", 2, "text"]), ReadOnlyProperty),
        (json!(["errors", "text"]), ReadOnlyProperty),
        (json!(["log", 0]), ReadOnlyProperty),
        // Fields that the page does not have.
        (json!(["items", 2, "cost"]), UnknownProperty),
        (json!(["address", "secret"]), UnknownProperty),
        (json!(["hidden", "street"]), UnknownProperty),
        (json!(["hidden"]), UnknownProperty),
        (json!(["nothing", "street"]), UnknownProperty),
        (json!(["items", 2, "nothing"]), UnknownProperty),
        (json!(["items", 2, "Text"]), UnknownProperty),
        (json!(["address", "house_number"]), UnknownProperty),
        (json!(["items", 2, "parts", "3", "text"]), UnknownProperty),
        (json!(["items", 2, "parts", "3", "name"]), UnknownProperty),
        (json!(["address", 0]), UnknownProperty),
        // Deeper than the property, and into values without parts.
        (json!(["draft", "x"]), UnknownProperty),
        (json!(["draft", 0]), UnknownProperty),
        (json!(["items", 2, "text", "x"]), UnknownProperty),
        (json!(["items", 2, "tags", 0]), UnknownProperty),
        (json!(["items", 2, "size", "wide"]), UnknownProperty),
        (json!(["items", 2, "count", "x"]), UnknownProperty),
        // Items that do not exist, and keys of the other kind.
        (json!(["items", 9, "text"]), UnknownItem),
        (json!(["items", "2", "text"]), UnknownItem),
        (json!(["items", -1, "text"]), UnknownItem),
        (json!(["items", "text"]), UnknownItem),
        (json!(["items", 2, "parts", 3, "label"]), UnknownItem),
        (json!(["items", 2, "parts", "", "label"]), UnknownItem),
        (json!(["items", 2, "parts", "3", "parts", "-1", "n"]), UnknownItem),
        (many(32), UnknownItem),
        // A value that would change the key of the item.
        (json!(["odd", "a", "name"]), ReadOnlyProperty),
    ] {
        let mut page = Page::mount::<Board>(json!({})).await;
        let before = page.state.clone();
        for value in [json!("b"), json!(5), json!([]), json!({})] {
            let refused = set(&mut page, property.clone(), value.clone()).await;
            let expected =
                if property == json!(["odd", "a", "name"]) && !value.is_string() { BadValue } else { code };
            assert_eq!(refused, Err(expected), "{property} {value}");
            page.run(act("nothing", json!([]))).await;
        }
        let mut now = page.state.clone();
        now["errors"] = json!({});
        assert_eq!(now, before, "{property}");
        assert_eq!(page.state["log"], json!([]), "{property}");
    }
}

#[tokio::test]
async fn the_patch_has_the_changed_field_of_the_changed_item() {
    let mut page = Page::mount::<Board>(json!({})).await;
    set(&mut page, json!(["items", 2, "text"]), json!("t")).await.unwrap();
    let patch = page.last.clone().unwrap();
    assert_eq!(patch, json!({ "items": { "$list": [["~", 2, { "text": "t" }]] }, "log": ["text of 2"] }));
    set(&mut page, json!(["items", 2, "parts", "x.y", "label"]), json!("p")).await.unwrap();
    let patch = page.last.clone().unwrap()["items"].clone();
    assert_eq!(
        patch,
        json!({ "$list": [["~", 2, { "parts": { "$list": [["~", "x.y", { "label": "p" }]] } }]] })
    );
    assert_eq!(page.state["log"], json!(["text of 2", "items.2.parts.x.y.label"]));
}

#[tokio::test]
async fn a_value_that_does_not_fit_is_shown_under_the_path_until_one_does() {
    let mut page = Page::mount::<Board>(json!({})).await;
    assert_eq!(set(&mut page, json!(["items", 2, "count"]), json!("many")).await, Err(ErrorCode::BadValue));
    assert_eq!(
        set(&mut page, json!(["items", 1, "size"]), json!({"wide": "x", "high": "1"})).await,
        Err(ErrorCode::BadValue)
    );
    let names: Vec<_> = page.state["errors"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(names, ["items.1.size.wide", "items.2.count"]);
    set(&mut page, json!(["items", 2, "count"]), json!("3")).await.unwrap();
    assert_eq!(page.state["errors"]["items.2.count"], Value::Null);
    // The removed item and its message: the next edit drops both.
    page.call("remove", json!([1])).await.unwrap();
    assert_eq!(
        set(&mut page, json!(["items", 1, "size"]), json!({"wide": "1", "high": "1"})).await,
        Err(ErrorCode::UnknownItem)
    );
    assert_eq!(page.state["errors"], json!({}));
}

#[tokio::test]
async fn fields_alone_go_along_with_an_action() {
    let mut page = Page::mount::<Board>(json!({})).await;
    for name in ["items", "items.2.text", r#"["items",2,"text"]"#] {
        let job = Job::Action {
            action: "nothing".into(),
            payload: None,
            set: vec![(name.to_owned(), raw(&json!([])))],
        };
        let refused = page.run(job).await.result.unwrap_err().code();
        let expected = if name == "items" { ErrorCode::ReadOnlyProperty } else { ErrorCode::UnknownProperty };
        assert_eq!(refused, expected, "{name}");
    }
}
