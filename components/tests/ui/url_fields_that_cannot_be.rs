//! Fields that cannot be bound to the URL.

use serde::{Deserialize, Serialize};
use vivaz_components::{Async, Errors, List, LiveComponent, LiveState};

#[derive(LiveComponent, Clone)]
#[live(inline = "<p></p>", crate = "vivaz_components")]
struct Marks {
    #[live(url, private)]
    private: u32,
    #[live(url, skip)]
    skipped: u32,
    #[live(url, prop)]
    given: u32,
    #[live(url, errors)]
    errors: Errors,
    #[live(url)]
    loaded: Async<u32>,
    #[live(url)]
    page: u32,
    #[live(url = "page")]
    other: u32,
    #[live(url = "a page")]
    spaced: u32,
    #[live(url(nam = "x"))]
    misspelt: u32,
}

#[derive(LiveState, Serialize, Deserialize, Clone)]
#[live(crate = "vivaz_components")]
struct Row {
    id: u32,
}

#[derive(Serialize, Deserialize, Clone)]
struct NoDefault(u32);

#[derive(LiveComponent, Clone)]
#[live(inline = "<p></p>", crate = "vivaz_components")]
struct Types {
    #[live(url)]
    rows: List<Row>,
    #[live(url)]
    nested: Option<Vec<u32>>,
    #[live(url)]
    row: Option<Row>,
    #[live(url)]
    without: NoDefault,
}

fn main() {}
