//! `connected` is called once, even if the process ends while it runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;
use vivaz::prelude::*;
use vivaz::testing::Server;
use vivaz::{Limits, MemoryStore, Runtime, Save};

/// How often `connected` of a quiet component has finished.
#[derive(Default)]
struct Calls(AtomicU64);

#[derive(LiveComponent, Clone)]
#[live(name = "booth", inline = "<p>{{ greeted }} {{ back }}</p>", open)]
struct Booth {
    #[live(default)]
    greeted: u32,
    #[live(default)]
    back: u32,
}

#[derive(LiveComponent, Clone)]
#[live(name = "safe-booth", inline = "<p>{{ greeted }} {{ back }}</p>", open, durable)]
struct SafeBooth {
    #[live(default)]
    greeted: u32,
    #[live(default)]
    back: u32,
}

macro_rules! booth {
    ($component:ident) => {
        #[actions]
        impl $component {
            async fn connected(&mut self, cx: &mut Context) {
                sleep(Duration::from_secs(5)).await;
                self.greeted += 1;
                cx.join("booths");
            }

            fn resumed(&mut self) {
                self.back += 1;
            }
        }
    };
}

booth!(Booth);
booth!(SafeBooth);

/// A component whose `connected` changes nothing.
#[derive(LiveComponent, Clone)]
#[live(name = "quiet-booth", inline = "<p>{{ back }}</p>", open, durable)]
struct QuietBooth {
    #[live(default)]
    back: u32,
}

#[actions]
impl QuietBooth {
    async fn connected(&mut self, cx: &mut Context) {
        sleep(Duration::from_secs(5)).await;
        cx.state::<Arc<Calls>>().0.fetch_add(1, Ordering::SeqCst);
    }

    fn resumed(&mut self) {
        self.back += 1;
    }
}

/// A component whose mount takes time.
#[derive(LiveComponent, Clone)]
#[live(name = "late-booth", inline = "<p>{{ greeted }} {{ back }}</p>", open)]
struct LateBooth {
    #[live(default)]
    greeted: u32,
    #[live(default)]
    back: u32,
}

#[actions]
impl LateBooth {
    async fn mount(_props: LateBoothProps, _cx: &mut MountContext) -> Result<Self> {
        sleep(Duration::from_secs(5)).await;
        Ok(Self { greeted: 0, back: 0 })
    }

    fn connected(&mut self) {
        self.greeted += 1;
    }

    fn resumed(&mut self) {
        self.back += 1;
    }
}

/// How the server ends, and how it saves.
const WAYS: [(bool, Save); 4] = [
    (false, Save::Every(Duration::from_secs(1))),
    (false, Save::Always),
    (true, Save::Every(Duration::from_secs(1))),
    (true, Save::Always),
];

fn serve(save: Save, calls: &Arc<Calls>) -> Server {
    let (store, calls) = (MemoryStore::new(), Arc::clone(calls));
    Server::new(move || {
        // Shorter than `connected`: a running `connected` does not survive a planned restart
        // either.
        let limits = Limits { shutdown_time: Duration::from_secs(1), ..Limits::default() };
        Runtime::builder().limits(limits).store(store.clone()).save(save).state(Arc::clone(&calls))
    })
}

async fn end(server: &Server, crashes: bool) {
    if crashes {
        server.crash();
    } else {
        server.restart().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_component_is_connected_once_whenever_the_process_ends() {
    for (crashes, save) in WAYS {
        for name in ["booth", "safe-booth"] {
            for (after, back) in [(2, 0), (10, 1)] {
                let what = format!("{name}, crashes: {crashes}, {save:?}, after {after} s");
                let server = serve(save, &Arc::default());
                let page = server.page();
                let booth = page.mount_open(name, json!({})).await.unwrap();
                sleep(Duration::from_secs(after)).await;
                end(&server, crashes).await;
                page.settled().await;
                sleep(Duration::from_secs(10)).await;
                page.settled().await;
                assert_eq!(page.sessions(), 1, "{what}");
                assert_eq!(booth.state(), json!({ "greeted": 1, "back": back }), "{what}");
                assert_eq!(server.runtime().hub().rooms().members("booths").len(), 1, "{what}");
                end(&server, crashes).await;
                page.settled().await;
                assert_eq!(booth.state(), json!({ "greeted": 1, "back": back + 1 }), "{what}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_resume_while_the_component_connects_does_not_connect_it_again() {
    for save in [Save::default(), Save::Always] {
        let server = serve(save, &Arc::default());
        let page = server.page();
        let booth = page.mount_open("booth", json!({})).await.unwrap();
        sleep(Duration::from_secs(1)).await;
        page.network().drop();
        sleep(Duration::from_secs(20)).await;
        page.settled().await;
        assert_eq!(booth.state(), json!({ "greeted": 1, "back": 1 }), "{save:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_resume_while_the_component_mounts_connects_it_once() {
    for save in [Save::default(), Save::Always] {
        let server = serve(save, &Arc::default());
        let page = server.page();
        // The session exists before the connection drops.
        page.mount_open("quiet-booth", json!({})).await.unwrap();
        let drop_connection = async {
            sleep(Duration::from_secs(1)).await;
            page.network().drop();
        };
        let (booth, ()) = tokio::join!(page.mount_open("late-booth", json!({})), drop_connection);
        sleep(Duration::from_secs(10)).await;
        page.settled().await;
        assert_eq!((page.sessions(), page.connections()), (1, 2), "{save:?}");
        assert_eq!(booth.unwrap().state(), json!({ "greeted": 1, "back": 0 }), "{save:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_unchanged_durable_component_is_not_connected_again() {
    for crashes in [false, true] {
        let calls = Arc::default();
        let server = serve(Save::default(), &calls);
        let page = server.page();
        let booth = page.mount_open("quiet-booth", json!({})).await.unwrap();
        sleep(Duration::from_secs(5)).await;
        page.settled().await;
        end(&server, crashes).await;
        page.settled().await;
        sleep(Duration::from_secs(10)).await;
        page.settled().await;
        assert_eq!((calls.0.load(Ordering::SeqCst), &booth.state()["back"]), (1, &json!(1)), "{crashes}");
    }
}
