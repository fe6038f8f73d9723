//! Actions on items that the page shows before the server has given them an id.

mod naming;

use super::*;

const LIST: &str = r#"{"v":1,"type":"COMPONENT_MOUNTED","ref":1,"componentId":"c1","rev":0,"epoch":"e","payload":{"component":"list","template":"h","state":{"draft":"","items":[{"id":1,"text":"one"}]},"topics":{}}}"#;
const SHARED: &str = r#"{"v":1,"type":"COMPONENT_MOUNTED","ref":1,"componentId":"c1","rev":0,"epoch":"e","payload":{"component":"list","template":"h","state":{},"topics":{"list":"list/main"}}}"#;
const TOPIC: &str = r#"{"v":1,"type":"STATE_SNAPSHOT","topic":"list/main","rev":3,"epoch":"t","payload":{"items":[{"id":1,"text":"one"}]}}"#;

/// A list at slot 0: its own, or one in a topic.
fn list(shared: bool) -> Table {
    let mut table = Table::new();
    table.client.mount(0, "c1", open("list"));
    table.connect();
    table.welcome("s1", false);
    if shared {
        table.receive(TOPIC);
    }
    table.receive(if shared { SHARED } else { LIST });
    table
}

impl Table {
    /// Calls an action with an optimistic update. Returns the sent payload.
    fn act(&mut self, action: &str, arguments: &str, edit: Edit) -> Vec<String> {
        let shared = if self.client.topics.is_empty() { Key::NONE } else { Key::of("list") };
        let arguments = parse(arguments).unwrap();
        let optimistic = vec![(shared, edit)];
        self.client.action(0, Key::of(action), arguments, Origin::default(), 0, optimistic);
        self.calls()
    }

    fn calls(&mut self) -> Vec<String> {
        self.sent().iter().map(|frame| call(frame)).collect()
    }

    fn add(&mut self, id: &str, text: &str) -> Vec<String> {
        let item = Val::Obj(vec![(Key::of("id"), Val::text(id)), (Key::of("text"), Val::text(text))]);
        let edit = Edit { field: Key::of("items"), patch: patch::push(item), ..Edit::default() };
        self.act("add", &format!("[\"{text}\"]"), edit)
    }

    fn rename(&mut self, id: &str, text: &str) -> Vec<String> {
        let path = vec![(Key::NONE, Val::text(id)), (Key::of("text"), Val::Null)];
        let edit = Edit { field: Key::of("items"), path, patch: Val::text(text) };
        self.act("rename", &format!("[\"{id}\",\"{text}\"]"), edit)
    }

    fn remove(&mut self, id: &str) -> Vec<String> {
        let patch = patch::remove(Val::text(id));
        self.act("remove", &format!("[\"{id}\"]"), Edit { field: Key::of("items"), patch, ..Edit::default() })
    }

    /// Calls an action without an optimistic update.
    fn plain(&mut self, action: &str, arguments: &str) -> Vec<String> {
        let arguments = parse(arguments).unwrap();
        self.client.action(0, Key::of(action), arguments, Origin::default(), 9, Vec::new());
        self.calls()
    }

    fn answer(&mut self, frame: &str) -> Vec<String> {
        self.receive(frame).iter().map(|frame| call(frame)).collect()
    }

    fn shown(&self) -> String {
        let whole = self.client.whole(0);
        let list = whole.named("list").unwrap_or(&whole);
        list.named("items").map(Val::json).unwrap_or_default()
    }
}

/// The action and its arguments.
fn call(frame: &str) -> String {
    let frame = parse(frame).unwrap();
    let payload = frame.named("payload").map(Val::json).unwrap_or_default();
    format!("{} {}{payload}", frame.int_of("ref").unwrap_or(0), frame.text_of("action"))
}

fn none() -> Vec<String> {
    Vec::new()
}

fn own(reference: u64, rev: u64, list: &str) -> String {
    format!(
        r#"{{"v":1,"type":"STATE_UPDATE","ref":{reference},"componentId":"c1","rev":{rev},"payload":{{"items":{{"$list":{list}}}}}}}"#
    )
}

fn topic(by: &str, rev: u64, list: &str) -> String {
    format!(
        r#"{{"v":1,"type":"STATE_UPDATE","topic":"list/main","rev":{rev},"by":{by},"payload":{{"items":{{"$list":{list}}}}}}}"#
    )
}

fn ack(reference: u64) -> String {
    format!(r#"{{"v":1,"type":"ACK","ref":{reference},"componentId":"c1"}}"#)
}

fn refusal(reference: u64) -> String {
    format!(
        r#"{{"v":1,"type":"ERROR","ref":{reference},"componentId":"c1","payload":{{"code":"invalid","message":"no"}}}}"#
    )
}

#[test]
fn requests_that_name_a_temporary_id_wait_and_are_sent_in_order_with_the_id() {
    let mut table = list(false);
    assert_eq!(table.add("$temp1", "two"), [r#"2 add["two"]"#]);
    assert_eq!(table.rename("$temp1", "new"), none());
    assert_eq!(table.plain("move", r#"["$temp1",0]"#), none());
    // What comes after it stays after it.
    assert_eq!(table.plain("tick", "[1]"), none());
    assert_eq!(table.remove("$temp1"), none());
    assert!(table.client.waits(0, &|request| request.name.name() == "tick"), "it counts as loading");
    let sent = table.answer(&own(2, 1, r#"[["+",1,{"id":7,"text":"two"}]]"#));
    assert_eq!(sent, [r#"7 rename[7,"new"]"#, r#"8 move[7,0]"#, r#"9 tick[1]"#]);
    let sent = table.answer(&own(7, 2, r#"[["~",7,{"text":"new"}]]"#));
    assert_eq!(sent, [r#"10 remove[7]"#]);
}

#[test]
fn the_update_of_a_waiting_request_stays_visible() {
    let mut table = list(false);
    table.add("$temp1", "two");
    table.rename("$temp1", "new");
    assert_eq!(table.shown(), r#"[{"id":1,"text":"one"},{"id":"$temp1","text":"new"}]"#);
    table.answer(&own(2, 1, r#"[["+",1,{"id":7,"text":"two"}]]"#));
    assert_eq!(table.shown(), r#"[{"id":1,"text":"one"},{"id":7,"text":"new"}]"#);
    table.answer(&refusal(4));
    assert_eq!(table.shown(), r#"[{"id":1,"text":"one"},{"id":7,"text":"two"}]"#);

    table.add("$temp2", "three");
    table.remove("$temp2");
    assert_eq!(table.shown(), r#"[{"id":1,"text":"one"},{"id":7,"text":"two"}]"#);
    let sent = table.answer(&own(5, 2, r#"[["+",0,{"id":8,"text":"three"}]]"#));
    assert_eq!(sent, ["7 remove[8]"]);
    assert_eq!(table.shown(), r#"[{"id":1,"text":"one"},{"id":7,"text":"two"}]"#);
}

#[test]
fn waiting_requests_are_dropped_with_a_refused_addition() {
    let mut table = list(false);
    table.add("$temp1", "");
    table.rename("$temp1", "new");
    table.plain("move", r#"["$temp1",0]"#);
    table.plain("tick", "[1]");
    table.client.frame(table.socket, &refusal(2));
    let outputs = table.outputs();
    let failed: Vec<&Output> =
        outputs.iter().filter(|output| matches!(output, Output::ActionFailed { .. })).collect();
    assert!(matches!(failed.as_slice(), [Output::ActionFailed { action, .. }] if action.name() == "add"));
    // A call of the page's own code hears of it.
    let settled = outputs.iter().filter_map(|output| {
        if let Output::Settled { ok: false, value, .. } = output { Some(code(value)) } else { None }
    });
    assert_eq!(settled.collect::<Vec<_>>(), ["unknown_item"]);
    let sent: Vec<String> = outputs
        .iter()
        .filter_map(|output| {
            if let Output::Socket(SocketCommand::Send(frame)) = output { Some(call(frame)) } else { None }
        })
        .collect();
    assert_eq!(sent.iter().map(|sent| &sent[2..]).collect::<Vec<_>>(), ["tick[1]"]);
    assert_eq!(table.shown(), r#"[{"id":1,"text":"one"}]"#);
}

#[test]
fn of_several_additions_each_has_its_own_item() {
    let mut table = list(false);
    table.add("$temp1", "two");
    table.rename("$temp1", "2");
    assert_eq!(table.add("$temp2", "three"), none());
    table.rename("$temp2", "3");
    let sent = table.answer(&own(2, 1, r#"[["+",1,{"id":7,"text":"TWO"}]]"#));
    assert_eq!(sent, [r#"6 rename[7,"2"]"#, r#"7 add["three"]"#]);
    assert_eq!(table.shown(), r#"[{"id":1,"text":"one"},{"id":7,"text":"2"},{"id":"$temp2","text":"3"}]"#);
    assert_eq!(table.answer(&own(6, 2, r#"[["~",7,{"text":"2"}]]"#)), none());
    let sent = table.answer(&own(7, 3, r#"[["+",2,{"id":8,"text":"THREE"}]]"#));
    assert!(sent[0].ends_with(r#" rename[8,"3"]"#), "{sent:?}");

    // Two in flight at once.
    let mut table = list(false);
    table.add("$temp1", "two");
    assert_eq!(table.add("$temp2", "three"), [r#"3 add["three"]"#]);
    table.rename("$temp2", "3");
    table.rename("$temp1", "2");
    assert_eq!(table.answer(&own(2, 1, r#"[["+",1,{"id":7,"text":"TWO"}]]"#)), none());
    let sent = table.answer(&own(3, 2, r#"[["+",2,{"id":8,"text":"THREE"}]]"#));
    assert_eq!(
        sent.iter().map(|sent| sent.split_once(' ').unwrap().1).collect::<Vec<_>>(),
        [r#"rename[8,"3"]"#, r#"rename[7,"2"]"#]
    );
}

#[test]
fn a_handler_that_adds_more_or_fewer_items_than_the_update() {
    // Of several items, the one that equals that of the update.
    let mut table = list(false);
    table.add("$temp1", "two");
    table.plain("tick", r#"["$temp1"]"#);
    let sent = table.answer(&own(
        2,
        1,
        r#"[["+",0,{"id":6,"text":"more"}],["+",1,{"id":7,"text":"two"}],["=",[7,1,6]]]"#,
    ));
    assert_eq!(sent, ["4 tick[7]"]);

    // It is not known which one: the server refuses what names it.
    for list_patch in ["[]", r#"[["+",0,{"id":6,"text":"more"}],["+",1,{"id":7,"text":"TWO"}]]"#] {
        let mut table = list(false);
        table.add("$temp1", "two");
        table.plain("tick", r#"["$temp1"]"#);
        assert_eq!(table.answer(&own(2, 1, list_patch)), [r#"4 tick["$temp1"]"#]);
    }
}

#[test]
fn an_item_of_a_topic_has_its_id_from_the_patch_that_names_its_author() {
    let mut table = list(true);
    table.add("$temp1", "two");
    table.rename("$temp1", "new");
    // An item of another user is not the one.
    assert_eq!(table.answer(&topic(r#""another:3""#, 4, r#"[["+",1,{"id":6,"text":"six"}]]"#)), none());
    assert_eq!(table.answer(&topic(r#""k-s1:2""#, 5, r#"[["+",2,{"id":7,"text":"TWO"}]]"#)), none());
    assert_eq!(table.shown(), r#"[{"id":1,"text":"one"},{"id":6,"text":"six"},{"id":7,"text":"new"}]"#);
    assert_eq!(table.answer(&ack(2)), [r#"4 rename[7,"new"]"#]);

    // One patch for several authors.
    let mut table = list(true);
    table.add("$temp1", "two");
    table.rename("$temp1", "new");
    let both = r#"[["+",1,{"id":6,"text":"six"}],["+",2,{"id":7,"text":"two"}]]"#;
    table.answer(&topic(r#"["another:3","k-s1:2"]"#, 4, both));
    assert_eq!(table.answer(&ack(2)), [r#"4 rename[7,"new"]"#]);
}

#[test]
fn an_addition_whose_patch_was_missed_has_no_id() {
    // The patches of a component that were missed name no message: the server refuses what waits.
    let mut table = list(false);
    table.add("$temp1", "two");
    table.rename("$temp1", "2");
    table.drop_and_pause();
    table.connect();
    table.sent();
    let sent = table.answer(r#"{"v":1,"type":"WELCOME","payload":{"session":"s1","resume":"r2","connection":"k2","resumed":true,"done":[2],"heartbeatMs":1000}}"#);
    assert_eq!(sent, none());
    table.answer(&own(0, 1, r#"[["+",1,{"id":7,"text":"two"}]]"#).replace(r#""ref":0,"#, ""));
    assert_eq!(table.answer(&ack(2)), [r#"4 rename["$temp1","2"]"#]);

    // A snapshot has others' items too.
    let mut table = list(true);
    table.add("$temp1", "two");
    table.rename("$temp1", "2");
    table.answer(r#"{"v":1,"type":"STATE_SNAPSHOT","topic":"list/main","rev":9,"epoch":"u","payload":{"items":[{"id":7,"text":"two"},{"id":1,"text":"one"}]}}"#);
    assert_eq!(table.answer(&ack(2)), [r#"4 rename["$temp1","2"]"#]);
}

#[test]
fn waiting_requests_are_lost_with_their_session() {
    let mut table = list(false);
    table.add("$temp1", "two");
    table.rename("$temp1", "new");
    table.drop_and_pause();
    table.connect();
    table.sent();
    table.client.frame(table.socket, r#"{"v":1,"type":"WELCOME","payload":{"session":"s2","resume":"r","connection":"k","resumed":false,"done":[],"heartbeatMs":1000}}"#);
    let outputs = table.outputs();
    let lost = outputs.iter().filter(
        |output| matches!(output, Output::ActionFailed { failure, .. } if code(failure) == "session_lost"),
    );
    assert_eq!(lost.count(), 2);
    let actions = outputs.iter().filter(
        |output| matches!(output, Output::Socket(SocketCommand::Send(frame)) if frame.contains("ACTION")),
    );
    assert_eq!(actions.count(), 0);
}

#[test]
fn a_retried_addition_precedes_the_requests_that_wait_for_it() {
    let mut table = list(false);
    table.add("$temp1", "two");
    table.rename("$temp1", "new");
    table.client.frame(
        table.socket,
        r#"{"v":1,"type":"ERROR","ref":2,"componentId":"c1","payload":{"code":"rate_limited","message":"","retryMs":5}}"#,
    );
    let token = table.timer();
    table.client.timer(token);
    let sent = table.calls();
    assert!(sent[0].ends_with(r#"add["two"]"#), "{sent:?}");
    let reference = sent[0].split_once(' ').unwrap().0.parse().unwrap();
    let sent = table.answer(&own(reference, 1, r#"[["+",1,{"id":7,"text":"two"}]]"#));
    assert!(sent[0].ends_with(r#"rename[7,"new"]"#), "{sent:?}");
}

#[test]
fn edits_of_items_without_an_id_and_assignments_after_an_action_wait_too() {
    let mut table = list(false);
    let text = Key::of(r#"["items","$temp1","text"]"#);
    table.add("$temp1", "two");
    table.client.edit(0, text, Val::text("typed"));
    table.client.commit(0, text, 0);
    assert_eq!(table.calls(), none());
    assert_eq!(table.shown(), r#"[{"id":1,"text":"one"},{"id":"$temp1","text":"typed"}]"#);
    let before = table.client.last_reference;
    table.plain("rename", r#"["$temp1","x"]"#);
    table.client.assign(0, Key::of("draft"), Val::text("next"), Some(before));
    assert!(table.client.whole(0).json().contains(r#""draft":"next""#));
    let sent = table.answer(&own(2, 1, r#"[["+",1,{"id":7,"text":"two"}]]"#));
    assert_eq!(
        sent.iter().map(|sent| sent.split_once(' ').unwrap().1).collect::<Vec<_>>(),
        [r#"{"property":["items",7,"text"],"value":"typed"}"#, r#"rename[7,"x"]"#]
    );
    assert_eq!(table.shown(), r#"[{"id":1,"text":"one"},{"id":7,"text":"typed"}]"#);

    // With an addition that is refused it goes.
    let mut table = list(false);
    table.add("$temp1", "two");
    table.client.edit(0, text, Val::text("typed"));
    table.client.commit(0, text, 0);
    assert_eq!(table.answer(&refusal(2)), none());
    assert_eq!(table.plain("tick", "[1]").len(), 1);
}

#[test]
fn a_text_like_a_temporary_id_is_sent_unchanged() {
    let mut table = list(false);
    assert_eq!(table.plain("say", r#"["$temp1"]"#), [r#"2 say["$temp1"]"#]);
}

#[test]
fn waiting_requests_count_as_unsent_for_a_reload() {
    let mut table = list(false);
    table.add("$temp1", "two");
    table.rename("$temp1", "new");
    table.plain("tick", "[1]");
    let queue = parse(&table.client.queue()).unwrap();
    let left: Vec<String> =
        queue.list().unwrap()[1..].iter().map(|kept| kept.list().unwrap()[0].json()).collect();
    assert_eq!(left, ["1", "0", "0"]);
}
