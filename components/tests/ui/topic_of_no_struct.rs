use vivaz_components::{Identity, LiveState, Result, Topic, TopicContext};

#[derive(LiveState, serde::Serialize, serde::Deserialize, Clone)]
#[serde(into = "String", from = "String")]
struct Text {
    text: String,
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self { text }
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.text
    }
}

impl Topic for Text {
    type Key = String;
    async fn load(_: &String, _: &TopicContext) -> Result<Self> {
        todo!()
    }
    async fn authorize(_: &String, _: &Identity) -> Result {
        Ok(())
    }
}

fn main() {}
