//! Whoever keeps the page's own state hands it to the renderer by its place.

use std::cell::RefCell;

use serde_json::{Value, json};
use vivaz_template::{Fields, Name, compile, render};

const TEMPLATE: &str = "<p live:local='open = 1'>{{ open }}</p><ul><li live:for='r in rows' live:key='r.id' \
                        live:local='n = r.id * 2'>{{ n }}<b live:if='n' live:local='m = 3'>{{ m }}</b>\
                        <live:chat live:else></live:chat></li></ul>";

/// A state, and what a page has in some of its places.
struct Kept {
    state: Value,
    local: (&'static str, Value),
    asked: RefCell<Vec<String>>,
}

impl Fields<Value> for Kept {
    fn field(&self, name: &Name) -> Option<&Value> {
        self.state.get(&*name.text)
    }

    fn local(&self, place: &str, slot: usize) -> Option<&Value> {
        self.asked.borrow_mut().push(format!("{place}#{slot}"));
        (self.local.0 == place).then_some(&self.local.1)
    }

    fn has_places(&self) -> bool {
        true
    }
}

#[test]
fn rows_are_told_apart_by_their_keys_and_arms_by_their_numbers() {
    let compiled = compile(TEMPLATE).unwrap();
    let state = json!({ "rows": [{ "id": 7 }, { "id": 8 }] });
    let kept = |place, value| Kept { state: state.clone(), local: (place, value), asked: RefCell::default() };
    let first = kept("nowhere", Value::Null);
    assert_eq!(render(&compiled, &first, None).html, render(&compiled, &state, None).html);
    let places = first.asked.into_inner();
    let [row, arm] = [&places[places.len() - 2], &places[places.len() - 1]];
    assert!(
        row.contains("[8]") && arm.starts_with(row.trim_end_matches("#0")) && arm.contains("?1"),
        "{places:?}"
    );
    let row: &'static str = row.trim_end_matches("#0").to_owned().leak();
    let rendered = render(&compiled, &kept(row, json!(0)), None);
    assert!(rendered.html.contains("14<b>3</b>") && !rendered.html.contains("16"), "{}", rendered.html);
    let [child] = &rendered.children[..] else { panic!("one child") };
    assert!(child.place.starts_with(row), "{}", child.place);
    assert_eq!(render(&compiled, &state, None).children.len(), 0);
}
