//! Topics that answer slowly while a page resumes. A page waits 10 s for its `WELCOME` and then
//! retries.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::{Instant, sleep};
use vivaz::prelude::*;
use vivaz::testing::{Page, Server, View};
use vivaz::{MemoryStore, Runtime};

/// How long a page waits for its `WELCOME`: `OPENING` in
/// `engine/src/client/connection_state.rs`. A page of the testing kit waits without a limit,
/// so [`comes_back`] gives up for it.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Call {
    Load,
    Authorize,
}

/// How long a call takes for a key.
static TIMES: Mutex<Option<HashMap<(String, Call), Duration>>> = Mutex::new(None);

fn takes(key: &str, call: Call, seconds: u64) {
    let mut times = TIMES.lock().unwrap();
    times.get_or_insert_default().insert((key.to_owned(), call), Duration::from_secs(seconds));
}

async fn take_time(key: &str, call: Call) {
    let time = TIMES.lock().unwrap().get_or_insert_default().get(&(key.to_owned(), call)).copied();
    sleep(time.unwrap_or_default()).await;
}

#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
struct Archive {
    files: u32,
}

impl Topic for Archive {
    type Key = String;

    async fn load(key: &String, _cx: &TopicContext) -> Result<Self> {
        take_time(key, Call::Load).await;
        Ok(Self::default())
    }

    async fn authorize(key: &String, _who: &Identity) -> Result<()> {
        take_time(key, Call::Authorize).await;
        Ok(())
    }
}

#[derive(LiveComponent, Clone)]
#[live(name = "archivist", inline = "<p>{{ seen }} {{ archive.files }}</p>", open)]
struct Archivist {
    #[live(prop)]
    key: String,
    #[live(default)]
    seen: u32,
    #[live(shared = "archive/{key}")]
    archive: Shared<Archive>,
}

#[actions]
impl Archivist {
    #[action]
    fn see(&mut self) -> u32 {
        self.seen += 1;
        self.seen
    }
}

struct Scene {
    server: Server,
    page: Page,
    archivist: View,
    counter: View,
    key: String,
}

async fn opened() -> Scene {
    let store = MemoryStore::new();
    let server = Server::new(move || Runtime::builder().store(store.clone()));
    let page = server.page_as("ada", "Ada");
    let key = uuid::Uuid::new_v4().to_string();
    let archivist = page.mount_open("archivist", json!({ "key": key })).await.unwrap();
    let counter = page.mount_open("counter", json!({})).await.unwrap();
    archivist.call("see", ()).await.unwrap();
    Scene { server, page, archivist, counter, key }
}

/// Breaks the connection, and gives up each following one that is not welcomed in time. Returns the
/// time until the page had resumed; `None` if that took more than half an hour.
async fn comes_back(page: &Page) -> Option<Duration> {
    let (began, before) = (Instant::now(), page.connections());
    page.network().drop();
    while began.elapsed() < Duration::from_secs(30 * 60) {
        let tried = Instant::now();
        while tried.elapsed() < PATIENCE {
            if page.connections() > before {
                return Some(began.elapsed());
            }
            sleep(Duration::from_millis(100)).await;
        }
        page.network().offline();
        // Half of the longest pause of a page.
        sleep(Duration::from_secs(7)).await;
        page.network().online();
    }
    None
}

#[tokio::test(start_paused = true)]
async fn a_page_resumes_although_a_topic_is_slow() {
    let never = 1_000_000;
    // A restored component has the time of an action. Its page resumes if it has not given up by
    // then, or if the topic is loaded when it retries.
    for (call, seconds, restarts, is_kept) in [
        (Call::Authorize, 1, false, true),
        (Call::Authorize, 6, false, true),
        (Call::Authorize, 8, false, false),
        (Call::Authorize, 11, false, false),
        (Call::Authorize, 29, false, false),
        (Call::Authorize, never, false, false),
        (Call::Authorize, 6, true, true),
        (Call::Authorize, 9, true, true),
        (Call::Authorize, 11, true, false),
        (Call::Authorize, 29, true, false),
        (Call::Authorize, never, true, false),
        (Call::Load, 6, true, true),
        (Call::Load, 12, true, true),
        (Call::Load, 29, true, true),
        (Call::Load, never, true, false),
    ] {
        let scene = opened().await;
        takes(&scene.key, call, seconds);
        if restarts {
            scene.page.network().offline();
            scene.server.restart().await;
            scene.page.network().online();
        }
        let took = comes_back(&scene.page).await;
        scene.page.settled().await;
        let cell = (call, seconds, restarts, took);
        // `Limits::restore_time`, and the attempts around its end.
        let limit = if is_kept { 60 } else { 7 * 60 };
        assert!(took.is_some_and(|took| took < Duration::from_secs(limit)), "{cell:?}");
        assert_eq!(scene.page.sessions(), 1, "{cell:?}");
        assert_eq!((scene.archivist.is_mounted(), scene.counter.is_mounted()), (is_kept, true), "{cell:?}");
        if is_kept {
            assert_eq!(scene.archivist.call("see", ()).await.unwrap(), Some(json!(2)), "{cell:?}");
        }
    }
}
