//! A list on the wire: whole, or as the operations since the last patch.

use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use vivaz_protocol::json::{json_len, to_json, to_tree};
use vivaz_protocol::{Patch, PatchWriter, RawJson};

use super::List;
use super::key::{Key, Keyed};
use super::log::{ListOps, Rearrangement};
use crate::error::Result;
use crate::fault::guard_now;
use crate::shape::{LiveShape, Shape, ShapeRef};
use crate::shown::{ItemSource, ShownValue};
use crate::tracking::{JsonResult, Pick, Print, Seen, StateWriter, TrackedField};

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
    const SHAPE: ShapeRef = ShapeRef::new(&Shape::Keyed(T::SHAPE));
}

struct ListField<'a, T>(&'a mut List<T>);

impl<'a, T: Keyed + Send + Sync + 'static> Pick<'a, List<T>> {
    /// Returns the field, which records its changes.
    pub fn field(self) -> impl TrackedField + 'a {
        ListField(self.0)
    }
}

/// The items of a list that is shown. The copy shares them with the component.
struct ListItems<T>(List<T>);

impl<T: Keyed + Send + Sync> ItemSource for ListItems<T> {
    fn each(&self, visit: &mut dyn FnMut(ShownValue)) -> Result {
        guard_now("showing a list", || {
            for item in &self.0 {
                visit(ShownValue::of(item)?);
            }
            Ok(())
        })
    }
}

impl<T: Keyed + Send + Sync + 'static> TrackedField for ListField<'_, T> {
    fn write(&self, name: &str, out: &mut StateWriter) -> JsonResult {
        out.member(name, &*self.0)
    }

    fn shown(&self) -> JsonResult<ShownValue> {
        ShownValue::of(&*self.0)
    }

    fn shown_once(&self) -> JsonResult<ShownValue> {
        Ok(ShownValue::lazy(ListItems(self.0.clone())))
    }

    fn baseline(&mut self) -> JsonResult<Seen> {
        self.0.log.settle();
        check_keys(self.0.iter())?;
        Ok(Seen::new(Print::of_version(self.0.log.base), json_len(&*self.0)?))
    }

    fn change(&mut self, name: &str, seen: Seen, patch: &mut PatchWriter) -> JsonResult<Option<Seen>> {
        let list = &mut *self.0;
        let continues = Print::of_version(list.log.base) == seen.print;
        let bytes = match list.log.ops() {
            None if continues => return Ok(None),
            Some(ops) if continues && !ops.replaced && ops.weight() < list.items.len() => {
                let Some(growth) = write_ops(name, ops, patch)? else {
                    // Items were borrowed for a change and not changed: the page has this content
                    // already.
                    list.log.cancel();
                    return Ok(None);
                };
                growth.applied(seen.bytes as usize, list.items.len())
            }
            Some(_) | None => {
                check_keys(list.iter())?;
                patch.set_serialized(name, &*list)?
            }
        };
        list.log.settle();
        Ok(Some(Seen::new(Print::of_version(list.log.base), bytes)))
    }
}

/// Checks that every key is valid. A list accepts every item; what cannot be sent or stored is
/// refused here.
fn check_keys<'a, T: Keyed + 'a>(items: impl Iterator<Item = &'a T>) -> JsonResult {
    items.into_iter().try_for_each(|item| match item.key() {
        Key::Int(_) | Key::Text(_) => Ok(()),
        Key::Invalid(what) => Err(serde_json::Error::custom(format_args!(
            "the key of a list item is a text or a whole number between {} and {}, not {what}",
            i64::MIN,
            i64::MAX
        ))),
    })
}

/// The change of a list's size.
#[derive(Default)]
struct Growth {
    /// The bytes of inserted and removed items, and the growth of changed ones.
    more: usize,
    less: usize,
    inserted: usize,
    removed: usize,
}

impl Growth {
    /// Returns the size of a list in JSON that has `len` items now and had `bytes` before.
    fn applied(&self, bytes: usize, len: usize) -> usize {
        let commas = |len: usize| len.saturating_sub(1);
        let before = (len + self.removed).saturating_sub(self.inserted);
        (bytes + self.more + commas(len)).saturating_sub(self.less + commas(before))
    }
}

/// Returns an item's JSON. Refuses an item that would be nested too deeply in its list.
fn item_json<T: Serialize + ?Sized>(item: &T) -> JsonResult<String> {
    let mut json = to_json(&[item])?;
    json.pop();
    json.remove(0);
    Ok(json)
}

/// Returns the size of an item's JSON in bytes. Refuses items like [`item_json`].
fn item_len<T: Serialize + ?Sized>(item: &T) -> JsonResult<usize> {
    Ok(json_len(&[item])?.saturating_sub("[]".len()))
}

/// Writes the operations into a patch. Returns the change of the list's size, or `None` if there
/// was nothing to write.
fn write_ops<T: Keyed>(name: &str, ops: &ListOps<T>, patch: &mut PatchWriter) -> JsonResult<Option<Growth>> {
    let mut growth = Growth::default();
    let mut changed: Vec<(&Key, String)> = Vec::with_capacity(ops.updated.len());
    for (key, (before, now)) in &ops.updated {
        if let Some(fields) = difference(&to_tree(&**before)?, &to_tree(&**now)?)? {
            growth.less += item_len(&**before)?;
            growth.more += item_len(&**now)?;
            changed.push((key, fields));
        }
    }
    if ops.places.is_empty() && changed.is_empty() {
        return Ok(None);
    }
    changed.sort_unstable_by_key(|(key, _)| *key);
    // Written before the list is opened, because a partly written list could not be reverted.
    let mut inserted = Vec::new();
    for place in &ops.places {
        match place {
            Rearrangement::Insert(_, item) => {
                check_keys(std::iter::once(&**item))?;
                let json = item_json(&**item)?;
                growth.more += json.len();
                growth.inserted += 1;
                inserted.push(json);
            }
            Rearrangement::Remove(_, item) => {
                growth.less += item_len(&**item)?;
                growth.removed += 1;
            }
            Rearrangement::Move(..) | Rearrangement::Order(_) => {}
        }
    }
    let mut inserted = inserted.into_iter();
    let mut list = patch.list(name);
    for place in &ops.places {
        match place {
            Rearrangement::Insert(position, _) => {
                list.insert(*position, RawJson::trusted(&inserted.next().unwrap_or_default()));
            }
            Rearrangement::Remove(key, _) => list.remove(key.into()),
            Rearrangement::Move(key, position) => list.move_to(key.into(), *position),
            Rearrangement::Order(keys) => list.order(keys.iter().map(Into::into)),
        }
    }
    for (key, fields) in changed {
        list.change(key.into(), RawJson::trusted(&fields));
    }
    list.end();
    Ok(Some(growth))
}

/// Returns the fields of `now` that differ, as a patch.
fn difference(before: &Value, now: &Value) -> JsonResult<Option<String>> {
    let none = Map::new();
    let (before, mut now) = (before.as_object().unwrap_or(&none), now.as_object().unwrap_or(&none).clone());
    // An omitted field (`skip_serializing_if`) is null to a template, and so it is to the page.
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
        // A list inside an item has no recorded operations relative to the page's state, so both
        // states are compared.
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
