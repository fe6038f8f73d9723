//! A child whose template is the first to require a module.

use vivaz::prelude::*;

#[derive(LiveComponent, Clone)]
#[live(name = "late", template = "late.html", open, children(Colored))]
pub(crate) struct Late {
    #[live(default)]
    shown: bool,
    #[live(default = "rgb(1, 2, 3)".to_owned())]
    color: String,
}

#[actions]
impl Late {
    #[action]
    fn show(&mut self) {
        self.shown = !self.shown;
    }
}

#[derive(LiveComponent, Clone)]
#[live(name = "colored", template = "colored.html", open)]
pub(crate) struct Colored {
    #[live(prop, default)]
    color: String,
}

#[actions]
impl Colored {}
