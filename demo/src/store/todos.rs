//! The items of the todo list.

use vivaz::{DatabaseError, SqlStatement, Tx};

use super::Store;
use crate::components::todo::Item;

impl Store {
    /// Returns all items, in order.
    pub(crate) async fn todos(&self) -> Result<Vec<Item>, DatabaseError> {
        self.run(|tx| tx.query("SELECT id, text, done FROM todos ORDER BY position, id", ())).await
    }
}

/// Appends an item to the list, which may have `most` of them. `None` beyond that.
pub(crate) fn add(tx: &mut Tx, text: &str, most: u32) -> Result<Option<Item>, DatabaseError> {
    tx.query_first(
        "INSERT INTO todos (text, position)
         SELECT ?1, coalesce(max(position), 0) + 1 FROM todos HAVING count(*) < ?2
         RETURNING id, text, done",
        (text, most),
    )
}

/// Toggles `done`. This and the following functions return `None` or `false` if the item does not
/// exist.
pub(crate) fn toggle(tx: &mut Tx, id: i64) -> Result<Option<Item>, DatabaseError> {
    tx.query_first("UPDATE todos SET done = NOT done WHERE id = ?1 RETURNING id, text, done", [id])
}

/// Changes the text.
pub(crate) fn rename(tx: &mut Tx, id: i64, text: &str) -> Result<Option<Item>, DatabaseError> {
    tx.query_first("UPDATE todos SET text = ?2 WHERE id = ?1 RETURNING id, text, done", (id, text))
}

/// Removes an item; returns whether it existed.
pub(crate) fn remove(tx: &mut Tx, id: i64) -> Result<bool, DatabaseError> {
    Ok(tx.execute("DELETE FROM todos WHERE id = ?1", [id])? > 0)
}

/// Moves an item to `index`; an index past the end means the end. Returns whether the item exists.
pub(crate) fn move_to(tx: &mut Tx, id: i64, index: u32) -> Result<bool, DatabaseError> {
    let mut order: Vec<i64> = tx.query("SELECT id FROM todos ORDER BY position, id", ())?;
    let Some(from) = order.iter().position(|other| *other == id) else { return Ok(false) };
    order.remove(from);
    order.insert(usize::try_from(index).unwrap_or(usize::MAX).min(order.len()), id);
    let place = "UPDATE todos SET position = ?2 WHERE id = ?1";
    tx.batch((1_i64..).zip(order).map(|(position, id)| SqlStatement::new(place, [id, position])))?;
    Ok(true)
}

/// Removes all items that are done and returns their ids.
pub(crate) fn clear_completed(tx: &mut Tx) -> Result<Vec<i64>, DatabaseError> {
    tx.query("DELETE FROM todos WHERE done RETURNING id", ())
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
            ids.push(store.write(|tx| add(tx, text, 9)).await.unwrap().id);
        }
        let move_to = async |id, index| store.write(move |tx| move_to(tx, id, index)).await;
        assert!(move_to(ids[0], 2).await);
        assert_eq!(texts(&store).await, ["b", "c", "a", "d"]);
        assert!(move_to(ids[3], 0).await);
        assert_eq!(texts(&store).await, ["d", "b", "c", "a"]);
        assert!(move_to(ids[1], 99).await);
        assert_eq!(texts(&store).await, ["d", "c", "a", "b"]);
        store.write(|tx| add(tx, "e", 9)).await.unwrap();
        assert_eq!(texts(&store).await, ["d", "c", "a", "b", "e"]);
    }

    #[tokio::test]
    async fn the_number_of_items_is_limited() {
        let store = Store::in_memory().await;
        for _ in 0..9 {
            assert!(store.write(|tx| add(tx, "a", 9)).await.is_some());
        }
        assert_eq!(store.write(|tx| add(tx, "b", 9)).await, None);
        let first = store.todos().await.unwrap()[0].id;
        store.write(move |tx| remove(tx, first)).await;
        assert!(store.write(|tx| add(tx, "c", 9)).await.is_some());
    }

    #[tokio::test]
    async fn a_change_affects_one_item() {
        let store = Store::in_memory().await;
        let a = store.write(|tx| add(tx, "a", 9)).await.unwrap().id;
        let b = store.write(|tx| add(tx, "b", 9)).await.unwrap().id;
        assert!(store.write(move |tx| toggle(tx, a)).await.unwrap().done);
        assert_eq!(store.write(move |tx| rename(tx, b, "B")).await.unwrap().text, "B");
        assert_eq!(store.write(clear_completed).await, [a]);
        assert_eq!(store.write(move |tx| toggle(tx, a)).await, None);
        assert!(!store.write(move |tx| remove(tx, a)).await);
        assert!(store.write(move |tx| remove(tx, b)).await);
        assert_eq!(texts(&store).await, [""; 0]);
    }
}
