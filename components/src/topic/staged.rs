//! Changes of topics that an action staged: all of them are made, or none.

use std::any::Any;
use std::sync::{Arc, MutexGuard};

use tokio::sync::oneshot;
use vivaz_protocol::Author;

use super::Topic;
use super::cell::{Cell, CellState, Prepared};
use super::interval::Unsent;
use super::mutation::{Mutation, OperationChanges, run};
use super::reference::TopicRef;
use super::turn::AnyReserved;
use crate::error::{ActionError, Result};
use crate::fault::{discard, guard_now};
use crate::journal::{MessageId, OperationId};

/// Changes of a topic that a handler staged.
pub struct StagedUpdate(Box<dyn AnyStaged>);

/// Changes of topics that are made and not published yet: those of a transaction that is not
/// committed. They are reverted on drop.
#[must_use = "dropping it takes the changes back"]
pub struct ReservedUpdates(Vec<Box<dyn AnyReserved>>);

impl StagedUpdate {
    pub(crate) fn new<T: Topic>(
        topic: TopicRef,
        cell: Arc<Cell<T>>,
        changes: Vec<Mutation<T>>,
        operation: Option<OperationId>,
    ) -> Self {
        Self(Box::new(StagedChanges { topic, cell, changes, operations: operation.into_iter().collect() }))
    }

    /// Returns the topic.
    #[must_use]
    pub fn topic(&self) -> &TopicRef {
        self.0.topic()
    }

    /// Makes changes of any number of topics and sends them to the subscribers, one patch for each
    /// topic. Every change is made on a draft and written while all the topics are locked, before
    /// the first of them is published. Returns handles for the reply to wait for, if topics send
    /// their patches later.
    ///
    /// # Errors
    /// Returns `panicked` if a closure panics, `too_large` if a topic would exceed its limit, and
    /// an error if a state has no JSON form. No topic is changed then.
    pub fn publish_all(updates: Vec<Self>, by: Option<&Author>) -> Result<Vec<Unsent>> {
        let updates = merged(updates);
        // The leftovers of refused changes are dropped inside the guard.
        let unsent = guard_now("a topic's update", || Self::publish_merged(&updates, by));
        discard("a topic's update", updates);
        unsent
    }

    fn publish_merged(updates: &[Self], by: Option<&Author>) -> Result<Vec<Unsent>> {
        // All callers lock in the same order, so that two actions never wait for each other.
        let mut order: Vec<_> = (0..).zip(updates).collect();
        order.sort_by_key(|(_, update)| update.0.address());
        let mut locked: Vec<(usize, Box<dyn AnyLocked + '_>)> =
            order.into_iter().map(|(position, update)| (position, update.0.lock())).collect();
        locked.sort_by_key(|(position, _)| *position);
        for (_, topic) in &mut locked {
            topic.prepare()?;
        }
        Ok(locked.into_iter().filter_map(|(_, topic)| topic.publish(by)).collect())
    }

    /// Returns the changes, for the turn of the topic.
    /// `operation` is their id if they have none yet.
    pub(super) fn into_changes(self, operation: Option<OperationId>) -> Box<dyn Any> {
        self.0.into_changes(operation)
    }

    /// Returns whether nodes share the topic, so that they have to agree on the update.
    pub(crate) fn is_replicated(&self) -> bool {
        self.0.is_replicated()
    }

    /// Does the same as [`publish_all`](Self::publish_all), and waits until the nodes have agreed
    /// if they share the topics. Then each topic has its own log: changes of several topics are all
    /// tried before the first of them is made, but if the log fails in between, some are made.
    ///
    /// # Errors
    /// Returns the errors of [`publish_all`](Self::publish_all), and `overloaded` if the log cannot
    /// be reached.
    ///
    /// # Cancel safety
    /// If the future is dropped before it is done, the changes may be made.
    pub async fn agree_all(updates: Vec<Self>, by: Option<&Author>) -> Result<Vec<Unsent>> {
        if !updates.iter().any(Self::is_replicated) {
            return Self::publish_all(updates, by);
        }
        let updates = merged(updates);
        if updates.len() > 1 {
            updates.iter().try_for_each(|update| update.0.check())?;
        }
        let agreements: Vec<_> = updates.into_iter().map(|update| update.0.agree(by.cloned())).collect();
        let mut outcome = Ok(());
        for agreement in agreements {
            let agreed = agreement.await.unwrap_or_else(|closed| Err(ActionError::internal(closed)));
            outcome = outcome.and(agreed);
        }
        outcome.map(|()| Vec::new())
    }

    /// Makes changes that are published later, with [`ReservedUpdates::publish`], after their
    /// commit. Until then they are not visible, later reservations build on them, and a change that
    /// conflicts with them is refused.
    ///
    /// # Errors
    /// Returns the errors of [`publish_all`](Self::publish_all).
    pub fn reserve_all(updates: Vec<Self>, message: Option<&MessageId>) -> Result<ReservedUpdates> {
        let mut reserved = ReservedUpdates(Vec::new());
        for (number, update) in (0..).zip(merged(updates)) {
            let operation = message.map(|message| OperationId { message: message.clone(), number });
            reserved.0.extend(update.0.reserve(operation)?);
        }
        Ok(reserved)
    }
}

impl ReservedUpdates {
    pub(super) fn of(changes: Vec<Box<dyn AnyReserved>>) -> Self {
        Self(changes)
    }

    /// Publishes the changes to all subscribers. Called in the order of the reservations. Returns
    /// handles for the reply to wait for.
    pub fn publish(self, by: Option<&Author>) -> Vec<Unsent> {
        self.0.into_iter().filter_map(|topic| topic.publish(by)).collect()
    }
}

/// Joins the changes of the same topic, so that each is locked once.
pub(super) fn merged(updates: Vec<StagedUpdate>) -> Vec<StagedUpdate> {
    let mut merged: Vec<StagedUpdate> = Vec::new();
    for update in updates {
        match merged.iter_mut().find(|one| one.0.address() == update.0.address()) {
            Some(one) => one.0.append(update.0.into_any()),
            None => merged.push(update),
        }
    }
    merged
}

struct StagedChanges<T: Topic> {
    topic: TopicRef,
    cell: Arc<Cell<T>>,
    changes: Vec<Mutation<T>>,
    /// The ids of the changes, if nodes share the topic.
    operations: Vec<OperationId>,
}

struct Locked<'a, T: Topic> {
    of: &'a StagedChanges<T>,
    state: MutexGuard<'a, CellState<T>>,
    prepared: Option<Prepared<T>>,
}

struct Reserved<T: Topic> {
    cell: Arc<Cell<T>>,
    id: u64,
    operation: Option<OperationId>,
}

/// Changes of a topic that nodes share, which are made after the commit.
struct Committed<T: Topic> {
    cell: Arc<Cell<T>>,
    changes: Vec<Mutation<T>>,
    operations: Vec<OperationId>,
}

/// [`StagedChanges`] without the type of the state.
trait AnyStaged: Send {
    fn topic(&self) -> &TopicRef;
    fn is_replicated(&self) -> bool;
    /// Makes the changes on a copy that is dropped.
    fn check(&self) -> Result;
    /// Makes the changes when the nodes agree.
    fn agree(self: Box<Self>, by: Option<Author>) -> oneshot::Receiver<Result>;
    /// Returns the address of the topic's cell, which identifies it.
    fn address(&self) -> usize;
    fn lock(&self) -> Box<dyn AnyLocked + '_>;
    /// Makes the changes for later; returns `None` if the topic has done the operation already.
    fn reserve(self: Box<Self>, operation: Option<OperationId>) -> Result<Option<Box<dyn AnyReserved>>>;
    /// Returns the changes as [`OperationChanges`].
    fn into_changes(self: Box<Self>, operation: Option<OperationId>) -> Box<dyn Any>;
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
    /// Takes over further changes of the same topic.
    fn append(&mut self, other: Box<dyn Any>);
}

/// [`Locked`] without the type of the state.
trait AnyLocked {
    fn prepare(&mut self) -> Result;
    fn publish(self: Box<Self>, by: Option<&Author>) -> Option<Unsent>;
}

impl<T: Topic> AnyStaged for StagedChanges<T> {
    fn topic(&self) -> &TopicRef {
        &self.topic
    }

    fn is_replicated(&self) -> bool {
        self.cell.is_replicated()
    }

    fn check(&self) -> Result {
        self.cell.check(&self.changes)
    }

    fn agree(self: Box<Self>, by: Option<Author>) -> oneshot::Receiver<Result> {
        let Self { cell, changes, operations, .. } = *self;
        cell.agree(changes, by, operations)
    }

    fn address(&self) -> usize {
        Arc::as_ptr(&self.cell).addr()
    }

    fn lock(&self) -> Box<dyn AnyLocked + '_> {
        Box::new(Locked { of: self, state: self.cell.lock(), prepared: None })
    }

    fn reserve(self: Box<Self>, operation: Option<OperationId>) -> Result<Option<Box<dyn AnyReserved>>> {
        let Self { cell, changes, mut operations, .. } = *self;
        if cell.is_replicated() {
            cell.check(&changes)?;
            if operations.is_empty() {
                operations.extend(operation);
            }
            return Ok(Some(Box::new(Committed { cell, changes, operations })));
        }
        let Some(id) = cell.reserve(changes, operation.as_ref())? else { return Ok(None) };
        Ok(Some(Box::new(Reserved { cell, id, operation })))
    }

    fn into_changes(self: Box<Self>, operation: Option<OperationId>) -> Box<dyn Any> {
        let Self { changes, mut operations, .. } = *self;
        if operations.is_empty() {
            operations.extend(operation);
        }
        Box::new(OperationChanges { changes, operations })
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }

    fn append(&mut self, other: Box<dyn Any>) {
        if let Ok(other) = other.downcast::<Self>() {
            self.changes.extend(other.changes);
            self.operations.extend(other.operations);
        }
    }
}

impl<T: Topic> AnyLocked for Locked<'_, T> {
    fn prepare(&mut self) -> Result {
        let Self { of, state, prepared } = self;
        let ((), made) = of.cell.prepare(state, |value| run(&of.changes, value))?;
        *prepared = Some(made);
        Ok(())
    }

    fn publish(mut self: Box<Self>, by: Option<&Author>) -> Option<Unsent> {
        let prepared = self.prepared.take()?;
        self.of.cell.accept(&mut self.state, prepared, by)
    }
}

impl<T: Topic> AnyReserved for Reserved<T> {
    fn publish(mut self: Box<Self>, by: Option<&Author>) -> Option<Unsent> {
        let operation = self.operation.take();
        self.cell.publish_reserved(self.id, operation, by)
    }
}

impl<T: Topic> AnyReserved for Committed<T> {
    fn publish(self: Box<Self>, by: Option<&Author>) -> Option<Unsent> {
        let Self { cell, changes, operations } = *self;
        Some(Unsent::agreement(cell.agree(changes, by.cloned(), operations)))
    }
}

impl<T: Topic> Drop for Reserved<T> {
    /// Reverts the change, unless it was published.
    fn drop(&mut self) {
        self.cell.give_up(self.id);
    }
}
