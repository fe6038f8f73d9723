//! A guess: what an action will do, shown before the server answers.

use super::Outcome;
use crate::patch::{self, Step, What};
use crate::value::{Key, Val, parse};

/// How the ids begin that the page gives to items until the server has named them. No other item
/// may have such an id.
pub(crate) const TEMPORARY: &str = "$temp";

/// One edit of a guess, with its values worked out, so that it can be laid over a newer state
/// again.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Edit {
    /// The field of the stream that it changes.
    pub(crate) field: Key,
    /// The way from the field's value to what is changed: a field's key, or none and the id of an
    /// item of a list. A text of a property's path is both, and the value there decides.
    pub(crate) path: Vec<(Key, Val)>,
    /// What is done there: a patch value, as the server sends them.
    pub(crate) patch: Val,
}

impl Edit {
    /// One that sets a property: a field, or what is at the end of a path in JSON.
    #[inline(never)]
    pub(crate) fn set(mut field: Key, value: Val) -> Self {
        let mut path = Vec::new();
        for step in parse(field.name()).unwrap_or_default().into_list() {
            path.push((Key::of(step.str().unwrap_or_default()), step));
        }
        if !path.is_empty() {
            field = path.remove(0).0;
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

    /// Returns the id of the item that it adds, if that is one of the page's own.
    #[inline(never)]
    pub(crate) fn temporary(&self) -> Option<&Val> {
        let id = self.added()?.named("id")?;
        id.str()?.starts_with(TEMPORARY).then_some(id)
    }

    /// Returns the id that the server gave to the item that it adds. `now` has the confirmed values
    /// of the fields. The item is the only new one in the list, or of several the only one that has
    /// every field as the guess has it. In a patch with other causes it has to have them in any
    /// case.
    pub(super) fn real<'v>(&self, outcome: &mut Outcome, now: &'v mut Val) -> Option<&'v Val> {
        let id = Key::of("id");
        let before = self.find(outcome.before.at_mut(self.field)?)?.list()?;
        let Val::Obj(fields) = self.added()? else { return None };
        let (mut found, mut best) = (None, outcome.is_merged);
        for (at, item) in self.find(now.at_mut(self.field)?)?.list()?.iter().enumerate() {
            if patch::find(before, at, item.at(id)?).is_some() {
                continue;
            }
            let mut fits = true;
            for (key, value) in fields {
                fits &= *key == id || item.at(*key) == Some(value);
            }
            if fits == best {
                found = if found.is_none() { Some(item.at(id)) } else { Some(None) };
            } else if fits {
                (found, best) = (Some(item.at(id)), true);
            }
        }
        found?
    }

    /// Lays it over the value of the field; `None` if it does not fit.
    pub(crate) fn apply(&self, value: &mut Val) -> Option<What> {
        let first = value.list().and_then(|list| patch::find(list, 0, &self.path.first()?.1));
        let target = self.find(value)?;
        let what = patch::apply(target, self.patch.clone())?;
        // Views follow the changed item of a list, or the step of the list itself; anything deeper
        // is a new value.
        Some(match (self.path.as_slice(), first) {
            ([], _) => what,
            ([_, (field, _), ..], Some(at)) if *field != Key::NONE => {
                What::List(vec![Step::Item { at, fields: vec![*field] }])
            }
            _ => What::Value,
        })
    }
}
