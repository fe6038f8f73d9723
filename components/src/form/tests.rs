mod matrix;
mod properties;

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::*;

fn read<T: DeserializeOwned>(json: &Value) -> Result<T, String> {
    decode(&json.to_string()).map_err(|error| error.to_string())
}

#[derive(Deserialize, Debug, PartialEq)]
struct Address {
    city: String,
    number: u16,
}

#[derive(Deserialize, Debug, PartialEq, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Size {
    Small,
    Large,
}

/// The fields of a struct that a form fills.
#[derive(Deserialize, Debug, PartialEq)]
struct Order {
    name: String,
    age: u8,
    #[serde(rename = "e-mail")]
    email: Option<String>,
    #[serde(default = "seven")]
    amount: u32,
    #[serde(default = "one_tag")]
    defaulted: Vec<String>,
    tags: Vec<String>,
    ids: Vec<u32>,
    agree: bool,
    size: Size,
    address: Address,
}

fn seven() -> u32 {
    7
}

fn one_tag() -> Vec<String> {
    vec!["a".to_owned()]
}

fn order() -> Value {
    json!({
        "name": " Ada ", "age": "36", "e-mail": "", "size": "large",
        "address.city": "London", "address.number": "12",
    })
}

fn with(mut form: Value, fields: &Value) -> Value {
    for (name, value) in fields.as_object().unwrap() {
        form[name] = value.clone();
    }
    form
}

#[test]
fn a_form_is_read_into_a_struct() {
    let expected = Order {
        name: " Ada ".to_owned(),
        age: 36,
        email: None,
        amount: 7,
        defaulted: one_tag(),
        tags: Vec::new(),
        ids: Vec::new(),
        agree: false,
        size: Size::Large,
        address: Address { city: "London".to_owned(), number: 12 },
    };
    assert_eq!(read(&order()), Ok(expected));
    let ticked = with(order(), &json!({ "tags[]": "x", "ids": ["1", "2"], "agree": "on", "amount": "0" }));
    let order: Order = read(&ticked).unwrap();
    assert_eq!((order.tags, order.ids), (vec!["x".to_owned()], vec![1, 2]));
    assert_eq!((order.agree, order.amount), (true, 0));
}

#[test]
fn all_fields_that_do_not_fit_are_named_at_once() {
    let wrong = json!({
        "age": "12e", "agree": "maybe", "ids": ["1", "x"], "size": "large", "e-mail": "a@b.c",
        "address.city": "London", "address.number": "70000",
    });
    let error = decode::<Order>(&wrong.to_string()).unwrap_err();
    let expected = json!({
        "age": ["must be a whole number"],
        "agree": ["must be true or false"],
        "ids": ["must be a whole number"],
        "name": ["is missing"],
        "address.number": ["must be a whole number from 0 to 65535"],
    });
    assert_eq!(serde_json::to_value(error.of_argument("form")).unwrap(), expected);
    let error = decode::<Address>(r#"{"city":"London"}"#).unwrap_err();
    let expected = json!({ "home.number": ["is missing"] });
    assert_eq!(serde_json::to_value(error.of_field("home")).unwrap(), expected);
}

#[derive(Deserialize, Debug, PartialEq)]
struct Page {
    size: u32,
    ratio: f32,
    note: Option<String>,
    title: String,
    limit: Option<u32>,
    tags: Vec<String>,
    ids: Vec<i8>,
    open: bool,
    wide: bool,
    kind: Option<Size>,
}

#[derive(Deserialize, Debug, PartialEq)]
struct Search {
    query: String,
    max: i64,
    #[serde(flatten)]
    page: Page,
}

fn search() -> Value {
    json!({
        "query": "5", "max": "-5", "size": "5", "ratio": "0.1", "note": "", "title": "",
        "limit": "", "ids[]": "5", "wide": "on", "kind": "",
    })
}

#[test]
fn fields_of_a_flattened_struct_are_read_as_their_types() {
    let expected = Search {
        query: "5".to_owned(),
        max: -5,
        page: Page {
            size: 5,
            ratio: 0.1,
            note: None,
            title: String::new(),
            limit: None,
            tags: Vec::new(),
            ids: vec![5],
            open: false,
            wide: true,
            kind: None,
        },
    };
    assert_eq!(read(&search()), Ok(expected));
    let filled = with(search(), &json!({ "note": "x", "limit": "8", "tags": ["", "b"], "kind": "small" }));
    let page = read::<Search>(&filled).unwrap().page;
    assert_eq!((page.note.as_deref(), page.limit, page.kind), (Some("x"), Some(8), Some(Size::Small)));
    assert_eq!(page.tags, ["", "b"]);
    let wrong = with(search(), &json!({ "max": "x", "size": "-1", "open": "1", "ids[]": ["1", "300"] }));
    let error = decode::<Search>(&wrong.to_string()).unwrap_err();
    let expected = json!({
        "max": ["must be a whole number"],
        "size": ["must be a whole number from 0 to 4294967295"],
        "open": ["must be true or false"],
        "ids": ["must be a whole number from -128 to 127"],
    });
    assert_eq!(serde_json::to_value(error.of_argument("form")).unwrap(), expected);
    let mut without = search();
    without.as_object_mut().unwrap().remove("size");
    assert_eq!(read::<Search>(&without), Err("`size` is missing".to_owned()));
    let empty = with(search(), &json!({ "size": "" }));
    assert_eq!(read::<Search>(&empty), Err("`size` must be a whole number".to_owned()));
}

#[test]
fn a_tagged_variant_is_read_as_its_types() {
    #[derive(Deserialize, Debug, PartialEq)]
    #[serde(tag = "kind", rename_all = "lowercase")]
    enum Payment {
        Card { number: u64, note: Option<String>, save: bool },
        Cash,
    }
    let card = json!({ "kind": "card", "number": "18446744073709551615", "note": "" });
    assert_eq!(read(&card), Ok(Payment::Card { number: u64::MAX, note: None, save: false }));
    assert_eq!(read(&json!({ "kind": "cash" })), Ok(Payment::Cash));
    let card = json!({ "kind": "card", "number": "x" });
    assert_eq!(read::<Payment>(&card), Err("`number` must be a whole number".to_owned()));
}

#[test]
fn other_attributes_of_serde_hold() {
    #[derive(Deserialize, Debug, PartialEq)]
    #[serde(transparent)]
    struct Id(u64);
    #[derive(Deserialize, Debug, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Strict {
        #[serde(alias = "identifier")]
        id: Id,
        #[serde(skip)]
        skipped: bool,
        #[serde(rename = "a.b")]
        dotted: String,
        #[serde(rename = "list[]")]
        list: Vec<String>,
    }
    let strict = json!({ "identifier": "7", "a.b": "x", "list[]": "y" });
    let expected = Strict { id: Id(7), skipped: false, dotted: "x".into(), list: vec!["y".into()] };
    assert_eq!(read(&strict), Ok(expected));
    assert!(read::<Strict>(&with(strict, &json!({ "other": "1" }))).unwrap_err().contains("other"));

    #[derive(Deserialize, Debug, PartialEq)]
    #[serde(try_from = "u8")]
    struct Even(u8);
    impl TryFrom<u8> for Even {
        type Error = String;
        fn try_from(number: u8) -> Result<Self, String> {
            if number.is_multiple_of(2) { Ok(Self(number)) } else { Err("must be even".to_owned()) }
        }
    }
    #[derive(Deserialize, Debug, PartialEq)]
    struct Pair {
        a: Even,
        b: Even,
    }
    assert_eq!(read(&json!({ "a": "4", "b": "6" })), Ok(Pair { a: Even(4), b: Even(6) }));
    assert_eq!(read::<Pair>(&json!({ "a": "4", "b": "7" })), Err("`b` must be even".to_owned()));
    assert_eq!(read::<Pair>(&json!({ "a": "x", "b": "4" })), Err("`a` must be a whole number".to_owned()));
}

#[test]
fn a_type_that_serde_reads_from_a_text_gets_the_text() {
    #[derive(Deserialize, Debug, PartialEq)]
    struct Host {
        address: std::net::IpAddr,
        other: Option<std::net::IpAddr>,
    }
    let address = std::net::IpAddr::from([127, 0, 0, 1]);
    assert_eq!(read(&json!({ "address": "127.0.0.1", "other": "" })), Ok(Host { address, other: None }));
    let refused = read::<Host>(&json!({ "address": "127.0.0", "other": "" })).unwrap_err();
    assert!(refused.starts_with("`address` "), "{refused}");
}

#[test]
fn values_that_a_type_accepts_are_not_changed() {
    let form = json!({ "a[]": "1", "b.c": "", "d": ["on", ""], "e": "5" });
    assert_eq!(read(&form), Ok(form.clone()));
    assert_eq!(read::<HashMap<String, Value>>(&form).unwrap()["b.c"], json!(""));
    let raw: Box<RawValue> = decode(" {\"a\" :\"1\"} ").unwrap();
    assert_eq!(raw.get(), "{\"a\" :\"1\"}");

    #[derive(Deserialize, Debug, PartialEq)]
    struct Open {
        id: u32,
        #[serde(flatten)]
        rest: BTreeMap<String, String>,
    }
    let open: Open = read(&json!({ "id": "1", "x": "", "y": "2", "z[]": "on" })).unwrap();
    assert_eq!(open.id, 1);
    assert_eq!(serde_json::to_value(&open.rest).unwrap(), json!({ "x": "", "y": "2", "z[]": "on" }));

    #[derive(Deserialize, Debug, PartialEq)]
    #[serde(untagged)]
    enum Either {
        Number(u32),
        Text(String),
    }
    assert_eq!(read(&json!("5")), Ok(Either::Text("5".to_owned())));
    assert_eq!(read(&json!("")), Ok(Either::Text(String::new())));
    assert_eq!(read(&json!(5)), Ok(Either::Number(5)));
}

#[test]
fn an_object_of_other_values_is_no_form() {
    #[derive(Deserialize, Debug, PartialEq)]
    struct Item {
        id: u32,
        done: bool,
        tags: Vec<String>,
    }
    assert_eq!(read::<Item>(&json!({ "id": 1, "tags": [] })), Err("`done` is missing".to_owned()));
    assert_eq!(read::<Item>(&json!({ "id": 1, "done": true })), Err("`tags` is missing".to_owned()));
    let from_form = Item { id: 1, done: false, tags: Vec::new() };
    assert_eq!(read(&json!({ "id": "1" })), Ok(from_form));
    assert_eq!(read::<Item>(&json!({ "id": "1", "id.x": "2" })).unwrap().id, 1);
}

#[test]
fn numbers_in_json_are_exact_or_refused() {
    assert_eq!(decode::<u64>("18446744073709551615"), Ok(u64::MAX));
    assert_eq!(decode::<i64>("-9223372036854775808"), Ok(i64::MIN));
    assert_eq!(decode::<u128>("340282366920938463463374607431768211455"), Ok(u128::MAX));
    assert_eq!(decode::<f64>("9007199254740992"), Ok(9_007_199_254_740_992.0));
    let refused = |read: Result<f64, FormError>| read.unwrap_err().to_string();
    assert_eq!(refused(decode("9007199254740993")), "cannot be kept exactly");
    assert_eq!(refused(decode("1e400")), "is too large");
    assert_eq!(decode::<f32>("1e300").unwrap_err().to_string(), "is too large");
    assert_eq!(decode::<f32>("16777217").unwrap_err().to_string(), "cannot be kept exactly");
    assert_eq!(decode::<f32>("0.30000000000000004"), Ok(0.3));
    for json in ["18446744073709551616", "1.0", "1e3", "-1"] {
        assert!(decode::<u64>(json).unwrap_err().to_string().starts_with("must be a whole number"), "{json}");
    }
}

macro_rules! boxes {
    ($($name:ident)*) => {
        #[derive(Deserialize)]
        #[expect(dead_code, reason = "some stand for all")]
        struct Fifty {
            $($name: bool,)*
        }
    };
}

boxes! {
    b0 b1 b2 b3 b4 b5 b6 b7 b8 b9
    b10 b11 b12 b13 b14 b15 b16 b17 b18 b19
    b20 b21 b22 b23 b24 b25 b26 b27 b28 b29
    b30 b31 b32 b33 b34 b35 b36 b37 b38 b39
    b40 b41 b42 b43 b44 b45 b46 b47 b48 b49
}

#[test]
fn no_message_keeps_the_decoder_busy() {
    #[derive(Deserialize, Debug)]
    struct Lists(#[expect(dead_code, reason = "only its depth counts")] Vec<Lists>);
    assert!(read::<Lists>(&json!("a")).is_err());

    #[derive(Deserialize, Debug, Default)]
    #[serde(default)]
    struct Chain {
        a: Option<Box<Chain>>,
    }
    let nested = "a.".repeat(10_000);
    let mut depth = 0;
    let mut link = read::<Chain>(&json!({ nested + "b": "" })).ok().and_then(|chain| chain.a);
    while let Some(chain) = link {
        (depth, link) = (depth + 1, chain.a);
    }
    assert!(depth <= 16, "{depth}");

    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(decode::<Value>(&deep).unwrap_err().to_string(), "is nested too deep");

    // As many boxes as a form may have are not ticked.
    #[derive(Deserialize)]
    struct Boxes {
        #[serde(flatten)]
        all: Fifty,
        other: Fifty,
    }
    let boxes: Boxes = read(&json!({ "other.b0": "on" })).unwrap();
    assert!(boxes.other.b0 && !boxes.all.b0 && !boxes.all.b49);

    // More empty texts than rounds: those of unknown types stay as they are.
    let many: serde_json::Map<_, _> = (0..1_000).map(|at| (format!("f{at}"), json!(""))).collect();
    #[derive(Deserialize, Debug)]
    struct Flat {
        #[serde(flatten)]
        rest: BTreeMap<String, String>,
    }
    assert_eq!(read::<Flat>(&Value::Object(many)).unwrap().rest.len(), 1_000);
}

#[test]
fn half_of_a_surrogate_pair_is_refused_in_words_for_a_user() {
    for json in [
        r#""\ud800""#,
        r#""\udc00""#,
        r#""\ud800x""#,
        r#""\ud800\u0041""#,
        r#"["\udfff"]"#,
        r#"{"a":"\ud83d"}"#,
        r#"{"\ud83d":1}"#,
    ] {
        let said = "has a character that is not complete (half of a surrogate pair)";
        assert_eq!(decode::<String>(json).unwrap_err().to_string(), said, "{json}");
        assert_eq!(decode::<Value>(json).unwrap_err().to_string(), said, "{json}");
    }
    assert_eq!(decode::<String>(r#""\ud83d\ude00""#), Ok("\u{1f600}".to_owned()));
}
