//! Many rows for measurements. They belong to the component, and only their changes are sent.

use serde::{Deserialize, Serialize};
use vivaz::prelude::*;

/// Maximum number of rows, of one call and in total.
const MAX_ROWS: usize = 20_000;
/// Maximum number of rows that a URL creates, because each request renders them.
const MAX_ROWS_OF_URL: usize = 1_000;

#[derive(LiveComponent, Clone, Default)]
#[live(name = "rows", template = "rows.html", open)]
pub(crate) struct Rows {
    rows: List<Row>,
    #[live(url)]
    selected: Option<u64>,
    /// How many rows the last call of `create` made.
    #[live(url = "rows")]
    created: usize,
    /// The value of `created` that the rows are of.
    #[live(private)]
    shown: usize,
    #[live(private)]
    last_id: u64,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) id: u64,
    pub(crate) label: String,
}

#[actions]
impl Rows {
    /// Shows the rows of the URL, and no selection of a row that is not there.
    fn params(&mut self) -> Result<()> {
        if self.created != self.shown {
            self.replace(self.created.min(MAX_ROWS_OF_URL))?;
        }
        self.selected = self.selected.filter(|id| self.rows.contains(*id));
        Ok(())
    }

    #[action]
    fn create(&mut self, n: usize) -> Result<()> {
        self.replace(n)?;
        self.selected = None;
        Ok(())
    }

    #[action]
    fn append(&mut self, n: usize) -> Result<()> {
        let rows = self.fresh(n, self.rows.len())?;
        self.rows.extend(rows);
        Ok(())
    }

    #[action]
    fn prepend(&mut self, n: usize) -> Result<()> {
        let rows = self.fresh(n, self.rows.len())?;
        for (position, row) in rows.into_iter().enumerate() {
            self.rows.insert(position, row);
        }
        Ok(())
    }

    #[action]
    fn update_every(&mut self, k: usize) {
        for position in (0..self.rows.len()).step_by(k.max(1)) {
            self.rows.update_at(position, |row| row.label.push_str(" !!!"));
        }
    }

    #[action]
    fn update_one(&mut self, id: u64) {
        self.rows.update(id, |row| row.label.push_str(" !!!"));
    }

    #[action]
    fn select(&mut self, id: u64) {
        self.selected = self.rows.contains(id).then_some(id);
    }

    /// Swaps the second row with the last but one.
    #[action]
    fn swap(&mut self) {
        if let Some(last_but_one) = self.rows.len().checked_sub(2) {
            self.rows.swap(1, last_but_one);
        }
    }

    #[action]
    fn reverse(&mut self) {
        self.rows.reverse();
    }

    #[action]
    fn remove(&mut self, id: u64) {
        self.rows.remove(id);
        if self.selected == Some(id) {
            self.selected = None;
        }
    }

    #[action]
    fn clear(&mut self) {
        self.rows.clear();
        self.selected = None;
        (self.created, self.shown) = (0, 0);
    }

    fn replace(&mut self, n: usize) -> Result<()> {
        let rows = self.fresh(n, 0)?;
        self.rows.replace(rows);
        (self.created, self.shown) = (n, n);
        Ok(())
    }

    /// Creates `n` new rows in addition to the remaining ones.
    fn fresh(&mut self, n: usize, stay: usize) -> Result<Vec<Row>> {
        if n.saturating_add(stay) > MAX_ROWS {
            return Err(Errors::of("n", "There are at most 20,000 rows.").into());
        }
        let first = self.last_id + 1;
        self.last_id += n as u64;
        Ok((first..=self.last_id).map(|id| Row { id, label: label(id) }).collect())
    }
}

/// Returns three words that depend only on the id, so that runs can be compared.
fn label(id: u64) -> String {
    const SIZES: [&str; 7] = ["small", "large", "tall", "short", "round", "long", "tiny"];
    const COLOURS: [&str; 11] =
        ["red", "yellow", "blue", "green", "pink", "brown", "purple", "white", "black", "orange", "grey"];
    const THINGS: [&str; 13] = [
        "table", "chair", "house", "desk", "car", "pony", "cookie", "sandwich", "burger", "pizza", "mouse",
        "keyboard", "lamp",
    ];
    let pick = |words: &[&'static str]| words.iter().cycle().nth((id % words.len() as u64) as usize).copied();
    [pick(&SIZES), pick(&COLOURS), pick(&THINGS)].into_iter().flatten().collect::<Vec<_>>().join(" ")
}
