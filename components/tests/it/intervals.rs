//! Topics that collect the changes of an interval and send them as one patch.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};
use vivaz_components::__private::AnyShared as _;
use vivaz_components::{
    Author, Hub, Identity, LiveState, Result, Shared, StagedUpdate, States, Subscription, Topic,
    TopicContext, TopicHandle, Unsent,
};

use vivaz_protocol::Rev;

use crate::hub::Ear;

const INTERVAL: Duration = Duration::from_millis(200);

#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
struct Crowd {
    count: i64,
}

impl Topic for Crowd {
    type Key = String;

    const INTERVAL: Duration = INTERVAL;

    async fn load(_: &String, _: &TopicContext) -> Result<Self> {
        Ok(Self::default())
    }

    async fn authorize(_: &String, _: &Identity) -> Result {
        Ok(())
    }
}

/// A topic with a subscriber.
struct Scene {
    crowd: TopicHandle<Crowd>,
    ear: Arc<Ear>,
    _subscription: Subscription,
}

impl Scene {
    async fn new() -> Self {
        let crowd = Hub::new().open::<Crowd>("crowd/all", &States::default()).await.unwrap();
        let ear = Ear::new("ear");
        let subscription = crowd.topic().subscribe(ear.clone(), None, &mut |_| ()).unwrap();
        Self { crowd, ear, _subscription: subscription }
    }

    /// Adds to the count in the name of an author. Returns the receiver of the author's patch.
    fn add(&self, by: &str, count: i64) -> Option<Unsent> {
        let mut shared = Shared::<Crowd>::new();
        shared.bind(self.crowd.topic()).unwrap();
        shared.update(move |crowd| crowd.count += count);
        let by = Author::parse(by).unwrap();
        StagedUpdate::publish_all(shared.take_staged(), Some(&by)).unwrap().pop()
    }

    /// Returns the counts that the subscriber has received since the last call, with their authors.
    fn received(&self) -> Vec<(Value, Value)> {
        let frames = self.ear.received().into_iter();
        let frames = frames.map(|frame| serde_json::from_str::<Value>(&frame).unwrap());
        frames.map(|frame| (frame["payload"]["count"].clone(), frame["by"].clone())).collect()
    }
}

/// Waits for the patch. Returns how long it took.
async fn sent(unsent: Option<Unsent>) -> Duration {
    let began = Instant::now();
    timeout(10 * INTERVAL, unsent.unwrap().sent()).await.unwrap();
    began.elapsed()
}

#[tokio::test(start_paused = true)]
async fn an_interval_ends_with_one_patch_that_names_each_author_once() {
    let scene = Scene::new().await;
    assert!(scene.add("ann:1", 1).is_none(), "nothing was sent lately");
    assert_eq!(scene.received(), [(json!(1), json!("ann:1"))]);
    let first = scene.add("bob:1", 1);
    let _rest = [scene.add("ann:2", 1), scene.add("bob:1", 1)].map(Option::unwrap);
    assert_eq!(scene.crowd.value().count, 4, "the topic itself does not wait");
    let snapshot = scene.crowd.topic().snapshot().unwrap();
    assert_eq!(
        (snapshot.rev, snapshot.json()),
        (Rev(1), r#"{"count":1}"#),
        "a snapshot contains the sent state"
    );
    assert_eq!(scene.received(), []);
    assert_eq!(sent(first).await, INTERVAL);
    assert_eq!(scene.received(), [(json!(4), json!(["bob:1", "ann:2"]))]);
    // Another interval started with that patch.
    sleep(INTERVAL / 4).await;
    let next = scene.add("ann:3", 1);
    assert_eq!(sent(next).await, INTERVAL * 3 / 4);
    assert_eq!(scene.received(), [(json!(5), json!("ann:3"))]);
}

#[tokio::test(start_paused = true)]
async fn a_change_at_the_end_of_an_interval_is_sent_at_once() {
    let scene = Scene::new().await;
    for count in 1..4 {
        assert!(scene.add("ann:1", 1).is_none());
        assert_eq!(scene.received(), [(json!(count), json!("ann:1"))]);
        sleep(INTERVAL).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_without_changes_starts_no_interval_and_waits_for_pending_ones() {
    let scene = Scene::new().await;
    assert!(scene.add("ann:1", 0).is_none());
    assert!(scene.add("ann:2", 1).is_none(), "no patch was sent before");
    assert!(scene.add("ann:3", 0).is_none(), "nothing waits");
    let change = scene.add("ann:4", 1);
    assert_eq!(scene.received().len(), 1);
    let nothing = scene.add("bob:1", 0);
    assert_eq!(sent(nothing).await, INTERVAL, "its author has seen what it was made on");
    assert_eq!(sent(change).await, Duration::ZERO);
    assert_eq!(scene.received().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn changes_that_cancel_each_other_are_not_sent_and_delay_no_reply() {
    let scene = Scene::new().await;
    scene.add("ann:1", 1);
    let (up, down) = (scene.add("ann:2", 1), scene.add("bob:1", -1));
    assert_eq!((sent(up).await, sent(down).await), (INTERVAL, Duration::ZERO));
    assert_eq!(scene.received().len(), 1, "the first change alone");
    assert!(scene.add("ann:3", 1).is_none());
    assert_eq!(scene.received(), [(json!(2), json!("ann:3"))]);
}

/// Whether moods can be serialised.
static IS_WRITABLE: AtomicBool = AtomicBool::new(true);

/// A text that cannot be serialised at times.
#[derive(Deserialize, Clone, Default)]
struct Mood(String);

impl Serialize for Mood {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        if !IS_WRITABLE.load(Ordering::SeqCst) {
            return Err(serde::ser::Error::custom("not now"));
        }
        self.0.serialize(serializer)
    }
}

#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
struct Moody {
    #[live(opaque)]
    mood: Mood,
}

impl Topic for Moody {
    type Key = String;

    const INTERVAL: Duration = INTERVAL;

    async fn load(_: &String, _: &TopicContext) -> Result<Self> {
        Ok(Self::default())
    }

    async fn authorize(_: &String, _: &Identity) -> Result {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_patch_that_cannot_be_made_is_retried_and_the_replies_wait_for_it() {
    let moody = Hub::new().open::<Moody>("moody/all", &States::default()).await.unwrap();
    let ear = Ear::new("ear");
    let _subscription = moody.topic().subscribe(ear.clone(), None, &mut |_| ()).unwrap();
    let set = |by: &str, mood: &'static str| {
        let mut shared = Shared::<Moody>::new();
        shared.bind(moody.topic()).unwrap();
        shared.update(move |moody| moody.mood = Mood(mood.to_owned()));
        let by = Author::parse(by).unwrap();
        StagedUpdate::publish_all(shared.take_staged(), Some(&by)).unwrap().pop()
    };
    assert!(set("ann:1", "calm").is_none());
    assert_eq!(ear.received().len(), 1);
    let [first, second] = [set("ann:2", "glad"), set("bob:1", "sad")].map(Option::unwrap);
    IS_WRITABLE.store(false, Ordering::SeqCst);
    let mut first = std::pin::pin!(first.sent());
    assert!(timeout(10 * INTERVAL, &mut first).await.is_err(), "the patch was not sent");
    assert!(ear.received().is_empty());
    IS_WRITABLE.store(true, Ordering::SeqCst);
    timeout(Duration::from_secs(2), first).await.unwrap();
    timeout(Duration::from_secs(2), second.sent()).await.unwrap();
    let frames = ear.received();
    assert_eq!(frames.len(), 1);
    let frame: Value = serde_json::from_str(&frames[0]).unwrap();
    assert_eq!((&frame["payload"]["mood"], &frame["by"]), (&json!("sad"), &json!(["ann:2", "bob:1"])));
    assert!(set("ann:3", "calm").is_some(), "another interval began with that patch");
}
