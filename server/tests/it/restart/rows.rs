//! Rows of ended sessions, and sessions whose program has another version.

use std::time::Duration;

use serde_json::{Value, json};

use super::{File, position};
use crate::client::Client;
use crate::props::state;

#[tokio::test]
async fn revoked_access_is_not_restored_from_the_store() {
    let file = File::new().await;
    let mut first = file.start_without_flushes().await;
    let mut welcomes = Vec::new();
    for user in ["ada", "bob"] {
        let mut client = Client::hello_with(&first, &[("x-user", user)], json!({})).await;
        client.mount("c", "counter", json!({})).await;
        welcomes.push((user, client.welcome.clone()));
        client.cut();
    }
    first.stop().await;
    let second = file.start_without_flushes().await;
    assert_eq!(second.runtime.revoke("ada"), 0, "the new process has none of them");
    while file.query("SELECT count(*) FROM vivaz_sessions").await != [1] {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    for (user, welcome) in welcomes {
        let hello = json!({ "session": welcome["session"], "resume": welcome["resume"] });
        let back = Client::hello_with(&second, &[("x-user", user)], hello).await;
        assert_eq!(back.welcome["resumed"], user == "bob");
    }
}

#[tokio::test]
async fn ended_sessions_are_not_kept() {
    let file = File::new().await;
    let mut server = file.start_without_flushes().await;
    let mut client = Client::hello(&server).await;
    client.mount("c", "counter", json!({})).await;
    client.mount("t", "tally", json!({})).await;
    let removed = client.message("COMPONENT_UNMOUNT", "c", Value::Null);
    assert_eq!(client.ask(removed).await["type"], "ACK");
    assert_eq!(file.query("SELECT count(*) FROM vivaz_components").await, [1]);
    client.close(4000).await;
    server.until(|server| server.runtime.stats().sessions == 0).await;
    server.stop().await;
    assert_eq!(file.query("SELECT count(*) FROM vivaz_components").await, [0]);
    assert_eq!(file.query("SELECT count(*) FROM vivaz_sessions").await, [0]);
    assert_eq!(file.query("SELECT count(*) FROM vivaz_replies").await, [0]);
}

#[tokio::test]
async fn a_page_with_an_older_template_is_given_the_new_one_and_keeps_its_state() {
    let file = File::new().await;
    let mut first = file.start_without_flushes().await;
    let mut client = Client::hello(&first).await;
    let mounted = client.mount("c", "counter", json!({})).await;
    let tally = client.mount("t", "tally", json!({})).await;
    client.act("c", "increment", json!([])).await;
    let welcome = client.welcome.clone();
    client.cut();
    first.stop().await;
    // As the first server would have written it, had it been built with another template.
    file.execute("UPDATE vivaz_components SET template = 'older' WHERE id = 'c'").await;

    let second = file.start_without_flushes().await;
    let mut streams = position("c", &mounted, 1);
    streams["c:t"] = json!([tally["epoch"], 0]);
    let mut back = Client::resume(&second, &welcome, 3, streams).await;
    assert_eq!(back.welcome["resumed"], true);
    let messages = back.drain().await;
    assert_eq!(messages.len(), 1, "the other one is unchanged: {messages:?}");
    assert_eq!(
        (&messages[0]["type"], &messages[0]["componentId"]),
        (&json!("COMPONENT_MOUNTED"), &json!("c"))
    );
    assert!(messages[0].get("ref").is_none());
    assert_eq!(messages[0]["payload"]["template"], mounted["payload"]["template"]);
    assert_eq!(messages[0]["payload"]["state"]["count"], 1);
    back.count_from(3);
    assert_eq!(back.act("c", "increment", json!([])).await["payload"]["count"], 2);
}

#[tokio::test]
async fn a_restored_child_follows_its_parent_also_with_another_template() {
    for is_deploy in [false, true] {
        let file = File::new().await;
        let mut first = file.start_without_flushes().await;
        let mut client = Client::hello(&first).await;
        let parent = client.mount("p", "parent", json!({})).await;
        let place = json!({ "parent": "p", "place": [1, 1, 0] });
        let mount = client.message("COMPONENT_MOUNT", "l", place.clone());
        assert_eq!(client.ask(mount).await["payload"]["state"]["label"], 10);
        let welcome = client.welcome.clone();
        client.cut();
        first.stop().await;
        if is_deploy {
            // As the first server would have written it, had its parent had another template.
            let hash = parent["payload"]["template"].as_str().unwrap();
            let sql = format!(
                "UPDATE vivaz_components SET origin = replace(origin, '{hash}', 'older') WHERE id = 'l'"
            );
            file.execute(&sql).await;
        }

        let second = file.start_without_flushes().await;
        let mut back = Client::resume(&second, &welcome, 2, position("p", &parent, 0)).await;
        assert_eq!(back.welcome["resumed"], true);
        back.count_from(2);
        back.act("p", "raise", json!([5])).await;
        assert_eq!(state(&mut back, "l").await["label"], 15, "deploy: {is_deploy}");
        // The client in the browser mounts it again where the template is another one.
        let unmount = back.message("COMPONENT_UNMOUNT", "l", Value::Null);
        back.ask(unmount).await;
        let mount = back.message("COMPONENT_MOUNT", "l", place);
        assert_eq!(back.ask(mount).await["payload"]["state"]["label"], 15, "deploy: {is_deploy}");
        back.act("p", "raise", json!([1])).await;
        assert_eq!(state(&mut back, "l").await["label"], 16, "deploy: {is_deploy}");
    }
}

#[tokio::test]
async fn state_of_an_older_type_is_migrated_or_remounted_and_the_page_is_notified() {
    let file = File::new().await;
    let mut first = file.start_without_flushes().await;
    let mut client = Client::hello(&first).await;
    let tally = client.mount("t", "tally", json!({ "title": "Old" })).await;
    client.mount("c", "counter", json!({ "title": "Anew", "count": 7 })).await;
    client.act("c", "increment", json!([])).await;
    client.mount("l", "lab", json!({})).await;
    let welcome = client.welcome.clone();
    client.cut();
    first.stop().await;
    file.execute(
        "UPDATE vivaz_components SET schema = 1, state = CAST('{\"title\":\"Old\",\"total\":9}' AS BLOB) \
         WHERE id = 't'",
    )
    .await;
    file.execute(
        "UPDATE vivaz_components SET schema = 1, state = CAST('{\"title\":\"Old\",\"count\":\"many\"}' AS BLOB) \
         WHERE id = 'c'",
    )
    .await;
    file.execute("UPDATE vivaz_components SET name = 'gone' WHERE id = 'l'").await;

    let second = file.start_without_flushes().await;
    let mut streams = position("t", &tally, 0);
    streams["c:l"] = json!(["any", 0]);
    let mut back = Client::resume(&second, &welcome, 4, streams).await;
    let messages = back.drain().await;
    let of = |id: &str| messages.iter().find(|one| one["componentId"] == id).unwrap().clone();
    let migrated = of("t");
    assert_eq!(migrated["type"], "COMPONENT_MOUNTED");
    assert!(migrated.get("ref").is_none());
    assert_eq!(migrated["payload"]["state"], json!({ "title": "Old", "count": 9 }));
    assert_ne!(migrated["epoch"], tally["epoch"]);
    let anew = of("c");
    assert_eq!((&anew["type"], &anew["payload"]["state"]["count"]), (&json!("COMPONENT_MOUNTED"), &json!(7)));
    assert_eq!(of("l")["type"], "COMPONENT_UNMOUNTED");
    back.count_from(4);
    assert_eq!(back.act("t", "add", json!([1])).await["payload"]["count"], 10);
    assert_eq!(back.act("c", "increment", json!([])).await["payload"]["count"], 8);
}
