//! Controls without a model field: they are bound to state, and their input is sent with an action.

use serde::{Deserialize, Serialize};
use vivaz::prelude::*;

#[derive(LiveComponent, Clone, Default)]
#[live(name = "bound", template = "bound.html", open)]
pub(crate) struct Bound {
    rows: List<Row>,
    plain: String,
    choice: String,
    ticked: bool,
    note: String,
    saved: String,
    touches: u32,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Debug, Default)]
pub(crate) struct Row {
    id: u32,
    text: String,
}

#[actions]
impl Bound {
    fn mount(_props: BoundProps) -> Self {
        let rows = (1..=3).map(|id| Row { id, text: String::new() });
        Self { rows: rows.collect(), choice: "b".into(), ..Self::default() }
    }

    /// A row's text, without the letter `x`.
    #[action]
    fn set(&mut self, id: u32, text: String) {
        self.rows.update(id, |row| row.text = text.replace('x', ""));
    }

    #[action]
    fn set_plain(&mut self, text: String) {
        self.plain = text.to_uppercase();
    }

    #[action]
    fn choose(&mut self, choice: String) {
        // `c` cannot be selected.
        if choice != "c" {
            self.choice = choice;
        }
    }

    #[action]
    fn tick(&mut self, on: bool) {
        // Once checked, the box stays checked.
        self.ticked |= on;
    }

    #[action]
    fn save(&mut self, note: String) -> Result<(), ActionError> {
        if note == "bad" {
            return Err(ActionError::user("That note is not taken."));
        }
        self.saved = note;
        Ok(())
    }

    #[action]
    fn touch(&mut self) {
        self.touches += 1;
    }

    #[action]
    fn clear(&mut self) {
        self.plain.clear();
        self.note.clear();
    }

    #[action]
    fn suggest(&mut self) {
        self.note = "suggested".into();
    }

    #[action]
    fn turn(&mut self) {
        self.rows.reverse();
    }
}
