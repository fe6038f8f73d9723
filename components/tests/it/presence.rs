//! Presence on the side of a topic: claims, and what those who look are told.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use vivaz_components::{
    ErrorCode, Hub, Identity, LiveState, Presence, PresenceChange, Result, States, Topic, TopicContext,
    TopicHandle, User,
};

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
    // What was renewed does not end when it would have ended.
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
async fn what_was_written_is_not_who_is_present() {
    let hall = hall().await;
    let _claim = hall.topic().enter(&User::new("1", "Ada")).unwrap();
    let written = serde_json::to_string(&*hall.value()).unwrap();
    assert_eq!(written, r#"{"users":[{"id":"1","name":"Ada"}],"changes":1}"#);
    let read: Hall = serde_json::from_str(&written).unwrap();
    assert!(read.users.is_empty() && read.changes == 1);
}

#[tokio::test]
async fn a_topic_that_panics_takes_everybody_in_and_one_without_presence_nobody() {
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
async fn a_topic_that_is_full_takes_nobody_in() {
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
    let events = |ear: &Ear| ear.heard().iter().filter(|frame| frame.contains("\"EVENT\"")).count();
    let claim = hall.topic().enter(&User::new("1", "Ada")).unwrap();
    assert_eq!(ears.iter().map(|ear| events(ear)).sum::<usize>(), 0);
    all.pop();
    drop(claim);
    assert_eq!(ears.iter().map(|ear| events(ear)).sum::<usize>(), 500);
}

#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
#[live(crate = "vivaz_components")]
struct Busy {
    #[live(presence)]
    users: Presence,
}

impl Topic for Busy {
    type Key = String;

    const INTERVAL: Duration = Duration::from_millis(250);

    async fn load(_: &String, _: &TopicContext) -> Result<Self> {
        Ok(Self::default())
    }

    async fn authorize(_: &String, _: &Identity) -> Result {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn with_an_interval_events_are_behind_the_patch_that_they_are_about() {
    let hub = Hub::new();
    let busy = hub.open::<Busy>("busy/a", &States::default()).await.unwrap();
    let ear = Ear::new("ear");
    let _look = busy.topic().subscribe(ear.clone(), None, &mut |_| ()).unwrap();
    let claims: Vec<_> =
        (1..=3).map(|n| busy.topic().enter(&User::new(n.to_string(), "X")).unwrap()).collect();
    let kinds = |frames: &[String]| -> String {
        frames.iter().map(|frame| if frame.contains("EVENT") { 'e' } else { 'p' }).collect()
    };
    assert_eq!(kinds(&ear.heard()), "pe", "the first is sent at once");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(kinds(&ear.heard()), "pee");
    drop(claims);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(kinds(&ear.heard()), "pepee");
}

#[tokio::test(start_paused = true)]
async fn a_topic_is_not_kept_for_those_who_have_left() {
    let hub = Hub::new();
    let hall = hub.open::<Hall>("hall/a", &States::default()).await.unwrap();
    hall.topic().enter(&User::new("1", "Ada")).unwrap().end_after(Duration::from_secs(1));
    drop(hall);
    let now = std::time::Instant::now();
    assert_eq!(hub.sweep(now, Duration::from_secs(1)), 0);
    assert_eq!(hub.sweep(now + Duration::from_secs(2), Duration::from_secs(1)), 1);
}
