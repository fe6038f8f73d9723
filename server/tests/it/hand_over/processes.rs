//! Two processes on one file: both live, one is suspended and wakes, one is killed.

#![cfg(unix)]

use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::Client;
use crate::killed::{PROCESS, until_stored};
use crate::process::Place;

#[tokio::test]
async fn a_session_moves_between_processes_that_live_wake_and_die() {
    let mut first = Place::new(PROCESS);
    let mut second = first.beside();
    let (here, there) = (first.start(), second.start());
    let mut page = Client::hello_at(here).await;
    page.mount("lab", "lab", json!({})).await;
    let mut seen = 0;
    for (round, address) in [there, here, there, here].into_iter().enumerate() {
        for _ in 0..3 {
            seen += 1;
            assert_eq!(page.act("lab", "see", json!([])).await["result"], seen, "{round}");
        }
        let mut moved = Client::resume_at(address, &page.welcome, seen + 1).await.unwrap();
        assert_eq!(moved.welcome["resumed"], true, "{round}");
        assert_eq!(page.closed().await, 4409, "{round}");
        moved.count_from(seen + 1);
        page = moved;
    }
    // The first process does not run for a while. What it had saved continues in the second one.
    until_stored(&first, "lab", |state| state["seen"] == seen).await;
    first.signal("STOP");
    let mut moved = Client::resume_at(there, &page.welcome, seen + 1).await.unwrap();
    moved.count_from(seen + 1);
    assert_eq!(moved.act("lab", "see", json!([])).await["result"], seen + 1);
    first.signal("CONT");
    assert_eq!(page.closed().await, 4409, "it hears of it although it sends nothing");
    assert_eq!(moved.act("lab", "see", json!([])).await["result"], seen + 2);
    until_stored(&first, "lab", |state| state["seen"] == seen + 2).await;
    // The second one is killed, and the page does not wait for it.
    second.kill();
    let begun = Instant::now();
    let mut back = Client::resume_at(here, &moved.welcome, seen + 3).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    back.count_from(seen + 3);
    assert_eq!(back.act("lab", "see", json!([])).await["result"], seen + 3);
}
