use vivaz_components::LiveState;

#[derive(LiveState, serde::Serialize, serde::Deserialize, Clone)]
struct Item {
    #[live(model)]
    id: u64,
    #[live(model)]
    #[serde(skip)]
    secret: String,
    #[live(model)]
    #[serde(deserialize_with = "read")]
    text: String,
}

fn read<'de, D: serde::Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    serde::Deserialize::deserialize(from)
}

#[derive(LiveState, serde::Serialize, serde::Deserialize, Clone)]
struct Generic<T> {
    #[live(model)]
    value: T,
}

#[derive(LiveState, serde::Serialize, serde::Deserialize, Clone)]
struct Wrapped(#[live(model)] u64);

#[derive(LiveState, serde::Serialize, serde::Deserialize, Clone)]
#[serde(into = "String", from = "String")]
struct Text {
    #[live(model)]
    text: String,
}

impl From<String> for Text { fn from(text: String) -> Self { Self { text } } }
impl From<Text> for String { fn from(text: Text) -> Self { text.text } }

#[derive(LiveState, serde::Serialize, serde::Deserialize, Clone)]
enum Shape { Circle { #[live(model)] radius: u8 } }

fn main() {}
