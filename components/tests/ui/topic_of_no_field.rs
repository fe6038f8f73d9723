use vivaz_components::{ActionError, Identity, LiveComponent, LiveState, Result, Shared, Topic, TopicContext};

#[derive(LiveState, serde::Serialize, Clone)]
struct Room {
    title: String,
}

impl Topic for Room {
    type Key = String;
    async fn load(_: &String, _: &TopicContext) -> Result<Self> {
        Err(ActionError::user("none"))
    }
    async fn authorize(_: &String, _: &Identity) -> Result {
        Ok(())
    }
}

#[derive(LiveComponent, Clone)]
#[live(inline = "")]
struct Page {
    #[live(prop)]
    room: String,
    #[live(shared = "room/{rom}")]
    chat: Shared<Room>,
}

fn main() {}
