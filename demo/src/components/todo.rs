//! A shared list whose changes are shown before the server has answered. Each change is a
//! transaction, and all pages see the changes in the order of the commits.

use serde::{Deserialize, Serialize};
use vivaz::prelude::*;

use crate::store::{Store, todos};

/// Maximum length of a text, in characters, which fits in a line.
const MAX_LENGTH: usize = 80;
/// Maximum number of items, because the list is part of each page.
const MAX_ITEMS: u32 = 200;

#[derive(LiveComponent, Clone)]
#[live(name = "todo", template = "todo.html", open, durable)]
pub(crate) struct Todo {
    #[live(shared = "todo/main")]
    todos: Shared<Todos>,
    /// The items to show.
    #[live(model, url)]
    filter: Filter,
}

/// Which items are shown.
#[derive(LiveState, Serialize, Deserialize, Clone, Copy, Default)]
#[serde(rename_all = "lowercase")]
enum Filter {
    #[default]
    All,
    Active,
    Completed,
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
        let item = todos::add(tx, checked(&text)?, MAX_ITEMS)?;
        let full = || Errors::of("text", format!("The list has {MAX_ITEMS} items. Remove one first."));
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

/// Returns the text without surrounding spaces, or an error if it is not a valid item.
fn checked(text: &str) -> Result<&str> {
    let text = text.trim();
    match text.chars().count() {
        0 => Err(Errors::of("text", "Enter a text.").into()),
        1..=MAX_LENGTH => Ok(text),
        _ => Err(Errors::of("text", "A text has at most 80 characters.").into()),
    }
}

fn gone() -> ActionError {
    ActionError::user("Another visitor has removed this item.")
}
