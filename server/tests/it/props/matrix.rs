//! Every message of a client, for components of every origin, and every kind of field.

use serde_json::{Value, json};
use vivaz::Limits;
use vivaz_protocol::ClientType;

use super::{ADA, TARGET, child, page_of, state};
use crate::app::{Server, limited};
use crate::client::{Client, assert_error};
use crate::paint::attributes;

/// A client with the component `t`, mounted with that origin.
pub(super) async fn mounted(server: &Server, origin: Origin) -> Client {
    let mut client = Client::hello_with(server, ADA, json!({})).await;
    let reply = match origin {
        Origin::Open => client.mount("t", "target", json!({})).await,
        Origin::Sealed => {
            let seal = attributes(&page_of(server, "/target").await, "seal").remove(0);
            let mount = client.message("COMPONENT_MOUNT", "t", json!({ "seal": seal }));
            client.ask(mount).await
        }
        Origin::Child => {
            client.mount("p", "parent", json!({ "number": 0 })).await;
            let mount = child(&mut client, "t", &json!(TARGET));
            client.ask(mount).await
        }
    };
    assert_eq!(reply["type"], "COMPONENT_MOUNTED", "{reply}");
    client
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Origin {
    Open,
    Sealed,
    Child,
}

/// The expected effect of a message on a field.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Cell {
    /// The field has the value afterwards.
    Written,
    /// The reply is this error, and nothing has changed.
    Refused(&'static str),
    /// The reply is the same as without the value, and nothing has changed.
    Ignored,
}

/// Fields, by their purpose.
const FIELDS: [(&str, FieldIs); 28] = [
    ("hidden", FieldIs::Unknown),
    ("skipped", FieldIs::Unknown),
    ("updated", FieldIs::Unknown),
    ("hidden_number", FieldIs::HiddenProp),
    ("public", FieldIs::ReadOnly),
    ("draft", FieldIs::Model),
    ("number", FieldIs::Prop),
    ("filter", FieldIs::PageProp),
    ("both", FieldIs::ModelAndPageProp),
    ("shelf", FieldIs::ReadOnly),
    ("items", FieldIs::ReadOnly),
    ("errors", FieldIs::ReadOnly),
    ("total", FieldIs::ReadOnly),
    ("nowhere", FieldIs::Unknown),
    ("lines", FieldIs::ReadOnly),
    (r#"["lines",2,"number"]"#, FieldIs::Nested),
    (r#"["lines",2,"price"]"#, FieldIs::NestedReadOnly),
    (r#"["lines",2,"id"]"#, FieldIs::NestedReadOnly),
    (r#"["lines",2]"#, FieldIs::NestedReadOnly),
    (r#"["lines",2,"cost"]"#, FieldIs::NestedUnknown),
    (r#"["lines",3,"number"]"#, FieldIs::NoItem),
    (r#"["fixed",2,"number"]"#, FieldIs::NestedReadOnly),
    (r#"["shelf","height"]"#, FieldIs::NestedReadOnly),
    (r#"["number","x"]"#, FieldIs::NestedReadOnly),
    (r#"["total","x"]"#, FieldIs::NestedReadOnly),
    (r#"["hidden","x"]"#, FieldIs::NestedUnknown),
    ("bound", FieldIs::ReadOnly),
    ("?", FieldIs::Query),
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum FieldIs {
    Unknown,
    ReadOnly,
    Model,
    Prop,
    HiddenProp,
    PageProp,
    ModelAndPageProp,
    /// A property inside of a field, by its path. Only a `PROPERTY_UPDATE` has paths.
    Nested,
    NestedReadOnly,
    NestedUnknown,
    NoItem,
    /// The query of the URL, which writes the field `bound`. Its value is a text.
    Query,
}

/// The cells of a message. A type of message without a row here does not compile.
fn expected(kind: ClientType, origin: Origin, field: FieldIs) -> Cell {
    use FieldIs::{
        HiddenProp, Model, ModelAndPageProp, Nested, NestedReadOnly, NestedUnknown, NoItem, PageProp, Prop,
        Query, ReadOnly, Unknown,
    };
    let by_path = kind == ClientType::Property;
    let edit = match field {
        Nested if by_path => Cell::Written,
        NestedReadOnly if by_path => Cell::Refused("read_only_property"),
        NoItem if by_path => Cell::Refused("unknown_item"),
        Model | ModelAndPageProp | Query => Cell::Written,
        Unknown | HiddenProp | Nested | NestedReadOnly | NestedUnknown | NoItem => {
            Cell::Refused("unknown_property")
        }
        ReadOnly | Prop | PageProp => Cell::Refused("read_only_property"),
    };
    let by_name = match field {
        Prop | HiddenProp | PageProp | ModelAndPageProp => Cell::Written,
        Unknown | ReadOnly | Model | Nested | NestedReadOnly | NestedUnknown | NoItem | Query => {
            Cell::Refused("bad_props")
        }
    };
    let of_page = match field {
        PageProp | ModelAndPageProp => Cell::Written,
        Unknown | ReadOnly | Model | Prop | HiddenProp | Nested | NestedReadOnly | NestedUnknown | NoItem
        | Query => Cell::Refused("bad_props"),
    };
    match (kind, origin) {
        (ClientType::Mount, Origin::Open) | (ClientType::Props, Origin::Open) => by_name,
        (ClientType::Mount, Origin::Sealed) => Cell::Ignored,
        (ClientType::Mount, Origin::Child) | (ClientType::Props, Origin::Child) => of_page,
        (ClientType::Props, Origin::Sealed) => Cell::Refused("forbidden"),
        (ClientType::Action | ClientType::Property, _) => edit,
        // These carry no value for a component.
        (ClientType::Unmount, _) => Cell::Ignored,
        (ClientType::Hello | ClientType::Resync | ClientType::Template | ClientType::Ping, _) => {
            Cell::Ignored
        }
    }
}

/// Messages of that type with a value for the field, at every position. The first one has it at the
/// correct one.
fn messages(client: &mut Client, kind: ClientType, origin: Origin, field: &str) -> Vec<Value> {
    let value = if field == "?" { json!("?bound=7&bound=8&other=9") } else { json!(7) };
    let values = json!({ field: value });
    let payloads = match (kind, origin) {
        (ClientType::Mount, Origin::Open) => vec![json!({ "component": "target", "props": values })],
        (ClientType::Mount, Origin::Sealed) => vec![],
        (ClientType::Mount, Origin::Child) => vec![
            json!({ "parent": "p", "place": TARGET, "page": values }),
            json!({ "parent": "p", "place": TARGET, "props": values, "component": "target", field: 7 }),
        ],
        (ClientType::Props, Origin::Open) => vec![json!({ "props": values })],
        (ClientType::Props, Origin::Sealed) => vec![json!({ "page": values }), json!({ "props": values })],
        (ClientType::Props, Origin::Child) => {
            vec![json!({ "page": values }), json!({ "props": values, field: 7 })]
        }
        (ClientType::Property, _) => {
            let property = serde_json::from_str(field).unwrap_or_else(|_| json!(field));
            vec![json!({ "property": property, "value": value })]
        }
        (ClientType::Action, _) => {
            let mut message = client.call("t", "nothing", json!([]));
            message["set"] = values;
            return vec![message];
        }
        (ClientType::Unmount, _) => vec![json!({ "props": values, "page": values, field: 7 })],
        (ClientType::Hello | ClientType::Resync | ClientType::Template | ClientType::Ping, _) => vec![],
    };
    let id = if kind == ClientType::Mount { "new" } else { "t" };
    payloads.into_iter().map(|payload| client.message(kind.as_str(), id, payload)).collect()
}

#[tokio::test]
async fn every_message_of_every_origin_meets_every_kind_of_field() {
    let server = limited(Limits { burst: 10_000, ..Limits::default() }).await;
    let mut cells = 0;
    for origin in [Origin::Open, Origin::Sealed, Origin::Child] {
        for &kind in ClientType::ALL {
            for (field, is) in FIELDS {
                let mut client = mounted(&server, origin).await;
                for (at, message) in messages(&mut client, kind, origin, field).into_iter().enumerate() {
                    let mut message = message;
                    message["ref"] = client.message("", "", Value::Null)["ref"].clone();
                    let what = format!("{kind:?} {origin:?} {field} {message}");
                    let sealed = kind == ClientType::Props && origin == Origin::Sealed;
                    let cell = if at == 0 || sealed { expected(kind, origin, is) } else { Cell::Ignored };
                    let mounts = kind == ClientType::Mount;
                    let id = if mounts { "new" } else { "t" };
                    let before = if mounts { Value::Null } else { state(&mut client, "t").await };
                    let reply = client.ask(message).await;
                    match cell {
                        Cell::Refused(code) => {
                            assert_error(&reply, code);
                            if !mounts {
                                assert_eq!(state(&mut client, id).await, before, "{what}");
                            }
                        }
                        Cell::Written if is == FieldIs::HiddenProp => {
                            let all = client.act(id, "all", json!([])).await;
                            assert_eq!(all["payload"][1], 7, "{what}");
                        }
                        Cell::Written if is == FieldIs::Nested => {
                            let lines = &state(&mut client, id).await["lines"];
                            assert_eq!(
                                (&lines[0]["number"], &lines[1]["number"]),
                                (&json!(0), &json!(7)),
                                "{what}"
                            );
                        }
                        Cell::Written if is == FieldIs::Query => {
                            let after = state(&mut client, id).await;
                            assert_eq!(
                                (&after["bound"], &after["?"]),
                                (&json!(7), &json!("bound=7")),
                                "{what}"
                            );
                        }
                        Cell::Written => assert_eq!(state(&mut client, id).await[field], 7, "{what}"),
                        Cell::Ignored if kind == ClientType::Unmount => assert_eq!(reply["type"], "ACK"),
                        Cell::Ignored => {
                            assert_ne!(reply["type"], "ERROR", "{what}: {reply}");
                            let after = state(&mut client, id).await;
                            if mounts {
                                assert_ne!(after[field], 7, "{what}");
                                assert_ne!(client.act(id, "all", json!([])).await["payload"][1], 7, "{what}");
                            } else {
                                assert_eq!(after, before, "{what}");
                            }
                        }
                    }
                    if mounts {
                        let unmount = client.message("COMPONENT_UNMOUNT", id, Value::Null);
                        client.ask(unmount).await;
                    }
                    cells += 1;
                }
                client.close(4000).await;
            }
        }
    }
    assert!(cells > 150, "{cells}");
}

#[tokio::test]
async fn props_of_the_page_are_treated_like_edits() {
    let server = limited(Limits { value_bytes: 1_000, ..Limits::default() }).await;
    let mut client = mounted(&server, Origin::Child).await;
    let give =
        |client: &mut Client, page: Value| client.message("PROPS_UPDATE", "t", json!({ "page": page }));
    let message = give(&mut client, json!({ "filter": 5 }));
    assert_eq!(client.ask(message).await["payload"], json!({ "filter": 5 }));
    let message = give(&mut client, json!({ "filter": 5 }));
    assert_eq!(client.ask(message).await["type"], "ACK");
    // A value of another type is refused on each attempt, and changes nothing.
    for _ in 0..2 {
        let message = give(&mut client, json!({ "filter": "five" }));
        assert_error(&client.ask(message).await, "bad_props");
    }
    let message = give(&mut client, json!({ "filter": 6, "number": 6 }));
    assert_error(&client.ask(message).await, "bad_props");
    let message = give(&mut client, json!({ "filter": "x".repeat(2_000) }));
    assert_error(&client.ask(message).await, "too_large");
    assert_eq!(state(&mut client, "t").await["filter"], 5);
    assert_eq!(client.act("t", "written", json!([])).await["payload"], json!(["filter"]));
    // The parent's props are updated, and those of the page stay.
    client.act("p", "raise", json!([3])).await;
    let now = state(&mut client, "t").await;
    assert_eq!((&now["number"], &now["filter"]), (&json!(3), &json!(5)));
}
