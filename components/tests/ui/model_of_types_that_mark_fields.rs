use std::collections::BTreeMap;
use vivaz_components::{List, LiveComponent, LiveState};

#[derive(LiveState, serde::Serialize, serde::Deserialize, Clone, Default)]
struct Item { id: u64, #[live(model)] text: String }

#[derive(LiveState, serde::Serialize, serde::Deserialize, Clone, Default)]
struct Plain { id: u64, text: String }

#[derive(LiveComponent, Clone)]
#[live(inline = "")]
struct Page {
    #[live(model)]
    plain: List<Plain>,
    #[live(model)]
    rows: Vec<Item>,
    #[live(model)]
    maybe: Option<Item>,
    #[live(model)]
    named: BTreeMap<String, Item>,
    #[live(model)]
    list: Option<List<Item>>,
}

#[derive(LiveState, serde::Serialize, serde::Deserialize, Clone, Default)]
struct Group {
    id: u64,
    #[live(model)]
    rows: Vec<Item>,
}

fn main() {}
