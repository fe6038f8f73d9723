//! Which id an item gets, and what becomes of what waits for it.

use super::*;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Answer {
    Refused,
    AddsNothing,
    Adds,
}

/// When the item of another user arrives, which equals that of the update.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stranger {
    Never,
    Before,
    After,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Waits {
    Removal,
    Move,
    Edit,
    EditTypedOn,
    EditLeftLater,
}

const TEXT: &str = r#"["items","$temp1","text"]"#;

fn type_text(table: &mut Table, text: &str) {
    table.client.edit(0, Key::of(TEXT), Val::text(text));
}

fn commit(table: &mut Table) {
    table.client.commit(0, Key::of(TEXT), 0);
}

/// Adds an item and does something to it; what is sent for that from then on, without the refs.
fn play(shared: bool, answer: Answer, stranger: Stranger, waits: Waits) -> Vec<String> {
    let mut table = list(shared);
    table.add("$temp1", "two");
    match waits {
        Waits::Removal => {
            table.remove("$temp1");
        }
        Waits::Move => {
            table.plain("move", r#"["$temp1",0]"#);
        }
        Waits::Edit | Waits::EditTypedOn | Waits::EditLeftLater => type_text(&mut table, "a"),
    }
    if matches!(waits, Waits::Edit | Waits::EditTypedOn) {
        commit(&mut table);
    }
    if waits == Waits::EditTypedOn {
        type_text(&mut table, "ab");
        commit(&mut table);
    }
    let mut rev = if shared { 3 } else { 0 };
    let mut patch = |ours: bool, id: u64, text: &str| {
        rev += 1;
        let steps = format!(r#"[["+",1,{{"id":{id},"text":"{text}"}}]]"#);
        match (shared, ours) {
            (false, true) => own(2, rev, &steps),
            (false, false) => own(2, rev, &steps).replace(r#""ref":2,"#, ""),
            (true, true) => topic(r#""k-s1:2""#, rev, &steps),
            (true, false) => topic(r#""another:3""#, rev, &steps),
        }
    };
    let mut frames = Vec::new();
    if stranger == Stranger::Before {
        frames.push(patch(false, 6, "two"));
    }
    if answer == Answer::Adds {
        frames.push(patch(true, 7, "TWO"));
    }
    if stranger == Stranger::After {
        frames.push(patch(false, 6, "two"));
    }
    match answer {
        Answer::Refused => frames.push(refusal(2)),
        Answer::Adds if !shared => {}
        Answer::AddsNothing | Answer::Adds => frames.push(ack(2)),
    }
    let mut sent = table.calls();
    for frame in frames {
        sent.extend(table.answer(&frame));
    }
    if waits == Waits::EditLeftLater {
        commit(&mut table);
        sent.extend(table.calls());
    }
    if waits == Waits::EditTypedOn && answer == Answer::Adds {
        let reference = table.client.last_reference;
        sent.extend(table.answer(&ack(reference)));
    }
    if answer == Answer::Refused {
        assert!(!table.client.is_dirty(0, None), "{waits:?}");
        assert!(table.client.stream(0, Key::NONE).unwrap().optimistic.is_empty(), "{waits:?}");
        assert_eq!(unanswered(&table), 0);
    }
    sent.iter().map(|sent| sent.split_once(' ').unwrap().1.to_owned()).collect()
}

#[test]
fn an_item_has_its_id_from_the_patch_of_its_addition_alone() {
    for shared in [false, true] {
        for stranger in [Stranger::Never, Stranger::Before, Stranger::After] {
            for answer in [Answer::Refused, Answer::AddsNothing, Answer::Adds] {
                // Fields inside of a topic are no `model` fields.
                let edits = [Waits::Edit, Waits::EditTypedOn, Waits::EditLeftLater];
                let edits = if shared { &edits[..0] } else { &edits[..] };
                for waits in [Waits::Removal, Waits::Move].iter().chain(edits) {
                    let property = |id: &str, text: &str| {
                        format!(r#"{{"property":["items",{id},"text"],"value":"{text}"}}"#)
                    };
                    let expected = |id: &str| match waits {
                        Waits::Removal => vec![format!("remove[{id}]")],
                        Waits::Move => vec![format!("move[{id},0]")],
                        Waits::Edit | Waits::EditLeftLater => vec![property(id, "a")],
                        Waits::EditTypedOn if answer == Answer::Adds => {
                            vec![property(id, "a"), property(id, "ab")]
                        }
                        Waits::EditTypedOn => vec![property(id, "a")],
                    };
                    let expected = match answer {
                        Answer::Refused => none(),
                        // The server refuses it.
                        Answer::AddsNothing => expected(r#""$temp1""#),
                        Answer::Adds => expected("7"),
                    };
                    let sent = play(shared, answer, stranger, *waits);
                    assert_eq!(sent, expected, "shared: {shared}, {answer:?}, {stranger:?}, {waits:?}");
                }
            }
        }
    }
}

#[test]
fn in_a_patch_of_several_authors_an_item_is_known_only_by_its_fields() {
    let six = r#"["+",1,{"id":6,"text":"six"}]"#;
    let seven = r#"["+",2,{"id":7,"text":"two"}]"#;
    let eight = r#"["+",3,{"id":8,"text":"two"}]"#;
    for (steps, id) in [
        // The handler added no item, or another one than the update.
        (format!("[{six}]"), r#""$temp1""#),
        (format!("[{six},{seven}]"), "7"),
        // One of these is another user's.
        (format!("[{six},{seven},{eight}]"), r#""$temp1""#),
    ] {
        let mut table = list(true);
        table.add("$temp1", "two");
        table.remove("$temp1");
        table.answer(&topic(r#"["another:3","k-s1:2"]"#, 4, &steps));
        assert_eq!(table.answer(&ack(2)), [format!("4 remove[{id}]")], "{steps}");
    }
}

#[test]
fn a_commit_under_the_temporary_id_applies_to_the_permanent_id() {
    // The end of a pause in typing comes when the row has its id.
    let mut table = list(false);
    table.add("$temp1", "two");
    type_text(&mut table, "typed");
    assert_eq!(table.answer(&own(2, 1, r#"[["+",1,{"id":7,"text":"two"}]]"#)), none());
    assert_eq!(table.shown(), r#"[{"id":1,"text":"one"},{"id":7,"text":"typed"}]"#);
    commit(&mut table);
    assert_eq!(table.calls(), [r#"3 {"property":["items",7,"text"],"value":"typed"}"#]);
    table.answer(&own(3, 2, r#"[["~",7,{"text":"typed"}]]"#));

    // The blur of a control that has its row's real id by then.
    let mut table = list(false);
    table.add("$temp1", "two");
    type_text(&mut table, "typed");
    table.answer(&own(2, 1, r#"[["+",1,{"id":7,"text":"two"}]]"#));
    let real = Key::of(r#"["items",7,"text"]"#);
    assert!(table.client.commit(0, real, 0));
    assert_eq!(table.calls(), [r#"3 {"property":["items",7,"text"],"value":"typed"}"#]);
    // It is refused: the control is identified by its current name.
    let refused = refusal(3).replace("invalid", "bad_value");
    table.client.frame(table.socket, &refused);
    assert!(table.outputs().contains(&Output::Refused { slot: 0, field: real }));
}

#[test]
fn an_edit_that_waited_for_an_id_is_refused_under_the_permanent_id() {
    let mut table = list(false);
    table.add("$temp1", "two");
    type_text(&mut table, "typed");
    commit(&mut table);
    table.answer(&own(2, 1, r#"[["+",1,{"id":7,"text":"two"}]]"#));
    let reference = table.client.last_reference;
    table.client.frame(table.socket, &refusal(reference).replace("invalid", "bad_value"));
    let field = Key::of(r#"["items",7,"text"]"#);
    assert!(table.outputs().contains(&Output::Refused { slot: 0, field }));

    // Tried again later, it is found under that name too.
    let mut table = list(false);
    table.add("$temp1", "two");
    type_text(&mut table, "typed");
    commit(&mut table);
    table.answer(&own(2, 1, r#"[["+",1,{"id":7,"text":"two"}]]"#));
    let reference = table.client.last_reference;
    table.client.frame(table.socket, &refusal(reference).replace("invalid", "rate_limited"));
    let token = table.timer();
    table.client.timer(token);
    assert_eq!(table.calls().len(), 1);
}

#[test]
fn an_item_with_an_id_of_the_application_does_not_wait() {
    let mut table = list(false);
    table.add("mine", "two");
    assert_eq!(table.remove("mine"), [r#"3 remove["mine"]"#]);
    // Its addition takes nothing else along.
    assert_eq!(table.plain("tick", r#"["mine"]"#), [r#"4 tick["mine"]"#]);
    assert_eq!(table.answer(&refusal(2)), none());
    assert_eq!(unanswered(&table), 2);
}

#[test]
fn requests_that_wait_for_an_oversized_addition_are_dropped() {
    let mut table = list(false);
    table.client.closed(table.socket, 1006);
    let token = table.timer();
    table.add("$temp1", &"x".repeat(500));
    table.remove("$temp1");
    table.plain("tick", "[1]");
    table.client.timer(token);
    table.connect();
    let sent = table.welcome("s1", true);
    let sent: Vec<String> = sent.iter().map(|frame| call(frame)).collect();
    assert!(matches!(sent.as_slice(), [tick] if tick.ends_with(" tick[1]")), "{sent:?}");
}

#[test]
fn requests_that_wait_for_an_id_count_as_queued() {
    let mut table = list(false);
    table.client.closed(table.socket, 1006);
    table.add("$temp1", "two");
    table.plain("toggle", r#"["$temp1"]"#);
    assert_eq!(table.client.queued(), 2);
    type_text(&mut table, "a");
    commit(&mut table);
    assert_eq!(table.client.queued(), 3);
}
