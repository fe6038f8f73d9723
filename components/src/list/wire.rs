//! A list on the wire: whole, or as the operations since the page was told.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use vivaz_protocol::{Patch, PatchWriter, RawJson};

use super::List;
use super::key::{Key, Keyed};
use super::log::{Ops, Place};
use crate::shape::{LiveShape, Ref, Shape};
use crate::tracking::{Field, JsonResult, ObjectWriter, Pick, Print};

impl<T: Serialize> Serialize for List<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self)
    }
}

impl<'de, T: Deserialize<'de> + Keyed> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<T>::deserialize(deserializer).map(Self::from)
    }
}

impl<T: LiveShape> LiveShape for List<T> {
    const SHAPE: Ref = Ref::new(&Shape::List(T::SHAPE));
}

struct ListField<'a, T>(&'a mut List<T>);

impl<'a, T: Keyed> Pick<'a, List<T>> {
    /// The field, which knows what was done to it.
    pub fn field(self) -> impl Field + 'a {
        ListField(self.0)
    }
}

impl<T: Keyed> Field for ListField<'_, T> {
    fn write(&self, name: &str, out: &mut ObjectWriter) -> JsonResult {
        out.member(name, &*self.0)
    }

    fn baseline(&mut self) -> JsonResult<Print> {
        self.0.log.settle();
        Ok(Print::of_version(self.0.log.base))
    }

    fn change(&mut self, name: &str, seen: Print, patch: &mut PatchWriter) -> JsonResult<Option<Print>> {
        let list = &mut *self.0;
        let continues = Print::of_version(list.log.base) == seen;
        match list.log.ops() {
            None if continues => return Ok(None),
            Some(ops) if continues && !ops.replaced && ops.weight() < list.items.len() => {
                if !write_ops(name, ops, patch)? {
                    // Items were borrowed for a change and not changed: the page has this content already.
                    list.log.cancel();
                    return Ok(None);
                }
            }
            Some(_) | None => patch.set_serialized(name, &*list)?,
        }
        list.log.settle();
        Ok(Some(Print::of_version(list.log.base)))
    }
}

/// Adds the operations to a patch. Says whether there was anything to add.
fn write_ops<T: Keyed>(name: &str, ops: &Ops<T>, patch: &mut PatchWriter) -> JsonResult<bool> {
    let mut changed: Vec<(&Key, String)> = Vec::with_capacity(ops.updated.len());
    for (key, (before, now)) in &ops.updated {
        if let Some(fields) = difference(&serde_json::to_value(&**before)?, &serde_json::to_value(&**now)?)? {
            changed.push((key, fields));
        }
    }
    if ops.places.is_empty() && changed.is_empty() {
        return Ok(false);
    }
    changed.sort_unstable_by_key(|(key, _)| *key);
    let inserted = ops.places.iter().filter_map(|place| match place {
        Place::Insert(_, item) => Some(serde_json::to_string(&**item)),
        Place::Remove(_) | Place::Move(..) | Place::Order(_) => None,
    });
    // Written before the list is opened, because a half-written list could not be taken back.
    let mut inserted = inserted.collect::<Result<Vec<_>, _>>()?.into_iter();
    let mut list = patch.list(name);
    for place in &ops.places {
        match place {
            Place::Insert(position, _) => {
                list.insert(*position, RawJson::trusted(&inserted.next().unwrap_or_default()));
            }
            Place::Remove(key) => list.remove(key.into()),
            Place::Move(key, position) => list.move_to(key.into(), *position),
            Place::Order(keys) => list.order(keys.iter().map(Into::into)),
        }
    }
    for (key, fields) in changed {
        list.change(key.into(), RawJson::trusted(&fields));
    }
    list.end();
    Ok(true)
}

/// The fields of `now` that differ, as a patch.
fn difference(before: &Value, now: &Value) -> JsonResult<Option<String>> {
    let none = Map::new();
    let (before, mut now) = (before.as_object().unwrap_or(&none), now.as_object().unwrap_or(&none).clone());
    // A field that is left out now (`skip_serializing_if`) is null to a template, and so it is to the page.
    for name in before.keys() {
        now.entry(name).or_insert(Value::Null);
    }
    let (mut fields, mut has_lists) = (PatchWriter::new(), false);
    for (name, value) in now.iter().filter(|(name, value)| before.get(*name) != Some(value)) {
        has_lists |= value.is_array() && before.get(name).is_some_and(Value::is_array);
        fields.set_serialized(name, value)?;
    }
    let Some(whole) = fields.finish() else { return Ok(None) };
    if has_lists {
        // What was done to a list inside of an item is not recorded against what the page has, so it is found by looking
        // at both.
        let inside = Patch::diff(&Value::Object(before.clone()), &Value::Object(now));
        if let Some(inside) =
            inside.ok().map(|patch| patch.to_json()).filter(|inside| inside.len() < whole.len())
        {
            return Ok(Some(inside));
        }
    }
    Ok(Some(whole))
}

#[cfg(test)]
mod tests;
