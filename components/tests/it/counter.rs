//! A small component: props, actions, defaults, computed fields, edits.

use serde_json::json;
use vivaz_components::{Context, ErrorCode, LiveComponent, Result, actions};

use crate::drive::Page;

#[derive(LiveComponent, Clone)]
#[live(inline = "", name = "counter", open)]
struct Counter {
    #[live(prop, default = "Live Counter".to_owned())]
    title: String,
    #[live(prop, default)]
    count: u32,
    #[live(model)]
    step: u32,
    #[live(private)]
    presses: u32,
}

#[actions]
impl Counter {
    #[action(amount = 1)]
    fn increment(&mut self, amount: u32) -> u32 {
        self.presses += 1;
        self.count = self.count.saturating_add(amount);
        self.count
    }

    #[action]
    async fn later(&mut self, _cx: &mut Context) -> Result {
        self.count = 100;
        tokio::task::yield_now().await;
        self.count += 1;
        Ok(())
    }

    #[action]
    fn explode(&mut self) {
        self.count = 1000;
        panic!("kaboom");
    }

    #[live(computed)]
    fn doubled(&self) -> u64 {
        u64::from(self.count) * 2
    }
}

#[tokio::test]
async fn an_action_changes_its_fields() {
    let mut page = Page::mount::<Counter>(json!({"count": 5})).await;
    assert_eq!(page.state, json!({"title": "Live Counter", "count": 5, "step": 0, "doubled": 10}));
    assert_eq!(page.call("increment", json!([])).await, Ok(json!(6)));
    assert_eq!(page.last, Some(json!({"count": 6, "doubled": 12})));
    assert_eq!(page.call("increment", json!([4])).await, Ok(json!(10)));
    assert_eq!(page.call("increment", json!([0])).await, Ok(json!(10)));
    assert_eq!(page.last, None);
    assert_eq!(page.call("later", json!([])).await, Ok(json!(null)));
    assert_eq!(page.state["count"], 101);
}

#[tokio::test]
async fn a_panic_takes_everything_back() {
    let mut page = Page::mount::<Counter>(json!({})).await;
    assert_eq!(page.call("explode", json!([])).await, Err(ErrorCode::Panicked));
    assert_eq!(page.last, None);
    assert_eq!(page.call("increment", json!([])).await, Ok(json!(1)));
}

#[tokio::test]
async fn refusals_have_their_codes() {
    let mut page = Page::mount::<Counter>(json!({})).await;
    assert_eq!(page.call("presses", json!([])).await, Err(ErrorCode::UnknownAction));
    assert_eq!(page.call("increment", json!([1, 2])).await, Err(ErrorCode::BadArguments));
    assert_eq!(page.call("increment", json!(["x"])).await, Err(ErrorCode::BadArguments));
    assert_eq!(page.set("step", json!(7)).await, Ok(()));
    assert_eq!(page.last, Some(json!({"step": 7})));
    assert_eq!(page.set("step", json!("x")).await, Err(ErrorCode::BadValue));
    assert_eq!(page.set("count", json!(7)).await, Err(ErrorCode::ReadOnlyProperty));
    assert_eq!(page.set("doubled", json!(7)).await, Err(ErrorCode::ReadOnlyProperty));
    assert_eq!(page.set("presses", json!(7)).await, Err(ErrorCode::UnknownProperty));
    assert_eq!(page.set("nothing", json!(7)).await, Err(ErrorCode::UnknownProperty));
    let refused = Page::try_mount_in::<Counter>(page.env.clone(), json!({"cuont": 1})).await;
    assert_eq!(refused.err().unwrap().code(), ErrorCode::BadProps);
}
