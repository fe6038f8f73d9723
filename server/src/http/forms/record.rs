//! The record of a submitted form in the session store.
//!
//! It is a session of its own, whose id is derived from the form's nonce and which no page can
//! resume: its secrets are unknown. So every store records forms, and a durable component's change
//! is committed together with the record. The generation of its secrets is 1 while the form is
//! being run, and 2 when it is done.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use blake3::Hash;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use vivaz_components::instance::BoxFuture;
use vivaz_components::spec::Spec;
use vivaz_components::{ActionError, Identity, Journal, MessageId, Result as ActionResult, Transaction};
use vivaz_protocol::{ComponentId, Ref, SessionId};

use crate::admission::form::outcome::{FormOutcome, SavedState};
use crate::admission::form::seal::FormSeal;
use crate::admission::secret::random_bytes;
use crate::persist::keeper::Keeper;
use crate::persist::store::{
    Commit, CommitError, CommitRecord, ComponentState, Fence, Owner, ReleasedAs, Secrets, SessionHead,
    SessionProgress, SnapshotHead, StoreError, StoredChange, StoredComponent, StoredOrigin, StoredReply,
    WriteRefusal,
};
use crate::telemetry::log::Escaped;

/// The id of the component in the record, and its epoch.
const COMPONENT: &str = "form";
/// The generation of the secrets while the form is being run.
const RUNNING: u64 = 1;
/// The generation when it is done.
const DONE: u64 = 2;
/// The encoded outcome of a form that was not run, and may be run.
const NOT_RUN: &str = "null";
/// The pause between two looks at a form that another process runs.
const POLL: Duration = Duration::from_millis(100);
/// How much longer than its form a record is kept.
const SPARE: Duration = Duration::from_secs(60);

/// The record of a form that this process runs.
pub(super) struct FormRecord {
    keeper: Arc<Keeper>,
    session: SessionId,
    /// The fence of the record that this process has inserted or claimed.
    fence: Fence,
    schema: u64,
    /// The hash of the values that the form was sent with.
    values: String,
    /// Whether each change of the component is committed.
    is_durable: bool,
    good_for: Duration,
    progress: Arc<FormProgress>,
}

/// What the commits of a form's handlers have changed.
#[derive(Default)]
struct FormProgress {
    /// The number of jobs that have begun.
    jobs: AtomicU64,
    version: AtomicU64,
    /// Whether it is unknown if a commit was made.
    is_unknown: AtomicBool,
}

/// The position of a job in its form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JobOrder {
    /// Others may follow.
    Earlier,
    /// The form is done if it succeeds.
    Last,
}

/// What the store knows about a form.
pub(super) enum Recorded {
    /// Nothing, or that it was not run. This process may run it.
    New(FormRecord),
    /// Its outcome.
    Done(Box<FormOutcome>),
    /// It was begun, and its outcome is unknown.
    Interrupted,
    /// It was begun with other values.
    Changed,
    /// It has expired, or its user's access was revoked.
    Ended,
}

/// The encoded outcome. The state is that of the stored component.
#[derive(Serialize, Deserialize)]
struct StoredOutcome {
    outcome: FormOutcome,
    has_state: bool,
}

/// Returns the id of a form's record.
pub(super) fn session_of(form: &FormSeal) -> Result<SessionId, ActionError> {
    Ok(SessionId::new(&format!("form-{}", form.nonce))?)
}

/// Returns the id of the component in a form's record.
pub(super) fn record_component() -> Result<ComponentId, ActionError> {
    Ok(ComponentId::new(COMPONENT)?)
}

impl FormRecord {
    /// Begins the record of a form, or returns what is recorded. Waits for at most `patience` for
    /// another process that runs the form.
    ///
    /// # Errors
    /// Returns an error if the store fails. The form was not run then.
    pub(super) async fn begin(
        keeper: &Arc<Keeper>,
        form: &FormSeal,
        values: Hash,
        spec: &'static Spec,
        identity: &Identity,
        now: u64,
        patience: Duration,
    ) -> Result<Recorded, StoreError> {
        let session = session_of(form).map_err(|error| StoreError::failed(error.to_string()))?;
        let good_for = Duration::from_secs(form.expires.saturating_sub(now)) + SPARE;
        let progress = Arc::default();
        let keeper = Arc::clone(keeper);
        let is_durable = keeper.commits(spec);
        let mut record = Self {
            keeper,
            session,
            fence: Fence::FIRST,
            schema: spec.schema(),
            values: values.to_string(),
            is_durable,
            good_for,
            progress,
        };
        let until = Instant::now() + patience;
        loop {
            let Some(head) = record.keeper.store.find(&record.session).await? else {
                match record.insert(spec, identity).await {
                    Ok(()) => return Ok(Recorded::New(record)),
                    Err(CommitError::Refused(WriteRefusal::Ended)) => return Ok(Recorded::Ended),
                    // Another process was faster.
                    Err(CommitError::Refused(WriteRefusal::Taken) | CommitError::Conflict)
                        if Instant::now() < until =>
                    {
                        continue;
                    }
                    Err(CommitError::Store(error) | CommitError::Unknown(error)) => return Err(error),
                    Err(error) => return Err(StoreError::failed(format!("{error:?}"))),
                }
            };
            let is_elsewhere = head.holder != *record.keeper.process;
            if head.secrets.generation < DONE && is_elsewhere && Instant::now() < until {
                tokio::time::sleep(POLL).await;
                continue;
            }
            if let Some(recorded) = record.read(&head).await? {
                if matches!(recorded, Known::NotRun) {
                    return Ok(Recorded::New(record));
                }
                record.release().await;
                return Ok(match recorded {
                    Known::Outcome(outcome) => Recorded::Done(outcome),
                    Known::Changed => Recorded::Changed,
                    Known::NotRun | Known::Nothing => Recorded::Interrupted,
                });
            }
        }
    }

    /// Inserts the record, unless the store has it.
    async fn insert(&self, spec: &'static Spec, identity: &Identity) -> Result<(), CommitError> {
        let change = StoredChange::Mounted {
            component: Box::new(StoredComponent {
                id: COMPONENT.to_owned(),
                name: spec.name.to_owned(),
                schema: self.schema,
                // It stands for what the page has: the values of the form.
                template: self.values.clone(),
                origin: StoredOrigin::Sealed,
                props: "{}".to_owned(),
                state: b"{}".to_vec(),
                epoch: COMPONENT.to_owned(),
                rev: 0,
                version: 0,
                settled: 0,
                durable: self.is_durable,
                anew: false,
                rooms: Vec::new(),
                connected: true,
                shown: None,
            }),
        };
        let (session, by) = (self.session.clone(), Arc::clone(&self.keeper.process));
        let creates = SnapshotHead {
            owner: Owner {
                user: identity.user_id().map(str::to_owned),
                tenant: identity.tenant().map(str::to_owned),
                login: identity.login().map(str::to_owned),
            },
            secrets: secrets(RUNNING).map_err(CommitError::Store)?,
            progress: SessionProgress::default(),
            good_for: self.good_for,
        };
        let commit = Commit::of(session, by, Fence::FIRST, 0, change, None);
        self.keeper.store.commit(Commit { creates: Some(Box::new(creates)), ..commit }).await
    }

    /// Makes this process the holder of the record, and reads it. Returns `None` if another process
    /// has changed it meanwhile.
    async fn read(&mut self, head: &SessionHead) -> Result<Option<Known>, StoreError> {
        let store = &self.keeper.store;
        let Some(stored) = store.claim(&self.session, &self.keeper.process, head).await? else {
            return Ok(None);
        };
        self.fence = stored.fence;
        let Some(component) = stored.components.into_iter().next() else { return Ok(Some(Known::Nothing)) };
        let Some(reply) = stored.replies.into_iter().next_back() else {
            // A durable component's handler has changed nothing before its first commit.
            let is_untouched = component.durable && component.version == 0;
            return Ok(Some(if is_untouched { Known::NotRun } else { Known::Nothing }));
        };
        if reply.body == NOT_RUN {
            return Ok(Some(Known::NotRun));
        }
        if component.template != self.values {
            return Ok(Some(Known::Changed));
        }
        let unreadable = |error: String| StoreError::Unreadable(error);
        let StoredOutcome { mut outcome, has_state } =
            serde_json::from_str(&reply.body).map_err(|error| unreadable(error.to_string()))?;
        if has_state {
            let json = String::from_utf8(component.state).map_err(|error| unreadable(error.to_string()))?;
            outcome.state = Some(SavedState { schema: component.schema, json });
        }
        Ok(Some(Known::Outcome(Box::new(outcome))))
    }

    /// Returns the journal for the next job of the form's component. `outcome` has the requests of
    /// the earlier jobs to the page.
    pub(super) fn journal(&self, order: JobOrder, outcome: &FormOutcome) -> ActionResult<Arc<dyn Journal>> {
        let number = self.progress.jobs.fetch_add(1, Ordering::SeqCst) + 1;
        Ok(Arc::new(FormJournal {
            keeper: Arc::clone(&self.keeper),
            message: MessageId { session: self.session.clone(), reference: Ref::new(number)? },
            fence: self.fence,
            order,
            outcome: Arc::new(Mutex::new(outcome.clone())),
            progress: Arc::clone(&self.progress),
        }))
    }

    /// Records that the form was not run, so that it can be sent again.
    pub(super) async fn withdraw(&self) {
        // That of a durable component says so already, because its version is 0.
        if !self.is_durable {
            let written = self.commit(b"{}".to_vec(), NOT_RUN.to_owned()).await;
            if let Err(error) = written {
                tracing::error!(error = %Escaped(&error), "cannot record that a form was not run");
            }
        }
        self.release().await;
    }

    /// Returns whether it is unknown if a commit was made.
    pub(super) fn is_unknown(&self) -> bool {
        self.progress.is_unknown.load(Ordering::SeqCst)
    }

    /// Writes the outcome. If the store fails, the form counts as interrupted.
    pub(super) async fn finish(&self, outcome: &FormOutcome) {
        if !self.is_unknown() {
            let written = self.write(outcome).await;
            if let Err(error) = written {
                tracing::error!(error = %Escaped(&error), "cannot record the outcome of a form");
            }
        }
        self.release().await;
    }

    async fn write(&self, outcome: &FormOutcome) -> Result<(), String> {
        let mut outcome = outcome.shortened().unwrap_or_else(|| outcome.clone());
        let state = outcome.state.take().map(|state| state.json.into_bytes());
        let body = StoredOutcome { has_state: state.is_some(), outcome };
        let body = serde_json::to_string(&body).map_err(|error| error.to_string())?;
        self.commit(state.unwrap_or_else(|| b"{}".to_vec()), body).await?;
        let done = secrets(DONE).map_err(|error| error.to_string())?;
        let (store, process) = (&self.keeper.store, &self.keeper.process);
        let renewed = store.renew(&self.session, process, self.fence, done, self.good_for).await;
        renewed.map_err(|error| error.to_string())
    }

    /// Commits the state of the form's component and an encoded outcome.
    async fn commit(&self, state: Vec<u8>, body: String) -> Result<(), String> {
        let state = component_state(state).map_err(|error| error.to_string())?;
        let change = StoredChange::Changed { state, settled: Ref::FIRST.get() };
        let (session, by) = (self.session.clone(), Arc::clone(&self.keeper.process));
        let commit = Commit::of(session, by, self.fence, 0, change, Some(stored_reply(body)));
        self.keeper.store.commit(commit).await.map_err(|error| format!("{error:?}"))
    }

    async fn release(&self) {
        let (store, process) = (&self.keeper.store, &self.keeper.process);
        let released = store.release(&self.session, process, self.fence, ReleasedAs::Unchanged).await;
        if let Err(error) = released {
            tracing::error!(error = %Escaped(&error), "cannot release the record of a form");
        }
    }
}

/// What a record says.
enum Known {
    Outcome(Box<FormOutcome>),
    NotRun,
    /// That it was run with other values.
    Changed,
    Nothing,
}

/// Commits the changes of one job together with the record that the form was run.
struct FormJournal {
    keeper: Arc<Keeper>,
    /// The job. Topics deduplicate its changes by it, so each job has a reference of its own.
    message: MessageId,
    fence: Fence,
    order: JobOrder,
    /// The outcome of the form if this job ends it.
    outcome: Arc<Mutex<FormOutcome>>,
    progress: Arc<FormProgress>,
}

impl Journal for FormJournal {
    fn commit(&self, transaction: Transaction) -> BoxFuture<vivaz_components::Result> {
        let Transaction { write, publish } = transaction;
        let component = match record_component() {
            Ok(component) => component,
            Err(error) => return Box::pin(std::future::ready(Err(error))),
        };
        let version = self.progress.version.load(Ordering::SeqCst);
        let (order, outcome) = (self.order, Arc::clone(&self.outcome));
        let committed = self.keeper.store.commit(Commit {
            session: self.message.session.clone(),
            by: Arc::clone(&self.keeper.process),
            fence: self.fence,
            creates: None,
            expects: Some((component, version)),
            received: 0,
            write: Box::new(move |tx| {
                let change = write(tx)?;
                let mut outcome = outcome.lock().unwrap_or_else(PoisonError::into_inner);
                outcome.add(change.page_effects);
                let is_done = order == JobOrder::Last && change.done.is_some();
                let done = is_done.then(|| StoredOutcome { outcome: outcome.clone(), has_state: true });
                let body = done.as_ref().map(serde_json::to_string).transpose()?;
                let state = component_state(change.state)?;
                Ok(CommitRecord {
                    change: StoredChange::Changed { state, settled: Ref::FIRST.get() },
                    reply: body.map(stored_reply),
                })
            }),
            publish,
        });
        let progress = Arc::clone(&self.progress);
        Box::pin(async move {
            match committed.await {
                Ok(()) => {
                    progress.version.fetch_add(1, Ordering::SeqCst);
                    Ok(())
                }
                Err(CommitError::Work(error)) => Err(error),
                Err(CommitError::Store(error)) => Err(ActionError::internal(error)),
                Err(CommitError::Unknown(error)) => {
                    progress.is_unknown.store(true, Ordering::SeqCst);
                    Err(ActionError::internal(error))
                }
                // Another process has taken the form over, or the store has lost it.
                Err(error @ (CommitError::Refused(_) | CommitError::Absent(_) | CommitError::Conflict)) => {
                    progress.is_unknown.store(true, Ordering::SeqCst);
                    Err(ActionError::internal(format!("{error:?}")))
                }
            }
        })
    }

    fn message(&self) -> Option<MessageId> {
        Some(self.message.clone())
    }
}

fn component_state(state: Vec<u8>) -> Result<ComponentState, ActionError> {
    Ok(ComponentState {
        id: record_component()?,
        state,
        shown: None,
        props: "{}".to_owned(),
        epoch: COMPONENT.to_owned(),
        rev: 0,
        rooms: Vec::new(),
        connected: true,
    })
}

fn stored_reply(body: String) -> StoredReply {
    StoredReply { reference: Ref::FIRST.get(), body }
}

/// Returns random secrets, which are kept nowhere else.
fn secrets(generation: u64) -> Result<Secrets, StoreError> {
    let current = random_bytes().map_err(|error| StoreError::failed(error.to_string()))?;
    Ok(Secrets { generation, current, previous: None })
}
