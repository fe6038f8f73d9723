//! Arbitrary orders of events: every action takes effect once, and the page ends with the server's
//! state.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;
use vivaz::testing::{Call, Moment, Server};
use vivaz::{MemoryStore, Runtime};

use crate::app::{Bench, Room};

/// An event of an interleaving.
#[derive(Clone, Debug)]
enum Happens {
    /// One of the pages counts.
    Count(usize),
    /// One of the pages sends something to all.
    Say(usize),
    Drop(usize),
    DropAt(usize, Moment),
    Duplicate(usize),
    Delay(usize, u64),
    Offline(usize),
    Online(usize),
    /// Time passes.
    Pass(u64),
    Restart,
}

fn happens() -> impl Strategy<Value = Happens> {
    let moment = prop::sample::select(vec![Moment::BeforeSend, Moment::AfterSend, Moment::BeforeReply]);
    prop_oneof![
        6 => (0..2_usize).prop_map(Happens::Count),
        4 => (0..2_usize).prop_map(Happens::Say),
        3 => (0..2_usize).prop_map(Happens::Drop),
        3 => (0..2_usize, moment).prop_map(|(page, moment)| Happens::DropAt(page, moment)),
        1 => (0..2_usize).prop_map(Happens::Duplicate),
        1 => (0..2_usize, 0..50_u64).prop_map(|(page, ms)| Happens::Delay(page, ms)),
        1 => (0..2_usize).prop_map(Happens::Offline),
        2 => (0..2_usize).prop_map(Happens::Online),
        3 => (0..100_u64).prop_map(Happens::Pass),
        1 => Just(Happens::Restart),
    ]
}

async fn run(script: Vec<Happens>) {
    let (bench, store) = (Arc::new(Bench::default()), MemoryStore::new());
    let state = Arc::clone(&bench);
    let server = Server::new(move || Runtime::builder().state(Arc::clone(&state)).store(store.clone()));
    let pages = [server.page(), server.page()];
    let mut labs = Vec::new();
    let mut chats = Vec::new();
    for page in &pages {
        labs.push(page.mount_open("lab", json!({})).await.unwrap());
        chats.push(page.mount_open("chat", json!({})).await.unwrap());
    }
    let mut counted = [0_u64; 2];
    let mut said = Vec::new();
    let mut calls: Vec<Call> = Vec::new();
    let restarts = script.iter().any(|one| matches!(one, Happens::Restart));
    for one in script {
        match one {
            Happens::Count(page) => {
                counted[page] += 1;
                calls.push(labs[page].call("see", ()));
            }
            Happens::Say(page) => {
                said.push(format!("{}", said.len()));
                calls.push(chats[page].call("say", [said.last().unwrap()]));
            }
            Happens::Drop(page) => pages[page].network().drop(),
            Happens::DropAt(page, moment) => pages[page].network().drop_at(moment),
            Happens::Duplicate(page) => pages[page].network().duplicate(),
            Happens::Delay(page, ms) => pages[page].network().delay(Duration::from_millis(ms)),
            Happens::Offline(page) => pages[page].network().offline(),
            Happens::Online(page) => pages[page].network().online(),
            Happens::Pass(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
            Happens::Restart => server.restart().await,
        }
    }
    server.network().reset();
    for call in calls {
        call.await.unwrap();
    }
    for page in &pages {
        page.settled().await;
        assert_eq!(page.sessions(), 1);
    }
    assert_eq!(bench.runs.load(Ordering::SeqCst), counted.iter().sum::<u64>());
    for (lab, counted) in labs.iter().zip(counted) {
        assert_eq!(lab.state()["seen"], counted);
    }
    assert_eq!(chats[0].state()["chat"], chats[1].state()["chat"]);
    let room = server.runtime().topic::<Room>("chat/lobby").await.unwrap();
    let mut there: Vec<String> = room.value().messages.iter().map(|message| message.text.clone()).collect();
    assert_eq!(chats[0].state()["chat"]["messages"].as_array().unwrap().len(), there.len());
    if !restarts {
        // The room of this test is in memory only, so a restart empties it.
        there.sort();
        said.sort();
        assert_eq!(there, said);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn every_action_takes_effect_once(script in prop::collection::vec(happens(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(run(script));
    }
}
