use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use vivaz_protocol::json::to_json;
use vivaz_template::eval::items;
use vivaz_template::{Data, Kind, Name};

use super::ShownValue;
use crate::tracking::{Pick, TrackedField as _};
use crate::{Key, Keyed, List};

#[derive(Clone, Debug, Serialize)]
struct Unit;

#[derive(Clone, Debug, Serialize)]
struct Newtype(f32);

#[derive(Clone, Debug, Serialize)]
struct Pair(i128, u128);

#[derive(Clone, Debug, Serialize)]
enum Shape {
    Unit,
    Newtype(i64),
    Tuple(u64, char),
    Struct { x: f64, y: Option<String> },
}

#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
enum MapKey {
    Number(i64),
    Text(String),
    Flag(bool),
    Letter(char),
    Maybe(Option<u8>),
}

#[derive(Clone, Debug, Serialize)]
struct Everything {
    unit: (Unit, ()),
    newtype: Newtype,
    pair: Pair,
    shapes: Vec<Shape>,
    keys: Vec<(MapKey, u8)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    omitted: Option<bool>,
    #[serde(flatten)]
    flattened: BTreeMap<String, u16>,
}

/// A map with the members in this order; a key may occur twice.
struct Members<'a>(&'a [(MapKey, u8)]);

impl Serialize for Members<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

fn shapes() -> impl Strategy<Value = Shape> {
    prop_oneof![
        Just(Shape::Unit),
        any::<i64>().prop_map(Shape::Newtype),
        any::<(u64, char)>().prop_map(|(number, letter)| Shape::Tuple(number, letter)),
        any::<(f64, Option<String>)>().prop_map(|(x, y)| Shape::Struct { x, y }),
    ]
}

fn keys() -> impl Strategy<Value = MapKey> {
    prop_oneof![
        (-3..3_i64).prop_map(MapKey::Number),
        "[a-c]{0,2}".prop_map(MapKey::Text),
        any::<bool>().prop_map(MapKey::Flag),
        any::<char>().prop_map(MapKey::Letter),
        any::<u8>().prop_map(|number| MapKey::Maybe(Some(number))),
    ]
}

prop_compose! {
    fn everything()(
        small in any::<f32>(),
        pair in any::<(i128, u128)>(),
        shapes in prop::collection::vec(shapes(), 0..4),
        keys in prop::collection::vec((keys(), any::<u8>()), 0..6),
        omitted in any::<Option<bool>>(),
        flattened in prop::collection::btree_map("[a-z]{0,9}", any::<u16>(), 0..3),
    ) -> Everything {
        let (newtype, pair) = (Newtype(small), Pair(pair.0, pair.1));
        Everything { unit: (Unit, ()), newtype, pair, shapes, keys, omitted, flattened }
    }
}

/// Checks that a value is what a page reads from its JSON.
fn check<T: Serialize + ?Sized>(value: &T) {
    match to_json(value) {
        Ok(json) => {
            let read: Value = serde_json::from_str(&json).unwrap();
            assert_eq!(Value::from(ShownValue::of(value).unwrap()), read, "{json}");
            assert_eq!(Value::from(ShownValue::from(read.clone())), read, "{json}");
        }
        Err(error) => assert_eq!(ShownValue::of(value).unwrap_err().to_string(), error.to_string()),
    }
}

proptest! {
    #[test]
    fn values_are_what_a_page_reads_from_their_json(value in everything()) {
        check(&value);
        // A page reads the first of two members with the same name, and `serde_json` the last one.
        let mut keys = value.keys;
        let read: Value = serde_json::from_str(&to_json(&Members(&keys)).unwrap()).unwrap();
        keys.reverse();
        prop_assert_eq!(Value::from(ShownValue::of(&Members(&keys)).unwrap()), read);
    }
}

#[test]
fn the_types_of_serde_json_keep_their_values() {
    let raw = RawValue::from_string(r#"{ "a" : [1.50, 18446744073709551615] }"#.to_owned()).unwrap();
    // Two numbers of as few digits are equally near.
    check(&(-21_242_874_f32 / 8.0));
    check(&(raw, json!({"b": [null, -1, 1e300, "x"]}), serde_json::Number::from(7)));
}

#[test]
fn values_without_a_json_form_are_refused() {
    check(&[f64::NAN]);
    check(&f32::INFINITY);
    check(&Members(&[(MapKey::Maybe(None), 1)]));
    check(&[((1, 2), 1)].into_iter().collect::<BTreeMap<_, _>>());
    check(&(0..100).fold(json!(1), |inner, _| json!([inner])));
}

/// Rows with these numbers; 0 has no JSON form, and 1 panics.
#[derive(Clone)]
struct Row(u8);

impl Serialize for Row {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            0 => Err(serde::ser::Error::custom("no JSON form")),
            1 => panic!("a row panics"),
            id => serializer.collect_map([("id", id)]),
        }
    }
}

impl Keyed for Row {
    fn key(&self) -> Key {
        Key::of(&self.0)
    }
}

/// Returns a list as a component shows it.
fn lazy(rows: impl IntoIterator<Item = u8>) -> ShownValue {
    let mut list: List<Row> = rows.into_iter().map(Row).collect();
    let rows = Pick(&mut list).field().shown_once().unwrap();
    ShownValue::map(vec![("other".into(), ShownValue::Null), ("rows".into(), rows)])
}

fn ids(rows: &ShownValue) -> Vec<ShownValue> {
    let mut ids = Vec::new();
    rows.each_item(&mut |row| ids.extend(row.get("id").cloned()));
    ids
}

#[test]
fn a_list_has_the_same_items_row_by_row_and_as_a_whole() {
    for len in [0, 1, 40] {
        let state = lazy(2..2 + len);
        let rows = state.get("rows").unwrap();
        let whole = ShownValue::of(&(2..2 + len).map(Row).collect::<Vec<_>>()).unwrap();
        let expected: Vec<ShownValue> = (2..2 + i64::from(len)).map(ShownValue::Int).collect();
        assert_eq!((ids(rows), ids(&whole)), (expected.clone(), expected.clone()));
        assert_eq!(Value::from(rows.clone()), Value::from(whole.clone()));
        let (Kind::List(items), Kind::List(all)) = (rows.kind(), whole.kind()) else {
            panic!("a list is a list");
        };
        assert_eq!(items, all);
        // Now from the converted items.
        assert_eq!(ids(rows), expected);
        state.check_items().unwrap();
    }
}

#[test]
fn an_item_without_a_json_form_is_an_error_and_ends_the_list() {
    for (odd, message) in [(0, "no JSON form"), (1, "internal server error")] {
        let state = lazy([5, odd, 6]);
        state.check_items().unwrap();
        let rows = state.get("rows").unwrap();
        for read in [|rows| ids(rows).len(), |rows| items(&ShownValue::kind(rows)).unwrap().len()] {
            assert_eq!(read(rows), 1);
            let error = state.check_items().unwrap_err();
            let error = format!("{error:?}");
            assert!(error.contains(message), "{error}");
        }
    }
}

#[test]
fn objects_find_their_members() {
    let names: Vec<String> = (0..40).map(|n| format!("m{n}")).collect();
    let map = ShownValue::of(&names.iter().zip(0..40).collect::<BTreeMap<_, _>>()).unwrap();
    let fields = ShownValue::of(&Shape::Struct { x: 1.5, y: None }).unwrap();
    let fields = fields.get("Struct").unwrap();
    for (name, n) in names.iter().zip(0..40) {
        assert_eq!(map.get(name), Some(&ShownValue::Int(n)));
    }
    assert_eq!((map.get("m40"), map.entries()), (None, 40));
    assert_eq!((fields.get("x"), fields.get("y")), (Some(&ShownValue::Num(1.5)), Some(&ShownValue::Null)));
    assert_eq!((fields.get("z"), fields.entries()), (None, 2));
    let twice = ["b", "a", "b"].into_iter().zip(0..).map(|(name, n)| (Name::from(name), ShownValue::Int(n)));
    let twice = ShownValue::from_fields(twice.collect());
    assert_eq!((twice.get("a"), twice.get("b")), (Some(&ShownValue::Int(1)), Some(&ShownValue::Int(2))));
    assert_eq!(twice.entries(), 2);
}
