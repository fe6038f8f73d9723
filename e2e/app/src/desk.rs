//! Controls in rows, which edit fields of their items. Each desk starts with the same texts.

use serde::{Deserialize, Serialize};
use vivaz::prelude::*;
use vivaz::{FieldPath, FieldStep, Key};

#[derive(LiveComponent, Clone, Default)]
#[live(name = "desk", template = "desk.html", open)]
pub(crate) struct Desk {
    #[live(model)]
    items: List<Item>,
    #[live(model)]
    address: Address,
    #[live(errors)]
    errors: Errors,
    seen: String,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
pub(crate) struct Item {
    id: i64,
    #[live(model)]
    text: String,
    #[live(model)]
    lazy: String,
    #[live(model)]
    count: Option<u8>,
    #[live(model)]
    kind: String,
    #[live(model)]
    parts: List<Part>,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
pub(crate) struct Part {
    id: String,
    #[live(model)]
    done: bool,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
pub(crate) struct Address {
    #[live(model)]
    street: String,
}

impl Item {
    fn new(id: i64) -> Self {
        let parts = ["1", "x\"y"].map(|id| Part { id: id.into(), done: false });
        Self { id, kind: "a".into(), parts: parts.into_iter().collect(), ..Self::default() }
    }
}

#[derive(Serialize, Deserialize)]
struct Written {
    id: i64,
    text: String,
}

#[actions]
impl Desk {
    fn mount() -> Self {
        // The last key is an integer that JavaScript cannot represent.
        Self { items: [1, 2, 9_007_199_254_740_993].map(Item::new).into_iter().collect(), ..Self::default() }
    }

    fn connected(&mut self, cx: &mut Context) {
        cx.join("desks");
    }

    fn updated(&mut self, path: &FieldPath, cx: &mut Context) -> Result<()> {
        match (path.field(), path.steps()) {
            ("address", _) => self.address.street = self.address.street.to_uppercase(),
            ("items", [FieldStep::Key(Key::Int(id)), FieldStep::Field("text")]) => {
                if let Some(item) = self.items.get(id) {
                    let written = Written { id: *id, text: item.text.clone() };
                    cx.to(Target::room("desks")).except_self().emit("written", written)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    #[event]
    fn written(&mut self, written: Written) {
        self.items.update(written.id, |item| item.text = written.text);
    }

    #[action]
    fn turn(&mut self) {
        self.items.reverse();
    }

    fn next_id(&self) -> i64 {
        self.items.iter().map(|item| item.id).filter(|id| *id < 1_000).max().unwrap_or(0) + 1
    }

    #[action]
    fn insert(&mut self) {
        self.items.prepend(Item::new(self.next_id()));
    }

    #[action]
    fn append(&mut self) {
        self.items.push(Item::new(self.next_id()));
    }

    #[action]
    fn remove(&mut self) {
        self.items.pop_first();
    }

    #[action]
    fn read(&mut self) {
        let item = |item: &Item| format!("{}:{}:{}", item.text, item.lazy, item.kind);
        self.seen = self.items.iter().map(item).collect::<Vec<_>>().join(" ");
    }
}
