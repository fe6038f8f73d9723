//! Outputs of the client, which its caller runs. The client has no other effect outside.

use super::failure::Failure;
use crate::patch::Change;
use crate::shared::Shared;
use crate::slots::Slot;
use crate::value::{Key, Val};

/// The connection's status, as the page shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// The first connection, or the first attempt after a drop, is in progress.
    Connecting,
    Connected,
    /// An attempt has failed; others follow.
    Offline,
    /// No automatic attempt follows: another connection took the session, or the server refuses
    /// this page.
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

/// A command for the client's socket. There is at most one socket at a time.
#[derive(Debug, PartialEq)]
pub enum SocketCommand {
    /// Open a socket. The caller reports its events with this number.
    Connect(u32),
    /// Close the socket with this code.
    Close(u16),
    /// Send a frame.
    Send(String),
}

/// One effect for the caller to run.
#[derive(Debug, PartialEq)]
pub(crate) enum Output {
    /// Run this command on the socket.
    Socket(SocketCommand),
    /// Call [`Client::timer`](super::Client::timer) with the token after `ms` milliseconds.
    Timer { token: u32, ms: u32 },
    /// Report the status, the number of attempts since the last connection, the last close code,
    /// and the number of messages that wait for a connection.
    Status { status: Status, attempt: u32, code: u16, queued: u32 },
    /// Reload the page.
    Reload,
    /// The component is mounted with a new state, or mounted again after a lost session or a
    /// deploy.
    Mounted { slot: Slot },
    /// Fields changed: of the topic behind the field `shared` if that is set, else of the
    /// component.
    Changed { slot: Slot, shared: Option<Key>, changes: Shared<Vec<Change>> },
    /// The whole state of the component was replaced.
    Replaced { slot: Slot },
    /// The mount failed, or the server removed the component.
    Failed { slot: Slot, failure: Failure },
    /// The component's unanswered requests or edits changed.
    Wire { slot: Slot },
    /// An action of this element was answered; `ok` if it was not refused. The element's properties
    /// show the state again.
    Answered { slot: Slot, origin: Origin, ok: bool },
    /// The server refused the edit of a field. The confirmed value applies.
    Refused { slot: Slot, field: Key },
    /// A request without a ticket failed. `action` is [`Key::NONE`] if it is not an action.
    ActionFailed { slot: Slot, action: Key, failure: Failure },
    /// The outcome of a call by the page's own code: a value, or a [`Failure`] if not `ok`.
    Settled { ticket: u32, ok: bool, value: Val },
    /// An application event: an object of `name` and `data`.
    Event { slot: Slot, event: Val },
    /// The name of the server's build.
    Build(String),
    /// No message about a removed component follows. Its id may be used again.
    Forgotten { id: Key },
    /// A template arrived over the socket.
    Template { hash: Key, template: Val },
}

/// The element that called an action: the root of its block, and the hole. No element has the
/// number 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) node: u32,
    /// With [`POLL`] if the page called the action by itself, in an interval.
    pub(crate) hole: u32,
}

/// Marks the hole of a poll; no address is that large.
pub(crate) const POLL: u32 = 1 << 31;
