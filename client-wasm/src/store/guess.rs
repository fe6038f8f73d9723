//! A guess: what an action will do, shown before the server answers.

use crate::patch::{self, Step, What};
use crate::value::{Key, Val};

/// One edit of a guess, with its values worked out, so that it can be laid over a newer state again.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Edit {
    /// The field of the stream that it changes.
    pub(crate) field: Key,
    /// The way from the field's value to what is changed: a field's key, or none and the id of an item of a list.
    pub(crate) path: Vec<(Key, Val)>,
    /// What is done there: a patch value, as the server sends them.
    pub(crate) patch: Val,
}

impl Edit {
    /// One that sets a field.
    pub(crate) fn set(field: Key, value: Val) -> Self {
        Self { field, path: Vec::new(), patch: patch::plain(value) }
    }

    /// Lays it over the value of the field; `None` if it does not fit.
    pub(crate) fn apply(&self, value: &mut Val) -> Option<What> {
        let mut target = value;
        let mut first = None;
        for (key, id) in &self.path {
            target = if *key == Key::NONE {
                let Val::List(list) = target else { return None };
                let at = patch::find(list, 0, id)?;
                first = first.or(Some(at));
                list.get_mut(at)?
            } else {
                target.slot(*key)?
            };
        }
        let what = patch::apply(target, self.patch.clone())?;
        // Views follow the changed item of a list, or the step of the list itself; anything deeper is a new value.
        Some(match (self.path.as_slice(), first) {
            ([], _) => what,
            ([(Key::NONE, _), (field, _), ..], Some(at)) if *field != Key::NONE => {
                What::List(vec![Step::Item { at, fields: vec![*field] }])
            }
            _ => What::Value,
        })
    }
}
