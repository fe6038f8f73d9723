//! A form, a list and texts, into which other scripts insert elements.

use serde::{Deserialize, Serialize};
use vivaz::prelude::*;

#[derive(LiveComponent, Clone)]
#[live(name = "foreign", template = "foreign.html", open)]
pub(crate) struct Foreign {
    #[live(model, default)]
    name: String,
    #[live(model, default)]
    secret: String,
    #[live(default)]
    ticks: u32,
    #[live(default)]
    entered: String,
    #[live(default = Row::first())]
    rows: List<Row>,
}

#[derive(LiveState, Serialize, Deserialize, Clone, PartialEq, Debug)]
struct Row {
    id: u32,
    touched: u32,
}

impl Row {
    fn first() -> List<Self> {
        (1..=4).map(|id| Self { id, touched: 0 }).collect()
    }
}

#[actions]
impl Foreign {
    #[action]
    fn tick(&mut self) {
        self.ticks += 1;
    }

    #[action]
    fn enter(&mut self) {
        self.entered = format!("{}/{}", self.name, self.secret);
    }

    #[action]
    fn add(&mut self) {
        let id = self.rows.iter().map(|row| row.id).max().unwrap_or(0) + 1;
        self.rows.push(Row { id, touched: 0 });
    }

    /// Moves the last row to the front.
    #[action]
    fn rotate(&mut self) {
        if let Some(last) = self.rows.last().map(|row| row.id) {
            self.rows.move_to(last, 0);
        }
    }

    #[action]
    fn remove(&mut self, id: u32) {
        self.rows.remove(id);
    }

    #[action]
    fn touch(&mut self, id: u32) {
        self.rows.update(id, |row| row.touched += 1);
    }
}
