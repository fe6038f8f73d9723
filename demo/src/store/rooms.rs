//! Rooms: any name exists once it is used.

use rusqlite::{OptionalExtension, params};

use super::{Store, StoreError};

/// What is known of a room without entering it.
#[derive(Debug, PartialEq, serde::Serialize)]
pub(crate) struct RoomRecord {
    pub(crate) id: String,
    pub(crate) created_at: String,
    pub(crate) messages: i64,
}

impl Store {
    /// Makes the room unless it is there.
    pub(crate) async fn make_room(&self, name: &str) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.run(move |db| db.execute("INSERT OR IGNORE INTO rooms (name) VALUES (?1)", [name])).await?;
        Ok(())
    }

    /// The room of that name, if it was ever used.
    pub(crate) async fn room(&self, name: &str) -> Result<Option<RoomRecord>, StoreError> {
        let name = name.to_owned();
        self.run(move |db| {
            db.query_row(
                "SELECT name, created_at, (SELECT count(*) FROM messages WHERE room = name) FROM rooms WHERE name = ?1",
                params![name],
                |row| Ok(RoomRecord { id: row.get(0)?, created_at: row.get(1)?, messages: row.get(2)? }),
            )
            .optional()
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_room_exists_once_it_was_made() {
        let store = Store::in_memory().await;
        assert_eq!(store.room("attic").await.unwrap(), None);
        store.make_room("attic").await.unwrap();
        store.make_room("attic").await.unwrap();
        let room = store.room("attic").await.unwrap().unwrap();
        assert_eq!((room.id.as_str(), room.messages), ("attic", 0));
        assert!(room.created_at.ends_with('Z'), "{}", room.created_at);
    }
}
