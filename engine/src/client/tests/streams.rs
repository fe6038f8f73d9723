//! Components and topics: which messages concern which of them, and which are notified.

use super::*;

/// A chat at slot 0 that shows a topic under `chat`, and a counter `c2` at slot 1.
fn two() -> Table {
    let mut table = Table::chat();
    table.client.mount(1, "c2", open("counter"));
    table.sent();
    table.receive(r#"{"v":1,"type":"COMPONENT_MOUNTED","ref":2,"componentId":"c2","rev":0,"epoch":"f","payload":{"component":"counter","template":"h","state":{"count":0},"topics":{}}}"#);
    table.outputs();
    table
}

fn receive(table: &mut Table, frame: &str) -> Vec<Output> {
    table.client.frame(table.socket, frame);
    table.outputs()
}

/// Which component, and which of its shared fields, is notified of changes.
fn changed(outputs: &[Output]) -> Vec<(Slot, Option<&str>)> {
    let who = |o: &Output| {
        if let Output::Changed { slot, shared, .. } = o { Some((*slot, *shared)) } else { None }
    };
    outputs.iter().filter_map(who).map(|(slot, shared)| (slot, shared.map(Key::name))).collect()
}

fn replaced(outputs: &[Output]) -> Vec<Slot> {
    outputs
        .iter()
        .filter_map(|o| if let Output::Replaced { slot } = o { Some(*slot) } else { None })
        .collect()
}

#[test]
fn a_patch_is_reported_to_the_components_of_its_stream() {
    let mut table = two();
    let outputs = receive(
        &mut table,
        r#"{"v":1,"type":"STATE_UPDATE","componentId":"c1","rev":1,"payload":{"draft":"x"}}"#,
    );
    assert_eq!(changed(&outputs), [(0, None)]);
    let outputs = receive(
        &mut table,
        r#"{"v":1,"type":"STATE_UPDATE","componentId":"c2","rev":1,"payload":{"count":1}}"#,
    );
    assert_eq!(changed(&outputs), [(1, None)]);
    let outputs = receive(
        &mut table,
        r#"{"v":1,"type":"STATE_UPDATE","topic":"chat/lobby","rev":4,"payload":{"messages":[]}}"#,
    );
    assert_eq!(changed(&outputs), [(0, Some("chat"))]);
    assert_eq!(table.client.whole(0).json(), r#"{"draft":"x","chat":{"messages":[]}}"#);
    assert_eq!(table.client.whole(1).json(), r#"{"count":1}"#);
}

#[test]
fn a_snapshot_is_reported_to_the_components_of_its_stream() {
    let mut table = two();
    for (stream, told) in
        [(r#""componentId":"c1""#, 0), (r#""componentId":"c2""#, 1), (r#""topic":"chat/lobby""#, 0)]
    {
        let snapshot =
            format!(r#"{{"v":1,"type":"STATE_SNAPSHOT",{stream},"rev":9,"epoch":"g","payload":{{"n":1}}}}"#);
        assert_eq!(replaced(&receive(&mut table, &snapshot)), [told], "{stream}");
    }
    assert_eq!(table.client.whole(0).json(), r#"{"n":1,"chat":{"n":1}}"#);
    assert_eq!(table.client.whole(1).json(), r#"{"n":1}"#);
    assert_eq!(table.client.topics.len(), 1);
    // Each stream is named once when the session is resumed.
    table.drop_and_pause();
    table.connect();
    assert!(table.sent()[0].contains(r#""streams":{"c:c1":["g",9],"c:c2":["g",9],"t:chat/lobby":["g",9]}"#));
}

#[test]
fn a_message_for_an_unknown_component_has_no_effect() {
    for stream in ["", r#""componentId":"c9","#, r#""componentId":"","#, r#""topic":"","#] {
        for rest in [
            r#""type":"STATE_UPDATE","rev":1,"payload":{"draft":"x"}"#,
            r#""type":"STATE_SNAPSHOT","rev":1,"epoch":"x","payload":{"draft":"x"}"#,
            r#""type":"COMPONENT_UNMOUNTED","payload":{}"#,
            r#""type":"EVENT","payload":{"name":"n","data":1}"#,
        ] {
            let mut table = two();
            let frame = format!(r#"{{"v":1,{stream}{rest}}}"#);
            assert_eq!(receive(&mut table, &frame), [], "{frame}");
            assert_eq!(
                table.client.whole(0).json(),
                r#"{"draft":"","chat":{"messages":[{"id":1}]}}"#,
                "{frame}"
            );
        }
    }
}

#[test]
fn an_update_of_a_topic_and_its_component_reports_both_changes() {
    let mut table = two();
    let tag = table.client.add_optimistic(
        0,
        vec![
            (Key::NONE, Edit::set(Key::of("draft"), Val::text("x"))),
            (Key::of("chat"), Edit::set(Key::of("messages"), Val::List(Vec::new()))),
        ],
    );
    assert_eq!(changed(&table.outputs()), [(0, None), (0, Some("chat"))]);
    assert_eq!(table.client.whole(0).json(), r#"{"draft":"x","chat":{"messages":[]}}"#);
    table.client.release(0, tag, UpdateEnd::Included);
    assert_eq!(changed(&table.outputs()), [(0, None), (0, Some("chat"))]);
    assert_eq!(table.client.whole(0).json(), r#"{"draft":"","chat":{"messages":[{"id":1}]}}"#);
}

#[test]
fn an_update_of_a_topic_is_removed_with_its_component() {
    let ways: [fn(&mut Table); 3] = [
        |table| table.client.unmount(0),
        |table| {
            table.receive(r#"{"v":1,"type":"COMPONENT_UNMOUNTED","componentId":"c1","payload":{}}"#);
        },
        |table| {
            table.client.closed(table.socket, 1006);
            table.client.unmount(0);
        },
    ];
    for end in ways {
        let mut table = Table::chat();
        table.client.mount(1, "c2", open("chat"));
        table.sent();
        table.receive(r#"{"v":1,"type":"COMPONENT_MOUNTED","ref":2,"componentId":"c2","rev":0,"epoch":"f","payload":{"component":"chat","template":"h","state":{},"topics":{"chat":"chat/lobby"}}}"#);
        let update = (Key::of("chat"), Edit::set(Key::of("messages"), Val::List(Vec::new())));
        table.client.action(0, Key::of("clear"), Val::Null, Origin::default(), 0, vec![update]);
        table.outputs();
        assert_eq!(table.client.whole(1).json(), r#"{"chat":{"messages":[]}}"#);
        end(&mut table);
        assert_eq!(table.client.whole(1).json(), r#"{"chat":{"messages":[{"id":1}]}}"#);
    }
}

#[test]
fn an_author_is_known_by_every_connection_of_the_session() {
    let mut table = two();
    let update = (Key::of("chat"), Edit::set(Key::of("messages"), Val::List(Vec::new())));
    table.client.action(0, Key::of("clear"), Val::Null, Origin::default(), 0, vec![update]);
    table.sent();
    table.drop_and_pause();
    table.connect();
    table.sent();
    table.receive(r#"{"v":1,"type":"WELCOME","payload":{"session":"s1","resume":"r2","connection":"k2","resumed":true,"done":[3]}}"#);
    table.receive(r#"{"v":1,"type":"STATE_UPDATE","topic":"chat/lobby","rev":4,"by":"k-s1:3","payload":{"messages":[{"id":2}]}}"#);
    assert_eq!(table.client.whole(0).json(), r#"{"draft":"","chat":{"messages":[{"id":2}]}}"#);
}

#[test]
fn a_component_waits_for_its_own_answers() {
    let mut table = two();
    table.call("a", 1);
    assert!(table.client.waits(0, &|_| true));
    assert!(!table.client.waits(0, &|request| request.kind == RequestKind::Property));
    assert!(!table.client.waits(1, &|_| true));
}

#[test]
fn a_component_that_the_server_unmounts_has_failed() {
    let mut table = two();
    table.call("a", 4);
    table.sent();
    let outputs = receive(
        &mut table,
        r#"{"v":1,"type":"COMPONENT_UNMOUNTED","componentId":"c1","payload":{"reason":"closed"}}"#,
    );
    let failure = failure("not_mounted", "closed");
    assert!(outputs.contains(&Output::Failed { slot: 0, failure }), "{outputs:?}");
    assert!(outputs.iter().any(|o| matches!(o, Output::Settled { ticket: 4, ok: false, .. })));
    assert_eq!(table.client.component(0).unwrap().phase, ComponentPhase::Failed);
    assert_eq!(table.client.component(1).unwrap().phase, ComponentPhase::Live);
    table.drop_and_pause();
    table.connect();
    assert!(table.sent()[0].contains(r#""streams":{"c:c2":["f",0]}"#), "its topic is gone as well");
}

#[test]
fn props_are_sent_and_sent_again_in_a_new_session() {
    let mut table = Table::live();
    table.client.props(0, r#"{"parent":"c0","place":[2]}"#, 0);
    let sent = table.sent();
    assert_eq!(
        sent,
        [r#"{"v":1,"type":"PROPS_UPDATE","ref":2,"componentId":"c1","payload":{"parent":"c0","place":[2]}}"#]
    );
    table.drop_and_pause();
    table.connect();
    let sent = table.welcome("s2", false);
    assert!(
        sent.len() == 1 && sent[0].contains("COMPONENT_MOUNT") && sent[0].contains(r#""place":[2]"#),
        "{sent:?}"
    );
}

#[test]
fn a_component_without_a_mount_is_unmounted_without_a_message() {
    // One that failed, and one that was never asked for.
    let mut table = two();
    receive(&mut table, r#"{"v":1,"type":"COMPONENT_UNMOUNTED","componentId":"c1","payload":{}}"#);
    table.client.unmount(0);
    assert_eq!(table.sent(), Vec::<String>::new());
    assert!(table.client.component(0).is_none());

    let mut table = Table::new();
    table.client.mount(0, "c1", open("counter"));
    table.client.unmount(0);
    assert!(table.client.component(0).is_none());
    table.connect();
    assert_eq!(table.welcome("s1", false), Vec::<String>::new());
}
