//! Types of state that templates are checked against. The test is that this compiles.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;
use vivaz_components::{List, LiveComponent, LiveState, Tracked, actions};

use crate::drive::Page;

/// Contains itself.
#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
#[serde(rename_all = "camelCase")]
struct Comment {
    id: u32,
    user_name: String,
    answers: Vec<Comment>,
    parent: Option<Box<Comment>>,
}

/// Has a type parameter.
#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
struct Paged<T> {
    items: Vec<T>,
    total: usize,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
struct Id(u64);

#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
#[serde(rename_all = "kebab-case")]
enum Mood {
    #[default]
    VeryHappy,
}

/// Some variants have fields: a template may read any name.
#[derive(LiveState, Serialize, Deserialize, Clone)]
#[serde(tag = "kind")]
enum Figure {
    Circle { radius: f64 },
    Point,
}

#[derive(Serialize, Deserialize, Clone, Default)]
struct Foreign {
    inner: Vec<u8>,
}

#[derive(LiveComponent, Clone)]
#[live(inline = r#"
    <p live:for="c in page.items" live:key="c.id">
        {{ c.userName }} {{ c.answers[0].answers[0].userName }} {{ c.parent.parent.userName }}
        <i live:for="a in c.answers" live:key="a.id">{{ a.userName.len() }}</i>
    </p>
    <p>{{ page.total + 1 }} {{ id }} {{ mood == 'very-happy' ? 1 : 2 }} {{ figure.radius }} {{ foreign.inner[0] }}</p>
    <p>{{ people['ann'].userName }} {{ votes.len() }} {{ r }} {{ raw.whatever.x }} {{ grid[0][1] }} {{ shared.userName }}</p>
    <p live:if="list.is_empty()">{{ best.userName }}</p>
"#)]
struct Everything {
    page: Paged<Comment>,
    id: Id,
    mood: Mood,
    #[live(default = Figure::Point)]
    figure: Figure,
    #[live(opaque)]
    foreign: Foreign,
    people: BTreeMap<String, Comment>,
    votes: HashMap<u32, bool>,
    r#type: String,
    raw: serde_json::Value,
    grid: Tracked<Vec<Vec<u8>>>,
    shared: Arc<Comment>,
    list: List<Comment>,
    r: Option<f32>,
}

#[actions]
impl Everything {
    #[live(computed)]
    fn best(&self) -> Option<&Comment> {
        self.page.items.first()
    }

    #[action]
    fn paint(&mut self) {
        self.grid.push(vec![7]);
        self.r#type = "painted".to_owned();
        self.figure = Figure::Circle { radius: 0.5 };
    }
}

#[tokio::test]
async fn everything_has_a_form() {
    let mut page = Page::mount::<Everything>(json!({})).await;
    assert_eq!(page.state["type"], "");
    page.call("paint", json!([])).await.unwrap();
    assert_eq!(
        page.last,
        Some(json!({"grid": [[7]], "type": "painted", "figure": {"kind": "Circle", "radius": 0.5}}))
    );
}
