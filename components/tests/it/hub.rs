//! Topics and rooms, as sessions use them.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vivaz_components::{
    Author, Broadcast, CatchUp, ComponentId, ErrorCode, Hub, Identity, List, LiveState, MessageId, Result,
    ServerEvent, StagedUpdate, States, Subscriber, Topic, TopicContext, TopicPatch, TopicSnapshot,
};
use vivaz_protocol::{RawJson, Rev, ServerMessage, SessionId, StreamId, TopicName, Update, encode_server};

#[derive(LiveState, Serialize, Deserialize, Clone, Debug)]
struct Log {
    lines: List<Line>,
    #[serde(rename = "total")]
    count: u64,
    #[serde(skip)]
    hidden: u64,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Debug)]
struct Line {
    id: u64,
    text: String,
}

/// The number of loads.
type Loads = Arc<Mutex<u32>>;

impl Topic for Log {
    type Key = u32;

    async fn load(key: &u32, cx: &TopicContext) -> Result<Self> {
        tokio::task::yield_now().await;
        *cx.state::<Loads>().lock().unwrap() += 1;
        if *key == 0 {
            return Err(vivaz_components::ActionError::user("no such log"));
        }
        Ok(Self { lines: List::new(), count: u64::from(*key), hidden: 0 })
    }

    async fn authorize(_: &u32, _: &Identity) -> Result {
        Ok(())
    }
}

#[derive(LiveState, Serialize, Deserialize, Clone, Debug, Default)]
struct Other {
    a: u32,
}

impl Topic for Other {
    type Key = String;
    async fn load(_: &String, _: &TopicContext) -> Result<Self> {
        Ok(Self::default())
    }
    async fn authorize(_: &String, _: &Identity) -> Result {
        Ok(())
    }
}

/// Records all deliveries.
pub(crate) struct Ear {
    session: SessionId,
    received: Mutex<Vec<String>>,
}

impl Ear {
    pub(crate) fn new(name: &str) -> Arc<Self> {
        Arc::new(Self { session: SessionId::new(name).unwrap(), received: Mutex::default() })
    }

    /// Returns whether a delivery has the text.
    pub(crate) fn has(&self, text: &str) -> bool {
        self.received.lock().unwrap().iter().any(|frame| frame.contains(text))
    }

    pub(crate) fn received(&self) -> Vec<String> {
        std::mem::take(&mut *self.received.lock().unwrap())
    }
}

impl Subscriber for Ear {
    fn session(&self) -> &SessionId {
        &self.session
    }
    fn deliver_patch(&self, topic: &TopicName, rev: Rev, patch: &Broadcast<TopicPatch>) {
        self.received.lock().unwrap().push(patch_frame(topic, rev, patch));
    }
    fn deliver_snapshot(&self, topic: &TopicName, snapshot: &TopicSnapshot) {
        let TopicSnapshot { epoch, rev, .. } = snapshot;
        self.received.lock().unwrap().push(format!(
            "snapshot {topic} {epoch} {}: {}",
            rev.0,
            snapshot.json()
        ));
    }
    fn deliver_topic_event(&self, topic: &TopicName, event: &Broadcast<ServerEvent>) {
        let frame = event.frame(|event| {
            encode(&ServerMessage::Event {
                stream: StreamId::Topic(topic.clone()),
                name: (&*event.name).into(),
                data: RawJson::from(&*event.data),
            })
        });
        self.received.lock().unwrap().push(text(&frame));
    }
    fn deliver_room_event(&self, component: &ComponentId, event: &ServerEvent) {
        self.received.lock().unwrap().push(format!("{component}: {} {}", event.name, event.data));
    }
}

/// Returns a [`CatchUp`] on the topic `log/1` that outlives the lock.
enum Missed {
    Nothing,
    Patches(Vec<(Rev, String)>),
    Snapshot(TopicSnapshot),
}

impl Missed {
    fn of(catch_up: CatchUp<'_>) -> Self {
        let topic = TopicName::new("log/1").unwrap();
        match catch_up {
            CatchUp::Current => Self::Nothing,
            CatchUp::Patches(patches) => {
                let encoded = |(rev, patch)| (rev, patch_frame(&topic, rev, patch));
                Self::Patches(patches.into_iter().map(encoded).collect())
            }
            CatchUp::Snapshot(snapshot) => Self::Snapshot(snapshot),
        }
    }
}

fn encode(message: &ServerMessage<'_>) -> Bytes {
    let mut text = String::new();
    encode_server(&mut text, message);
    text.into()
}

fn text(frame: &Bytes) -> String {
    String::from_utf8(frame.to_vec()).unwrap()
}

fn patch_frame(topic: &TopicName, rev: Rev, patch: &Broadcast<TopicPatch>) -> String {
    text(&patch.frame(|TopicPatch { by, json }| {
        let update = Update::new(StreamId::Topic(topic.clone()), rev, RawJson::trusted(json));
        encode(&ServerMessage::Update(Update { by: by.clone(), ..update }))
    }))
}

fn states() -> (States, Loads) {
    let loads = Loads::default();
    (States::default().with(loads.clone()), loads)
}

fn push(id: u64) -> impl Fn(&mut Log) + Send + Sync {
    move |log: &mut Log| {
        log.lines.push(Line { id, text: "x".to_owned() });
        log.count += 1;
    }
}

#[tokio::test]
async fn a_topic_is_loaded_once_and_removed_without_subscribers() {
    let (hub, (states, loads)) = (Hub::new(), states());
    let (a, b) = tokio::join!(hub.open::<Log>("log/7", &states), hub.open::<Log>("log/7", &states));
    let (a, b) = (a.unwrap(), b.unwrap());
    assert_eq!(*loads.lock().unwrap(), 1);
    a.update(push(1)).await.unwrap();
    assert_eq!(b.value().count, 8);
    let (now, grace) = (Instant::now(), Duration::from_secs(10));
    assert_eq!(hub.sweep(now, grace), 0);
    drop((a, b));
    assert_eq!(hub.sweep(now, grace), 0);
    assert_eq!(hub.sweep(now + Duration::from_secs(9), grace), 0);
    let again = hub.open::<Log>("log/7", &states).await.unwrap();
    assert_eq!(hub.sweep(now + Duration::from_secs(11), grace), 0);
    assert_eq!(*loads.lock().unwrap(), 1);
    drop(again);
    assert_eq!(hub.sweep(now + Duration::from_secs(12), grace), 0);
    assert_eq!(hub.sweep(now + Duration::from_secs(23), grace), 1);
    assert!(hub.get("log/7").is_none());
}

/// A state that panics when it is dropped.
#[derive(LiveState, Serialize, Deserialize, Clone)]
struct Bomb {
    count: u32,
}

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "it cannot be dropped");
    }
}

impl Topic for Bomb {
    type Key = String;

    async fn load(_: &String, _: &TopicContext) -> Result<Self> {
        Ok(Self { count: 0 })
    }

    async fn authorize(_: &String, _: &Identity) -> Result {
        Ok(())
    }
}

#[tokio::test]
async fn states_that_panic_when_they_are_dropped_are_forgotten_as_others_are() {
    let (hub, (states, _)) = (Hub::new(), states());
    let topics = ["bomb/1", "bomb/2"];
    for name in topics {
        let bomb = hub.open::<Bomb>(name, &states).await.unwrap();
        bomb.update(|bomb| bomb.count += 1).await.unwrap();
        assert_eq!(bomb.value().count, 1);
    }
    let (now, grace) = (Instant::now(), Duration::from_secs(10));
    assert_eq!(hub.sweep(now, grace), 0);
    assert_eq!(hub.sweep(now + grace, grace), topics.len());
    assert!(hub.is_empty());
    let again = hub.open::<Bomb>("bomb/1", &states).await.unwrap();
    assert_eq!(again.value().count, 0);
    // Dropped with the test: no code here could catch the panic.
    std::mem::forget((hub, again));
}

#[tokio::test]
async fn a_load_that_fails_is_tried_again() {
    let (hub, (states, loads)) = (Hub::new(), states());
    for tries in 1..3 {
        assert_eq!(hub.open::<Log>("log/0", &states).await.unwrap_err().message(), "no such log");
        assert_eq!(*loads.lock().unwrap(), tries);
    }
    assert_eq!(hub.open::<Log>("log/x", &states).await.unwrap_err().code(), ErrorCode::BadProps);
    hub.open::<Other>("other/1", &states).await.unwrap();
    assert_eq!(hub.open::<Log>("other/1", &states).await.unwrap_err().code(), ErrorCode::ActionFailed);
}

#[tokio::test]
async fn all_subscribers_get_the_same_bytes_without_a_gap() {
    let (hub, (states, _)) = (Hub::new(), states());
    let log = hub.open::<Log>("log/1", &states).await.unwrap();
    let (ann, bob) = (Ear::new("ann"), Ear::new("bob"));
    let mut first = Vec::new();
    let subscription =
        log.topic().subscribe(ann.clone(), None, &mut |catch_up| first.push(Missed::of(catch_up))).unwrap();
    let Some(Missed::Snapshot(snapshot)) = first.pop() else { panic!("no snapshot") };
    assert_eq!((snapshot.rev, &snapshot.epoch), (Rev::ZERO, &log.topic().epoch()));
    let state: Value = serde_json::from_str(snapshot.json()).unwrap();
    assert_eq!(state, json!({"lines": [], "total": 1}));
    log.update(push(1)).await.unwrap();
    log.update(|_| ()).await.unwrap();
    log.update(push(2)).await.unwrap();
    let epoch = log.topic().epoch().clone();
    let since = |epoch, rev| {
        let mut got = None;
        let subscription = log.topic().subscribe(bob.clone(), Some((epoch, Rev(rev))), &mut |catch_up| {
            got = Some(Missed::of(catch_up));
        });
        drop(subscription.unwrap());
        got.unwrap()
    };
    let heard = ann.received();
    assert_eq!(
        heard[0],
        r#"{"v":1,"type":"STATE_UPDATE","topic":"log/1","rev":1,"payload":{"lines":[{"id":1,"text":"x"}],"total":2}}"#
    );
    let Missed::Patches(patches) = since(&epoch, 0) else { panic!("no patches") };
    assert_eq!(patches.iter().map(|(_, patch)| patch.as_str()).collect::<Vec<_>>(), heard);
    assert_eq!(patches.iter().map(|(rev, _)| rev.0).collect::<Vec<_>>(), [1, 2]);
    let Missed::Patches(patches) = since(&epoch, 1) else { panic!("no patches") };
    assert_eq!(patches.iter().map(|(rev, _)| rev.0).collect::<Vec<_>>(), [2]);
    assert!(matches!(since(&epoch, 2), Missed::Nothing));
    assert!(matches!(since(&epoch, 3), Missed::Snapshot(_)));
    assert!(matches!(since(&vivaz_protocol::Epoch::new("other").unwrap(), 2), Missed::Snapshot(_)));
    assert_eq!(log.topic().audience(), 1);
    drop(subscription);
    log.update(push(3)).await.unwrap();
    assert!(ann.received().is_empty() && bob.received().is_empty());
}

#[tokio::test]
async fn an_update_that_panics_leaves_no_trace() {
    let (hub, (states, _)) = (Hub::new(), states());
    let log = hub.open::<Log>("log/1", &states).await.unwrap();
    let ann = Ear::new("ann");
    let _subscription = log.topic().subscribe(ann.clone(), None, &mut |_| ()).unwrap();
    let outcome = log.update(|log| {
        log.count = 100;
        assert!(log.lines.len() > 7, "kaboom");
    });
    assert_eq!(outcome.await.unwrap_err().code(), ErrorCode::Panicked);
    assert_eq!(log.value().count, 1);
    assert!(ann.received().is_empty());
    log.update(push(1)).await.unwrap();
    assert_eq!(ann.received().len(), 1);
}

#[tokio::test]
async fn an_author_is_named() {
    let (hub, (states, _)) = (Hub::new(), states());
    let log = hub.open::<Log>("log/1", &states).await.unwrap();
    let ann = Ear::new("ann");
    let _subscription = log.topic().subscribe(ann.clone(), None, &mut |_| ()).unwrap();
    let mut shared = vivaz_components::Shared::<Log>::new();
    vivaz_components::__private::AnyShared::bind(&mut shared, log.topic()).unwrap();
    shared.update(|log| log.count += 1);
    shared.update(|log| log.count += 1);
    let staged = vivaz_components::__private::AnyShared::take_staged(&mut shared);
    StagedUpdate::publish_all(staged, Some(&Author::parse("conn:7").unwrap())).unwrap();
    assert_eq!(
        ann.received(),
        [r#"{"v":1,"type":"STATE_UPDATE","topic":"log/1","rev":1,"by":"conn:7","payload":{"total":3}}"#]
    );
}

#[tokio::test]
async fn a_repeated_change_is_applied_once() {
    let (hub, (states, _)) = (Hub::new(), states());
    let log = hub.open::<Log>("log/1", &states).await.unwrap();
    let mut shared = vivaz_components::Shared::<Log>::new();
    vivaz_components::__private::AnyShared::bind(&mut shared, log.topic()).unwrap();
    let message =
        MessageId { session: SessionId::new("s").unwrap(), reference: vivaz_protocol::Ref::new(7).unwrap() };
    let mut tell = |number| {
        shared.update(|log| log.count += 1);
        let staged = vivaz_components::__private::AnyShared::take_staged(&mut shared);
        let message = MessageId { reference: vivaz_protocol::Ref::new(number).unwrap(), ..message.clone() };
        let _unsent = StagedUpdate::reserve_all(staged, Some(&message)).unwrap().publish(None);
        log.value().count
    };
    let first = tell(1);
    assert_eq!([tell(1), tell(2), tell(1), tell(2)], [first, first + 1, first + 1, first + 1]);
}

#[tokio::test]
async fn events_of_topics_and_rooms_reach_their_receivers() {
    let (hub, (states, _)) = (Hub::new(), states());
    let log = hub.open::<Log>("log/1", &states).await.unwrap();
    let (ann, bob) = (Ear::new("ann"), Ear::new("bob"));
    let _subscriptions =
        [&ann, &bob].map(|ear| log.topic().subscribe(ear.clone(), None, &mut |_| ()).unwrap());
    assert_eq!(log.topic().audience(), 2);
    let event = ServerEvent::new("user.joined", &json!({"name": "Ann"})).unwrap();
    log.topic().emit(&event, Some(&ann.session));
    assert_eq!(
        bob.received(),
        [r#"{"v":1,"type":"EVENT","topic":"log/1","payload":{"name":"user.joined","data":{"name":"Ann"}}}"#]
    );
    assert!(ann.received().is_empty());

    let (kitchen, component) = (Arc::from("kitchen"), ComponentId::new("c1").unwrap());
    let (ann_there, bob_there): (Arc<dyn Subscriber>, Arc<dyn Subscriber>) = (ann.clone(), bob.clone());
    assert!(hub.rooms().join(&kitchen, &component, &ann_there));
    assert!(!hub.rooms().join(&kitchen, &component, &ann_there));
    hub.rooms().join(&kitchen, &component, &bob_there);
    assert_eq!(hub.rooms().members("kitchen").len(), 2);
    assert_eq!(hub.rooms().emit("kitchen", &event, Some(&bob.session)), 1);
    assert_eq!(ann.received(), [r#"c1: user.joined {"name":"Ann"}"#]);
    assert!(bob.received().is_empty());
    hub.rooms().leave_all(&ann.session, &component);
    assert_eq!(hub.rooms().members("kitchen"), [(bob.session.clone(), component.clone())]);
    assert!(hub.rooms().leave("kitchen", &bob.session, &component));
    assert!(!hub.rooms().leave("kitchen", &bob.session, &component));
    assert_eq!(hub.rooms().emit("kitchen", &event, None), 0);
}

#[tokio::test]
async fn a_topic_is_logged_by_its_name() {
    let (hub, (states, _)) = (Hub::new(), states());
    let log = hub.open::<Log>("log/1", &states).await.unwrap();
    assert!(format!("{:?}", log.topic()).contains("log/1"));
}

/// A topic may have private state.
#[tokio::test]
async fn unserialised_fields_are_kept_and_not_sent() {
    let (hub, (states, _)) = (Hub::new(), states());
    let log = hub.open::<Log>("log/1", &states).await.unwrap();
    let ann = Ear::new("ann");
    let _subscription = log.topic().subscribe(ann.clone(), None, &mut |_| ()).unwrap();
    for _ in 0..2 {
        log.update(|log| log.hidden += 1).await.unwrap();
    }
    assert_eq!(log.value().hidden, 2);
    assert!(ann.received().is_empty());
}

/// Concurrent changes reach all subscribers in the same order and without a gap.
#[test]
fn the_order_is_the_same_for_all() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (hub, (states, _)) = (Hub::new(), states());
    let log = runtime.block_on(hub.open::<Log>("log/1", &states)).unwrap();
    let ears: Vec<_> = (0..4).map(|n| Ear::new(&format!("s{n}"))).collect();
    let _subscriptions: Vec<_> =
        ears.iter().map(|ear| log.topic().subscribe(ear.clone(), None, &mut |_| ()).unwrap()).collect();
    std::thread::scope(|scope| {
        for thread in 0..4u64 {
            let log = log.clone();
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                for n in 0..100 {
                    runtime.block_on(log.update(push(thread * 1000 + n))).unwrap();
                }
            });
        }
    });
    let heard: Vec<_> = ears.iter().map(|ear| ear.received()).collect();
    let revs: Vec<u64> = heard[0]
        .iter()
        .map(|frame| serde_json::from_str::<Value>(frame).unwrap()["rev"].as_u64().unwrap())
        .collect();
    assert_eq!(revs, (1..=400).collect::<Vec<_>>());
    assert!(heard.iter().all(|of| *of == heard[0]));
    assert_eq!(log.value().lines.len(), 400);
}
