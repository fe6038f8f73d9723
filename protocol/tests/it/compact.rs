//! The compact form of each message, compared byte for byte with golden files, and its properties.

use std::borrow::Cow;
use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use vivaz_protocol::{
    Author, ClientBody, ClientMessage, ClientType, ComponentId, ConnectionId, DeclaredLimits, Epoch,
    ErrorCode, ErrorMessage, FieldTopics, Hello, Limits, MountChild, Mounted, PropertyPath, PropsUpdate,
    RawJson, Ref, Request, Resume, ResumeSecret, Rev, Seal, ServerMessage, ServerType, SessionId, StreamId,
    TopicName, Update, Welcome, compact, decode_client, decode_server, encode_client, encode_server,
};

use crate::golden::{corrupted, golden, hold};
use crate::properties::{author, component_id, number, stream, value};

fn compacted(message: &str) -> String {
    let mut text = String::new();
    compact::from_object(&mut text, message);
    text
}

fn to_object(text: &str) -> Option<String> {
    compact::to_object(text, usize::MAX).unwrap()
}

#[test]
fn the_object_is_bounded() {
    // Each pair of two bytes becomes a field with a name.
    let text = format!("[18{}]", ",2,1".repeat(10_000));
    assert_eq!(compact::to_object(&text, text.len()), Err(compact::ObjectTooLong));
    let object = to_object(&text).unwrap();
    assert_eq!(compact::to_object(&text, object.len()), Ok(Some(object)));
}

#[test]
fn compact_forms_equal_their_golden_files() {
    for direction in ["client", "server"] {
        let messages = golden(direction);
        let mut written = Vec::new();
        for (name, message) in &messages {
            let text = compacted(message);
            assert!(text.starts_with('['), "{name}: {text}");
            assert_eq!(canonical(direction, &to_object(&text).unwrap()), *message, "{name}");
            written.push((name.as_str(), text));
        }
        hold(&format!("compact/{direction}"), &written);
    }
}

/// Decodes and encodes a message.
fn canonical(direction: &str, text: &str) -> String {
    let mut again = String::new();
    match direction {
        "client" => {
            let message = decode_client(text, &Limits::default());
            encode_client(&mut again, &message.unwrap_or_else(|error| panic!("{text}: {error}")));
        }
        _ => {
            let message = decode_server(text);
            encode_server(&mut again, &message.unwrap_or_else(|error| panic!("{text}: {error}")));
        }
    }
    again
}

#[test]
fn the_envelope_is_short() {
    for (name, text) in golden("compact/server") {
        let object = golden("server").into_iter().find(|(other, _)| *other == name).unwrap().1;
        assert!(text.len() + 17 <= object.len(), "{name}: {} of {}", text.len(), object.len());
    }
}

#[test]
fn each_code_is_the_one_of_its_fields() {
    for (code, (kind, fields)) in compact::layouts().enumerate() {
        let text = format!("[{code}{}]", ",1".repeat(fields.len()));
        let object = to_object(&text).unwrap();
        assert!(object.starts_with(&format!(r#"{{"v":1,"type":"{kind}""#)), "{object}");
        assert_eq!(compacted(&object), text, "{object}");
    }
    for (code, field) in compact::fields().enumerate() {
        let object = to_object(&format!("[18,{code},1]")).unwrap();
        assert_eq!(object, format!(r#"{{"v":1,"type":"PING","{field}":1}}"#));
    }
}

/// Texts that are no compact message become a message that is refused, and the refusal names the
/// message as far as possible.
#[test]
fn malformed_texts_are_refused() {
    use ErrorCode::{Malformed, UnknownType};
    for (text, code, reference) in [
        ("[]", Malformed, None),
        ("[", Malformed, None),
        ("[[]]", Malformed, None),
        ("[null]", Malformed, None),
        (r#"["PING"]"#, Malformed, None),
        ("[17.0]", Malformed, None),
        ("[17] [17]", Malformed, None),
        ("[17,1,]", Malformed, None),
        ("[99]", UnknownType, None),
        ("[-1]", UnknownType, None),
        ("[99999999999999999999999]", UnknownType, None),
        ("[99,0,7]", UnknownType, None),
        ("[99,7,\"c1\",{}]", UnknownType, None),
        ("[99,7", Malformed, None),
        ("[9,7,nope]", Malformed, Some(7)),
        ("[1,7,]", Malformed, Some(7)),
        // The number may be cut off.
        ("[1,7", Malformed, None),
        ("[4,7,\"c1\",1,{}]", UnknownType, Some(7)),
        ("[1]", Malformed, None),
        ("[1,7]", Malformed, Some(7)),
        (r#"[1,7,"c 1","a"]"#, Malformed, Some(7)),
        (r#"[1,7,"c1","a",]"#, Malformed, Some(7)),
        (r#"[1,7,"c1","a",1]"#, Malformed, Some(7)),
        (r#"[1,7,"c1","a","ack",3]"#, Malformed, Some(7)),
        (r#"[1,7,"c1","a",1,-3]"#, Malformed, Some(7)),
        (r#"[1,7,"c1","a",1,3,1,3]"#, Malformed, Some(7)),
        (r#"[1,7,"c1","a",0,8]"#, Malformed, Some(7)),
        (r#"[1,7,"c1","a"#, Malformed, Some(7)),
        (r#"[1,0,"c1","a"]"#, Malformed, None),
        (r#"[0,7,"c1","a",hunter2]"#, Malformed, Some(7)),
    ] {
        let object = to_object(text).unwrap();
        let error = decode_client(&object, &Limits::default()).unwrap_err();
        assert_eq!((error.code, error.reference.map(Ref::get)), (code, reference), "{text}: {object}");
        assert!(!error.message.contains("hunter2"), "{error}");
    }
    let deep = format!("[17,{}{}]", "[".repeat(10_000), "]".repeat(10_000));
    let error = decode_client(&to_object(&deep).unwrap(), &Limits::default()).unwrap_err();
    assert_eq!(error.code, Malformed);
}

#[test]
fn other_messages_stay_as_they_are() {
    for text in [r#"{"v":1,"type":"PING"}"#, " {}", "", "null", "\"[\"", "1"] {
        assert_eq!(to_object(text), None, "{text}");
    }
    for text in
        [r#"{"v":2,"type":"PING"}"#, r#"{"v":1,"type":"SOMETHING"}"#, "{", r#"{"v":1,"v":1,"type":"PING"}"#]
    {
        assert_eq!(compacted(text), text);
    }
    // Spaces, fields at the end that are missing, and unknown fields.
    for (text, object) in [
        (" [ 17 , 1 ] ", r#"{"v":1,"type":"PING","payload":1}"#),
        ("[17]", r#"{"v":1,"type":"PING"}"#),
        ("[18,1,3,99,[1]]", r#"{"v":1,"type":"PING","ack":3}"#),
    ] {
        assert_eq!(to_object(text).unwrap(), object);
    }
}

/// Values that messages are made of.
#[derive(Clone, Debug)]
struct Parts {
    ack: Option<Ref>,
    reference: Option<Ref>,
    component_id: ComponentId,
    stream: StreamId,
    rev: Rev,
    name: String,
    json: String,
    optional_json: Option<String>,
    named: BTreeMap<String, String>,
    topics: Vec<(String, TopicName)>,
    authors: Vec<Author>,
    code: ErrorCode,
    number: Option<u64>,
    choice: u8,
}

impl Parts {
    fn any() -> impl Strategy<Value = Self> {
        let json = || value().prop_map(|value| value.to_string());
        let topics = prop::collection::btree_map("[a-z]{1,4}", "[^\\p{Cc}]{1,9}", 0..3).prop_map(|topics| {
            let topics = topics.into_iter();
            topics.map(|(field, topic)| (field, TopicName::new(&topic).unwrap())).collect::<Vec<_>>()
        });
        (
            (prop::option::of(number()), prop::option::of(number()), component_id(), stream(), any::<u64>()),
            (any::<String>(), json(), prop::option::of(json())),
            (prop::collection::btree_map(any::<String>(), json(), 0..3), topics),
            prop::collection::vec(author(), 0..3),
            (prop::sample::select(ErrorCode::ALL), prop::option::of(any::<u64>()), 0..4_u8),
        )
            .prop_map(|(ids, texts, (named, topics), authors, (code, number, choice))| {
                let (ack, reference, component_id, stream, rev) = ids;
                let (name, json, optional_json) = texts;
                let rev = Rev(rev);
                Self {
                    ack,
                    reference,
                    component_id,
                    stream,
                    rev,
                    name,
                    json,
                    optional_json,
                    named,
                    topics,
                    authors,
                    code,
                    number,
                    choice,
                }
            })
    }

    fn json(&self) -> RawJson<'_> {
        RawJson::trusted(&self.json)
    }

    fn optional_json(&self) -> Option<RawJson<'_>> {
        self.optional_json.as_deref().map(RawJson::trusted)
    }

    fn named(&self) -> Vec<(Cow<'_, str>, RawJson<'_>)> {
        self.named.iter().map(|(name, json)| (name.into(), RawJson::trusted(json))).collect()
    }

    fn topics(&self) -> FieldTopics<'_> {
        self.topics.iter().map(|(field, topic)| (field.into(), topic.clone())).collect()
    }

    /// Returns the text of a message of this type. A new type needs an arm here.
    fn client_text(&self, kind: ClientType) -> String {
        let name = || Cow::from(self.name.as_str());
        let request = |request| ClientBody::Request {
            reference: self.reference.unwrap_or(Ref::FIRST),
            component_id: self.component_id.clone(),
            request,
        };
        let body = match kind {
            ClientType::Hello => {
                let resume = (self.choice > 0).then(|| Resume {
                    session: SessionId::new("s").unwrap(),
                    secret: ResumeSecret::new("secret"),
                    acked: self.reference,
                    streams: vec![(self.stream.clone(), Epoch::new("e").unwrap(), self.rev)],
                });
                ClientBody::Hello(Hello { resume, auth: self.optional_json() })
            }
            ClientType::Mount => request(match self.choice {
                0 => Request::MountSealed { seal: Seal::new(name()), painted: self.ack.is_some() },
                1 => Request::MountOpen { component: name(), props: self.optional_json() },
                _ => Request::MountChild(MountChild {
                    parent: self.component_id.clone(),
                    place: RawJson::trusted("[2,\"k7\",0]"),
                    seal: self.ack.map(|_| Seal::new(name())),
                    painted: self.reference.is_some(),
                    page: self.named(),
                }),
            }),
            ClientType::Action if self.choice == 0 => ClientBody::Unanswered {
                component_id: self.component_id.clone(),
                action: name(),
                payload: self.optional_json(),
            },
            ClientType::Action => {
                request(Request::Action { action: name(), payload: self.optional_json(), set: self.named() })
            }
            ClientType::Property => {
                request(Request::Property { property: PropertyPath::from(name()), value: self.json() })
            }
            ClientType::Props => {
                request(Request::Props(PropsUpdate { props: self.optional_json(), page: self.named() }))
            }
            ClientType::Unmount => request(Request::Unmount),
            ClientType::Resync => ClientBody::Resync(self.stream.clone()),
            ClientType::Template => ClientBody::Template { hash: name() },
            ClientType::Ping => ClientBody::Ping { payload: self.optional_json() },
        };
        let mut text = String::new();
        encode_client(&mut text, &ClientMessage { ack: self.ack, body });
        text
    }

    /// Returns the text of a message of this type. A new type needs an arm here.
    fn server_text(&self, kind: ServerType) -> String {
        let name = || Cow::from(self.name.as_str());
        let (stream, rev, reference) = (self.stream.clone(), self.rev, self.reference);
        let (component_id, epoch) = (self.component_id.clone(), Epoch::new("e").unwrap());
        let message = match kind {
            ServerType::Welcome => ServerMessage::Welcome(Welcome {
                session: SessionId::new("s").unwrap(),
                secret: ResumeSecret::new("secret"),
                connection: ConnectionId::new("k").unwrap(),
                resumed: self.choice > 0,
                done: reference.into_iter().chain(self.ack).collect(),
                heartbeat_ms: rev.0,
                build: name(),
                limits: DeclaredLimits { message_bytes: 1, components: 2, in_flight: 3 },
            }),
            ServerType::Mounted => ServerMessage::Mounted(Mounted {
                reference,
                component_id,
                rev,
                epoch,
                component: name(),
                template: "hash".into(),
                state: self.optional_json(),
                topics: self.topics(),
                retry: self.named.keys().map(Cow::from).collect(),
            }),
            ServerType::Update => ServerMessage::Update(Update {
                reference,
                by: self.authors.clone(),
                result: self.optional_json(),
                topics: (self.choice > 0).then(|| self.topics()),
                ..Update::new(stream, rev, self.json())
            }),
            ServerType::Snapshot => ServerMessage::Snapshot { stream, rev, epoch, state: self.json() },
            ServerType::Ack => {
                let reference = reference.unwrap_or(Ref::FIRST);
                ServerMessage::Ack { reference, component_id, result: self.optional_json() }
            }
            ServerType::Error => ServerMessage::Error(ErrorMessage {
                reference,
                stream: (self.choice > 0).then_some(stream),
                code: self.code,
                message: name(),
                details: self.optional_json(),
                retry_ms: self.number,
            }),
            ServerType::Event => ServerMessage::Event { stream, name: name(), data: self.json() },
            ServerType::Unmounted => ServerMessage::Unmounted { component_id, reason: name() },
            ServerType::Drain => ServerMessage::Drain { reconnect_after_ms: rev.0 },
            ServerType::Template => ServerMessage::Template { hash: name(), template: self.json() },
            ServerType::Pong => ServerMessage::Pong { payload: self.optional_json() },
        };
        let mut text = String::new();
        encode_server(&mut text, &message);
        text
    }
}

fn survives(direction: &str, message: &str) -> TestCaseResult {
    let text = compacted(message);
    prop_assert!(text.starts_with('[') && text.len() < message.len(), "{} has no compact form", message);
    let object = to_object(&text).unwrap();
    prop_assert_eq!(canonical(direction, &object), canonical(direction, message));
    Ok(())
}

proptest! {
    #[test]
    fn each_message_survives_the_compact_form(parts in Parts::any()) {
        for &kind in ClientType::ALL {
            survives("client", &parts.client_text(kind))?;
        }
        for &kind in ServerType::ALL {
            survives("server", &parts.server_text(kind))?;
        }
    }

    #[test]
    fn arbitrary_texts_become_messages_that_are_decoded_or_refused(
        text in prop_oneof![any::<String>(), "[\\[\\]{}\",:0-9a-c ]{0,40}".prop_map(|rest| format!("[{rest}"))],
    ) {
        if let Some(object) = to_object(&text) {
            prop_assert_eq!(object.chars().next(), Some('{'));
            let _ = decode_client(&object, &Limits::default());
            let _ = decode_server(&object);
        }
    }

    #[test]
    fn corrupted_messages_are_decoded_or_refused(
        which in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), length in 0..8_usize,
        instead in "[\\[\\]{}\",:\\\\$0-9a-z-]{0,6}",
    ) {
        for direction in ["compact/client", "compact/server"] {
            let broken = corrupted(direction, which, at, length, &instead);
            prop_assume!(broken.is_some());
            let broken = broken.unwrap();
            let Some(object) = to_object(&broken) else { continue };
            if let Ok(message) = decode_client(&object, &Limits::default()) {
                let mut again = String::new();
                encode_client(&mut again, &message);
                survives("client", &again)?;
            }
        }
    }
}
