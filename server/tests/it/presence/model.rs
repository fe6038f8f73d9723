//! Random sequences of visits, compared with a model.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::json;
use tokio::time::{Instant, sleep};
use vivaz::testing::{Page, View};

use super::{GRACE, LINGER, Watcher, server, visit};

#[derive(Clone, Debug)]
enum Step {
    Open(usize),
    Offline(usize),
    Online(usize),
    Leave(usize),
    Go(usize, bool),
    Enter(usize),
    Quit(usize),
    /// In tenths of a second.
    Wait(u64),
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..3_usize).prop_map(Step::Open),
        3 => (0..6_usize).prop_map(Step::Offline),
        3 => (0..6_usize).prop_map(Step::Online),
        2 => (0..6_usize).prop_map(Step::Leave),
        2 => (0..6_usize, any::<bool>()).prop_map(|(page, there)| Step::Go(page, there)),
        1 => (0..6_usize).prop_map(Step::Enter),
        1 => (0..6_usize).prop_map(Step::Quit),
        4 => (1..150_u64).prop_map(Step::Wait),
        1 => Just(Step::Restart),
    ]
}

/// A page, and its expected effect on the halls.
struct Visit {
    user: usize,
    page: Option<Page>,
    view: View,
    place: &'static str,
    is_present: bool,
    /// Since when it is offline, or has left.
    since: Option<Instant>,
    has_left: bool,
}

impl Visit {
    fn counts(&self, place: &str, now: Instant) -> bool {
        let time = if self.has_left { LINGER } else { GRACE };
        self.is_present && self.place == place && self.since.is_none_or(|since| now - since < time)
    }
}

const USERS: [&str; 3] = ["ada", "bob", "eve"];

async fn follows_the_model(steps: Vec<Step>) {
    let server = server();
    let (a, b) = (Watcher::new(&server, "a").await, Watcher::new(&server, "b").await);
    let mut visits: Vec<Visit> = Vec::new();
    for step in steps {
        let online = |visits: &[Visit], at: usize| {
            visits.get(at).is_some_and(|visit| !visit.has_left && visit.since.is_none())
        };
        match step {
            Step::Open(user) if visits.len() < 6 => {
                let page = server.page_as(USERS[user], USERS[user]);
                let view = visit(&page, "a").await;
                visits.push(Visit {
                    user,
                    page: Some(page),
                    view,
                    place: "a",
                    is_present: true,
                    since: None,
                    has_left: false,
                });
            }
            Step::Offline(at) if online(&visits, at) => {
                visits[at].page.as_ref().unwrap().network().offline();
                visits[at].since = Some(Instant::now());
            }
            Step::Online(at) if visits.get(at).is_some_and(|visit| !visit.has_left) => {
                let page = visits[at].page.as_ref().unwrap();
                page.network().online();
                page.settled().await;
                visits[at].since = None;
            }
            Step::Leave(at) if online(&visits, at) => {
                visits[at].page.take().unwrap().leave().await;
                (visits[at].since, visits[at].has_left) = (Some(Instant::now()), true);
            }
            Step::Go(at, there) if online(&visits, at) => {
                let place = if there { "b" } else { "a" };
                visits[at].view.call("go", [place]).await.unwrap();
                visits[at].place = place;
            }
            Step::Enter(at) if online(&visits, at) => {
                visits[at].view.call("enter", json!([])).await.unwrap();
                visits[at].is_present = true;
            }
            Step::Quit(at) if online(&visits, at) => {
                visits[at].view.call("leave", json!([])).await.unwrap();
                visits[at].is_present = false;
            }
            // No sum of these equals the grace or the linger: events at the same time as a deadline
            // have no order.
            Step::Wait(tenths) => sleep(Duration::from_millis(tenths * 100 + 33)).await,
            Step::Restart => {
                server.restart().await;
                for visit in &mut visits {
                    match &visit.page {
                        Some(page) if visit.since.is_none() => page.settled().await,
                        // A user who is absent has to enter first.
                        _ => visit.since = Some(Instant::now() - GRACE * 100),
                    }
                }
            }
            _ => continue,
        }
        for (watcher, place) in [(&a, "a"), (&b, "b")] {
            let now = Instant::now();
            let seen: BTreeSet<String> = watcher.present_users().await.into_iter().collect();
            let expected: BTreeSet<String> = visits
                .iter()
                .filter(|visit| visit.counts(place, now))
                .map(|visit| USERS[visit.user].to_owned())
                .collect();
            assert_eq!(seen, expected, "in {place} after {step:?}");
        }
    }
}

#[test]
fn any_sequence_of_visits_shows_the_present_users() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let config = ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new(config)
        .run(&prop::collection::vec(step(), 1..40), |steps| {
            runtime.block_on(follows_the_model(steps));
            Ok(())
        })
        .unwrap();
}
