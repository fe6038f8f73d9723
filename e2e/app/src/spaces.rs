//! White space between elements on separate lines.

use vivaz::prelude::*;

#[derive(LiveComponent, Clone)]
#[live(name = "spaces", template = "spaces.html", open)]
pub(crate) struct Spaces {
    shown: bool,
}

#[actions]
impl Spaces {
    async fn mount(_props: SpacesProps, _cx: &mut MountContext) -> Result<Self> {
        Ok(Self { shown: true })
    }

    #[action]
    fn toggle(&mut self) {
        self.shown = !self.shown;
    }
}
