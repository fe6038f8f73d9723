use vivaz_components::LiveComponent;

#[derive(Clone, Default)]
struct Foreign;

#[derive(LiveComponent, Clone)]
#[live(inline = "")]
struct Page {
    foreign: Foreign,
}

fn main() {}
