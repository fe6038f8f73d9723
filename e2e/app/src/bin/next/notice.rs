//! The component after a deploy: another template, and an action with more effects.

use vivaz::prelude::*;

#[derive(LiveComponent, Clone, Default)]
#[live(name = "notice", template = "notice.html", open)]
pub(crate) struct Notice {
    #[live(model)]
    draft: String,
    count: u32,
}

#[actions]
impl Notice {
    #[action]
    fn add(&mut self) {
        self.count += 10;
    }
}
