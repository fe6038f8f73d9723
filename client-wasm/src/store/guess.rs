//! A guess: what an action will do, shown before the server answers.

use crate::patch::{self, Step, What};
use crate::value::{Key, Val};

/// One edit of a guess, with its values worked out, so that it can be laid over a newer state again.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Edit {
    /// The field of the stream that it changes.
    pub(crate) field: Key,
    /// The way from the field's value to what is changed.
    pub(crate) path: Vec<Segment>,
    pub(crate) operation: Operation,
}

/// One step of the way.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Segment {
    Field(Key),
    /// The item of a keyed list that has this id.
    Item(Val),
}

/// What is done at the end of the way.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Operation {
    Set(Val),
    /// Adds an item at the end of a list.
    Push(Val),
    /// Takes the item with this id out of a list.
    Remove(Val),
    /// A patch value, as the server sends them.
    Patch(Val),
}

impl Edit {
    /// Lays it over the value of the field; `None` if it does not fit, and then the value is as it was.
    pub(crate) fn apply(&self, value: &mut Val) -> Option<What> {
        let mut target = &mut *value;
        let mut item = None;
        for (depth, segment) in self.path.iter().enumerate() {
            match segment {
                Segment::Field(key) => {
                    if target.at(*key).is_none() {
                        target.set(*key, Val::Null);
                    }
                    target = target.at_mut(*key)?;
                }
                Segment::Item(id) => {
                    let Val::List(items) = target else { return None };
                    let at = patch::find(items, 0, id)?;
                    if depth == 0 {
                        item = Some(at);
                    }
                    target = items.get_mut(at)?;
                }
            }
        }
        let step = match &self.operation {
            Operation::Set(new) => {
                *target = new.clone();
                None
            }
            Operation::Push(item) => {
                let Val::List(items) = target else { return None };
                items.push(item.clone());
                Some(Step::Insert(items.len() - 1))
            }
            Operation::Remove(id) => {
                let Val::List(items) = target else { return None };
                let at = patch::find(items, 0, id)?;
                items.remove(at);
                Some(Step::Remove(at))
            }
            Operation::Patch(patch) => {
                let what = patch::apply(target, patch.clone()).ok()?;
                if self.path.is_empty() {
                    return Some(what);
                }
                None
            }
        };
        // Views follow the changed item of a list, or the step of the list itself; anything deeper is a new value.
        Some(match (item, step, self.path.get(1)) {
            (None, Some(step), None) if self.path.is_empty() => What::List(vec![step]),
            (Some(at), _, Some(Segment::Field(key))) => {
                What::List(vec![Step::Item { at, fields: vec![*key] }])
            }
            _ => What::Value,
        })
    }
}
