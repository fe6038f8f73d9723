//! What a handler gets: what it can read, and where it leaves its requests.

mod effects;
mod emit;
mod lent;
mod mount;
mod presence;
mod scope;

use std::any::Any;
use std::future::Future;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use vivaz_protocol::{Author, ComponentId, ConnectionId, SessionId};

use crate::effect::Effect;
use crate::env::Env;
use crate::error::{ActionError, Errors, Result};
use crate::event::{ServerEvent, TaskOutcome};
use crate::fault::guard;
use crate::journal::{self, Journal};
use crate::shared::Cause;

pub(crate) use effects::Effects;
pub use emit::Emit;
pub(crate) use lent::{FlushSlot, Lent};
pub use mount::MountContext;
pub use presence::PresenceAt;
pub use scope::HandlerScope;

/// What a handler can read, as the [`HandlerScope`] to which it dereferences, and what it requests.
///
/// Requests are done when the handler succeeds, in this order: changes of shared state, then events,
/// rooms and tasks in the order of the calls.
#[derive(Debug)]
pub struct Context {
    scope: HandlerScope,
    effects: Effects,
    journal: Option<Arc<dyn Journal>>,
    /// Whether the outcome of the job is committed before anything is sent.
    durable: bool,
    /// What `flush` needs of the component's host.
    lent: Option<Lent>,
    /// Made when a handler is known to wait.
    outbox: Option<FlushSlot>,
}

impl Context {
    /// Creates the context of a job of one component.
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
    #[must_use]
    pub fn with_journal(mut self, journal: Arc<dyn Journal>) -> Self {
        self.journal = Some(journal);
        self
    }

    /// Accepts commits although there is no journal: for the last job of a component whose removal is
    /// committed. What the handler commits is left among its effects.
    #[must_use]
    pub fn with_commits(mut self) -> Self {
        self.durable = true;
        self
    }

    /// Sets the connection that the session has.
    #[must_use]
    pub fn connected_by(mut self, connection: ConnectionId) -> Self {
        self.scope.connection = Some(connection);
        self
    }

    /// Sets the message of the page that caused the job. Topics name it as the author of their patches.
    #[must_use]
    pub fn caused_by(mut self, author: Author) -> Self {
        self.scope.cause = Some(Cause::new(author));
        self
    }

    /// Sets how long a handler may wait.
    #[must_use]
    pub fn with_time_limit(mut self, limit: Duration) -> Self {
        self.scope.limit = Some(limit);
        self
    }

    /// The form's errors, for the field marked `#[live(errors)]`. They reach it also when the handler returns
    /// [`ActionError::invalid`].
    pub fn errors(&mut self) -> &mut Errors {
        self.effects.errors()
    }

    /// Enters a room: its events reach the component's `#[event]` methods and its page. The name
    /// counts against the session's budget of state: a handler that would exceed it fails with
    /// `too_large`.
    pub fn join(&mut self, room: impl Into<Arc<str>>) {
        self.effects.stage(Effect::Join(room.into()));
    }

    /// Leaves a room.
    pub fn leave(&mut self, room: impl Into<Arc<str>>) {
        self.effects.stage(Effect::Leave(room.into()));
    }

    /// Starts long work. What it comes to is an event of that name for an `#[event]` method of this component, which
    /// takes a `Result` of the value: `fn cooked(&mut self, dish: Result<String>)`. A panic in `work` and a value that
    /// has no JSON form are errors too. The method is called however busy the component is.
    ///
    /// The work goes on while the page is away, for as long as the session waits; it does not keep the session. It ends
    /// with the component, and with the process, which does not wait for it: nothing comes of it then, and `resumed` is
    /// the place to start it again.
    ///
    /// The error that the method gets has the code, the message and the details of the one that the work returned. The
    /// error behind it goes to the log.
    pub fn spawn<F, R>(&mut self, event: &'static str, work: F)
    where
        F: Future<Output = Result<R>> + Send + 'static,
        R: Serialize,
    {
        let task = guard("a task", None, async move { ServerEvent::new(event, &Ok::<_, ()>(work.await?)) });
        self.effects.stage(Effect::Spawn(Box::pin(async move { TaskOutcome::of(event, task.await) })));
    }

    /// Writes into the store's database when the handler succeeds: in one transaction with the component's state and the
    /// record that the action was done, before the page gets its reply and before anybody hears of what else the handler
    /// asked for. If `work` fails, so does the action, and nothing has changed anywhere.
    ///
    /// It is staged: the handler goes on at once and does not see what `work` comes to. An action that has to know, for
    /// the database chooses ids or says no, is an `#[action(transaction)]`.
    ///
    /// `C` is the connection of the store that the runtime was given; it stands in the closure's argument:
    /// `cx.commit(move |db: &Connection| …)`. `work` runs on the store's own thread, so it does nothing but its writes. It
    /// says that a seat is taken by returning an error.
    ///
    /// In `unmount`, `work` is committed with the removal of the component. If it fails, the component
    /// is removed without it, and nothing else that `unmount` asked for happens.
    ///
    /// # Errors
    /// When changes of the component are not committed: it is not `#[live(durable)]`, and the server
    /// does not save with `Save::Always`.
    pub fn commit<C: Any>(&mut self, work: impl FnOnce(&C) -> Result + Send + 'static) -> Result {
        if !self.durable {
            return Err(ActionError::internal("`cx.commit` is for components that are #[live(durable)]"));
        }
        self.effects.stage(Effect::Commit(Box::new(move |connection: &dyn Any| {
            work(journal::connection(connection)?)
        })));
        Ok(())
    }

    /// Asks for the component to be unmounted.
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

    /// Returns where a handler leaves what it flushes.
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
