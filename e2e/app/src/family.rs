//! A component inside another one: it receives props, and its errors do not affect the parent.

use vivaz::prelude::*;

#[derive(LiveComponent, Clone, Default)]
#[live(name = "family", template = "family.html", open)]
pub(crate) struct Family {
    start: u32,
    shown: bool,
}

#[actions]
impl Family {
    #[action]
    fn raise(&mut self) {
        self.start += 10;
    }

    #[action]
    fn toggle(&mut self) {
        self.shown = !self.shown;
    }
}

#[derive(LiveComponent, Clone, Default)]
#[live(name = "child", template = "child.html", open)]
pub(crate) struct Child {
    #[live(prop, default)]
    start: u32,
    count: u32,
}

#[actions]
impl Child {
    #[action]
    fn add(&mut self) {
        self.count += 1;
    }

    #[action]
    #[expect(clippy::panic, reason = "the test needs a panic")]
    fn explode(&mut self) {
        panic!("on purpose");
    }
}
