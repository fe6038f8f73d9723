//! Jobs whose outcome is committed before anybody is told.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use vivaz_protocol::Author;
use vivaz_protocol::log::{Escaped, Quoted};

use super::{Host, Outbox, Topics, topics};
use crate::budget::Account;
use crate::component::{Component, InTransaction, Returned};
use crate::event::Effect;
use crate::instance::{Finished, Instance, Job, Progress, Started};
use crate::journal::{Change, Journal, Message, Operation, Transaction, Work};
use crate::topic::{StagedUpdate, Unsent};
use crate::tracking::Tracker;
use crate::{ActionError, Context, Result};

/// What is known of a job whose outcome is committed.
#[derive(Clone)]
pub(super) struct Record {
    journal: Arc<dyn Journal>,
    message: Option<Message>,
    by: Option<Author>,
    /// What the component was before the job, as it is saved.
    before: Arc<[u8]>,
    /// What the page had of it.
    tracker: Arc<Tracker>,
    /// What the component counts against its session's budget.
    account: Arc<Account>,
    /// Whether it is kept that the job was done, also if nothing came of it.
    always: bool,
}

/// A job that was done inside of its transaction.
#[derive(Default)]
struct Written {
    finished: Option<Finished>,
    updates: Vec<StagedUpdate>,
    /// What the topics send later.
    unsent: Vec<Unsent>,
}

impl Host {
    /// Does a job and commits what came of it. If that fails, the job has failed, and the component is as it was.
    pub(super) fn run_durably(
        mut self: Box<Self>,
        journal: Arc<dyn Journal>,
        cx: Context,
        job: Job,
    ) -> Started {
        let before = match self.save() {
            Ok(before) => before.into(),
            Err(error) => return self.refuse(cx, error),
        };
        let message = journal.message();
        let always = message.is_some() && !self.may_be_repeated(&job);
        let tracker = Arc::new(self.tracker.clone());
        let account = Arc::clone(&self.account);
        let by = cx.by().cloned();
        let record = Record { journal, message, by, before, tracker, account, always };
        let untouched = self.component.duplicate();
        self.record = Some(record.clone());
        self.run_later(Outbox::default(), |host| async move {
            let mut finished = match host.run_job(cx, job) {
                Started::Now(finished) => finished,
                // Components that are durable do not flush.
                Started::Running { future, .. } => Progress::end(future, drop).await,
            };
            if finished.committed {
                return finished;
            }
            match record.clone().commit(&mut finished).await {
                Ok(committed) => Finished { committed, ..finished },
                Err(error) => record.failed(untouched, error, None),
            }
        })
    }

    /// Whether the page may send it to a new session too, where nothing is known of it.
    fn may_be_repeated(&self, job: &Job) -> bool {
        matches!(job, Job::Action { action, .. } if self.component.spec().retried().any(|name| name == action))
    }

    /// Does the last part of a job, a call that is made inside of the transaction that keeps what comes of it. What went
    /// before the call (edits of the page) is kept with it, and stays if the call fails.
    pub(super) async fn run_in_transaction(
        self: Box<Self>,
        call: InTransaction,
        moved: Option<Topics>,
    ) -> Finished {
        let Some(record) = self.record.clone() else {
            return self.settle(call(None), moved);
        };
        let (untouched, shown) = (self.component.duplicate(), moved.clone());
        let written = Arc::new(Mutex::new(Written::default()));
        let (writes, publishes) = (Arc::clone(&written), Arc::clone(&written));
        let (by, message, span) = (record.by.clone(), record.message.clone(), tracing::Span::current());
        let transaction = Transaction {
            write: Box::new(move |connection| {
                let _entered = span.enter();
                let mut finished = self.settle(call(Some(connection)), moved);
                let mut written = lock(&writes);
                let change = if finished.result.is_ok() {
                    let (work, updates) = take_staged(&mut finished);
                    written.updates = updates;
                    work.into_iter()
                        .try_for_each(|work| work(connection))
                        .and_then(|()| written.updates.iter().try_for_each(StagedUpdate::check))
                        .and_then(|()| Change::of(&mut finished))
                } else {
                    // So that nothing is kept of it; why stands in `finished`.
                    Err(ActionError::internal("the handler failed"))
                };
                written.finished = Some(finished);
                change
            }),
            publish: Box::new(move || {
                let updates = std::mem::take(&mut lock(&publishes).updates);
                let unsent = publish(updates, by.as_ref(), message.as_ref());
                lock(&publishes).unsent = unsent;
            }),
        };
        let committed = record.journal.commit(transaction).await;
        let (finished, mut unsent) = {
            let mut written = lock(&written);
            (written.finished.take(), std::mem::take(&mut written.unsent))
        };
        match (committed, finished) {
            (Ok(()), Some(mut finished)) => {
                finished.unsent.append(&mut unsent);
                Finished { committed: true, ..finished }
            }
            (Err(_), Some(finished)) if finished.result.is_err() => finished,
            (Err(error), _) => record.failed(untouched, error, shown),
            (Ok(()), None) => {
                record.failed(untouched, ActionError::internal("the store called nothing"), shown)
            }
        }
    }

    /// Takes over what a call did inside of a transaction, where nothing can be waited for.
    fn settle(mut self: Box<Self>, mut returned: Returned, moved: Option<Topics>) -> Finished {
        if returned.result.is_ok() {
            match topics::have_moved(returned.component.as_mut()) {
                Ok(false) => {}
                Ok(true) => {
                    returned.result = Err(ActionError::internal(
                        "a shared field cannot turn to another topic inside of a transaction",
                    ));
                }
                Err(error) => returned.result = Err(error),
            }
        }
        let mut outcome = self.take_over(returned, None);
        outcome.topics = moved;
        self.finish(outcome)
    }
}

impl Record {
    /// A job whose outcome was not kept: the component is what it was.
    fn failed(&self, component: Box<dyn Component>, error: ActionError, topics: Option<Topics>) -> Finished {
        let (tracker, account) = ((*self.tracker).clone(), Arc::clone(&self.account));
        account.restore(tracker.bytes());
        let mut host =
            Box::new(Host { component, tracker, account, unedited: None, untold: None, record: None });
        let patch = host.compare().unwrap_or_default().patch;
        Finished {
            instance: host,
            effects: Vec::new(),
            patch,
            topics,
            result: Err(error),
            unsent: Vec::new(),
            committed: false,
        }
    }

    /// Commits what there is to commit of a job that is done; says whether there was anything.
    async fn commit(self, finished: &mut Finished) -> Result<bool> {
        let change = Change::of(finished)?;
        let writes = finished.effects.iter().any(|effect| matches!(effect, Effect::Commit(_)));
        let is_answered = self.always && change.done.is_some();
        if !change.moved && !writes && !is_answered && *change.state == *self.before {
            // What it tells others is not kept, so it does not wait for the disk.
            return Ok(false);
        }
        let (work, updates) = take_staged(finished);
        // Before the commit, because what is kept cannot be taken back.
        updates.iter().try_for_each(StagedUpdate::check)?;
        let unsent = Arc::new(Mutex::new(Vec::new()));
        let published = Arc::clone(&unsent);
        let transaction = Transaction {
            write: Box::new(move |connection| {
                work.into_iter().try_for_each(|work| work(connection))?;
                Ok(change)
            }),
            publish: Box::new(move || {
                let unsent = publish(updates, self.by.as_ref(), self.message.as_ref());
                *published.lock().unwrap_or_else(PoisonError::into_inner) = unsent;
            }),
        };
        self.journal.commit(transaction).await?;
        finished.instance.keep();
        finished.unsent.append(&mut unsent.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(true)
    }
}

impl Change {
    fn of(finished: &mut Finished) -> Result<Self> {
        Ok(Self {
            state: finished.instance.save()?,
            moved: finished.patch.is_some() || finished.topics.is_some(),
            done: finished.result.as_ref().ok().cloned(),
        })
    }
}

/// What is done with the commit and right after it, taken out of what the session does.
fn take_staged(finished: &mut Finished) -> (Vec<Work>, Vec<StagedUpdate>) {
    let (mut work, mut updates) = (Vec::new(), Vec::new());
    for effect in std::mem::take(&mut finished.effects) {
        match effect {
            Effect::Commit(one) => work.push(one),
            Effect::Update(update) => updates.push(update),
            Effect::Emit { .. }
            | Effect::Join(_)
            | Effect::Leave(_)
            | Effect::Spawn(_)
            | Effect::Load(_)
            | Effect::Close => finished.effects.push(effect),
        }
    }
    (work, updates)
}

/// Tells topics what is kept already.
fn publish(updates: Vec<StagedUpdate>, by: Option<&Author>, message: Option<&Message>) -> Vec<Unsent> {
    let mut unsent = Vec::new();
    for (number, update) in (0..).zip(updates) {
        let topic = update.topic().name().clone();
        let operation = message.map(|message| Operation { message: message.clone(), number });
        match update.publish(by, operation) {
            Ok(later) => unsent.extend(later),
            Err(error) => {
                let (topic, error) = (Quoted(&topic), Escaped(&error));
                tracing::error!(%topic, %error, "a topic does not show what was committed until it is loaded again");
            }
        }
    }
    unsent
}

fn lock(written: &Mutex<Written>) -> MutexGuard<'_, Written> {
    written.lock().unwrap_or_else(PoisonError::into_inner)
}
