//! What the runtime gives to a store.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use vivaz_components::ActionError;
use vivaz_protocol::{ComponentId, SessionId};

use super::StoreError;
use super::stored::{Owner, Progress, Secrets, State, StoredComponent, StoredReply};

/// A session at some moment, without its durable components.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The session.
    pub session: SessionId,
    /// Whose it is and how long it is good.
    pub head: SnapshotHead,
    /// The state of the plain components. Durable components are left as they were committed.
    pub components: Vec<State>,
}

/// The part of a session that is written whenever the session is saved.
#[derive(Clone, Debug)]
pub struct SnapshotHead {
    /// Whose the session is.
    pub owner: Owner,
    /// Hashes of what it takes to resume it. If the store has a higher generation, that one stays.
    pub secrets: Secrets,
    /// How far the session is. Stored replies that it [covers](Progress::covers) are not needed any
    /// more.
    pub progress: Progress,
    /// How long the session is good once its process has ended.
    pub good_for: Duration,
}

/// A whole session as it is in memory, to be written where the store has lost it.
#[derive(Clone, Debug)]
pub struct Whole {
    /// The session.
    pub session: SessionId,
    /// Whose it is and how long it is good.
    pub head: SnapshotHead,
    /// All of its components, durable ones too.
    pub components: Vec<StoredComponent>,
    /// Components that are being mounted or removed: what the store has of them stays. Every other
    /// component that is not in `components` is deleted.
    pub moving: Vec<ComponentId>,
    /// Components that are kept and not run: the program does not know them, cannot decode their
    /// state, or could not restore them for too long. They replace those that the store has kept
    /// aside of the session. Several may have the same id.
    pub aside: Vec<StoredComponent>,
}

/// One change of one component, as a transaction.
pub struct Commit {
    /// The session.
    pub session: SessionId,
    /// The process that holds the session.
    pub by: Arc<str>,
    /// Enters the session if the store does not have it: the first component of a new session.
    /// Without it, a session that the store does not have is [`CommitError::Absent`].
    pub enters: Option<Box<SnapshotHead>>,
    /// The component that changes and the version that the change was made of. Checked before
    /// `write` is called. A component that the store does not have is [`CommitError::Absent`], also
    /// where `enters` would enter the session; the session is not entered then.
    pub expects: Option<(ComponentId, u64)>,
    /// Every reply up to this ref has been received: stored replies up to it are not needed.
    pub received: u64,
    /// Makes the application's own writes and returns what is written beside them. Called once,
    /// inside of the transaction, with its connection; a store without a database gives `&()`,
    /// which refuses such writes. An error is [`CommitError::Work`] and undoes all of it.
    pub write: Write,
    /// Called once when the transaction lasts, and dropped if it fails; of several transactions in
    /// the order in which they were written, and before anything that is read later is answered.
    /// It does not block.
    pub publish: Box<dyn FnOnce() + Send>,
}

/// What is done inside of a transaction, with the connection that it is made on.
pub type Write = Box<dyn FnOnce(&dyn Any) -> Result<Written, ActionError> + Send>;

/// What a commit comes to.
#[derive(Clone, Debug)]
pub struct Written {
    /// What happened.
    pub change: Change,
    /// The reply to be given when this is done.
    pub reply: Option<StoredReply>,
}

impl Commit {
    /// Creates a commit that is known beforehand, without any writes of the application's own.
    #[must_use]
    pub fn of(
        session: SessionId,
        by: Arc<str>,
        received: u64,
        change: Change,
        reply: Option<StoredReply>,
    ) -> Self {
        Self {
            session,
            by,
            enters: None,
            expects: None,
            received,
            write: Box::new(move |_| Ok(Written { change, reply })),
            publish: Box::new(|| ()),
        }
    }
}

impl fmt::Debug for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Commit").field("session", &self.session).finish_non_exhaustive()
    }
}

/// What happened to a component.
#[derive(Clone, Debug)]
pub enum Change {
    /// It was mounted.
    Mounted {
        /// The component.
        component: Box<StoredComponent>,
    },
    /// It changed. Its version goes up by one.
    Changed {
        /// The component's id, its state, and where that stands.
        state: State,
        /// The message of the page that it came of; 0 if of none.
        settled: u64,
    },
    /// It is gone, and with it what is kept aside under its id and its name.
    Removed {
        /// The component's id.
        id: ComponentId,
    },
}

/// Why a store does not take what a process writes of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The store does not have the session, or not all of what the write changes. The process that
    /// holds the session [enters](super::SessionStore::enter) it again.
    #[error("the store does not have all of the session")]
    Absent,
    /// Another process has the session.
    #[error("another process has the session")]
    Taken,
    /// The session has ended and may not be written again.
    #[error("the session has ended")]
    Ended,
}

/// Why a write about one session was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The store works, and does not take it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a change was not made.
#[derive(Debug)]
#[non_exhaustive]
pub enum CommitError {
    /// Some of the application's own writes failed.
    Work(ActionError),
    /// [`Refusal::Absent`]; `write` has not been called. The commit is given back, to be made again
    /// when the session has been entered.
    Absent(Box<Commit>),
    /// The store does not take it. Never [`Refusal::Absent`].
    Refused(Refusal),
    /// The store has a newer version of the component than the process that holds the session:
    /// an earlier commit took effect that was answered as failed. The copy in memory is outdated.
    Conflict,
    /// The store failed, and nothing was written.
    Store(StoreError),
    /// It is not known whether the change was made: the connection to the store broke, or no answer
    /// came in time. The copy in memory may be outdated.
    Unknown(StoreError),
}

impl From<StoreError> for CommitError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_logged_by_its_session() {
        let removed = Change::Removed { id: ComponentId::new("c").unwrap() };
        let commit = Commit::of(SessionId::new("s1").unwrap(), "p".into(), 0, removed, None);
        assert!(format!("{commit:?}").contains("s1"));
    }
}
