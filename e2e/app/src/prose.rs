//! Elements with `contenteditable` text.

use vivaz::prelude::*;

#[derive(LiveComponent, Clone)]
#[live(name = "prose", template = "prose.html", open)]
pub(crate) struct Prose {
    #[live(model, default = "<b>one</b>\ntwo\n".to_owned())]
    plain: String,
    #[live(model, default)]
    rich: String,
    #[live(model, default)]
    upper: String,
    #[live(model, default)]
    amount: Option<u64>,
    #[live(model, default)]
    later: String,
    #[live(model, default)]
    short: String,
    #[live(model, default)]
    rows: List<Row>,
    #[live(default)]
    ticks: u32,
    #[live(default)]
    edits: String,
    #[live(errors)]
    errors: Errors,
}

#[derive(LiveState, serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Row {
    id: u64,
    #[live(model)]
    text: String,
}

#[actions]
impl Prose {
    fn updated(&mut self, property: &str) {
        if property == "upper" {
            self.upper = self.upper.to_uppercase();
        }
        self.edits = format!("{} {property}", self.edits).trim().to_owned();
    }

    #[live(computed)]
    fn server(&self) -> String {
        let rows: Vec<&str> = self.rows.iter().map(|row| row.text.as_str()).collect();
        let amount = self.amount.map_or("none".to_owned(), |amount| amount.to_string());
        format!(
            "plain {:?} | rich {:?} | upper {:?} | amount {amount} | later {:?} | rows {rows:?} |",
            self.plain, self.rich, self.upper, self.later
        )
    }

    #[action]
    fn tick(&mut self) {
        self.ticks += 1;
    }

    #[action]
    fn set(&mut self, text: String) {
        self.plain.clone_from(&text);
        self.rich = text;
    }

    /// Moves the last row to the front.
    #[action]
    fn turn(&mut self) {
        if let Some(last) = self.rows.last().map(|row| row.id) {
            self.rows.move_to(last, 0);
        }
    }

    #[action]
    fn add(&mut self) {
        let id = self.rows.len() as u64 + 1;
        self.rows.insert(0, Row { id, text: format!("row {id}") });
    }
}
