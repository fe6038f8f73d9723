//! The port of a session: its mailbox and its outbox. The port is shared with other tasks and stays
//! the same, whichever task owns the session.

pub(crate) mod mail;
pub(crate) mod outbox;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use tokio::time::Instant;
use vivaz_components::{ServerEvent, UnmountReason};
use vivaz_protocol::{CloseCode, ComponentId, Ref, Rev, SessionId, StreamId, TopicName};

use crate::persist::store::{Fence, WriteRefusal};

use super::completion::Completion;
use super::port::mail::{EvictionReason, Mail};
use super::port::outbox::{Outbox, OutboxEntry};
use crate::telemetry::measured::OutboxTotals;

/// Finds the session of a port.
pub(crate) trait SessionOwner: Send + Sync {
    /// Starts a task that drives a suspended session, because it has mail.
    fn wake(self: Arc<Self>, session: &SessionId);
    /// Returns how many messages a mailbox may contain when an event is posted.
    fn mailbox_capacity(&self) -> usize;
    /// Counts an event that was dropped.
    fn count_lost_event(&self);
    /// Counts snapshots that have replaced the patches of as many streams.
    fn count_coalesced(&self, snapshots: usize);
}

/// A session's mailbox and outbox, shared with other tasks.
pub(crate) struct Port {
    session: SessionId,
    /// The fence of this copy of the session.
    fence: Fence,
    owner: Weak<dyn SessionOwner>,
    /// A std mutex: it is locked for one push or pop, never across an await.
    state: Mutex<PortState>,
    /// Wakes the task that drives the session.
    waker: AtomicWaker,
}

/// The state under the lock.
#[derive(Default)]
struct PortState {
    /// The mail to process. Only events are bounded: if the mailbox is full, an event is dropped
    /// and counted.
    mail: VecDeque<Mail>,
    /// The messages to send. `None` while there is no connection.
    outbox: Option<Outbox>,
    /// When the next heartbeat is due.
    next_heartbeat: Option<Instant>,
    /// Whether a heartbeat is due that the connection has not seen.
    is_heartbeat_due: bool,
    /// Topics from which children's props are computed. The session gets mail when one changes.
    watched: Vec<TopicName>,
    /// Whether a task drives the session. If not, the sender of mail starts one.
    has_task: bool,
    /// Whether the session is gone. There is no mail and no outbox from then on.
    is_closed: bool,
    /// Whether the user's access was revoked. There is no outbox from then on.
    is_revoked: bool,
}

/// The result of posting mail.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Posted {
    /// The task that drives the session was woken.
    Delivered,
    /// No task drives the session. The caller has to start one.
    NoTask,
    /// The mailbox is full. The mail was dropped.
    Full,
    /// The session is gone. The mail was dropped; a dropped sender in it reports the end to its
    /// receiver.
    Closed,
}

impl Port {
    /// Creates the port of a session without a task and without a connection.
    pub(crate) fn new(session: SessionId, fence: Fence, owner: Weak<dyn SessionOwner>) -> Arc<Self> {
        let state = Mutex::default();
        Arc::new(Self { session, fence, owner, state, waker: AtomicWaker::new() })
    }

    /// Returns the fence of this copy of the session.
    pub(crate) fn fence(&self) -> Fence {
        self.fence
    }

    /// Returns the session's id.
    pub(crate) fn session(&self) -> &SessionId {
        &self.session
    }

    /// Appends mail. An event is dropped if `capacity` messages or more are waiting.
    pub(crate) fn post(&self, mail: Mail, capacity: usize) -> Posted {
        let mut state = self.lock();
        if state.is_closed {
            drop(state);
            // Dropped outside of the lock, because mail may contain values of the application.
            drop(mail);
            return Posted::Closed;
        }
        if matches!(mail, Mail::Event { .. } | Mail::ComponentEvent { .. }) && state.mail.len() >= capacity {
            return Posted::Full;
        }
        state.mail.push_back(mail);
        let has_task = state.has_task;
        drop(state);
        if has_task {
            self.waker.wake();
            Posted::Delivered
        } else {
            Posted::NoTask
        }
    }

    /// Posts an event for one component, or for all. Starts a task if the session is suspended. If
    /// the mailbox is full, the event is dropped and counted.
    pub(crate) fn post_event(&self, component: Option<ComponentId>, event: ServerEvent) {
        self.post_or_drop(Mail::Event { component, event });
    }

    /// Posts an event of a component for the other ones, like [`post_event`](Self::post_event).
    pub(crate) fn post_component_event(&self, from: ComponentId, event: ServerEvent) {
        self.post_or_drop(Mail::ComponentEvent { from, event });
    }

    /// Posts an event, and counts it if it is dropped.
    fn post_or_drop(&self, mail: Mail) {
        let Some(owner) = self.owner.upgrade() else { return };
        match self.post(mail, owner.mailbox_capacity()) {
            Posted::Delivered => {}
            Posted::NoTask => owner.wake(&self.session),
            Posted::Full => owner.count_lost_event(),
            // As if the session had not been found any more.
            Posted::Closed => {}
        }
    }

    /// Posts a completion. Starts a task if the session is suspended.
    pub(crate) fn post_completion(&self, completion: Completion) {
        self.post_and_wake(Mail::Completed(Box::new(completion)));
    }

    /// Ends the session: unmounts its components with `reason`, and closes its connection with
    /// `code`.
    pub(crate) fn end(&self, code: CloseCode, reason: UnmountReason) {
        self.post_and_wake(Mail::End(code, reason));
    }

    /// Ends the session because the user's access was revoked. Nothing more is sent to the page,
    /// neither queued messages nor those of a connection that is about to resume the session.
    pub(crate) fn revoke(&self) {
        {
            let mut state = self.lock();
            state.is_revoked = true;
            state.outbox = None;
        }
        self.end(CloseCode::Unauthenticated, UnmountReason::Revoked);
    }

    /// Checks whether the user's access was revoked. The mail ends the session.
    pub(crate) fn is_revoked(&self) -> bool {
        self.lock().is_revoked
    }

    /// Requests a save from the task that drives the session. A suspended session was saved when it
    /// was suspended.
    pub(crate) fn request_save(&self) {
        let mut state = self.lock();
        if state.has_task && !state.is_closed {
            state.mail.push_back(Mail::Save);
            drop(state);
            self.waker.wake();
        }
    }

    /// Requests that the session be written whole.
    pub(crate) fn request_whole_write(&self) {
        self.post_and_wake(Mail::WriteWhole(None));
    }

    /// Handles that the store refuses the session.
    pub(crate) fn handle_refusal(&self, refusal: WriteRefusal) {
        match refusal {
            WriteRefusal::Absent => self.request_whole_write(),
            WriteRefusal::Taken => self.request_eviction(EvictionReason::Taken),
            // Other processes end a session of this process only by revoking its user.
            WriteRefusal::Ended => self.revoke(),
        }
    }

    /// Requests the eviction of the session.
    pub(crate) fn request_eviction(&self, reason: EvictionReason) {
        self.post_and_wake(Mail::Evict(reason));
    }

    /// Posts mail that is never dropped, and starts a task if the session is suspended.
    pub(crate) fn post_and_wake(&self, mail: Mail) {
        match self.post(mail, usize::MAX) {
            Posted::NoTask => {
                if let Some(owner) = self.owner.upgrade() {
                    owner.wake(&self.session);
                }
            }
            // What the mail requests of a session has no object once the session is gone.
            Posted::Delivered | Posted::Full | Posted::Closed => {}
        }
    }

    /// Asks the session to finish its jobs, to save itself and to release itself in the store.
    pub(crate) fn request_release(&self, generation: u64) {
        self.post_and_wake(Mail::Release(generation));
    }

    /// Polls for the next mail, and registers the task to wake.
    pub(crate) fn poll_mail(&self, cx: &mut Context<'_>) -> Poll<Mail> {
        self.waker.register(cx.waker());
        match self.lock().mail.pop_front() {
            Some(mail) => Poll::Ready(mail),
            None => Poll::Pending,
        }
    }

    /// Detaches the task, if there is no mail. Returns whether it did.
    pub(crate) fn detach_task(&self) -> bool {
        let mut state = self.lock();
        if state.mail.is_empty() {
            state.has_task = false;
        }
        !state.has_task
    }

    /// Closes the port for good, if there is no mail. Returns whether it did.
    pub(crate) fn close_without_mail(&self) -> bool {
        let mut state = self.lock();
        state.is_closed |= state.mail.is_empty();
        state.is_closed
    }

    /// Closes the port for good, because the session is gone. Drops all mail, and all that is
    /// posted later; a dropped sender reports the end of the session to its receiver.
    pub(crate) fn close(&self) {
        let mail = {
            let mut state = self.lock();
            state.is_closed = true;
            state.outbox = None;
            std::mem::take(&mut state.mail)
        };
        drop(mail);
    }

    /// Attaches a task: the port wakes it from now on.
    pub(crate) fn attach_task(&self) {
        self.lock().has_task = true;
    }

    /// Sets the outbox of a new connection, or removes it. Without a connection messages are
    /// dropped, because the next connection starts from the current state of each stream. A revoked
    /// session gets no outbox, and neither does a closed port.
    pub(crate) fn set_outbox(&self, outbox: Option<Outbox>) {
        let mut state = self.lock();
        state.outbox = outbox.filter(|_| !state.is_revoked && !state.is_closed);
        state.is_heartbeat_due = false;
        state.next_heartbeat = None;
    }

    /// Checks whether there is a connection.
    pub(crate) fn is_connected(&self) -> bool {
        self.lock().outbox.is_some()
    }

    /// Queues a frame.
    pub(crate) fn send(&self, frame: Bytes) {
        self.with_outbox(|outbox| outbox.push(OutboxEntry::Frame(frame)));
    }

    /// Queues a frame that may be lost. It is dropped if the client is behind.
    pub(crate) fn send_or_drop(&self, frame: impl FnOnce() -> Bytes) {
        self.with_outbox(
            |outbox| {
                if outbox.has_room() { outbox.push(OutboxEntry::Frame(frame())) } else { 0 }
            },
        );
    }

    /// Queues a patch. If the client is behind, a snapshot of the stream replaces its patches.
    pub(crate) fn send_patch(&self, stream: StreamId, rev: Rev, frame: Bytes, answers: Option<Ref>) {
        self.with_outbox(|outbox| outbox.push(OutboxEntry::Patch { stream, rev, frame, answers }));
    }

    /// Queues a topic's patch, and posts mail if the session watches the topic.
    pub(crate) fn send_topic_patch(&self, topic: &TopicName, rev: Rev, frame: impl FnOnce() -> Bytes) {
        let mut state = self.lock();
        let PortState { mail, outbox, watched, .. } = &mut *state;
        let Some(outbox) = outbox else { return };
        let stream = StreamId::Topic(topic.clone());
        let coalesced = outbox.push(OutboxEntry::Patch { stream, rev, frame: frame(), answers: None });
        let is_known = |mail: &Mail| matches!(mail, Mail::TopicChanged(one) if one == topic);
        if watched.contains(topic) && !mail.iter().any(is_known) {
            mail.push_back(Mail::TopicChanged(topic.clone()));
        }
        drop(state);
        self.waker.wake();
        self.count_coalesced(coalesced);
    }

    /// Watches a topic: the session gets mail when the topic changes and the page shows it.
    pub(crate) fn watch(&self, topic: &TopicName) {
        let mut state = self.lock();
        if !state.watched.contains(topic) {
            state.watched.push(topic.clone());
        }
    }

    /// Stops watching a topic.
    pub(crate) fn unwatch(&self, topic: &TopicName) {
        self.lock().watched.retain(|one| one != topic);
    }

    /// Queues a snapshot of a stream. It is encoded when it is sent.
    pub(crate) fn send_snapshot(&self, stream: StreamId) {
        self.with_outbox(|outbox| outbox.push(OutboxEntry::Snapshot(stream)));
    }

    /// Checks that no message waits in the outbox.
    pub(crate) fn is_flushed(&self) -> bool {
        self.lock().outbox.as_ref().is_none_or(Outbox::is_empty)
    }

    /// Takes the next entry of the outbox.
    pub(crate) fn next_entry(&self) -> Option<OutboxEntry> {
        self.lock().outbox.as_mut().and_then(Outbox::pop)
    }

    /// Checks whether the outbox is full. The server then reads no messages of the client.
    pub(crate) fn is_behind(&self) -> bool {
        self.lock().outbox.as_ref().is_some_and(|outbox| !outbox.has_room())
    }

    /// Handles a tick of the sweep: wakes the connection if its heartbeat is due. Adds the outbox
    /// to `totals`.
    pub(crate) fn tick(&self, now: Instant, heartbeat: Duration, totals: &mut OutboxTotals) {
        let mut state = self.lock();
        let Some(outbox) = &state.outbox else { return };
        totals.bytes += outbox.bytes();
        totals.messages += outbox.len();
        totals.largest = totals.largest.max(outbox.bytes());
        let due = state.next_heartbeat.is_some_and(|next| next <= now);
        if due || state.next_heartbeat.is_none() {
            state.next_heartbeat = Some(now + heartbeat);
        }
        if due {
            state.is_heartbeat_due = true;
            drop(state);
            self.waker.wake();
        }
    }

    /// Checks whether a heartbeat is due, once.
    pub(crate) fn take_heartbeat(&self) -> bool {
        std::mem::take(&mut self.lock().is_heartbeat_due)
    }

    /// Changes the outbox, if there is one, and wakes the task. `push` returns what
    /// [`Outbox::push`] returns.
    fn with_outbox(&self, push: impl FnOnce(&mut Outbox) -> usize) {
        let mut state = self.lock();
        let Some(outbox) = &mut state.outbox else { return };
        let coalesced = push(outbox);
        drop(state);
        self.waker.wake();
        self.count_coalesced(coalesced);
    }

    fn count_coalesced(&self, snapshots: usize) {
        if snapshots > 0
            && let Some(owner) = self.owner.upgrade()
        {
            owner.count_coalesced(snapshots);
        }
    }

    fn lock(&self) -> MutexGuard<'_, PortState> {
        // No code that can panic runs under the lock. If it did, the queues would still be
        // consistent.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
