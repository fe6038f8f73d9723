//! Optimistic updates: the expected effects of an action, shown before the server replies.

use vivaz_protocol::words;

use super::Outcome;
use crate::patch::{self, Step, What};
use crate::value::{Key, Val, parse};

/// The prefix of the ids that the page assigns to items until the server assigns theirs. No other
/// item may have an id with this prefix.
pub(crate) const TEMPORARY: &str = "$temp";

/// One edit of an optimistic update. Its values are evaluated, so it can be applied to a newer
/// state again.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Edit {
    /// The field of the stream that the edit changes.
    pub(crate) field: Key,
    /// The path from the field's value to the changed value. A step is a field's key, or no key and
    /// the id of a list item. A text in a property's path is both, and the value at that point
    /// selects one.
    pub(crate) path: Vec<(Key, Val)>,
    /// The patch value to apply there, in the server's format.
    pub(crate) patch: Val,
}

impl Edit {
    /// Creates an edit that sets a property: a field, or the value at the end of a JSON path.
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

    /// Returns the field that contains a property.
    pub(crate) fn root(property: Key) -> Key {
        Self::set(property, Val::Null).field
    }

    /// Returns the value that the edit changes in the value of its field.
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

    /// Returns the item that the edit adds to a list.
    #[inline(never)]
    pub(crate) fn added(&self) -> Option<&Val> {
        self.patch.named(words::patch::LIST)?.list()?.first()?.list()?.get(2)
    }

    /// Returns the id of the item that the edit adds, if it is a temporary id.
    #[inline(never)]
    pub(crate) fn temporary(&self) -> Option<&Val> {
        let id = self.added()?.named(words::patch::ID)?;
        id.str()?.starts_with(TEMPORARY).then_some(id)
    }

    /// Returns the id that the server assigned to the item that the edit adds. `now` contains the
    /// confirmed values of the fields. The item is the only new one in the list, or, of several,
    /// the only one whose fields all equal those of the edit. In a patch with other causes its
    /// fields must be equal in any case.
    pub(super) fn real<'v>(&self, outcome: &mut Outcome, now: &'v mut Val) -> Option<&'v Val> {
        let id = Key::of(words::patch::ID);
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

    /// Applies the edit to the value of the field. Returns `None` if it does not fit.
    pub(crate) fn apply(&self, value: &mut Val) -> Option<What> {
        let first = value.list().and_then(|list| patch::find(list, 0, &self.path.first()?.1));
        let target = self.find(value)?;
        let what = patch::apply(target, self.patch.clone())?;
        // Views follow a changed item of a list, or the step of the list itself. Any deeper change
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
