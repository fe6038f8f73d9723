mod answers;
mod connection;
mod model;
mod nested;
mod streams;
mod temporary;

use super::*;
use crate::patch;
use crate::store::{Edit, UpdateEnd};
use crate::value::parse;

/// A client with a server that is played by hand.
struct Table {
    client: Client,
    socket: u32,
}

impl Table {
    fn new() -> Self {
        Self { client: Client::new(7), socket: 0 }
    }

    /// One that is welcomed, with an open counter mounted at slot 0.
    fn live() -> Self {
        let mut table = Self::new();
        table.client.mount(0, "c1", open("counter"));
        table.connect();
        let sent = table.welcome("s1", false);
        assert_eq!(sent, [mount_frame(1, "c1", "counter")]);
        table.receive(r#"{"v":1,"type":"COMPONENT_MOUNTED","ref":1,"componentId":"c1","rev":0,"epoch":"e","payload":{"component":"counter","template":"h","state":{"count":0,"title":"t"},"topics":{}}}"#);
        table
    }

    /// A chat at slot 0, with the topic `chat/lobby` under `chat`.
    fn chat() -> Self {
        let mut table = Self::new();
        table.client.mount(0, "c1", open("chat"));
        table.connect();
        table.welcome("s1", false);
        table.receive(r#"{"v":1,"type":"STATE_SNAPSHOT","topic":"chat/lobby","rev":3,"epoch":"t","payload":{"messages":[{"id":1}]}}"#);
        table.receive(r#"{"v":1,"type":"COMPONENT_MOUNTED","ref":1,"componentId":"c1","rev":0,"epoch":"e","payload":{"component":"chat","template":"h","state":{"draft":""},"topics":{"chat":"chat/lobby"}}}"#);
        table
    }

    fn connect(&mut self) {
        let outputs = self.client.take();
        let connect = outputs.iter().find_map(|o| {
            if let Output::Socket(SocketCommand::Connect(socket)) = o { Some(*socket) } else { None }
        });
        self.socket = connect.expect("the client requests a connection");
        self.client.opened(self.socket);
    }

    /// Answers `HELLO`; what is sent with it and then.
    fn welcome(&mut self, session: &str, resumed: bool) -> Vec<String> {
        let mut sent = self.sent();
        let hello = sent.remove(0);
        assert!(hello.starts_with(r#"{"v":1,"type":"HELLO","payload":{"#), "{hello}");
        sent.extend(self.receive(&format!(
            r#"{{"v":1,"type":"WELCOME","payload":{{"session":"{session}","resume":"r","connection":"k-{session}","resumed":{resumed},"done":[],"heartbeatMs":1000,"limits":{{"messageBytes":400,"inFlight":3}}}}}}"#
        )));
        sent
    }

    /// A frame from the server; what is sent then.
    fn receive(&mut self, frame: &str) -> Vec<String> {
        parse(frame).expect("a frame is JSON");
        self.client.frame(self.socket, frame);
        self.sent()
    }

    fn sent(&mut self) -> Vec<String> {
        self.outputs()
            .into_iter()
            .filter_map(
                |o| if let Output::Socket(SocketCommand::Send(frame)) = o { Some(frame) } else { None },
            )
            .collect()
    }

    /// Everything, with nothing left behind.
    fn outputs(&mut self) -> Vec<Output> {
        let outputs = self.client.take();
        for output in &outputs {
            if let Output::Socket(SocketCommand::Send(frame)) = output {
                understood(frame);
            }
        }
        outputs
    }

    fn call(&mut self, action: &str, ticket: u32) {
        self.client.action(0, Key::of(action), Val::Null, Origin::default(), ticket, Vec::new());
    }

    /// The connection drops and the pause before the next try is over.
    fn drop_and_pause(&mut self) {
        self.client.closed(self.socket, 1006);
        let token = self.timer();
        self.client.timer(token);
    }

    /// The newest timer that was asked for.
    fn timer(&mut self) -> u32 {
        let timers = self
            .outputs()
            .into_iter()
            .filter_map(|o| if let Output::Timer { token, .. } = o { Some(token) } else { None });
        timers.max().expect("a timer was asked for")
    }

    fn count(&self) -> String {
        self.client.root(0, Key::of("count")).map(Val::json).unwrap_or_default()
    }
}

/// The page writes its messages itself, because the words and encoders of the crate that servers
/// use would weigh more in it; what it writes has to be what they read.
fn understood(frame: &str) {
    if let Err(error) = vivaz_protocol::decode_client(frame, &vivaz_protocol::Limits::default()) {
        panic!("{frame} is no message: {error:?}");
    }
}

fn open(name: &str) -> String {
    format!(r#"{{"component":"{name}","props":{{}}}}"#)
}

fn mount_frame(reference: u64, id: &str, name: &str) -> String {
    format!(
        r#"{{"v":1,"type":"COMPONENT_MOUNT","ref":{reference},"componentId":"{id}","payload":{{"component":"{name}","props":{{}}}}}}"#
    )
}

fn set(field: &str, value: i64) -> (Key, Edit) {
    (Key::NONE, Edit::set(Key::of(field), Val::Int(value)))
}

fn code(failure: &Val) -> &str {
    failure.text_of("code")
}

fn unanswered(table: &Table) -> usize {
    table.client.requests.len() + table.client.retries.len()
}

#[test]
fn the_page_connects_at_the_first_mount() {
    assert_eq!(Table::new().outputs(), []);
}

#[test]
fn a_click_is_small_and_its_reply_settles_it() {
    let mut table = Table::live();
    assert_eq!(table.client.component(0).unwrap().phase, ComponentPhase::Live);
    table.call("increment", 9);
    let sent = table.sent();
    assert_eq!(
        sent,
        [r#"{"v":1,"type":"COMPONENT_ACTION","ref":2,"componentId":"c1","action":"increment"}"#]
    );
    assert!(sent[0].len() <= 100);
    assert_eq!(unanswered(&table), 1);
    table.client.frame(table.socket, r#"{"v":1,"type":"STATE_UPDATE","ref":2,"componentId":"c1","rev":1,"payload":{"count":1},"result":5}"#);
    let outputs = table.outputs();
    assert!(outputs.contains(&Output::Settled { ticket: 9, ok: true, value: Val::Int(5) }), "{outputs:?}");
    assert_eq!((table.count(), unanswered(&table)), ("1".into(), 0));
}

#[test]
fn an_optimistic_update_shows_at_once_and_a_refusal_reverts_it() {
    let mut table = Table::live();
    table.client.action(0, Key::of("increment"), Val::Null, Origin::default(), 0, vec![set("count", 1)]);
    assert_eq!(table.count(), "1");
    table.client.frame(
        table.socket,
        r#"{"v":1,"type":"ERROR","ref":2,"componentId":"c1","payload":{"code":"forbidden","message":"no"}}"#,
    );
    assert_eq!(table.count(), "0");
    assert!(
        table
            .outputs()
            .iter()
            .any(|o| matches!(o, Output::ActionFailed { failure, .. } if code(failure) == "forbidden"))
    );
}

#[test]
fn a_topic_patch_that_names_its_author_drops_the_authors_update() {
    let mut table = Table::chat();
    let chat = Key::of("chat");
    let push = Edit {
        field: Key::of("messages"),
        path: Vec::new(),
        patch: patch::push(parse(r#"{"id":"$temp1"}"#).unwrap()),
    };
    table.client.action(
        0,
        Key::of("send"),
        parse("[\"hi\"]").unwrap(),
        Origin::default(),
        0,
        vec![(chat, push)],
    );
    assert_eq!(
        table.client.whole(0).json(),
        r#"{"draft":"","chat":{"messages":[{"id":1},{"id":"$temp1"}]}}"#
    );
    table.receive(r#"{"v":1,"type":"STATE_UPDATE","topic":"chat/lobby","rev":4,"by":"k-s1:2","payload":{"messages":{"$list":[["+",1,{"id":2}]]}}}"#);
    assert_eq!(table.client.whole(0).json(), r#"{"draft":"","chat":{"messages":[{"id":1},{"id":2}]}}"#);
    // That of another user does not.
    let push = Edit {
        field: Key::of("messages"),
        path: vec![(Key::NONE, Val::Int(1)), (Key::of("n"), Val::Null)],
        patch: Val::Int(1),
    };
    table.client.action(0, Key::of("send"), Val::Null, Origin::default(), 0, vec![(chat, push)]);
    table.receive(r#"{"v":1,"type":"STATE_UPDATE","topic":"chat/lobby","rev":5,"by":"another:3","payload":{"messages":{"$list":[["+",2,{"id":3}]]}}}"#);
    assert!(table.client.whole(0).json().contains(r#"{"id":1,"n":1}"#));
    table.receive(r#"{"v":1,"type":"ACK","ref":3,"componentId":"c1"}"#);
    assert!(!table.client.whole(0).json().contains(r#""n":1"#));
}

#[test]
fn a_gap_requests_one_snapshot() {
    let mut table = Table::chat();
    let ahead = |rev| {
        format!(
            r#"{{"v":1,"type":"STATE_UPDATE","topic":"chat/lobby","rev":{rev},"payload":{{"messages":[]}}}}"#
        )
    };
    assert_eq!(table.receive(&ahead(9)), [r#"{"v":1,"type":"RESYNC","topic":"chat/lobby"}"#]);
    assert_eq!(table.receive(&ahead(10)), Vec::<String>::new());
    table.receive(r#"{"v":1,"type":"STATE_SNAPSHOT","topic":"chat/lobby","rev":10,"epoch":"u","payload":{"messages":[{"id":4}]}}"#);
    assert!(table.client.whole(0).json().contains(r#"[{"id":4}]"#));
    table.receive(&ahead(11));
    assert!(table.client.whole(0).json().contains(r#""messages":[]"#));
}

#[test]
fn a_resume_repeats_pending_requests_and_names_every_stream() {
    let mut table = Table::chat();
    table.call("a", 1);
    table.call("b", 2);
    table.sent();
    table.drop_and_pause();
    table.call("c", 3);
    table.connect();
    let hello = table.sent();
    assert_eq!(
        hello,
        [
            r#"{"v":1,"type":"HELLO","payload":{"session":"s1","resume":"r","acked":1,"streams":{"c:c1":["e",0],"t:chat/lobby":["t",3]}}}"#
        ]
    );
    let sent = table.receive(r#"{"v":1,"type":"WELCOME","payload":{"session":"s1","resume":"r2","connection":"k2","resumed":true,"done":[2],"heartbeatMs":1000}}"#);
    let refs: Vec<&str> = sent.iter().map(|f| &f[f.find("ref").unwrap()..][..6]).collect();
    assert_eq!(refs, ["ref\":3", "ref\":4"], "the one that is done gets its reply by itself");
    table.client.frame(table.socket, r#"{"v":1,"type":"ACK","ref":2,"componentId":"c1","payload":7}"#);
    assert!(table.outputs().contains(&Output::Settled { ticket: 1, ok: true, value: Val::Int(7) }));
}

#[test]
fn a_lost_session_mounts_again_restores_edits_and_fails_pending_requests() {
    let mut table = Table::chat();
    let draft = Key::of("draft");
    table.client.edit(0, draft, Val::text("accepted"));
    table.client.commit(0, draft, 0);
    table.receive(
        r#"{"v":1,"type":"STATE_UPDATE","ref":2,"componentId":"c1","rev":1,"payload":{"draft":"accepted"}}"#,
    );
    table.call("lost", 5);
    table.drop_and_pause();
    table.connect();
    let frames = table.sent();
    assert_eq!(frames.len(), 1);
    table.client.frame(table.socket, r#"{"v":1,"type":"WELCOME","payload":{"session":"s2","resume":"q","connection":"k3","resumed":false,"heartbeatMs":1000}}"#);
    let outputs = table.outputs();
    let sent: Vec<&String> = outputs
        .iter()
        .filter_map(|o| if let Output::Socket(SocketCommand::Send(f)) = o { Some(f) } else { None })
        .collect();
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert!(
        sent[0].contains("COMPONENT_MOUNT") && sent[1].contains(r#"{"property":"draft","value":"accepted"}"#)
    );
    assert!(outputs.iter().any(
        |o| matches!(o, Output::Settled { ticket: 5, ok: false, value } if code(value) == "session_lost")
    ));
    assert_eq!(
        table.client.whole(0).named("draft"),
        Some(&Val::text("accepted")),
        "it never leaves the screen"
    );
}

#[test]
fn values_that_the_server_cleared_are_not_restored() {
    let mut table = Table::chat();
    let draft = Key::of("draft");
    table.client.edit(0, draft, Val::text("hello"));
    let sent = {
        table.call("send", 1);
        table.sent()
    };
    assert_eq!(
        sent,
        [
            r#"{"v":1,"type":"COMPONENT_ACTION","ref":2,"componentId":"c1","action":"send","set":{"draft":"hello"}}"#
        ]
    );
    table.receive(
        r#"{"v":1,"type":"STATE_UPDATE","ref":2,"componentId":"c1","rev":1,"payload":{"draft":""}}"#,
    );
    assert_eq!(
        table.client.whole(0).named("draft"),
        Some(&Val::text("")),
        "cleared by the action, and shown"
    );
    table.drop_and_pause();
    table.connect();
    let sent = table.welcome("s2", false);
    assert_eq!(sent, [mount_frame(3, "c1", "chat")]);
}

#[test]
fn letters_typed_during_a_request_are_sent_together_and_never_overwritten() {
    let mut table = Table::chat();
    let draft = Key::of("draft");
    let shown = |table: &Table| table.client.whole(0).named("draft").unwrap().str().unwrap().to_owned();
    let mut sent = Vec::new();
    for text in ["h", "he", "hel"] {
        table.client.edit(0, draft, Val::text(text));
        table.client.commit(0, draft, 0);
        sent.extend(table.sent());
    }
    assert_eq!(sent.len(), 1);
    // The server's own idea of the field does not show below newer letters.
    let sent = table.receive(
        r#"{"v":1,"type":"STATE_UPDATE","ref":2,"componentId":"c1","rev":1,"payload":{"draft":"H"}}"#,
    );
    assert_eq!(shown(&table), "hel");
    assert!(sent.len() == 1 && sent[0].contains(r#""value":"hel""#), "{sent:?}");
    assert!(table.client.is_dirty(0, Some("draft")));
    table.receive(
        r#"{"v":1,"type":"STATE_UPDATE","ref":3,"componentId":"c1","rev":2,"payload":{"draft":"HEL"}}"#,
    );
    assert_eq!(shown(&table), "HEL", "answered, and nothing newer");
    assert!(!table.client.is_dirty(0, None));
}

#[test]
fn a_refused_value_is_reported_and_the_confirmed_one_is_used() {
    let mut table = Table::live();
    let title = Key::of("title");
    table.client.edit(0, title, Val::Int(5));
    table.client.commit(0, title, 0);
    table.client.take();
    table.client.frame(table.socket, r#"{"v":1,"type":"ERROR","ref":2,"componentId":"c1","payload":{"code":"bad_value","message":"not text"}}"#);
    let outputs = table.outputs();
    assert!(outputs.iter().any(|o| matches!(o, Output::Refused { field, .. } if *field == title)));
    assert_eq!(table.client.root(0, title), Some(&Val::text("t")));
}

#[test]
fn a_value_of_the_server_is_hidden_by_a_pending_edit() {
    let mut table = Table::live();
    let title = Key::of("title");
    table.client.edit(0, title, Val::text("mine"));
    table.receive(r#"{"v":1,"type":"STATE_UPDATE","componentId":"c1","rev":1,"payload":{"title":"theirs"}}"#);
    assert_eq!(table.client.root(0, title), Some(&Val::text("mine")));
}

#[test]
fn a_request_to_a_busy_server_is_retried_with_a_new_ref() {
    let mut table = Table::live();
    table.call("increment", 3);
    table.sent();
    table.client.frame(table.socket, r#"{"v":1,"type":"ERROR","ref":2,"componentId":"c1","payload":{"code":"rate_limited","message":"slow down","retryMs":200}}"#);
    assert_eq!(unanswered(&table), 1, "it still counts as loading");
    let token = table.timer();
    table.client.timer(token);
    let sent = table.sent();
    assert!(sent.len() == 1 && sent[0].contains(r#""ref":3"#), "{sent:?}");
}

#[test]
fn requests_in_flight_and_the_queue_are_bounded() {
    let mut table = Table::live();
    for ticket in 0..600 {
        table.call("a", ticket);
    }
    let outputs = table.outputs();
    let sent = outputs.iter().filter(|o| matches!(o, Output::Socket(SocketCommand::Send(_)))).count();
    let refused = outputs
        .iter()
        .filter(|o| matches!(o, Output::Settled { ok: false, value, .. } if code(value) == "overloaded"))
        .count();
    assert_eq!((sent, refused), (3, 100));
    assert_eq!(table.receive(r#"{"v":1,"type":"ACK","ref":2,"componentId":"c1"}"#).len(), 1);
}

#[test]
fn a_message_that_is_too_large_is_refused_in_the_page() {
    let mut table = Table::live();
    let arguments = format!("[\"{}\"]", "x".repeat(400));
    table.client.action(0, Key::of("a"), parse(&arguments).unwrap(), Origin::default(), 1, Vec::new());
    let outputs = table.outputs();
    assert!(
        outputs.iter().any(
            |o| matches!(o, Output::Settled { ticket: 1, ok: false, value } if code(value) == "too_large")
        )
    );
    assert!(!outputs.iter().any(|o| matches!(o, Output::Socket(SocketCommand::Send(_)))));
}

#[test]
fn replies_are_acknowledged_at_least_every_sixteen() {
    let mut table = Table::live();
    let mut acks = Vec::new();
    for reference in 2..40 {
        table.call("a", reference);
        acks.extend(table.sent().into_iter().filter(|f| f.contains("\"ack\"")));
        table.receive(&format!(r#"{{"v":1,"type":"ACK","ref":{reference},"componentId":"c1"}}"#));
    }
    assert!(acks[0].starts_with(r#"{"v":1,"type":"COMPONENT_ACTION","ref":17,"ack":16,"#), "{acks:?}");
    assert_eq!(acks.len(), 2);
}

#[test]
fn silence_for_two_heartbeats_ends_the_connection() {
    let mut table = Table::live();
    table.call("a", 1);
    let mut token = {
        // The heartbeat's timer was asked for at the welcome; it is the newest one that the link
        // knows.
        table.client.link.timer
    };
    table.client.timer(token);
    let outputs = table.outputs();
    assert!(
        outputs.iter().any(
            |o| matches!(o, Output::Socket(SocketCommand::Send(f)) if f == r#"{"v":1,"type":"PING","ack":1}"#)
        ),
        "{outputs:?}"
    );
    token = table.client.link.timer;
    table.client.timer(token);
    let outputs = table.outputs();
    assert!(outputs.contains(&Output::Socket(SocketCommand::Close(1000))));
    assert!(outputs.iter().any(|o| matches!(o, Output::Status { status: Status::Connecting, .. })));
}

#[test]
fn each_close_code_has_its_effect() {
    for (code, reload, stopped) in [
        (4401, true, true),
        (4426, true, true),
        (4409, false, true),
        (1009, false, true),
        (4400, false, true),
        (1006, false, false),
        (4408, false, false),
        (4429, false, false),
    ] {
        let mut table = Table::live();
        table.client.closed(table.socket, code);
        let outputs = table.outputs();
        assert_eq!(outputs.contains(&Output::Reload), reload, "{code}");
        assert_eq!(
            outputs.iter().any(|o| matches!(o, Output::Status { status: Status::Stopped, .. })),
            stopped,
            "{code}"
        );
        assert_eq!(outputs.iter().any(|o| matches!(o, Output::Timer { .. })), !stopped, "{code}");
        table.client.wake();
        assert!(
            table.outputs().iter().any(|o| matches!(o, Output::Socket(SocketCommand::Connect(_)))),
            "{code}"
        );
    }
}

#[test]
fn a_new_session_replaces_an_ended_one() {
    let mut table = Table::live();
    table.client.closed(table.socket, 4410);
    let token = table.timer();
    table.client.timer(token);
    table.connect();
    let hello = r#"{"v":1,"type":"HELLO","payload":{}}"#.to_owned();
    assert_eq!(table.sent(), [hello, mount_frame(2, "c1", "counter")]);
}

#[test]
fn leaving_for_good_ends_the_session_and_the_cache_suspends_it() {
    for (departure, code) in [(Departure::ForGood, 4000), (Departure::Cached, 1000)] {
        let mut table = Table::live();
        table.client.leave(departure);
        let outputs = table.outputs();
        assert!(outputs.contains(&Output::Socket(SocketCommand::Close(code))));
        assert!(!outputs.iter().any(|o| matches!(o, Output::Socket(SocketCommand::Connect(_)))));
        table.client.wake();
        assert!(
            table.outputs().iter().any(|o| matches!(o, Output::Socket(SocketCommand::Connect(_)))),
            "shown again"
        );
    }
}

#[test]
fn frames_of_an_older_socket_and_nonsense_are_ignored() {
    let mut table = Table::live();
    table.client.frame(
        table.socket + 1,
        r#"{"v":1,"type":"STATE_UPDATE","componentId":"c1","rev":1,"payload":{"count":9}}"#,
    );
    for nonsense in [
        "",
        "[]",
        "{}",
        "null",
        r#"{"type":5}"#,
        r#"{"type":"NEW"}"#,
        r#"{"type":"STATE_UPDATE"}"#,
        r#"{"type":"ACK","ref":99}"#,
    ] {
        table.client.frame(table.socket, nonsense);
    }
    assert_eq!(table.count(), "0");
}

#[test]
fn a_failed_mount_is_reported_and_events_reach_their_component() {
    let mut table = Table::chat();
    table.client.mount(1, "c2", open("nonsense"));
    table.sent();
    table.client.frame(table.socket, r#"{"v":1,"type":"ERROR","ref":2,"componentId":"c2","payload":{"code":"unknown_component","message":"no such"}}"#);
    assert!(table.outputs().iter().any(|o| matches!(o, Output::Failed { slot: 1, .. })));
    table.client.frame(
        table.socket,
        r#"{"v":1,"type":"EVENT","topic":"chat/lobby","payload":{"name":"user.joined","data":{"id":1}}}"#,
    );
    let outputs = table.outputs();
    assert!(
        matches!(outputs.as_slice(), [Output::Event { slot: 0, event }] if event.text_of("name") == "user.joined"),
        "{outputs:?}"
    );
}

#[test]
fn an_invalid_seal_reloads_the_page() {
    let mut table = Table::live();
    table.client.mount(1, "c2", r#"{"seal":"of-long-ago"}"#.into());
    table.sent();
    table.client.frame(table.socket, r#"{"v":1,"type":"ERROR","ref":2,"componentId":"c2","payload":{"code":"bad_seal","message":"expired"}}"#);
    let outputs = table.outputs();
    assert!(outputs.contains(&Output::Reload), "{outputs:?}");
    assert!(outputs.iter().any(|o| matches!(o, Output::Failed { slot: 1, .. })), "{outputs:?}");
}

#[test]
fn an_unmounted_component_drops_its_topics_and_its_calls() {
    let mut table = Table::chat();
    table.call("a", 4);
    table.client.unmount(0);
    let outputs = table.outputs();
    assert!(outputs.iter().any(|o| matches!(o, Output::Settled { ticket: 4, ok: false, .. })));
    assert!(table.client.component(0).is_none());
    assert_eq!(
        table.client.topics.len(),
        1,
        "the session holds the topic until the server has handled the unmount"
    );
    table.receive(r#"{"v":1,"type":"ACK","ref":3,"componentId":"c1"}"#);
    assert!(table.client.slots().is_empty() && table.client.topics.is_empty());
}

#[test]
fn a_drain_sets_the_time_to_reconnect() {
    let mut table = Table::live();
    table.receive(r#"{"v":1,"type":"DRAIN","payload":{"reconnectAfterMs":1234}}"#);
    table.client.closed(table.socket, 1001);
    assert!(table.outputs().iter().any(|o| matches!(o, Output::Timer { ms: 1234, .. })));
}

#[test]
fn requests_without_a_connection_are_counted() {
    let queued = |outputs: &[Output]| {
        outputs
            .iter()
            .rev()
            .find_map(|o| if let Output::Status { queued, .. } = o { Some(*queued) } else { None })
    };
    let mut table = Table::live();
    table.call("a", 1);
    assert_eq!(queued(&table.outputs()), None, "connected, nothing waits");
    table.client.closed(table.socket, 1006);
    assert_eq!(queued(&table.outputs()), Some(1), "pending requests wait again");
    table.call("b", 2);
    table.client.edit(0, Key::of("title"), Val::text("x"));
    table.client.commit(0, Key::of("title"), 0);
    assert_eq!(queued(&table.outputs()), Some(3));
    table.client.wake();
    table.connect();
    table.client.frame(table.socket, r#"{"v":1,"type":"WELCOME","payload":{"session":"s1","resume":"r","connection":"k","resumed":true,"done":[]}}"#);
    assert_eq!(queued(&table.outputs()), Some(0));
}

/// Mounted as the server does it for a component one of whose actions may be run twice.
const RETRYING: &str = r#"{"v":1,"type":"COMPONENT_MOUNTED","ref":1,"componentId":"c1","rev":0,"epoch":"e","payload":{"component":"counter","template":"h","state":{"count":0,"title":"t"},"topics":{},"retry":["put"]}}"#;

#[test]
fn an_idempotent_action_is_sent_again_in_a_new_session() {
    let mut table = Table::new();
    table.client.mount(0, "c1", open("counter"));
    table.connect();
    table.welcome("s1", false);
    table.receive(RETRYING);
    let title = Key::of("title");
    table.client.edit(0, title, Val::text("older"));
    table.client.action(
        0,
        Key::of("put"),
        parse("[5]").unwrap(),
        Origin::default(),
        1,
        vec![set("count", 5)],
    );
    table.call("increment", 2);
    table.client.edit(0, title, Val::text("newer"));
    assert!(table.sent()[0].ends_with(r#""action":"put","payload":[5],"set":{"title":"older"}}"#));
    table.drop_and_pause();
    table.connect();
    table.sent();
    table.client.frame(table.socket, r#"{"v":1,"type":"WELCOME","payload":{"session":"s2","resume":"q","connection":"k3","resumed":false}}"#);
    let outputs = table.outputs();
    let lost =
        |o: &Output| matches!(o, Output::Settled { ok: false, value, .. } if code(value) == "session_lost");
    assert_eq!(outputs.iter().filter(|o| lost(o)).count(), 1, "only the other one is lost");
    let sent: Vec<&str> = outputs
        .iter()
        .filter_map(|o| if let Output::Socket(SocketCommand::Send(f)) = o { Some(f.as_str()) } else { None })
        .collect();
    assert!(sent[0].contains("COMPONENT_MOUNT"));
    assert!(sent[1].contains(r#"{"property":"title","value":"newer"}"#), "{sent:?}");
    assert!(
        sent[2].ends_with(r#""action":"put","payload":[5]}"#),
        "without values that were restored already: {sent:?}"
    );
    assert_eq!(table.count(), "5", "its effect shows all the while");
    table.receive(&RETRYING.replace("\"ref\":1", "\"ref\":4").replace("\"e\"", "\"f\""));
    assert_eq!(table.count(), "5");
    let answer = sent[2].split("\"ref\":").nth(1).and_then(|rest| rest.split(',').next()).unwrap();
    table.client.frame(table.socket, &format!(r#"{{"v":1,"type":"STATE_UPDATE","ref":{answer},"componentId":"c1","rev":1,"payload":{{"count":6}}}}"#));
    assert_eq!(table.count(), "6");
}

#[test]
fn one_refusal_reverts_one_optimistic_update() {
    let mut table = Table::live();
    table.client.action(0, Key::of("a"), Val::Null, Origin::default(), 0, vec![set("count", 1)]);
    table.client.action(0, Key::of("b"), Val::Null, Origin::default(), 0, vec![set("title", 2)]);
    table.client.action(0, Key::of("c"), Val::Null, Origin::default(), 0, vec![set("count", 3)]);
    let refuse = |reference: u32| {
        format!(
            r#"{{"v":1,"type":"ERROR","ref":{reference},"componentId":"c1","payload":{{"code":"forbidden","message":"no"}}}}"#
        )
    };
    table.receive(&refuse(2));
    assert_eq!(table.client.whole(0).json(), r#"{"count":3,"title":2}"#);
    table.receive(&refuse(4));
    assert_eq!(table.client.whole(0).json(), r#"{"count":0,"title":2}"#);
    table.receive(&refuse(3));
    assert_eq!(table.client.whole(0).json(), r#"{"count":0,"title":"t"}"#);
}

#[test]
fn a_newer_edit_survives_the_refusal_of_an_older_update() {
    let mut table = Table::live();
    table.client.action(0, Key::of("a"), Val::Null, Origin::default(), 0, vec![set("title", 1)]);
    table.client.edit(0, Key::of("title"), Val::text("typed"));
    table.receive(
        r#"{"v":1,"type":"ERROR","ref":2,"componentId":"c1","payload":{"code":"forbidden","message":"no"}}"#,
    );
    assert_eq!(table.client.root(0, Key::of("title")), Some(&Val::text("typed")));
}

#[test]
fn a_mount_without_a_request_replaces_the_state() {
    let mut table = Table::live();
    table.client.edit(0, Key::of("title"), Val::text("typed"));
    table.client.frame(
        table.socket,
        r#"{"v":1,"type":"COMPONENT_MOUNTED","componentId":"c1","rev":0,"epoch":"n","payload":{"component":"counter","template":"h2","state":{"count":7,"title":"u","more":1},"topics":{}}}"#,
    );
    assert!(table.outputs().contains(&Output::Mounted { slot: 0 }));
    assert_eq!(table.client.component(0).unwrap().template.name(), "h2");
    assert_eq!(table.client.whole(0).json(), r#"{"count":7,"title":"typed","more":1}"#);
}

#[test]
fn a_session_taken_over_waits_for_the_user_to_resume_it() {
    let mut table = Table::live();
    table.call("a", 1);
    table.client.closed(table.socket, 4409);
    let outputs = table.outputs();
    assert!(
        outputs.contains(&Output::Status { status: Status::Stopped, attempt: 0, code: 4409, queued: 1 }),
        "{outputs:?}"
    );
    table.client.wake();
    table.connect();
    assert!(table.sent()[0].contains(r#""session":"s1","resume":"r""#));
}

#[test]
fn the_queue_for_a_reload_distinguishes_sent_requests() {
    let mut table = Table::live();
    let queue = |table: &Table| -> serde_json::Value {
        serde_json::from_str(&table.client.queue()).expect("the queue is JSON")
    };
    assert_eq!(queue(&table)[0]["payload"]["session"], "s1");
    assert_eq!(queue(&table)[1], serde_json::Value::Null);
    table.call("gone_out", 1);
    table.sent();
    // The server was busy: this one was not handled, and waits for its next try.
    table.call("refused", 1);
    table.receive(
        r#"{"v":1,"type":"ERROR","ref":3,"payload":{"code":"overloaded","message":"m","retryMs":50}}"#,
    );
    table.client.closed(table.socket, 1006);
    table.client.edit(0, Key::of("title"), Val::text("x"));
    table.client.action(0, Key::of("waits"), parse("[5]").unwrap(), Origin::default(), 0, Vec::new());
    let queue = queue(&table);
    assert_eq!(queue[0]["payload"]["acked"], 1);
    let of = |at: usize| (queue[at][0].as_u64(), queue[at][1]["action"].as_str());
    assert_eq!(
        [of(1), of(2), of(3)],
        [(Some(1), Some("gone_out")), (Some(0), Some("waits")), (Some(0), Some("refused"))]
    );
    assert_eq!(queue[2][1]["payload"], serde_json::json!([5]));
    assert_eq!(queue[2][1]["set"], serde_json::json!({"title": "x"}));
    assert_eq!(queue[4], serde_json::Value::Null);
}

#[test]
fn late_messages_have_no_effect_and_an_id_is_free_after_the_unmount() {
    let mut table = Table::live();
    table.call("late", 7);
    table.client.unmount(0);
    table.sent();
    // Replies and patches that the server sent before it handled the unmount.
    for frame in [
        r#"{"v":1,"type":"STATE_UPDATE","componentId":"c1","rev":1,"payload":{"count":9}}"#,
        r#"{"v":1,"type":"STATE_UPDATE","ref":2,"componentId":"c1","rev":2,"payload":{"count":9}}"#,
        r#"{"v":1,"type":"STATE_SNAPSHOT","componentId":"c1","rev":2,"epoch":"e","payload":{"count":9}}"#,
        r#"{"v":1,"type":"COMPONENT_MOUNTED","ref":1,"componentId":"c1","rev":0,"epoch":"e","payload":{"component":"counter","template":"h","state":{"count":9},"topics":{}}}"#,
        r#"{"v":1,"type":"COMPONENT_UNMOUNTED","componentId":"c1","payload":{"reason":"r"}}"#,
    ] {
        table.client.frame(table.socket, frame);
        assert_eq!(table.outputs(), [], "{frame}");
        assert!(table.client.component(0).is_none());
    }
    // The server is busy: the unmount goes out again, and the id stays in use.
    table.client.frame(
        table.socket,
        r#"{"v":1,"type":"ERROR","ref":3,"componentId":"c1","payload":{"code":"overloaded","message":"m"}}"#,
    );
    let forgotten = |outputs: Vec<Output>| outputs.contains(&Output::Forgotten { id: Key::of("c1") });
    let outputs = table.outputs();
    let timer =
        outputs.iter().find_map(|o| if let Output::Timer { token, .. } = o { Some(*token) } else { None });
    assert!(!forgotten(outputs));
    table.client.timer(timer.expect("it is tried again"));
    assert_eq!(table.sent(), [r#"{"v":1,"type":"COMPONENT_UNMOUNT","ref":4,"componentId":"c1"}"#]);
    table.client.frame(table.socket, r#"{"v":1,"type":"ACK","ref":4,"componentId":"c1"}"#);
    assert!(forgotten(table.outputs()) && table.client.slots().is_empty());
}

#[test]
fn removed_components_leave_no_state() {
    let mut table = Table::live();
    for round in 0..50_u32 {
        let (slot, first) = (round + 1, u64::from(round) * 3 + 2);
        table.client.mount(slot, "c2", open("counter"));
        table.receive(&format!(
            r#"{{"v":1,"type":"STATE_SNAPSHOT","topic":"board","rev":1,"epoch":"t{round}","payload":{{}}}}"#
        ));
        table.receive(&format!(
            r#"{{"v":1,"type":"COMPONENT_MOUNTED","ref":{first},"componentId":"c2","rev":0,"epoch":"e{round}","payload":{{"component":"counter","template":"h","state":{{"count":0}},"topics":{{"board":"board"}}}}}}"#
        ));
        table.client.edit(slot, Key::of("count"), Val::Int(3));
        table.client.action(slot, Key::of("busy"), Val::Null, Origin::default(), 9, Vec::new());
        table.receive(&format!(
            r#"{{"v":1,"type":"ERROR","ref":{},"componentId":"c2","payload":{{"code":"overloaded","message":"m"}}}}"#,
            first + 1
        ));
        assert_eq!(table.client.retries.len(), 1);
        table.client.unmount(slot);
        let settled = table.outputs();
        assert!(
            settled.iter().any(|o| matches!(o, Output::Settled { ticket: 9, ok: false, .. })),
            "{settled:?}"
        );
        assert!(table.client.component(slot).is_none());
        table.client.frame(table.socket, &format!(r#"{{"v":1,"type":"ACK","ref":{}}}"#, first + 2));
        assert!(table.outputs().contains(&Output::Forgotten { id: Key::of("c2") }));
        let client = &table.client;
        assert_eq!(client.slots(), [0]);
        assert_eq!((client.requests.len(), client.retries.len(), client.topics.len()), (0, 0, 0));
    }
    // Names of connections and of histories are new each time; they are not kept as interned names.
    assert_eq!((Key::known("e7"), Key::known("t7"), Key::known("k-s1")), (None, None, None));
}

#[test]
fn names_of_connections_stay_bounded() {
    let mut table = Table::live();
    for _ in 0..20 {
        table.drop_and_pause();
        table.connect();
        table.welcome("s1", true);
    }
    assert_eq!(table.client.connections.len(), 1);
    // As long as something is unanswered, a patch may name the connection over which it went out
    // first.
    table.call("a", 1);
    table.sent();
    table.drop_and_pause();
    table.connect();
    table.welcome("s1", true);
    assert_eq!(table.client.connections.len(), 2);
}

#[test]
fn a_patch_of_several_authors_drops_the_update_of_each() {
    for (by, left) in [
        (r#""k-s1:2""#, 1),
        (r#"["k-s1:2"]"#, 1),
        (r#"["k-s1:3","other:2","k-s1:2"]"#, 0),
        (r#"["other:2","other:3",7,null]"#, 2),
        ("[]", 2),
        ("null", 2),
    ] {
        let mut table = Table::chat();
        for ticket in [1, 2] {
            let update = (
                Key::of("chat"),
                Edit {
                    field: Key::of("messages"),
                    path: Vec::new(),
                    patch: patch::push(Val::Obj(vec![(Key::of("id"), Val::text("temp"))])),
                },
            );
            table.client.action(0, Key::of("send"), Val::Null, Origin::default(), ticket, vec![update]);
        }
        let messages = |table: &Table| {
            let chat = table.client.root(0, Key::of("chat")).expect("the topic is there");
            chat.named("messages").and_then(Val::list).map(<[Val]>::len)
        };
        assert_eq!(messages(&table), Some(3));
        table.receive(&format!(
            r#"{{"v":1,"type":"STATE_UPDATE","topic":"chat/lobby","rev":4,"by":{by},"payload":{{}}}}"#
        ));
        assert_eq!(messages(&table), Some(1 + left), "{by}");
    }
}
