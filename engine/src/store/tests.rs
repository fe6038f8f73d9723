use super::*;
use crate::patch::Step;
use crate::value::parse;

fn stream(state: &str) -> Stream {
    let mut stream = Stream::default();
    stream.replace(parse(state).unwrap(), "e", 0);
    stream
}

fn add(stream: &mut Stream, tag: Tag, edit: Edit) -> Vec<Change> {
    let mut changes = Vec::new();
    stream.add_optimistic(tag, edit, &mut changes);
    changes
}

fn release(stream: &mut Stream, tag: Tag) -> Vec<Change> {
    let mut changes = Vec::new();
    stream.release(tag, &mut Outcome::default(), &mut changes);
    changes
}

fn set(field: &str, value: i64) -> Edit {
    Edit::set(Key::of(field), Val::Int(value))
}

fn done(id: i64, done: bool) -> Edit {
    Edit {
        field: Key::of("items"),
        path: vec![(Key::NONE, Val::Int(id)), (Key::of("done"), Val::Null)],
        patch: Val::Bool(done),
    }
}

#[test]
fn patches_apply_in_order_and_gaps_are_detected() {
    let mut s = stream(r#"{"a":1}"#);
    assert_eq!(s.patch(2, parse(r#"{"a":2}"#).unwrap()), None);
    assert_eq!(
        s.patch(1, parse(r#"{"a":2}"#).unwrap()),
        Some(vec![]),
        "until there is a snapshot nothing is of use"
    );
    s.stale = false;
    assert_eq!(
        s.patch(1, parse(r#"{"a":2}"#).unwrap()),
        Some(vec![Change { field: Key::of("a"), what: What::Value }])
    );
    assert_eq!(s.patch(1, parse(r#"{"a":3}"#).unwrap()), Some(vec![]));
    assert_eq!(s.patch(2, parse(r#"{"a":{"$list":[]}}"#).unwrap()), None);
    assert_eq!(s.state().json(), r#"{"a":2}"#);
}

#[test]
fn a_refused_update_reverts_only_itself() {
    let mut s = stream(r#"{"n":1}"#);
    add(&mut s, 1, set("n", 2));
    add(&mut s, 2, set("n", 3));
    assert_eq!(release(&mut s, 1), vec![]);
    assert_eq!(s.state().json(), r#"{"n":3}"#);
    assert_eq!(release(&mut s, 2).len(), 1);
    assert_eq!(s.state().json(), r#"{"n":1}"#);
}

#[test]
fn a_server_patch_applies_below_the_update() {
    let mut s = stream(r#"{"items":[{"id":1,"done":false},{"id":2,"done":false}]}"#);
    let change = add(&mut s, 1, done(2, true));
    assert_eq!(
        change,
        vec![Change {
            field: Key::of("items"),
            what: What::List(vec![Step::Item { at: 1, fields: vec![Key::of("done")] }])
        }]
    );
    s.patch(1, parse(r#"{"items":{"$list":[["+",0,{"id":3,"done":false}]]}}"#).unwrap());
    assert_eq!(
        s.state().json(),
        r#"{"items":[{"id":3,"done":false},{"id":1,"done":false},{"id":2,"done":true}]}"#
    );
    release(&mut s, 1);
    assert!(s.state().json().ends_with(r#"{"id":2,"done":false}]}"#));
    assert_eq!(s.confirmed(Key::of("items")).cloned().as_ref(), s.state().at(Key::of("items")));
}

#[test]
fn an_update_that_no_longer_fits_has_no_effect() {
    let mut s = stream(r#"{"items":[{"id":1,"done":false}]}"#);
    add(&mut s, 1, done(1, true));
    s.patch(1, parse(r#"{"items":{"$list":[["-",1]]}}"#).unwrap());
    assert_eq!(s.state().json(), r#"{"items":[]}"#);
    assert_eq!(release(&mut s, 1), vec![]);
}

#[test]
fn a_snapshot_keeps_optimistic_updates() {
    let mut s = stream(r#"{"n":1}"#);
    add(&mut s, 1, set("n", 5));
    s.replace(parse(r#"{"n":2}"#).unwrap(), "f", 9);
    assert_eq!(s.state().json(), r#"{"n":5}"#);
    release(&mut s, 1);
    assert_eq!(s.state().json(), r#"{"n":2}"#);
    add(&mut s, 2, set("n", 7));
    add(&mut s, 3, set("n", 8));
    s.retain_optimistic(&[2]);
    assert_eq!(s.state().json(), r#"{"n":7}"#);
    s.retain_optimistic(&[]);
    assert_eq!(s.state().json(), r#"{"n":2}"#);
}

#[test]
fn an_update_of_an_unknown_item_does_not_change_the_state() {
    let mut s = stream(r#"{"items":[]}"#);
    assert_eq!(add(&mut s, 1, done(9, true)), vec![]);
    assert_eq!(release(&mut s, 1), vec![]);
    assert_eq!(s.state().json(), r#"{"items":[]}"#);
}
