//! What others may put into a session: events to handle and frames to send. The one thing of a session that is
//! shared, and that stays the same whoever owns the rest of it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use tokio::sync::oneshot;
use tokio::time::Instant;
use vivaz_components::{ServerEvent, UnmountReason};
use vivaz_protocol::{CloseCode, ComponentId, Ref, Rev, SessionId, StreamId, TopicName};

use crate::core::Core;
use crate::persist::store::WriteRefusal;

use super::Session;
use super::done::{Done, Entered};
use super::outbox::{Entry, Outbox};
use crate::telemetry::stats::Counters;

/// Finds the sessions that ports belong to.
pub(crate) trait SessionOwner: Send + Sync {
    /// Starts a task for a session that waits for its page and has got mail.
    fn wake(self: Arc<Self>, session: &SessionId);
    /// Returns the state that all sessions share.
    fn core(&self) -> &Core;
}

/// A session's mailbox and outbox, shared with other tasks.
pub(crate) struct Port {
    session: SessionId,
    owner: Weak<dyn SessionOwner>,
    /// A std mutex: it is held for the time of a push or a pop, never across an await.
    state: Mutex<State>,
    /// The task that has the session now.
    waker: AtomicWaker,
}

#[derive(Default)]
struct State {
    /// What the session has to handle. Bounded: an event that finds it full is dropped and counted.
    mail: VecDeque<Mail>,
    /// What the connection has to send; none while there is no connection.
    outbox: Option<Outbox>,
    /// When the next heartbeat is due.
    next_beat: Option<Instant>,
    /// The heartbeat's turn has come.
    beat: bool,
    /// Topics that children's props are computed of: the session is told when one changes.
    watched: Vec<TopicName>,
    /// Whether a task has the session. If none has, somebody who puts mail in starts one.
    attended: bool,
    /// Whether access was taken away from the user: there is no outbox any more.
    revoked: bool,
}

/// Something for a session to handle.
pub(crate) enum Mail {
    /// An event of the server's own: for one component, or for all of them.
    Event { component: Option<ComponentId>, event: ServerEvent },
    /// An event of a component for the other ones of the session.
    Sent { from: ComponentId, event: ServerEvent },
    /// What went on beside the session has come to its end. There is one for each task and load of its components.
    Done(Box<Done>),
    /// A topic has changed that children's props are computed of. It is there once at most.
    Topic(TopicName),
    /// Another connection resumes the session: hand it over and close.
    Yield(oneshot::Sender<Box<Session>>),
    /// Save the session as it is.
    Save,
    /// The server goes away: tell the page to come back after that time, finish what runs, and close.
    Drain(Duration),
    /// Close the connection, and end the session or let it wait, as the code says.
    Close(CloseCode),
    /// Who it is has to be asked again: close the connection, if it has one, and let the session wait.
    Expired,
    /// End the session, and close its connection if it has one.
    End(CloseCode, UnmountReason),
    /// The store has lost the session: write it whole. The answer is the outcome.
    Enter(Option<oneshot::Sender<Entered>>),
    /// The store has the session in another way than this process: close the connection, and drop
    /// the copy in memory.
    Evict(Loss),
}

/// Why a session is not this process's any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// Another process has it.
    Taken,
    /// The store has a newer state of it.
    Outdated,
}

impl Loss {
    /// Returns how the connection is closed.
    pub(crate) fn code(self) -> CloseCode {
        match self {
            Self::Taken => CloseCode::TakenOver,
            // The page comes back, and finds what the store has.
            Self::Outdated => CloseCode::Full,
        }
    }
}

/// Whether somebody will take care of what was put in.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Posted {
    /// The task that has the session was woken.
    Awake,
    /// No task has the session: the caller sees to it that one does.
    Unattended,
    /// It was full.
    Full,
}

impl Port {
    pub(crate) fn new(session: SessionId, owner: Weak<dyn SessionOwner>) -> Arc<Self> {
        let state = Mutex::default();
        Arc::new(Self { session, owner, state, waker: AtomicWaker::new() })
    }

    /// Whose it is.
    pub(crate) fn session(&self) -> &SessionId {
        &self.session
    }

    /// Puts in something to handle, if there is room: `room` is how much may wait.
    pub(crate) fn post(&self, mail: Mail, room: usize) -> Posted {
        let mut state = self.lock();
        if matches!(mail, Mail::Event { .. } | Mail::Sent { .. }) && state.mail.len() >= room {
            return Posted::Full;
        }
        state.mail.push_back(mail);
        let attended = state.attended;
        drop(state);
        if attended {
            self.waker.wake();
            Posted::Awake
        } else {
            Posted::Unattended
        }
    }

    /// Puts in an event for one component, or for all of them. If the session waits for its page, a task is started that
    /// gives it the event; if its mailbox is full, the event is lost, and counted.
    pub(crate) fn post_event(&self, component: Option<ComponentId>, event: ServerEvent) {
        self.post_or_drop(Mail::Event { component, event });
    }

    /// Puts in an event of a component for the other ones, as [`post_event`](Self::post_event) does.
    pub(crate) fn post_sent(&self, from: ComponentId, event: ServerEvent) {
        self.post_or_drop(Mail::Sent { from, event });
    }

    fn post_or_drop(&self, mail: Mail) {
        let Some(owner) = self.owner.upgrade() else { return };
        match self.post(mail, owner.core().limits.mailbox) {
            Posted::Awake => {}
            Posted::Unattended => owner.wake(&self.session),
            Posted::Full => Counters::add(&owner.core().counters.events_lost),
        }
    }

    /// Puts in what went on beside the session. If that waits for its page, a task is started that takes it in.
    pub(crate) fn finish(&self, done: Done) {
        self.post_and_attend(Mail::Done(Box::new(done)));
    }

    /// Ends the session, wherever it is: components are told why, and a page is closed with that code.
    pub(crate) fn end(&self, code: CloseCode, reason: UnmountReason) {
        self.post_and_attend(Mail::End(code, reason));
    }

    /// Ends the session, wherever it is, because access was taken away from its user. Nothing more is
    /// sent to the page, neither what waits nor what a connection would bring that is about to begin.
    pub(crate) fn revoke(&self) {
        {
            let mut state = self.lock();
            state.revoked = true;
            state.outbox = None;
        }
        self.end(CloseCode::Unauthenticated, UnmountReason::Revoked);
    }

    /// Returns whether access was taken away from the user. The mail says what follows.
    pub(crate) fn is_revoked(&self) -> bool {
        self.lock().revoked
    }

    /// Asks the task that has the session for its state, so that it is saved. A session that no task
    /// has was saved when it began to wait.
    pub(crate) fn ask_to_save(&self) {
        let mut state = self.lock();
        if state.attended {
            state.mail.push_back(Mail::Save);
            drop(state);
            self.waker.wake();
        }
    }

    /// Asks for the session to be written whole, wherever it is.
    pub(crate) fn enter_again(&self) {
        self.post_and_attend(Mail::Enter(None));
    }

    /// Handles that the store does not take the session.
    pub(crate) fn refused(&self, refusal: WriteRefusal) {
        match refusal {
            WriteRefusal::Absent => self.enter_again(),
            WriteRefusal::Taken => self.lose(Loss::Taken),
            // Other processes end a session that runs here only by revoking its user.
            WriteRefusal::Ended => self.revoke(),
        }
    }

    /// Drops the session, wherever it is, because it is not this process's any more.
    pub(crate) fn lose(&self, loss: Loss) {
        self.post_and_attend(Mail::Evict(loss));
    }

    fn post_and_attend(&self, mail: Mail) {
        if self.post(mail, usize::MAX) == Posted::Unattended
            && let Some(owner) = self.owner.upgrade()
        {
            owner.wake(&self.session);
        }
    }

    /// Takes out the next thing to handle.
    pub(crate) fn poll_mail(&self, cx: &mut Context<'_>) -> Poll<Mail> {
        self.waker.register(cx.waker());
        match self.lock().mail.pop_front() {
            Some(mail) => Poll::Ready(mail),
            None => Poll::Pending,
        }
    }

    /// Whether nothing waits to be handled; if so, from now on nobody attends to it.
    pub(crate) fn leave(&self) -> bool {
        let mut state = self.lock();
        if state.mail.is_empty() {
            state.attended = false;
        }
        !state.attended
    }

    /// The session is gone: what waits for it waits in vain, and who asked for it is told by the end of its channel.
    pub(crate) fn abandon(&self) {
        let mail = {
            let mut state = self.lock();
            state.outbox = None;
            std::mem::take(&mut state.mail)
        };
        drop(mail);
    }

    /// A task attends to it from now on.
    pub(crate) fn attend(&self) {
        self.lock().attended = true;
    }

    /// A connection is there: what is for the page waits in this outbox, unless access was taken away.
    /// Without one it is not kept, because a connection that comes starts from what each stream is by
    /// then.
    pub(crate) fn connect(&self, outbox: Option<Outbox>) {
        let mut state = self.lock();
        state.outbox = outbox.filter(|_| !state.revoked);
        state.beat = false;
        state.next_beat = None;
    }

    /// Whether a connection is there.
    pub(crate) fn is_connected(&self) -> bool {
        self.lock().outbox.is_some()
    }

    /// Sends a frame after what waits already.
    pub(crate) fn send(&self, frame: Bytes) {
        self.with_outbox(|outbox| outbox.push(Entry::Frame(frame)));
    }

    /// Sends a frame that may as well be lost: it is, if the client is behind.
    pub(crate) fn send_if_room(&self, frame: Bytes) {
        self.with_outbox(|outbox| {
            if outbox.has_room() {
                outbox.push(Entry::Frame(frame));
            }
        });
    }

    /// Sends a patch, unless the client is so far behind that it gets the stream's whole state instead.
    pub(crate) fn send_patch(&self, stream: StreamId, rev: Rev, frame: Bytes, answers: Option<Ref>) {
        self.with_outbox(|outbox| outbox.push(Entry::Patch { stream, rev, frame, answers }));
    }

    /// Sends a topic's patch, and tells the session if it watches the topic.
    pub(crate) fn send_topic(&self, topic: &TopicName, rev: Rev, frame: Bytes) {
        let mut state = self.lock();
        let State { mail, outbox, watched, .. } = &mut *state;
        let Some(outbox) = outbox else { return };
        outbox.push(Entry::Patch { stream: StreamId::Topic(topic.clone()), rev, frame, answers: None });
        let is_known = |mail: &Mail| matches!(mail, Mail::Topic(one) if one == topic);
        if watched.contains(topic) && !mail.iter().any(is_known) {
            mail.push_back(Mail::Topic(topic.clone()));
        }
        drop(state);
        self.waker.wake();
    }

    /// From now on the session is told when the topic changes, if the page follows it.
    pub(crate) fn watch(&self, topic: &TopicName) {
        let mut state = self.lock();
        if !state.watched.contains(topic) {
            state.watched.push(topic.clone());
        }
    }

    /// The session is told no more.
    pub(crate) fn unwatch(&self, topic: &TopicName) {
        self.lock().watched.retain(|one| one != topic);
    }

    /// Sends a stream's whole state as it is when its turn comes.
    pub(crate) fn send_snapshot(&self, stream: StreamId) {
        self.with_outbox(|outbox| outbox.push(Entry::Snapshot(stream)));
    }

    /// Whether nothing waits to be sent.
    pub(crate) fn is_flushed(&self) -> bool {
        self.lock().outbox.as_ref().is_none_or(Outbox::is_empty)
    }

    /// Takes out what is to be sent next.
    pub(crate) fn next_entry(&self) -> Option<Entry> {
        self.lock().outbox.as_mut().and_then(Outbox::pop)
    }

    /// Whether so much waits that nothing more should be read from the client.
    pub(crate) fn is_behind(&self) -> bool {
        self.lock().outbox.as_ref().is_some_and(|outbox| !outbox.has_room())
    }

    /// The clock ticks: wakes the connection, if there is one and its heartbeat's turn has come. Says how many bytes wait
    /// to be sent.
    pub(crate) fn tick(&self, now: Instant, heartbeat: Duration) -> usize {
        let mut state = self.lock();
        let Some(waiting) = state.outbox.as_ref().map(Outbox::bytes) else { return 0 };
        let due = state.next_beat.is_some_and(|next| next <= now);
        if due || state.next_beat.is_none() {
            state.next_beat = Some(now + heartbeat);
        }
        if due {
            state.beat = true;
            drop(state);
            self.waker.wake();
        }
        waiting
    }

    /// Whether the heartbeat's turn has come.
    pub(crate) fn take_beat(&self) -> bool {
        std::mem::take(&mut self.lock().beat)
    }

    fn with_outbox(&self, push: impl FnOnce(&mut Outbox)) {
        let mut state = self.lock();
        let Some(outbox) = &mut state.outbox else { return };
        push(outbox);
        drop(state);
        self.waker.wake();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic runs under the lock; if something did, the queues would still be whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
