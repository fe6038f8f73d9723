//! Several nodes of one application: topics, rooms, events and revocations reach all of them.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use vivaz::cluster::{Cluster, PostgresNode};
use vivaz::postgres::Postgres;
use vivaz::prelude::*;
use vivaz::testing::{MemoryCluster, Server, View};
use vivaz::{Runtime, Target};
use vivaz_test_servers::PostgresServer;

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

/// Makes a test of a check for each engine. Threads and a server do not wait for paused time.
macro_rules! on_each_engine {
    ($($check:ident,)+) => {
        mod in_memory {
            $(#[tokio::test(start_paused = true)]
            async fn $check() {
                let cluster = super::MemoryCluster::new();
                let nodes = ["a", "b"].map(|name| cluster.node(name));
                super::$check(super::nodes(nodes).await).await;
            })+
        }

        mod on_postgres {
            $(#[tokio::test]
            async fn $check() {
                let url = super::PostgresServer::shared().database();
                let nodes = [super::join(&url).await, super::join(&url).await];
                super::$check(super::nodes(nodes).await).await;
            })+
        }
    };
}

on_each_engine![
    a_change_of_a_topic_reaches_the_pages_of_all_nodes_in_one_order,
    an_event_reaches_its_receivers_on_all_nodes_once,
    an_event_of_a_topic_reaches_its_pages_on_all_nodes_once,
    a_session_of_another_node_receives_events_and_its_end,
    a_revocation_ends_the_sessions_of_all_nodes,
];

async fn join(url: &str) -> PostgresNode {
    PostgresNode::join(&Postgres::connect(url).await.unwrap()).await.unwrap()
}

async fn nodes<C: Cluster>(nodes: [C; 2]) -> Nodes {
    let servers = nodes.map(|node| Server::new(move || Runtime::builder().cluster(&node)));
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
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until `condition` holds, or for as long as an engine should never need.
    async fn until(&self, condition: impl Fn(&Self) -> bool) {
        for _ in 0..300 {
            self.settled().await;
            if condition(self) {
                return;
            }
        }
    }

    fn heard(&self) -> [usize; 4] {
        let [one, two] = &self.ann;
        let [three, four] = &self.bob;
        [one, two, three, four].map(|view| view.count("p"))
    }
}

async fn a_change_of_a_topic_reaches_the_pages_of_all_nodes_in_one_order(nodes: Nodes) {
    for (at, view) in nodes.ann.iter().chain(&nodes.bob).cycle().take(40).enumerate() {
        if at % 3 == 0 {
            view.call("write_now", [format!("note {at}")]).await.unwrap();
        } else {
            view.call("write", [format!("note {at}")]).await.unwrap();
        }
        assert!(view.texts("li").contains(&format!("note {at}")), "the patch precedes the reply");
    }
    let views = || nodes.ann.iter().chain(&nodes.bob);
    nodes.until(|_| views().all(|view| view.texts("li").len() >= 40)).await;
    let texts = nodes.ann[0].texts("li");
    assert_eq!(texts, (0..40).map(|at| format!("note {at}")).collect::<Vec<_>>());
    for view in nodes.ann.iter().chain(&nodes.bob) {
        assert_eq!(view.texts("li"), texts);
    }
    let [a, b] = &nodes.servers;
    let topics = [a, b].map(|server| server.runtime().hub().get("wall/main").unwrap());
    assert_eq!((topics[0].epoch(), topics[0].rev()), (topics[1].epoch(), topics[1].rev()));
}

async fn an_event_reaches_its_receivers_on_all_nodes_once(nodes: Nodes) {
    for (target, receivers) in [("room", [1, 1, 1, 1]), ("user", [0, 0, 1, 1]), ("everyone", [1, 1, 1, 1])] {
        let before = nodes.heard();
        nodes.ann[0].call("ring", [target]).await.unwrap();
        let sum = |heard: [usize; 4]| heard.iter().sum::<usize>();
        nodes.until(|nodes| sum(nodes.heard()) >= sum(before) + sum(receivers)).await;
        let after = nodes.heard();
        let heard: Vec<_> = before.iter().zip(after).map(|(before, after)| after - before).collect();
        assert_eq!(heard, receivers, "{target}");
    }
}

async fn an_event_of_a_topic_reaches_its_pages_on_all_nodes_once(nodes: Nodes) {
    nodes.ann[0].call("ring", ["topic"]).await.unwrap();
    nodes.servers[1].runtime().topic::<Wall>("wall/main").await.unwrap().emit("bell", "handle").unwrap();
    let views = || nodes.ann.iter().chain(&nodes.bob);
    nodes.until(|_| views().all(|view| view.page().events().len() >= 2)).await;
    for view in views() {
        let mut data: Vec<_> = view.page().events().into_iter().map(|event| event.data).collect();
        data.sort_by_key(ToString::to_string);
        assert_eq!(data, [json!("handle"), json!("topic")]);
    }
}

async fn a_session_of_another_node_receives_events_and_its_end(nodes: Nodes) {
    let [a, b] = &nodes.servers;
    let on_b: Vec<_> = b.runtime().hub().rooms().members("hall").into_iter().map(|(id, _)| id).collect();
    assert_eq!(on_b.len(), 2, "each node knows its own members");
    let before = nodes.heard();
    nodes.ann[0].call("ring", [on_b[0].as_str()]).await.unwrap();
    assert!(!a.runtime().emit_to_session(&on_b[0], "bell", &"application").unwrap());
    let heard = || nodes.heard().iter().sum::<usize>() - before.iter().sum::<usize>();
    nodes.until(|_| heard() >= 2).await;
    let heard = heard();
    assert_eq!(heard, 2, "one session hears both");
    assert!(!a.runtime().end_session(&on_b[0]));
    let left = || b.runtime().hub().rooms().members("hall");
    // Not with `until`: the page of the ended session opens another one at any time.
    for _ in 0..1_000 {
        if left().iter().all(|(id, _)| *id != on_b[0]) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(left().iter().all(|(id, _)| *id != on_b[0]), "{:?}", left());
}

async fn a_revocation_ends_the_sessions_of_all_nodes(nodes: Nodes) {
    assert_eq!(nodes.servers[0].runtime().revoke("ann"), 1, "those of this node");
    for view in &nodes.ann {
        assert_eq!(view.page().closed().await, 4401);
    }
    for view in &nodes.bob {
        assert!(view.is_mounted());
    }
}
