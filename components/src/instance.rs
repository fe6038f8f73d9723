//! The interface between the component model and the session that drives it.
//!
//! A session owns a `Box<dyn Instance>` and gives it one [`Job`] at a time. The instance moves into
//! the job by value, and comes back in [`Finished`] after every outcome: an error, a panic, a
//! dropped future of the application. Typed work is on this side: decoding arguments, calling the
//! handler, isolating a panic, rolling back, comparing the fields with the state that the page has.
//! The wire is on the other side: revisions, replies, order.

use std::fmt;

use serde_json::value::RawValue;
use vivaz_protocol::PropertyPath;

pub use crate::fault::guard;
pub use crate::future::BoxFuture;

/// One mounted component, without its type.
pub trait Instance: Send {
    /// Returns the description of its type: name, schema hash, whether it is open, its template,
    /// its durability.
    fn spec(&self) -> &'static crate::spec::Spec;
    /// Runs one job. Takes the instance by value; it comes back in [`Finished`].
    fn run(self: Box<Self>, cx: crate::Context, job: Job) -> Started;
    /// Returns the public state as a JSON object without shared fields; `COMPONENT_MOUNTED` and
    /// `STATE_SNAPSHOT` contain it.
    ///
    /// # Errors
    /// Returns an error if a field has no JSON form, or a computed field panics.
    fn state(&mut self) -> crate::Result<String>;
    /// Does the same as [`state`](Self::state) for state of at most `limit` bytes. Returns `None` if
    /// it has more.
    ///
    /// # Errors
    /// Returns the same errors as [`state`](Self::state).
    fn state_within(&mut self, limit: usize) -> crate::Result<Option<String>>;
    /// Returns the public state as templates read it, without shared fields. The items of lists are
    /// converted when they are read; see [`check_items`](crate::ShownValue::check_items).
    ///
    /// # Errors
    /// Returns the same errors as [`state`](Self::state).
    fn shown(&mut self) -> crate::Result<crate::ShownValue>;
    /// Returns the topic of each shared field.
    fn topics(&mut self) -> Vec<(&'static str, crate::TopicRef)>;
    /// Returns the topics at which the component is present.
    fn presences(&mut self) -> Vec<crate::TopicRef>;
    /// Takes over the presences of a saved component that could not be restored, and that this one
    /// replaces.
    fn recall_presences(&mut self, saved: &[u8]);
    /// Returns the state that has to survive a restart, private fields included, shared fields by
    /// the names of their topics: for seals and session stores.
    ///
    /// # Errors
    /// Returns an error if a field has no JSON form.
    fn save(&mut self) -> crate::Result<Vec<u8>>;
    /// Does the same as [`save`](Self::save) for state of at most `limit` bytes. Returns `None` if
    /// it has more.
    ///
    /// # Errors
    /// Returns the same errors as [`save`](Self::save).
    fn save_within(&mut self, limit: usize) -> crate::Result<Option<String>>;
}

/// A job of a component. The set is closed: the host handles every case.
#[derive(Debug)]
pub enum Job {
    /// `COMPONENT_ACTION`
    Action {
        /// The name of the action.
        action: String,
        /// The arguments.
        payload: Option<Box<RawValue>>,
        /// Edits that are made before the action, all or none.
        set: Vec<(String, Box<RawValue>)>,
    },
    /// `PROPERTY_UPDATE`
    Property {
        /// The property.
        property: PropertyPath<'static>,
        /// Its new value.
        value: Box<RawValue>,
    },
    /// New props, from the parent's state or from a `PROPS_UPDATE`.
    Props {
        /// The changed props, as an object.
        props: Box<RawValue>,
        /// The names of the props that the page set. `updated` is called for each.
        page: Vec<String>,
    },
    /// An event of the server: from a room, a spawned task, a child.
    Event {
        /// The event.
        event: crate::ServerEvent,
    },
    /// A load of a field has ended.
    Loaded {
        /// The outcome, for the field that waits for it.
        loaded: crate::Loaded,
    },
    /// The page has connected for the first time.
    Connected,
    /// The page's connection dropped; the session waits.
    Disconnected,
    /// The page has reconnected.
    Resumed,
    /// The component is being unmounted. The instance that comes back is dropped.
    Unmount {
        /// The reason.
        reason: crate::UnmountReason,
    },
}

/// A started job: done, or waiting.
pub enum Started {
    /// The job was done without waiting; no future was allocated.
    Now(Finished),
    /// The job waits.
    Running {
        /// The rest of the job, which returns the component.
        future: BoxFuture<JobProgress>,
        /// The component before the job. It answers `state`, `topics` and `save` meanwhile, and
        /// runs no jobs.
        meanwhile: Box<dyn Instance>,
    },
}

impl Started {
    /// Runs the job to its end and passes each flush to `flushed`.
    pub async fn end(self, flushed: impl FnMut(Flushed) + Send) -> Finished {
        match self {
            Self::Now(finished) => finished,
            Self::Running { future, .. } => JobProgress::end(future, flushed).await,
        }
    }
}

/// The progress of a job that waits.
pub enum JobProgress {
    /// The handler flushed. The session sends this, and then polls the rest of the job.
    Flushed(Flushed, BoxFuture<JobProgress>),
    /// The job is done.
    Done(Finished),
}

impl JobProgress {
    pub(crate) fn after(flushed: Option<Flushed>, finished: Finished) -> Self {
        match flushed {
            Some(flushed) => Self::Flushed(flushed, Box::pin(std::future::ready(Self::Done(finished)))),
            None => Self::Done(finished),
        }
    }

    /// Runs a job to its end and passes each flush to `flushed`.
    pub async fn end(mut job: BoxFuture<Self>, mut flushed: impl FnMut(Flushed) + Send) -> Finished {
        loop {
            match job.await {
                Self::Done(finished) => return finished,
                Self::Flushed(step, rest) => {
                    flushed(step);
                    job = rest;
                }
            }
        }
    }
}

/// Changes that a handler sends before it is done.
pub struct Flushed {
    /// The component at the time of the flush. It replaces the one in `Started::Running`.
    pub meanwhile: Box<dyn Instance>,
    /// As in [`Finished`].
    pub effects: Vec<crate::Effect>,
    /// As in [`Finished`]; sent without a `ref`.
    pub patch: Option<String>,
    /// As in [`Finished`].
    pub topics: Option<Vec<(&'static str, crate::TopicRef)>>,
    /// Resolved when the flush is in the connection's queue; the handler waits for it.
    pub answer: tokio::sync::oneshot::Sender<()>,
}

impl fmt::Debug for Flushed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flushed")
            .field("patch", &self.patch)
            .field("effects", &self.effects)
            .finish_non_exhaustive()
    }
}

/// A finished job.
pub struct Finished {
    /// The component; rolled back if the job failed.
    pub instance: Box<dyn Instance>,
    /// The staged effects, which the session does in order, also if `result` is an `Err`: the
    /// effects of a failed handler were dropped, and these are of `updated` methods before it.
    pub effects: Vec<crate::Effect>,
    /// The fields that changed since the last patch, as one patch object in JSON; `None` if none
    /// changed. With an `Err` in `result` these are the accepted edits and the errors of a form:
    /// sent without a `ref`, before the `ERROR`.
    pub patch: Option<String>,
    /// Set if a shared field names another topic than before: the topics of all shared fields.
    pub topics: Option<Vec<(&'static str, crate::TopicRef)>>,
    /// The action's return value (`None` for `()`), or its error.
    pub result: Result<Option<Box<RawValue>>, crate::ActionError>,
    /// Changes of topics that the job made and whose patches are sent later: the reply is sent
    /// after them.
    pub unsent: Vec<crate::Unsent>,
    /// Whether all of this was committed to the job's journal.
    pub committed: bool,
}
