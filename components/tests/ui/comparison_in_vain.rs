use vivaz_components::{
    Identity, List, LiveComponent, LiveState, Result, Shared, Topic, TopicContext, actions,
};

#[derive(LiveState, serde::Serialize, serde::Deserialize, Clone, Copy, Default, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Mood { #[default] Happy, Sad, SoSo }

#[derive(LiveState, serde::Serialize, serde::Deserialize, Clone, Default)]
struct Row { id: u64, mood: Option<Mood> }

#[derive(LiveState, serde::Serialize, serde::Deserialize, Clone, Default)]
struct Room { mood: Mood, open: bool }

impl Topic for Room {
    type Key = String;
    async fn load(_: &String, _: &TopicContext) -> Result<Self> {
        Ok(Self::default())
    }
    async fn authorize(_: &String, _: &Identity) -> Result {
        Ok(())
    }
}

#[derive(LiveComponent, Clone)]
#[live(name = "faces", inline = r#"
    <p>{{ mood == 'hapy' }} {{ given != "HAPPY" }} {{ 'Sad' == room.mood }}</p>
    <p live:if="mood == (given == 'sad' ? 'happy' : 'so-so')">so-so</p>
    <p live:class:on="mood == 'happy' ? false : mood == 'sda'">x</p>
    <ul><li live:for="row in rows" live:key="row.id" live:show="row.mood == 'glad'">x</li></ul>
    <i live:show="moods.contains('sadd')">x</i>
"#)]
struct Faces {
    #[live(prop)]
    given: Mood,
    mood: Mood,
    rows: List<Row>,
    moods: Vec<Mood>,
    #[live(shared = "room/main")]
    room: Shared<Room>,
}

#[derive(LiveComponent, Clone)]
#[live(name = "types", inline = r#"
    <p>{{ count == 'three' }} {{ count == '3' }} {{ count < 'three' }} {{ name == 3 }}</p>
    <p>{{ done == 'true' }} {{ done != 1 }} {{ name.len() == 'x' }} {{ count == name }}</p>
"#)]
struct Types {
    count: u32,
    name: String,
    done: bool,
}

#[derive(LiveComponent, Clone)]
#[live(name = "calls", inline = r#"
    <button live:click="feel('hapy')">x</button>
    <p>{{ rows == 'x' }}</p>
"#)]
struct Calls {
    rows: Vec<u32>,
}

#[actions]
impl Calls {
    #[action]
    fn feel(&mut self, _mood: Option<Mood>) {}
}

// All of these can be true.
#[derive(LiveComponent, Clone)]
#[live(name = "fine", inline = r#"
    <p>{{ mood == 'happy' }} {{ (maybe ?? 'none') == 'none' }} {{ maybe == null }} {{ mood == maybe }}</p>
    <p>{{ mood == (done ? 'sad' : 'so_so') }} {{ count == 3.0 }} {{ name == 'x' }} {{ done == true }} {{ mood < 'a' }}</p>
    <p live:local="tab = 'all'">{{ tab == 'x' }} {{ any == 'x' }} {{ (name || 3) == 3 }} {{ name == mood }}</p>
"#)]
struct Fine {
    mood: Mood,
    maybe: Option<Mood>,
    count: u32,
    name: String,
    done: bool,
    any: serde_json::Value,
}

fn main() {}
