//! Everything that ends presence: hidden children, revocations, deploys, lost sessions.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;
use vivaz::prelude::*;

use super::{GRACE, Hall, LINGER, SHORT, UNREADABLE, Watcher, server, visit};
use crate::app::start;
use crate::client::Client;

/// Shows a visitor, or does not.
#[derive(LiveComponent, Clone)]
#[live(
    name = "door",
    inline = r#"<div live:if="open"><live:visitor place="a" enters="{{ true }}"></live:visitor></div>"#,
    open
)]
struct Door {
    #[live(default = true)]
    open: bool,
}

#[actions]
impl Door {
    #[action]
    fn turn(&mut self) {
        self.open = !self.open;
    }
}

/// Also where a foreign client keeps the component mounted.
#[tokio::test(start_paused = true)]
async fn a_child_that_its_parent_shows_no_more_is_not_present() {
    let server = server();
    let watcher = Watcher::new(&server, "a").await;
    let ada = server.page_as("ada", "Ada");
    let door = ada.mount_open("door", json!({})).await.unwrap();
    ada.settled().await;
    assert_eq!(watcher.present_users().await, ["Ada"]);
    for _ in 0..2 {
        door.call("turn", ()).await.unwrap();
        ada.settled().await;
        sleep(LINGER * 2).await;
        assert_eq!(watcher.present_users().await, [""; 0]);
        door.call("turn", ()).await.unwrap();
        ada.settled().await;
        assert_eq!(watcher.present_users().await, ["Ada"]);
    }
}

/// A foreign client does not unmount the child by itself.
#[tokio::test]
async fn a_child_that_the_page_keeps_is_not_present_while_its_parent_does_not_show_it() {
    let server = start().await;
    let mut client = Client::hello_with(&server, &[("x-user", "ada")], json!({})).await;
    client.mount("d", "door", json!({})).await;
    let child = client.message("COMPONENT_MOUNT", "v", json!({ "parent": "d", "place": [0, 1, 0] }));
    let mounted = client.ask(child).await;
    assert_eq!(mounted["type"], "COMPONENT_MOUNTED", "{mounted}");
    let hall = server.runtime.topic::<Hall>("hall/a").await.unwrap();
    let until = async |is_present: bool| {
        while hall.value().users.is_empty() == is_present {
            sleep(Duration::from_millis(5)).await;
        }
    };
    for _ in 0..2 {
        until(true).await;
        client.act("d", "turn", json!([])).await;
        until(false).await;
        client.act("d", "turn", json!([])).await;
    }
    until(true).await;
}

#[tokio::test(start_paused = true)]
async fn a_revoked_user_is_absent_at_once_also_while_a_handler_runs() {
    let server = server();
    let watcher = Watcher::new(&server, "a").await;
    let ada = server.page_as("ada", "Ada");
    let view = visit(&ada, "a").await;
    let _work = view.call("work", ());
    sleep(SHORT).await;
    server.runtime().revoke("ada");
    sleep(SHORT).await;
    assert_eq!(watcher.present_users().await, [""; 0]);
    sleep(GRACE * 3).await;
    assert_eq!((watcher.present_users().await, watcher.events().len()), (vec![], 4));
}

/// The number of messages that one page can cause for all observers is bounded.
#[tokio::test(start_paused = true)]
async fn a_page_that_enters_and_leaves_all_the_time_is_seen_once() {
    let server = server();
    let watcher = Watcher::new(&server, "a").await;
    let ada = server.page_as("ada", "Ada");
    for _ in 0..50 {
        let view = visit(&ada, "a").await;
        view.unmount().await.unwrap();
        sleep(SHORT).await;
    }
    assert_eq!((watcher.present_users().await, watcher.events().len()), (vec!["Ada".to_owned()], 2));
}

/// The next program cannot decode the state of the component, and mounts it anew.
#[tokio::test(start_paused = true)]
async fn presence_survives_a_deploy_that_cannot_read_the_state() {
    UNREADABLE.store(false, Ordering::SeqCst);
    let server = server();
    let watcher = Watcher::new(&server, "c").await;
    let ada = server.page_as("ada", "Ada");
    let _view = ada.mount_open("brittle-visitor", json!({ "place": "c", "enters": true })).await.unwrap();
    UNREADABLE.store(true, Ordering::SeqCst);
    server.restart().await;
    ada.settled().await;
    UNREADABLE.store(false, Ordering::SeqCst);
    assert_eq!(watcher.present_users().await, ["Ada"]);
}

/// A session that the store does not return in the end was never announced.
#[tokio::test(start_paused = true)]
async fn a_suspended_session_enters_no_presence() {
    let server = server();
    let (here, there) = (Watcher::new(&server, "a").await, Watcher::new(&server, "b").await);
    let ada = server.page_as("ada", "Ada");
    let view = visit(&ada, "a").await;
    view.call("go_later", ["b"]).await.unwrap();
    ada.network().offline();
    sleep(Duration::from_secs(5)).await;
    assert_eq!((here.present_users().await, there.present_users().await), (vec![], vec![]));
    assert!(there.events().is_empty());
    ada.network().online();
    ada.settled().await;
    assert_eq!((here.present_users().await, there.present_users().await), (vec![], vec!["Ada".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn a_topic_without_subscribers_is_removed() {
    let server = server();
    let ada = server.page_as("ada", "Ada");
    let _view = visit(&ada, "a").await;
    ada.leave().await;
    sleep(Duration::from_secs(600)).await;
    assert!(server.runtime().hub().get("hall/a").is_none());
}
