//! Rooms: any name exists once it is used.

use vivaz::{DatabaseError, Tx};

use super::Store;

/// Maximum number of rooms.
const MAX_ROOMS: u32 = 1_000;

/// The data of a room for other programs.
#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
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
    pub(crate) async fn make_room(&self, name: &str) -> Result<RoomCreation, DatabaseError> {
        let name = name.to_owned();
        self.run(move |tx| make(tx, &name)).await
    }

    /// Returns the room with that name, if it was ever used.
    pub(crate) async fn room(&self, name: &str) -> Result<Option<RoomRecord>, DatabaseError> {
        let name = name.to_owned();
        let select =
            "SELECT name AS id, created_at, (SELECT count(*) FROM messages WHERE room = name) AS messages
                      FROM rooms WHERE name = ?1";
        self.run(move |tx| tx.query_first(select, [name])).await
    }
}

/// Creates the room unless it exists. Beyond the limit, the oldest room without messages is
/// deleted.
pub(super) fn make(tx: &mut Tx, name: &str) -> Result<RoomCreation, DatabaseError> {
    if tx.query_first::<i64>("SELECT 1 FROM rooms WHERE name = ?1", [name])?.is_some() {
        return Ok(RoomCreation::Exists);
    }
    let rooms: Option<u32> = tx.query_first("SELECT count(*) FROM rooms", ())?;
    if rooms >= Some(MAX_ROOMS) {
        let removed = tx.execute(
            "DELETE FROM rooms WHERE name = (
                 SELECT name FROM rooms WHERE name <> 'lobby'
                 AND NOT EXISTS (SELECT 1 FROM messages WHERE room = name) ORDER BY created_at, rowid LIMIT 1)",
            (),
        )?;
        if removed == 0 {
            return Ok(RoomCreation::Full);
        }
    }
    tx.execute("INSERT INTO rooms (name) VALUES (?1)", [name])?;
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
        store.write(move |tx| messages::add(tx, "attic", &said, "hello")).await.unwrap();
        for n in 0..MAX_ROOMS {
            assert_eq!(store.make_room(&format!("room-{n}")).await.unwrap(), RoomCreation::Exists);
        }
        let rooms = || store.run(|tx| tx.query_first::<u32>("SELECT count(*) FROM rooms", ()));
        assert_eq!(rooms().await.unwrap(), Some(MAX_ROOMS));
        for kept in ["lobby", "attic", "room-999"] {
            assert!(store.room(kept).await.unwrap().is_some(), "{kept}");
        }
        assert_eq!(store.room("room-0").await.unwrap(), None);
        // A visitor who writes into each room prevents new rooms, but existing rooms remain.
        let fill = move |tx: &mut Tx| {
            let names: Vec<String> = tx.query("SELECT name FROM rooms", ())?;
            names.iter().try_for_each(|name| messages::add(tx, name, &ada, "hello").map(|_| ()))
        };
        store.write(fill).await;
        assert_eq!(store.make_room("another").await.unwrap(), RoomCreation::Full);
        assert_eq!(store.make_room("attic").await.unwrap(), RoomCreation::Exists);
        assert_eq!(rooms().await.unwrap(), Some(MAX_ROOMS));
    }
}
