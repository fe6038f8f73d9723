//! Sessions. A session is the server's side of one page: its components, its subscriptions and its
//! unacknowledged replies. It outlives its connections.
//!
//! A session is a plain struct. One task at a time owns it, and [`crate::connection`] drives it. No
//! method of it waits: work that has to wait is a future in [`Session::running`] and comes back as
//! a [`Completion`]. Tasks and loads of components run as tokio tasks of their own, because they
//! continue while the session is suspended. Their [`Completion`] arrives as mail.

mod child;
mod children;
mod completion;
mod component;
mod encode;
mod events;
mod jobs;
mod joined_rooms;
mod mount;
mod outgoing;
pub(crate) mod page_effects;
mod persistence;
pub(crate) mod port;
mod reply;
mod requests;
mod resume;
pub(crate) mod sessions;
mod task;
mod topics;
mod unmount;

use std::collections::HashMap;
use std::future::{poll_fn, ready};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use foldhash::fast::RandomState;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use vivaz_components::instance::BoxFuture;
use vivaz_components::{ActionError, Budget, Hub, Identity};
use vivaz_protocol::{ComponentId, ConnectionId, SessionId, StreamId, TopicName};

pub(crate) use self::completion::Completion;
use self::component::SessionComponent;
use self::persistence::Persistence;
pub(crate) use self::persistence::release::ReleaseOutcome;
pub(crate) use self::persistence::restore::{RestoreError, RestoreRequest, Restored, restore};
pub(crate) use self::persistence::save::stored_owner;
use self::persistence::set_aside::SetAsideComponents;
use self::reply::cache::ReplyCache;
use self::reply::held::HeldReplies;
use self::requests::client_behaviour::ClientBehaviour;
pub(crate) use self::resume::{ClientPosition, TopicAuthorization};
use self::sessions::supervisor::Supervisor;
use self::topics::SessionTopic;
use crate::admission::browser::BrowserId;
use crate::persist::keeper::Ending;
use crate::persist::store::ReleasedAs;
use crate::session::port::Port;
use crate::session::port::mail::EvictionReason;
use crate::telemetry::instrument::Stopwatch;
use crate::telemetry::lifecycle::LifecycleEvent;
use crate::telemetry::log::client_event;
use crate::telemetry::words::SessionEnd;

/// The state of one page on the server.
pub(crate) struct Session {
    supervisor: Arc<Supervisor>,
    port: Arc<Port>,
    identity: Identity,
    /// The browsers that the request of the current connection names. Seals may be bound to one.
    browsers: Box<[BrowserId]>,
    /// Whether the client may still send the `HELLO` that it has offered.
    expects_hello: bool,
    /// The current connection, or the last one.
    connection: ConnectionId,
    /// Boxed, because a map with one entry allocates room for four.
    components: HashMap<ComponentId, Box<SessionComponent>, RandomState>,
    /// Components that are stored and not run. Boxed, because most sessions have none.
    set_aside: Box<SetAsideComponents>,
    /// The children whose mounts wait for their places in the parent's state. Maps child to parent.
    waiting_mounts: HashMap<ComponentId, ComponentId, RandomState>,
    /// The topics that the components show.
    topics: HashMap<TopicName, SessionTopic, RandomState>,
    replies: ReplyCache,
    /// Replies that wait for patches of topics. Boxed, because most sessions never have any.
    held_replies: Box<HeldReplies>,
    behaviour: ClientBehaviour,
    /// The streams whose snapshot was requested by `RESYNC` and is not sent yet.
    resyncs: Vec<StreamId>,
    /// Bounds the bytes of state of all components.
    budget: Arc<Budget>,
    /// Jobs and other futures that the session waits for. `None` until the first one, because most
    /// sessions never have any.
    running: Option<RunningWork>,
    /// Counts the running tasks of `cx.spawn`: each holds a reference. `None` until the first one.
    spawned: Option<Arc<()>>,
    /// Whether jobs of the page are paused until the page has read its outbox.
    is_paused: bool,
    /// How many times a page has resumed the session. Each component records the value at its last
    /// job.
    resumes: u32,
    persistence: Persistence,
    /// The time for which this process has the session.
    lifetime: Stopwatch,
}

/// A session that is ending. It cannot be restored from the store any more.
pub(crate) struct EndingSession {
    pub(crate) session: Box<Session>,
    /// Deletes the session from the store when it is dropped. `None` without a store.
    pub(crate) ending: Option<Ending>,
}

impl EndingSession {
    pub(crate) fn new(session: Box<Session>, ending: Option<Ending>) -> Self {
        Self { session, ending }
    }
}

/// The futures that a session waits for.
type RunningWork = FuturesUnordered<BoxFuture<Completion>>;

impl Session {
    /// Creates a session without components for a connection that exists.
    pub(crate) fn new(
        supervisor: Arc<Supervisor>,
        port: Arc<Port>,
        identity: Identity,
        connection: ConnectionId,
    ) -> Self {
        let core = supervisor.core();
        core.counters.sessions.add();
        let budget = Budget::new("session", core.limits.session_state_bytes);
        let budget = match core.users.budget(&identity) {
            Some(user) => budget.within(user),
            None => budget,
        };
        Self {
            supervisor,
            port,
            identity,
            browsers: Box::default(),
            expects_hello: false,
            connection,
            components: HashMap::default(),
            set_aside: Box::default(),
            waiting_mounts: HashMap::default(),
            topics: HashMap::default(),
            replies: ReplyCache::default(),
            held_replies: Box::default(),
            budget: Arc::new(budget),
            behaviour: ClientBehaviour::default(),
            resyncs: Vec::new(),
            running: None,
            spawned: None,
            is_paused: false,
            resumes: 0,
            persistence: Persistence::default(),
            lifetime: Stopwatch::start(),
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

    /// Ignores the `HELLO` that the client has offered and sends as its first message.
    pub(crate) fn expect_offered_hello(&mut self) {
        self.expects_hello = true;
    }

    /// Checks whether the offered `HELLO` has not arrived yet.
    pub(crate) fn expects_offered_hello(&self) -> bool {
        self.expects_hello
    }

    /// Sets the browsers that the request of the current connection names.
    pub(crate) fn set_browsers(&mut self, browsers: Box<[BrowserId]>) {
        self.browsers = browsers;
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
        !self.is_paused && self.running.as_ref().is_none_or(FuturesUnordered::is_empty)
    }

    /// Returns the bytes of state of all components.
    pub(crate) fn state_bytes(&self) -> usize {
        self.budget.used()
    }

    /// Polls the running work for the next completion.
    pub(crate) fn poll_running(&mut self, cx: &mut Context<'_>) -> Poll<Box<Completion>> {
        let Some(running) = &mut self.running else { return Poll::Pending };
        match running.poll_next_unpin(cx) {
            Poll::Ready(Some(completion)) => Poll::Ready(Box::new(completion)),
            Poll::Ready(None) => {
                self.running = None;
                Poll::Pending
            }
            Poll::Pending => Poll::Pending,
        }
    }

    /// Polls a future to its end, and the running work meanwhile. Work that completes is returned
    /// by [`poll_running`](Self::poll_running) afterwards, so that the session does not change.
    ///
    /// # Cancel safety
    /// Not cancel safe: completions of the running work would be lost.
    pub(crate) async fn run_during<T>(&mut self, future: impl Future<Output = T> + Send) -> T {
        let mut future = pin!(future);
        let mut completed = Vec::new();
        let output = poll_fn(|cx| {
            while let Poll::Ready(completion) = self.poll_running(cx) {
                completed.push(completion);
            }
            future.as_mut().poll(cx)
        })
        .await;
        for completion in completed {
            self.await_future(Box::pin(ready(*completion)));
        }
        output
    }

    /// Records that the store has the session.
    fn set_stored(&mut self) {
        let core = self.supervisor.core();
        if core.keeper.is_some() && !self.persistence.is_stored() {
            core.counters.session_stored();
        }
        self.persistence.set_stored();
    }

    /// Starts a future that the session waits for. It is polled with the session.
    fn await_future(&mut self, future: BoxFuture<Completion>) {
        self.running.get_or_insert_default().push(future);
    }

    /// Spawns a tokio task that continues while the session is suspended. Its completion arrives as
    /// mail. The future must end when its component is dropped. It runs outside of all spans: a
    /// span ends with the message that caused it, and a task may run for days.
    fn spawn_detached(&self, future: impl Future<Output = Option<Completion>> + Send + 'static) {
        let port = Arc::clone(&self.port);
        let work = async move {
            if let Some(completion) = future.await {
                port.post_completion(completion);
            }
        };
        tokio::spawn(work);
    }
}

impl Session {
    /// Records in the keeper that the session is ending. It has to be recorded before the session
    /// leaves the map, because a `HELLO` that does not find it there looks in the store. Returns
    /// `None` without a store.
    pub(crate) fn begin_end(&self) -> Option<Ending> {
        self.supervisor.core().keeper.as_ref().map(|keeper| keeper.begin_end(self.id(), self.port.fence()))
    }

    /// Reports that the session ends, or that another process has it.
    pub(crate) fn report_end(&self, end: impl Into<SessionEnd>) {
        let (core, end) = (self.supervisor.core(), end.into());
        core.counters.session_ended(end);
        core.lifecycle.emit(|| LifecycleEvent::Ended { session: self.id().clone(), reason: end.as_str() });
    }

    /// Reports that a handler or the mount of a component has failed.
    fn report_failure(&self, id: &ComponentId, component: &'static str, error: &ActionError) {
        self.supervisor.core().lifecycle.emit(|| LifecycleEvent::Failed {
            session: self.id().clone(),
            id: id.clone(),
            component,
            code: error.code(),
        });
    }

    /// Drops the session's copy in memory, because another process owns it or has a newer state. No
    /// hook of its components is called: they continue in the other process. The store keeps its
    /// rows.
    pub(crate) fn evict(mut self: Box<Self>, reason: EvictionReason) {
        self.persistence.begin_end();
        self.report_end(SessionEnd::Moved);
        let log = &self.supervisor.core().log;
        client_event!(log, WARN, session = %self.id(), ?reason, "session evicted: another process owns it, or the store has a newer state");
        self.discard();
    }

    /// Drops the session's copy in memory and its queued writes, because the store's rows differ
    /// from its state, and lets another process claim the session.
    fn discard(self: Box<Self>) {
        let (supervisor, id, fence) = (Arc::clone(&self.supervisor), self.id().clone(), self.port.fence());
        let keeper = supervisor.core().keeper.as_ref();
        if let Some(keeper) = keeper {
            keeper.drop_writes(&id);
        }
        drop(self);
        if let Some(keeper) = keeper {
            keeper.release(&id, fence, ReleasedAs::Unchanged);
        }
    }
}

impl Drop for Session {
    /// Runs however the session ends, also when its task was aborted. Removes it from the map, the
    /// rooms and the counters.
    fn drop(&mut self) {
        let core = self.supervisor.core();
        core.counters.sessions.sub();
        let is_stored = core.keeper.is_some() && self.persistence.is_stored();
        core.counters.session_dropped(self.lifetime, is_stored);
        // Before the session leaves the map: a copy that is restored afterwards joins the rooms
        // under the same id.
        for id in self.components.keys() {
            self.hub().rooms().leave_all(self.port.session(), id);
        }
        self.supervisor.sessions.remove(&self.port);
        self.port.close();
    }
}
