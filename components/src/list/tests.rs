pub(super) mod deeds;
mod long_lived;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use serde::Serialize;

use super::*;

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Row {
    id: u16,
    label: &'static str,
}

impl Keyed for Row {
    fn key(&self) -> Key {
        Key::of(&self.id)
    }
}

fn rows(ids: impl IntoIterator<Item = u16>) -> Vec<Row> {
    ids.into_iter().map(|id| Row { id, label: "a" }).collect()
}

#[test]
fn a_list_reads_as_a_vector_does() {
    for len in [0, 1, 2, 50] {
        let model = rows((0..len).rev());
        let list = List::from(model.clone());
        assert_eq!((list.len(), list.is_empty()), (model.len(), model.is_empty()));
        assert_eq!((list.first(), list.last()), (model.first(), model.last()));
        assert!(list.iter().eq(&model));
        assert!(list.iter().rev().eq(model.iter().rev()));
        assert_eq!(list.iter().len(), model.len());
        assert_eq!(list.iter().size_hint(), model.iter().size_hint());
        assert_eq!(format!("{list:?}"), format!("{model:?}"));
        for id in 0..=len {
            let position = model.iter().position(|row| row.id == id);
            assert_eq!(list.position(id), position);
            assert_eq!(list.contains(id), position.is_some());
            assert_eq!(list.get(id), position.map(|at| &model[at]));
            assert_eq!(list.at(usize::from(id)), model.get(usize::from(id)));
        }
    }
    assert_eq!(List::<Row>::default().len(), 0);
}

#[test]
fn lists_with_equal_items_are_equal_after_any_changes() {
    let list: List<Row> = rows(0..3).into();
    let mut other: List<Row> = rows([2, 0, 1]).into();
    assert_ne!(list, other);
    other.sort_by_key(|row| row.id);
    assert_eq!(list, other);
    assert_eq!(list, list.clone());
    other.update(1, |row| row.label = "b");
    assert_ne!(list, other);
    assert_ne!(list, rows(0..2).into());
}

/// Counts how often an item is read.
#[derive(Clone, Debug)]
struct Counted {
    id: u32,
    looks: Arc<AtomicU32>,
}

impl Serialize for Counted {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([("id", self.id)])
    }
}

impl Keyed for Counted {
    fn key(&self) -> Key {
        self.looks.fetch_add(1, Relaxed);
        Key::of(&self.id)
    }
}

/// Each handler works on a clone, which is dropped if the handler fails.
#[test]
fn what_a_clone_has_looked_up_serves_the_others() {
    let looks = Arc::<AtomicU32>::default();
    let item = |id| Counted { id, looks: looks.clone() };
    let mut list = (0..2_000).chain((3_000..4_000).rev()).map(item).collect::<List<Counted>>();
    let find = |list: &List<Counted>, id: u32| {
        looks.store(0, Relaxed);
        (list.position(id), looks.load(Relaxed) < 20)
    };
    let mut changed = list.clone();
    assert_eq!(find(&list.clone(), 3_999), (Some(2_000), false));
    for clone in [&list, &list.clone()] {
        assert_eq!(find(clone, 5_000), (None, true));
        assert_eq!(find(clone, 3_000), (Some(2_999), true));
    }
    // A change of one of them has no effect on the others, whichever of them looks up first.
    changed.swap(0, 2_999);
    assert_eq!((changed.position(3_000), changed.position(0)), (Some(0), Some(2_999)));
    assert_eq!(find(&list, 3_000), (Some(2_999), true));
    list.remove(1_u32);
    assert_eq!((find(&list, 3_000), changed.position(1)), ((Some(2_998), true), Some(1)));
}

/// A long list whose items are not at their original positions. Items are found without a search
/// through many others.
#[test]
fn an_item_of_a_long_list_is_found_without_looking_at_many_others() {
    let looks = Arc::<AtomicU32>::default();
    let item = |id| Counted { id, looks: looks.clone() };
    let list = || (0..4_000).map(item).collect::<List<Counted>>();
    let cost = |list: &mut List<Counted>, id: u32| {
        looks.store(0, Relaxed);
        list.update(id, |_| ()).unwrap();
        looks.load(Relaxed)
    };
    let mut grown_in_front = list();
    (4_000..6_000).for_each(|id| grown_in_front.prepend(item(id)));
    let mut shrunk_in_front = list();
    shrunk_in_front.keep_last(2_000);
    let mut grown_behind = list();
    (4_000..6_000).for_each(|id| grown_behind.push(item(id)));
    let mut shrunk_behind = list();
    shrunk_behind.keep_first(3_500);
    for (what, list) in [
        ("grown in front", &mut grown_in_front),
        ("shrunk in front", &mut shrunk_in_front),
        ("grown behind", &mut grown_behind),
        ("shrunk behind", &mut shrunk_behind),
    ] {
        assert!(cost(list, 3_000) < 20, "{what}");
    }
    let mut grown_inside = list();
    (4_000..6_000).for_each(|id| grown_inside.insert(2_000, item(id)));
    let mut shrunk_inside = list();
    (1_000..2_500).for_each(|id| _ = shrunk_inside.remove(id));
    for (what, list) in [("grown inside", &mut grown_inside), ("shrunk inside", &mut shrunk_inside)] {
        // The first search after many changes reads every item.
        list.position(0);
        for id in [999, 3_000] {
            assert!(cost(list, id) < 20, "{what}, {id}");
        }
    }
}
