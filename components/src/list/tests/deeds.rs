//! Changes of a list, and the same changes of a vector.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use crate::list::{Key, Keyed, List};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::list) struct Row {
    pub(in crate::list) id: u16,
    pub(in crate::list) label: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::list) note: Option<String>,
}

impl Keyed for Row {
    fn key(&self) -> Key {
        Key::of(&self.id)
    }
}

pub(in crate::list) fn row(id: u16, label: &str) -> Row {
    Row { id, label: label.to_owned(), note: None }
}

#[derive(Clone, Debug)]
pub(in crate::list) enum Do {
    Push(u16),
    Prepend(u16),
    Insert(usize, u16),
    Remove(u16),
    Update(u16, String),
    Rename(u16, u16),
    RenameAll(Vec<u16>),
    Shift(i32),
    Move(u16, usize),
    Swap(usize, usize),
    Reverse,
    Sort,
    Reorder(Vec<u16>),
    Retain(u16),
    KeepLast(usize),
    PopFirst,
    PopLast,
    Clear,
    Extend(Vec<u16>),
    Replace(Vec<u16>),
    Sync(Vec<(u16, String)>),
    Send,
    Fail(Vec<Do>),
}

/// A change of one item of a list with keys below `ids`.
pub(in crate::list) fn a_small_deed(ids: u16) -> impl Strategy<Value = Do> {
    let id = 0..ids;
    let at = 0..usize::from(ids);
    prop_oneof![
        6 => id.clone().prop_map(Do::Push),
        3 => id.clone().prop_map(Do::Prepend),
        3 => (at.clone(), id.clone()).prop_map(|(at, id)| Do::Insert(at, id)),
        4 => id.clone().prop_map(Do::Remove),
        4 => (id.clone(), "[ab]{0,2}").prop_map(|(id, label)| Do::Update(id, label)),
        2 => (id.clone(), id.clone()).prop_map(|(id, to)| Do::Rename(id, to)),
        3 => (id, at.clone()).prop_map(|(id, at)| Do::Move(id, at)),
        2 => (at.clone(), at).prop_map(|(a, b)| Do::Swap(a, b)),
        1 => Just(Do::PopFirst),
        1 => Just(Do::PopLast),
    ]
}

/// A change of a list with at most 60 items.
pub(in crate::list) fn a_deed() -> impl Strategy<Value = Do> {
    let id = 0..60u16;
    let leaf = prop_oneof![
        29 => a_small_deed(60),
        2 => prop::collection::vec(id.clone(), 1..60).prop_map(Do::RenameAll),
        1 => (-3..3i32).prop_map(Do::Shift),
        1 => Just(Do::Reverse),
        1 => Just(Do::Sort),
        1 => prop::collection::vec(id.clone(), 0..9).prop_map(Do::Reorder),
        1 => (2..5u16).prop_map(Do::Retain),
        1 => (20..60usize).prop_map(Do::KeepLast),
        1 => Just(Do::Clear),
        1 => prop::collection::vec(id.clone(), 0..9).prop_map(Do::Extend),
        1 => prop::collection::vec(id.clone(), 0..50).prop_map(Do::Replace),
        3 => prop::collection::vec((id.clone(), "[an]"), 0..6).prop_map(Do::Sync),
        3 => prop::collection::btree_map(id, "[an]", 0..60)
            .prop_map(|rows| rows.into_iter().collect::<Vec<_>>())
            .prop_shuffle()
            .prop_map(Do::Sync),
        4 => Just(Do::Send),
    ];
    leaf.prop_recursive(1, 8, 8, |inner| prop::collection::vec(inner, 0..8).prop_map(Do::Fail))
}

/// Does it to the list and, the obvious way, to a vector.
pub(in crate::list) fn perform(deed: &Do, list: &mut List<Row>, model: &mut Vec<Row>) {
    fn put(model: &mut Vec<Row>, at: usize, row: Row) {
        model.retain(|it| it.id != row.id);
        let at = at.min(model.len());
        model.insert(at, row);
    }
    fn keep_last_of_each_key(model: &mut Vec<Row>) {
        let keys: Vec<u16> = model.iter().map(|it| it.id).collect();
        let mut behind = 0..;
        model.retain(|it| behind.next().is_some_and(|at: usize| !keys[at + 1..].contains(&it.id)));
    }
    match deed {
        Do::Push(id) => {
            list.push(row(*id, "n"));
            put(model, usize::MAX, row(*id, "n"));
        }
        Do::Prepend(id) => {
            list.prepend(row(*id, "n"));
            put(model, 0, row(*id, "n"));
        }
        Do::Insert(at, id) => {
            list.insert(*at, row(*id, "n"));
            put(model, *at, row(*id, "n"));
        }
        Do::Remove(id) => {
            let there = list.remove(id).is_some();
            assert_eq!(there, model.iter().any(|it| it.id == *id));
            model.retain(|it| it.id != *id);
        }
        Do::Update(id, label) => {
            list.update(id, |it| it.label.clone_from(label));
            model.iter_mut().filter(|it| it.id == *id).for_each(|it| it.label.clone_from(label));
        }
        Do::Rename(id, to) => {
            list.update(id, |it| it.id = *to);
            if let Some(at) = model.iter().position(|it| it.id == *id) {
                let renamed = Row { id: *to, ..model.remove(at) };
                let replaced = model.iter().position(|it| it.id == *to).map(|at| (at, model.remove(at)));
                let at = at - usize::from(replaced.is_some_and(|(before, _)| before < at));
                model.insert(at, renamed);
            }
        }
        Do::RenameAll(ids) => {
            // Some keep their keys, some exchange them, some get the same one.
            let mut of_list = ids.iter().cycle();
            list.update_all(|it| it.id = *of_list.next().unwrap());
            model.iter_mut().zip(ids.iter().cycle()).for_each(|(it, id)| it.id = *id);
            keep_last_of_each_key(model);
        }
        Do::Shift(by) => {
            let shift = |it: &mut Row| {
                it.id = u16::try_from((i32::from(it.id) + by).rem_euclid(60)).unwrap();
                if it.id.is_multiple_of(3) {
                    it.label = "s".to_owned();
                }
            };
            let before = list.len();
            list.update_all(shift);
            assert_eq!(list.len(), before, "no two have the same key afterwards");
            model.iter_mut().for_each(shift);
        }
        Do::Move(id, at) => {
            list.move_to(id, *at);
            if let Some(from) = model.iter().position(|it| it.id == *id) {
                let item = model.remove(from);
                model.insert((*at).min(model.len()), item);
            }
        }
        Do::Swap(a, b) => {
            let both = list.swap(*a, *b);
            assert_eq!(both, *a < model.len() && *b < model.len());
            if both {
                model.swap(*a, *b);
            }
        }
        Do::Reverse => {
            list.reverse();
            model.reverse();
        }
        Do::Sort => {
            list.sort_by_key(|it| it.id);
            model.sort_by_key(|it| it.id);
        }
        Do::Reorder(ids) => {
            list.reorder(ids);
            model.sort_by_key(|it| ids.iter().position(|id| *id == it.id).unwrap_or(usize::MAX));
        }
        Do::Retain(n) => {
            list.retain(|it| it.id % n == 0);
            model.retain(|it| it.id % n == 0);
        }
        Do::KeepLast(count) => {
            list.keep_last(*count);
            model.drain(..model.len().saturating_sub(*count));
        }
        Do::PopFirst => assert_eq!(list.pop_first(), (!model.is_empty()).then(|| model.remove(0))),
        Do::PopLast => assert_eq!(list.pop_last(), model.pop()),
        Do::Clear => {
            list.clear();
            model.clear();
        }
        Do::Extend(ids) => {
            list.extend(ids.iter().map(|id| row(*id, "e")));
            ids.iter().for_each(|id| put(model, usize::MAX, row(*id, "e")));
        }
        Do::Replace(ids) => {
            list.replace(ids.iter().map(|id| row(*id, "r")));
            model.clear();
            ids.iter().for_each(|id| put(model, usize::MAX, row(*id, "r")));
        }
        Do::Sync(rows) => {
            let rows: Vec<Row> = rows.iter().map(|(id, label)| row(*id, label)).collect();
            let ids: BTreeSet<u16> = rows.iter().map(|it| it.id).collect();
            match list.sync(rows.clone()) {
                Ok(()) => *model = rows,
                Err(error) => {
                    assert!(ids.len() < rows.len());
                    let Key::Int(id) = error.0 else { panic!("{error}") };
                    assert!(rows.iter().filter(|it| i64::from(it.id) == id).count() > 1);
                }
            }
        }
        Do::Send | Do::Fail(_) => {}
    }
}
