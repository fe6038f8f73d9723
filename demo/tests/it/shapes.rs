//! The registered names and shapes of the components.

use serde_json::{Value, json};

use crate::demo::{Demo, Folder};
use crate::socket::{Page, reply};

fn cookie(demo: &Demo) -> String {
    demo.get("/", "").header("set-cookie").split(';').next().unwrap().to_owned()
}

fn event<'a>(name: &'a str) -> impl Fn(&Value) -> bool + 'a {
    move |message| message["type"] == "EVENT" && message["payload"]["name"] == name
}

#[tokio::test]
async fn counter() {
    let folder = Folder::new();
    let demo = Demo::start(&folder);
    let mut page = Page::open(&demo, None).await;
    let mounted = page.mount("c1", "counter", json!({})).await;
    assert_eq!(reply(&mounted)["type"], "COMPONENT_MOUNTED");
    assert_eq!(reply(&mounted)["payload"]["state"], json!({ "count": 0, "title": "Live Counter" }));

    for (action, payload, count) in [
        ("increment", Value::Null, None),
        ("increment", json!([]), Some(1)),
        ("increment", json!([4]), Some(5)),
        ("increment", json!(5), Some(10)),
        ("decrement", json!([]), Some(9)),
        ("decrement", json!([100]), Some(0)),
        ("increment", json!([i64::MAX]), Some(i64::MAX)),
    ] {
        let came = page.call("c1", action, payload).await;
        match count {
            Some(count) => {
                assert_eq!(reply(&came)["type"], "STATE_UPDATE", "{action}: {came:?}");
                assert_eq!(reply(&came)["payload"], json!({ "count": count }));
            }
            None => assert_eq!(reply(&came)["payload"]["code"], "bad_arguments"),
        }
    }
    // The count cannot exceed its maximum.
    assert_eq!(reply(&page.call("c1", "increment", json!([1])).await)["type"], "ACK");
    assert_eq!(reply(&page.call("c1", "increment", json!([-1])).await)["payload"]["code"], "bad_arguments");
    assert_eq!(reply(&page.call("c1", "reset", json!([])).await)["payload"], json!({ "count": 0 }));
    assert_eq!(reply(&page.set("c1", "count", json!(7)).await)["payload"]["code"], "read_only_property");

    let mounted = page.mount("c2", "counter", json!({ "title": "Mine", "count": 41 })).await;
    assert_eq!(reply(&mounted)["payload"]["state"], json!({ "count": 41, "title": "Mine" }));
    assert_eq!(
        reply(&page.mount("c3", "counter", json!({ "cuont": 1 })).await)["payload"]["code"],
        "bad_props"
    );
}

#[tokio::test]
async fn chat_is_for_visitors_with_a_cookie() {
    let folder = Folder::new();
    let demo = Demo::start(&folder);
    let mut nobody = Page::open(&demo, None).await;
    assert_eq!(reply(&nobody.mount("c1", "chat", json!({})).await)["payload"]["code"], "unauthenticated");
    for component in ["counter", "form", "todo", "rows"] {
        let mounted = nobody.mount(component, component, json!({})).await;
        assert_eq!(reply(&mounted)["type"], "COMPONENT_MOUNTED", "{mounted:?}");
    }
}

#[tokio::test]
async fn chat() {
    let folder = Folder::new();
    let demo = Demo::start(&folder);
    let (ada, bob) = (cookie(&demo), cookie(&demo));
    let mut ada = Page::open(&demo, Some(&ada)).await;
    let came = ada.mount("c1", "chat", json!({ "room": "attic" })).await;
    assert_eq!(came[0]["type"], "STATE_SNAPSHOT");
    assert_eq!(came[0]["topic"], "chat/attic");
    assert_eq!(came[0]["payload"]["messages"], json!([]));
    assert_eq!(reply(&came)["payload"]["topics"], json!({ "chat": "chat/attic" }));
    assert_eq!(reply(&came)["payload"]["state"]["draft"], "");

    let mut bob = Page::open(&demo, Some(&bob)).await;
    bob.mount("c1", "chat", json!({ "room": "attic" })).await;
    let joined = ada.wait(event("user.joined")).await;
    assert_eq!(joined["topic"], "chat/attic");
    assert_eq!(joined["payload"]["data"]["roomId"], "attic");

    bob.call("c1", "typing", json!([true])).await;
    let typing = ada.wait(event("user.typing")).await;
    assert_eq!(typing["payload"]["data"]["isTyping"], true);

    // The patch precedes the reply.
    let came = bob.call("c1", "send_message", json!([" Hello "])).await;
    assert!(
        came.iter().any(|m| m["topic"] == "chat/attic" && m["payload"].get("messages").is_some()),
        "{came:?}"
    );
    let message = &bob.state("chat/attic")["messages"][0];
    assert_eq!(message["content"], "Hello");
    let mut fields: Vec<_> = message.as_object().unwrap().keys().map(String::as_str).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["content", "created_at", "id", "user_id", "user_name"]);
    ada.wait(|m| m["topic"] == "chat/attic" && m["payload"].get("messages").is_some()).await;
    assert_eq!(ada.state("chat/attic"), bob.state("chat/attic"));
    assert_eq!(ada.state("chat/attic")["users"].as_array().unwrap().len(), 2);
    assert_eq!(ada.state("chat/attic")["typing"], json!([]));

    for refused in ["", " \n ", &"x".repeat(2001)] {
        let came = ada.call("c1", "send_message", json!([refused])).await;
        assert_eq!(reply(&came)["payload"]["code"], "invalid", "{came:?}");
    }
    assert_eq!(reply(&ada.call("c1", "send_message", json!(["x".repeat(2000)])).await)["type"], "ACK");

    let older = ada.call("c1", "history", json!([null, 1])).await;
    let older = &reply(&older)["payload"];
    assert_eq!(older.as_array().unwrap().len(), 1);
    let before = ada.call("c1", "history", json!([older[0]["id"], 500])).await;
    assert_eq!(reply(&before)["payload"][0]["content"], "Hello");

    drop(bob);
    ada.wait(event("user.left")).await;
    for room in ["", "a b", "a/b", &"x".repeat(65)] {
        let came = ada.mount("c9", "chat", json!({ "room": room })).await;
        assert_eq!(reply(&came)["payload"]["code"], "bad_props", "{room}");
    }
}

#[tokio::test]
async fn messages_exist_after_a_restart() {
    let folder = Folder::new();
    let demo = Demo::start(&folder);
    let ada = cookie(&demo);
    let mut page = Page::open(&demo, Some(&ada)).await;
    page.mount("c1", "chat", json!({})).await;
    for n in 0..60 {
        page.call("c1", "send_message", json!([format!("number {n}")])).await;
    }
    demo.end("-KILL");
    let demo = Demo::start(&folder);
    let mut page = Page::open(&demo, Some(&ada)).await;
    let came = page.mount("c1", "chat", json!({})).await;
    let messages = came[0]["payload"]["messages"].as_array().unwrap();
    assert_eq!((messages.len(), &messages[0]["content"]), (50, &json!("number 10")));
}

#[tokio::test]
async fn form() {
    let folder = Folder::new();
    let demo = Demo::start(&folder);
    let mut page = Page::open(&demo, None).await;
    let mounted = page.mount("f", "form", json!({})).await;
    assert_eq!(
        reply(&mounted)["payload"]["state"],
        json!({ "name": "", "email": "", "age": null, "agree": false, "errors": {}, "saved": [] })
    );
    page.set("f", "email", json!("nowhere")).await;
    let checked = page.call("f", "validate_field", json!(["email"])).await;
    let errors = reply(&checked)["payload"]["errors"].as_object().unwrap();
    assert!(errors["email"][0].is_string() && errors.len() == 1, "{errors:?}");

    // The patch of the errors has no ref and precedes the refusal.
    let came = page.call("f", "submit", json!([])).await;
    let [.., patch, refusal] = came.as_slice() else { panic!("{came:?}") };
    assert_eq!((&patch["type"], &patch["ref"]), (&json!("STATE_UPDATE"), &Value::Null));
    assert_eq!(refusal["payload"]["code"], "invalid");
    let mut fields: Vec<_> = patch["payload"]["errors"].as_object().unwrap().keys().cloned().collect();
    fields.sort_unstable();
    assert_eq!(fields, ["age", "agree", "email", "name"]);
    assert_eq!(refusal["payload"]["details"], patch["payload"]["errors"]);

    for (property, value) in [
        ("name", json!("Ada")),
        ("email", json!("ada@example.org")),
        ("age", json!(36)),
        ("agree", json!(true)),
    ] {
        page.set("f", property, value).await;
    }
    let came = page.call("f", "submit", json!([])).await;
    assert_eq!(reply(&came)["type"], "STATE_UPDATE", "{came:?}");
    assert_eq!(reply(&came)["payload"]["errors"], json!({}));
    // The form was cleared, so the same submit saves no entry.
    assert_eq!(reply(&page.call("f", "submit", json!([])).await)["payload"]["code"], "invalid");
    assert_eq!(reply(&page.set("f", "saved", json!([])).await)["payload"]["code"], "read_only_property");
    assert_eq!(reply(&page.set("f", "age", json!("x")).await)["payload"]["code"], "bad_value");

    demo.end("-TERM");
    let demo = Demo::start(&folder);
    let mut page = Page::open(&demo, None).await;
    let mounted = page.mount("f", "form", json!({})).await;
    let expected = json!([{ "id": 1, "name": "Ada", "email": "ada@example.org", "age": 36 }]);
    assert_eq!(reply(&mounted)["payload"]["state"]["saved"], expected);
}

#[tokio::test]
async fn todo() {
    let folder = Folder::new();
    let demo = Demo::start(&folder);
    let mut page = Page::open(&demo, None).await;
    let mounted = page.mount("t", "todo", json!({})).await;
    assert_eq!(reply(&mounted)["payload"]["topics"], json!({ "todos": "todo/main" }));
    assert_eq!(mounted[0]["payload"], json!({ "items": [] }));
    let item = |id: u32, text: &str, done: bool| json!({ "id": id, "text": text, "done": done });
    for (action, payload, items) in [
        ("add_todo", json!(["bread"]), json!([item(1, "bread", false)])),
        ("add_todo", json!(["milk"]), json!([item(1, "bread", false), item(2, "milk", false)])),
        ("toggle", json!([1]), json!([item(1, "bread", true), item(2, "milk", false)])),
        ("rename", json!([2, " tea "]), json!([item(1, "bread", true), item(2, "tea", false)])),
        ("move_to", json!([2, 0]), json!([item(2, "tea", false), item(1, "bread", true)])),
        ("clear_completed", json!([]), json!([item(2, "tea", false)])),
        ("remove", json!([2]), json!([])),
    ] {
        let came = page.call("t", action, payload).await;
        assert_eq!(reply(&came)["type"], "ACK", "{action}: {came:?}");
        assert_eq!(page.state("todo/main"), &json!({ "items": items }), "{action}");
    }
    for (action, payload) in [("add_todo", json!(["x".repeat(81)])), ("add_todo", json!([" "]))] {
        assert_eq!(reply(&page.call("t", action, payload).await)["payload"]["code"], "invalid");
    }
    assert_eq!(reply(&page.call("t", "toggle", json!([99])).await)["payload"]["code"], "action_failed");
}

#[tokio::test]
async fn rows() {
    let folder = Folder::new();
    let demo = Demo::start(&folder);
    let mut page = Page::open(&demo, None).await;
    let mounted = page.mount("r", "rows", json!({})).await;
    let empty = json!({
        "rows": [], "selected": null, "created": 0,
        "?": "",
    });
    assert_eq!(reply(&mounted)["payload"]["state"], empty);
    let ids = |page: &Page| -> Vec<u64> {
        page.state("r")["rows"].as_array().unwrap().iter().map(|row| row["id"].as_u64().unwrap()).collect()
    };
    for (action, payload, expected) in [
        ("create", json!([5]), &[1, 2, 3, 4, 5][..]),
        ("swap", json!([]), &[1, 4, 3, 2, 5]),
        ("remove", json!([3]), &[1, 4, 2, 5]),
        ("append", json!([2]), &[1, 4, 2, 5, 6, 7]),
        ("prepend", json!([2]), &[8, 9, 1, 4, 2, 5, 6, 7]),
        ("reverse", json!([]), &[7, 6, 5, 2, 4, 1, 9, 8]),
        ("create", json!([2]), &[10, 11]),
        ("swap", json!([]), &[11, 10]),
        ("reverse", json!([]), &[10, 11]),
    ] {
        page.call("r", action, payload).await;
        assert_eq!(ids(&page), expected, "{action}");
    }
    page.call("r", "update_every", json!([2])).await;
    page.call("r", "update_one", json!([11])).await;
    page.call("r", "update_one", json!([11])).await;
    let labels = page.state("r")["rows"].as_array().unwrap().iter().map(|row| row["label"].as_str().unwrap());
    assert_eq!(labels.map(|label| label.matches("!!!").count()).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(reply(&page.call("r", "select", json!([11])).await)["payload"]["selected"], 11);
    page.call("r", "remove", json!([11])).await;
    assert_eq!((ids(&page), &page.state("r")["selected"]), (vec![10], &Value::Null));
    assert_eq!(reply(&page.call("r", "create", json!([20_001])).await)["payload"]["code"], "invalid");
    assert_eq!(reply(&page.call("r", "append", json!([20_000])).await)["payload"]["code"], "invalid");
    page.call("r", "clear", json!([])).await;
    assert_eq!(page.state("r"), &empty);
}
