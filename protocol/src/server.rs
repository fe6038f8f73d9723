//! What a server says.

use std::borrow::Cow;

use crate::code::ErrorCode;
use crate::id::{Author, ComponentId, ConnectionId, Epoch, Ref, Rev, SessionId, StreamId, TopicName};
use crate::json::RawJson;
use crate::kind::ServerType;
use crate::secret::ResumeSecret;

/// Which topic each shared field of a component shows.
pub type FieldTopics<'a> = Vec<(Cow<'a, str>, TopicName)>;

/// A message from a server. State, patches and whatever an application returns are JSON text that was written once.
#[derive(Clone, Debug)]
pub enum ServerMessage<'a> {
    /// `WELCOME`
    Welcome(Welcome<'a>),
    /// `COMPONENT_MOUNTED`
    Mounted(Mounted<'a>),
    /// `STATE_UPDATE`
    Update(Update<'a>),
    /// `STATE_SNAPSHOT`
    Snapshot {
        /// Whose state.
        stream: StreamId,
        /// Its revision.
        rev: Rev,
        /// The history in which the revision counts.
        epoch: Epoch,
        /// All of it, as an object.
        state: RawJson<'a>,
    },
    /// `ACK`
    Ack {
        /// The message that it answers.
        reference: Ref,
        /// The component that was asked.
        component_id: ComponentId,
        /// The action's return value.
        result: Option<RawJson<'a>>,
    },
    /// `ERROR`
    Error(ErrorMessage<'a>),
    /// `EVENT`
    Event {
        /// The component or topic that it is for.
        stream: StreamId,
        /// The application's name for it.
        name: Cow<'a, str>,
        /// What the application says with it.
        data: RawJson<'a>,
    },
    /// `COMPONENT_UNMOUNTED`
    Unmounted {
        /// The component that is gone.
        component_id: ComponentId,
        /// Why, for a developer.
        reason: Cow<'a, str>,
    },
    /// `DRAIN`
    Drain {
        /// When the client should connect again.
        reconnect_after_ms: u64,
    },
    /// `TEMPLATE`
    Template {
        /// The template's content hash.
        hash: Cow<'a, str>,
        /// The compiled template.
        template: RawJson<'a>,
    },
    /// `PONG`
    Pong {
        /// What the `PING` carried.
        payload: Option<RawJson<'a>>,
    },
}

/// The answer to `HELLO`.
#[derive(Clone, Debug)]
pub struct Welcome<'a> {
    /// The session.
    pub session: SessionId,
    /// What it takes to resume it; a new one with each `WELCOME`.
    pub secret: ResumeSecret<'a>,
    /// This connection.
    pub connection: ConnectionId,
    /// Whether it is the session that the client asked for.
    pub resumed: bool,
    /// The refs that were handled and whose replies follow.
    pub done: Vec<Ref>,
    /// How often the server shows a sign of life, and how often it wants one.
    pub heartbeat_ms: u64,
    /// Which build of the application answers.
    pub build: Cow<'a, str>,
    /// What the client may do at most.
    pub limits: DeclaredLimits,
}

/// The limits that a client has to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeclaredLimits {
    /// The longest message, in bytes.
    pub message_bytes: u64,
    /// Components a session.
    pub components: u64,
    /// Messages that may be sent again at once after a reconnect.
    pub in_flight: u64,
}

/// A component that is there now.
#[derive(Clone, Debug)]
pub struct Mounted<'a> {
    /// The mount that it answers. Without one it replaces what the page has.
    pub reference: Option<Ref>,
    /// The component, as its page calls it.
    pub component_id: ComponentId,
    /// The revision of its state.
    pub rev: Rev,
    /// The history in which the revision counts.
    pub epoch: Epoch,
    /// Its registered name.
    pub component: Cow<'a, str>,
    /// The content hash of its template.
    pub template: Cow<'a, str>,
    /// Its own public state, as an object.
    pub state: RawJson<'a>,
    /// Which topic each of its shared fields shows.
    pub topics: FieldTopics<'a>,
    /// The actions that may be run twice: a page whose session is lost sends them again by itself.
    pub retry: Vec<Cow<'a, str>>,
}

/// A patch of one stream.
#[derive(Clone, Debug)]
pub struct Update<'a> {
    /// Whose state.
    pub stream: StreamId,
    /// The revision that the patch leads to.
    pub rev: Rev,
    /// The message that it answers.
    pub reference: Option<Ref>,
    /// The messages whose actions caused it, each once, in the order in which they ran; empty if no session's action
    /// did. Topics only. One is written as a string, several as a list.
    pub by: Vec<Author>,
    /// The answered action's return value.
    pub result: Option<RawJson<'a>>,
    /// Set when a shared field of the component points elsewhere now: all of its shared fields.
    pub topics: Option<FieldTopics<'a>>,
    /// What changed.
    pub patch: RawJson<'a>,
}

/// A refusal.
#[derive(Clone, Debug)]
pub struct ErrorMessage<'a> {
    /// The message that it answers, where its ref could be read.
    pub reference: Option<Ref>,
    /// What the message concerned, where that could be read.
    pub stream: Option<StreamId>,
    /// Why.
    pub code: ErrorCode,
    /// A sentence for whoever reads it; never with anything in it that is the server's own.
    pub message: Cow<'a, str>,
    /// More for a program: with [`ErrorCode::Invalid`], `{field: [message]}`.
    pub details: Option<RawJson<'a>>,
    /// When to try again, with a retryable code.
    pub retry_ms: Option<u64>,
}

impl ServerMessage<'_> {
    /// The word in its `type`.
    pub const fn kind(&self) -> ServerType {
        match self {
            Self::Welcome(_) => ServerType::Welcome,
            Self::Mounted(_) => ServerType::Mounted,
            Self::Update(_) => ServerType::Update,
            Self::Snapshot { .. } => ServerType::Snapshot,
            Self::Ack { .. } => ServerType::Ack,
            Self::Error(_) => ServerType::Error,
            Self::Event { .. } => ServerType::Event,
            Self::Unmounted { .. } => ServerType::Unmounted,
            Self::Drain { .. } => ServerType::Drain,
            Self::Template { .. } => ServerType::Template,
            Self::Pong { .. } => ServerType::Pong,
        }
    }

    /// The message that it answers.
    pub const fn reference(&self) -> Option<Ref> {
        match self {
            Self::Ack { reference, .. } => Some(*reference),
            Self::Mounted(Mounted { reference, .. })
            | Self::Update(Update { reference, .. })
            | Self::Error(ErrorMessage { reference, .. }) => *reference,
            Self::Welcome(_)
            | Self::Snapshot { .. }
            | Self::Event { .. }
            | Self::Unmounted { .. }
            | Self::Drain { .. }
            | Self::Template { .. }
            | Self::Pong { .. } => None,
        }
    }
}

impl<'a> ErrorMessage<'a> {
    /// A refusal that says only why.
    pub fn new(code: ErrorCode, message: impl Into<Cow<'a, str>>) -> Self {
        Self { reference: None, stream: None, code, message: message.into(), details: None, retry_ms: None }
    }

    /// One that answers a message.
    #[must_use]
    pub fn answering(mut self, reference: Option<Ref>, stream: Option<StreamId>) -> Self {
        self.reference = reference;
        self.stream = stream;
        self
    }
}

impl<'a> Update<'a> {
    /// Creates a patch that answers no message and names no author.
    pub const fn new(stream: StreamId, rev: Rev, patch: RawJson<'a>) -> Self {
        Self { stream, rev, reference: None, by: Vec::new(), result: None, topics: None, patch }
    }
}
