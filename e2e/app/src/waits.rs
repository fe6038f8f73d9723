//! What a page shows while it waits, what it asks, and what it polls.

use serde::{Deserialize, Serialize};
use vivaz::prelude::*;

#[derive(LiveComponent, Clone)]
#[live(name = "waits", template = "waits.html", open)]
pub(crate) struct Waits {
    log: String,
    polled: u32,
    looked: u32,
    shown: bool,
    #[live(model)]
    draft: String,
    items: List<Item>,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Item {
    id: u32,
    name: String,
}

#[actions]
impl Waits {
    fn mount(_props: WaitsProps) -> Self {
        let items = ["Ann", "Ben", "<b>"].into_iter().enumerate();
        let items = items.map(|(id, name)| Item { id: id as u32, name: name.to_owned() });
        Self {
            log: String::new(),
            polled: 0,
            looked: 0,
            shown: true,
            draft: String::new(),
            items: items.collect(),
        }
    }

    fn note(&mut self, text: &str) {
        if !self.log.is_empty() {
            self.log.push(' ');
        }
        self.log.push_str(text);
    }

    fn updated(&mut self, _property: &str) {
        self.note("edited");
    }

    #[action]
    fn save(&mut self) {
        self.note("save");
    }

    #[action]
    fn rename(&mut self, name: String) {
        self.note(&name);
    }

    #[action]
    fn show(&mut self) {
        self.shown = !self.shown;
    }

    #[action]
    fn remove(&mut self, id: u32) {
        self.items.remove(id);
        self.note(&format!("-{id}"));
    }

    #[action]
    fn rename_all(&mut self) {
        self.items.update_all(|item| item.name.push('!'));
    }

    #[action]
    fn empty(&mut self) {
        self.items.clear();
    }

    #[action]
    fn submit(&mut self, text: String, how: String) {
        self.note(&format!("{text}/{how}"));
    }

    #[action]
    fn refresh(&mut self) {
        self.polled += 1;
    }

    #[action]
    fn look(&mut self) {
        self.looked += 1;
    }
}
