//! Forms whose actions tests observe while they are pending.

use serde::{Deserialize, Serialize};
use vivaz::prelude::*;

#[derive(LiveComponent, Clone, Default)]
#[live(name = "pending", template = "pending.html", open)]
pub(crate) struct Pending {
    #[live(model)]
    name: String,
    #[live(model)]
    note: String,
    saved: String,
    heard: u32,
    slow: u32,
    left: u32,
    hidden: bool,
    rows: List<Row>,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) text: String,
}

#[actions]
impl Pending {
    #[action]
    fn save(&mut self, note: String) {
        self.saved = format!("{}/{note}", self.name);
        self.name.clear();
    }

    #[action]
    fn hear(&mut self, _text: String) {
        self.heard += 1;
    }

    #[action]
    fn slow(&mut self) {
        self.slow += 1;
    }

    #[action]
    fn leave(&mut self) {
        self.left += 1;
    }

    #[action]
    fn hide(&mut self) {
        self.hidden = true;
    }

    /// Rejects an empty name.
    #[action]
    fn push(&mut self, text: String) -> Result<()> {
        if text.is_empty() {
            return Err(ActionError::user("Nothing to add."));
        }
        self.rows.push(Row { id: format!("row-{}", self.rows.len()), text });
        Ok(())
    }
}
