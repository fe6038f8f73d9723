//! A topic with every kind of field, and the nodes that show it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use vivaz_components::cluster::TopicId;
use vivaz_components::{
    CatchUp, Hub, Identity, List, LiveState, Presence, Result, States, Subscription, Topic, TopicContext,
    TopicHandle, Tracked, actions,
};
use vivaz_protocol::{Patch, RawJson, TopicName};

use super::log::{Dice, MemoryEngine, MemoryLog};
use crate::hub::Ear;

#[derive(LiveState, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
pub(crate) struct Board {
    pub(crate) title: String,
    pub(crate) rows: List<Row>,
    named: List<Mark>,
    tags: Vec<String>,
    best: Option<Row>,
    mode: Mode,
    state: Status,
    deep: Deep,
    grid: Tracked<Vec<u8>>,
    pub(crate) counts: BTreeMap<String, u32>,
    wide: HashMap<u64, u128>,
    pair: (i64, f64),
    any: Value,
    #[serde(rename = "other-name")]
    renamed: u8,
    #[serde(with = "hexadecimal")]
    colour: u32,
    #[live(presence)]
    pub(crate) users: Presence,
    #[serde(skip)]
    pub(crate) own: u64,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Row {
    id: u64,
    text: String,
    done: bool,
    marks: List<Mark>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
    at: Option<f64>,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Mark {
    #[live(key)]
    id: String,
    n: f64,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
struct Deep {
    a: i64,
    list: List<Mark>,
    inside: Option<Box<Deep>>,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
enum Mode {
    #[default]
    On,
    Off,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Debug, PartialEq, Default)]
enum Status {
    #[default]
    Idle,
    Busy {
        by: String,
    },
}

mod hexadecimal {
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(number: &u32, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{number:x}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
        let text = String::deserialize(deserializer)?;
        u32::from_str_radix(&text, 16).map_err(serde::de::Error::custom)
    }
}

#[actions]
impl Board {
    #[live(computed)]
    fn open(&self) -> usize {
        self.rows.iter().filter(|row| !row.done).count()
    }
}

impl Topic for Board {
    type Key = u64;

    async fn load(rows: &u64, cx: &TopicContext) -> Result<Self> {
        let rows = (0..*rows).map(row).collect();
        Ok(Self { rows, own: *cx.state::<u64>(), ..Self::default() })
    }

    async fn authorize(_: &u64, _: &Identity) -> Result {
        Ok(())
    }
}

fn row(id: u64) -> Row {
    Row {
        id,
        text: format!("row {id}"),
        done: id.is_multiple_of(3),
        marks: List::new(),
        notes: Vec::new(),
        at: None,
    }
}

/// Changes a board as a seed decides. The same on every draft of the same state.
pub(crate) fn change(board: &mut Board, seed: u64) {
    let mut dice = Dice::new(seed);
    for _ in 0..=dice.roll(3) {
        let (n, at) = (dice.roll(30), dice.roll(12) as usize);
        match dice.roll(26) {
            0 => board.title = format!("t{n} \"é\" {{\"$list\":[]}}"),
            1..=3 => board.rows.insert(at, row(n)),
            4 => _ = board.rows.remove(n),
            5 | 6 => _ = board.rows.update(n, |row| (row.done, row.text) = (!row.done, format!("é {at}"))),
            7 => _ = board.rows.move_to(n, at),
            8 => board.rows.reverse(),
            9 => board.rows.keep_last(12),
            10 => board.tags.push(format!("tag{n}")),
            11 => board.best = board.rows.first().cloned(),
            12 => board.mode = if n % 2 == 0 { Mode::On } else { Mode::Off },
            13 => {
                board.rows.update(n, |row| row.marks.push(Mark { id: format!("m{at}"), n: n as f64 / 3.0 }));
            }
            14 => {
                board.deep.a += 1;
                board.deep.list.push(Mark { id: format!("d{n}"), n: 0.1 });
            }
            15 => board.deep.inside = Some(Box::new(Deep { a: -1, ..Deep::default() })),
            16 => board.grid.push(at as u8),
            17 => _ = board.wide.insert(1, u128::MAX - u128::from(n)),
            18 => board.pair = (board.pair.0 - 1, 1.0 / (n + 1) as f64),
            19 => board.any = serde_json::json!({ "$list": [n], "b": null }),
            20 => board.any = serde_json::json!({ "$list": n }),
            21 => (board.renamed, board.colour) = (at as u8, n as u32 * 1_000),
            22 => board.state = Status::Busy { by: format!("u{n}") },
            23 => _ = board.rows.update(n, |row| (row.at, row.notes) = (Some(0.25), vec![format!("n{at}")])),
            24 => _ = board.rows.update(n, |row| (row.at, row.notes) = (None, Vec::new())),
            _ => board.named.insert(at, Mark { id: format!("key \"{n}\""), n: -0.5 }),
        }
    }
    board.tags.truncate(8);
    board.own += 1;
}

/// A node with a page that shows a board.
pub(crate) struct Node {
    pub(crate) hub: Hub,
    pub(crate) board: TopicHandle<Board>,
    pub(crate) ear: Arc<Ear>,
    _subscription: Subscription,
    /// The state that the page had first.
    first: Value,
    /// What the page has received.
    pub(crate) frames: Vec<String>,
}

pub(crate) const NAME: &str = "board/5";

pub(crate) fn id() -> TopicId {
    TopicId { tenant: None, name: TopicName::new(NAME).unwrap() }
}

impl Node {
    pub(crate) async fn start(engine: &Arc<MemoryEngine>, number: u64) -> Self {
        let hub = Hub::new().with_log(Arc::new(MemoryLog(Arc::clone(engine)))).with_topic_limit(64 * 1024);
        let states = States::default().with(number * 1_000_000);
        let board = loop {
            if let Ok(board) = hub.open::<Board>(NAME, &states).await {
                break board;
            }
        };
        let (ear, mut first) = (Ear::new(&format!("page{number}")), Value::Null);
        let subscription = board.topic().subscribe(ear.clone(), None, &mut |catch_up| {
            let CatchUp::Snapshot(snapshot) = catch_up else { panic!("a new page gets a snapshot") };
            first = serde_json::from_str(snapshot.json()).unwrap();
        });
        Self { hub, board, ear, _subscription: subscription.unwrap(), first, frames: Vec::new() }
    }

    /// Returns the state that the page has, which applies what it receives.
    pub(crate) fn page_state(&mut self) -> Value {
        self.frames.extend(self.ear.received());
        let mut state = self.first.clone();
        for frame in &self.frames {
            if let Some((_, snapshot)) =
                frame.strip_prefix("snapshot ").and_then(|rest| rest.split_once(": "))
            {
                state = serde_json::from_str(snapshot).unwrap();
                continue;
            }
            let frame: Box<RawFrame> = serde_json::from_str(frame).unwrap();
            if let Some(patch) = &frame.payload.filter(|_| frame.kind == "STATE_UPDATE") {
                Patch::parse(RawJson::from(&**patch)).unwrap().apply(&mut state).unwrap();
            }
        }
        state
    }

    /// Returns what every node has: the state, and the position.
    pub(crate) fn shared_state(&self) -> (Board, String) {
        let (value, snapshot) = (self.board.value(), self.board.topic().snapshot().unwrap());
        let state: Value = serde_json::from_str(snapshot.json()).unwrap();
        (Board { own: 0, ..Board::clone(&value) }, format!("{} {} {state}", snapshot.epoch, snapshot.rev.0))
    }
}

#[derive(Deserialize)]
struct RawFrame {
    #[serde(rename = "type")]
    kind: String,
    payload: Option<Box<RawValue>>,
}

/// Waits until all notifications and polls have healed what the faults caused.
pub(crate) async fn settle() {
    tokio::time::sleep(Duration::from_secs(5)).await;
}
