//! The same cases with processes that are killed, and programs that differ. A file makes the topics
//! of a process fail.

#![cfg(unix)]

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::{Value, json};
use vivaz::store::StoredComponent;
use vivaz::{Runtime, Save};

use super::versions::other_schema;
use super::{Call, KINDS};
use crate::app::Bench;
use crate::client::Client;
use crate::process::{self, Place};
use crate::stores::Translated;

/// Set for a process that runs another program: its components have another schema.
const OTHER: &str = "VIVAZ_TEST_OTHER";
/// Why the server does not resume a session now.
const NOT_NOW: u16 = 4503;

/// Not a test by itself: the process that the other tests kill.
#[tokio::test]
#[ignore = "the process of another test"]
async fn a_process_whose_topics_fail_on_demand() {
    let Some(database) = process::database() else { return };
    let translate: fn(&mut StoredComponent) =
        if std::env::var_os(OTHER).is_some() { other_schema } else { |_| () };
    let store = Translated::new(database, translate);
    let builder = Runtime::builder().state(Arc::<Bench>::default()).store(store).save(Save::Always);
    process::serve(builder.build().unwrap()).await;
}

const PROCESS: &str = "failing::killed::a_process_whose_topics_fail_on_demand";

/// Sets whether the topics of a process fail.
fn fails(place: &Place, call: Call, fails: bool) {
    let file = place.folder().join(format!("{call:?}"));
    if fails { std::fs::write(file, "").unwrap() } else { std::fs::remove_file(file).unwrap() }
}

/// Mounts a component of each kind and adds to it five times; returns the `WELCOME` and the last
/// ref.
async fn five_each(address: SocketAddr) -> (Client, u64) {
    let mut client = Client::hello_at(address).await;
    for kind in KINDS {
        client.mount(kind, kind, json!({ "key": "one" })).await;
        for _ in 0..5 {
            client.act(kind, "add", json!([])).await;
        }
    }
    (client, 12)
}

/// Resumes the session as soon as it can be resumed, checks that the page loses nothing, and adds
/// one to each component.
async fn resumes_with(address: SocketAddr, welcome: &Value, acked: u64, items: i64) -> Client {
    let mut client = Client::resume_at(address, welcome, acked).await.unwrap();
    assert_eq!((&client.welcome["resumed"], &client.welcome["session"]), (&json!(true), &welcome["session"]));
    for kind in KINDS {
        assert_eq!(client.act(kind, "add", json!([])).await["result"], items, "{kind}");
    }
    client
}

#[tokio::test]
async fn a_process_that_was_killed_and_a_topic_that_fails_after_it() {
    for call in [Call::Load, Call::Authorize] {
        let mut place = Place::new(PROCESS);
        let (client, acked) = five_each(place.start()).await;
        place.kill();
        fails(&place, call, true);
        // A second process that cannot restore the session is killed too.
        for _ in 0..2 {
            let address = place.start();
            for _ in 0..2 {
                let refused = Client::resume_at(address, &client.welcome, acked).await.err();
                assert_eq!(refused, Some(NOT_NOW), "{call:?}");
            }
            place.kill();
        }
        let address = place.start();
        assert_eq!(Client::resume_at(address, &client.welcome, acked).await.err(), Some(NOT_NOW));
        fails(&place, call, false);
        resumes_with(address, &client.welcome, acked, 6).await;
    }
}

#[tokio::test]
async fn a_topic_that_does_not_answer_at_a_reconnect_and_a_kill_after_it() {
    let mut place = Place::new(PROCESS);
    let address = place.start();
    let (client, acked) = five_each(address).await;
    let welcome = client.welcome.clone();
    client.cut();
    fails(&place, Call::Authorize, true);
    for _ in 0..2 {
        assert_eq!(Client::resume_at(address, &welcome, acked).await.err(), Some(NOT_NOW));
    }
    fails(&place, Call::Authorize, false);
    let client = resumes_with(address, &welcome, acked, 6).await;
    let (welcome, acked) = (client.welcome.clone(), acked + 2);
    client.cut();
    fails(&place, Call::Authorize, true);
    assert_eq!(Client::resume_at(address, &welcome, acked).await.err(), Some(NOT_NOW));
    place.kill();
    fails(&place, Call::Authorize, false);
    resumes_with(place.start(), &welcome, acked, 7).await;
}

#[tokio::test]
async fn a_deploy_that_cannot_read_the_state_is_killed_and_rolled_back() {
    let mut place = Place::new(PROCESS);
    let (client, acked) = five_each(place.start()).await;
    place.kill();
    fails(&place, Call::Migrate, true);
    let after = resumes_with(place.start_with(&[(OTHER, "1")]), &client.welcome, acked, 1).await;
    place.kill();
    resumes_with(place.start(), &after.welcome, acked + 2, 6).await;
}
