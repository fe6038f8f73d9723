//! A list of 100 rows, whose changes are measured in bytes.

use serde::{Deserialize, Serialize};
use vivaz::prelude::*;

#[derive(LiveComponent, Clone, Default)]
#[live(
    name = "hundred",
    inline = "<ul><li live:for=\"r in rows\" live:key=\"r.id\">{{ r.label }}</li></ul>",
    open
)]
struct Hundred {
    rows: List<HundredRow>,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct HundredRow {
    id: u64,
    label: String,
}

impl HundredRow {
    fn new(id: u64) -> Self {
        Self { id, label: format!("row {id}") }
    }
}

#[actions]
impl Hundred {
    #[action]
    fn create(&mut self) {
        self.rows.replace((1..=100).map(HundredRow::new));
    }

    #[action]
    fn update_one(&mut self) {
        self.rows.update(50, |row| "another label".clone_into(&mut row.label));
    }

    #[action]
    fn append(&mut self) {
        self.rows.push(HundredRow::new(101));
    }

    #[action]
    fn prepend(&mut self) {
        self.rows.prepend(HundredRow::new(102));
    }

    #[action]
    fn swap(&mut self) {
        self.rows.swap(1, 98);
    }
}
