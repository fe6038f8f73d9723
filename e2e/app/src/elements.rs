//! Elements with a life of their own: a modal dialog, one that scrolls, one that loads, one with a
//! shadow tree.

use vivaz::prelude::*;

use crate::events::Entry;

#[derive(LiveComponent, Clone, Default)]
#[live(name = "elements", template = "elements.html", open)]
pub(crate) struct Elements {
    #[live(model)]
    inside: String,
    ticks: u32,
    /// Where the picture is, once it is to be shown.
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

    /// A picture of one point.
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
