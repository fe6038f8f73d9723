//! Sessions. A session is the server's side of one page: its components, its subscriptions and its
//! unacknowledged replies. It outlives its connections.
//!
//! A session is a plain struct. One task at a time owns it, and [`crate::connection`] drives it. No
//! method of it waits: work that has to wait is a future in [`Session::running`] and comes back as
//! a [`Completion`]. Tasks and loads of components run as tokio tasks of their own, because they
//! continue while the session is suspended. Their [`Completion`] arrives as mail.

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
use crate::admission::browser::Browser;
use crate::session::port::{Loss, Port};
use crate::telemetry::log::client_event;
use crate::telemetry::stats::Counters;

/// The state of one page on the server.
pub(crate) struct Session {
    supervisor: Arc<Supervisor>,
    port: Arc<Port>,
    identity: Identity,
    /// The browser of the current connection, if the request had its cookie. Seals may be bound to
    /// it.
    browser: Option<Browser>,
    /// The current connection, or the last one.
    connection: ConnectionId,
    /// Boxed, because a map with one entry allocates room for four.
    components: HashMap<ComponentId, Box<Component>, RandomState>,
    /// Components that are stored and not run. Boxed, because most sessions have none.
    aside: Box<Aside>,
    /// The children whose mounts wait for their places in the parent's state. Maps child to parent.
    waiting: HashMap<ComponentId, ComponentId, RandomState>,
    /// The topics that the components show.
    topics: HashMap<TopicName, Held, RandomState>,
    replies: Replies,
    /// Replies that wait for patches of topics. Boxed, because most sessions never have any.
    held: Box<Holding>,
    behaviour: ClientBehaviour,
    /// Bounds the bytes of state of all components.
    budget: Arc<Budget>,
    /// Jobs and other futures that the session waits for. `None` until the first one, because most
    /// sessions never have any.
    running: Option<Running>,
    /// Whether jobs of the page are paused until the page has read its outbox.
    stalled: bool,
    /// How many times a page has resumed the session. Each component records the value at its last
    /// job.
    resumes: u32,
    /// Whether the session ends: its components unmount, and new ones are refused.
    over: bool,
    /// Whether the keeper was notified of a change since the session was last saved.
    unsaved: bool,
    /// Whether the store has had the session. From then on commits do not insert it; if the store
    /// loses it, it is written whole.
    entered: bool,
    /// Whether the store has something that is no longer true. The next save then writes the
    /// session whole.
    stale: bool,
}

type Running = FuturesUnordered<BoxFuture<Done>>;

impl Session {
    /// Creates a session without components for a connection that exists.
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

    /// Returns the session's id.
    pub(crate) fn id(&self) -> &SessionId {
        self.port.session()
    }

    /// Returns the current connection, or the last one.
    pub(crate) fn connection(&self) -> &ConnectionId {
        &self.connection
    }
    /// Returns the supervisor that owns the session.
    pub(crate) fn supervisor(&self) -> &Arc<Supervisor> {
        &self.supervisor
    }

    /// Sets the browser of the current connection.
    pub(crate) fn set_browser(&mut self, browser: Option<Browser>) {
        self.browser = browser;
    }

    /// Returns the identity of the session's user.
    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Returns the hub of the session's tenant.
    fn hub(&self) -> Hub {
        self.supervisor.core().hub_of(&self.identity)
    }
    /// Returns the session's mailbox and outbox.
    pub(crate) fn port(&self) -> &Arc<Port> {
        &self.port
    }

    /// Checks that no job runs and no job is paused. Tasks and loads of components do not count.
    pub(crate) fn is_idle(&self) -> bool {
        !self.stalled && self.running.as_ref().is_none_or(FuturesUnordered::is_empty)
    }

    /// Returns the bytes of state of all components.
    pub(crate) fn state_bytes(&self) -> usize {
        self.budget.used()
    }

    /// Polls the running work for the next completion.
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

    /// Starts a future that the session waits for. It is polled with the session.
    fn start(&mut self, future: BoxFuture<Done>) {
        self.running.get_or_insert_default().push(future);
    }

    /// Spawns a tokio task that continues while the session is suspended. Its completion arrives as
    /// mail. The future must end when its component is dropped.
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
    /// Drops the session's copy in memory, because another process owns it or has a newer state. No
    /// hook of its components is called: they continue in the other process. The store keeps its
    /// rows.
    pub(crate) fn evict(mut self: Box<Self>, loss: Loss) {
        self.over = true;
        let log = &self.supervisor.core().log;
        client_event!(log, WARN, session = %self.id(), ?loss, "session evicted: another process owns it, or the store has a newer state");
        if let Some(keeper) = &self.supervisor.core().keeper {
            keeper.drop_session(self.port.session());
            // The store's rows differ from what the page has, so they are not updated.
            keeper.release(self.port.session());
        }
    }
}

impl Drop for Session {
    /// Runs however the session ends, also when its task was aborted. Removes it from the map, the
    /// rooms and the counters.
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
