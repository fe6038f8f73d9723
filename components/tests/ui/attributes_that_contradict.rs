use vivaz_components::LiveComponent;

#[derive(LiveComponent, Clone)]
#[live(inline = "")]
struct Page {
    #[live(private, model)]
    a: String,
    #[live(private, skip)]
    b: String,
}

fn main() {}
