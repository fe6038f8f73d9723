//! What shows while something is under way.

use vivaz::prelude::*;

#[derive(LiveComponent, Clone, Default)]
#[live(name = "flight", template = "flight.html", open)]
pub(crate) struct Flight {
    #[live(model)]
    text: String,
    #[live(model)]
    note: String,
    locked: bool,
    done: u32,
}

#[actions]
impl Flight {
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
