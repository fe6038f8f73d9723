//! Long lists after many changes.

use proptest::prelude::*;
use proptest::sample::subsequence;
use serde::Serialize;

use super::deeds::{Do, Row, a_small_deed, perform, row};
use crate::list::{Key, Keyed, List};

/// The number of changes in the life of a list.
const CHANGES: usize = 10_000;

/// The number of different keys.
const KEYS: u16 = 600;

fn assert_same(list: &List<Row>, model: &[Row]) {
    assert_eq!(list.len(), model.len());
    assert!(list.iter().eq(model));
    assert!(list.iter().rev().eq(model.iter().rev()));
    for key in 0..KEYS {
        let position = model.iter().position(|row| row.id == key);
        assert_eq!(list.position(key), position, "{key}");
        assert_eq!(list.get(key), position.map(|at| &model[at]));
    }
}

/// Represents the key that continues the order of a list at its end or at its front.
const NEXT: u16 = u16::MAX;

fn with_next_key(deed: &Do, model: &[Row]) -> Do {
    let first = model.first().map_or(KEYS / 2, |row| row.id);
    let last = model.last().map_or(KEYS / 2, |row| row.id);
    let step: i16 = if first <= last { 1 } else { -1 };
    let next = |key: u16, step: i16| key.checked_add_signed(step).filter(|key| *key < KEYS);
    match deed {
        Do::Push(NEXT) => next(last, step).map_or(Do::PopLast, Do::Push),
        Do::Prepend(NEXT) => next(first, -step).map_or(Do::PopFirst, Do::Prepend),
        other => other.clone(),
    }
}

/// Makes changes on a clone, as a handler does, and keeps or drops it.
fn live(mut list: List<Row>, deeds: &[(Do, bool)]) {
    let mut model: Vec<Row> = list.iter().cloned().collect();
    for (count, (deed, is_kept)) in deeds.iter().enumerate() {
        let (mut draft, mut draft_model) = (list.clone(), model.clone());
        perform(&with_next_key(deed, &model), &mut draft, &mut draft_model);
        assert_eq!(draft.len(), draft_model.len());
        if count % 100 == 0 {
            assert_same(&draft, &draft_model);
            assert_same(&list, &model);
        }
        if *is_kept {
            (list, model) = (draft, draft_model);
        }
    }
    assert_same(&list, &model);
}

fn any_changes() -> impl Strategy<Value = Vec<(Do, bool)>> {
    let deed = prop_oneof![
        500 => a_small_deed(KEYS),
        1 => Just(Do::Reverse),
        1 => Just(Do::Sort),
        1 => prop::collection::vec(0..KEYS, 0..50).prop_map(Do::Reorder),
        1 => prop::collection::vec(0..KEYS, 0..600).prop_map(Do::Extend),
        1 => prop::collection::vec((0..KEYS, "[an]"), 0..20).prop_map(Do::Sync),
        1 => subsequence((0..KEYS).collect::<Vec<_>>(), 400).prop_shuffle().prop_map(Do::Replace),
    ];
    prop::collection::vec((deed, prop::bool::weighted(0.9)), CHANGES)
}

/// Changes that keep the keys in order, but for a rare move.
fn orderly_changes() -> impl Strategy<Value = Vec<(Do, bool)>> {
    let deed = prop_oneof![
        50 => (0..KEYS).prop_map(Do::Remove),
        100 => (0..KEYS).prop_map(|key| Do::Update(key, "u".to_owned())),
        30 => Just(Do::PopFirst),
        30 => Just(Do::PopLast),
        100 => Just(Do::Push(NEXT)),
        100 => Just(Do::Prepend(NEXT)),
        2 => (300..500usize).prop_map(Do::KeepLast),
        1 => Just(Do::Reverse),
        1 => (0..KEYS, 0..500usize).prop_map(|(key, at)| Do::Move(key, at)),
        2 => Just(Do::Sort),
    ];
    prop::collection::vec((deed, prop::bool::weighted(0.9)), CHANGES)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_list_that_was_changed_often_is_a_vector(deeds in any_changes()) {
        live((0..500).map(|id| row(id, "a")).collect(), &deeds);
    }

    #[test]
    fn a_list_with_sorted_keys_is_a_vector(deeds in orderly_changes(), is_descending: bool) {
        let mut list: List<Row> = (100..500).map(|id| row(id, "a")).collect();
        if is_descending {
            list.reverse();
        }
        live(list, &deeds);
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Named {
    id: String,
}

impl Keyed for Named {
    fn key(&self) -> Key {
        Key::of(&self.id)
    }
}

/// Texts in the order of their creation, which is not their alphabetical one.
#[test]
fn items_are_found_by_texts() {
    let named = |number: usize| Named { id: format!("n{number}") };
    let mut list: List<Named> = (0..1_000).map(named).collect();
    for number in (0..1_000).step_by(3) {
        assert_eq!(list.remove(format!("n{number}")), Some(named(number)));
    }
    let left: Vec<usize> = (0..1_000).filter(|number| number % 3 != 0).collect();
    for number in 0..1_000 {
        let position = left.binary_search(&number).ok();
        assert_eq!(list.position(format!("n{number}")), position);
    }
}
