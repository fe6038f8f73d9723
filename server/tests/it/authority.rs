//! Authorization: which client may do what, and until when.

use std::time::Duration;

use serde_json::json;
use vivaz::{ActionError, Call, Limits, SessionId};

use crate::app::{Room, limited, start, start_with};
use crate::client::{Client, Received, assert_error};
use crate::http::request;

const ADA: &[(&str, &str)] = &[("x-user", "ada")];

#[tokio::test]
async fn a_guard_runs_before_the_handler() {
    let server = start().await;
    let mut client = Client::hello_with(&server, ADA, json!({})).await;
    client.mount("lab", "lab", json!({})).await;
    assert_error(&client.act("lab", "publish", json!([])).await, "forbidden");
    let write = client.message("PROPERTY_UPDATE", "lab", json!({ "property": "draft", "value": "words" }));
    client.ask(write).await;
    assert_eq!(client.act("lab", "publish", json!([])).await["payload"], json!({ "seen": 1 }));
    let mut nobody = Client::hello(&server).await;
    nobody.mount("lab", "lab", json!({})).await;
    assert_error(&nobody.act("lab", "publish", json!([])).await, "unauthenticated");
}

#[tokio::test]
async fn a_handler_knows_the_user_the_tenant_and_the_permissions() {
    let server = start().await;
    let headers = &[("x-user", "ada"), ("x-tenant", "acme"), ("x-may", "experiment")];
    let mut client = Client::hello_with(&server, headers, json!({})).await;
    client.mount("lab", "lab", json!({})).await;
    assert_eq!(client.act("lab", "who", json!([])).await["payload"], json!(["ada", "acme", true]));
}

#[tokio::test]
async fn revoking_a_user_closes_only_their_pages_with_4401() {
    let server = start().await;
    let mut first = Client::hello_with(&server, ADA, json!({})).await;
    let mut second = Client::hello_with(&server, ADA, json!({})).await;
    let acme = [("x-user", "ada"), ("x-tenant", "acme")];
    let mut other = Client::hello_with(&server, &acme, json!({})).await;
    other.mount("c", "counter", json!({})).await;
    let waiting = Client::hello_with(&server, ADA, json!({})).await;
    let welcome = waiting.welcome.clone();
    waiting.cut();
    server.until(|server| server.runtime.stats().connections == 3).await;
    first.mount("lab", "lab", json!({})).await;
    let mut bob = Client::hello_with(&server, &[("x-user", "bob")], json!({})).await;
    bob.mount("c", "counter", json!({})).await;
    assert_eq!(server.runtime.revoke("ada"), 3);
    assert_eq!(first.closed().await, 4401);
    assert_eq!(second.closed().await, 4401);
    assert_eq!(bob.act("c", "increment", json!([])).await["payload"]["count"], 1);
    // A user with the same id in another tenant is another user.
    assert_eq!(other.act("c", "increment", json!([])).await["payload"]["count"], 1);
    server.until(|server| server.runtime.stats().sessions == 2).await;
    assert!(server.bench.hooks.lock().unwrap().contains(&"unmount"), "components are notified");
    for welcome in [&first.welcome, &second.welcome, &welcome] {
        let hello = json!({ "session": welcome["session"], "resume": welcome["resume"] });
        let back = Client::hello_with(&server, ADA, hello).await;
        assert_eq!(back.welcome["resumed"], false, "no state of a revoked session is left");
    }
    assert_eq!(server.runtime.revoke_of("globex", "ada"), 0);
    assert_eq!(server.runtime.revoke_of("acme", "ada"), 1);
    assert_eq!(other.closed().await, 4401);
}

#[tokio::test]
async fn a_connection_ends_when_its_identity_does_and_the_session_waits() {
    let server = start().await;
    let short: &[_] = &[("x-user", "ada"), ("x-milliseconds", "500")];
    // On a machine that is too busy for the first attempt, the time is extended by half a second.
    let (mut client, welcome) = loop {
        let mut client = Client::open_with(&server, short).await.unwrap();
        client.send(json!({ "v": 1, "type": "HELLO", "payload": {} })).await;
        match client.receive().await {
            Received::Message(welcome) => break (client, welcome["payload"].clone()),
            Received::Closed(code) => assert_eq!(code, Some(4401)),
        }
    };
    assert_eq!(client.closed().await, 4401);
    let hello = json!({ "session": welcome["session"], "resume": welcome["resume"] });
    let back = Client::hello_with(&server, ADA, hello).await;
    assert_eq!(back.welcome["resumed"], true, "resumes with new authentication");
    let mut late = Client::open_with(&server, &[("x-user", "ada"), ("x-milliseconds", "0")]).await.unwrap();
    assert_eq!(late.closed().await, 4401);
}

#[tokio::test]
async fn topics_and_rooms_of_one_name_are_each_tenants_own() {
    let server = start().await;
    let hello = async |tenant: Option<&str>| {
        let tenant = tenant.map(|tenant| ("x-tenant", tenant));
        let mut client = Client::hello_with(&server, tenant.as_slice(), json!({})).await;
        let seen = client.mount("chat", "chat", json!({})).await;
        assert_eq!(seen["payload"]["topics"], json!({ "chat": "chat/lobby" }));
        client.mount("lab", "lab", json!({})).await;
        client.act("lab", "enter", json!(["kitchen"])).await;
        client
    };
    let mut acme = hello(Some("acme")).await;
    let mut colleague = hello(Some("acme")).await;
    let (mut other, mut nobody) = (hello(Some("other")).await, hello(None).await);
    acme.act("chat", "say", json!(["ours"])).await;
    acme.act("lab", "shout", json!(["kitchen", "dinner"])).await;
    let received = colleague.drain().await;
    let has_received = |what: &str| received.iter().any(|message| message.to_string().contains(what));
    assert!(has_received("ours") && has_received("dinner"), "{received:?}");
    assert!(other.drain().await.is_empty() && nobody.drain().await.is_empty());
    server.runtime.emit_to_room("kitchen", "shouted", &"tea").unwrap();
    server.runtime.emit_to_room_of("other", "kitchen", "shouted", &"coffee").unwrap();
    for (client, heard) in [(&mut nobody, &["tea"][..]), (&mut other, &["coffee"]), (&mut colleague, &[])] {
        let messages = client.drain().await;
        let events = messages.iter().filter(|message| message["type"] == "EVENT");
        assert_eq!(events.map(|event| event["payload"]["data"].clone()).collect::<Vec<_>>(), heard);
    }
    let said = async |tenant| {
        let topic = match tenant {
            Some(tenant) => server.runtime.topic_of::<Room>(tenant, "chat/lobby").await,
            None => server.runtime.topic::<Room>("chat/lobby").await,
        };
        topic.unwrap().value().messages.len()
    };
    assert_eq!((said(Some("acme")).await, said(Some("other")).await, said(None).await), (1, 0, 0));
}

#[tokio::test]
async fn running_handlers_finish_when_access_is_revoked() {
    let server = start().await;
    let mut client = Client::hello_with(&server, ADA, json!({})).await;
    client.mount("lab", "lab", json!({})).await;
    let call = client.call("lab", "wait", json!([]));
    client.send(call).await;
    server.bench.entered.notified().await;
    assert_eq!(server.runtime.revoke_where(|identity| identity.user_id().is_some()), 1);
    assert_eq!(client.closed().await, 4401);
    server.bench.gate.notify_one();
    server.until(|server| server.bench.hooks.lock().unwrap().contains(&"unmount")).await;
}

#[tokio::test]
async fn identities_from_before_a_revocation_are_identified_again() {
    let server = start().await;
    let mut client = Client::open_with(&server, ADA).await.unwrap();
    // The server has the connection, but no session that could be ended.
    server.until(|server| server.runtime.stats().connections == 1).await;
    assert_eq!(server.runtime.revoke("ada"), 0);
    client.send(json!({ "v": 1, "type": "HELLO", "payload": {} })).await;
    assert_eq!(client.closed().await, 4408);
    assert_eq!(server.runtime.stats().sessions, 0);
    Client::hello_with(&server, ADA, json!({})).await;
}

#[tokio::test]
async fn a_session_that_is_ended_closes_with_4410() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    client.mount("lab", "lab", json!({})).await;
    let session = SessionId::new(client.welcome["session"].as_str().unwrap()).unwrap();
    assert!(server.runtime.end_session(&session));
    assert_eq!(client.closed().await, 4410);
    server.until(|server| server.runtime.stats().sessions == 0).await;
    assert!(!server.runtime.end_session(&session));
    let back = Client::resume(&server, &client.welcome, 0, json!({})).await;
    assert_eq!(back.welcome["resumed"], false);
}

#[tokio::test]
async fn a_session_stays_with_its_tenant() {
    let server = start().await;
    let of = |tenant| [("x-user", "ada"), ("x-tenant", tenant)];
    let client = Client::hello_with(&server, &of("acme"), json!({})).await;
    let hello = json!({ "session": client.welcome["session"], "resume": client.welcome["resume"] });
    client.cut();
    for headers in [&of("other")[..], ADA] {
        let foreign = Client::hello_with(&server, headers, hello.clone()).await;
        assert_eq!(foreign.welcome["resumed"], false);
        assert_ne!(foreign.welcome["session"], hello["session"]);
    }
    let back = Client::hello_with(&server, &of("acme"), hello).await;
    assert_eq!(back.welcome["resumed"], true);
}

#[tokio::test]
async fn a_user_has_so_many_sessions_and_one_more_is_refused_or_takes_the_place_of_one_that_waits() {
    let server = limited(Limits { sessions_per_user: 2, ..Limits::default() }).await;
    let first = Client::hello_with(&server, ADA, json!({})).await;
    let _second = Client::hello_with(&server, ADA, json!({})).await;
    let mut third = Client::open_with(&server, ADA).await.unwrap();
    third.send(json!({ "v": 1, "type": "HELLO", "payload": {} })).await;
    assert_eq!(third.closed().await, 4503);
    Client::hello_with(&server, &[("x-user", "bob")], json!({})).await;
    let welcome = first.welcome.clone();
    first.cut();
    server.until(|server| server.runtime.stats().connections <= 2).await;
    let mut fourth = Client::open_with(&server, ADA).await.unwrap();
    // The server may not have suspended the first session yet.
    while {
        fourth.send(json!({ "v": 1, "type": "HELLO", "payload": {} })).await;
        matches!(fourth.receive().await, Received::Closed(_))
    } {
        fourth = Client::open_with(&server, ADA).await.unwrap();
    }
    // The second session, the fourth session and Bob's.
    server.until(|server| server.runtime.stats().sessions == 3).await;
    let hello = json!({ "session": welcome["session"], "resume": welcome["resume"] });
    let mut back = Client::open_with(&server, ADA).await.unwrap();
    back.send(json!({ "v": 1, "type": "HELLO", "payload": hello })).await;
    assert_eq!(back.closed().await, 4503, "it made room, and there is none again");
}

#[tokio::test]
async fn of_a_users_sessions_that_wait_the_oldest_ends() {
    let server = limited(Limits { suspended_per_user: 2, ..Limits::default() }).await;
    let mut welcomes = Vec::new();
    for n in 1..=4 {
        let client = Client::hello_with(&server, ADA, json!({})).await;
        welcomes.push(client.welcome.clone());
        client.cut();
        server.until(|server| server.runtime.stats().connections == 0).await;
        server.until(move |server| server.runtime.stats().sessions == n.min(2)).await;
    }
    for (welcome, resumed) in welcomes.iter().zip([false, false, true, true]) {
        let hello = json!({ "session": welcome["session"], "resume": welcome["resume"] });
        let back = Client::hello_with(&server, ADA, hello).await;
        assert_eq!(back.welcome["resumed"], resumed);
        back.close(4000).await;
    }
}

#[tokio::test]
async fn a_failed_identity_hook_admits_no_user_and_logs_no_user_out() {
    let server = limited(Limits { hello_time: Duration::from_secs(1), ..Limits::default() }).await;
    for (header, code, status) in
        [("x-refuse", 4401, 401), ("x-fail", 4503, 503), ("x-panic", 4503, 503), ("x-hang", 4503, 503)]
    {
        let mut client = Client::open_with(&server, &[(header, "1")]).await.unwrap();
        assert_eq!(client.closed().await, code, "{header}");
        let (head, _) = request(&server, "GET", "/page", &[(header, "1")]).await;
        assert!(head.starts_with(&format!("http/1.1 {status}")), "{header}: {head}");
    }
    for (auth, code) in [("wrong", 4401), ("fail", 4503), ("hang", 4503), ("panic", 4503)] {
        let mut client = Client::open(&server).await;
        client.send(json!({ "v": 1, "type": "HELLO", "payload": { "auth": auth } })).await;
        assert_eq!(client.closed().await, code, "{auth}");
    }
    Client::hello(&server).await;
}

#[tokio::test]
async fn middleware_that_panics_or_hangs_refuses_and_the_session_continues() {
    let server = start_with(|builder| {
        let limits = Limits { action_time: Duration::from_millis(100), ..Limits::default() };
        builder.limits(limits).middleware(|call: Call| async move {
            match call.request.action().unwrap_or_default() {
                "boom" => panic!("the secret is 4711"),
                "forever" => std::future::pending().await,
                "fail" => Err(ActionError::forbidden("not you")),
                _ => Ok(()),
            }
        })
    })
    .await;
    let mut client = Client::hello(&server).await;
    client.mount("lab", "lab", json!({})).await;
    for (action, code) in [("boom", "panicked"), ("forever", "timeout"), ("fail", "forbidden")] {
        assert_error(&client.act("lab", action, json!([])).await, code);
    }
    assert_eq!(client.act("lab", "see", json!([])).await["payload"]["seen"], 1);
}
