//! What the client asks its caller to do: its only way to the outside.

use crate::patch::Change;
use crate::shared::Shared;
use crate::slots::Slot;
use crate::value::{Key, Val};

/// Why something failed: the payload of an `ERROR`, or the like made by the client itself.
pub(crate) type Failure = Val;

pub(super) fn failure(code: &str, message: &str) -> Failure {
    Val::Obj(vec![(Key::of("code"), Val::text(code)), (Key::of("message"), Val::text(message))])
}

/// How the page is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// A connection is being made: the first one, or the first try after a drop.
    Connecting,
    Connected,
    /// A try has failed; others follow.
    Offline,
    /// No try follows by itself: another connection took the session, or the server refuses this
    /// page.
    Stopped,
}

impl Status {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Status::Connecting => "connecting",
            Status::Connected => "connected",
            Status::Offline => "offline",
            Status::Stopped => "stopped",
        }
    }
}

/// What the client does with its socket. There is at most one at a time.
#[derive(Debug, PartialEq)]
pub enum SocketCommand {
    /// Open a socket. What becomes of it is reported with this number.
    Connect(u32),
    /// Close the socket with this code.
    Close(u16),
    /// Send a frame.
    Send(String),
}

/// One thing to do.
#[derive(Debug, PartialEq)]
pub(crate) enum Output {
    /// Do this with the socket.
    Socket(SocketCommand),
    /// Call [`Client::timer`](super::Client::timer) with the token after that time.
    Timer { token: u32, ms: u32 },
    /// Tell the page how it is connected, the number of tries since it was, and how much waits for
    /// that.
    Status { status: Status, attempt: u32, code: u16, queued: u32 },
    /// The page has to be loaded anew.
    Reload,
    /// The component is there, with a whole new state (also: again, after a lost session or a
    /// deploy).
    Mounted { slot: Slot },
    /// Fields of the component changed; of the topic under `shared`, if that is set.
    Changed { slot: Slot, shared: Option<Key>, changes: Shared<Vec<Change>> },
    /// Its state was replaced as a whole.
    Replaced { slot: Slot },
    /// The component could not be mounted, or the server took it away.
    Failed { slot: Slot, failure: Failure },
    /// What is unanswered of the component changed.
    Wire { slot: Slot },
    /// An action of this element of the page was answered, `ok` if it was not refused: its
    /// properties show the state again.
    Answered { slot: Slot, origin: Origin, ok: bool },
    /// The server refuses what was typed into a field; the confirmed value is the one that counts.
    Refused { slot: Slot, field: Key },
    /// An action that nobody waits for failed; without a name it was something else than an action.
    ActionFailed { slot: Slot, action: Key, failure: Failure },
    /// What a call of the page's own code came to: a value, or if not `ok` a [`Failure`].
    Settled { ticket: u32, ok: bool, value: Val },
    /// An application event: an object of `name` and `data`.
    Event { slot: Slot, event: Val },
    /// The server named its build.
    Build(String),
    /// Nothing follows about a removed component: its id may be used again.
    Forgotten { id: Key },
    /// A template came over the socket.
    Template { hash: Key, template: Val },
}

/// The element that an action was called from: the root of its block, and the hole. No element has
/// the number 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) node: u32,
    pub(crate) hole: u32,
}
