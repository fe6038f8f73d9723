use std::collections::{BTreeMap, HashMap};

use vivaz_components::{LiveComponent, LiveState};

#[derive(LiveComponent, Clone)]
#[live(inline = "")]
struct Page {
    #[live(private, default)]
    grid: HashMap<(u32, u32), u8>,
    #[live(default, opaque)]
    nested: Vec<Option<BTreeMap<[u8; 2], u8>>>,
    #[live(skip)]
    not_saved: HashMap<(u32, u32), u8>,
    #[live(private, default)]
    by_text: HashMap<String, (u32, u32)>,
}

#[derive(LiveState, serde::Serialize, Clone)]
struct State {
    names: std::collections::HashMap<Vec<u8>, u8>,
    #[serde(skip)]
    skipped: HashMap<(u32, u32), u8>,
}

fn main() {}
