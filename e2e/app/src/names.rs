//! Controls whose names come from the state, and may hide a property of their form.

use std::collections::BTreeMap;

use vivaz::prelude::*;

#[derive(LiveComponent, Clone, Default)]
#[live(name = "names", template = "names.html", open)]
pub(crate) struct Names {
    #[live(default)]
    names: Vec<String>,
    #[live(default = vec![1, 2])]
    rows: Vec<u32>,
    #[live(default)]
    steps: u32,
    #[live(model, default)]
    text: String,
    #[live(default)]
    sent: BTreeMap<String, String>,
}

#[actions]
impl Names {
    #[action]
    fn take(&mut self, names: Vec<String>) {
        self.names = names;
    }

    /// Changes all values of the form and moves it.
    #[action]
    fn step(&mut self) {
        self.steps += 1;
        self.rows.reverse();
    }

    #[action]
    fn remove(&mut self, row: u32) {
        self.rows.retain(|other| *other != row);
    }

    #[action]
    fn save(&mut self, form: BTreeMap<String, String>) {
        self.sent = form;
        self.text.clear();
    }
}
