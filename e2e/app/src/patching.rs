//! State that a patch must keep, and state that it must remove.

use vivaz::prelude::*;

#[derive(LiveComponent, Clone, Default)]
#[live(name = "patching", template = "patching.html", open)]
pub(crate) struct Patching {
    ticks: u32,
    on: bool,
}

#[actions]
impl Patching {
    #[action]
    fn tick(&mut self) {
        self.ticks += 1;
    }

    #[action]
    fn switch(&mut self) {
        self.on = !self.on;
    }
}
