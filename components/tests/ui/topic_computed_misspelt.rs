use vivaz_components::{Identity, LiveComponent, LiveState, Result, Shared, Topic, TopicContext, actions};

#[derive(LiveState, serde::Serialize, Clone)]
struct Room {
    users: Vec<String>,
}

#[actions]
impl Room {
    #[live(computed)]
    fn online(&self) -> usize {
        self.users.len()
    }
}

impl Topic for Room {
    type Key = String;
    async fn load(_: &String, _: &TopicContext) -> Result<Self> {
        todo!()
    }
    async fn authorize(_: &String, _: &Identity) -> Result {
        Ok(())
    }
}

#[derive(LiveComponent, Clone)]
#[live(inline = "<p>{{ room.onlien }} {{ room.online.name }}</p>")]
struct Page {
    #[live(shared = "room/main")]
    room: Shared<Room>,
}

fn main() {}
