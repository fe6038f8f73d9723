//! What a handler requests, for the session to do after the handler has succeeded.

use std::fmt;
use std::sync::Arc;

use crate::event::{ServerEvent, Target, TaskOutcome};
use crate::future::BoxFuture;
use crate::journal::{Membership, Work};
use crate::topic::StagedUpdate;
use crate::tracking::Loaded;

/// What a handler asked for; it happens when the handler has succeeded.
pub enum Effect {
    /// A change of shared state. Made when the job is done, or with the commit of a durable
    /// component's job: a session never sees one.
    Update(StagedUpdate),
    /// An event for pages.
    Emit {
        /// Whom it reaches.
        to: Target,
        /// What it is.
        event: ServerEvent,
        /// Leaves out the session that emits it.
        except_self: bool,
    },
    /// The component enters a room; again is the same as once.
    Join(Arc<str>),
    /// The component leaves a room.
    Leave(Arc<str>),
    /// A task of the session's.
    Spawn(BoxFuture<TaskOutcome>),
    /// A task of the session's that loads a field: what it yields, if it was not ended, is a
    /// [`Job::Loaded`](crate::Job::Loaded) for the component.
    Load(BoxFuture<Option<Loaded>>),
    /// The component asks to be unmounted.
    Close,
    /// A write into the store's database. Part of the commit of a durable component's job, which takes it out: a session
    /// never sees one.
    Commit(Work),
}

impl Effect {
    /// Returns the room that the component enters or leaves, if that is the effect.
    pub(crate) fn membership(&self) -> Option<Membership> {
        match self {
            Self::Join(room) => Some(Membership::Join(Arc::clone(room))),
            Self::Leave(room) => Some(Membership::Leave(Arc::clone(room))),
            Self::Update(_)
            | Self::Emit { .. }
            | Self::Spawn(_)
            | Self::Load(_)
            | Self::Close
            | Self::Commit(_) => None,
        }
    }

    /// Returns how many bytes the rooms take that the component is about to enter.
    pub(crate) fn bytes_of_joins(effects: &[Self]) -> usize {
        let bytes = |membership| match membership {
            Membership::Join(room) => Membership::bytes_of(&room),
            Membership::Leave(_) => 0,
        };
        effects.iter().filter_map(Self::membership).map(bytes).sum()
    }

    /// Takes the changes of shared state out of what a handler asked for.
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
            Self::Spawn(_) => f.write_str("Spawn"),
            Self::Load(_) => f.write_str("Load"),
            Self::Close => f.write_str("Close"),
            Self::Commit(_) => f.write_str("Commit"),
        }
    }
}
