//! The limits of state in bytes for a session, a user and a topic: they hold exactly, and changes
//! over the limit are undone.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vivaz::prelude::*;
use vivaz::testing::Server;
use vivaz::{ErrorCode, Limits, MemoryStore, Runtime};

use crate::app::Bench;

/// A component that stores a text of any length.
#[derive(LiveComponent, Clone)]
#[live(name = "bag", inline = "<input live:model=\"text\">{{ board.lines.len() }}", open)]
struct Bag {
    #[live(model, prop, default)]
    text: String,
    #[live(private, default)]
    log: String,
    #[live(shared = "board/all")]
    board: Shared<Board>,
}

/// The same component, committed before its page is updated.
#[derive(LiveComponent, Clone)]
#[live(name = "safe", inline = "<input live:model=\"text\">{{ board.lines.len() }}", open, durable)]
struct Safe {
    #[live(model, prop, default)]
    text: String,
    #[live(private, default)]
    log: String,
    #[live(shared = "board/all")]
    board: Shared<Board>,
}

#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
struct Board {
    lines: List<Line>,
}

#[derive(LiveState, Serialize, Deserialize, Clone)]
struct Line {
    id: u32,
    text: String,
}

impl Topic for Board {
    type Key = String;

    async fn load(_: &String, _: &TopicContext) -> Result<Self> {
        Ok(Self::default())
    }

    async fn authorize(_: &String, _: &Identity) -> Result<()> {
        Ok(())
    }
}

macro_rules! holds {
    ($component:ident) => {
        #[actions]
        impl $component {
            #[action]
            fn fill(&mut self, bytes: usize) {
                self.text = "x".repeat(bytes);
            }

            #[action]
            fn hide(&mut self, bytes: usize) {
                self.log = "x".repeat(bytes);
            }

            #[action]
            async fn fill_later(&mut self, bytes: usize) {
                tokio::task::yield_now().await;
                self.text = "x".repeat(bytes);
            }

            #[action]
            fn nothing(&mut self) {}

            /// Changes the component too: the change is undone with the topic's.
            #[action]
            fn write(&mut self, bytes: usize) {
                self.log = "written".into();
                self.board.update(move |board| {
                    board.lines.replace([Line { id: 1, text: "x".repeat(bytes) }]);
                });
            }

            #[action]
            async fn write_now(&mut self, bytes: usize) -> Result<()> {
                self.board
                    .update_now(move |board| board.lines.replace([Line { id: 1, text: "x".repeat(bytes) }]))
                    .await
            }

            #[action]
            fn log(&self) -> String {
                self.log.clone()
            }
        }
    };
}

holds!(Bag);
holds!(Safe);

/// The size of an empty component, in bytes.
const EMPTY: usize = r#"{"text":"","log":""}"#.len();
const LIMIT: usize = 1_000;
/// The length of the text that fills the limit.
const FULL: usize = LIMIT - EMPTY;

fn server(limits: Limits) -> Server {
    let (store, bench) = (MemoryStore::new(), Arc::new(Bench::default()));
    Server::new(move || {
        Runtime::builder().limits(limits.clone()).store(store.clone()).state(Arc::clone(&bench))
    })
}

fn session_limits() -> Limits {
    Limits { session_state_bytes: LIMIT, ..Limits::default() }
}

#[tokio::test(start_paused = true)]
async fn a_session_holds_exactly_so_many_bytes() {
    for component in ["bag", "safe"] {
        for action in ["fill", "hide", "fill_later"] {
            let server = server(session_limits());
            let page = server.page();
            let bag = page.mount_open(component, json!({})).await.unwrap();
            bag.call(action, [FULL]).await.unwrap();
            let state = bag.state();
            let refusal = bag.call(action, [FULL + 1]).await.unwrap_err();
            assert_eq!(refusal.code, ErrorCode::TooLarge, "{component} {action}");
            assert!(refusal.message.contains("1000 bytes"), "{}", refusal.message);
            assert_eq!(bag.state(), state, "{component} {action}");
            // The component continues: a smaller text is accepted and releases bytes.
            bag.call(action, [10]).await.unwrap();
            bag.call(action, [FULL]).await.unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn components_of_a_session_share_its_bytes_and_other_sessions_have_theirs() {
    for component in ["bag", "safe"] {
        let server = server(session_limits());
        let page = server.page();
        let one = page.mount_open(component, json!({})).await.unwrap();
        one.call("fill", [FULL - EMPTY - 100]).await.unwrap();
        let refusal = page.mount_open(component, json!({ "text": "x".repeat(101) })).await.unwrap_err();
        assert_eq!(refusal.code, ErrorCode::TooLarge);
        let other = page.mount_open(component, json!({ "text": "x".repeat(100) })).await.unwrap();
        assert_eq!(other.call("hide", [1]).await.unwrap_err().code, ErrorCode::TooLarge);
        assert_eq!(one.call("hide", [1]).await.unwrap_err().code, ErrorCode::TooLarge);
        let elsewhere = server.page();
        let free = elsewhere.mount_open(component, json!({})).await.unwrap();
        free.call("fill", [FULL]).await.unwrap();
        // An unmounted component releases its bytes.
        page.ask(other.id(), vivaz::testing::Ask::Unmount).await.unwrap();
        one.call("fill", [FULL]).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn edits_props_and_the_edits_of_an_action_count() {
    for component in ["bag", "safe"] {
        let server = server(session_limits());
        let page = server.page();
        let bag = page.mount_open(component, json!({})).await.unwrap();
        let text = |bytes| json!("x".repeat(bytes));
        let edit = |value| vivaz::testing::Ask::Property { property: "text".into(), value };
        page.ask(bag.id(), edit(text(FULL))).await.unwrap();
        assert_eq!(page.ask(bag.id(), edit(text(FULL + 1))).await.unwrap_err().code, ErrorCode::TooLarge);
        let props = |bytes| vivaz::testing::Ask::Props(json!({ "text": "y".repeat(bytes) }));
        page.ask(bag.id(), props(FULL)).await.unwrap();
        assert_eq!(page.ask(bag.id(), props(FULL + 1)).await.unwrap_err().code, ErrorCode::TooLarge);
        assert_eq!(bag.state()["text"], "y".repeat(FULL));
        let with = |action: &str, arguments: Vec<Value>, bytes| vivaz::testing::Ask::Action {
            action: action.into(),
            arguments,
            set: vec![("text".into(), text(bytes))],
        };
        let refusal = page.ask(bag.id(), with("nothing", vec![], FULL + 1)).await.unwrap_err();
        assert_eq!(refusal.code, ErrorCode::TooLarge);
        assert_eq!(bag.confirmed()["text"], "y".repeat(FULL), "the edit is undone");
        // An edit within the limit stays if the action after it exceeds the limit.
        let refusal = page.ask(bag.id(), with("hide", vec![json!(100)], FULL - 50)).await.unwrap_err();
        assert_eq!(refusal.code, ErrorCode::TooLarge);
        page.settled().await;
        assert_eq!(bag.state()["text"], "x".repeat(FULL - 50));
        bag.call("hide", [50]).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_restored_session_counts_its_components() {
    for component in ["bag", "safe"] {
        let server = server(session_limits());
        let page = server.page_as("ada", "Ada");
        let bag = page.mount_open(component, json!({})).await.unwrap();
        bag.call("fill", [FULL]).await.unwrap();
        server.restart().await;
        assert_eq!(bag.call("fill", [FULL + 1]).await.unwrap_err().code, ErrorCode::TooLarge);
        assert_eq!(bag.call("hide", [1]).await.unwrap_err().code, ErrorCode::TooLarge);
        assert_eq!(bag.state()["text"], "x".repeat(FULL));
        bag.call("fill", [FULL - 1]).await.unwrap();
        bag.call("hide", [1]).await.unwrap();
        assert_eq!(page.sessions(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_user_has_exactly_so_many_bytes_in_all_sessions_together() {
    for component in ["bag", "safe"] {
        let server = server(Limits { user_state_bytes: LIMIT, ..Limits::default() });
        let pages = [server.page_as("ada", "Ada"), server.page_as("ada", "Ada")];
        let one = pages[0].mount_open(component, json!({})).await.unwrap();
        let other = pages[1].mount_open(component, json!({})).await.unwrap();
        one.call("fill", [600]).await.unwrap();
        // A suspended session counts too.
        pages[0].network().offline();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let left = LIMIT - 600 - 2 * EMPTY;
        let refusal = other.call("fill", [left + 1]).await.unwrap_err();
        assert_eq!(refusal.code, ErrorCode::TooLarge);
        assert!(refusal.message.contains("the user"), "{}", refusal.message);
        other.call("fill", [left]).await.unwrap();
        let bob = server.page_as("bob", "Bob").mount_open(component, json!({})).await.unwrap();
        bob.call("fill", [FULL]).await.unwrap();
        let nobody = server.page().mount_open(component, json!({})).await.unwrap();
        nobody.call("fill", [2 * LIMIT]).await.unwrap();
        pages[0].network().online();
        one.call("fill", [599]).await.unwrap();
        other.call("fill", [left + 1]).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_topic_holds_exactly_so_many_bytes_and_the_action_is_undone() {
    let empty = r#"{"lines":[{"id":1,"text":""}]}"#.len();
    for component in ["bag", "safe"] {
        for action in ["write", "write_now"] {
            let server = server(Limits { topic_state_bytes: LIMIT, ..Limits::default() });
            let (page, viewer) = (server.page(), server.page());
            let bag = page.mount_open(component, json!({})).await.unwrap();
            let seen = viewer.mount_open(component, json!({})).await.unwrap();
            let refusal = bag.call(action, [LIMIT - empty + 1]).await.unwrap_err();
            assert_eq!(refusal.code, ErrorCode::TooLarge, "{component} {action}");
            assert!(refusal.message.contains("the topic"), "{}", refusal.message);
            assert_eq!(bag.call("log", ()).await.unwrap(), Some(json!("")), "the component is undone too");
            viewer.settled().await;
            assert_eq!(seen.state()["board"]["lines"], json!([]));
            bag.call(action, [LIMIT - empty]).await.unwrap();
            viewer.until(|_| seen.state()["board"]["lines"] != json!([])).await;
            assert_eq!(seen.state()["board"]["lines"][0]["text"], "x".repeat(LIMIT - empty));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn of_sessions_that_wait_the_largest_end_when_they_hold_too_much() {
    for component in ["bag", "safe"] {
        let server = server(Limits { suspended_state_bytes: 2 * LIMIT, ..Limits::default() });
        let mut pages = Vec::new();
        for bytes in [100, 900, 800, 200] {
            let page = server.page();
            let bag = page.mount_open(component, json!({})).await.unwrap();
            bag.call("fill", [bytes]).await.unwrap();
            pages.push((page, bag));
        }
        let sessions = || server.runtime().stats().sessions;
        for (page, _) in &pages[..3] {
            page.network().offline();
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(sessions(), 4, "so much may wait");
        pages[3].0.network().offline();
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(sessions(), 3);
        for (page, _) in &pages {
            page.network().online();
        }
        tokio::time::sleep(Duration::from_secs(60)).await;
        let began: Vec<_> = pages.iter().map(|(page, _)| page.sessions()).collect();
        assert_eq!(began, [1, 2, 1, 1], "{component}");
    }
}

/// One sweep handles all of them: the expired session makes room for the others.
#[tokio::test(start_paused = true)]
async fn a_session_whose_time_is_over_does_not_count_among_those_that_wait() {
    let server = server(Limits {
        suspended_state_bytes: 2 * LIMIT,
        suspended_time: Duration::from_secs(60),
        ..Limits::default()
    });
    let mut pages = Vec::new();
    for bytes in [900, 800, 800] {
        let page = server.page();
        let bag = page.mount_open("bag", json!({})).await.unwrap();
        bag.call("fill", [bytes]).await.unwrap();
        pages.push((page, bag));
    }
    // The server sweeps every second.
    tokio::time::sleep(Duration::from_millis(500)).await;
    pages[0].0.network().offline();
    tokio::time::sleep(Duration::from_millis(59_750)).await;
    for (page, _) in &pages[1..] {
        page.network().offline();
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(server.runtime().stats().sessions, 2);
    for (page, _) in &pages[1..] {
        page.network().online();
    }
    tokio::time::sleep(Duration::from_secs(60)).await;
    let began: Vec<_> = pages[1..].iter().map(|(page, _)| page.sessions()).collect();
    assert_eq!(began, [1, 1]);
}
