//! The seam between the component model and the session that drives it.
//!
//! A session owns `Box<dyn Instance>` and hands it one [`Job`] at a time. The instance moves into the job, by value,
//! and comes back in [`Finished`] whatever happened inside: an error, a panic, a dropped future of the user's.
//! All typed work is on this side: decoding arguments, calling the handler, isolating a panic, rolling back,
//! comparing the fields with what the page has. All of the wire is on the other: revisions, replies, order.

use std::fmt;

use serde_json::value::RawValue;
use vivaz_protocol::PropertyPath;

pub use crate::fault::guard;
pub use crate::future::BoxFuture;

/// One mounted component, its type forgotten.
pub trait Instance: Send {
    /// What is known of its type: name, schema hash, whether it is open, its template, its durability.
    fn spec(&self) -> &'static crate::Spec;
    /// Runs one job. Takes the instance by value; it comes back in [`Finished`].
    fn run(self: Box<Self>, cx: crate::Context, job: Job) -> Started;
    /// The whole public state as a JSON object, shared fields left out; what `COMPONENT_MOUNTED` and `STATE_SNAPSHOT` carry.
    ///
    /// # Errors
    /// When a field has no JSON form, or a computed one panics.
    fn state(&mut self) -> crate::Result<String>;
    /// Which topic each shared field shows now.
    fn topics(&mut self) -> Vec<(&'static str, crate::TopicRef)>;
    /// At which of these topics the component is present.
    fn presences(&mut self) -> Vec<crate::TopicRef>;
    /// Is present where one was that it stands in for, whose saved state it could not be made of.
    fn recall_presences(&mut self, saved: &[u8]);
    /// Everything that has to survive a restart, private fields included, shared ones by name: for seals and session stores.
    ///
    /// # Errors
    /// When a field has no JSON form.
    fn save(&mut self) -> crate::Result<Vec<u8>>;
}

/// What can happen to a component. Closed: the session handles every one.
#[derive(Debug)]
pub enum Job {
    /// `COMPONENT_ACTION`
    Action {
        /// The name.
        action: String,
        /// The arguments.
        payload: Option<Box<RawValue>>,
        /// Edits that go before it, all or none.
        set: Vec<(String, Box<RawValue>)>,
    },
    /// `PROPERTY_UPDATE`
    Property {
        /// Which property.
        property: PropertyPath<'static>,
        /// Its new value.
        value: Box<RawValue>,
    },
    /// Other props: the parent's state gives them, or a `PROPS_UPDATE` brings them.
    Props {
        /// Those that changed, as an object.
        props: Box<RawValue>,
        /// The names of those that the page gave. `updated` is called for each.
        page: Vec<String>,
    },
    /// An event of the server's own: from a room, a spawned task, a child.
    Event {
        /// What it is.
        event: crate::ServerEvent,
    },
    /// A field that the component began to load is there, or failed.
    Loaded {
        /// For which field, and what.
        loaded: crate::Loaded,
    },
    /// The page is there (first mount over a socket).
    Connected,
    /// The page's connection dropped; the session waits.
    Disconnected,
    /// The page is back.
    Resumed,
    /// The component is going away. The instance that comes back is dropped.
    Unmount {
        /// Why.
        reason: crate::UnmountReason,
    },
}

/// A job that is done, or one that has to wait for something.
pub enum Started {
    /// Done without waiting; no future was allocated.
    Now(Finished),
    /// To be polled.
    Running {
        /// Gives the component back.
        future: BoxFuture<JobProgress>,
        /// The component as it was before the job, to answer `state`, `topics` and `save` while it is away. Jobs are
        /// not run on it.
        meanwhile: Box<dyn Instance>,
    },
}

/// How far a job is.
pub enum JobProgress {
    /// The handler asked for this to be sent now. The rest of the job is polled when that is done.
    Flushed(Flushed, BoxFuture<JobProgress>),
    /// It is done.
    Done(Finished),
}

impl JobProgress {
    pub(crate) fn after(flushed: Option<Flushed>, finished: Finished) -> Self {
        match flushed {
            Some(flushed) => Self::Flushed(flushed, Box::pin(std::future::ready(Self::Done(finished)))),
            None => Self::Done(finished),
        }
    }

    /// The end of a job whose steps are nobody's concern: what is flushed on the way is given to `flushed`.
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

/// What a handler sends before it is done.
pub struct Flushed {
    /// The component as it is now: from here on it answers in place of the one that `Started::Running` came with.
    pub meanwhile: Box<dyn Instance>,
    /// As in [`Finished`].
    pub effects: Vec<crate::Effect>,
    /// As in [`Finished`]; sent without a `ref`.
    pub patch: Option<String>,
    /// As in [`Finished`].
    pub topics: Option<Vec<(&'static str, crate::TopicRef)>>,
    /// Told when all of this is on its way; the handler waits for it.
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
    /// The component, back; rolled back if the job failed.
    pub instance: Box<dyn Instance>,
    /// What the handler staged: published by the session, in order, also if `result` is an `Err` (what a handler staged
    /// that failed has been dropped; what is left is of `updated` methods that went before it).
    pub effects: Vec<crate::Effect>,
    /// The fields that changed since the last patch, as one patch object in JSON; `None` if nothing did. With an `Err`
    /// in `result` these are the accepted `set`s and the errors of a form: sent without a `ref`, before the `ERROR`.
    pub patch: Option<String>,
    /// Set when a shared field shows another topic than before: the whole map of fields to topics as of now.
    pub topics: Option<Vec<(&'static str, crate::TopicRef)>>,
    /// The action's return value (`None` for `()`), or what went wrong.
    pub result: Result<Option<Box<RawValue>>, crate::ActionError>,
    /// Changes of topics that the job made and whose patches are sent later: the reply goes out
    /// behind them.
    pub unsent: Vec<crate::Unsent>,
    /// Whether all of this was committed to the journal that the job was given.
    pub committed: bool,
}
