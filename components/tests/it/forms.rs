//! Values of a form: decoded as the types of arguments and fields, and refused at their fields.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use vivaz_components::instance::Job;
use vivaz_components::{ErrorCode, Errors, LiveComponent, LiveState, Result, actions};

use crate::drive::{Page, act, raw};

#[derive(LiveState, serde::Serialize, Deserialize, Clone, Default)]
struct Address {
    street: String,
    number: u16,
}

#[derive(Deserialize)]
struct Booking {
    name: String,
    seats: u8,
    tags: Vec<String>,
    agree: bool,
    note: Option<String>,
    #[serde(flatten)]
    card: Card,
}

#[derive(Deserialize)]
struct Card {
    number: u64,
    valid: Option<u16>,
}

#[derive(LiveComponent, Clone)]
#[live(inline = "", name = "booking", open)]
struct Bookings {
    #[live(model)]
    age: u32,
    #[live(model)]
    nick: Option<String>,
    #[live(model)]
    big: u64,
    #[live(model)]
    tags: Vec<String>,
    #[live(model)]
    address: Address,
    #[live(prop, default)]
    limit: u32,
    #[live(default)]
    log: Vec<String>,
    #[live(errors)]
    errors: Errors,
}

#[actions]
impl Bookings {
    #[action]
    fn book(&mut self, form: Booking) {
        let Booking { name, seats, tags, agree, note, card: Card { number, valid } } = form;
        self.log.push(format!("{name} {seats} {tags:?} {agree} {note:?} {number} {valid:?}"));
    }

    #[action]
    fn birthday(&mut self, age: u8, note: Option<String>) -> String {
        format!("{age} {note:?}")
    }

    #[action]
    async fn tag(&mut self, id: u32, tag: Vec<String>) -> String {
        format!("{id} {tag:?}")
    }

    #[action]
    fn check(&mut self) -> Result {
        self.errors.add("age", "is too young");
        Ok(())
    }

    #[action]
    fn reject(&mut self, seats: u8) -> Result {
        Err(Errors::of("seats", format!("{seats} are too many")).into())
    }
}

fn form() -> Value {
    json!({ "name": "Ada", "seats": "2", "note": "", "number": "18446744073709551615", "valid": "" })
}

fn with(mut form: Value, name: &str, value: &str) -> Value {
    form[name] = value.into();
    form
}

#[tokio::test]
async fn a_form_is_the_argument_of_an_action() {
    let mut page = Page::mount::<Bookings>(json!({})).await;
    assert_eq!(page.call("book", json!([form()])).await, Ok(json!(null)));
    assert_eq!(page.state["log"], json!(["Ada 2 [] false None 18446744073709551615 None"]));
    let ticked = with(with(with(form(), "tags[]", "x"), "agree", "on"), "valid", "27");
    assert_eq!(page.call("book", ticked).await, Ok(json!(null)));
    assert_eq!(page.state["log"][1], "Ada 2 [\"x\"] true None 18446744073709551615 Some(27)");
}

#[tokio::test]
async fn each_field_may_be_an_argument() {
    let mut page = Page::mount::<Bookings>(json!({})).await;
    assert_eq!(page.call("birthday", json!(["36", ""])).await, Ok(json!("36 None")));
    for (sent, tags) in [
        (json!(null), json!("7 []")),
        (json!("a"), json!("7 [\"a\"]")),
        (json!(["a", "b"]), json!("7 [\"a\", \"b\"]")),
    ] {
        assert_eq!(page.call("tag", json!(["7", sent])).await, Ok(tags));
    }
}

#[tokio::test]
async fn an_invalid_value_has_an_error_at_its_field_until_it_is_valid() {
    let mut page = Page::mount::<Bookings>(json!({})).await;
    let wrong = with(with(form(), "seats", "12e"), "number", "18446744073709551616");
    let finished = page.run(act("book", json!([wrong]))).await;
    let error = finished.result.unwrap_err();
    assert_eq!(error.code(), ErrorCode::BadArguments);
    let shown = json!({
        "seats": ["must be a whole number"],
        "number": ["must be a whole number from 0 to 18446744073709551615"],
    });
    assert_eq!(serde_json::from_str::<Value>(error.details().unwrap().get()).unwrap(), shown);
    assert_eq!(page.state["errors"], shown);
    assert_eq!(page.state["log"], json!([]));

    // Another action does not affect it.
    assert_eq!(page.call("birthday", json!(["x"])).await, Err(ErrorCode::BadArguments));
    assert_eq!(page.state["errors"]["age"], json!(["must be a whole number"]));
    assert_eq!(page.call("birthday", json!(["1"])).await, Ok(json!("1 None")));
    assert_eq!(page.state["errors"], shown);

    let wrong = with(form(), "seats", "300");
    assert_eq!(page.call("book", json!([wrong])).await, Err(ErrorCode::BadArguments));
    assert_eq!(page.state["errors"], json!({ "seats": ["must be a whole number from 0 to 255"] }));
    assert_eq!(page.call("book", json!([form()])).await, Ok(json!(null)));
    assert_eq!(page.state["errors"], json!({}));
}

#[tokio::test]
async fn errors_set_by_a_component_are_kept() {
    let mut page = Page::mount::<Bookings>(json!({})).await;
    assert_eq!(page.set("age", json!("x")).await, Err(ErrorCode::BadValue));
    assert_eq!(page.call("check", json!([])).await, Ok(json!(null)));
    assert_eq!(page.set("age", json!("5")).await, Ok(()));
    assert_eq!(page.state["errors"], json!({ "age": ["is too young"] }));
    assert_eq!(page.call("reject", json!(["x"])).await, Err(ErrorCode::BadArguments));
    assert_eq!(page.state["errors"]["seats"], json!(["must be a whole number"]));
    assert_eq!(page.call("reject", json!(["9"])).await, Err(ErrorCode::Invalid));
    assert_eq!(page.state["errors"], json!({ "seats": ["9 are too many"] }));
}

#[tokio::test]
async fn a_model_field_is_read_as_its_type() {
    let mut page = Page::mount::<Bookings>(json!({})).await;
    for (field, sent, kept) in [
        ("age", json!("36"), json!(36)),
        ("age", json!(37), json!(37)),
        ("nick", json!("ada"), json!("ada")),
        ("nick", json!(""), json!(null)),
        ("big", json!("18446744073709551615"), json!(u64::MAX)),
        ("big", json!(u64::MAX - 1), json!(u64::MAX - 1)),
        ("tags", json!("a"), json!(["a"])),
        ("tags", json!(null), json!([])),
        ("address", json!({ "street": "Main", "number": "5" }), json!({ "street": "Main", "number": 5 })),
    ] {
        assert_eq!(page.set(field, sent.clone()).await, Ok(()), "{field}: {sent}");
        assert_eq!(page.state[field], kept, "{field}: {sent}");
    }
    let refused = [
        ("age", json!("12e"), "age", "must be a whole number"),
        ("age", json!(null), "age", "is missing"),
        ("age", json!(-1), "age", "must be a whole number from 0 to 4294967295"),
        (
            "big",
            json!("18446744073709551616"),
            "big",
            "must be a whole number from 0 to 18446744073709551615",
        ),
        ("big", json!(1e20), "big", "must be a whole number"),
        ("address", json!({ "street": "", "number": "x" }), "address.number", "must be a whole number"),
    ];
    for (field, sent, name, message) in refused {
        let before = page.state[field].clone();
        assert_eq!(page.set(field, sent.clone()).await, Err(ErrorCode::BadValue), "{field}: {sent}");
        assert_eq!(page.state["errors"][name], json!([message]), "{field}: {sent}");
        assert_eq!(page.state[field], before);
        assert_eq!(page.set(field, before).await, Ok(()), "{field}");
        assert_eq!(page.state["errors"], json!({}), "{field}: {sent}");
    }
}

#[tokio::test]
async fn edits_that_come_with_an_action_are_shown_at_their_fields_too() {
    let mut page = Page::mount::<Bookings>(json!({})).await;
    let edits = [("age", "x"), ("nick", "ada"), ("big", "-1")];
    let set = edits.iter().map(|(name, text)| ((*name).to_owned(), raw(&json!(text)))).collect();
    let job = Job::Action { action: "birthday".to_owned(), payload: Some(raw(&json!(["1"]))), set };
    assert_eq!(page.run(job).await.result.unwrap_err().code(), ErrorCode::BadValue);
    let shown = json!({
        "age": ["must be a whole number"],
        "big": ["must be a whole number from 0 to 18446744073709551615"],
    });
    assert_eq!((&page.state["errors"], &page.state["nick"]), (&shown, &json!(null)));
}

#[tokio::test]
async fn props_of_a_parent_are_no_form() {
    let mut page = Page::mount::<Bookings>(json!({})).await;
    let job = |props: Value| Job::Props { props: raw(&props), page: Vec::new() };
    let refused = page.run(job(json!({ "limit": "5" }))).await.result;
    assert_eq!(refused.unwrap_err().code(), ErrorCode::BadProps);
    assert!(page.run(job(json!({ "limit": 5 }))).await.result.is_ok());
}

/// Programs other than browsers may send it.
#[tokio::test]
async fn half_of_a_surrogate_pair_is_refused_in_the_same_words_everywhere() {
    let said = "has a character that is not complete (half of a surrogate pair)";
    let broken = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
    let mut page = Page::mount::<Bookings>(json!({})).await;
    let action = |payload: &str| {
        let (action, set) = ("birthday".to_owned(), Vec::new());
        Job::Action { action, payload: Some(broken(payload)), set }
    };
    let property = Job::Property { property: "nick".into(), value: broken(r#""\udfff""#) };
    let set = vec![("nick".to_owned(), broken(r#""\ud800""#))];
    let edit = Job::Action { action: "check".to_owned(), payload: None, set };
    let props = Job::Props { props: broken(r#"{"\ud800":1}"#), page: Vec::new() };
    for job in [action(r#"[1,"\ud800"]"#), action(r#""\ud83dx""#), property, edit, props] {
        let at = format!("{job:?}");
        let message = page.run(job).await.result.unwrap_err().message().to_owned();
        assert!(message.ends_with(said), "{at}: {message}");
    }
    assert_eq!(page.state["errors"]["nick"], json!([said]));
}
