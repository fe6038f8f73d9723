//! Mail: the messages that other tasks post to a session.

use std::time::Duration;

use tokio::sync::oneshot;
use vivaz_components::{ServerEvent, UnmountReason};
use vivaz_protocol::{CloseCode, ComponentId, TopicName};

use crate::session::Session;
use crate::session::completion::{Completion, WholeWriteResult};

/// A message to a session.
pub(crate) enum Mail {
    /// An event from the server, for one component or for all.
    Event { component: Option<ComponentId>, event: ServerEvent },
    /// An event of a component for the other components of the session.
    ComponentEvent { from: ComponentId, event: ServerEvent },
    /// The completion of a task or a load of a component. Each gives exactly one.
    Completed(Box<Completion>),
    /// A topic has changed from which children's props are computed. Queued at most once a topic.
    TopicChanged(TopicName),
    /// Another connection resumes the session: hand it over and close.
    HandOver(oneshot::Sender<Box<Session>>),
    /// Save the session now.
    Save,
    /// The server shuts down: send `DRAIN` with this delay, finish the running jobs, and close.
    Drain(Duration),
    /// Close the connection, and end or suspend the session, according to the code.
    Close(CloseCode),
    /// The identity has expired: close the connection, if there is one, and suspend the session.
    IdentityExpired,
    /// End the session, and close its connection if there is one.
    End(CloseCode, UnmountReason),
    /// The store has lost the session: write it whole. The sender receives the outcome.
    WriteWhole(Option<oneshot::Sender<WholeWriteResult>>),
    /// Answer whether no job runs and none is paused.
    #[cfg(feature = "testing")]
    IsIdle(oneshot::Sender<bool>),
    /// Another process asks for the session: close the connection, finish the running jobs, save
    /// and release the session, and drop the copy in memory. The value is the generation of the
    /// secrets for which it asks: if a page has resumed the session since, nothing happens.
    Release(u64),
    /// Another process owns the session, or the store has a newer state: close the connection and
    /// drop the copy in memory.
    Evict(EvictionReason),
}

/// Why a session's copy in memory is evicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EvictionReason {
    /// Another process owns the session.
    Taken,
    /// The store has a newer state of the session.
    Outdated,
}

impl EvictionReason {
    /// Returns the code that closes the connection.
    pub(crate) fn close_code(self) -> CloseCode {
        match self {
            Self::Taken => CloseCode::TakenOver,
            // The page reconnects and resumes from the store's state.
            Self::Outdated => CloseCode::Full,
        }
    }
}
