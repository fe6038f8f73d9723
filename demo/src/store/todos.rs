//! The list of things to do.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Store, StoreError};
use crate::components::todo::Item;

fn item(row: &Row<'_>) -> rusqlite::Result<Item> {
    Ok(Item { id: row.get(0)?, text: row.get(1)?, done: row.get(2)? })
}

fn one(db: &Connection, id: i64) -> rusqlite::Result<Option<Item>> {
    db.query_row("SELECT id, text, done FROM todos WHERE id = ?1", [id], item).optional()
}

impl Store {
    /// All of them, in order.
    pub(crate) async fn todos(&self) -> Result<Vec<Item>, StoreError> {
        self.run(|db| {
            db.prepare_cached("SELECT id, text, done FROM todos ORDER BY position, id")?
                .query_map([], item)?
                .collect()
        })
        .await
    }

    /// Adds one at the end.
    pub(crate) async fn add_todo(&self, text: String) -> Result<Item, StoreError> {
        self.run(move |db| {
            db.query_row(
                "INSERT INTO todos (text, position) VALUES (?1, (SELECT coalesce(max(position), 0) + 1 FROM todos))
                 RETURNING id, text, done",
                [text],
                item,
            )
        })
        .await
    }

    /// Turns `done` over. `None` when there is no such item, here and below.
    pub(crate) async fn toggle_todo(&self, id: i64) -> Result<Option<Item>, StoreError> {
        self.run(move |db| {
            db.execute("UPDATE todos SET done = NOT done WHERE id = ?1", [id])?;
            one(db, id)
        })
        .await
    }

    /// Gives it another text.
    pub(crate) async fn rename_todo(&self, id: i64, text: String) -> Result<Option<Item>, StoreError> {
        self.run(move |db| {
            db.execute("UPDATE todos SET text = ?2 WHERE id = ?1", params![id, text])?;
            one(db, id)
        })
        .await
    }

    /// Takes it away; whether it was there.
    pub(crate) async fn remove_todo(&self, id: i64) -> Result<bool, StoreError> {
        self.run(move |db| Ok(db.execute("DELETE FROM todos WHERE id = ?1", [id])? > 0)).await
    }

    /// Puts it at `index` of the list; an index past the end is the end. Whether it is there.
    pub(crate) async fn move_todo(&self, id: i64, index: u32) -> Result<bool, StoreError> {
        self.run(move |db| {
            let mut order = db
                .prepare_cached("SELECT id FROM todos ORDER BY position, id")?
                .query_map([], |row| row.get(0))?
                .collect::<rusqlite::Result<Vec<i64>>>()?;
            let Some(from) = order.iter().position(|other| *other == id) else { return Ok(false) };
            order.remove(from);
            order.insert(usize::try_from(index).unwrap_or(usize::MAX).min(order.len()), id);
            let mut place = db.prepare_cached("UPDATE todos SET position = ?2 WHERE id = ?1")?;
            for (position, id) in (1_i64..).zip(order) {
                place.execute([id, position])?;
            }
            Ok(true)
        })
        .await
    }

    /// Takes away all that are done; their ids.
    pub(crate) async fn clear_completed_todos(&self) -> Result<Vec<i64>, StoreError> {
        self.run(|db| {
            db.prepare_cached("DELETE FROM todos WHERE done RETURNING id")?
                .query_map([], |row| row.get(0))?
                .collect()
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn texts(store: &Store) -> Vec<String> {
        store.todos().await.unwrap().into_iter().map(|t| t.text).collect()
    }

    #[tokio::test]
    async fn items_move_to_any_place() {
        let store = Store::in_memory().await;
        let mut ids = Vec::new();
        for text in ["a", "b", "c", "d"] {
            ids.push(store.add_todo(text.into()).await.unwrap().id);
        }
        store.move_todo(ids[0], 2).await.unwrap();
        assert_eq!(texts(&store).await, ["b", "c", "a", "d"]);
        store.move_todo(ids[3], 0).await.unwrap();
        assert_eq!(texts(&store).await, ["d", "b", "c", "a"]);
        store.move_todo(ids[1], 99).await.unwrap();
        assert_eq!(texts(&store).await, ["d", "c", "a", "b"]);
        store.add_todo("e".into()).await.unwrap();
        assert_eq!(texts(&store).await, ["d", "c", "a", "b", "e"]);
    }

    #[tokio::test]
    async fn changes_are_of_one_item() {
        let store = Store::in_memory().await;
        let a = store.add_todo("a".into()).await.unwrap();
        let b = store.add_todo("b".into()).await.unwrap();
        assert!(store.toggle_todo(a.id).await.unwrap().unwrap().done);
        assert_eq!(store.rename_todo(b.id, "B".into()).await.unwrap().unwrap().text, "B");
        assert_eq!(store.clear_completed_todos().await.unwrap(), [a.id]);
        assert_eq!(store.toggle_todo(a.id).await.unwrap(), None);
        assert!(!store.remove_todo(a.id).await.unwrap());
        assert!(store.remove_todo(b.id).await.unwrap());
        assert_eq!(texts(&store).await, [""; 0]);
    }
}
