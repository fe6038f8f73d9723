//! A list that everybody shares, whose changes show before the server has answered. Each is a transaction, and everybody
//! sees them in the order in which they were kept.

use serde::{Deserialize, Serialize};
use vivaz::prelude::*;

use crate::store::{Store, todos};

/// What fits in a line, in characters; longer texts are refused.
const LONGEST: usize = 80;
/// How many items the list may have: it is part of everybody's page.
const MOST: u32 = 200;

#[derive(LiveComponent, Clone)]
#[live(name = "todo", template = "todo.html", open, durable)]
pub(crate) struct Todo {
    #[live(shared = "todo/main")]
    todos: Shared<Todos>,
}

/// The list.
#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
pub(crate) struct Todos {
    items: List<Item>,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Item {
    pub(crate) id: i64,
    pub(crate) text: String,
    pub(crate) done: bool,
}

impl Topic for Todos {
    type Key = String;

    async fn load(_: &String, cx: &TopicContext) -> Result<Self> {
        let items = cx.state::<Store>().todos().await?;
        Ok(Self { items: items.into_iter().collect() })
    }

    async fn authorize(_: &String, _: &Identity) -> Result<()> {
        Ok(())
    }
}

#[actions]
impl Todo {
    #[action(transaction)]
    fn add_todo(&mut self, tx: &mut Tx, text: String) -> Result<()> {
        let item = todos::add(tx, checked(&text)?, MOST)?;
        let full = || Errors::of("text", format!("The list has {MOST} items. Remove one first."));
        let item = item.ok_or_else(full)?;
        self.todos.update(move |todos| todos.items.push(item.clone()));
        Ok(())
    }

    #[action(transaction)]
    fn toggle(&mut self, tx: &mut Tx, id: i64) -> Result<()> {
        let done = todos::toggle(tx, id)?.ok_or_else(gone)?.done;
        self.todos.update(move |todos| _ = todos.items.update(id, |item| item.done = done));
        Ok(())
    }

    #[action(transaction)]
    fn rename(&mut self, tx: &mut Tx, id: i64, text: String) -> Result<()> {
        let text = todos::rename(tx, id, checked(&text)?)?.ok_or_else(gone)?.text;
        self.todos.update(move |todos| _ = todos.items.update(id, |item| item.text.clone_from(&text)));
        Ok(())
    }

    #[action(transaction)]
    fn remove(&mut self, tx: &mut Tx, id: i64) -> Result<()> {
        todos::remove(tx, id)?.then_some(()).ok_or_else(gone)?;
        self.todos.update(move |todos| _ = todos.items.remove(id));
        Ok(())
    }

    #[action(transaction)]
    fn move_to(&mut self, tx: &mut Tx, id: i64, index: u32) -> Result<()> {
        todos::move_to(tx, id, index)?.then_some(()).ok_or_else(gone)?;
        self.todos.update(move |todos| _ = todos.items.move_to(id, index as usize));
        Ok(())
    }

    #[action(transaction)]
    fn clear_completed(&mut self, tx: &mut Tx) -> Result<()> {
        let ids = todos::clear_completed(tx)?;
        self.todos.update(move |todos| todos.items.retain(|item| !ids.contains(&item.id)));
        Ok(())
    }
}

/// The text without the spaces around it, if it may stand in the list.
fn checked(text: &str) -> Result<&str> {
    let text = text.trim();
    match text.chars().count() {
        0 => Err(Errors::of("text", "Say what is to be done.").into()),
        1..=LONGEST => Ok(text),
        _ => Err(Errors::of("text", "A text has at most 80 characters.").into()),
    }
}

fn gone() -> ActionError {
    ActionError::user("Somebody has removed it.")
}
