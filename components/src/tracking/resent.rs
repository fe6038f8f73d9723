//! Debug builds warn about fields that are sent whole for a change of one item.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use super::{Print, TrackedField};

/// The largest size of a field, in bytes, that may be sent for a change of one item.
const MOST: u32 = 4_096;

/// A field that was sent whole for a change of one item.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resent {
    pub(crate) field: &'static str,
    /// Its size in JSON.
    pub(crate) bytes: u32,
}

/// The items of large arrays, as the page has them, by their fields. Boxed, because it is empty in
/// release builds.
#[derive(Clone, Debug, Default)]
pub(super) struct LargeArrays(Option<Box<ItemsByField>>);

#[derive(Clone, Debug, Default)]
struct ItemsByField(HashMap<&'static str, Vec<Print>>);

impl LargeArrays {
    /// Sets the items that the page has, and returns the ones before.
    pub(super) fn replace(&mut self, field: &'static str, items: Option<Vec<Print>>) -> Option<Vec<Print>> {
        match items {
            Some(items) => self.0.get_or_insert_default().0.insert(field, items),
            None => self.0.as_mut()?.0.remove(field),
        }
    }
}

/// Returns prints of the items of a field that is sent whole and is large. Always `None` in release
/// builds.
pub(super) fn items_of_large(field: &dyn TrackedField, bytes: u32) -> Option<Vec<Print>> {
    if cfg!(debug_assertions) && bytes > MOST { field.items() } else { None }
}

/// Returns whether one item was changed, inserted or removed, and no other one.
pub(super) fn is_change_of_one(before: &[Print], now: &[Print]) -> bool {
    let longer = before.len().max(now.len());
    let at_front = before.iter().zip(now).take_while(|(before, now)| before == now).count();
    let at_back = before.iter().rev().zip(now.iter().rev()).take_while(|(before, now)| before == now).count();
    // Among equal items both ends may count the same one.
    at_front < longer && at_front + at_back + 1 >= longer && before.len().abs_diff(now.len()) <= 1
}

/// The advice in the warning.
pub(crate) const ADVICE: &str = "a change of one item sends the whole field; if its items have an `id`, make it a `List`, which sends only the change";

/// Returns those of the fields of a component or a kind of topic that were not returned before, so
/// that each is logged once.
pub(crate) fn not_reported(owner: &str, resent: &[Resent]) -> Vec<Resent> {
    static REPORTED: Mutex<BTreeSet<(String, &'static str)>> = Mutex::new(BTreeSet::new());
    if resent.is_empty() {
        return Vec::new();
    }
    let mut reported = REPORTED.lock().unwrap_or_else(PoisonError::into_inner);
    resent.iter().filter(|resent| reported.insert((owner.to_owned(), resent.field))).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_one_item_is_recognised() {
        let is_one = |before: &str, now: &str| {
            let prints = |text: &str| text.chars().map(|c| Print::of(&c).unwrap()).collect::<Vec<_>>();
            is_change_of_one(&prints(before), &prints(now))
        };
        for (before, now) in
            [("abc", "axc"), ("abc", "ab"), ("abc", "bc"), ("abc", "abcd"), ("abc", "axbc"), ("", "a")]
        {
            assert!(is_one(before, now) && is_one(now, before), "{before} {now}");
        }
        // Equal neighbours.
        assert!(is_one("aaa", "aa") && is_one("aa", "aaa") && is_one("aba", "aa"));
        for (before, now) in [
            ("abc", "abc"),
            ("", ""),
            ("abc", "xbx"),
            ("abc", "a"),
            ("abc", "cba"),
            ("abc", "bca"),
            ("aa", "aaaa"),
        ] {
            assert!(!is_one(before, now) && !is_one(now, before), "{before} {now}");
        }
    }
}
