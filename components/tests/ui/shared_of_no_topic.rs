use vivaz_components::{LiveComponent, LiveState, Shared};

#[derive(LiveState, serde::Serialize, serde::Deserialize, Clone, Default)]
struct Room { name: String }

#[derive(LiveComponent, Clone)]
#[live(inline = "<p>{{ room.name }}</p>")]
struct Page {
    #[live(shared = "room/main")]
    room: Shared<Room>,
}

fn main() {}
