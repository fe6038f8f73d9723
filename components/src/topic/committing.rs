//! Changes of topics that nodes share, as a part of a transaction of the database that has the log.
//!
//! The node takes the turns of the topics before the transaction begins, in the order of their ids.
//! Inside of the transaction the topics are locked first, so that they are in the state on which
//! the handler works; the changes are appended last, and published after the commit.

use vivaz_databases::Tx;
use vivaz_protocol::Author;
use vivaz_protocol::log::Quoted;

use super::reference::TopicRef;
use super::staged::{ReservedUpdates, StagedUpdate, merged};
use super::turn::{AnyTurn, LogPlace};
use crate::error::{ActionError, Result};
use crate::journal::{MessageId, OperationId};

/// The turns of topics that nodes share, for one transaction. Without such topics it is empty.
#[derive(Default)]
pub(crate) struct TopicTurns(Vec<Box<dyn AnyTurn>>);

impl TopicTurns {
    /// Waits for the turns of topics.
    pub(crate) async fn of(topics: &[TopicRef]) -> Self {
        let mut replicated: Vec<&TopicRef> = Vec::new();
        for topic in topics {
            let is_new = !replicated.iter().any(|one| one.address() == topic.address());
            if is_new && topic.log_id().is_some() {
                replicated.push(topic);
            }
        }
        replicated.sort_by(|one, other| one.log_id().cmp(&other.log_id()));
        let mut turns = Vec::new();
        for topic in replicated {
            turns.extend(topic.inner().clone().take_turn().await);
        }
        Self(turns)
    }

    /// Returns whether there are no topics that nodes share.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Locks the topics, and takes the entries of other nodes. Called before the first statement of
    /// the transaction.
    ///
    /// # Errors
    /// Returns an error if the log cannot be locked or read.
    pub(crate) fn lock(&mut self, tx: &mut Tx) -> Result<LogPlace> {
        for turn in &mut self.0 {
            if turn.lock(tx)? == LogPlace::Outside {
                return Ok(LogPlace::Outside);
            }
        }
        Ok(LogPlace::Inside)
    }

    /// Appends the updates to the locked topics.
    ///
    /// # Errors
    /// Returns the errors of [`StagedUpdate::publish_all`], and an error for a topic that is not
    /// locked.
    pub(crate) fn append(
        mut self,
        tx: &mut Tx,
        updates: Vec<StagedUpdate>,
        by: Option<&Author>,
        message: Option<&MessageId>,
    ) -> Result<ReservedUpdates> {
        for (number, update) in (0..).zip(merged(updates)) {
            let address = update.topic().address();
            let Some(turn) = self.0.iter_mut().find(|turn| turn.address() == address) else {
                let topic = Quoted(update.topic().name()).to_string();
                return Err(ActionError::internal(format!(
                    "a transaction changes the topic {topic}, which its component does not show"
                )));
            };
            let operation = message.map(|message| OperationId { message: message.clone(), number });
            turn.append(tx, update.into_changes(operation), by)?;
        }
        Ok(ReservedUpdates::of(self.0.into_iter().map(AnyTurn::into_reserved).collect()))
    }
}
