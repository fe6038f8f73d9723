use vivaz_components::{Identity, List, LiveComponent, LiveState, Result, Shared, Topic, TopicContext};

#[derive(LiveState, serde::Serialize, serde::Deserialize, Clone, Default)]
struct Flag { id: bool }

#[derive(LiveState, serde::Serialize, serde::Deserialize, Clone, Default)]
struct Weight {
    #[live(key)]
    #[serde(rename = "id")]
    kilos: f64,
}

#[derive(LiveState, serde::Serialize, serde::Deserialize, Clone, Default)]
struct Room { name: String }

impl Topic for Room {
    type Key = String;
    async fn load(_: &String, _: &TopicContext) -> Result<Self> { Ok(Self::default()) }
    async fn authorize(_: &String, _: &Identity) -> Result { Ok(()) }
}

#[derive(LiveComponent, Clone)]
#[live(inline = "<p live:for='w in weights' live:key='w.id'>{{ w }}</p>")]
struct Page {
    weights: List<Weight>,
    #[live(errors)]
    errors: Vec<String>,
    room: Shared<Room>,
    #[live(shared = "room/{tags}")]
    other: Shared<Room>,
    tags: Option<u32>,
}

fn main() {}
