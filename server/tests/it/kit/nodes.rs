//! Several nodes of one application: topics, rooms, events and revocations reach all of them.

use serde::{Deserialize, Serialize};
use serde_json::json;
use vivaz::prelude::*;
use vivaz::testing::{MemoryCluster, Server, View};
use vivaz::{Runtime, Target};

#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
struct Wall {
    notes: List<Note>,
}

#[derive(LiveState, Serialize, Deserialize, Clone)]
struct Note {
    id: u64,
    text: String,
}

impl Topic for Wall {
    type Key = String;

    async fn load(_: &String, _: &TopicContext) -> Result<Self> {
        Ok(Self::default())
    }

    async fn authorize(_: &String, _: &Identity) -> Result {
        Ok(())
    }
}

#[derive(LiveComponent, Clone, Default)]
#[live(
    name = "wall_viewer",
    open,
    inline = r#"
    <ul><li live:for="n in wall.notes" live:key="n.id">{{ n.text }}</li></ul>
    <p live:for="h in heard" live:key="h">{{ h }}</p>
    "#
)]
struct WallViewer {
    #[live(shared = "wall/main")]
    wall: Shared<Wall>,
    heard: Vec<String>,
}

#[actions]
impl WallViewer {
    fn connected(&mut self, cx: &mut Context) {
        cx.join("hall");
    }

    #[action]
    fn write(&mut self, text: String) {
        self.wall.update(move |wall| {
            let id = wall.notes.last().map_or(1, |note| note.id + 1);
            wall.notes.push(Note { id, text: text.clone() });
        });
    }

    #[action]
    async fn write_now(&mut self, text: String) -> Result<u64> {
        self.wall
            .update_now(|wall| {
                let id = wall.notes.last().map_or(1, |note| note.id + 1);
                wall.notes.push(Note { id, text: text.clone() });
                id
            })
            .await
    }

    #[action]
    fn ring(&mut self, cx: &mut Context, to: String) -> Result {
        match &*to {
            "room" => cx.to(Target::room("hall")).emit("bell", "room"),
            "topic" => cx.to_topic(&self.wall).emit("bell", "topic"),
            "user" => cx.to_user("bob").emit("bell", "user"),
            "everyone" => cx.to(Target::Everyone).emit("bell", "everyone"),
            session => cx.to_session(&vivaz::SessionId::new(session)?).emit("bell", "session"),
        }
    }

    #[event("bell")]
    fn hear(&mut self, from: String) {
        self.heard.push(from);
    }
}

/// Two nodes, each with a page of ann and of bob.
struct Nodes {
    servers: [Server; 2],
    ann: [View; 2],
    bob: [View; 2],
}

async fn nodes() -> Nodes {
    let cluster = MemoryCluster::new();
    let servers = ["a", "b"].map(|name| {
        let node = cluster.node(name);
        Server::new(move || Runtime::builder().cluster(&node))
    });
    let [a, b] = &servers;
    let mount = async |server: &Server, user: &str| {
        server.page_as(user, user).mount_open("wall_viewer", json!({})).await.unwrap()
    };
    let ann = [mount(a, "ann").await, mount(b, "ann").await];
    let bob = [mount(a, "bob").await, mount(b, "bob").await];
    Nodes { servers, ann, bob }
}

impl Nodes {
    /// Waits until the pages have seen what the nodes have said to each other.
    async fn settled(&self) {
        for _ in 0..2 {
            for view in self.ann.iter().chain(&self.bob) {
                view.page().settled().await;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }

    fn heard(&self) -> [usize; 4] {
        let [one, two] = &self.ann;
        let [three, four] = &self.bob;
        [one, two, three, four].map(|view| view.count("p"))
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_of_a_topic_reaches_the_pages_of_all_nodes_in_one_order() {
    let nodes = nodes().await;
    for (at, view) in nodes.ann.iter().chain(&nodes.bob).cycle().take(40).enumerate() {
        if at % 3 == 0 {
            view.call("write_now", [format!("note {at}")]).await.unwrap();
        } else {
            view.call("write", [format!("note {at}")]).await.unwrap();
        }
        assert!(view.texts("li").contains(&format!("note {at}")), "the patch precedes the reply");
    }
    nodes.settled().await;
    let texts = nodes.ann[0].texts("li");
    assert_eq!(texts, (0..40).map(|at| format!("note {at}")).collect::<Vec<_>>());
    for view in nodes.ann.iter().chain(&nodes.bob) {
        assert_eq!(view.texts("li"), texts);
    }
    let [a, b] = &nodes.servers;
    let topics = [a, b].map(|server| server.runtime().hub().get("wall/main").unwrap());
    assert_eq!((topics[0].epoch(), topics[0].rev()), (topics[1].epoch(), topics[1].rev()));
}

#[tokio::test(start_paused = true)]
async fn an_event_reaches_its_receivers_on_all_nodes_once() {
    let nodes = nodes().await;
    for (target, receivers) in [("room", [1, 1, 1, 1]), ("user", [0, 0, 1, 1]), ("everyone", [1, 1, 1, 1])] {
        let before = nodes.heard();
        nodes.ann[0].call("ring", [target]).await.unwrap();
        nodes.settled().await;
        let after = nodes.heard();
        let heard: Vec<_> = before.iter().zip(after).map(|(before, after)| after - before).collect();
        assert_eq!(heard, receivers, "{target}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_of_a_topic_reaches_its_pages_on_all_nodes_once() {
    let nodes = nodes().await;
    nodes.ann[0].call("ring", ["topic"]).await.unwrap();
    nodes.servers[1].runtime().topic::<Wall>("wall/main").await.unwrap().emit("bell", "handle").unwrap();
    nodes.settled().await;
    for view in nodes.ann.iter().chain(&nodes.bob) {
        let mut data: Vec<_> = view.page().events().into_iter().map(|event| event.data).collect();
        data.sort_by_key(ToString::to_string);
        assert_eq!(data, [json!("handle"), json!("topic")]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_of_another_node_receives_events_and_its_end() {
    let nodes = nodes().await;
    let [a, b] = &nodes.servers;
    let on_b: Vec<_> = b.runtime().hub().rooms().members("hall").into_iter().map(|(id, _)| id).collect();
    assert_eq!(on_b.len(), 2, "each node knows its own members");
    let before = nodes.heard();
    nodes.ann[0].call("ring", [on_b[0].as_str()]).await.unwrap();
    assert!(!a.runtime().emit_to_session(&on_b[0], "bell", &"application").unwrap());
    nodes.settled().await;
    let heard = nodes.heard().iter().sum::<usize>() - before.iter().sum::<usize>();
    assert_eq!(heard, 2, "one session hears both");
    assert!(!a.runtime().end_session(&on_b[0]));
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    let left = b.runtime().hub().rooms().members("hall");
    assert!(left.iter().all(|(id, _)| *id != on_b[0]), "{left:?}");
}

#[tokio::test(start_paused = true)]
async fn a_revocation_ends_the_sessions_of_all_nodes() {
    let nodes = nodes().await;
    assert_eq!(nodes.servers[0].runtime().revoke("ann"), 1, "those of this node");
    for view in &nodes.ann {
        assert_eq!(view.page().closed().await, 4401);
    }
    for view in &nodes.bob {
        assert!(view.is_mounted());
    }
}
