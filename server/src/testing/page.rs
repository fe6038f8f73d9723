//! A page: the engine of the browser's client over a document in memory, with a session and a user.

mod call;
mod effects;
mod settled;
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
pub use self::effects::PageEffects;
pub use self::tab::Confirmation;
pub(super) use self::tab::{Awaited, CallOutcome, Tab};
use super::browser::Browser;
use super::client::{Ask, Client, Refusal};
use super::line::Line;
use super::network::Network;
use super::process::ServerProcess;
use super::view::View;
use crate::http::render::{Live, RenderError};

/// The timeout of every wait. It is longer than any operation takes; a test that reaches it fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// An open page. Cheap to clone. Its connection breaks when the last clone and the last [`View`] of
/// it are dropped.
///
/// It runs the engine of the browser's client: the same code keeps unanswered requests, resumes the
/// session when the connection breaks, applies patches and evaluates templates. The one difference:
/// it does not pause before it reconnects.
#[derive(Clone, Debug)]
pub struct Page(Arc<Handle>);

#[derive(Debug)]
struct Handle {
    shared: Arc<PageShared>,
    task: AbortHandle,
}

/// The state that the page's handles and its task share.
#[derive(Debug)]
struct PageShared {
    state: Mutex<PageState>,
    /// The server to which the page connects next.
    server: Mutex<Arc<ServerProcess>>,
    line: Arc<Line>,
    /// Wakes the task to send frames.
    work: Notify,
    /// Wakes the callers that wait for a change of the page.
    news: watch::Sender<()>,
}

#[derive(Debug)]
pub(super) struct PageState {
    pub(super) tab: Tab,
    /// Verifies the frames of the server.
    referee: Client,
    identity: Identity,
    /// The browser of the page; its cookies determine the page's identity.
    browser: Option<Browser>,
    /// The names and ids of the components in the page's HTML.
    opened: Vec<(String, String)>,
    auth: Option<Value>,
    /// Frames to send in addition to those of the engine.
    extra: Vec<String>,
    events: Vec<Event>,
    /// The code to close the connection with.
    leaving: Option<u16>,
    /// The number of connections, and the number of connections that began a new session.
    connections: u32,
    sessions: u32,
    /// The last close code of the server.
    closed: Option<u16>,
    /// The reason for which the page no longer reconnects.
    over: Option<String>,
}

/// An `EVENT` that the application sent to a page.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The component's id, or the topic's name.
    pub stream: String,
    /// The event's name.
    pub name: String,
    /// The event's data.
    pub data: Value,
}

impl Page {
    pub(super) fn open(server: Arc<ServerProcess>, identity: Identity) -> Self {
        Self::start(server, identity, None)
    }

    /// Opens a page from the HTML that a browser received, and mounts its components.
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
            server: Mutex::new(server),
            work: Notify::new(),
            news: watch::Sender::new(()),
        });
        let task = tokio::spawn(task::run(Arc::clone(&shared))).abort_handle();
        Self(Arc::new(Handle { shared, task }))
    }

    /// Mounts a component that an HTTP handler renders into the page: `mount` runs, and the page
    /// sends the sealed state back to the server.
    ///
    /// # Errors
    /// Returns the error of `mount`, or of the mount over the connection.
    ///
    /// # Panics
    /// Panics if the server is down, or does not reply within a minute.
    pub async fn mount<C: LiveComponent>(&self, props: C::Props) -> Result<View, MountError> {
        let identity = self.shared().lock().identity.clone();
        let runtime = self.shared().server().wait_running().await;
        let markup = Live::new(runtime, identity).render::<C>(props).await?;
        Ok(self.mount_markup(markup.as_str()).await?)
    }

    /// Mounts an open component by name, as a hand-written element does.
    ///
    /// # Errors
    /// Returns the refusal of the server.
    ///
    /// # Panics
    /// Panics if the server does not reply within a minute.
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

    /// Waits until every component of the templates is mounted or refused.
    async fn wait_for_children(&self) {
        self.wait("child components", |state| (!state.tab.is_mounting()).then_some(())).await;
    }

    /// Returns the components with this name in the page's HTML, in document order. Child
    /// components are not included: see [`View::children`].
    #[must_use]
    pub fn components(&self, name: &str) -> Vec<View> {
        let state = self.shared().lock();
        let ids = state.opened.iter().filter(|(one, _)| one == name).map(|(_, id)| id.clone());
        ids.map(|id| View::new(self.clone(), id)).collect()
    }

    /// Returns the component with this name in the page's HTML.
    ///
    /// # Panics
    /// Panics if there is none, or more than one.
    #[must_use]
    pub fn component(&self, name: &str) -> View {
        let mut found = self.components(name);
        match (found.pop(), found.len()) {
            (Some(view), 0) => view,
            (None, _) => panic!("the page came without a component `{name}`"),
            (Some(_), others) => panic!("the page came with {} components `{name}`", others + 1),
        }
    }

    /// Sends a request for a component. The request is queued when this method returns; await the
    /// [`Call`] for the reply.
    ///
    /// # Panics
    /// Panics if the request is a mount: use [`Page::mount`] or [`Page::mount_open`].
    pub fn ask(&self, component: &str, ask: Ask) -> Call {
        let awaited = self.act(|tab| tab.ask(component, ask));
        Call::new(self.clone(), awaited)
    }

    /// Runs `act` on the page, and wakes the task to send the resulting frames.
    pub(super) fn act<R>(&self, act: impl FnOnce(&mut Tab) -> R) -> R {
        let result = act(&mut self.shared().lock().tab);
        self.shared().work.notify_one();
        result
    }

    pub(super) fn with<R>(&self, look: impl FnOnce(&mut PageState) -> R) -> R {
        look(&mut self.shared().lock())
    }

    /// Waits until `holds` returns `true`, as the result of an event, a task or another page.
    ///
    /// # Panics
    /// Panics if it does not return `true` within a minute.
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

    /// Sets the user's answer to the questions of `live:confirm` from now on. Without one, a
    /// question panics.
    pub fn answer_questions(&self, confirmation: Confirmation) {
        self.with(|state| state.tab.confirmation = Some(confirmation));
    }

    /// Returns the questions of `live:confirm` that the user was asked, oldest first.
    #[must_use]
    pub fn questions(&self) -> Vec<String> {
        self.with(|state| state.tab.questions.clone())
    }

    /// Returns the events that the page has received from the application, oldest first.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.shared().lock().events.clone()
    }

    /// Checks whether the network of the page is up.
    pub(super) fn is_online(&self) -> bool {
        self.shared().line.watch().borrow().is_up
    }

    /// Returns the network between this page and the server.
    #[must_use]
    pub fn network(&self) -> Network {
        Network::new(self.shared().server(), Some(Arc::clone(&self.shared().line)))
    }

    /// Breaks the connection and connects to another server from now on.
    pub(super) fn move_to(&self, server: Arc<ServerProcess>) {
        *self.shared().server.lock().unwrap_or_else(PoisonError::into_inner) = server;
        self.shared().work.notify_one();
        self.network().drop();
    }

    /// Calls `look` with the data received from the server: the session, streams and revisions.
    pub fn client<R>(&self, look: impl FnOnce(&Client) -> R) -> R {
        look(&self.shared().lock().referee)
    }

    /// Returns the number of unanswered requests, including those that wait for a connection.
    #[must_use]
    pub fn unanswered(&self) -> usize {
        self.shared().lock().tab.unanswered()
    }

    /// Returns the number of connections so far.
    #[must_use]
    pub fn connections(&self) -> u32 {
        self.shared().lock().connections
    }

    /// Returns the number of sessions so far: one, unless the server lost a session.
    #[must_use]
    pub fn sessions(&self) -> u32 {
        self.shared().lock().sessions
    }

    /// Sets the page's identity from its next connection on, as when a cookie changes. For a page
    /// with a [`Browser`], the browser's cookies take precedence.
    pub fn set_identity(&self, identity: Identity) {
        let mut state = self.shared().lock();
        state.tab.set_user(user(&identity));
        state.identity = identity;
    }

    /// Sets `auth` in the page's `HELLO` from the next connection on, for the application's own
    /// authentication.
    pub fn set_auth(&self, auth: Value) {
        self.shared().lock().auth = Some(auth);
    }

    /// Leaves the page permanently: its session ends.
    ///
    /// # Panics
    /// Panics if the server does not reply within a minute.
    pub async fn leave(&self) {
        self.close(vivaz_protocol::CLOSE_LEFT).await;
    }

    /// Closes the page as a browser does when it is closed or navigates away: the session remains
    /// resumable for a short time.
    ///
    /// # Panics
    /// Panics if the server does not reply within a minute.
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

    /// Waits until the server has closed the connection permanently, and returns the close code.
    ///
    /// # Panics
    /// Panics if the server does not close it within a minute.
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

    /// Waits for the replies to some requests and for the mounts of child components. Returns the
    /// value of the last reply, or the first refusal.
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

/// The reason for which a component could not be mounted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MountError {
    /// The HTTP handler could not render the component.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// The server refused to mount the rendered component.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// The reason for which a browser could not open a page.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The application did not answer with 200.
    #[error("the application answered with {0}")]
    Status(StatusCode),
    /// There were too many redirects; this is the target of the last one.
    #[error("too many redirects, the last one to {0}")]
    Redirects(String),
    /// A redirect leads to another server, which the test must request itself.
    #[error("the application redirects to {0}")]
    Elsewhere(String),
    /// The page has components but no script that could load the client, so it would not be live.
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
    /// Returns the server to which the page connects next.
    fn server(&self) -> Arc<ServerProcess> {
        Arc::clone(&self.server.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn lock(&self) -> MutexGuard<'_, PageState> {
        // A poisoned lock means that the test has already failed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Panics if the page no longer reconnects.
    fn check(&self) {
        let over = self.lock().over.clone();
        if let Some(why) = over {
            panic!("{why}");
        }
    }
}

/// Returns the value of `$user` as JSON.
fn user(identity: &Identity) -> String {
    let user = identity.user().ok().map(|user| json!({ "id": user.id, "name": user.name }));
    user.map_or_else(|| "null".to_owned(), |user| user.to_string())
}
