use serde::{Deserialize, Serialize};
use vivaz_components::{LiveComponent, LiveState};

#[derive(LiveState, Clone, Serialize, Deserialize)]
struct Row {
    id: u32,
    sum: f64,
}

#[derive(LiveComponent, Clone)]
#[live(
    inline = r#"
        <live:totals label="{{ count }} rows" rows="rows"></live:totals>
        <live:totals label="Rows" rows="rwos"></live:totals>
    "#
)]
struct Report {
    count: u32,
    rows: Vec<Row>,
}

#[derive(LiveComponent, Clone)]
#[live(
    inline = r#"
        <live:totals lable="Rows" rows="rows"></live:totals>
        <live:totals label="Rows" rows="rows">more</live:totals>
    "#
)]
struct Misspelt {
    rows: Vec<Row>,
}

fn main() {}
