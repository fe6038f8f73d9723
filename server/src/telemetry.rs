//! Counters and logs of the server.

pub(crate) mod log;
pub(crate) mod stats;
