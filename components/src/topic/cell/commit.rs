//! An entry that is appended inside of a transaction.

use std::any::Any;
use std::sync::Arc;

use tokio::sync::OwnedMutexGuard;
use tokio::time::Instant;
use vivaz_databases::Tx;
use vivaz_protocol::Author;

use super::Cell;
use super::agree::overloaded;
use super::draft::{Base, Draft, Sending};
use crate::cluster::{Appended, LogEntry, LogInTransaction, LogPosition, LogTail, TopicId};
use crate::error::{ActionError, Result};
use crate::fault::discard;
use crate::journal::OperationId;
use crate::topic::Topic;
use crate::topic::interval::Unsent;
use crate::topic::log_format::EntryContent;
use crate::topic::mutation::{Mutation, OperationChanges, run};
use crate::topic::replica::{EntryPlace, LogTurn, TopicLogRef};
use crate::topic::turn::{AnyReserved, AnyTurn, LogPlace};

/// An entry that lasts if the transaction commits.
struct CommittedEntry<T> {
    draft: Draft<T>,
    content: EntryContent,
    /// `None` if only fields have changed that are this node's own.
    at: Option<LogPosition>,
}

/// The turn of a topic, and the entry that was appended inside of the transaction.
struct CommittingTopic<T: Topic> {
    cell: Arc<Cell<T>>,
    log: TopicLogRef,
    turn: OwnedMutexGuard<LogTurn>,
    entry: Option<CommittedEntry<T>>,
}

impl<T: Topic> Cell<T> {
    /// Waits for the turn of this topic; `None` if no other node has it.
    pub(super) async fn take_turn_for_commit(self: Arc<Self>) -> Option<Box<dyn AnyTurn>> {
        let replica = self.replica.as_ref()?;
        let (log, turn) = (replica.log.clone(), Arc::clone(&replica.turn));
        let turn = turn.lock_owned().await;
        Some(Box::new(CommittingTopic { cell: self, log, turn, entry: None }))
    }

    /// Takes the entries that a locked log has. Returns whether this copy has the state of the log;
    /// if not, it reads the log again later.
    fn take_tail(&self, turn: &mut LogTurn, tail: LogTail) -> Result<bool> {
        let entries = match tail {
            LogTail::Entries(entries) => entries,
            LogTail::Gone => return Ok(self.read_later(turn)),
        };
        for entry in &entries {
            match turn.place_of(entry) {
                EntryPlace::Known => {}
                EntryPlace::Next => self.take_entry(turn, entry)?,
                EntryPlace::Unknown | EntryPlace::Other => return Ok(self.read_later(turn)),
            }
        }
        Ok(true)
    }

    fn read_later(&self, turn: &mut LogTurn) -> bool {
        turn.must_read = true;
        if let Some(replica) = &self.replica {
            replica.inbox.wake.notify_one();
        }
        false
    }

    /// Drafts changes and appends them to a locked log. Returns `None` if they were made before.
    fn append_inside(
        &self,
        log: &mut dyn LogInTransaction,
        id: &TopicId,
        turn: &mut LogTurn,
        changes: &[Mutation<T>],
        mut operations: Vec<OperationId>,
        by: Option<&Author>,
    ) -> Result<Option<CommittedEntry<T>>> {
        if operations.is_empty() {
            operations.push(turn.own_operation()?);
        }
        let (shown, bytes) = {
            let state = self.lock();
            for operation in &operations {
                if self.is_done(&state, operation)? {
                    return Ok(None);
                }
            }
            (state.tracker.clone(), state.bytes)
        };
        let value = self.value();
        let base = Base { value: &*value, shown: &shown, bytes };
        let ((), mut draft) = self.draft(base, Sending::Now, |value| run(changes, value))?;
        let by = by.cloned().into_iter().collect();
        let Some(patch) = draft.patch.take() else {
            let content = EntryContent { patch: String::new(), by, operations, events: Vec::new() };
            return Ok(Some(CommittedEntry { draft, content, at: None }));
        };
        let content = EntryContent { patch, by, operations, events: Vec::new() };
        let entry = LogEntry::after(&turn.at, content.write()?);
        let at = entry.at.clone();
        match log.append(id, &turn.at, entry)? {
            Appended::Done => {
                draft.patch = Some(content.patch.clone());
                Ok(Some(CommittedEntry { draft, content, at: Some(at) }))
            }
            Appended::Moved => Err(ActionError::internal("a locked log has another entry")),
        }
    }

    /// Publishes an entry whose transaction is committed.
    fn publish_committed(&self, turn: &mut LogTurn, entry: CommittedEntry<T>) {
        let CommittedEntry { draft, content, at } = entry;
        self.publish_entry(draft, content);
        if let Some(at) = at {
            self.advance(turn, at);
            turn.checked = Instant::now();
        }
    }
}

impl<T: Topic> AnyTurn for CommittingTopic<T> {
    fn address(&self) -> usize {
        Arc::as_ptr(&self.cell).addr()
    }

    fn lock(&mut self, tx: &mut Tx) -> Result<LogPlace> {
        let Some(mut log) = self.log.log.in_transaction(tx) else { return Ok(LogPlace::Outside) };
        let tail = log.lock(&self.log.id, &self.turn.at)?;
        if self.cell.take_tail(&mut self.turn, tail)? {
            return Ok(LogPlace::Inside);
        }
        // The topic has to be opened again, which needs the log outside of the transaction.
        Err(overloaded())
    }

    fn append(&mut self, tx: &mut Tx, changes: Box<dyn Any>, by: Option<&Author>) -> Result {
        let Ok(changes) = changes.downcast::<OperationChanges<T>>() else {
            return Err(ActionError::internal("the changes belong to another topic"));
        };
        let Some(mut log) = self.log.log.in_transaction(tx) else {
            return Err(ActionError::internal("the log has left the transaction"));
        };
        let OperationChanges { changes, operations } = *changes;
        let entry =
            self.cell.append_inside(&mut *log, &self.log.id, &mut self.turn, &changes, operations, by);
        discard("a topic's update", changes);
        self.entry = entry?;
        Ok(())
    }

    fn into_reserved(self: Box<Self>) -> Box<dyn AnyReserved> {
        self
    }
}

impl<T: Topic> AnyReserved for CommittingTopic<T> {
    fn publish(mut self: Box<Self>, _: Option<&Author>) -> Option<Unsent> {
        if let Some(entry) = self.entry.take() {
            self.cell.publish_committed(&mut self.turn, entry);
        }
        None
    }
}
