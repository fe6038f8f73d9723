//! Where sessions are kept beyond the process that runs them.
//!
//! A store is an adapter: it keeps what it is given and gives it back. What a session is, when it
//! is saved and who may resume it is decided by the runtime. There are two here, [`MemoryStore`]
//! and (with the feature `sqlite`) [`Sqlite`](crate::persist::sqlite::Sqlite).
//!
//! # Leases
//! Each process has one lease in the store and renews it. A session names the process that holds
//! it. While that process's lease runs, no other call than those of the process itself (and
//! [`forget_user`](SessionStore::forget_user)) removes the session. When the lease has ended, the
//! session is good for the duration that was written with it. All durations are measured by the
//! store's own clock, which must not follow steps of the wall clock.
//!
//! # Ended sessions
//! A session that was deleted leaves a tombstone for at least [`TOMBSTONE`]. Until then a write of
//! that session is refused with [`Refusal::Ended`], so that a late save does not bring it back.

mod clock;
mod guarded;
mod memory;
mod stored;
mod written;

use std::time::Duration;

use vivaz_components::instance::BoxFuture;
use vivaz_protocol::SessionId;

pub use clock::{Clock, SystemClock};
#[cfg(feature = "sqlite")]
pub(crate) use clock::{KeptTime, StoreTime, millis};
pub(crate) use guarded::Guarded;
pub use memory::MemoryStore;
pub use stored::{
    Head, Owner, Progress, Secrets, State, StoredComponent, StoredOrigin, StoredReply, StoredSession,
};
pub use written::{
    Change, Commit, CommitError, Refusal, Snapshot, SnapshotHead, Whole, Write, WriteError, Written,
};

/// How long a store remembers that a session has ended.
pub const TOMBSTONE: Duration = Duration::from_secs(3_600);

/// Keeps sessions so that they outlive the process.
///
/// Calls for one session take effect in the order in which they are made, and what a call has
/// answered lasts. Several calls made together may be written together. In every method `by` is the
/// name of the calling process.
///
/// The runtime drops a call's future after [`Limits::store_time`](crate::Limits::store_time) and
/// treats a panic as an error. The call may still take effect, but never after calls made later for
/// that session.
pub trait SessionStore: Send + Sync + 'static {
    /// Returns what decides whether a session may be resumed. Changes nothing. A session whose time
    /// is over may still be found until [`expire`](Self::expire) has removed it.
    fn find(&self, session: &SessionId) -> BoxFuture<Result<Option<Head>, StoreError>>;

    /// Takes a session for `by`, if its holder and the generation of its secrets are still as
    /// `seen`; from then on its old holder's writes are refused with [`Refusal::Taken`]. Returns
    /// `None` if they are not, or if the session is gone. Changes nothing else: a session that was
    /// [`exact`](StoredSession::exact) still is, because nothing has run in it.
    fn claim(
        &self,
        session: &SessionId,
        by: &str,
        seen: &Head,
    ) -> BoxFuture<Result<Option<StoredSession>, StoreError>>;

    /// Keeps the state of sessions as it was at some moment; returns those that were refused. A
    /// session or a component that the store does not have is [`Refusal::Absent`]; the others of
    /// that session's components may have been written.
    fn save(
        &self,
        by: &str,
        sessions: Vec<Snapshot>,
    ) -> BoxFuture<Result<Vec<(SessionId, Refusal)>, StoreError>>;

    /// Writes sessions whole, whether the store has something of them or not; returns those that
    /// were refused, never with [`Refusal::Absent`]. A component whose stored version is higher
    /// stays as it is stored.
    fn enter(
        &self,
        by: &str,
        sessions: Vec<Whole>,
    ) -> BoxFuture<Result<Vec<(SessionId, Refusal)>, StoreError>>;

    /// Makes one change of one component last, with its reply: all of it, or nothing.
    ///
    /// Return [`CommitError::Store`] only if certainly nothing was written. If the outcome is
    /// unknown (a time-out, a broken connection, a failed `COMMIT`), return
    /// [`CommitError::Unknown`]. `?` on a [`StoreError`] gives `Store`.
    fn commit(&self, commit: Commit) -> BoxFuture<Result<(), CommitError>>;

    /// Notes that a page came back to a session: it has other secrets, and is good for that long
    /// once its process has ended. It is no longer [`exact`](StoredSession::exact) until it is
    /// saved and its process [closed](Self::close).
    fn renew(
        &self,
        session: &SessionId,
        by: &str,
        secrets: Secrets,
        good_for: Duration,
    ) -> BoxFuture<Result<(), WriteError>>;

    /// Lets go of a session that `by` holds and does not run, or does not run any more: it is good
    /// for the duration written with it, from now on, and [`close`](Self::close) does not make it
    /// exact. A session of another process is left alone.
    fn release(&self, session: &SessionId, by: &str) -> BoxFuture<Result<(), StoreError>>;

    /// Ends sessions that `by` holds. Those that another process holds are left alone.
    fn delete(&self, by: &str, sessions: Vec<SessionId>) -> BoxFuture<Result<(), StoreError>>;

    /// Ends all sessions of those that the owner [includes](Owner::includes), whichever process holds
    /// them, and returns how many there were: all of a user, or those of one login. An owner without
    /// a user and a login has none.
    fn forget_user(&self, owner: &Owner) -> BoxFuture<Result<usize, StoreError>>;

    /// Starts or renews the lease of a process. Sessions that it holds and whose time had begun to
    /// run, because its lease had ended, are held again. Returns the sessions of the process that
    /// [`forget_user`](Self::forget_user) has ended, with each call until the process itself
    /// [deletes](Self::delete) them: the answer to a call may be lost. They are forgotten together
    /// with their tombstones.
    fn renew_lease(&self, by: &str, length: Duration) -> BoxFuture<Result<Vec<SessionId>, StoreError>>;

    /// Removes all sessions that are not good any more, and returns how many there were. Removes
    /// nothing before the lease of `by` has run for its whole length without a gap: until then a
    /// process that was suspended together with this one may not have renewed its own.
    fn expire(&self, by: &str) -> BoxFuture<Result<usize, StoreError>>;

    /// Ends the lease of a process that closes: what it saved is exactly what its pages have, but for
    /// the sessions that it has [let go of](Self::release). The time of its sessions begins now.
    fn close(&self, by: &str) -> BoxFuture<Result<(), StoreError>>;
}

/// When sessions are saved. Whatever is chosen, they are saved when a component is mounted or removed, when a page's
/// connection drops and when the server ends in an orderly way; components that are `#[live(durable)]` commit every change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Save {
    /// Those that have changed, so often. A killed server loses what plain components did since.
    Every(Duration),
    /// Every change, before the page is told: as if every component were `#[live(durable)]`.
    /// `cx.commit` works in plain components too. What a plain component flushes (`cx.flush`) is
    /// shown before it is stored.
    Always,
}

impl Default for Save {
    /// Every second.
    fn default() -> Self {
        Self::Every(Duration::from_secs(1))
    }
}

/// What went wrong in a store.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It is closed.
    #[error("the store is closed")]
    Closed,
    /// What was kept cannot be read.
    #[error("what the store has kept cannot be read: {0}")]
    Unreadable(String),
    /// The database file is damaged.
    #[error("the database is damaged: {0}; restore it from a backup or delete it")]
    Corrupt(String),
    /// The tables were made by a newer version of this crate.
    #[error(
        "the session tables have version {found}, this program knows versions up to {known}; \
         run the newer program or use another database"
    )]
    TooNew {
        /// The version of the tables.
        found: u64,
        /// The newest version that is known here.
        known: u64,
    },
    /// So many writes wait already that this one was refused. It does not take effect.
    #[error("too many writes wait for the store")]
    Overloaded,
    /// The store has not answered in time. What was asked for may still take effect.
    #[error("the store has not answered in time")]
    TimedOut,
    /// A write ran a statement that would end the transaction which it is part of, or change the
    /// connection for others. Nothing of the write is kept.
    #[error("a write must not run `{0}`: it shares its transaction and connection with others")]
    Denied(String),
    /// A statement rolled the whole transaction back: `OR ROLLBACK`, `RAISE(ROLLBACK)`, `ON CONFLICT
    /// ROLLBACK`, or SQLite itself after an error. Nothing of the transaction is kept, nor of the
    /// writes that shared it.
    #[error("a statement rolled back the transaction that it was part of")]
    RolledBack,
    /// A write left rows that violate a foreign key which is checked at the end of the transaction
    /// (`DEFERRABLE INITIALLY DEFERRED`). Nothing of the write is kept.
    #[error("a write left rows that violate a deferred foreign key")]
    ForeignKey,
    /// What it is made on failed.
    #[error("the store failed: {0}")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

vivaz_components::debug_as_message!(StoreError);

impl StoreError {
    /// Wraps the error of what the store is made on.
    pub fn failed(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Failed(source.into())
    }
}
