use vivaz_components::{List, LiveComponent, LiveState, Shared, Topic, TopicContext, Identity, actions};

#[derive(LiveState, serde::Serialize, serde::Deserialize, Clone, Default)]
struct Item {
    id: u64,
    #[live(model)]
    text: String,
    #[live(model)]
    tags: Vec<String>,
    done: bool,
    #[live(model)]
    plain: Plain,
}

#[derive(LiveState, serde::Serialize, serde::Deserialize, Clone, Default)]
struct Plain { id: u64, text: String }

#[derive(LiveState, serde::Serialize, serde::Deserialize, Clone, Default)]
struct Room { items: List<Item> }

impl Topic for Room {
    type Key = String;
    async fn load(_: &String, _: &TopicContext) -> vivaz_components::Result<Self> { Ok(Self::default()) }
    async fn authorize(_: &String, _: &Identity) -> vivaz_components::Result { Ok(()) }
}

#[derive(LiveComponent, Clone)]
#[live(inline = r#"
<p live:for="i in items" live:key="i.id"><input live:model="i.txet"></p>
<p live:for="i in items" live:key="i.id"><input type="checkbox" live:model="i.done"></p>
<p live:for="i in items" live:key="i.id"><input type="checkbox" live:model="i.text"></p>
<p live:for="i in items" live:key="i.id"><input live:model="i.plain.text"></p>
<p live:for="i in shown" live:key="i.id"><input live:model="i.text"></p>
<p live:for="i in chat.items" live:key="i.id"><input live:model="i.text"></p>
<p live:for="i in rows" live:key="i.id"><input live:model="i.text"></p>
<p live:for="i in all" live:key="i.id"><input live:model="i.text"></p>
"#)]
struct Page {
    #[live(model)]
    items: List<Item>,
    #[live(prop, default)]
    shown: List<Item>,
    #[live(shared = "room/a")]
    chat: Shared<Room>,
    #[live(model)]
    rows: Vec<Plain>,
}

#[actions]
impl Page {
    #[live(computed)]
    fn all(&self) -> Vec<Plain> { Vec::new() }
}

#[derive(LiveComponent, Clone)]
#[live(name = "other", inline = r#"
<select multiple live:model="items"></select>
<input live:model="one">
<input live:model="plain.text">
<input live:model="maybe.text">
<input live:model="one.id">
"#)]
struct Other {
    #[live(model)]
    items: List<Item>,
    #[live(model)]
    one: Item,
    #[live(model)]
    plain: Plain,
    #[live(model)]
    maybe: Option<Plain>,
}

fn main() {}
