use vivaz_components::{List, LiveComponent, LiveState};

#[derive(LiveState, serde::Serialize, serde::Deserialize, Clone, Default)]
struct Row { name: String }

#[derive(LiveComponent, Clone)]
#[live(inline = "<p live:for='row in rows' live:key='row.name'>{{ row.name }}</p>")]
struct Page {
    rows: List<Row>,
}

fn main() {}
