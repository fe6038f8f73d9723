//! Forms whose record is in the session store.

use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use vivaz::prelude::*;
use vivaz::{Limits, MemoryStore, SessionStore, with_forms};

use super::{Kill, Runs, Site};
use crate::restart::File;
use crate::stores::{Fault, Faulty};

/// A durable component whose action writes into the database.
#[derive(LiveComponent, Clone)]
#[live(
    name = "ledger-form",
    inline = r#"<form method="post" live:submit="enter($form.note)"><input name="note"></form><b>{{ rows }}</b><i>{{ mine }}</i>"#,
    durable
)]
struct LedgerForm {
    #[live(default)]
    rows: i64,
    #[live(default)]
    mine: i64,
}

#[actions]
impl LedgerForm {
    #[action(transaction)]
    fn enter(&mut self, note: String, cx: &mut Context, tx: &mut Tx) -> Result {
        cx.state::<Runs>().add();
        tx.execute("INSERT INTO counts (count) VALUES (?1)", [self.mine])?;
        match &*note {
            "refuse" => return Err(ActionError::user("refused")),
            "kill" => cx.state::<Kill>().act(),
            "leave" => {
                cx.navigate("/thanks")?;
                cx.state::<Kill>().act();
            }
            _ => {}
        }
        let rows: Vec<i64> = tx.query("SELECT count(*) FROM counts", ())?;
        self.rows = rows[0];
        self.mine += 1;
        Ok(())
    }
}

/// A component whose form calls two actions.
#[derive(LiveComponent, Clone)]
#[live(
    name = "two-steps",
    inline = r#"<form method="post" live:submit="first(); second($form.note)"><input name="note"></form><b>{{ done }}</b>"#
)]
struct TwoSteps {
    #[live(default)]
    done: u32,
}

#[actions]
impl TwoSteps {
    #[action]
    fn first(&mut self, cx: &mut Context) {
        cx.state::<Runs>().add();
        self.done += 1;
    }

    #[action]
    fn second(&mut self, note: String, cx: &mut Context) {
        if note == "kill" {
            cx.state::<Kill>().act();
        }
        self.done += 1;
    }
}

async fn steps(live: Live) -> std::result::Result<Response, RenderError> {
    let form = live.render::<TwoSteps>(TwoStepsProps {}).await?;
    Ok(live.page(format!("<!doctype html><title>Steps</title>{form}")))
}

async fn ledger(live: Live) -> std::result::Result<Response, RenderError> {
    let form = live.render::<LedgerForm>(LedgerFormProps {}).await?;
    Ok(live.page(format!("<!doctype html><title>Ledger</title>{form}")))
}

/// A process with this store.
fn process(store: impl SessionStore) -> Site {
    let limits = Limits { action_time: Duration::from_millis(500), ..Limits::default() };
    let mut site = Site::with(move |builder| builder.store(store).limits(limits));
    let routes = Router::new().route("/ledger", with_forms(get(ledger)));
    site.router = site.router.clone().merge(routes.with_state(site.runtime.clone()));
    site
}

/// Another process with the cookies of the browser.
fn next(site: &Site, store: impl SessionStore) -> Site {
    Site { cookies: site.cookies.clone(), ..process(store) }
}

fn signed<'a>(seal: &'a str, note: &'a str) -> [(&'a str, &'a str); 3] {
    [("name", "Ada"), ("note", note), ("live:form", seal)]
}

#[tokio::test]
async fn every_process_knows_the_outcome() {
    let store = MemoryStore::new();
    let mut one = process(store.clone());
    let seals = [one.get("/").await.seal(), one.get("/").await.seal(), one.get("/").await.seal()];
    let page = one.post("/", &signed(&seals[0], "hi")).await;
    page.shows("1 by Ada (hi, false, 1)");
    let mut two = next(&one, store.clone());
    for _ in 0..2 {
        for site in [&mut two, &mut one] {
            let page = site.post("/", &signed(&seals[0], "hi")).await;
            assert_eq!(page.status, StatusCode::OK);
            page.shows("1 by Ada (hi, false, 1)");
        }
    }
    let page = two.post("/", &signed(&seals[0], "other")).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    page.shows("was sent before with other values");
    let page = two.post("/", &signed(&seals[1], "away")).await;
    assert_eq!(page.location(), Some("/thanks?run=1"));
    one.cookies.clear();
    one.cookies.clone_from(&two.cookies);
    one.cookies.remove("theme");
    let page = one.post("/", &signed(&seals[1], "away")).await;
    assert_eq!((page.status, page.location()), (StatusCode::SEE_OTHER, Some("/thanks?run=1")));
    assert_eq!(one.cookies["theme"], "dark");
    let page = two.post("/", &signed(&seals[2], "refuse")).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    let page = one.post("/", &signed(&seals[2], "refuse")).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.shows("not today");
    assert_eq!((one.runs.count(), two.runs.count()), (1, 2));
}

#[tokio::test]
async fn a_process_that_ends_properly_and_the_next_run_a_form_once() {
    let store = MemoryStore::new();
    let mut one = process(store.clone());
    let seal = one.get("/").await.seal();
    one.post("/", &signed(&seal, "hi")).await.shows("1 by Ada");
    one.runtime.shutdown().await;
    let mut two = next(&one, store);
    two.post("/", &signed(&seal, "hi")).await.shows("1 by Ada (hi, false, 1)");
    assert_eq!((one.runs.count(), two.runs.count()), (1, 0));
}

#[tokio::test]
async fn the_writes_of_an_action_are_committed_with_the_record() {
    let file = File::new().await;
    let mut one = process(file.database.clone());
    let seal = one.get("/ledger").await.seal();
    let mut two = next(&one, file.database.clone());
    for site in [&mut one, &mut two] {
        for _ in 0..2 {
            let page = site.post("/ledger", &[("note", "a"), ("live:form", &seal)]).await;
            assert_eq!(page.status, StatusCode::OK, "{}", page.html);
            page.shows("<b>1</b><i>1</i>");
        }
    }
    assert_eq!(file.counts().await, [0]);
    // A refusal rolls its writes back, and is the outcome of every repetition.
    let seal = one.get("/ledger").await.seal();
    for site in [&mut one, &mut two] {
        let page = site.post("/ledger", &[("note", "refuse"), ("live:form", &seal)]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        page.shows("refused");
        assert!(page.control("note").contains(r#"value="refuse""#), "{}", page.html);
    }
    assert_eq!(file.counts().await, [0]);
    assert_eq!((one.runs.count(), two.runs.count()), (2, 0));
}

/// Sends a form to a process that is killed while it runs: the store takes no commit any more.
async fn killed(site: &Site, path: &'static str, seal: &str, kill: impl Fn() + Send + 'static) {
    site.kill.set(kill);
    let (mut site, seal) = (site.clone(), seal.to_owned());
    let runs = site.runs.clone();
    tokio::spawn(async move { site.post(path, &signed(&seal, "kill")).await });
    while runs.count() == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_form_whose_process_is_killed_is_not_run_again() {
    let store = Faulty::new(MemoryStore::new());
    let mut one = process(store.clone());
    let seal = one.get("/").await.seal();
    let faulty = store.clone();
    killed(&one, "/", &seal, move || faulty.set("commit", Fault::Hangs)).await;
    store.unset("commit");
    let mut two = next(&one, store);
    for _ in 0..2 {
        let page = two.post("/", &signed(&seal, "kill")).await;
        assert_eq!(page.status, StatusCode::CONFLICT);
        page.shows("It is not known whether this form was accepted.");
        page.shows("kill</textarea>");
    }
    assert_eq!((one.runs.count(), two.runs.count()), (1, 0));
    // The visitor decides.
    let seal = two.post("/", &signed(&seal, "kill")).await.seal();
    two.post("/", &signed(&seal, "hi")).await.shows("1 by Ada");
}

#[tokio::test]
async fn a_committed_action_whose_process_is_killed_is_known() {
    let file = File::new().await;
    let store = Faulty::new(file.database.clone());
    let mut one = process(store.clone());
    let seal = one.get("/ledger").await.seal();
    let faulty = store.clone();
    // The commit that runs the action has begun; the one after it does not end.
    killed(&one, "/ledger", &seal, move || faulty.set("commit", Fault::Hangs)).await;
    store.unset("commit");
    let mut two = next(&one, store);
    let page = two.post("/ledger", &signed(&seal, "kill")).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.html);
    page.shows("<b>1</b><i>1</i>");
    assert_eq!(file.counts().await, [0]);
    assert_eq!((one.runs.count(), two.runs.count()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_durable_action_that_was_only_begun_is_run_by_the_next_process() {
    let store = Faulty::new(MemoryStore::new());
    let mut one = durable(store.clone());
    let seal = one.get("/").await.seal();
    store.set("commit", Fault::Ends);
    let lost = {
        let (mut site, seal) = (one.clone(), seal.clone());
        tokio::spawn(async move { site.post("/", &signed(&seal, "hi")).await })
    };
    store.ended().await;
    store.recover();
    lost.abort();
    let mut two = Site { cookies: one.cookies.clone(), ..durable(store) };
    let page = two.post("/", &signed(&seal, "hi")).await;
    assert_eq!(page.status, StatusCode::OK);
    page.shows("1 by Ada (hi, false, 1)");
    assert_eq!((one.runs.count(), two.runs.count()), (0, 1));
}

/// A process that commits every change.
fn durable(store: impl SessionStore) -> Site {
    let mut site = Site::with(move |builder| builder.store(store).save(vivaz::Save::Always));
    let routes = Router::new().route("/steps", with_forms(get(steps)));
    site.router = site.router.clone().merge(routes.with_state(site.runtime.clone()));
    site
}

#[tokio::test(start_paused = true)]
async fn a_form_whose_process_is_killed_between_two_calls_is_not_done() {
    let store = Faulty::new(MemoryStore::new());
    let mut one = durable(store.clone());
    let seal = one.get("/steps").await.seal();
    let faulty = store.clone();
    one.kill.set(move || faulty.set("commit", Fault::Hangs));
    let lost = {
        let (mut site, seal) = (one.clone(), seal.clone());
        tokio::spawn(async move { site.post("/steps", &[("note", "kill"), ("live:form", &seal)]).await })
    };
    while one.runs.count() == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    store.unset("commit");
    lost.abort();
    let mut two = Site { cookies: one.cookies.clone(), ..durable(store) };
    let page = two.post("/steps", &[("note", "kill"), ("live:form", &seal)]).await;
    assert_eq!(page.status, StatusCode::CONFLICT, "{}", page.html);
    page.shows("It is not known whether this form was accepted.");
}

#[tokio::test]
async fn a_committed_action_that_leads_to_another_page_is_known() {
    let file = File::new().await;
    let store = Faulty::new(file.database.clone());
    let mut one = process(store.clone());
    let seal = one.get("/ledger").await.seal();
    let (faulty, killed) = (store.clone(), one.clone());
    one.kill.set(move || faulty.set("commit", Fault::Hangs));
    let lost = seal.clone();
    tokio::spawn(
        async move { killed.clone().post("/ledger", &[("note", "leave"), ("live:form", &lost)]).await },
    );
    while one.runs.count() == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    store.unset("commit");
    let mut two = next(&one, store);
    let page = two.post("/ledger", &[("note", "leave"), ("live:form", &seal)]).await;
    assert_eq!((page.status, page.location()), (StatusCode::SEE_OTHER, Some("/thanks")));
}

#[tokio::test]
async fn a_store_that_fails_runs_nothing() {
    let store = Faulty::new(MemoryStore::new());
    for method in ["find", "commit"] {
        let mut site = process(store.clone());
        let seal = site.get("/").await.seal();
        store.set(method, Fault::Fails);
        let page = site.post("/", &signed(&seal, "hi")).await;
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(site.runs.count(), 0);
        store.recover();
        site.post("/", &signed(&seal, "hi")).await.shows("1 by Ada");
        assert_eq!(site.runs.count(), 1);
    }
}

#[tokio::test]
async fn a_durable_component_without_a_store_is_refused() {
    let mut site = Site::new();
    let routes = Router::new().route("/ledger", with_forms(get(ledger)));
    site.router = site.router.clone().merge(routes.with_state(site.runtime.clone()));
    let seal = site.get("/ledger").await.seal();
    let page = site.post("/ledger", &[("note", "a"), ("live:form", &seal)]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.shows("needs a session store");
    assert_eq!(site.runs.count(), 0);
}

#[tokio::test]
async fn revoked_access_ends_the_forms_of_a_user() {
    let store = MemoryStore::new();
    let mut site = process(store.clone()).signed_in("ada");
    let seal = site.get("/").await.seal();
    site.post("/", &signed(&seal, "hi")).await.shows("1 by Ada");
    assert_eq!(store.len(), 1);
    let owner = vivaz::store::Owner { user: Some("ada".into()), ..Default::default() };
    assert_eq!(store.forget_user(&owner).await.unwrap(), 1);
    let page = site.post("/", &signed(&seal, "hi")).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    assert_eq!(site.runs.count(), 1);
}
