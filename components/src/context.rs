//! What a handler gets: the values that it can read, and the requests that it makes.

mod effects;
mod emit;
mod first_loads;
mod lent;
mod mount;
mod page;
mod presence;
mod scope;

use std::future::Future;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use vivaz_databases::Tx;
use vivaz_protocol::{Author, ComponentId, ConnectionId, SessionId};

use crate::effect::Effect;
use crate::env::Env;
use crate::error::{ActionError, Errors, Result};
use crate::event::{ServerEvent, TaskOutcome};
use crate::fault::guard;
use crate::journal::Journal;
use crate::shared::Cause;

pub(crate) use effects::Effects;
pub use emit::Emit;
pub use first_loads::FirstLoads;
pub(crate) use lent::{FlushSlot, Lent};
pub use mount::MountContext;
pub use presence::PresenceAt;
pub use scope::HandlerScope;

/// What a handler can read, as the [`HandlerScope`] to which this dereferences, and the requests
/// that it makes.
///
/// Requests are done when the handler succeeds, in this order: changes of shared state, then
/// events, rooms and tasks in the order of the calls.
#[derive(Debug)]
pub struct Context {
    scope: HandlerScope,
    effects: Effects,
    journal: Option<Arc<dyn Journal>>,
    /// Whether the outcome of the job is committed before anything is sent.
    durable: bool,
    /// Lent by the component's host, for `flush`.
    lent: Option<Lent>,
    /// Created when a handler is known to wait.
    outbox: Option<FlushSlot>,
}

/// For the host of a component. Handlers get a finished context, so the documentation of
/// applications hides these methods.
impl Context {
    /// Creates the context of a job of one component.
    #[doc(hidden)]
    #[must_use]
    pub fn new(env: Env, session: SessionId, component: ComponentId) -> Self {
        Self {
            scope: HandlerScope::new(env, session, component),
            effects: Effects::default(),
            journal: None,
            durable: false,
            lent: None,
            outbox: None,
        }
    }

    /// Sets the journal to which the outcome of the job is committed before anything is sent.
    #[doc(hidden)]
    #[must_use]
    pub fn with_journal(mut self, journal: Arc<dyn Journal>) -> Self {
        self.journal = Some(journal);
        self
    }

    /// Accepts commits although there is no journal: for the last job of a component whose removal
    /// is committed. The handler's commits stay in its effects.
    #[doc(hidden)]
    #[must_use]
    pub fn with_commits(mut self) -> Self {
        self.durable = true;
        self
    }

    /// Sets the connection that the session has.
    #[doc(hidden)]
    #[must_use]
    pub fn connected_by(mut self, connection: ConnectionId) -> Self {
        self.scope.connection = Some(connection);
        self
    }

    /// Sets the message of the page that caused the job. Topics name it as the author of their
    /// patches.
    #[doc(hidden)]
    #[must_use]
    pub fn caused_by(mut self, author: Author) -> Self {
        self.scope.cause = Some(Cause::new(author, self.scope.session_id().clone()));
        self
    }

    /// Sets how long a handler may wait.
    #[doc(hidden)]
    #[must_use]
    pub fn with_time_limit(mut self, limit: Duration) -> Self {
        self.scope.limit = Some(limit);
        self
    }
}

impl Context {
    /// Returns the form's errors, which the host stores in the field marked `#[live(errors)]`. They
    /// are stored also if the handler returns [`ActionError::invalid`].
    pub fn errors(&mut self) -> &mut Errors {
        self.effects.errors()
    }

    /// Joins a room: its events reach the component's `#[event]` methods and its page. The name
    /// counts against the session's budget of state: a handler that would exceed it fails with
    /// `too_large`.
    pub fn join(&mut self, room: impl Into<Arc<str>>) {
        self.effects.stage(Effect::Join(room.into()));
    }

    /// Leaves a room.
    pub fn leave(&mut self, room: impl Into<Arc<str>>) {
        self.effects.stage(Effect::Leave(room.into()));
    }

    /// Starts long work. Its outcome is an event named `event` for an `#[event]` method of this
    /// component, which takes a `Result` of the value:
    /// `fn cooked(&mut self, dish: Result<String>)`. A panic in `work` and a value without a JSON
    /// form are errors too. The event is delivered even if the mailbox is full.
    ///
    /// The work continues while the page is disconnected, as long as the session lives; it does not
    /// keep the session alive. It ends with the component, and with the process, which does not
    /// wait for it. Then there is no event, and `resumed` is the place to start the work again.
    ///
    /// A session runs a limited number of tasks at once, 256 by default. Work beyond it does not
    /// start: the method gets the error `overloaded`, and the refusal is logged.
    ///
    /// The error that the method gets has the code, the message and the details of the one that the
    /// work returned. The source of the error is logged.
    pub fn spawn<F, R>(&mut self, event: &'static str, work: F)
    where
        F: Future<Output = Result<R>> + Send + 'static,
        R: Serialize,
    {
        let task = guard("a task", None, async move { ServerEvent::new(event, &Ok::<_, ()>(work.await?)) });
        let work = Box::pin(async move { TaskOutcome::of(event, task.await) });
        self.effects.stage(Effect::Spawn { event, work });
    }

    /// Writes into the store's database when the handler succeeds: in one transaction with the
    /// component's state and the record that the action was done, before the page gets its reply
    /// and before other requests of the handler are done. If `work` fails, the action fails, and
    /// nothing is changed.
    ///
    /// The write is staged: the handler continues at once and does not see the result of `work`. An
    /// action that needs the result, because the database chooses ids or refuses values, is an
    /// `#[action(transaction)]`.
    ///
    /// `work` runs on a thread of the store, inside the transaction, so it does nothing but its
    /// writes. It refuses the action by returning an error.
    ///
    /// In `unmount`, `work` is committed with the removal of the component. If it fails, the
    /// component is removed without it, and the other requests of `unmount` are dropped.
    ///
    /// # Errors
    /// Returns an error if changes of the component are not committed: it is not
    /// `#[live(durable)]`, and the server does not save with `Save::Always`.
    pub fn commit(&mut self, work: impl FnOnce(&mut Tx) -> Result + Send + 'static) -> Result {
        if !self.durable {
            return Err(ActionError::internal("`cx.commit` is for components that are #[live(durable)]"));
        }
        self.effects.stage(Effect::Commit(Box::new(work)));
        Ok(())
    }

    /// Requests that the component is unmounted.
    pub fn close(&mut self) {
        self.effects.stage(Effect::Close);
    }

    /// Takes out the journal to which the outcome of the job is committed, if it is.
    pub(crate) fn take_journal(&mut self) -> Option<Arc<dyn Journal>> {
        let journal = self.journal.take();
        self.durable |= journal.is_some();
        journal
    }

    pub(crate) fn effects(&mut self) -> &mut Effects {
        &mut self.effects
    }

    /// Lends what `flush` needs to a handler that is about to run.
    pub(crate) fn lend(&mut self, lent: Lent) {
        self.lent = Some(lent);
    }

    pub(crate) fn lent(&mut self) -> Option<&mut Lent> {
        self.lent.as_mut()
    }

    /// Returns what was lent to a handler that is done.
    pub(crate) fn give_back(&mut self) -> Option<Lent> {
        self.lent.take()
    }

    /// Returns the slot where a handler leaves its flushes.
    pub(crate) fn outbox(&mut self) -> FlushSlot {
        self.outbox.get_or_insert_default().clone()
    }
}

impl Deref for Context {
    type Target = HandlerScope;

    fn deref(&self) -> &HandlerScope {
        &self.scope
    }
}
