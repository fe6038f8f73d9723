//! Changes of several topics are applied together, and those of a transaction cannot fail after the
//! commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use vivaz_components::__private::AnyShared as _;
use vivaz_components::{
    ErrorCode, Hub, Identity, List, LiveState, ReservedUpdates, Result, Shared, StagedUpdate, States, Topic,
    TopicContext, TopicHandle,
};

use crate::hub::Ear;

const LIMIT: usize = 200;

#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
struct Pile {
    lines: List<Line>,
}

#[derive(LiveState, Serialize, Deserialize, Clone)]
struct Line {
    id: usize,
    text: String,
}

impl Pile {
    fn add(&mut self, text: &str) {
        self.lines.push(Line { id: self.lines.len(), text: text.to_owned() });
    }

    fn texts(&self) -> String {
        self.lines.iter().map(|line| &*line.text).collect::<Vec<_>>().join(" ")
    }
}

impl Topic for Pile {
    type Key = String;

    async fn load(_: &String, _: &TopicContext) -> Result<Self> {
        Ok(Self::default())
    }

    async fn authorize(_: &String, _: &Identity) -> Result {
        Ok(())
    }
}

/// The same with an interval.
#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
struct Slow {
    lines: List<Line>,
}

impl Topic for Slow {
    type Key = String;
    const INTERVAL: Duration = Duration::from_millis(100);

    async fn load(_: &String, _: &TopicContext) -> Result<Self> {
        Ok(Self::default())
    }

    async fn authorize(_: &String, _: &Identity) -> Result {
        Ok(())
    }
}

async fn open<T: Topic>(hub: &Hub, name: &str) -> TopicHandle<T> {
    hub.open(name, &States::default()).await.unwrap()
}

async fn pile() -> TopicHandle<Pile> {
    open(&Hub::new().with_topic_limit(LIMIT), "pile/a").await
}

fn staged<T: Topic>(topic: &TopicHandle<T>, change: impl Fn(&mut T) + Send + Sync + 'static) -> StagedUpdate {
    let mut shared = Shared::<T>::new();
    shared.bind(topic.topic()).unwrap();
    shared.update(change);
    shared.take_staged().remove(0)
}

fn reserve(
    topic: &TopicHandle<Pile>,
    change: impl Fn(&mut Pile) + Send + Sync + 'static,
) -> Result<ReservedUpdates> {
    StagedUpdate::reserve_all(vec![staged(topic, change)], None)
}

#[tokio::test]
async fn a_reserved_change_is_visible_when_published_and_its_closure_runs_once() {
    let (pile, runs) = (pile().await, Arc::new(AtomicU32::new(0)));
    let counted = Arc::clone(&runs);
    let reserved = reserve(&pile, move |pile| {
        pile.add("one");
        assert_eq!(counted.fetch_add(1, Ordering::SeqCst), 0);
    });
    let reserved = reserved.unwrap();
    assert_eq!(pile.value().texts(), "");
    assert!(reserved.publish(None).is_empty());
    assert_eq!((&*pile.value().texts(), runs.load(Ordering::SeqCst)), ("one", 1));
}

#[tokio::test]
async fn changes_that_are_reserved_are_made_upon_each_other() {
    let pile = pile().await;
    let ear = Ear::new("ear");
    let _subscription = pile.topic().subscribe(ear.clone(), None, &mut |_| ()).unwrap();
    let one = reserve(&pile, |pile| pile.add("one")).unwrap();
    let two = reserve(&pile, |pile| {
        assert_eq!(pile.texts(), "one");
        pile.add("two");
    });
    let two = two.unwrap();
    assert!(ear.received().is_empty());
    assert!(one.publish(None).is_empty());
    assert!(two.publish(None).is_empty());
    assert_eq!(pile.value().texts(), "one two");
    let patches = ear.received();
    assert_eq!(patches.len(), 2);
    assert!(patches[1].contains("two") && !patches[1].contains("one"), "a patch for each: {patches:?}");
}

#[tokio::test]
async fn a_change_in_between_and_the_reserved_one_are_both_kept() {
    let pile = pile().await;
    let ear = Ear::new("ear");
    let _subscription = pile.topic().subscribe(ear.clone(), None, &mut |_| ()).unwrap();
    let one = reserve(&pile, |pile| pile.add("one")).unwrap();
    let two = reserve(&pile, |pile| pile.add("two")).unwrap();
    pile.update(|pile| pile.add("between")).await.unwrap();
    assert_eq!(pile.value().texts(), "between", "uncommitted changes are not visible");
    assert!(one.publish(None).is_empty());
    pile.update(|pile| pile.add("again")).await.unwrap();
    assert!(two.publish(None).is_empty());
    assert_eq!(pile.value().texts(), "between one again two");
    assert_eq!(ear.received().len(), 4);
}

#[tokio::test]
async fn a_change_that_conflicts_with_a_reserved_one_is_refused() {
    let pile = pile().await;
    pile.update(|pile| pile.add("base")).await.unwrap();
    let needs = reserve(&pile, |pile| {
        assert_eq!(pile.lines.len(), 1);
        pile.add(&"x".repeat(100));
    });
    let needs = needs.unwrap();
    let refused = pile.update(|pile| pile.add("between")).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::ActionFailed);
    let refused = StagedUpdate::publish_all(vec![staged(&pile, |pile| pile.lines.clear())], None);
    assert_eq!(refused.unwrap_err().code(), ErrorCode::ActionFailed);
    assert_eq!(pile.value().texts(), "base", "nothing was changed");
    assert!(needs.publish(None).is_empty());
    assert!(pile.value().texts().starts_with("base xxx"));

    let large = reserve(&pile, |pile| pile.add("y")).unwrap();
    let left = LIMIT - serde_json::to_string(&*pile.value()).unwrap().len();
    let fits_alone = "z".repeat(left - 22);
    let refused = pile.update(|pile| pile.add(&fits_alone)).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::TooLarge);
    drop(large);
    pile.update(|pile| pile.add(&fits_alone)).await.unwrap();
}

#[tokio::test]
async fn abandoned_reservations_leave_no_change() {
    let pile = pile().await;
    let one = reserve(&pile, |pile| pile.add("one")).unwrap();
    let two = reserve(&pile, |pile| pile.add("two")).unwrap();
    drop(one);
    assert!(two.publish(None).is_empty());
    assert_eq!(pile.value().texts(), "two");
    let refused = reserve(&pile, |_| panic!("no")).map(drop);
    assert_eq!(refused.unwrap_err().code(), ErrorCode::Panicked);
    pile.update(|pile| pile.add("three")).await.unwrap();
    assert_eq!(pile.value().texts(), "two three");
}

#[tokio::test]
async fn a_topic_that_refuses_leaves_the_others_as_they_were() {
    let hub = Hub::new().with_topic_limit(LIMIT);
    let (a, b) = (open::<Pile>(&hub, "pile/a").await, open::<Pile>(&hub, "pile/b").await);
    for reserves in [false, true] {
        for bad_first in [false, true] {
            let good = staged(&a, |pile| pile.add("good"));
            let bad = staged(&b, |pile| pile.add(&"x".repeat(LIMIT)));
            let both = if bad_first { vec![bad, good] } else { vec![good, bad] };
            let outcome = if reserves {
                StagedUpdate::reserve_all(both, None).map(drop)
            } else {
                StagedUpdate::publish_all(both, None).map(drop)
            };
            assert_eq!(outcome.unwrap_err().code(), ErrorCode::TooLarge);
            assert_eq!((a.value().texts(), b.value().texts()), (String::new(), String::new()));
            // No partial change is left for later ones.
            let after = reserve(&a, |pile| assert_eq!(pile.texts(), ""));
            drop(after.unwrap());
        }
    }
}

#[tokio::test]
async fn two_changes_of_a_topic_in_one_action_are_one_patch_in_their_order() {
    let pile = pile().await;
    let ear = Ear::new("ear");
    let _subscription = pile.topic().subscribe(ear.clone(), None, &mut |_| ()).unwrap();
    let both = || vec![staged(&pile, |pile| pile.add("one")), staged(&pile, |pile| pile.add("two"))];
    assert!(StagedUpdate::publish_all(both(), None).unwrap().is_empty());
    assert!(StagedUpdate::reserve_all(both(), None).unwrap().publish(None).is_empty());
    assert_eq!(pile.value().texts(), "one two one two");
    assert_eq!(ear.received().len(), 2);
}

#[tokio::test]
async fn a_closure_may_read_another_topic_of_the_action() {
    let hub = Hub::new();
    let (a, b) = (open::<Pile>(&hub, "pile/a").await, open::<Pile>(&hub, "pile/b").await);
    let (read_a, read_b) = (a.clone(), b.clone());
    let both = vec![
        staged(&a, move |pile| pile.add(&read_b.value().lines.len().to_string())),
        staged(&b, move |pile| pile.add(&read_a.value().lines.len().to_string())),
    ];
    assert!(StagedUpdate::publish_all(both, None).unwrap().is_empty());
    assert_eq!((&*a.value().texts(), &*b.value().texts()), ("0", "0"));
}

#[tokio::test]
async fn actions_on_the_same_topics_in_another_order_do_not_wait_for_each_other() {
    const TIMES: usize = 500;
    let hub = Hub::new();
    let (a, b) = (open::<Pile>(&hub, "pile/a").await, open::<Pile>(&hub, "pile/b").await);
    let threads = [(a.clone(), b.clone()), (b.clone(), a.clone())].map(|(one, other)| {
        std::thread::spawn(move || {
            for _ in 0..TIMES {
                let both = vec![staged(&one, |pile| pile.add("x")), staged(&other, |pile| pile.add("x"))];
                StagedUpdate::publish_all(both, None).unwrap();
            }
        })
    });
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!((a.value().lines.len(), b.value().lines.len()), (2 * TIMES, 2 * TIMES));
}

#[tokio::test(start_paused = true)]
async fn with_an_interval_reserved_changes_are_sent_at_its_end() {
    let slow: TopicHandle<Slow> = open(&Hub::new(), "slow/a").await;
    let ear = Ear::new("ear");
    let _subscription = slow.topic().subscribe(ear.clone(), None, &mut |_| ()).unwrap();
    let add = |text: &'static str| {
        move |slow: &mut Slow| slow.lines.push(Line { id: slow.lines.len(), text: text.to_owned() })
    };
    let reserve = |text| StagedUpdate::reserve_all(vec![staged(&slow, add(text))], None).unwrap();
    // While no interval runs.
    for unsent in reserve("one").publish(None) {
        unsent.sent().await;
    }
    assert_eq!(ear.received().len(), 1);
    // Drafted before the end of an interval, and sent after it.
    let two = reserve("two");
    slow.update(add("between")).await.unwrap();
    assert!(ear.received().is_empty());
    tokio::time::sleep(2 * Slow::INTERVAL).await;
    let patches = ear.received();
    assert!(patches.len() == 1 && patches[0].contains("between") && !patches[0].contains("two"));
    for unsent in two.publish(None) {
        unsent.sent().await;
    }
    let patches = ear.received();
    assert!(patches.len() == 1 && patches[0].contains("two"), "{patches:?}");
    let texts: Vec<_> = slow.value().lines.iter().map(|line| line.text.clone()).collect();
    assert_eq!(texts, ["one", "between", "two"]);
}
