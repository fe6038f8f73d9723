//! What the server counts and logs.

pub(crate) mod log;
pub(crate) mod stats;
