//! Where sessions are kept beyond the process that runs them.
//!
//! A store is an adapter: it keeps what it is given and gives it back. What a session is, when it is saved and who may
//! resume it is decided by the runtime. There are two here, [`MemoryStore`] and (with the feature `sqlite`)
//! [`Sqlite`](crate::sqlite::Sqlite).

mod memory;

use std::any::Any;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use vivaz_components::ActionError;
use vivaz_components::instance::BoxFuture;
use vivaz_protocol::{ComponentId, SessionId};

pub use memory::MemoryStore;

/// Keeps sessions so that they outlive the process.
///
/// Calls for one session take effect in the order in which they are made, and what a call has answered lasts. Several
/// calls at once may well be written at once.
pub trait SessionStore: Send + Sync + 'static {
    /// Gives back a session that is still good at `now`, and takes note that it is running again: until it is
    /// [saved](Self::save) and [closed](Self::close) anew, it is no longer [`exact`](StoredSession::exact).
    fn load(&self, session: &SessionId, now: Seconds)
    -> BoxFuture<Result<Option<StoredSession>, StoreError>>;

    /// Keeps the state of sessions as it was at some moment. Those that the store does not have are entered; components
    /// that it does not have are left out, because they have been removed since.
    fn save(&self, sessions: Vec<Snapshot>) -> BoxFuture<Result<(), StoreError>>;

    /// Makes one change of one component last, with the reply that says so: all of it, or nothing.
    fn commit(&self, commit: Commit) -> BoxFuture<Result<(), CommitError>>;

    /// A session has another secret.
    fn renew(&self, session: &SessionId, secrets: Secrets) -> BoxFuture<Result<(), StoreError>>;

    /// The sessions of a user, of whatever tenant.
    fn of_user(&self, user: &str) -> BoxFuture<Result<Vec<SessionId>, StoreError>>;

    /// Forgets sessions.
    fn delete(&self, sessions: Vec<SessionId>) -> BoxFuture<Result<(), StoreError>>;

    /// Forgets all sessions that are not good any more, and says how many those were.
    fn expire(&self, now: Seconds) -> BoxFuture<Result<usize, StoreError>>;

    /// The process of that name ends in an orderly way: what it saved is exactly what its pages have.
    fn close(&self, process: &str) -> BoxFuture<Result<(), StoreError>>;
}

/// Seconds since 1970.
pub type Seconds = u64;

/// When sessions are saved. Whatever is chosen, they are saved when a component is mounted or removed, when a page's
/// connection drops and when the server ends in an orderly way; components that are `#[live(durable)]` commit every change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Save {
    /// Those that have changed, so often. A killed server loses what plain components did since.
    Every(Duration),
    /// Every change, before the page is told: as if every component were `#[live(durable)]`.
    Always,
}

impl Default for Save {
    /// Every second.
    fn default() -> Self {
        Self::Every(Duration::from_secs(1))
    }
}

/// A session as it comes out of a store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredSession {
    /// Whose it is and what it takes to resume it.
    pub owner: Owner,
    /// What it takes to resume it.
    pub secrets: Secrets,
    /// How far it was.
    pub progress: Progress,
    /// Its components.
    pub components: Vec<StoredComponent>,
    /// What committed messages were answered.
    pub replies: Vec<StoredReply>,
    /// Whether the process that had it last ended in an orderly way, so that no page has seen more than this.
    pub exact: bool,
}

/// Whose a session is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The user's id, if there is a user.
    pub user: Option<String>,
    /// The tenant.
    pub tenant: Option<String>,
}

/// Hashes of what it takes to resume a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secrets {
    /// Goes up by one with each new secret: of two, the higher one counts.
    pub generation: u64,
    /// Of the secret in the last `WELCOME`.
    pub current: [u8; 16],
    /// Of the one before, good until a message has come on the connection that was given the current one.
    pub previous: Option<[u8; 16]>,
}

/// How far a session was at some moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The last ref that was accepted.
    pub last: u64,
    /// The refs before it that had not been answered: to be run when they are sent again.
    pub open: Vec<u64>,
    /// Replies that the page was not known to have, except for those of durable components.
    pub replies: Vec<StoredReply>,
    /// The rooms that each component was in.
    pub rooms: Vec<(String, Vec<String>)>,
}

/// A component as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredComponent {
    /// Its id in the session.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The hash of its schema.
    pub schema: u64,
    /// The hash of the template that the page has.
    pub template: String,
    /// The props that it was mounted with, as JSON.
    pub props: String,
    /// All of its state, as JSON.
    pub state: Vec<u8>,
    /// The history in which its revision counts.
    pub epoch: String,
    /// Its revision.
    pub rev: u64,
    /// How often it was committed.
    pub version: u64,
    /// The last message of the page that was committed; 0 if none was.
    pub settled: u64,
    /// Whether every change of it is committed before the page is told.
    pub durable: bool,
}

/// What a message was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredReply {
    /// The message.
    pub reference: u64,
    /// The answer, in the runtime's own words.
    pub body: String,
}

/// A session at some moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Which one.
    pub session: SessionId,
    /// Whose it is.
    pub owner: Owner,
    /// What it takes to resume it. If the store has secrets of a higher generation, those stay.
    pub secrets: Secrets,
    /// How far it is.
    pub progress: Progress,
    /// Until when it is good.
    pub expires: Seconds,
    /// Which process has it.
    pub process: String,
    /// Every reply up to this ref has been received: what committed messages were answered is not needed any more.
    pub received: u64,
    /// What plain components are. Those that are durable are left as they were committed.
    pub components: Vec<State>,
}

/// What a component is at some moment.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Its id in the session.
    pub id: ComponentId,
    /// All of its state, as JSON.
    pub state: Vec<u8>,
    /// The history in which its revision counts. If the store has the component with another one, it is not the same.
    pub epoch: String,
    /// Its revision.
    pub rev: u64,
}

/// One change of one component, as a transaction.
pub struct Commit {
    /// The session.
    pub session: SessionId,
    /// Every reply up to this ref has been received: they are not needed any more.
    pub received: u64,
    /// Makes the application's own writes and says what there is to write beside them. To be called once, inside of the
    /// transaction, with the connection that it is made on; a store without a database gives `&()`, which refuses such
    /// writes. An error is [`CommitError::Work`] and undoes all of it.
    pub write: Write,
    /// To be called once when the transaction lasts, and dropped if it fails; of several transactions in the order in
    /// which they were written, and before anything that is read later is answered. It does not block.
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
    /// One that is known beforehand, without any writes of the application's own.
    #[must_use]
    pub fn of(session: SessionId, received: u64, change: Change, reply: Option<StoredReply>) -> Self {
        Self {
            session,
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
    /// It was mounted. The session is entered if the store does not have it.
    Mounted {
        /// The component.
        component: Box<StoredComponent>,
        /// Whose the session is.
        owner: Owner,
        /// What it takes to resume it.
        secrets: Secrets,
        /// Until when it is good.
        expires: Seconds,
        /// Which process has it.
        process: String,
    },
    /// It changed. Refused with [`CommitError::Conflict`] if its version in the store is not `from`; it goes up by one.
    Changed {
        /// The component's id, its state, and where that stands.
        state: State,
        /// The version that this was made of.
        from: u64,
        /// The message of the page that it came of; 0 if of none.
        settled: u64,
    },
    /// It is gone.
    Removed {
        /// The component's id.
        id: ComponentId,
    },
}

/// Why a change was not made.
#[derive(Debug)]
#[non_exhaustive]
pub enum CommitError {
    /// Some of the application's own writes failed.
    Work(ActionError),
    /// Somebody else has changed the component: the session is not this process's any more.
    Conflict,
    /// The store failed.
    Store(StoreError),
}

impl From<StoreError> for CommitError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What went wrong in a store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It is closed.
    #[error("the store is closed")]
    Closed,
    /// What was kept cannot be read.
    #[error("what the store has kept cannot be read: {0}")]
    Unreadable(String),
    /// What it is made on failed.
    #[error("the store failed: {0}")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl StoreError {
    /// Wraps the error of what the store is made on.
    pub fn failed(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Failed(source.into())
    }
}
