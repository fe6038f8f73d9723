//! The items of the todo list.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Store, StoreError};
use crate::components::todo::Item;

fn item(row: &Row<'_>) -> rusqlite::Result<Item> {
    Ok(Item { id: row.get(0)?, text: row.get(1)?, done: row.get(2)? })
}

impl Store {
    /// Returns all items, in order.
    pub(crate) async fn todos(&self) -> Result<Vec<Item>, StoreError> {
        self.run(|db| {
            db.prepare_cached("SELECT id, text, done FROM todos ORDER BY position, id")?
                .query_map([], item)?
                .collect()
        })
        .await
    }
}

/// Appends an item to the list, which may have `most` of them. `None` beyond that.
pub(crate) fn add(db: &Connection, text: &str, most: u32) -> rusqlite::Result<Option<Item>> {
    db.query_row(
        "INSERT INTO todos (text, position)
         SELECT ?1, coalesce(max(position), 0) + 1 FROM todos HAVING count(*) < ?2
         RETURNING id, text, done",
        params![text, most],
        item,
    )
    .optional()
}

/// Toggles `done`. This and the following functions return `None` or `false` if the item does not
/// exist.
pub(crate) fn toggle(db: &Connection, id: i64) -> rusqlite::Result<Option<Item>> {
    db.query_row("UPDATE todos SET done = NOT done WHERE id = ?1 RETURNING id, text, done", [id], item)
        .optional()
}

/// Changes the text.
pub(crate) fn rename(db: &Connection, id: i64, text: &str) -> rusqlite::Result<Option<Item>> {
    db.query_row("UPDATE todos SET text = ?2 WHERE id = ?1 RETURNING id, text, done", params![id, text], item)
        .optional()
}

/// Removes an item; returns whether it existed.
pub(crate) fn remove(db: &Connection, id: i64) -> rusqlite::Result<bool> {
    Ok(db.execute("DELETE FROM todos WHERE id = ?1", [id])? > 0)
}

/// Moves an item to `index`; an index past the end means the end. Returns whether the item exists.
pub(crate) fn move_to(db: &Connection, id: i64, index: u32) -> rusqlite::Result<bool> {
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
}

/// Removes all items that are done and returns their ids.
pub(crate) fn clear_completed(db: &Connection) -> rusqlite::Result<Vec<i64>> {
    db.prepare_cached("DELETE FROM todos WHERE done RETURNING id")?.query_map([], |row| row.get(0))?.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn texts(store: &Store) -> Vec<String> {
        store.todos().await.unwrap().into_iter().map(|t| t.text).collect()
    }

    #[tokio::test]
    async fn items_move_to_any_index() {
        let store = Store::in_memory().await;
        let mut ids = Vec::new();
        for text in ["a", "b", "c", "d"] {
            ids.push(store.write(|db| add(db, text, 9)).await.unwrap().id);
        }
        let move_to = async |id, index| store.write(move |db| move_to(db, id, index)).await;
        assert!(move_to(ids[0], 2).await);
        assert_eq!(texts(&store).await, ["b", "c", "a", "d"]);
        assert!(move_to(ids[3], 0).await);
        assert_eq!(texts(&store).await, ["d", "b", "c", "a"]);
        assert!(move_to(ids[1], 99).await);
        assert_eq!(texts(&store).await, ["d", "c", "a", "b"]);
        store.write(|db| add(db, "e", 9)).await.unwrap();
        assert_eq!(texts(&store).await, ["d", "c", "a", "b", "e"]);
    }

    #[tokio::test]
    async fn the_number_of_items_is_limited() {
        let store = Store::in_memory().await;
        for _ in 0..9 {
            assert!(store.write(|db| add(db, "a", 9)).await.is_some());
        }
        assert_eq!(store.write(|db| add(db, "b", 9)).await, None);
        let first = store.todos().await.unwrap()[0].id;
        store.write(move |db| remove(db, first)).await;
        assert!(store.write(|db| add(db, "c", 9)).await.is_some());
    }

    #[tokio::test]
    async fn a_change_affects_one_item() {
        let store = Store::in_memory().await;
        let a = store.write(|db| add(db, "a", 9)).await.unwrap().id;
        let b = store.write(|db| add(db, "b", 9)).await.unwrap().id;
        assert!(store.write(move |db| toggle(db, a)).await.unwrap().done);
        assert_eq!(store.write(move |db| rename(db, b, "B")).await.unwrap().text, "B");
        assert_eq!(store.write(clear_completed).await, [a]);
        assert_eq!(store.write(move |db| toggle(db, a)).await, None);
        assert!(!store.write(move |db| remove(db, a)).await);
        assert!(store.write(move |db| remove(db, b)).await);
        assert_eq!(texts(&store).await, [""; 0]);
    }
}
