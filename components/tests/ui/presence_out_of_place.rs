use vivaz_components::{Context, Identity, LiveComponent, LiveState, Presence, Result, Shared, Topic, TopicContext, actions};

#[derive(LiveState, serde::Serialize, serde::Deserialize, Clone, Default)]
struct Room { name: String, users: Presence }

#[derive(LiveState, serde::Serialize, serde::Deserialize, Clone, Default)]
struct Hall {
    #[live(presence)]
    users: Presence,
    #[live(presence)]
    others: Presence,
}

impl Topic for Room {
    type Key = String;
    async fn load(_: &String, _: &TopicContext) -> Result<Self> { Ok(Self::default()) }
    async fn authorize(_: &String, _: &Identity) -> Result { Ok(()) }
}

#[derive(LiveComponent, Clone)]
#[live(inline = "<p>{{ room.name }}</p>")]
struct Page {
    #[live(shared = "room/main")]
    room: Shared<Room>,
    here: Presence,
}

#[actions]
impl Page {
    fn connected(&mut self, cx: &mut Context) -> Result<()> {
        cx.presence(&mut self.room).enter()
    }
}

fn main() {}
