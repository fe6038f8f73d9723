use vivaz_components::LiveComponent;

#[derive(LiveComponent, Clone)]
struct FrontPage {
    count: u32,
}

fn main() {}
