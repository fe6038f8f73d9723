//! A list that everybody shares, whose changes show before the server has answered.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use vivaz::prelude::*;

use crate::store::Store;

/// What fits in a line, in characters; longer texts are refused.
const LONGEST: usize = 80;

#[derive(LiveComponent, Clone)]
#[live(name = "todo", template = "todo.html", open)]
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

/// One change at a time, from the database to the page: so everybody sees changes in the order that was kept.
#[derive(Clone, Default)]
pub(crate) struct Turn(Arc<Mutex<()>>);

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
    #[action]
    async fn add_todo(&mut self, cx: &mut Context, text: String) -> Result<()> {
        let text = checked(&text)?;
        let _turn = cx.state::<Turn>().0.lock().await;
        let item = cx.state::<Store>().add_todo(text).await?;
        self.todos.update_now(move |todos| todos.items.push(item.clone())).await
    }

    #[action]
    async fn toggle(&mut self, cx: &mut Context, id: i64) -> Result<()> {
        let _turn = cx.state::<Turn>().0.lock().await;
        let item = cx.state::<Store>().toggle_todo(id).await?.ok_or_else(gone)?;
        self.todos.update_now(move |todos| todos.items.update(id, |i| i.done = item.done)).await?;
        Ok(())
    }

    #[action]
    async fn rename(&mut self, cx: &mut Context, id: i64, text: String) -> Result<()> {
        let text = checked(&text)?;
        let _turn = cx.state::<Turn>().0.lock().await;
        let item = cx.state::<Store>().rename_todo(id, text).await?.ok_or_else(gone)?;
        self.todos.update_now(move |todos| todos.items.update(id, |i| i.text.clone_from(&item.text))).await?;
        Ok(())
    }

    #[action]
    async fn remove(&mut self, cx: &mut Context, id: i64) -> Result<()> {
        let _turn = cx.state::<Turn>().0.lock().await;
        if !cx.state::<Store>().remove_todo(id).await? {
            return Err(gone());
        }
        self.todos.update_now(move |todos| todos.items.remove(id)).await?;
        Ok(())
    }

    #[action]
    async fn move_to(&mut self, cx: &mut Context, id: i64, index: u32) -> Result<()> {
        let _turn = cx.state::<Turn>().0.lock().await;
        if !cx.state::<Store>().move_todo(id, index).await? {
            return Err(gone());
        }
        self.todos.update_now(move |todos| todos.items.move_to(id, index as usize)).await?;
        Ok(())
    }

    #[action]
    async fn clear_completed(&mut self, cx: &mut Context) -> Result<()> {
        let _turn = cx.state::<Turn>().0.lock().await;
        let ids = cx.state::<Store>().clear_completed_todos().await?;
        self.todos.update_now(move |todos| todos.items.retain(|item| !ids.contains(&item.id))).await?;
        Ok(())
    }
}

/// The text without the spaces around it, if it may stand in the list.
fn checked(text: &str) -> Result<String> {
    let text = text.trim();
    match text.chars().count() {
        0 => Err(Errors::of("text", "Say what is to be done.").into()),
        1..=LONGEST => Ok(text.to_owned()),
        _ => Err(Errors::of("text", "A text has at most 80 characters.").into()),
    }
}

fn gone() -> ActionError {
    ActionError::user("Somebody has removed it.")
}
