//! Hooks that fail while a session is resumed: a failure is not an absence, and acknowledged
//! changes are not lost.

mod deploys;
mod killed;
mod overdue;
mod props;
mod reconnect;
mod restart;
mod versions;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vivaz::prelude::*;
use vivaz::store::{StoredComponent, StoredSession};
use vivaz::testing::{Page, Server, View};
use vivaz::{Limits, MemoryStore, Runtime, Save, Saved, SessionId, SessionStore};

use crate::app::Bench;
use crate::process::FOLDER;
use crate::stores::Translated;

/// The hook that is called while a session is resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Call {
    Load,
    Authorize,
    Migrate,
    Mount,
}

/// How the hook fails.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Failure {
    Internal,
    Forbidden,
    Panics,
    Hangs,
}

const FAILURES: [Failure; 4] = [Failure::Internal, Failure::Forbidden, Failure::Panics, Failure::Hangs];
/// The kinds of components: plain and durable.
const KINDS: [&str; 2] = ["fragile", "fragile-durable"];

/// Which calls fail for which key, with the number of remaining failures. `authorize` receives only
/// the key.
static FAULTS: Mutex<Option<Faults>> = Mutex::new(None);

type Faults = HashMap<(String, Call), (Failure, u32)>;

fn fails(key: &str, call: Call, failure: Failure, times: u32) {
    let mut faults = FAULTS.lock().unwrap();
    faults.get_or_insert_default().insert((key.to_owned(), call), (failure, times));
}

/// The number of remaining failures.
fn failures_left(key: &str, call: Call) -> u32 {
    let faults = FAULTS.lock().unwrap();
    faults.as_ref().and_then(|faults| faults.get(&(key.to_owned(), call))).map_or(0, |(_, left)| *left)
}

/// Consumes one failure. For a process that the test starts, the failures are files in its folder,
/// see [`killed`].
fn failure_of(key: &str, call: Call) -> Option<Failure> {
    if let Some(folder) = std::env::var_os(FOLDER) {
        let fails = std::path::Path::new(&folder).join(format!("{call:?}")).exists();
        return fails.then_some(Failure::Internal);
    }
    let mut faults = FAULTS.lock().unwrap();
    let (failure, left) = faults.as_mut()?.get_mut(&(key.to_owned(), call)).filter(|(_, left)| *left > 0)?;
    *left -= 1;
    Some(*failure)
}

fn outcome(failure: Option<Failure>) -> Result<()> {
    match failure {
        None => Ok(()),
        Some(Failure::Forbidden) => Err(ActionError::forbidden("not yours")),
        Some(Failure::Panics) => panic!("the secret is 4711"),
        Some(Failure::Internal | Failure::Hangs) => Err(std::io::Error::other("database is locked"))?,
    }
}

async fn fail(key: &str, call: Call) -> Result<()> {
    let failure = failure_of(key, call);
    if failure == Some(Failure::Hangs) {
        std::future::pending::<()>().await;
    }
    outcome(failure)
}

#[derive(LiveState, Serialize, Deserialize, Clone)]
struct Notice {
    text: String,
}

impl Topic for Notice {
    type Key = String;

    async fn load(key: &String, _cx: &TopicContext) -> Result<Self> {
        fail(key, Call::Load).await?;
        Ok(Self { text: "hello".into() })
    }

    async fn authorize(key: &String, _who: &Identity) -> Result<()> {
        fail(key, Call::Authorize).await
    }
}

macro_rules! fragile {
    ($type:ident, $props:ident, $name:literal $(, $durable:ident)?) => {
        #[derive(LiveComponent, Clone)]
        #[live(name = $name, inline = "<p>{{ items }}</p><p>{{ notice.text }}</p>", open $(, $durable)?)]
        struct $type {
            #[live(prop)]
            key: String,
            #[live(default)]
            items: i64,
            #[live(shared = "notice/{key}")]
            notice: Shared<Notice>,
        }

        #[actions]
        impl $type {
            async fn mount(props: $props, _cx: &mut MountContext) -> Result<Self> {
                fail(&props.key, Call::Mount).await?;
                Ok(Self { key: props.key, items: 0, notice: Shared::new() })
            }

            fn migrate(saved: &Saved<'_>) -> Result<Self> {
                let key: String = saved.take("key")?;
                outcome(failure_of(&key, Call::Migrate))?;
                Ok(Self { items: saved.take("items")?, key, notice: Shared::new() })
            }

            #[action]
            fn add(&mut self) -> i64 {
                self.items += 1;
                self.items
            }
        }
    };
}

fragile!(Fragile, FragileProps, "fragile");
fragile!(FragileDurable, FragileDurableProps, "fragile-durable", durable);

/// A component with a durable component in its template.
#[derive(LiveComponent, Clone)]
#[live(
    name = "fragile-parent",
    inline = "<div><live:fragile-durable key='{{ child }}'></live:fragile-durable><p>{{ notice.text }}</p></div>",
    children(FragileDurable),
    open
)]
struct FragileParent {
    #[live(prop)]
    key: String,
    #[live(prop)]
    child: String,
    #[live(default)]
    items: i64,
    #[live(shared = "notice/{key}")]
    notice: Shared<Notice>,
}

#[actions]
impl FragileParent {
    #[action]
    fn add(&mut self) -> i64 {
        self.items += 1;
        self.items
    }

    #[action]
    fn show(&mut self, child: String) {
        self.child = child;
    }
}

/// A page with one component that may fail and two that do not, and the data to check that nothing
/// is lost.
struct Scene {
    server: Server,
    page: Page,
    fragile: View,
    /// The component without a topic.
    counter: View,
    /// The component with another topic.
    chat: View,
    key: String,
    store: Option<MemoryStore>,
    /// Whether the next process runs another program.
    is_other: Arc<AtomicBool>,
}

impl Scene {
    async fn new(kind: &str) -> Self {
        Self::with(kind, Some(MemoryStore::new()), |_| ()).await
    }

    /// Creates the page. `translate` converts a stored component to the form that another program
    /// stores, and back.
    async fn with(kind: &str, store: Option<MemoryStore>, translate: fn(&mut StoredComponent)) -> Self {
        let (is_other, kept) = (Arc::new(AtomicBool::new(false)), store.clone());
        let other = Arc::clone(&is_other);
        let server = Server::new(move || {
            let limits = Limits {
                action_time: Duration::from_secs(5),
                session_state_bytes: 5_000,
                suspended_time: Duration::from_secs(86_400),
                ..Limits::default()
            };
            let builder = Runtime::builder().state(Arc::<Bench>::default()).save(Save::Always).limits(limits);
            let translate =
                if other.load(Ordering::SeqCst) { translate } else { |_: &mut StoredComponent| () };
            match &kept {
                Some(store) => builder.store(Translated::new(store.clone(), translate)),
                None => builder,
            }
        });
        let page = server.page_as("ada", "Ada");
        let key = uuid::Uuid::new_v4().to_string();
        let mut props = json!({ "key": key });
        if kind == "fragile-parent" {
            props["child"] = format!("child-{key}").into();
        }
        let fragile = page.mount_open(kind, props).await.unwrap();
        let counter = page.mount_open("counter", json!({})).await.unwrap();
        let chat = page.mount_open("chat", json!({})).await.unwrap();
        for _ in 0..5 {
            fragile.call("add", ()).await.unwrap();
            counter.call("increment", ()).await.unwrap();
        }
        chat.call("say", ["hello"]).await.unwrap();
        Self { server, page, fragile, counter, chat, key, store, is_other }
    }

    /// Checks that the page has resumed its session, with all acknowledged changes.
    async fn has_all(&self, what: &dyn std::fmt::Debug) {
        self.neighbours_are_untouched(what).await;
        assert!(self.fragile.is_mounted(), "{what:?}");
        assert_eq!(self.fragile.state()["items"], 5, "{what:?}");
        assert_eq!(self.fragile.state()["notice"]["text"], "hello", "{what:?}");
    }

    /// Checks that the component is removed, and nothing else.
    async fn has_lost_the_component(&self, what: &dyn std::fmt::Debug) {
        self.neighbours_are_untouched(what).await;
        assert!(!self.fragile.is_mounted(), "{what:?}");
    }

    async fn neighbours_are_untouched(&self, what: &dyn std::fmt::Debug) {
        assert_eq!(self.counter.call("peek", ()).await.unwrap(), Some(json!(5)), "{what:?}");
        assert_eq!(self.chat.call("say_and_count", ["again"]).await.map(|_| ()), Ok(()), "{what:?}");
        self.page.settled().await;
        assert_eq!((self.page.sessions(), &self.counter.state()["count"]), (1, &json!(5)), "{what:?}");
        assert!(self.chat.is_mounted(), "{what:?}");
    }

    /// Ends the process as SIGTERM or as SIGKILL does; `is_other` is whether the next one runs
    /// another program.
    async fn restart(&self, planned: bool, is_other: bool) {
        self.is_other.store(is_other, Ordering::SeqCst);
        if planned { self.server.restart().await } else { self.server.crash() }
    }

    /// Returns the stored session, while no process runs it.
    async fn stored(&self) -> StoredSession {
        self.server.stop().await;
        self.stored_meanwhile().await
    }

    /// Returns the stored session, while a process may run it. Claiming it takes the session from
    /// that process.
    async fn stored_meanwhile(&self) -> StoredSession {
        let store = self.store.as_ref().unwrap();
        let session =
            SessionId::new(&self.page.client(|client| client.session().unwrap().to_owned())).unwrap();
        let head = store.find(&session).await.unwrap().unwrap();
        store.claim(&session, &head.holder, &head).await.unwrap().unwrap()
    }
}

/// Returns the states of the components of a kind.
fn states_of(rows: &[StoredComponent], name: &str) -> Vec<Value> {
    let of_kind = rows.iter().filter(|row| row.name == name);
    of_kind.map(|row| serde_json::from_slice::<Value>(&row.state).unwrap()["items"].clone()).collect()
}
