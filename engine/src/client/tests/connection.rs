//! Sockets, timers, and what is said when a connection comes and goes.

use super::*;

fn statuses(outputs: &[Output]) -> Vec<(Status, u32)> {
    let status = |o: &Output| {
        if let Output::Status { status, attempt, .. } = o { Some((*status, *attempt)) } else { None }
    };
    outputs.iter().filter_map(status).collect()
}

fn wired(outputs: &[Output]) -> bool {
    outputs.contains(&Output::Wire { slot: 0 })
}

#[test]
fn the_page_is_notified_of_the_connection_status() {
    let mut table = Table::new();
    table.client.mount(0, "c1", open("counter"));
    assert!(!table.client.is_connected());
    table.connect();
    assert!(!table.client.is_connected(), "not before it is welcomed");
    assert!(!table.client.is_offline(), "nor is it offline while it connects for the first time");
    table.welcome("s1", false);
    assert!(table.client.is_connected());

    table.client.closed(table.socket, 1006);
    let outputs = table.outputs();
    assert_eq!(statuses(&outputs), [(Status::Connecting, 0)]);
    assert!(wired(&outputs), "a component shows that it is cut off");
    assert!(table.client.is_offline());
    for (attempt, status) in [(1, Status::Connecting), (2, Status::Offline), (3, Status::Offline)] {
        let token = table.client.link.timer;
        table.client.timer(token);
        let outputs = table.outputs();
        assert_eq!(statuses(&outputs), [(status, attempt)]);
        assert!(table.client.is_offline(), "it is cut off as before");
        let socket = outputs
            .iter()
            .find_map(|o| {
                if let Output::Socket(SocketCommand::Connect(socket)) = o { Some(*socket) } else { None }
            })
            .unwrap();
        table.socket = socket;
        table.client.closed(socket, 1006);
        table.client.take();
    }
    table.client.wake();
    table.connect();
    table.sent();
    table.client.frame(
        table.socket,
        r#"{"v":1,"type":"WELCOME","payload":{"session":"s1","resume":"r","connection":"k","resumed":true}}"#,
    );
    let outputs = table.outputs();
    assert_eq!(statuses(&outputs), [(Status::Connected, 0)]);
    assert!(wired(&outputs));
}

#[test]
fn the_words_for_the_status_are_those_of_the_documentation() {
    let all = [Status::Connecting, Status::Connected, Status::Offline, Status::Stopped];
    assert_eq!(all.map(Status::name), ["connecting", "connected", "offline", "stopped"]);
}

#[test]
fn messages_of_an_older_socket_are_ignored() {
    let mut table = Table::live();
    let older = table.socket;
    table.drop_and_pause();
    table.client.closed(older, 1006);
    let connect = table.outputs();
    table.client.opened(older);
    assert_eq!(table.outputs(), [], "the newer one is not open yet");
    table.socket = connect
        .iter()
        .find_map(
            |o| if let Output::Socket(SocketCommand::Connect(socket)) = o { Some(*socket) } else { None },
        )
        .unwrap();
    assert_ne!(table.socket, older);
    table.client.opened(table.socket);
    table.welcome("s1", true);
    table.client.opened(table.socket);
    table.client.closed(older, 1006);
    table
        .client
        .frame(older, r#"{"v":1,"type":"STATE_UPDATE","componentId":"c1","rev":1,"payload":{"count":9}}"#);
    assert_eq!(table.outputs(), []);
    assert!(table.client.is_connected());
    assert_eq!(table.count(), "0");
}

#[test]
fn messages_of_a_silent_abandoned_socket_are_ignored() {
    let mut table = Table::live();
    let older = table.socket;
    for _ in 0..2 {
        let token = table.client.link.timer;
        table.client.timer(token);
    }
    assert!(!table.client.is_connected());
    table.client.take();
    table.client.closed(older, 1006);
    assert_eq!(table.outputs(), [], "a pause runs already");
    table.client.wake();
    table.connect();
    table.welcome("s1", true);
    table.client.closed(older, 1006);
    assert!(table.client.is_connected());
}

#[test]
fn messages_before_the_welcome_are_ignored() {
    let mut table = Table::new();
    table.client.mount(0, "c1", open("counter"));
    table.connect();
    table.sent();
    table.receive(
        r#"{"v":1,"type":"STATE_UPDATE","componentId":"c1","rev":1,"payload":{"session":"s","resume":"r"}}"#,
    );
    assert!(!table.client.is_connected());
}

#[test]
fn each_timer_has_its_own_token() {
    let mut table = Table::live();
    let heartbeat = table.client.link.timer;
    table.call("a", 1);
    table.receive(
        r#"{"v":1,"type":"ERROR","ref":2,"componentId":"c1","payload":{"code":"overloaded","message":""}}"#,
    );
    table.client.timer(heartbeat);
    let sent = table.sent();
    assert!(sent.len() == 1 && sent[0].contains("PING"), "{sent:?}");
}

#[test]
fn a_server_that_is_full_is_tried_more_slowly() {
    let longest = |code: u16| {
        let pauses = (0..60_u64).map(|seed| {
            let mut table = Table::live();
            let (phase, socket) = (table.client.link.phase, table.client.link.socket);
            table.client.link = connection_state::ConnectionState::new(seed * 0x9e37_79b9);
            (table.client.link.phase, table.client.link.socket) = (phase, socket);
            table.client.closed(table.socket, code);
            let timer = |o: &Output| if let Output::Timer { ms, .. } = o { Some(*ms) } else { None };
            table.outputs().iter().find_map(timer).unwrap()
        });
        pauses.max().unwrap()
    };
    assert!(longest(1006) < 500);
    for code in [4429, 4503] {
        assert!((2_000..8_000).contains(&longest(code)), "{code}");
    }
}

#[test]
fn a_template_is_requested_once_for_each_connection() {
    let asked = |sent: Vec<String>| sent.iter().filter(|frame| frame.contains("TEMPLATE")).count();
    let mut table = Table::live();
    let hash = Key::of("t1");
    table.client.request_template(hash);
    table.client.request_template(hash);
    assert_eq!(table.sent(), [r#"{"v":1,"type":"TEMPLATE","payload":{"hash":"t1"}}"#]);
    table.client.closed(table.socket, 1006);
    table.client.request_template(Key::of("t2"));
    assert_eq!(asked(table.sent()), 0, "there is no connection");
    table.client.wake();
    table.connect();
    assert_eq!(asked(table.welcome("s1", true)), 2);

    table.client.frame(table.socket, r#"{"v":1,"type":"TEMPLATE","payload":{"hash":"t1","template":[1]}}"#);
    let came = Output::Template { hash, template: Val::List(vec![Val::Int(1)]) };
    assert!(table.outputs().contains(&came));
    table.drop_and_pause();
    table.connect();
    assert_eq!(table.welcome("s1", true), [r#"{"v":1,"type":"TEMPLATE","payload":{"hash":"t2"}}"#]);
}

#[test]
fn a_message_of_the_maximum_size_is_sent() {
    let mut table = Table::live();
    table.call("a", 0);
    let around = table.sent()[0].len() + r#","payload":[""]"#.len();
    for (more, is_sent) in [(0, true), (1, false)] {
        let arguments = format!("[\"{}\"]", "x".repeat(400 - around + more));
        table.client.action(0, Key::of("a"), parse(&arguments).unwrap(), Origin::default(), 0, Vec::new());
        assert_eq!(table.sent().len() == 1, is_sent, "{more}");
    }
}

#[test]
fn a_reload_keeps_calls_and_edits_alone() {
    let queue = |table: &Table| -> Vec<(u64, String)> {
        let queue: serde_json::Value = serde_json::from_str(&table.client.queue()).unwrap();
        let entries = queue.as_array().unwrap().iter().skip(1);
        entries.map(|of| (of[0].as_u64().unwrap(), of[1]["type"].as_str().unwrap().to_owned())).collect()
    };
    let mut table = Table::new();
    table.client.mount(0, "c1", open("counter"));
    table.connect();
    table.welcome("s1", false);
    assert_eq!(queue(&table), [], "a mount is no call");
    let mut table = Table::live();
    table.client.closed(table.socket, 1006);
    table.client.edit(0, Key::of("title"), Val::text("x"));
    assert_eq!(queue(&table), [], "an edit whose moment has not come is no message");
    table.client.commit(0, Key::of("title"), 0);
    table.call("waits", 0);
    assert_eq!(queue(&table), [(0, "PROPERTY_UPDATE".to_owned()), (0, "COMPONENT_ACTION".to_owned())]);

    let mut table = Table::live();
    table.client.edit(0, Key::of("title"), Val::text("x"));
    table.client.commit(0, Key::of("title"), 0);
    assert_eq!(queue(&table), [(1, "PROPERTY_UPDATE".to_owned())]);
}

const HELLO: &str = r#"{"v":1,"type":"HELLO","payload":{}}"#;

#[test]
fn leading_mounts_leave_with_hello_and_nothing_else_before_the_welcome() {
    let mut table = Table::new();
    table.client.mount(0, "c1", open("counter"));
    table.client.mount(1, "c2", open("chat"));
    table.call("increment", 1);
    table.client.mount(2, "c3", open("late"));
    table.connect();
    assert_eq!(table.sent(), [HELLO.into(), mount_frame(1, "c1", "counter"), mount_frame(2, "c2", "chat")]);
    // Neither leaves what is added now.
    table.client.mount(3, "c4", open("later"));
    table.call("increment", 2);
    assert_eq!(table.sent(), Vec::<String>::new());
    let sent = table.receive(
        r#"{"v":1,"type":"WELCOME","payload":{"session":"s1","resume":"r","connection":"k","resumed":false}}"#,
    );
    let references: Vec<&str> = sent.iter().map(|f| &f[f.find("ref").unwrap()..][..6]).collect();
    assert_eq!(references, ["ref\":3", "ref\":4", "ref\":5", "ref\":6"]);
}

#[test]
fn mounts_that_left_before_the_welcome_count_as_unanswered() {
    let mut table = Table::new();
    table.client.mount(0, "c1", open("counter"));
    table.client.mount(1, "c2", open("counter"));
    table.connect();
    table.call("a", 1);
    table.call("b", 2);
    // The limit is 3: there is room for one action.
    let sent = table.welcome("s1", false);
    assert_eq!(sent.len(), 3, "{sent:?}");
    assert!(sent[2].contains(r#""action":"a""#), "{sent:?}");
}

#[test]
fn mounts_are_sent_again_once_if_the_connection_breaks_before_the_welcome() {
    let mut table = Table::new();
    table.client.mount(0, "c1", open("counter"));
    for _ in 0..2 {
        table.connect();
        assert_eq!(table.sent(), [HELLO.into(), mount_frame(1, "c1", "counter")]);
        table.drop_and_pause();
    }
    table.connect();
    assert_eq!(table.welcome("s1", false), [mount_frame(1, "c1", "counter")]);
    assert_eq!(unanswered(&table), 1);
}

#[test]
fn a_page_that_resumes_its_session_sends_only_hello_before_the_welcome() {
    let mut table = Table::live();
    table.client.closed(table.socket, 1006);
    table.client.mount(1, "c2", open("counter"));
    let token = table.timer();
    table.client.timer(token);
    table.connect();
    let sent = table.sent();
    assert!(sent.len() == 1 && sent[0].contains(r#""session":"s1""#), "{sent:?}");
    let sent = table.receive(
        r#"{"v":1,"type":"WELCOME","payload":{"session":"s1","resume":"r","connection":"k","resumed":true,"done":[]}}"#,
    );
    assert_eq!(sent, [mount_frame(2, "c2", "counter")]);
}

#[test]
fn a_large_mount_waits_for_the_limits_of_the_welcome() {
    let mut table = Table::new();
    let props = format!(r#"{{"component":"counter","props":{{"title":"{}"}}}}"#, "x".repeat(70_000));
    table.client.mount(0, "c1", props);
    table.client.mount(1, "c2", open("counter"));
    table.connect();
    assert_eq!(table.sent(), [HELLO], "in order: the small one waits too");
    table.client.frame(
        table.socket,
        r#"{"v":1,"type":"WELCOME","payload":{"session":"s1","resume":"r","connection":"k","resumed":false,"limits":{"messageBytes":100000}}}"#,
    );
    let sent = table.client.take();
    let frames = sent.iter().filter(|o| matches!(o, Output::Socket(SocketCommand::Send(_))));
    assert_eq!(frames.count(), 2);
}

fn painted(table: &mut Table) {
    let state = parse(r#"{"count":3}"#).unwrap();
    table.client.mount_painted(0, "c1", r#"{"seal":"s"}"#.into(), state, Key::of("h"));
}

const MOUNT: &str =
    r#"{"v":1,"type":"COMPONENT_MOUNT","ref":1,"componentId":"c1","payload":{"painted":true,"seal":"s"}}"#;

#[test]
fn a_painted_component_takes_actions_and_edits_before_the_socket_opens() {
    let mut table = Table::new();
    painted(&mut table);
    assert_eq!(table.client.whole(0).json(), r#"{"count":3}"#);
    table.client.edit(0, Key::of("title"), Val::text("x"));
    table.call("increment", 1);
    assert_eq!(table.client.whole(0).json(), r#"{"count":3,"title":"x"}"#);
    table.connect();
    // The action waits: without a session it could run twice.
    assert_eq!(table.sent(), [HELLO, MOUNT]);
    let sent = table.receive(
        r#"{"v":1,"type":"WELCOME","payload":{"session":"s1","resume":"r","connection":"k","resumed":false}}"#,
    );
    assert!(sent.len() == 1 && sent[0].contains(r#""action":"increment""#), "{sent:?}");
    // Without a state, the painted one is the confirmed one, of the revision that the answer names.
    table.receive(r#"{"v":1,"type":"COMPONENT_MOUNTED","ref":1,"componentId":"c1","rev":4,"epoch":"e","payload":{"component":"counter","template":"h","topics":{}}}"#);
    assert_eq!(table.client.whole(0).json(), r#"{"count":3,"title":"x"}"#);
    table
        .receive(r#"{"v":1,"type":"STATE_UPDATE","ref":2,"componentId":"c1","rev":5,"payload":{"count":4}}"#);
    assert_eq!(table.client.root(0, Key::of("count")).unwrap().json(), "4");
}

#[test]
fn a_painted_component_shows_the_state_of_an_answer_that_has_one() {
    let mut table = Table::new();
    painted(&mut table);
    table.connect();
    table.welcome("s1", false);
    table.receive(r#"{"v":1,"type":"COMPONENT_MOUNTED","ref":1,"componentId":"c1","rev":0,"epoch":"e","payload":{"component":"counter","template":"h","state":{"count":9},"topics":{}}}"#);
    assert_eq!(table.client.whole(0).json(), r#"{"count":9}"#);
}

#[test]
fn a_painted_component_that_is_mounted_again_asks_for_the_state() {
    let mut table = Table::new();
    painted(&mut table);
    table.connect();
    table.welcome("s1", false);
    table.receive(r#"{"v":1,"type":"COMPONENT_MOUNTED","ref":1,"componentId":"c1","rev":0,"epoch":"e","payload":{"component":"counter","template":"h","topics":{}}}"#);
    table.drop_and_pause();
    table.connect();
    let sent = table.welcome("s2", false);
    assert_eq!(
        sent,
        [r#"{"v":1,"type":"COMPONENT_MOUNT","ref":2,"componentId":"c1","payload":{"seal":"s"}}"#]
    );
}

#[test]
fn a_painted_component_whose_mount_is_refused_has_failed() {
    let mut table = Table::new();
    painted(&mut table);
    table.call("increment", 1);
    table.connect();
    table.welcome("s1", false);
    table.client.frame(
        table.socket,
        r#"{"v":1,"type":"ERROR","ref":1,"componentId":"c1","payload":{"code":"forbidden","message":"no"}}"#,
    );
    let outputs = table.client.take();
    assert!(outputs.iter().any(|output| matches!(output, Output::Failed { slot: 0, .. })), "{outputs:?}");
}
