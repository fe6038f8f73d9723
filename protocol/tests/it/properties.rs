//! Properties of all messages, patches and texts.

use proptest::prelude::*;
use serde_json::{Map, Value};
use vivaz_protocol::{
    Author, ClientBody, ClientMessage, ComponentId, ConnectionId, Limits, Patch, RawJson, Ref, Request, Rev,
    ServerMessage, StreamId, TopicName, Update, decode_client, decode_server, encode_client, encode_server,
};

use crate::golden::corrupted;

/// Generates JSON values of moderate size. Keys of patches are more frequent than in random text.
pub(crate) fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e9..1e9_f64).prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key(), inner), 0..3).prop_map(object),
        ]
    })
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-d]",
        Just("$list".to_owned()),
        Just("$value".to_owned()),
        Just("$".to_owned()),
        "\\PC{0,3}"
    ]
}

fn object(fields: Vec<(String, Value)>) -> Value {
    Value::Object(fields.into_iter().collect())
}

/// Generates lists in which each item has a key of its own; other fields vary.
fn keyed_list() -> impl Strategy<Value = Value> {
    let id = prop_oneof![(0..12_i64).prop_map(Value::from), "[0-9a-c]".prop_map(Value::from)];
    let item = (id, prop::option::weighted(0.8, value()), prop::option::weighted(0.2, inner_list()));
    prop::collection::vec(item, 0..12).prop_map(|items| {
        let mut seen = Vec::new();
        let mut list = Vec::new();
        for (id, text, sub) in items {
            if seen.contains(&id) {
                continue;
            }
            seen.push(id.clone());
            let mut item = Map::from_iter([("id".to_owned(), id)]);
            item.extend(text.map(|value| ("text".to_owned(), value)));
            item.extend(sub.map(|value| ("sub".to_owned(), value)));
            list.push(Value::Object(item));
        }
        Value::Array(list)
    })
}

fn inner_list() -> impl Strategy<Value = Value> {
    prop::sample::subsequence((0..6_i64).collect::<Vec<_>>(), 0..6).prop_shuffle().prop_map(|ids| {
        Value::Array(
            ids.into_iter().map(|id| Value::Object(Map::from_iter([("id".to_owned(), id.into())]))).collect(),
        )
    })
}

fn state() -> impl Strategy<Value = Value> {
    let field = || prop_oneof![2 => keyed_list(), 1 => inner_list(), 2 => value()];
    (field(), field(), field())
        .prop_map(|(a, b, c)| object(vec![("a".to_owned(), a), ("b".to_owned(), b), ("c".to_owned(), c)]))
}

pub(crate) fn number() -> impl Strategy<Value = Ref> {
    (1..=Ref::MAX).prop_map(|number| Ref::new(number).unwrap())
}

pub(crate) fn component_id() -> impl Strategy<Value = ComponentId> {
    "[A-Za-z0-9_-]{1,64}".prop_map(|id| ComponentId::new(&id).unwrap())
}

pub(crate) fn author() -> impl Strategy<Value = Author> {
    ("[a-z0-9]{1,8}", number()).prop_map(|(connection, reference)| Author {
        connection: ConnectionId::new(&connection).unwrap(),
        reference,
    })
}

pub(crate) fn stream() -> impl Strategy<Value = StreamId> {
    prop_oneof![
        component_id().prop_map(StreamId::from),
        "[^\\p{Cc}]{1,20}".prop_map(|name| StreamId::from(TopicName::new(&name).unwrap())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn a_patch_turns_one_state_into_the_other(before in state(), after in state()) {
        let patch = Patch::diff(&before, &after).unwrap();
        let wire = patch.to_json();
        let read = Patch::parse(RawJson::trusted(&wire)).unwrap();
        prop_assert_eq!(&read, &patch);
        let mut state = before.clone();
        read.apply(&mut state).unwrap();
        prop_assert_eq!(&state, &after);
        prop_assert!(Patch::diff(&state, &after).unwrap().is_empty());
    }

    #[test]
    fn a_shuffled_list_is_reordered(
        before in prop::sample::subsequence((0..40_i64).collect::<Vec<_>>(), 0..40).prop_shuffle(),
        after in prop::sample::subsequence((0..40_i64).collect::<Vec<_>>(), 0..40).prop_shuffle(),
        rotation in 0..40_usize,
    ) {
        let list = |ids: &[i64]| {
            let items = ids.iter().map(|&id| object(vec![("id".to_owned(), id.into())]));
            object(vec![("l".to_owned(), items.collect())])
        };
        let mut rotated = before.clone();
        rotated.rotate_left(rotation.min(before.len()));
        for after in [after, rotated] {
            let mut state = list(&before);
            Patch::diff(&state, &list(&after)).unwrap().apply(&mut state).unwrap();
            prop_assert_eq!(state, list(&after));
        }
    }

    #[test]
    fn an_arbitrary_patch_fits_or_is_an_error(state in state(), patch in value(), other in state()) {
        let mut state = state;
        if let Ok(patch) = Patch::parse(RawJson::trusted(&patch.to_string())) {
            let _ = patch.apply(&mut state);
        }
        if state.is_object() && let Ok(patch) = Patch::diff(&state, &other) {
            patch.apply(&mut state).unwrap();
            prop_assert_eq!(state, other);
        }
    }

    #[test]
    fn actions_survive_the_codec(
        reference in number(), ack in prop::option::of(number()), component_id in component_id(), name in any::<String>(),
        payload in prop::option::of(value()), edits in prop::collection::btree_map(any::<String>(), value(), 0..4),
    ) {
        let payload = payload.map(|value| value.to_string());
        let edits: Vec<_> = edits.into_iter().map(|(property, value)| (property, value.to_string())).collect();
        let set = edits.iter().map(|(p, value)| (p.as_str().into(), RawJson::trusted(value))).collect();
        let request = Request::Action { action: name.as_str().into(), payload: payload.as_deref().map(RawJson::trusted), set };
        let mut text = String::new();
        encode_client(&mut text, &ClientMessage { ack, ..ClientMessage::request(reference, component_id.clone(), request) });
        let read = decode_client(&text, &Limits::default()).unwrap();
        prop_assert_eq!(read.ack, ack);
        let ClientBody::Request { reference: r, component_id: c, request: Request::Action { action, payload: p, set } } = read.body else {
            return Err(TestCaseError::fail("expected an action"));
        };
        prop_assert_eq!((r, c, action.as_ref()), (reference, component_id, name.as_str()));
        prop_assert_eq!(p.map(RawJson::get), payload.as_deref());
        let set: Vec<_> = set.into_iter().map(|(property, value)| (property.into_owned(), value.get().to_owned())).collect();
        prop_assert_eq!(set, edits);
    }

    #[test]
    fn updates_survive_the_codec(
        stream in stream(), rev in any::<u64>(), reference in prop::option::of(number()),
        result in prop::option::of(value()), patch in value(), by in prop::collection::vec(author(), 0..5),
    ) {
        let (result, patch) = (result.map(|value| value.to_string()), patch.to_string());
        let update = Update {
            reference,
            by: by.clone(),
            result: result.as_deref().map(RawJson::trusted),
            ..Update::new(stream.clone(), Rev(rev), RawJson::trusted(&patch))
        };
        let mut text = String::new();
        encode_server(&mut text, &ServerMessage::Update(update));
        let ServerMessage::Update(read) = decode_server(&text).unwrap() else {
            return Err(TestCaseError::fail("expected an update"));
        };
        prop_assert_eq!((read.stream, read.rev, read.reference), (stream, Rev(rev), reference));
        prop_assert_eq!(read.by, by);
        prop_assert_eq!(read.result.map(RawJson::get), result.as_deref());
        prop_assert_eq!(read.patch.get(), patch.as_str());
    }

    #[test]
    fn arbitrary_text_never_panics(text in any::<String>()) {
        let _ = decode_client(&text, &Limits::default());
        let _ = decode_server(&text);
    }

    #[test]
    fn corrupted_messages_are_decoded_or_refused(
        which in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), length in 0..8_usize,
        instead in "[\\[\\]{}\",:\\\\$0-9a-z-]{0,6}",
    ) {
        for direction in ["client", "server"] {
            let broken = corrupted(direction, which, at, length, &instead);
            prop_assume!(broken.is_some());
            let broken = broken.unwrap();
            if let Ok(message) = decode_client(&broken, &Limits::default()) {
                let mut again = String::new();
                encode_client(&mut again, &message);
                prop_assert!(decode_client(&again, &Limits::default()).is_ok(), "{}", again);
            }
            let _ = decode_server(&broken);
        }
    }
}
