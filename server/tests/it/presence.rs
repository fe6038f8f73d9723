//! Presence at topics: several pages of one user, dropped connections, restarts, and everything
//! that ends presence.

mod ends;
mod model;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::sleep;
use vivaz::prelude::*;
use vivaz::testing::{Page, Server, View};
use vivaz::{ErrorCode, Identity, Limits, MemoryStore, Runtime, User};

const GRACE: Duration = Duration::from_secs(10);
/// How long a user stays present after the page has left.
const LINGER: Duration = Duration::from_secs(2);
const SHORT: Duration = Duration::from_millis(100);

#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
struct Hall {
    #[live(presence)]
    users: Presence,
    /// Records the users who were announced, in order.
    guests: Vec<String>,
}

impl Topic for Hall {
    type Key = String;

    async fn load(_: &String, _: &TopicContext) -> Result<Self> {
        Ok(Self::default())
    }

    async fn authorize(key: &String, who: &Identity) -> Result<()> {
        if key == "private" && !who.may("private") { Err(ActionError::forbidden("no")) } else { Ok(()) }
    }

    fn presence_changed(&mut self, key: &String, change: &mut PresenceChange) {
        assert_ne!(change.user().id, "panics");
        if change.is_present() {
            self.guests.push(change.user().id.clone());
        }
        let name = if change.is_present() { "came" } else { "went" };
        let user = change.user().id.clone();
        change.emit(name, json!({ "hall": key, "user": user }));
    }
}

macro_rules! visitor {
    ($(#[$attr:meta])* $name:ident) => {
        #[derive(LiveComponent, Clone)]
        $(#[$attr])*
        struct $name {
            #[live(prop, model)]
            place: String,
            #[live(prop, default)]
            enters: bool,
            #[live(shared = "hall/{place}")]
            hall: Shared<Hall>,
        }

        #[actions]
        impl $name {
            fn connected(&mut self, cx: &mut Context) -> Result<()> {
                if self.enters { cx.presence(&mut self.hall).enter() } else { Ok(()) }
            }

            #[action]
            fn enter(&mut self, cx: &mut Context) -> Result<()> {
                cx.presence(&mut self.hall).enter()
            }

            #[action]
            fn enter_and_fail(&mut self, cx: &mut Context) -> Result<()> {
                cx.presence(&mut self.hall).enter()?;
                Err(ActionError::user("not now"))
            }

            #[action]
            fn leave(&mut self, cx: &mut Context) {
                cx.presence(&mut self.hall).leave();
            }

            #[action]
            async fn work(&mut self) {
                sleep(Duration::from_secs(25)).await;
            }

            #[action]
            fn reset(&mut self) {
                self.hall.update(|hall| *hall = Hall::default());
            }

            #[action]
            fn go(&mut self, place: String) {
                self.place = place;
            }

            #[action]
            fn go_later(&mut self, cx: &mut Context, place: String) {
                cx.spawn("going", async move {
                    sleep(Duration::from_secs(2)).await;
                    Ok(place)
                });
            }

            #[event]
            fn going(&mut self, place: Result<String>) {
                self.place = place.unwrap();
            }
        }
    };
}

visitor!(
    #[live(
        name = "visitor",
        inline = r#"<i live:for="u in hall.users" live:key="u.id">{{ u.name }}</i>"#,
        open
    )]
    Visitor
);
visitor!(
    #[live(
        name = "kept-visitor",
        inline = r#"<i live:for="u in hall.users" live:key="u.id">{{ u.name }}</i>"#,
        open,
        durable
    )]
    KeptVisitor
);

/// Whether the saved `code` of a component is refused.
static UNREADABLE: AtomicBool = AtomicBool::new(false);

#[derive(Serialize, Clone, Default)]
struct Code(u32);

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        let code = u32::deserialize(from)?;
        if code == 1 && UNREADABLE.load(Ordering::SeqCst) {
            return Err(serde::de::Error::custom("of another program"));
        }
        Ok(Self(code))
    }
}

#[derive(LiveComponent, Clone)]
#[live(name = "brittle-visitor", inline = "", open)]
struct BrittleVisitor {
    #[live(prop)]
    place: String,
    #[live(prop, default)]
    enters: bool,
    #[live(private)]
    code: Code,
    #[live(shared = "hall/{place}")]
    hall: Shared<Hall>,
}

#[actions]
impl BrittleVisitor {
    fn connected(&mut self, cx: &mut Context) -> Result<()> {
        self.code = Code(1);
        cx.presence(&mut self.hall).enter()
    }
}

fn server() -> Server {
    let store = MemoryStore::new();
    Server::new(move || Runtime::builder().store(store.clone()))
}

async fn visit(page: &Page, place: &str) -> View {
    page.mount_open("visitor", json!({ "place": place, "enters": true })).await.unwrap()
}

/// Observes the topic without being present.
struct Watcher {
    page: Page,
    view: View,
}

impl Watcher {
    async fn new(server: &Server, place: &str) -> Self {
        let page = server.page_as("watcher", "Watcher");
        let view = page.mount_open("visitor", json!({ "place": place })).await.unwrap();
        Self { page, view }
    }

    /// The names of the users who are present.
    async fn present_users(&self) -> Vec<String> {
        self.page.settled().await;
        self.view.texts("i")
    }

    /// The events so far, as their names and users.
    fn events(&self) -> Vec<(String, String)> {
        let user = |data: &Value| data["userId"].as_str().or(data["user"].as_str()).unwrap().to_owned();
        self.page.events().iter().map(|event| (event.name.to_string(), user(&event.data))).collect()
    }
}

fn expected_events(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(name, user)| ((*name).to_owned(), (*user).to_owned())).collect()
}

#[tokio::test(start_paused = true)]
async fn several_pages_of_a_user_are_one_entry_until_the_last_has_left() {
    let server = server();
    let watcher = Watcher::new(&server, "a").await;
    let (one, two, bob) =
        (server.page_as("ada", "Ada"), server.page_as("ada", "Ada"), server.page_as("bob", "Bob"));
    let _views = (visit(&one, "a").await, visit(&two, "a").await, visit(&bob, "a").await);
    assert_eq!(watcher.present_users().await, ["Ada", "Bob"]);
    one.leave().await;
    sleep(LINGER * 2).await;
    assert_eq!(watcher.present_users().await, ["Ada", "Bob"]);
    two.leave().await;
    sleep(LINGER - SHORT).await;
    assert_eq!(watcher.present_users().await, ["Ada", "Bob"], "the page may reload");
    sleep(SHORT * 2).await;
    assert_eq!(watcher.present_users().await, ["Bob"]);
    let expected = expected_events(&[
        ("user.online", "ada"),
        ("came", "ada"),
        ("user.online", "bob"),
        ("came", "bob"),
        ("user.offline", "ada"),
        ("went", "ada"),
    ]);
    assert_eq!(watcher.events(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_reloaded_page_stays_present_during_the_reload() {
    let server = server();
    let watcher = Watcher::new(&server, "a").await;
    let before = server.page_as("ada", "Ada");
    let _view = visit(&before, "a").await;
    let bob = server.page_as("bob", "Bob");
    let _bobs = visit(&bob, "a").await;
    before.leave().await;
    sleep(SHORT).await;
    let after = server.page_as("ada", "Ada");
    let _again = visit(&after, "a").await;
    sleep(GRACE).await;
    assert_eq!(watcher.present_users().await, ["Ada", "Bob"], "at their places");
    assert_eq!(watcher.events().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_short_drop_is_not_seen_and_after_a_long_one_the_page_is_present_again_by_itself() {
    for component in ["visitor", "kept-visitor"] {
        let server = server();
        let watcher = Watcher::new(&server, "a").await;
        let ada = server.page_as("ada", "Ada");
        let _view = ada.mount_open(component, json!({ "place": "a", "enters": true })).await.unwrap();
        for _ in 0..3 {
            ada.network().offline();
            sleep(GRACE - SHORT).await;
            ada.network().online();
            ada.settled().await;
        }
        sleep(GRACE * 2).await;
        assert_eq!(watcher.present_users().await, ["Ada"]);
        assert_eq!(
            watcher.events(),
            expected_events(&[("user.online", "ada"), ("came", "ada")]),
            "{component}"
        );
        ada.network().offline();
        sleep(GRACE + SHORT).await;
        assert_eq!(watcher.present_users().await, [""; 0], "{component}");
        sleep(Duration::from_secs(60)).await;
        ada.network().online();
        ada.settled().await;
        assert_eq!(watcher.present_users().await, ["Ada"], "{component}");
        assert_eq!(watcher.events().len(), 6, "{component}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_grace_is_a_limit_of_the_server() {
    let server = Server::new(|| {
        let limits = Limits { presence_grace: Duration::from_secs(60), ..Limits::default() };
        Runtime::builder().limits(limits)
    });
    let watcher = Watcher::new(&server, "a").await;
    let ada = server.page_as("ada", "Ada");
    let _view = visit(&ada, "a").await;
    ada.network().offline();
    sleep(Duration::from_secs(59)).await;
    assert_eq!(watcher.present_users().await, ["Ada"]);
    sleep(Duration::from_secs(2)).await;
    assert_eq!(watcher.present_users().await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn presence_is_restored_after_a_restart() {
    for component in ["visitor", "kept-visitor"] {
        let server = server();
        let watcher = Watcher::new(&server, "a").await;
        let (ada, bob) = (server.page_as("ada", "Ada"), server.page_as("bob", "Bob"));
        let props = json!({ "place": "a" });
        let adas = ada.mount_open(component, props.clone()).await.unwrap();
        adas.call("enter", json!([])).await.unwrap();
        let bobs = bob.mount_open(component, props).await.unwrap();
        bobs.call("enter", json!([])).await.unwrap();
        bobs.call("leave", json!([])).await.unwrap();
        server.restart().await;
        ada.settled().await;
        bob.settled().await;
        assert_eq!(watcher.present_users().await, ["Ada"], "{component}");
        // It can leave once more.
        adas.call("leave", json!([])).await.unwrap();
        assert_eq!(watcher.present_users().await, [""; 0], "{component}");
        server.restart().await;
        ada.settled().await;
        assert_eq!(watcher.present_users().await, [""; 0], "{component}");
    }
}

#[tokio::test(start_paused = true)]
async fn presence_follows_the_field_to_another_topic() {
    let server = server();
    let (here, there) = (Watcher::new(&server, "a").await, Watcher::new(&server, "b").await);
    let ada = server.page_as("ada", "Ada");
    let view = visit(&ada, "a").await;
    view.call("go", ["b"]).await.unwrap();
    assert_eq!((here.present_users().await, there.present_users().await), (vec![], vec!["Ada".to_owned()]));
    view.set("place", "a").await.unwrap();
    assert_eq!((here.present_users().await, there.present_users().await), (vec!["Ada".to_owned()], vec![]));
    // The user may not see the topic: no change.
    view.call("go", ["private"]).await.unwrap_err();
    assert_eq!(here.present_users().await, ["Ada"]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_handler_changes_no_presence_and_presence_requires_a_user() {
    let server = server();
    let watcher = Watcher::new(&server, "a").await;
    let ada = server.page_as("ada", "Ada");
    let view = ada.mount_open("visitor", json!({ "place": "a" })).await.unwrap();
    view.call("enter_and_fail", json!([])).await.unwrap_err();
    assert_eq!(watcher.present_users().await, [""; 0]);
    for _ in 0..2 {
        view.call("enter", json!([])).await.unwrap();
        assert_eq!(watcher.present_users().await, ["Ada"]);
    }
    for _ in 0..2 {
        view.call("leave", json!([])).await.unwrap();
        assert_eq!(watcher.present_users().await, [""; 0], "one leave for any number of enters");
    }
    let nobody = server.page();
    let view = nobody.mount_open("visitor", json!({ "place": "a" })).await.unwrap();
    let refused = view.call("enter", json!([])).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::Unauthenticated);
}

#[tokio::test(start_paused = true)]
async fn each_end_of_a_component_ends_its_presence() {
    for how in ["unmount", "revoke", "revoke while away", "expire"] {
        let server = Server::new(|| {
            // Longer than a session is suspended.
            let limits = Limits { presence_grace: Duration::from_secs(100_000), ..Limits::default() };
            Runtime::builder().limits(limits).store(MemoryStore::new())
        });
        let watcher = Watcher::new(&server, "a").await;
        let ada = server.page_as("ada", "Ada");
        let view = visit(&ada, "a").await;
        assert_eq!(watcher.present_users().await, ["Ada"]);
        match how {
            "unmount" => drop(view.unmount().await.unwrap()),
            "revoke" => {
                server.runtime().revoke("ada");
                sleep(SHORT).await;
            }
            "revoke while away" => {
                ada.network().offline();
                sleep(SHORT).await;
                server.runtime().revoke("ada");
                sleep(SHORT).await;
            }
            _ => {
                ada.network().offline();
                sleep(Limits::default().suspended_time * 2).await;
            }
        }
        if how == "unmount" {
            sleep(LINGER + SHORT).await;
        }
        assert_eq!(watcher.present_users().await, [""; 0], "{how}");
        assert_eq!(watcher.events().len(), 4, "{how}");
    }
}

#[tokio::test(start_paused = true)]
async fn tenants_have_halls_of_their_own() {
    let server = server();
    let watcher = Watcher::new(&server, "a").await;
    let other = server.page_with(Identity::of(User::new("ada", "Ada")).with_tenant("acme"));
    let view = visit(&other, "a").await;
    other.settled().await;
    assert_eq!((view.texts("i"), watcher.present_users().await), (vec!["Ada".to_owned()], vec![]));
}

#[tokio::test(start_paused = true)]
async fn an_application_cannot_refuse_presence_changes() {
    let server = server();
    let watcher = Watcher::new(&server, "a").await;
    let bad = server.page_as("panics", "X");
    let view = visit(&bad, "a").await;
    let ada = server.page_as("ada", "Ada");
    let _adas = visit(&ada, "a").await;
    assert_eq!(watcher.present_users().await, ["X", "Ada"]);
    view.call("leave", json!([])).await.unwrap();
    assert_eq!(watcher.present_users().await, ["Ada"]);
    let expected = expected_events(&[
        ("user.online", "panics"),
        ("user.online", "ada"),
        ("came", "ada"),
        ("user.offline", "panics"),
    ]);
    assert_eq!(watcher.events(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_reset_of_the_state_keeps_the_presence() {
    let server = server();
    let watcher = Watcher::new(&server, "a").await;
    let (ada, bob) = (server.page_as("ada", "Ada"), server.page_as("bob", "Bob"));
    let (_adas, bobs) = (visit(&ada, "a").await, visit(&bob, "a").await);
    let before = watcher.events().len();
    bobs.call("reset", json!([])).await.unwrap();
    assert_eq!(
        (watcher.present_users().await, watcher.events().len()),
        (vec!["Ada".into(), "Bob".into()], before)
    );
    bobs.call("leave", json!([])).await.unwrap();
    assert_eq!(watcher.present_users().await, ["Ada"]);
}
