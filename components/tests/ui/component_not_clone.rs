use vivaz_components::LiveComponent;

#[derive(LiveComponent)]
#[live(inline = "")]
struct Page {
    count: u32,
}

fn main() {}
