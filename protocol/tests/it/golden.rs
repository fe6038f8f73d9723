//! Compares each message, in both directions, byte for byte with a golden file. A change of a
//! golden file changes the protocol and requires a new major version.
//!
//! `UPDATE_GOLDEN=1` writes the files instead of comparing them.

use std::path::PathBuf;

use proptest::sample::Index;
use vivaz_protocol::{
    Author, ClientBody, ClientMessage, ClientType, ComponentId, ConnectionId, DeclaredLimits, Epoch,
    ErrorCode, ErrorMessage, Hello, Key, Limits, MountChild, Mounted, PropertyPath, PropsUpdate, RawJson,
    Ref, Request, Resume, ResumeSecret, Rev, Seal, ServerMessage, ServerType, SessionId, StreamId, TopicName,
    Update, Welcome, decode_client, decode_server, encode_client, encode_server,
};

const SESSION: &str = "0198c2f0-7a3e-7c11-9d4e-5b1f0a6c2d38";
const SECRET: &str = "q3J8Zk1vX0mB5tYw2LhRcA";
const HASH: &str = "9f2c1e7ab04d5f6388c1d2e3f4a5b6c7";

pub(crate) fn component(id: &str) -> ComponentId {
    ComponentId::new(id).unwrap()
}

pub(crate) fn topic(name: &str) -> TopicName {
    TopicName::new(name).unwrap()
}

pub(crate) fn reference(number: u64) -> Ref {
    Ref::new(number).unwrap()
}

fn epoch(text: &str) -> Epoch {
    Epoch::new(text).unwrap()
}

/// Returns all kinds of client messages, each with the name of its file.
fn client_messages() -> Vec<(&'static str, ClientMessage<'static>)> {
    let json = RawJson::trusted;
    let request_of = |id, number, request| ClientMessage::request(reference(number), component(id), request);
    let request = |number, body| request_of("c1", number, body);
    let resume = Resume {
        session: SessionId::new(SESSION).unwrap(),
        secret: ResumeSecret::new(SECRET),
        acked: Some(reference(41)),
        streams: vec![
            (StreamId::Component(component("c1")), epoch("k7"), Rev(12)),
            (StreamId::Topic(topic("chat/lobby")), epoch("m2"), Rev(309)),
        ],
    };
    let mut acknowledged = request(
        10,
        Request::Action {
            action: "send_message".into(),
            payload: Some(json(r#""Hello""#)),
            set: vec![("draft".into(), json(r#""Hello""#)), ("topic".into(), json("null"))],
        },
    );
    acknowledged.ack = Some(reference(9));
    let action =
        |action: &'static str, payload| Request::Action { action: action.into(), payload, set: Vec::new() };
    vec![
        ("HELLO.new", ClientMessage::new(ClientBody::Hello(Hello::default()))),
        ("HELLO.auth", {
            let auth = Some(json(r#"{"token":"eyJhbGciOiJFZERTQSJ9.e30.c2ln"}"#));
            ClientMessage::new(ClientBody::Hello(Hello { resume: None, auth }))
        }),
        ("HELLO.resume", ClientMessage::new(ClientBody::Hello(Hello { resume: Some(resume), auth: None }))),
        (
            "COMPONENT_MOUNT.seal",
            request(1, Request::MountSealed { seal: Seal::new("v1.Hq0-c2VhbGVk_state"), painted: false }),
        ),
        (
            "COMPONENT_MOUNT.painted",
            request(1, Request::MountSealed { seal: Seal::new("v1.Hq0-c2VhbGVk_state"), painted: true }),
        ),
        ("COMPONENT_MOUNT.child", {
            let mount = MountChild {
                parent: component("c1"),
                place: json(r#"[2,"k7",0]"#),
                seal: None,
                painted: false,
                page: vec![("filter".into(), json(r#""open""#))],
            };
            request_of("c2", 14, Request::MountChild(mount))
        }),
        ("COMPONENT_MOUNT.child_seal", {
            let mount = MountChild {
                parent: component("c1"),
                place: json("[5]"),
                seal: Some(Seal::new("v1.Hq0-c2VhbGVk_state")),
                painted: true,
                page: Vec::new(),
            };
            request_of("c3", 15, Request::MountChild(mount))
        }),
        ("COMPONENT_MOUNT.open", {
            let props = Some(json(r#"{"title":"Live Counter","count":5}"#));
            request(2, Request::MountOpen { component: "counter".into(), props })
        }),
        ("COMPONENT_ACTION.none", request(3, action("reset", None))),
        ("COMPONENT_ACTION.positional", request(4, action("increment", Some(json("[5]"))))),
        ("COMPONENT_ACTION.one", request(5, action("save", Some(json(r#"{"name":"Ada","age":36}"#))))),
        ("COMPONENT_ACTION.list", request(6, action("select", Some(json("[[1,2,3]]"))))),
        ("COMPONENT_ACTION.set", acknowledged),
        ("COMPONENT_ACTION.unanswered", {
            let (component_id, payload) = (component("c1"), Some(json("[5]")));
            let action = "increment".into();
            ClientMessage::new(ClientBody::Unanswered { component_id, action, payload })
        }),
        ("PROPERTY_UPDATE", {
            request(11, Request::Property { property: "draft".into(), value: json(r#""Hello wor""#) })
        }),
        ("PROPERTY_UPDATE.path", {
            let steps = vec![Key::Int(3), Key::Text("text".into())];
            let property = PropertyPath { field: "items".into(), steps };
            request(18, Request::Property { property, value: json(r#""Water the plants""#) })
        }),
        ("PROPERTY_UPDATE.url", {
            let value = json(r#""?page=2&tag=red&tag=dark+blue""#);
            request(19, Request::Property { property: "?".into(), value })
        }),
        ("PROPS_UPDATE.open", {
            let props = Some(json(r#"{"room":"kitchen"}"#));
            request(12, Request::Props(PropsUpdate { props, page: Vec::new() }))
        }),
        ("PROPS_UPDATE.child", request_of("c2", 16, Request::Props(PropsUpdate::default()))),
        ("PROPS_UPDATE.page", {
            let page = vec![("filter".into(), json(r#""done""#))];
            request_of("c2", 17, Request::Props(PropsUpdate { props: None, page }))
        }),
        ("COMPONENT_UNMOUNT", request(13, Request::Unmount)),
        ("RESYNC.component", ClientMessage::new(ClientBody::Resync(component("c1").into()))),
        ("RESYNC.topic", ClientMessage::new(ClientBody::Resync(topic("chat/lobby").into()))),
        ("TEMPLATE", ClientMessage::new(ClientBody::Template { hash: HASH.into() })),
        ("PING", {
            let body = ClientBody::Ping { payload: Some(json("1737201600123")) };
            ClientMessage { ack: Some(reference(13)), body }
        }),
        ("PING.empty", ClientMessage::new(ClientBody::Ping { payload: None })),
    ]
}

/// Returns all kinds of server messages, each with the name of its file.
fn server_messages() -> Vec<(&'static str, ServerMessage<'static>)> {
    let json = RawJson::trusted;
    let own = || StreamId::Component(component("c1"));
    let shared = || StreamId::Topic(topic("chat/lobby"));
    let welcome = |resumed, done: &[u64]| {
        ServerMessage::Welcome(Welcome {
            session: SessionId::new(SESSION).unwrap(),
            secret: ResumeSecret::new(SECRET),
            connection: ConnectionId::new("k3").unwrap(),
            resumed,
            done: done.iter().map(|&number| reference(number)).collect(),
            heartbeat_ms: 25_000,
            build: "0.1.0-4b873e3".into(),
            limits: DeclaredLimits { message_bytes: 65_536, components: 100, in_flight: 64 },
        })
    };
    let mounted = |answers: Option<u64>| {
        ServerMessage::Mounted(Mounted {
            reference: answers.map(reference),
            component_id: component("c1"),
            rev: Rev::ZERO,
            epoch: epoch("k7"),
            component: "chat".into(),
            template: HASH.into(),
            state: Some(json(r#"{"room":"lobby","draft":""}"#)),
            topics: vec![("chat".into(), topic("chat/lobby"))],
            retry: Vec::new(),
        })
    };
    let error = |answers: Option<u64>, stream, code, message: &'static str| {
        ErrorMessage::new(code, message).answering(answers.map(reference), stream)
    };
    vec![
        ("WELCOME.new", welcome(false, &[])),
        ("WELCOME.resumed", welcome(true, &[42, 43])),
        ("COMPONENT_MOUNTED", mounted(Some(1))),
        ("COMPONENT_MOUNTED.replaced", mounted(None)),
        (
            "COMPONENT_MOUNTED.retry",
            ServerMessage::Mounted(Mounted {
                reference: Some(reference(2)),
                component_id: component("c2"),
                rev: Rev::ZERO,
                epoch: epoch("k9"),
                component: "counter".into(),
                template: "4b1d7c2e9f2c1e7ab04d5f6388c1d2e3".into(),
                state: Some(json(r#"{"count":0}"#)),
                topics: Vec::new(),
                retry: vec!["set_to".into()],
            }),
        ),
        (
            "COMPONENT_MOUNTED.painted",
            ServerMessage::Mounted(Mounted {
                reference: Some(reference(1)),
                component_id: component("c1"),
                rev: Rev::ZERO,
                epoch: epoch("k9"),
                component: "counter".into(),
                template: "4b1d7c2e9f2c1e7ab04d5f6388c1d2e3".into(),
                state: None,
                topics: Vec::new(),
                retry: Vec::new(),
            }),
        ),
        ("STATE_UPDATE.answer", {
            let update = Update::new(own(), Rev(13), json(r#"{"count":6}"#));
            ServerMessage::Update(Update { reference: Some(reference(4)), ..update })
        }),
        ("STATE_UPDATE.result", {
            let update = Update::new(own(), Rev(14), json(r#"{"saved":true}"#));
            ServerMessage::Update(Update {
                reference: Some(reference(5)),
                result: Some(json("42")),
                ..update
            })
        }),
        ("STATE_UPDATE.topic", {
            let message =
                r#"{"id":"m9","user_id":"u1","user_name":"Ada","content":"Hello","created_at":1737201600}"#;
            let patch = format!(r#"{{"messages":{{"$list":[["-","m1"],["+",49,{message}]]}}}}"#);
            let author = Author { connection: ConnectionId::new("k3").unwrap(), reference: reference(10) };
            let update = Update::new(shared(), Rev(310), RawJson::trusted(patch.leak()));
            ServerMessage::Update(Update { by: vec![author], ..update })
        }),
        ("STATE_UPDATE.authors", {
            let author = |connection: &str, number| Author {
                connection: ConnectionId::new(connection).unwrap(),
                reference: reference(number),
            };
            let update = Update::new(shared(), Rev(311), json(r#"{"typing":["u1","u2"]}"#));
            ServerMessage::Update(Update { by: vec![author("k3", 11), author("k8", 4)], ..update })
        }),
        ("STATE_UPDATE.topics", {
            let update = Update::new(own(), Rev(15), json(r#"{"room":"kitchen"}"#));
            let topics = Some(vec![("chat".into(), topic("chat/kitchen"))]);
            ServerMessage::Update(Update { reference: Some(reference(12)), topics, ..update })
        }),
        ("STATE_UPDATE.list", {
            let patch = concat!(
                r#"{"items":{"$list":[["+",0,{"id":7,"text":"Milk","done":false}],["-",3],["~",5,{"done":true}],"#,
                r#"[">",5,0],["=",[7,5,6]]]},"last":{"$value":{"$list":"not a change"}}}"#
            );
            ServerMessage::Update(Update::new(own(), Rev(16), json(patch)))
        }),
        ("STATE_UPDATE.url", {
            let patch = json(r#"{"page":2,"tag":["red","dark blue"],"?":"page=2&tag=red&tag=dark+blue"}"#);
            ServerMessage::Update(Update {
                reference: Some(reference(19)),
                ..Update::new(own(), Rev(17), patch)
            })
        }),
        ("STATE_SNAPSHOT.component", {
            let state = json(r#"{"room":"kitchen","draft":"Hel"}"#);
            ServerMessage::Snapshot { stream: own(), rev: Rev(16), epoch: epoch("k7"), state }
        }),
        ("STATE_SNAPSHOT.topic", {
            let state = json(r#"{"messages":[],"users":[{"id":"u1","name":"Ada"}],"typing":[]}"#);
            ServerMessage::Snapshot { stream: shared(), rev: Rev(308), epoch: epoch("m2"), state }
        }),
        ("ACK", ServerMessage::Ack { reference: reference(13), component_id: component("c1"), result: None }),
        ("ACK.result", {
            let result = Some(json(r#"[{"id":"m0"}]"#));
            ServerMessage::Ack { reference: reference(14), component_id: component("c1"), result }
        }),
        ("ERROR", {
            ServerMessage::Error(error(
                Some(15),
                Some(own()),
                ErrorCode::UnknownAction,
                "`chat` has no action of that name",
            ))
        }),
        ("ERROR.invalid", {
            let error = error(Some(16), Some(own()), ErrorCode::Invalid, "Please check what you entered.");
            let details = Some(json(r#"{"email":["is not an address"]}"#));
            ServerMessage::Error(ErrorMessage { details, ..error })
        }),
        ("ERROR.rate_limited", {
            let error = error(Some(17), Some(own()), ErrorCode::RateLimited, "too many messages");
            ServerMessage::Error(ErrorMessage { retry_ms: Some(120), ..error })
        }),
        ("ERROR.malformed", {
            ServerMessage::Error(error(None, None, ErrorCode::Malformed, "the JSON ends too early"))
        }),
        ("EVENT.component", {
            ServerMessage::Event { stream: own(), name: "saved".into(), data: json(r#"{"id":42}"#) }
        }),
        ("EVENT.effects", {
            let data = json(r#"["kq2Zr8vQ1sX0aB3d",["title","Saved"],["navigate","/orders/7"]]"#);
            ServerMessage::Event { stream: own(), name: "live:effects".into(), data }
        }),
        ("EVENT.topic", {
            let data = json(r#"{"userId":"u2","roomId":"lobby"}"#);
            ServerMessage::Event { stream: shared(), name: "user.joined".into(), data }
        }),
        ("COMPONENT_UNMOUNTED", {
            ServerMessage::Unmounted { component_id: component("c1"), reason: "closed".into() }
        }),
        ("DRAIN", ServerMessage::Drain { reconnect_after_ms: 1_840 }),
        ("TEMPLATE", ServerMessage::Template { hash: HASH.into(), template: json(r#"{"blocks":[]}"#) }),
        ("PONG", ServerMessage::Pong { payload: Some(json("1737201600123")) }),
        ("PONG.empty", ServerMessage::Pong { payload: None }),
    ]
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// Returns the golden texts of one direction, each with its file's name.
pub(crate) fn golden(direction: &str) -> Vec<(String, String)> {
    let mut files: Vec<_> = std::fs::read_dir(folder().join(direction))
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(path).unwrap().trim_end().to_owned())
        })
        .collect();
    files.sort();
    files
}

/// Returns one of the golden texts of a direction with another text in place of some of its bytes;
/// `None` where that would split a character.
pub(crate) fn corrupted(
    direction: &str,
    which: Index,
    at: Index,
    length: usize,
    instead: &str,
) -> Option<String> {
    let messages = golden(direction);
    let (_, text) = which.get(&messages);
    let start = at.index(text.len());
    let end = (start + length).min(text.len());
    Some(format!("{}{instead}{}", text.get(..start)?, text.get(end..)?))
}

pub(crate) fn hold(direction: &str, written: &[(&str, String)]) {
    let folder = folder().join(direction);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        for (name, text) in written {
            std::fs::write(folder.join(format!("{name}.json")), format!("{text}\n")).unwrap();
        }
    }
    let mut written: Vec<_> = written.iter().map(|(name, text)| ((*name).to_owned(), text.clone())).collect();
    written.sort();
    assert_eq!(written, golden(direction), "a golden file differs; see the top of this file");
}

#[test]
fn client_messages_equal_their_golden_files() {
    let mut written = Vec::new();
    for (name, message) in client_messages() {
        let mut text = String::new();
        encode_client(&mut text, &message);
        let read = decode_client(&text, &Limits::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut again = String::new();
        encode_client(&mut again, &read);
        assert_eq!(again, text, "{name}");
        written.push((name, text));
    }
    hold("client", &written);
    for kind in ClientType::ALL {
        let has = |(name, _): &(&str, String)| name.split('.').next() == Some(kind.as_str());
        assert!(written.iter().any(has), "{kind} is missing");
    }
}

#[test]
fn server_messages_equal_their_golden_files() {
    let mut written = Vec::new();
    for (name, message) in server_messages() {
        let mut text = String::new();
        encode_server(&mut text, &message);
        let read = decode_server(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(read.reference(), message.reference(), "{name}");
        let mut again = String::new();
        encode_server(&mut again, &read);
        assert_eq!(again, text, "{name}");
        written.push((name, text));
    }
    hold("server", &written);
    for kind in ServerType::ALL {
        let has = |(name, _): &(&str, String)| name.split('.').next() == Some(kind.as_str());
        assert!(written.iter().any(has), "{kind} is missing");
    }
}

#[test]
fn a_click_is_small() {
    let size = |direction: &str, name: &str| {
        golden(direction).into_iter().find(|(file, _)| file == name).map(|(_, text)| text.len()).unwrap()
    };
    assert!(size("client", "COMPONENT_ACTION.positional") <= 100);
    assert!(size("server", "STATE_UPDATE.answer") <= 95);
}
