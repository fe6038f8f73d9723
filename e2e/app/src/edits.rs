//! Fields that are two-way without `live:model`: each input calls an action.

use serde::{Deserialize, Serialize};
use vivaz::prelude::*;

#[derive(LiveComponent, Clone)]
#[live(name = "edits", template = "edits.html", open)]
pub(crate) struct Edits {
    text: String,
    sent: String,
    rows: List<Row>,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Row {
    id: u32,
    text: String,
}

#[actions]
impl Edits {
    async fn mount(_props: EditsProps, _cx: &mut MountContext) -> Result<Self> {
        let rows = (1..=3).map(|id| Row { id, text: String::new() }).collect();
        Ok(Self { text: String::new(), sent: String::new(), rows })
    }

    #[action]
    fn set(&mut self, text: String) {
        self.text = text;
    }

    #[action]
    fn set_row(&mut self, id: u32, text: String) {
        self.rows.update(id, |row| row.text = text);
    }

    #[action]
    fn send(&mut self, text: String) {
        self.sent = text;
    }
}
