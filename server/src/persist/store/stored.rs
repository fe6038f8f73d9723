//! What a store keeps, and gives back.

use serde::{Deserialize, Serialize};

use vivaz_protocol::ComponentId;

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
    /// Components that are kept aside: see [`Whole::aside`](super::Whole::aside).
    pub aside: Vec<StoredComponent>,
    /// What committed messages were answered.
    pub replies: Vec<StoredReply>,
    /// Whether the process that ran it last ended in an orderly way, so that no page has seen more
    /// than this. It stays so until a page [comes back](super::SessionStore::renew) or the session
    /// is written.
    pub exact: bool,
}

/// What a component is at some moment.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Its id in the session.
    pub id: ComponentId,
    /// All of its state, as JSON.
    pub state: Vec<u8>,
    /// Hash of its public state: see [`StoredComponent::shown`].
    pub shown: Option<u64>,
    /// The props that it was given last, as JSON.
    pub props: String,
    /// The history in which its revision counts. If the store has the component with another one,
    /// it is not the same.
    pub epoch: String,
    /// Its revision.
    pub rev: u64,
    /// The rooms that it is in.
    pub rooms: Vec<String>,
    /// Whether its `connected` has finished, or it has none.
    pub connected: bool,
}

/// What decides whether a stored session may be resumed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Whose it is.
    pub owner: Owner,
    /// Hashes of what it takes to resume it.
    pub secrets: Secrets,
    /// The process that holds it, or held it last.
    pub holder: String,
}

/// Whose a session is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Owner {
    /// The user's id, if there is a user.
    pub user: Option<String>,
    /// The tenant.
    pub tenant: Option<String>,
    /// The id of the login, if the application names logins.
    #[serde(default)]
    pub login: Option<String>,
}

impl Owner {
    /// Returns whether an end of all sessions of `self` ends those of `other`: they have the same
    /// tenant, and the user and the login that `self` names. An owner that names neither ends none.
    #[must_use]
    pub fn includes(&self, other: &Self) -> bool {
        self.includes_parts(other.user.as_deref(), other.tenant.as_deref(), other.login.as_deref())
    }

    pub(crate) fn includes_parts(
        &self,
        user: Option<&str>,
        tenant: Option<&str>,
        login: Option<&str>,
    ) -> bool {
        let is_named = self.user.is_some() || self.login.is_some();
        is_named
            && self.tenant.as_deref() == tenant
            && (self.user.is_none() || self.user.as_deref() == user)
            && (self.login.is_none() || self.login.as_deref() == login)
    }
}

/// Hashes of what it takes to resume a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secrets {
    /// Goes up by one with each new secret: of two, the higher one counts.
    pub generation: u64,
    /// Of the secret in the last `WELCOME`.
    pub current: [u8; 16],
    /// Of the one before, good until a message has come on the connection that was given the
    /// current one.
    pub previous: Option<[u8; 16]>,
}

/// How far a session was at some moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The last ref that was accepted.
    pub last: u64,
    /// The refs before it that had not been answered: to be run when they are sent again.
    pub open: Vec<u64>,
    /// Replies that the page was not known to have.
    pub replies: Vec<StoredReply>,
}

impl Progress {
    /// Returns whether this says what became of the message of that ref: it was answered, and its
    /// reply is here, or was received, or is given up.
    #[must_use]
    pub fn covers(&self, reference: u64) -> bool {
        reference <= self.last && !self.open.contains(&reference)
    }
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
    /// How it was mounted, which decides on who gives its props.
    pub origin: StoredOrigin,
    /// The props that it was given last, as JSON: those of its mount, and what has changed since.
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
    /// Whether it was mounted anew in place of a component that is kept aside, because the program
    /// could not decode the state of that one.
    #[serde(default)]
    pub anew: bool,
    /// The rooms that it is in.
    #[serde(default)]
    pub rooms: Vec<String>,
    /// Whether its `connected` has finished, or it has none.
    #[serde(default = "is_connected")]
    pub connected: bool,
    /// Hash of the public state that its page was shown. `None` if that is not known, as of rows that
    /// an earlier version has written.
    #[serde(default)]
    pub shown: Option<u64>,
}

impl StoredComponent {
    /// Takes over what the component is at a later moment.
    pub(super) fn set(&mut self, now: State) {
        let State { id: _, state, shown, props, epoch, rev, rooms, connected } = now;
        self.state = state;
        self.shown = shown;
        self.props = props;
        self.epoch = epoch;
        self.rev = rev;
        self.rooms = rooms;
        self.connected = connected;
    }
}

/// What is known of components that an earlier version has written.
fn is_connected() -> bool {
    true
}

/// How a component was mounted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoredOrigin {
    /// By its name, as a component that is open.
    Open,
    /// By a seal, as a component that the server rendered and that has no parent. Components that were stored before
    /// origins were have this one.
    #[default]
    Sealed,
    /// As a child.
    Child {
        /// The parent's id in the session.
        parent: String,
        /// Its place in the parent's template: hole numbers, row keys and arm numbers.
        place: Vec<serde_json::Value>,
        /// The hash of that template. In another one the place counts only if it shows the same component with the
        /// same props.
        template: String,
        /// Its `live:key`, if it has one that the server can evaluate.
        key: Option<serde_json::Value>,
        /// The names of the props that the page gave.
        page: Vec<String>,
    },
}

/// What a message was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredReply {
    /// The message.
    pub reference: u64,
    /// The answer, in the runtime's own words.
    pub body: String,
}
