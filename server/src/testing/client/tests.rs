use serde_json::json;

use super::{Answer, Ask, Client, Received};

const WELCOME: &str = r#"{"v":1,"type":"WELCOME","payload":{"session":"s","resume":"secret","connection":"c1","resumed":false,"done":[],"heartbeatMs":20000,"build":"1","limits":{"messageBytes":65536,"components":100,"inFlight":128}}}"#;
const MOUNTED: &str = r#"{"v":1,"type":"COMPONENT_MOUNTED","ref":1,"componentId":"c","rev":0,"epoch":"e","payload":{"component":"counter","template":"hash","state":{"count":0},"topics":{}}}"#;

fn update(rev: u64, reference: Option<u64>) -> String {
    let mut message = json!({
        "v": 1, "type": "STATE_UPDATE", "componentId": "c", "rev": rev, "payload": { "count": rev },
    });
    if let Some(reference) = reference {
        message["ref"] = reference.into();
    }
    message.to_string()
}

fn mounted() -> Client {
    let mut client = Client::new();
    client.hello();
    client.ask("c", Ask::mount_open("counter", json!({})));
    assert_eq!(client.receive(WELCOME).unwrap(), Received::Welcome { resumed: false });
    assert_eq!(client.due().len(), 1);
    client.receive(MOUNTED).unwrap();
    client
}

#[test]
fn a_gap_in_revisions_is_a_breach() {
    let mut client = mounted();
    client.receive(&update(1, None)).unwrap();
    assert_eq!(client.state("c").unwrap(), json!({ "count": 1 }));
    for rev in [1, 3] {
        assert!(client.receive(&update(rev, None)).unwrap_err().to_string().contains("a gap"));
    }
}

#[test]
fn answers_belong_to_requests_and_are_repeated_unchanged() {
    let mut client = mounted();
    assert!(client.receive(&update(1, Some(7))).unwrap_err().to_string().contains("unknown ref"));
    let mut client = mounted();
    let call = client.ask("c", Ask::action("increment", []));
    client.receive(&update(1, Some(2))).unwrap();
    assert_eq!(client.answer(call), Some(&Answer::Done(None)));
    let again = |result: serde_json::Value| {
        json!({ "v": 1, "type": "ACK", "ref": 2, "componentId": "c", "payload": result }).to_string()
    };
    let bare = r#"{"v":1,"type":"ACK","ref":2,"componentId":"c"}"#;
    assert_eq!(client.receive(bare).unwrap(), Received::AnsweredAgain(call));
    assert!(client.receive(&again(json!(1))).unwrap_err().to_string().contains("differs from the first"));
}

#[test]
fn unanswered_requests_are_sent_again_unless_the_server_has_received_them() {
    let mut client = mounted();
    let first = client.ask("c", Ask::action("increment", []));
    let second = client.ask("c", Ask::action("increment", []));
    assert_eq!(client.due().len(), 2);
    assert!(client.due().is_empty());
    let hello = client.hello();
    assert!(hello.contains(r#""c:c":["e",0]"#) && hello.contains(r#""acked":1"#), "{hello}");
    let welcome = WELCOME.replace("\"resumed\":false,\"done\":[]", "\"resumed\":true,\"done\":[2]");
    assert_eq!(client.receive(&welcome).unwrap(), Received::Welcome { resumed: true });
    let due = client.due();
    assert!(due.len() == 1 && due[0].contains("\"ref\":3"), "{due:?}");
    client.receive(&update(1, Some(2))).unwrap();
    client.receive(&update(2, Some(3))).unwrap();
    assert!(client.answer(first).is_some() && client.answer(second).is_some());
}

#[test]
fn an_action_marked_retry_is_sent_again_after_session_loss() {
    let mut client = Client::new();
    client.hello();
    client.ask("c", Ask::mount_open("counter", json!({})));
    client.receive(WELCOME).unwrap();
    client.due();
    client.receive(&MOUNTED.replace("\"topics\":{}", "\"topics\":{},\"retry\":[\"put\"]")).unwrap();
    let set = vec![("count".to_owned(), json!(4))];
    let (put, arguments) = ("put".to_owned(), vec![json!(5)]);
    let call = client.ask("c", Ask::Action { action: put, arguments, set });
    let lost = client.ask("c", Ask::action("increment", []));
    // Two rounds: the second session is lost before it answers too.
    for (number, (edit, again)) in [(5, 6), (8, 9)].into_iter().enumerate() {
        client.due();
        client.hello();
        client.receive(WELCOME).unwrap();
        assert_eq!(client.answer(lost), Some(&Answer::SessionLost));
        let due = client.due();
        assert_eq!(due.len(), 3, "{number}: {due:?}");
        assert!(due[0].contains("COMPONENT_MOUNT"), "{due:?}");
        assert!(
            due[1].contains(&format!(r#""ref":{edit}"#))
                && due[1].contains(r#""property":"count","value":4"#)
        );
        assert!(
            due[2].contains(&format!(r#""ref":{again}"#))
                && due[2].ends_with(r#""action":"put","payload":[5]}"#)
        );
        assert_eq!(client.answer(call), None);
        let mounted = if number == 0 { 4 } else { 7 };
        client
            .receive(
                &MOUNTED
                    .replace("\"ref\":1", &format!("\"ref\":{mounted}"))
                    .replace("\"topics\":{}", "\"topics\":{},\"retry\":[\"put\"]"),
            )
            .unwrap();
    }
    client.receive(r#"{"v":1,"type":"ACK","ref":9,"componentId":"c","payload":5}"#).unwrap();
    assert_eq!(client.answer(call), Some(&Answer::Done(Some(json!(5)))));
}

#[test]
fn an_unanswered_unmount_is_done_after_session_loss() {
    let mut client = mounted();
    let edit = client.ask("c", Ask::Property { property: "count".into(), value: json!(4) });
    let unmount = client.ask("c", Ask::Unmount);
    let mount = client.ask("d", Ask::mount_open("counter", json!({})));
    client.ask("d", Ask::Unmount);
    client.due();
    client.hello();
    client.receive(WELCOME).unwrap();
    assert_eq!(client.answer(unmount), Some(&Answer::Done(None)));
    assert_eq!(
        (client.answer(edit), client.answer(mount)),
        (Some(&Answer::SessionLost), Some(&Answer::SessionLost))
    );
    assert_eq!((client.due(), client.components().count()), (vec![], 0));
}

#[test]
fn components_of_a_lost_session_are_mounted_again_and_actions_do_not_run_twice() {
    let mut client = mounted();
    let call = client.ask("c", Ask::action("increment", []));
    client.due();
    client.hello();
    assert_eq!(client.receive(WELCOME).unwrap(), Received::Welcome { resumed: false });
    assert_eq!(client.answer(call), Some(&Answer::SessionLost));
    let due = client.due();
    assert!(due.len() == 1 && due[0].contains("COMPONENT_MOUNT"), "{due:?}");
}

#[test]
fn a_patch_with_several_causes_contains_the_own_ones() {
    let mut client = mounted();
    let topics = r#""topics":{"room":"chat/lobby"}"#;
    client.receive(&MOUNTED.replace(r#""ref":1,"#, "").replace(r#""topics":{}"#, topics)).unwrap();
    client
        .receive(
            r#"{"v":1,"type":"STATE_SNAPSHOT","topic":"chat/lobby","rev":0,"epoch":"t","payload":{"n":0}}"#,
        )
        .unwrap();
    let calls: Vec<_> = (0..3).map(|_| client.ask("c", Ask::action("increment", []))).collect();
    let patch = |rev: u64, by: serde_json::Value| {
        json!({ "v": 1, "type": "STATE_UPDATE", "topic": "chat/lobby", "rev": rev, "by": by, "payload": { "n": rev } })
            .to_string()
    };
    client.receive(&patch(1, json!(["c2:3", "c1:2", "c1:4"]))).unwrap();
    let shown: Vec<bool> = calls.iter().map(|call| client.is_shown(*call)).collect();
    assert_eq!(shown, [true, false, true]);
    client.receive(&patch(2, json!("c1:3"))).unwrap();
    assert!(client.is_shown(calls[1]));
}
