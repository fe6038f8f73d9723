//! The process is killed at any moment: acknowledged changes are kept, and repeated messages take
//! effect once.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::demo::{Demo, Folder};
use crate::socket::{Page, reply};

fn cookie(demo: &Demo) -> String {
    demo.get("/", "").header("set-cookie").split(';').next().unwrap().to_owned()
}

/// Returns one call of each component.
fn calls(round: u64) -> Vec<(&'static str, &'static str, Value, Value)> {
    vec![
        ("chat", "send_message", json!([format!("message {round}")]), json!({ "draft": "half a thou" })),
        ("todo", "add_todo", json!([format!("thing {round}")]), Value::Null),
        (
            "form",
            "submit",
            json!([]),
            json!({ "name": format!("Ada {round}"), "email": "ada@example.org", "age": 36, "agree": true }),
        ),
        ("seats", "choose", json!(["A1", round.is_multiple_of(2)]), Value::Null),
        ("counter", "increment", json!([]), Value::Null),
    ]
}

/// Counts how often each text is in the list.
fn tally(list: &Value, field: &str) -> BTreeMap<String, usize> {
    let mut tally = BTreeMap::new();
    for item in list.as_array().unwrap() {
        *tally.entry(item[field].as_str().unwrap().to_owned()).or_default() += 1;
    }
    tally
}

#[tokio::test]
async fn repeated_messages_after_a_kill_take_effect_once() {
    const ROUNDS: u64 = 6;
    let folder = Folder::new();
    let mut demo = Demo::start(&folder);
    let cookie = cookie(&demo);
    let mut page = Page::open(&demo, Some(&cookie)).await;
    for component in ["chat", "todo", "form", "seats", "counter"] {
        let mounted = page.mount(component, component, json!({})).await;
        assert_eq!(reply(&mounted)["type"], "COMPONENT_MOUNTED", "{mounted:?}");
    }
    for round in 0..ROUNDS {
        let calls = calls(round).into_iter().map(|(component, action, payload, set)| {
            let mut message = json!({
                "type": "COMPONENT_ACTION", "componentId": component, "action": action, "payload": payload,
            });
            if !set.is_null() {
                message["set"] = set;
            }
            message
        });
        let sent = page.send_all(calls).await;
        // Killed before any message was read, in the middle, and when all were answered.
        for _ in 0..round {
            page.receive().await;
        }
        demo.end("-KILL");
        demo = Demo::start(&folder);
        page = page.resume(&demo, Some(&cookie)).await;
        for message in sent {
            let answer = page.repeat(message.clone()).await;
            assert!(answer["type"] != "ERROR", "{message}: {answer}");
        }
    }
    // A new page sees the state on disk.
    let mut other = Page::open(&demo, Some(&cookie)).await;
    for component in ["chat", "todo", "form", "seats"] {
        other.mount(component, component, json!({})).await;
    }
    let each = |what: &str| (0..ROUNDS).map(|n| (format!("{what} {n}"), 1)).collect::<BTreeMap<_, _>>();
    for page in [&mut other, &mut page] {
        page.refresh(&["todo/main", "chat/lobby", "seats/main"]).await;
        assert_eq!(tally(&page.state("chat/lobby")["messages"], "content"), each("message"));
        assert_eq!(tally(&page.state("todo/main")["items"], "text"), each("thing"));
        assert_eq!(page.state("seats/main")["free"], 48, "given back in the last round");
    }
    assert_eq!(tally(&other.state("form")["saved"], "name"), each("Ada"));
    let came = page.call("counter", "increment", json!([])).await;
    assert_eq!(reply(&came)["payload"]["count"], ROUNDS + 1);
}
