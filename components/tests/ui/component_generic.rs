use vivaz_components::LiveComponent;

#[derive(LiveComponent, Clone)]
#[live(inline = "")]
struct Page<T> {
    a: T,
}

fn main() {}
