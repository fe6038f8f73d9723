//! Fields that are loaded asynchronously.

mod field;
mod start;

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use futures_util::future::{AbortHandle, Abortable};

use crate::fault::guard;
use crate::tracking::{Loaded, next_version};
use crate::{ActionError, Result};

pub use start::LoadContext;
use start::LoadStart;

/// A field whose value is loaded while the page is shown already: by a slow query, from another
/// service.
///
/// To the page and to templates it is
/// `{"loading": bool, "ready": bool, "failed": bool, "value": …, "error": …}`: at most one of the
/// three is true (none before the first load), `value` is the last loaded value or null, `error` is
/// the message for the user or null. While it is loaded again, the old value stays.
///
/// ```
/// # use vivaz_components::{Async, Context, LiveComponent, LiveState, Result, actions};
/// # #[derive(LiveState, serde::Serialize, serde::Deserialize)]
/// # #[live(crate = "vivaz_components")]
/// # struct Figures { total: u64 }
/// # async fn query() -> std::io::Result<Figures> { Ok(Figures { total: 7 }) }
/// #[derive(LiveComponent, Clone)]
/// # #[live(crate = "vivaz_components")]
/// #[live(name = "report", inline = r#"
///     <p live:if="figures.ready">{{ figures.value.total }}</p>
///     <p live:else-if="figures.failed">{{ figures.error }}</p>
///     <p live:else>Loading…</p>
///     <button live:if="figures.failed" live:click="refresh()">Again</button>
/// "#)]
/// struct Report {
///     figures: Async<Figures>,
/// }
///
/// # #[actions(crate = "vivaz_components")]
/// # impl Report {
/// fn connected(&mut self, cx: &mut Context) {
///     self.figures.load(cx, async { Ok(query().await?) });
/// }
///
/// #[action]
/// fn refresh(&mut self, cx: &mut Context) {
///     self.connected(cx);
/// }
/// # }
/// ```
///
/// A load that `mount` starts runs only if the page is streamed; its outcome is then part of the
/// first paint. Otherwise the field is shown as loading, and `connected` starts the load: with
/// `if self.figures.is_loading()` the work does not run twice.
///
/// A load belongs to the field: it ends when the component is unmounted, when the field is
/// [cleared](Self::clear) or [set](Self::set), and when another load replaces it. A panic in it is
/// a failure. It does not survive the server's process: a session that resumes elsewhere has a
/// failed load, and may load again in `resumed`.
///
/// The type is for a component's own fields, not for fields inside them and not for shared state.
pub struct Async<T> {
    stage: LoadStage,
    /// Shared, because a handler works on a copy of the component.
    value: Option<Arc<T>>,
    /// The running load. It is aborted when the last copy is dropped.
    running: Option<Arc<RunningLoad>>,
    /// Incremented with every change.
    version: u64,
}

/// The state of the load.
#[derive(Clone, Debug, PartialEq, Eq)]
enum LoadStage {
    Idle,
    Loading,
    Ready,
    Failed(Arc<str>),
}

/// A running load.
struct RunningLoad {
    id: u64,
    abort: AbortHandle,
    start: LoadStart,
}

impl Drop for RunningLoad {
    fn drop(&mut self) {
        self.abort.abort();
    }
}

impl<T> Async<T> {
    /// Creates a field that was never loaded.
    #[must_use]
    pub fn new() -> Self {
        Self::at(LoadStage::Idle, None)
    }

    /// Creates a field that is shown as loading without a load: for `mount`, where the first paint
    /// shows it and `connected` starts the load.
    #[must_use]
    pub fn loading() -> Self {
        Self::at(LoadStage::Loading, None)
    }

    /// Creates a field with a value.
    #[must_use]
    pub fn ready(value: T) -> Self {
        Self::at(LoadStage::Ready, Some(Arc::new(value)))
    }

    /// Returns the last loaded value.
    #[must_use]
    pub fn value(&self) -> Option<&T> {
        self.value.as_deref()
    }

    /// Returns the error message for the user.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        if let LoadStage::Failed(error) = &self.stage { Some(error) } else { None }
    }

    /// Returns whether a load is running (or shown to be).
    #[must_use]
    pub fn is_loading(&self) -> bool {
        self.stage == LoadStage::Loading
    }

    /// Returns whether the last load succeeded.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.stage == LoadStage::Ready
    }

    /// Returns whether the last load failed.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        matches!(self.stage, LoadStage::Failed(_))
    }

    /// Sets a value. A running load ends.
    pub fn set(&mut self, value: T) {
        *self = Self::ready(value);
    }

    /// Resets the field to the state before the first load. A running load ends.
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    fn at(stage: LoadStage, value: Option<Arc<T>>) -> Self {
        Self { stage, value, running: None, version: next_version() }
    }
}

impl<T: Send + Sync + 'static> Async<T> {
    /// Starts a load when the handler succeeds. A running load of this field ends then. In `mount`,
    /// the load starts only if its outcome can be part of the first paint.
    pub fn load(
        &mut self,
        cx: &mut impl LoadContext,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) {
        let id = next_version();
        let (abort, registration) = AbortHandle::new_pair();
        let work = async move {
            let outcome = guard("loading a field", None, work).await;
            Loaded::new(id, outcome.map(|value| Box::new(value) as Box<dyn Any + Send>))
        };
        let task = Abortable::new(work, registration);
        let start = cx.start_load(Box::pin(async move { task.await.ok() }));
        let is_started = start != LoadStart::Later;
        self.running = is_started.then(|| Arc::new(RunningLoad { id, abort, start }));
        if !self.is_loading() {
            (self.stage, self.version) = (LoadStage::Loading, next_version());
        }
    }

    /// Takes the outcome of a load, if this field waits for it.
    fn settle(&mut self, loaded: &mut Option<Loaded>) -> Option<Result> {
        let running = self.running.as_ref()?;
        let outcome = loaded.take_if(|loaded| loaded.id() == running.id)?.into_outcome();
        let outcome = outcome.and_then(|value| {
            value.downcast::<T>().map_err(|_| {
                ActionError::internal("the load returned a value of another type than its field")
            })
        });
        let (stage, value, said) = match outcome {
            Ok(value) => (LoadStage::Ready, Some(Arc::from(value)), Ok(())),
            Err(error) => (LoadStage::Failed(error.message().into()), self.value.take(), Err(error)),
        };
        *self = Self::at(stage, value);
        Some(said)
    }
}

impl<T> Default for Async<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Clone for Async<T> {
    /// Shares the value and the running load.
    fn clone(&self) -> Self {
        Self {
            stage: self.stage.clone(),
            value: self.value.clone(),
            running: self.running.clone(),
            version: self.version,
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Async<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Async")
            .field("stage", &self.stage)
            .field("value", &self.value)
            .finish_non_exhaustive()
    }
}
