//! What components are asked to do, and by whom.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;
use serde_json::value::RawValue;
use tokio::time::Instant;
use vivaz_components::instance::Job;
use vivaz_components::{Key, UnmountReason};
use vivaz_protocol::{ComponentId, Ref};

use super::child::Props;
use crate::admission::middleware::CallRequest;

/// Something for a component to do.
pub(super) enum Task {
    /// A job.
    Job { job: Job, origin: Origin },
    /// A `PROPS_UPDATE`.
    Props { given: GivenProps, origin: Origin },
    /// A child: compare its props with what its parent's state gives it.
    Refresh,
    /// A parent: mount a child whose place was not there before.
    Child(Box<ChildMount>),
    /// To go away.
    Unmount { origin: Origin },
}

/// What a `PROPS_UPDATE` carries.
#[derive(Debug)]
pub(crate) struct GivenProps {
    /// For a child: the props that the page gives, by name.
    pub(crate) page: BTreeMap<String, Box<RawValue>>,
    /// For an open component: those that have changed, as an object.
    pub(crate) props: Option<Box<RawValue>>,
}

/// A task that middleware is asked about.
#[derive(Debug)]
pub(crate) enum Errand {
    /// A job.
    Job(Job),
    /// A `PROPS_UPDATE`.
    Props(GivenProps),
}

/// Who asked for it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Origin {
    /// The page, by a message that gets a reply.
    Page { reference: Ref, asked: Instant },
    /// The page, by an action without a `ref`, which is not answered.
    Unanswered { asked: Instant },
    /// The server; nobody waits for a reply.
    Server,
    /// The end of the component.
    End { reason: UnmountReason },
}

/// A child to be mounted.
pub(super) struct ChildMount {
    pub(super) reference: Ref,
    pub(super) asked: Instant,
    pub(super) id: ComponentId,
    pub(super) parent: ComponentId,
    pub(super) place: Vec<Value>,
    pub(super) seal: Option<String>,
    pub(super) page: Props,
    /// What came for the child while its mount waits: tasks of its own, and mounts of its children.
    pub(super) behind: VecDeque<Task>,
}

/// Whether a mount may wait for its place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// Until the parent has handled what was accepted before.
    ForParent,
    /// It has waited.
    Over,
}

/// The message of a refused mount whose id is in use.
pub(super) const TAKEN: &str = "the componentId is taken";

impl Errand {
    /// Returns what middleware is asked; nothing for what no message of a page asks for.
    pub(super) fn request(&self) -> Option<CallRequest> {
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
