use vivaz_components::{Async, LiveComponent, LiveState};

#[derive(LiveComponent, Clone)]
#[live(inline = "")]
struct Page {
    #[live(prop)]
    given: Async<u32>,
    #[live(model)]
    written: Async<u32>,
    #[live(skip)]
    skipped: Async<u32>,
}

#[derive(LiveState, Clone)]
struct Room {
    report: Async<u32>,
}

fn main() {}
