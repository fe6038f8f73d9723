//! A guess: what an action will do, shown before the server answers.

use crate::patch::{self, Step, What};
use crate::value::{Key, Val, parse};

/// One edit of a guess, with its values worked out, so that it can be laid over a newer state again.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Edit {
    /// The field of the stream that it changes.
    pub(crate) field: Key,
    /// The way from the field's value to what is changed: a field's key, or none and the id of an item of a list. A text
    /// of a property's path is both, and the value there decides.
    pub(crate) path: Vec<(Key, Val)>,
    /// What is done there: a patch value, as the server sends them.
    pub(crate) patch: Val,
}

impl Edit {
    /// One that sets a property: a field, or what is at the end of a path in JSON.
    #[inline(never)]
    pub(crate) fn set(mut field: Key, value: Val) -> Self {
        let mut path = Vec::new();
        if field.is_path() {
            for step in parse(field.name()).unwrap_or_default().into_list() {
                path.push((Key::of(step.str().unwrap_or_default()), step));
            }
            if !path.is_empty() {
                field = path.remove(0).0;
            }
        }
        Self { field, path, patch: patch::plain(value) }
    }

    /// The field that a property is in.
    pub(crate) fn root(property: Key) -> Key {
        Self::set(property, Val::Null).field
    }

    /// What it changes in the value of its field.
    #[inline(never)]
    pub(crate) fn find<'v>(&self, mut target: &'v mut Val) -> Option<&'v mut Val> {
        for (key, id) in &self.path {
            target = if let Val::List(list) = target {
                let at = patch::find(list, 0, id)?;
                list.get_mut(at)?
            } else if *key == Key::NONE {
                return None;
            } else {
                target.slot(*key)?
            };
        }
        Some(target)
    }

    /// The item that it adds to a list.
    #[inline(never)]
    pub(crate) fn added(&self) -> Option<&Val> {
        self.patch.named("$list")?.list()?.first()?.list()?.get(2)
    }

    /// Returns the id that the server gave to the item that it adds: that of the new item in the list, of which `before`
    /// and `now` are the values of the field. Of several it is the first that has everything that the guess says.
    pub(super) fn real<'v>(&self, before: &mut Val, now: &'v mut Val) -> Option<&'v Val> {
        let id = Key::of("id");
        let (before, added) = (self.find(before)?.list()?, self.added()?);
        let mut found = None;
        for (at, item) in self.find(now)?.list()?.iter().enumerate() {
            if patch::find(before, at, item.at(id)?).is_some() {
                continue;
            }
            // Of several only one that has everything that the guess says can be told.
            let Val::Obj(fields) = added else { continue };
            let mut same = true;
            for (key, value) in fields {
                same &= *key == id || item.at(*key) == Some(value);
            }
            if same {
                return item.at(id);
            }
            found = if found.is_some() { Some(&Val::Null) } else { item.at(id) };
        }
        found
    }

    /// Lays it over the value of the field; `None` if it does not fit.
    pub(crate) fn apply(&self, value: &mut Val) -> Option<What> {
        let first = value.list().and_then(|list| patch::find(list, 0, &self.path.first()?.1));
        let target = self.find(value)?;
        let what = patch::apply(target, self.patch.clone())?;
        // Views follow the changed item of a list, or the step of the list itself; anything deeper is a new value.
        Some(match (self.path.as_slice(), first) {
            ([], _) => what,
            ([_, (field, _), ..], Some(at)) if *field != Key::NONE => {
                What::List(vec![Step::Item { at, fields: vec![*field] }])
            }
            _ => What::Value,
        })
    }
}
