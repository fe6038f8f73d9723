//! In debug builds, a field that is sent whole for a change of one item is logged once.
#![cfg(debug_assertions)]

use serde::{Deserialize, Serialize};
use serde_json::json;
use vivaz::prelude::*;
use vivaz::testing::Server;
use vivaz::{Runtime, Topic};

use crate::logs::Log;

#[derive(LiveState, Serialize, Deserialize, Clone, Debug)]
struct Line {
    id: u32,
    text: String,
}

fn lines(count: u32) -> Vec<Line> {
    (0..count).map(|id| Line { id, text: "x".repeat(40) }).collect()
}

/// A topic with a large array.
#[derive(LiveState, Serialize, Deserialize, Clone, Debug)]
struct Wall {
    notes: Vec<Line>,
}

impl Topic for Wall {
    type Key = String;

    async fn load(_: &String, _: &TopicContext) -> Result<Self> {
        Ok(Self { notes: lines(200) })
    }

    async fn authorize(_: &String, _: &Identity) -> Result {
        Ok(())
    }
}

#[derive(LiveComponent, Clone)]
#[live(name = "resender", inline = "<p></p>", open)]
struct Resender {
    #[live(default = lines(200))]
    large: Vec<Line>,
    #[live(default = lines(20))]
    short: Vec<Line>,
    #[live(default = lines(200).into())]
    list: List<Line>,
    #[live(private, default = lines(200))]
    hidden: Vec<Line>,
    #[live(shared = "wall/one")]
    wall: Shared<Wall>,
}

#[actions]
impl Resender {
    #[action]
    fn change_all(&mut self) {
        self.large.iter_mut().for_each(|line| line.text.push('!'));
    }

    #[action]
    fn change_others(&mut self) {
        for vec in [&mut self.short, &mut self.hidden] {
            vec.pop();
        }
        self.list.pop_last();
        self.list.update_all(|line| line.text.push('!'));
    }

    #[action]
    fn change_one(&mut self, position: usize) {
        self.large.iter_mut().skip(position).take(1).for_each(|line| line.text.push('!'));
    }

    #[action]
    fn note(&mut self) {
        self.wall.update(|wall| _ = wall.notes.pop());
    }
}

#[tokio::test]
async fn a_large_field_that_is_sent_whole_for_one_item_is_logged_once() {
    let log = Log::default();
    let _collecting = log.collect();
    let server = Server::new(Runtime::builder);
    let resender = server.page().mount_open("resender", json!({})).await.unwrap();
    for action in ["change_all", "change_others"] {
        resender.call(action, ()).await.unwrap();
    }
    let warnings =
        || log.text().lines().filter(|line| line.contains(" WARN ")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(warnings(), Vec::<String>::new());
    for position in [0, 100, 199] {
        resender.call("change_one", [position]).await.unwrap();
        resender.call("note", ()).await.unwrap();
    }
    let warnings = warnings();
    let [component, topic] = warnings.as_slice() else { panic!("{warnings:#?}") };
    assert!(component.contains(r#"component="resender" field="large" bytes="#), "{component}");
    assert!(topic.contains(r#"topic="wall/one" field="notes" bytes="#), "{topic}");
    for warning in [component, topic] {
        assert!(warning.contains("make it a `List`"), "{warning}");
    }
}
