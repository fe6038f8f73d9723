//! Persistence of sessions: the stores, and the writes that are queued for them.

pub(crate) mod keeper;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "sqlite")]
pub mod sqlite;
pub mod store;
