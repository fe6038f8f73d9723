//! Messages from a server.

use std::borrow::Cow;

use crate::code::ErrorCode;
use crate::id::{Author, ComponentId, ConnectionId, Epoch, Ref, Rev, SessionId, StreamId, TopicName};
use crate::json::RawJson;
use crate::kind::ServerType;
use crate::secret::ResumeSecret;

/// The topic that each shared field of a component shows.
pub type FieldTopics<'a> = Vec<(Cow<'a, str>, TopicName)>;

/// A message from a server. State, patches and results are JSON text that was serialised once.
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
        /// The stream whose state this is.
        stream: StreamId,
        /// The state's revision.
        rev: Rev,
        /// The epoch of the revision.
        epoch: Epoch,
        /// The whole state, as an object.
        state: RawJson<'a>,
    },
    /// `ACK`
    Ack {
        /// The message that this acknowledges.
        reference: Ref,
        /// The component that received the message.
        component_id: ComponentId,
        /// The action's return value.
        result: Option<RawJson<'a>>,
    },
    /// `ERROR`
    Error(ErrorMessage<'a>),
    /// `EVENT`
    Event {
        /// The component or topic that the event is for.
        stream: StreamId,
        /// The application's name for the event.
        name: Cow<'a, str>,
        /// The event's data, chosen by the application.
        data: RawJson<'a>,
    },
    /// `COMPONENT_UNMOUNTED`
    Unmounted {
        /// The component that was unmounted.
        component_id: ComponentId,
        /// The reason, for developers.
        reason: Cow<'a, str>,
    },
    /// `DRAIN`
    Drain {
        /// The delay after which the client should reconnect, in milliseconds.
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
        /// The payload of the `PING`.
        payload: Option<RawJson<'a>>,
    },
}

/// The answer to `HELLO`.
#[derive(Clone, Debug)]
pub struct Welcome<'a> {
    /// The session.
    pub session: SessionId,
    /// The secret that resumes the session; a new one with each `WELCOME`.
    pub secret: ResumeSecret<'a>,
    /// The connection's id.
    pub connection: ConnectionId,
    /// Whether the server resumed the session that the client named.
    pub resumed: bool,
    /// The refs that the server has handled and whose replies follow.
    pub done: Vec<Ref>,
    /// The interval in milliseconds in which the server sends a message and expects one.
    pub heartbeat_ms: u64,
    /// The build of the application that answers.
    pub build: Cow<'a, str>,
    /// The limits that apply to the client.
    pub limits: DeclaredLimits,
}

/// The limits that a client must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeclaredLimits {
    /// Maximum length of a message, in bytes.
    pub message_bytes: u64,
    /// Maximum number of components in a session.
    pub components: u64,
    /// Maximum number of messages that the client may resend at once after a reconnect.
    pub in_flight: u64,
}

/// A mounted component.
#[derive(Clone, Debug)]
pub struct Mounted<'a> {
    /// The mount that this answers. Without one, the message replaces the component that the page
    /// has.
    pub reference: Option<Ref>,
    /// The component's id, chosen by the page.
    pub component_id: ComponentId,
    /// The revision of the state.
    pub rev: Rev,
    /// The epoch of the revision.
    pub epoch: Epoch,
    /// The component's registered name.
    pub component: Cow<'a, str>,
    /// The content hash of the component's template.
    pub template: Cow<'a, str>,
    /// The component's own public state, as an object; `None` if it is the one that the page was
    /// painted with.
    pub state: Option<RawJson<'a>>,
    /// The topic that each of the component's shared fields shows.
    pub topics: FieldTopics<'a>,
    /// The actions that may run twice. A page whose session is lost sends them again without asking
    /// the user.
    pub retry: Vec<Cow<'a, str>>,
}

/// A patch of one stream.
#[derive(Clone, Debug)]
pub struct Update<'a> {
    /// The stream that the patch changes.
    pub stream: StreamId,
    /// The revision after the patch.
    pub rev: Rev,
    /// The message that this answers.
    pub reference: Option<Ref>,
    /// The messages whose actions caused the patch, each once, in the order in which they ran;
    /// empty if no session's action caused it. Only for topics. One author is encoded as a string,
    /// several as a list.
    pub by: Vec<Author>,
    /// The return value of the answered action.
    pub result: Option<RawJson<'a>>,
    /// Set if a shared field of the component now shows another topic: the topics of all its shared
    /// fields.
    pub topics: Option<FieldTopics<'a>>,
    /// The patch.
    pub patch: RawJson<'a>,
}

/// A refusal of a message.
#[derive(Clone, Debug)]
pub struct ErrorMessage<'a> {
    /// The message that this answers, if its ref was readable.
    pub reference: Option<Ref>,
    /// The component or topic that the message concerned, if readable.
    pub stream: Option<StreamId>,
    /// The reason for programs.
    pub code: ErrorCode,
    /// The reason for people. It never contains server internals.
    pub message: Cow<'a, str>,
    /// Details for programs: with [`ErrorCode::Invalid`], `{field: [message]}`.
    pub details: Option<RawJson<'a>>,
    /// The delay in milliseconds before the client may retry, with
    /// [`ErrorCode::RateLimited`] and [`ErrorCode::Overloaded`].
    pub retry_ms: Option<u64>,
}

impl ServerMessage<'_> {
    /// Returns the message's `type`.
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

    /// Returns the number of the message that this answers.
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
    /// Creates a refusal that concerns no message.
    pub fn new(code: ErrorCode, message: impl Into<Cow<'a, str>>) -> Self {
        Self { reference: None, stream: None, code, message: message.into(), details: None, retry_ms: None }
    }

    /// Sets the message that the refusal answers.
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
