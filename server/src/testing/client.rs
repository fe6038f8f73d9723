//! A page's side of the protocol as a state machine: it knows no sockets, no clock and no test.
//!
//! In go what a page asks and the frames that came; out come the frames to send and what was learnt. What has no answer
//! is kept and said again over the next connection. It is also a referee: whatever the protocol promises about order,
//! revisions and answers is checked, and a breach is an error.

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

/// A page's side of the protocol.
///
/// ```
/// use vivaz::testing::{Ask, Client};
///
/// let mut client = Client::new();
/// let hello = client.hello();
/// assert!(hello.contains("HELLO"));
/// let mount = client.ask("counter", Ask::mount_open("counter", serde_json::json!({})));
/// // Nothing is due before the server has said `WELCOME`.
/// assert!(client.due().is_empty());
/// assert!(client.answer(mount).is_none());
/// ```
#[derive(Debug, Default)]
pub struct Client {
    session: Option<(SessionId, ResumeSecret<'static>)>,
    /// Whether a `WELCOME` has come on this connection.
    welcomed: bool,
    streams: BTreeMap<StreamId, Stream>,
    components: BTreeMap<ComponentId, Shown>,
    unanswered: BTreeMap<Ref, Unanswered>,
    answers: BTreeMap<Ref, Answer>,
    /// Messages of sessions that are gone which were asked again: as what.
    asked_again: BTreeMap<Ref, Ref>,
    last: u64,
    since_ack: u32,
    pings: BTreeSet<u64>,
    pongs: u64,
    /// The connection that is open, or was last.
    connection: Option<ConnectionId>,
    /// Messages without an answer whose effect on a topic has come already.
    shown: BTreeSet<Ref>,
    /// It notes what a page sends, and sends nothing itself.
    is_observer: bool,
}

/// A component that the page has, or will have.
#[derive(Debug)]
struct Shown {
    /// What it was mounted with, to do it again when its session is gone.
    source: Ask,
    name: String,
    template: String,
    topics: BTreeMap<String, TopicName>,
    /// Its actions that may be run twice.
    retry: BTreeSet<String>,
    /// What was typed into its fields and accepted, for as long as the server does not say otherwise.
    typed: BTreeMap<String, Value>,
}

impl Shown {
    /// One that is not mounted yet.
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
    /// Whether it is on its way over this connection, or the server has said that it has it.
    sent: bool,
}

/// How a message was answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It was handled, with this return value if there is one.
    Done(Option<Value>),
    /// The component is mounted.
    Mounted,
    /// It was refused.
    Refused(Refusal),
    /// The session is gone, and with it whether the message was handled.
    SessionLost,
}

/// Why the server refused something.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refusal {
    /// The code of the protocol.
    pub code: ErrorCode,
    /// What the page is told.
    pub message: String,
    /// With [`ErrorCode::Invalid`]: the messages by field.
    pub details: Option<Value>,
    /// When to try again, with a code that says so.
    pub retry_ms: Option<u64>,
}

impl Refusal {
    /// The payload of an `ERROR`, or what a page makes like it.
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

    /// The messages for a field, where the refusal is that something is not valid.
    #[must_use]
    pub fn errors(&self, field: &str) -> Vec<&str> {
        let messages = self.details.as_ref().and_then(|details| details.get(field)?.as_array());
        messages.into_iter().flatten().filter_map(Value::as_str).collect()
    }
}

/// What a frame said.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// The connection is open. If the session is not the one that was asked for, everything has been put in line to be
    /// mounted again, what was typed is put back, and what was unanswered is answered [`Answer::SessionLost`], except for
    /// edits, and for actions that are marked `retry`, which are asked again.
    Welcome {
        /// Whether the session goes on.
        resumed: bool,
    },
    /// A message got its answer.
    Answered(Ref),
    /// A message that had its answer got the same one again.
    AnsweredAgain(Ref),
    /// A stream has moved on.
    Changed(StreamId),
    /// A component was replaced by the server, as after a deploy.
    Replaced(ComponentId),
    /// A component was taken away by the server.
    Unmounted(ComponentId, String),
    /// The application says something.
    Event {
        /// The component or topic that it is for.
        stream: StreamId,
        /// Its name.
        name: String,
        /// What comes with it.
        data: Value,
    },
    /// A sign of life that was asked for by [`Client::ping`].
    Pong,
    /// The server is going away, and asks the page to come back after so many milliseconds.
    Drain(u64),
    /// A template, or something that concerns no message of the page.
    Other,
}

/// A breach of the protocol, or of what it promises.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{what}: {frame}")]
pub struct Breach {
    what: String,
    frame: String,
}

impl Client {
    /// A page that has no session yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A new connection: what to say first. Everything unanswered is to be sent again, once the server has said which of
    /// it is handled already.
    pub fn hello(&mut self) -> String {
        self.hello_with(None)
    }

    /// The same with something for the application's authentication.
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

    /// The connection is gone.
    pub fn disconnected(&mut self) {
        self.welcomed = false;
        for one in self.unanswered.values_mut() {
            one.sent = false;
        }
    }

    /// Puts a message in line.
    ///
    /// # Panics
    /// If `component` is not 1 to 64 of `A-Za-z0-9_-`.
    pub fn ask(&mut self, component: &str, ask: Ask) -> Ref {
        let component = match ComponentId::new(component) {
            Ok(component) => component,
            Err(error) => panic!("the id {component:?} {error}"),
        };
        self.put(component, ask)
    }

    fn put(&mut self, component: ComponentId, ask: Ask) -> Ref {
        self.last += 1;
        let reference = reference(self.last);
        if ask.is_mount() {
            self.components.entry(component.clone()).or_insert_with(|| Shown::new(ask.clone()));
        }
        self.unanswered.insert(reference, Unanswered { component, ask, sent: false });
        reference
    }

    /// What is to be sent now, in order.
    pub fn due(&mut self) -> Vec<String> {
        if !self.welcomed {
            return Vec::new();
        }
        // Said with the first message, not with each: they all leave together.
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

    /// A message to send that asks for a sign of life, and acknowledges every answer that is here.
    pub fn ping(&mut self) -> (u64, String) {
        self.pongs += 1;
        self.pings.insert(self.pongs);
        (self.pongs, self.ping_frame(self.pongs))
    }

    /// The signs of life that were asked for and have not come, to be asked for again over a new connection.
    pub fn pings(&mut self) -> Vec<String> {
        let waiting: Vec<u64> = self.pings.iter().copied().collect();
        waiting.into_iter().map(|number| self.ping_frame(number)).collect()
    }

    fn ping_frame(&mut self, number: u64) -> String {
        self.since_ack = 0;
        let payload = number.to_string();
        let body = ClientBody::Ping { payload: Some(RawJson::trusted(&payload)) };
        encode(&ClientMessage { ack: self.acknowledged(), body })
    }

    /// Whether the sign of life of that number is still to come.
    #[must_use]
    pub fn is_waiting_for_pong(&self, number: u64) -> bool {
        self.pings.contains(&number)
    }

    /// Every message up to this one is answered.
    #[must_use]
    pub fn acknowledged(&self) -> Option<Ref> {
        let last = self.unanswered.keys().next().map_or(self.last, |first| first.get() - 1);
        Ref::new(last).ok()
    }

    /// The answer to a message, if it is there; of one that was asked again in another session, the answer from there.
    #[must_use]
    pub fn answer(&self, reference: Ref) -> Option<&Answer> {
        self.answers.get(&self.latest(reference))
    }

    /// As what a message was asked last.
    fn latest(&self, mut reference: Ref) -> Ref {
        while let Some(again) = self.asked_again.get(&reference) {
            reference = *again;
        }
        reference
    }

    /// Whether a topic's patch has shown already what a message did that has no answer yet.
    #[must_use]
    pub fn is_shown(&self, reference: Ref) -> bool {
        self.shown.contains(&self.latest(reference))
    }

    /// All answers so far.
    pub fn answers(&self) -> impl Iterator<Item = (Ref, &Answer)> {
        self.answers.iter().map(|(reference, answer)| (*reference, answer))
    }

    /// How many messages have no answer yet.
    #[must_use]
    pub fn unanswered(&self) -> usize {
        self.unanswered.len()
    }

    /// Whether a component is still to be mounted.
    #[must_use]
    pub fn is_mounting(&self) -> bool {
        self.unanswered.values().any(|one| one.ask.is_mount())
    }

    /// Whether the server has greeted on this connection.
    #[must_use]
    pub fn is_welcomed(&self) -> bool {
        self.welcomed
    }

    /// The session, if there is one.
    #[must_use]
    pub fn session(&self) -> Option<&str> {
        self.session.as_ref().map(|(session, _)| session.as_str())
    }

    /// What the page has of a stream: `c:ID` or `t:TOPIC`.
    #[must_use]
    pub fn stream(&self, name: &str) -> Option<&Stream> {
        self.streams.get(&StreamId::parse(name).ok()?)
    }

    /// The state of a component as its template sees it: its own fields, and under the names of its shared fields
    /// their topics' states.
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

    /// The template that a mounted component is shown with, and the component's registered name.
    #[must_use]
    pub fn template(&self, component: &str) -> Option<(&str, &str)> {
        let shown = self.components.get(component)?;
        (!shown.template.is_empty()).then_some((&*shown.template, &*shown.name))
    }

    /// The ids of the components that are mounted.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        let mounted = self.components.iter().filter(|(_, shown)| !shown.template.is_empty());
        mounted.map(|(id, _)| id.as_str())
    }

    /// Takes in a frame.
    ///
    /// # Errors
    /// If the server breaks the protocol: a frame that cannot be read, a gap in revisions, a patch that does not fit, an
    /// answer to what was not asked, or a second answer that is not the first one.
    pub fn receive(&mut self, frame: &str) -> Result<Heard, Breach> {
        self.take_in(frame).map_err(|what| Breach { what, frame: frame.to_owned() })
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
