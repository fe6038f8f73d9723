//! Completions of work that the session waited for.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::Span;
use vivaz_components::instance::{BoxFuture, Finished, Flushed, Instance, Progress};
use vivaz_components::{ActionError, Effect, Loaded, TaskOutcome};
use vivaz_protocol::{ComponentId, Ref, SessionId, TopicName};

use super::task::{Errand, Origin};
use crate::core::StreamEpoch;
use crate::persist::store::{Refusal, StoreError};

/// Whether the session was written whole.
pub(crate) type Entered = Result<(), Arc<StoreError>>;

/// A mount that has not finished.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mounting {
    pub(super) reference: Ref,
    pub(super) asked: Instant,
}

/// Work that has finished. The session applies it.
pub(crate) enum Done {
    /// Middleware has answered a request of the page.
    Allowed { id: ComponentId, errand: Errand, origin: Origin, result: Result<(), ActionError> },
    /// A handler has flushed. `rest` is the rest of its job.
    Flushed { away: Away, flushed: Flushed, rest: BoxFuture<Progress> },
    /// A component's job has finished.
    Job { id: ComponentId, origin: Origin, finished: Finished },
    /// Topics have authorized the user for a job that began before a resume. `resumes` counts the
    /// resumes at the time of the question.
    Asked { done: Box<Done>, resumes: u32, refused: HashSet<TopicName> },
    /// A component's `unmount` hook has finished.
    Ended { id: ComponentId, origin: Origin, finished: Finished },
    /// A component was mounted, or its mount failed.
    Mounted { id: ComponentId, mounting: Mounting, made: Result<Box<dyn Instance>, ActionError> },
    /// A component was removed from the store. `effects` are those of its last job that follow the
    /// commit.
    Removed { id: ComponentId, origin: Origin, effects: Vec<Effect> },
    /// The session was written whole, or the write failed or was refused.
    Entered {
        outcome: Result<Vec<(SessionId, Refusal)>, StoreError>,
        answer: Option<oneshot::Sender<Entered>>,
    },
    /// Topics have sent the patches that a reply waited for.
    Sent { id: ComponentId, number: u64 },
    /// A retry of a child's props is due.
    Waited { id: ComponentId },
    /// A task of a component has finished.
    Spawned { id: ComponentId, epoch: StreamEpoch, outcome: TaskOutcome },
    /// A load of a field has finished.
    Loaded { id: ComponentId, loaded: Loaded },
}

/// A component whose job is running.
pub(crate) struct Away {
    pub(super) id: ComponentId,
    pub(super) origin: Origin,
    /// The handler's log events have the component in this span.
    pub(super) span: Span,
    /// Creates the completion of the job.
    pub(super) end: fn(ComponentId, Origin, Finished) -> Done,
}

impl Away {
    /// Returns the id of the component.
    pub(super) fn component(&self) -> &ComponentId {
        &self.id
    }
}
