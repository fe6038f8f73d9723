//! State that is shown while a request is pending.

use vivaz::prelude::*;

#[derive(LiveComponent, Clone, Default)]
#[live(name = "flight", template = "flight.html", open)]
pub(crate) struct Flight {
    #[live(model)]
    text: String,
    #[live(model)]
    note: String,
    /// The server's value of `note`: the page shows its own edits before they are sent.
    noted: String,
    locked: bool,
    done: u32,
}

#[actions]
impl Flight {
    fn updated(&mut self, property: &str) {
        if property == "note" {
            self.noted.clone_from(&self.note);
        }
    }

    #[action]
    fn lock(&mut self, on: bool) {
        self.locked = on;
    }

    #[action]
    fn stamp(&mut self) {
        self.text = "server".into();
    }

    #[action]
    fn count(&mut self) {
        self.done += 1;
    }
}
