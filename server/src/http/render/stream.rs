//! The components of a page that load while the page is sent: see `send.rs`.

use std::collections::BTreeMap;
use std::fmt;
use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::value::RawValue;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use vivaz_components::instance::{BoxFuture, Instance, Job};
use vivaz_components::{Context, Loaded};
use vivaz_protocol::{ComponentId, SessionId};
use vivaz_template::containment::OpenElement;

use super::Live;
use crate::admission::seal::SealedChild;
use crate::http::forms::FormChain;

/// The session and the component of a first load, which has neither yet.
const FIRST_PAINT: &str = "first-paint";

/// The parts of a page that follow later. The loads end when this is dropped: with the response, or
/// when its client is gone.
#[derive(Debug)]
pub(super) struct PageStream {
    deadline: Instant,
    parts: Mutex<PendingParts>,
}

#[derive(Default)]
struct PendingParts {
    /// The number of the last part.
    last: usize,
    /// The loads, each with the number of its part.
    loads: JoinSet<(usize, Option<Loaded>)>,
    parts: BTreeMap<usize, Part>,
}

/// A component that loads, and what its element is rendered from.
pub(super) struct Part {
    pub(super) instance: Box<dyn Instance>,
    pub(super) props: Box<RawValue>,
    pub(super) attributes: String,
    pub(super) child: Option<SealedChild>,
    pub(super) around: Vec<OpenElement>,
    pub(super) depth: usize,
    /// The parents, if the page accepts forms.
    pub(super) forms: Option<FormChain>,
    /// The number of loads that have not ended.
    pub(super) pending: usize,
    /// Whether a load has ended.
    pub(super) is_changed: bool,
}

impl fmt::Debug for PendingParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingParts").field("last", &self.last).finish_non_exhaustive()
    }
}

impl PageStream {
    pub(super) fn new(deadline: Duration) -> Self {
        Self { deadline: Instant::now() + deadline, parts: Mutex::default() }
    }

    /// Checks whether a part follows.
    pub(super) fn has_parts(&self) -> bool {
        !self.lock().parts.is_empty()
    }

    /// Returns the time until the deadline.
    pub(super) fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Starts the loads of a component. Returns the number of its part.
    pub(super) fn start(&self, loads: Vec<BoxFuture<Option<Loaded>>>) -> usize {
        let mut parts = self.lock();
        parts.last += 1;
        let number = parts.last;
        for load in loads {
            parts.loads.spawn(async move { (number, load.await) });
        }
        number
    }

    /// Adds the component of a part whose loads were started.
    pub(super) fn add(&self, number: usize, part: Part) {
        self.lock().parts.insert(number, part);
    }

    /// Waits for the next part whose loads have ended. Returns `None` if no other part follows. At
    /// the deadline, a part that has loaded some of its fields is the next.
    pub(super) async fn next(&self, live: &Live) -> Option<(usize, Part)> {
        loop {
            let ended = timeout_at(self.deadline, poll_fn(|cx| self.lock().loads.poll_join_next(cx))).await;
            let (number, loaded) = match ended {
                Ok(Some(Ok(ended))) => ended,
                // A load catches its panics, and is aborted only with all others.
                Ok(Some(Err(_))) => continue,
                Ok(None) | Err(_) => return self.take(|_, part| part.is_changed),
            };
            let Some((_, mut part)) = self.take(|of, _| of == number) else { continue };
            part.pending = part.pending.saturating_sub(1);
            if let Some(loaded) = loaded {
                part = part.settle(loaded, live).await;
            }
            if part.pending == 0 {
                return Some((number, part));
            }
            self.add(number, part);
        }
    }

    fn take(&self, is: impl Fn(usize, &Part) -> bool) -> Option<(usize, Part)> {
        let mut parts = self.lock();
        let number =
            parts.parts.iter().find(|(number, part)| is(**number, part)).map(|(number, _)| *number)?;
        parts.parts.remove(&number).map(|part| (number, part))
    }

    fn lock(&self) -> MutexGuard<'_, PendingParts> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Part {
    /// Gives the component the outcome of a load. The component logs a failure.
    #[expect(clippy::expect_used, reason = "the text is a constant that both kinds of ids allow")]
    async fn settle(mut self, loaded: Loaded, live: &Live) -> Self {
        let env = live.runtime.core().env(live.identity.clone());
        let session = SessionId::new(FIRST_PAINT).expect("a valid id");
        let component = ComponentId::new(FIRST_PAINT).expect("a valid id");
        let cx = Context::new(env, session, component);
        self.instance = self.instance.run(cx, Job::Loaded { loaded }).end(drop).await.instance;
        self.is_changed = true;
        self
    }
}
