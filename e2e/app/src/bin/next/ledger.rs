//! The components after a deploy: an entry has an amount, and there is only one mood.

use serde::{Deserialize, Serialize};
use vivaz::prelude::*;

#[derive(LiveState, Serialize, Deserialize, Clone)]
pub(crate) struct Entry {
    id: usize,
    label: String,
    amount: usize,
}

#[derive(LiveState, Serialize, Deserialize, Clone)]
pub(crate) enum Mood {
    Plain,
}

#[derive(LiveComponent, Clone)]
#[live(name = "ledger", template = "ledger.html", open, durable)]
pub(crate) struct Ledger {
    entries: List<Entry>,
    mood: Mood,
}

#[actions]
impl Ledger {
    fn mount(_props: LedgerProps) -> Self {
        Self { entries: List::default(), mood: Mood::Plain }
    }

    fn migrate(saved: &vivaz::Saved<'_>) -> Result<Self> {
        #[derive(Deserialize)]
        struct Old {
            id: usize,
            label: String,
        }
        let entries: Vec<Old> = saved.take("entries")?;
        let entries = entries.into_iter().map(|Old { id, label }| Entry { id, label, amount: id * 100 });
        Ok(Self { entries: entries.collect(), mood: Mood::Plain })
    }

    #[action]
    fn add(&mut self) {
        let id = self.entries.len() + 1;
        self.entries.push(Entry { id, label: format!("entry {id}"), amount: 7 });
    }
}

#[derive(LiveComponent, Clone)]
#[live(name = "pinned", template = "pinned.html", open, durable)]
pub(crate) struct Pinned {
    #[live(default)]
    count: u32,
    #[live(default)]
    entries: Vec<Entry>,
}

#[actions]
impl Pinned {
    #[action]
    fn add(&mut self) {
        self.count += 1;
    }
}
