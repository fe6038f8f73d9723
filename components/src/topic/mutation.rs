//! Changes of a topic's state, as closures.

use std::sync::Arc;

use crate::event::ServerEvent;
use crate::journal::OperationId;

/// A change of a topic's state. It works on a draft and may run again on another draft, so it does
/// nothing else.
pub(crate) type Mutation<T> = Arc<dyn Fn(&mut T) + Send + Sync>;

/// A change of a topic's state that returns events for the subscribers.
pub(super) type EventfulMutation<T> = Arc<dyn Fn(&mut T) -> Vec<ServerEvent> + Send + Sync>;

/// Changes of a topic that nodes share, with their ids.
pub(super) struct OperationChanges<T> {
    pub(super) changes: Vec<Mutation<T>>,
    pub(super) operations: Vec<OperationId>,
}

/// Runs changes in their order.
pub(super) fn run<T>(changes: &[Mutation<T>], state: &mut T) {
    for change in changes {
        change(state);
    }
}
