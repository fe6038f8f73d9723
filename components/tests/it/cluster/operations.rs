//! A message that is handled again, on another node too, changes a topic once.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::sleep;
use vivaz_components::{
    Author, Context, Env, Hub, Identity, LiveComponent, LiveState, Result, Shared, States, Topic,
    TopicContext, TopicHandle, actions,
};

use super::log::{Faults, MemoryEngine, MemoryLog};
use crate::drive::{Page, act};

#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
struct Seats {
    taken: Vec<u32>,
    log: Vec<String>,
}

impl Topic for Seats {
    type Key = String;

    async fn load(_: &String, _: &TopicContext) -> Result<Self> {
        Ok(Self::default())
    }

    async fn authorize(_: &String, _: &Identity) -> Result {
        Ok(())
    }
}

#[derive(LiveComponent, Clone)]
#[live(name = "hall", inline = "{{ done }}")]
struct Hall {
    done: u32,
    #[live(shared = "seats/all")]
    seats: Shared<Seats>,
}

#[actions]
impl Hall {
    fn mount() -> Self {
        Self { done: 0, seats: Shared::new() }
    }

    #[action]
    fn note(&mut self, text: String) {
        self.done += 1;
        let again = format!("{text}, again");
        self.seats.update(move |seats| seats.log.push(text.clone()));
        self.seats.update(move |seats| seats.log.push(again.clone()));
    }

    #[action]
    async fn take(&mut self, seat: u32) -> Result<bool> {
        let is_taken = self
            .seats
            .update_now(move |seats| {
                let is_free = !seats.taken.contains(&seat);
                if is_free {
                    seats.taken.push(seat);
                }
                seats.log.push(format!("{seat} {is_free}"));
                is_free
            })
            .await?;
        self.seats.update(move |seats| seats.log.push(format!("asked for {seat}")));
        Ok(is_taken)
    }

    #[action]
    async fn in_steps(&mut self, cx: &mut Context) -> Result {
        for step in 0..3 {
            self.done = step;
            self.seats.update(move |seats| seats.log.push(format!("step {step}")));
            cx.flush(self).await?;
        }
        Ok(())
    }

    #[action]
    fn fail(&mut self) {
        self.done = 100;
        self.seats.update(|_| panic!("as the test wants"));
    }
}

struct Server {
    hub: Hub,
    page: Page,
}

impl Server {
    async fn start(engine: &Arc<MemoryEngine>) -> Self {
        let hub = Hub::new().with_log(Arc::new(MemoryLog(Arc::clone(engine))));
        let env = Env::new(Identity::default(), States::default(), hub.clone());
        Self { hub, page: Page::mount_in::<Hall>(env, json!({})).await }
    }

    /// Handles a message of the page, which has the session `session`.
    async fn handle(&mut self, reference: u64, action: &str, args: serde_json::Value) -> serde_json::Value {
        let author = Author::parse(&format!("connection:{reference}")).unwrap();
        let finished = self.page.run_with(act(action, args), |cx| cx.caused_by(author)).await;
        match finished.result {
            Ok(value) => value.map_or(json!(null), |value| serde_json::from_str(value.get()).unwrap()),
            Err(error) => json!(error.code().as_str()),
        }
    }

    async fn seats(&self) -> TopicHandle<Seats> {
        sleep(Duration::from_secs(2)).await;
        self.hub.open::<Seats>("seats/all", &States::default()).await.unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn a_repeated_message_changes_a_topic_once() {
    let engine = MemoryEngine::new(1, Faults::default());
    let (mut one, mut two) = (Server::start(&engine).await, Server::start(&engine).await);
    for server in [&mut one, &mut two] {
        server.handle(1, "note", json!(["a"])).await;
        server.handle(2, "in_steps", json!([])).await;
    }
    two.handle(3, "note", json!(["b"])).await;
    let log = ["a", "a, again", "step 0", "step 1", "step 2", "b", "b, again"];
    assert_eq!(one.seats().await.value().log, log);
    assert_eq!(two.seats().await.value().log, log);
    // A node that has started since knows it too, and after ten minutes it is forgotten.
    let mut three = Server::start(&engine).await;
    three.handle(3, "note", json!(["b"])).await;
    assert_eq!(three.seats().await.value().log, log);
    sleep(Duration::from_secs(1_300)).await;
    three.handle(3, "note", json!(["b"])).await;
    assert_eq!(one.seats().await.value().log.len(), 9);
}

#[tokio::test(start_paused = true)]
async fn the_result_of_an_update_is_that_of_the_state_on_which_all_agree() {
    for seed in 1..=40 {
        let engine = MemoryEngine::new(seed, Faults::default());
        let mut servers = Vec::new();
        for _ in 0..3 {
            servers.push(Server::start(&engine).await);
        }
        engine.set_faults(Faults { unknown: 30, unavailable: 5, notification: 50, delay: 15, read: 1 });
        let tasks: Vec<_> = (1..)
            .zip(servers)
            .map(|(number, mut server)| {
                tokio::spawn(async move {
                    let mut won = Vec::new();
                    for seat in 0..6 {
                        won.push(server.handle(number * 100 + seat, "take", json!([seat])).await);
                    }
                    (server, won)
                })
            })
            .collect();
        let mut winners = [0; 6];
        let mut last = None;
        for task in tasks {
            let (server, won) = task.await.unwrap();
            for (seat, is_won) in won.iter().enumerate() {
                winners[seat] += u32::from(is_won.as_bool().unwrap());
            }
            last = Some(server);
        }
        assert_eq!(winners, [1; 6], "seed {seed}");
        engine.set_faults(Faults::default());
        let seats = last.unwrap().seats().await.value();
        assert_eq!((seats.taken.len(), seats.log.len()), (6, 36), "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_whose_update_is_refused_changes_nothing() {
    let engine = MemoryEngine::new(1, Faults::default());
    let mut server = Server::start(&engine).await;
    assert_eq!(server.handle(1, "fail", json!([])).await, "panicked");
    assert_eq!(server.page.state["done"], 0);
    engine.set_faults(Faults { unavailable: 100, ..Faults::default() });
    assert_eq!(server.handle(2, "note", json!(["a"])).await, "overloaded");
    assert_eq!(server.page.state["done"], 0);
    engine.set_faults(Faults::default());
    assert_eq!(server.handle(3, "note", json!(["a"])).await, json!(null));
    assert_eq!(server.page.state["done"], 1);
    assert_eq!(server.seats().await.value().log, ["a", "a, again"]);
}
