//! Topics that collect the changes of an interval: one patch for all, and each author's reply after
//! it.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vivaz::prelude::*;
use vivaz::testing::{Answer, Moment, Server, View};
use vivaz::{MemoryStore, Runtime};

use crate::app::{Bench, start};
use crate::client::Client;

const INTERVAL: Duration = Duration::from_millis(250);

#[derive(LiveComponent, Clone)]
#[live(name = "pulse", inline = "{{ own }} {{ crowd.beats.len() }}", open)]
struct Pulse {
    #[live(default)]
    own: u32,
    #[live(shared = "crowd/all")]
    crowd: Shared<Crowd>,
}

#[derive(LiveComponent, Clone)]
#[live(name = "safe-pulse", inline = "{{ own }} {{ crowd.beats.len() }}", open, durable)]
struct SafePulse {
    #[live(default)]
    own: u32,
    #[live(shared = "crowd/all")]
    crowd: Shared<Crowd>,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
struct Crowd {
    beats: List<Beat>,
}

#[derive(LiveState, Serialize, Deserialize, Clone)]
struct Beat {
    id: u32,
}

impl Topic for Crowd {
    type Key = String;

    const INTERVAL: Duration = INTERVAL;

    async fn load(_: &String, _: &TopicContext) -> Result<Self> {
        Ok(Self::default())
    }

    async fn authorize(_: &String, _: &Identity) -> Result<()> {
        Ok(())
    }
}

macro_rules! beats {
    ($component:ident) => {
        #[actions]
        impl $component {
            #[action]
            fn beat(&mut self, id: u32) -> u32 {
                self.crowd.update(move |crowd| crowd.beats.push(Beat { id }));
                id
            }

            #[action]
            fn beat_and_count(&mut self, id: u32) -> u32 {
                self.own += 1;
                self.beat(id)
            }

            #[action]
            async fn beat_now(&mut self, id: u32) -> Result<usize> {
                self.crowd
                    .update_now(move |crowd| {
                        crowd.beats.push(Beat { id });
                        crowd.beats.len()
                    })
                    .await
            }

            #[action]
            async fn beat_now_and_fail(&mut self, id: u32) -> Result<()> {
                self.beat_now(id).await?;
                Err(ActionError::user("but no more"))
            }

            #[action]
            fn count(&mut self) -> u32 {
                self.own += 1;
                self.own
            }

            #[action]
            fn count_beside(&mut self, cx: &mut Context) {
                cx.spawn("counted", async { Ok(()) });
            }

            #[event]
            fn counted(&mut self, done: Result<()>) -> Result<()> {
                done?;
                self.own += 1;
                Ok(())
            }
        }
    };
}

beats!(Pulse);
beats!(SafePulse);

fn server() -> Server {
    let (store, bench) = (MemoryStore::new(), Arc::new(Bench::default()));
    Server::new(move || Runtime::builder().store(store.clone()).state(Arc::clone(&bench)))
}

fn beats(view: &View) -> Vec<Value> {
    view.state()["crowd"]["beats"].as_array().unwrap().iter().map(|beat| beat["id"].clone()).collect()
}

/// Less than an interval, and more than a reply that is not held takes.
async fn soon() {
    tokio::time::sleep(INTERVAL / 10).await;
}

#[tokio::test(start_paused = true)]
async fn the_first_change_is_sent_at_once_and_those_that_follow_together() {
    for (component, action) in ["pulse", "safe-pulse"]
        .into_iter()
        .flat_map(|one| ["beat", "beat_and_count", "beat_now"].map(|act| (one, act)))
    {
        let server = server();
        let pages = [server.page(), server.page()];
        let viewer = server.page();
        let ada = pages[0].mount_open(component, json!({})).await.unwrap();
        let bob = pages[1].mount_open(component, json!({})).await.unwrap();
        let seen = viewer.mount_open(component, json!({})).await.unwrap();
        ada.call(action, [1]).await.unwrap();
        viewer.until(|_| beats(&seen) == [1]).await;
        let calls = [ada.call(action, [2]), bob.call(action, [3]), ada.call(action, [4])];
        soon().await;
        assert_eq!(beats(&seen), [1], "{component} {action}");
        assert!(calls.iter().all(|call| !call.is_answered()), "replies follow the patch");
        let began = tokio::time::Instant::now();
        for call in calls {
            call.await.unwrap();
            assert_eq!(beats(&ada).len().max(beats(&bob).len()), 4, "the patch precedes the reply");
        }
        assert!(began.elapsed() <= INTERVAL, "{:?}", began.elapsed());
        viewer.until(|_| beats(&seen).len() == 4).await;
        tokio::time::sleep(2 * INTERVAL).await;
        ada.call(action, [5]).await.unwrap();
        viewer.until(|_| beats(&seen).len() == 5).await;
        let late = viewer.client(|client| client.state(seen.id()).is_some());
        assert!(late);
    }
}

#[tokio::test(start_paused = true)]
async fn intermediate_errors_of_a_component_keep_their_order() {
    for component in ["pulse", "safe-pulse"] {
        let server = server();
        let page = server.page();
        let pulse = page.mount_open(component, json!({})).await.unwrap();
        pulse.call("beat", [1]).await.unwrap();
        // The page checks the protocol: a revision out of order or an unexpected reply is a
        // failure.
        let held = pulse.call("beat_and_count", [2]);
        let behind = [pulse.call("count", ()), pulse.call("beat_and_count", [3]), pulse.call("count", ())];
        soon().await;
        assert!(!held.is_answered() && behind.iter().all(|call| !call.is_answered()));
        assert_eq!(held.await.unwrap(), Some(json!(2)));
        for (call, answer) in behind.into_iter().zip([2, 3, 4]) {
            assert_eq!(call.await.unwrap(), Some(json!(answer)));
        }
        assert_eq!((pulse.state()["own"].clone(), beats(&pulse).len()), (json!(4), 3));
    }
}

/// A patch caused by an event, which is not a reply, follows the held replies.
#[tokio::test(start_paused = true)]
async fn spontaneous_changes_of_a_component_follow_its_replies() {
    for component in ["pulse", "safe-pulse"] {
        let server = server();
        let page = server.page();
        let pulse = page.mount_open(component, json!({})).await.unwrap();
        pulse.call("count_beside", ()).await.unwrap();
        pulse.until(|pulse| pulse.confirmed()["own"] == 1).await;
        pulse.call("beat", [1]).await.unwrap();
        let held = [pulse.call("beat_and_count", [2]), pulse.call("count_beside", ())];
        soon().await;
        assert!(held.iter().all(|call| !call.is_answered()));
        assert_eq!(pulse.confirmed()["own"], 1, "{component}");
        for call in held {
            call.await.unwrap();
        }
        pulse.until(|pulse| pulse.confirmed()["own"] == 3).await;
        assert_eq!(page.connections(), 1);
    }
}

#[tokio::test]
async fn a_patch_of_a_busy_interval_names_a_bounded_number_of_its_actions() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    client.mount("c", "pulse", json!({})).await;
    let calls: Vec<_> = (0..120).map(|id| client.call("c", "beat", json!([id]))).collect();
    client.send_all(calls).await.unwrap();
    let mut answered = 0;
    while answered < 120 {
        let message = client.next().await;
        let named = message["by"].as_array().map_or(0, Vec::len);
        assert!(named <= 64, "a patch names {named} actions");
        answered += u32::from(message["ref"].is_u64());
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_that_stays_when_its_action_fails_precedes_the_error() {
    for component in ["pulse", "safe-pulse"] {
        let server = server();
        let page = server.page();
        let pulse = page.mount_open(component, json!({})).await.unwrap();
        pulse.call("beat", [1]).await.unwrap();
        let failed = pulse.call("beat_now_and_fail", [2]);
        soon().await;
        assert!(!failed.is_answered());
        assert_eq!(failed.await.unwrap_err().message, "but no more");
        assert_eq!(beats(&pulse), [1, 2]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_while_a_reply_is_held_runs_the_action_once() {
    for component in ["pulse", "safe-pulse"] {
        for moment in [Moment::AfterSend, Moment::BeforeReply] {
            let server = server();
            let page = server.page();
            let pulse = page.mount_open(component, json!({})).await.unwrap();
            pulse.call("beat", [1]).await.unwrap();
            page.network().drop_at(moment);
            let held = [pulse.call("beat_and_count", [2]), pulse.call("beat_and_count", [3])];
            for (call, id) in held.into_iter().zip([2, 3]) {
                assert_eq!(call.await.unwrap(), Some(json!(id)));
            }
            page.settled().await;
            assert_eq!(
                (pulse.state()["own"].clone(), beats(&pulse)),
                (json!(2), vec![json!(1), json!(2), json!(3)])
            );
            assert_eq!(page.sessions(), 1);
            // Away for longer than the interval.
            let held = pulse.call("beat_and_count", [4]);
            soon().await;
            page.network().offline();
            tokio::time::sleep(4 * INTERVAL).await;
            page.network().online();
            held.await.unwrap();
            assert_eq!((pulse.state()["own"].clone(), beats(&pulse).len()), (json!(3), 4));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_shuts_down_sends_held_replies_first() {
    for component in ["pulse", "safe-pulse"] {
        let server = server();
        let page = server.page();
        let pulse = page.mount_open(component, json!({})).await.unwrap();
        pulse.call("beat", [1]).await.unwrap();
        let held = pulse.call("beat_and_count", [2]);
        soon().await;
        server.restart().await;
        assert_eq!(held.await.unwrap(), Some(json!(2)));
        page.settled().await;
        assert_eq!((pulse.state()["own"].clone(), page.sessions()), (json!(1), 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_removal_follows_the_replies_and_a_new_page_sees_the_sent_state() {
    for component in ["pulse", "safe-pulse"] {
        let server = server();
        let page = server.page();
        let pulse = page.mount_open(component, json!({})).await.unwrap();
        pulse.call("beat", [1]).await.unwrap();
        let held = pulse.call("beat_and_count", [2]);
        soon().await;
        let late = server.page();
        let seen = late.mount_open(component, json!({})).await.unwrap();
        assert_eq!(beats(&seen), [1], "the snapshot has the state after the patches");
        let unmount = page.ask(pulse.id(), vivaz::testing::Ask::Unmount);
        soon().await;
        // The page drops its requests to a component that it removes.
        assert_eq!(held.await.unwrap_err().code, vivaz::ErrorCode::NotMounted);
        let counted = Answer::Done(Some(json!(2)));
        let is_counted = || page.client(|client| client.answers().any(|(_, answer)| *answer == counted));
        assert!(!is_counted() && !unmount.is_answered());
        page.until(|_| is_counted()).await;
        unmount.await.unwrap();
        late.until(|_| beats(&seen) == [1, 2]).await;
    }
}

/// Shows two topics whose intervals differ.
#[derive(LiveComponent, Clone)]
#[live(name = "two-pulses", inline = "{{ crowd.beats.len() }} {{ throng.beats.len() }}", open)]
struct TwoPulses {
    #[live(shared = "crowd/all")]
    crowd: Shared<Crowd>,
    #[live(shared = "throng/all")]
    throng: Shared<Throng>,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
struct Throng {
    beats: List<Beat>,
}

impl Topic for Throng {
    type Key = String;

    const INTERVAL: Duration = Duration::from_secs(1);

    async fn load(_: &String, _: &TopicContext) -> Result<Self> {
        Ok(Self::default())
    }

    async fn authorize(_: &String, _: &Identity) -> Result<()> {
        Ok(())
    }
}

#[actions]
impl TwoPulses {
    #[action]
    fn fast(&mut self, id: u32) {
        self.crowd.update(move |crowd| crowd.beats.push(Beat { id }));
    }

    #[action]
    fn slow(&mut self, id: u32) {
        self.throng.update(move |throng| throng.beats.push(Beat { id }));
    }
}

#[tokio::test]
async fn a_reply_waits_for_its_own_topic_and_for_the_replies_before_it() {
    let server = start().await;
    let mut client = Client::hello(&server).await;
    client.mount("p", "two-pulses", json!({})).await;
    // The first change of each is sent at once.
    client.act("p", "slow", json!([1])).await;
    client.act("p", "fast", json!([1])).await;
    let (slow, fast) = (client.call("p", "slow", json!([2])), client.call("p", "fast", json!([2])));
    client.send_all([slow.clone(), fast.clone()]).await.unwrap();
    let mut seen = Vec::new();
    while seen.len() < 4 {
        let message = client.next().await;
        seen.push(if message["ref"].is_null() { message["topic"].clone() } else { message["ref"].clone() });
    }
    assert_eq!(seen, [json!("crowd/all"), json!("throng/all"), slow["ref"].clone(), fast["ref"].clone()]);
}
