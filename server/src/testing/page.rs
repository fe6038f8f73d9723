//! A page: the engine of the browser's client over a document in memory, a session, and a user.

mod call;
mod tab;
mod task;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use vivaz_components::{Identity, LiveComponent};
use vivaz_engine::Slot;

pub use self::call::Call;
pub(super) use self::tab::{Awaited, CallOutcome, Tab};
use super::browser::Browser;
use super::client::{Ask, Client, Refusal};
use super::line::Line;
use super::network::Network;
use super::process::ServerProcess;
use super::view::View;
use crate::http::render::{Live, RenderError};

/// Longer than anything takes that ends at all; a test that waits for it has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A page that is open. Cheap to clone; when the last clone and the last [`View`] of it are
/// dropped, its connection breaks.
///
/// It runs the engine of the browser's client: the same code keeps what is unanswered, resumes the
/// session when the connection breaks, applies patches and evaluates templates. In one point it
/// differs: it does not pause before it tries again.
#[derive(Clone, Debug)]
pub struct Page(Arc<Handle>);

#[derive(Debug)]
struct Handle {
    shared: Arc<PageShared>,
    server: Arc<ServerProcess>,
    task: AbortHandle,
}

/// What the page's handles and its task share.
#[derive(Debug)]
struct PageShared {
    state: Mutex<PageState>,
    line: Arc<Line>,
    /// Wakes the task: there is something to send.
    work: Notify,
    /// Wakes whoever waits for something to come.
    news: watch::Sender<()>,
}

#[derive(Debug)]
pub(super) struct PageState {
    pub(super) tab: Tab,
    /// Checks what the server sends.
    referee: Client,
    identity: Identity,
    /// The browser that the page is open in; its cookies say who the page is.
    browser: Option<Browser>,
    /// The names and ids of the components that the page came with.
    opened: Vec<(String, String)>,
    auth: Option<Value>,
    /// Frames that are sent beside those of the engine.
    extra: Vec<String>,
    events: Vec<Event>,
    /// A code to close the connection with.
    leaving: Option<u16>,
    /// How often a connection came about, and how often the session was not the one before.
    connections: u32,
    sessions: u32,
    /// The code that the server closed with last.
    closed: Option<u16>,
    /// Why the page has given up.
    over: Option<String>,
}

/// Something that the application said to a page: an `EVENT`.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The component's id, or the topic's name.
    pub stream: String,
    /// The event's name.
    pub name: String,
    /// What came with it.
    pub data: Value,
}

impl Page {
    pub(super) fn open(server: Arc<ServerProcess>, identity: Identity) -> Self {
        Self::start(server, identity, None)
    }

    /// Opens a page that a browser was answered with, and mounts its components.
    pub(super) async fn open_in(
        server: Arc<ServerProcess>,
        browser: Browser,
        html: &str,
    ) -> Result<Self, OpenError> {
        if html.contains("<live-component") && !html.contains("<script") {
            return Err(OpenError::NoClient);
        }
        let page = Self::start(server, Identity::anonymous(), Some(browser));
        for slot in page.act(|tab| tab.load(html)) {
            page.wait_for_mount(slot).await?;
            page.with(|state| {
                if let Some((id, name)) = state.tab.id(slot) {
                    state.opened.push((name.to_owned(), id.to_owned()));
                }
            });
        }
        Ok(page)
    }

    fn start(server: Arc<ServerProcess>, identity: Identity, browser: Option<Browser>) -> Self {
        let state = PageState {
            tab: Tab::new(Arc::clone(&server), user(&identity)),
            referee: Client::new(),
            identity,
            browser,
            opened: Vec::new(),
            auth: None,
            extra: Vec::new(),
            events: Vec::new(),
            leaving: None,
            connections: 0,
            sessions: 0,
            closed: None,
            over: None,
        };
        let shared = Arc::new(PageShared {
            state: Mutex::new(state),
            line: server.line(),
            work: Notify::new(),
            news: watch::Sender::new(()),
        });
        let task = tokio::spawn(task::run(Arc::clone(&shared), Arc::clone(&server))).abort_handle();
        Self(Arc::new(Handle { shared, server, task }))
    }

    /// Mounts a component as a page does that an HTTP handler rendered it into: `mount` runs, and
    /// the page brings the state back under seal.
    ///
    /// # Errors
    /// What `mount` says, and what the mount over the connection says.
    ///
    /// # Panics
    /// If the server is down, or gives no answer for a minute.
    pub async fn mount<C: LiveComponent>(&self, props: C::Props) -> Result<View, MountError> {
        let identity = self.shared().lock().identity.clone();
        let runtime = self.0.server.wait_running().await;
        let markup = Live::new(runtime, identity).render::<C>(props).await?;
        Ok(self.mount_markup(markup.as_str()).await?)
    }

    /// Mounts an open component by name, as an element does that was written by hand.
    ///
    /// # Errors
    /// What the server says.
    ///
    /// # Panics
    /// If the server gives no answer for a minute.
    pub async fn mount_open(&self, component: &str, props: Value) -> Result<View, Refusal> {
        let props = props.to_string().replace('&', "&amp;").replace('"', "&quot;");
        self.mount_markup(&format!(
            "<live-component name=\"{component}\" props=\"{props}\"></live-component>"
        ))
        .await
    }

    async fn mount_markup(&self, markup: &str) -> Result<View, Refusal> {
        let slots = self.act(|tab| tab.add(markup));
        let [slot] = slots.as_slice() else { panic!("one component is mounted at a time: {markup}") };
        let mounted = self.wait_for_mount(*slot).await;
        let id = self.with(|state| {
            let id = state.tab.id(*slot).map(|(id, _)| id.to_owned());
            if mounted.is_err() {
                state.tab.remove(*slot);
            }
            id.unwrap_or_default()
        });
        mounted?;
        self.wait_for_children().await;
        Ok(View::new(self.clone(), id))
    }

    async fn wait_for_mount(&self, slot: Slot) -> Result<(), Refusal> {
        self.wait("a component", |state| state.tab.mounted(slot)).await
    }

    /// Waits until every component has its answer that a template asks for.
    async fn wait_for_children(&self) {
        self.wait("child components", |state| (!state.tab.is_mounting()).then_some(())).await;
    }

    /// The components of that name that the page came with, in the order of the document. Children
    /// of others are not among them: see [`View::children`].
    #[must_use]
    pub fn components(&self, name: &str) -> Vec<View> {
        let state = self.shared().lock();
        let ids = state.opened.iter().filter(|(one, _)| one == name).map(|(_, id)| id.clone());
        ids.map(|id| View::new(self.clone(), id)).collect()
    }

    /// The component of that name that the page came with.
    ///
    /// # Panics
    /// If there is none, or more than one.
    #[must_use]
    pub fn component(&self, name: &str) -> View {
        let mut found = self.components(name);
        match (found.pop(), found.len()) {
            (Some(view), 0) => view,
            (None, _) => panic!("the page came without a component `{name}`"),
            (Some(_), others) => panic!("the page came with {} components `{name}`", others + 1),
        }
    }

    /// Sends a message for a component. It is on its way when this returns; the answer is awaited.
    ///
    /// # Panics
    /// If it is a mount: those are [`Page::mount`] and [`Page::mount_open`].
    pub fn ask(&self, component: &str, ask: Ask) -> Call {
        let awaited = self.act(|tab| tab.ask(component, ask));
        Call::new(self.clone(), awaited)
    }

    /// Does something in the page, and has sent what comes of it.
    pub(super) fn act<R>(&self, act: impl FnOnce(&mut Tab) -> R) -> R {
        let result = act(&mut self.shared().lock().tab);
        self.shared().work.notify_one();
        result
    }

    pub(super) fn with<R>(&self, look: impl FnOnce(&mut PageState) -> R) -> R {
        look(&mut self.shared().lock())
    }

    /// Waits until everything that the server has for this page by now has come, and every
    /// component is mounted.
    ///
    /// # Panics
    /// If the server gives no answer for a minute.
    pub async fn settled(&self) {
        let number = {
            let mut state = self.shared().lock();
            let (number, frame) = state.referee.ping();
            if state.referee.is_welcomed() {
                state.extra.push(frame);
            }
            number
        };
        self.shared().work.notify_one();
        let arrived = |state: &PageState| {
            let is_mounting = state.tab.is_mounting() || state.referee.is_mounting();
            !state.referee.is_waiting_for_pong(number) && !is_mounting
        };
        self.wait("a sign of life", |state| arrived(state).then_some(())).await;
    }

    /// Waits until something holds that an event, a task or another page is about to make hold.
    ///
    /// # Panics
    /// If it does not within a minute.
    pub async fn until(&self, mut holds: impl FnMut(&Self) -> bool) {
        let mut news = self.shared().news.subscribe();
        let wait = async {
            while !holds(self) {
                self.shared().check();
                // The sender lives as long as `self`.
                if news.changed().await.is_err() {
                    return;
                }
            }
        };
        if tokio::time::timeout(PATIENCE, wait).await.is_err() {
            panic!("what the test waits for has not come within {} s", PATIENCE.as_secs());
        }
    }

    /// What the application has said to the page so far, oldest first.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.shared().lock().events.clone()
    }

    /// The network between this page and the server.
    #[must_use]
    pub fn network(&self) -> Network {
        Network::new(Arc::clone(&self.0.server), Some(Arc::clone(&self.shared().line)))
    }

    /// Looks at what the server has sent: the session, streams, revisions.
    pub fn client<R>(&self, look: impl FnOnce(&Client) -> R) -> R {
        look(&self.shared().lock().referee)
    }

    /// Returns the number of messages that have no answer, also of those that wait for a
    /// connection.
    #[must_use]
    pub fn unanswered(&self) -> usize {
        self.shared().lock().tab.unanswered()
    }

    /// How many connections it has had.
    #[must_use]
    pub fn connections(&self) -> u32 {
        self.shared().lock().connections
    }

    /// How many sessions it has had: one, unless the server lost one.
    #[must_use]
    pub fn sessions(&self) -> u32 {
        self.shared().lock().sessions
    }

    /// Who the page is from its next connection on, as when a cookie changes. The cookies of its
    /// [`Browser`] decide for a page that has one.
    pub fn becomes(&self, identity: Identity) {
        let mut state = self.shared().lock();
        state.tab.set_user(user(&identity));
        state.identity = identity;
    }

    /// What the page shows in its `HELLO` from the next connection on, for the application's own
    /// authentication.
    pub fn shows(&self, auth: Value) {
        self.shared().lock().auth = Some(auth);
    }

    /// Leaves the page for good: its session ends.
    ///
    /// # Panics
    /// If the server does not answer for a minute.
    pub async fn leave(&self) {
        self.close(vivaz_protocol::CLOSE_LEFT).await;
    }

    /// Closes the page as a browser does that is closed or goes elsewhere: its session waits for a
    /// short time.
    ///
    /// # Panics
    /// If the server does not answer for a minute.
    pub async fn hide(&self) {
        self.close(1001).await;
    }

    async fn close(&self, code: u16) {
        self.shared().lock().leaving = Some(code);
        self.shared().work.notify_one();
        let mut news = self.shared().news.subscribe();
        while !self.0.task.is_finished() && self.shared().lock().over.is_none() {
            if news.changed().await.is_err() {
                return;
            }
        }
    }

    /// Waits until the server has closed the connection for good, and gives the code.
    ///
    /// # Panics
    /// If it does not within a minute.
    pub async fn closed(&self) -> u16 {
        let wait = async {
            let mut news = self.shared().news.subscribe();
            loop {
                {
                    let state = self.shared().lock();
                    if let (Some(code), Some(_)) = (state.closed, &state.over) {
                        return code;
                    }
                }
                if news.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        };
        match tokio::time::timeout(PATIENCE, wait).await {
            Ok(code) => code,
            Err(_) => panic!("the server has not closed the connection within {} s", PATIENCE.as_secs()),
        }
    }

    fn shared(&self) -> &PageShared {
        &self.0.shared
    }

    /// Waits for the answers to some messages; the last one's value, or the first refusal. By then
    /// the children are there that were asked for.
    async fn outcome(&self, awaited: &[Awaited]) -> CallOutcome {
        let mut outcome = Ok(None);
        for one in awaited {
            outcome = self.wait("an answer", |state| state.tab.outcome(one)).await;
            if outcome.is_err() {
                break;
            }
        }
        self.wait_for_children().await;
        outcome
    }

    async fn wait<R>(&self, what: &str, mut look: impl FnMut(&PageState) -> Option<R>) -> R {
        let mut news = self.shared().news.subscribe();
        let wait = async {
            loop {
                if let Some(found) = look(&self.shared().lock()) {
                    return found;
                }
                self.shared().check();
                // The sender lives as long as `self`.
                if news.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        };
        match tokio::time::timeout(PATIENCE, wait).await {
            Ok(found) => found,
            Err(_) => {
                panic!("the page has waited {} s for {what}: {:?}", PATIENCE.as_secs(), self.shared().line)
            }
        }
    }
}

/// Why a component could not be mounted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MountError {
    /// The HTTP handler could not render it.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// The server refused to mount what it had rendered.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// Why a browser could not open a page.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The application did not answer with 200.
    #[error("the application answered with {0}")]
    Status(StatusCode),
    /// One redirect led to another too often; the last one is named.
    #[error("too many redirects, the last one to {0}")]
    Redirects(String),
    /// A redirect leads to another server, which a test asks by itself.
    #[error("the application redirects to {0}")]
    Elsewhere(String),
    /// The page has components and no script that could load the client: it would not be live.
    #[error("the page has components and does not load the client: write `live.head()` into its `<head>`")]
    NoClient,
    /// The server refused to mount a component of the page.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl PageShared {
    fn lock(&self) -> MutexGuard<'_, PageState> {
        // A test that panics elsewhere has failed already.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the test if the page has given up.
    fn check(&self) {
        let over = self.lock().over.clone();
        if let Some(why) = over {
            panic!("{why}");
        }
    }
}

/// What `$user` is, as JSON.
fn user(identity: &Identity) -> String {
    let user = identity.user().ok().map(|user| json!({ "id": user.id, "name": user.name }));
    user.map_or_else(|| "null".to_owned(), |user| user.to_string())
}
