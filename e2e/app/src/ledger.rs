//! Durable components whose nested types a deploy changes; the new types are in `bin/next`.

use serde::{Deserialize, Serialize};
use vivaz::prelude::*;

#[derive(LiveState, Serialize, Deserialize, Clone)]
pub(crate) struct Entry {
    id: usize,
    label: String,
}

#[derive(LiveState, Serialize, Deserialize, Clone)]
pub(crate) enum Mood {
    Plain,
    Loud,
}

/// Its next version has `migrate`.
#[derive(LiveComponent, Clone)]
#[live(name = "ledger", template = "ledger.html", open, durable)]
pub(crate) struct Ledger {
    entries: List<Entry>,
    mood: Mood,
}

#[actions]
impl Ledger {
    fn mount(_props: LedgerProps) -> Self {
        let mut this = Self { entries: List::default(), mood: Mood::Loud };
        this.add();
        this
    }

    #[action]
    fn add(&mut self) {
        let id = self.entries.len() + 1;
        self.entries.push(Entry { id, label: format!("entry {id}") });
    }

    #[action]
    fn hush(&mut self) {
        self.mood = Mood::Plain;
    }
}

/// Its next version cannot read the saved state of this one.
#[derive(LiveComponent, Clone)]
#[live(name = "pinned", template = "pinned.html", open, durable)]
pub(crate) struct Pinned {
    #[live(default)]
    count: u32,
    #[live(default = vec![Entry { id: 1, label: "pinned".to_owned() }])]
    entries: Vec<Entry>,
}

#[actions]
impl Pinned {
    #[action]
    fn add(&mut self) {
        self.count += 1;
    }
}
