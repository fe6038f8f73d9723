use std::time::Instant;

use vivaz_components::{List, LiveComponent, LiveState};

#[derive(Clone, Default)]
struct Address { city: String }

#[derive(LiveState, serde::Serialize, serde::Deserialize, Clone, Default)]
struct Row { id: u32 }

#[derive(LiveComponent, Clone)]
#[live(inline = "<p>{{ count }}</p>")]
struct Page {
    count: u32,
    #[live(private)]
    address: Address,
    #[live(private, default = Instant::now())]
    since: Instant,
    #[live(skip, default = Instant::now())]
    skipped: Instant,
    #[live(private)]
    addresses: Vec<Option<Address>>,
    #[live(private)]
    rows: List<Row>,
}

fn main() {}
