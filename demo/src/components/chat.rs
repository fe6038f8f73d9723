//! A chat: one room in memory for all who look at it, its messages in SQLite.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::json;
use vivaz::User;
use vivaz::prelude::*;

use crate::store::rooms::Made;
use crate::store::{Store, messages};

/// How many messages a room keeps in memory and shows.
const SHOWN: u32 = 50;
/// The longest message, in characters.
const LONGEST: usize = 2_000;
/// Somebody who has not pressed a key for so long is not typing any more.
const TYPING_ENDS: Duration = Duration::from_secs(6);
/// How often a room is told of what happens in it, and of one page's typing by an event.
const TYPING_INTERVAL: Duration = Duration::from_millis(250);

#[derive(LiveComponent, Clone)]
#[live(name = "chat", template = "chat.html", open, durable)]
pub(crate) struct Chat {
    #[live(prop, default)]
    room: RoomId,
    #[live(model)]
    draft: String,
    #[live(shared = "chat/{room}")]
    chat: Shared<Room>,
    /// Counts the visitor's key presses, so that an old timer does not end a new typing. Not worth keeping.
    #[live(skip)]
    pressed: u64,
    /// When the room was last told of it by an event.
    #[live(skip)]
    told: Option<Instant>,
}

/// What all who look at a room share.
#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
pub(crate) struct Room {
    messages: List<Message>,
    #[live(presence)]
    users: Presence,
    typing: List<User>,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Message {
    pub(crate) id: i64,
    pub(crate) user_id: String,
    pub(crate) user_name: String,
    pub(crate) content: String,
    pub(crate) created_at: String,
}

impl Topic for Room {
    type Key = RoomId;

    /// Typing starts and stops all the time, and everybody in the room is sent each change.
    const INTERVAL: Duration = TYPING_INTERVAL;

    async fn load(room: &RoomId, cx: &TopicContext) -> Result<Self> {
        let store = cx.state::<Store>();
        if store.make_room(room.as_str()).await? == Made::Full {
            return Err(no_room());
        }
        let messages = store.messages(room.as_str(), None, SHOWN).await?;
        Ok(Self { messages: messages.into_iter().collect(), ..Self::default() })
    }

    async fn authorize(_: &RoomId, who: &Identity) -> Result<()> {
        who.user().map(|_| ())
    }

    fn presence_changed(&mut self, room: &RoomId, change: &mut PresenceChange) {
        let user = change.user().id.clone();
        if !change.is_present() {
            self.typing.remove(&user);
        }
        let event = if change.is_present() { "user.joined" } else { "user.left" };
        change.emit(event, json!({ "userId": user, "roomId": room }));
    }
}

#[actions]
impl Chat {
    fn connected(&mut self, cx: &mut Context) -> Result<()> {
        cx.presence(&mut self.chat).enter()
    }

    /// Somebody who closes one of two tabs is not typing in the other one.
    fn unmount(&mut self, cx: &mut Context) -> Result<()> {
        if self.pressed > 0 { self.show_typing(cx, false) } else { Ok(()) }
    }

    /// Pages that were open before rooms had presence were connected then.
    fn resumed(&mut self, cx: &mut Context) -> Result<()> {
        self.connected(cx)
    }

    /// What is said, that it was said and the page's empty draft are on disk together before anybody sees any of it.
    #[action(transaction)]
    fn send_message(&mut self, cx: &mut Context, tx: &mut Tx, content: String) -> Result<()> {
        let content = content.trim();
        if content.is_empty() {
            return Err(Errors::of("content", "Say something.").into());
        }
        if content.chars().count() > LONGEST {
            return Err(Errors::of("content", "A message has at most 2,000 characters.").into());
        }
        let me = cx.user()?.clone();
        let message = messages::add(tx, self.room.as_str(), &me, content)?.ok_or_else(no_room)?;
        self.draft.clear();
        self.chat.update(move |room| {
            room.typing.remove(&me.id);
            room.messages.push(message.clone());
            room.messages.keep_last(SHOWN as usize);
        });
        Ok(())
    }

    /// Changes nothing that is kept, so it does not wait for the disk.
    #[action(retry)]
    fn typing(&mut self, cx: &mut Context, is_typing: bool) -> Result<()> {
        self.pressed += 1;
        if is_typing {
            let pressed = self.pressed;
            cx.spawn("paused", async move {
                tokio::time::sleep(TYPING_ENDS).await;
                Ok(pressed)
            });
        }
        self.show_typing(cx, is_typing)
    }

    #[event]
    fn paused(&mut self, cx: &mut Context, pressed: Result<u64>) -> Result<()> {
        if pressed? == self.pressed { self.show_typing(cx, false) } else { Ok(()) }
    }

    /// Messages before the one of that id, oldest first.
    #[action(retry, before = None, limit = 50)]
    async fn history(&mut self, cx: &mut Context, before: Option<i64>, limit: u32) -> Result<Vec<Message>> {
        Ok(cx.state::<Store>().messages(self.room.as_str(), before, limit.min(100)).await?)
    }

    fn show_typing(&mut self, cx: &mut Context, is_typing: bool) -> Result<()> {
        let me = cx.user()?.clone();
        if is_typing == self.chat.typing.contains(&me.id) {
            return Ok(());
        }
        let now = Instant::now();
        if self.told.is_none_or(|told| now.duration_since(told) >= TYPING_INTERVAL) {
            self.told = Some(now);
            let event = json!({ "userId": me.id, "roomId": self.room, "isTyping": is_typing });
            cx.to_topic(&self.chat).emit("user.typing", event)?;
        }
        self.chat.update(move |room| {
            if is_typing {
                room.typing.push(me.clone());
            } else {
                room.typing.remove(&me.id);
            }
        });
        Ok(())
    }
}

/// There are as many rooms as there may be, and in all of them something was said.
fn no_room() -> ActionError {
    ActionError::user("There are as many rooms as there may be. Meet in one of them.")
}

/// Addresses below `/chat` that belong to other pages.
const NO_ROOMS: [&str; 4] = ["health", "live", "ready", "rooms"];

/// The name of a room: 1 to 64 of `A-Za-z0-9_-`, but none of [`NO_ROOMS`]. Any such room exists
/// once it is used.
#[derive(LiveState, Serialize, Deserialize, Clone, Debug, PartialEq, Eq, Hash)]
#[serde(try_from = "String")]
pub(crate) struct RoomId(String);

impl RoomId {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for RoomId {
    fn default() -> Self {
        Self("lobby".to_owned())
    }
}

impl FromStr for RoomId {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let fits = (1..=64).contains(&name.len());
        if NO_ROOMS.contains(&name) {
            Err("health, live, ready and rooms are no names of rooms")
        } else if fits && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
            Ok(Self(name.to_owned()))
        } else {
            Err("a room's name is 1 to 64 of A-Z, a-z, 0-9, _ and -")
        }
    }
}

impl TryFrom<String> for RoomId {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        name.parse()
    }
}

impl fmt::Display for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
