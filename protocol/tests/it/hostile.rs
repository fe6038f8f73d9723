//! Texts that are not messages are refused with the right code, and the refusal names the message
//! as far as possible.

use vivaz_protocol::{
    ClientBody, ClientType, DecodeError, ErrorCode, Key, Limits, MAX_STEPS, MAX_STREAMS, PropertyPath,
    Request, ServerMessage, StreamId, decode_client, decode_server,
};

use crate::golden::{component, golden, reference, topic};

fn refused(text: &str) -> DecodeError {
    match decode_client(text, &Limits::default()) {
        Err(error) => error,
        Ok(message) => panic!("{text} was taken for {message:?}"),
    }
}

fn accepted(text: &str) {
    if let Err(error) = decode_client(text, &Limits::default()) {
        panic!("{text} was refused: {error}");
    }
}

#[test]
fn malformed_version_and_type_have_different_codes() {
    use ErrorCode::{Malformed, UnknownType, UnsupportedVersion};
    for (text, code) in [
        ("", Malformed),
        ("null", Malformed),
        ("[]", Malformed),
        ("\"HELLO\"", Malformed),
        ("{}", Malformed),
        (r#"{"v":1}"#, Malformed),
        (r#"{"type":"PING"}"#, Malformed),
        (r#"{"v":"1","type":"PING"}"#, Malformed),
        (r#"{"v":1.0,"type":"PING"}"#, Malformed),
        (r#"{"v":null,"type":"PING"}"#, Malformed),
        (r#"{"v":1,"type":1}"#, Malformed),
        (r#"{"v":1,"type":"PING"} {}"#, Malformed),
        (r#"{"v":1,"type":"PING",}"#, Malformed),
        (r#"{"v":1,"v":1,"type":"PING"}"#, Malformed),
        (r#"{'v':1}"#, Malformed),
        (r#"{"v":2,"type":"PING"}"#, UnsupportedVersion),
        (r#"{"v":0,"type":"NO SUCH"}"#, UnsupportedVersion),
        (r#"{"v":-1}"#, UnsupportedVersion),
        (r#"{"v":99999999999999999999999,"type":"PING"}"#, UnsupportedVersion),
        (r#"{"v":1,"type":"ping"}"#, UnknownType),
        (r#"{"v":1,"type":""}"#, UnknownType),
        (r#"{"v":1,"type":"WELCOME"}"#, UnknownType),
    ] {
        assert_eq!(refused(text).code, code, "{text}");
    }
}

#[test]
fn only_an_action_may_omit_its_ref() {
    use ErrorCode::Malformed;
    let action = r#"{"v":1,"type":"COMPONENT_ACTION","componentId":"c1","action":"a"}"#;
    let body = decode_client(action, &Limits::default()).unwrap().body;
    assert!(matches!(body, ClientBody::Unanswered { .. }), "{body:?}");
    for wrong in [
        r#"{"v":1,"type":"COMPONENT_ACTION","ref":null,"componentId":"c1","action":"a"}"#,
        r#"{"v":1,"type":"COMPONENT_ACTION","ref":0,"componentId":"c1","action":"a"}"#,
        r#"{"v":1,"type":"COMPONENT_ACTION","componentId":"c1","action":"a","set":{}}"#,
        r#"{"v":1,"type":"COMPONENT_ACTION","action":"a"}"#,
        r#"{"v":1,"type":"COMPONENT_ACTION","componentId":"c1"}"#,
        r#"{"v":1,"type":"COMPONENT_UNMOUNT","componentId":"c1"}"#,
        r#"{"v":1,"type":"COMPONENT_MOUNT","componentId":"c1","payload":{"component":"c"}}"#,
    ] {
        assert_eq!(refused(wrong).code, Malformed, "{wrong}");
    }
}

#[test]
fn authors_are_a_string_or_a_list_that_is_not_empty() {
    let authors = |by: &str| {
        let text =
            format!(r#"{{"v":1,"type":"STATE_UPDATE","topic":"a/b","rev":1,"by":{by},"payload":{{}}}}"#);
        match decode_server(&text) {
            Ok(ServerMessage::Update(update)) => Ok(update.by.iter().map(ToString::to_string).collect()),
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error.to_string()),
        }
    };
    let read = |by: &str| -> Vec<String> { authors(by).unwrap() };
    assert_eq!(read(r#""k3:1""#), ["k3:1"]);
    assert_eq!(read(r#"["k3:1"]"#), ["k3:1"]);
    assert_eq!(read(r#"["k3:1","k4:1"]"#), ["k3:1", "k4:1"]);
    for by in ["[]", "1", "{}", "true", r#"[["k3:1"]]"#, r#"["k3:1",2]"#, r#"["k3"]"#, r#"["k3:0"]"#] {
        let error = authors(by).map(|read: Vec<String>| read.join(" ")).unwrap_err();
        assert!(error.contains("`by`"), "{by}: {error}");
    }
}

#[test]
fn property_paths_are_a_name_or_a_list() {
    let text = |property: &str| {
        format!(
            r#"{{"v":1,"type":"PROPERTY_UPDATE","ref":1,"componentId":"c1","payload":{{"property":{property},"value":1}}}}"#
        )
    };
    let read = |property: &str| {
        let text = text(property);
        let body = decode_client(&text, &Limits::default()).unwrap().body;
        let ClientBody::Request { request: Request::Property { property, .. }, .. } = body else {
            panic!("{body:?}")
        };
        property.into_owned()
    };
    let of = |field: &'static str, steps: &[Key]| PropertyPath { field: field.into(), steps: steps.to_vec() };
    let name = |text: &str| Key::Text(text.into());
    assert_eq!(read(r#""draft""#), of("draft", &[]));
    assert_eq!(read(r#"["draft"]"#), of("draft", &[]));
    assert_eq!(read(r#"["items",3,"text"]"#), of("items", &[Key::Int(3), name("text")]));
    assert_eq!(read(r#"["items","3","a\"b"]"#), of("items", &[name("3"), name("a\"b")]));
    assert_eq!(read(r#"["it\u0065ms",-9223372036854775808]"#), of("items", &[Key::Int(i64::MIN)]));
    let long = |steps| format!("[\"a\"{}]", ",1".repeat(steps));
    assert_eq!(read(&long(MAX_STEPS)).steps.len(), MAX_STEPS);
    for property in [
        "[]",
        "[3]",
        "[null]",
        "null",
        "7",
        "{}",
        r#"{"0":"a"}"#,
        r#"[["a"]]"#,
        r#"["a",["b"]]"#,
        r#"["a",{}]"#,
        r#"["a",{"id":1}]"#,
        r#"["a",null]"#,
        r#"["a",true]"#,
        r#"["a",1.5]"#,
        r#"["a",1e3]"#,
        r#"["a",9223372036854775808]"#,
        r#"["a","\ud800"]"#,
        &long(MAX_STEPS + 1),
        &long(10_000),
    ] {
        let error = refused(&text(property));
        assert_eq!(error.code, ErrorCode::Malformed, "{property}");
        assert_eq!(error.reference, Some(reference(1)), "{property}");
    }
}

#[test]
fn fields_of_the_wrong_type_are_malformed() {
    for text in [
        r#"{"v":1,"type":"COMPONENT_UNMOUNT","componentId":"c1"}"#,
        r#"{"v":1,"type":"COMPONENT_UNMOUNT","componentId":"c1","ref":0}"#,
        r#"{"v":1,"type":"COMPONENT_UNMOUNT","componentId":"c1","ref":-1}"#,
        r#"{"v":1,"type":"COMPONENT_UNMOUNT","componentId":"c1","ref":1.5}"#,
        r#"{"v":1,"type":"COMPONENT_UNMOUNT","componentId":"c1","ref":1e3}"#,
        r#"{"v":1,"type":"COMPONENT_UNMOUNT","componentId":"c1","ref":"1"}"#,
        r#"{"v":1,"type":"COMPONENT_UNMOUNT","componentId":"c1","ref":9007199254740992}"#,
        r#"{"v":1,"type":"COMPONENT_UNMOUNT","componentId":"c1","ref":1,"ack":-1}"#,
        r#"{"v":1,"type":"COMPONENT_UNMOUNT","componentId":"c1","ref":1,"ack":null}"#,
        r#"{"v":1,"type":"COMPONENT_UNMOUNT","ref":1}"#,
        r#"{"v":1,"type":"COMPONENT_UNMOUNT","ref":1,"componentId":""}"#,
        r#"{"v":1,"type":"COMPONENT_UNMOUNT","ref":1,"componentId":"a b"}"#,
        r#"{"v":1,"type":"COMPONENT_UNMOUNT","ref":1,"componentId":7}"#,
        r#"{"v":1,"type":"COMPONENT_ACTION","ref":1,"componentId":"c1"}"#,
        r#"{"v":1,"type":"COMPONENT_ACTION","ref":1,"componentId":"c1","action":7}"#,
        r#"{"v":1,"type":"COMPONENT_ACTION","ref":1,"componentId":"c1","action":"a","set":[]}"#,
        r#"{"v":1,"type":"COMPONENT_ACTION","ref":1,"componentId":"c1","action":"a","set":null}"#,
        r#"{"v":1,"type":"COMPONENT_MOUNT","ref":1,"componentId":"c1"}"#,
        r#"{"v":1,"type":"COMPONENT_MOUNT","ref":1,"componentId":"c1","payload":{}}"#,
        r#"{"v":1,"type":"COMPONENT_MOUNT","ref":1,"componentId":"c1","payload":[null,"counter",{}]}"#,
        r#"{"v":1,"type":"COMPONENT_MOUNT","ref":1,"componentId":"c1","payload":{"component":7}}"#,
        r#"{"v":1,"type":"COMPONENT_MOUNT","ref":1,"componentId":"c1","payload":{"seal":"x","component":"a"}}"#,
        r#"{"v":1,"type":"COMPONENT_MOUNT","ref":1,"componentId":"c1","payload":{"parent":"c0"}}"#,
        r#"{"v":1,"type":"COMPONENT_MOUNT","ref":1,"componentId":"c1","payload":{"place":[0]}}"#,
        r#"{"v":1,"type":"COMPONENT_MOUNT","ref":1,"componentId":"c1","payload":{"seal":"x","place":[0]}}"#,
        r#"{"v":1,"type":"COMPONENT_MOUNT","ref":1,"componentId":"c1","payload":{"parent":"a b","place":[0]}}"#,
        r#"{"v":1,"type":"COMPONENT_MOUNT","ref":1,"componentId":"c1","payload":{"parent":7,"place":[0]}}"#,
        r#"{"v":1,"type":"COMPONENT_MOUNT","ref":1,"componentId":"c1","payload":{"parent":"c0","place":0}}"#,
        r#"{"v":1,"type":"COMPONENT_MOUNT","ref":1,"componentId":"c1","payload":{"parent":"c0","place":{"0":1}}}"#,
        r#"{"v":1,"type":"COMPONENT_MOUNT","ref":1,"componentId":"c1","payload":{"parent":"c0","place":[[0]]}}"#,
        r#"{"v":1,"type":"COMPONENT_MOUNT","ref":1,"componentId":"c1","payload":{"parent":"c0","place":[{"id":1}]}}"#,
        r#"{"v":1,"type":"COMPONENT_MOUNT","ref":1,"componentId":"c1","payload":{"parent":"c0","place":[0],"page":[]}}"#,
        r#"{"v":1,"type":"PROPERTY_UPDATE","ref":1,"componentId":"c1","payload":{"property":"a"}}"#,
        r#"{"v":1,"type":"PROPERTY_UPDATE","ref":1,"componentId":"c1","payload":{"value":1}}"#,
        r#"{"v":1,"type":"PROPERTY_UPDATE","ref":1,"componentId":"c1","payload":["a",1]}"#,
        r#"{"v":1,"type":"PROPS_UPDATE","ref":1,"componentId":"c1"}"#,
        r#"{"v":1,"type":"PROPS_UPDATE","ref":1,"componentId":"c1","payload":[]}"#,
        r#"{"v":1,"type":"PROPS_UPDATE","ref":1,"componentId":"c1","payload":{"page":[]}}"#,
        r#"{"v":1,"type":"PROPS_UPDATE","ref":1,"componentId":"c1","payload":{"page":null}}"#,
        r#"{"v":1,"type":"RESYNC"}"#,
        r#"{"v":1,"type":"RESYNC","topic":""}"#,
        r#"{"v":1,"type":"RESYNC","componentId":"c1","topic":"t"}"#,
        r#"{"v":1,"type":"TEMPLATE","payload":"abc"}"#,
        r#"{"v":1,"type":"HELLO","payload":[]}"#,
        r#"{"v":1,"type":"HELLO","payload":{"session":"s"}}"#,
        r#"{"v":1,"type":"HELLO","payload":{"resume":"s"}}"#,
        r#"{"v":1,"type":"HELLO","payload":{"session":"s","resume":"r","streams":{"x:a":["e",1]}}}"#,
        r#"{"v":1,"type":"HELLO","payload":{"session":"s","resume":"r","streams":{"c:a":["e",-1]}}}"#,
        r#"{"v":1,"type":"HELLO","payload":{"session":"s","resume":"r","streams":[]}}"#,
        r#"{"v":1,"type":"HELLO","payload":{"session":"s","resume":"r","acked":"1"}}"#,
    ] {
        assert_eq!(refused(text).code, ErrorCode::Malformed, "{text}");
    }
}

#[test]
fn places_are_bounded() {
    let mount = |items: usize| {
        let place = vec!["0"; items].join(",");
        format!(
            r#"{{"v":1,"type":"COMPONENT_MOUNT","ref":1,"componentId":"c1","payload":{{"parent":"c0","place":[{place}]}}}}"#
        )
    };
    assert!(decode_client(&mount(256), &Limits::default()).is_ok());
    assert_eq!(refused(&mount(257)).code, ErrorCode::Malformed);
}

#[test]
fn optional_fields_and_spaces_are_accepted() {
    for text in [
        r#"{"v":1,"type":"HELLO"}"#,
        r#"{"v":1,"type":"HELLO","payload":{"session":null,"resume":null,"future":[1]}}"#,
        r#"{"v":1,"type":"HELLO","payload":{"session":"s","resume":"r","acked":0}}"#,
        r#"{"v":1,"type":"PING","ref":"ignored","ack":0,"payload":null}"#,
        r#" { "payload" : [ 1 ] , "action" : "a" , "componentId" : "c1" , "ref" : 1 , "type" : "COMPONENT_ACTION" , "v" : 1 } "#,
        r#"{"v":1,"\u0074ype":"\u0050ING","x":{"y":[1,"]"]}}"#,
        r#"{"v":1,"type":"COMPONENT_MOUNT","ref":1,"componentId":"c1","payload":{"component":"counter"}}"#,
        r#"{"v":1,"type":"COMPONENT_MOUNT","ref":1,"componentId":"c1","payload":{"component":"counter","props":null}}"#,
    ] {
        accepted(text);
    }
}

#[test]
fn refusals_name_the_message_if_readable() {
    let error = refused(r#"{"v":1,"type":"NO SUCH","ref":7,"componentId":"c1"}"#);
    assert_eq!(error.reference, Some(reference(7)));
    assert_eq!(error.stream, Some(StreamId::Component(component("c1"))));
    assert_eq!(error.kind, None);

    let error = refused(r#"{"v":1,"type":"COMPONENT_ACTION","ref":7,"componentId":"c 1","action":"a"}"#);
    assert_eq!((error.reference, error.stream), (Some(reference(7)), None));

    let error = refused(r#"{"v":1,"type":"COMPONENT_ACTION","ref":7.5,"componentId":"c1","action":"a"}"#);
    assert_eq!((error.reference, error.stream.is_some()), (None, true));

    let error = refused(r#"{"v":1,"ref":7,"type":"COMPONENT_ACTION","componentId":"c1","action":"#);
    assert_eq!((error.reference, error.kind), (Some(reference(7)), Some(ClientType::Action)));

    let error = refused(r#"{"v":2,"type":"HELLO"}"#);
    assert_eq!((error.code, error.kind), (ErrorCode::UnsupportedVersion, Some(ClientType::Hello)));

    let error = refused(r#"{"v":1,"type":"RESYNC","topic":"chat/lobby","componentId":[]}"#);
    assert_eq!(error.stream, Some(StreamId::Topic(topic("chat/lobby"))));
}

#[test]
fn depth_is_bounded_in_every_field() {
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let ping = |inner: &str| format!(r#"{{"v":1,"type":"PING","ref":3,"payload":{inner}}}"#);
    // The message's own object is one level.
    accepted(&ping(&deep(63)));
    let error = refused(&ping(&deep(64)));
    assert_eq!((error.code, error.reference), (ErrorCode::Malformed, Some(reference(3))));

    let unknown = format!(r#"{{"v":1,"type":"PING","unknown":{}}}"#, deep(64));
    assert_eq!(refused(&unknown).code, ErrorCode::Malformed);
    let limits = Limits { message_bytes: usize::MAX, ..Limits::default() };
    let bomb = format!(r#"{{"v":1,"type":"PING","payload":{}"#, "[".repeat(10_000_000));
    assert_eq!(decode_client(&bomb, &limits).unwrap_err().code, ErrorCode::Malformed);
    let objects = ping(&format!("{}1{}", r#"{"a":"#.repeat(1000), "}".repeat(1000)));
    assert_eq!(decode_client(&objects, &limits).unwrap_err().code, ErrorCode::Malformed);
    accepted(&ping(&format!("\"{}\"", "[".repeat(1000))));
}

#[test]
fn size_is_checked_first() {
    let limits = Limits { message_bytes: 40, ..Limits::default() };
    let text = r#"{"v":1,"type":"PING","payload":"1234567"}"#;
    assert_eq!(text.len(), 41);
    let error = decode_client(text, &limits).unwrap_err();
    assert_eq!((error.code, error.kind), (ErrorCode::TooLarge, None));
    assert!(decode_client(&text.replace('7', ""), &limits).is_ok());
}

#[test]
fn refusals_repeat_no_input() {
    for text in [
        r#"{"v":1,"type":"hunter2"}"#,
        r#"{"v":1,"type":"PING","payload":hunter2}"#,
        r#"{"v":1,"type":"COMPONENT_ACTION","ref":1,"componentId":"hunter2 ","action":"a"}"#,
        r#"{"v":1,"type":"HELLO","payload":{"session":"hunter2"}}"#,
        r#"{"v":1,"type":"TEMPLATE","payload":{"hash":["hunter2"]}}"#,
    ] {
        let error = refused(text);
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

#[test]
fn truncated_messages_are_malformed() {
    for (name, text) in golden("client") {
        let whole = decode_client(&text, &Limits::default()).unwrap();
        let number =
            if let ClientBody::Request { reference, .. } = whole.body { Some(reference) } else { None };
        for end in (0..text.len()).filter(|&end| text.is_char_boundary(end)) {
            let error = refused(&text[..end]);
            assert_eq!(error.code, ErrorCode::Malformed, "{name} cut at {end}");
            assert!(error.reference.is_none() || error.reference == number, "{name} cut at {end}");
        }
    }
    for (name, text) in golden("server") {
        for end in (0..text.len()).filter(|&end| text.is_char_boundary(end)) {
            assert!(decode_server(&text[..end]).is_err(), "{name} cut at {end}");
        }
    }
}

/// The objects of each message type that the protocol reads itself: the text around the entries,
/// with `%` in their place, and the entries. Values that the application decodes (`auth`, `props`,
/// arguments and the values of fields) are handed over once, as text.
const OBJECTS: &[(ClientType, &str, &[&str])] = &[
    (ClientType::Hello, "{%}", &[r#""v":1"#, r#""type":"HELLO""#, r#""ack":1"#, r#""payload":{}"#]),
    (
        ClientType::Hello,
        r#"{"v":1,"type":"HELLO","payload":{%}}"#,
        &[
            r#""session":"s""#,
            r#""resume":"r""#,
            r#""acked":1"#,
            r#""streams":{}"#,
            r#""auth":{"a":1,"a":2}"#,
        ],
    ),
    (
        ClientType::Hello,
        r#"{"v":1,"type":"HELLO","payload":{"session":"s","resume":"r","streams":{%}}}"#,
        &[r#""c:c1":["k",0]"#, r#""c:c2":["k",0]"#, r#""t:c1":["k",0]"#],
    ),
    (
        ClientType::Mount,
        "{%}",
        &[
            r#""v":1"#,
            r#""type":"COMPONENT_MOUNT""#,
            r#""ref":1"#,
            r#""ack":0"#,
            r#""componentId":"c""#,
            r#""payload":{"seal":"x"}"#,
        ],
    ),
    (
        ClientType::Mount,
        r#"{"v":1,"type":"COMPONENT_MOUNT","ref":1,"componentId":"c","payload":{%}}"#,
        &[r#""component":"a""#, r#""props":{"a":1,"a":2}"#],
    ),
    (
        ClientType::Mount,
        r#"{"v":1,"type":"COMPONENT_MOUNT","ref":1,"componentId":"c","payload":{%}}"#,
        &[r#""parent":"p""#, r#""place":[0]"#, r#""seal":"x""#, r#""page":{}"#],
    ),
    (
        ClientType::Mount,
        r#"{"v":1,"type":"COMPONENT_MOUNT","ref":1,"componentId":"c","payload":{"parent":"p","place":[0],"page":{%}}}"#,
        &[r#""a":1"#, r#""b":{"a":1,"a":2}"#],
    ),
    (
        ClientType::Action,
        "{%}",
        &[
            r#""v":1"#,
            r#""type":"COMPONENT_ACTION""#,
            r#""ref":1"#,
            r#""ack":0"#,
            r#""componentId":"c""#,
            r#""action":"a""#,
            r#""set":{}"#,
            r#""payload":{"a":1,"a":2}"#,
        ],
    ),
    (
        ClientType::Action,
        r#"{"v":1,"type":"COMPONENT_ACTION","ref":1,"componentId":"c","action":"a","set":{%}}"#,
        &[r#""a":1"#, r#""b":{"a":1,"a":2}"#],
    ),
    (
        ClientType::Property,
        r#"{"v":1,"type":"PROPERTY_UPDATE","ref":1,"componentId":"c","payload":{%}}"#,
        &[r#""property":"a""#, r#""value":{"a":1,"a":2}"#],
    ),
    (
        ClientType::Props,
        r#"{"v":1,"type":"PROPS_UPDATE","ref":1,"componentId":"c","payload":{%}}"#,
        &[r#""page":{}"#, r#""props":{"a":1,"a":2}"#],
    ),
    (
        ClientType::Props,
        r#"{"v":1,"type":"PROPS_UPDATE","ref":1,"componentId":"c","payload":{"page":{%}}}"#,
        &[r#""a":1"#, r#""b":2"#],
    ),
    (
        ClientType::Unmount,
        "{%}",
        &[r#""v":1"#, r#""type":"COMPONENT_UNMOUNT""#, r#""ref":1"#, r#""componentId":"c""#],
    ),
    (ClientType::Resync, "{%}", &[r#""v":1"#, r#""type":"RESYNC""#, r#""componentId":"c""#]),
    (ClientType::Resync, "{%}", &[r#""v":1"#, r#""type":"RESYNC""#, r#""topic":"c""#]),
    (ClientType::Template, r#"{"v":1,"type":"TEMPLATE","payload":{%}}"#, &[r#""hash":"x""#]),
    (ClientType::Ping, "{%}", &[r#""v":1"#, r#""type":"PING""#, r#""ack":1"#, r#""payload":{"a":1,"a":2}"#]),
];

#[test]
fn no_name_of_an_object_occurs_twice() {
    for (kind, around, entries) in OBJECTS {
        let text = |entries: &[&str]| around.replace('%', &entries.join(","));
        let whole = text(entries);
        let message =
            decode_client(&whole, &Limits::default()).unwrap_or_else(|error| panic!("{whole}: {error}"));
        assert_eq!(message.kind(), *kind, "{whole}");
        for entry in *entries {
            let repeated = [*entries, &[entry]].concat();
            assert_eq!(refused(&text(&repeated)).code, ErrorCode::Malformed, "{entry} in {around}");
        }
    }
    let covered = |kind| OBJECTS.iter().any(|(covered, ..)| covered == kind);
    assert!(ClientType::ALL.iter().all(covered));
    // Names are compared after their escapes are decoded.
    let escaped = r#"{"v":1,"type":"HELLO","payload":{"session":"s","resume":"r","streams":{"c:c1":["k",0],"c:c\u0031":["k",0]}}}"#;
    assert_eq!(refused(escaped).code, ErrorCode::Malformed);
}

#[test]
fn the_streams_of_a_hello_are_bounded() {
    let hello = |count: usize| {
        let streams: Vec<_> = (0..count).map(|n| format!(r#""c:{n}":["k",0]"#)).collect();
        let streams = streams.join(",");
        format!(
            r#"{{"v":1,"type":"HELLO","payload":{{"session":"s","resume":"r","streams":{{{streams}}}}}}}"#
        )
    };
    let limits = Limits { message_bytes: usize::MAX, ..Limits::default() };
    assert!(decode_client(&hello(MAX_STREAMS), &limits).is_ok());
    let error = decode_client(&hello(MAX_STREAMS + 1), &limits).unwrap_err();
    assert_eq!(error.code, ErrorCode::Malformed);
}
