//! Applying another node's operations to a list.

use serde::de::{DeserializeOwned, Error as _};
use serde_json::Value;
use serde_json::value::RawValue;
use vivaz_protocol::json::to_tree;
use vivaz_protocol::words::patch;
use vivaz_protocol::{KeyRef, Patch, RawJson};

use super::List;
use super::key::{Key, Keyed};
use crate::apply_patch::{ApplySlot, FieldPatch, read_value};
use crate::tracking::JsonResult;

impl<T: Keyed + DeserializeOwned> ApplySlot<'_, List<T>> {
    /// Applies operations, which the list records like those of a handler, or a new value.
    ///
    /// # Errors
    /// Returns an error if the change does not fit. The list must then be discarded.
    pub fn apply(&mut self, change: FieldPatch<'_>) -> JsonResult {
        match change {
            FieldPatch::Value(_) => *self.0 = read_value(change)?,
            FieldPatch::Operations(operations) => {
                let operations: Vec<Vec<&RawValue>> = serde_json::from_str(operations.get())?;
                operations.iter().try_for_each(|operation| self.0.apply_operation(operation))?;
            }
        }
        Ok(())
    }
}

impl<T: Keyed + DeserializeOwned> List<T> {
    fn apply_operation(&mut self, operation: &[&RawValue]) -> JsonResult {
        let [word, parts @ ..] = operation else { return misfit("is empty") };
        let word: String = serde_json::from_str(word.get())?;
        match (&*word, parts) {
            (patch::INSERT, [index, item]) => {
                let index = read_index(index, self.len())?;
                let item: T = serde_json::from_str(item.get())?;
                if self.position_of(&item.key()).is_some() {
                    return misfit("inserts a key that the list has");
                }
                self.insert(index, item);
            }
            (patch::REMOVE, [key]) => {
                self.remove(read_key(key)?).map(drop).map_or_else(|| misfit("removes no item"), Ok)?;
            }
            (patch::MOVE, [key, index]) => {
                let index = read_index(index, self.len().saturating_sub(1))?;
                if !self.move_to(read_key(key)?, index) {
                    return misfit("moves no item");
                }
            }
            (patch::ORDER, [keys]) => {
                let keys: Vec<&RawValue> = serde_json::from_str(keys.get())?;
                let keys: Vec<Key> = keys.into_iter().map(read_key).collect::<JsonResult<_>>()?;
                let has_all = keys.iter().all(|key| self.position_of(key).is_some());
                if keys.len() != self.len() || !has_all {
                    return misfit("orders other items");
                }
                self.reorder(keys);
            }
            (patch::CHANGE, [key, fields]) => {
                let key = read_key(key)?;
                let changed = self.update(key.clone(), |item| {
                    *item = patched(item, fields)?;
                    if item.key() == key { Ok(()) } else { misfit("changes the key of an item") }
                });
                changed.unwrap_or_else(|| misfit("changes no item"))?;
            }
            (_, _) => return misfit("is unknown"),
        }
        Ok(())
    }
}

/// Returns an item with changed fields.
fn patched<T: Keyed + DeserializeOwned>(item: &T, fields: &RawValue) -> JsonResult<T> {
    let fields = Patch::parse(RawJson::from(fields)).map_err(serde_json::Error::custom)?;
    let names: Vec<String> = fields.fields.iter().map(|(name, _)| name.clone()).collect();
    let mut tree = to_tree(item)?;
    fields.apply(&mut tree).map_err(serde_json::Error::custom)?;
    let read = serde_json::from_value(tree.clone());
    if let (Err(_), Value::Object(members)) = (&read, &mut tree) {
        // A patch has null for a field that is not written now (`skip_serializing_if`), which the
        // type does not always read.
        members.retain(|name, value| !value.is_null() || !names.contains(name));
        return serde_json::from_value(tree);
    }
    read
}

fn read_index(index: &RawValue, most: usize) -> JsonResult<usize> {
    let index = serde_json::from_str(index.get())?;
    if index > most { misfit("has an index past the end") } else { Ok(index) }
}

fn read_key(key: &RawValue) -> JsonResult<Key> {
    let key: Value = serde_json::from_str(key.get())?;
    match KeyRef::of(&key) {
        Some(KeyRef::Int(number)) => Ok(Key::Int(number)),
        Some(KeyRef::Text(text)) => Ok(Key::Text(text.into())),
        None => misfit("has a key that is neither an integer nor a text"),
    }
}

fn misfit<T>(what: &str) -> JsonResult<T> {
    Err(serde_json::Error::custom(format_args!("an operation of a list {what}")))
}
