//! Checkboxes of one list: static and dynamic values, texts, numbers and variants.

use serde::{Deserialize, Serialize};
use vivaz::prelude::*;

#[derive(LiveComponent, Clone)]
#[live(name = "groups", template = "groups.html", open)]
pub(crate) struct Groups {
    #[live(model, default = vec!["blue".to_owned(), "gone".to_owned()])]
    colors: Vec<String>,
    #[live(model, default)]
    picks: Vec<String>,
    #[live(model, default)]
    numbers: Vec<u64>,
    #[live(model, default)]
    sizes: Vec<Size>,
    #[live(model, default)]
    maybe: Option<Vec<String>>,
    #[live(model, default)]
    left: Vec<String>,
    #[live(model, default)]
    paused: Vec<String>,
    #[live(model, default)]
    agree: bool,
    #[live(model, default)]
    rows: List<Row>,
    #[live(default = ["one", "two", "three"].map(str::to_owned).to_vec())]
    offered: Vec<String>,
    #[live(default = vec![1, 9_007_199_254_740_993, 18_446_744_073_709_551_615])]
    amounts: Vec<u64>,
    #[live(default)]
    hides_green: bool,
    #[live(default)]
    posted: Vec<u32>,
    #[live(default)]
    ticks: u32,
    #[live(errors)]
    errors: Errors,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Copy, Debug, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Size {
    Small,
    Medium,
    Large,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Row {
    id: u64,
    #[live(model)]
    tags: Vec<String>,
}

#[actions]
impl Groups {
    #[action]
    fn start(&mut self) {
        self.rows = (1..=2).map(|id| Row { id, tags: Vec::new() }).collect();
    }

    #[live(computed)]
    fn server(&self) -> String {
        let rows = self.rows.iter().map(|row| row.tags.join(" ")).collect::<Vec<_>>().join("/");
        let numbers: Vec<String> = self.numbers.iter().map(u64::to_string).collect();
        format!(
            "colors {} | picks {} | numbers {} | sizes {:?} | maybe {:?} | left {} | paused {} | agree {} | rows {rows} |",
            self.colors.join(" "),
            self.picks.join(" "),
            numbers.join(" "),
            self.sizes,
            self.maybe,
            self.left.join(" "),
            self.paused.join(" "),
            self.agree,
        )
    }

    #[action]
    fn tick(&mut self) {
        self.ticks += 1;
    }

    #[action]
    fn set(&mut self, colors: Vec<String>) {
        self.colors.clone_from(&colors);
        self.picks = colors;
    }

    #[action]
    fn offer(&mut self, offered: Vec<String>) {
        self.offered = offered;
    }

    #[action]
    fn hide_green(&mut self, on: bool) {
        self.hides_green = on;
    }

    #[action]
    fn forget(&mut self) {
        self.maybe = None;
    }

    #[action]
    fn post(&mut self, numbers: Vec<u32>) {
        self.posted = numbers;
    }
}
