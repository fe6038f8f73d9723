//! Persistence of sessions: the stores, and the writes that are queued for them.

pub(crate) mod keeper;
pub(crate) mod resume_failures;
#[cfg(feature = "sqlite")]
pub mod sqlite;
pub mod store;
