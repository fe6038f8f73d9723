//! Requests of a handler, for the session to do after the handler has succeeded.

use std::fmt;
use std::sync::Arc;

use crate::event::{ServerEvent, Target, TaskOutcome};
use crate::future::BoxFuture;
use crate::journal::{Membership, Work};
use crate::page_effect::PageEffect;
use crate::topic::StagedUpdate;
use crate::tracking::Loaded;

/// A request of a handler, done when the handler has succeeded.
pub enum Effect {
    /// A change of shared state. Made by the host at the end of the job, or with the commit of a
    /// durable component's job: a session never gets one.
    Update(StagedUpdate),
    /// An event for pages.
    Emit {
        /// The receivers.
        to: Target,
        /// The event.
        event: ServerEvent,
        /// Excludes the session of the handler. Has no effect with [`Target::Own`] and
        /// [`Target::Components`].
        except_self: bool,
    },
    /// The component joins a room; joining again has no effect.
    Join(Arc<str>),
    /// The component leaves a room.
    Leave(Arc<str>),
    /// A task of the session.
    Spawn {
        /// The name of the event with the task's outcome.
        event: &'static str,
        /// The task.
        work: BoxFuture<TaskOutcome>,
    },
    /// A task of the session that loads a field. Its outcome, if it was not aborted, is a
    /// [`Job::Loaded`](crate::instance::Job::Loaded) for the component.
    Load(BoxFuture<Option<Loaded>>),
    /// A request to the page that shows the component.
    Page(PageEffect),
    /// The component requests to be unmounted.
    Close,
    /// A write into the store's database. The host commits it with the durable component's job, so
    /// a session never receives one.
    Commit(Work),
}

impl Effect {
    /// Returns the change of rooms, if the effect is one.
    pub(crate) fn membership(&self) -> Option<Membership> {
        match self {
            Self::Join(room) => Some(Membership::Join(Arc::clone(room))),
            Self::Leave(room) => Some(Membership::Leave(Arc::clone(room))),
            Self::Update(_)
            | Self::Emit { .. }
            | Self::Spawn { .. }
            | Self::Load(_)
            | Self::Page(_)
            | Self::Close
            | Self::Commit(_) => None,
        }
    }

    /// Returns how many bytes the names of the rooms take that the component is about to join.
    pub(crate) fn bytes_of_joins(effects: &[Self]) -> usize {
        let bytes = |membership| match membership {
            Membership::Join(room) => Membership::bytes_of(&room),
            Membership::Leave(_) => 0,
        };
        effects.iter().filter_map(Self::membership).map(bytes).sum()
    }

    /// Returns a copy of the request to the page, if the effect is one.
    pub(crate) fn page_effect(&self) -> Option<PageEffect> {
        if let Self::Page(request) = self { Some(request.clone()) } else { None }
    }

    /// Takes the requests to the page out of the effects.
    pub fn take_page_effects(effects: &mut Vec<Self>) -> Vec<PageEffect> {
        let requests = effects.extract_if(.., |effect| matches!(effect, Self::Page(_)));
        requests
            .filter_map(|effect| if let Self::Page(request) = effect { Some(request) } else { None })
            .collect()
    }

    /// Takes the changes of shared state out of the effects.
    pub(crate) fn take_updates(effects: &mut Vec<Self>) -> Vec<StagedUpdate> {
        let updates = effects.extract_if(.., |effect| matches!(effect, Self::Update(_)));
        updates
            .filter_map(|effect| if let Self::Update(update) = effect { Some(update) } else { None })
            .collect()
    }
}

impl fmt::Debug for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Update(update) => f.debug_tuple("Update").field(&update.topic().name()).finish(),
            Self::Emit { to, event, .. } => {
                f.debug_struct("Emit").field("to", to).field("name", &event.name).finish()
            }
            Self::Join(room) => f.debug_tuple("Join").field(room).finish(),
            Self::Leave(room) => f.debug_tuple("Leave").field(room).finish(),
            Self::Spawn { event, .. } => f.debug_tuple("Spawn").field(event).finish(),
            Self::Load(_) => f.write_str("Load"),
            Self::Page(effect) => f.debug_tuple("Page").field(effect).finish(),
            Self::Close => f.write_str("Close"),
            Self::Commit(_) => f.write_str("Commit"),
        }
    }
}
