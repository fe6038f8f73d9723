//! Rooms that a component is in are kept with its state.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use vivaz::prelude::*;

use vivaz::testing::Server;
use vivaz::{MemoryStore, Runtime, Save};

use crate::app::Bench;

/// Enters and leaves rooms without other changes.
#[derive(LiveComponent, Clone)]
#[live(name = "member", inline = "<p>{{ n }}</p>", open)]
struct Member {
    #[live(default)]
    n: u8,
}

#[actions]
impl Member {
    #[action]
    fn go(&mut self, cx: &mut Context, steps: Vec<String>) -> Result<()> {
        go(cx, &steps)
    }
}

/// The same, and each change is committed.
#[derive(LiveComponent, Clone)]
#[live(name = "member-durable", inline = "<p>{{ heard }}</p>", open, durable)]
struct DurableMember {
    #[live(default)]
    heard: String,
}

#[actions]
impl DurableMember {
    #[action]
    fn go(&mut self, cx: &mut Context, steps: Vec<String>) -> Result<()> {
        go(cx, &steps)
    }

    #[action(transaction)]
    fn go_in_transaction(&mut self, cx: &mut Context, _tx: &mut Tx, steps: Vec<String>) -> Result<()> {
        go(cx, &steps)
    }

    #[event]
    fn shouted(&mut self, words: String) {
        self.heard = words;
    }
}

/// Takes steps: `+a` enters the room `a`, `-a` leaves it, `fail` fails.
fn go(cx: &mut Context, steps: &[String]) -> Result<()> {
    for step in steps {
        match step.split_at(1) {
            ("+", room) => cx.join(room),
            ("-", room) => cx.leave(room),
            _ => return Err(ActionError::user("no further")),
        }
    }
    Ok(())
}

/// The operations of one action, and the rooms of the component afterwards.
const STEPS: [(&[&str], &[&str]); 8] = [
    (&["+a"], &["a"]),
    (&["+b", "+a"], &["a", "b"]),
    (&["-a"], &["b"]),
    (&["+c", "fail"], &["b"]),
    (&["+a", "-b"], &["a"]),
    (&["-a", "+a"], &["a"]),
    (&["+b", "-b", "-a"], &[]),
    (&["+b"], &["b"]),
];
const ROOMS: [&str; 3] = ["a", "b", "c"];

/// How a process ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Killed,
    Planned,
}

/// Takes each of the steps and ends the process after each.
async fn outlives(name: &str, save: Save, end: End) {
    let store = MemoryStore::new();
    let server = Server::new(move || {
        Runtime::builder().store(store.clone()).save(save).state(Arc::<Bench>::default())
    });
    let page = server.page();
    let member = page.mount_open(name, json!({})).await.unwrap();
    for (steps, expected) in STEPS {
        let done = member.call("go", (steps,)).await;
        assert_eq!(done.is_err(), steps.contains(&"fail"), "{name}, {steps:?}");
        if let (Save::Every(interval), "member") = (save, name) {
            tokio::time::sleep(interval).await;
        }
        match end {
            End::Killed => server.crash(),
            End::Planned => server.restart().await,
        }
        page.settled().await;
        assert_eq!(page.sessions(), 1, "the session goes on");
        let runtime = server.runtime();
        let is_in = |room: &&str| !runtime.hub().rooms().members(room).is_empty();
        let rooms: Vec<_> = ROOMS.into_iter().filter(is_in).collect();
        assert_eq!(rooms, expected, "{name}, {save:?}, {end:?}, {steps:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_membership_that_was_acknowledged_outlives_the_process() {
    let hour = Save::Every(Duration::from_secs(3_600));
    for end in [End::Killed, End::Planned] {
        for (name, save) in [
            ("member", Save::default()),
            ("member", Save::Always),
            ("member-durable", hour),
            ("member-durable", Save::Always),
        ] {
            outlives(name, save, end).await;
        }
    }
}
