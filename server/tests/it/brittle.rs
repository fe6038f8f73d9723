//! Values whose `Clone` or `Drop` panics: the component with such a value fails or continues; other
//! components are not affected.

use std::thread::panicking;
use std::time::Duration;

use serde_json::{Value, json};
use vivaz::prelude::*;
use vivaz::testing::{Ask, Page, Server, View};
use vivaz::{ErrorCode, Limits, MemoryStore, Runtime};

/// A value that panics when it is cloned or dropped.
#[derive(Default)]
struct Fuse {
    on_copy: bool,
    on_drop: bool,
}

impl Fuse {
    fn armed(how: &str) -> Self {
        Self { on_copy: how == "copy", on_drop: how == "drop" }
    }
}

impl Clone for Fuse {
    fn clone(&self) -> Self {
        assert!(!self.on_copy, "it cannot be copied");
        Self { on_copy: self.on_copy, on_drop: self.on_drop }
    }
}

impl Drop for Fuse {
    fn drop(&mut self) {
        // A second panic during a panic would abort the process.
        assert!(panicking() || !self.on_drop, "it cannot be dropped");
    }
}

#[derive(LiveComponent, Clone)]
#[live(name = "brittle", inline = "<p>{{ note }}{{ size }}{{ count }}</p>", open)]
struct Brittle {
    #[live(model, default)]
    note: String,
    #[live(prop, default)]
    size: u32,
    #[live(default)]
    count: u32,
    #[live(default)]
    loaded: Async<u32>,
    #[live(skip)]
    fuse: Fuse,
}

#[actions]
impl Brittle {
    #[action]
    fn arm(&mut self, how: String) {
        self.fuse = Fuse::armed(&how);
    }

    #[action]
    fn work(&mut self) -> u32 {
        self.count += 1;
        self.count
    }

    #[action]
    async fn work_later(&mut self) -> u32 {
        tokio::task::yield_now().await;
        self.work()
    }

    #[action]
    async fn flush(&mut self, cx: &mut Context) -> Result<u32> {
        self.work();
        cx.flush(self).await?;
        Ok(self.count)
    }

    #[action]
    fn fail(&mut self) -> Result<()> {
        Err(ActionError::user("no"))
    }

    #[action]
    fn load(&mut self, cx: &mut Context) {
        self.loaded.load(cx, async { Ok(1) });
    }

    /// Panics when the time is over or the component is dropped.
    #[action]
    async fn hang(&mut self) {
        let _fuse = Fuse::armed("drop");
        std::future::pending::<()>().await;
    }

    #[action]
    fn hang_beside(&mut self, cx: &mut Context) {
        self.loaded.load(cx, async {
            let _fuse = Fuse::armed("drop");
            std::future::pending().await
        });
        // The macro refuses a literal that does not name an event.
        let event = "done";
        cx.spawn(event, async {
            let _fuse = Fuse::armed("drop");
            std::future::pending::<Result<()>>().await
        });
    }

    #[action]
    fn forget(&mut self) {
        self.loaded.clear();
    }

    async fn updated(&mut self, _: &str) {
        if self.note == "hang" {
            self.hang().await;
        }
    }
}

/// The same component with committed changes.
#[derive(LiveComponent, Clone)]
#[live(name = "brittle_kept", inline = "<p>{{ note }}{{ size }}{{ count }}</p>", open, durable)]
struct BrittleKept {
    #[live(model, default)]
    note: String,
    #[live(prop, default)]
    size: u32,
    #[live(default)]
    count: u32,
    #[live(skip)]
    fuse: Fuse,
}

#[actions]
impl BrittleKept {
    #[action]
    fn arm(&mut self, how: String) {
        self.fuse = Fuse::armed(&how);
    }

    #[action]
    fn work(&mut self) -> u32 {
        self.count += 1;
        self.count
    }

    #[action]
    async fn work_later(&mut self) -> u32 {
        tokio::task::yield_now().await;
        self.work()
    }

    #[action]
    fn fail(&mut self) -> Result<()> {
        Err(ActionError::user("no"))
    }

    #[action]
    async fn hang(&mut self) {
        let _fuse = Fuse::armed("drop");
        std::future::pending::<()>().await;
    }
}

/// A page with a healthy component.
struct Desk {
    server: Server,
    page: Page,
    counter: View,
    count: i64,
    /// How often the page has connected: a session that ends is restored over another connection.
    connections: u32,
}

impl Desk {
    async fn open() -> Self {
        let store = MemoryStore::new();
        let limits = Limits { action_time: Duration::from_millis(200), ..Limits::default() };
        let server = Server::new(move || Runtime::builder().store(store.clone()).limits(limits.clone()));
        let page = server.page();
        let counter = page.mount_open("counter", json!({})).await.unwrap();
        Self { server, connections: page.connections(), page, counter, count: 0 }
    }

    /// Checks that the session is the same and has lost nothing.
    async fn check_continues(&mut self, case: &str) {
        self.count += 1;
        self.counter.call("increment", ()).await.unwrap();
        assert_eq!(self.counter.confirmed()["count"], self.count, "{case}");
        assert_eq!((self.page.sessions(), self.page.connections()), (1, self.connections), "{case}");
    }

    async fn restart(&mut self) {
        self.server.restart().await;
        self.counter.call("increment", ()).await.unwrap();
        self.count += 1;
        self.connections = self.page.connections();
    }

    async fn ask(&self, view: &View, action: &str, note: &str) -> Result<Option<Value>, ErrorCode> {
        let set = vec![("note".to_owned(), json!(note))];
        let ask = Ask::Action { action: action.into(), arguments: Vec::new(), set };
        self.page.ask(view.id(), ask).await.map_err(|refusal| refusal.code)
    }
}

#[tokio::test(start_paused = true)]
async fn a_field_that_panics_when_it_is_dropped_is_of_no_consequence() {
    for name in ["brittle", "brittle_kept"] {
        let mut desk = Desk::open().await;
        let view = desk.page.mount_open(name, json!({})).await.unwrap();
        view.call("arm", ["drop"]).await.unwrap();
        assert_eq!(view.call("work", ()).await.unwrap(), Some(json!(1)), "{name}");
        desk.check_continues(name).await;
        assert_eq!(view.call("work_later", ()).await.unwrap(), Some(json!(2)), "{name}");
        desk.check_continues(name).await;
        assert_eq!(view.call("fail", ()).await.unwrap_err().code, ErrorCode::ActionFailed, "{name}");
        desk.check_continues(name).await;
        view.set("note", "typed").await.unwrap();
        assert_eq!(desk.ask(&view, "work", "again").await, Ok(Some(json!(3))), "{name}");
        desk.page.ask(view.id(), Ask::Props(json!({ "size": 7 }))).await.unwrap();
        desk.check_continues(name).await;
        let state = view.confirmed();
        assert_eq!((&state["note"], &state["size"]), (&json!("again"), &json!(7)), "{name}");
        if name == "brittle" {
            assert_eq!(view.call("flush", ()).await.unwrap(), Some(json!(4)));
            view.call("load", ()).await.unwrap();
            view.until(|view| view.confirmed()["loaded"]["ready"] == true).await;
            desk.check_continues(name).await;
        }
        view.unmount().await.unwrap();
        desk.check_continues(name).await;
        // Ends with the process.
        let view = desk.page.mount_open(name, json!({})).await.unwrap();
        view.call("arm", ["drop"]).await.unwrap();
        desk.restart().await;
        view.call("work", ()).await.unwrap();
        desk.check_continues(name).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_component_that_cannot_be_copied_refuses_and_keeps_its_state() {
    for name in ["brittle", "brittle_kept"] {
        let mut desk = Desk::open().await;
        let view = desk.page.mount_open(name, json!({})).await.unwrap();
        view.call("work", ()).await.unwrap();
        view.call("arm", ["copy"]).await.unwrap();
        for action in ["work", "work_later", "fail"] {
            assert_eq!(
                view.call(action, ()).await.unwrap_err().code,
                ErrorCode::Panicked,
                "{name}: {action}"
            );
            assert_eq!(desk.ask(&view, action, "typed").await, Err(ErrorCode::Panicked), "{name}: {action}");
            desk.check_continues(&format!("{name}: {action}")).await;
        }
        assert_eq!(view.set("note", "typed").await.unwrap_err().code, ErrorCode::Panicked, "{name}");
        let props = desk.page.ask(view.id(), Ask::Props(json!({ "size": 7 }))).await;
        assert_eq!(props.unwrap_err().code, ErrorCode::Panicked, "{name}");
        desk.check_continues(name).await;
        assert_eq!(view.confirmed()["count"], 1, "{name}");
        // The saved state does not contain the field.
        desk.restart().await;
        assert_eq!(view.call("work", ()).await.unwrap(), Some(json!(2)), "{name}");
        view.call("arm", ["copy"]).await.unwrap();
        view.unmount().await.unwrap();
        desk.check_continues(name).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_value_that_panics_when_a_timed_out_handler_is_dropped_is_contained() {
    for name in ["brittle", "brittle_kept"] {
        let mut desk = Desk::open().await;
        let view = desk.page.mount_open(name, json!({})).await.unwrap();
        assert_eq!(view.call("hang", ()).await.unwrap_err().code, ErrorCode::Timeout, "{name}");
        desk.check_continues(name).await;
        view.call("work", ()).await.unwrap();
        if name == "brittle" {
            view.set("note", "hang").await.unwrap();
            desk.check_continues("`updated`").await;
        }
        // The session ends, and the handler with it.
        let hanging = desk.server.page();
        let left = hanging.mount_open(name, json!({})).await.unwrap();
        let _call = left.call("hang", ());
        hanging.settled().await;
        hanging.leave().await;
        desk.check_continues(name).await;
    }
}

#[tokio::test(start_paused = true)]
async fn tasks_and_loads_that_panic_at_their_end_are_of_no_consequence() {
    let mut desk = Desk::open().await;
    let view = desk.page.mount_open("brittle", json!({})).await.unwrap();
    view.call("hang_beside", ()).await.unwrap();
    view.call("forget", ()).await.unwrap();
    desk.check_continues("a load that is forgotten").await;
    view.call("hang_beside", ()).await.unwrap();
    view.unmount().await.unwrap();
    desk.check_continues("a component that goes").await;
}
