//! Computes the patch between two states.
//!
//! Components track their changes and do not use this. It serves lists that are kept as plain
//! values, and tests compare the tracked changes with it.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::key::KeyRef;
use super::model::{FieldChange, ListOp, Patch};

/// The reason why two states have no patch between them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DiffError {
    /// One of the states is not an object.
    #[error("a state must be an object")]
    NotAnObject,
    /// A field was removed, which a patch cannot express.
    #[error("`{0}` was removed; a patch cannot remove a field")]
    FieldGone(String),
}

impl Patch {
    /// Computes the patch that turns `before` into `after`. Lists in which each item has a key of
    /// its own change item by item; every other field that differs gets its whole new value.
    ///
    /// # Errors
    /// Returns an error if one of the states is not an object, or if a field of `before` is missing
    /// in `after`.
    pub fn diff(before: &Value, after: &Value) -> Result<Self, DiffError> {
        let (Value::Object(before), Value::Object(after)) = (before, after) else {
            return Err(DiffError::NotAnObject);
        };
        match before.keys().find(|field| !after.contains_key(*field)) {
            Some(gone) => Err(DiffError::FieldGone(gone.clone())),
            None => Ok(diff_fields(before, after)),
        }
    }
}

/// Computes the patch of fields. Every field of `before` must be in `after`.
fn diff_fields(before: &Map<String, Value>, after: &Map<String, Value>) -> Patch {
    let changed = after.iter().filter_map(|(field, new)| {
        let change = match before.get(field) {
            Some(old) if old == new => return None,
            Some(Value::Array(old)) => new.as_array().and_then(|new| diff_list(old, new)),
            Some(_) | None => None,
        };
        Some((field.clone(), change.unwrap_or_else(|| FieldChange::Set(new.clone()))))
    });
    Patch { fields: changed.collect() }
}

/// Computes the operations between two keyed lists; `None` if sending the whole list is better.
fn diff_list(before: &[Value], after: &[Value]) -> Option<FieldChange> {
    let old = keyed(before)?;
    let new = keyed(after)?;
    // An item that lost a field cannot be patched. It is removed and inserted again.
    let stays: HashSet<KeyRef<'_>> = old
        .iter()
        .filter(|(key, at)| stays(before.get(**at), new.get(*key).and_then(|&at| after.get(at))))
        .map(|(&key, _)| key)
        .collect();
    if stays.is_empty() {
        return None;
    }
    let mut ops = Vec::new();
    for key in before.iter().filter_map(KeyRef::of_item).filter(|key| !stays.contains(key)) {
        ops.push(ListOp::Remove(key.to_key()));
    }
    // The current index of each remaining item, by its target position.
    let now: HashMap<KeyRef<'_>, usize> = before
        .iter()
        .filter_map(KeyRef::of_item)
        .filter(|key| stays.contains(key))
        .enumerate()
        .map(|(at, key)| (key, at))
        .collect();
    let wanted: Vec<KeyRef<'_>> =
        after.iter().filter_map(KeyRef::of_item).filter(|key| stays.contains(key)).collect();
    let places: Vec<usize> = wanted.iter().filter_map(|key| now.get(key).copied()).collect();
    reorder(&wanted, &places, &mut ops);
    for (index, item) in after.iter().enumerate() {
        if KeyRef::of_item(item).is_some_and(|key| !stays.contains(&key)) {
            ops.push(ListOp::Insert { index, item: item.clone() });
        }
    }
    for item in after {
        let Some(key) = KeyRef::of_item(item).filter(|key| stays.contains(key)) else { continue };
        let was = old.get(&key).and_then(|&at| before.get(at)).and_then(Value::as_object);
        if let (Some(was), Some(is)) = (was, item.as_object())
            && was != is
        {
            ops.push(ListOp::Change { key: key.to_key(), fields: diff_fields(was, is) });
        }
    }
    Some(FieldChange::List(ops))
}

/// Maps each item's key to its index; `None` unless every item has a key of its own.
fn keyed(list: &[Value]) -> Option<HashMap<KeyRef<'_>, usize>> {
    let mut index = HashMap::with_capacity(list.len());
    for (at, item) in list.iter().enumerate() {
        if index.insert(KeyRef::of_item(item)?, at).is_some() {
            return None;
        }
    }
    Some(index)
}

fn stays(old: Option<&Value>, new: Option<&Value>) -> bool {
    let old = old.and_then(Value::as_object);
    let new = new.and_then(Value::as_object);
    let (Some(old), Some(new)) = (old, new) else { return false };
    old.keys().all(|field| new.contains_key(field))
}

/// Moves as few items as possible, or sends the whole order if that is shorter. `places[i]` is the
/// current index of `wanted[i]`.
fn reorder(wanted: &[KeyRef<'_>], places: &[usize], ops: &mut Vec<ListOp>) {
    let resting = longest_increasing(places);
    let moved = places.len() - resting.len();
    if moved == 0 {
        return;
    }
    if moved * 3 > places.len() {
        ops.push(ListOp::Order(wanted.iter().map(|key| key.to_key()).collect()));
        return;
    }
    // Items that still have to move lie between the others, so an index counts those before the
    // last unmoved item.
    let mut pending: Vec<usize> = places.iter().copied().filter(|place| !resting.contains(place)).collect();
    pending.sort_unstable();
    let mut anchor = 0;
    for (at, (key, place)) in wanted.iter().zip(places).enumerate() {
        match pending.binary_search(place) {
            Err(_) => anchor = *place,
            Ok(found) => {
                pending.remove(found);
                let index = at + pending.partition_point(|other| *other < anchor);
                ops.push(ListOp::Move { key: key.to_key(), index });
            }
        }
    }
}

/// Returns the values of a longest increasing subsequence, by patience sorting.
fn longest_increasing(values: &[usize]) -> HashSet<usize> {
    // For each length, the smallest last value of an increasing run; for each value, its
    // predecessor in the run.
    let mut tails: Vec<usize> = Vec::new();
    let mut before: HashMap<usize, usize> = HashMap::with_capacity(values.len());
    for &value in values {
        let length = tails.partition_point(|tail| *tail < value);
        if let Some(previous) = length.checked_sub(1).and_then(|at| tails.get(at)) {
            before.insert(value, *previous);
        }
        match tails.get_mut(length) {
            Some(tail) => *tail = value,
            None => tails.push(value),
        }
    }
    let last = tails.last().copied();
    std::iter::successors(last, |value| before.get(value).copied()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::DiffError;
    use crate::patch::Patch;

    fn diff(before: &Value, after: &Value) -> String {
        let patch = Patch::diff(before, after).unwrap();
        let mut state = before.clone();
        patch.clone().apply(&mut state).unwrap();
        assert_eq!(&state, after);
        assert_eq!(patch.is_empty(), before == after);
        patch.to_json()
    }

    fn list(ids: &[i64]) -> Value {
        json!({"l": ids.iter().map(|id| json!({"id": id})).collect::<Vec<_>>()})
    }

    #[test]
    fn unchanged_and_plain_values() {
        assert_eq!(diff(&json!({"a": 1}), &json!({"a": 1})), "{}");
        assert_eq!(diff(&json!({"a": 1}), &json!({"a": 2, "b": null})), r#"{"a":2,"b":null}"#);
        assert_eq!(diff(&json!({"a": 1}), &json!({"a": {"$list": []}})), r#"{"a":{"$value":{"$list":[]}}}"#);
        assert_eq!(diff(&json!({"a": [1, 2]}), &json!({"a": [1]})), r#"{"a":[1]}"#);
    }

    #[test]
    fn list_changes_are_minimal() {
        let of = |before: &[i64], after: &[i64]| diff(&list(before), &list(after));
        assert_eq!(of(&[1, 2, 3], &[1, 3]), r#"{"l":{"$list":[["-",2]]}}"#);
        assert_eq!(of(&[1, 2], &[0, 1, 2, 3]), r#"{"l":{"$list":[["+",0,{"id":0}],["+",3,{"id":3}]]}}"#);
        assert_eq!(of(&[1, 2, 3, 4], &[4, 1, 2, 3]), r#"{"l":{"$list":[[">",4,0]]}}"#);
        assert_eq!(of(&[1, 2, 3, 4], &[2, 3, 4, 1]), r#"{"l":{"$list":[[">",1,3]]}}"#);
        assert_eq!(of(&[1, 2, 3], &[2, 3, 1]), r#"{"l":{"$list":[[">",1,2]]}}"#);
        assert_eq!(of(&[1, 2], &[2, 1]), r#"{"l":{"$list":[["=",[2,1]]]}}"#);
        assert_eq!(of(&[1, 2, 3], &[3, 2, 1]), r#"{"l":{"$list":[["=",[3,2,1]]]}}"#);
        assert_eq!(of(&[1, 2], &[3, 4]), r#"{"l":[{"id":3},{"id":4}]}"#);
        assert_eq!(of(&[1, 2], &[]), r#"{"l":[]}"#);
    }

    #[test]
    fn any_two_items_can_move() {
        let before: Vec<i64> = (0..7).collect();
        for at in 0..7_usize.pow(4) {
            let [a, b, c, d] = [at % 7, at / 7 % 7, at / 49 % 7, at / 343];
            let mut after = before.clone();
            for (from, to) in [(a, b), (c, d)] {
                let item = after.remove(from);
                after.insert(to, item);
            }
            let patch = diff(&list(&before), &list(&after));
            assert!(patch.matches(r#"[">","#).count() <= 2 && !patch.contains("\"=\""), "{patch}");
        }
    }

    #[test]
    fn items_change_by_field_at_any_depth() {
        let before = json!({"l": [{"id": "a", "n": 1, "sub": [{"id": 1}]}, {"id": "b", "n": 1}]});
        let after = json!({"l": [{"id": "a", "n": 1, "sub": [{"id": 1}, {"id": 2}]}, {"id": "b", "n": 2}]});
        let expected =
            r#"{"l":{"$list":[["~","a",{"sub":{"$list":[["+",1,{"id":2}]]}}],["~","b",{"n":2}]]}}"#;
        assert_eq!(diff(&before, &after), expected);
    }

    #[test]
    fn an_item_that_lost_a_field_is_replaced() {
        let before = json!({"l": [{"id": 1, "x": 1}, {"id": 2}]});
        assert_eq!(diff(&before, &list(&[1, 2])), r#"{"l":{"$list":[["-",1],["+",0,{"id":1}]]}}"#);
    }

    #[test]
    fn lists_without_keys_of_their_own_are_sent_whole() {
        assert_eq!(diff(&list(&[1, 2]), &list(&[1, 1])), r#"{"l":[{"id":1},{"id":1}]}"#);
        assert_eq!(
            diff(&list(&[1]), &json!({"l": [{"id": 1}, {"id": null}]})),
            r#"{"l":[{"id":1},{"id":null}]}"#
        );
    }

    #[test]
    fn a_removed_field_is_an_error() {
        assert_eq!(Patch::diff(&json!({"a": 1}), &json!({})), Err(DiffError::FieldGone("a".into())));
        assert_eq!(Patch::diff(&json!([]), &json!({})), Err(DiffError::NotAnObject));
    }
}
