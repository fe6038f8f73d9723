//! One page's session: its components, what it looks at, and what it was told. It outlives its connections.
//!
//! A session is a plain struct, owned by one task at a time and driven by [`crate::connection`]. Nothing in it waits:
//! what has to wait is a future in [`Session::running`], and comes back as a [`Done`]. What goes on while the session
//! waits for its page is a task of its own, whose [`Done`] comes as mail.

mod answer;
mod aside;
mod child;
mod children;
mod client_behaviour;
mod committed;
mod component;
mod done;
mod effects;
mod encode;
mod entry;
mod events;
mod hold;
mod joined;
mod journal;
mod keep;
mod mount;
pub(crate) mod outbox;
mod outlived;
mod places;
pub(crate) mod port;
mod posting;
mod presence;
mod replies;
mod requests;
mod restore;
mod resume;
mod ring;
mod send;
pub(crate) mod sessions;
pub(crate) mod supervisor;
mod task;
mod topics;
mod unmount;
mod work;

use std::collections::HashMap;
use std::sync::Arc;
use std::task::{Context, Poll};

use foldhash::fast::RandomState;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tracing::Instrument;
use vivaz_components::instance::BoxFuture;
use vivaz_components::{Budget, Hub, Identity};
use vivaz_protocol::{ComponentId, ConnectionId, SessionId, TopicName};

use self::aside::Aside;
use self::client_behaviour::ClientBehaviour;
use self::component::Component;
pub(crate) use self::done::Done;
use self::hold::Holding;
pub(crate) use self::keep::owner;
use self::replies::Replies;
pub(crate) use self::restore::{Restore, RestoreError, Restored, restore};
pub(crate) use self::resume::{Authorized, Position};
use self::supervisor::Supervisor;
use self::topics::Held;
use crate::admission::browser::BrowserId;
use crate::session::port::{Loss, Port};
use crate::telemetry::log::client_event;
use crate::telemetry::stats::Counters;

/// A session.
pub(crate) struct Session {
    supervisor: Arc<Supervisor>,
    port: Arc<Port>,
    identity: Identity,
    /// The browser of its connection, if that has a cookie: what seals may be bound to.
    browser: Option<BrowserId>,
    /// The connection that it has, or had last.
    connection: ConnectionId,
    /// Boxed, because a map that has one has room for four.
    components: HashMap<ComponentId, Box<Component>, RandomState>,
    /// Components that are kept and not run; none for most. Boxed for that.
    aside: Box<Aside>,
    /// The children whose mounts wait for their places, each with its parent.
    waiting: HashMap<ComponentId, ComponentId, RandomState>,
    /// The topics that its components show.
    topics: HashMap<TopicName, Held, RandomState>,
    replies: Replies,
    /// Replies that wait for patches of topics. Boxed, because most sessions never have any.
    held: Box<Holding>,
    behaviour: ClientBehaviour,
    /// How many bytes of state its components may have.
    budget: Arc<Budget>,
    /// Jobs, and what else has to wait for something and is waited for. Most sessions never need it, so it is made when
    /// the first one does.
    running: Option<Running>,
    /// Whether jobs of the page wait until the page has read what waits for it.
    stalled: bool,
    /// How often a page came back to it. A component knows it as of its last job.
    resumes: u32,
    /// Whether it is over: its components go, and no new ones come.
    over: bool,
    /// Whether the store was told that it has changed since it was saved.
    unsaved: bool,
    /// Whether the store has had it: from then on it is not entered by the way, but written whole
    /// if it is lost.
    entered: bool,
    /// Whether the store has something of it that is not so: it is written whole the next time.
    stale: bool,
}

type Running = FuturesUnordered<BoxFuture<Done>>;

impl Session {
    /// A session without components, for a connection that is there.
    pub(crate) fn new(
        supervisor: Arc<Supervisor>,
        port: Arc<Port>,
        identity: Identity,
        connection: ConnectionId,
    ) -> Self {
        let core = supervisor.core();
        Counters::add(&core.counters.sessions);
        let budget = Budget::new("session", core.limits.session_state_bytes);
        let budget = match core.users.budget(&identity) {
            Some(user) => budget.within(user),
            None => budget,
        };
        Self {
            supervisor,
            port,
            identity,
            browser: None,
            connection,
            components: HashMap::default(),
            aside: Box::default(),
            waiting: HashMap::default(),
            topics: HashMap::default(),
            replies: Replies::default(),
            held: Box::default(),
            budget: Arc::new(budget),
            behaviour: ClientBehaviour::default(),
            running: None,
            stalled: false,
            resumes: 0,
            over: false,
            unsaved: false,
            entered: false,
            stale: false,
        }
    }

    /// Its id.
    pub(crate) fn id(&self) -> &SessionId {
        self.port.session()
    }

    /// The connection that it has, or had last.
    pub(crate) fn connection(&self) -> &ConnectionId {
        &self.connection
    }

    pub(crate) fn supervisor(&self) -> &Arc<Supervisor> {
        &self.supervisor
    }

    /// Which browser it is connected to now.
    pub(crate) fn set_browser(&mut self, browser: Option<BrowserId>) {
        self.browser = browser;
    }

    /// Whose it is.
    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The topics and rooms that it shares.
    fn hub(&self) -> Hub {
        self.supervisor.core().hub_of(&self.identity)
    }

    pub(crate) fn port(&self) -> &Arc<Port> {
        &self.port
    }

    /// Whether no job runs, and nothing waits for the page to read. Tasks and loads may go on.
    pub(crate) fn is_idle(&self) -> bool {
        !self.stalled && self.running.as_ref().is_none_or(FuturesUnordered::is_empty)
    }

    /// Returns how many bytes of state its components have.
    pub(crate) fn state_bytes(&self) -> usize {
        self.budget.used()
    }

    /// The next thing that is done.
    pub(crate) fn poll_running(&mut self, cx: &mut Context<'_>) -> Poll<Box<Done>> {
        let Some(running) = &mut self.running else { return Poll::Pending };
        match running.poll_next_unpin(cx) {
            Poll::Ready(Some(done)) => Poll::Ready(Box::new(done)),
            Poll::Ready(None) => {
                self.running = None;
                Poll::Pending
            }
            Poll::Pending => Poll::Pending,
        }
    }

    /// Starts something that may have to wait: polled once here, and if it is not done, again when it is woken.
    fn start(&mut self, future: BoxFuture<Done>) {
        self.running.get_or_insert_default().push(future);
    }

    /// Starts something that goes on while the session waits for its page: nothing waits for it. The future ends when
    /// the component that it belongs to is dropped.
    fn start_beside(&self, future: impl Future<Output = Option<Done>> + Send + 'static) {
        let port = Arc::clone(&self.port);
        let work = async move {
            if let Some(done) = future.await {
                port.finish(done);
            }
        };
        tokio::spawn(work.in_current_span());
    }
}

impl Session {
    /// Drops the copy in memory of a session that is not this process's any more. No hook of
    /// its components is called: they go on in the other process. Nothing is deleted in the store.
    pub(crate) fn evict(mut self: Box<Self>, loss: Loss) {
        self.over = true;
        let log = &self.supervisor.core().log;
        client_event!(log, WARN, session = %self.id(), ?loss, "the session is not this process's any more");
        if let Some(keeper) = &self.supervisor.core().keeper {
            keeper.drop_session(self.port.session());
            // What is stored of it is not what its page has.
            keeper.release(self.port.session());
        }
    }
}

impl Drop for Session {
    /// However it ends, also with a task that was aborted: nothing keeps it, and nobody waits for it.
    fn drop(&mut self) {
        let core = self.supervisor.core();
        Counters::sub(&core.counters.sessions);
        self.supervisor.sessions.end(self.port.session());
        for id in self.components.keys() {
            self.hub().rooms().leave_all(self.port.session(), id);
        }
        self.port.abandon();
    }
}
