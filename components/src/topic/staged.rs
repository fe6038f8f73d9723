//! Changes of topics that an action staged: all of them are made, or none.

use std::any::Any;
use std::sync::{Arc, MutexGuard};

use vivaz_protocol::Author;

use super::Topic;
use super::cell::{Cell, CellState, Prepared};
use super::interval::Unsent;
use super::mutation::{Mutation, run};
use super::reference::TopicRef;
use crate::error::Result;
use crate::fault::{discard, guard_now};
use crate::journal::{MessageId, OperationId};

/// Changes of a topic that a handler staged.
pub struct StagedUpdate(Box<dyn AnyStaged>);

/// Changes of topics that are made and not shown yet: those of a transaction that is not committed.
/// Dropping it takes them back.
#[must_use = "dropping it takes the changes back"]
pub struct ReservedUpdates(Vec<Box<dyn AnyReserved>>);

impl StagedUpdate {
    pub(crate) fn new<T: Topic>(topic: TopicRef, cell: Arc<Cell<T>>, changes: Vec<Mutation<T>>) -> Self {
        Self(Box::new(StagedChanges { topic, cell, changes }))
    }

    /// The topic.
    #[must_use]
    pub fn topic(&self) -> &TopicRef {
        self.0.topic()
    }

    /// Makes changes of any number of topics and sends them to everybody who looks at those, as one
    /// patch a topic. Every change is made on a draft and written while all the topics are locked,
    /// before the first of them is shown. Returns what a reply has to wait for, where topics send
    /// their patches later.
    ///
    /// # Errors
    /// `panicked` when one of the closures does, `too_large` when a topic would be larger than it
    /// may be, and an error when a state cannot be written. No topic is changed then.
    pub fn publish_all(updates: Vec<Self>, by: Option<&Author>) -> Result<Vec<Unsent>> {
        let updates = merged(updates);
        // What is left of changes that are refused is dropped inside.
        let unsent = guard_now("a topic's update", || Self::publish_merged(&updates, by));
        discard("a topic's update", updates);
        unsent
    }

    fn publish_merged(updates: &[Self], by: Option<&Author>) -> Result<Vec<Unsent>> {
        // In the same order by everybody, so that two actions never wait for each other.
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

    /// Makes changes that are shown later, with [`ReservedUpdates::publish`], when it is known that
    /// they last. Until then nobody sees them, changes that are reserved later are made upon them,
    /// and a change that they cannot be made upon is refused.
    ///
    /// # Errors
    /// As [`publish_all`](Self::publish_all).
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
    /// Shows the changes to everybody who looks at the topics. To be called in the order in which
    /// the changes were reserved. Returns what a reply has to wait for.
    pub fn publish(self, by: Option<&Author>) -> Vec<Unsent> {
        self.0.into_iter().filter_map(|topic| topic.publish(by)).collect()
    }
}

/// Joins the changes of the same topic, so that each is locked once.
fn merged(updates: Vec<StagedUpdate>) -> Vec<StagedUpdate> {
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

/// [`StagedChanges`], the type of its state forgotten.
trait AnyStaged: Send {
    fn topic(&self) -> &TopicRef;
    /// Where the topic is in memory: what tells it from others.
    fn address(&self) -> usize;
    fn lock(&self) -> Box<dyn AnyLocked + '_>;
    /// Makes the changes for later; nothing if the topic has seen the operation.
    fn reserve(self: Box<Self>, operation: Option<OperationId>) -> Result<Option<Box<dyn AnyReserved>>>;
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
    /// Takes over the changes of another one of the same topic.
    fn append(&mut self, other: Box<dyn Any>);
}

/// [`Locked`], the type of its state forgotten.
trait AnyLocked {
    fn prepare(&mut self) -> Result;
    fn publish(self: Box<Self>, by: Option<&Author>) -> Option<Unsent>;
}

/// [`Reserved`], the type of its state forgotten.
trait AnyReserved: Send {
    fn publish(self: Box<Self>, by: Option<&Author>) -> Option<Unsent>;
}

impl<T: Topic> AnyStaged for StagedChanges<T> {
    fn topic(&self) -> &TopicRef {
        &self.topic
    }

    fn address(&self) -> usize {
        Arc::as_ptr(&self.cell).addr()
    }

    fn lock(&self) -> Box<dyn AnyLocked + '_> {
        Box::new(Locked { of: self, state: self.cell.lock(), prepared: None })
    }

    fn reserve(self: Box<Self>, operation: Option<OperationId>) -> Result<Option<Box<dyn AnyReserved>>> {
        let Self { cell, changes, .. } = *self;
        let Some(id) = cell.reserve(changes, operation.as_ref())? else { return Ok(None) };
        Ok(Some(Box::new(Reserved { cell, id, operation })))
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }

    fn append(&mut self, other: Box<dyn Any>) {
        if let Ok(other) = other.downcast::<Self>() {
            self.changes.extend(other.changes);
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

impl<T: Topic> Drop for Reserved<T> {
    /// What was published is not reserved any more.
    fn drop(&mut self) {
        self.cell.give_up(self.id);
    }
}
