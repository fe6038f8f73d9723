//! What was said, room by room.

use rusqlite::{Row, params};

use super::{Store, StoreError};
use crate::components::chat::Message;

fn message(row: &Row<'_>) -> rusqlite::Result<Message> {
    Ok(Message {
        id: row.get(0)?,
        user_id: row.get(1)?,
        user_name: row.get(2)?,
        content: row.get(3)?,
        created_at: row.get(4)?,
    })
}

impl Store {
    /// Keeps a message; its id and time are the database's.
    pub(crate) async fn add_message(
        &self,
        room: &str,
        user_id: &str,
        user_name: &str,
        content: String,
    ) -> Result<Message, StoreError> {
        let (room, user_id, user_name) = (room.to_owned(), user_id.to_owned(), user_name.to_owned());
        self.run(move |db| {
            db.execute("INSERT OR IGNORE INTO rooms (name) VALUES (?1)", [&room])?;
            db.query_row(
                "INSERT INTO messages (room, user_id, user_name, content) VALUES (?1, ?2, ?3, ?4)
                 RETURNING id, user_id, user_name, content, created_at",
                params![room, user_id, user_name, content],
                message,
            )
        })
        .await
    }

    /// The last messages of a room before the one of that id (or the very last), oldest first.
    pub(crate) async fn messages(
        &self,
        room: &str,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Message>, StoreError> {
        let room = room.to_owned();
        self.run(move |db| {
            let mut messages = db
                .prepare_cached(
                    "SELECT id, user_id, user_name, content, created_at FROM messages
                     WHERE room = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3",
                )?
                .query_map(params![room, before.unwrap_or(i64::MAX), limit], message)?
                .collect::<rusqlite::Result<Vec<_>>>()?;
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
    async fn a_room_gives_its_last_messages_and_those_before() {
        let store = Store::in_memory().await;
        for n in 1..=5 {
            store.add_message("attic", "u1", "Ada", format!("number {n}")).await.unwrap();
            store.add_message("cellar", "u2", "Bob", "elsewhere".into()).await.unwrap();
        }
        let contents = |messages: &[Message]| messages.iter().map(|m| m.content.clone()).collect::<Vec<_>>();
        let last = store.messages("attic", None, 2).await.unwrap();
        assert_eq!(contents(&last), ["number 4", "number 5"]);
        let before = store.messages("attic", Some(last[0].id), 2).await.unwrap();
        assert_eq!(contents(&before), ["number 2", "number 3"]);
        assert_eq!(store.room("attic").await.unwrap().unwrap().messages, 5);
    }
}
