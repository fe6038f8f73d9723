//! The data of sessions that a store loads.

use serde::{Deserialize, Serialize};

use vivaz_protocol::ComponentId;

use super::fence::{Fence, HolderStatus};

/// A session loaded from a store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredSession {
    /// The owner of the session.
    pub owner: Owner,
    /// The hashes of the secrets that resume the session.
    pub secrets: Secrets,
    /// The requests that the session has received and answered.
    pub progress: SessionProgress,
    /// The components that run.
    pub components: Vec<StoredComponent>,
    /// Components that are kept aside: see [`SessionState::aside`](super::SessionState::aside).
    pub aside: Vec<StoredComponent>,
    /// The replies to committed requests.
    pub replies: Vec<StoredReply>,
    /// Whether the last process that ran the session released it or shut down, so that the page has
    /// seen no later state than this. It stays set until a page
    /// [resumes](super::SessionStore::renew) the session or the session is written.
    pub exact: bool,
    /// The fence of the copy that is made of this data.
    #[serde(default)]
    pub fence: Fence,
}

/// The state of a component at one time: the part of a [`StoredComponent`] that changes.
#[derive(Clone, Debug, PartialEq)]
pub struct ComponentState {
    /// The component's id in the session.
    pub id: ComponentId,
    /// The complete state, as JSON.
    pub state: Vec<u8>,
    /// The hash of the public state: see [`StoredComponent::shown`].
    pub shown: Option<u64>,
    /// The current props, as JSON.
    pub props: String,
    /// The epoch of the revision. A stored component with another epoch is another component.
    pub epoch: String,
    /// The revision.
    pub rev: u64,
    /// The rooms that the component has joined.
    pub rooms: Vec<String>,
    /// Whether the component's `connected` has finished, or the component has none.
    pub connected: bool,
}

/// The data that decides whether a stored session may be resumed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionHead {
    /// The owner of the session.
    pub owner: Owner,
    /// The hashes of the secrets that resume the session.
    pub secrets: Secrets,
    /// The process that holds the session, or held it last.
    pub holder: String,
    /// The fence of the session.
    pub fence: Fence,
    /// How the holder stands.
    pub status: HolderStatus,
}

/// The owner of a session.
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
    /// Checks whether deleting all sessions of `self` deletes those of `other`: both have the same
    /// tenant, and `other` has the user and the login that `self` names. An owner that names
    /// neither includes none.
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

/// The hashes of the secrets that resume a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secrets {
    /// Increases by one with each new secret. Of two values, the higher generation is current.
    pub generation: u64,
    /// The hash of the secret in the last `WELCOME`.
    pub current: [u8; 16],
    /// The hash of the secret before. It is valid until a message arrives on the connection that
    /// was sent the current secret.
    pub previous: Option<[u8; 16]>,
}

/// The requests that a session has received and answered at one time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SessionProgress {
    /// The last accepted ref.
    pub last: u64,
    /// The earlier refs that were not answered yet. They run when they are sent again.
    pub open: Vec<u64>,
    /// The replies that the page has not acknowledged.
    pub replies: Vec<StoredReply>,
}

impl SessionProgress {
    /// Checks whether the request with this ref is settled: it was answered, and its reply is
    /// contained here, was received by the page, or was discarded.
    #[must_use]
    pub fn covers(&self, reference: u64) -> bool {
        reference <= self.last && !self.open.contains(&reference)
    }
}

/// A stored component.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredComponent {
    /// The component's id in the session.
    pub id: String,
    /// The component's registered name.
    pub name: String,
    /// The hash of the schema of the state.
    pub schema: u64,
    /// The hash of the template that the page has.
    pub template: String,
    /// How the component was mounted, which decides whether the page or the parent provides its
    /// props.
    pub origin: StoredOrigin,
    /// The current props, as JSON: those of the mount with all later changes.
    pub props: String,
    /// The complete state, as JSON.
    pub state: Vec<u8>,
    /// The epoch of the revision.
    pub epoch: String,
    /// The revision.
    pub rev: u64,
    /// The number of commits.
    pub version: u64,
    /// The ref of the last committed request of the page; 0 if there is none.
    pub settled: u64,
    /// Whether every change is committed before it is sent to the page.
    pub durable: bool,
    /// Whether the component was mounted anew in place of one that is kept aside, because the
    /// program could not decode the state of that one.
    #[serde(default)]
    pub anew: bool,
    /// The rooms that the component has joined.
    #[serde(default)]
    pub rooms: Vec<String>,
    /// Whether the component's `connected` has finished, or the component has none.
    #[serde(default = "default_connected")]
    pub connected: bool,
    /// The hash of the public state that was sent to the page. `None` if it is unknown, as in rows
    /// that an earlier version has written.
    #[serde(default)]
    pub shown: Option<u64>,
}

impl StoredComponent {
    /// Replaces the state by a later one.
    pub(super) fn set(&mut self, later: ComponentState) {
        let ComponentState { id: _, state, shown, props, epoch, rev, rooms, connected } = later;
        self.state = state;
        self.shown = shown;
        self.props = props;
        self.epoch = epoch;
        self.rev = rev;
        self.rooms = rooms;
        self.connected = connected;
    }
}

/// Returns the value of `connected` for components that an earlier version has written.
fn default_connected() -> bool {
    true
}

/// How a component was mounted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoredOrigin {
    /// By name, as an `open` component.
    Open,
    /// By a seal, as a component that the server rendered and that has no parent. Also the default
    /// for components that were stored before origins existed.
    #[default]
    Sealed,
    /// As a child of another component.
    Child {
        /// The parent's id in the session.
        parent: String,
        /// The place in the parent's template: hole numbers, row keys and arm numbers.
        place: Vec<serde_json::Value>,
        /// The hash of that template. In another template, the place is the same only if it shows
        /// the same component with the same props.
        template: String,
        /// The `live:key`, if there is one that the server can evaluate.
        key: Option<serde_json::Value>,
        /// The names of the props that the page provides.
        page: Vec<String>,
    },
}

/// The reply to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredReply {
    /// The ref of the request.
    pub reference: u64,
    /// The reply in the runtime's internal encoding.
    pub body: String,
}
