//! Fields that load after the mount.

use serde_json::{Value, json};
use tokio::sync::oneshot;
use vivaz_components::instance::BoxFuture;
use vivaz_components::instance::Job;
use vivaz_components::{
    ActionError, Async, Context, Effect, Env, Hub, Identity, LiveComponent, Loaded, MountContext,
    Registration, Result, States, actions,
};

use crate::drive::{Page, act};

#[derive(LiveComponent, Clone)]
#[live(
    name = "report",
    inline = "<p live:if='figures.ready'>{{ figures.value.len() }}</p><p live:else>{{ figures.error }}</p>"
)]
struct Report {
    // Before the others: a field without a load does not receive their results.
    #[live(default)]
    seen: usize,
    #[live(default = Async::loading())]
    figures: Async<Vec<u32>>,
    #[live(private)]
    note: Async<Option<String>>,
}

#[actions]
impl Report {
    #[action]
    fn load(&mut self, cx: &mut Context, figures: Vec<u32>) {
        self.figures.load(cx, async move {
            match figures.as_slice() {
                [] => Err(ActionError::user("there are none")),
                [0] => Err(std::io::Error::other("/etc/figures is not there"))?,
                [13] => panic!("the secret is 4711"),
                _ => Ok(figures),
            }
        });
    }

    #[action]
    fn load_twice(&mut self, cx: &mut Context) {
        self.load(cx, vec![1]);
        self.load(cx, vec![2, 2]);
    }

    #[action]
    fn load_and_fail(&mut self, cx: &mut Context) -> Result {
        self.load(cx, vec![1]);
        Err(ActionError::user("no"))
    }

    /// Ends when its receiver is dropped.
    #[action]
    fn hang(&mut self, cx: &mut Context) {
        let alive = cx.state::<Alive>().0.lock().unwrap().take();
        self.figures.load(cx, async move {
            let _alive = alive;
            std::future::pending().await
        });
    }

    #[action]
    fn clear(&mut self) {
        self.figures.clear();
    }

    #[action]
    fn see(&mut self) {
        self.seen = self.figures.value().map_or(0, Vec::len);
    }
}

/// Dropped with the load.
struct Alive(std::sync::Mutex<Option<oneshot::Sender<()>>>);

fn shown(loading: bool, ready: bool, failed: bool, value: Value, error: Value) -> Value {
    json!({"loading": loading, "ready": ready, "failed": failed, "value": value, "error": error})
}

type Load = BoxFuture<Option<Loaded>>;

/// Runs an action and takes the loads that it starts.
async fn begin(page: &mut Page, action: &str, args: Value) -> Vec<Load> {
    let finished = page.run(act(action, args)).await;
    let load = |effect| if let Effect::Load(load) = effect { Some(load) } else { None };
    finished.effects.into_iter().filter_map(load).collect()
}

async fn settle(page: &mut Page, load: Load) {
    if let Some(loaded) = load.await {
        page.run(Job::Loaded { loaded }).await.result.unwrap();
    }
}

#[tokio::test]
async fn a_field_is_loading_then_ready_or_failed() {
    let mut page = Page::mount::<Report>(json!({})).await;
    assert_eq!(
        page.state,
        json!({"figures": shown(true, false, false, Value::Null, Value::Null), "seen": 0})
    );
    let mut loads = begin(&mut page, "load", json!([[1, 2]])).await;
    settle(&mut page, loads.remove(0)).await;
    assert_eq!(page.last, Some(json!({"figures": shown(false, true, false, json!([1, 2]), Value::Null)})));
    page.call("see", json!([])).await.unwrap();
    assert_eq!(page.last, Some(json!({"seen": 2})));

    // A repeated load shows the previous value meanwhile, and so does a failed one.
    let mut loads = begin(&mut page, "load", json!([[]])).await;
    assert_eq!(page.state["figures"], shown(true, false, false, json!([1, 2]), Value::Null));
    settle(&mut page, loads.remove(0)).await;
    assert_eq!(page.state["figures"], shown(false, false, true, json!([1, 2]), json!("there are none")));
    page.call("clear", json!([])).await.unwrap();
    assert_eq!(page.state["figures"], shown(false, false, false, Value::Null, Value::Null));
}

#[tokio::test]
async fn only_user_errors_are_shown_in_detail() {
    let mut page = Page::mount::<Report>(json!({})).await;
    for figures in [json!([[0]]), json!([[13]])] {
        let mut loads = begin(&mut page, "load", figures).await;
        settle(&mut page, loads.remove(0)).await;
        assert_eq!(page.state["figures"]["failed"], true);
        let error = page.state["figures"]["error"].as_str().unwrap();
        assert!(!error.is_empty() && !error.contains("etc") && !error.contains("4711"), "{error}");
    }
}

#[tokio::test]
async fn the_last_load_counts_and_the_others_end() {
    let mut page = Page::mount::<Report>(json!({})).await;
    let mut loads = begin(&mut page, "load_twice", json!([])).await;
    assert!(loads.remove(0).await.is_none(), "ended");
    settle(&mut page, loads.remove(0)).await;
    assert_eq!(page.state["figures"]["value"], json!([2, 2]));
    // Cancelled by a later change of the component.
    let mut loads = begin(&mut page, "load", json!([[3]])).await;
    page.call("clear", json!([])).await.unwrap();
    assert!(loads.remove(0).await.is_none());
    // A failed handler neither starts nor cancels a load.
    let mut loads = begin(&mut page, "load", json!([[4]])).await;
    assert!(begin(&mut page, "load_and_fail", json!([])).await.is_empty());
    settle(&mut page, loads.remove(0)).await;
    assert_eq!(page.state["figures"]["value"], json!([4]));
}

#[tokio::test]
async fn a_load_ends_with_its_component() {
    let (alive, gone) = oneshot::channel();
    let mut page = Page::mount::<Report>(json!({})).await;
    page.env = Env::new(Identity::default(), States::default().with(Alive(Some(alive).into())), Hub::new());
    let mut loads = begin(&mut page, "hang", json!([])).await;
    let load = tokio::spawn(loads.remove(0));
    drop(page);
    assert!(load.await.unwrap().is_none());
    gone.await.unwrap_err();
}

#[tokio::test]
async fn a_load_does_not_outlive_the_process_and_reports_it() {
    let mut page = Page::mount::<Report>(json!({})).await;
    let saved = |page: &mut Page| page.instance().save().unwrap();
    let restored = async |saved: Vec<u8>| {
        let registration = Registration::of::<Report>();
        let schema = registration.spec.schema();
        let restored = registration.restore(&saved, schema, MountContext::default()).await.unwrap();
        let mut instance = restored.into_instance();
        let again = instance.save().unwrap();
        assert_eq!(again, saved);
        serde_json::from_str::<Value>(&instance.state().unwrap()).unwrap()["figures"].clone()
    };
    // No load has started: the page that restores this one starts it.
    assert_eq!(restored(saved(&mut page)).await, page.state["figures"]);
    let loads = begin(&mut page, "load", json!([[1]])).await;
    let failed = restored(saved(&mut page)).await;
    assert_eq!((&failed["failed"], &failed["loading"]), (&json!(true), &json!(false)));
    for load in loads {
        settle(&mut page, load).await;
    }
    assert_eq!(restored(saved(&mut page)).await, page.state["figures"]);
    page.call("clear", json!([])).await.unwrap();
    assert_eq!(restored(saved(&mut page)).await, page.state["figures"]);
}
