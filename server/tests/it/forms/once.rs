//! A form runs once, however often it is sent.

use std::sync::Arc;

use axum::http::StatusCode;
use proptest::prelude::*;
use tokio::sync::Notify;
use vivaz::prelude::*;
use vivaz::with_forms;

use super::{Runs, Site};

/// Blocks the action of a form.
#[derive(Clone, Default)]
struct Gate {
    entered: Arc<Notify>,
    open: Arc<Notify>,
}

#[derive(LiveComponent, Clone)]
#[live(
    name = "slow-form",
    inline = r#"<form method="post" live:submit="wait()"><button>Go</button></form><b>{{ ran }}</b>"#
)]
struct SlowForm {
    #[live(default)]
    ran: u64,
}

#[actions]
impl SlowForm {
    #[action]
    async fn wait(&mut self, cx: &mut Context) {
        let gate = cx.state::<Gate>().clone();
        gate.entered.notify_one();
        gate.open.notified().await;
        self.ran = cx.state::<Runs>().add();
    }
}

async fn slow(live: Live) -> std::result::Result<axum::response::Response, RenderError> {
    let form = live.render::<SlowForm>(SlowFormProps {}).await?;
    Ok(live.page(format!("<!doctype html><title>Slow</title>{form}")))
}

fn slow_site() -> (Site, Gate) {
    let gate = Gate::default();
    let state = gate.clone();
    let mut site = Site::with(move |builder| builder.state(state));
    let routes = axum::Router::new().route("/slow", with_forms(axum::routing::get(slow)));
    site.router = site.router.clone().merge(routes.with_state(site.runtime.clone()));
    (site, gate)
}

#[tokio::test]
async fn concurrent_requests_run_the_action_once_and_show_the_same_page() {
    let (mut site, gate) = slow_site();
    let seal = site.get("/slow").await.seal();
    let send = || {
        let (mut site, seal) = (site.clone(), seal.clone());
        tokio::spawn(async move { site.post("/slow", &[("live:form", &seal)]).await })
    };
    let first = send();
    gate.entered.notified().await;
    let others: Vec<_> = (0..5).map(|_| send()).collect();
    tokio::task::yield_now().await;
    gate.open.notify_one();
    for sent in others.into_iter().chain([first]) {
        let page = sent.await.unwrap();
        assert_eq!(page.status, StatusCode::OK);
        page.shows("<b>1</b>");
    }
    assert_eq!(site.runs.count(), 1);
}

#[tokio::test]
async fn a_browser_that_goes_away_does_not_stop_the_action() {
    let (mut site, gate) = slow_site();
    let seal = site.get("/slow").await.seal();
    let first = {
        let (mut site, seal) = (site.clone(), seal.clone());
        tokio::spawn(async move { site.post("/slow", &[("live:form", &seal)]).await })
    };
    gate.entered.notified().await;
    first.abort();
    assert!(first.await.is_err_and(|error| error.is_cancelled()));
    gate.open.notify_one();
    let page = site.post("/slow", &[("live:form", &seal)]).await;
    page.shows("<b>1</b>");
    assert_eq!(site.runs.count(), 1);
}

#[tokio::test]
async fn a_repeated_form_with_other_values_is_neither_run_nor_lost() {
    let mut site = Site::new();
    let seal = site.get("/").await.seal();
    site.post("/", &[("name", "Ada"), ("note", "hi"), ("live:form", &seal)])
        .await
        .shows("1 by Ada (hi, false, 1)");
    let page = site.post("/", &[("name", "Eve"), ("note", "away"), ("live:form", &seal)]).await;
    assert_eq!((page.status, site.runs.count()), (StatusCode::CONFLICT, 1));
    page.shows("was sent before with other values");
    assert!(page.control("name").contains("Eve"));
    // The first outcome is still known, and the new page has a form of its own.
    site.post("/", &[("name", "Ada"), ("note", "hi"), ("live:form", &seal)])
        .await
        .shows("1 by Ada (hi, false, 1)");
    let again = page.seal();
    site.post("/", &[("name", "Eve"), ("note", "hi"), ("live:form", &again)]).await.shows("by Eve (hi");
    assert_eq!(site.runs.count(), 2);
}

#[derive(Clone, Copy, Debug)]
enum Step {
    /// Loads a page.
    Load,
    /// Sends the form of one of the pages.
    Send(prop::sample::Index, &'static str),
}

fn step() -> impl Strategy<Value = Step> {
    let note = prop::sample::select(vec!["hi", "refuse", "panic", "away", "flash", "fail"]);
    prop_oneof![
        Just(Step::Load),
        (any::<prop::sample::Index>(), note).prop_map(|(of, note)| Step::Send(of, note)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Each form runs once. A repetition has the first status, one with other values 409.
    #[test]
    fn any_repetition_runs_once(steps in prop::collection::vec(step(), 1..24)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut site = Site::new();
            let mut forms: Vec<(String, Option<(&str, StatusCode)>)> = Vec::new();
            for step in steps {
                match step {
                    Step::Load => forms.push((site.get("/").await.seal(), None)),
                    Step::Send(..) if forms.is_empty() => {}
                    Step::Send(of, note) => {
                        let of = of.index(forms.len());
                        let fields = [("name", "Ada"), ("note", note), ("live:form", &*forms[of].0)];
                        let status = site.post("/", &fields).await.status;
                        let (first, expected) = *forms[of].1.get_or_insert((note, status));
                        prop_assert_eq!(status, if first == note { expected } else { StatusCode::CONFLICT });
                    }
                }
                let sent = forms.iter().filter(|(_, status)| status.is_some()).count();
                prop_assert_eq!(site.runs.count(), sent as u64);
            }
            Ok(())
        })?;
    }
}
