//! Handlers that send intermediate changes.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vivaz_components::instance::Job;
use vivaz_components::{
    ActionError, Context, Effect, ErrorCode, Errors, Identity, List, LiveComponent, LiveState, Result,
    Shared, Topic, TopicContext, actions,
};

use crate::drive::{Page, act, raw};

#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
struct Progress {
    imports: u32,
}

impl Topic for Progress {
    type Key = String;

    async fn load(_: &String, _: &TopicContext) -> Result<Self> {
        Ok(Self::default())
    }

    async fn authorize(key: &String, _: &Identity) -> Result {
        if key == "closed" { Err(ActionError::forbidden("closed")) } else { Ok(()) }
    }
}

#[derive(LiveState, Serialize, Deserialize, Clone)]
struct Line {
    id: u32,
}

#[derive(LiveComponent, Clone)]
#[live(name = "import", inline = "")]
struct Import {
    done: u32,
    lines: List<Line>,
    #[live(model, default = "all".to_owned())]
    name: String,
    #[live(private)]
    steps: u32,
    #[live(errors)]
    errors: Errors,
    #[live(shared = "progress/{name}")]
    progress: Shared<Progress>,
}

#[actions]
impl Import {
    #[action]
    async fn run(&mut self, cx: &mut Context, until: u32, fail: bool) -> Result<u32> {
        for id in 1..=until {
            self.done += 1;
            self.steps += 1;
            self.lines.push(Line { id });
            self.progress.update(|progress| progress.imports += 1);
            cx.emit("step", id)?;
            cx.flush(self).await?;
            assert!(self.progress.imports >= id, "a handler sees what it flushed");
        }
        self.done = 100;
        cx.emit("end", ())?;
        if fail { Err(ActionError::user("the disk is full")) } else { Ok(self.done) }
    }

    #[action]
    async fn explode(&mut self, cx: &mut Context) -> Result {
        self.done = 7;
        cx.flush(self).await?;
        self.done = 8;
        panic!("kaboom");
    }

    #[action]
    async fn follow(&mut self, cx: &mut Context, name: String) -> Result<bool> {
        self.name = name;
        let refused = cx.flush(self).await.is_err();
        if refused {
            self.name = "all".to_owned();
        }
        Ok(refused)
    }

    #[action]
    async fn other(&mut self, cx: &mut Context) -> Result {
        cx.flush(&mut Other {}).await
    }

    #[action]
    async fn give_up(&mut self, cx: &mut Context) {
        self.done = 3;
        // The flush is polled and dropped.
        let flush = cx.flush(self);
        tokio::select! {
            biased;
            _ = flush => {}
            () = std::future::ready(()) => {}
        }
        self.done = 4;
    }

    async fn updated(&mut self, cx: &mut Context) -> Result {
        self.steps = 1;
        cx.errors().add("name", "is checked");
        cx.flush(self).await?;
        self.errors.clear();
        Ok(())
    }
}

#[derive(LiveComponent, Clone)]
#[live(name = "other", inline = "")]
struct Other {}

fn imports(page: &mut Page) -> Value {
    let (_, topic) = page.instance().topics().remove(0);
    let snapshot = topic.snapshot().unwrap();
    serde_json::from_str::<Value>(snapshot.json()).unwrap()["imports"].clone()
}

#[tokio::test]
async fn flushed_changes_are_sent_step_by_step() {
    let mut page = Page::mount::<Import>(json!({})).await;
    assert_eq!(page.call("run", json!([2, false])).await, Ok(json!(100)));
    assert_eq!(
        page.flushed,
        [
            json!({"done": 1, "lines": [{"id": 1}]}),
            json!({"done": 2, "lines": {"$list": [["+", 1, {"id": 2}]]}}),
        ]
    );
    assert_eq!(page.last, Some(json!({"done": 100})));
    assert_eq!(imports(&mut page), 2);
    let said: Vec<_> = page.effects.iter().map(|effect| matches!(effect, Effect::Emit { .. })).collect();
    assert_eq!(said, [true, true]);
    let state: Value = serde_json::from_str(&page.instance().state().unwrap()).unwrap();
    assert_eq!(state, page.state);
}

#[tokio::test]
async fn a_failure_restores_the_flushed_state() {
    let mut page = Page::mount::<Import>(json!({})).await;
    let finished = page.run(act("run", json!([3, true]))).await;
    assert_eq!(finished.result.unwrap_err().message(), "the disk is full");
    assert!(finished.effects.is_empty(), "the end was not reached");
    assert_eq!(finished.patch, None);
    assert_eq!(page.state["done"], 3);
    assert_eq!(imports(&mut page), 3);
    let saved: Value = serde_json::from_slice(&page.instance().save().unwrap()).unwrap();
    assert_eq!(saved["steps"], 3);

    assert_eq!(page.call("explode", json!([])).await, Err(ErrorCode::Panicked));
    assert_eq!(page.state["done"], 7);
    // Each later patch is relative to the state of the page.
    assert_eq!(page.call("run", json!([0, false])).await, Ok(json!(100)));
    assert_eq!(page.last, Some(json!({"done": 100})));
}

#[tokio::test]
async fn a_shared_field_follows_at_the_flush_or_the_flush_fails() {
    let mut page = Page::mount::<Import>(json!({})).await;
    assert_eq!(page.call("follow", json!(["attic"])).await, Ok(json!(false)));
    assert_eq!(page.flushed, [json!({"name": "attic"})]);
    assert_eq!(page.instance().topics().remove(0).1.name().as_str(), "progress/attic");
    assert_eq!(page.call("follow", json!(["closed"])).await, Ok(json!(true)));
    assert_eq!(page.state["name"], "all");
    assert_eq!(page.instance().topics().remove(0).1.name().as_str(), "progress/all");
}

#[tokio::test]
async fn hooks_flush_too_and_errors_are_shown() {
    let mut page = Page::mount::<Import>(json!({})).await;
    let set = vec![("name".to_owned(), raw(&json!("some")))];
    let finished =
        page.run(Job::Action { action: "run".to_owned(), payload: Some(raw(&json!([1, false]))), set }).await;
    finished.result.unwrap();
    assert_eq!(page.flushed[0], json!({"name": "some", "errors": {"name": ["is checked"]}}));
    assert_eq!(page.flushed[1]["errors"], json!({}));
    assert_eq!(page.state["done"], 100);
}

#[tokio::test]
async fn a_flush_without_await_is_sent_and_one_of_another_component_is_refused() {
    let mut page = Page::mount::<Import>(json!({})).await;
    assert_eq!(page.call("give_up", json!([])).await, Ok(Value::Null));
    assert_eq!((&page.flushed[0], &page.last), (&json!({"done": 3}), &Some(json!({"done": 4}))));
    assert_eq!(page.call("other", json!([])).await, Err(ErrorCode::ActionFailed));
    assert_eq!(page.state["done"], 4);
}
