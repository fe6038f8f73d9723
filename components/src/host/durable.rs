//! Jobs whose outcome is committed to the store before anything is sent.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use vivaz_databases::Tx;
use vivaz_protocol::Author;

use super::{Host, HostedComponent, ShownTopics, topics};
use crate::budget::Account;
use crate::component::{InTransaction, MethodOutcome};
use crate::context::FlushSlot;
use crate::effect::Effect;
use crate::fault::guard_now;
use crate::instance::{Finished, Instance, Job, Started};
use crate::journal::{ComponentChange, Journal, MessageId, Transaction, Work};
use crate::topic::{LogPlace, ReservedUpdates, StagedUpdate, TopicRef, TopicTurns, Unsent};
use crate::tracking::Tracker;
use crate::{ActionError, Context, Result};

/// The journal of a job, and the state before it.
#[derive(Clone)]
pub(super) struct Record {
    journal: Arc<dyn Journal>,
    message: Option<MessageId>,
    by: Option<Author>,
    /// Whether the component may change topics after the commit.
    may_be_late: bool,
    /// The component before the job, as it is saved.
    before: Arc<[u8]>,
    /// The state that the page had before the job.
    tracker: Arc<Tracker>,
    /// The bytes that the component counts against its session's budget.
    account: Arc<Account>,
    /// Whether the store records that the job was done even if it changed nothing.
    always: bool,
    /// The component to which a failed commit reverts; none before the page's edits are written.
    edited: Arc<Mutex<Option<EditedComponent>>>,
}

/// A component with the page's edits that came with a job.
struct EditedComponent {
    component: HostedComponent,
    /// Set if the edits changed the topic of a shared field.
    topics: Option<ShownTopics>,
}

/// The writes and the topic updates that belong to the commit of a job.
struct StagedCommit {
    work: Vec<Work>,
    updates: Vec<StagedUpdate>,
}

/// The topics of a commit, as far as nodes share them.
struct CommitTopics {
    turns: TopicTurns,
    by: Option<Author>,
    /// Set if the component may change topics whose log is not in the store's database.
    may_be_late: bool,
}

/// Changes of topics that belong to a transaction.
#[derive(Default)]
struct TopicChanges {
    /// Made inside the transaction, published after it.
    reserved: Option<ReservedUpdates>,
    /// Updates whose patches the topics send later.
    unsent: Vec<Unsent>,
}

/// Publishes changes of topics after the commit. If it is dropped before, the changes are dropped.
struct TopicPublication {
    changes: Arc<Mutex<TopicChanges>>,
    by: Option<Author>,
}

impl Host {
    /// Runs a job and commits its outcome. If the commit fails, the job fails, and the component is
    /// restored.
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
        let always = matches!(job, Job::Connected) || message.is_some() && !self.may_be_repeated(&job);
        let tracker = Arc::new(self.tracker.clone());
        let account = Arc::clone(&self.account);
        let by = cx.by().cloned();
        let edited = Arc::default();
        let may_be_late = cx.env().hub().updates_after_commit(self.component.spec().name);
        let record = Record { journal, message, by, may_be_late, before, tracker, account, always, edited };
        let untouched = match self.component.copy() {
            Ok(copy) => copy,
            Err(error) => return self.refuse(cx, error),
        };
        self.record = Some(record.clone());
        self.run_later(FlushSlot::default(), |host| async move {
            // Durable components do not flush.
            let mut finished = host.run_job(cx, job).end(drop).await;
            if finished.committed {
                return finished;
            }
            let Err(error) = record.clone().commit_into(&mut finished).await else { return finished };
            // The page's edits and the errors of a form survive the failure.
            let (component, topics) = match record.fallback() {
                Some(edited) => edited,
                None => match untouched.copy() {
                    Ok(copy) => (copy, None),
                    Err(_logged) => return record.failed(untouched, error, None),
                },
            };
            let mut failed = record.failed(component, error, topics);
            let Err(again) = record.clone().commit_into(&mut failed).await else { return failed };
            let error = failed.result.err().unwrap_or(again);
            record.failed(untouched, error, None)
        })
    }

    /// Keeps the page's edits even if the rest of the job fails, if the job is committed.
    pub(super) fn keep_edits(&self, topics: Option<&ShownTopics>) {
        if let Some(record) = &self.record
            && let Ok(component) = self.component.copy()
        {
            *lock(&record.edited) = Some(EditedComponent { component, topics: topics.cloned() });
        }
    }

    /// Returns whether the page may repeat the job in a new session, which has no record of it.
    fn may_be_repeated(&self, job: &Job) -> bool {
        matches!(job, Job::Action { action, .. } if self.component.spec().retried().any(|name| name == action))
    }

    /// Runs the last call of a job inside the transaction that commits its outcome. Edits of the
    /// page before the call are committed with it, and are kept if the call fails.
    pub(super) async fn run_in_transaction(
        mut self: Box<Self>,
        call: InTransaction,
        moved: Option<ShownTopics>,
    ) -> Finished {
        let Some(record) = self.record.clone() else {
            return self.settle(call(None), moved);
        };
        let (untouched, moved_before) = match self.component.copy() {
            Ok(copy) => (copy, moved.clone()),
            Err(error) => return self.settle(MethodOutcome { result: Err(error), ..call(None) }, moved),
        };
        let (changes, written) = (Arc::<Mutex<TopicChanges>>::default(), Arc::new(Mutex::new(None)));
        let (reserved, writes) = (Arc::clone(&changes), Arc::clone(&written));
        let publication = TopicPublication { changes: Arc::clone(&changes), by: record.by.clone() };
        let (message, span) = (record.message.clone(), tracing::Span::current());
        let shown: Vec<_> = topics::of(self.component.as_mut()).into_iter().map(|(_, topic)| topic).collect();
        let mut locked = record.topics(&shown).await;
        let transaction = Transaction {
            write: Box::new(move |tx| {
                let _entered = span.enter();
                guard_now("a transaction", || {
                    let place = locked.lock(tx)?;
                    let mut finished = self.settle(call(Some(tx)), moved);
                    let change = if finished.result.is_ok() {
                        StagedCommit::of(&mut finished)
                            .write(tx, &reserved, message.as_ref(), locked, place)
                            .and_then(|()| ComponentChange::of(&mut finished))
                    } else {
                        // An error rolls the transaction back; the reason is in `finished`.
                        Err(ActionError::internal("the handler failed"))
                    };
                    *lock(&writes) = Some(finished);
                    change
                })
            }),
            publish: Box::new(move || publication.publish()),
        };
        let committed = record.journal.commit(transaction).await;
        let finished = lock(&written).take();
        match (committed, finished) {
            (Ok(()), Some(mut finished)) => {
                finished.unsent.append(&mut lock(&changes).unsent);
                Finished { committed: true, ..finished }
            }
            (Err(_), Some(finished)) if finished.result.is_err() => finished,
            (Err(error), _) => {
                let (component, topics) = record.fallback().unwrap_or((untouched, moved_before));
                record.failed(component, error, topics)
            }
            (Ok(()), None) => record.failed(
                untouched,
                ActionError::internal("the store did not run the transaction"),
                moved_before,
            ),
        }
    }

    /// Takes over the changes of a call inside a transaction, where nothing can be awaited.
    fn settle(mut self: Box<Self>, mut returned: MethodOutcome, moved: Option<ShownTopics>) -> Finished {
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
    /// Waits for the turns of the topics that nodes share.
    async fn topics(&self, topics: &[TopicRef]) -> CommitTopics {
        let turns = TopicTurns::of(topics).await;
        CommitTopics { turns, by: self.by.clone(), may_be_late: self.may_be_late }
    }

    /// Takes out the component with the page's edits, if there were any.
    fn fallback(&self) -> Option<(HostedComponent, Option<ShownTopics>)> {
        lock(&self.edited).take().map(|EditedComponent { component, topics }| (component, topics))
    }

    /// Returns the result of a job whose commit failed: the component is restored, except for the
    /// errors of a form.
    fn failed(
        &self,
        mut component: HostedComponent,
        error: ActionError,
        topics: Option<ShownTopics>,
    ) -> Finished {
        if let (Some(errors), Some(field)) = (error.errors(), component.errors()) {
            *field = errors.clone();
        }
        let (tracker, account) = ((*self.tracker).clone(), Arc::clone(&self.account));
        account.restore(tracker.bytes());
        let mut host = Box::new(Host::idle(component, tracker, account));
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

    /// Commits the outcome of a finished job, if there is anything to commit.
    async fn commit_into(self, finished: &mut Finished) -> Result {
        finished.committed = self.commit(finished).await?;
        Ok(())
    }

    /// Commits the outcome of a finished job. Returns whether there was anything to commit.
    async fn commit(self, finished: &mut Finished) -> Result<bool> {
        let change = ComponentChange::of(finished)?;
        let writes = finished.effects.iter().any(|effect| matches!(effect, Effect::Commit(_)));
        let is_answered = self.always && change.done.is_some();
        let (staged, by) = (StagedCommit::of(finished), self.by.clone());
        let is_same = !change.moved && change.memberships.is_empty() && *change.state == *self.before;
        if is_same && !writes && !is_answered {
            // Only topics changed, which are not stored, so they do not wait for the disk.
            finished.unsent.extend(StagedUpdate::agree_all(staged.updates, by.as_ref()).await?);
            return Ok(false);
        }
        let changes = Arc::<Mutex<TopicChanges>>::default();
        let changed: Vec<_> = staged.updates.iter().map(StagedUpdate::topic).cloned().collect();
        let mut locked = self.topics(&changed).await;
        let (reserved, message) = (Arc::clone(&changes), self.message);
        let publication = TopicPublication { changes: Arc::clone(&changes), by };
        let transaction = Transaction {
            write: Box::new(move |tx| {
                guard_now("a write", || {
                    let place = locked.lock(tx)?;
                    staged.write(tx, &reserved, message.as_ref(), locked, place)?;
                    Ok(change)
                })
            }),
            publish: Box::new(move || publication.publish()),
        };
        self.journal.commit(transaction).await?;
        finished.unsent.append(&mut lock(&changes).unsent);
        Ok(true)
    }
}

impl CommitTopics {
    /// Locks the topics in the log, before the first statement of the transaction.
    fn lock(&mut self, tx: &mut Tx) -> Result<LogPlace> {
        self.turns.lock(tx)
    }
}

impl StagedCommit {
    /// Takes the writes and updates out of the effects.
    fn of(finished: &mut Finished) -> Self {
        let updates = Effect::take_updates(&mut finished.effects);
        let work = finished.effects.extract_if(.., |effect| matches!(effect, Effect::Commit(_)));
        let work = work
            .filter_map(|effect| if let Effect::Commit(work) = effect { Some(work) } else { None })
            .collect();
        Self { work, updates }
    }

    /// Runs the writes, and makes the changes of topics, which are published after the commit.
    fn write(
        self,
        tx: &mut Tx,
        changes: &Mutex<TopicChanges>,
        message: Option<&MessageId>,
        topics: CommitTopics,
        place: LogPlace,
    ) -> Result {
        self.work.into_iter().try_for_each(|work| work(tx))?;
        let CommitTopics { turns, by, may_be_late } = topics;
        let is_shared = !turns.is_empty() && !self.updates.is_empty();
        let reserved = match place {
            LogPlace::Inside if is_shared => turns.append(tx, self.updates, by.as_ref(), message)?,
            LogPlace::Outside if is_shared && !may_be_late => {
                return Err(ActionError::internal(
                    "the log of topics is not in the database of durable components; allow the component by its name to \
                     change topics after the commit",
                ));
            }
            LogPlace::Inside | LogPlace::Outside => StagedUpdate::reserve_all(self.updates, message)?,
        };
        lock(changes).reserved = Some(reserved);
        Ok(())
    }
}

impl TopicPublication {
    fn publish(self) {
        let Some(reserved) = lock(&self.changes).reserved.take() else { return };
        let unsent = reserved.publish(self.by.as_ref());
        lock(&self.changes).unsent = unsent;
    }
}

impl Drop for TopicPublication {
    fn drop(&mut self) {
        // Dropped here, where no lock is held.
        let _reverted = lock(&self.changes).reserved.take();
    }
}

impl ComponentChange {
    fn of(finished: &mut Finished) -> Result<Self> {
        Ok(Self {
            state: finished.instance.save()?,
            shown: finished.instance.state().ok(),
            moved: finished.patch.is_some() || finished.topics.is_some(),
            memberships: finished.effects.iter().filter_map(Effect::membership).collect(),
            page_effects: finished.effects.iter().filter_map(Effect::page_effect).collect(),
            done: finished.result.as_ref().ok().cloned(),
        })
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
