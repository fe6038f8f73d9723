//! Keeps sessions beyond the process: the stores, and what waits to be written to them.

pub(crate) mod failing;
pub(crate) mod keeper;
#[cfg(feature = "sqlite")]
pub mod sqlite;
pub mod store;
