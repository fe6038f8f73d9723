//! The application under test.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::extract::State;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};
use vivaz::prelude::*;
use vivaz::{Builder, Errors, IdentityError, Limits, Secret, User};

use crate::other_server::serve_by_axum;

/// A counter.
#[derive(LiveComponent, Clone)]
#[live(name = "counter", inline = "<p>{{ title }}: {{ count }}</p>", open)]
pub(crate) struct Counter {
    #[live(prop, default = "Counter".to_owned())]
    title: String,
    #[live(prop, default)]
    count: i64,
}

#[actions]
impl Counter {
    #[action(amount = 1)]
    fn increment(&mut self, amount: i64) {
        self.count = self.count.saturating_add(amount);
    }

    #[action]
    fn peek(&self) -> i64 {
        self.count
    }
}

/// A component with a handler for each kind of failure.
#[derive(LiveComponent, Clone)]
#[live(
    name = "lab",
    inline = "<p class=\"note\">{{ draft }}</p><p class=\"note\">{{ age }}</p><p class=\"note\">{{ seen }}</p>",
    open
)]
pub(crate) struct Lab {
    #[live(model, default)]
    draft: String,
    #[live(model, default)]
    age: u8,
    #[live(default)]
    seen: u32,
    #[live(private, default)]
    ran: u32,
    #[live(errors, default)]
    errors: Errors,
}

/// Blocks handlers and counts them.
#[derive(Default)]
pub(crate) struct Bench {
    pub(crate) gate: Notify,
    pub(crate) entered: Notify,
    pub(crate) runs: AtomicU64,
    pub(crate) hooks: std::sync::Mutex<Vec<&'static str>>,
}

#[actions]
impl Lab {
    /// Waits until the test releases the handler.
    #[action]
    async fn wait(&mut self, cx: &mut Context) -> u32 {
        let bench = cx.state::<Arc<Bench>>().clone();
        bench.runs.fetch_add(1, Ordering::SeqCst);
        bench.entered.notify_one();
        bench.gate.notified().await;
        self.seen += 1;
        self.seen
    }

    #[action]
    fn see(&mut self, cx: &mut Context) -> u32 {
        cx.state::<Arc<Bench>>().runs.fetch_add(1, Ordering::SeqCst);
        self.seen += 1;
        self.seen
    }

    #[action]
    fn nothing(&mut self) {}

    #[action]
    fn echo(&self, value: serde_json::Value) -> serde_json::Value {
        value
    }

    #[action]
    fn boom(&mut self) {
        self.seen += 100;
        panic!("the secret is 4711");
    }

    #[action]
    fn fail(&mut self) -> Result<()> {
        self.seen += 100;
        Err(std::io::Error::other("/etc/passwd is not there"))?
    }

    /// Fails with an error that contains text of the client.
    #[action]
    fn complain(&mut self, words: String) -> Result<()> {
        Err(std::io::Error::other(format!("complained: {words}")))?
    }

    /// Panics with a text that contains text of the client.
    #[action]
    fn collapse(&mut self, words: String) {
        panic!("collapsed: {words}");
    }

    #[action]
    fn refuse(&mut self) -> Result<()> {
        self.seen += 100;
        Err(ActionError::user("not today"))
    }

    #[action]
    fn check(&mut self) -> Result<()> {
        self.seen += 100;
        Err(ActionError::invalid(Errors::of("draft", "is blank")))
    }

    #[action]
    async fn forever(&mut self) {
        self.seen += 100;
        std::future::pending::<()>().await;
    }

    #[action(allow = "experiment")]
    fn experiment(&mut self) {}

    /// Allows users who have written a draft.
    #[action(guard = Self::has_draft)]
    fn publish(&mut self) {
        self.seen += 1;
    }

    fn has_draft(&self, _cx: &Context) -> bool {
        !self.draft.is_empty()
    }

    #[action]
    fn who(&self, cx: &mut Context) -> (Option<String>, Option<String>, bool) {
        let identity = cx.identity();
        (
            identity.user_id().map(str::to_owned),
            identity.tenant().map(str::to_owned),
            identity.may("experiment"),
        )
    }

    #[action]
    fn ran(&self) -> u32 {
        self.ran
    }

    #[action]
    fn close(&mut self, cx: &mut Context) {
        cx.close();
    }

    #[action]
    fn enter(&mut self, cx: &mut Context, room: String) {
        cx.join(room);
    }

    #[action]
    fn exit(&mut self, cx: &mut Context, room: String) {
        cx.leave(room);
    }

    #[action]
    fn shout(&mut self, cx: &mut Context, room: String, words: String) -> Result<()> {
        cx.to(Target::room(room)).except_self().emit("shouted", words)
    }

    #[action]
    fn later(&mut self, cx: &mut Context, words: String) {
        cx.spawn("said", async move { Ok(words) });
    }

    #[event]
    fn said(&mut self, words: Result<String>) -> Result<()> {
        self.shouted(words?);
        Ok(())
    }

    #[event]
    fn shouted(&mut self, words: String) {
        self.draft = words;
    }

    // Not an action: pages cannot call it.
    fn hidden(&mut self) {
        self.ran += 1;
    }

    fn connected(&mut self, cx: &mut Context) {
        self.hidden();
        cx.state::<Arc<Bench>>().hooks.lock().unwrap().push("connected");
    }

    fn disconnected(&mut self, cx: &mut Context) {
        cx.state::<Arc<Bench>>().hooks.lock().unwrap().push("disconnected");
    }

    fn resumed(&mut self, cx: &mut Context) {
        cx.state::<Arc<Bench>>().hooks.lock().unwrap().push("resumed");
    }

    fn unmount(&mut self, cx: &mut Context) {
        cx.state::<Arc<Bench>>().hooks.lock().unwrap().push("unmount");
    }
}

/// A room with several viewers.
#[derive(LiveComponent, Clone)]
#[live(
    name = "chat",
    inline = "<ol><li live:for=\"m in chat.messages\" live:key=\"m.id\">{{ m.text }}</li></ol>",
    open
)]
pub(crate) struct Chat {
    #[live(prop, default = "lobby".to_owned())]
    room: String,
    #[live(shared = "chat/{room}")]
    chat: Shared<Room>,
    #[live(default)]
    sent: u32,
}

/// The lines of a room.
#[derive(LiveState, Serialize, Deserialize, Clone, Default)]
pub(crate) struct Room {
    pub(crate) messages: Vec<Message>,
}

/// A line.
#[derive(LiveState, Serialize, Deserialize, Clone)]
pub(crate) struct Message {
    pub(crate) id: u64,
    pub(crate) text: String,
}

impl Topic for Room {
    type Key = String;

    async fn load(_key: &String, _cx: &TopicContext) -> Result<Self> {
        Ok(Self::default())
    }

    async fn authorize(key: &String, who: &Identity) -> Result<()> {
        if key.starts_with("private") && !who.may("private") {
            return Err(ActionError::forbidden("private"));
        }
        Ok(())
    }
}

#[actions]
impl Chat {
    #[action]
    fn say(&mut self, text: String) {
        self.chat.update(move |room| {
            let id = room.messages.len() as u64 + 1;
            room.messages.push(Message { id, text: text.clone() });
        });
    }

    #[action]
    fn say_and_count(&mut self, text: String) -> u32 {
        self.say(text);
        self.sent += 1;
        self.sent
    }

    #[action]
    fn say_and_fail(&mut self, text: String) -> Result<()> {
        self.say(text);
        Err(ActionError::user("taken back"))
    }
}

/// A component that pages can mount only with a seal.
#[derive(LiveComponent, Clone)]
#[live(name = "closed", inline = "<p>{{ text }}</p><live:counter title=\"{{ text }}\"></live:counter>")]
pub(crate) struct Closed {
    #[live(prop, default)]
    text: String,
    #[live(private, default)]
    mounts: u64,
}

#[actions]
impl Closed {
    async fn mount(props: ClosedProps, cx: &mut MountContext) -> Result<Self> {
        let mounts = cx.state::<Arc<Bench>>().runs.fetch_add(1, Ordering::SeqCst) + 1;
        Ok(Self { text: props.text, mounts })
    }

    #[action]
    fn mounts(&self) -> u64 {
        self.mounts
    }
}

/// A component whose mount fails.
#[derive(LiveComponent, Clone)]
#[live(name = "stillborn", inline = "<p>{{ how }}</p>", open)]
pub(crate) struct Stillborn {
    #[live(prop, default)]
    how: String,
}

#[actions]
impl Stillborn {
    async fn mount(props: StillbornProps, cx: &mut MountContext) -> Result<Self> {
        match props.how.as_str() {
            "panic" => panic!("the secret is 4711"),
            "hang" => std::future::pending().await,
            "user" => {
                cx.user()?;
            }
            _ => {}
        }
        Ok(Self { how: props.how })
    }
}

/// A running server.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) runtime: Runtime,
    pub(crate) bench: Arc<Bench>,
    stop: Option<oneshot::Sender<()>>,
    pub(crate) serving: Option<tokio::task::JoinHandle<std::io::Result<()>>>,
}

/// Returns the identity that the request's headers describe: `x-user: ID`, `x-tenant: NAME`,
/// `x-may: PERMISSION`, `x-milliseconds: LEFT`, `x-refuse`, `x-fail`, `x-panic`, `x-hang`.
async fn identify(request: Parts) -> std::result::Result<Identity, IdentityError> {
    let header = |name| request.headers.get(name).and_then(|value| value.to_str().ok());
    if header("x-refuse").is_some() {
        return Err(IdentityError::Refused);
    }
    if header("x-fail").is_some() {
        return Err(std::io::Error::other("the database is locked").into());
    }
    assert!(header("x-panic").is_none(), "the secret is 4711");
    if header("x-hang").is_some() {
        std::future::pending::<()>().await;
    }
    let identity = header("x-user").map_or_else(Identity::anonymous, |id| Identity::of(User::new(id, id)));
    let identity = identity.with_permissions(header("x-may"));
    let identity = match header("x-milliseconds").and_then(|text| text.parse().ok()) {
        Some(left) => identity.until(SystemTime::now() + Duration::from_millis(left)),
        None => identity,
    };
    Ok(match header("x-tenant") {
        Some(tenant) => identity.with_tenant(tenant),
        None => identity,
    })
}

async fn page(live: Live, State(_): State<Runtime>) -> std::result::Result<Response, RenderError> {
    let counter = live.render::<Counter>(CounterProps { title: "<b>&\"".into(), count: 3 }).await?;
    let closed = live.render_as::<Closed>("shut", ClosedProps { text: "hello".into() }).await?;
    Ok(live.page(format!("<!doctype html>{}{counter}{closed}", live.head())))
}

async fn broken(live: Live) -> std::result::Result<Response, RenderError> {
    Ok(live.render::<Stillborn>(StillbornProps { how: "panic".into() }).await?.to_string().into_response())
}

async fn members(live: Live) -> std::result::Result<Response, RenderError> {
    Ok(live.render::<Stillborn>(StillbornProps { how: "user".into() }).await?.to_string().into_response())
}

/// Starts a server with the usual limits.
pub(crate) async fn start() -> Server {
    start_with(|builder| builder).await
}

/// Starts a server with these limits.
pub(crate) async fn limited(limits: Limits) -> Server {
    start_with(|builder| builder.limits(limits)).await
}

/// Starts a server with further configuration.
pub(crate) async fn start_with(configure: impl FnOnce(Builder) -> Builder) -> Server {
    start_by(Server::serve, configure).await
}

/// Starts a server as [`start_with`] does, served by this function.
pub(crate) async fn start_by(
    serve: fn(TcpListener, Router, Runtime) -> Server,
    configure: impl FnOnce(Builder) -> Builder,
) -> Server {
    let bench = Arc::new(Bench::default());
    let builder = Runtime::builder()
        .state(Arc::clone(&bench))
        .identity(identify)
        .hello(|identity, auth| async move {
            match auth {
                Some(auth) if auth.get().contains("wrong") => Err(IdentityError::Refused),
                Some(auth) if auth.get().contains("fail") => {
                    Err(std::io::Error::other("the database is locked").into())
                }
                Some(auth) if auth.get().contains("hang") => std::future::pending().await,
                Some(auth) if auth.get().contains("panic") => panic!("the secret is 4711"),
                Some(auth) if auth.get().contains("ada") => Ok(Identity::of(User::new("ada", "Ada"))),
                Some(_) | None => Ok(identity),
            }
        })
        .secret(Secret::new("a secret of thirty-two characters").unwrap())
        .build_name("test");
    let runtime = configure(builder).build().unwrap();
    let app = Router::new()
        .route("/page", get(page))
        .route("/broken", get(broken))
        .route("/members", get(members))
        .route("/parent", get(crate::props::parent_page))
        .route("/target", get(crate::props::target_page))
        .with_state(runtime.clone())
        .merge(runtime.router());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    Server { bench, ..serve(listener, app, runtime) }
}

impl Server {
    /// Serves any application.
    pub(crate) fn serve(listener: TcpListener, app: Router, runtime: Runtime) -> Self {
        Self::spawn(listener, app, runtime, vivaz::serve_until)
    }

    /// Serves any application by axum's own server.
    pub(crate) fn serve_by_axum(listener: TcpListener, app: Router, runtime: Runtime) -> Self {
        Self::spawn(listener, app, runtime, serve_by_axum)
    }

    fn spawn<S>(
        listener: TcpListener,
        app: Router,
        runtime: Runtime,
        serve: impl FnOnce(TcpListener, Router, Runtime, BoxFuture<'static, ()>) -> S,
    ) -> Self
    where
        S: Future<Output = std::io::Result<()>> + Send + 'static,
    {
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let stopped = Box::pin(async {
            let _ = stopped.await;
        });
        let serving = tokio::spawn(serve(listener, app, runtime.clone(), stopped));
        Self { address, runtime, bench: Arc::default(), stop: Some(stop), serving: Some(serving) }
    }

    /// Asks it to end.
    pub(crate) fn ask_to_stop(&mut self) {
        drop(self.stop.take());
    }

    /// Requests a shutdown, and waits until it is complete.
    pub(crate) async fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(serving) = self.serving.take() {
            serving.await.unwrap().unwrap();
        }
    }

    /// Waits until a condition holds that another task brings about.
    pub(crate) async fn until(&self, mut holds: impl FnMut(&Self) -> bool) {
        let wait = async {
            while !holds(self) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait).await.expect("it holds before long");
    }
}
