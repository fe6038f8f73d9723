//! A chat: one room in memory for all its users, with its messages in SQLite.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::json;
use vivaz::User;
use vivaz::prelude::*;

use crate::store::rooms::RoomCreation;
use crate::store::{Store, messages};

/// Number of messages that a room keeps in memory and shows.
const SHOWN: u32 = 50;
/// Maximum length of a message, in characters.
const MAX_LENGTH: usize = 2_000;
/// A user who has not pressed a key for this time is no longer typing.
const TYPING_ENDS: Duration = Duration::from_secs(6);
/// The interval in which a room sends its changes, and the minimum interval of a page's typing
/// events.
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
    /// Counts the user's key presses, so that an old timer does not end a newer typing. It is not
    /// saved.
    #[live(skip)]
    pressed: u64,
    /// When the component last sent a typing event to the room.
    #[live(skip)]
    last_event: Option<Instant>,
}

/// The shared state of a room.
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

    /// Typing changes often, and each change is sent to all users of the room.
    const INTERVAL: Duration = TYPING_INTERVAL;

    async fn load(room: &RoomId, cx: &TopicContext) -> Result<Self> {
        let store = cx.state::<Store>();
        if store.make_room(room.as_str()).await? == RoomCreation::Full {
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

    /// A user who closes one of two tabs is not typing in the other one.
    fn unmount(&mut self, cx: &mut Context) -> Result<()> {
        if self.pressed > 0 { self.show_typing(cx, false) } else { Ok(()) }
    }

    /// A page that was opened before rooms had presence has not called `connected` since.
    fn resumed(&mut self, cx: &mut Context) -> Result<()> {
        self.connected(cx)
    }

    /// The message, the reply and the page's empty draft are committed together before any of them
    /// is published.
    #[action(transaction)]
    fn send_message(&mut self, cx: &mut Context, tx: &mut Tx, content: String) -> Result<()> {
        let content = content.trim();
        if content.is_empty() {
            return Err(Errors::of("content", "Enter a message.").into());
        }
        if content.chars().count() > MAX_LENGTH {
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

    /// Changes no saved state, so it does not wait for the disk.
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

    /// Returns messages before the one with that id, oldest first.
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
        if self.last_event.is_none_or(|last_event| now.duration_since(last_event) >= TYPING_INTERVAL) {
            self.last_event = Some(now);
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

/// The error if the maximum number of rooms exists and all of them have messages.
fn no_room() -> ActionError {
    ActionError::user("The maximum number of rooms exists. Use one of them.")
}

/// Addresses below `/chat` that belong to other pages.
const RESERVED: [&str; 4] = ["health", "live", "ready", "rooms"];

/// The name of a room: 1 to 64 characters of `A-Za-z0-9_-`, but none of [`RESERVED`]. Each such
/// room exists once it is used.
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
        if RESERVED.contains(&name) {
            Err("health, live, ready and rooms are reserved names")
        } else if fits && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
            Ok(Self(name.to_owned()))
        } else {
            Err("a room's name must have 1 to 64 characters of A-Z, a-z, 0-9, _ and -")
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
