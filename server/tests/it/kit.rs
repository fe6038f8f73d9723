//! The testing kit for applications: pages without a browser, on a network that breaks on request.

mod addresses;
mod browser;
mod controls;
mod day;
mod faults;
mod groups;
mod hands;
mod interleavings;
mod keys;
mod navigation;
mod nodes;
mod optimistic;
mod restart;
mod rows;
mod settled;
mod streaming;
mod waits;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;
use vivaz::testing::{Moment, Server};
use vivaz::{ErrorCode, Identity, Limits, Runtime};

use crate::app::{Bench, ClosedProps, Counter, CounterProps, Room};

fn server() -> (Server, Arc<Bench>) {
    let bench = Arc::new(Bench::default());
    let state = Arc::clone(&bench);
    (Server::new(move || Runtime::builder().state(Arc::clone(&state))), bench)
}

#[tokio::test(start_paused = true)]
async fn a_component_is_mounted_as_it_was_rendered_and_called() {
    let (server, bench) = server();
    let page = server.page();
    let counter = page.mount::<Counter>(CounterProps { title: "Clicks".into(), count: 3 }).await.unwrap();
    assert_eq!(counter.state(), json!({ "title": "Clicks", "count": 3 }));
    counter.call("increment", ()).await.unwrap();
    counter.call("increment", [5]).await.unwrap();
    assert_eq!(counter.call("peek", ()).await.unwrap(), Some(json!(9)));
    assert_eq!(counter.state()["count"], 9);
    let refusal = counter.call("increment", ["a"]).await.unwrap_err();
    assert_eq!(refusal.code, ErrorCode::BadArguments);
    // A component that is not open is mounted with a seal, and its `mount` has run once.
    let closed = page.mount::<crate::app::Closed>(ClosedProps { text: "x".into() }).await.unwrap();
    assert_eq!(closed.call("mounts", ()).await.unwrap(), Some(json!(1)));
    assert_eq!(bench.runs.load(Ordering::SeqCst), 1);
    let refusal = page.mount_open("closed", json!({})).await.unwrap_err();
    assert_eq!(refusal.code, ErrorCode::UnknownComponent);
}

#[tokio::test(start_paused = true)]
async fn whenever_the_connection_breaks_an_action_runs_once_and_is_answered() {
    let (server, bench) = server();
    let page = server.page();
    let lab = page.mount_open("lab", json!({})).await.unwrap();
    page.network().duplicate();
    for (round, moment) in
        [Moment::BeforeSend, Moment::AfterSend, Moment::BeforeReply].into_iter().cycle().take(12).enumerate()
    {
        page.network().drop_at(moment);
        let seen = lab.call("see", ()).await.unwrap();
        assert_eq!(seen, Some(json!(round + 1)), "{moment:?}");
    }
    page.settled().await;
    assert_eq!(lab.state()["seen"], 12);
    assert_eq!(bench.runs.load(Ordering::SeqCst), 12);
    assert_eq!((page.connections(), page.sessions()), (13, 1));
}

#[tokio::test(start_paused = true)]
async fn offline_requests_arrive_in_order_after_the_reconnect() {
    let (server, _bench) = server();
    let page = server.page();
    let chat = page.mount_open("chat", json!({})).await.unwrap();
    page.network().offline();
    let said: Vec<_> = (0..5).map(|n| chat.call("say", [format!("{n}")])).collect();
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert!(said.iter().all(|call| !call.is_answered()));
    page.network().online();
    for call in said {
        call.await.unwrap();
    }
    let texts: Vec<_> = chat.state()["chat"]["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["text"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(texts, ["0", "1", "2", "3", "4"]);
}

#[tokio::test(start_paused = true)]
async fn two_people_see_the_same_room_and_one_may_not_see_the_other() {
    let (server, _bench) = server();
    let (ada, bob) = (server.page_as("ada", "Ada"), server.page_as("bob", "Bob"));
    let one = ada.mount_open("chat", json!({})).await.unwrap();
    let two = bob.mount_open("chat", json!({})).await.unwrap();
    one.call("say", ["hello"]).await.unwrap();
    bob.settled().await;
    assert_eq!(two.state(), one.state());
    assert_eq!(two.state()["chat"]["messages"], json!([{ "id": 1, "text": "hello" }]));
    let refusal = bob.mount_open("chat", json!({ "room": "private" })).await.unwrap_err();
    assert_eq!(refusal.code, ErrorCode::Forbidden);
    // Another user's connection does not resume Ada's session.
    ada.set_identity(Identity::anonymous());
    ada.network().drop();
    ada.settled().await;
    assert_eq!((ada.connections(), ada.sessions()), (2, 2));
}

/// The session of a page that is hidden or closed ends earlier than that of a page whose connection
/// broke.
#[tokio::test(start_paused = true)]
async fn a_hidden_page_waits_for_its_own_limit() {
    let seconds = Duration::from_secs;
    for (is_hidden, away, sessions) in
        [(true, 6, 1), (true, 8, 2), (false, 8, 1), (false, 19, 1), (false, 21, 2)]
    {
        let limits = Limits { hidden_time: seconds(7), suspended_time: seconds(20), ..Limits::default() };
        let bench = Arc::new(Bench::default());
        let server = Server::new(move || Runtime::builder().state(Arc::clone(&bench)).limits(limits.clone()));
        let page = server.page();
        let counter = page.mount_open("counter", json!({})).await.unwrap();
        counter.call("increment", ()).await.unwrap();
        if is_hidden {
            page.network().put_aside();
        } else {
            page.network().offline();
        }
        tokio::time::sleep(seconds(away)).await;
        page.network().online();
        page.settled().await;
        assert_eq!(page.sessions(), sessions, "after {away} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_line_takes_its_time_both_ways() {
    let (server, _bench) = server();
    let page = server.page();
    let counter = page.mount_open("counter", json!({})).await.unwrap();
    page.network().delay(Duration::from_millis(200));
    let before = Instant::now();
    let calls: Vec<_> = (0..10).map(|_| counter.call("increment", ())).collect();
    for call in calls {
        call.await.unwrap();
    }
    // They run concurrently.
    assert_eq!(before.elapsed().as_millis() / 10, 40);
    assert_eq!(counter.state()["count"], 10);
}

#[tokio::test(start_paused = true)]
async fn a_test_page_reports_its_close_its_navigation_and_its_events() {
    let (server, _bench) = server();
    let page = server.page();
    let lab = page.mount_open("lab", json!({})).await.unwrap();
    lab.call("enter", ["hall"]).await.unwrap();
    server.runtime().emit_to_room("hall", "shouted", &"hey").unwrap();
    page.until(|page| !page.events().is_empty()).await;
    let event = &page.events()[0];
    assert_eq!((&*event.name, &event.data), ("shouted", &json!("hey")));
    // The other part of the event, for the component, changes its state.
    page.until(|_| lab.state()["draft"] == "hey").await;
    page.leave().await;
    assert_eq!(server.runtime().stats().sessions, 0);
}

#[tokio::test(start_paused = true)]
async fn without_a_store_a_restart_ends_sessions_and_pages_mount_again() {
    let (server, _bench) = server();
    let page = server.page();
    let counter = page.mount::<Counter>(CounterProps { title: "Clicks".into(), count: 3 }).await.unwrap();
    counter.call("increment", ()).await.unwrap();
    let topic = server.runtime().topic::<Room>("chat/lobby").await.unwrap();
    assert!(topic.value().messages.is_empty());
    page.network().restart_server().await;
    page.settled().await;
    // From its seal, which the new server can decrypt.
    assert_eq!((counter.state()["count"].clone(), page.sessions()), (json!(3), 2));
    server.crash();
    // It is unknown whether the old server ran it, so the page does not repeat it.
    let refusal = counter.call("increment", ()).await.unwrap_err();
    assert_eq!(refusal.code, ErrorCode::SessionLost);
    counter.call("increment", ()).await.unwrap();
    assert_eq!(counter.state()["count"], 4);
}
