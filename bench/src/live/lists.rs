//! Components with rows of their own.

use serde::{Deserialize, Serialize};
use vivaz::prelude::*;

/// The number of rows of each viewer.
pub(crate) const ROWS: u64 = 1_000;

#[derive(LiveState, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub(super) id: u64,
    pub(super) label: String,
}

pub(super) fn rows(ids: impl Iterator<Item = u64>) -> impl Iterator<Item = Row> {
    ids.map(|id| Row { id, label: format!("row {id}") })
}

/// A list whose length the load chooses.
#[derive(LiveComponent, Clone, Default)]
#[live(
    name = "rows",
    inline = "<ul><li live:for=\"r in rows\" live:key=\"r.id\">{{ r.label }}</li></ul>",
    open
)]
struct Rows {
    rows: List<Row>,
    #[live(private)]
    last: u64,
}

#[actions]
impl Rows {
    /// Replaces the list by `n` new rows. This is preparation and not measured.
    #[action]
    fn create(&mut self, n: u64) {
        let fresh = rows(self.fresh(n));
        self.rows.replace(fresh);
    }

    #[action]
    fn append(&mut self, n: u64) {
        let fresh = rows(self.fresh(n));
        self.rows.extend(fresh);
    }

    #[action]
    fn swap(&mut self, one: usize, other: usize) {
        self.rows.swap(one, other);
    }

    #[action]
    fn remove(&mut self, id: u64) {
        self.rows.remove(id);
    }

    fn fresh(&mut self, n: u64) -> std::ops::RangeInclusive<u64> {
        let first = self.last + 1;
        self.last += n;
        first..=self.last
    }
}

/// A viewer with a `List` of its own.
#[derive(LiveComponent, Clone)]
#[live(
    name = "listed",
    inline = "<ul><li live:for=\"r in rows\" live:key=\"r.id\">{{ r.label }}</li></ul>",
    open
)]
struct Listed {
    rows: List<Row>,
}

#[actions]
impl Listed {
    fn mount(_props: ListedProps, _cx: &mut MountContext) -> Self {
        Self { rows: rows(1..=ROWS).collect() }
    }

    #[action]
    fn rename(&mut self, id: u64) {
        self.rows.update(id, |row| row.label.push('!'));
    }
}

/// A viewer with the same rows in a `Vec`.
#[derive(LiveComponent, Clone)]
#[live(
    name = "plain",
    inline = "<ul><li live:for=\"r in rows\" live:key=\"r.id\">{{ r.label }}</li></ul>",
    open
)]
struct Plain {
    rows: Vec<Row>,
}

#[actions]
impl Plain {
    fn mount(_props: PlainProps, _cx: &mut MountContext) -> Self {
        Self { rows: rows(1..=ROWS).collect() }
    }

    #[action]
    fn rename(&mut self, id: u64) {
        self.rows.iter_mut().filter(|row| row.id == id).for_each(|row| row.label.push('!'));
    }
}
