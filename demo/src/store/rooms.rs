//! Rooms: any name exists once it is used.

use rusqlite::{Connection, OptionalExtension, params};

use super::{Store, StoreError};

/// Maximum number of rooms.
const MAX_ROOMS: u32 = 1_000;

/// The data of a room for other programs.
#[derive(Debug, PartialEq, serde::Serialize)]
pub(crate) struct RoomRecord {
    pub(crate) id: String,
    pub(crate) created_at: String,
    pub(crate) messages: i64,
}

/// The result of creating a room.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum RoomCreation {
    /// The room exists, now or before.
    Exists,
    /// The maximum number of rooms exists, and all of them have messages.
    Full,
}

impl Store {
    /// Creates the room unless it exists.
    pub(crate) async fn make_room(&self, name: &str) -> Result<RoomCreation, StoreError> {
        let name = name.to_owned();
        self.run(move |db| make(db, &name)).await
    }

    /// Returns the room with that name, if it was ever used.
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

/// Creates the room unless it exists. Beyond the limit, the oldest room without messages is
/// deleted.
pub(super) fn make(db: &Connection, name: &str) -> rusqlite::Result<RoomCreation> {
    let is_there = |db: &Connection| db.prepare_cached("SELECT 1 FROM rooms WHERE name = ?1")?.exists([name]);
    if is_there(db)? {
        return Ok(RoomCreation::Exists);
    }
    let rooms: u32 = db.query_row("SELECT count(*) FROM rooms", [], |row| row.get(0))?;
    if rooms >= MAX_ROOMS {
        db.execute(
            "DELETE FROM rooms WHERE name = (
                 SELECT name FROM rooms WHERE name <> 'lobby'
                 AND NOT EXISTS (SELECT 1 FROM messages WHERE room = name) ORDER BY created_at, rowid LIMIT 1)",
            [],
        )?;
        if db.changes() == 0 {
            return Ok(RoomCreation::Full);
        }
    }
    db.execute("INSERT INTO rooms (name) VALUES (?1)", [name])?;
    Ok(RoomCreation::Exists)
}

#[cfg(test)]
mod tests {
    use vivaz::User;

    use super::*;
    use crate::store::messages;

    #[tokio::test]
    async fn a_room_exists_once_it_was_created() {
        let store = Store::in_memory().await;
        assert_eq!(store.room("attic").await.unwrap(), None);
        assert_eq!(store.make_room("attic").await.unwrap(), RoomCreation::Exists);
        assert_eq!(store.make_room("attic").await.unwrap(), RoomCreation::Exists);
        let room = store.room("attic").await.unwrap().unwrap();
        assert_eq!((room.id.as_str(), room.messages), ("attic", 0));
        assert!(room.created_at.ends_with('Z'), "{}", room.created_at);
    }

    #[tokio::test]
    async fn the_lobby_always_exists() {
        assert!(Store::in_memory().await.room("lobby").await.unwrap().is_some());
    }

    #[tokio::test]
    async fn rooms_with_messages_are_never_deleted() {
        let store = Store::in_memory().await;
        let ada = User::new("u1", "Ada");
        let said = ada.clone();
        store.write(move |db| messages::add(db, "attic", &said, "hello")).await.unwrap();
        for n in 0..MAX_ROOMS {
            assert_eq!(store.make_room(&format!("room-{n}")).await.unwrap(), RoomCreation::Exists);
        }
        let rooms =
            || store.run(|db| db.query_row("SELECT count(*) FROM rooms", [], |row| row.get::<_, u32>(0)));
        assert_eq!(rooms().await.unwrap(), MAX_ROOMS);
        for kept in ["lobby", "attic", "room-999"] {
            assert!(store.room(kept).await.unwrap().is_some(), "{kept}");
        }
        assert_eq!(store.room("room-0").await.unwrap(), None);
        // A visitor who writes into each room prevents new rooms, but removes none.
        let fill = move |db: &Connection| {
            let names = db
                .prepare("SELECT name FROM rooms")?
                .query_map([], |row| row.get(0))?
                .collect::<Result<Vec<String>, _>>()?;
            names.iter().try_for_each(|name| messages::add(db, name, &ada, "hello").map(|_| ()))
        };
        store.write(fill).await;
        assert_eq!(store.make_room("another").await.unwrap(), RoomCreation::Full);
        assert_eq!(store.make_room("attic").await.unwrap(), RoomCreation::Exists);
        assert_eq!(rooms().await.unwrap(), MAX_ROOMS);
    }
}
