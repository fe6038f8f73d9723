//! Buttons that are disabled while they are pressed.

use vivaz::prelude::*;

#[derive(LiveComponent, Clone, Default)]
#[live(name = "press", template = "press.html", open)]
pub(crate) struct Press {
    checks: u32,
    saves: u32,
    locked: bool,
}

#[actions]
impl Press {
    #[action]
    fn check(&mut self) {
        self.checks += 1;
    }

    #[action]
    fn lock(&mut self) {
        self.locked = true;
    }

    #[action]
    fn unlock(&mut self) {
        self.locked = false;
    }

    #[action]
    fn save(&mut self) {
        self.saves += 1;
    }
}
