//! Elements with state of their own: a modal dialog, a scrolled element, an image, a shadow tree.

use vivaz::prelude::*;

use crate::events::Entry;

#[derive(LiveComponent, Clone, Default)]
#[live(name = "elements", template = "elements.html", open)]
pub(crate) struct Elements {
    #[live(model)]
    inside: String,
    ticks: u32,
    /// The address of the picture, when it is to be shown.
    picture: Option<String>,
    chips: u32,
    log: List<Entry>,
}

#[actions]
impl Elements {
    #[action]
    fn note(&mut self, text: String) {
        self.log.push(Entry { id: self.log.len(), text });
    }

    #[action]
    fn tick(&mut self) {
        self.ticks += 1;
    }

    /// A picture of one pixel.
    #[action]
    fn show(&mut self) {
        self.picture =
            Some("data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7".into());
    }

    #[action]
    fn add_chip(&mut self) {
        self.chips += 1;
    }
}
