//! What a handler is given.

mod cause;
mod emit;
mod mount;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use vivaz_databases::Tx;
use vivaz_protocol::{Author, ConnectionId, SessionId};

use crate::env::Env;
use crate::event::{Effect, ServerEvent, TaskOutcome};
use crate::fault::{discard, guard};
use crate::host::{Lent, Outbox};
use crate::journal::Journal;
use crate::topic::{StagedUpdate, Topic};
use crate::{ActionError, ComponentId, Errors, Identity, Result, TopicHandle, User};

pub(crate) use cause::Cause;
pub use emit::Emit;
pub use mount::{MountContext, TopicContext};

/// What a handler knows of its surroundings, and what it asks of them.
///
/// What is asked for with it happens when the handler succeeds, in this order: changes of shared state, then events,
/// rooms and tasks as they were asked for.
#[derive(Debug)]
pub struct Context {
    env: Env,
    session: SessionId,
    component: ComponentId,
    connection: Option<ConnectionId>,
    cause: Option<Cause>,
    limit: Option<Duration>,
    journal: Option<Arc<dyn Journal>>,
    /// Whether what the job does is committed before anybody is told.
    durable: bool,
    effects: Vec<Effect>,
    /// How many of the effects are of handlers that have succeeded.
    kept: usize,
    errors: Option<Errors>,
    /// What `flush` needs of the component's host.
    lent: Option<Lent>,
    /// Made when a handler is known to wait.
    outbox: Option<Outbox>,
}

impl Context {
    /// For a job of that component of that session.
    #[must_use]
    pub fn new(env: Env, session: SessionId, component: ComponentId) -> Self {
        Self {
            env,
            session,
            component,
            connection: None,
            cause: None,
            limit: None,
            journal: None,
            durable: false,
            effects: Vec::new(),
            kept: 0,
            errors: None,
            lent: None,
            outbox: None,
        }
    }

    /// The same for a job whose outcome is committed before anybody is told.
    #[must_use]
    pub fn with_journal(mut self, journal: Arc<dyn Journal>) -> Self {
        self.journal = Some(journal);
        self
    }

    /// The same for the last job of a component whose removal is committed: what the handler commits
    /// is left among its effects.
    #[must_use]
    pub fn with_commits(mut self) -> Self {
        self.durable = true;
        self
    }

    /// The same while the session has that connection.
    #[must_use]
    pub fn connected_by(mut self, connection: ConnectionId) -> Self {
        self.connection = Some(connection);
        self
    }

    /// The same for a message of a page: topics name it as the author of their patches.
    #[must_use]
    pub fn caused_by(mut self, author: Author) -> Self {
        self.cause = Some(Cause::new(author));
        self
    }

    /// The same with a limit on how long a handler may wait.
    #[must_use]
    pub fn with_time_limit(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Whom the application recognised.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.env.identity
    }

    /// The user.
    ///
    /// # Errors
    /// `unauthenticated` when there is none.
    pub fn user(&self) -> Result<&User> {
        self.env.identity.user()
    }

    /// What the application gave to its runtime's builder with `.state(…)`: a database, a client, its configuration.
    ///
    /// # Panics
    /// When it gave nothing of that type.
    #[must_use]
    pub fn state<T: Send + Sync + 'static>(&self) -> &T {
        self.env.states.expect()
    }

    /// Returns the id of the session: one page of one visitor, for as long as it is open and comes
    /// back. A page that is loaded anew has another session.
    #[must_use]
    pub fn session_id(&self) -> &SessionId {
        &self.session
    }

    /// Returns the id of the connection that the session had when the job began. There is none while
    /// the page is away.
    #[must_use]
    pub fn connection_id(&self) -> Option<&ConnectionId> {
        self.connection.as_ref()
    }

    /// The component's id in its session.
    #[must_use]
    pub fn component_id(&self) -> &ComponentId {
        &self.component
    }

    /// A topic that the component does not show.
    ///
    /// # Errors
    /// What the topic's `load` says.
    pub async fn topic<T: Topic>(&self, name: &str) -> Result<TopicHandle<T>> {
        self.env.hub.open(name, &self.env.states).await
    }

    /// The form's errors, for the field marked `#[live(errors)]`. They reach it also when the handler returns
    /// [`ActionError::invalid`].
    pub fn errors(&mut self) -> &mut Errors {
        self.errors.get_or_insert_default()
    }

    /// Enters a room: its events reach the component's `#[event]` methods and its page. The name
    /// counts against the session's budget of state: a handler that would exceed it fails with
    /// `too_large`.
    pub fn join(&mut self, room: impl Into<Arc<str>>) {
        self.effects.push(Effect::Join(room.into()));
    }

    /// Leaves a room.
    pub fn leave(&mut self, room: impl Into<Arc<str>>) {
        self.effects.push(Effect::Leave(room.into()));
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
        self.effects.push(Effect::Spawn(Box::pin(async move { TaskOutcome::of(event, task.await) })));
    }

    /// Writes into the store's database when the handler succeeds: in one transaction with the component's state and the
    /// record that the action was done, before the page gets its reply and before anybody hears of what else the handler
    /// asked for. If `work` fails, so does the action, and nothing has changed anywhere.
    ///
    /// It is staged: the handler goes on at once and does not see what `work` comes to. An action that has to know, for
    /// the database chooses ids or says no, is an `#[action(transaction)]`.
    ///
    /// `work` runs on a thread of the store, inside of the transaction, so it does nothing but its writes. It
    /// refuses the action by returning an error.
    ///
    /// In `unmount`, `work` is committed with the removal of the component. If it fails, the component
    /// is removed without it, and nothing else that `unmount` asked for happens.
    ///
    /// # Errors
    /// When changes of the component are not committed: it is not `#[live(durable)]`, and the server
    /// does not save with `Save::Always`.
    pub fn commit(&mut self, work: impl FnOnce(&mut Tx) -> Result + Send + 'static) -> Result {
        if !self.durable {
            return Err(ActionError::internal("`cx.commit` is for components that are #[live(durable)]"));
        }
        self.effects.push(Effect::Commit(Box::new(work)));
        Ok(())
    }

    /// Asks for the component to be unmounted.
    pub fn close(&mut self) {
        self.effects.push(Effect::Close);
    }

    pub(crate) fn env(&self) -> &Env {
        &self.env
    }

    pub(crate) fn by(&self) -> Option<&Author> {
        self.cause.as_ref().map(Cause::author)
    }

    pub(crate) fn cause(&self) -> Option<&Cause> {
        self.cause.as_ref()
    }

    pub(crate) fn limit(&self) -> Option<Duration> {
        self.limit
    }

    /// Where the outcome of the job is committed, if it is.
    pub(crate) fn take_journal(&mut self) -> Option<Arc<dyn Journal>> {
        let journal = self.journal.take();
        self.durable |= journal.is_some();
        journal
    }

    pub(crate) fn stage(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// A handler of the component begins.
    pub(crate) fn lend(&mut self, lent: Lent) {
        self.lent = Some(lent);
    }

    pub(crate) fn lent(&mut self) -> Option<&mut Lent> {
        self.lent.as_mut()
    }

    /// The handler is done.
    pub(crate) fn give_back(&mut self) -> Option<Lent> {
        self.lent.take()
    }

    /// Where a handler leaves what it flushes.
    pub(crate) fn outbox(&mut self) -> Outbox {
        self.outbox.get_or_insert_default().clone()
    }

    /// The handler has succeeded.
    pub(crate) fn keep_effects(&mut self) {
        self.kept = self.effects.len();
    }

    /// The handler has failed.
    pub(crate) fn drop_effects(&mut self) {
        let dropped = self.effects.split_off(self.kept.min(self.effects.len()));
        discard("what a handler asked for", dropped);
    }

    /// Takes out the changes of shared state.
    pub(crate) fn take_updates(&mut self) -> Vec<StagedUpdate> {
        let is_update = |effect: &&Effect| matches!(effect, Effect::Update(_));
        self.kept -= self.effects.iter().take(self.kept).filter(is_update).count();
        Effect::take_updates(&mut self.effects)
    }

    /// Whether nothing was asked for.
    pub(crate) fn has_no_effects(&self) -> bool {
        self.effects.is_empty()
    }

    /// Returns what was asked for and has not happened yet.
    pub(crate) fn effects(&self) -> &[Effect] {
        &self.effects
    }

    pub(crate) fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    pub(crate) fn take_errors(&mut self) -> Option<Errors> {
        self.errors.take()
    }

    /// # Errors
    /// `forbidden` without that permission, `unauthenticated` without a user.
    pub(crate) fn allow(&self, permission: &str) -> Result {
        if self.identity().may(permission) {
            return Ok(());
        }
        self.user()?;
        Err(ActionError::forbidden("permission denied"))
    }
}
