//! The limit of the state of a topic.

use serde::{Deserialize, Serialize};
use vivaz_components::{
    ErrorCode, Hub, Identity, LiveState, Result, States, Topic, TopicContext, TopicHandle,
};

const LIMIT: usize = 100;

#[derive(LiveState, Serialize, Deserialize, Clone)]
struct Text {
    text: String,
    lines: u32,
}

impl Text {
    /// Returns a state of that size in JSON.
    fn of_size(bytes: usize) -> Self {
        let mut text = Self { text: String::new(), lines: 1 };
        let empty = serde_json::to_string(&text).unwrap().len();
        text.text = "x".repeat(bytes - empty);
        text
    }
}

impl Topic for Text {
    /// The size of the loaded state.
    type Key = usize;

    async fn load(bytes: &usize, _: &TopicContext) -> Result<Self> {
        Ok(Self::of_size(*bytes))
    }

    async fn authorize(_: &usize, _: &Identity) -> Result {
        Ok(())
    }
}

async fn loaded(bytes: usize) -> TopicHandle<Text> {
    let hub = Hub::new().with_topic_limit(LIMIT);
    hub.open(&format!("text/{bytes}"), &States::default()).await.unwrap()
}

/// Tries to give a topic another size, and returns whether it was accepted.
async fn resize(topic: &TopicHandle<Text>, bytes: usize) -> bool {
    let before = topic.value().text.clone();
    let outcome = topic.update(|text| text.text = Text::of_size(bytes).text).await;
    if let Err(error) = &outcome {
        assert_eq!(error.code(), ErrorCode::TooLarge);
        assert_eq!(topic.value().text, before, "nothing has changed");
    }
    outcome.is_ok()
}

#[tokio::test]
async fn a_topic_may_be_as_large_as_the_limit_and_no_larger() {
    let topic = loaded(50).await;
    for (bytes, accepted) in [(LIMIT - 1, true), (LIMIT, true), (LIMIT + 1, false), (40, true), (LIMIT, true)]
    {
        assert_eq!(resize(&topic, bytes).await, accepted, "{bytes}");
    }
}

#[tokio::test]
async fn a_topic_loaded_above_the_limit_may_change_and_shrink_but_not_grow() {
    let topic = loaded(LIMIT + 50).await;
    topic.update(|text| text.lines = 2).await.unwrap();
    for (bytes, accepted) in [(LIMIT + 51, false), (LIMIT + 20, true), (LIMIT + 21, false), (LIMIT, true)] {
        assert_eq!(resize(&topic, bytes).await, accepted, "{bytes}");
    }
    assert!(!resize(&topic, LIMIT + 1).await, "below the limit, it counts again");
}
