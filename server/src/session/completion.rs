//! Completions of work that the session waited for.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::time::Instant;
use vivaz_components::instance::{BoxFuture, Finished, Flushed, Instance, JobProgress};
use vivaz_components::{ActionError, Effect, Loaded, TaskOutcome};
use vivaz_protocol::{ComponentId, Ref, TopicName};

use super::task::{GuardedTask, TaskOrigin};
use crate::admission::seal::StateHash;
use crate::core::StreamEpoch;
use crate::persist::keeper::WholeWriteOutcome;
use crate::persist::store::StoreError;
use crate::telemetry::handler_run::HandlerRun;

/// Whether the session was written whole.
pub(crate) type WholeWriteResult = Result<(), Arc<StoreError>>;

/// A mount that has not finished.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PendingMount {
    pub(super) reference: Ref,
    pub(super) received_at: Instant,
    /// The hash of the state that the page was painted with, if the page has that state.
    pub(super) painted: Option<StateHash>,
}

/// Work that has finished. The session applies it.
pub(crate) enum Completion {
    /// Middleware has answered a request of the page.
    MiddlewareDecided {
        id: ComponentId,
        task: GuardedTask,
        origin: TaskOrigin,
        result: Result<(), ActionError>,
    },
    /// A handler has flushed. `rest` is the rest of its job.
    Flushed { job: SuspendedJob, flushed: Flushed, rest: BoxFuture<JobProgress> },
    /// A component's job has finished.
    JobFinished { id: ComponentId, origin: TaskOrigin, finished: Finished },
    /// Topics have authorized the user for a job that began before a resume. `resumes` counts the
    /// resumes at the time of the authorization.
    Reauthorized { completion: Box<Completion>, resumes: u32, refused: HashSet<TopicName> },
    /// A component's `unmount` hook has finished.
    UnmountFinished { id: ComponentId, origin: TaskOrigin, finished: Finished },
    /// A component was mounted, or its mount failed.
    MountFinished { id: ComponentId, mounting: PendingMount, mounted: Result<Box<dyn Instance>, ActionError> },
    /// A component was removed from the store. `effects` are those of its last job that follow the
    /// commit.
    ComponentRemoved { id: ComponentId, origin: TaskOrigin, effects: Vec<Effect> },
    /// The session was written whole, or the write failed or was refused. `None` if the session
    /// was dropped from the keeper before.
    WholeWritten { outcome: Option<WholeWriteOutcome>, answer: Option<oneshot::Sender<WholeWriteResult>> },
    /// Topics have sent the patches that a reply waited for.
    TopicsSent { id: ComponentId, number: u64 },
    /// A retry of a child's props is due.
    PropsRetryDue { id: ComponentId },
    /// A task of a component has finished.
    TaskFinished { id: ComponentId, epoch: StreamEpoch, outcome: TaskOutcome },
    /// A load of a field has finished.
    FieldLoaded { id: ComponentId, loaded: Loaded },
}

/// A component whose job is running.
pub(crate) struct SuspendedJob {
    pub(super) id: ComponentId,
    pub(super) origin: TaskOrigin,
    /// The handler's log events are in its span.
    pub(super) run: HandlerRun,
    /// Creates the completion of the job.
    pub(super) end: fn(ComponentId, TaskOrigin, Finished) -> Completion,
}

impl SuspendedJob {
    /// Returns the id of the component.
    pub(super) fn component(&self) -> &ComponentId {
        &self.id
    }
}
