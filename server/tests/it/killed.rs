//! Processes that are killed: what they saved and committed is there for the next one.

#![cfg(unix)]

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use vivaz::Runtime;
use vivaz::sqlite::Connection;

use crate::app::Bench;
use crate::client::Client;
use crate::process::{self, Place};

/// Not a test of its own: the process that the others kill.
#[tokio::test]
#[ignore = "the process of another test"]
async fn a_process_to_be_killed() {
    let Some(database) = process::database() else { return };
    let builder = Runtime::builder().state(Arc::<Bench>::default()).store(database);
    process::serve(builder.build().unwrap()).await;
}

const PROCESS: &str = "killed::a_process_to_be_killed";

/// The state of the component as the store has it.
fn stored(place: &Place, component: &str) -> Value {
    let database = Connection::open(place.folder().join("app.sqlite")).unwrap();
    database.busy_timeout(Duration::from_secs(20)).unwrap();
    let sql = "SELECT state FROM vivaz_components WHERE id = ?1";
    let state: Vec<u8> = database.query_row(sql, [component], |row| row.get(0)).unwrap();
    serde_json::from_slice(&state).unwrap()
}

#[tokio::test]
async fn what_the_store_has_of_a_plain_component_outlives_a_kill() {
    let mut place = Place::new(PROCESS);
    let mut page = Client::greet_at(place.start()).await;
    page.mount("lab", "lab", json!({})).await;
    for seen in 1..=5 {
        assert_eq!(page.act("lab", "see", json!([])).await["result"], seen);
    }
    // How long it takes is asserted where time is the test's own: `saving.rs`.
    let saved = async {
        while stored(&place, "lab")["seen"] != 5 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), saved).await.expect("it is saved before long");
    place.kill();
    let mut page = Client::resume_at(place.start(), &page.welcome, 6).await.unwrap();
    assert_eq!(page.welcome["resumed"], true);
    assert_eq!(page.act("lab", "see", json!([])).await["result"], 6);
}

#[tokio::test]
async fn a_durable_component_is_in_its_rooms_after_a_kill() {
    let mut place = Place::new(PROCESS);
    let mut page = Client::greet_at(place.start()).await;
    page.mount("m", "member-durable", json!({})).await;
    // Each is acknowledged, and the process is killed at once.
    let steps = [("go", "+a", true), ("go", "-a", false), ("go_in_transaction", "+a", true)];
    for (acked, (action, step, is_in)) in (2..).zip(steps) {
        assert_eq!(page.act("m", action, json!([[step]])).await["type"], "ACK");
        place.kill();
        let address = place.start();
        page = Client::resume_at(address, &page.welcome, acked).await.unwrap();
        let mut other = Client::greet_at(address).await;
        other.mount("lab", "lab", json!({})).await;
        other.act("lab", "shout", json!(["a", "tea"])).await;
        if is_in {
            while page.next().await["type"] != "EVENT" {}
        } else {
            let heard = page.drain().await;
            assert!(heard.iter().all(|message| message["type"] != "EVENT"), "{step}: {heard:?}");
        }
    }
}
