//! Work that had to wait and has finished.

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
use crate::persist::store::{StoreError, WriteRefusal};

/// Whether a session was written whole.
pub(crate) type Entered = Result<(), Arc<StoreError>>;

/// A mount that is under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mounting {
    pub(super) reference: Ref,
    pub(super) asked: Instant,
}

/// Something that had to wait, and is done.
pub(crate) enum Done {
    /// Whether an action may be called.
    Allowed { id: ComponentId, errand: Errand, origin: Origin, result: Result<(), ActionError> },
    /// A part of a component's job: what its handler sends before it is done.
    Flushed { away: Away, flushed: Flushed, rest: BoxFuture<Progress> },
    /// A component's job.
    Job { id: ComponentId, origin: Origin, finished: Finished },
    /// Topics were asked about what a job of before a resume has come to show; `resumes` says after which resume.
    Asked { done: Box<Done>, resumes: u32, refused: HashSet<TopicName> },
    /// A component's last job.
    Ended { id: ComponentId, origin: Origin, finished: Finished },
    /// A component is made, or could not be.
    Mounted { id: ComponentId, mounting: Mounting, made: Result<Box<dyn Instance>, ActionError> },
    /// A component is not in the store any more, or could not be taken out. `effects` is what its last
    /// job asked for beside what was committed with that.
    Removed { id: ComponentId, origin: Origin, effects: Vec<Effect> },
    /// The session was written whole, or was refused.
    Entered {
        outcome: Result<Vec<(SessionId, WriteRefusal)>, StoreError>,
        answer: Option<oneshot::Sender<Entered>>,
    },
    /// Topics have sent what a reply of the component waited for.
    Sent { id: ComponentId, number: u64 },
    /// A child that could not take its props may try again.
    Waited { id: ComponentId },
    /// A task that a component spawned has its result.
    Spawned { id: ComponentId, epoch: StreamEpoch, outcome: TaskOutcome },
    /// A field that a component began to load is there.
    Loaded { id: ComponentId, loaded: Loaded },
}

/// A component that is away with a job.
pub(crate) struct Away {
    pub(super) id: ComponentId,
    pub(super) origin: Origin,
    /// What its handler logs says which component it was.
    pub(super) span: Span,
    /// What the job's end is.
    pub(super) end: fn(ComponentId, Origin, Finished) -> Done,
}

impl Away {
    /// Returns which component it is.
    pub(super) fn component(&self) -> &ComponentId {
        &self.id
    }
}
