//! A page: a session, the components in it, and whoever sits before it.

mod call;
mod task;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use scraper::{ElementRef, Html};
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use vivaz_components::{Identity, LiveComponent};
use vivaz_protocol::Ref;
use vivaz_template::Compiled;

pub use self::call::Call;
use super::browser::Browser;
use super::client::{Answer, Ask, Client, Refusal};
use super::line::Line;
use super::network::Network;
use super::process::ServerProcess;
use super::view::{Memory, View};
use crate::http::render::{Live, RenderError};

/// Longer than anything takes that ends at all; a test that waits for it has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A page that is open. Cheap to clone; when the last clone and the last [`View`] of it are dropped, its connection
/// breaks.
///
/// It does what the client in the browser does: it answers heartbeats, keeps what is unanswered, and when its
/// connection breaks it comes back, resumes its session and says again what has no answer. In one point it differs:
/// it does not pause before it tries again.
#[derive(Clone, Debug)]
pub struct Page(Arc<Handle>);

#[derive(Debug)]
struct Handle {
    shared: Arc<Shared>,
    server: Arc<ServerProcess>,
    task: AbortHandle,
}

/// What the page's handles and its task share.
#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    line: Arc<Line>,
    /// Wakes the task: there is something to send.
    work: Notify,
    /// Wakes whoever waits for something to come.
    news: watch::Sender<()>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) client: Client,
    identity: Identity,
    /// The browser that the page is open in; its cookies say who the page is.
    browser: Option<Browser>,
    /// The names and ids of the components that the page came with.
    opened: Vec<(String, String)>,
    auth: Option<Value>,
    /// Frames that are sent beside what the client has in line.
    extra: Vec<String>,
    events: Vec<Event>,
    /// How many components have been named.
    names: u32,
    /// What the page keeps of each component beside its state.
    pub(super) memories: HashMap<String, Memory>,
    /// Components that came with one that the server rendered, in the order of the page.
    pub(super) seals: VecDeque<Sealed>,
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

/// A component that the server rendered.
#[derive(Debug)]
pub(super) struct Sealed {
    pub(super) name: String,
    pub(super) seal: String,
    /// Where it stands in its parent, if it has one.
    pub(super) place: Option<String>,
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
        let roots = roots(html);
        if !roots.is_empty() && !html.contains("<script") {
            return Err(OpenError::NoClient);
        }
        let page = Self::start(server, Identity::anonymous(), Some(browser));
        for Root { name, ask, children } in roots {
            page.with(|state| state.seals = children);
            let view = page.mount_as(&name, ask).await?;
            page.with(|state| state.opened.push((name, view.id().to_owned())));
        }
        Ok(page)
    }

    fn start(server: Arc<ServerProcess>, identity: Identity, browser: Option<Browser>) -> Self {
        let state = State {
            client: Client::new(),
            identity,
            browser,
            opened: Vec::new(),
            auth: None,
            extra: Vec::new(),
            events: Vec::new(),
            names: 0,
            memories: HashMap::new(),
            seals: VecDeque::new(),
            leaving: None,
            connections: 0,
            sessions: 0,
            closed: None,
            over: None,
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            line: server.line(),
            work: Notify::new(),
            news: watch::Sender::new(()),
        });
        let task = tokio::spawn(task::run(Arc::clone(&shared), Arc::clone(&server))).abort_handle();
        Self(Arc::new(Handle { shared, server, task }))
    }

    /// Mounts a component as a page does that an HTTP handler rendered it into: `mount` runs, and the page brings the
    /// state back under seal.
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
        let mut seals = seals(markup.as_str());
        let ask = match seals.pop_front() {
            Some(Sealed { seal, .. }) => Ask::MountSealed { seal },
            None => Ask::mount_open(C::SPEC.name, json!({})),
        };
        self.with(|state| state.seals = seals);
        Ok(self.mount_as(C::SPEC.name, ask).await?)
    }

    /// Mounts an open component by name, as an element does that was written by hand.
    ///
    /// # Errors
    /// What the server says.
    ///
    /// # Panics
    /// If the server gives no answer for a minute.
    pub async fn mount_open(&self, component: &str, props: Value) -> Result<View, Refusal> {
        self.mount_as(component, Ask::mount_open(component, props)).await
    }

    async fn mount_as(&self, component: &str, ask: Ask) -> Result<View, Refusal> {
        let id = self.with(|state| state.next_id(component));
        self.ask(&id, ask).await?;
        Ok(View::new(self.clone(), id))
    }

    /// The components of that name that the page came with, in the order of the document. Children of
    /// others are not among them: see [`View::children`].
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
    pub fn ask(&self, component: &str, ask: Ask) -> Call {
        let reference = self.with(|state| state.client.ask(component, ask));
        self.calls(vec![reference])
    }

    /// What was just sent.
    pub(super) fn calls(&self, references: Vec<Ref>) -> Call {
        self.shared().work.notify_one();
        Call::new(self.clone(), references)
    }

    pub(super) fn with<R>(&self, look: impl FnOnce(&mut State) -> R) -> R {
        look(&mut self.shared().lock())
    }

    pub(super) fn template(&self, hash: &str) -> Option<Arc<Compiled>> {
        self.0.server.template(hash)
    }

    /// Waits until everything that the server has for this page by now has come, and every component is mounted.
    ///
    /// # Panics
    /// If the server gives no answer for a minute.
    pub async fn settled(&self) {
        let number = {
            let mut state = self.shared().lock();
            let (number, frame) = state.client.ping();
            if state.client.is_welcomed() {
                state.extra.push(frame);
            }
            number
        };
        self.shared().work.notify_one();
        let arrived =
            |state: &State| !state.client.is_waiting_for_pong(number) && !state.client.is_mounting();
        self.wait("a sign of life", |state| arrived(state).then_some(())).await;
        self.tend().await;
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

    /// Looks at the page's side of the protocol: streams, revisions, answers.
    pub fn client<R>(&self, look: impl FnOnce(&Client) -> R) -> R {
        look(&self.shared().lock().client)
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
        self.shared().lock().identity = identity;
    }

    /// What the page shows in its `HELLO` from the next connection on, for the application's own authentication.
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

    /// Closes the page as a browser does that is closed or goes elsewhere: its session waits for a short time.
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

    fn shared(&self) -> &Shared {
        &self.0.shared
    }

    /// Waits for the answers to some messages; the last one's value, or the first refusal. By then the children are there
    /// that were asked for.
    async fn outcome(&self, references: &[Ref]) -> Result<Option<Value>, Refusal> {
        let outcome = self.answers(references).await;
        self.tend().await;
        outcome
    }

    async fn answers(&self, references: &[Ref]) -> Result<Option<Value>, Refusal> {
        let mut last = None;
        for reference in references {
            let answer = self.wait("an answer", |state| state.client.answer(*reference).cloned()).await;
            match answer {
                Answer::Done(value) => last = value,
                Answer::Mounted => {}
                Answer::Refused(refusal) => return Err(refusal),
                Answer::SessionLost => return Err(Refusal::session_lost()),
            }
        }
        Ok(last)
    }

    async fn wait<R>(&self, what: &str, mut look: impl FnMut(&State) -> Option<R>) -> R {
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

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
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

impl State {
    /// A name for a component that this page does not have yet.
    pub(super) fn next_id(&mut self, component: &str) -> String {
        self.names += 1;
        format!("{component}-{}", self.names)
    }

    /// What `$user` is.
    pub(super) fn user(&self) -> Option<Value> {
        self.identity.user().ok().map(|user| json!({ "id": user.id, "name": user.name }))
    }
}

/// The place in what an element says of its child.
fn place_of(child: &str) -> Option<String> {
    Some(child.strip_prefix("{\"place\":")?.strip_suffix('}')?.to_owned())
}

/// The components that the server rendered, in the order of the page.
fn seals(markup: &str) -> VecDeque<Sealed> {
    let html = Html::parse_fragment(markup);
    components(&html).filter_map(sealed).collect()
}

fn components(html: &Html) -> impl Iterator<Item = ElementRef<'_>> {
    html.root_element().descendent_elements().filter(|one| one.value().name() == "live-component")
}

fn sealed(element: ElementRef<'_>) -> Option<Sealed> {
    let attribute = |name| element.attr(name).map(str::to_owned);
    Some(Sealed {
        name: attribute("name")?,
        seal: attribute("seal")?,
        place: attribute("child").and_then(|child| place_of(&child)),
    })
}

/// A component that is no child, with the children that the server rendered in it.
struct Root {
    name: String,
    ask: Ask,
    children: VecDeque<Sealed>,
}

/// The components of a whole page, in its order: rendered, or written by hand.
fn roots(page: &str) -> Vec<Root> {
    let html = Html::parse_document(page);
    let mut roots: Vec<Root> = Vec::new();
    for element in components(&html) {
        let ask = match sealed(element) {
            Some(child) if child.place.is_some() => {
                if let Some(root) = roots.last_mut() {
                    root.children.push_back(child);
                }
                continue;
            }
            Some(Sealed { seal, .. }) => Ask::MountSealed { seal },
            // A child that was not rendered: its parent's template names it.
            None if element.attr("child").is_some() => continue,
            None => {
                let props = element.attr("props").map(serde_json::from_str);
                match props.unwrap_or_else(|| Ok(json!({}))) {
                    Ok(props) => Ask::mount_open(element.attr("name").unwrap_or_default(), props),
                    Err(error) => panic!("`props` of a `<live-component>` is no JSON: {error}"),
                }
            }
        };
        let name = element.attr("name").unwrap_or_default().to_owned();
        roots.push(Root { name, ask, children: VecDeque::new() });
    }
    roots
}
