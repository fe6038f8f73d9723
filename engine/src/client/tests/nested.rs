//! Edits of properties inside of fields.

use super::*;

const TEXT: &str = r#"["items",3,"text"]"#;
const NAMED: &str = r#"["items","3","text"]"#;
const STREET: &str = r#"["items",3,"address","street"]"#;

/// A list at slot 0.
fn list() -> Table {
    let mut table = Table::new();
    table.client.mount(0, "c1", open("list"));
    table.connect();
    table.welcome("s1", false);
    table.receive(
        r#"{"v":1,"type":"COMPONENT_MOUNTED","ref":1,"componentId":"c1","rev":0,"epoch":"e","payload":{"component":"list","template":"h","state":{"draft":"","address":{"street":"x"},"items":[{"id":"3","text":"named"},{"id":3,"text":"a","address":{"street":"b"}}]},"topics":{}}}"#,
    );
    table
}

fn items(table: &Table) -> String {
    table.client.root(0, Key::of("items")).map(Val::json).unwrap_or_default()
}

fn edit(table: &mut Table, property: &str, text: &str) -> Vec<String> {
    let property = Key::of(property);
    table.client.edit(0, property, Val::text(text));
    table.client.commit(0, property, 0);
    table.sent()
}

#[test]
fn an_edit_shows_in_its_item_alone_and_is_sent_by_its_path() {
    let mut table = list();
    table.client.edit(0, Key::of(TEXT), Val::text("ab"));
    let change = table
        .outputs()
        .into_iter()
        .find_map(|output| if let Output::Changed { changes, .. } = output { Some(changes) } else { None });
    let step = patch::Step::Item { at: 1, fields: vec![Key::of("text")] };
    let what = patch::What::List(vec![step]);
    assert_eq!(*change.unwrap(), [Change { field: Key::of("items"), what }]);
    assert_eq!(items(&table), r#"[{"id":"3","text":"named"},{"id":3,"text":"ab","address":{"street":"b"}}]"#);
    table.client.commit(0, Key::of(TEXT), 0);
    assert_eq!(
        table.sent(),
        [
            r#"{"v":1,"type":"PROPERTY_UPDATE","ref":2,"componentId":"c1","payload":{"property":["items",3,"text"],"value":"ab"}}"#
        ]
    );
    assert!(table.client.is_dirty(0, Some("items")) && !table.client.is_dirty(0, Some("draft")));
    let sent = table.receive(
        r#"{"v":1,"type":"STATE_UPDATE","ref":2,"componentId":"c1","rev":1,"payload":{"items":{"$list":[["~",3,{"text":"AB"}]]}}}"#,
    );
    assert!(sent.is_empty(), "{sent:?}");
    assert!(items(&table).contains(r#""text":"AB""#), "{}", items(&table));
    assert!(!table.client.is_dirty(0, None));
}

#[test]
fn path_steps_are_distinguished_by_the_value_at_their_place() {
    let mut table = list();
    edit(&mut table, NAMED, "x");
    edit(&mut table, STREET, "y");
    let sent = edit(&mut table, r#"["address","street"]"#, "z");
    assert!(sent[0].contains(r#""property":["address","street"]"#), "{sent:?}");
    assert_eq!(items(&table), r#"[{"id":"3","text":"x"},{"id":3,"text":"a","address":{"street":"y"}}]"#);
    assert_eq!(table.client.root(0, Key::of("address")).unwrap().json(), r#"{"street":"z"}"#);
}

#[test]
fn an_edit_follows_its_moved_item() {
    let mut table = list();
    edit(&mut table, TEXT, "mine");
    table.receive(
        r#"{"v":1,"type":"STATE_UPDATE","componentId":"c1","rev":1,"payload":{"items":{"$list":[[">",3,0],["~",3,{"text":"theirs"}],["+",0,{"id":4,"text":"n"}]]}}}"#,
    );
    assert_eq!(
        items(&table),
        r#"[{"id":4,"text":"n"},{"id":3,"text":"mine","address":{"street":"b"}},{"id":"3","text":"named"}]"#
    );
    let confirmed = table.client.confirmed(0, Key::of(TEXT)).map(|value| value.json());
    assert_eq!(confirmed.as_deref(), Some(r#""theirs""#));
}

#[test]
fn an_edit_of_a_removed_item_is_refused_at_its_control() {
    let mut table = list();
    edit(&mut table, TEXT, "mine");
    table.receive(
        r#"{"v":1,"type":"STATE_UPDATE","componentId":"c1","rev":1,"payload":{"items":{"$list":[["-",3]]}}}"#,
    );
    assert_eq!(items(&table), r#"[{"id":"3","text":"named"}]"#);
    table.client.take();
    table.client.frame(
        table.socket,
        r#"{"v":1,"type":"ERROR","ref":2,"componentId":"c1","payload":{"code":"unknown_item","message":"gone"}}"#,
    );
    let outputs = table.outputs();
    let refused = |o: &Output| matches!(o, Output::Refused { field, .. } if *field == Key::of(TEXT));
    assert!(outputs.iter().any(refused), "{outputs:?}");
    assert!(outputs.iter().any(|o| matches!(o, Output::ActionFailed { .. })), "{outputs:?}");
    assert_eq!(table.client.confirmed(0, Key::of(TEXT)), None);
    assert!(!table.client.is_dirty(0, None));
}

#[test]
fn an_action_sends_edits_by_path_right_before_it_and_fields_with_it() {
    let mut table = list();
    table.client.edit(0, Key::of("draft"), Val::text("d"));
    table.client.edit(0, Key::of(TEXT), Val::text("t"));
    table.call("save", 0);
    assert_eq!(
        table.sent(),
        [
            r#"{"v":1,"type":"PROPERTY_UPDATE","ref":2,"componentId":"c1","payload":{"property":["items",3,"text"],"value":"t"}}"#,
            r#"{"v":1,"type":"COMPONENT_ACTION","ref":3,"componentId":"c1","action":"save","set":{"draft":"d"}}"#
        ]
    );
}

#[test]
fn letters_typed_during_a_request_are_sent_together() {
    let mut table = list();
    let mut sent = Vec::new();
    for text in ["h", "he", "hel"] {
        sent.extend(edit(&mut table, TEXT, text));
    }
    assert_eq!(sent.len(), 1);
    // Other properties do not wait for it.
    assert_eq!(edit(&mut table, NAMED, "n").len(), 1);
    let sent = table.receive(
        r#"{"v":1,"type":"STATE_UPDATE","ref":2,"componentId":"c1","rev":1,"payload":{"items":{"$list":[["~",3,{"text":"h"}]]}}}"#,
    );
    assert!(sent.len() == 1 && sent[0].contains(r#""value":"hel""#), "{sent:?}");
    assert!(items(&table).contains(r#""text":"hel""#), "{}", items(&table));
}

#[test]
fn a_lost_session_restores_edits_of_items() {
    let mut table = list();
    edit(&mut table, TEXT, "kept");
    table.receive(
        r#"{"v":1,"type":"STATE_UPDATE","ref":2,"componentId":"c1","rev":1,"payload":{"items":{"$list":[["~",3,{"text":"kept"}]]}}}"#,
    );
    edit(&mut table, NAMED, "lost");
    table.receive(r#"{"v":1,"type":"ACK","ref":3,"componentId":"c1"}"#);
    // Accepted, and changed by the server since.
    table.receive(
        r#"{"v":1,"type":"STATE_UPDATE","componentId":"c1","rev":2,"payload":{"items":{"$list":[["~","3",{"text":"theirs"}]]}}}"#,
    );
    edit(&mut table, STREET, "unanswered");
    table.drop_and_pause();
    table.connect();
    let sent = table.welcome("s2", false);
    assert_eq!(sent.len(), 3, "{sent:?}");
    assert!(sent[0].contains("COMPONENT_MOUNT"), "{sent:?}");
    let sent = sent.join("\n");
    for property in [TEXT, STREET] {
        assert!(sent.contains(&format!(r#""property":{property}"#)), "{sent}");
    }
    assert!(!sent.contains(NAMED), "{sent}");
}

#[test]
fn an_invalid_path_is_ignored_without_a_panic() {
    for property in
        ["[", "[]", "[1]", "[null,2]", r#"["items"]"#, r#"["items",null,"text"]"#, r#"["draft",1]"#]
    {
        let mut table = list();
        let before = items(&table);
        table.client.edit(0, Key::of(property), Val::text("x"));
        table.client.take();
        if property != r#"["items"]"# {
            assert_eq!(items(&table), before, "{property}");
        }
    }
}
