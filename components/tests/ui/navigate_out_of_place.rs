use vivaz_components::{LiveComponent, actions};

#[derive(LiveComponent, Clone)]
#[live(template = "navigate_out_of_place.html")]
struct Page {
    count: u32,
}

#[actions]
impl Page {}

fn main() {}
