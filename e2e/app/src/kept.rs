//! Controls of each kind in and outside of rows, nested rows and children, on a page that reloads
//! after its list has changed.

use std::sync::Mutex;

use serde::{Deserialize, Serialize};
use vivaz::prelude::*;

/// The ids of the rows that components mounted from now on have.
static ROWS: Mutex<Vec<u64>> = Mutex::new(Vec::new());

/// Sets the rows of the components that are mounted from now on, from their ids with spaces between
/// them.
pub(crate) async fn set_rows(ids: String) {
    let rows = ids.split(' ').filter_map(|id| id.parse().ok()).collect();
    *ROWS.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = rows;
}

#[derive(LiveComponent, Clone, Default)]
#[live(name = "kept", template = "kept.html", open, children(KeptNote))]
pub(crate) struct Kept {
    #[live(model)]
    rows: List<Entry>,
    #[live(model)]
    search: String,
    #[live(model)]
    after: String,
}

#[derive(LiveState, Serialize, Deserialize, Clone)]
pub(crate) struct Entry {
    id: u64,
    shown: String,
    #[live(model)]
    note: String,
    #[live(model)]
    kind: String,
    #[live(model)]
    done: bool,
    #[live(model)]
    prose: String,
    #[live(model)]
    parts: List<Part>,
}

#[derive(LiveState, Serialize, Deserialize, Clone)]
pub(crate) struct Part {
    id: u64,
    #[live(model)]
    text: String,
}

impl Entry {
    fn new(id: u64) -> Self {
        let parts = [1, 2].map(|id| Part { id, text: String::new() });
        Self {
            id,
            shown: String::new(),
            note: String::new(),
            kind: "a".to_owned(),
            done: false,
            prose: String::new(),
            parts: parts.into_iter().collect(),
        }
    }
}

#[actions]
impl Kept {
    fn mount(_props: KeptProps) -> Self {
        let rows = ROWS.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        let rows = if rows.is_empty() { (1..=5).collect() } else { rows };
        Self { rows: rows.into_iter().map(Entry::new).collect(), ..Self::default() }
    }

    /// A search removes the rows that do not contain the text in their id.
    fn updated(&mut self, path: &FieldPath) {
        if path.field() == "search" {
            let search = self.search.clone();
            self.rows.retain(|row| row.id.to_string().contains(&search));
        }
    }

    #[action]
    fn append(&mut self) {
        let id = self.rows.iter().map(|row| row.id).max().unwrap_or(0) + 1;
        self.rows.push(Entry::new(id));
    }

    #[action]
    fn top(&mut self, id: u64) {
        self.rows.move_to(id, 0);
    }

    #[action]
    fn remove(&mut self, id: u64) {
        self.rows.remove(id);
    }
}

#[derive(LiveComponent, Clone, Default)]
#[live(name = "kept-note", template = "kept-note.html", open)]
pub(crate) struct KeptNote {
    #[live(prop)]
    row: u64,
    #[live(model)]
    inner: String,
}

#[actions]
impl KeptNote {}
