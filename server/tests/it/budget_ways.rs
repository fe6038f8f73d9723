//! All paths by which state enters a session or a topic: state over the limit is refused, undone,
//! and not counted.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vivaz::prelude::*;

use vivaz::testing::{Ask, MountError, Page, Server, View};
use vivaz::{ErrorCode, Limits, RenderError, Runtime};

use crate::app::{Bench, limited};
use crate::http::request;
use crate::paint::attributes;
use crate::restart::File;

const LIMIT: usize = 1_000;
/// The size of an empty component, in bytes.
const EMPTY: usize = r#"{"text":""}"#.len();
/// The size of an empty ledger, in bytes.
const EMPTY_LEDGER: usize = r#"{"text":""}"#.len();

#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
struct Ledger {
    text: String,
}

impl Topic for Ledger {
    type Key = String;

    async fn load(_: &String, _: &TopicContext) -> Result<Self> {
        Ok(Self::default())
    }

    async fn authorize(_: &String, _: &Identity) -> Result<()> {
        Ok(())
    }
}

#[derive(LiveComponent, Clone)]
#[live(name = "purse", inline = "<input live:model='text'>{{ ledger.text }}", open)]
struct Purse {
    #[live(model, prop, default)]
    text: String,
    #[live(shared = "ledger/all")]
    ledger: Shared<Ledger>,
}

#[actions]
impl Purse {
    #[action]
    fn nothing(&mut self) {}

    #[action]
    fn fill(&mut self, bytes: usize) {
        self.text = "x".repeat(bytes);
    }

    #[action]
    async fn fill_slowly(&mut self, bytes: usize) {
        tokio::task::yield_now().await;
        self.text = "x".repeat(bytes);
    }

    #[action]
    async fn fill_and_flush(&mut self, cx: &mut Context, bytes: usize) -> Result<()> {
        self.text = "x".repeat(bytes);
        cx.flush(self).await
    }

    #[action]
    async fn enter_and_flush(&mut self, cx: &mut Context, room: String) -> Result<()> {
        self.enter(cx, room);
        cx.flush(self).await
    }

    #[action]
    fn write(&mut self, bytes: usize) {
        self.text = "written".into();
        self.ledger.update(move |ledger| ledger.text = "x".repeat(bytes));
    }

    #[action]
    async fn write_and_flush(&mut self, cx: &mut Context, bytes: usize) -> Result<()> {
        self.text = "written".into();
        self.ledger.update(move |ledger| ledger.text = "x".repeat(bytes));
        cx.flush(self).await
    }

    /// Sends a first part, and fails with the second part.
    #[action]
    async fn write_in_parts(&mut self, cx: &mut Context, bytes: usize) -> Result<()> {
        self.write(1);
        cx.flush(self).await?;
        self.text = "more".into();
        self.ledger.update(move |ledger| ledger.text = "x".repeat(bytes));
        cx.flush(self).await
    }

    #[action]
    fn enter(&mut self, cx: &mut Context, room: String) {
        self.text = "entered".into();
        cx.join(room);
    }

    #[action]
    fn leave(&mut self, cx: &mut Context, room: String) {
        cx.leave(room);
    }

    #[event]
    fn stuff(&mut self, bytes: usize) {
        self.fill(bytes);
    }

    #[event]
    fn note(&mut self, bytes: usize) {
        self.write(bytes);
    }
}

#[derive(LiveComponent, Clone)]
#[live(name = "vault", inline = "<input live:model='text'>{{ ledger.text }}", open, durable)]
struct Vault {
    #[live(model, prop, default)]
    text: String,
    #[live(shared = "ledger/all")]
    ledger: Shared<Ledger>,
}

#[actions]
impl Vault {
    #[action]
    fn nothing(&mut self) {}

    #[action]
    fn fill(&mut self, bytes: usize) {
        self.text = "x".repeat(bytes);
    }

    #[action]
    async fn fill_slowly(&mut self, bytes: usize) {
        tokio::task::yield_now().await;
        self.text = "x".repeat(bytes);
    }

    #[action(transaction)]
    fn fill_in_transaction(&mut self, tx: &mut Tx, bytes: usize) -> Result<()> {
        tx.execute("INSERT INTO counts (count) VALUES (7)", ())?;
        self.text = "x".repeat(bytes);
        Ok(())
    }

    #[action]
    fn write(&mut self, bytes: usize) {
        self.text = "written".into();
        self.ledger.update(move |ledger| ledger.text = "x".repeat(bytes));
    }

    #[action(transaction)]
    fn write_in_transaction(&mut self, tx: &mut Tx, bytes: usize) -> Result<()> {
        tx.execute("INSERT INTO counts (count) VALUES (7)", ())?;
        self.write(bytes);
        Ok(())
    }

    #[action]
    fn enter(&mut self, cx: &mut Context, room: String) {
        self.text = "entered".into();
        cx.join(room);
    }

    #[action]
    fn leave(&mut self, cx: &mut Context, room: String) {
        cx.leave(room);
    }

    #[event]
    fn stuff(&mut self, bytes: usize) {
        self.fill(bytes);
    }

    #[event]
    fn note(&mut self, bytes: usize) {
        self.write(bytes);
    }
}

async fn server(limits: Limits) -> (Server, File) {
    let (file, bench) = (File::new().await, Arc::new(Bench::default()));
    let database = file.database.clone();
    let server = Server::new(move || {
        let builder = Runtime::builder().limits(limits.clone()).state(Arc::clone(&bench));
        builder.state(database.clone()).store(database.clone())
    });
    (server, file)
}

/// A path by which bytes enter a component, or with it a topic.
#[derive(Clone, Copy, Debug)]
enum Way {
    Action(&'static str),
    /// An edit that is sent with an action.
    Set,
    Edit,
    Props,
    Event(&'static str),
}

/// Adds bytes. Returns the code of the refusal, if the page gets one; an event has none.
async fn add_bytes(server: &Server, page: &Page, to: &View, way: Way, bytes: usize) -> Option<ErrorCode> {
    let text = json!("y".repeat(bytes));
    let ask = match way {
        Way::Action(action) => {
            Ask::Action { action: action.into(), arguments: vec![json!(bytes)], set: vec![] }
        }
        Way::Set => {
            Ask::Action { action: "nothing".into(), arguments: vec![], set: vec![("text".into(), text)] }
        }
        Way::Edit => Ask::Property { property: "text".into(), value: text },
        Way::Props => Ask::Props(json!({ "text": text })),
        Way::Event(event) => {
            let before = page.events().len();
            server.runtime().broadcast(event, &bytes).unwrap();
            page.until(|page| page.events().len() > before).await;
            // The request is answered after the event.
            page.ask(to.id(), Ask::Props(json!({}))).await.unwrap();
            return None;
        }
    };
    page.ask(to.id(), ask).await.err().map(|refusal| refusal.code)
}

const OF_PURSE: [Way; 7] = [
    Way::Action("fill"),
    Way::Action("fill_slowly"),
    Way::Action("fill_and_flush"),
    Way::Set,
    Way::Edit,
    Way::Props,
    Way::Event("stuff"),
];

const OF_VAULT: [Way; 7] = [
    Way::Action("fill"),
    Way::Action("fill_slowly"),
    Way::Action("fill_in_transaction"),
    Way::Set,
    Way::Edit,
    Way::Props,
    Way::Event("stuff"),
];

#[tokio::test]
async fn excess_state_of_a_component_is_refused_reverted_and_not_counted() {
    let of_session = Limits { session_state_bytes: LIMIT, ..Limits::default() };
    let of_user = Limits { user_state_bytes: LIMIT, ..Limits::default() };
    for limits in [of_session, of_user] {
        for (component, ways) in [("purse", OF_PURSE), ("vault", OF_VAULT)] {
            for way in ways {
                let what = format!("{component} {way:?} {limits:?}");
                let (server, file) = server(limits.clone()).await;
                let page = server.page_as("ada", "Ada");
                let view = page.mount_open(component, json!({})).await.unwrap();
                // This component takes no events, so that they reach only the other one.
                let rest = page.mount_open("bag", json!({})).await.unwrap();
                view.call("fill", [5]).await.unwrap();
                let room = LIMIT - EMPTY - r#"{"text":"","log":""}"#.len();
                let refused = add_bytes(&server, &page, &view, way, room + 1).await;
                if !matches!(way, Way::Event(_)) {
                    assert_eq!(refused, Some(ErrorCode::TooLarge), "{what}");
                }
                page.settled().await;
                assert_eq!(view.confirmed()["text"], "xxxxx", "{what}");
                if matches!(way, Way::Set) {
                    // Typed text stays in the page, and would be sent with the next action.
                    view.set("text", "xxxxx").await.unwrap();
                }
                assert_eq!(file.counts().await, [0; 0], "{what}");
                // A small value is accepted, and counts exactly to the byte.
                view.call("fill", [10]).await.unwrap();
                rest.call("fill", [room - 10]).await.unwrap();
                let refusal = rest.call("fill", [room - 9]).await.unwrap_err();
                assert_eq!(refusal.code, ErrorCode::TooLarge, "{what}");
                // The rest of the limit can be used by the same path.
                rest.call("fill", [0]).await.unwrap();
                assert_eq!(add_bytes(&server, &page, &view, way, room).await, None, "{what}");
                page.until(|_| view.state()["text"].as_str().is_some_and(|text| text.len() == room)).await;
                assert_eq!(rest.call("fill", [1]).await.unwrap_err().code, ErrorCode::TooLarge, "{what}");
            }
        }
    }
}

#[tokio::test]
async fn excess_state_of_a_topic_is_refused_and_reverted_with_the_component() {
    let ways = [
        ("purse", Way::Action("write")),
        ("purse", Way::Action("write_and_flush")),
        ("purse", Way::Event("note")),
        ("vault", Way::Action("write")),
        ("vault", Way::Action("write_in_transaction")),
        ("vault", Way::Event("note")),
    ];
    for (component, way) in ways {
        let (server, file) = server(Limits { topic_state_bytes: LIMIT, ..Limits::default() }).await;
        let (page, viewer) = (server.page(), server.page());
        let view = page.mount_open(component, json!({})).await.unwrap();
        let seen = viewer.mount_open("purse", json!({})).await.unwrap();
        view.call("fill", [5]).await.unwrap();
        let room = LIMIT - EMPTY_LEDGER;
        if let Way::Event(event) = way {
            // The viewer's component receives the event too, and both refuse it.
            server.runtime().broadcast(event, &(room + 1)).unwrap();
            page.until(|page| !page.events().is_empty()).await;
            viewer.until(|page| !page.events().is_empty()).await;
        } else {
            let refused = add_bytes(&server, &page, &view, way, room + 1).await;
            assert_eq!(refused, Some(ErrorCode::TooLarge), "{component} {way:?}");
        }
        page.settled().await;
        viewer.settled().await;
        assert_eq!(view.state()["text"], "xxxxx", "{component} {way:?}");
        assert_eq!(seen.state()["ledger"]["text"], "", "{component} {way:?}");
        assert_eq!(file.counts().await, [0; 0], "{component} {way:?}");
        view.call("write", [3]).await.unwrap();
        viewer.until(|_| seen.state()["ledger"]["text"] == "xxx").await;
        assert_eq!(add_bytes(&server, &page, &view, way, room).await, None, "{component} {way:?}");
        viewer.until(|_| seen.state()["ledger"]["text"] == "x".repeat(room)).await;
    }
}

#[tokio::test]
async fn a_refused_flush_is_reverted_completely_and_the_earlier_one_is_kept() {
    let (server, _file) = server(Limits { topic_state_bytes: LIMIT, ..Limits::default() }).await;
    let (page, viewer) = (server.page(), server.page());
    let view = page.mount_open("purse", json!({})).await.unwrap();
    let seen = viewer.mount_open("purse", json!({})).await.unwrap();
    let refusal = view.call("write_in_parts", [LIMIT - EMPTY_LEDGER + 1]).await.unwrap_err();
    assert_eq!(refusal.code, ErrorCode::TooLarge);
    page.settled().await;
    viewer.until(|_| seen.state()["ledger"]["text"] == "x").await;
    let both = json!({ "text": "written", "ledger": { "text": "x" } });
    assert_eq!(view.state(), both);
    // The next handler starts from the accepted state.
    view.call("nothing", ()).await.unwrap();
    assert_eq!(view.state(), both);
    view.call("write_in_parts", [LIMIT - EMPTY_LEDGER]).await.unwrap();
    assert_eq!(view.state()["text"], "more");
}

#[tokio::test]
async fn a_mount_by_seal_counts_whether_the_seal_has_the_state_or_the_props() {
    for seal_state_bytes in [0, 16_000] {
        let limits = Limits { session_state_bytes: LIMIT, seal_state_bytes, ..Limits::default() };
        let (server, _file) = server(limits).await;
        let page = server.page();
        let rest = page.mount_open("bag", json!({})).await.unwrap();
        let room = LIMIT - EMPTY - r#"{"text":"","log":""}"#.len();
        rest.call("fill", [100]).await.unwrap();
        let props = |bytes| PurseProps { text: "x".repeat(bytes) };
        let refused = page.mount::<Purse>(props(room - 99)).await.unwrap_err();
        let MountError::Refused(refusal) = refused else { panic!("{refused}") };
        assert_eq!(refusal.code, ErrorCode::TooLarge);
        rest.call("fill", [101]).await.unwrap();
        let purse = page.mount::<Purse>(props(room - 101)).await.unwrap();
        assert_eq!(rest.call("fill", [102]).await.unwrap_err().code, ErrorCode::TooLarge);
        page.ask(purse.id(), Ask::Unmount).await.unwrap();
        rest.call("fill", [room]).await.unwrap();
    }
}

#[tokio::test]
async fn a_first_paint_holds_no_more_than_a_session_may() {
    let (server, _file) = server(Limits { session_state_bytes: LIMIT, ..Limits::default() }).await;
    let page = server.page();
    let text = |bytes| "x".repeat(bytes);
    let too_large = |error: MountError| matches!(error, MountError::Render(RenderError::TooLarge(_)));
    assert!(too_large(page.mount::<Purse>(PurseProps { text: text(LIMIT - EMPTY + 1) }).await.unwrap_err()));
    let full = page.mount::<Purse>(PurseProps { text: text(LIMIT - EMPTY) }).await.unwrap();
    assert_eq!(full.state()["text"], Value::from(text(LIMIT - EMPTY)));
    page.ask(full.id(), Ask::Unmount).await.unwrap();
}

#[tokio::test]
async fn a_first_paint_counts_children_and_leaves_excess_ones_to_the_page() {
    let parent = r#"{"number":1,"rows":[{"id":1,"number":10},{"id":2,"number":20}],"open":false}"#.len();
    let leaf = r#"{"label":10,"who":"ada"}"#.len();
    let paint = async |session_state_bytes| {
        let server = limited(Limits { session_state_bytes, ..Limits::default() }).await;
        let (head, body) = request(&server, "GET", "/parent", &[("x-user", "ada")]).await;
        let body = String::from_utf8(body).unwrap();
        (head.starts_with("http/1.1 200"), attributes(&body, "seal").len())
    };
    assert_eq!(paint(parent - 1).await, (false, 0));
    assert_eq!(paint(parent).await, (true, 1));
    assert_eq!(paint(parent + leaf).await, (true, 2));
    assert_eq!(paint(parent + 2 * leaf).await, (true, 3));
    assert_eq!(paint(parent + 2 * leaf + 1_000).await, (true, 4));
}

/// Rooms are state too: a page can choose which rooms a component joins.
#[tokio::test]
async fn the_number_of_rooms_is_limited() {
    for (component, enter) in [("purse", "enter"), ("purse", "enter_and_flush"), ("vault", "enter")] {
        let what = format!("{component} {enter}");
        let limits = Limits { session_state_bytes: LIMIT, ..Limits::default() };
        let (server, _file) = server(limits).await;
        let page = server.page();
        let view = page.mount_open(component, json!({})).await.unwrap();
        let (mut entered, mut refused) = (Vec::new(), None);
        while refused.is_none() && entered.len() < 100 {
            let room = format!("{}-{}", entered.len(), "r".repeat(100));
            match view.call(enter, [&room]).await {
                Ok(_) => entered.push(room),
                Err(refusal) => refused = Some(refusal.code),
            }
        }
        assert_eq!(refused, Some(ErrorCode::TooLarge), "{what}");
        assert!((3..10).contains(&entered.len()), "{what}: {}", entered.len());
        // The rest of the limit can be used for state, and the bytes of a room are released.
        assert_eq!(view.call("fill", [LIMIT - 400]).await.unwrap_err().code, ErrorCode::TooLarge, "{what}");
        // A restart counts them again.
        server.restart().await;
        page.settled().await;
        assert_eq!(view.call("fill", [LIMIT - 400]).await.unwrap_err().code, ErrorCode::TooLarge, "{what}");
        for room in &entered {
            view.call("leave", [room]).await.unwrap();
        }
        view.call("fill", [LIMIT - 400]).await.unwrap();
    }
}
