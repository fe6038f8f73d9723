use vivaz_components::LiveComponent;

#[derive(LiveComponent, Clone)]
#[live(inline = "<p>x</p>")]
struct Page {
    #[live(shared = "room/main")]
    room: String,
}

fn main() {}
