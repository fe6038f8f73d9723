//! Decodes and checks messages from clients. No client input can cause a panic, unbounded
//! recursion, or allocations larger than the text.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::envelope::{self, Envelope};
use crate::client::{
    ClientBody, ClientMessage, Hello, MountChild, PropertyPath, PropsUpdate, Request, Resume,
};
use crate::code::ErrorCode;
use crate::id::{ComponentId, Epoch, Ref, Rev, SessionId, StreamId, TopicName};
use crate::json::{RawJson, is_deeper_than};
use crate::kind::ClientType;
use crate::limits::{Limits, MAX_PLACE, MAX_STEPS, MAX_STREAMS};
use crate::patch::Key;
use crate::secret::{ResumeSecret, Seal};
use crate::words::PROTOCOL_VERSION;

/// The reason why a text is not a client's message, with the fields that identify the message.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{code}: {message}")]
pub struct DecodeError {
    /// [`ErrorCode::Malformed`], [`ErrorCode::UnsupportedVersion`], [`ErrorCode::UnknownType`], or,
    /// for a text longer than the limit, [`ErrorCode::TooLarge`].
    pub code: ErrorCode,
    /// The error for the client's developer. It contains no values of the message.
    pub message: Cow<'static, str>,
    /// The message's number, if that field was readable.
    pub reference: Option<Ref>,
    /// The component or topic of the message, if that field was readable.
    pub stream: Option<StreamId>,
    /// The message's type, if it is known. A `HELLO` in another version closes the connection with
    /// a code of its own.
    pub kind: Option<ClientType>,
}

/// Decodes one message from a client.
///
/// ```
/// use vivaz_protocol::{ClientBody, Limits, Request, decode_client};
///
/// let text = r#"{"v":1,"type":"COMPONENT_ACTION","ref":7,"componentId":"c1","action":"increment","payload":[5]}"#;
/// let message = decode_client(text, &Limits::default())?;
/// let ClientBody::Request { reference, request: Request::Action { action, payload, .. }, .. } = message.body else {
///     panic!("it is an action");
/// };
/// assert_eq!(reference.get(), 7);
/// assert_eq!(action, "increment");
/// assert_eq!(payload.unwrap().get(), "[5]");
/// # Ok::<(), vivaz_protocol::DecodeError>(())
/// ```
///
/// # Errors
/// Returns an error for any text that is not a message of this version, with the code of the
/// refusal. The checks run in this order: size, JSON syntax and depth, version, type, fields.
pub fn decode_client<'a>(text: &'a str, limits: &Limits) -> Result<ClientMessage<'a>, DecodeError> {
    if text.len() > limits.message_bytes {
        let message = format!("message too large; at most {} bytes are allowed", limits.message_bytes);
        return Err(refusal(ErrorCode::TooLarge, message));
    }
    let (envelope, outcome) = Envelope::read(text);
    match check(text, &envelope, outcome, limits) {
        Ok(message) => Ok(message),
        Err(mut error) => {
            // A number at the end of a truncated text may be incomplete.
            let whole = |raw: &&RawValue| {
                raw.get().as_bytes().as_ptr_range().end != text.as_bytes().as_ptr_range().end
            };
            error.reference = envelope.reference.filter(whole).and_then(envelope::reference);
            error.stream = readable_stream(&envelope);
            error.kind = envelope.kind.and_then(envelope::string).and_then(|word| ClientType::parse(&word));
            Err(error)
        }
    }
}

fn check<'a>(
    text: &str,
    envelope: &Envelope<'a>,
    outcome: Result<(), serde_json::Error>,
    limits: &Limits,
) -> Result<ClientMessage<'a>, DecodeError> {
    outcome.map_err(|error| malformed(syntax(&error)))?;
    if is_deeper_than(text, limits.depth) {
        return Err(malformed(format!("nested deeper than {}", limits.depth)));
    }
    let version = envelope.v.ok_or_else(|| malformed("`v` is missing"))?;
    if envelope::unsigned(version) != Some(PROTOCOL_VERSION) {
        return Err(if envelope::is_integer(version) {
            let message = format!("unsupported protocol version; expected {PROTOCOL_VERSION}");
            refusal(ErrorCode::UnsupportedVersion, message)
        } else {
            malformed("`v` must be an integer")
        });
    }
    let word = envelope.kind.ok_or_else(|| malformed("`type` is missing"))?;
    let word = envelope::string(word).ok_or_else(|| malformed("`type` must be a string"))?;
    let kind =
        ClientType::parse(&word).ok_or_else(|| refusal(ErrorCode::UnknownType, "unknown message type"))?;
    if envelope.repeated {
        return Err(malformed("duplicate field in the envelope"));
    }
    let ack = envelope.ack.map(|raw| ref_or_zero(raw, "`ack`")).transpose()?.flatten();
    Ok(ClientMessage { ack, body: body(kind, envelope)? })
}

fn body<'a>(kind: ClientType, envelope: &Envelope<'a>) -> Result<ClientBody<'a>, DecodeError> {
    let payload = envelope.payload;
    let request = match kind {
        ClientType::Hello => return hello(payload).map(ClientBody::Hello),
        ClientType::Resync => return resync(envelope).map(ClientBody::Resync),
        ClientType::Template => {
            let TemplateRequestPayload { hash } = object(payload)?;
            return Ok(ClientBody::Template { hash });
        }
        ClientType::Ping => return Ok(ClientBody::Ping { payload: payload.map(RawJson::from) }),
        ClientType::Mount => mount(payload)?,
        ClientType::Action => action(envelope)?,
        ClientType::Property => {
            let PropertyPayload { property, value } = object(payload)?;
            Request::Property { property: property_path(property)?, value: value.into() }
        }
        ClientType::Props => {
            let PropsPayload { props, page } = object(payload)?;
            Request::Props(PropsUpdate { page: page.values(), props: props.map(RawJson::from) })
        }
        ClientType::Unmount => Request::Unmount,
    };
    let reference = envelope.reference.map(|raw| {
        envelope::reference(raw).ok_or_else(|| malformed("`ref` must be an integer from 1 to 2^53 - 1"))
    });
    let reference = reference.transpose()?;
    let component_id = || {
        let raw = envelope.component_id.ok_or_else(|| malformed("`componentId` is missing"))?;
        component(raw)
    };
    match (reference, request) {
        (Some(reference), request) => {
            Ok(ClientBody::Request { reference, component_id: component_id()?, request })
        }
        (None, Request::Action { .. }) if envelope.set.is_some() => Err(malformed("`set` requires a `ref`")),
        (None, Request::Action { action, payload, .. }) => {
            Ok(ClientBody::Unanswered { component_id: component_id()?, action, payload })
        }
        (None, _) => Err(malformed("`ref` is missing")),
    }
}

#[derive(Deserialize)]
struct TemplateRequestPayload<'a> {
    #[serde(borrow)]
    hash: Cow<'a, str>,
}

#[derive(Deserialize)]
struct PropertyPayload<'a> {
    #[serde(borrow)]
    property: &'a RawValue,
    #[serde(borrow)]
    value: &'a RawValue,
}

#[derive(Deserialize)]
struct PropsPayload<'a> {
    #[serde(borrow)]
    props: Option<&'a RawValue>,
    #[serde(borrow, default)]
    page: RawEntries<'a>,
}

#[derive(Deserialize)]
struct MountPayload<'a> {
    #[serde(borrow)]
    parent: Option<Cow<'a, str>>,
    #[serde(borrow)]
    place: Option<&'a RawValue>,
    #[serde(borrow, default)]
    page: RawEntries<'a>,
    #[serde(borrow)]
    seal: Option<Cow<'a, str>>,
    #[serde(default)]
    painted: bool,
    #[serde(borrow)]
    component: Option<Cow<'a, str>>,
    #[serde(borrow)]
    props: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
struct HelloPayload<'a> {
    #[serde(borrow)]
    session: Option<Cow<'a, str>>,
    #[serde(borrow)]
    resume: Option<Cow<'a, str>>,
    #[serde(borrow)]
    acked: Option<&'a RawValue>,
    #[serde(borrow, default)]
    streams: RawEntries<'a>,
    #[serde(borrow)]
    auth: Option<&'a RawValue>,
}

fn mount<'a>(payload: Option<&'a RawValue>) -> Result<Request<'a>, DecodeError> {
    let MountPayload { parent, place, page, seal, painted, component, props } = object(payload)?;
    if parent.is_some() || place.is_some() {
        let (Some(parent), Some(place)) = (parent, place) else {
            return Err(malformed("`parent` and `place` must be given together"));
        };
        let parent = ComponentId::new(&parent).map_err(|why| malformed(format!("`parent` {why}")))?;
        check_place(place)?;
        // Other fields of a child's mount are ignored: the page may not set them.
        let (seal, page) = (seal.map(Seal::new), page.values());
        return Ok(Request::MountChild(MountChild { parent, place: place.into(), seal, painted, page }));
    }
    match (seal, component) {
        (Some(seal), None) => Ok(Request::MountSealed { seal: Seal::new(seal), painted }),
        (None, Some(component)) => Ok(Request::MountOpen { component, props: props.map(RawJson::from) }),
        (Some(_), Some(_)) => Err(malformed("a mount takes either `seal` or `component`, not both")),
        (None, None) => Err(malformed("a mount requires `seal`, `component` or `parent`")),
    }
}

/// Checks that a place is an array of scalars within the limit.
fn check_place(raw: &RawValue) -> Result<(), DecodeError> {
    let wrong = || malformed(format!("`place` must be an array of at most {MAX_PLACE} numbers and strings"));
    if !raw.get().starts_with('[') || is_deeper_than(raw.get(), 1) {
        return Err(wrong());
    }
    let items: Vec<IgnoredAny> = serde_json::from_str(raw.get()).map_err(|_| wrong())?;
    if items.len() > MAX_PLACE { Err(wrong()) } else { Ok(()) }
}

/// Parses the name of a field, or an array of a field's name and steps.
fn property_path(raw: &RawValue) -> Result<PropertyPath<'_>, DecodeError> {
    let wrong = || {
        let message = format!(
            "`property` must be a field's name, or an array of that name and at most {MAX_STEPS} names or keys"
        );
        malformed(message)
    };
    if !raw.get().starts_with('[') {
        return envelope::string(raw).map(PropertyPath::from).ok_or_else(wrong);
    }
    serde_json::from_str(raw.get()).map_err(|_| wrong())
}

impl<'de: 'a, 'a> Deserialize<'de> for PropertyPath<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PathVisitor;
        impl<'de> Visitor<'de> for PathVisitor {
            type Value = PropertyPath<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a field's name and steps")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
                let Some(EntryName(field)) = items.next_element()? else {
                    return Err(A::Error::invalid_length(0, &self));
                };
                let mut steps = Vec::new();
                while let Some(PropertyStep(step)) = items.next_element()? {
                    if steps.len() == MAX_STEPS {
                        return Err(A::Error::invalid_length(steps.len() + 2, &self));
                    }
                    steps.push(step);
                }
                Ok(PropertyPath { field, steps })
            }
        }
        deserializer.deserialize_seq(PathVisitor)
    }
}

/// One step: a text or an `i64`.
struct PropertyStep(Key);

impl<'de> Deserialize<'de> for PropertyStep {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PathStepVisitor;
        impl Visitor<'_> for PathStepVisitor {
            type Value = PropertyStep;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or an integer")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(PropertyStep(Key::Text(text.into())))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
                Ok(PropertyStep(Key::Int(number)))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
                i64::try_from(number).map(|number| PropertyStep(Key::Int(number))).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(PathStepVisitor)
    }
}

fn action<'a>(envelope: &Envelope<'a>) -> Result<Request<'a>, DecodeError> {
    let name = envelope.action.ok_or_else(|| malformed("`action` is missing"))?;
    let action = envelope::string(name).ok_or_else(|| malformed("`action` must be a string"))?;
    let set = match envelope.set {
        None => Vec::new(),
        Some(raw) => {
            let entries: RawEntries<'_> =
                object(Some(raw)).map_err(|_| malformed("`set` must be an object with distinct names"))?;
            entries.values()
        }
    };
    Ok(Request::Action { action, payload: envelope.payload.map(RawJson::from), set })
}

fn hello<'a>(payload: Option<&'a RawValue>) -> Result<Hello<'a>, DecodeError> {
    let HelloPayload { session, resume, acked, streams, auth } = match payload {
        None => HelloPayload::default(),
        Some(_) => object(payload)?,
    };
    let resume = match (session, resume) {
        (None, None) => None,
        (Some(session), Some(secret)) => {
            let session = SessionId::new(&session).map_err(|why| malformed(format!("`session` {why}")))?;
            let acked = acked.map(|raw| ref_or_zero(raw, "`acked`")).transpose()?.flatten();
            if streams.0.len() > MAX_STREAMS {
                return Err(malformed(format!("`streams` may have at most {MAX_STREAMS} entries")));
            }
            let streams =
                streams.0.into_iter().map(|(key, value)| position(&key, value)).collect::<Result<_, _>>()?;
            Some(Resume { session, secret: ResumeSecret::new(secret), acked, streams })
        }
        (Some(_), None) | (None, Some(_)) => {
            return Err(malformed("`session` and `resume` must be given together"));
        }
    };
    Ok(Hello { resume, auth: auth.map(RawJson::from) })
}

/// Parses `"c:ID": [EPOCH, REV]` or `"t:TOPIC": [EPOCH, REV]`.
fn position(key: &str, value: &RawValue) -> Result<(StreamId, Epoch, Rev), DecodeError> {
    let stream = StreamId::parse(key).map_err(|why| malformed(format!("a key of `streams` {why}")))?;
    let wrong = || malformed("each value of `streams` must be [epoch, rev]");
    let (epoch, rev): (Cow<'_, str>, u64) = serde_json::from_str(value.get()).map_err(|_| wrong())?;
    Ok((stream, Epoch::new(&epoch).map_err(|_| wrong())?, Rev(rev)))
}

fn resync(envelope: &Envelope<'_>) -> Result<StreamId, DecodeError> {
    match (envelope.component_id, envelope.topic) {
        (Some(id), None) => component(id).map(StreamId::Component),
        (None, Some(name)) => topic(name).map(StreamId::Topic),
        (Some(_), Some(_)) => Err(malformed("give either `componentId` or `topic`, not both")),
        (None, None) => Err(malformed("`componentId` or `topic` is missing")),
    }
}

fn component(raw: &RawValue) -> Result<ComponentId, DecodeError> {
    let text = envelope::string(raw).ok_or_else(|| malformed("`componentId` must be a string"))?;
    ComponentId::new(&text).map_err(|why| malformed(format!("`componentId` {why}")))
}

fn topic(raw: &RawValue) -> Result<TopicName, DecodeError> {
    let text = envelope::string(raw).ok_or_else(|| malformed("`topic` must be a string"))?;
    TopicName::new(&text).map_err(|why| malformed(format!("`topic` {why}")))
}

/// Parses an acknowledged ref. A client that has received nothing may send 0.
fn ref_or_zero(raw: &RawValue, what: &str) -> Result<Option<Ref>, DecodeError> {
    match envelope::unsigned(raw) {
        Some(0) => Ok(None),
        Some(number) if number <= Ref::MAX => Ok(Ref::new(number).ok()),
        Some(_) | None => Err(malformed(format!("{what} must be an integer from 0 to 2^53 - 1"))),
    }
}

fn readable_stream(envelope: &Envelope<'_>) -> Option<StreamId> {
    let component = envelope.component_id.and_then(|raw| component(raw).ok()).map(StreamId::Component);
    component.or_else(|| envelope.topic.and_then(|raw| topic(raw).ok()).map(StreamId::Topic))
}

/// Parses an object. Types derived by serde also accept an array of the fields' values; the
/// protocol does not.
fn object<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>) -> Result<T, DecodeError> {
    let raw = raw.ok_or_else(|| malformed("`payload` is missing"))?;
    if !raw.get().starts_with('{') {
        return Err(malformed("`payload` must be an object"));
    }
    serde_json::from_str(raw.get()).map_err(|_| malformed("`payload` has missing or invalid fields"))
}

/// The entries of an object in order, with their values as raw JSON. Each entry causes work, so a
/// name that occurs twice is refused.
#[derive(Default)]
struct RawEntries<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> RawEntries<'a> {
    fn values(self) -> Vec<(Cow<'a, str>, RawJson<'a>)> {
        self.0.into_iter().map(|(name, value)| (name, value.into())).collect()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for RawEntries<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RawEntriesVisitor;
        impl<'de> Visitor<'de> for RawEntriesVisitor {
            type Value = RawEntries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(EntryName(name)) = map.next_key()? {
                    entries.push((name, map.next_value()?));
                }
                let mut names: Vec<&str> = entries.iter().map(|(name, _)| &**name).collect();
                names.sort_unstable();
                if !names.is_sorted_by(|one, next| one < next) {
                    return Err(A::Error::custom("a name occurs twice"));
                }
                Ok(RawEntries(entries))
            }
        }
        deserializer.deserialize_map(RawEntriesVisitor)
    }
}

#[derive(Deserialize)]
struct EntryName<'a>(#[serde(borrow)] Cow<'a, str>);

fn malformed(message: impl Into<Cow<'static, str>>) -> DecodeError {
    refusal(ErrorCode::Malformed, message)
}

fn refusal(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> DecodeError {
    DecodeError { code, message: message.into(), reference: None, stream: None, kind: None }
}

/// Describes the position of a syntax error without repeating the text.
fn syntax(error: &serde_json::Error) -> String {
    match error.classify() {
        serde_json::error::Category::Eof => "the JSON ends too early".to_owned(),
        serde_json::error::Category::Data => "not a JSON object".to_owned(),
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => {
            format!("not JSON at line {}, column {}", error.line(), error.column())
        }
    }
}
