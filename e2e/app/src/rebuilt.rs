//! Text that is typed while the view is rebuilt: rows with model fields, rows with bound values,
//! rows without either, and a child.

use serde::{Deserialize, Serialize};
use vivaz::prelude::*;

#[derive(LiveComponent, Clone, Default)]
#[live(name = "rebuilt", template = "rebuilt.html", open, children(Inner))]
pub(crate) struct Rebuilt {
    #[live(model)]
    items: List<Item>,
    #[live(model)]
    prose: String,
    #[live(model)]
    late: String,
    note: String,
    marked: String,
    swapped: bool,
    ticks: u32,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Item {
    id: u64,
    #[live(model)]
    text: String,
}

#[actions]
impl Rebuilt {
    fn mount(_props: RebuiltProps) -> Self {
        // A double cannot represent this integer.
        let items = [1, 2, 9_007_199_254_740_993].map(|id| Item { id, text: String::new() });
        Self { items: items.into_iter().collect(), ..Self::default() }
    }

    #[action]
    fn tick(&mut self) {
        self.ticks += 1;
    }

    /// Moves the last row to the front.
    #[action]
    fn turn(&mut self) {
        self.ticks += 1;
        if let Some(last) = self.items.last().map(|item| item.id) {
            self.items.move_to(last, 0);
        }
    }

    /// Removes the first row.
    #[action]
    fn shift(&mut self) {
        self.ticks += 1;
        if let Some(first) = self.items.first().map(|item| item.id) {
            self.items.remove(first);
        }
    }

    #[action]
    fn mark(&mut self, id: u64) {
        self.marked.push_str(&format!(" {id}"));
    }

    #[action]
    fn swap(&mut self) {
        self.ticks += 1;
        self.swapped = !self.swapped;
    }
}

#[derive(LiveComponent, Clone, Default)]
#[live(name = "inner", template = "inner.html", open)]
pub(crate) struct Inner {
    inner: u32,
}

#[actions]
impl Inner {}
