//! Browser events of every kind, and events from the server.

use serde::{Deserialize, Serialize};
use vivaz::prelude::*;

#[derive(LiveComponent, Clone, Default)]
#[live(name = "events", template = "events.html", open)]
pub(crate) struct Events {
    log: List<Entry>,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) id: usize,
    pub(crate) text: String,
}

#[actions]
impl Events {
    #[action]
    fn note(&mut self, text: String) {
        self.log.push(Entry { id: self.log.len(), text });
    }

    #[action]
    fn ring(&mut self, cx: &mut Context) -> Result<()> {
        cx.emit("bell", "ding")
    }
}
