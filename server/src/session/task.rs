//! Tasks of components and their origins.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;
use serde_json::value::RawValue;
use tokio::time::Instant;
use vivaz_components::instance::Job;
use vivaz_components::{Key, UnmountReason};
use vivaz_protocol::{ComponentId, Ref};

use super::child::Props;
use crate::admission::middleware::CallRequest;

/// A task in a component's queue.
pub(super) enum Task {
    /// Runs a job.
    Job { job: Job, origin: TaskOrigin },
    /// Applies a `PROPS_UPDATE`.
    Props { given: PropsRequest, origin: TaskOrigin },
    /// Compares the props of a child with those that its parent gives.
    CompareProps,
    /// Mounts a child at a place that did not exist before.
    MountChild(Box<ChildMount>),
    /// Unmounts the component.
    Unmount { origin: TaskOrigin },
}

/// The contents of a `PROPS_UPDATE`.
#[derive(Debug)]
pub(crate) struct PropsRequest {
    /// The props that the page gives to a child, by name.
    pub(crate) page: BTreeMap<String, Box<RawValue>>,
    /// The changed props of an open component, as an object.
    pub(crate) props: Option<Box<RawValue>>,
}

/// A task that middleware may refuse, if a page caused it.
#[derive(Debug)]
pub(crate) enum GuardedTask {
    /// A job.
    Job(Job),
    /// A `PROPS_UPDATE`.
    Props(PropsRequest),
}

/// The origin of a task.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TaskOrigin {
    /// A message of the page with a `ref`, which gets a reply.
    Page { reference: Ref, received_at: Instant },
    /// An action of the page without a `ref`, which gets no reply.
    Unanswered { received_at: Instant },
    /// The server. There is no reply.
    Server,
    /// The server unmounts the component for this reason.
    Unmount { reason: UnmountReason },
}

impl TaskOrigin {
    /// Returns the `ref` of the page's message.
    pub(super) fn reference(self) -> Option<Ref> {
        match self {
            Self::Page { reference, .. } => Some(reference),
            Self::Unanswered { .. } | Self::Server | Self::Unmount { .. } => None,
        }
    }
}

/// The mount of a child.
pub(super) struct ChildMount {
    pub(super) reference: Ref,
    pub(super) received_at: Instant,
    pub(super) id: ComponentId,
    pub(super) parent: ComponentId,
    pub(super) place: Vec<Value>,
    pub(super) seal: Option<String>,
    /// Whether the page has the state that the child was rendered from.
    pub(super) painted: bool,
    pub(super) page: Props,
    /// The tasks for the child that arrived while its mount waits, and the mounts of its own
    /// children.
    pub(super) queued_tasks: VecDeque<Task>,
}

/// Whether a mount may wait for its place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum PlaceWait {
    /// It may wait until the parent has run its queued tasks.
    ForParent,
    /// It has waited.
    Over,
}

/// The error text of a mount whose id is in use.
pub(super) const ID_IN_USE: &str = "a component is already mounted with this id";

impl GuardedTask {
    /// Returns the request for middleware. Returns `None` for jobs that no message of a page
    /// causes.
    pub(super) fn middleware_request(&self) -> Option<CallRequest> {
        match self {
            Self::Job(Job::Action { action, set, .. }) => Some(CallRequest::Action {
                name: action.as_str().into(),
                edits: set.iter().map(|(field, _)| field.as_str().into()).collect(),
            }),
            Self::Job(Job::Property { property, .. }) => Some(CallRequest::Edit {
                field: (&*property.field).into(),
                steps: property.steps.iter().map(Key::from).collect(),
            }),
            Self::Props(_) => Some(CallRequest::Props),
            Self::Job(
                Job::Props { .. }
                | Job::Event { .. }
                | Job::Loaded { .. }
                | Job::Connected
                | Job::Disconnected
                | Job::Resumed
                | Job::Unmount { .. },
            ) => None,
        }
    }
}
