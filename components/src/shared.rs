//! A component's view of a topic.

mod cause;
mod erased;

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use vivaz_protocol::TopicName;

pub(crate) use cause::Cause;
pub use erased::AnyShared;

use crate::env::Env;
use crate::error::Result;
use crate::fault;
use crate::future::BoxFuture;
use crate::journal::OperationId;
use crate::shape::{LiveShape, ShapeRef};
use crate::topic::{Cell, Mutation, StagedUpdate, Topic, TopicRef, TopicState, parse_key};

/// A field that shows a topic, whose state is shared by all subscribers.
///
/// It dereferences to the state at the start of the handler. Changes are staged with
/// [`update`](Self::update): they are made when the handler succeeds, and sent to all subscribers
/// as one patch.
pub struct Shared<T> {
    bound: Option<Bound<T>>,
    /// Each with the topic of the field at the time of the request.
    staged: Vec<StagedMutation<T>>,
    /// Whether the component is present at the topic.
    is_present: bool,
}

/// A change that a handler stages, with its id if nodes share the topic.
type StagedMutation<T> = (TopicRef, Arc<Cell<T>>, Mutation<T>, Option<OperationId>);

struct Bound<T> {
    topic: TopicRef,
    cell: Arc<Cell<T>>,
    snapshot: Arc<T>,
    cause: Option<Cause>,
}

impl<T> Shared<T> {
    /// Creates a field without a topic, for the component's `mount`. The runtime binds it to its
    /// topic after `mount` has returned.
    #[must_use]
    pub fn new() -> Self {
        Self { bound: None, staged: Vec::new(), is_present: false }
    }

    /// Returns the topic's name.
    #[must_use]
    pub fn topic_name(&self) -> Option<&TopicName> {
        self.bound.as_ref().map(|bound| bound.topic.name())
    }

    /// Returns the number of sessions that subscribe to the topic.
    #[must_use]
    pub fn audience(&self) -> usize {
        self.bound.as_ref().map_or(0, |bound| bound.topic.audience())
    }

    pub(crate) fn is_present_mut(&mut self) -> &mut bool {
        &mut self.is_present
    }

    /// Returns the topic's name.
    ///
    /// # Panics
    /// Panics if the field is not bound to its topic yet.
    #[track_caller]
    pub(crate) fn bound_name(&self) -> &TopicName {
        match &self.bound {
            Some(bound) => bound.topic.name(),
            None => unbound(),
        }
    }

    fn bound_mut(&mut self) -> &mut Bound<T> {
        match &mut self.bound {
            Some(bound) => bound,
            None => unbound(),
        }
    }
}

impl<T: Topic> Shared<T> {
    /// Changes the state of the field's current topic when the handler succeeds, also if the field
    /// names another topic by then. The closure gets a draft and may be run again on a newer one,
    /// so it must do nothing but change it, and must not rely on the state that the handler read:
    /// `self.chat.update(move |room| room.messages.push(message.clone()))`.
    ///
    /// # Panics
    /// Panics inside `mount`, where the field is not bound to its topic yet.
    #[track_caller]
    pub fn update(&mut self, change: impl Fn(&mut T) + Send + Sync + 'static) {
        let Bound { topic, cell, cause, .. } = self.bound_mut();
        let (topic, cell) = (topic.clone(), Arc::clone(cell));
        let operation = cause.as_ref().filter(|_| cell.is_replicated()).map(Cause::next_operation);
        self.staged.push((topic, cell, Arc::new(change), operation));
    }

    /// Changes the state now and returns the result of the closure: whether the seat was still
    /// free. The change stays when the handler fails afterwards. Like the closure of
    /// [`update`](Self::update), this one may be run again on a newer draft, so it does nothing but
    /// change it.
    ///
    /// # Errors
    /// Returns `panicked` if the closure panics, `too_large` if the topic would exceed its limit,
    /// and an error if its state has no JSON form. The state is then unchanged.
    ///
    /// # Panics
    /// Panics inside `mount`, where the field is not bound to its topic yet.
    pub async fn update_now<R: Send>(&mut self, change: impl Fn(&mut T) -> R + Send + Sync) -> Result<R> {
        let bound = self.bound_mut();
        let (by, cause) = (bound.cause.as_ref().map(Cause::author), bound.cause.as_ref());
        let applied = bound.cell.apply_now(by, || cause.map(Cause::next_operation), change).await?;
        if let (Some(unsent), Some(cause)) = (applied.unsent, &bound.cause) {
            cause.wait_for(unsent);
        }
        bound.snapshot = bound.cell.value();
        Ok(applied.result)
    }
}

#[cold]
#[track_caller]
fn unbound() -> ! {
    #[expect(clippy::panic, reason = "a mistake in `mount`, documented with `Deref`")]
    {
        panic!(
            "a shared field has no state before `mount` has returned: `cx.topic(…).await` has the topic there"
        )
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    /// Returns the state at the start of the handler.
    ///
    /// # Panics
    /// Panics inside `mount`, where the field is not bound to its topic yet.
    fn deref(&self) -> &T {
        match &self.bound {
            Some(bound) => &bound.snapshot,
            None => unbound(),
        }
    }
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Clone for Shared<T> {
    /// Shows the same topic. Staged changes belong to the handler that staged them and are not
    /// copied.
    fn clone(&self) -> Self {
        let bound = self.bound.as_ref().map(|bound| Bound {
            topic: bound.topic.clone(),
            cell: bound.cell.clone(),
            snapshot: bound.snapshot.clone(),
            cause: bound.cause.clone(),
        });
        Self { bound, staged: Vec::new(), is_present: self.is_present }
    }
}

impl<T> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("topic", &self.topic_name()).finish_non_exhaustive()
    }
}

impl<T: TopicState> LiveShape for Shared<T> {
    const SHAPE: ShapeRef = T::SHOWN;
}

impl<T: Topic> AnyShared for Shared<T> {
    fn topic(&self) -> Option<&TopicRef> {
        self.bound.as_ref().map(|bound| &bound.topic)
    }

    fn opener(&self) -> fn(String, Env) -> BoxFuture<Result<TopicRef>> {
        |name, env| {
            Box::pin(async move {
                let key = parse_key::<T>(&name)?;
                let asked = async { T::authorize(&key, env.identity()).await };
                fault::guard("authorizing a topic", None, asked).await?;
                Ok(env.topic::<T>(&name).await?.topic().clone())
            })
        }
    }

    fn bind(&mut self, topic: &TopicRef) -> Result {
        let cell = Cell::<T>::of(topic)?;
        let snapshot = cell.value();
        self.bound = Some(Bound { topic: topic.clone(), cell, snapshot, cause: None });
        Ok(())
    }

    fn begin(&mut self, cause: Option<&Cause>) {
        if let Some(bound) = &mut self.bound {
            bound.snapshot = bound.cell.value();
            bound.cause = cause.cloned();
        }
    }

    fn refresh(&mut self) {
        if let Some(bound) = self.bound.as_mut().filter(|bound| bound.cell.is_replicated()) {
            bound.snapshot = bound.cell.value();
        }
    }

    fn take_staged(&mut self) -> Vec<StagedUpdate> {
        let staged = std::mem::take(&mut self.staged).into_iter();
        staged
            .map(|(topic, cell, change, operation)| StagedUpdate::new(topic, cell, vec![change], operation))
            .collect()
    }

    fn is_present(&self) -> bool {
        self.is_present
    }

    fn recall_presence(&mut self) {
        self.is_present = true;
    }
}
