//! The form's entries.

use vivaz::{DatabaseError, Tx};

use super::Store;
use crate::components::form::SavedEntry;

/// Maximum number of entries: the newest are kept.
const MAX_ENTRIES: i64 = 1_000;

/// Stores an entry and assigns its id. The oldest one is deleted beyond the limit.
pub(crate) fn save(tx: &mut Tx, name: String, email: String, age: i64) -> Result<SavedEntry, DatabaseError> {
    let insert = "INSERT INTO people (name, email, age) VALUES (?1, ?2, ?3) RETURNING id";
    let id: Option<i64> = tx.query_first(insert, (&name, &email, age))?;
    let id = id.unwrap_or_default();
    tx.execute("DELETE FROM people WHERE id <= ?1", [id - MAX_ENTRIES])?;
    Ok(SavedEntry { id, name, email, age })
}

impl Store {
    /// Returns the newest entries, newest first.
    pub(crate) async fn people(&self, limit: u32) -> Result<Vec<SavedEntry>, DatabaseError> {
        self.run(move |tx| {
            tx.query("SELECT id, name, email, age FROM people ORDER BY id DESC LIMIT ?1", [limit])
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_newest_entries_are_first() {
        let store = Store::in_memory().await;
        for name in ["Ada", "Grace", "Barbara"] {
            store.write(move |tx| save(tx, name.into(), format!("{name}@example.org"), 36)).await;
        }
        let names: Vec<_> = store.people(2).await.unwrap().into_iter().map(|p| p.name).collect();
        assert_eq!(names, ["Barbara", "Grace"]);
    }

    #[tokio::test]
    async fn the_oldest_entry_is_deleted() {
        let store = Store::in_memory().await;
        store
            .write(|tx| {
                (0..MAX_ENTRIES + 5).try_for_each(|n| save(tx, n.to_string(), String::new(), 36).map(|_| ()))
            })
            .await;
        let kept = store.people(u32::MAX).await.unwrap();
        assert_eq!((kept.len() as i64, kept.last().unwrap().name.as_str()), (MAX_ENTRIES, "5"));
    }
}
