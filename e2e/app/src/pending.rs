//! Forms whose actions take their time.

use std::time::Duration;

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

async fn pause() {
    tokio::time::sleep(Duration::from_millis(500)).await;
}

#[actions]
impl Pending {
    #[action]
    async fn save(&mut self, note: String) {
        pause().await;
        self.saved = format!("{}/{note}", self.name);
        self.name.clear();
    }

    #[action]
    async fn hear(&mut self, _text: String) {
        pause().await;
        self.heard += 1;
    }

    #[action]
    async fn slow(&mut self) {
        pause().await;
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

    /// Refuses what is called nothing.
    #[action]
    async fn push(&mut self, text: String) -> Result<()> {
        pause().await;
        if text.is_empty() {
            return Err(ActionError::user("Nothing to add."));
        }
        self.rows.push(Row { id: format!("row-{}", self.rows.len()), text });
        Ok(())
    }
}
