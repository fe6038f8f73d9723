//! The data that the runtime writes to a store.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use vivaz_components::ActionError;
use vivaz_databases::{DatabaseError, Tx};
use vivaz_protocol::{ComponentId, SessionId};

use super::StoreError;
use super::fence::Fence;
use super::refusal::WriteRefusal;
use super::stored::{ComponentState, Owner, Secrets, SessionProgress, StoredComponent, StoredReply};

/// The state of a session at one time, without its durable components.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The id of the session.
    pub session: SessionId,
    /// The fence of the copy.
    pub fence: Fence,
    /// The owner, the secrets and the progress of the session.
    pub head: SnapshotHead,
    /// The states of the plain components. Durable components keep their committed state.
    pub components: Vec<ComponentState>,
}

/// The part of a session that is written whenever the session is saved.
#[derive(Clone, Debug)]
pub struct SnapshotHead {
    /// The owner of the session.
    pub owner: Owner,
    /// The hashes of the secrets that resume the session. If the store has a higher generation, the
    /// stored secrets stay.
    pub secrets: Secrets,
    /// The requests that the session has received and answered. The store may delete the stored
    /// replies that it [covers](SessionProgress::covers).
    pub progress: SessionProgress,
    /// How long the session stays valid after its holder's lease has ended.
    pub good_for: Duration,
}

/// The whole state of a session, to be written if the store has lost it.
#[derive(Clone, Debug)]
pub struct SessionState {
    /// The id of the session.
    pub session: SessionId,
    /// The fence of the copy.
    pub fence: Fence,
    /// The owner, the secrets and the progress of the session.
    pub head: SnapshotHead,
    /// All components that run, including durable ones.
    pub components: Vec<StoredComponent>,
    /// Components that are being mounted or removed. Their stored rows stay unchanged. Every other
    /// stored component that is not in `components` is deleted.
    pub moving: Vec<ComponentId>,
    /// Components that are kept aside and do not run: the program does not know them, cannot decode
    /// their state, or failed to restore them for too long. They replace the stored components that
    /// are kept aside for the session. Several may have the same id.
    pub aside: Vec<StoredComponent>,
}

/// One change of one component, committed as a transaction.
pub struct Commit {
    /// The id of the session.
    pub session: SessionId,
    /// The process that holds the session.
    pub by: Arc<str>,
    /// The fence of the copy.
    pub fence: Fence,
    /// The data to create the session with if the store does not have it, for the first component
    /// of a new session. If it is `None`, a session that the store does not have is
    /// [`CommitError::Absent`].
    pub creates: Option<Box<SnapshotHead>>,
    /// The component that changes, and the version on which the change is based. The store checks
    /// it before it calls `write`. A component that the store does not have is
    /// [`CommitError::Absent`], even with `creates`; the session is not created then.
    pub expects: Option<(ComponentId, u64)>,
    /// The page has received all replies up to this ref, so the store may delete them.
    pub received: u64,
    /// Runs the application's writes and returns the record to store with them. Called once,
    /// inside of the transaction; a store without a database gives it [`Tx::without_database`]. It
    /// is synchronous: an asynchronous store calls it on a thread where it may block. An error is
    /// [`CommitError::Work`] and rolls all of it back.
    pub write: CommitBody,
    /// Called once when the transaction lasts, and dropped if it fails; of several transactions in
    /// the order in which they were written, and before anything that is read later is answered.
    /// It does not block.
    pub publish: Box<dyn FnOnce() + Send>,
}

/// Writes inside of the transaction.
pub type CommitBody = Box<dyn FnOnce(&mut Tx) -> Result<CommitRecord, ActionError> + Send>;

/// The data that a commit writes.
#[derive(Clone, Debug)]
pub struct CommitRecord {
    /// The change of the component.
    pub change: StoredChange,
    /// The reply to the request that caused the change.
    pub reply: Option<StoredReply>,
}

impl Commit {
    /// Creates a commit with a fixed record and without writes of the application.
    #[must_use]
    pub fn of(
        session: SessionId,
        by: Arc<str>,
        fence: Fence,
        received: u64,
        change: StoredChange,
        reply: Option<StoredReply>,
    ) -> Self {
        Self {
            session,
            by,
            fence,
            creates: None,
            expects: None,
            received,
            write: Box::new(move |_| Ok(CommitRecord { change, reply })),
            publish: Box::new(|| ()),
        }
    }
}

impl fmt::Debug for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Commit").field("session", &self.session).finish_non_exhaustive()
    }
}

/// A change of a component.
#[derive(Clone, Debug)]
pub enum StoredChange {
    /// The component was mounted.
    Mounted {
        /// The component.
        component: Box<StoredComponent>,
    },
    /// The state changed. The store increases the version by one.
    Changed {
        /// The id and the new state of the component.
        state: ComponentState,
        /// The ref of the request that caused the change; 0 if none did.
        settled: u64,
    },
    /// The component was removed. The store also deletes a component that is kept aside under the
    /// same id and name.
    Removed {
        /// The component's id.
        id: ComponentId,
    },
}

/// The reason why a write of one session failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The store refused the write.
    #[error(transparent)]
    Refused(#[from] WriteRefusal),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The reason why a commit failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum CommitError {
    /// The application's own writes failed.
    Work(ActionError),
    /// The write was refused with [`WriteRefusal::Absent`], and `write` has not been called. The
    /// variant returns the commit, so that the caller can repeat it after writing the session
    /// whole.
    Absent(Box<Commit>),
    /// The store refused the write for another reason than [`WriteRefusal::Absent`].
    Refused(WriteRefusal),
    /// The store has a newer version of the component than the holder of the session: an earlier
    /// commit took effect although the store reported an error. The copy in memory is outdated.
    Conflict,
    /// The store failed, and nothing was written.
    Store(StoreError),
    /// Whether the change was written is unknown: the connection to the store broke, or the store
    /// did not answer in time. The copy in memory may be outdated.
    Unknown(StoreError),
}

impl From<DatabaseError> for CommitError {
    fn from(error: DatabaseError) -> Self {
        if matches!(error, DatabaseError::Unknown(_)) {
            Self::Unknown(error.into())
        } else {
            Self::Store(error.into())
        }
    }
}

impl From<DatabaseError> for WriteError {
    fn from(error: DatabaseError) -> Self {
        Self::Store(error.into())
    }
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
    fn a_commit_is_formatted_by_its_session() {
        let removed = StoredChange::Removed { id: ComponentId::new("c").unwrap() };
        let commit = Commit::of(SessionId::new("s1").unwrap(), "p".into(), Fence::FIRST, 0, removed, None);
        assert!(format!("{commit:?}").contains("s1"));
    }
}
