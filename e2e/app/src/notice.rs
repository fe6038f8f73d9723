//! A component that a deploy changes; its next version is in `bin/next`.

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
        self.count += 1;
    }
}
