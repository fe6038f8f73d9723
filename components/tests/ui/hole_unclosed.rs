use vivaz_components::LiveComponent;

#[derive(LiveComponent, Clone)]
#[live(inline = "<div><p>{{ count </p><b>x</b></div>")]
struct Page {
    count: u32,
}

fn main() {}
