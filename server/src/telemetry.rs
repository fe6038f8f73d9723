//! Metrics, spans, lifecycle events, and the log of events that clients cause.

pub(crate) mod counters;
mod declare;
#[cfg(feature = "metrics")]
mod detail;
pub(crate) mod disconnect;
pub(crate) mod handler_run;
pub(crate) mod instrument;
mod labels;
pub(crate) mod lifecycle;
pub(crate) mod log;
pub(crate) mod measured;
#[cfg(feature = "prometheus")]
pub(crate) mod prometheus;
pub(crate) mod refusal;
pub(crate) mod stats;
pub(crate) mod words;
