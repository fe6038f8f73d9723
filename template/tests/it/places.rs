//! Page-local state is passed to the renderer by place.

use std::cell::RefCell;

use serde_json::{Value, json};
use vivaz_template::{Name, NoChild, RowIndex, StateFields, child_at, compile, render};

const TEMPLATE: &str = "<p live:local='open = 1'>{{ open }}</p><ul><li live:for='r in rows' live:key='r.id' \
                        live:local='n = r.id * 2'>{{ n }}<b live:if='n' live:local='m = 3'>{{ m }}</b>\
                        <live:chat live:else></live:chat></li></ul>";

/// A state, and the page-local state of some places.
struct Kept {
    state: Value,
    local: (&'static str, Value),
    asked: RefCell<Vec<String>>,
}

impl StateFields<Value> for Kept {
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
fn places_contain_keys_and_arm_numbers() {
    let compiled = compile(TEMPLATE).unwrap();
    let state = json!({ "rows": [{ "id": 7 }, { "id": 8 }] });
    let kept = |place, value| Kept { state: state.clone(), local: (place, value), asked: RefCell::default() };
    let first = kept("nowhere", Value::Null);
    assert_eq!(render(&compiled, &first, None).html, render(&compiled, &state, None).html);
    let places = first.asked.into_inner();
    let [row, arm] = [&places[places.len() - 2], &places[places.len() - 1]];
    assert!(row == "1,8#0" && arm == "1,8,1,1#0", "{places:?}");
    let row: &'static str = row.trim_end_matches("#0").to_owned().leak();
    let rendered = render(&compiled, &kept(row, json!(0)), None);
    assert!(rendered.html.contains("14<b>3</b>") && !rendered.html.contains("16"), "{}", rendered.html);
    let [child] = &rendered.children[..] else { panic!("expected one child") };
    assert_eq!(child.place, format!("[{row},1,2,0]"));
    assert_eq!(render(&compiled, &state, None).children.len(), 0);
}

fn parsed(place: &str) -> Vec<Value> {
    serde_json::from_str(place).unwrap()
}

#[test]
fn rendered_children_are_found_at_their_places() {
    let user = json!({ "id": 7, "name": "Ada" });
    let further = [
        "<p live:if='yes'>{{ a }}</p><div live:else><live:chat a='{{ a }}'></live:chat></div>\
         <i live:for='r, at in rows' live:key='r.id'><b live:for='s, of in rows' live:key='s.id + r.id'>\
         <live:chat live:if='at >= of' live:key='s.id' a='{{ r.id }}' b='{{ s.id }}' c='{{ at }}' u='{{ $user.id }}'></live:chat>\
         <u live:else-if='of == 1'><live:mail a='{{ of }}'></live:mail></u></b></i>",
        "<p live:ignore></p><live:chat live:key='n' a='{{ a }}'></live:chat><live:mail live:key='n'></live:mail>",
    ];
    let mut found = 0;
    for source in further.iter().chain(crate::corpus::TEMPLATES) {
        let compiled = compile(source).unwrap();
        for state in crate::corpus::states() {
            let mut rows = RowIndex::default();
            for child in render(&compiled, &state, Some(&user)).children {
                let at = child_at(&compiled, &state, Some(&user), &parsed(&child.place), &mut rows);
                let at = at.unwrap_or_else(|why| panic!("{source}: no child at {}: {why:?}", child.place));
                let props = at.props.iter().map(|(name, value)| (name.text.clone(), value.clone()));
                let props: Vec<_> = props.collect();
                assert_eq!((at.component, &props), (&*child.component, &child.props), "{source}");
                found += 1;
            }
        }
    }
    assert!(found > 20, "{found}");
}

#[test]
fn other_places_give_no_child() {
    let source = "<p>{{ n }}</p><ul><li live:for='r in rows' live:key='r.id'><b live:if='r.on'>\
                  <live:chat a='{{ r.id }}'></live:chat></b><i live:else-if='n'><live:mail></live:mail></i></li></ul>";
    let compiled = compile(source).unwrap();
    let state = json!({ "n": 1, "rows": [{ "id": 7, "on": true }, { "id": "7", "on": false }, { "id": null, "on": 1 }] });
    let find = |place: Value| {
        let place = place.as_array().unwrap().clone();
        child_at(&compiled, &state, None, &place, &mut RowIndex::default()).ok().map(|child| child.component)
    };
    assert_eq!(find(json!([1, 7, 0, 1, 0])), Some("chat"));
    assert_eq!(find(json!([1, "7", 0, 2, 0])), Some("mail"));
    assert_eq!(find(json!([1, null, 0, 1, 0])), Some("chat"));
    for place in [
        json!([]),
        json!([0]),
        json!([1]),
        json!([1, 7]),
        json!([1, 7, 0]),
        json!([1, 7, 0, 1]),
        json!([1, 7, 0, 1, 0, 0]),
        json!([1, 7, 0, 1, 0, "more"]),
        json!([1, 7, 0, 0, 0]),
        json!([1, 7, 0, 2, 0]),
        json!([1, "7", 0, 1, 0]),
        json!([1, 7, 0, 3, 0]),
        json!([1, 8, 0, 1, 0]),
        json!([1, [7], 0, 1, 0]),
        json!([1, {"id": 7}, 0, 1, 0]),
        json!([1, true, 0, 1, 0]),
        json!([-1, 7, 0, 1, 0]),
        json!([1.5, 7, 0, 1, 0]),
        json!(["1", 7, 0, 1, 0]),
        json!([1, 7, 0, -1, 0]),
        json!([1, 7, 0, u64::MAX, 0]),
        json!([9, 7, 0, 1, 0]),
        json!([1, 7, 0, 1, 9]),
    ] {
        assert_eq!(find(place.clone()), None, "{place}");
    }
    let deep = Value::from(vec![json!(1); 100_000]);
    assert_eq!(find(deep), None);
}

#[test]
fn the_page_decides_only_page_local_conditions() {
    let source = "<div live:local='open = false; n = 1'><section live:if='secret'><live:vault></live:vault></section>\
                  <section live:else-if='open'><live:chat a='{{ n }}' b='{{ m }}' live:key='n'></live:chat></section>\
                  <section live:else><live:mail></live:mail></section>\
                  <i live:for='r in open ? rows : none' live:key='r.id'><live:todo a='{{ r.id }}' b='{{ m }}'></live:todo></i></div>";
    let compiled = compile(source).unwrap();
    let find = |secret: bool, place: Value| {
        let state = json!({ "secret": secret, "m": 5, "rows": [{ "id": 1 }] });
        let place = place.as_array().unwrap().clone();
        child_at(&compiled, &state, None, &place, &mut RowIndex::default()).ok().map(|child| {
            let props = child.props.into_iter().map(|(name, value)| (name.text.to_string(), value));
            (child.component, child.key, props.collect::<Vec<_>>())
        })
    };
    // The page decides whether the box is open, but not whether there is a secret.
    let b = || vec![("b".to_owned(), json!(5))];
    assert_eq!(find(false, json!([0, 2, 0])), Some(("chat", None, b())));
    assert_eq!(find(false, json!([0, 3, 0])), Some(("mail", None, vec![])));
    assert_eq!(find(false, json!([0, 1, 0])), None);
    assert_eq!(find(true, json!([0, 2, 0])), None);
    assert_eq!(find(true, json!([0, 3, 0])), None);
    assert_eq!(find(true, json!([0, 1, 0])), Some(("vault", None, vec![])));
    // The same for a row of a page-local list; its item's value is not read.
    assert_eq!(find(true, json!([1, 99, 0])), Some(("todo", None, b())));
}

#[test]
fn a_key_of_several_rows_identifies_none_of_them() {
    let source = "<i live:for='r in all.rows' live:key='r.k'><b live:for='s in r.subs' live:key='s'>\
                  <live:chat a='{{ s }}'></live:chat></b><live:mail></live:mail></i>";
    let compiled = compile(source).unwrap();
    let rows = json!([{"k": "x", "subs": [1, 1, 2, "1"]}, {"k": "y", "subs": []}, {"k": "y", "subs": [7]}]);
    let state = json!({ "all": { "rows": rows } });
    let mut index = RowIndex::default();
    let mut find = |place: Value| {
        let place = place.as_array().unwrap().clone();
        child_at(&compiled, &state, None, &place, &mut index).map(|child| child.component)
    };
    let duplicate = |list: &str, key: &str| NoChild::DuplicateKey { list: list.into(), key: key.into() };
    assert_eq!(find(json!([0, "x", 1])), Ok("mail"));
    for _ in 0..2 {
        assert_eq!(find(json!([0, "x", 0, 1, 0])), Err(duplicate("subs", "1")));
        assert_eq!(find(json!([0, "y", 1])), Err(duplicate("all.rows", "y")));
        assert_eq!(find(json!([0, "y", 0, 7, 0])), Err(duplicate("all.rows", "y")));
    }
    assert_eq!(find(json!([0, "x", 0, 2, 0])), Ok("chat"));
    assert_eq!(find(json!([0, "x", 0, "1", 0])), Ok("chat"));
    assert_eq!(find(json!([0, "z", 1])), Err(NoChild::NotShown));
}

#[test]
fn rows_are_found_in_linear_time() {
    let compiled =
        compile("<i live:for='r in rows' live:key='r.id'><live:chat a='{{ r.id }}'></live:chat></i>")
            .unwrap();
    let count = 1_000;
    let state = json!({ "rows": (0..count).map(|id| json!({ "id": id })).collect::<Vec<_>>() });
    let mut rows = RowIndex::default();
    for id in 0..count {
        let place = [json!(0), json!(id), json!(0)];
        assert!(child_at(&compiled, &state, None, &place, &mut rows).is_ok());
    }
    assert_eq!(rows.keys(), count);
}

#[test]
fn fields_of_childrens_props_are_known() {
    let source = "<div live:local='near = 1'><live:a one='{{ open }}' two='{{ near + height }}'></live:a>\
                  <p live:if='shown'>{{ text }}</p>\
                  <ul><li live:for='r in rows' live:key='r.id'><live:b of='{{ r.name }}'></live:b></li></ul></div>";
    let compiled = compile(source).unwrap();
    let gives = |field: &str| compiled.gives_children(&|one| one == field);
    assert!(gives("open") && gives("rows"));
    for field in ["height", "shown", "text", "near", "nothing"] {
        assert!(!gives(field), "{field}");
    }
}
