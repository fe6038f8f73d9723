//! Stores for sessions, so that sessions outlive the process that runs them.
//!
//! A store is an adapter that saves and loads sessions. The runtime decides when a session is saved
//! and which client may resume it. This crate has three stores: [`MemoryStore`], with the feature
//! `sqlite` [`Sqlite`](crate::persist::sqlite::Sqlite), and with the feature `postgres`
//! [`Postgres`](crate::persist::postgres::Postgres).
//!
//! # Leases
//! Each process has one lease in the store and renews it. A stored session names its holder, the
//! process that runs it. While the holder's lease is valid, only calls of the holder and
//! [`forget_user`](SessionStore::forget_user) remove the session. After the lease has ended, the
//! session stays valid for the duration that was written with it. All durations are measured by the
//! store's own clock, which must not follow steps of the wall clock.
//!
//! # Fences
//! A session is run by one copy at a time. Each time that it changes hands, its [`Fence`] is
//! raised, and every write carries the fence of its copy. A write with an older fence is refused
//! with [`WriteRefusal::Taken`] and changes nothing: whichever process holds the session by then,
//! the copy has lost it. A write with a newer fence than the stored one is refused with
//! [`WriteRefusal::Absent`]: the store has lost the claim, and the copy writes the session whole.
//!
//! A process does not claim a session of a [running](HolderStatus::Running) holder at once. It asks
//! the holder to [release](SessionStore::release) it, looks at [`find`](SessionStore::find) until
//! it has, and claims without it only after
//! [`Limits::release_time`](crate::Limits::release_time).
//!
//! # Ended sessions
//! A deleted session leaves a tombstone for at least [`TOMBSTONE`]. Until then, writes of that
//! session are refused with [`WriteRefusal::Ended`], so that a late save does not restore it.

mod clock;
mod fence;
mod guarded;
mod memory;
mod process;
mod refusal;
mod stored;
mod written;

use std::time::Duration;

use vivaz_components::instance::BoxFuture;
use vivaz_databases::DatabaseError;
use vivaz_protocol::SessionId;

#[cfg(feature = "sqlite")]
pub(crate) use clock::SavedTime;
pub use clock::{Clock, SystemClock};
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(crate) use clock::{StoreTime, millis};
pub use fence::{Fence, HolderStatus, ReleasedAs};
pub(crate) use guarded::GuardedStore;
pub use memory::MemoryStore;
pub use process::{ProcessGuard, ReleaseListener, ReleaseRequest};
pub use refusal::WriteRefusal;
pub use stored::{
    ComponentState, Owner, Secrets, SessionHead, SessionProgress, StoredComponent, StoredOrigin, StoredReply,
    StoredSession,
};
pub use written::{
    Commit, CommitBody, CommitError, CommitRecord, SessionState, Snapshot, SnapshotHead, StoredChange,
    WriteError,
};

/// The minimum time for which a store remembers that a session has ended.
pub const TOMBSTONE: Duration = Duration::from_secs(3_600);

/// Stores sessions so that they outlive the process.
///
/// Calls for one session take effect in the order in which they are made. The effect of a call is
/// durable once its future completes. Concurrent calls may be written in one batch. In every method
/// `by` is the name of the calling process.
///
/// The runtime drops a call's future after [`Limits::store_time`](crate::Limits::store_time) and
/// treats a panic as an error. Such a call may still take effect, but never after later calls for
/// the same session.
pub trait SessionStore: Send + Sync + 'static {
    /// Returns the data that decides whether a session may be resumed. Changes nothing. An expired
    /// session may still be found until [`expire`](Self::expire) has removed it.
    ///
    /// # Errors
    /// Returns an error if the session cannot be read.
    fn find(&self, session: &SessionId) -> BoxFuture<Result<Option<SessionHead>, StoreError>>;

    /// Makes `by` the holder of a session and raises its fence, if the fence and the generation of
    /// its secrets are equal to those in `seen`. Returns `None` if they are not equal, or if the
    /// session does not exist. Changes nothing else: the session stays
    /// [`exact`](StoredSession::exact), because no handler has run in it.
    ///
    /// # Errors
    /// Returns an error if the session cannot be read or the claim cannot be written.
    fn claim(
        &self,
        session: &SessionId,
        by: &str,
        seen: &SessionHead,
    ) -> BoxFuture<Result<Option<StoredSession>, StoreError>>;

    /// Writes snapshots of sessions, and returns the refused ones. A session or component that the
    /// store does not have is refused with [`WriteRefusal::Absent`]. Other components of such a
    /// session may have been written.
    ///
    /// # Errors
    /// Returns an error if the store fails; some of the snapshots may have been written.
    fn save(
        &self,
        by: &str,
        sessions: Vec<Snapshot>,
    ) -> BoxFuture<Result<Vec<(SessionId, WriteRefusal)>, StoreError>>;

    /// Writes the whole state of sessions, whether the store has them or not, and returns the
    /// refused ones. [`WriteRefusal::Absent`] does not occur. A component that the store has with a
    /// higher version keeps its stored state.
    ///
    /// # Errors
    /// Returns an error if the store fails; some of the sessions may have been written.
    fn save_whole(
        &self,
        by: &str,
        sessions: Vec<SessionState>,
    ) -> BoxFuture<Result<Vec<(SessionId, WriteRefusal)>, StoreError>>;

    /// Commits one change of one component together with its reply, atomically.
    ///
    /// # Errors
    /// Returns [`CommitError::Store`] only if nothing was written. If the outcome is unknown (a
    /// timeout, a broken connection, a failed `COMMIT`), implementations have to return
    /// [`CommitError::Unknown`]. `?` on a [`StoreError`] gives `Store`.
    fn commit(&self, commit: Commit) -> BoxFuture<Result<(), CommitError>>;

    /// Records that a page has resumed a session: replaces its secrets, and sets the duration for
    /// which it stays valid after its holder's lease. The session is no longer
    /// [`exact`](StoredSession::exact) until it is saved and its process
    /// [releases](Self::release) it or [closes](Self::close).
    ///
    /// # Errors
    /// Returns [`WriteError::Refused`] if `by` may not write the session, and [`WriteError::Store`]
    /// if the store fails.
    fn renew(
        &self,
        session: &SessionId,
        by: &str,
        fence: Fence,
        secrets: Secrets,
        good_for: Duration,
    ) -> BoxFuture<Result<(), WriteError>>;

    /// Releases a session that `by` does not run any more, and raises its fence: no later write of
    /// its copy lands. The session is valid for the duration written with it, from now on, and
    /// [`close`](Self::close) does not change whether it is exact. A session that `by` may not
    /// write with this fence stays unchanged.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    fn release(
        &self,
        session: &SessionId,
        by: &str,
        fence: Fence,
        state: ReleasedAs,
    ) -> BoxFuture<Result<(), StoreError>>;

    /// Deletes sessions, and leaves tombstones. A session whose copy with this fence was
    /// [taken](WriteRefusal::Taken) stays unchanged.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    fn delete(&self, by: &str, sessions: Vec<(SessionId, Fence)>) -> BoxFuture<Result<(), StoreError>>;

    /// Deletes all sessions whose owners `owner` [includes](Owner::includes), whichever process
    /// holds them, and returns their number: all sessions of a user, or those of one login. An
    /// owner without a user and a login includes no sessions.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    fn forget_user(&self, owner: &Owner) -> BoxFuture<Result<usize, StoreError>>;

    /// Starts or renews the lease of a process. If its lease had ended, the expiry of its sessions
    /// is cancelled, except for [released](Self::release) ones. Returns the sessions of the process
    /// that [`forget_user`](Self::forget_user) has deleted. Each call returns them until the
    /// process [deletes](Self::delete) them itself, because the result of a call may be lost, or
    /// until their tombstones expire.
    ///
    /// # Errors
    /// Returns an error if the lease cannot be written.
    fn renew_lease(&self, by: &str, length: Duration) -> BoxFuture<Result<Vec<SessionId>, StoreError>>;

    /// Removes all expired sessions, and returns their number. Removes nothing before the lease of
    /// `by` has been valid for its whole length without a gap: until then, a process that was
    /// suspended together with this one may not have renewed its own lease.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    fn expire(&self, by: &str) -> BoxFuture<Result<usize, StoreError>>;

    /// Registers a running process. Until the guard is dropped or the process ends in any other
    /// way, [`find`](Self::find) reports its sessions as [`HolderStatus::Running`] while its lease
    /// is valid, and the listener receives what [`ask_release`](Self::ask_release) asks for. That
    /// the process has ended must be known at once, also if it was killed: pages wait for it.
    ///
    /// # Errors
    /// Returns an error if the process cannot be registered. Other processes then claim its
    /// sessions without asking.
    fn register(&self, by: &str, listener: ReleaseListener) -> BoxFuture<Result<ProcessGuard, StoreError>>;

    /// Passes a request to the holder of the session, if the session still has its fence. Does not
    /// wait for the release. A request may be lost, so it is repeated; it may also arrive late, so
    /// the listener compares the fence and the generation.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    fn ask_release(&self, request: ReleaseRequest) -> BoxFuture<Result<(), StoreError>>;

    /// Ends the lease of a process that shuts down. Its sessions become exact, because their saved
    /// state is the state that their pages have, except for [released](Self::release) ones. The
    /// time for which they stay valid begins now.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    fn close(&self, by: &str) -> BoxFuture<Result<(), StoreError>>;
}

/// When sessions are saved.
///
/// With both variants, a session is also saved when a component is mounted or removed, when the
/// page's connection drops, and when the server shuts down. `#[live(durable)]` components commit
/// every change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Save {
    /// Saves changed sessions at this interval. If the server is killed, changes of plain
    /// components since the last save are lost.
    Every(Duration),
    /// Commits every change before it is sent to the page, as if every component were
    /// `#[live(durable)]`. `cx.commit` works in plain components too. The flushes (`cx.flush`) of a
    /// plain component are sent to the page before they are stored.
    Always,
}

impl Default for Save {
    /// Returns `Every` with one second.
    fn default() -> Self {
        Self::Every(Duration::from_secs(1))
    }
}

/// The error of a store.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
    /// The stored data cannot be decoded.
    #[error("the stored data cannot be decoded: {0}")]
    Unreadable(String),
    /// The tables were made by a newer version of this crate.
    #[error(
        "the session tables have version {found}; this program supports versions up to {known}; \
         run the newer program or use another database"
    )]
    TooNew {
        /// The version of the tables.
        found: u64,
        /// The newest version that this program supports.
        known: u64,
    },
    /// The queue of the store is full. The write has no effect.
    #[error("the store's queue is full")]
    Overloaded,
    /// The store did not answer in time. The call may still take effect.
    #[error("the store did not answer in time")]
    TimedOut,
    /// The database failed.
    #[error(transparent)]
    Database(DatabaseError),
    /// The underlying storage failed.
    #[error("the store failed: {0}")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

vivaz_components::debug_as_message!(StoreError);

impl From<DatabaseError> for StoreError {
    fn from(error: DatabaseError) -> Self {
        if matches!(error, DatabaseError::Closed) {
            Self::Closed
        } else if matches!(error, DatabaseError::Overloaded) {
            Self::Overloaded
        } else if let DatabaseError::TooNew { found, known, .. } = error {
            Self::TooNew { found, known }
        } else {
            Self::Database(error)
        }
    }
}

impl StoreError {
    /// Wraps an error of the underlying storage.
    pub fn failed(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Failed(source.into())
    }
}
