//! Effects of a reply: on edits, optimistic updates, calls, and requests to retry.

use super::*;

fn error(reference: u32, code: &str) -> String {
    format!(
        r#"{{"v":1,"type":"ERROR","ref":{reference},"componentId":"c1","payload":{{"code":"{code}","message":"m","retryMs":200}}}}"#
    )
}

fn ack(reference: u32) -> String {
    format!(r#"{{"v":1,"type":"ACK","ref":{reference},"componentId":"c1"}}"#)
}

fn patch(rev: u32, state: &str) -> String {
    format!(r#"{{"v":1,"type":"STATE_UPDATE","componentId":"c1","rev":{rev},"payload":{state}}}"#)
}

fn type_into(table: &mut Table, field: &str, text: &str) {
    table.client.edit(0, Key::of(field), Val::text(text));
}

fn commit(table: &mut Table, field: &str) {
    table.client.commit(0, Key::of(field), 0);
}

/// The fields that the client says are refused.
fn refused(outputs: &[Output]) -> Vec<&str> {
    let field = |o: &Output| if let Output::Refused { field, .. } = o { Some(*field) } else { None };
    outputs.iter().filter_map(field).map(Key::name).collect()
}

/// Loses the session. Returns the fields that are put back into the next one.
fn put_back(table: &mut Table) -> Vec<String> {
    table.drop_and_pause();
    table.connect();
    let sent = table.welcome("s2", false);
    assert!(sent[0].contains("COMPONENT_MOUNT"), "{sent:?}");
    sent.into_iter().filter(|frame| frame.contains("PROPERTY_UPDATE")).collect()
}

#[test]
fn which_failure_refuses_an_edit_depends_on_its_request() {
    for (with_action, code, is_refused) in [
        (false, "bad_value", true),
        (false, "forbidden", true),
        (true, "bad_value", true),
        (true, "unknown_property", true),
        (true, "read_only_property", true),
        (true, "forbidden", false),
    ] {
        let mut table = Table::live();
        type_into(&mut table, "title", "typed");
        if with_action {
            table.call("save", 0);
        } else {
            commit(&mut table, "title");
        }
        table.client.take();
        table.client.frame(table.socket, &error(2, code));
        let outputs = table.outputs();
        assert_eq!(refused(&outputs) == ["title"], is_refused, "{with_action} {code}");
        assert_eq!(table.client.is_dirty(0, Some("title")), !is_refused, "{with_action} {code}");
        let failed = outputs.iter().find_map(|o| {
            if let Output::ActionFailed { action, .. } = o { Some(action.name()) } else { None }
        });
        assert_eq!(failed, Some(if with_action { "save" } else { Key::NONE.name() }));
    }
}

#[test]
fn an_edit_in_a_failed_action_is_sent_again_unless_it_was_accepted() {
    let mut table = Table::live();
    type_into(&mut table, "title", "typed");
    table.call("save", 1);
    table.sent();
    table.receive(&error(2, "forbidden"));
    table.call("save", 2);
    assert!(table.sent()[0].contains(r#""set":{"title":"typed"}"#));
    table.receive(&patch(1, r#"{"title":"typed"}"#));
    table.receive(&error(3, "forbidden"));
    assert!(!table.client.is_dirty(0, None));
    table.call("save", 3);
    assert!(!table.sent()[0].contains("set"));
}

#[test]
fn a_reply_settles_only_older_edits_of_its_field() {
    let mut table = Table::live();
    let title = Key::of("title");
    type_into(&mut table, "title", "older");
    commit(&mut table, "title");
    type_into(&mut table, "count", "other");
    commit(&mut table, "count");
    type_into(&mut table, "title", "newer");
    table.client.commit(0, title, 7);
    table.sent();
    table.receive(&patch(1, r#"{"title":"newer"}"#));
    table.receive(&ack(4));
    assert!(!table.client.is_dirty(0, Some("title")));
    assert!(table.client.is_dirty(0, Some("count")));
    assert_eq!(table.client.root(0, title), Some(&Val::text("newer")));
    // The late answer to the older one changes nothing.
    table.receive(&ack(2));
    assert_eq!(table.client.root(0, title), Some(&Val::text("newer")));
}

#[test]
fn a_reply_sends_only_committed_edits_of_its_field() {
    let mut table = Table::live();
    type_into(&mut table, "title", "a");
    commit(&mut table, "title");
    type_into(&mut table, "title", "ab");
    table.sent();
    assert_eq!(table.receive(&ack(2)), Vec::<String>::new(), "still being typed");
    assert_eq!(table.client.root(0, Key::of("title")), Some(&Val::text("ab")));

    commit(&mut table, "title");
    type_into(&mut table, "count", "1");
    commit(&mut table, "count");
    type_into(&mut table, "title", "abc");
    commit(&mut table, "title");
    table.sent();
    assert_eq!(table.receive(&ack(4)), Vec::<String>::new(), "the other field waits for its own answer");
    let sent = table.receive(&ack(3));
    assert!(sent.len() == 1 && sent[0].contains(r#""value":"abc""#), "{sent:?}");
}

#[test]
fn accepted_values_are_restored_after_a_lost_session_as_the_server_has_them() {
    // Sent alone: what the server made of it. With an action: only what the action left as it was.
    for (with_action, confirmed, expected) in [
        (false, "typed", Some("typed")),
        (false, "TYPED", Some("TYPED")),
        (true, "typed", Some("typed")),
        (true, "TYPED", None),
    ] {
        let mut table = Table::live();
        type_into(&mut table, "title", "typed");
        if with_action {
            table.call("save", 1);
        } else {
            commit(&mut table, "title");
        }
        table.sent();
        table.receive(&patch(1, &format!(r#"{{"title":"{confirmed}"}}"#)));
        table.receive(&ack(2));
        let expected: Vec<String> =
            expected.iter().map(|text| format!(r#"{{"property":"title","value":"{text}"}}"#)).collect();
        let sent = put_back(&mut table);
        assert_eq!(sent.len(), expected.len(), "{with_action} {confirmed}");
        assert!(sent.iter().zip(&expected).all(|(frame, payload)| frame.contains(payload)), "{sent:?}");
    }
}

#[test]
fn values_that_the_server_changed_are_not_restored() {
    let mut table = Table::live();
    type_into(&mut table, "title", "typed");
    commit(&mut table, "title");
    table.sent();
    table.receive(&patch(1, r#"{"title":"typed"}"#));
    table.receive(&ack(2));
    table.receive(&patch(2, r#"{"title":"theirs"}"#));
    assert_eq!(put_back(&mut table), Vec::<String>::new());
}

#[test]
fn retries_to_a_busy_server_are_delayed_and_limited() {
    let mut table = Table::live();
    table.call("increment", 3);
    let (mut pauses, mut tries) = (Vec::new(), 0);
    for _ in 0..20 {
        let sent = table.sent();
        if sent.is_empty() {
            break;
        }
        assert!(sent.len() == 1 && sent[0].contains("increment"), "{sent:?}");
        tries += 1;
        table.client.frame(table.socket, &error(tries + 1, "rate_limited"));
        let outputs = table.outputs();
        let timer = outputs
            .iter()
            .find_map(|o| if let Output::Timer { token, ms } = o { Some((*token, *ms)) } else { None });
        let settled = outputs.iter().any(|o| matches!(o, Output::Settled { ticket: 3, ok: false, .. }));
        assert_eq!(settled, timer.is_none(), "it fails when it is not tried again");
        let Some((token, ms)) = timer else { break };
        pauses.push(ms);
        table.client.timer(token);
    }
    assert_eq!(tries, 9);
    assert_eq!(
        pauses,
        [250, 300, 350, 400, 450, 500, 550, 600],
        "what the server asks for, and more each time"
    );
}

#[test]
fn refusals_of_a_busy_server_are_acknowledged_too() {
    let mut table = Table::live();
    for reference in 2..17 {
        table.call("a", reference);
        let sent = table.sent();
        assert!(!sent[0].contains("\"ack\""), "{sent:?}");
        table.receive(&error(reference, "overloaded"));
    }
    table.call("a", 99);
    assert!(table.sent()[0].contains(r#""ack":16"#));
}

#[test]
fn a_retried_edit_is_settled_when_a_newer_one_replaces_it() {
    for taken_along in [false, true] {
        let mut table = Table::live();
        type_into(&mut table, "title", "typed");
        table.client.commit(0, Key::of("title"), 5);
        table.sent();
        table.client.frame(table.socket, &error(2, "overloaded"));
        let retry = table.timer();
        if taken_along {
            table.call("save", 0);
            assert!(table.sent()[0].contains(r#""set":{"title":"typed"}"#));
        }
        table.client.timer(retry);
        let outputs = table.outputs();
        let settled = outputs.contains(&Output::Settled { ticket: 5, ok: true, value: Val::Null });
        let sent = outputs.iter().any(
            |o| matches!(o, Output::Socket(SocketCommand::Send(frame)) if frame.contains("PROPERTY_UPDATE")),
        );
        assert_eq!((settled, sent), (taken_along, !taken_along));
    }
}

#[test]
fn the_calling_element_is_notified_of_the_reply() {
    let mut table = Table::live();
    let origin = Origin { node: 5, hole: 2 };
    for (origin, expected) in [(origin, true), (Origin::default(), false)] {
        table.client.action(0, Key::of("a"), Val::Null, origin, 0, Vec::new());
        table.client.take();
        let reference = table.client.requests[0].reference as u32;
        table.client.frame(table.socket, &ack(reference));
        let answered = table.outputs().contains(&Output::Answered { slot: 0, origin, ok: true });
        assert_eq!(answered, expected, "{origin:?}");
    }
}

#[test]
fn a_lost_session_settles_pending_calls() {
    let mut table = Table::live();
    type_into(&mut table, "title", "waited for");
    table.client.commit(0, Key::of("title"), 4);
    type_into(&mut table, "count", "not waited for");
    commit(&mut table, "count");
    table.client.props(0, r#"{"parent":"c0","place":[1]}"#, 0);
    table.call("unheard", 0);
    table.sent();
    table.drop_and_pause();
    table.connect();
    table.sent();
    table.client.frame(
        table.socket,
        r#"{"v":1,"type":"WELCOME","payload":{"session":"s2","resume":"q","connection":"k","resumed":false}}"#,
    );
    let outputs = table.outputs();
    let settled = |o: &Output| {
        if let Output::Settled { ticket, ok: false, value } = o {
            Some((*ticket, code(value).to_owned()))
        } else {
            None
        }
    };
    let failed = |o: &Output| {
        if let Output::ActionFailed { action, failure, .. } = o {
            Some((action.name(), code(failure).to_owned()))
        } else {
            None
        }
    };
    assert_eq!(outputs.iter().filter_map(settled).collect::<Vec<_>>(), [(4, "session_lost".to_owned())]);
    assert_eq!(
        outputs.iter().filter_map(failed).collect::<Vec<_>>(),
        [("unheard", "session_lost".to_owned())]
    );
}

#[test]
fn the_confirmed_value_is_known_below_an_edit() {
    let mut table = Table::live();
    let title = Key::of("title");
    type_into(&mut table, "title", "typed");
    assert_eq!(table.client.root(0, title), Some(&Val::text("typed")));
    assert_eq!(table.client.confirmed(0, title), Some(&mut Val::text("t")));
    assert_eq!(table.client.confirmed(0, Key::of("nothing")), None);
}

/// Types `hello`, and submits a form that clears the field. `early` sends the text before that.
fn submit_and_clear(early: bool) -> Table {
    let mut table = Table::live();
    type_into(&mut table, "title", "hello");
    if early {
        commit(&mut table, "title");
        table.sent();
        table.receive(&patch(1, r#"{"title":"hello"}"#));
        table.receive(&ack(2));
    }
    let before = table.client.last_reference;
    table.call("save", 0);
    table.client.assign(0, Key::of("title"), Val::text(""), Some(before));
    let sent = table.sent();
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert_eq!(sent[0].contains(r#""set":{"title":"hello"}"#), !early, "{sent:?}");
    assert_eq!(title(&table), "");
    table
}

fn title(table: &Table) -> String {
    table.client.root(0, Key::of("title")).and_then(Val::str).unwrap().to_owned()
}

#[test]
fn a_field_cleared_with_an_action_is_sent_after_its_success_if_it_differs() {
    for early in [false, true] {
        let (reference, rev) = if early { (3, 2) } else { (2, 1) };
        // The action cleared it.
        let mut table = submit_and_clear(early);
        table.receive(&patch(rev, r#"{"title":""}"#));
        assert_eq!(table.receive(&ack(reference)), Vec::<String>::new());
        assert!(!table.client.is_dirty(0, None));
        // It did not.
        let mut table = submit_and_clear(early);
        table.receive(&patch(rev, r#"{"title":"hello"}"#));
        let sent = table.receive(&ack(reference));
        assert!(sent[0].contains(r#""property":"title","value":"""#), "{sent:?}");
        assert_eq!(title(&table), "");
    }
}

#[test]
fn a_field_cleared_with_a_refused_action_is_restored() {
    for early in [false, true] {
        let mut table = submit_and_clear(early);
        table.receive(&error(if early { 3 } else { 2 }, "user"));
        assert_eq!(title(&table), "hello", "{early}");
        // What was typed meanwhile stays.
        let mut table = submit_and_clear(early);
        type_into(&mut table, "title", "world");
        table.receive(&error(if early { 3 } else { 2 }, "user"));
        assert_eq!(title(&table), "world", "{early}");
        // With the session the action is lost, not the text.
        let mut table = submit_and_clear(early);
        let put_back = put_back(&mut table);
        assert_eq!(title_in(&put_back), Some("hello"), "{early}");
    }
}

#[test]
fn the_second_of_two_refused_forms_gets_its_text_back() {
    for first in [error(2, "user"), ack(2)] {
        for early in [false, true] {
            let mut table = submit_and_clear(false);
            type_into(&mut table, "title", "world");
            if early {
                commit(&mut table, "title");
            }
            let before = table.client.last_reference;
            table.call("save", 0);
            table.client.assign(0, Key::of("title"), Val::text(""), Some(before));
            let sent = table.sent();
            assert_eq!(title(&table), "");
            assert!(sent.iter().any(|frame| frame.contains("world")), "{sent:?}");
            table.receive(&first);
            assert_eq!(title(&table), "", "{first} {early}");
            for reference in 3..6 {
                table.receive(&error(reference, "user"));
            }
            assert_eq!(title(&table), "world", "{first} {early}");
        }
    }
}

fn title_in(frames: &[String]) -> Option<&str> {
    frames.iter().find_map(|frame| frame.split(r#""property":"title","value":""#).nth(1)?.split('"').next())
}

#[test]
fn an_assignment_without_an_action_is_sent_at_once() {
    let mut table = Table::live();
    table.client.assign(0, Key::of("title"), Val::text("x"), None);
    assert_eq!(title_in(&table.sent()), Some("x"));
    table.call("save", 0);
    assert!(!table.sent()[0].contains("set"));
}

#[test]
fn a_field_is_not_cleared_for_an_action_that_is_refused_at_once() {
    let mut table = Table::live();
    table.drop_and_pause();
    for _ in 0..500 {
        table.call("other", 0);
    }
    type_into(&mut table, "title", "hello");
    table.client.take();
    let before = table.client.last_reference;
    table.call("save", 0);
    table.client.assign(0, Key::of("title"), Val::text(""), Some(before));
    let outputs = table.outputs();
    let is_refused = |o: &Output| matches!(o, Output::ActionFailed { action, .. } if action.name() == "save");
    assert!(outputs.iter().any(is_refused), "{outputs:?}");
    assert_eq!(title(&table), "hello");
}
