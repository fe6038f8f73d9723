//! Changes of a topic that several nodes share. They are drafted on the newest state that this node
//! knows and appended to the log at that position. If another node was faster, its entries are
//! taken, and the changes are drafted again.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use vivaz_protocol::log::{Escaped, Quoted};
use vivaz_protocol::{Author, ErrorCode};

use super::Cell;
use super::draft::{Applied, Base, Draft, Sending};
use super::presence::EVENTS_UP_TO;
use crate::cluster::{Appended, LogEntry, LogError, LogPosition};
use crate::error::{ActionError, Result};
use crate::event::ServerEvent;
use crate::fault::discard;
use crate::journal::OperationId;
use crate::topic::Topic;
use crate::topic::interval::MOST_AUTHORS;
use crate::topic::log_format::EntryContent;
use crate::topic::mutation::{Mutation, run};
use crate::topic::replica::{LogChange, LogTurn, Replica, WaitingUpdate};

/// How long an update waits for a log that cannot be reached. Then it fails as `overloaded`.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// The pause before a log that cannot be reached is tried again.
pub(super) const PAUSE: Duration = Duration::from_millis(50);

/// The most updates of one entry. More of them wait for the next one.
const BATCH: usize = 64;

/// A node writes a snapshot into the log with each entry whose revision is a multiple of this.
const SNAPSHOT_EVERY: u64 = 256;

/// A change that is to be appended to the log.
pub(in crate::topic) struct Attempt<'a, T> {
    change: &'a (dyn Fn(&mut T) -> Vec<ServerEvent> + Send + Sync + 'a),
    by: Option<&'a Author>,
    operations: Vec<OperationId>,
    deadline: Instant,
    outcome: Option<Result>,
}

/// Changes that are drafted as one entry.
struct EntryDraft<T> {
    draft: Draft<T>,
    events: Vec<ServerEvent>,
}

impl<T: Topic> Cell<T> {
    /// Adds changes to the next entry. The receiver gets the outcome when the patch is in the
    /// queues of this node's subscribers.
    pub(in crate::topic) fn agree(
        &self,
        changes: Vec<Mutation<T>>,
        by: Option<Author>,
        operations: Vec<OperationId>,
    ) -> oneshot::Receiver<Result> {
        self.enqueue(LogChange::Update(changes), by, operations)
    }

    /// Makes changes on a copy that is dropped.
    ///
    /// # Errors
    /// Returns the error that the changes would have now.
    pub(in crate::topic) fn check(&self, changes: &[Mutation<T>]) -> Result {
        let (state, value) = (self.lock(), self.value());
        let base = self.base(&state, &value);
        let ((), draft) = self.draft(base, Sending::Later, |value| run(changes, value))?;
        drop(state);
        discard("a topic's draft", draft);
        Ok(())
    }

    pub(super) fn enqueue(
        &self,
        change: LogChange<T>,
        by: Option<Author>,
        operations: Vec<OperationId>,
    ) -> oneshot::Receiver<Result> {
        let (answer, answered) = oneshot::channel();
        // Without a replica the sender is dropped.
        let Some(replica) = &self.replica else { return answered };
        let update = WaitingUpdate { change, by, operations, since: Instant::now(), answer: Some(answer) };
        if replica.enqueue(update)
            && let Some(me) = self.me.upgrade()
        {
            replica.executor.spawn(async move { me.append_waiting().await });
        }
        answered
    }

    /// Appends the updates that wait, until there are none.
    async fn append_waiting(self: Arc<Self>) {
        let Some(replica) = &self.replica else { return };
        loop {
            if let Some(time) = replica.reserve_time(T::INTERVAL) {
                sleep_until(time).await;
            }
            let mut turn = replica.turn.lock().await;
            let most = if T::INTERVAL.is_zero() { BATCH } else { usize::MAX };
            let mut batch = replica.take_waiting(most);
            if batch.is_empty() {
                return;
            }
            let changes: Vec<_> = batch
                .iter_mut()
                .map(|update| {
                    let change = std::mem::replace(&mut update.change, LogChange::Update(Vec::new()));
                    move |value: &mut T| change.make(value)
                })
                .collect();
            let mut attempts: Vec<Attempt<'_, T>> = batch
                .iter_mut()
                .zip(&changes)
                .map(|(update, change)| Attempt {
                    change,
                    by: update.by.as_ref(),
                    operations: std::mem::take(&mut update.operations),
                    deadline: update.since + PATIENCE,
                    outcome: None,
                })
                .collect();
            self.agree_on(replica, &mut turn, &mut attempts).await;
            drop(turn);
            let outcomes: Vec<_> = attempts.into_iter().map(|attempt| attempt.outcome).collect();
            discard("a change of a topic", changes);
            for (update, outcome) in batch.into_iter().zip(outcomes) {
                if let Some(answer) = update.answer {
                    // The receiver is gone if the job has ended meanwhile.
                    let _ = answer.send(outcome.unwrap_or(Ok(())));
                }
            }
        }
    }

    /// Makes a change, and sends it when all nodes agree. `operation` is called only if there are
    /// several.
    pub(crate) async fn apply_now<R: Send>(
        &self,
        by: Option<&Author>,
        operation: impl FnOnce() -> Option<OperationId>,
        change: impl Fn(&mut T) -> R + Send + Sync,
    ) -> Result<Applied<R>> {
        match &self.replica {
            None => self.apply(by, change),
            Some(replica) => {
                let operation = operation();
                let result = Box::pin(self.agree_now(replica, by, operation, change)).await?;
                Ok(Applied { result, unsent: None })
            }
        }
    }

    /// Makes a change in a turn of its own and returns the result of the closure, which may borrow.
    ///
    /// # Cancel safety
    /// If the future is dropped before it is done, the change may have been made.
    async fn agree_now<R: Send>(
        &self,
        replica: &Replica<T>,
        by: Option<&Author>,
        operation: Option<OperationId>,
        change: impl Fn(&mut T) -> R + Send + Sync,
    ) -> Result<R> {
        let deadline = Instant::now() + PATIENCE;
        let made = Mutex::new(None);
        let change = |value: &mut T| {
            let result = change(value);
            *made.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
            Vec::new()
        };
        let operations: Vec<_> = operation.into_iter().collect();
        let mut attempts = [Attempt { change: &change, by, operations, deadline, outcome: None }];
        let time = replica.reserve_time(T::INTERVAL);
        if let Some(time) = time {
            sleep_until(time).await;
        }
        let locked = timeout_at(deadline.max(time.unwrap_or(deadline)), replica.turn.lock()).await;
        let mut turn = locked.map_err(|_| overloaded())?;
        self.agree_on(replica, &mut turn, &mut attempts).await;
        drop(turn);
        let [attempt] = attempts;
        attempt.outcome.unwrap_or(Ok(()))?;
        if let Some(result) = made.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Ok(result);
        }
        // The change was made before, and its result is lost: the closure runs on a copy.
        let value = self.value();
        let (result, dropped) = {
            let state = self.lock();
            self.draft(self.base(&state, &value), Sending::Later, change)
                .map(|(_, draft)| (made.lock().unwrap_or_else(PoisonError::into_inner).take(), draft))?
        };
        discard("a topic's draft", dropped);
        result.ok_or_else(|| ActionError::internal("the change of a topic was not run"))
    }

    /// Appends changes as one entry, and publishes it. Sets the outcome of each.
    async fn agree_on(&self, replica: &Replica<T>, turn: &mut LogTurn, attempts: &mut [Attempt<'_, T>]) {
        for attempt in attempts.iter_mut().filter(|attempt| attempt.operations.is_empty()) {
            match turn.own_operation() {
                Ok(operation) => attempt.operations.push(operation),
                Err(error) => attempt.outcome = Some(Err(error)),
            }
        }
        self.take_notified(replica, turn);
        // Whether an append of these changes was not answered, and the log was not read since.
        let mut is_unsure = false;
        loop {
            if !is_unsure {
                self.settle_repeated(attempts);
                let Some(drafted) = self.draft_attempts(attempts) else { return };
                match self.append(replica, turn, attempts, drafted).await {
                    Ok(true) => return,
                    // Another node was faster. If its entry was not notified, it is read.
                    Ok(false) if self.take_notified(replica, turn) => continue,
                    Ok(false) => {}
                    Err(LogError::Unknown(_)) => is_unsure = true,
                    Err(LogError::TooLarge { bytes }) => {
                        return self.agree_on_each(replica, turn, attempts, bytes).await;
                    }
                    Err(error @ LogError::Unavailable(_)) => {
                        if !self.wait_for_log(attempts, is_unsure, &error).await {
                            return;
                        }
                        continue;
                    }
                    Err(error @ LogError::Unreadable(_)) => return refuse(attempts, &error),
                }
            }
            match self.read_log(replica, turn, is_unsure).await {
                Ok(()) => is_unsure = false,
                Err(LogError::Unreadable(what)) => return refuse(attempts, &LogError::Unreadable(what)),
                Err(error) => {
                    if !self.wait_for_log(attempts, is_unsure, &error).await {
                        return;
                    }
                }
            }
        }
    }

    /// Appends an entry. Returns whether it was added.
    async fn append(
        &self,
        replica: &Replica<T>,
        turn: &mut LogTurn,
        attempts: &mut [Attempt<'_, T>],
        drafted: EntryDraft<T>,
    ) -> Result<bool, LogError> {
        let EntryDraft { mut draft, events } = drafted;
        let open = || attempts.iter().filter(|attempt| attempt.outcome.is_none());
        let mut by: Vec<Author> = Vec::new();
        for author in open().filter_map(|attempt| attempt.by) {
            if by.len() < MOST_AUTHORS && !by.contains(author) {
                by.push(author.clone());
            }
        }
        let operations = open().flat_map(|attempt| attempt.operations.iter().cloned()).collect();
        let Some(patch) = draft.patch.take() else {
            // Nothing that other nodes see has changed.
            self.publish_entry(draft, EntryContent { patch: String::new(), by, operations, events });
            settle(attempts);
            return Ok(true);
        };
        let content = EntryContent { patch, by, operations, events };
        let body = content.write().map_err(|error| LogError::Unreadable(error.to_string()))?;
        let entry = LogEntry::after(&turn.at, body);
        let at = entry.at.clone();
        match replica.log.append(&turn.at, entry).await? {
            Appended::Done => {
                draft.patch = Some(content.patch.clone());
                self.publish_entry(draft, content);
                self.advance(turn, at);
                turn.checked = Instant::now();
                settle(attempts);
                Ok(true)
            }
            Appended::Moved => Ok(false),
        }
    }

    /// Advances after an entry of this node. Lets the follower write a snapshot if one is due.
    pub(super) fn advance(&self, turn: &mut LogTurn, at: LogPosition) {
        turn.is_snapshot_due |= at.rev.0.is_multiple_of(SNAPSHOT_EVERY);
        turn.advance(at);
        if let Some(replica) = self.replica.as_ref().filter(|_| turn.is_snapshot_due) {
            replica.inbox.wake.notify_one();
        }
    }

    /// Appends changes that are too large for one entry one by one.
    async fn agree_on_each(
        &self,
        replica: &Replica<T>,
        turn: &mut LogTurn,
        attempts: &mut [Attempt<'_, T>],
        bytes: usize,
    ) {
        let mut open: Vec<_> = attempts.iter_mut().filter(|attempt| attempt.outcome.is_none()).collect();
        if let [only] = &mut *open {
            let message = format!("the change has {bytes} bytes, more than the log of topics accepts");
            only.outcome = Some(Err(ActionError::new(ErrorCode::TooLarge, message)));
            return;
        }
        for attempt in open {
            Box::pin(self.agree_on(replica, turn, std::slice::from_mut(attempt))).await;
        }
    }

    /// Settles the changes that were made before.
    fn settle_repeated(&self, attempts: &mut [Attempt<'_, T>]) {
        let state = self.lock();
        for attempt in attempts.iter_mut().filter(|attempt| attempt.outcome.is_none()) {
            let done = attempt.operations.iter().map(|operation| self.is_done(&state, operation));
            match done.collect::<Result<Vec<_>>>() {
                Ok(done) if done.contains(&true) => attempt.outcome = Some(Ok(())),
                Ok(_) => {}
                Err(error) => attempt.outcome = Some(Err(error)),
            }
        }
    }

    /// Drafts the changes, each on top of the ones before. One that fails is settled and left out.
    /// Returns `None` if none is left.
    fn draft_attempts(&self, attempts: &mut [Attempt<'_, T>]) -> Option<EntryDraft<T>> {
        let mut open: Vec<_> = attempts.iter_mut().filter(|attempt| attempt.outcome.is_none()).collect();
        if open.is_empty() {
            return None;
        }
        let value = self.value();
        let (shown, bytes) = {
            let state = self.lock();
            (state.tracker.clone(), state.bytes)
        };
        let base = Base { value: &*value, shown: &shown, bytes };
        // Usually none fails, and they are compared once.
        let all = self.draft(base, Sending::Now, |value| {
            open.iter().flat_map(|attempt| (attempt.change)(value)).collect()
        });
        match all {
            Ok((events, draft)) => return Some(EntryDraft { draft, events }),
            Err(error) => {
                if let [only] = &mut *open {
                    only.outcome = Some(Err(error));
                    return None;
                }
            }
        }
        let mut last: Option<Draft<T>> = None;
        let mut events = Vec::new();
        for attempt in open {
            let base = last.as_ref().map_or(base, |draft| Base {
                value: &draft.value,
                shown: &shown,
                bytes: draft.tracker.bytes(),
            });
            match self.draft(base, Sending::Later, attempt.change) {
                Ok((of_change, draft)) => {
                    events.extend(of_change);
                    discard("a topic's draft", last.replace(draft));
                }
                Err(error) => attempt.outcome = Some(Err(error)),
            }
        }
        let last = last?;
        let base = Base { value: &last.value, shown: &shown, bytes: last.tracker.bytes() };
        match self.draft(base, Sending::Now, |_| ()) {
            Ok(((), draft)) => Some(EntryDraft { draft, events }),
            Err(error) => {
                let error = error.message().to_owned();
                for attempt in attempts.iter_mut().filter(|attempt| attempt.outcome.is_none()) {
                    attempt.outcome = Some(Err(ActionError::internal(error.clone())));
                }
                None
            }
        }
    }

    /// Stores the state after an entry, sends the patch and the events, and remembers the
    /// operations.
    pub(in crate::topic) fn publish_entry(&self, draft: Draft<T>, content: EntryContent) {
        let EntryContent { by, operations, events, .. } = content;
        let (mut state, now) = (self.lock(), Instant::now());
        self.store_and_send(&mut state, draft, None, by);
        operations.into_iter().for_each(|operation| state.operations.remember(operation, now));
        if state.subscribers.len() <= EVENTS_UP_TO {
            events.into_iter().for_each(|event| self.send_event(&state, event, None));
        }
    }

    /// Waits before the log is tried again. Settles the changes that have waited too long. Returns
    /// whether any is left.
    async fn wait_for_log(&self, attempts: &mut [Attempt<'_, T>], is_unsure: bool, error: &LogError) -> bool {
        let now = Instant::now();
        for attempt in attempts.iter_mut().filter(|attempt| attempt.outcome.is_none()) {
            if attempt.deadline <= now {
                attempt.outcome = Some(Err(if is_unsure { unknown() } else { overloaded() }));
            }
        }
        if attempts.iter().any(|attempt| attempt.outcome.is_none()) {
            sleep(PAUSE).await;
            return true;
        }
        let (topic, error) = (Quoted(&self.name), Escaped(error));
        tracing::warn!(%topic, %error, "updates of a topic are refused");
        false
    }
}

/// Settles the changes of an entry that was added.
fn settle<T>(attempts: &mut [Attempt<'_, T>]) {
    for attempt in attempts {
        attempt.outcome.get_or_insert(Ok(()));
    }
}

/// Refuses all changes, because the log cannot be used.
fn refuse<T>(attempts: &mut [Attempt<'_, T>], error: &LogError) {
    for attempt in attempts.iter_mut().filter(|attempt| attempt.outcome.is_none()) {
        attempt.outcome = Some(Err(ActionError::internal(error.to_string())));
    }
}

/// Returns the error of a change that was not made.
pub(in crate::topic) fn overloaded() -> ActionError {
    ActionError::new(
        ErrorCode::Overloaded,
        "shared state cannot be changed at the moment; nothing was changed",
    )
}

/// Returns the error of a change that may have been made.
fn unknown() -> ActionError {
    ActionError::internal("it is unknown whether a change of shared state was made")
}
