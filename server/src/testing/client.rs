//! The page's side of the protocol as a state machine, without sockets and clocks.
//!
//! Its input is the requests of a page and the received frames; its output is the frames to send
//! and the events in the received frames. Unanswered requests are kept and sent again over the next
//! connection. It also verifies the server: it checks the protocol's guarantees about order,
//! revisions and answers, and reports each violation as an error.

mod ask;
mod observe;
mod receive;
mod stream;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use vivaz_components::{ComponentId, ErrorCode};
use vivaz_protocol::{
    ClientBody, ClientMessage, ConnectionId, Hello, RawJson, Ref, Resume, ResumeSecret, SessionId, StreamId,
    TopicName, encode_client,
};

pub use self::ask::Ask;
pub use self::stream::Stream;

/// The page's side of the protocol.
///
/// ```
/// use vivaz::testing::{Ask, Client};
///
/// let mut client = Client::new();
/// let hello = client.hello();
/// assert!(hello.contains("HELLO"));
/// let mount = client.ask("counter", Ask::mount_open("counter", serde_json::json!({})));
/// // No request is due before `WELCOME`.
/// assert!(client.due().is_empty());
/// assert!(client.answer(mount).is_none());
/// ```
#[derive(Debug, Default)]
pub struct Client {
    session: Option<(SessionId, ResumeSecret<'static>)>,
    /// Whether this connection has received `WELCOME`.
    has_welcome: bool,
    streams: BTreeMap<StreamId, Stream>,
    /// The states, as JSON, that an observed page was painted with.
    painted: BTreeMap<ComponentId, String>,
    components: BTreeMap<ComponentId, MountedComponent>,
    unanswered: BTreeMap<Ref, Unanswered>,
    answers: BTreeMap<Ref, Answer>,
    /// Requests of lost sessions that were sent again, with their new refs.
    resent: BTreeMap<Ref, Ref>,
    last: u64,
    since_ack: u32,
    pings: BTreeSet<u64>,
    pongs: u64,
    /// The current or last connection.
    connection: Option<ConnectionId>,
    /// Unanswered requests whose effect on a topic has been received.
    visible: BTreeSet<Ref>,
    /// Whether it only records the messages of a page, and sends none itself.
    is_observer: bool,
}

/// A component that the page has mounted or is mounting.
#[derive(Debug)]
struct MountedComponent {
    /// The mount request, to repeat it after the session was lost.
    source: Ask,
    name: String,
    template: String,
    topics: BTreeMap<String, TopicName>,
    /// The actions that are marked `retry` and may run twice.
    retry: BTreeSet<String>,
    /// The accepted edits by field, until the server changes the field.
    typed: BTreeMap<String, Value>,
}

impl MountedComponent {
    /// Creates a component that is not mounted yet.
    fn new(source: Ask) -> Self {
        Self {
            source,
            name: String::new(),
            template: String::new(),
            topics: BTreeMap::new(),
            retry: BTreeSet::new(),
            typed: BTreeMap::new(),
        }
    }
}

#[derive(Debug)]
struct Unanswered {
    component: ComponentId,
    ask: Ask,
    /// Whether it was sent over this connection, or the server has reported that it was received.
    sent: bool,
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The request was handled, with this return value if there is one.
    Done(Option<Value>),
    /// The component is mounted.
    Mounted,
    /// The request was refused.
    Refused(Refusal),
    /// The session was lost, so whether the request was handled is unknown.
    SessionLost,
}

/// The reason for which the server refused a request.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refusal {
    /// The code of the protocol.
    pub code: ErrorCode,
    /// The message for the page.
    pub message: String,
    /// The messages by field, for [`ErrorCode::Invalid`].
    pub details: Option<Value>,
    /// The time after which the page may retry, in milliseconds, for codes that allow it.
    pub retry_ms: Option<u64>,
}

impl Refusal {
    /// Reads the payload of an `ERROR`, or a page's own payload of the same form.
    pub(super) fn of(payload: &Value) -> Self {
        let text = |name: &str| payload[name].as_str().unwrap_or_default();
        Self {
            code: ErrorCode::parse(text("code")).unwrap_or(ErrorCode::Malformed),
            message: text("message").to_owned(),
            details: payload.get("details").filter(|details| !details.is_null()).cloned(),
            retry_ms: payload["retryMs"].as_u64(),
        }
    }

    pub(super) fn not_mounted() -> Self {
        let message = "the component was unmounted".to_owned();
        Self { code: ErrorCode::NotMounted, message, details: None, retry_ms: None }
    }

    /// Returns the validation messages for a field, if the refusal has any.
    #[must_use]
    pub fn errors(&self, field: &str) -> Vec<&str> {
        let messages = self.details.as_ref().and_then(|details| details.get(field)?.as_array());
        messages.into_iter().flatten().filter_map(Value::as_str).collect()
    }
}

/// The content of a received frame.
#[derive(Clone, Debug, PartialEq)]
pub enum Received {
    /// The connection is open. If the session was not resumed, all components are mounted again and
    /// accepted edits are sent again. Unanswered requests get [`Answer::SessionLost`], except for
    /// edits and for actions marked `retry`, which are sent again.
    Welcome {
        /// Whether the session was resumed.
        resumed: bool,
    },
    /// A request was answered.
    Answered(Ref),
    /// An answered request got the same answer again.
    AnsweredAgain(Ref),
    /// The state of a stream has changed.
    Changed(StreamId),
    /// The server replaced a component, as after a deployment.
    Replaced(ComponentId),
    /// The server unmounted a component, with this reason.
    Unmounted(ComponentId, String),
    /// The application sent an event.
    Event {
        /// The component or topic that receives the event.
        stream: StreamId,
        /// The event's name.
        name: String,
        /// The event's data.
        data: Value,
    },
    /// The pong for a [`Client::ping`].
    Pong,
    /// The server is shutting down, and the page should reconnect after this many milliseconds.
    Drain(u64),
    /// A template, or a frame that answers no request of the page.
    Other,
}

/// A violation of the protocol or of its guarantees.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{what}: {frame}")]
pub struct Breach {
    what: String,
    frame: String,
}

impl Client {
    /// Creates a client without a session.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins a new connection and returns its first frame, `HELLO`. Unanswered requests become due
    /// again after `WELCOME`, which contains those that the server has already received.
    pub fn hello(&mut self) -> String {
        self.hello_with(None)
    }

    /// Begins a new connection as [`hello`](Self::hello) does, with an `auth` for the application.
    pub fn hello_with(&mut self, auth: Option<&Value>) -> String {
        self.disconnected();
        let auth = auth.map(Value::to_string);
        let resume = self.session.as_ref().map(|(session, secret)| Resume {
            session: session.clone(),
            secret: secret.clone(),
            acked: self.acknowledged(),
            streams: self
                .streams
                .iter()
                .map(|(id, stream)| (id.clone(), stream.epoch.clone(), stream.rev))
                .collect(),
        });
        let hello = Hello { resume, auth: auth.as_deref().map(RawJson::trusted) };
        encode(&ClientMessage::new(ClientBody::Hello(hello)))
    }

    /// Records that the connection is closed.
    pub fn disconnected(&mut self) {
        self.has_welcome = false;
        for one in self.unanswered.values_mut() {
            one.sent = false;
        }
    }

    /// Queues a request and returns its ref.
    ///
    /// # Panics
    /// Panics if `component` does not consist of 1 to 64 characters of `A-Za-z0-9_-`.
    pub fn ask(&mut self, component: &str, ask: Ask) -> Ref {
        let component = match ComponentId::new(component) {
            Ok(component) => component,
            Err(error) => panic!("the id {component:?} {error}"),
        };
        self.enqueue(component, ask)
    }

    fn enqueue(&mut self, component: ComponentId, ask: Ask) -> Ref {
        self.last += 1;
        let reference = reference(self.last);
        if ask.is_mount() {
            self.components.entry(component.clone()).or_insert_with(|| MountedComponent::new(ask.clone()));
        }
        self.unanswered.insert(reference, Unanswered { component, ask, sent: false });
        reference
    }

    /// Returns the frames of the requests to send now, in order.
    pub fn due(&mut self) -> Vec<String> {
        if !self.has_welcome {
            return Vec::new();
        }
        // The first frame acknowledges for all of them, because they are sent together.
        let mut ack = (self.since_ack >= 16).then(|| self.acknowledged()).flatten();
        let mut frames = Vec::new();
        for (reference, one) in self.unanswered.iter_mut().filter(|(_, one)| !one.sent) {
            one.sent = true;
            if ack.is_some() {
                self.since_ack = 0;
            }
            frames.push(one.ask.frame(*reference, &one.component, ack.take()));
        }
        frames
    }

    /// Returns a ping with its number. It acknowledges all received answers.
    pub fn ping(&mut self) -> (u64, String) {
        self.pongs += 1;
        self.pings.insert(self.pongs);
        (self.pongs, self.ping_frame(self.pongs))
    }

    /// Returns the pings that have no pong yet, to send them again over a new connection.
    pub fn pings(&mut self) -> Vec<String> {
        let pending: Vec<u64> = self.pings.iter().copied().collect();
        pending.into_iter().map(|number| self.ping_frame(number)).collect()
    }

    fn ping_frame(&mut self, number: u64) -> String {
        self.since_ack = 0;
        let payload = number.to_string();
        let body = ClientBody::Ping { payload: Some(RawJson::trusted(&payload)) };
        encode(&ClientMessage { ack: self.acknowledged(), body })
    }

    /// Checks whether the pong for a ping is still missing.
    #[must_use]
    pub fn is_waiting_for_pong(&self, number: u64) -> bool {
        self.pings.contains(&number)
    }

    /// Returns the last ref up to which all requests are answered.
    #[must_use]
    pub fn acknowledged(&self) -> Option<Ref> {
        let last = self.unanswered.keys().next().map_or(self.last, |first| first.get() - 1);
        Ref::new(last).ok()
    }

    /// Returns the answer to a request, if there is one. For a request that was sent again in
    /// another session, returns the answer from that session.
    #[must_use]
    pub fn answer(&self, reference: Ref) -> Option<&Answer> {
        self.answers.get(&self.latest(reference))
    }

    /// Returns the ref under which a request was sent last.
    fn latest(&self, mut reference: Ref) -> Ref {
        while let Some(again) = self.resent.get(&reference) {
            reference = *again;
        }
        reference
    }

    /// Checks whether a topic's patch already contains the effect of an unanswered request.
    #[must_use]
    pub fn is_shown(&self, reference: Ref) -> bool {
        self.visible.contains(&self.latest(reference))
    }

    /// Returns all answers so far.
    pub fn answers(&self) -> impl Iterator<Item = (Ref, &Answer)> {
        self.answers.iter().map(|(reference, answer)| (*reference, answer))
    }

    /// Returns the number of unanswered requests.
    #[must_use]
    pub fn unanswered(&self) -> usize {
        self.unanswered.len()
    }

    /// Checks whether a mount is unanswered.
    #[must_use]
    pub fn is_mounting(&self) -> bool {
        self.unanswered.values().any(|one| one.ask.is_mount())
    }

    /// Checks whether this connection has received `WELCOME`.
    #[must_use]
    pub fn is_welcomed(&self) -> bool {
        self.has_welcome
    }

    /// Returns the session's id, if there is a session.
    #[must_use]
    pub fn session(&self) -> Option<&str> {
        self.session.as_ref().map(|(session, _)| session.as_str())
    }

    /// Returns the page's copy of a stream. The name is `c:ID` or `t:TOPIC`.
    #[must_use]
    pub fn stream(&self, name: &str) -> Option<&Stream> {
        self.streams.get(&StreamId::parse(name).ok()?)
    }

    /// Returns the state of a component as its template reads it: its own fields, and the states of
    /// its topics under the names of the shared fields.
    #[must_use]
    pub fn state(&self, component: &str) -> Option<Value> {
        let id = ComponentId::new(component).ok()?;
        let mut state = self.streams.get(&StreamId::from(id.clone()))?.state.clone();
        if let Some(fields) = state.as_object_mut() {
            for (field, topic) in &self.components.get(&id)?.topics {
                let topic = self.streams.get(&StreamId::from(topic.clone()));
                fields.insert(field.clone(), topic.map(|topic| topic.state.clone()).unwrap_or_default());
            }
        }
        Some(state)
    }

    /// Returns the hash of the template of a mounted component, and the component's registered
    /// name.
    #[must_use]
    pub fn template(&self, component: &str) -> Option<(&str, &str)> {
        let mounted = self.components.get(component)?;
        (!mounted.template.is_empty()).then_some((&*mounted.template, &*mounted.name))
    }

    /// Returns the ids of the mounted components.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        let mounted = self.components.iter().filter(|(_, mounted)| !mounted.template.is_empty());
        mounted.map(|(id, _)| id.as_str())
    }

    /// Handles a received frame.
    ///
    /// # Errors
    /// Returns a [`Breach`] if the server violates the protocol: a frame that cannot be decoded, a
    /// gap in revisions, a patch that does not apply, an answer to an unknown request, or a second
    /// answer that differs from the first one.
    pub fn receive(&mut self, frame: &str) -> Result<Received, Breach> {
        self.handle(frame).map_err(|what| Breach { what, frame: frame.to_owned() })
    }
}

fn reference(number: u64) -> Ref {
    match Ref::new(number) {
        Ok(reference) => reference,
        Err(_) => unreachable!("no test sends 2^53 messages"),
    }
}

fn encode(message: &ClientMessage<'_>) -> String {
    let mut frame = String::new();
    encode_client(&mut frame, message);
    frame
}

#[cfg(test)]
mod tests;
