use vivaz_components::{LiveComponent};

#[derive(LiveComponent, Clone)]
#[live(template = "nowhere.html")]
struct Page {
    count: u32,
}

fn main() {}
