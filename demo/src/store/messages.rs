//! The messages of all rooms.

use vivaz::{DatabaseError, Tx, User};

use super::Store;
use super::rooms::{self, RoomCreation};
use crate::components::chat::Message;

/// Maximum number of messages in a room.
const MAX_IN_ROOM: u32 = 1_000;
/// Maximum number of messages in all rooms.
const MAX_IN_TOTAL: u32 = 20_000;

/// Stores a message; the database assigns its id and time. The oldest messages are deleted beyond
/// the limits. `None` if the room does not exist and cannot be created.
pub(crate) fn add(
    tx: &mut Tx,
    room: &str,
    from: &User,
    content: &str,
) -> Result<Option<Message>, DatabaseError> {
    if rooms::make(tx, room)? == RoomCreation::Full {
        return Ok(None);
    }
    let message: Option<Message> = tx.query_first(
        "INSERT INTO messages (room, user_id, user_name, content) VALUES (?1, ?2, ?3, ?4)
         RETURNING id, user_id, user_name, content, created_at",
        (room, &from.id, &from.name, content),
    )?;
    let Some(message) = message else { return Ok(None) };
    tx.execute(
        "DELETE FROM messages WHERE room = ?1
         AND id <= (SELECT id FROM messages WHERE room = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
        (room, MAX_IN_ROOM),
    )?;
    tx.execute("DELETE FROM messages WHERE id <= ?1 - ?2", (message.id, MAX_IN_TOTAL))?;
    Ok(Some(message))
}

impl Store {
    /// Returns the last messages of a room before the one with that id (or the very last), oldest
    /// first.
    pub(crate) async fn messages(
        &self,
        room: &str,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Message>, DatabaseError> {
        let room = room.to_owned();
        self.run(move |tx| {
            let mut messages: Vec<Message> = tx.query(
                "SELECT id, user_id, user_name, content, created_at FROM messages
                 WHERE room = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3",
                (room, before.unwrap_or(i64::MAX), limit),
            )?;
            messages.reverse();
            Ok(messages)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_room_returns_its_last_messages() {
        let store = Store::in_memory().await;
        let ada = User::new("u1", "Ada");
        for n in 1..=5 {
            let ada = ada.clone();
            store
                .write(move |tx| {
                    add(tx, "attic", &ada, &format!("number {n}"))?;
                    add(tx, "cellar", &ada, "elsewhere")
                })
                .await;
        }
        let contents = |messages: &[Message]| messages.iter().map(|m| m.content.clone()).collect::<Vec<_>>();
        let last = store.messages("attic", None, 2).await.unwrap();
        assert_eq!(contents(&last), ["number 4", "number 5"]);
        let before = store.messages("attic", Some(last[0].id), 2).await.unwrap();
        assert_eq!(contents(&before), ["number 2", "number 3"]);
        assert_eq!(store.room("attic").await.unwrap().unwrap().messages, 5);
    }

    #[tokio::test]
    async fn the_oldest_messages_are_deleted() {
        let store = Store::in_memory().await;
        let ada = User::new("u1", "Ada");
        let all = MAX_IN_TOTAL;
        store
            .write(move |tx| {
                (0..MAX_IN_ROOM + 5).try_for_each(|_| add(tx, "attic", &ada, "x").map(|_| ()))?;
                (0..all).try_for_each(|n| add(tx, &format!("room-{}", n % 30), &ada, "x").map(|_| ()))
            })
            .await;
        let count = |sql: &'static str| store.run(move |tx| tx.query_first::<u32>(sql, ()));
        assert_eq!(count("SELECT count(*) FROM messages").await.unwrap(), Some(MAX_IN_TOTAL));
        assert_eq!(count("SELECT count(*) FROM messages WHERE room = 'attic'").await.unwrap(), Some(0));
        let store = Store::in_memory().await;
        let ada = User::new("u1", "Ada");
        store
            .write(move |tx| (0..MAX_IN_ROOM + 5).try_for_each(|_| add(tx, "attic", &ada, "x").map(|_| ())))
            .await;
        assert_eq!(store.room("attic").await.unwrap().unwrap().messages, i64::from(MAX_IN_ROOM));
    }
}
