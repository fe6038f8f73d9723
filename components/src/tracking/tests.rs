use serde::Serializer;
use serde_json::{Value, json};

use super::*;

/// Serialises as a number, unless it refuses.
#[derive(Clone, Copy)]
enum Number {
    Is(u8),
    Refuses,
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Is(number) => serializer.serialize_u8(*number),
            Self::Refuses => Err(serde::ser::Error::custom("no number")),
        }
    }
}

/// A field of each kind.
struct State {
    fields: [(&'static str, FieldKind, Number); 4],
}

impl State {
    fn new() -> Self {
        let fields = [
            ("public", FieldKind::Public, Number::Is(1)),
            ("computed", FieldKind::Computed, Number::Is(2)),
            ("private", FieldKind::Private, Number::Is(3)),
            ("skipped", FieldKind::Skip, Number::Is(4)),
        ];
        Self { fields }
    }

    fn set(&mut self, name: &str, number: Number) {
        self.fields.iter_mut().find(|field| field.0 == name).unwrap().2 = number;
    }
}

impl TrackedFields for State {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        for (name, kind, number) in &mut self.fields {
            visitor.field(name, *kind, &mut Pick(number).field());
        }
    }
}

fn changes(tracker: &mut Tracker, state: &mut State) -> Option<Value> {
    tracker.changes(state).unwrap().patch.map(|patch| serde_json::from_str(&patch).unwrap())
}

#[test]
fn the_page_receives_changed_public_fields() {
    let mut state = State::new();
    let mut tracker = Tracker::new(&mut state).unwrap();
    assert_eq!(changes(&mut tracker, &mut state), None);
    for name in ["public", "computed"] {
        state.set(name, Number::Is(9));
        assert_eq!(changes(&mut tracker, &mut state), Some(json!({name: 9})));
        assert_eq!(changes(&mut tracker, &mut state), None);
    }
    for name in ["private", "skipped"] {
        state.set(name, Number::Is(9));
        assert_eq!(changes(&mut tracker, &mut state), None);
    }
}

#[test]
fn a_page_without_known_state_receives_every_field() {
    let whole = Some(json!({"public": 1, "computed": 2}));
    let mut state = State::new();
    assert_eq!(changes(&mut Tracker::default(), &mut state), whole);
    let mut tracker = Tracker::new(&mut state).unwrap();
    tracker.forget();
    assert_eq!(changes(&mut tracker, &mut state), whole);
    for name in ["public", "computed"] {
        let mut state = State::new();
        state.set(name, Number::Refuses);
        let error = tracker.changes(&mut state).unwrap_err().to_string();
        assert_eq!(error, format!("the field `{name}` cannot be written as JSON"));
        assert_eq!(changes(&mut tracker, &mut State::new()), None, "nothing has changed");
    }
}

#[test]
fn a_field_without_a_json_form_is_an_error_where_it_is_written() {
    for (name, shown, saved) in [
        ("public", true, true),
        ("computed", true, false),
        ("private", false, true),
        ("skipped", false, false),
    ] {
        let mut state = State::new();
        state.set(name, Number::Refuses);
        assert_eq!(Tracker::new(&mut state).is_err(), shown || saved, "{name}");
        assert_eq!(write_shown(&mut state).is_err(), shown, "{name}");
        assert_eq!(write_saved(&mut state, StateWriter::default()).is_err(), saved, "{name}");
    }
    let mut state = State::new();
    assert_eq!(write_shown(&mut state).unwrap(), r#"{"public":1,"computed":2}"#);
    assert_eq!(
        write_saved(&mut state, StateWriter::default()).unwrap().finish(),
        r#"{"public":1,"private":3}"#
    );
}

/// A field with a large array.
struct Rows(Vec<String>);

impl TrackedFields for Rows {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        visitor.field("rows", FieldKind::Public, &mut Pick(&mut self.0).field());
    }
}

#[cfg(debug_assertions)]
#[test]
fn a_comparison_reports_a_large_field_of_which_one_item_has_changed() {
    let mut rows = Rows(vec!["x".repeat(100); 100]);
    let mut tracker = Tracker::new(&mut rows).unwrap();
    let compare = |tracker: &mut Tracker, rows: &mut Rows| {
        let changes = tracker.changes(rows).unwrap();
        let resent: Vec<_> = changes.resent.iter().map(|resent| (resent.field, resent.bytes)).collect();
        (changes, resent)
    };
    rows.0.push("y".to_owned());
    let (reverted, resent) = compare(&mut tracker, &mut rows);
    assert_eq!(resent, [("rows", 10_301 + 4)]);
    // The page does not have the item, so this is a change of two.
    tracker.revert(reverted);
    rows.0.push("y".to_owned());
    assert_eq!(compare(&mut tracker, &mut rows).1, []);
    assert_eq!(compare(&mut tracker, &mut rows).1, []);
    rows.0.truncate(30);
    assert_eq!(compare(&mut tracker, &mut rows).1, []);
    // Less than the limit.
    rows.0.pop();
    assert_eq!(compare(&mut tracker, &mut rows).1, []);
}
