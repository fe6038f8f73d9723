//! Applies patches to states.

use std::collections::HashMap;

use serde_json::Value;

use super::key::{Key, KeyRef};
use super::model::{FieldChange, ListOp, Patch};
use crate::words::patch;

/// The reason why a patch does not fit a state. A client then requests the whole state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// The state or item to patch is not an object.
    #[error("only an object can be patched")]
    NotAnObject,
    /// List operations for a field that is not a list.
    #[error("`{0}` is not a list")]
    NotAList(String),
    /// An operation names an item that does not exist.
    #[error("item {0} does not exist")]
    NoSuchItem(Key),
    /// An operation would insert a key that the list already has.
    #[error("item {0} already exists")]
    DuplicateItem(Key),
    /// The index is past the end of the list.
    #[error("index {0} is past the end")]
    OutOfRange(usize),
    /// The item has no key.
    #[error("an item requires a string or an integer in `id`")]
    NoKey,
    /// A change of an item would change its key.
    #[error("the key of item {0} cannot be changed")]
    KeyChanged(Key),
    /// A new order does not name each item exactly once.
    #[error("a new order must name each item exactly once")]
    NotAPermutation,
}

impl Patch {
    /// Applies the patch to a state.
    ///
    /// # Errors
    /// Returns an error if the patch does not fit. The state is then partly changed and must be
    /// discarded.
    pub fn apply(self, state: &mut Value) -> Result<(), ApplyError> {
        let object = state.as_object_mut().ok_or(ApplyError::NotAnObject)?;
        for (field, change) in self.fields {
            match change {
                FieldChange::Set(value) => {
                    object.insert(field, value);
                }
                FieldChange::List(ops) => {
                    let Some(list) = object.get_mut(&field).and_then(Value::as_array_mut) else {
                        return Err(ApplyError::NotAList(field));
                    };
                    ops.into_iter().try_for_each(|op| op.apply(list))?;
                }
            }
        }
        Ok(())
    }
}

impl ListOp {
    fn apply(self, list: &mut Vec<Value>) -> Result<(), ApplyError> {
        match self {
            Self::Insert { index, item } => {
                let key = KeyRef::of_item(&item).ok_or(ApplyError::NoKey)?;
                if position(list, key).is_some() {
                    return Err(ApplyError::DuplicateItem(key.to_key()));
                }
                insert(list, index, item)
            }
            Self::Remove(key) => {
                list.remove(find(list, key)?);
                Ok(())
            }
            Self::Change { key, fields } => {
                let touches_key = |change: &FieldChange| match change {
                    FieldChange::Set(value) => KeyRef::of(value) != Some(key.as_ref()),
                    FieldChange::List(_) => true,
                };
                if fields.fields.iter().any(|(field, change)| field == patch::ID && touches_key(change)) {
                    return Err(ApplyError::KeyChanged(key));
                }
                let at = position(list, key.as_ref());
                let item = at.and_then(|at| list.get_mut(at)).ok_or(ApplyError::NoSuchItem(key))?;
                fields.apply(item)
            }
            Self::Move { key, index } => {
                let item = list.remove(find(list, key)?);
                insert(list, index, item)
            }
            Self::Order(keys) => reorder(list, &keys),
        }
    }
}

fn position(list: &[Value], key: KeyRef<'_>) -> Option<usize> {
    list.iter().position(|item| KeyRef::of_item(item) == Some(key))
}

fn find(list: &[Value], key: Key) -> Result<usize, ApplyError> {
    position(list, key.as_ref()).ok_or(ApplyError::NoSuchItem(key))
}

fn insert(list: &mut Vec<Value>, index: usize, item: Value) -> Result<(), ApplyError> {
    if index > list.len() {
        return Err(ApplyError::OutOfRange(index));
    }
    list.insert(index, item);
    Ok(())
}

fn reorder(list: &mut Vec<Value>, keys: &[Key]) -> Result<(), ApplyError> {
    if keys.len() != list.len() {
        return Err(ApplyError::NotAPermutation);
    }
    let rank: HashMap<KeyRef<'_>, usize> =
        keys.iter().enumerate().map(|(at, key)| (key.as_ref(), at)).collect();
    let mut ordered: Vec<Option<Value>> = vec![None; keys.len()];
    for item in list.drain(..) {
        let at = KeyRef::of_item(&item).and_then(|key| rank.get(&key));
        let place = at.and_then(|&at| ordered.get_mut(at)).ok_or(ApplyError::NotAPermutation)?;
        if place.replace(item).is_some() {
            return Err(ApplyError::NotAPermutation);
        }
    }
    // There are as many items as keys and no slot was filled twice, so all slots are filled.
    list.extend(ordered.into_iter().flatten());
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::ApplyError;
    use crate::json::RawJson;
    use crate::patch::{Key, Patch};

    fn apply(state: Value, patch: &Value) -> Result<Value, ApplyError> {
        let mut state = state;
        Patch::parse(RawJson::trusted(&patch.to_string())).unwrap().apply(&mut state)?;
        Ok(state)
    }

    fn on_list(ops: &Value) -> Result<Value, ApplyError> {
        let state = json!({"l": [{"id": 1, "t": "a"}, {"id": 2, "t": "b"}, {"id": "2", "t": "c"}]});
        apply(state, &json!({"l": {"$list": ops}})).map(|mut state| state["l"].take())
    }

    #[test]
    fn operations_apply_in_order() {
        let list = on_list(&json!([
            ["-", 2],
            ["+", 0, {"id": 9, "t": "n"}],
            ["~", "2", {"t": "C", "new": {"$value": {"$x": 1}}}],
            [">", 9, 2],
            ["=", ["2", 1, 9]]
        ]));
        let expected =
            json!([{"id": "2", "t": "C", "new": {"$x": 1}}, {"id": 1, "t": "a"}, {"id": 9, "t": "n"}]);
        assert_eq!(list.unwrap(), expected);
    }

    #[test]
    fn patches_that_do_not_fit_are_errors() {
        let int = Key::Int;
        for (ops, error) in [
            (json!([["-", 3]]), ApplyError::NoSuchItem(int(3))),
            (json!([["-", 1], ["-", 1]]), ApplyError::NoSuchItem(int(1))),
            (json!([["~", "1", {}]]), ApplyError::NoSuchItem(Key::Text("1".into()))),
            (json!([["+", 4, {"id": 4}]]), ApplyError::OutOfRange(4)),
            (json!([["+", 0, {"id": 1}]]), ApplyError::DuplicateItem(int(1))),
            (json!([["+", 0, {"name": 1}]]), ApplyError::NoKey),
            (json!([[">", 1, 3]]), ApplyError::OutOfRange(3)),
            (json!([["~", 1, {"id": 5}]]), ApplyError::KeyChanged(int(1))),
            (json!([["=", [1, 2]]]), ApplyError::NotAPermutation),
            (json!([["=", [1, 2, 3]]]), ApplyError::NotAPermutation),
            (json!([["=", [1, 1, 2]]]), ApplyError::NotAPermutation),
        ] {
            assert_eq!(on_list(&ops), Err(error), "{ops}");
        }
        assert_eq!(
            apply(json!({"f": 1}), &json!({"f": {"$list": []}})),
            Err(ApplyError::NotAList("f".into()))
        );
        assert_eq!(apply(json!({}), &json!({"f": {"$list": []}})), Err(ApplyError::NotAList("f".into())));
        assert_eq!(apply(json!([]), &json!({})), Err(ApplyError::NotAnObject));
    }

    #[test]
    fn errors_name_the_item() {
        for (ops, name) in [(json!([["-", 3]]), "3"), (json!([["-", "three"]]), "three")] {
            let error = on_list(&ops).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
    }
}
