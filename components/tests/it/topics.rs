//! The possible states of a topic.

use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Value, json};
use vivaz_components::{
    Context, Env, Hub, Identity, List, LiveComponent, LiveState, Result, Shared, States, Topic, TopicContext,
    actions,
};
use vivaz_protocol::{ComponentId, SessionId};

use crate::drive::Page;
use crate::hub::Ear;

/// Serialized by functions of the application, and as types that templates do not know.
#[derive(LiveState, Serialize, Clone, Default)]
#[serde(rename_all = "camelCase")]
struct Poll {
    votes: List<Vote>,
    #[serde(serialize_with = "as_hex")]
    main_colour: u32,
    #[serde(with = "minutes")]
    time_left: Seconds,
    #[live(opaque)]
    anything: Value,
    #[serde(skip)]
    rounds: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    winner: Option<String>,
}

#[derive(LiveState, Serialize, Deserialize, Clone)]
struct Vote {
    id: u32,
    for_it: bool,
}

/// Does not implement `Serialize`.
#[derive(Clone, Default)]
struct Seconds(u32);

fn as_hex<S: Serializer>(colour: &u32, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.serialize_str(&format!("#{colour:06x}"))
}

mod minutes {
    pub(super) fn serialize<S: serde::Serializer>(
        seconds: &super::Seconds,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(seconds.0 / 60)
    }
}

#[actions]
impl Poll {
    #[live(computed)]
    fn in_favour(&self) -> usize {
        self.votes.iter().filter(|vote| vote.for_it).count()
    }

    #[live(computed)]
    fn last(&self) -> Option<Vote> {
        self.votes.last().cloned()
    }
}

impl Topic for Poll {
    type Key = String;

    async fn load(_: &String, _: &TopicContext) -> Result<Self> {
        Ok(Self::default())
    }

    async fn authorize(_: &String, _: &Identity) -> Result {
        Ok(())
    }
}

#[derive(LiveComponent, Clone)]
#[live(
    name = "poll",
    inline = "<p>{{ poll.in_favour + 1 }} {{ poll.last.for_it }} {{ poll.mainColour }} {{ poll.anything.at.all }}</p>"
)]
struct PollView {
    #[live(shared = "poll/main")]
    poll: Shared<Poll>,
}

#[actions]
impl PollView {
    #[action]
    fn vote(&mut self, _cx: &mut Context, id: u32, for_it: bool) {
        self.poll.update(move |poll| poll.votes.push(Vote { id, for_it }));
    }
}

#[tokio::test]
async fn computed_fields_and_own_forms_are_part_of_the_state() {
    let hub = Hub::default();
    let env = Env::new(Identity::default(), States::default(), hub.clone());
    let mut page = Page::mount_in::<PollView>(env, json!({})).await;
    let state = |page: &mut Page| {
        let (_, topic) = page.instance().topics().remove(0);
        let snapshot = topic.snapshot().unwrap();
        let snapshot = serde_json::from_str::<Value>(snapshot.json()).unwrap();
        assert_eq!(Value::from((*topic.shown().unwrap()).clone()), snapshot);
        snapshot
    };
    let empty = json!({
        "votes": [], "mainColour": "#000000", "timeLeft": 0, "anything": null, "winner": null,
        "in_favour": 0, "last": null,
    });
    assert_eq!(state(&mut page), empty);
    page.call("vote", json!([1, true])).await.unwrap();
    let voted =
        json!({ "votes": [{"id": 1, "for_it": true}], "in_favour": 1, "last": {"id": 1, "for_it": true} });
    for (field, value) in voted.as_object().unwrap() {
        assert_eq!(state(&mut page)[field], *value);
    }
}

#[tokio::test]
async fn a_patch_contains_only_changed_visible_fields() {
    let hub = Hub::default();
    let poll = hub.open::<Poll>("poll/main", &vivaz_components::States::default()).await.unwrap();
    let ear = Ear::new("s1");
    let _subscription = poll.topic().subscribe(ear.clone(), None, &mut |_| {}).unwrap();
    let patches = || {
        let heard = ear.received().into_iter();
        heard
            .map(|frame| serde_json::from_str::<Value>(&frame).unwrap()["payload"].clone())
            .collect::<Vec<_>>()
    };
    poll.update(|poll| poll.time_left = Seconds(59)).await.unwrap();
    poll.update(|poll| poll.rounds = 1).await.unwrap();
    assert_eq!(patches(), Vec::<Value>::new());
    poll.update(|poll| (poll.time_left, poll.main_colour) = (Seconds(60), 0xff)).await.unwrap();
    poll.update(|poll| poll.votes.push(Vote { id: 1, for_it: false })).await.unwrap();
    assert_eq!(
        patches(),
        [
            json!({"timeLeft": 1, "mainColour": "#0000ff"}),
            json!({"votes": [{"id": 1, "for_it": false}], "last": {"id": 1, "for_it": false}}),
        ]
    );
}

#[test]
#[should_panic(expected = "a shared field has no state before `mount` has returned")]
fn an_event_to_the_topic_of_a_field_without_one_is_not_dropped_silently() {
    let env = Env::new(Identity::anonymous(), States::default(), Hub::new());
    let (session, component) = (SessionId::new("s").unwrap(), ComponentId::new("c").unwrap());
    let mut cx = Context::new(env, session, component);
    let _address = cx.to_topic(&Shared::<Poll>::new());
}
