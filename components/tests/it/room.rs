//! A component with shared state, a keyed list, a form and its own template.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vivaz_components::instance::Job;
use vivaz_components::{
    ActionError, Context, Env, ErrorCode, Errors, Hub, Identity, List, LiveComponent, LiveState,
    MountContext, RestoreFailure, Result, Shared, States, Topic, TopicContext, User, actions,
};

use crate::drive::{Page, act, raw};

#[derive(LiveState, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Message {
    id: u64,
    user_name: String,
    #[serde(skip)]
    secret: String,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Debug, Default)]
pub(crate) struct Room {
    messages: List<Message>,
    title: String,
}

impl Topic for Room {
    type Key = String;

    async fn load(key: &String, cx: &TopicContext) -> Result<Self> {
        let prefix: &String = cx.state();
        if key == "slow" {
            std::future::pending::<()>().await;
        }
        Ok(Self { title: format!("{prefix}{key}"), ..Self::default() })
    }

    async fn authorize(key: &String, who: &Identity) -> Result {
        if key == "closed" {
            return Err(ActionError::forbidden("this room is closed"));
        }
        who.user().map(|_| ())
    }
}

#[derive(LiveComponent, Clone)]
#[live(template = "room.html")]
pub(crate) struct RoomView {
    #[live(prop)]
    room: String,
    #[live(model)]
    draft: String,
    #[live(shared = "room/{room}")]
    chat: Shared<Room>,
    #[live(errors)]
    errors: Errors,
    #[live(private)]
    sent: u64,
    edits: List<Edit>,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Edit {
    id: u64,
    property: String,
}

#[actions]
impl RoomView {
    async fn mount(props: RoomViewProps, cx: &mut MountContext) -> Result<Self> {
        cx.user()?;
        Ok(Self {
            room: props.room,
            draft: String::new(),
            chat: Shared::new(),
            errors: Errors::default(),
            sent: 0,
            edits: List::new(),
        })
    }

    #[action]
    async fn send(&mut self, cx: &mut Context, text: String) -> Result<usize> {
        if text.is_empty() {
            self.sent = 1000;
            return Err(ActionError::invalid(Errors::of("draft", "is blank")));
        }
        self.sent += 1;
        self.draft.clear();
        self.errors.clear();
        let message = Message { id: self.sent, user_name: cx.user()?.name.clone(), secret: text };
        self.chat.update(move |room| room.messages.push(message.clone()));
        cx.emit("sent", json!({"n": self.sent}))?;
        Ok(self.chat.messages.len())
    }

    #[action(allow = "moderate")]
    fn clear(&mut self) {
        self.chat.update(|room| room.messages.clear());
    }

    #[action]
    fn enter(&mut self, room: String) {
        self.room = room;
    }

    #[action]
    async fn claim(&mut self) -> Result<u64> {
        let id = self.chat.update_now(|room| {
            room.messages.push(Message { id: 77, user_name: "seat".to_owned(), secret: String::new() });
            77
        });
        let id = id.await?;
        assert!(self.chat.messages.contains(id), "the handler sees what it did now");
        Err(ActionError::user("too late"))
    }

    #[action]
    async fn sleep(&mut self) {
        self.sent = 9;
        tokio::time::sleep(Duration::from_secs(3600)).await;
    }

    #[action]
    fn spoil(&mut self) {
        self.chat.update(|_| panic!("not pure"));
    }

    fn updated(&mut self, property: &str) -> Result {
        let id = self.edits.len() as u64;
        self.edits.push(Edit { id, property: property.to_owned() });
        if self.draft == "bad" { Errors::of("draft", "is bad").into_result() } else { Ok(()) }
    }

    #[event("user.joined")]
    fn joined(&mut self, name: String) {
        self.draft = name;
    }

    #[live(computed)]
    fn shouting(&self) -> String {
        self.draft.to_uppercase()
    }
}

fn env() -> Env {
    env_of(Identity::of(User::new("1", "Ada")))
}

fn env_of(identity: Identity) -> Env {
    Env::new(identity, States::default().with("the ".to_owned()), Hub::new())
}

async fn page() -> Page {
    Page::mount_in::<RoomView>(env(), json!({"room": "lobby"})).await
}

/// Returns the whole state of the topic of the only shared field.
fn topic(page: &mut Page) -> Value {
    let (name, topic) = page.instance().topics().remove(0);
    assert_eq!(name, "chat");
    let snapshot = topic.snapshot().unwrap();
    serde_json::from_str::<Value>(snapshot.json()).unwrap()
}

async fn run_and_publish(page: &mut Page, job: Job) -> std::result::Result<(), ErrorCode> {
    page.run(job).await.result.map(|_| ()).map_err(|error| error.code())
}

#[tokio::test]
async fn shared_state_is_loaded_and_changes_when_the_handler_succeeds() {
    let mut page = page().await;
    assert_eq!(page.state, json!({"room": "lobby", "draft": "", "errors": {}, "edits": [], "shouting": ""}));
    assert_eq!(topic(&mut page), json!({"messages": [], "title": "the lobby"}));
    run_and_publish(&mut page, act("send", json!(["hello"]))).await.unwrap();
    assert_eq!(topic(&mut page)["messages"], json!([{"id": 1, "userName": "Ada"}]));
    assert_eq!(run_and_publish(&mut page, act("spoil", json!([]))).await, Err(ErrorCode::Panicked));
    assert_eq!(topic(&mut page)["messages"], json!([{"id": 1, "userName": "Ada"}]));
}

#[tokio::test]
async fn a_refused_form_keeps_only_its_errors() {
    let mut page = page().await;
    assert_eq!(page.call("send", json!([""])).await, Err(ErrorCode::Invalid));
    assert_eq!(page.last, Some(json!({"errors": {"draft": ["is blank"]}})));
    assert_eq!(page.call("send", json!(["x"])).await, Ok(json!(0)));
    assert_eq!(page.last, Some(json!({"errors": {}})));
    let saved: Value = serde_json::from_slice(&page.instance().save().unwrap()).unwrap();
    assert_eq!(saved["sent"], 1);
}

#[tokio::test]
async fn edits_are_reported_and_kept() {
    let mut page = page().await;
    assert_eq!(page.set("draft", json!("abc")).await, Ok(()));
    assert_eq!(
        page.last,
        Some(json!({"draft": "abc", "shouting": "ABC", "edits": [{"id": 0, "property": "draft"}]}))
    );
    // The error of `updated` is shown, and the written value is kept.
    assert_eq!(page.set("draft", json!("bad")).await, Ok(()));
    assert_eq!(page.state["errors"], json!({"draft": ["is bad"]}));
    assert_eq!(page.state["draft"], json!("bad"));
}

#[tokio::test]
async fn edits_before_an_action_stay_when_it_fails_and_are_all_or_none() {
    let mut page = page().await;
    let with = |set: Value, action: &str, args: Value| Job::Action {
        action: action.to_owned(),
        payload: Some(raw(&args)),
        set: set.as_object().unwrap().iter().map(|(name, value)| (name.clone(), raw(value))).collect(),
    };
    let finished = page.run(with(json!({"draft": "kept"}), "send", json!([""]))).await;
    assert_eq!(finished.result.unwrap_err().code(), ErrorCode::Invalid);
    assert_eq!(page.state["draft"], "kept");
    assert_eq!(page.state["errors"], json!({"draft": ["is blank"]}));
    let finished = page.run(with(json!({"draft": "lost", "sent": 1}), "send", json!(["x"]))).await;
    assert_eq!(finished.result.unwrap_err().code(), ErrorCode::UnknownProperty);
    assert_eq!(finished.patch, None);
    assert_eq!(page.set("draft", json!(1)).await, Err(ErrorCode::BadValue));
    assert_eq!(page.state["draft"], "kept");
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_takes_too_long_is_reverted() {
    let mut page = page().await;
    let finished =
        page.run_with(act("sleep", json!([])), |cx| cx.with_time_limit(Duration::from_secs(10))).await;
    assert_eq!(finished.result.unwrap_err().code(), ErrorCode::Timeout);
    let saved: Value = serde_json::from_slice(&page.instance().save().unwrap()).unwrap();
    assert_eq!(saved["sent"], 0);
}

#[tokio::test]
async fn authorization_is_checked_first() {
    let mut page = page().await;
    assert_eq!(page.call("clear", json!([])).await, Err(ErrorCode::Forbidden));
    let moderator = page.env.identity().clone().with_permissions(["moderate"]);
    page.env = env_of(moderator);
    assert_eq!(page.call("clear", json!([])).await, Ok(Value::Null));
    page.env = env_of(Identity::anonymous());
    assert_eq!(page.call("clear", json!([])).await, Err(ErrorCode::Unauthenticated));
    let refused = Page::try_mount_in::<RoomView>(page.env.clone(), json!({"room": "lobby"})).await;
    assert_eq!(refused.err().unwrap().code(), ErrorCode::Unauthenticated);
}

#[tokio::test]
async fn a_shared_field_follows_the_fields_of_its_name() {
    let mut page = page().await;
    let finished = page.run(act("enter", json!(["attic"]))).await;
    let topics = finished.topics.unwrap();
    assert_eq!(
        topics.iter().map(|(field, topic)| (*field, topic.name().as_str())).collect::<Vec<_>>(),
        [("chat", "room/attic")]
    );
    assert_eq!(topic(&mut page)["title"], "the attic");
    // A room that the user may not see fails the whole handler.
    assert_eq!(page.call("enter", json!(["closed"])).await, Err(ErrorCode::Forbidden));
    assert_eq!(page.state["room"], "attic");
    let finished = page.run(Job::Props { props: raw(&json!({"room": "cellar"})), page: Vec::new() }).await;
    assert_eq!(finished.topics.unwrap().remove(0).1.name().as_str(), "room/cellar");
    let finished = page.run(Job::Props { props: raw(&json!({"draft": "x"})), page: Vec::new() }).await;
    assert_eq!(finished.result.unwrap_err().code(), ErrorCode::BadProps);
}

#[tokio::test]
async fn finished_changes_are_not_reverted() {
    let mut page = page().await;
    assert_eq!(page.call("claim", json!([])).await, Err(ErrorCode::ActionFailed));
    assert_eq!(topic(&mut page)["messages"], json!([{"id": 77, "userName": "seat"}]));
}

#[tokio::test]
async fn events_reach_their_methods() {
    let mut page = page().await;
    let event = vivaz_components::ServerEvent::new("user.joined", &"Bob").unwrap();
    page.run(Job::Event { event }).await.result.unwrap();
    assert_eq!(page.state["draft"], "Bob");
    let event = vivaz_components::ServerEvent::new("else", &"Bob").unwrap();
    assert!(page.run(Job::Event { event }).await.patch.is_none());
}

#[tokio::test]
async fn restored_state_equals_saved_state() {
    let mut page = page().await;
    page.set("draft", json!("half a senten")).await.unwrap();
    page.call("send", json!(["x"])).await.unwrap();
    page.call("enter", json!(["attic"])).await.unwrap();
    page.set("draft", json!("kept")).await.unwrap();
    let saved = page.instance().save().unwrap();
    assert_eq!(
        serde_json::from_slice::<Value>(&saved).unwrap(),
        json!({
            "room": "attic", "draft": "kept", "errors": {}, "sent": 1,
            "edits": [{"id": 0, "property": "draft"}, {"id": 1, "property": "draft"}],
        })
    );
    let registration = vivaz_components::Registration::of::<RoomView>();
    let schema = registration.spec.schema();
    let restore = |env: Env| registration.restore(&saved, schema, MountContext::new(env));
    let mut restored = restore(page.env.clone()).await.unwrap().into_instance();
    let state: Value = serde_json::from_str(&restored.state().unwrap()).unwrap();
    assert_eq!(state, page.state);
    assert_eq!(restored.topics().remove(0).1.name().as_str(), "room/attic");
    assert_eq!(restored.save().unwrap(), saved);
    // The authorization of its topics is checked again.
    let nobody = env_of(Identity::anonymous());
    let Err(RestoreFailure::Refused(error)) = restore(nobody).await else { panic!("it is refused") };
    assert_eq!(error.code(), ErrorCode::Unauthenticated);
    // A decoding error is distinguished from a refusal and from a temporary failure.
    let undecodable = registration.restore(b"{}", schema, MountContext::new(page.env.clone())).await;
    assert!(matches!(undecodable, Err(RestoreFailure::Undecodable(_))));
    let other = registration.restore(b"not JSON", schema + 1, MountContext::new(page.env.clone())).await;
    assert!(matches!(other, Err(RestoreFailure::Undecodable(_))));
}

/// The wait for a topic that does not load is limited.
#[tokio::test(start_paused = true)]
async fn a_topic_that_hangs_is_a_time_out() {
    let mut page = page().await;
    let finished =
        page.run_with(act("enter", json!(["slow"])), |cx| cx.with_time_limit(Duration::from_secs(10))).await;
    assert_eq!(finished.result.unwrap_err().code(), ErrorCode::Timeout);
    assert_eq!(page.state["room"], "lobby");
}

/// While a handler waits, a copy of the component serves other calls.
#[tokio::test(start_paused = true)]
async fn a_component_that_is_away_is_answered_for() {
    let env = env();
    let registration = vivaz_components::Registration::of::<RoomView>();
    let instance =
        registration.mount(&raw(&json!({"room": "lobby"})), MountContext::new(env.clone())).await.unwrap();
    let cx = Context::new(
        env,
        vivaz_protocol::SessionId::new("session").unwrap(),
        vivaz_components::ComponentId::new("c1").unwrap(),
    );
    let vivaz_components::instance::Started::Running { future, mut meanwhile } =
        instance.run(cx, act("sleep", json!([])))
    else {
        panic!("it waits")
    };
    let task = tokio::spawn(future);
    tokio::task::yield_now().await;
    let state: Value = serde_json::from_str(&meanwhile.state().unwrap()).unwrap();
    assert_eq!(state["room"], "lobby");
    assert_eq!(meanwhile.topics().len(), 1);
    let vivaz_components::instance::JobProgress::Done(mut finished) = task.await.unwrap() else {
        panic!("nothing is flushed")
    };
    assert_eq!(serde_json::from_slice::<Value>(&finished.instance.save().unwrap()).unwrap()["sent"], 9);
}
