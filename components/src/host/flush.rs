//! Sending changes before a handler is done.
//!
//! A handler that waits owns the component and the [`Context`]; the session polls the future around
//! it. `flush` puts the changes into a slot that both can reach, and waits. The future around it
//! takes them out, passes them to the session, and is polled again when the session has sent them.
//! So flushed changes are sent before all later ones.

use std::future::poll_fn;
use std::task::Poll;

use tokio::sync::oneshot;

use super::{Host, HostedComponent, compare, topics};
use crate::component::AnyComponent;
use crate::context::FlushSlot;
use crate::effect::Effect;
use crate::fault::{discard, guard};
use crate::future::BoxFuture;
use crate::instance::{Finished, Flushed, JobProgress};
use crate::topic::StagedUpdate;
use crate::{ActionError, Context, LiveComponent, Result};

/// The reason why a durable component cannot flush.
pub const NO_FLUSH: &str = "a #[live(durable)] component cannot `flush`: its page sees committed state only. \
     Show progress in shared state with `update_now`, or split the work into several actions";

impl Context {
    /// Sends the changes of the handler so far, and continues: for a long action that shows its
    /// progress.
    ///
    /// The page gets the fields that have changed, and all requests are done now: changes of shared
    /// state, events, rooms, tasks. A later failure reverts to this state and not to the one before
    /// the handler. Returns when all of this is in the connection's queue.
    ///
    /// ```
    /// # use vivaz_components::{Context, LiveComponent, Result, actions};
    /// # #[derive(LiveComponent, Clone)]
    /// # #[live(name = "import", inline = "{{ done }}", crate = "vivaz_components")]
    /// # struct Import { done: u32 }
    /// # async fn import_page(_: u32) -> Result { Ok(()) }
    /// # #[actions(crate = "vivaz_components")]
    /// # impl Import {
    /// #[action]
    /// async fn start(&mut self, cx: &mut Context) -> Result {
    ///     for page in 0..10 {
    ///         import_page(page).await?;
    ///         self.done += 1;
    ///         cx.flush(self).await?;
    ///     }
    ///     Ok(())
    /// }
    /// # }
    /// ```
    ///
    /// A component that is `#[live(durable)]` cannot flush: its page sees committed state, and half
    /// of an action would be committed without a record of where to continue. This does not
    /// compile:
    ///
    /// ```compile_fail
    /// # use vivaz_components::{Context, LiveComponent, Result, actions};
    /// # #[derive(LiveComponent, Clone)]
    /// # #[live(name = "import", inline = "{{ done }}", durable, crate = "vivaz_components")]
    /// # struct Import { done: u32 }
    /// # #[actions(crate = "vivaz_components")]
    /// # impl Import {
    /// #[action]
    /// async fn start(&mut self, cx: &mut Context) -> Result {
    ///     cx.flush(self).await // of a component that is `durable`
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns an error if the user may not see the topic that a shared field names, if a field has
    /// no JSON form, or if a change of shared state fails. Then nothing was sent, no shared state
    /// was changed, and the changes of shared state of this flush are dropped. Other requests are
    /// still staged. A handler that returns the error reverts to its last successful flush, or to
    /// the state before the handler, so that the component and the shared state are undone
    /// together.
    ///
    /// # Cancel safety
    /// If the future is dropped before it is done, the changes may have been sent.
    pub async fn flush<C: LiveComponent>(&mut self, component: &mut C) -> Result {
        const {
            assert!(!C::SPEC.durable, "{}", NO_FLUSH);
        }
        self.flush_component(component).await
    }

    async fn flush_component(&mut self, component: &mut dyn AnyComponent) -> Result {
        if !self.lent().is_some_and(|lent| std::ptr::eq(lent.spec, component.spec())) {
            return Err(ActionError::internal(
                "`cx.flush` is given the component whose handler it is: `self`",
            ));
        }
        if let (Some(errors), Some(field)) = (self.effects().take_errors(), component.errors()) {
            *field = errors;
        }
        let mut moved = None;
        if topics::have_moved(component)? {
            let (env, limit) = (self.env().clone(), self.limit());
            guard("showing a topic", limit, topics::bind(component, &env)).await?;
            moved = Some(topics::of(component));
        }
        let joins = self.effects().bytes_of_joins();
        let Some(lent) = self.lent() else { return Ok(()) };
        lent.account.has_left(joins)?;
        let changes = compare::compare(&mut lent.tracker, &lent.account, component)?;
        for update in topics::staged(component) {
            self.effects().stage(Effect::Update(update));
        }
        // Copied before anything is published, because copying may fail.
        let copies = HostedComponent::copy_of(component)
            .and_then(|kept| Ok((HostedComponent::copy_of(component)?, kept)));
        let published = match copies {
            Ok(copies) => {
                let updates = self.effects().take_updates();
                StagedUpdate::agree_all(updates, self.by()).await.map(|unsent| (copies, unsent))
            }
            Err(error) => Err(error),
        };
        let ((meanwhile, kept), unsent) = match published {
            Ok(published) => published,
            Err(error) => {
                if let Some(lent) = self.lent() {
                    compare::revert(&mut lent.tracker, &lent.account, changes);
                }
                return Err(error);
            }
        };
        if let Some(cause) = self.cause() {
            unsent.into_iter().for_each(|unsent| cause.wait_for(unsent));
        }
        if let Some(lent) = self.lent() {
            lent.set_fallback(kept);
        }
        let effects = self.effects().take();
        let (answer, sent) = oneshot::channel();
        let meanwhile = Host::answering(meanwhile);
        let flushed = Flushed { meanwhile, effects, patch: changes.patch, topics: moved, answer };
        self.outbox().put(flushed);
        // The sender is dropped when the session has ended; the handler is dropped then.
        let _answered = sent.await;
        topics::begin(component, self.cause());
        Ok(())
    }
}

/// Returns a job as a sequence of flushes and an end.
pub(super) fn steps(run: BoxFuture<Finished>, outbox: FlushSlot) -> BoxFuture<JobProgress> {
    steps_of(RunningJob(Some(run)), outbox)
}

/// A running job. Its handler is dropped with it when the session ends.
struct RunningJob(Option<BoxFuture<Finished>>);

impl Drop for RunningJob {
    fn drop(&mut self) {
        discard("dropping a handler", self.0.take());
    }
}

fn steps_of(mut run: RunningJob, outbox: FlushSlot) -> BoxFuture<JobProgress> {
    Box::pin(async move {
        let (finished, flushed) = poll_fn(|cx| {
            let polled = run.0.as_mut().map_or(Poll::Pending, |run| run.as_mut().poll(cx));
            let flushed = outbox.take::<Flushed>();
            match (polled, flushed) {
                (Poll::Pending, None) => Poll::Pending,
                (Poll::Pending, flushed) => Poll::Ready((None, flushed)),
                // A flush whose future was dropped is sent too: the tracker counts it as sent.
                (Poll::Ready(finished), flushed) => Poll::Ready((Some(finished), flushed)),
            }
        })
        .await;
        let rest = match finished {
            Some(finished) => return JobProgress::after(flushed, finished),
            None => steps_of(run, outbox),
        };
        match flushed {
            Some(flushed) => JobProgress::Flushed(flushed, rest),
            None => rest.await,
        }
    })
}
