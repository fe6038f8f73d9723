//! Presence in a topic: claims, and the events for the subscribers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use vivaz_components::__private::AnyShared as _;
use vivaz_components::{
    CatchUp, ErrorCode, Hub, Identity, List, LiveState, Presence, PresenceChange, PresenceClaim,
    ReservedUpdates, Result, Shared, StagedUpdate, States, Topic, TopicContext, TopicHandle, User,
};
use vivaz_protocol::{Patch, RawJson};

use crate::hub::Ear;

#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
#[live(crate = "vivaz_components")]
struct Hall {
    #[live(presence)]
    users: Presence,
    changes: u32,
}

impl Topic for Hall {
    type Key = String;

    async fn load(_: &String, _: &TopicContext) -> Result<Self> {
        Ok(Self::default())
    }

    async fn authorize(_: &String, _: &Identity) -> Result {
        Ok(())
    }

    fn presence_changed(&mut self, _: &String, change: &mut PresenceChange) {
        assert_ne!(change.user().id, "panics");
        self.changes += 1;
    }
}

#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
#[live(crate = "vivaz_components")]
struct Empty {}

impl Topic for Empty {
    type Key = String;

    async fn load(_: &String, _: &TopicContext) -> Result<Self> {
        Ok(Self {})
    }

    async fn authorize(_: &String, _: &Identity) -> Result {
        Ok(())
    }
}

async fn hall() -> TopicHandle<Hall> {
    Hub::new().open("hall/a", &States::default()).await.unwrap()
}

fn present(hall: &TopicHandle<Hall>) -> Vec<String> {
    hall.value().users.iter().map(|user| user.name.clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_user_is_present_from_the_first_claim_to_the_last() {
    let hall = hall().await;
    let topic = hall.topic();
    let one = topic.enter(&User::new("1", "Ada")).unwrap();
    let two = topic.enter(&User::new("1", "Ada L.")).unwrap();
    let other = topic.enter(&User::new("2", "Bob")).unwrap();
    assert_eq!(present(&hall), ["Ada L.", "Bob"]);
    drop(one);
    assert_eq!(present(&hall), ["Ada L.", "Bob"]);
    two.suspend(Duration::from_secs(5));
    tokio::time::sleep(Duration::from_secs(4)).await;
    // A renewed claim does not end at its first time.
    two.renew(&User::new("1", "Ada")).unwrap();
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(present(&hall), ["Ada", "Bob"]);
    two.suspend(Duration::from_secs(5));
    two.suspend(Duration::from_secs(1));
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(present(&hall), ["Bob"]);
    two.renew(&User::new("1", "Ada")).unwrap();
    assert_eq!(present(&hall), ["Bob", "Ada"]);
    other.end_after(Duration::from_secs(1));
    drop(two);
    assert_eq!(present(&hall), ["Bob"]);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(present(&hall), [""; 0]);
    assert_eq!(hall.value().changes, 6);
}

#[tokio::test]
async fn stored_presence_is_not_used() {
    let hall = hall().await;
    let _claim = hall.topic().enter(&User::new("1", "Ada")).unwrap();
    let written = serde_json::to_string(&*hall.value()).unwrap();
    assert_eq!(written, r#"{"users":[{"id":"1","name":"Ada"}],"changes":1}"#);
    let read: Hall = serde_json::from_str(&written).unwrap();
    assert!(read.users.is_empty() && read.changes == 1);
}

#[tokio::test]
async fn a_topic_whose_hook_panics_accepts_users_and_one_without_presence_none() {
    let hall = hall().await;
    let claim = hall.topic().enter(&User::new("panics", "X")).unwrap();
    assert_eq!((present(&hall), hall.value().changes), (vec!["X".to_owned()], 0));
    assert!(claim.renew(&User::new("1", "Ada")).is_err(), "it is another user's");
    drop(claim);
    assert_eq!(present(&hall), [""; 0]);
    let empty = Hub::new().open::<Empty>("empty/a", &States::default()).await.unwrap();
    let refused = empty.topic().enter(&User::new("1", "Ada")).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::ActionFailed);
}

#[tokio::test]
async fn a_full_topic_accepts_no_user() {
    let hub = Hub::new().with_topic_limit(100);
    let hall = hub.open::<Hall>("hall/a", &States::default()).await.unwrap();
    let all: Vec<_> = (0..10).map(|n| hall.topic().enter(&User::new(format!("{n}"), "Somebody"))).collect();
    let (taken, refused): (Vec<_>, Vec<_>) = all.into_iter().partition(Result::is_ok);
    assert_eq!(present(&hall).len(), taken.len());
    assert!(
        taken.len() == 2
            && refused
                .iter()
                .all(|claim| { claim.as_ref().is_err_and(|error| error.code() == ErrorCode::TooLarge) })
    );
    drop(taken);
    assert_eq!(present(&hall), [""; 0]);
    let _claim = hall.topic().enter(&User::new("late", "Late")).unwrap();
    assert_eq!(present(&hall), ["Late"]);
}

#[tokio::test]
async fn events_are_sent_where_at_most_five_hundred_look() {
    let hall = hall().await;
    let ears: Vec<_> = (0..501).map(|n| Ear::new(&format!("s{n}"))).collect();
    let mut all: Vec<_> =
        ears.iter().map(|ear| hall.topic().subscribe(ear.clone(), None, &mut |_| ()).unwrap()).collect();
    let events = |ear: &Ear| ear.received().iter().filter(|frame| frame.contains("\"EVENT\"")).count();
    let claim = hall.topic().enter(&User::new("1", "Ada")).unwrap();
    assert_eq!(ears.iter().map(|ear| events(ear)).sum::<usize>(), 0);
    all.pop();
    drop(claim);
    assert_eq!(ears.iter().map(|ear| events(ear)).sum::<usize>(), 500);
}

#[tokio::test(start_paused = true)]
async fn with_an_interval_events_are_behind_the_patch_that_they_are_about() {
    let hub = Hub::new();
    let club = hub.open::<Club>("club/a", &States::default()).await.unwrap();
    let ear = Ear::new("ear");
    let _look = club.topic().subscribe(ear.clone(), None, &mut |_| ()).unwrap();
    let claims: Vec<_> =
        (1..=3).map(|n| club.topic().enter(&User::new(n.to_string(), "X")).unwrap()).collect();
    let kinds = |frames: &[String]| -> String {
        frames.iter().map(|frame| if frame.contains("EVENT") { 'e' } else { 'p' }).collect()
    };
    assert_eq!(kinds(&ear.received()), "pe", "the first is sent at once");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(kinds(&ear.received()), "pee");
    drop(claims);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(kinds(&ear.received()), "peee");
}

#[tokio::test(start_paused = true)]
async fn a_topic_is_not_kept_for_former_subscribers() {
    let hub = Hub::new();
    let hall = hub.open::<Hall>("hall/a", &States::default()).await.unwrap();
    hall.topic().enter(&User::new("1", "Ada")).unwrap().end_after(Duration::from_secs(1));
    drop(hall);
    let now = std::time::Instant::now();
    assert_eq!(hub.sweep(now, Duration::from_secs(1)), 0);
    assert_eq!(hub.sweep(now + Duration::from_secs(2), Duration::from_secs(1)), 1);
}

/// Records the users who leave, in a long text.
#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
#[live(crate = "vivaz_components")]
struct Book {
    #[live(presence)]
    users: Presence,
    lines: Vec<String>,
}

impl Topic for Book {
    type Key = String;

    async fn load(_: &String, _: &TopicContext) -> Result<Self> {
        Ok(Self::default())
    }

    async fn authorize(_: &String, _: &Identity) -> Result {
        Ok(())
    }

    fn presence_changed(&mut self, _: &String, change: &mut PresenceChange) {
        if !change.is_present() {
            self.lines.push(format!("{} has left. Come back soon!", change.user().name));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_user_who_leaves_a_full_topic_is_removed() {
    let hub = Hub::new().with_topic_limit(300);
    let book = hub.open::<Book>("book/a", &States::default()).await.unwrap();
    let ada = book.topic().enter(&User::new("1", "Ada")).unwrap();
    while book.update(|book| book.lines.push("x".into())).await.is_ok() {}
    drop(ada);
    assert!(book.value().users.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_too_long_removes_no_user() {
    let hub = Hub::new().with_topic_limit(70);
    let hall = hub.open::<Hall>("hall/a", &States::default()).await.unwrap();
    let one = hall.topic().enter(&User::new("1", "Ada")).unwrap();
    let long = "Ada Augusta King, Countess of Lovelace, and whatever else fits into no hall";
    let _two = hall.topic().enter(&User::new("1", long)).unwrap();
    drop(one);
    assert_eq!(present(&hall), ["Ada"]);
}

#[tokio::test]
async fn an_update_does_not_change_the_presence() {
    let hall = hall().await;
    let ada = hall.topic().enter(&User::new("1", "Ada")).unwrap();
    let before = Hall::clone(&hall.value());
    hall.update(|hall| *hall = Hall::default()).await.unwrap();
    assert_eq!((present(&hall), hall.value().changes), (vec!["Ada".to_owned()], 0));
    drop(ada);
    hall.update(move |hall| *hall = before.clone()).await.unwrap();
    assert_eq!(present(&hall), [""; 0]);
}

#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
#[live(crate = "vivaz_components")]
struct Club {
    #[live(presence)]
    users: Presence,
    turns: List<User>,
    count: u32,
}

impl Topic for Club {
    type Key = String;

    const INTERVAL: Duration = Duration::from_millis(250);

    async fn load(_: &String, _: &TopicContext) -> Result<Self> {
        Ok(Self::default())
    }

    async fn authorize(_: &String, _: &Identity) -> Result {
        Ok(())
    }

    fn presence_changed(&mut self, _: &String, change: &mut PresenceChange) {
        self.turns.remove(&change.user().id);
    }
}

fn reserve(
    topic: &TopicHandle<Club>,
    change: impl Fn(&mut Club) + Send + Sync + 'static,
) -> Result<ReservedUpdates> {
    let mut shared = Shared::<Club>::new();
    shared.bind(topic.topic()).unwrap();
    shared.update(change);
    StagedUpdate::reserve_all(shared.take_staged(), None)
}

/// A change of a transaction is reserved on a state with the user, and does not fit one without.
#[tokio::test(start_paused = true)]
async fn a_user_who_leaves_during_a_dependent_transaction_is_removed_after_it() {
    let club = Hub::new().open::<Club>("club/a", &States::default()).await.unwrap();
    let ada = club.topic().enter(&User::new("1", "Ada")).unwrap();
    let reserved = reserve(&club, |club| {
        let first = club.users.iter().next().unwrap().clone();
        club.turns.push(first);
    });
    drop(ada);
    let _unsent = reserved.unwrap().publish(None);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(club.value().users.is_empty() && club.value().turns.is_empty());
}

#[derive(Clone, Debug)]
enum Step {
    Enter(u32, bool),
    Return(usize, u64),
    Leave(usize),
    Update(u32),
    Reserve(u32),
    Publish(usize),
    GiveUp(usize),
    Replace,
    /// In milliseconds.
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..4_u32, any::<bool>()).prop_map(|(user, name)| Step::Enter(user, name)),
        2 => (0..4_usize, 0..400_u64).prop_map(|(claim, ms)| Step::Return(claim, ms)),
        3 => (0..4_usize).prop_map(Step::Leave),
        1 => (0..4_u32).prop_map(Step::Update),
        1 => (0..4_u32).prop_map(Step::Reserve),
        2 => (0..4_usize).prop_map(Step::Publish),
        1 => (0..4_usize).prop_map(Step::GiveUp),
        1 => Just(Step::Replace),
        2 => (0..400_u64).prop_map(Step::Wait),
    ]
}

/// The list contains the users with claims, whatever other changes the topic has; subscribers have
/// the same state in the end.
async fn follows_the_claims(steps: Vec<Step>) {
    let club = Hub::new().open::<Club>("club/a", &States::default()).await.unwrap();
    let (ear, mut state) = (Ear::new("ear"), Value::Null);
    let _look = club.topic().subscribe(ear.clone(), None, &mut |missing| {
        let CatchUp::Snapshot(snapshot) = missing else { return };
        state = serde_json::from_str(snapshot.json()).unwrap();
    });
    let user = |id: u32, name: bool| User::new(id.to_string(), if name { "Ada" } else { "Bob" });
    let mut claims: BTreeMap<u32, (u32, PresenceClaim)> = BTreeMap::new();
    let mut reserved: Vec<ReservedUpdates> = Vec::new();
    for (number, step) in (0..).zip(steps) {
        match step {
            Step::Enter(id, name) => {
                claims.insert(number, (id, club.topic().enter(&user(id, name)).unwrap()));
            }
            Step::Return(at, ms) => {
                if let Some((id, claim)) = claims.values().nth(at) {
                    claim.suspend(Duration::from_millis(ms));
                    claim.renew(&user(*id, true)).unwrap();
                }
            }
            Step::Leave(at) => {
                let id = claims.keys().nth(at).copied();
                id.map(|id| claims.remove(&id));
            }
            Step::Update(id) => club.update(|club| club.turns.push(user(id, true))).await.unwrap(),
            Step::Reserve(id) => {
                reserved.extend(reserve(&club, move |club| {
                    club.turns.push(User::new(id.to_string(), "Turn"));
                    club.count += 1;
                }));
            }
            Step::Publish(at) if at < reserved.len() => drop(reserved.remove(at).publish(None)),
            Step::GiveUp(at) if at < reserved.len() => drop(reserved.remove(at)),
            Step::Publish(_) | Step::GiveUp(_) => {}
            Step::Replace => club.update(|club| *club = Club::default()).await.unwrap(),
            Step::Wait(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
        }
        let expected: BTreeSet<String> = claims.values().map(|(id, _)| id.to_string()).collect();
        let seen: BTreeSet<String> = club.value().users.iter().map(|user| user.id.clone()).collect();
        assert_eq!(seen, expected);
    }
    tokio::time::sleep(Duration::from_millis(600)).await;
    for frame in ear.received() {
        let message: Value = serde_json::from_str(&frame).unwrap();
        if message["type"] == "STATE_UPDATE" {
            let patch = serde_json::value::RawValue::from_string(message["payload"].to_string()).unwrap();
            Patch::parse(RawJson::from(&*patch)).unwrap().apply(&mut state).unwrap();
        }
    }
    assert_eq!(state, serde_json::to_value(&*club.value()).unwrap());
}

#[test]
fn the_presence_list_matches_the_claims_after_any_changes() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let config = ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new(config)
        .run(&prop::collection::vec(step(), 1..40), |steps| {
            runtime.block_on(follows_the_claims(steps));
            Ok(())
        })
        .unwrap();
}
