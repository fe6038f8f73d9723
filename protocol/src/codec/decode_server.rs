//! Decodes messages from servers, for the clients of tests and load generators.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::envelope::{self, Envelope};
use crate::code::ErrorCode;
use crate::id::{Author, ComponentId, ConnectionId, Epoch, Ref, Rev, SessionId, StreamId, TopicName};
use crate::json::RawJson;
use crate::kind::ServerType;
use crate::secret::ResumeSecret;
use crate::server::{DeclaredLimits, ErrorMessage, FieldTopics, Mounted, ServerMessage, Update, Welcome};
use crate::words::{PROTOCOL_VERSION, field};

/// The reason why a text is not a server's message.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerDecodeError {
    /// The text is not a JSON object, or its payload does not match its type.
    #[error("invalid JSON for a server message")]
    Json(#[from] serde_json::Error),
    /// The message has another protocol version.
    #[error("unsupported protocol version; expected {PROTOCOL_VERSION}")]
    Version,
    /// The type is not the type of a server message.
    #[error("`{0}` is not a server message type")]
    UnknownType(String),
    /// A field is missing or of the wrong type.
    #[error("`{0}` is missing or invalid")]
    Field(&'static str),
}

/// Decodes one message from a server.
///
/// ```
/// use vivaz_protocol::{ServerMessage, decode_server};
///
/// let text = r#"{"v":1,"type":"STATE_UPDATE","ref":7,"componentId":"c1","rev":3,"payload":{"count":6}}"#;
/// let ServerMessage::Update(update) = decode_server(text)? else { panic!("it is an update") };
/// assert_eq!(update.rev.0, 3);
/// assert_eq!(update.patch.get(), r#"{"count":6}"#);
/// # Ok::<(), vivaz_protocol::ServerDecodeError>(())
/// ```
///
/// # Errors
/// Returns an error if the text is not a message of this version.
pub fn decode_server(text: &str) -> Result<ServerMessage<'_>, ServerDecodeError> {
    let (envelope, outcome) = Envelope::read(text);
    outcome?;
    if envelope.v.and_then(envelope::unsigned) != Some(PROTOCOL_VERSION) {
        return Err(ServerDecodeError::Version);
    }
    let word = string(envelope.kind, field::TYPE)?;
    let kind = ServerType::parse(&word).ok_or_else(|| ServerDecodeError::UnknownType(word.into_owned()))?;
    message(kind, &envelope)
}

fn message<'a>(kind: ServerType, envelope: &Envelope<'a>) -> Result<ServerMessage<'a>, ServerDecodeError> {
    Ok(match kind {
        ServerType::Welcome => ServerMessage::Welcome(welcome(payload(envelope)?)?),
        ServerType::Mounted => {
            let body: MountedPayload<'_> = serde_json::from_str(payload(envelope)?.get())?;
            ServerMessage::Mounted(Mounted {
                reference: reference(envelope)?,
                component_id: component_id(envelope)?,
                rev: rev(envelope)?,
                epoch: epoch(envelope)?,
                component: body.component,
                template: body.template,
                state: body.state.map(RawJson::from),
                topics: topics(body.topics)?,
                retry: body.retry,
            })
        }
        ServerType::Update => ServerMessage::Update(Update {
            stream: stream(envelope)?.ok_or(ServerDecodeError::Field(field::COMPONENT_ID))?,
            rev: rev(envelope)?,
            reference: reference(envelope)?,
            by: authors(envelope)?,
            result: envelope.result.map(RawJson::from),
            topics: envelope.topics.map(|raw| topics(serde_json::from_str(raw.get())?)).transpose()?,
            patch: payload(envelope)?.into(),
        }),
        ServerType::Snapshot => ServerMessage::Snapshot {
            stream: stream(envelope)?.ok_or(ServerDecodeError::Field(field::COMPONENT_ID))?,
            rev: rev(envelope)?,
            epoch: epoch(envelope)?,
            state: payload(envelope)?.into(),
        },
        ServerType::Ack => ServerMessage::Ack {
            reference: reference(envelope)?.ok_or(ServerDecodeError::Field(field::REF))?,
            component_id: component_id(envelope)?,
            result: envelope.payload.map(RawJson::from),
        },
        ServerType::Error => ServerMessage::Error(error(envelope)?),
        ServerType::Event => {
            let body: EventPayload<'_> = serde_json::from_str(payload(envelope)?.get())?;
            ServerMessage::Event {
                stream: stream(envelope)?.ok_or(ServerDecodeError::Field(field::COMPONENT_ID))?,
                name: body.name,
                data: body.data.into(),
            }
        }
        ServerType::Unmounted => {
            let body: UnmountedPayload<'_> = serde_json::from_str(payload(envelope)?.get())?;
            ServerMessage::Unmounted { component_id: component_id(envelope)?, reason: body.reason }
        }
        ServerType::Drain => {
            let body: DrainPayload = serde_json::from_str(payload(envelope)?.get())?;
            ServerMessage::Drain { reconnect_after_ms: body.reconnect_after_ms }
        }
        ServerType::Template => {
            let body: TemplatePayload<'_> = serde_json::from_str(payload(envelope)?.get())?;
            ServerMessage::Template { hash: body.hash, template: body.template.into() }
        }
        ServerType::Pong => ServerMessage::Pong { payload: envelope.payload.map(RawJson::from) },
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WelcomePayload<'a> {
    #[serde(borrow)]
    session: Cow<'a, str>,
    #[serde(borrow)]
    resume: Cow<'a, str>,
    #[serde(borrow)]
    connection: Cow<'a, str>,
    resumed: bool,
    done: Vec<u64>,
    heartbeat_ms: u64,
    #[serde(borrow)]
    build: Cow<'a, str>,
    limits: LimitsPayload,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LimitsPayload {
    message_bytes: u64,
    components: u64,
    in_flight: u64,
}

#[derive(Deserialize)]
struct MountedPayload<'a> {
    #[serde(borrow)]
    component: Cow<'a, str>,
    #[serde(borrow)]
    template: Cow<'a, str>,
    #[serde(borrow)]
    state: Option<&'a RawValue>,
    topics: BTreeMap<String, String>,
    #[serde(borrow, default)]
    retry: Vec<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ErrorPayload<'a> {
    #[serde(borrow)]
    code: Cow<'a, str>,
    #[serde(borrow)]
    message: Cow<'a, str>,
    #[serde(borrow)]
    details: Option<&'a RawValue>,
    retry_ms: Option<u64>,
}

#[derive(Deserialize)]
struct EventPayload<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    data: &'a RawValue,
}

#[derive(Deserialize)]
struct UnmountedPayload<'a> {
    #[serde(borrow)]
    reason: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DrainPayload {
    reconnect_after_ms: u64,
}

#[derive(Deserialize)]
struct TemplatePayload<'a> {
    #[serde(borrow)]
    hash: Cow<'a, str>,
    #[serde(borrow)]
    template: &'a RawValue,
}

fn welcome(raw: &RawValue) -> Result<Welcome<'_>, ServerDecodeError> {
    let body: WelcomePayload<'_> = serde_json::from_str(raw.get())?;
    let done = body.done.into_iter().map(Ref::new).collect::<Result<_, _>>();
    Ok(Welcome {
        session: SessionId::new(&body.session).map_err(|_| ServerDecodeError::Field("session"))?,
        secret: ResumeSecret::new(body.resume),
        connection: ConnectionId::new(&body.connection)
            .map_err(|_| ServerDecodeError::Field("connection"))?,
        resumed: body.resumed,
        done: done.map_err(|_| ServerDecodeError::Field("done"))?,
        heartbeat_ms: body.heartbeat_ms,
        build: body.build,
        limits: DeclaredLimits {
            message_bytes: body.limits.message_bytes,
            components: body.limits.components,
            in_flight: body.limits.in_flight,
        },
    })
}

fn error<'a>(envelope: &Envelope<'a>) -> Result<ErrorMessage<'a>, ServerDecodeError> {
    let body: ErrorPayload<'_> = serde_json::from_str(payload(envelope)?.get())?;
    Ok(ErrorMessage {
        reference: reference(envelope)?,
        stream: stream(envelope)?,
        code: ErrorCode::parse(&body.code).ok_or(ServerDecodeError::Field("code"))?,
        message: body.message,
        details: body.details.map(RawJson::from),
        retry_ms: body.retry_ms,
    })
}

fn topics(map: BTreeMap<String, String>) -> Result<FieldTopics<'static>, ServerDecodeError> {
    map.into_iter()
        .map(|(name, topic)| {
            let topic = TopicName::new(&topic).map_err(|_| ServerDecodeError::Field(field::TOPICS))?;
            Ok((Cow::Owned(name), topic))
        })
        .collect()
}

fn payload<'a>(envelope: &Envelope<'a>) -> Result<&'a RawValue, ServerDecodeError> {
    envelope.payload.ok_or(ServerDecodeError::Field(field::PAYLOAD))
}

fn string<'a>(raw: Option<&'a RawValue>, name: &'static str) -> Result<Cow<'a, str>, ServerDecodeError> {
    raw.and_then(envelope::string).ok_or(ServerDecodeError::Field(name))
}

fn reference(envelope: &Envelope<'_>) -> Result<Option<Ref>, ServerDecodeError> {
    let read = |raw| envelope::reference(raw).ok_or(ServerDecodeError::Field(field::REF));
    envelope.reference.map(read).transpose()
}

/// Parses one author, or a list of at least one author.
fn authors(envelope: &Envelope<'_>) -> Result<Vec<Author>, ServerDecodeError> {
    let wrong = || ServerDecodeError::Field(field::BY);
    let author = |text: &str| Author::parse(text).map_err(|_| wrong());
    let Some(raw) = envelope.by else { return Ok(Vec::new()) };
    if let Some(text) = envelope::string(raw) {
        return Ok(vec![author(&text)?]);
    }
    let several: Vec<Cow<'_, str>> = serde_json::from_str(raw.get()).map_err(|_| wrong())?;
    if several.is_empty() {
        return Err(wrong());
    }
    several.iter().map(|text| author(text)).collect()
}

fn rev(envelope: &Envelope<'_>) -> Result<Rev, ServerDecodeError> {
    envelope.rev.and_then(envelope::unsigned).map(Rev).ok_or(ServerDecodeError::Field(field::REV))
}

fn epoch(envelope: &Envelope<'_>) -> Result<Epoch, ServerDecodeError> {
    Epoch::new(&string(envelope.epoch, field::EPOCH)?).map_err(|_| ServerDecodeError::Field(field::EPOCH))
}

fn component_id(envelope: &Envelope<'_>) -> Result<ComponentId, ServerDecodeError> {
    ComponentId::new(&string(envelope.component_id, field::COMPONENT_ID)?)
        .map_err(|_| ServerDecodeError::Field(field::COMPONENT_ID))
}

fn stream(envelope: &Envelope<'_>) -> Result<Option<StreamId>, ServerDecodeError> {
    match (envelope.component_id, envelope.topic) {
        (Some(_), None) => Ok(Some(StreamId::Component(component_id(envelope)?))),
        (None, Some(raw)) => {
            let name = TopicName::new(&string(Some(raw), field::TOPIC)?);
            Ok(Some(StreamId::Topic(name.map_err(|_| ServerDecodeError::Field(field::TOPIC))?)))
        }
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(ServerDecodeError::Field(field::TOPIC)),
    }
}
