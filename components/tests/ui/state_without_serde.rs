use std::time::Instant;

use vivaz_components::{Identity, List, LiveState, Result, Topic, TopicContext};

#[derive(LiveState, Clone)]
struct Line { text: String }

#[derive(LiveState, Clone)]
struct Room {
    since: Instant,
    lines: List<Line>,
}

impl Topic for Room {
    type Key = String;
    async fn load(_: &String, _: &TopicContext) -> Result<Self> {
        Ok(Self { since: Instant::now(), lines: List::default() })
    }
    async fn authorize(_: &String, _: &Identity) -> Result { Ok(()) }
}

fn main() {}
