//! The rooms of a component are stored with its state.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use vivaz::prelude::*;
use vivaz::sqlite::Connection;
use vivaz::store::{Commit, ComponentChange, SessionState, StoredComponent};
use vivaz::testing::Server;
use vivaz::{MemoryStore, Runtime, Save, SessionStore};

use crate::app::Bench;
use crate::leases::{change, component, id, on_each, save, whole};

/// Joins rooms and leaves them, and changes nothing else.
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
    fn go_in_transaction(&mut self, cx: &mut Context, _db: &Connection, steps: Vec<String>) -> Result<()> {
        go(cx, &steps)
    }

    #[event]
    fn shouted(&mut self, words: String) {
        self.heard = words;
    }
}

/// Runs steps: `+a` joins the room `a`, `-a` leaves it, `fail` fails.
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

/// The steps of one action, and the rooms of the component afterwards.
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

/// Runs each of the steps and ends the process after each.
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
        assert_eq!(page.sessions(), 1, "the session continues");
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

/// The rooms of the session's components, by their ids.
async fn rooms(store: &dyn SessionStore) -> Vec<(String, Vec<String>)> {
    let seen = store.find(&id("s")).await.unwrap().unwrap();
    let stored = store.claim(&id("s"), "a", &seen).await.unwrap().unwrap();
    let mut rooms: Vec<_> = stored.components.into_iter().map(|one| (one.id, one.rooms)).collect();
    rooms.sort();
    rooms
}

#[tokio::test]
async fn a_store_keeps_the_rooms_with_each_state() {
    on_each(|store, _clock| async move {
        let with =
            |name: &str, room: &str| StoredComponent { rooms: vec![room.into()], ..component(name, 3) };
        let is = |c: &str, d: &str| {
            [("c", c), ("d", d)].map(|(id, room)| (id.to_owned(), vec![room.to_owned()])).to_vec()
        };
        let components = vec![with("c", "cellar"), with("d", "den")];
        let aside = vec![with("gone", "garden")];
        let entered = SessionState { components, aside: aside.clone(), ..whole("s", &[]) };
        store.enter("a", vec![entered]).await.unwrap();
        assert_eq!(rooms(&*store).await, is("cellar", "den"));
        assert_eq!(save(&*store, "a", "s", &["c"]).await, None);
        assert_eq!(rooms(&*store).await, is("hall", "den"));
        store.commit(change("s", "a", "d", 3)).await.unwrap();
        assert_eq!(rooms(&*store).await, is("hall", "attic"));
        let mounted = ComponentChange::Mounted { component: Box::new(with("c", "closet")) };
        store.commit(Commit::of(id("s"), "a".into(), 0, mounted, None)).await.unwrap();
        assert_eq!(rooms(&*store).await, is("closet", "attic"));
        let seen = store.find(&id("s")).await.unwrap().unwrap();
        assert_eq!(store.claim(&id("s"), "a", &seen).await.unwrap().unwrap().aside, aside);
    })
    .await;
}
